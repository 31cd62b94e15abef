/*
 * The kept mapping under load: threads that look up, forks in between, and generations that change a thousand times
 * faster than in life. Nothing wrong, nothing backward, nothing hangs.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include <cmocka.h>
#include <pthread.h>
#include <sched.h>

#include "tests/unit/nss_host.h"

#define THREADS	    8
#define USERS	    50
#define GENERATIONS 400

static atomic_bool stop;
static _Atomic uint64_t published, changes;

/* The generation that user I's gecos names; checks all else. */
static uint64_t ask(uint32_t i)
{
	struct sample s = {0};
	struct passwd pw;
	char b[512], name[32];
	const char *number;
	int e = 0;

	snprintf(name, sizeof name, "user%06u", i);
	if (i % 2 == 0)
		CHECK(module.getpwnam(name, &pw, b, sizeof b, &e) == NSS_STATUS_SUCCESS);
	else
		CHECK(module.getpwuid(SAMPLE_UID + i, &pw, b, sizeof b, &e) == NSS_STATUS_SUCCESS);
	number = strrchr(pw.pw_gecos, ' ');
	CHECK(number && parse_u64(number + 1, 1, UINT64_MAX, &s.generation) == 0);
	CHECK(passwd_right(&pw, &s, i));
	return s.generation;
}

static void ask_ten(const void *ctx)
{
	uint64_t before = *(const uint64_t *)ctx;

	for (uint32_t i = 0; i < 10; i++) {
		uint64_t now = ask(i);

		CHECK(now >= before);
		before = now;
	}
}

static void *look_up(void *ctx)
{
	unsigned seed = (unsigned)(uintptr_t)ctx;
	uint64_t before = 0;

	for (uint64_t n = 0; !stop; n++) {
		uint64_t now = ask((uint32_t)rand_r(&seed) % USERS);

		CHECK(now >= before && now <= published);
		changes += now != before;
		before = now;
		if (n % 512 == 511 && seed % 4 == 0)
			CHECK(in_child(ask_ten, &before) == 0);
	}
	return NULL;
}

static void publish_all(void)
{
	struct sample s = {.n_users = USERS};

	for (s.generation = published + 1; s.generation <= GENERATIONS; s.generation++) {
		published = s.generation; /* before it can be seen */
		CHECK(sample_publish(&s, RUN_SNAPSHOT) == 0);
		nanosleep(&(struct timespec){.tv_nsec = 3000000}, NULL);
	}
}

static void stress(const void *ctx)
{
	pthread_t threads[THREADS];

	(void)ctx;
	alarm(120); /* a hang is a failure */
	for (uintptr_t i = 0; i < THREADS; i++)
		CHECK(pthread_create(&threads[i], NULL, look_up, (void *)(i + 1)) == 0);
	publish_all();
	stop = true;
	for (int i = 0; i < THREADS; i++)
		CHECK(pthread_join(threads[i], NULL) == 0);
	CHECK(changes > GENERATIONS / 10); /* over all threads: the mapping was changed, and often */
}

static void test_stress(void **state)
{
	struct sample s = {.n_users = USERS, .generation = 1};

	(void)state;
	faults.fast = true;
	published = 1;
	assert_int_equal(sample_publish(&s, RUN_SNAPSHOT), 0);
	assert_int_equal(in_child(stress, NULL), 0);
}

static void *keep_asking(void *ctx)
{
	for (uint32_t i = 0; !stop; i++)
		ask(i % USERS);
	return ctx;
}

/*
 * A child of a fork in mid-lookup keeps the slot that another thread held. Its own child loses another, and so on:
 * when all eight are lost descriptors serve, and the answers stay right.
 */
static void lose_slots(const void *ctx)
{
	struct sample s = {.n_users = USERS, .generation = *(const uint64_t *)ctx + 1};
	pthread_t threads[THREADS];
	int status;
	pid_t pid;

	alarm(60);
	CHECK(sample_publish(&s, RUN_SNAPSHOT) == 0);
	nanosleep(&(struct timespec){.tv_nsec = 3000000}, NULL);
	CHECK(ask(3) == s.generation && ask(4) == s.generation);
	if (s.generation == 20) {
		CHECK(snapshot_mappings() >= 2 && snapshot_mappings() <= 8);
		return;
	}
	stop = false;
	for (int i = 0; i < THREADS; i++)
		CHECK(pthread_create(&threads[i], NULL, keep_asking, NULL) == 0);
	nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
	pid = fork();
	if (pid == 0) {
		lose_slots(&s.generation);
		_exit(0);
	}
	stop = true;
	for (int i = 0; i < THREADS; i++)
		CHECK(pthread_join(threads[i], NULL) == 0);
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

static void test_slots_lost(void **state)
{
	uint64_t generation = 0;

	(void)state;
#ifdef WITH_ASAN
	skip(); /* its allocator's lock may be held by a thread that the child has not */
#endif
	faults.fast = true;
	assert_int_equal(in_child(lose_slots, &generation), 0);
}

static atomic_bool stalled, go_on;

static void stall(void)
{
	faults.on_mmap = NULL;
	stalled = true;
	while (!go_on)
		sched_yield();
}

static void *ask_once(void *ctx)
{
	*(uint64_t *)ctx = ask(3);
	return NULL;
}

/* A thread that opened the second generation comes to map it when another has the third: it does not put it back. */
static void be_slow(const void *ctx)
{
	struct sample s = {.n_users = USERS, .generation = 1};
	uint64_t seen = 0;
	pthread_t slow;

	(void)ctx;
	alarm(60);
	CHECK(sample_publish(&s, RUN_SNAPSHOT) == 0 && ask(3) == 1);
	s.generation = 2;
	CHECK(sample_publish(&s, RUN_SNAPSHOT) == 0);
	nanosleep(&(struct timespec){.tv_nsec = 3000000}, NULL);
	faults.on_mmap = stall;
	CHECK(pthread_create(&slow, NULL, ask_once, &seen) == 0);
	while (!stalled)
		sched_yield();
	s.generation = 3;
	CHECK(sample_publish(&s, RUN_SNAPSHOT) == 0);
	nanosleep(&(struct timespec){.tv_nsec = 3000000}, NULL);
	CHECK(ask(3) == 3);
	faults.frozen = true; /* or the next look at the path would mend it */
	CHECK(ask(3) == 3);
	go_on = true;
	CHECK(pthread_join(slow, NULL) == 0);
	CHECK(seen == 3 && ask(3) == 3);
}

static void test_slow_refresher(void **state)
{
	(void)state;
	faults.fast = true;
	assert_int_equal(in_child(be_slow, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stress),
		cmocka_unit_test(test_slots_lost),
		cmocka_unit_test(test_slow_refresher),
	};

	return cmocka_run_group_tests(tests, nss_host_enter, nss_host_leave);
}
