#include "common/saved_verifier.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "common/paths.h"
#include "common/record.h"

#define SUM_SIZE      8
#define FILE_SIZE_MAX 4096
#define AHEAD_S	      3600

int saved_verifier_pack(const struct saved_verifier *v, struct buf *out)
{
	uint64_t sum = 0;
	size_t start = out->len;
	int r = buf_add(out, &sum, SUM_SIZE);

	if (r == 0)
		r = record_verifier_pack(v, out);
	if (r < 0) {
		out->len = start;
		return r;
	}
	sum = htole64(XXH3_64bits(out->data + start + SUM_SIZE, out->len - start - SUM_SIZE));
	memcpy(out->data + start, &sum, SUM_SIZE);
	return 0;
}

int saved_verifier_unpack(const void *data, size_t len, struct saved_verifier *ret)
{
	const uint8_t *record = (const uint8_t *)data + SUM_SIZE;
	uint64_t sum;

	if (len < SUM_SIZE)
		return -EBADMSG;
	memcpy(&sum, data, SUM_SIZE);
	if (le64toh(sum) != XXH3_64bits(record, len - SUM_SIZE))
		return -EBADMSG;
	return record_verifier_unpack(record, len - SUM_SIZE, ret);
}

static int check_file(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_uid != MUSTER_OWNER || st.st_mode & (S_IRWXG | S_IRWXO))
		return -EPERM;
	return st.st_size > FILE_SIZE_MAX ? -EBADMSG : 0;
}

int saved_verifier_load(const char *state_dir, uint32_t uid, struct buf *buf, struct saved_verifier *ret)
{
	char path[PATH_MAX];
	ssize_t n;
	int r = str_print(path, sizeof(path), "%s/" SAVED_VERIFIER_DIR "/%u", state_dir, uid);

	if (r < 0)
		return r;
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return errno == ELOOP || errno == ENXIO ? -EPERM : -errno;
	r = check_file(fd);
	if (r == 0)
		r = buf_reserve(buf, FILE_SIZE_MAX);
	if (r < 0)
		return r;
	n = TEMP_FAILURE_RETRY(read(fd, buf->data, FILE_SIZE_MAX));
	return n < 0 ? -errno : saved_verifier_unpack(buf->data, (size_t)n, ret);
}

int saved_verifier_judge(const struct saved_verifier *v, const struct account *a, const struct policy *p,
			 int64_t now)
{
	if (!p->password_ldap || strcmp(v->method, SAVED_VERIFIER_METHOD) || !v->hash[0] || !v->id[0] ||
	    strcmp(v->id, a->id) || strcmp(v->name, a->name))
		return -EPERM;
	if (a->password_changed_at > v->confirmed_at)
		return -EKEYEXPIRED;
	if (p->offline_password_max_age_s <= 0 || v->confirmed_at <= 0 || now > saved_verifier_ends_at(v, p))
		return -ESTALE;
	return v->confirmed_at - AHEAD_S > now ? -ESTALE : 0;
}

int64_t saved_verifier_ends_at(const struct saved_verifier *v, const struct policy *p)
{
	int64_t end;

	return __builtin_add_overflow(v->confirmed_at, p->offline_password_max_age_s, &end) ? 0 : end;
}
