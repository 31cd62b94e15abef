#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "agentd/file.h"
#include "agentd/local_private.h"
#include "common/names.h"
#include "common/str.h"

/* shadow's own defaults, where login.defs is silent. */
#define SUB_MIN 100000u
#define SUB_MAX 600100000u

struct entry {
	const char *name;
	uint32_t uid, gid; /* NO_ID: none, or not readable */
	const char *shell;
};
#define NO_ID UINT32_MAX

struct range {
	uint32_t first, last;
};

static const struct {
	const char *name;
	bool needed;
} files[N_FILES] = {
	{"passwd", true},  {"group", true},	  {"subuid", false},
	{"subgid", false}, {"login.defs", false}, {"shells", false},
	{"muster/adopted", false},
};

/* Cuts the next line out of *REST; NULL at the end. */
static char *next_line(char **rest)
{
	char *line = *rest;
	size_t len = strcspn(line, "\n");

	if (!*line)
		return NULL;
	*rest = line + len + (line[len] == '\n');
	line[len] = '\0';
	return line;
}

/* Cuts the next field, up to ':', out of *REST; "" when there are no more. */
static char *next_field(char **rest)
{
	char *field = *rest;
	size_t len = strcspn(field, ":");

	*rest = field + len + (field[len] == ':');
	field[len] = '\0';
	return field;
}

static uint32_t id_field(char **rest)
{
	uint32_t id;

	return parse_u32(next_field(rest), 0, NO_ID - 1, &id) == 0 ? id : NO_ID;
}

static int add_id(struct buf *b, uint32_t id)
{
	return id == NO_ID ? 0 : buf_add(b, &id, sizeof(id));
}

/* NIS compatibility lines begin with '+' or '-'; what follows is a name all the same. */
static const char *entry_name(char **rest)
{
	const char *name = next_field(rest);

	return name + (*name == '+' || *name == '-');
}

static int read_passwd(struct local *l, char *text)
{
	int r = 0;

	for (char *line; r == 0 && (line = next_line(&text));) {
		bool nis = *line == '+' || *line == '-';
		struct entry e = {.name = entry_name(&line)};

		next_field(&line);
		e.uid = id_field(&line);
		e.gid = id_field(&line);
		next_field(&line);
		next_field(&line);
		e.shell = next_field(&line);
		if (!*e.name)
			continue;
		r = buf_add(&l->names, &e.name, sizeof(e.name));
		/* PAM knows no such line: who has nothing else cannot be taken over */
		if (r == 0 && !nis)
			r = buf_add(&l->users, &e, sizeof(e));
		if (r == 0)
			r = add_id(&l->uids, e.uid);
		if (r == 0) /* a gid that no group has belongs to somebody all the same */
			r = add_id(&l->gids, e.gid);
	}
	return r;
}

static int read_group(struct local *l, char *text)
{
	int r = 0;

	for (char *line; r == 0 && (line = next_line(&text));) {
		bool nis = *line == '+' || *line == '-';
		struct entry e = {.name = entry_name(&line), .uid = NO_ID};

		next_field(&line);
		e.gid = id_field(&line);
		if (!*e.name)
			continue;
		r = buf_add(&l->names, &e.name, sizeof(e.name));
		if (r == 0)
			r = add_id(&l->gids, e.gid);
		if (r == 0 && !nis)
			r = buf_add(&l->groups, &e, sizeof(e));
	}
	return r;
}

static int read_ranges(struct local *l, char *text)
{
	int r = 0;

	for (char *line; r == 0 && (line = next_line(&text));) {
		uint32_t first, count;

		next_field(&line);
		first = id_field(&line);
		count = id_field(&line);
		if (first == NO_ID || count == NO_ID || count == 0)
			continue;
		if (count > UINT32_MAX - first)
			count = UINT32_MAX - first;
		r = buf_add(&l->ranges, &(struct range){first, first + count - 1}, sizeof(struct range));
	}
	return r;
}

/* "KEY  value" of login.defs, when LINE is that. */
static void read_setting(const char *line, const char *key, uint32_t *value)
{
	size_t len = strlen(key);
	char number[16];

	line += strspn(line, " \t");
	if (strncmp(line, key, len) != 0 || !strchr(" \t", line[len]))
		return;
	line += len + strspn(line + len, " \t");
	if (str_print(number, sizeof(number), "%.*s", (int)strcspn(line, " \t#"), line) == 0 &&
	    parse_u32(number, 0, UINT32_MAX, value) < 0)
		return; /* the default stays, as with shadow */
}

