/*
 * Text, numbers and growing byte buffers. Nothing here logs; 0 or -errno is returned.
 */
#ifndef COMMON_STR_H
#define COMMON_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/macros.h"

/* A new string, freed by the caller; NULL alone means "out of memory". */
char *str_format(const char *format, ...) PRINTF_LIKE(1, 2) MUST_CHECK;

/* snprintf into OUT; -ENAMETOOLONG when it does not fit (OUT then holds ""), else 0. */
int str_print(char *out, size_t size, const char *format, ...) PRINTF_LIKE(3, 4) MUST_CHECK;

/* Decimal digits only, whole string, MIN..MAX. -EINVAL, -ERANGE; *ret untouched on failure. */
int parse_u32(const char *s, uint32_t min, uint32_t max, uint32_t *ret) MUST_CHECK;
int parse_u64(const char *s, uint64_t min, uint64_t max, uint64_t *ret) MUST_CHECK;

/*
 * "90", "1500ms", "30s", "5m", "2h", "14d" to milliseconds; a plain number is seconds.
 * -EINVAL; -ERANGE beyond 100 years. *ret_ms untouched on failure.
 */
int parse_duration_ms(const char *s, int64_t *ret_ms) MUST_CHECK;

/*
 * RFC 3339 as JumpCloud writes it ("2021-02-12T17:45:42.369Z", fraction and offset allowed) or a
 * plain date "2021-02-12" (00:00 UTC) to seconds since 1970. Never 0, which stands for "never": the
 * very first second gives 1. -EINVAL, *ret untouched; years 1970..9999 only.
 */
int parse_time(const char *s, int64_t *ret) MUST_CHECK;

/* "2021-02-12T17:45:42Z"; "@-1" for what lies outside 1970..9999. */
#define TIME_TEXT_SIZE 32
void format_time(int64_t t, char out[static TIME_TEXT_SIZE]);

/* The first code point of LEN bytes; how many bytes it takes, 0 when they are not UTF-8. */
size_t utf8_decode(const char *s, size_t len, uint32_t *ret);
/* Well-formed UTF-8 of exactly LEN bytes without NUL. */
bool utf8_valid(const char *s, size_t len);

/* Bytes owned by the buffer; all zero is an empty one. */
struct buf {
	uint8_t *data;
	size_t len, size;
};

/*
 * Append LEN bytes, or make room for LEN more after data + len. -ENOMEM; -E2BIG beyond 1 GiB. A
 * failed call changes nothing; growing wipes the old memory.
 */
int buf_add(struct buf *b, const void *data, size_t len) MUST_CHECK;
int buf_reserve(struct buf *b, size_t len) MUST_CHECK;
/* Frees and empties; NULL allowed. buf_wipe() overwrites first: for secrets. */
void buf_done(struct buf *b);
void buf_wipe(struct buf *b);

/* COUNT NUL-terminated strings one after another in LEN bytes; the memory is somebody else's. */
struct strlist {
	const char *data;
	uint32_t len, count;
};

/* Walk: const char *s = NULL; while ((s = strlist_next(&l, s))) … */
const char *strlist_next(const struct strlist *l, const char *s);
/* Every byte accounted for, each string terminated, COUNT right. */
bool strlist_valid(const struct strlist *l);
bool strlist_has(const struct strlist *l, const char *s);

/* Overwrite memory in a way the compiler keeps; compare in constant time. */
void wipe(void *p, size_t len);
bool equal_ct(const void *a, const void *b, size_t len);

#endif
