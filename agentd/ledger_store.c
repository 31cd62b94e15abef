#include "agentd/ledger_store.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

#include "common/names.h"
#include "common/record.h"
#include "common/snapshot_reader.h"

#define VERSION 1
#define EXPECTED_MAX 1000000 /* users: what a count is believed */
#define PRIVATE_GROUP 1
#define MISSING	      2 /* the time is since when */
#define ADOPTED	      4

enum {
	DB_USERS,
	DB_GROUPS,
	DB_STATE,
};
const char *const ledger_dbs[] = {"users", "groups", "state", NULL};

struct stored_user { /* then the name */
	uint8_t version, flags;
	uint16_t zero;
	uint32_t uid, gid;
	uint64_t at; /* removed or missing */
} __attribute__((packed));

struct stored_group {
	uint8_t version, zero[3];
	uint32_t gid;
} __attribute__((packed));

struct stored_state {
	uint8_t version, zero[7];
	uint64_t generation, serial, url_hash;
} __attribute__((packed));

int ledger_user_unpack(const void *data, size_t len, struct ledger_user *ret)
{
	struct stored_user s;
	const char *name = (const char *)data + sizeof(s);

	if (len <= sizeof(s) || memchr(name, '\0', len - sizeof(s)) != name + len - sizeof(s) - 1)
		return -EBADMSG;
	memcpy(&s, data, sizeof(s));
	if (s.version != VERSION || (s.flags & ~(PRIVATE_GROUP | MISSING | ADOPTED)) || !name_valid(name))
		return -EBADMSG;
	*ret = (struct ledger_user){
		.name = name,
		.uid = le32toh(s.uid),
		.gid = le32toh(s.gid),
		.private_group = s.flags & PRIVATE_GROUP,
		.adopted = s.flags & ADOPTED,
		.removed_at = s.flags & MISSING ? 0 : (int64_t)le64toh(s.at),
		.missing_since = s.flags & MISSING ? (int64_t)le64toh(s.at) : 0,
	};
	return 0;
}

static int user_load(struct ledger *l, const MDB_val *key, const MDB_val *data)
{
	struct ledger_user u;
	char id[80];
	int r;

	if (key->mv_size >= sizeof(id))
		return -EBADMSG;
	memcpy(id, key->mv_data, key->mv_size);
	id[key->mv_size] = '\0';
	r = ledger_user_unpack(data->mv_data, data->mv_size, &u);
	if (r < 0)
		return -EBADMSG;
	u.id = id;
	return ledger_add_user(l, &u);
}

static int group_load(struct ledger *l, const MDB_val *key, const MDB_val *data)
{
	struct stored_group s;
	char name[NAME_MAX_LEN + 1];

	if (data->mv_size != sizeof(s) ||
	    str_print(name, sizeof(name), "%.*s", (int)key->mv_size, (const char *)key->mv_data) < 0)
		return -EBADMSG;
	memcpy(&s, data->mv_data, sizeof(s));
	if (s.version != VERSION)
		return -EBADMSG;
	return ledger_add_group(l, &(struct ledger_group){.name = name, .gid = le32toh(s.gid)});
}

static int state_load(struct ledger *l, const MDB_val *key, const MDB_val *data)
{
	struct ledger_state *state = &l->state;
	struct stored_state s;

	(void)key;
	if (data->mv_size != sizeof(s))
		return -EBADMSG;
	memcpy(&s, data->mv_data, sizeof(s));
	if (s.version != VERSION)
		return -EBADMSG;
	state->generation = le64toh(s.generation);
	state->serial = le64toh(s.serial);
	state->url_hash = le64toh(s.url_hash);
	return 0;
}

