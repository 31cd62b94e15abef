#include "tests/unit/world_fixture.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "agentd/publish.h"
#include "common/paths.h"
#include "common/verifier.h"

static char dir[] = "/tmp/muster-world-XXXXXX";
static struct buf record;

static const struct {
	const char *name, *text;
} files[] = {
	{"passwd", "root:x:0:0::/root:/bin/bash\nalice:x:1000:1000::/home/alice:/bin/bash\n"},
	{"group", "root:x:0:\nsudo:x:27:\nstaff:x:50:\nalice:x:1000:\nlocals:x:5500:\nplugdev:x:46:bob\nvideo:x:44:\n"
		  "camera:x:44:\ntoor:x:0:\nhigh:x:4294967294:\ngarbled:x:many:\n+nis:x:77:\n"},
	{"shells", "/bin/bash\n/bin/dash\n/bin/no-such-shell\n"},
	{"subuid", "alice:30000:10\n"},
};

static void path_of(const char *name, char *out, size_t size)
{
	assert_int_equal(str_print(out, size, "%s/%s", dir, name), 0);
}

static void add_to_file(const char *name, const char *text)
{
	char path[80];
	FILE *f;

	path_of(name, path, sizeof(path));
	f = fopen(path, "a");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void write_files(void)
{
	char path[80];

	memcpy(dir + sizeof(dir) - 7, "XXXXXX", 6);
	assert_non_null(mkdtemp(dir));
	path_of("muster", path, sizeof(path));
	assert_int_equal(mkdir(path, 0700), 0);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		add_to_file(files[i].name, files[i].text);
	add_to_file("muster.conf", "");
}

static void remove_files(void)
{
	char path[80];

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		path_of(files[i].name, path, sizeof(path));
		unlink(path);
	}
	path_of("muster.conf", path, sizeof(path));
	unlink(path);
	path_of("muster/adopted", path, sizeof(path));
	unlink(path);
	path_of("muster", path, sizeof(path));
	rmdir(path);
	assert_int_equal(rmdir(dir), 0);
}

static void load_local(struct fixture *f)
{
	char error[LOCAL_ERROR_SIZE];

	assert_int_equal(local_load(dir, &f->local, error), 0);
	remove_files();
}

void fixture_host(struct fixture *f, const char *passwd, const char *adopted)
{
	local_free(f->local);
	write_files();
	add_to_file("passwd", passwd);
	add_to_file("muster/adopted", adopted);
	load_local(f);
}

void fixture_shadow(struct fixture *f, const char *shadow)
{
	char error[LOCAL_ERROR_SIZE], path[80];

	local_free(f->local);
	write_files();
	add_to_file("shadow", shadow);
	assert_int_equal(local_load(dir, &f->local, error), 0);
	assert_int_equal(local_look_at_shadow(f->local, dir, error), 0);
	path_of("shadow", path, sizeof(path));
	assert_int_equal(unlink(path), 0);
	remove_files();
}

int fixture_set_up(void **state)
{
	char conf_error[CONF_ERROR_SIZE], path[80];
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	write_files();
	path_of("muster.conf", path, sizeof(path));
	assert_int_equal(conf_load(path, &f->conf, conf_error), 0);
	load_local(f);
	f->now = NOW;
	f->world.out.fd = -1;
	assert_int_equal(stage_init(&f->stage), 0);
	*state = f;
	return 0;
}

int fixture_tear_down(void **state)
{
	struct fixture *f = *state;

	world_done(&f->world);
	stage_done(&f->stage);
	ledger_done(&f->ledger);
	local_free(f->local);
	conf_done(&f->conf);
	buf_done(&record);
	free(f);
	return 0;
}

static void put(struct fixture *f, int packed)
{
	struct stage_place place;

	assert_int_equal(packed, 0);
	assert_int_equal(stage_add(&f->stage, record.data, record.len, &place), 0);
	record.len = 0;
}

static void set_default(const char **s)
{
	if (!*s)
		*s = "";
}

