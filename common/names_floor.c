/* What every reader enforces: apart, since libnss_muster.so.2 takes this and no more of names.h. */
#include "common/names.h"

#define FIRST	1 /* a name may begin with it */
#define FURTHER 2

/* One byte of the portable character set, and nothing that a locale adds. */
static const unsigned char class[256] = {
	['A' ... 'Z'] = FIRST | FURTHER,
	['a' ... 'z'] = FIRST | FURTHER,
	['_'] = FIRST | FURTHER,
	['0' ... '9'] = FURTHER,
	['.'] = FURTHER,
	['-'] = FURTHER,
};

size_t name_span(const char *s, size_t room)
{
	size_t max = room <= NAME_MAX_LEN ? room : NAME_MAX_LEN + 1, n = 1;

	if (room == 0 || (class[(unsigned char)s[0]] & FIRST) == 0)
		return 0;
	while (n < max && class[(unsigned char)s[n]] != 0)
		n++;
	return n < max && s[n] == '\0' ? n : 0;
}

bool name_valid(const char *name)
{
	return name_span(name, NAME_MAX_LEN + 1) > 0;
}
