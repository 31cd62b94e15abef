#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "agentd/conf.h"
#include "agentd/conf_value.h"
#include "common/ldap_names.h"

/* inih cuts lines of 200 bytes in two without a word; LINE_LIMIT is what it surely takes whole. */
#define LINE_LIMIT 190
#define FILE_LIMIT 65536

struct key {
	const char *section, *name;
	enum conf_type type;
	int64_t min, max;
	const char *def;
	size_t offset;
};

static const struct key keys[] = {
#define CONF(section, key, type, min, max, def, field)                                             \
	{#section, #key, CONF_##type, min, max, def, offsetof(struct conf, field)},
#include "agentd/conf_table.h"
#undef CONF
};

struct parser {
	FILE *file;
	char *text; /* the line as read */
	size_t text_size;
	const char *path;
	struct conf *conf;
	unsigned int line;
	unsigned int seen_line[ARRAY_SIZE(keys)]; /* 0: not given */
	char *error; /* CONF_ERROR_SIZE bytes; the first one stays */
};

static void fail(struct parser *p, const char *format, ...) PRINTF_LIKE(2, 3);
static void fail(struct parser *p, const char *format, ...)
{
	va_list ap;
	int len;

	if (p->error[0])
		return;
	len = snprintf(p->error, CONF_ERROR_SIZE, "%s:%u: ", p->path, p->line);
	if (len < 0 || len >= CONF_ERROR_SIZE)
		return;
	va_start(ap, format);
	vsnprintf(p->error + len, CONF_ERROR_SIZE - (size_t)len, format, ap);
	va_end(ap);
}

/* One line for inih: counted, without leading blanks (inih would take them for a continuation). */
static char *read_line(char *out, int size, void *stream)
{
	struct parser *p = stream;
	size_t skip;
	ssize_t len;

	if (p->error[0])
		return NULL;
	len = getline(&p->text, &p->text_size, p->file);
	if (len < 0)
		return NULL;
	p->line++;
	skip = strspn(p->text, " \t");
	if (len > LINE_LIMIT || len >= size)
		fail(p, "longer than %d bytes; shorten the line", LINE_LIMIT);
	else if (strlen(p->text) != (size_t)len)
		fail(p, "a NUL byte is in the line; remove it");
	else
		return memcpy(out, p->text + skip, (size_t)len - skip + 1);
	return NULL;
}

static const struct key *key_find(const char *section, const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (!strcmp(keys[i].section, section) && !strcmp(keys[i].name, name))
			return &keys[i];
	return NULL;
}

static bool section_known(const char *section)
{
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (!strcmp(keys[i].section, section))
			return true;
	return false;
}

static int key_set(struct parser *p, const struct key *k, const char *value)
{
	char expected[CONF_EXPECTED_SIZE], shown[128];
	int r;

	r = conf_value_parse(k->type, value, k->min, k->max, (char *)p->conf + k->offset);
	if (r == -ENOMEM) {
		fail(p, "out of memory");
	} else if (r < 0) {
		conf_value_expected(k->type, k->min, k->max, expected);
		name_escape(value, shown, sizeof(shown));
		fail(p, "[%s] %s = '%s' is not %s", k->section, k->name, shown, expected);
	}
	return r;
}

/* R: what became of SECTION's line for GROUP, whose value has TYPE. 1 good, 0 bad. */
static int take_of_group(struct parser *p, const char *section, const char *group, const char *value, enum conf_type type, int r)
{
	char shown[64], shown_value[64], expected[CONF_EXPECTED_SIZE];

	name_escape(group, shown, sizeof(shown));
	if (r == -EEXIST) {
		fail(p, "[%s] %s is given twice; keep one", section, shown);
	} else if (r == -EINVAL) {
		conf_value_expected(type, 0, type == CONF_DURATION ? CONF_LEASE_MAX_MS : 0, expected);
		name_escape(value, shown_value, sizeof(shown_value));
		fail(p, "[%s] %s = '%s' is not %s", section, shown, shown_value, expected);
	} else if (r < 0) {
		fail(p, "out of memory");
	}
	return r == 0;
}

static int take_grant(struct parser *p, const char *group, const char *value)
{
	char shown[64], shown_value[64];
	int r = conf_grant_add(p->conf, group, value);

	name_escape(group, shown, sizeof(shown));
	name_escape(value, shown_value, sizeof(shown_value));
	if (r == -EEXIST)
		fail(p, "[groups] %s is given twice; keep one", shown);
	else if (r == -EINVAL)
		fail(p, "[groups] %s = '%s' is not a list of names of local groups", shown, shown_value);
	else if (r == -EPERM)
		fail(p, "[groups] %s = '%s': nobody of the directory can be in root or muster-sudo*", shown, shown_value);
	else if (r == -E2BIG)
		fail(p, "[groups]: more than %d local groups", CONF_GRANTS_MAX);
	else if (r < 0)
		fail(p, "out of memory");
	return r == 0;
}

static int take_access(struct parser *p, const char *name, const char *value)
{
	char shown[64], why[CONF_EXPECTED_SIZE], shown_why[2 * CONF_EXPECTED_SIZE];
	int r = conf_access_add(p->conf, name, value, p->line, why);

	name_escape(name, shown, sizeof(shown));
	if (r == -EINVAL) {
		name_escape(why, shown_why, sizeof(shown_why));
		fail(p, "[access] %s %s", shown, shown_why);
	} else if (r < 0) {
		fail(p, "out of memory");
	}
	return r == 0;
}

/* inih's handler: 1 good, 0 bad. */
static int take_value(void *user, const char *section, const char *name, const char *value)
{
	struct parser *p = user;
	const struct key *k = key_find(section, name);
	char shown_section[64], shown_name[64];

	name_escape(section, shown_section, sizeof(shown_section));
	name_escape(name, shown_name, sizeof(shown_name));
	if (!section[0]) {
		fail(p, "'%s' stands before the first [section]", shown_name);
		return 0;
	}
	if (!strcmp(section, "lease"))
		return take_of_group(p, section, name, value, CONF_DURATION, conf_lease_add(p->conf, name, value));
	if (!strcmp(section, "groups"))
		return take_grant(p, name, value);
	if (!strcmp(section, "access"))
		return take_access(p, name, value);
	if (!strcmp(section, "shells"))
		return take_of_group(p, section, name, value, CONF_SHELL, conf_shell_add(p->conf, name, value));
	if (!section_known(section)) {
		fail(p, "unknown section [%s]; see muster.conf(5)", shown_section);
		return 0;
	}
	if (!k) {
		fail(p, "unknown key '%s' in [%s]; see muster.conf(5)", shown_name, shown_section);
		return 0;
	}
	if (p->seen_line[k - keys]) {
		fail(p, "[%s] %s is given twice, first in line %u; keep one", section, name,
		     p->seen_line[k - keys]);
		return 0;
	}
	p->seen_line[k - keys] = p->line;
	return key_set(p, k, value) == 0;
}

static int check_file(struct parser *p, int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	p->line = 1;
	if (!S_ISREG(st.st_mode))
		fail(p, "not a regular file");
	else if (st.st_uid != 0 && st.st_uid != geteuid())
		fail(p, "owned by uid %u; chown root it", (unsigned int)st.st_uid);
	else if (st.st_mode & (S_IWGRP | S_IWOTH))
		fail(p, "others can write it; chmod 0644 it");
	p->line = 0;
	if (p->error[0])
		return -EPERM;
	if (st.st_size > FILE_LIMIT) {
		fail(p, "larger than %d bytes", FILE_LIMIT);
		return -EINVAL;
	}
	return 0;
}

/*
 * Without moving the descriptor's position: workers that run at the same time share it, and whoever read from the middle
 * would take defaults for what came before. A last line end makes room for a file of nothing.
 */
static int read_all(int fd, struct buf *ret)
{
	char chunk[4096];
	ssize_t n;
	int r = 0;

	while (r == 0 && (n = TEMP_FAILURE_RETRY(pread(fd, chunk, sizeof(chunk), (off_t)ret->len))) != 0) {
		if (n < 0)
			return -errno;
		r = ret->len > FILE_LIMIT ? -EFBIG : buf_add(ret, chunk, (size_t)n);
	}
	return r < 0 ? r : buf_add(ret, "\n", 1);
}

static int parse_file(struct parser *p, int fd)
{
	CLEANUP(buf_wipe) struct buf text = {0};
	int r = read_all(fd, &text);

	if (r < 0)
		return r;
	p->file = fmemopen(text.data, text.len, "r");
	if (!p->file)
		return -errno;
	r = ini_parse_stream(read_line, p, take_value, p);
	if (!p->error[0] && ferror(p->file))
		fail(p, "cannot be read");
	if (r > 0 && (!p->error[0] || (unsigned int)r < p->line)) { /* inih reads on after its errors */
		p->error[0] = '\0';
		p->line = (unsigned int)r;
		fail(p, "neither [section] nor key = value");
	}
	fclose(p->file);
	free(p->text);
	return p->error[0] ? -EINVAL : 0;
}

static int set_defaults(struct parser *p)
{
	const struct key *url = key_find("directory", "url");

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		int r;

		if (p->seen_line[i])
			continue;
		r = key_set(p, &keys[i], keys[i].def);
		if (r < 0)
			return r;
	}
	if (p->conf->driver != CONF_DRIVER_JUMPCLOUD || p->seen_line[url - keys])
		return 0;
	conf_value_free(url->type, (char *)p->conf + url->offset);
	p->conf->url = NULL;
	return key_set(p, url, CONF_JUMPCLOUD_URL);
}

