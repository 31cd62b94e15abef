/* Changes that are seen, however a file is changed, and those that are nobody's business. */
#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agentd/watch.h"
#include "common/macros.h"

static char top[] = "/tmp/test_watch.XXXXXX";

static const char *path(const char *name)
{
	static char paths[4][128];
	static size_t n;

	n = (n + 1) % ARRAY_SIZE(paths);
	snprintf(paths[n], sizeof(paths[n]), "%s/%s", top, name);
	return paths[n];
}

static void put(const char *name)
{
	int fd = open(path(name), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, "x", 1), 1);
	close(fd);
}

static void replace(const char *name)
{
	put("new");
	assert_int_equal(rename(path("new"), path(name)), 0);
}

static int set_up(void **state)
{
	static struct watch w;

	if (mkdir(path("d"), 0700) < 0 || watch_init(&w) < 0 ||
	    watch_add(&w, WATCH_INPUT, path("d/document")) < 0 ||
	    watch_add(&w, WATCH_CONF, path("d/conf")) < 0 ||
	    watch_add(&w, WATCH_STATUS, path("run/status")) < 0)
		return -1;
	watch_renew(&w);
	*state = &w;
	return 0;
}

static int tear_down(void **state)
{
	const char *const files[] = {"d/document", "d/conf", "d/other", "e/document", "e/conf", "run/status"};

	watch_done(*state);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		unlink(path(files[i]));
	rmdir(path("d"));
	rmdir(path("e"));
	rmdir(path("run"));
	return 0;
}

static void test_written_and_replaced(void **state)
{
	struct watch *w = *state;

	assert_int_equal(watch_read(w), 0);
	put("d/document");
	assert_int_equal(watch_read(w), WATCH_INPUT);
	assert_int_equal(watch_read(w), 0);
	replace("d/document");
	assert_int_equal(watch_read(w), WATCH_INPUT);
	replace("d/conf");
	put("d/document");
	assert_int_equal(watch_read(w), WATCH_CONF | WATCH_INPUT);
	put("d/other");
	replace("d/other");
	assert_int_equal(watch_read(w), 0);
}

static void test_directory_comes_late(void **state)
{
	struct watch *w = *state;

	assert_int_equal(mkdir(path("run"), 0700), 0);
	watch_renew(w);
	replace("run/status");
	assert_int_equal(watch_read(w), WATCH_STATUS);
	put("run/status"); /* only whole ones count */
	assert_int_equal(watch_read(w), 0);
}

static void test_directory_is_replaced(void **state)
{
	struct watch *w = *state;

	assert_int_equal(rename(path("d"), path("e")), 0);
	assert_int_equal(mkdir(path("d"), 0700), 0);
	watch_renew(w);
	put("e/document");
	assert_int_equal(watch_read(w), 0);
	put("d/document");
	assert_int_equal(watch_read(w), WATCH_INPUT);
	put("d/conf");
	assert_int_equal(watch_read(w), WATCH_CONF);
}

static void test_cleared(void **state)
{
	struct watch *w = *state;

	watch_clear(w);
	put("d/document");
	assert_int_equal(watch_read(w), 0);
	assert_int_equal(watch_add(w, WATCH_INPUT, "document"), -EINVAL);
	assert_int_equal(watch_add(w, WATCH_INPUT, "/etc/"), -EINVAL);
	for (int i = 0; i < WATCH_MAX; i++)
		assert_int_equal(watch_add(w, WATCH_INPUT, path("d/document")), 0);
	assert_int_equal(watch_add(w, WATCH_INPUT, path("d/document")), -ENOSPC);
	watch_renew(w);
	put("d/document");
	assert_int_equal(watch_read(w), WATCH_INPUT);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_written_and_replaced),
		TEST(test_directory_comes_late),
		TEST(test_directory_is_replaced),
		TEST(test_cleared),
	};
	int r;

	if (!mkdtemp(top))
		return 1;
	r = cmocka_run_group_tests(tests, NULL, NULL);
	rmdir(top);
	return r;
}
