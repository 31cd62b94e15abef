/* Attributes and cleanup helpers used everywhere. Models: kmod, systemd (STYLE.md 6). */
#ifndef COMMON_MACROS_H
#define COMMON_MACROS_H

#include <stdlib.h>
#include <unistd.h>

#define MUST_CHECK	   __attribute__((warn_unused_result))
#define PRINTF_LIKE(f, a)  __attribute__((format(printf, f, a)))
#define CLEANUP(f)	   __attribute__((cleanup(f), unused)) /* clang does not count the cleanup as a use */
#define AUTO_FREE	   CLEANUP(freep)
#define AUTO_CLOSE	   CLEANUP(closep)
#define EXPORT		   __attribute__((visibility("default")))
#define ARRAY_SIZE(a)	   (sizeof(a) / sizeof((a)[0]))

/* Hands a pointer or descriptor over: the variable is empty afterwards. */
#define TAKE(p)                            \
	({                                 \
		__typeof__(p) take_ = (p); \
		(p) = NULL;                \
		take_;                     \
	})
#define TAKE_FD(fd)               \
	({                        \
		int take_ = (fd); \
		(fd) = -1;        \
		take_;            \
	})

static inline void freep(void *p)
{
	free(*(void **)p);
}

static inline void closep(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

#endif
