/* Room on the disks, and what confines the programs that people log in with. */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "agentd/file.h"
#include "ctl/doctor/doctor.h"

#define ROOM_BASE      (2u << 20)
#define INODES_MIN     64
#define PROFILES       "/sys/kernel/security/apparmor/profiles"
#define PROFILES_LIMIT (1u << 20)
#define ABSTRACTIONS   MUSTER_ETC "/apparmor.d/abstractions"

static uint64_t size_of(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? (uint64_t)st.st_size : 0;
}

/* A publish needs room for the new files beside the old ones; OTHERS: bytes that may be copied there, too. */
static void check_room(struct doctor *d, const char *dir, uint64_t others)
{
	uint64_t need = ROOM_BASE +
			2 * (size_of(MUSTER_RUNTIME_DIR "/" NSS_SNAPSHOT) +
			     size_of(MUSTER_RUNTIME_DIR "/" PAM_SNAPSHOT)) +
			others;
	struct finding f = {FINDING_FAULT, "disk", .file = dir,
			    .remedy = "make room: what changes for the worse is still published in /run"};
	struct statvfs fs;
	uint64_t room;

	if (statvfs(dir, &fs) < 0)
		return; /* doctor_files() tells that it is missing */
	room = (uint64_t)fs.f_bavail * fs.f_frsize;
	if (fs.f_flag & ST_RDONLY) {
		f.remedy = "mount it for writing";
		doctor_tell(d, &f, "is read-only");
	} else if (room < need) {
		doctor_tell(d, &f, "%" PRIu64 " KiB are free, %" PRIu64 " KiB should be", room >> 10,
			    need >> 10);
	} else if (fs.f_files && fs.f_favail < INODES_MIN) {
		doctor_tell(d, &f, "%" PRIu64 " more files can be made", (uint64_t)fs.f_favail);
	} else {
		doctor_ok(d, "disk", dir, "%" PRIu64 " MiB are free", room >> 20);
	}
}

/* Programs that let people in, by the end of their profiles' names. */
static bool lets_in(const char *profile, size_t len)
{
	static const char *const programs[] = {"sshd", "login",        "su",   "sudo",    "cron",
					       "atd",  "systemd-user", "gdm3", "lightdm", "sddm"};

	for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
		size_t n = strlen(programs[i]);

		if (len < n || strncmp(profile + len - n, programs[i], n) != 0)
			continue;
		if (len == n || strchr("/.", profile[len - n - 1]))
			return true;
	}
	return false;
}

static bool names_our_files(const char *path)
{
	CLEANUP(buf_done) struct buf buf = {0};

	return file_read(path, PROFILES_LIMIT, &buf) == 0 &&
	       strstr((const char *)buf.data, MUSTER_RUNTIME_DIR);
}

/* Does what profiles share for lookups let them read what is published? */
static bool abstraction_is_ours(void)
{
	struct dirent **names;
	bool found = names_our_files(ABSTRACTIONS "/nameservice");
	int n = scandir(ABSTRACTIONS "/nameservice.d", &names, NULL, NULL);

	for (int i = 0; i < n; i++) {
		AUTO_FREE char *path = str_format(ABSTRACTIONS "/nameservice.d/%s", names[i]->d_name);

		if (path && names[i]->d_name[0] != '.' && names_our_files(path))
			found = true;
		free(names[i]);
	}
	if (n >= 0)
		free(names);
	return found;
}

/* "NAME (enforce)" a line. */
static void check_profiles(struct doctor *d, const char *text)
{
	struct finding f = {FINDING_WARNING, "apparmor", .file = ABSTRACTIONS "/nameservice.d",
			    .remedy = "allow '" MUSTER_RUNTIME_DIR
				      "/nss.snapshot r' in a file there, and reload the profiles"};

	for (; *text; text += strcspn(text, "\n"), text += *text == '\n') {
		const char *mode = strstr(text, " (enforce)");
		size_t len = strcspn(text, "\n");

		if (!mode || mode > text + len || !lets_in(text, (size_t)(mode - text)))
			continue;
		doctor_tell(d, &f, "the profile %.*s may keep it from reading the users of the directory",
			    (int)(mode - text), text);
	}
}

static void check_apparmor(struct doctor *d)
{
	CLEANUP(buf_done) struct buf buf = {0};
	int r = file_read(PROFILES, PROFILES_LIMIT, &buf);

	if (r == -EACCES)
		doctor_unseen(d, "apparmor", "the profiles in force");
	else if (r == 0 && buf.len && !abstraction_is_ours())
		check_profiles(d, (const char *)buf.data);
}

void doctor_system(struct doctor *d)
{
	check_room(d, MUSTER_RUNTIME_DIR, 0);
	check_room(d, MUSTER_STATE_DIR, size_of(MUSTER_STATE_DIR "/cache.mdb"));
	check_apparmor(d);
}
