/*
 * Trusted time (security.md 5.c.8): a wall clock set back opens nothing, a jump ahead is not
 * stored. The mark is kept in MUSTER_STATE_DIR (common/clock_file.h).
 */
#ifndef COMMON_CLOCK_H
#define COMMON_CLOCK_H

#include <stdint.h>

#include "common/macros.h"

#define BOOT_ID_SIZE 37

/* The highest time known to be true, and when in which boot it was. All zero: none yet. */
struct clock_mark {
	char boot_id[BOOT_ID_SIZE];
	int64_t boottime_ms; /* CLOCK_BOOTTIME when the mark was made */
	int64_t wall_s;	     /* trusted time then */
};

/* What the clocks say now. */
struct clock_reading {
	char boot_id[BOOT_ID_SIZE];
	int64_t boottime_ms;
	int64_t wall_s;
};

/* CLOCK_BOOTTIME: of use within a boot, and for intervals alone; counts sleep. */
int64_t clock_boottime_ms(void);

/* Reads the clocks and /proc/sys/kernel/random/boot_id. -errno. */
int clock_read(struct clock_reading *ret) MUST_CHECK;

/* Pure: max(wall, mark + the time that ran since the mark, in its boot and in this one). */
int64_t clock_trusted(const struct clock_reading *r, const struct clock_mark *m);

/*
 * What time authenticator apps have: the wall clock's, not trusted time TRUSTED_S, which may be minutes ahead for good. Only
 * where the two do not agree, since somebody set the clock back, TRUSTED_S.
 */
int64_t clock_of_codes(int64_t trusted_s);

/* Two clocks this close agree. */
#define CLOCK_AGREE_S 86400

/*
 * Pure: the mark after R. It rises by elapsed BOOTTIME, in a new boot since its start, or to SERVER_S, a Date
 * seen inside verified TLS (0 = none); a first mark takes SERVER_S, without one the wall clock.
 * It falls in one case alone: a server's clock had pushed it ahead, and now a server and the wall
 * clock agree (CLOCK_AGREE_S) that it is earlier, by more than that.
 */
struct clock_mark clock_advance(const struct clock_mark *m, const struct clock_reading *r,
				int64_t server_s);

/*
 * Pure: what time it is, for what is known from the directory. Its server's clock inside TLS comes
 * before ours; without it as clock_trusted().
 */
int64_t clock_now(const struct clock_reading *r, const struct clock_mark *m, int64_t server_s);

#endif