static int read_login_defs(struct local *l, char *text)
{
	struct range uids = {SUB_MIN, SUB_MAX}, gids = uids;
	int r;

	for (char *line; (line = next_line(&text));) {
		read_setting(line, "UID_MIN", &l->uid_min);
		read_setting(line, "SUB_UID_MIN", &uids.first);
		read_setting(line, "SUB_UID_MAX", &uids.last);
		read_setting(line, "SUB_GID_MIN", &gids.first);
		read_setting(line, "SUB_GID_MAX", &gids.last);
	}
	r = buf_add(&l->ranges, &uids, sizeof(uids));
	return r < 0 ? r : buf_add(&l->ranges, &gids, sizeof(gids));
}

static int read_shells(struct local *l, char *text)
{
	static const char fallback[] = "/bin/sh\0/bin/csh";
	int r = 0;

	if (!l->text[FILE_SHELLS].data)
		return buf_add(&l->shells, fallback, sizeof(fallback));
	for (char *line; r == 0 && (line = next_line(&text));) {
		line[strcspn(line, "# \t")] = '\0';
		if (*line == '/')
			r = buf_add(&l->shells, line, strlen(line) + 1);
	}
	return r;
}

/* A bare name, for pam_listfile, and a comment have no uid. */
static int read_adopted(struct local *l, char *text)
{
	int r = 0;

	for (char *line; r == 0 && (line = next_line(&text));) {
		struct local_adopted a = {.name = next_field(&line), .uid = id_field(&line)};

		a.locked = !strcmp(next_field(&line), LOCAL_ADOPTED_LOCKED);
		if (name_valid(a.name) && a.uid != NO_ID)
			r = buf_add(&l->adopted, &a, sizeof(a));
	}
	return r;
}

static int compare_names(const void *a, const void *b)
{
	return strcasecmp(*(const char *const *)a, *(const char *const *)b);
}