void fixture_user(struct fixture *f, struct account a)
{
	set_default(&a.name);
	set_default(&a.gecos);
	set_default(&a.home);
	set_default(&a.shell);
	set_default(&a.email);
	set_default(&a.totp_secret);
	if (!a.password_hash)
		a.password_hash = VERIFIER_DUMMY;
	a.bound = true;
	a.activated = true;
	a.allow_public_key = true;
	if (!a.state)
		a.state = USER_ACTIVATED;
	put(f, record_account_pack(&a, &record));
}

void fixture_group(struct fixture *f, struct dir_group g)
{
	set_default(&g.name);
	put(f, record_group_pack(&g, &record));
}

void fixture_members(struct fixture *f, const char *group_id, ...)
{
	struct buf ids = {0};
	struct membership m = {.group_id = group_id};
	const char *id;
	va_list ap;

	va_start(ap, group_id);
	while ((id = va_arg(ap, const char *))) {
		assert_int_equal(buf_add(&ids, id, strlen(id) + 1), 0);
		m.user_ids.count++;
	}
	va_end(ap);
	m.user_ids.data = (const char *)ids.data;
	m.user_ids.len = (uint32_t)ids.len;
	put(f, record_membership_pack(RECORD_MEMBERSHIP, &m, &record));
	buf_done(&ids);
}

void fixture_removed(struct fixture *f, const char *id)
{
	struct membership m = {"", {id, (uint32_t)strlen(id) + 1, 1}};

	put(f, record_membership_pack(RECORD_REMOVED, &m, &record));
}

void fixture_kept(struct fixture *f, const char *id)
{
	struct membership m = {"", {id, (uint32_t)strlen(id) + 1, 1}};

	put(f, record_membership_pack(RECORD_KEPT, &m, &record));
}

void fixture_reject(struct fixture *f, const char *kind, const char *id, const char *reason)
{
	put(f, record_reject_pack(&(struct reject){kind, id, "", reason, ""}, &record));
}

int fixture_try(struct fixture *f)
{
	struct world_input in = {&f->conf, f->local, &f->stage, f->now, true, f->accept, f->forget, false};
	int r;

	world_done(&f->world);
	assert_int_equal(stage_flush(&f->stage), 0);
	r = world_build(&f->world, &in, &f->ledger);
	stage_done(&f->stage);
	assert_int_equal(stage_init(&f->stage), 0);
	return r;
}

void fixture_build(struct fixture *f)
{
	assert_int_equal(fixture_try(f), 0);
}

struct snapshot *fixture_publish(struct fixture *f)
{
	CLEANUP(snapshots_done) struct snapshots made = {-1, -1};
	struct policy p = {.portal_url = "", .dummy_hash = VERIFIER_DUMMY};
	struct sync_status status = {.directory_url = "file:///x", .driver = "document", .last_error = ""};
	struct snapshots_input in = {&p, &status, 1, f->now, f->now, NULL};
	char error[PUBLISH_ERROR_SIZE], path[80];
	struct snapshot *s;

	fixture_build(f);
	assert_int_equal(snapshots_build(&f->world, &in, &made), 0);
	write_files();
	assert_int_equal(publish(dir, &made, error), 0);
	path_of(PAM_SNAPSHOT, path, sizeof(path));
	assert_int_equal(snapshot_open(path, SNAPSHOT_PAM, &s), 0);
	unlink(path);
	path_of(NSS_SNAPSHOT, path, sizeof(path));
	unlink(path);
	remove_files();
	return s;
}

static const struct world_user *find(const struct fixture *f, const char *id)
{
	const uint32_t *order = (const uint32_t *)(const void *)f->world.order.data;

	for (size_t i = 0; i < f->world.order.len / sizeof(*order); i++)
		if (!strcmp(world_user(&f->world, order[i])->id, id))
			return world_user(&f->world, order[i]);
	return NULL;
}

bool fixture_has(const struct fixture *f, const char *id)
{
	return find(f, id) != NULL;
}

const struct world_user *fixture_get(const struct fixture *f, const char *id)
{
	const struct world_user *u = find(f, id);

	if (!u)
		fail_msg("user %s is not published", id);
	return u;
}

