/*
 * Lines of /etc/shadow whose user /etc/passwd does not have any more. pam_unix asks for the entry by whatever way there is, finds
 * "x" in ours and the hash there: such a line lets a user of the directory in by an old password, past the second factor and the
 * count of failed tries. Read by glibc's own parser, so that what counts here is what pam_unix would find.
 */
#include <errno.h>
#include <fcntl.h>
#include <shadow.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "agentd/local_private.h"

#define LINE_SIZE 4096

/* Everybody's hashes: nothing of them is left in memory. */
struct reader {
	FILE *file;
	struct buf line;
	char stream[16384];
};

static void reader_done(struct reader *s)
{
	if (s->file)
		fclose(s->file);
	buf_wipe(&s->line);
	wipe(s->stream, sizeof(s->stream));
}

/* 1: it is read; 0: there is none, or it is not to be seen. */
static int reader_open(struct reader *s, struct local *l, const char *path)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int error = errno;
	struct stat st;

	l->shadow_unseen = fd < 0 && (error == EACCES || error == EPERM);
	if (l->shadow_unseen)
		l->fingerprint = XXH3_64bits_withSeed(path, strlen(path), l->fingerprint);
	if (fd < 0)
		return l->shadow_unseen || error == ENOENT ? 0 : -error;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if (st.st_size > FILE_LIMIT)
		return -EFBIG;
	s->file = fdopen(fd, "r");
	if (!s->file)
		return -errno;
	fd = -1;
	setvbuf(s->file, s->stream, _IOFBF, sizeof(s->stream));
	return 1;
}

/* Nothing at all is no password: with "nullok" pam_unix lets in without one. Lines of NIS have none of their own. */
static int look_at(struct local *l, const struct spwd *s)
{
	if (*s->sp_namp == '+' || *s->sp_namp == '-' || !s->sp_pwdp || *s->sp_pwdp == '!' ||
	    *s->sp_pwdp == '*')
		return 0;
	if (local_name_taken(l, s->sp_namp))
		return 0;
	l->fingerprint = XXH3_64bits_withSeed(s->sp_namp, strlen(s->sp_namp), l->fingerprint);
	return buf_add(&l->shadow_left, s->sp_namp, strlen(s->sp_namp) + 1);
}

static int read_lines(struct reader *s, struct local *l)
{
	int r = buf_reserve(&s->line, LINE_SIZE);

	while (r == 0) {
		struct spwd entry, *found = NULL;

		r = -fgetspent_r(s->file, &entry, (char *)s->line.data, s->line.size, &found);
		if (r == -ERANGE) /* the same line again */
			r = s->line.size > FILE_LIMIT ? -EFBIG
						      : buf_reserve(&s->line, s->line.size * 2);
		else if (r == 0 && found)
			r = look_at(l, found);
	}
	if (ferror(s->file))
		return -EIO;
	return r == -ENOENT ? 0 : r;
}

int local_look_at_shadow(struct local *l, const char *etc, char ret_error[static LOCAL_ERROR_SIZE])
{
	CLEANUP(reader_done) struct reader s = {0};
	AUTO_FREE char *path = str_format("%s/shadow", etc);
	int r = path ? reader_open(&s, l, path) : -ENOMEM;

	if (r > 0)
		r = read_lines(&s, l);
	if (r < 0)
		snprintf(ret_error, LOCAL_ERROR_SIZE, "%s/shadow: %s", etc, strerror(-r));
	return r;
}

bool local_shadow_left(const struct local *l, const char *name)
{
	return local_has_string(&l->shadow_left, name);
}

bool local_shadow_unseen(const struct local *l)
{
	return l->shadow_unseen;
}
