#include "common/names.h"

#include <string.h>
#include <strings.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "common/macros.h"
#include "common/str.h"

#define TEXT_MAX      255

/*
 * Names that carry rights or belong to the system, on Debian or on its neighbours, also where this
 * host has no such group today (D4): a package may bring it tomorrow.
 */
static const char *const reserved_names[] = {
	"root",        "all",           "daemon",       "bin",       "sys",
	"sync",        "games",         "man",          "lp",        "mail",
	"news",        "uucp",          "proxy",        "www-data",  "backup",
	"list",        "irc",           "gnats",        "nobody",    "nogroup",
	"operator",    "halt",          "shutdown",     "toor",      "adm",
	"admin",       "administrator", "sudo",         "wheel",     "staff",
	"users",       "shadow",        "disk",         "kmem",      "mem",
	"tty",         "dialout",       "fax",          "voice",     "cdrom",
	"floppy",      "tape",          "audio",        "video",     "render",
	"sgx",         "input",         "kvm",          "plugdev",   "netdev",
	"dip",         "src",           "utmp",         "utempter",  "sasl",
	"crontab",     "docker",        "podman",       "lxd",       "incus",
	"incus-admin", "libvirt",       "libvirt-qemu", "libvirtd",  "qemu",
	"vboxusers",   "vboxsf",        "wireshark",    "pcap",      "tcpdump",
	"sambashare",  "lpadmin",       "scanner",      "saned",     "bluetooth",
	"ssh",         "sshd",          "ssh_keys",     "polkitd",   "messagebus",
	"dbus",        "avahi",         "colord",       "geoclue",   "gdm",
	"lightdm",     "sddm",          "rtkit",        "pulse",     "pulse-access",
	"pipewire",    "tss",           "uuidd",        "usbmux",    "ntp",
	"chrony",      "syslog",        "postfix",      "postdrop",  "exim",
	"debian-*",    "mysql",         "postgres",     "redis",     "nginx",
	"apache",      "named",         "bind",         "unbound",   "ossec",
	"wazuh",       "puppet",        "ansible",      "nixbld*",   "guixbuild*",
	"snap_daemon", "snapd-*",       "landscape",    "pollinate", "fwupd-*",
	"cups-*",      "sssd",          "nslcd",        "nscd",      "google-sudoers",
	"aad_admins",  "systemd-*",     "_*",           "muster",    "muster-*",
};

/* One byte of the portable character set and nothing a locale adds. */
static bool is_alpha(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool is_name_char(char c)
{
	return is_alpha(c) || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
}

static bool all_name_chars(const char *s, size_t max)
{
	size_t len = strnlen(s, max + 1);

	for (size_t i = 0; i < len; i++)
		if (!is_name_char(s[i]))
			return false;
	return len > 0 && len <= max;
}

/* PATTERN: lower case, with '*' at its end at most. */
static bool name_matches(const char *pattern, const char *name)
{
	size_t len;

	if ((pattern[0] ^ name[0]) & ~0x20) /* not the same letter in any case: most of them, and quickly */
		return false;
	len = strlen(pattern);
	if (pattern[len - 1] == '*')
		return strncasecmp(pattern, name, len - 1) == 0;
	return strcasecmp(pattern, name) == 0;
}

bool name_reserved(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(reserved_names); i++)
		if (name_matches(reserved_names[i], name))
			return true;
	return false;
}

bool id_allowed(uint32_t id)
{
	if (!id_floor_ok(id))
		return false;
	if (id >= 60001 && id <= 65535) /* homed, DynamicUser, nobody, -1 of 16 bits */
		return false;
	if (id >= 524288 &&
	    id < ID_HASH_BASE) /* systemd-nspawn and user namespaces take theirs here */
		return false;
	return id != GID_SUDO && id != GID_SUDO_NOPASSWD;
}

