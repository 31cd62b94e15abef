#include "agentd/codes.h"

#include <dirent.h>
#include <errno.h>

#include "common/dirs.h"
#include "common/paths.h"
#include "common/record.h"
#include "common/snapshot_reader.h"
#include "common/used_code.h"

/* False only where the snapshot is sure of it. */
static bool may_stay(struct snapshot *s, uint32_t uid)
{
	CLEANUP(buf_wipe) struct buf record = {0};
	struct account a;
	int r = snapshot_account_by_uid(s, uid, &record);

	if (r < 0)
		return r != -ESRCH;
	return record_account_unpack(record.data, record.len, &a) < 0 || a.bound;
}

int codes_sweep(const char *dir, const char *runtime_dir)
{
	AUTO_FREE char *path = str_format("%s/" USED_CODE_DIR, dir);
	AUTO_FREE char *published = str_format("%s/" PAM_SNAPSHOT, runtime_dir);
	CLEANUP(closedirp) DIR *d = path ? opendir(path) : NULL;
	CLEANUP(snapshot_closep) struct snapshot *s = NULL;
	struct dirent *e;
	uint32_t uid;
	int n = 0, r;

	if (!path || !published)
		return -ENOMEM;
	if (!d)
		return errno == ENOENT ? 0 : -errno;
	r = snapshot_open(published, SNAPSHOT_PAM, &s);
	while (r == 0 && (errno = 0, e = readdir(d))) {
		if (parse_u32(e->d_name, 0, UINT32_MAX, &uid) < 0 || may_stay(s, uid))
			continue;
		r = used_code_forget(dir, uid);
		n += r == 0;
	}
	if (r == 0)
		r = -errno;
	return r < 0 ? r : n;
}
