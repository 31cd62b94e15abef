/* sync.status: what is written is read again, and nothing else. */
#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agentd/file.h"
#include "agentd/status.h"

static const struct sync_status status = {
	.directory_url = "file:///d.json",
	.driver = "document",
	.errors = STRLIST("state: oh\0sync: no\0", 2),
	.last_attempt_at = 5,
	.generation = 9,
	.next_change_at = INT64_MAX,
	.online = true,
};

static char dir[] = "/tmp/test_status.XXXXXX", path[64];

static int load(struct sync_status *ret)
{
	static struct buf buf;
	int r = status_load(dir, &buf, ret);

	if (r < 0)
		buf_done(&buf);
	return r;
}

static void test_saved_and_loaded(void **state)
{
	struct sync_status s;
	struct stat st;

	(void)state;
	assert_int_equal(load(&s), -ENOENT);
	assert_int_equal(status_save(dir, &status), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	assert_int_equal(load(&s), 0);
	assert_string_equal(s.directory_url, "file:///d.json");
	assert_string_equal(s.last_error, "sync: no");
	assert_true(s.online && s.generation == 9 && s.last_attempt_at == 5);
	assert_int_equal(status_save(dir, &(struct sync_status){.directory_url = "x"}), 0);
	assert_int_equal(load(&s), 0);
	assert_string_equal(s.directory_url, "x");
	assert_string_equal(s.last_error, "");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(load(&s), -ENOENT);
}

static void test_not_trusted(void **state)
{
	struct sync_status s;

	(void)state;
	assert_int_equal(status_save(dir, &status), 0);
	assert_int_equal(chmod(path, 0664), 0);
	assert_int_equal(load(&s), -EPERM);
	assert_int_equal(chmod(path, 0644), 0);
	assert_int_equal(truncate(path, 20), 0);
	assert_int_equal(load(&s), -EBADMSG);
	assert_int_equal(truncate(path, 1 << 20), 0);
	assert_int_equal(load(&s), -EFBIG);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	assert_int_equal(load(&s), -ELOOP);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0644), 0);
	assert_int_equal(load(&s), -EPERM);
	assert_int_equal(unlink(path), 0);
}

/* A failure leaves what was there, and nothing new. */
static void test_replace_fails(void **state)
{
	char text[2] = "";

	(void)state;
	assert_int_equal(file_replace(dir, "a", 0600, "x", 1), 0);
	assert_int_equal(file_replace(dir, "none/a", 0600, "y", 1), -ENOENT);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(file_replace(dir, STATUS_FILE, 0600, "y", 1), -EISDIR);
	assert_int_equal(rmdir(path), 0);
	snprintf(path, sizeof(path), "%s/a", dir);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_int_equal(read(fd, text, 2), 1);
	close(fd);
	assert_string_equal(text, "x");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(dir), 0); /* empty */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_saved_and_loaded),
		cmocka_unit_test(test_not_trusted),
		cmocka_unit_test(test_replace_fails),
	};

	if (!mkdtemp(dir))
		return 1;
	snprintf(path, sizeof(path), "%s/%s", dir, STATUS_FILE);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
