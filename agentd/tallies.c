#include "agentd/tallies.h"

#include <errno.h>
#include <string.h>

#include "agentd/log.h"
#include "agentd/world.h"
#include "common/record.h"
#include "common/tally.h"

/* The account that is published under UID; -ESRCH. */
static int published_account(struct snapshot *s, uint32_t uid, struct buf *b, struct account *ret)
{
	int r = s ? snapshot_account_by_uid(s, uid, b) : -ESRCH;

	return r < 0 ? r : record_account_unpack(b->data, b->len, ret);
}

/* A document need not say when a password was set: a new one in it is as good. */
static bool is_reset(const struct account *a, const struct account *b)
{
	return b->password_changed_at > a->password_changed_at ||
	       (*b->password_hash && strcmp(a->password_hash, b->password_hash));
}

/* Why the tally of A, published so far, ends with B; NULL: it goes on. */
static const char *reason_to_end(const struct account *a, const struct account *b)
{
	if (strcmp(a->id, b->id))
		return "other_user";
	if (a->account_locked && !b->account_locked)
		return "unlocked";
	return is_reset(a, b) ? "new_password" : NULL;
}

struct ending {
	const char *dir; /* of the tallies */
	struct snapshot *before;
	const struct world *world;
	struct buf published, record;
	int result;
};

static void end(struct ending *e, uint32_t uid, const char *why)
{
	int r = tally_clear(e->dir, uid);

	if (r < 0)
		e->result = r;
	else
		log_notice("lockout: forgotten uid=%u reason=%s", uid, why);
}

static void compare(struct ending *e, const struct world_user *u)
{
	struct account before, now;
	const char *why = NULL;
	int r = stage_get(&e->world->out, u->place, &e->record);

	if (r == 0)
		r = record_account_unpack(e->record.data, e->record.len, &now);
	if (r == 0 && !now.bound) {
		why = "left";
	} else if (r == 0) {
		r = published_account(e->before, u->uid, &e->published, &before);
		if (r == 0)
			why = reason_to_end(&before, &now);
		else if (r == -ESRCH)
			r = 0; /* counted while nothing was published, or by a file that is lost: it stays */
	}
	if (r < 0)
		e->result = r;
	if (why)
		end(e, u->uid, why);
}

/* Of the N uids in UIDS those in the world are compared; what is left over belongs to nobody. */
static void end_all(struct ending *e, uint32_t *uids, size_t n)
{
	const uint32_t *order = (const uint32_t *)(const void *)e->world->order.data;

	for (size_t i = 0; i < e->world->order.len / sizeof(*order); i++) {
		const struct world_user *u = world_user(e->world, order[i]);
		uint32_t *found = tallies_find(uids, n, u->uid);

		if (!found)
			continue;
		compare(e, u);
		memmove(found, found + 1, (size_t)(uids + n - found - 1) * sizeof(*uids));
		n--;
	}
	for (size_t i = 0; i < n; i++)
		end(e, uids[i], "no_user");
}

int tallies_end(const char *runtime_dir, struct snapshot *before, const struct world *w)
{
	AUTO_FREE char *dir = str_format("%s/tally", runtime_dir);
	CLEANUP(buf_done) struct buf uids = {0};
	struct ending e = {.dir = dir, .before = before, .world = w};
	int r = dir ? tallies_list(runtime_dir, &uids) : -ENOMEM;

	if (r < 0 || uids.len == 0)
		return r;
	end_all(&e, (uint32_t *)(void *)uids.data, uids.len / sizeof(uint32_t));
	buf_wipe(&e.published);
	buf_wipe(&e.record);
	return e.result;
}
