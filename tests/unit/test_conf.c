/* muster.conf: every key with its default, a good and a bad value; every error with its line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <string.h>
#include <sys/stat.h>

#include "agentd/conf.h"
#include "agentd/conf_value.h"

static char dir[] = "/tmp/muster-conf-XXXXXX";
static char path[64], error[CONF_ERROR_SIZE];

static void write_conf(const char *text, size_t len)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, 0644), 0);
}

static int load(const char *text, struct conf *c)
{
	memset(c, 0, sizeof(*c));
	write_conf(text, strlen(text));
	return conf_load(path, c, error);
}

static void expect_error(const char *text, const char *expected)
{
	struct conf c;
	char full[CONF_ERROR_SIZE];

	assert_int_equal(load(text, &c), -EINVAL);
	snprintf(full, sizeof(full), "%s:%s", path, expected);
	if (strncmp(error, full, strlen(full)) != 0)
		fail_msg("got '%s', not '%s'", error, full);
	conf_done(&c);
}

static void test_defaults(void **state)
{
	struct conf c;

	(void)state;
	assert_int_equal(load("", &c), 0);
	assert_string_equal(error, "");
	assert_int_equal(c.driver, CONF_DRIVER_DOCUMENT);
	assert_string_equal(c.url, "file:///etc/muster/directory.json");
	assert_int_equal(c.poll_interval_ms, 60000);
	assert_int_equal(c.recheck_after_ms, 15000);
	assert_int_equal(c.recheck_timeout_ms, 1500);
	assert_int_equal(c.removal_hold_ms, 30 * 60 * 1000);
	assert_string_equal(c.ca_file, "");
	assert_string_equal(c.proxy, "none");
	assert_int_equal(c.credential, CONF_CREDENTIAL_API_KEY);
	assert_int_equal(c.default_state_manual, USER_ACTIVATED);
	assert_int_equal(c.password, CONF_PASSWORD_HASH);
	assert_int_equal(c.offline_password_max_age_ms, 14 * 86400000ll);
	assert_int_equal(c.reason_services.count, 1);
	assert_true(strlist_has(&c.reason_services, "sshd"));
	assert_int_equal(c.id_min, 1000);
	assert_int_equal(c.id_max, 2147483647);
	assert_string_equal(c.home, "/home/%u");
	assert_string_equal(c.shell, "/bin/bash");
	assert_int_equal(c.lease_ms, 14 * 86400000ll);
	assert_int_equal(c.warn_days, 7);
	assert_true(c.allow_sudo);
	assert_int_equal(c.end_sessions,
			 CONF_END_SUSPENDED | CONF_END_UNBOUND | CONF_END_FORCE_EXPIRED);
	assert_int_equal(c.tombstone_ms, 30 * 86400000ll);
	assert_false(c.lockout_report);
	assert_string_equal(c.state_dir, "/var/lib/muster");
	assert_string_equal(c.runtime_dir, "/run/muster");
	conf_done(&c);
}

static void test_values(void **state)
{
	struct conf c;

	(void)state;
	assert_int_equal(load("# comment\n; comment\n[directory]\n  driver = jumpcloud\n\turl=https://x/api\napi_key_file = /k\n"
			      "system_id = 5f.e-a_1 ; this host\n[auth]\nreason_in_account = sshd, login  xdm\n"
			      "[accounts]\nallow_sudo=no\nend_sessions = locked\nid_min=5000\nhome=/srv/%u/home\n"
			      "lease = 0\n[lease]\nOps on call = 60d\nContractors=12h\n[groups]\nOps on call = docker, plugdev\nAll=audio\n[shells]\nZ = /bin/zsh\nA = /bin/sh\n[lockout]\nmax_attempts = 3\nwindow=90\nlock_time=1h",
			      &c),
			 0);
	assert_int_equal(c.driver, CONF_DRIVER_JUMPCLOUD);
	assert_string_equal(c.url, "https://x/api");
	assert_string_equal(c.system_id, "5f.e-a_1");
	assert_int_equal(c.reason_services.count, 3);
	assert_true(strlist_valid(&c.reason_services));
	assert_true(strlist_has(&c.reason_services, "xdm"));
	assert_false(c.allow_sudo);
	assert_int_equal(c.end_sessions, CONF_END_LOCKED);
	assert_int_equal(c.id_min, 5000);
	assert_string_equal(c.home, "/srv/%u/home");
	assert_int_equal(c.lease_ms, 0);
	assert_int_equal(c.n_leases, 2);
	assert_int_equal(conf_lease_of(&c, "Ops on call")->lease_ms, 60 * 86400000ll);
	assert_null(conf_lease_of(&c, "contractors"));
	assert_int_equal(conf_lease_shortest(&c), 12 * 3600000);
	assert_int_equal(c.n_shells, 2);
	assert_int_equal(conf_shell_of(&c, "Z"), 0);
	assert_string_equal(c.shells[1].shell, "/bin/sh");
	assert_int_equal(conf_shell_of(&c, "z"), CONF_SHELL_NONE);
	assert_int_equal(c.n_grants, 2);
	assert_int_equal(conf_grant_of(&c, "Ops on call")->locals.count, 2);
	assert_true(strlist_has(&conf_grant_of(&c, "Ops on call")->locals, "plugdev"));
	assert_null(conf_grant_of(&c, "all"));
	assert_int_equal(c.max_attempts, 3);
	assert_int_equal(c.lockout_window_ms, 90000);
	assert_int_equal(c.lock_time_ms, 3600000);
	conf_done(&c);
}

/* A bad value for each type of the table, so that no key escapes its check. */
static const char *bad_value(enum conf_type type)
{
	switch (type) {
	case CONF_DRIVER:
	case CONF_PASSWORD:
	case CONF_CREDENTIAL:
		return "Document";
	case CONF_STATE:
		return "activated";
	case CONF_BOOL:
		return "true";
	case CONF_STRING:
		return "a\tb";
	case CONF_URL:
		return "http://x/";
	case CONF_PATH:
		return "etc/x";
	case CONF_OBJECT_ID:
		return "a/b";
	case CONF_HOME:
		return "/home";
	case CONF_SHELL:
		return "bash";
	case CONF_LDAP_URL:
		return "ldap://host/dc=x";
	case CONF_BIND_DN:
		return "uid=dora,dc=x";
	case CONF_WORDS:
		return "sshd,../x";
	case CONF_USERS:
		return "bob,root";
	case CONF_DURATION:
		return "1w";
	case CONF_NUMBER:
		return "-1";
	case CONF_END_SESSIONS:
		return "suspended,never";
	}
	return NULL;
}