static int load_db(MDB_txn *txn, MDB_dbi dbi, struct ledger *l,
		   int (*load)(struct ledger *, const MDB_val *, const MDB_val *))
{
	MDB_cursor *cursor;
	MDB_val key, data;
	int r = mdb_cursor_open(txn, dbi, &cursor);

	if (r != 0)
		return r;
	while ((r = mdb_cursor_get(cursor, &key, &data, MDB_NEXT)) == 0) {
		r = load(l, &key, &data);
		if (r < 0)
			break;
	}
	mdb_cursor_close(cursor);
	if (r == -EINVAL || r == -EEXIST)
		return -EBADMSG; /* never stored so */
	return r == MDB_NOTFOUND ? 0 : r;
}

static int load_all(struct store *s, MDB_txn *txn, void *context)
{
	MDB_stat users;
	int r = mdb_stat(txn, s->dbi[DB_USERS], &users);

	if (r == 0)
		r = ledger_reserve(context, users.ms_entries < EXPECTED_MAX ? users.ms_entries : EXPECTED_MAX);
	if (r == 0)
		r = load_db(txn, s->dbi[DB_USERS], context, user_load);
	if (r == 0)
		r = load_db(txn, s->dbi[DB_GROUPS], context, group_load);
	return r ? r : load_db(txn, s->dbi[DB_STATE], context, state_load);
}

int ledger_load(struct store *s, struct ledger *l)
{
	return store_read(s, load_all, l);
}

static int put(MDB_txn *txn, MDB_dbi dbi, const char *key, const void *data, size_t len)
{
	MDB_val k = {strlen(key), (void *)(uintptr_t)key}, v = {len, (void *)(uintptr_t)data};

	return mdb_put(txn, dbi, &k, &v, 0);
}

static int user_save(MDB_txn *txn, MDB_dbi dbi, const struct ledger_user *u)
{
	uint8_t value[sizeof(struct stored_user) + NAME_MAX_LEN + 1];
	struct stored_user s = {
		.version = VERSION,
		.flags = (u->private_group ? PRIVATE_GROUP : 0) | (u->missing_since ? MISSING : 0) |
			 (u->adopted ? ADOPTED : 0),
		.uid = htole32(u->uid),
		.gid = htole32(u->gid),
		.at = htole64((uint64_t)(u->missing_since ? u->missing_since : u->removed_at)),
	};
	size_t name_size = strlen(u->name) + 1;

	memcpy(value, &s, sizeof(s));
	memcpy(value + sizeof(s), u->name, name_size);
	return put(txn, dbi, u->id, value, sizeof(s) + name_size);
}

static int user_drop(MDB_txn *txn, MDB_dbi dbi, const struct ledger_user *u)
{
	MDB_val key = {strlen(u->id), (void *)(uintptr_t)u->id};
	int r = mdb_del(txn, dbi, &key, NULL);

	return r == MDB_NOTFOUND ? 0 : r;
}

static int state_save(MDB_txn *txn, MDB_dbi dbi, const struct ledger_state *state)
{
	struct stored_state s = {
		.version = VERSION,
		.generation = htole64(state->generation),
		.serial = htole64(state->serial),
		.url_hash = htole64(state->url_hash),
	};

	return put(txn, dbi, "state", &s, sizeof(s));
}

static int save_all(struct store *s, MDB_txn *txn, void *context)
{
	const struct ledger *l = context;
	int r = state_save(txn, s->dbi[DB_STATE], &l->state);

	for (uint32_t i = 0; r == 0 && i < ledger_n_users(l); i++) {
		const struct ledger_user *u = ledger_user(l, i);

		if (u->changed)
			r = (u->dropped ? user_drop : user_save)(txn, s->dbi[DB_USERS], u);
	}
	for (uint32_t i = 0; r == 0 && i < ledger_n_groups(l); i++) {
		const struct ledger_group *g = ledger_group(l, i);
		struct stored_group v = {.version = VERSION, .gid = htole32(g->gid)};

		if (g->changed)
			r = put(txn, s->dbi[DB_GROUPS], g->name, &v, sizeof(v));
	}
	return r;
}

