#include "tests/unit/pam_world.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <liboath/oath.h>

#include "common/clock.h"
#include "common/paths.h"
#include "common/snapshot_writer.h"
#include "tests/unit/pam_wrap.h"

#define CONF_DIR  "pam.d"
#define WORLD_DIR "test_pam.dir"
#define FIRST_UID 70001

/* crypt(3) of PASSWORD, cheap: thousands of these are made. */
#define HASH "$5$rounds=1000$mustermuster$6W39CB7u6lXxVbktgDTbLklVPubf1eJqJkvgZ5DObm2"
/* crypt(3) of DUMMY_PASSWORD, which must open nothing. */
#define DUMMY "$5$rounds=1000$dummydummy$99IHLixRwl8AR8PN1Ed62I6lEVE9KDDh7poieY/9oc3"

int64_t world_now(void)
{
	return time(NULL);
}

void world_init(struct world *w)
{
	static const char services[] = "mt_later";
	struct clock_reading r;

	*w = (struct world){
		.info = {.kind = SNAPSHOT_PAM,
			 .generation = 17,
			 .created_at = world_now(),
			 .confirmed_at = world_now(),
			 .id_min = 1000,
			 .id_max = 2147483647},
		.policy = {.max_attempts = 5,
			   .window_s = 900,
			   .lock_time_s = 900,
			   .lease_s = 14 * 86400,
			   .warn_s = 7 * 86400,
			   .portal_url = "https://portal.example",
			   .dummy_hash = DUMMY,
			   .reason_services = {services, sizeof(services), 1}},
		.status = {.directory_url = "", .driver = "document", .last_error = ""},
	};
	assert_int_equal(clock_read(&r), 0);
	w->status.mark = clock_advance(&w->status.mark, &r, 0);
}

void world_done(struct world *w)
{
	buf_done(&w->policy_raw);
	buf_done(&w->status_raw);
	buf_done(&w->account_raw);
}

struct account *world_add(struct world *w, const char *name)
{
	struct account *a = &w->users[w->n_users];

	assert_true(w->n_users < WORLD_USERS_MAX);
	*a = (struct account){
		.id = name,
		.name = name,
		.gecos = "",
		.home = "/home/x",
		.shell = "/bin/sh",
		.email = "",
		.uid = FIRST_UID + (uint32_t)w->n_users,
		.gid = FIRST_UID,
		.state = USER_ACTIVATED,
		.bound = true,
		.activated = true,
		.password_hash = HASH,
		.totp_secret = "",
	};
	w->n_users++;
	return a;
}

/* RAW when it holds anything, else what PACK made. */
#define RECORD(raw, made) ((raw).data ? &(raw) : &(made))

static void write_snapshot(const struct world *w, int fd)
{
	struct snapshot_writer *writer;
	struct buf policy = {0}, status = {0};
	const struct buf *b;

	assert_int_equal(snapshot_writer_new(fd, &w->info, &writer), 0);
	for (size_t i = 0; i < w->n_users; i++) {
		struct buf record = {0};

		assert_int_equal(record_account_pack(&w->users[i], &record), 0);
		b = RECORD(w->account_raw, record);
		assert_int_equal(snapshot_writer_account(writer, w->users[i].name,
							 FIRST_UID + (uint32_t)i, b->data, b->len),
				 0);
		buf_done(&record);
	}
	assert_int_equal(record_policy_pack(&w->policy, &policy), 0);
	b = RECORD(w->policy_raw, policy);
	if (!w->without_policy)
		assert_int_equal(snapshot_writer_policy(writer, b->data, b->len), 0);
	assert_int_equal(record_status_pack(&w->status, &status), 0);
	b = RECORD(w->status_raw, status);
	assert_int_equal(snapshot_writer_status(writer, b->data, b->len), 0);
	assert_int_equal(snapshot_writer_finish(writer), 0);
	buf_done(&policy);
	buf_done(&status);
	snapshot_writer_free(writer);
}

