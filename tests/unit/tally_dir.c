#include "tests/unit/tally_dir.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/str.h"
#include "tests/unit/unit.h"

char tally_dir[] = "/tmp/test_tally.XXXXXX";
const struct tally_policy five = {.max_attempts = 5, .window_s = 1800, .lock_time_s = 300};
const struct tally_policy never = {.max_attempts = 0, .window_s = 1800, .lock_time_s = 300};

int tally_start(void **state)
{
	(void)state;
	return tally_clear(tally_dir, UID);
}

struct tally tally_now(int64_t now_ms, const char *rhost, const struct tally_policy *p)
{
	struct tally t;

	memset(&t, 0xa5, sizeof(t));
	assert_int_equal(tally_read(tally_dir, UID, rhost, p, now_ms, &t), 0);
	return t;
}

char *tally_file(const char *suffix)
{
	static char out[200];

	assert_int_equal(str_print(out, sizeof(out), "%s/%u%s", tally_dir, UID, suffix), 0);
	return out;
}

off_t tally_size(const char *suffix)
{
	struct stat st;

	return stat(tally_file(suffix), &st) == 0 ? st.st_size : -1;
}

int tally_rename(void)
{
	char from[200];

	memcpy(from, tally_file(""), sizeof(from));
	return rename(from, tally_file(".old"));
}

void tally_append(const void *bytes, size_t len)
{
	AUTO_CLOSE int fd = open(tally_file(""), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), len);
}

int try_at(int64_t at)
{
	return tally_reserve(tally_dir, UID, NULL, &five, at, NULL);
}

int make_tally_dir(void **state)
{
	(void)state;
	return mkdtemp(tally_dir) ? 0 : -1;
}

int remove_tally_dir(void **state)
{
	return tally_start(state) | rmdir(tally_dir);
}