static int compare_ids(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static void sort(struct buf *b, size_t size, int (*compare)(const void *, const void *))
{
	if (b->len)
		qsort(b->data, b->len / size, size, compare);
}

static const void *find(const struct buf *b, size_t size, const void *key,
			int (*compare)(const void *, const void *))
{
	return b->len ? bsearch(key, b->data, b->len / size, size, compare) : NULL;
}

static int parse_files(struct local *l)
{
	static int (*const readers[N_FILES])(struct local *, char *) = {
		read_passwd, read_group, read_ranges, read_ranges, read_login_defs, read_shells, read_adopted,
	};
	int r = 0;

	for (size_t i = 0; r == 0 && i < N_FILES; i++) {
		char none[] = "";

		r = readers[i](l, l->text[i].data ? (char *)l->text[i].data : none);
	}
	sort(&l->names, sizeof(char *), compare_names);
	sort(&l->uids, sizeof(uint32_t), compare_ids);
	sort(&l->gids, sizeof(uint32_t), compare_ids);
	return r;
}

static int read_files(struct local *l, const char *etc, char *error)
{
	for (size_t i = 0; i < N_FILES; i++) {
		AUTO_FREE char *path = str_format("%s/%s", etc, files[i].name);
		int r = path ? file_read(path, FILE_LIMIT, &l->text[i]) : -ENOMEM;

		if (r < 0 && (r != -ENOENT || files[i].needed)) {
			snprintf(error, LOCAL_ERROR_SIZE, "%s/%s: %s", etc, files[i].name, strerror(-r));
			return r;
		}
		l->fingerprint = XXH3_64bits_withSeed(l->text[i].data ? (char *)l->text[i].data : "",
						      l->text[i].len, l->fingerprint + i + 1);
	}
	return 0;
}

int local_load(const char *etc, struct local **ret, char ret_error[static LOCAL_ERROR_SIZE])
{
	CLEANUP(local_freep) struct local *l = calloc(1, sizeof(*l));
	int r;

	snprintf(ret_error, LOCAL_ERROR_SIZE, "out of memory");
	if (!l)
		return -ENOMEM;
	l->uid_min = ID_FLOOR;
	r = read_files(l, etc, ret_error);
	if (r == 0)
		r = parse_files(l);
	if (r == 0)
		r = local_look_at_shells(l);
	if (r < 0)
		return r;
	ret_error[0] = '\0';
	*ret = TAKE(l);
	return 0;
}

void local_free(struct local *l)
{
	if (!l)
		return;
	for (size_t i = 0; i < N_FILES; i++)
		buf_done(&l->text[i]);
	buf_done(&l->users);
	buf_done(&l->groups);
	buf_done(&l->names);
	buf_done(&l->uids);
	buf_done(&l->gids);
	buf_done(&l->ranges);
	buf_done(&l->shells);
	buf_done(&l->adopted);
	buf_done(&l->missing);
	buf_done(&l->shadow_left);
	free(l);
}

void local_freep(struct local **l)
{
	local_free(*l);
}

bool local_name_taken(const struct local *l, const char *name)
{
	return find(&l->names, sizeof(char *), &name, compare_names);
}

bool local_uid_taken(const struct local *l, uint32_t uid)
{
	return find(&l->uids, sizeof(uint32_t), &uid, compare_ids);
}

bool local_gid_taken(const struct local *l, uint32_t gid)
{
	return find(&l->gids, sizeof(uint32_t), &gid, compare_ids);
}

bool local_id_subordinate(const struct local *l, uint32_t id)
{
	const struct range *ranges = (const struct range *)(const void *)l->ranges.data;

	for (size_t i = 0; i < l->ranges.len / sizeof(*ranges); i++)
		if (id >= ranges[i].first && id <= ranges[i].last)
			return true;
	return false;
}

static const struct entry *users(const struct local *l, size_t *ret_n)
{
	*ret_n = l->users.len / sizeof(struct entry);
	return (const struct entry *)(const void *)l->users.data;
}

/* The first line counts, as with glibc. NULL: none. */
static const struct entry *find_user(const struct local *l, const char *name)
{
	size_t n;
	const struct entry *e = users(l, &n);

	for (size_t i = 0; i < n; i++)
		if (!strcmp(e[i].name, name) && e[i].uid != NO_ID && e[i].gid != NO_ID)
			return &e[i];
	return NULL;
}

int local_user(const struct local *l, const char *name, uint32_t *ret_uid, uint32_t *ret_gid)
{
	const struct entry *e = find_user(l, name);

	if (!e)
		return -ESRCH;
	*ret_uid = e->uid;
	*ret_gid = e->gid;
	return 0;
}

/* Nobody logs in with it. */
static bool is_no_shell(const char *shell)
{
	const char *slash = strrchr(shell, '/');
	const char *base = slash ? slash + 1 : shell;

	return !strcmp(base, "nologin") || !strcmp(base, "false") || !strcmp(base, "sync");
}

const char *local_adopt_fault(const struct local *l, const char *name)
{
	size_t n, same = 0;
	const struct entry *all = users(l, &n), *e = find_user(l, name);

	if (!e)
		return NULL;
	if (!id_floor_ok(e->uid) || e->uid < l->uid_min || name_reserved(name) || is_no_shell(e->shell))
		return "adopt_system";
	for (size_t i = 0; i < n; i++)
		same += all[i].uid == e->uid;
	return same > 1 ? "adopt_uid_shared" : NULL;
}

const struct local_adopted *local_adopted(const struct local *l, size_t place)
{
	if (place >= l->adopted.len / sizeof(struct local_adopted))
		return NULL;
	return (const struct local_adopted *)(const void *)l->adopted.data + place;
}

bool local_is_adopted(const struct local *l, const char *name)
{
	const struct entry *e = find_user(l, name);
	const struct local_adopted *a;

	for (size_t i = 0; e && (a = local_adopted(l, i)); i++)
		if (!strcmp(a->name, name) && a->uid == e->uid)
			return true;
	return false;
}

/* Of two with one name the first counts, as for getgrnam(3); one that cannot be read hides none. */
int local_group(const struct local *l, const char *name, uint32_t *ret_gid)
{
	const struct entry *groups = (const struct entry *)(const void *)l->groups.data;

	for (size_t i = 0; i < l->groups.len / sizeof(*groups); i++) {
		if (strcmp(groups[i].name, name) != 0 || groups[i].gid == NO_ID)
			continue;
		*ret_gid = groups[i].gid;
		return 0;
	}
	return -ESRCH;
}

uint64_t local_fingerprint(const struct local *l)
{
	return l->fingerprint;
}
