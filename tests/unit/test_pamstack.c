/*
 * Stacks of /etc/pam.d: what pamstack_run() says a stack ends in is what libpam says, which runs the same
 * files with a module of ours that returns what its argument names; and files that nobody should write do no
 * harm.
 */
#include "unit.h"

#include <fcntl.h>
#include <security/pam_appl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/macros.h"
#include "ctl/doctor/pamstack.h"

static char dir[] = "/tmp/test_pamstack.XXXXXX";
static const char *const files[] = {"service", "part", "deeper", "other"};

static void put(const char *name, const char *text)
{
	AUTO_FREE char *path = str_format("%s/%s", dir, name);
	AUTO_CLOSE int fd = -1;

	assert_non_null(path);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static int load(enum pamstack_type type, struct pamstack *s)
{
	return pamstack_load(dir, "service", type, s);
}

/* As pam_answer.so does. */
static int answer(const struct pamstack_entry *e, const void *data)
{
	uint32_t code;

	(void)data;
	return parse_u32(e->args, 0, PAMSTACK_RETURNS - 1, &code) == 0 ? (int)code : PAM_SERVICE_ERR;
}

static int no_talk(int n, const struct pam_message **m, struct pam_response **r, void *data)
{
	(void)n, (void)m, (void)r, (void)data;
	return PAM_CONV_ERR;
}

static int run_libpam(void)
{
	const struct pam_conv conv = {no_talk, NULL};
	pam_handle_t *pamh;
	int r;

	assert_int_equal(pam_start_confdir("service", "nobody", &conv, dir, &pamh), PAM_SUCCESS);
	r = pam_acct_mgmt(pamh, 0);
	pam_end(pamh, r);
	return r;
}

/*
 * M: the module that answers; P and D: the files part and deeper, by absolute path, since libpam includes
 * from /etc/pam.d alone.
 */
static char *spell_out(const char *text)
{
	struct buf b = {0};

	for (; *text; text++) {
		AUTO_FREE char *piece = *text == 'M'   ? strdup(PAM_ANSWER)
					: *text == 'P' ? str_format("%s/part", dir)
					: *text == 'D' ? str_format("%s/deeper", dir)
						       : str_format("%c", *text);

		assert_non_null(piece);
		assert_int_equal(buf_add(&b, piece, strlen(piece)), 0);
	}
	assert_int_equal(buf_add(&b, "", 1), 0);
	return (char *)b.data;
}

static void put_stack(const char *name, const char *text)
{
	AUTO_FREE char *real = spell_out(text);

	put(name, real);
}

static void test_as_libpam(void **state)
{
	static const struct {
		const char *service, *part, *deeper;
	} stacks[] = {
		{"account required M 0\n", "", ""},
		{"account required M 7\naccount required M 0\n", "", ""},
		{"account requisite M 6\naccount required M 7\n", "", ""},
		{"account sufficient M 0\naccount required M 7\n", "", ""},
		{"account sufficient M 7\naccount required M 0\n", "", ""},
		{"account sufficient M 25\n", "", ""},
		{"account optional M 7\n", "", ""},
		{"account optional M 0\n", "", ""},
		{"account required M 12\naccount required M 0\n", "", ""},
		{"account required M 0\naccount required M 12\n", "", ""},
		{"account [success=1 default=ignore] M 0\naccount required M 7\naccount required M 0\n", "",
		 ""},
		{"account [success=1 default=ignore] M 0\naccount required M 7\n", "", ""},
		{"account [success=2 default=ignore] M 0\naccount required M 7\n", "", ""},
		{"account [success=1 default=ignore] M 10\naccount requisite M 13\naccount required M 0\n",
		 "", ""},
		{"account [success=done default=die] M 13\naccount required M 0\n", "", ""},
		{"account [success=done default=die] M 0\naccount required M 7\n", "", ""},
		{"account [success=ok] M 25\naccount required M 0\n", "", ""},
		{"account [default=bad success=ok user_unknown=ignore] M 10\naccount required M 0\n", "", ""},
		{"account required M 7\naccount [success=reset default=reset] M 0\naccount required M 0\n",
		 "", ""},
		{"account include P\naccount required M 0\n",
		 "account sufficient M 0\naccount required M 7\n", ""},
		{"account substack P\naccount required M 0\n",
		 "account sufficient M 0\naccount required M 7\n", ""},
		{"account substack P\naccount required M 7\n",
		 "account sufficient M 0\naccount required M 7\n", ""},
		{"account substack P\naccount required M 0\n",
		 "account requisite M 6\naccount required M 0\n", ""},
		{"account [success=1 default=ignore] M 0\naccount substack P\naccount required M 0\n",
		 "account required M 7\naccount required M 7\n", ""},
		{"account substack P\naccount required M 0\n",
		 "account [success=1] M 0\naccount substack D\naccount required M 0\n",
		 "account required M 7\n"},
		{"account substack P\naccount required M 0\n",
		 "account [success=5 default=ignore] M 0\naccount required M 0\n", ""},
		{"account required M 0\naccount substack P\naccount required M 0\n",
		 "account required M 7\naccount [default=reset] M 0\n", ""},
		{"@include P\naccount required M 0\n",
		 "auth required M 7\naccount required M 0\nsession required M 7\n", ""},
		{"account\trequired \\\n M 0 # but\n-account optional M 7\n", "", ""},
		{"auth required M 0\n", "", ""},
	};
	struct pamstack s;

	(void)state;
	put_stack("other", "account required M 13\n");
	for (size_t i = 0; i < ARRAY_SIZE(stacks); i++) {
		int r, want;

		put_stack("service", stacks[i].service);
		put_stack("part", stacks[i].part);
		put_stack("deeper", stacks[i].deeper);
		assert_int_equal(load(PAMSTACK_ACCOUNT, &s), 0);
		want = run_libpam();
		if (s.count == 0) { /* the stack of "other" then */
			pamstack_done(&s);
			assert_int_equal(pamstack_load(dir, "other", PAMSTACK_ACCOUNT, &s), 0);
		}
		r = pamstack_run(&s, answer, NULL);
		if (r != want)
			fail_msg("stack %zu: %d, and libpam says %d\n%s%s", i, r, want, stacks[i].service,
				 stacks[i].part);
		pamstack_done(&s);
	}
}

static void test_entries(void **state)
{
	struct pamstack s;
	const struct pamstack_entry *e;

	(void)state;
	put("part", "# of others\nauth required /lib/security/pam_unix.so nullok  try_first_pass\n");
	put("service",
	    "@include part\n\nauth [success=1 default=ignore] pam_muster.so\nauth requisite pam_deny\n");
	assert_int_equal(load(PAMSTACK_AUTH, &s), 0);
	assert_int_equal(s.count, 3);
	e = pamstack_find(&s, "pam_unix");
	assert_non_null(e);
	assert_string_equal(e->args, "nullok  try_first_pass");
	assert_non_null(strstr(e->file, "/part"));
	assert_int_equal(e->line, 2);
	e = pamstack_find(&s, "pam_muster");
	assert_true(e && e->line == 3 && e->actions[PAM_SUCCESS] == 1 &&
		    e->actions[PAM_AUTH_ERR] == PAMSTACK_IGNORE);
	assert_string_equal(e->args, "");
	assert_non_null(pamstack_find(&s, "pam_deny"));
	assert_null(pamstack_find(&s, "pam_permit"));
	pamstack_done(&s);
	put("service", "auth required pam_unix.so\n");
	assert_int_equal(load(PAMSTACK_ACCOUNT, &s), 0);
	assert_int_equal(s.count, 0);
	assert_int_not_equal(pamstack_run(&s, answer, NULL), PAM_SUCCESS);
	pamstack_done(&s);
	assert_int_equal(pamstack_load(dir, "nowhere", PAMSTACK_AUTH, &s), -ENOENT);
	pamstack_done(&s);
}

static void assert_refused(const char *text, int r, const char *where)
{
	struct pamstack s;
	int got;

	put("service", text);
	got = load(PAMSTACK_AUTH, &s);
	if (got != r || !strstr(s.error, where) || s.count)
		fail_msg("%d, '%s' for\n%s", got, s.error, text);
	pamstack_done(&s);
}

static void test_nonsense(void **state)
{
	AUTO_FREE char *long_line = NULL;
	CLEANUP(buf_done) struct buf many = {0};

	(void)state;
	put("part", "auth include service\n");
	assert_refused("auth include service\n", -ELOOP, "service:1");
	assert_refused("auth include part\n", -ELOOP, "include each other");
	assert_refused("auth substack part\n", -ELOOP, "include each other");
	assert_refused("\n@include nowhere\n", -EINVAL, "nowhere");
	assert_refused("auth\n", -EINVAL, "service:1");
	assert_refused("auth required\n", -EINVAL, "service:1");
	assert_refused("\nauth include\n", -EINVAL, "service:2");
	assert_refused("@include", -EINVAL, "service:1");
	assert_refused("auth perhaps pam_unix.so\n", -EINVAL, "control");
	assert_refused("auth [success] pam_unix.so\n", -EINVAL, "control");
	assert_refused("auth [success=maybe] pam_unix.so\n", -EINVAL, "control");
	assert_refused("auth [glory=ok] pam_unix.so\n", -EINVAL, "control");
	assert_refused("auth [success=-3] pam_unix.so\n", -EINVAL, "control");
	assert_refused("auth [success=4294967297] pam_unix.so\n", -EINVAL, "control");
	assert_refused("auth [success=ok default=bad\n", -EINVAL, "no module");
	for (int i = 0; i <= PAMSTACK_ENTRIES_MAX; i++)
		assert_int_equal(buf_add(&many, "auth required x\n", 16), 0);
	assert_int_equal(buf_add(&many, "", 1), 0);
	assert_refused((char *)many.data, -E2BIG, "more modules");
	/* each includes the next twice: 2^16 files without a loop */
	put("part", "auth include deeper\nauth include deeper\n");
	many.len = 0;
	for (int i = 0; i < 300; i++)
		assert_int_equal(buf_add(&many, "auth include part\n", 18), 0);
	assert_int_equal(buf_add(&many, "", 1), 0);
	put("deeper", "");
	assert_refused((char *)many.data, -E2BIG, "too many files");
}

/* Cut and changed anywhere, a stack is read or refused. */
static void test_damaged(void **state)
{
	static const char text[] =
		"@include part\nauth [success=1 default=ignore] pam_a.so x\\\n y # z\nauth substack deeper\n"
		"-auth sufficient /lib/pam_b.so [a b]\n";
	static const char bytes[] = "\\[]#@=\n \t\xff-";
	char copy[sizeof(text)];
	struct pamstack s;

	(void)state;
	put("part", "auth required pam_c.so\n");
	put("deeper", "auth required pam_d.so\n");
	for (size_t i = 0; i < sizeof(text) - 1; i++)
		for (size_t k = 0; k < sizeof(bytes); k++) {
			memcpy(copy, text, sizeof(text));
			copy[i] = bytes[k]; /* the last one cuts */
			put("service", copy);
			if (load(PAMSTACK_AUTH, &s) == 0)
				(void)pamstack_run(&s, answer, NULL);
			pamstack_done(&s);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_as_libpam),
		cmocka_unit_test(test_entries),
		cmocka_unit_test(test_nonsense),
		cmocka_unit_test(test_damaged),
	};
	int r;

	if (!mkdtemp(dir))
		return 1;
	r = cmocka_run_group_tests(tests, NULL, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		AUTO_FREE char *path = str_format("%s/%s", dir, files[i]);

		if (path)
			unlink(path);
	}
	rmdir(dir);
	return r;
}