static void test_every_key(void **state)
{
	static const struct {
		const char *section, *key, *def;
		enum conf_type type;
	} all[] = {
#define CONF(section, key, type, min, max, def, field) {#section, #key, def, CONF_##type},
#include "agentd/conf_table.h"
#undef CONF
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		char text[512], expected[256];
		struct conf c;

		snprintf(text, sizeof(text), "[%s]\n%s = %s\n", all[i].section, all[i].key, all[i].def);
		assert_int_equal(load(text, &c), 0);
		conf_done(&c);
		snprintf(text, sizeof(text), "\n[%s]\n%s = %s\n", all[i].section, all[i].key,
			 bad_value(all[i].type));
		snprintf(expected, sizeof(expected), "3: [%s] %s = '", all[i].section, all[i].key);
		expect_error(text, expected);
		snprintf(text, sizeof(text), "[%s]\n%s = %s\n\n%s = %s\n", all[i].section, all[i].key,
			 all[i].def, all[i].key, all[i].def);
		snprintf(expected, sizeof(expected), "4: [%s] %s is given twice, first in line 2",
			 all[i].section, all[i].key);
		expect_error(text, expected);
	}
}

static void test_errors(void **state)
{
	char text[512];

	(void)state;
	expect_error("[accounts]\nalow_sudo = no\n", "2: unknown key 'alow_sudo' in [accounts]");
	expect_error("\n\n[acounts]\nallow_sudo = no\n", "4: unknown section [acounts]");
	expect_error("driver = document\n", "1: 'driver' stands before the first [section]");
	expect_error("[directory]\n\ndriver document\n", "3: neither [section] nor key = value");
	expect_error("[directory\ndriver = document\n", "1: neither [section] nor key = value");
	expect_error("[accounts]\nid_min = 999\n", "2: [accounts] id_min = '999' is not a number from 1000 to 2147483647");
	expect_error("[accounts]\nid_max = 2147483648\n", "2: [accounts] id_max = '2147483648' is not");
	expect_error("[directory]\npoll_interval = 999ms\n",
		     "2: [directory] poll_interval = '999ms' is not a duration from 1s to 1d");
	expect_error("[accounts]\nid_max = 2000\n\nid_min = 3000\n", "4: [accounts] id_min = 3000 is above id_max = 2000");
	expect_error("[lease]\nOps = soon\n", "2: [lease] Ops = 'soon' is not a duration from 0 to 365d");
	expect_error("[groups]\nOps =\n", "2: [groups] Ops = '' is not a list of names of local groups");
	expect_error("[groups]\nOps = a:b\n", "2: [groups] Ops = 'a:b' is not a list of names of local groups");
	expect_error("[groups]\nOps = 27\n", "2: [groups] Ops = '27' is not a list of names of local groups");
	expect_error("[groups]\nOps = video, root\n",
		     "2: [groups] Ops = 'video, root': nobody of the directory can be in root or muster-sudo*");
	expect_error("[groups]\nOps = muster-sudo\n",
		     "2: [groups] Ops = 'muster-sudo': nobody of the directory can be in root or muster-sudo*");
	expect_error("[groups]\nOps = video\nOps = audio\n", "3: [groups] Ops is given twice");
	expect_error("[lease]\nOps = 1d\nOther=1d\nOps = 2d\n", "4: [lease] Ops is given twice");
	expect_error("[auth]\npassword = ldap\n", "2: [auth] password = ldap needs ldap_url");
	expect_error("[auth]\nldap_url = http://ldap.test\n", "2: [auth] ldap_url = 'http://ldap.test' is not ldaps://HOST");
	expect_error("[auth]\nldap_bind_dn = uid=%u,cn=%x\n", "2: [auth] ldap_bind_dn = ");
	expect_error("[auth]\nldap_url = ldaps://l\npassword = ldap\n", "3: [auth] ldap_bind_dn has %o in it: set [directory] org_id");
	expect_error("[lockout]\nwindow = 1m\nreport = yes\n", "3: [lockout] report = yes: a document cannot be told");
	expect_error("[directory]\nclient_cert = /x\n", "2: [directory] client_cert and client_key go together");
	expect_error("[accounts]\nhome = /home/%l\n", "2: [accounts] home = '/home/%l' is not an absolute path");
	expect_error("[accounts]\nhome = /home/%%u\n", "2: [accounts] home = ");
	expect_error("[accounts]\nhome = /home/%u/%d\n", "2: [accounts] home = ");
	expect_error("[accounts]\nhome = /home/%u/%\n", "2: [accounts] home = ");
	expect_error("[accounts]\nhome = /home/%u/../x\n", "2: [accounts] home = ");
	expect_error("[shells]\nOps = bash\n", "2: [shells] Ops = 'bash' is not the absolute path of a shell");
	expect_error("[shells]\nOps = /bin/sh\nOps = /bin/sh\n", "3: [shells] Ops is given twice");
	expect_error("[accounts]\nhome = /etc/%u\n", "2: [accounts] home = ");
	expect_error("[accounts]\nshell = \x1b[2J\n", "2: [accounts] shell = '\\x1b[2J' is not");
	expect_error("[accounts]\nallow_sudo =\n", "2: [accounts] allow_sudo = '' is not one of yes, no");

	snprintf(text, sizeof(text), "[directory]\nurl = https://x/%0200d\n", 0);
	expect_error(text, "2: longer than 190 bytes");
}

