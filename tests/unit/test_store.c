/* LMDB files of musterd: damage that would kill a reader is found by a child; the map grows; nothing half is kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "agentd/store.h"
#include "common/str.h"

static const char *const names[] = {"one", "two", NULL};
static char dir[] = "/tmp/muster-store-XXXXXX";
static char path[64];

struct values {
	unsigned int n;
	size_t size;
	int result; /* of the function, when all were put */
};

static int put_values(struct store *s, MDB_txn *txn, void *context)
{
	const struct values *v = context;
	AUTO_FREE char *value = calloc(1, v->size);

	for (unsigned int i = 0; i < v->n; i++) {
		MDB_val key = {sizeof(i), &i}, data = {v->size, value};
		int r = mdb_put(txn, s->dbi[1], &key, &data, 0);

		if (r != 0)
			return r;
	}
	return v->result;
}

static int count_values(struct store *s, MDB_txn *txn, void *context)
{
	MDB_stat st;
	int r = mdb_stat(txn, s->dbi[1], &st);

	*(size_t *)context = st.ms_entries;
	return r;
}

static size_t count(struct store *s)
{
	size_t n = 0;

	assert_int_equal(store_read(s, count_values, &n), 0);
	return n;
}

static void make(unsigned int n, size_t size)
{
	struct store s;

	assert_int_equal(store_open(path, names, &s), 0);
	assert_int_equal(store_write(&s, put_values, &(struct values){n, size, 0}), 0);
	assert_int_equal(count(&s), n);
	store_close(&s);
}

static void test_keep(void **state)
{
	struct store s;
	struct stat st;

	(void)state;
	assert_int_equal(store_check(path), -ENOENT);
	make(1000, 300);
	assert_int_equal(store_check(path), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(store_open(path, names, &s), 0);
	assert_false(s.read_only);
	assert_int_equal(count(&s), 1000);
	store_close(&s);
}

/* What fails in the middle leaves nothing; an error of ours is handed on. */
static void test_abort(void **state)
{
	struct store s;

	(void)state;
	assert_int_equal(store_open(path, names, &s), 0);
	assert_int_equal(store_write(&s, put_values, &(struct values){10, 10, -EPROTO}), -EPROTO);
	assert_int_equal(store_write(&s, put_values, &(struct values){10, 10, MDB_CORRUPTED}), -EBADMSG);
	assert_int_equal(store_write(&s, put_values, &(struct values){10, 10, ENOSPC}), -ENOSPC);
	assert_int_equal(count(&s), 0);
	store_close(&s);
}

static void test_grow(void **state)
{
	(void)state;
	make(700, 100000); /* 70 MB: more than the first map */
	assert_int_equal(store_check(path), 0);
	make(800, 100000);
}

/* Another process makes it larger than our map, or puts another file in its place. */
static void test_shared(void **state)
{
	AUTO_FREE char *aside = str_format("%s.damaged", path);
	struct store s;
	pid_t other;
	int status, go[2];

	(void)state;
	make(3, 10);
	assert_int_equal(pipe(go), 0);
	other = fork(); /* before an environment is open: LMDB's does not outlive it */
	if (other == 0) {
		if (read(go[0], &status, 1) == 1)
			make(700, 100000);
		_exit(0);
	}
	assert_int_equal(store_open(path, names, &s), 0);
	assert_int_equal(count(&s), 3);
	assert_int_equal(write(go[1], "", 1), 1);
	assert_int_equal(waitpid(other, &status, 0), other);
	assert_int_equal(status, 0);
	close(go[0]);
	close(go[1]);
	assert_int_equal(count(&s), 700);
	assert_int_equal(store_write(&s, put_values, &(struct values){701, 10, 0}), 0);
	assert_int_equal(count(&s), 701);
	assert_true(store_is(&s, path));
	assert_int_equal(rename(path, aside), 0);
	assert_false(store_is(&s, path));
	store_close(&s);
	assert_false(store_is(&s, path));
	assert_int_equal(unlink(aside), 0);
}

static void damage(off_t offset, const void *bytes, size_t len)
{
	AUTO_CLOSE int fd = open(path, O_WRONLY);

	assert_int_equal(pwrite(fd, bytes, len, offset), (ssize_t)len);
}

static void test_damage(void **state)
{
	static const uint8_t rubbish[4096] = {0xff, 0xfe, 0x80, 0x7f, 1, 2, 3};
	struct stat st;

	(void)state;
	make(1000, 300);
	assert_int_equal(stat(path, &st), 0);
	for (off_t at = 2 * 4096; at < st.st_size; at += 16 * 4096) {
		uint8_t page[4096];
		AUTO_CLOSE int fd = open(path, O_RDONLY);

		assert_int_equal(pread(fd, page, sizeof(page), at), sizeof(page));
		damage(at, rubbish, sizeof(rubbish));
		if (store_check(path) == 0) /* a free page is nobody's */
			assert_true(at < 8 * 4096);
		damage(at, page, sizeof(page));
	}
	assert_int_equal(store_check(path), 0);
	assert_int_equal(truncate(path, st.st_size / 2 & ~4095), 0); /* reading it is SIGBUS */
	assert_int_equal(store_check(path), -EBADMSG);
	damage(0, rubbish, sizeof(rubbish));
	assert_int_equal(store_check(path), -EBADMSG);
}

static void test_set_aside(void **state)
{
	AUTO_FREE char *aside = str_format("%s.damaged", path);

	(void)state;
	make(3, 10);
	assert_int_equal(store_set_aside(path), 0);
	assert_int_equal(store_check(path), -ENOENT);
	assert_int_equal(access(aside, F_OK), 0);
	make(4, 10);
	assert_int_equal(store_set_aside(path), 0); /* in place of the older one */
	assert_int_equal(unlink(aside), 0);
}

static int set_up(void **state)
{
	(void)state;
	memcpy(dir + sizeof(dir) - 7, "XXXXXX", 6);
	if (!mkdtemp(dir))
		return -1;
	return str_print(path, sizeof(path), "%s/x.mdb", dir);
}

static int tear_down(void **state)
{
	char lock[80];

	(void)state;
	snprintf(lock, sizeof(lock), "%s-lock", path);
	unlink(lock);
	unlink(path);
	return rmdir(dir);
}

int main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_keep),   TEST(test_abort),	 TEST(test_grow),
		TEST(test_damage), TEST(test_set_aside), TEST(test_shared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
