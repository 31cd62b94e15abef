/* Groups of the directory that muster.conf names, and what stands between a local group of [groups] and what programs see of it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agentd/file.h"
#include "ctl/doctor/doctor.h"
#include "ctl/doctor/nsswitch.h"

#define NSSWITCH       MUSTER_ETC "/nsswitch.conf"
#define NSSWITCH_LIMIT (1u << 20)

static void check_merge(struct doctor *d)
{
	CLEANUP(buf_done) struct buf buf = {0};
	struct nsswitch n = {0};
	struct finding f = {FINDING_WARNING, "groups.merge", .file = NSSWITCH,
			    .remedy = "run 'musterctl setup'"};

	if (file_read(NSSWITCH, NSSWITCH_LIMIT, &buf) < 0 ||
	    nsswitch_parse((const char *)buf.data, "group", &n) < 0 || nsswitch_find(&n, "muster") < 0)
		return; /* doctor_nss() has told */
	f.line = n.line;
	if (nsswitch_merges(&n, 0, nsswitch_find(&n, "muster")))
		doctor_ok(d, f.check, NSSWITCH, "who is in a local group by [groups] is listed in it");
	else
		doctor_tell(d, &f,
			    "members by [groups] have their local groups, but are not listed in them: getent does not show "
			    "them, and sudo's %%:GROUP does not know them");
}

/* Whoever is in one of these can be root. */
static void check_rights(struct doctor *d)
{
	static const char *const powerful[] = {"admin", "disk",	 "docker", "incus-admin", "kmem",  "libvirt",
					       "lxd",	"shadow", "staff",  "sudo",	  "wheel"};
	struct finding f = {FINDING_NOTE, "groups.rights", .file = MUSTER_CONF,
			    .remedy = "see that everybody in that group of the directory may be root here"};

	for (uint32_t i = 0; i < d->conf.n_grants; i++) {
		const struct conf_grant *g = &d->conf.grants[i];

		for (size_t k = 0; k < ARRAY_SIZE(powerful); k++)
			if (strlist_has(&g->locals, powerful[k]))
				doctor_tell(d, &f, "[groups] %s = %s: who is in it can become root", g->group,
					    powerful[k]);
	}
}

static bool is_in_directory(struct snapshot *pam, const char *name)
{
	CLEANUP(buf_done) struct buf buf = {0};
	struct dir_group g;

	for (uint32_t i = 0; snapshot_dir_group(pam, i, &buf) == 0; i++)
		if (record_group_unpack(buf.data, buf.len, &g) == 0 && strcmp(g.name, name) == 0)
			return true;
	return false;
}

static void check_name(struct doctor *d, const char *section, const char *group)
{
	struct finding f = {FINDING_NOTE, "groups.directory", .file = MUSTER_CONF,
			    .remedy = "write the name as the directory has it, or bind the group to this computer"};

	if (!is_in_directory(d->view.pam, group))
		doctor_tell(d, &f, "[%s] %s: the directory has no such group for this computer", section, group);
}

/* Of all sections that go by names of its groups. */
static void check_names(struct doctor *d)
{
	for (uint32_t i = 0; i < d->conf.n_grants; i++)
		check_name(d, "groups", d->conf.grants[i].group);
	for (uint32_t i = 0; i < d->conf.n_shells; i++)
		check_name(d, "shells", d->conf.shells[i].group);
	for (uint32_t i = 0; i < d->conf.n_leases; i++)
		check_name(d, "lease", d->conf.leases[i].group);
}

void doctor_groups(struct doctor *d)
{
	if (d->conf.n_grants) {
		check_merge(d);
		check_rights(d);
	}
	if (d->view.pam)
		check_names(d);
}
