/* Programs that answer lookups from a memory of their own. */
#include <errno.h>
#include <string.h>

#include "ctl/doctor/doctor.h"

static const struct {
	const char *check, *socket;
	enum finding_status status;
	const char *what, *remedy;
} caches[] = {
	{"cache.nscd", "/run/nscd/socket", FINDING_WARNING,
	 "nscd (or unscd) runs, and goes on answering for minutes what is no longer true",
	 "run 'systemctl disable --now nscd unscd'"},
	{"cache.sssd", "/var/lib/sss/pipes/nss", FINDING_NOTE, "sssd serves users here, too",
	 "see that its names and ids differ from the directory's"},
	{"cache.homed", "/run/systemd/userdb/io.systemd.Home", FINDING_NOTE,
	 "systemd-homed serves users here, too", "see that its names differ from the directory's"},
};

void doctor_cache(struct doctor *d)
{
	unsigned found = 0;

	for (size_t i = 0; i < ARRAY_SIZE(caches); i++) {
		AUTO_CLOSE int sock = -1;
		int r = doctor_listens(caches[i].socket, &sock);

		if (r != 0 && r != -EPERM && r != -EAGAIN) /* unscd is not root */
			continue;
		found++;
		doctor_tell(d,
			    &(struct finding){caches[i].status, caches[i].check, .remedy = caches[i].remedy},
			    "%s", caches[i].what);
	}
	if (!found)
		doctor_ok(d, "cache", NULL, "no program keeps answers of its own");
}