/* The line to blame for two keys that do not go together: the later one. */
static unsigned int line_of(const struct parser *p, const char *section, const char *a, const char *b)
{
	unsigned int line_a = p->seen_line[key_find(section, a) - keys];
	unsigned int line_b = p->seen_line[key_find(section, b) - keys];

	return line_a > line_b ? line_a : line_b;
}

/* What JumpCloud needs, and where the line is missing: that of the driver. */
static const char *jumpcloud_fault(const struct conf *c)
{
	bool service = c->credential == CONF_CREDENTIAL_SERVICE_ACCOUNT;

	if (strncmp(c->url, "https://", 8) || strpbrk(c->url, "?#%"))
		return "url to be the address of JumpCloud's API, such as " CONF_JUMPCLOUD_URL;
	if (!c->system_id[0])
		return "system_id, as JumpCloud shows it for this device";
	if (!service && !c->api_key_file[0])
		return "api_key_file, or credential = service_account";
	if (service && (!c->client_id[0] || !c->client_secret_file[0]))
		return "client_id and client_secret_file of the service account";
	if (service && strncmp(c->token_url, "https://", 8))
		return "token_url to begin with https://";
	return NULL;
}

static void check_jumpcloud(struct parser *p)
{
	const char *fault = p->conf->driver == CONF_DRIVER_JUMPCLOUD ? jumpcloud_fault(p->conf) : NULL;

	if (!fault)
		return;
	p->line = line_of(p, "directory", "driver", "driver");
	fail(p, "[directory] driver = jumpcloud needs %s", fault);
}

