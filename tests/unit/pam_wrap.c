#include "tests/unit/pam_wrap.h"

#include <crypt.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <security/pam_ext.h>
#include <security/pam_modules.h>

#include "common/macros.h"

struct pam_wrap pam_wrap;

static bool fails(void)
{
	unsigned int n = ++pam_wrap.calls;

	return n == pam_wrap.fail_at ||
	       (pam_wrap.fail_for_good && pam_wrap.fail_at && n > pam_wrap.fail_at);
}

static bool interrupted(void)
{
	static bool odd;

	odd = !odd;
	if (!pam_wrap.interrupt || !odd)
		return false;
	errno = EINTR;
	return true;
}

static bool fails_errno(void)
{
	if (!fails())
		return false;
	errno = pam_wrap.fail_errno;
	return true;
}

/* Defined here, called by the module, declared nowhere else. */
#define WRAP(type, name, ...)                   \
	EXPORT type __wrap_##name(__VA_ARGS__); \
	EXPORT type __wrap_##name(__VA_ARGS__)

WRAP(void *, malloc, size_t size)
{
	return fails() ? NULL : malloc(size);
}

WRAP(void *, calloc, size_t n, size_t size)
{
	return fails() ? NULL : calloc(n, size);
}

static void look_for_secrets(const void *p)
{
	const char *secrets[] = {pam_wrap.secret, pam_wrap.verifier, pam_wrap.seed, pam_wrap.code};

	for (size_t i = 0; p && i < ARRAY_SIZE(secrets); i++)
		if (secrets[i] && memmem(p, malloc_usable_size((void *)(uintptr_t)p), secrets[i],
					 strlen(secrets[i])))
			pam_wrap.secret_left = true;
}

/* Always to another place: where memory was, its contents stay. */
WRAP(void *, realloc, void *p, size_t size)
{
	size_t old = p ? malloc_usable_size(p) : 0;
	void *next = fails() ? NULL : malloc(size);

	if (!next)
		return NULL;
	memcpy(next, p, old < size ? old : size);
	look_for_secrets(p);
	free(p);
	return next;
}

WRAP(void, free, void *p)
{
	look_for_secrets(p);
	free(p);
}

static void note_open(const char *path, int flags)
{
	const char *dir = pam_wrap.writable;

	if ((flags & O_ACCMODE) != O_RDONLY && (!dir || strncmp(path, dir, strlen(dir)) != 0))
		pam_wrap.wrote_elsewhere = true;
}

WRAP(int, open, const char *path, int flags, ...)
{
	mode_t mode = 0;

	if (flags & O_CREAT) {
		va_list ap;

		va_start(ap, flags);
		mode = va_arg(ap, mode_t);
		va_end(ap);
	}
	note_open(path, flags);
	return fails_errno() ? -1 : open(path, flags, mode);
}

WRAP(int, openat, int dir, const char *path, int flags, ...)
{
	va_list ap;

	va_start(ap, flags);
	mode_t mode = flags & O_CREAT ? va_arg(ap, mode_t) : 0;
	va_end(ap);
	return fails_errno() ? -1 : openat(dir, path, flags, mode);
}

WRAP(int, fstat, int fd, struct stat *st)
{
	return fails_errno() ? -1 : fstat(fd, st);
}

WRAP(int, lstat, const char *path, struct stat *st)
{
	return fails_errno() ? -1 : lstat(path, st);
}

WRAP(ssize_t, read, int fd, void *data, size_t len)
{
	return fails_errno() || interrupted() ? -1 : read(fd, data, len);
}

WRAP(ssize_t, pread, int fd, void *data, size_t len, off_t offset)
{
	return fails_errno() || interrupted() ? -1 : pread(fd, data, len, offset);
}

WRAP(ssize_t, write, int fd, const void *data, size_t len)
{
	ssize_t n = fails_errno() || interrupted() ? -1 : write(fd, data, len);

	if (n == (ssize_t)len)
		pam_wrap.written = true;
	return n;
}

WRAP(off_t, lseek, int fd, off_t offset, int whence)
{
	return fails_errno() ? -1 : lseek(fd, offset, whence);
}

WRAP(int, mkdir, const char *path, mode_t mode)
{
	return fails_errno() ? -1 : mkdir(path, mode);
}

WRAP(int, chmod, const char *path, mode_t mode)
{
	return fails_errno() ? -1 : chmod(path, mode);
}

WRAP(int, clock_gettime, clockid_t clock, struct timespec *ts)
{
	return fails_errno() ? -1 : clock_gettime(clock, ts);
}

WRAP(char *, crypt_rn, const char *phrase, const char *setting, void *data, int size)
{
	pam_wrap.hashes++;
	if (strcmp(setting, pam_wrap.dummy) != 0 && !pam_wrap.written)
		pam_wrap.uncounted = true;
	pam_wrap.written = false;
	if (fails()) {
		errno = ENOMEM;
		return NULL;
	}
	return crypt_rn(phrase, setting, data, size);
}

WRAP(int, pam_get_user, pam_handle_t *pamh, const char **user, const char *prompt)
{
	return fails() ? PAM_CONV_ERR : pam_get_user(pamh, user, prompt);
}

WRAP(int, pam_get_item, const pam_handle_t *pamh, int type, const void **item)
{
	return fails() ? PAM_BAD_ITEM : pam_get_item(pamh, type, item);
}

WRAP(int, pam_set_item, pam_handle_t *pamh, int type, const void *item)
{
	return fails() ? PAM_BUF_ERR : pam_set_item(pamh, type, item);
}

EXPORT int __wrap_pam_prompt(pam_handle_t *, int, char **, const char *, ...) PRINTF_LIKE(4, 5);
WRAP(int, pam_prompt, pam_handle_t *pamh, int style, char **response, const char *format, ...)
{
	va_list ap;

	pam_wrap.prompts++;
	if (fails())
		return PAM_BUF_ERR;
	va_start(ap, format);
	int r = pam_vprompt(pamh, style, response, format, ap);
	va_end(ap);
	return r;
}

WRAP(int, pam_fail_delay, pam_handle_t *pamh, unsigned int us)
{
	if (us > pam_wrap.fail_delay_us)
		pam_wrap.fail_delay_us = us;
	return fails() ? PAM_SYSTEM_ERR : pam_fail_delay(pamh, us);
}

EXPORT void __wrap_pam_syslog(const pam_handle_t *, int, const char *, ...) PRINTF_LIKE(3, 4);
WRAP(void, pam_syslog, const pam_handle_t *pamh, int priority, const char *format, ...)
{
	size_t used = strlen(pam_wrap.log);
	va_list ap;

	(void)pamh;
	(void)priority;
	va_start(ap, format);
	(void)vsnprintf(pam_wrap.log + used, sizeof(pam_wrap.log) - used - 1, format, ap);
	va_end(ap);
	used = strlen(pam_wrap.log);
	(void)snprintf(pam_wrap.log + used, sizeof(pam_wrap.log) - used, "\n");
}
