#include "pam/local.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* Where in NAME the current line still matches; MISMATCH until its end otherwise. */
#define MISMATCH ((size_t)-1)

struct scan {
	const char *name;
	size_t len, matched;
	unsigned int field; /* the one whose number is looked for */
	bool found;
	/* of the first line that is found */
	enum { NO_LINE, IN_LINE, PAST_LINE } place;
	unsigned int at;
	uint64_t number;
	size_t digits;
	bool bad;
};

static void scan_number(struct scan *s, char c)
{
	if (c == '\n')
		s->place = PAST_LINE;
	else if (c == ':')
		s->at++;
	else if (s->at == s->field && c >= '0' && c <= '9' && s->digits++ < 10)
		s->number = 10 * s->number + (uint64_t)(c - '0');
	else if (s->at == s->field)
		s->bad = true;
}

static void scan_char(struct scan *s, char c)
{
	if (s->place == IN_LINE)
		scan_number(s, c);
	if (c == '\n')
		s->matched = 0;
	else if (s->matched == MISMATCH)
		return;
	else if (s->matched == 0 && (c == ' ' || c == '\t'))
		return; /* glibc skips these, too */
	else if (s->matched < s->len && c == s->name[s->matched])
		s->matched++;
	else {
		s->found |= s->matched == s->len && c == ':';
		s->matched = MISMATCH;
		if (s->found && s->place == NO_LINE) {
			s->place = IN_LINE;
			s->at = 1;
		}
	}
}

/* To the end even when found: the time tells nothing about the place in the file. */
static int scan_file(struct scan *s, const char *path)
{
	AUTO_CLOSE int fd = -1;
	char block[4096];
	ssize_t n;

	s->len = strlen(s->name);
	if (s->len == 0 || strpbrk(s->name, ":\n"))
		return 0;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return -errno;
	while ((n = read(fd, block, sizeof(block))) != 0) {
		if (n < 0 && errno != EINTR)
			return -errno;
		for (ssize_t i = 0; i < n; i++)
			scan_char(s, block[i]);
	}
	return s->found;
}

int local_user(const char *passwd, const char *name)
{
	struct scan s = {.name = name};

	return strcmp(name, "root") == 0 ? 1 : scan_file(&s, passwd);
}

int local_number(const char *file, const char *name, unsigned int field, uint32_t *ret)
{
	struct scan s = {.name = name, .field = field};
	int r = scan_file(&s, file);

	if (r <= 0)
		return r;
	if (s.bad || s.digits == 0 || s.number > UINT32_MAX)
		return -EBADMSG;
	*ret = (uint32_t)s.number;
	return 1;
}
