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
#define LIST(...) (const char *const[]){__VA_ARGS__, NULL}
static const char *const *const reserved_names[26] = { /* by their first letter */
	['a' - 'a'] = LIST("all", "adm", "admin", "administrator", "audio", "avahi", "apache", "ansible", "aad_admins"),
	['b' - 'a'] = LIST("bin", "backup", "bluetooth", "bind"),
	['c' - 'a'] = LIST("cdrom", "crontab", "colord", "chrony", "cups-*"),
	['d' - 'a'] = LIST("daemon", "disk", "dialout", "dip", "docker", "dbus", "debian-*"),
	['e' - 'a'] = LIST("exim"),
	['f' - 'a'] = LIST("fax", "floppy", "fwupd-*"),
	['g' - 'a'] = LIST("games", "gnats", "geoclue", "gdm", "guixbuild*", "google-sudoers"),
	['h' - 'a'] = LIST("halt"),
	['i' - 'a'] = LIST("irc", "input", "incus", "incus-admin"),
	['k' - 'a'] = LIST("kmem", "kvm"),
	['l' - 'a'] = LIST("lp", "list", "lxd", "libvirt", "libvirt-qemu", "libvirtd", "lpadmin", "lightdm",
			"landscape"),
	['m' - 'a'] = LIST("man", "mail", "mem", "messagebus", "mysql", "muster", "muster-*"),
	['n' - 'a'] = LIST("news", "nobody", "nogroup", "netdev", "ntp", "nginx", "named", "nixbld*", "nslcd", "nscd"),
	['o' - 'a'] = LIST("operator", "ossec"),
	['p' - 'a'] = LIST("proxy", "plugdev", "podman", "pcap", "polkitd", "pulse", "pulse-access", "pipewire",
			"postfix", "postdrop", "postgres", "puppet", "pollinate"),
	['q' - 'a'] = LIST("qemu"),
	['r' - 'a'] = LIST("root", "render", "rtkit", "redis"),
	['s' - 'a'] = LIST("sys", "sync", "shutdown", "sudo", "staff", "shadow", "sgx", "src", "sasl", "sambashare",
			"scanner", "saned", "ssh", "sshd", "ssh_keys", "sddm", "syslog", "snap_daemon", "snapd-*",
			"sssd", "systemd-*"),
	['t' - 'a'] = LIST("toor", "tty", "tape", "tcpdump", "tss"),
	['u' - 'a'] = LIST("uucp", "users", "utmp", "utempter", "uuidd", "usbmux", "unbound"),
	['v' - 'a'] = LIST("voice", "video", "vboxusers", "vboxsf"),
	['w' - 'a'] = LIST("www-data", "wheel", "wireshark", "wazuh"),
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
	size_t len = strlen(pattern);

	if (pattern[len - 1] == '*')
		return strncasecmp(pattern, name, len - 1) == 0;
	return strcasecmp(pattern, name) == 0;
}

bool name_reserved(const char *name)
{
	const char *const *pattern;

	if (!is_alpha(name[0]))
		return name[0] == '_'; /* systems' own */
	pattern = reserved_names[(name[0] | 0x20) - 'a'];
	while (pattern && *pattern && !name_matches(*pattern, name))
		pattern++;
	return pattern && *pattern;
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
		size_t n = 1;

		if (*s < 0x20 || *s > 0x7e) { /* beyond ASCII, or a control */
			n = utf8_decode(s, len, &c);
			if (n == 0 || is_control(c))
				return false;
		}
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
