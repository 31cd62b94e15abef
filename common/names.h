/*
 * Which names and ids may leave the directory for this endpoint (D1, D4, D5). The floor is fixed
 * when built; what depends on this host (local users, subuid ranges) is checked by the agent
 * (agentd/local.h).
 */
#ifndef COMMON_NAMES_H
#define COMMON_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NAME_MAX_LEN 32
#define OBJECT_ID_MAX 64
#define ID_FLOOR     1000u		/* no id of the directory's below ever leaves the NSS module (N10); but see local_gid_ok() */
#define ID_HASH_BASE 1879048192u	/* 0x70000000: ids of our own making lie here, */
#define ID_HASH_SPAN (1u << 28)		/* up to 2147483647 */
#define ID_TOP	     2147483647u
#define GID_SUDO	 2147483640u
#define GID_SUDO_NOPASSWD 2147483641u
#define GROUP_SUDO	  "muster-sudo"
#define GROUP_SUDO_NOPASSWD "muster-sudo-nopasswd"

/* [A-Za-z_][A-Za-z0-9_.-]{0,31} */
bool name_valid(const char *name);
/* The length of such a name at S, when its NUL is among ROOM bytes; else 0. */
size_t name_span(const char *s, size_t room);
/*
 * root, sudo, wheel, docker, systemd-*, _*, muster-*, …; compared without case. For users and
 * groups alike.
 */
bool name_reserved(const char *name);
/* The floor that every reader enforces for what is the directory's: ID_FLOOR..ID_TOP, not 65534, 65535. */
static inline bool id_floor_ok(uint32_t id)
{
	return id >= ID_FLOOR && id <= ID_TOP && id != 65534 && id != 65535;
}
/*
 * A local group that the configuration lets users of the directory be in: never root's, but those of the system's own
 * (docker, plugdev), which the floor above keeps out everywhere else.
 */
static inline bool local_gid_ok(uint32_t gid)
{
	return gid > 0 && gid <= ID_TOP && gid != 65534 && gid != 65535;
}
/*
 * What may be given out: also not 60001-65535, not 524288-1879048191 (containers), not the sudo
 * groups' ids.
 */
bool id_allowed(uint32_t id);
/*
 * The id an account gets without a usable one of the directory: stable on all hosts, id_allowed().
 */
uint32_t id_from_hash(const char *directory_id);

/*
 * All three: valid UTF-8 of at most 255 bytes, no ':', no control characters, nothing that reorders
 * text on a screen. gecos: neither ',' nor '&' (finger and mailers expand it). home: an absolute
 * path of two parts or more, without "//", ".", ".." or a slash at its end, below none of /etc
 * /root /proc /sys /dev /run /boot /usr /tmp /var/lib …. shell: such a path of any depth; whether
 * it is in /etc/shells is the agent's question.
 */
bool gecos_valid(const char *s);
bool home_valid(const char *s);
bool shell_valid(const char *s);
/* Directory object ids: 1..OBJECT_ID_MAX of [A-Za-z0-9._-]. */
bool object_id_valid(const char *s);

/* Well-formed UTF-8 without controls, of any length: it can be shown as it is. */
bool text_plain(const char *s);

/*
 * Foreign text for logs and terminals (D6): controls, non-UTF-8 bytes and '\' as \xNN; cut to whole
 * characters in SIZE.
 */
void name_escape(const char *s, char *out, size_t size);
/* The same for text that may be escaped already, by another process: plain text stays. */
void text_show(const char *s, char *out, size_t size);
/* The same as one word, blanks as "_": the value of a field in a line of the log, with which no other field can be forged. */
void text_word(const char *s, char *out, size_t size);

#endif
