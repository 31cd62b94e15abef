#include "common/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

static int read_boot_id(char out[static BOOT_ID_SIZE])
{
	AUTO_CLOSE int fd =
		open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC | O_NOCTTY);
	char line[BOOT_ID_SIZE];

	if (fd < 0)
		return -errno;
	ssize_t n = TEMP_FAILURE_RETRY(read(fd, line, sizeof(line)));
	if (n < 0)
		return -errno;
	if (n != BOOT_ID_SIZE || line[BOOT_ID_SIZE - 1] != '\n')
		return -EIO;
	line[BOOT_ID_SIZE - 1] = '\0';
	memcpy(out, line, BOOT_ID_SIZE);
	return 0;
}

static int64_t to_ms(const struct timespec *t)
{
	return (int64_t)t->tv_sec * 1000 + t->tv_nsec / 1000000;
}

int64_t clock_boottime_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return to_ms(&t);
}

int clock_read(struct clock_reading *ret)
{
	struct clock_reading c = {0};
	struct timespec boot, wall;

	if (clock_gettime(CLOCK_BOOTTIME, &boot) < 0 || clock_gettime(CLOCK_REALTIME, &wall) < 0)
		return -errno;
	int r = read_boot_id(c.boot_id);
	if (r < 0)
		return r;
	c.boottime_ms = to_ms(&boot);
	c.wall_s = wall.tv_sec;
	*ret = c;
	return 0;
}

/* The mark carried on to R by what this boot has measured since: all of it, when the mark is from an earlier one. */
static int64_t mark_now(const struct clock_mark *m, const struct clock_reading *r)
{
	bool same_boot = strncmp(m->boot_id, r->boot_id, BOOT_ID_SIZE) == 0;
	int64_t since_ms = same_boot ? m->boottime_ms : 0, t = m->wall_s;

	if (m->boot_id[0] == '\0' || since_ms < 0 || r->boottime_ms < since_ms)
		return t;
	if (__builtin_add_overflow(t, (r->boottime_ms - since_ms) / 1000, &t))
		return INT64_MAX;
	return t;
}

int64_t clock_trusted(const struct clock_reading *r, const struct clock_mark *m)
{
	int64_t t = mark_now(m, r);

	return t > r->wall_s ? t : r->wall_s;
}

static bool agree(int64_t a, int64_t b)
{
	int64_t apart;

	return !__builtin_sub_overflow(a, b, &apart) && apart <= CLOCK_AGREE_S && apart >= -CLOCK_AGREE_S;
}

int64_t clock_of_codes(int64_t trusted_s)
{
	struct timespec wall;

	if (clock_gettime(CLOCK_REALTIME, &wall) < 0 || !agree(trusted_s, wall.tv_sec))
		return trusted_s;
	return wall.tv_sec;
}

/* T was never true: SERVER_S and the wall clock agree on an earlier time. */
static bool was_ahead(int64_t t, const struct clock_reading *r, int64_t server_s)
{
	return server_s < t && !agree(server_s, t) && agree(server_s, r->wall_s);
}

struct clock_mark clock_advance(const struct clock_mark *m, const struct clock_reading *r,
				int64_t server_s)
{
	struct clock_mark next = {.boottime_ms = r->boottime_ms};

	memcpy(next.boot_id, r->boot_id, BOOT_ID_SIZE);
	next.wall_s = m->wall_s != 0 ? mark_now(m, r) : server_s != 0 ? server_s : r->wall_s;
	if (server_s > next.wall_s || (server_s != 0 && was_ahead(next.wall_s, r, server_s)))
		next.wall_s = server_s;
	return next;
}

int64_t clock_now(const struct clock_reading *r, const struct clock_mark *m, int64_t server_s)
{
	const struct clock_mark next = clock_advance(m, r, server_s);

	return server_s != 0 ? next.wall_s : clock_trusted(r, &next);
}
