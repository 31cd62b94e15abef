/* common/verifier: which hashes we compute with, and that we compute right. */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/macros.h"
#include "common/verifier.h"
#include "tests/unit/fail_malloc.h"

#define H43 "0123456789012345678901234567890123456789012"
#define H86 H43 H43
#define B53 H43 "0123456789"

static void test_check(void **state)
{
	static const struct {
		const char *hash;
		int want;
	} t[] = {
		{VERIFIER_DUMMY, 0},
		{"$y$j9T$salt$" H43, 0},
		{"$y$j9T$$" H43, 0},
		{"$y$j75$salt$" H43, 0},      /* cost 1 */
		{"$y$jDT$salt$" H43, 0},      /* cost 9: 256 MiB */
		{"$y$jET$salt$" H43, -E2BIG}, /* cost 10 */
		{"$y$jFT$salt$" H43, -E2BIG},
		{"$y$jDU$salt$" H43, -E2BIG}, /* one block more */
		{"$y$jIj$salt$" H43, -E2BIG},
		{"$y$jjj$salt$" H43, -E2BIG},
		{"$y$jN.$salt$" H43, -E2BIG},
		{"$y$jJ.$salt$" H43, -E2BIG},
		{"$y$jI.$salt$" H43, 0},       /* 2^21 * 128 */
		{"$y$jkT$salt$" H43, -EINVAL}, /* two characters each */
		{"$y$j9k$salt$" H43, -EINVAL},
		{"$y$j9T.$salt$" H43, -EINVAL}, /* parallelism, time and more */
		{"$y$j9T/.$salt$" H43, -EINVAL},
		{"$y$.9T$salt$" H43, -EINVAL},
		{"$y$/9T$salt$" H43, -EINVAL},
		{"$y$k9T$salt$" H43, -EINVAL},
		{"$y$j9$salt$" H43, -EINVAL},
		{"$y$j$salt$" H43, -EINVAL},
		{"$y$$salt$" H43, -EINVAL},
		{"$y$j9T$salt" H43, -EINVAL},
		{"$y$j9T$salt$" H43 "0", -EINVAL},
		{"$y$j9T$salt$012345678901234567890123456789012345678901", -EINVAL},
		{"$y$j9T$sa:t$" H43, -EINVAL},
		{"$y$j9T$" H86 "$" H43, 0},
		{"$y$j9T$" H86 "0$" H43, -EINVAL},
		{"$y$", -EINVAL},
		{"$2b$04$" B53, 0},
		{"$2b$12$" B53, 0},
		{"$2b$14$" B53, 0},
		{"$2b$15$" B53, -E2BIG},
		{"$2b$31$" B53, -E2BIG},
		{"$2b$32$" B53, -EINVAL},
		{"$2b$03$" B53, -EINVAL},
		{"$2b$4$" B53, -EINVAL},
		{"$2b$004$" B53, -EINVAL},
		{"$2b$-1$" B53, -EINVAL},
		{"$2b$10$" B53 "0", -EINVAL},
		{"$2b$10$" H43, -EINVAL},
		{"$2b$1", -EINVAL},
		{"$2a$10$" B53, -EINVAL},
		{"$2y$10$" B53, -EINVAL},
		{"$2x$10$" B53, -EINVAL},
		{"$6$salt$" H86, 0},
		{"$6$$" H86, 0},
		{"$6$0123456789abcdef$" H86, 0},
		{"$6$0123456789abcdefg$" H86, -EINVAL},
		{"$6$rounds=1000$salt$" H86, 0},
		{"$6$rounds=1000000$salt$" H86, 0},
		{"$6$rounds=1000001$salt$" H86, -E2BIG},
		{"$6$rounds=999999999$salt$" H86, -E2BIG},
		{"$6$rounds=4294968296$salt$" H86, -E2BIG}, /* 1000 modulo 2^32 */
		{"$6$rounds=18446744073709552616$salt$" H86, -E2BIG},
		{"$6$rounds=999$salt$" H86, -EINVAL},
		{"$6$rounds=01000$salt$" H86, -EINVAL},
		{"$6$rounds=+1000$salt$" H86, -EINVAL},
		{"$6$rounds=$salt$" H86, -EINVAL},
		{"$6$rounds=1000", -EINVAL},
		{"$6$salt$" H43, -EINVAL},
		{"$6$sa\nt$" H86, -EINVAL},
		{"$6$salt$" H86 "\n", -EINVAL},
		{"$5$salt$" H43, 0},
		{"$5$rounds=1000000$salt$" H43, 0},
		{"$5$rounds=1000001$salt$" H43, -E2BIG},
		{"$5$salt$" H86, -EINVAL},
		{"", -EINVAL},
		{"*", -EINVAL},
		{"!", -EINVAL},
		{"x", -EINVAL},
		{"!$6$salt$" H86, -EINVAL},
		{"$1$salt$0123456789012345678901", -EINVAL},
		{"$7$CU..../....salt$" H43, -EINVAL},
		{"$gy$j9T$salt$" H43, -EINVAL},
		{"$md5$salt$0123456789012345678901", -EINVAL},
		{"$3$$0123456789abcdef0123456789abcdef", -EINVAL},
		{"abJnggxhB/yWI", -EINVAL},
		{"_J9..rasmBYk8r9AiWNc", -EINVAL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		print_message("%s\n", t[i].hash);
		assert_int_equal(verifier_check(t[i].hash), t[i].want);
	}
}

/* Made by other programs: openssl passwd, mkpasswd. The password is "x". */
static void test_match(void **state)
{
	static const char *const hashes[] = {
		"$y$j9T$$NJLey1.PlKBNRXKC8paA5/oiM57RRZku22T4YZVfTGA",
		"$2b$04$abcdefghijklmnopqrstuuPp7HPfoAs8I2dCQCQ/fW7zEJv8I8C8e",
		("$6$rounds=1000$abc$"
		 "zaWpAwySRl8PX4W2aEMJwxpN82bCKtDZP0RBdOD6W7BQlilBqAsWnAZuS10iUyJZneS8Ob1gxs1BZkqJ"
		 "i1nTi."),
		("$6$$"
		 "KvRrc0bxRLyTUhO8OJOmRczh7oCol5BACiR8rmdfVzvuGgm8JmLDumsL/ah.jFtT.DswxoP9Nv3ByfU4"
		 "j5hm/0"),
		"$5$abc$sCOGUciM.GdmYMCUvmUcgu03oRH87O0clF96.9mwWGB",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(hashes); i++) {
		assert_int_equal(verifier_match(hashes[i], "x"), 0);
		assert_int_equal(verifier_match(hashes[i], "X"), -EKEYREJECTED);
		assert_int_equal(verifier_match(hashes[i], "xx"), -EKEYREJECTED);
		/* "" and what is too long are hashed as something else, and this is it. */
		assert_int_equal(verifier_match(hashes[i], ""), -EKEYREJECTED);
	}
	assert_int_equal(verifier_match("$2b$15$" B53, "x"), -E2BIG);
	assert_int_equal(verifier_match("*", "x"), -EINVAL);
	/* Good to look at, but libcrypt finds no such salt in it. */
	assert_true(verifier_match("$2b$04$" B53, "x") < 0);
}

static void test_make(void **state)
{
	char password[VERIFIER_PASSWORD_MAX + 2];
	char *none = NULL;

	(void)state;
	memset(password, 'p', sizeof(password));
	password[VERIFIER_PASSWORD_MAX] = '\0';
	AUTO_FREE char *a = NULL;
	AUTO_FREE char *b = NULL;
	assert_int_equal(verifier_make(password, &a), 0);
	assert_int_equal(verifier_make(password, &b), 0);
	assert_string_not_equal(a, b);
	assert_memory_equal(a, VERIFIER_DUMMY, strlen("$y$j9T$")); /* the dummy costs the same */
	assert_int_equal(strlen(a), strlen(VERIFIER_DUMMY));
	assert_int_equal(verifier_check(a), 0);
	assert_int_equal(verifier_match(a, password), 0);
	password[0] = 'q';
	assert_int_equal(verifier_match(a, password), -EKEYREJECTED);
	password[0] = 'p';
	password[VERIFIER_PASSWORD_MAX] = 'p';
	password[VERIFIER_PASSWORD_MAX + 1] = '\0';
	assert_int_equal(verifier_match(a, password), -EKEYREJECTED);
	assert_int_equal(verifier_make(password, &none), -EINVAL);
	assert_int_equal(verifier_make("", &none), -EINVAL);
	assert_null(none);
}

static int64_t cpu_us(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000 + u.ru_utime.tv_usec +
	       u.ru_stime.tv_usec;
}

/* Nothing is returned early: an empty, a long and a wrong password cost what a right one does. */
static void test_same_work(void **state)
{
	char long_password[4096];
	const char *passwords[] = {"right", "wrong", "", long_password};
	int64_t least = INT64_MAX, most = 0;

	(void)state;
	memset(long_password, 'p', sizeof(long_password));
	long_password[sizeof(long_password) - 1] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(passwords); i++) {
		int64_t best = INT64_MAX;

		for (int round = 0; round < 3; round++) {
			int64_t start = cpu_us();

			assert_int_equal(verifier_match(VERIFIER_DUMMY, passwords[i]),
					 -EKEYREJECTED);
			int64_t took = cpu_us() - start;
			best = took < best ? took : best;
		}
		least = best < least ? best : least;
		most = best > most ? best : most;
	}
	assert_true(least > 1000 && most < 3 * least);
}

static void hash_and_exit(const char *hash)
{
	struct rusage u;
	int r = verifier_match(hash, "x");

	getrusage(RUSAGE_SELF, &u);
	_exit(r == -EKEYREJECTED && u.ru_maxrss < (256 + 40) * 1024 && u.ru_maxrss > 250 * 1024
		      ? 0
		      : 1);
}

/* The greatest that passes really takes 256 MiB, so the reckoning in the header is right. */
static void test_memory_cap(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0)
		hash_and_exit("$y$jDT$salt$" H43);
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_no_memory(void **state)
{
	char *made = NULL;

	(void)state;
	fail_malloc_at(1);
	assert_int_equal(verifier_match(VERIFIER_DUMMY, "x"), -ENOMEM);
	for (unsigned int n = 1; n <= 2; n++) {
		fail_malloc_at(n);
		assert_int_equal(verifier_make("x", &made), -ENOMEM);
		assert_true(fail_malloc_happened());
		assert_null(made);
	}
	fail_malloc_at(0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_check),      cmocka_unit_test(test_match),
		cmocka_unit_test(test_make),       cmocka_unit_test(test_same_work),
		cmocka_unit_test(test_memory_cap), cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