/* What one key alone cannot show. */
static int check_together(struct parser *p)
{
	const struct access_rule *idle = conf_access_idle(p->conf);
	const struct conf *c = p->conf;

	check_jumpcloud(p);
	if (idle) {
		p->line = idle->line;
		fail(p, "[access] %s allows what is allowed without it; let a rule follow that denies, such as others = deny",
		     idle->name);
	}
	if (c->id_min > c->id_max) {
		p->line = line_of(p, "accounts", "id_min", "id_max");
		fail(p, "[accounts] id_min = %u is above id_max = %u", c->id_min, c->id_max);
	} else if (c->password == CONF_PASSWORD_LDAP && !c->ldap_url[0]) {
		p->line = line_of(p, "auth", "password", "ldap_url");
		fail(p, "[auth] password = ldap needs ldap_url");
	} else if (c->password == CONF_PASSWORD_LDAP && !c->org_id[0] && ldap_template_has_org(c->ldap_bind_dn)) {
		p->line = line_of(p, "auth", "password", "ldap_bind_dn");
		fail(p, "[auth] ldap_bind_dn has %%o in it: set [directory] org_id, or a name without it");
	} else if (c->lockout_report && c->driver == CONF_DRIVER_DOCUMENT) {
		p->line = line_of(p, "lockout", "report", "report");
		fail(p, "[lockout] report = yes: a document cannot be told; it needs [directory] driver = jumpcloud");
	} else if (!c->client_cert[0] != !c->client_key[0]) {
		p->line = line_of(p, "directory", "client_cert", "client_key");
		fail(p, "[directory] client_cert and client_key go together");
	}
	return p->error[0] ? -EINVAL : 0;
}

