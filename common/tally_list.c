#include "common/tally_list.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>

#include "common/dirs.h"

static int compare_uids(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* "5001", or "5001.old"; anything else is none of ours. */
static int add_uid(struct buf *out, const char *file)
{
	char name[16] = "";
	size_t len = strcspn(file, ".");
	uint32_t uid;

	if (len >= sizeof(name) || (file[len] && strcmp(file + len, ".old")))
		return 0;
	memcpy(name, file, len);
	return parse_u32(name, 0, UINT32_MAX, &uid) < 0 ? 0 : buf_add(out, &uid, sizeof(uid));
}

static void drop_doubles(struct buf *b)
{
	uint32_t *uids = (uint32_t *)(void *)b->data;
	size_t n = b->len / sizeof(*uids), kept = 0;

	if (n == 0)
		return;
	qsort(uids, n, sizeof(*uids), compare_uids);
	for (size_t i = 0; i < n; i++)
		if (kept == 0 || uids[kept - 1] != uids[i])
			uids[kept++] = uids[i];
	b->len = kept * sizeof(*uids);
}

int tallies_list(const char *runtime_dir, struct buf *out)
{
	AUTO_FREE char *path = str_format("%s/tally", runtime_dir);
	CLEANUP(closedirp) DIR *dir = path ? opendir(path) : NULL;
	struct dirent *e;
	int r = 0;

	if (!path)
		return -ENOMEM;
	if (!dir)
		return errno == ENOENT ? 0 : -errno;
	while (r == 0 && (errno = 0, e = readdir(dir)))
		r = add_uid(out, e->d_name);
	if (r == 0)
		r = -errno;
	drop_doubles(out);
	return r;
}

uint32_t *tallies_find(uint32_t *uids, size_t n, uint32_t uid)
{
	return n > 0 ? bsearch(&uid, uids, n, sizeof(*uids), compare_uids) : NULL;
}