void world_publish(const struct world *w, const char *dir)
{
	AUTO_FREE char *path = str_format("%s/" PAM_SNAPSHOT, dir);
	AUTO_FREE char *next = str_format("%s/next", dir);
	AUTO_CLOSE int fd = open(next, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	write_snapshot(w, fd);
	assert_int_equal(rename(next, path), 0);
}

char *world_read(const char *dir, size_t *ret_len)
{
	AUTO_FREE char *path = str_format("%s/" PAM_SNAPSHOT, dir);
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	char *data;

	assert_true(fd >= 0 && fstat(fd, &st) == 0);
	data = malloc((size_t)st.st_size);
	assert_non_null(data);
	assert_int_equal(read(fd, data, (size_t)st.st_size), st.st_size);
	*ret_len = (size_t)st.st_size;
	return data;
}

void world_write(const char *dir, const char *data, size_t len)
{
	AUTO_FREE char *path = str_format("%s/" PAM_SNAPSHOT, dir);
	AUTO_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, len), len);
}

/* DIR and all that lies in it. */
static void remove_dir(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;

	while (d && (e = readdir(d))) {
		AUTO_FREE char *path = str_format("%s/%s", dir, e->d_name);

		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (unlink(path) < 0)
			remove_dir(path);
	}
	if (d)
		closedir(d);
	rmdir(dir);
}

void world_reset(void)
{
	remove_dir(RUN_DIR);
	remove_dir(STATE_DIR);
	assert_int_equal(mkdir(RUN_DIR, 0755), 0);
	assert_int_equal(mkdir(STATE_DIR, 0755), 0);
}

/* What is not PAM_SUCCESS ends the stack as it is; PAM_IGNORE alone comes to the second line. */
static void write_service(const char *name, const char *arguments)
{
	static const char *const types[] = {"auth", "account", "session"};
	AUTO_FREE char *path = str_format(CONF_DIR "/%s", name);
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	for (size_t i = 0; i < 3; i++)
		fprintf(f,
			"%s [success=done ignore=ignore default=die] " MODULE " %s\n"
			"%s [default=die] pam_debug.so auth=cred_err cred=cred_err acct=cred_err "
			"open_session=cred_err close_session=cred_err\n",
			types[i], arguments, types[i]);
	fprintf(f, "password required " MODULE " %s\n", arguments);
	assert_int_equal(fclose(f), 0);
}

/* Asked for a password by one module, given to the next. */
static void write_stack(const char *name, const char *arguments)
{
	AUTO_FREE char *path = str_format(CONF_DIR "/%s", name);
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fprintf(f, "auth [default=ignore] " MODULE "\nauth required " MODULE " %s\n", arguments);
	assert_int_equal(fclose(f), 0);
}

/* A refused preliminary check does not keep the update from being asked for. */
static void write_stubborn(const char *name)
{
	AUTO_FREE char *path = str_format(CONF_DIR "/%s", name);
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fprintf(f, "password [success=die default=ignore] " MODULE
		   "\npassword required pam_permit.so\n");
	assert_int_equal(fclose(f), 0);
}

int world_setup(void **state)
{
	(void)state;
	remove_dir(WORLD_DIR);
	assert_int_equal(mkdir(WORLD_DIR, 0755), 0);
	assert_int_equal(chdir(WORLD_DIR), 0);
	assert_int_equal(mkdir(CONF_DIR, 0755), 0);
	write_service("mt_plain", "");
	write_service("mt_later", "");
	write_service("mt_first", "use_first_pass");
	write_service("mt_try", "use_authtok try_first_pass");
	write_service("mt_gate", "gate");
	write_service("mt_typo", "gaet");
	write_stubborn("mt_stubborn");
	write_stack("mt_stack", "");
	write_stack("mt_stackfirst", "use_first_pass");
	write_stack("mt_stacktry", "try_first_pass");
	world_reset();
	return 0;
}

int world_teardown(void **state)
{
	(void)state;
	if (chdir("..") < 0)
		return -1;
	remove_dir(WORLD_DIR);
	return 0;
}

