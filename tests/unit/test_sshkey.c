/* common/sshkey: U4; and what OpenSSH itself makes of the keys. */
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/account.h"
#include "common/sshkey.h"
#include "common/str.h"

static const char base64_chars[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

#define ED25519 "AAAAC3NzaC1lZDI1NTE5AAAAIEl0DFeZkEdAyfGeim1Hc3xvfFiw9bvpEOWFkpvSwC/y"

/* A key line made of its parts: "NAME base64(string NAME, string PART…)". */
struct part {
	const void *data;
	size_t len;
};

static void put_string(struct buf *b, const void *data, size_t len)
{
	const uint8_t head[] = {(uint8_t)(len >> 24), (uint8_t)(len >> 16), (uint8_t)(len >> 8),
				(uint8_t)len};

	assert_int_equal(buf_add(b, head, sizeof(head)), 0);
	assert_int_equal(buf_add(b, data, len), 0);
}

static char *to_base64(const uint8_t *p, size_t len)
{
	char *out = calloc(1, (len + 2) / 3 * 4 + 1), *o = out;

	assert_non_null(out);
	for (; len >= 3; p += 3, len -= 3) {
		*o++ = base64_chars[p[0] >> 2];
		*o++ = base64_chars[(p[0] & 3) << 4 | p[1] >> 4];
		*o++ = base64_chars[(p[1] & 15) << 2 | p[2] >> 6];
		*o++ = base64_chars[p[2] & 63];
	}
	if (len > 0) {
		*o++ = base64_chars[p[0] >> 2];
		*o++ = base64_chars[(p[0] & 3) << 4 | (len > 1 ? p[1] >> 4 : 0)];
		*o++ = len > 1 ? base64_chars[(p[1] & 15) << 2] : '=';
		*o++ = '=';
	}
	return out;
}

static char *make_line(const char *outer, const char *inner, const struct part *parts, size_t n)
{
	CLEANUP(buf_done) struct buf b = {0};

	put_string(&b, inner, strlen(inner));
	for (size_t i = 0; i < n; i++)
		put_string(&b, parts[i].data, parts[i].len);
	AUTO_FREE char *blob = to_base64(b.data, b.len);
	return str_format("%s %s", outer, blob);
}

static int normalise(const char *line, char *out)
{
	memset(out, '#', ACCOUNT_KEY_SIZE_MAX);
	return sshkey_normalise(line, strlen(line), out, ACCOUNT_KEY_SIZE_MAX);
}

static void assert_result(const char *outer, const char *inner, const struct part *parts, size_t n,
			  int want)
{
	AUTO_FREE char *line = make_line(outer, inner, parts, n);
	char out[ACCOUNT_KEY_SIZE_MAX];

	assert_int_equal(normalise(line, out), want);
	if (want == 0)
		assert_string_equal(out, line);
	else
		assert_int_equal(out[0], '#');
}

#define RESULT(outer, inner, want, ...)                                 \
	assert_result(outer, inner, (const struct part[]){__VA_ARGS__}, \
		      sizeof((const struct part[]){__VA_ARGS__}) / sizeof(struct part), want)

static uint8_t bytes[2100];

/* A number of BITS bits as an mpint, in BYTES; odd unless EVEN. */
static struct part number(size_t bits, bool even)
{
	size_t len = bits / 8 + 1; /* with the zero byte for the sign where the top bit needs it */

	memset(bytes, 0x5a, sizeof(bytes));
	bytes[0] = bits % 8 == 0 ? 0 : (uint8_t)(1 << (bits % 8 - 1));
	if (bits % 8 == 0)
		bytes[1] = 0x80;
	bytes[len - 1] = even ? 0x02 : (uint8_t)(bytes[len - 1] | 1);
	return (struct part){bytes, len};
}

static void test_rsa(void **state)
{
	const struct part e = {"\1\0\1", 3};

	(void)state;
	RESULT("ssh-rsa", "ssh-rsa", 0, e, number(3072, false));
	RESULT("ssh-rsa", "ssh-rsa", 0, e, number(4096, false));
	RESULT("ssh-rsa", "ssh-rsa", 0, e, number(3073, false));
	RESULT("ssh-rsa", "ssh-rsa", 0, e, number(16384, false));
	RESULT("ssh-rsa", "ssh-rsa", -EKEYREJECTED, e, number(16385, false));
	RESULT("ssh-rsa", "ssh-rsa", -EKEYREJECTED, e, number(3071, false));
	RESULT("ssh-rsa", "ssh-rsa", -EKEYREJECTED, e, number(2048, false));
	RESULT("ssh-rsa", "ssh-rsa", -EKEYREJECTED, e, number(1024, false));
	RESULT("ssh-rsa", "ssh-rsa", -EKEYREJECTED, e, number(3072, true));
	/* exponents: 3 and 64 bits pass; 1, even and 65 bits do not */
	RESULT("ssh-rsa", "ssh-rsa", 0, {"\3", 1}, number(3072, false));
	RESULT("ssh-rsa", "ssh-rsa", 0, {"\0\xff\xff\xff\xff\xff\xff\xff\xff", 9},
	       number(3072, false));
	RESULT("ssh-rsa", "ssh-rsa", -EKEYREJECTED, {"\1\0\0\0\0\0\0\0\1", 9}, number(3072, false));
	RESULT("ssh-rsa", "ssh-rsa", -EKEYREJECTED, {"\1", 1}, number(3072, false));
	RESULT("ssh-rsa", "ssh-rsa", -EKEYREJECTED, {"\4", 1}, number(3072, false));
	/* negative, empty, zero, not in its shortest form; parts missing and left over */
	RESULT("ssh-rsa", "ssh-rsa", -EINVAL, {"\x81", 1}, number(3072, false));
	RESULT("ssh-rsa", "ssh-rsa", -EINVAL, {"", 0}, number(3072, false));
	RESULT("ssh-rsa", "ssh-rsa", -EINVAL, {"\0", 1}, number(3072, false));
	RESULT("ssh-rsa", "ssh-rsa", -EINVAL, {"\0\1\0\1", 4}, number(3072, false));
	RESULT("ssh-rsa", "ssh-rsa", -EINVAL, e);
	RESULT("ssh-rsa", "ssh-rsa", -EINVAL, e, number(3072, false), {"x", 1});
	RESULT("ssh-rsa", "ssh-rsa", -EINVAL, e, number(3072, false), {"", 0});
}

static void test_elliptic(void **state)
{
	static const struct {
		const char *name, *curve;
		size_t len;
	} t[] = {
		{"ecdsa-sha2-nistp256", "nistp256", 65},
		{"ecdsa-sha2-nistp384", "nistp384", 97},
		{"ecdsa-sha2-nistp521", "nistp521", 133},
	};

	(void)state;
	memset(bytes, 4, sizeof(bytes));
	for (size_t i = 0; i < 3; i++) {
		const struct part curve = {t[i].curve, 8};

		RESULT(t[i].name, t[i].name, 0, curve, {bytes, t[i].len});
		RESULT(t[i].name, t[i].name, -EINVAL, curve, {bytes, t[i].len - 1});
		RESULT(t[i].name, t[i].name, -EINVAL, curve, {bytes, t[i].len + 1});
		RESULT(t[i].name, t[i].name, -EINVAL, curve, {bytes, 0});
		RESULT(t[i].name, t[i].name, -EINVAL, {t[(i + 1) % 3].curve, 8}, {bytes, t[i].len});
		RESULT(t[i].name, t[(i + 1) % 3].name, -EINVAL, curve, {bytes, t[i].len});
		RESULT(t[i].name, t[i].name, -EINVAL, curve, {"\2", 1});
		bytes[0] = 6; /* a hybrid point: OpenSSH takes uncompressed ones alone */
		RESULT(t[i].name, t[i].name, -EINVAL, curve, {bytes, t[i].len});
		bytes[0] = 4;
	}
	RESULT("ssh-ed25519", "ssh-ed25519", 0, {bytes, 32});
	RESULT("ssh-ed25519", "ssh-ed25519", -EINVAL, {bytes, 31});
	RESULT("ssh-ed25519", "ssh-ed25519", -EINVAL, {bytes, 33});
	RESULT("ssh-ed25519", "ssh-rsa", -EINVAL, {bytes, 32});
	RESULT("ssh-ed25519", "ssh-ed25519", -EINVAL, {bytes, 32}, {"ssh:", 4});
}

static void test_security_keys(void **state)
{
	const char *ed = "sk-ssh-ed25519@openssh.com", *ec = "sk-ecdsa-sha2-nistp256@openssh.com";

	(void)state;
	memset(bytes, 4, sizeof(bytes));
	RESULT(ed, ed, 0, {bytes, 32}, {"ssh:", 4});
	RESULT(ed, ed, -EINVAL, {bytes, 32});
	RESULT(ed, ed, -EINVAL, {bytes, 32}, {"", 0});
	RESULT(ed, ed, -EINVAL, {bytes, 32}, {"ssh:", 4}, {"x", 1});
	RESULT(ec, ec, 0, {"nistp256", 8}, {bytes, 65}, {"ssh:", 4});
	RESULT(ec, ec, -EINVAL, {"nistp256", 8}, {bytes, 65});
	RESULT(ec, ec, -EINVAL, {"nistp384", 8}, {bytes, 65}, {"ssh:", 4});
}

static void test_refused_types(void **state)
{
	static const char *const refused[] = {
		"ssh-dss",
		"ssh-rsa-cert-v01@openssh.com",
		"ssh-ed25519-cert-v01@openssh.com",
		"ecdsa-sha2-nistp256-cert-v01@openssh.com",
		"sk-ssh-ed25519-cert-v01@openssh.com",
	};
	static const char *const no_types[] = {"ssh-ed2551",  "ssh-ed255199", "rsa-sha2-512",
					       "SSH-ED25519", "ssh-rsa1",     "",
					       "1024"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
		RESULT(refused[i], refused[i], -EKEYREJECTED, {bytes, 32});
	for (size_t i = 0; i < ARRAY_SIZE(no_types); i++)
		RESULT(no_types[i], no_types[i], -EINVAL, {bytes, 32});
}

/* Options, second lines and everything else that sshd would read something into (5.c.4). */
static void test_lines(void **state)
{
	static const char *const good[] = {
		"ssh-ed25519 " ED25519,
		"ssh-ed25519 " ED25519 " user@host with words",
		"ssh-ed25519 " ED25519 " \x1b[2J \xff",
		"  ssh-ed25519\t" ED25519 "\t",
		"ssh-ed25519   " ED25519 "\r\n",
		"\n\nssh-ed25519 " ED25519 " comment\n\n",
	};
	static const char *const bad[] = {
		"",
		" ",
		"\n",
		"ssh-ed25519",
		"ssh-ed25519 ",
		ED25519,
		"cert-authority ssh-ed25519 " ED25519,
		"command=\"id\" ssh-ed25519 " ED25519,
		"no-pty,command=\"id\" ssh-ed25519 " ED25519,
		"environment=\"LD_PRELOAD=x\" ssh-ed25519 " ED25519,
		"ssh-ed25519 " ED25519 "\nssh-ed25519 " ED25519,
		"ssh-ed25519 " ED25519 "\rssh-ed25519 " ED25519,
		"ssh-ed25519 " ED25519 " comment\rcert-authority ssh-ed25519 " ED25519,
		"ssh-ed25519 " ED25519 " comment\n# x",
		"ssh-ed25519 " ED25519 "\n\ncert-authority ssh-ed25519 " ED25519,
		"# ssh-ed25519 " ED25519,
		"ssh-rsa " ED25519,
		"ssh-ed25519 =" ED25519,
		"ssh-ed25519 " ED25519 "=",
		"ssh-ed25519 " ED25519 "====",
		"ssh-ed25519 " ED25519 "A",
		"ssh-ed25519 " ED25519 "AAAA",
		"ssh-ed25519 AAAA*3NzaC1lZDI1NTE5AAAAIEl0DFeZkEdAyfGeim1Hc3xvfFiw9bvpEOWFkpvSwC/y",
		"ssh-ed25519 AAAA=3NzaC1lZDI1NTE5AAAAIEl0DFeZkEdAyfGeim1Hc3xvfFiw9bvpEOWFkpvSwC/y",
		"ssh-ed25519 \xc3\xb6",
		"\xef\xbb\xbfssh-ed25519 " ED25519,
	};
	char out[ACCOUNT_KEY_SIZE_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		assert_int_equal(normalise(good[i], out), 0);
		assert_string_equal(out, "ssh-ed25519 " ED25519);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		print_message("%s\n", bad[i]);
		assert_int_equal(normalise(bad[i], out), -EINVAL);
	}
	const char nul[] = "ssh-ed25519 " ED25519 "\0x";
	assert_int_equal(sshkey_normalise(nul, sizeof(nul) - 1, out, sizeof(out)), -EINVAL);
	assert_int_equal(sshkey_normalise(NULL, 0, out, sizeof(out)), -EINVAL);
}

/* Bits that base64 does not use must be zero: else one key has two spellings. */
static void test_unused_bits(void **state)
{
	char line[] =
		"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE";
	const char *ec = "ecdsa-sha2-nistp256";
	char out[ACCOUNT_KEY_SIZE_MAX];

	(void)state;
	assert_int_equal(normalise(line, out), 0);
	memset(bytes, 4, sizeof(bytes));
	AUTO_FREE char *padded =
		make_line(ec, ec, (const struct part[]){{"nistp256", 8}, {bytes, 65}}, 2);
	size_t len = strlen(padded);
	assert_int_equal(padded[len - 1], '=');
	assert_int_equal(normalise(padded, out), 0);
	char *last = strchr(padded, '=') - 1;
	*last = base64_chars[strchr(base64_chars, *last) - base64_chars + 1];
	assert_int_equal(normalise(padded, out), -EINVAL);
}

static void test_sizes(void **state)
{
	const char *line = "ssh-ed25519 " ED25519 " comment", *want = "ssh-ed25519 " ED25519;
	char out[ACCOUNT_KEY_SIZE_MAX + 1];

	(void)state;
	for (size_t size = 0; size <= strlen(want) + 1; size++) {
		memset(out, '#', sizeof(out));
		int r = sshkey_normalise(line, strlen(line), out, size);

		assert_int_equal(r, size == strlen(want) + 1 ? 0 : -ENOSPC);
		assert_int_equal(out[size], '#');
		if (r < 0)
			assert_int_equal(out[0], '#');
	}
	AUTO_FREE char *huge = malloc(3 << 20);
	assert_non_null(huge);
	memset(huge, 'x', 3 << 20);
	memcpy(huge, line, strlen(line));
	assert_int_equal(sshkey_normalise(huge, ACCOUNT_KEY_SIZE_MAX, out, sizeof(out)), 0);
	assert_int_equal(sshkey_normalise(huge, ACCOUNT_KEY_SIZE_MAX + 1, out, sizeof(out)),
			 -EINVAL);
	assert_int_equal(sshkey_normalise(huge, 3 << 20, out, sizeof(out)), -EINVAL);
}

/* Runs ARGV with its output to FILE; its exit status. */
static int run(const char *const *argv, const char *file)
{
	posix_spawn_file_actions_t actions;
	extern char **environ;
	pid_t pid;
	int status = -1;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&actions, 1, file, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	int r = posix_spawnp(&pid, argv[0], &actions, NULL, (char *const *)(uintptr_t)argv,
			     environ);
	posix_spawn_file_actions_destroy(&actions);
	if (r != 0)
		return -1;
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void read_text(const char *path, char *out, size_t size)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	ssize_t n = read(fd, out, size - 1);
	assert_true(n >= 0);
	out[n] = '\0';
}

static void write_text(const char *path, const char *text)
{
	AUTO_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

/* "3072 SHA256:… comment (RSA)" without the comment. */
static void fingerprint(const char *path, char *out, size_t size)
{
	const char *const argv[] = {"ssh-keygen", "-l", "-f", path, NULL};
	char text[512];

	assert_int_equal(run(argv, "listing"), 0);
	read_text("listing", text, sizeof(text));
	char *comment = strchr(strchr(text, ' ') + 1, ' '), *type = strrchr(text, ' ');
	*comment = '\0';
	assert_int_equal(str_print(out, size, "%s%s", text, type), 0);
}

/*
 * What OpenSSH makes is accepted or refused as it should be, and what comes out is the same key to
 * it.
 */
static void test_openssh(void **state)
{
	static const struct {
		const char *type, *bits;
		int want;
	} t[] = {
		{"ed25519", "256", 0}, {"ecdsa", "256", 0}, {"ecdsa", "384", 0},
		{"ecdsa", "521", 0},   {"rsa", "3072", 0},  {"rsa", "2048", -EKEYREJECTED},
	};
	const char *const probe[] = {"ssh-keygen", "-l", "-f", "/dev/null", NULL};
	char dir[] = "/tmp/test_sshkey.XXXXXX", line[4096], out[ACCOUNT_KEY_SIZE_MAX], before[512],
	     after[512];

	(void)state;
	assert_non_null(mkdtemp(dir));
	assert_int_equal(chdir(dir), 0);
	if (run(probe, "listing") < 0 || run(probe, "listing") == 127) {
		unlink("listing");
		rmdir(dir);
		skip();
	}
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		const char *const argv[] = {"ssh-keygen", "-q",  "-t", t[i].type, "-b",
					    t[i].bits,    "-N",  "",   "-C",      "a comment",
					    "-f",         "key", NULL};

		assert_int_equal(run(argv, "listing"), 0);
		read_text("key.pub", line, sizeof(line));
		assert_int_equal(normalise(line, out), t[i].want);
		if (t[i].want == 0) {
			fingerprint("key.pub", before, sizeof(before));
			write_text("key.pub", out);
			fingerprint("key.pub", after, sizeof(after));
			assert_string_equal(before, after);
			assert_memory_equal(line, out, strlen(out));
		}
		unlink("key");
		unlink("key.pub");
	}
	unlink("listing");
	assert_int_equal(chdir("/"), 0);
	assert_int_equal(rmdir(dir), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rsa),           cmocka_unit_test(test_elliptic),
		cmocka_unit_test(test_security_keys), cmocka_unit_test(test_refused_types),
		cmocka_unit_test(test_lines),         cmocka_unit_test(test_unused_bits),
		cmocka_unit_test(test_sizes),         cmocka_unit_test(test_openssh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
