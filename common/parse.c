/* Numbers, durations and times as text: the second half of common/str.h. */
#include "common/str.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define DAY_S           86400
#define TIME_MAX        INT64_C(253402300799)               /* 9999-12-31T23:59:59Z */
#define DURATION_MAX_MS (INT64_C(100) * 365 * DAY_S * 1000) /* sums of it with any time fit */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Digits from *s on; *s is moved behind them. */
static int parse_digits(const char **s, uint64_t *ret)
{
	const char *p = *s;
	uint64_t n = 0;

	if (!is_digit(*p))
		return -EINVAL;
	for (; is_digit(*p); p++)
		if (__builtin_mul_overflow(n, 10, &n) ||
		    __builtin_add_overflow(n, (uint64_t)(*p - '0'), &n))
			return -ERANGE;
	*s = p;
	*ret = n;
	return 0;
}

int parse_u64(const char *s, uint64_t min, uint64_t max, uint64_t *ret)
{
	uint64_t n;
	int r;

	if (strspn(s, "0123456789") != strlen(s))
		return -EINVAL;
	r = parse_digits(&s, &n);
	if (r < 0)
		return r;
	if (n < min || n > max)
		return -ERANGE;
	*ret = n;
	return 0;
}

int parse_u32(const char *s, uint32_t min, uint32_t max, uint32_t *ret)
{
	uint64_t n;
	int r = parse_u64(s, min, max, &n);

	if (r < 0)
		return r;
	*ret = (uint32_t)n;
	return 0;
}

int parse_duration_ms(const char *s, int64_t *ret_ms)
{
	static const struct {
		char unit[3];
		uint64_t ms;
	} units[] = {
		{"", 1000},       {"ms", 1},          {"s", 1000},
		{"m", 60 * 1000}, {"h", 3600 * 1000}, {"d", DAY_S * 1000},
	};
	uint64_t n;
	int r = parse_digits(&s, &n);

	if (r < 0)
		return r;
	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		if (strcmp(s, units[i].unit) != 0)
			continue;
		if (n > (uint64_t)DURATION_MAX_MS / units[i].ms)
			return -ERANGE;
		*ret_ms = (int64_t)(n * units[i].ms);
		return 0;
	}
	return -EINVAL;
}

/* Exactly WIDTH digits at *s; moves *s behind them. */
static bool take_number(const char **s, int width, unsigned int *ret)
{
	unsigned int n = 0;

	for (int i = 0; i < width; i++) {
		if (!is_digit((*s)[i]))
			return false;
		n = n * 10 + (unsigned int)((*s)[i] - '0');
	}
	*s += width;
	*ret = n;
	return true;
}

static bool take_char(const char **s, char c)
{
	if (**s != c)
		return false;
	(*s)++;
	return true;
}

static unsigned int month_days(unsigned int y, unsigned int m)
{
	static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;

	return days[m - 1] + (m == 2 && leap);
}

/*
 * Days since 1970-01-01 of a date in the proleptic Gregorian calendar; years that begin in March.
 */
static int64_t days_from_date(unsigned int y, unsigned int m, unsigned int d)
{
	unsigned int year = m > 2 ? y : y - 1;
	unsigned int day_of_year = (153 * (m > 2 ? m - 3 : m + 9) + 2) / 5 + d - 1;

	return (int64_t)year * 365 + year / 4 - year / 100 + year / 400 + day_of_year - 719468;
}

static bool take_date(const char **s, int64_t *ret_days)
{
	unsigned int y, m, d;

	if (!take_number(s, 4, &y) || !take_char(s, '-') || !take_number(s, 2, &m) ||
	    !take_char(s, '-') || !take_number(s, 2, &d))
		return false;
	if (y < 1970 || m < 1 || m > 12 || d < 1 || d > month_days(y, m))
		return false;
	*ret_days = days_from_date(y, m, d);
	return true;
}

static bool take_clock(const char **s, int64_t *ret_s)
{
	unsigned int h, m, sec;

	if (!take_number(s, 2, &h) || !take_char(s, ':') || !take_number(s, 2, &m) ||
	    !take_char(s, ':') || !take_number(s, 2, &sec))
		return false;
	if (h > 23 || m > 59 || sec > 60) /* 60: a leap second */
		return false;
	if (take_char(s, '.')) {
		if (!is_digit(**s))
			return false;
		*s += strspn(*s, "0123456789");
	}
	*ret_s = h * 3600 + m * 60 + sec;
	return true;
}

static bool take_offset(const char **s, int64_t *ret_s)
{
	unsigned int h, m;
	bool west = **s == '-';

	*ret_s = 0;
	if (take_char(s, 'Z'))
		return true;
	if (!west && **s != '+')
		return false;
	(*s)++;
	if (!take_number(s, 2, &h) || !take_char(s, ':') || !take_number(s, 2, &m) || h > 23 ||
	    m > 59)
		return false;
	*ret_s = (int64_t)(h * 3600 + m * 60) * (west ? -1 : 1);
	return true;
}

int parse_time(const char *s, int64_t *ret)
{
	int64_t days, clock = 0, offset = 0;

	if (!take_date(&s, &days))
		return -EINVAL;
	if (*s != '\0' &&
	    (!take_char(&s, 'T') || !take_clock(&s, &clock) || !take_offset(&s, &offset)))
		return -EINVAL;
	int64_t t = days * DAY_S + clock - offset;
	if (*s != '\0' || t < 0 || t > TIME_MAX)
		return -EINVAL;
	*ret = t > 0 ? t : 1; /* 0 means "never": an expiry in 1970 must not become one */
	return 0;
}

void format_time(int64_t t, char out[static TIME_TEXT_SIZE])
{
	unsigned int y = 1970, m = 1;

	if (t < 0 || t > TIME_MAX) {
		(void)!str_print(out, TIME_TEXT_SIZE, "@%" PRId64, t);
		return;
	}
	int64_t days = t / DAY_S, sec = t % DAY_S;
	y += (unsigned int)(days / 366); /* never beyond the year sought */
	while (days_from_date(y + 1, 1, 1) <= days)
		y++;
	while (m < 12 && days_from_date(y, m + 1, 1) <= days)
		m++;
	(void)!str_print(out, TIME_TEXT_SIZE, "%04u-%02u-%02dT%02d:%02d:%02dZ", y, m,
			 (int)(days - days_from_date(y, m, 1)) + 1, (int)(sec / 3600),
			 (int)(sec / 60 % 60), (int)(sec % 60));
}