struct account fixture_account(const struct fixture *f, const char *id)
{
	struct account a;

	assert_int_equal(stage_get(&f->world.out, fixture_get(f, id)->place, &record), 0);
	assert_int_equal(record_account_unpack(record.data, record.len, &a), 0);
	record.len = 0;
	return a;
}

static void is(const struct fixture *f, const char *id, enum world_fate fate, const char *name, uint32_t uid,
	       uint32_t gid)
{
	const struct world_user *u = fixture_get(f, id);
	struct account a = fixture_account(f, id);

	if (u->fate != fate || u->uid != uid || u->gid != gid)
		fail_msg("user %s: fate %d uid %u gid %u, not %d %u %u", id, u->fate, u->uid, u->gid, fate, uid,
			 gid);
	assert_string_equal(a.id, id);
	assert_string_equal(a.name, name);
	assert_int_equal(a.uid, uid);
	assert_int_equal(a.gid, gid);
	assert_int_equal(a.bound, fate == WORLD_IN);
}

void fixture_in(const struct fixture *f, const char *id, const char *name, uint32_t uid, uint32_t gid)
{
	is(f, id, WORLD_IN, name, uid, gid);
	assert_int_equal(fixture_rejects(f, "user", id, NULL), 0);
}

void fixture_holder(const struct fixture *f, const char *id, const char *name, uint32_t uid, uint32_t gid)
{
	is(f, id, WORLD_HOLDER, name, uid, gid);
}

void fixture_out(const struct fixture *f, const char *id, const char *reason)
{
	assert_false(fixture_has(f, id));
	if (fixture_rejects(f, "user", id, NULL) != fixture_rejects(f, "user", id, reason) ||
	    fixture_rejects(f, "user", id, reason) == 0)
		fail_msg("user %s is not left out for %s alone", id, reason);
}

unsigned int fixture_rejects(const struct fixture *f, const char *kind, const char *id, const char *reason)
{
	struct stage_walk walk = {.stage = &f->world.out};
	unsigned int n = 0;

	while (stage_next(&walk) > 0) {
		struct reject j;

		if (record_kind(walk.record, walk.place.len) != RECORD_REJECT)
			continue;
		assert_int_equal(record_reject_unpack(walk.record, walk.place.len, &j), 0);
		n += (!kind || !strcmp(j.kind, kind)) && (!id || !strcmp(j.id, id)) &&
		     (!reason || !strcmp(j.reason, reason));
	}
	stage_walk_done(&walk);
	return n;
}

const char *fixture_group_members(const struct fixture *f, const char *name, uint32_t gid)
{
	const struct world_member *m = (const struct world_member *)(const void *)f->world.members.data;
	static char list[512];
	size_t len = 0;

	for (uint32_t i = 0; i < world_n_groups(&f->world); i++) {
		const struct world_group *g = world_group(&f->world, i);

		if (strcmp(g->name, name) != 0 || g->gid != gid)
			continue;
		list[0] = '\0';
		for (uint32_t j = 0; j < g->n_members; j++)
			len += (size_t)snprintf(list + len, sizeof(list) - len, "%s%s", j ? "," : "",
						world_user(&f->world, m[g->first_member + j].user)->name);
		return list;
	}
	return "-";
}

const char *fixture_gids(const struct fixture *f, const char *id)
{
	const struct world_user *u = fixture_get(f, id);
	static char list[512];
	uint32_t n, last = 0;
	const uint32_t *groups = world_user_groups(&f->world, (uint32_t)(u - world_user(&f->world, 0)), &n);
	size_t len = (size_t)snprintf(list, sizeof(list), "%u", u->gid);

	for (uint32_t i = 0; i < n; i++) {
		uint32_t next = UINT32_MAX;

		for (uint32_t j = 0; j < n; j++) {
			uint32_t gid = world_group(&f->world, groups[j])->gid;

			if (gid > last && gid < next)
				next = gid;
		}
		last = next;
		len += (size_t)snprintf(list + len, sizeof(list) - len, ",%u", next);
	}
	return list;
}
