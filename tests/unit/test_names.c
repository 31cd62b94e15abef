/* common/names: D1, D4, D5 and D6. */
#include "tests/unit/unit.h"

#include <stdio.h>

#include "common/macros.h"
#include "common/names.h"

static void test_name_valid(void **state)
{
	static const char *const good[] = {
		"a", "_", "dora", "Dora.Day", "d_-.9", "_x", "a2345678901234567890123456789012"};
	static const char *const bad[] = {
		"",
		"-a",
		".a",
		"9a",
		"a b",
		"a:b",
		"a/b",
		"a\n",
		"a$",
		"a@b",
		"a,b",
		"a%b",
		"a\\b",
		"d\xc3\xb6ra",
		"\x01",
		"../x",
		"a23456789012345678901234567890123",
		"+a",
		"!a",
		"#0",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		assert_true(name_valid(good[i]));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(name_valid(bad[i]));
	for (int c = 1; c < 256; c++) {
		const char first[] = {(char)c, 0}, later[] = {'a', (char)c, 0};
		bool alpha = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';

		assert_int_equal(name_valid(first), alpha);
		assert_int_equal(name_valid(later),
				 alpha || (c >= '0' && c <= '9') || c == '.' || c == '-');
	}
}

static void test_name_reserved(void **state)
{
	/* Of D4, and of each kind of pattern. */
	static const char *const reserved[] = {
		"root",
		"ALL",
		"all",
		"sudo",
		"Sudo",
		"SUDO",
		"wheel",
		"admin",
		"adm",
		"docker",
		"lxd",
		"incus",
		"libvirt",
		"kvm",
		"disk",
		"shadow",
		"staff",
		"kmem",
		"systemd-network",
		"SYSTEMD-x",
		"_apt",
		"_x",
		"nogroup",
		"nobody",
		"www-data",
		"ssh",
		"sshd",
		"polkitd",
		"wireshark",
		"sambashare",
		"lpadmin",
		"netdev",
		"plugdev",
		"muster",
		"muster-sudo",
		"muster-sudo-nopasswd",
		"Muster-x",
		"daemon",
		"bin",
		"sys",
		"mail",
		"tty",
		"backup",
		"operator",
		"input",
		"render",
		"video",
		"messagebus",
		"systemd-",
		"_",
		"podman",
	};
	static const char *const free_names[] = {"dora",    "rooty", "roo",     "sudoer",
						 "systemd", "x_",    "muster2", "developers",
						 "alice",   "x"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(reserved); i++) {
		print_message("%s\n", reserved[i]);
		assert_true(name_reserved(reserved[i]));
	}
	for (size_t i = 0; i < ARRAY_SIZE(free_names); i++)
		assert_false(name_reserved(free_names[i]));
}

static void test_ids(void **state)
{
	static const struct {
		uint32_t id;
		bool floor, allowed;
	} t[] = {
		{0, 0, 0},
		{1, 0, 0},
		{27, 0, 0},
		{999, 0, 0},
		{1000, 1, 1},
		{5001, 1, 1},
		{60000, 1, 1},
		{60001, 1, 0},
		{65533, 1, 0},
		{65534, 0, 0},
		{65535, 0, 0},
		{65536, 1, 1},
		{524287, 1, 1},
		{524288, 1, 0},
		{1879048191, 1, 0},
		{1879048192, 1, 1},
		{1900000000, 1, 1},
		{GID_SUDO, 1, 0},
		{GID_SUDO_NOPASSWD, 1, 0},
		{2147483647, 1, 1},
		{2147483648u, 0, 0},
		{4294967294u, 0, 0},
		{4294967295u, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		print_message("%u\n", t[i].id);
		assert_int_equal(id_floor_ok(t[i].id), t[i].floor);
		assert_int_equal(id_allowed(t[i].id), t[i].allowed);
	}
}

static void test_id_from_hash(void **state)
{
	char id[32];

	(void)state;
	/* Fixed for ever: files on disk are owned by these. */
	assert_int_equal(id_from_hash("6026bec6b8207255280d5981"), 2023688535u);
	assert_int_equal(id_from_hash(""), 2027132098u);
	for (unsigned int i = 0; i < 100000; i++) {
		snprintf(id, sizeof(id), "user-%u", i);
		uint32_t n = id_from_hash(id);

		assert_true(n >= ID_HASH_BASE && n <= ID_TOP && id_allowed(n));
		assert_int_equal(n, id_from_hash(id));
	}
}

/* Found by search: their hashes are the ids of the sudo groups, which are nobody's. */
static void test_id_from_hash_avoids_sudo(void **state)
{
	(void)state;
	assert_int_equal(id_from_hash("collide-132408883"), ID_HASH_BASE + (GID_SUDO & 1));
	assert_int_equal(id_from_hash("collide-191602016"), ID_HASH_BASE + (GID_SUDO_NOPASSWD & 1));
}

static void repeat(char *out, const char *part, size_t len)
{
	size_t n = strlen(part);

	for (size_t i = 0; i < len; i++)
		out[i] = part[i % n];
	out[len] = '\0';
}

static void test_gecos(void **state)
{
	static const char *const good[] = {"",
					   "Dora Day",
					   "D\xc3\xb6ra",
					   "O'Hara-Smith (x) 100%",
					   "\xe5\xb1\xb1\xe7\x94\xb0",
					   "\xf0\x9f\x98\x80",
					   "a/b"};
	static const char *const bad[] = {
		"a:b",          "a,b",           "a&b",           "a\nb",          "a\tb",
		"a\x7f",        "a\x1b[31m",     "\xc3",          "\xc0\x80",      "\xc2\x80",
		"\xc2\x9b",     "x\xe2\x80\xae", "x\xe2\x80\x8e", "x\xe2\x80\x8f", "\xd8\x9c",
		"\xe2\x80\xa8", "\xe2\x81\xa6",  "\xef\xbb\xbf",  "\xed\xa0\x80",
	};
	char long_text[300];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		assert_true(gecos_valid(good[i]));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(gecos_valid(bad[i]));
	repeat(long_text, "x", 255);
	assert_true(gecos_valid(long_text));
	repeat(long_text, "x", 256);
	assert_false(gecos_valid(long_text));
}

static void test_home(void **state)
{
	static const char *const good[] = {
		"/home/dora", "/srv/home/d", "/home/.x",    "/home/a..b",  "/home/D\xc3\xb6ra",
		"/binary/x",  "/roots/x",    "/var/home/d", "/etcetera/x", "/home/a/.../b"};
	static const char *const bad[] = {
		"",           "home",        "home/dora",  "/",          "/home",
		"//home/x",   "/home//x",    "/home/x/",   "/home/./x",  "/home/../etc",
		"/home/..",   "/home/.",     "/root",      "/root/x",    "/etc",
		"/etc/x",     "/proc/1",     "/sys/x",     "/dev/shm",   "/run/user",
		"/boot/x",    "/usr/local",  "/bin/x",     "/sbin/x",    "/lib/x",
		"/lib64/x",   "/tmp/x",      "/var/lib/x", "/var/lib",   "/var/spool/cron",
		"/var/tmp/x", "/home/a:b",   "/home/a\nb", "/home/\xc3", "/var/run/x",
		"/var/log/x", "/var/mail/x",
	};
	char long_path[300] = "/hhh";

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		print_message("%s\n", good[i]);
		assert_true(home_valid(good[i]));
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		print_message("%s\n", bad[i]);
		assert_false(home_valid(bad[i]));
	}
	repeat(long_path + 4, "/abc", 252);
	assert_false(home_valid(long_path));
	long_path[255] = '\0';
	assert_true(home_valid(long_path));
}

static void test_shell(void **state)
{
	(void)state;
	assert_true(shell_valid("/bin/bash"));
	assert_true(shell_valid("/sh"));
	assert_true(shell_valid("/opt/my shell/sh"));
	assert_false(shell_valid(""));
	assert_false(shell_valid("/"));
	assert_false(shell_valid("bash"));
	assert_false(shell_valid("/bin/sh\nx"));
	assert_false(shell_valid("/bin/sh:x"));
	assert_false(shell_valid("/bin/../sh"));
	assert_false(shell_valid("/bin/sh/"));
}

static void test_object_id(void **state)
{
	char text[80];

	(void)state;
	assert_true(object_id_valid("6026bec6b8207255280d5981"));
	assert_true(object_id_valid("a.B_c-9"));
	assert_false(object_id_valid(""));
	assert_false(object_id_valid("a b"));
	assert_false(object_id_valid("a/b"));
	assert_false(object_id_valid("a\n"));
	assert_false(object_id_valid("a%41"));
	repeat(text, "0", 64);
	assert_true(object_id_valid(text));
	repeat(text, "0", 65);
	assert_false(object_id_valid(text));
}

static void test_escape(void **state)
{
	static const struct {
		const char *in, *out;
	} t[] = {
		{"dora", "dora"},
		{"a\nb", "a\\x0ab"},
		{"a\\x0ab", "a\\x5cx0ab"},
		{"\x1b[2J\x7f", "\\x1b[2J\\x7f"},
		{"D\xc3\xb6ra", "D\xc3\xb6ra"},
		{"D\xc3", "D\\xc3"},
		{"\xff\xfe", "\\xff\\xfe"},
		{"\xe2\x80\xae", "\\xe2\\x80\\xae"},
		{"\xc2\x9b", "\\xc2\\x9b"},
		{"", ""},
	};
	char out[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		name_escape(t[i].in, out, sizeof(out));
		assert_string_equal(out, t[i].out);
		/* Cut: a whole number of characters, at every size. */
		for (size_t size = 1; size < sizeof(out); size++) {
			memset(out, '#', sizeof(out));
			name_escape(t[i].in, out, size);
			size_t len = strnlen(out, size);
			assert_true(len < size && len <= strlen(t[i].out));
			assert_memory_equal(out, t[i].out, len);
			assert_int_equal(out[size], '#');
			assert_true(size <= strlen(t[i].out) || len == strlen(t[i].out));
		}
	}
	name_escape("\n\n", out, 8); /* no half escape */
	assert_string_equal(out, "\\x0a");
	name_escape("x\xc3\xb6", out, 3); /* no half character */
	assert_string_equal(out, "x");
	out[0] = '#';
	name_escape("x", out, 0);
	assert_int_equal(out[0], '#');
}

/* What was escaped once is not escaped again; what never was is. */
static void test_show(void **state)
{
	char once[64], out[64];

	(void)state;
	assert_true(text_plain("D\xc3\xb6ra \\ x"));
	assert_false(text_plain("a\nb"));
	assert_false(text_plain("\xff"));
	assert_false(text_plain("\xe2\x80\xae"));
	name_escape("a\nb\\", once, sizeof(once));
	text_show(once, out, sizeof(out));
	assert_string_equal(out, "a\\x0ab\\x5c");
	text_show("a\nb", out, sizeof(out));
	assert_string_equal(out, "a\\x0ab");
	text_show("D\xc3\xb6ra", out, 3); /* cut: no half character */
	assert_string_equal(out, "D");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_name_valid),
		cmocka_unit_test(test_name_reserved),
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_id_from_hash),
		cmocka_unit_test(test_id_from_hash_avoids_sudo),
		cmocka_unit_test(test_gecos),
		cmocka_unit_test(test_home),
		cmocka_unit_test(test_shell),
		cmocka_unit_test(test_object_id),
		cmocka_unit_test(test_escape),
		cmocka_unit_test(test_show),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