static int answer(struct attempt *a, const struct pam_message *m, struct pam_response *r)
{
	size_t used = strlen(a->said);

	if (m->msg_style != PAM_PROMPT_ECHO_OFF) {
		snprintf(a->said + used, sizeof(a->said) - used, "%s\n", m->msg);
		return PAM_SUCCESS;
	}
	a->prompts++;
	if (strstr(m->msg, "Verification code"))
		a->code_prompts++;
	if (a->conv_code != PAM_SUCCESS)
		return a->conv_code;
	if (!a->password || (a->code_broken && a->code_prompts))
		return PAM_CONV_ERR;
	r->resp = strdup(a->code && strstr(m->msg, "Verification code") ? a->code : a->password);
	return r->resp ? PAM_SUCCESS : PAM_BUF_ERR;
}

static int conversation(int n, const struct pam_message **m, struct pam_response **ret, void *data)
{
	struct pam_response *r = calloc((size_t)n, sizeof(*r));

	assert_int_equal(n, 1);
	int code = answer(data, m[0], r);
	if (code == PAM_SUCCESS)
		*ret = r;
	else
		free(r);
	return code;
}

/* Instead of libpam's sleep. */
static void no_delay(int code, unsigned int us, void *data)
{
	(void)code;
	(void)us;
	(void)data;
}

static int call(enum pam_op op, pam_handle_t *pamh, int flags)
{
	switch (op) {
	case OP_AUTH:
		return pam_authenticate(pamh, flags);
	case OP_ACCOUNT:
		return pam_acct_mgmt(pamh, flags);
	case OP_SETCRED:
		return pam_setcred(pamh, flags | PAM_ESTABLISH_CRED);
	case OP_OPEN:
		return pam_open_session(pamh, flags);
	case OP_CLOSE:
		return pam_close_session(pamh, flags);
	case OP_CHAUTHTOK:
		return pam_chauthtok(pamh, flags);
	}
	return PAM_SYSTEM_ERR;
}

int attempt(enum pam_op op, struct attempt *a)
{
	struct pam_conv conv = {a->no_conversation ? NULL : conversation, a};
	void (*delay)(int, unsigned int, void *) = no_delay;
	const char *service = a->service ? a->service : "mt_plain";
	const void *user = NULL;
	pam_handle_t *pamh;

	pam_wrap.calls = pam_wrap.hashes = pam_wrap.prompts = pam_wrap.fail_delay_us = 0;
	pam_wrap.written = pam_wrap.uncounted = pam_wrap.secret_left = pam_wrap.wrote_elsewhere =
		false;
	pam_wrap.dummy = DUMMY;
	pam_wrap.verifier = HASH;
	pam_wrap.seed = SEED;
	pam_wrap.code = a->code && strlen(a->code) >= 6 ? a->code : NULL;
	a->prompts = a->code_prompts = 0;
	a->said[0] = '\0';
	pam_wrap.log[0] = '\0';
	pam_wrap.writable = TALLY_DIR "/";
	pam_wrap.secret = a->password && strlen(a->password) > 8 ? a->password : NULL;
	assert_int_equal(pam_start_confdir(service, a->user, &conv, CONF_DIR, &pamh), PAM_SUCCESS);
	assert_int_equal(pam_set_item(pamh, PAM_FAIL_DELAY, (const void *)delay), PAM_SUCCESS);
	if (a->rhost)
		assert_int_equal(pam_set_item(pamh, PAM_RHOST, a->rhost), PAM_SUCCESS);
	int code = call(op, pamh, a->flags);
	assert_int_equal(pam_get_item(pamh, PAM_USER, &user), PAM_SUCCESS);
	assert_string_equal(user, a->user);
	pam_end(pamh, code);
	assert_false(pam_wrap.wrote_elsewhere);
	assert_false(pam_wrap.secret_left);
	return code;
}

const char *world_code(int steps)
{
	static char code[7];
	char *seed = NULL;
	size_t len;

	assert_int_equal(oath_base32_decode(SEED, strlen(SEED), &seed, &len), OATH_OK);
	assert_int_equal(oath_totp_generate(seed, len, time(NULL) + steps * 30, 30, 0, 6, code), OATH_OK);
	free(seed);
	return code;
}

int try_password(const char *user, const char *password)
{
	struct attempt a = {.user = user, .password = password};

	return attempt(OP_AUTH, &a);
}

int try_account(const char *user)
{
	struct attempt a = {.user = user};

	return attempt(OP_ACCOUNT, &a);
}
