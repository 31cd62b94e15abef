#include "agentd/zone.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "agentd/file.h"

#define SIZE_MAX_ZONE 65536
#define DAY_S         86400
#define DAYS_AHEAD    3660
#define HEAD          5 /* "TZif" and a version */

/* The C library takes UTC for what it cannot read, and says nothing. */
static int check_file(const char *path)
{
	CLEANUP(buf_done) struct buf text = {0};
	int r = file_read(path, SIZE_MAX_ZONE, &text);

	if (r < 0)
		return r;
	if (text.len < HEAD || memcmp(text.data, "TZif", 4) != 0)
		return -EBADMSG;
	/* of all versions but the first the last line is one */
	return text.data[4] && text.data[text.len - 1] != '\n' ? -EBADMSG : 0;
}

static int32_t offset_at(int64_t t)
{
	struct tm tm;

	return localtime_r(&(time_t){t}, &tm) ? (int32_t)tm.tm_gmtoff : 0;
}

/* The second in (BEFORE, AFTER] from which on another offset than BEFORE's holds. */
static int64_t find_shift(int64_t before, int64_t after)
{
	int32_t offset = offset_at(before);

	while (after - before > 1) {
		int64_t middle = before + (after - before) / 2;

		*(offset_at(middle) == offset ? &before : &after) = middle;
	}
	return after;
}

static void find_shifts(int64_t now, struct access_zone *ret)
{
	*ret = (struct access_zone){.shift = {{INT64_MIN, offset_at(now)}}, .n = 1};
	for (int day = 0; day < DAYS_AHEAD && ret->n < ACCESS_SHIFTS_MAX; day++) {
		int64_t t = now + (int64_t)day * DAY_S;

		if (offset_at(t + DAY_S) == ret->shift[ret->n - 1].offset_s)
			continue;
		ret->shift[ret->n] =
			(struct access_shift){find_shift(t, t + DAY_S), offset_at(t + DAY_S)};
		ret->n++;
	}
}

static int set_tz(const char *value)
{
	int r = value ? setenv("TZ", value, 1) : unsetenv("TZ");

	tzset();
	return r < 0 ? -errno : 0;
}

int zone_read(const char *path, int64_t now, struct access_zone *ret)
{
	const char *tz = getenv("TZ");
	AUTO_FREE char *before = tz ? strdup(tz) : NULL;
	AUTO_FREE char *ours = str_format(":%s", path);
	int r = check_file(path);

	if (r == -ENOENT) {
		*ret = (struct access_zone){.shift = {{INT64_MIN, 0}}, .n = 1};
		return 0;
	}
	if (r == 0)
		r = ours && (before || !tz) ? set_tz(ours) : -ENOMEM;
	if (r < 0)
		return r;
	find_shifts(now, ret);
	return set_tz(before);
}