int ledger_save(struct store *s, struct ledger *l)
{
	int r = store_write(s, save_all, l);

	if (r < 0)
		return r;
	for (uint32_t i = 0; i < ledger_n_users(l); i++)
		ledger_user(l, i)->changed = false;
	for (uint32_t i = 0; i < ledger_n_groups(l); i++)
		ledger_group(l, i)->changed = false;
	return 0;
}

/* Is GID the group of the name NAME in the published file? */
static int group_is_named(struct snapshot *nss, uint32_t gid, const char *name, bool *ret)
{
	CLEANUP(buf_done) struct buf b = {0};
	struct snapshot_group g;
	int r = nss ? snapshot_group_by_gid(nss, gid, &b, &g) : -ESRCH;

	*ret = r == 0 && !strcmp(g.name, name);
	return r == -ESRCH ? 0 : r;
}

static int adopt_user(struct ledger *l, const struct account *a, struct snapshot *nss)
{
	struct ledger_user u = {
		.id = a->id,
		.name = a->name,
		.uid = a->uid,
		.gid = a->gid,
		.adopted = a->adopted,
		.removed_at = a->bound ? 0 : a->removed_at,
		.changed = true,
	};
	int r = a->adopted ? 0 : group_is_named(nss, a->gid, a->name, &u.private_group);

	return r < 0 ? r : ledger_add_user(l, &u);
}

/* 1 added, 0 skipped; an entry that the ledger contradicts, or that is none, is no reason to lose the others. */
static int adopted(int r)
{
	return r == -EEXIST || r == -EINVAL ? 0 : r < 0 ? r : 1;
}

static int adopt_users(struct ledger *l, struct snapshot *pam, struct snapshot *nss, uint32_t *added)
{
	CLEANUP(buf_wipe) struct buf b = {0};
	uint32_t uid = 0;
	int r;

	while ((r = snapshot_account_next(pam, uid, &b, &uid)) == 0) {
		struct account a;

		r = record_account_unpack(b.data, b.len, &a);
		if (r == 0)
			r = adopted(adopt_user(l, &a, nss));
		if (r < 0)
			return r;
		*added += (uint32_t)r;
	}
	return r == -ESRCH ? 0 : r;
}

static int adopt_groups(struct ledger *l, struct snapshot *nss, uint32_t *added)
{
	CLEANUP(buf_done) struct buf b = {0};
	struct snapshot_group g = {0};
	int r;

	while ((r = snapshot_group_next(nss, g.gid, &b, &g)) == 0) {
		if (g.gid == GID_SUDO || g.gid == GID_SUDO_NOPASSWD ||
		    ledger_find_private(l, g.gid) != INDEX_NONE)
			continue;
		r = adopted(ledger_add_group(l, &(struct ledger_group){g.name, g.gid, true}));
		if (r < 0)
			return r;
		*added += (uint32_t)r;
	}
	return r == -ESRCH ? 0 : r;
}

static int adopt_status(struct ledger *l, struct snapshot *pam)
{
	CLEANUP(buf_done) struct buf b = {0};
	struct sync_status status;
	uint64_t url_hash;
	int r = snapshot_status(pam, &b);

	if (r == 0)
		r = record_status_unpack(b.data, b.len, &status);
	if (r < 0)
		return r == -ESRCH ? 0 : r;
	url_hash = ledger_url_hash(status.directory_url);
	if (url_hash != l->state.url_hash || status.serial > l->state.serial)
		l->state.serial = status.serial;
	l->state.url_hash = url_hash;
	return 0;
}

int ledger_adopt(struct ledger *l, struct snapshot *pam, struct snapshot *nss, uint32_t *ret_added)
{
	int r;

	*ret_added = 0;
	r = adopt_users(l, pam, nss, ret_added);
	if (r == 0 && nss)
		r = adopt_groups(l, nss, ret_added);
	if (r == 0)
		r = adopt_status(l, pam);
	if (r == 0)
		l->state.generation = snapshot_info(pam)->generation;
	return r;
}