static void test_nul(void **state)
{
	struct conf c = {0};
	static const char text[] = "[accounts]\nallow_sudo = no\0t\n";

	(void)state;
	write_conf(text, sizeof(text) - 1);
	assert_int_equal(conf_load(path, &c, error), -EINVAL);
	assert_non_null(strstr(error, ":2: a NUL byte"));
	conf_done(&c);
}

static void test_file(void **state)
{
	struct conf c = {0};
	char link[80];

	(void)state;
	write_conf("", 0);
	assert_int_equal(chmod(path, 0664), 0);
	assert_int_equal(conf_load(path, &c, error), -EPERM);
	assert_non_null(strstr(error, "others can write it; chmod 0644 it"));
	conf_done(&c);

	snprintf(link, sizeof(link), "%s/link", dir);
	assert_int_equal(symlink(path, link), 0);
	assert_int_equal(conf_load(link, &c, error), -ELOOP);
	assert_non_null(strstr(error, link));
	conf_done(&c);
	unlink(link);

	assert_int_equal(mkfifo(link, 0600), 0); /* must not hang */
	assert_int_equal(conf_load(link, &c, error), -EPERM);
	conf_done(&c);
	unlink(link);

	assert_int_equal(conf_load(link, &c, error), -ENOENT);
	conf_done(&c);
}

