#include "agentd/status.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "agentd/file.h"
#include "common/snapshot_reader.h"

#define STATUS_MAX 16384

static const char *last_of(const struct strlist *l)
{
	const char *last = "", *s = NULL;

	while ((s = strlist_next(l, s)))
		last = s;
	return last;
}

int status_save(const char *runtime_dir, const struct sync_status *s)
{
	CLEANUP(buf_done) struct buf record = {0};
	struct sync_status status = *s;
	int r;

	status.last_error = last_of(&s->errors);
	r = record_status_pack(&status, &record);

	return r < 0 ? r : file_replace(runtime_dir, STATUS_FILE, 0644, record.data, record.len);
}

static int read_record(const char *runtime_dir, const char *name, struct buf *buf)
{
	AUTO_FREE char *path = str_format("%s/%s", runtime_dir, name);
	AUTO_CLOSE int fd = path ? open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC) : -1;
	struct stat st;

	if (!path)
		return -ENOMEM;
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || (st.st_uid != 0 && st.st_uid != geteuid()) ||
	    st.st_mode & (S_IWGRP | S_IWOTH))
		return -EPERM;
	buf->len = 0;
	return file_read_fd(fd, STATUS_MAX, buf);
}

int status_load(const char *runtime_dir, struct buf *buf, struct sync_status *ret)
{
	int r = read_record(runtime_dir, STATUS_FILE, buf);

	return r < 0 ? r : record_status_unpack(buf->data, buf->len, ret);
}

int status_save_sessions(const char *runtime_dir, const struct session_status *s)
{
	CLEANUP(buf_done) struct buf record = {0};
	int r = record_sessions_pack(s, &record);

	return r < 0 ? r : file_replace(runtime_dir, SESSIONS_FILE, 0644, record.data, record.len);
}

int status_load_sessions(const char *runtime_dir, struct session_status *ret)
{
	CLEANUP(buf_done) struct buf buf = {0};
	int r = read_record(runtime_dir, SESSIONS_FILE, &buf);

	*ret = (struct session_status){0};
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	return record_sessions_unpack(buf.data, buf.len, ret);
}

static int from_snapshot(const char *dir, struct buf *buf, struct sync_status *ret)
{
	CLEANUP(snapshot_closep) struct snapshot *s = NULL;
	AUTO_FREE char *path = str_format("%s/%s", dir, PAM_SNAPSHOT);
	int r = path ? snapshot_open(path, SNAPSHOT_PAM, &s) : -ENOMEM;

	buf->len = 0;
	if (r == 0)
		r = snapshot_status(s, buf);
	if (r == 0)
		r = record_status_unpack(buf->data, buf->len, ret);
	if (r < 0)
		return r;
	ret->generation = snapshot_info(s)->generation;
	if (snapshot_info(s)->confirmed_at > ret->last_sync_at) /* a copy (publish_confirm()) has what was said before */
		ret->last_sync_at = snapshot_info(s)->confirmed_at;
	return 0;
}

int status_load_published(const struct conf *c, struct buf *buf, struct sync_status *ret)
{
	if (from_snapshot(c->runtime_dir, buf, ret) == 0 || from_snapshot(c->state_dir, buf, ret) == 0)
		return 0;
	return -ENOENT;
}

int status_load_last(const struct conf *c, struct buf *buf, struct sync_status *ret)
{
	return status_load(c->runtime_dir, buf, ret) == 0 ? 0 : status_load_published(c, buf, ret);
}