static int copy_file(int from, int to)
{
	char text[4096];
	ssize_t n;

	while ((n = read(from, text, sizeof(text))) > 0)
		if (write(to, text, (size_t)n) != n)
			return -EIO;
	return n < 0 ? -errno : 0;
}

/* Without a file the copy is empty, when that is allowed. */
static int copy(struct parser *p, bool optional, int *ret_fd)
{
	AUTO_CLOSE int fd = open(p->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	AUTO_CLOSE int memory = -1;
	int r = fd < 0 ? -errno : check_file(p, fd);

	if (r < 0 && !(optional && r == -ENOENT))
		return r;
	memory = memfd_create("muster.conf", MFD_CLOEXEC);
	if (memory < 0)
		return -errno;
	r = fd < 0 ? 0 : copy_file(fd, memory);
	if (r == 0)
		*ret_fd = TAKE_FD(memory);
	return r;
}

static int explain(const struct parser *p, int r)
{
	if (r < 0 && !p->error[0])
		snprintf(p->error, CONF_ERROR_SIZE, "%s: %s", p->path, strerror(-r));
	return r;
}

int conf_copy(const char *path, int *ret_fd, char ret_error[static CONF_ERROR_SIZE])
{
	struct parser p = {.path = path ? path : MUSTER_CONF, .error = ret_error};

	ret_error[0] = '\0';
	return explain(&p, copy(&p, !path, ret_fd));
}

int conf_load_fd(int fd, const char *path, struct conf *ret, char ret_error[static CONF_ERROR_SIZE])
{
	struct parser p = {.path = path ? path : MUSTER_CONF, .conf = ret, .error = ret_error};
	int r;

	ret_error[0] = '\0';
	r = parse_file(&p, fd);
	if (r == 0)
		r = set_defaults(&p);
	if (r == 0)
		r = check_together(&p);
	return explain(&p, r);
}

int conf_load(const char *path, struct conf *ret, char ret_error[static CONF_ERROR_SIZE])
{
	AUTO_CLOSE int fd = -1;
	int r = conf_copy(path, &fd, ret_error);

	return r < 0 ? r : conf_load_fd(fd, path, ret, ret_error);
}

void conf_done(struct conf *c)
{
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		conf_value_free(keys[i].type, (char *)c + keys[i].offset);
	conf_lease_done(c);
	conf_grant_done(c);
	conf_access_done(c);
	conf_shell_done(c);
	memset(c, 0, sizeof(*c));
}

uint64_t conf_fingerprint(const struct conf *c)
{
	uint64_t sum = conf_shell_sum(c, conf_grant_sum(c, conf_lease_sum(c, 0)));

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		size_t len;
		const void *bytes = conf_value_bytes(keys[i].type, (const char *)c + keys[i].offset, &len);

		sum = XXH3_64bits_withSeed(len ? bytes : "", len, sum + i + 1);
	}
	return sum;
}

bool conf_adopts(const struct conf *c, const char *name)
{
	return strlist_has(&c->adopt, name) || strlist_has(&c->adopt, CONF_ADOPT_ALL);
}