#define JUMPCLOUD "[directory]\nsystem_id = 5f\ndriver = jumpcloud\n"

static void test_jumpcloud(void **state)
{
	struct conf c = {0};

	(void)state;
	assert_int_equal(load(JUMPCLOUD "api_key_file = /k\n", &c), 0);
	assert_string_equal(c.url, CONF_JUMPCLOUD_URL);
	assert_string_equal(conf_driver_name(c.driver), "jumpcloud");
	conf_done(&c);
	assert_int_equal(load(JUMPCLOUD "credential = service_account\nclient_id = 7\nclient_secret_file = /s\n", &c),
			 0);
	assert_string_equal(c.token_url, "https://admin-oauth.id.jumpcloud.com/oauth2/token");
	conf_done(&c);
	expect_error("[directory]\n\ndriver = jumpcloud\napi_key_file = /k\n",
		     "3: [directory] driver = jumpcloud needs system_id");
	expect_error(JUMPCLOUD "client_id = 7\nclient_secret_file = /s\n",
		     "3: [directory] driver = jumpcloud needs api_key_file");
	expect_error(JUMPCLOUD "api_key_file = /k\ncredential = service_account\nclient_id = 7\n",
		     "3: [directory] driver = jumpcloud needs client_id and client_secret_file");
	expect_error(JUMPCLOUD "api_key_file = /k\nurl = https://x/%h\n",
		     "3: [directory] driver = jumpcloud needs url to be the address of JumpCloud's API");
	expect_error(JUMPCLOUD "api_key_file = /k\nurl = file:///x\n",
		     "3: [directory] driver = jumpcloud needs url to be the address of JumpCloud's API");
	expect_error(JUMPCLOUD "credential = service_account\nclient_id = 7\nclient_secret_file = /s\n"
			       "token_url = file:///x\n",
		     "3: [directory] driver = jumpcloud needs token_url to begin with https://");
}

static void test_home(void **state)
{
	char home[CONF_HOME_SIZE];

	(void)state;
	assert_int_equal(conf_home_for("/srv/%l/%u.%U/100%%", "dora", 5001, home), 0);
	assert_string_equal(home, "/srv/d/dora.5001/100%");
	assert_int_equal(conf_home_for("/%u%u%u%u%u%u%u%u", "a-name-of-the-greatest-length-32", 1, home), -E2BIG);
}

static int set_up(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	return str_print(path, sizeof(path), "%s/muster.conf", dir);
}

static int tear_down(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(dir);
}

/* Workers that run at the same time share one descriptor: nobody reads from where another was, or moves it. */
static void test_shared_descriptor(void **state)
{
	static const char text[] = "[lockout]\nmax_attempts = 4\n";
	AUTO_CLOSE int fd = memfd_create("test", MFD_CLOEXEC);
	struct conf c = {0};

	(void)state;
	assert_int_equal(write(fd, text, sizeof(text) - 1), sizeof(text) - 1);
	assert_int_equal(conf_load_fd(fd, NULL, &c, error), 0);
	assert_int_equal(c.max_attempts, 4);
	assert_int_equal(lseek(fd, 0, SEEK_CUR), sizeof(text) - 1);
	conf_done(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults), cmocka_unit_test(test_values),
		cmocka_unit_test(test_every_key), cmocka_unit_test(test_errors),
		cmocka_unit_test(test_nul),	 cmocka_unit_test(test_file),
		cmocka_unit_test(test_shared_descriptor), cmocka_unit_test(test_home),	 cmocka_unit_test(test_jumpcloud),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
