/* What every reader enforces: apart, since libnss_muster.so.2 takes this and no more of names.h. */
#include "common/names.h"

#define ALPHA(c) ((c) >= 'A' && (c) <= 'Z') || ((c) >= 'a' && (c) <= 'z') || (c) == '_'
#define DIGIT(c) ((c) >= '0' && (c) <= '9') || (c) == '.' || (c) == '-'

/* One byte of the portable character set, and nothing that a locale adds. */
static bool first_ok(unsigned char c)
{
	return ALPHA(c);
}

static bool further_ok(unsigned char c)
{
	return ALPHA(c) || DIGIT(c);
}

size_t name_span(const char *s, size_t room)
{
	size_t max = room <= NAME_MAX_LEN ? room : NAME_MAX_LEN + 1, n = 1;

	if (room == 0 || !first_ok((unsigned char)s[0]))
		return 0;
	while (n < max && further_ok((unsigned char)s[n]))
		n++;
	return n < max && s[n] == '\0' ? n : 0;
}

bool name_valid(const char *name)
{
	return name_span(name, NAME_MAX_LEN + 1) > 0;
}

bool id_floor_ok(uint32_t id)
{
	return id >= ID_FLOOR && id <= ID_TOP && id != 65534 && id != 65535;
}