uint32_t id_from_hash(const char *directory_id)
{
	uint64_t hash = XXH3_64bits(directory_id, strlen(directory_id));
	uint32_t id = ID_HASH_BASE + (uint32_t)(hash % ID_HASH_SPAN);

	return id_allowed(id) ? id : ID_HASH_BASE + (id & 1);
}

/*
 * Controls of ASCII and Latin-1, line and paragraph separators, and what reorders text on a screen.
 */
static bool is_control(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x061c || c == 0x200e || c == 0x200f ||
	       (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
}

bool text_plain(const char *s)
{
	size_t len = strlen(s);
	uint32_t c;

	while (len > 0) {
		size_t n = utf8_decode(s, len, &c);

		if (n == 0 || is_control(c))
			return false;
		s += n;
		len -= n;
	}
	return true;
}

/* Plain, at most TEXT_MAX bytes, none of FORBIDDEN. */
static bool text_valid(const char *s, const char *forbidden)
{
	return strnlen(s, TEXT_MAX + 1) <= TEXT_MAX && !strpbrk(s, forbidden) && text_plain(s);
}

bool gecos_valid(const char *s)
{
	return text_valid(s, ":,&");
}

/* "/a/b": absolute, each part something, none of them "." or "..". */
static bool path_plain(const char *s)
{
	if (*s != '/')
		return false;
	while (*s == '/') {
		size_t len = strcspn(++s, "/");

		if (len == 0 || (len == 1 && s[0] == '.') ||
		    (len == 2 && s[0] == '.' && s[1] == '.'))
			return false;
		s += len;
	}
	return true;
}

/* A home there would give its owner files that others trust. */
static const char *const system_dirs[] = {
	"/bin",       "/boot",      "/dev",        "/etc",      "/lib",     "/lib32",
	"/lib64",     "/libx32",    "/lost+found", "/proc",     "/root",    "/run",
	"/sbin",      "/snap",      "/sys",        "/tmp",      "/usr",     "/var/backups",
	"/var/cache", "/var/lib",   "/var/local",  "/var/lock", "/var/log", "/var/mail",
	"/var/run",   "/var/spool", "/var/tmp",    "/var/www",
};

bool home_valid(const char *s)
{
	if (!text_valid(s, ":") || !path_plain(s) || !strchr(s + 1, '/'))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(system_dirs); i++) {
		size_t len = strlen(system_dirs[i]);

		if (strncmp(s, system_dirs[i], len) == 0 && (s[len] == '/' || s[len] == '\0'))
			return false;
	}
	return true;
}

bool shell_valid(const char *s)
{
	return text_valid(s, ":") && path_plain(s);
}

bool object_id_valid(const char *s)
{
	return all_name_chars(s, OBJECT_ID_MAX);
}

void name_escape(const char *s, char *out, size_t size)
{
	static const char hex[] = "0123456789abcdef";
	size_t len = strlen(s), used = 0;
	uint32_t c;

	if (size == 0)
		return;
	while (len > 0) {
		size_t n = utf8_decode(s, len, &c);
		bool plain = n > 0 && !is_control(c) && c != '\\';
		size_t bytes = n > 0 ? n : 1;

		if (used + (plain ? bytes : 4 * bytes) >= size)
			break;
		for (size_t i = 0; i < bytes; i++) {
			uint8_t b = (uint8_t)s[i];

			if (plain) {
				out[used++] = s[i];
				continue;
			}
			out[used++] = '\\';
			out[used++] = 'x';
			out[used++] = hex[b >> 4];
			out[used++] = hex[b & 15];
		}
		s += bytes;
		len -= bytes;
	}
	out[used] = '\0';
}

void text_show(const char *s, char *out, size_t size)
{
	if (text_plain(s) && strlen(s) < size)
		memcpy(out, s, strlen(s) + 1);
	else
		name_escape(s, out, size);
}

void text_word(const char *s, char *out, size_t size)
{
	text_show(s, out, size);
	for (char *p = out; size > 0 && *p; p++)
		if (*p == ' ')
			*p = '_';
}
