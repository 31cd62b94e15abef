#include "nss/pack.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "common/names.h"

/* "x": the password is elsewhere. With "*" pam_unix would let the account pass (security.md 5.b.3). */
#define PASSWORD      "x"
#define PASSWORD_SIZE sizeof PASSWORD

/* What is left of the caller's buffer: taken from below for arrays, from above for bytes. */
struct pack {
	char *low, *high;
};

static void *pack_array(struct pack *p, size_t n, size_t size, size_t align)
{
	size_t gap = -(uintptr_t)p->low & (align - 1), room = (size_t)(p->high - p->low);
	char *array = p->low + gap;

	if (room < gap || (room - gap) / size < n)
		return NULL;
	p->low = array + n * size;
	return array;
}

static char *pack_bytes(struct pack *p, size_t len)
{
	if ((size_t)(p->high - p->low) < len)
		return NULL;
	p->high -= len;
	return p->high;
}

int pack_passwd(const struct snapshot_user_view *u, struct passwd *ret, char *buffer, size_t buflen)
{
	struct pack p = {.low = buffer, .high = buffer + buflen};
	char *password = pack_bytes(&p, PASSWORD_SIZE);
	char *strings = password ? pack_bytes(&p, u->strings_len) : NULL;

	if (!strings)
		return -ENOBUFS;
	memcpy(password, PASSWORD, PASSWORD_SIZE);
	memcpy(strings, u->user.name, u->strings_len);
	*ret = (struct passwd){
		.pw_name = strings,
		.pw_passwd = password,
		.pw_uid = u->user.uid,
		.pw_gid = u->user.gid,
		.pw_gecos = strings + (u->user.gecos - u->user.name),
		.pw_dir = strings + (u->user.home - u->user.name),
		.pw_shell = strings + (u->user.shell - u->user.name),
	};
	return 0;
}

/* Pointers to the COUNT names from P to END, and NULL after them. */
static int members_point(char **members, uint32_t count, char *p, const char *end)
{
	for (uint32_t i = 0; i < count; i++) {
		size_t len = name_span(p, (size_t)(end - p));

		if (len == 0)
			return -EBADMSG;
		members[i] = p;
		p += len + 1;
	}
	members[count] = NULL;
	return p == end ? 0 : -EBADMSG;
}

int pack_group(const struct snapshot_group *g, struct group *ret, char *buffer, size_t buflen)
{
	struct pack p = {.low = buffer, .high = buffer + buflen};
	size_t name_size = (size_t)(g->members.data - g->name);
	size_t n = (size_t)g->members.count + 1;
	char **members, *password, *strings;
	int r;

	if (g->members.count > g->members.len)
		return -EBADMSG;
	/* Bytes first and from above: in pread's case they are moved there from the buffer's beginning. */
	strings = pack_bytes(&p, name_size + g->members.len);
	password = strings ? pack_bytes(&p, PASSWORD_SIZE) : NULL;
	members = password ? pack_array(&p, n, sizeof *members, _Alignof(char *)) : NULL;
	if (!members)
		return snapshot_members_check(&g->members) < 0 ? -EBADMSG : -ENOBUFS;
	memmove(strings, g->name, name_size + g->members.len);
	memcpy(password, PASSWORD, PASSWORD_SIZE);
	r = members_point(members, g->members.count, strings + name_size,
			  strings + name_size + g->members.len);
	if (r < 0)
		return r;
	*ret = (struct group){
		.gr_name = strings,
		.gr_passwd = password,
		.gr_gid = g->gid,
		.gr_mem = members,
	};
	return 0;
}
