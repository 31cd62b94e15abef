#include "config.h"

#include "agentd/sync.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "agentd/codes.h"
#include "agentd/ledger_store.h"
#include "agentd/local.h"
#include "agentd/log.h"
#include "agentd/publish.h"
#include "agentd/saved.h"
#include "agentd/status.h"
#include "agentd/sync_private.h"
#include "agentd/tallies.h"
#include "common/names.h"
#include "common/saved_verifier.h"
#include "common/used_code.h"

#define REJECTS_LOGGED 20

static void sync_done(struct sync *s)
{
	snapshots_done(&s->snapshots);
	world_done(&s->world);
	stage_done(&s->stage);
	source_close(&s->source);
	local_free(s->local);
	state_close(&s->state);
}

/* A serial that fell is an old copy of the document: a restored backup, a stale server. */
static int check_serial(struct sync *s)
{
	struct ledger_state *known = &s->state.ledger.state;
	uint64_t url_hash = ledger_url_hash(s->conf->url);

	if (url_hash == known->url_hash && s->reply.end.serial < known->serial) {
		log_error("sync: %s has serial %" PRIu64 ", but %" PRIu64 " was here already: an old copy? If it "
			  "is right, set \"serial\" above; what was published stays",
			  s->conf->url, s->reply.end.serial, known->serial);
		return -ECANCELED;
	}
	known->url_hash = url_hash;
	known->serial = s->reply.end.serial;
	return 0;
}

static int make_world(struct sync *s)
{
	struct world_input in = {
		.conf = s->conf,
		.local = s->local,
		.stage = &s->stage,
		.now = s->now,
		.remote = s->source.remote,
		.accept = s->wishes.accept,
		.forget = s->wishes.forget,
		.other_rules = s->known.rules != s->rules,
	};
	const char *refused, *why;
	int r = world_build(&s->world, &in, &s->state.ledger);

	if (r < 0)
		return sync_failed_errno(r == -EPROTO ? "muster-fetch sent what it never should" : "no world", r);
	refused = world_refused(&s->world, &why);
	if (refused) {
		log_error("sync: '%s': %s; what was published stays", refused, why);
		return -ECANCELED;
	}
	s->next_change_at = s->world.next_change_at;
	if (s->guard.n_held && s->guard.until > s->now && s->guard.until < s->next_change_at)
		s->next_change_at = s->guard.until;
	if (s->users.count && s->known.next_change_at > s->now && s->known.next_change_at < s->next_change_at)
		s->next_change_at = s->known.next_change_at; /* of who is held */
	stage_done(&s->stage); /* its records live on in world.out */
	s->stage.fd = -1;
	return 0;
}

static void make_policy(const struct sync *s, const char *dummy_hash, struct policy *ret)
{
	const struct conf *c = s->conf;
	const struct lockout_policy *l = &s->world.lockout;

	*ret = (struct policy){
		.max_attempts = l->has_max_attempts ? l->max_attempts : c->max_attempts,
		.lock_time_s = l->has_lock_time ? l->lock_time_s : (uint32_t)(c->lock_time_ms / 1000),
		.window_s = l->has_window ? l->window_s : (uint32_t)(c->lockout_window_ms / 1000),
		.lease_s = sync_lease_s(s),
		.warn_s = c->warn_days * INT64_C(86400),
		.offline_password_max_age_s = c->offline_password_max_age_ms / 1000,
		.recheck_after_ms = (uint32_t)c->recheck_after_ms,
		.recheck_timeout_ms = (uint32_t)c->recheck_timeout_ms,
		.password_ldap = c->password == CONF_PASSWORD_LDAP,
		.portal_url = c->portal_url,
		.dummy_hash = dummy_hash,
		.reason_services = c->reason_services,
		.totp_services = c->totp_services,
		.totp_except = c->totp_except,
		.totp_wanted = s->world.totp_wanted,
	};
}

static int make_snapshots(struct sync *s)
{
	AUTO_FREE char *dummy_hash = NULL;
	struct policy policy;
	struct sync_status status = {
		.directory_url = s->conf->url,
		.driver = conf_driver_name(s->conf->driver),
		.last_error = "",
		.last_sync_at = s->confirmed_at,
		.last_attempt_at = s->confirmed_at,
		.serial = s->reply.end.serial,
		.accounts = s->world.n_accounts,
		.groups = (uint32_t)s->reply.end.groups,
		.rejected = s->world.n_rejected,
		.next_change_at = s->next_change_at,
		.mark = clock_advance(&s->mark, &s->clock, s->reply.server.date),
	};
	struct snapshots_input in = {
		.policy = &policy,
		.status = &status,
		.generation = s->generation,
		.created_at = s->now,
		.confirmed_at = s->confirmed_at,
		.dir = s->conf->runtime_dir,
	};
	int r = world_dummy_hash(&s->world, &dummy_hash);

	if (r == 0) {
		make_policy(s, dummy_hash, &policy);
		sync_add_rules(s, &policy);
		r = snapshots_build(&s->world, &in, &s->snapshots);
		world_trim(&s->world);
	}
	return r < 0 ? sync_failed_errno("cannot make the snapshots", r) : 0;
}

static int compare(struct sync *s)
{
	int r = s->state.cache.env ? cache_compare(&s->state.cache, &s->world, &s->diff) : -ENOENT;

	if (r == -EBADMSG)
		log_warning("sync: the cache has an entry that cannot be read; it is written again");
	s->compared = r == 0;
	if (s->state.cache.env)
		state_unmap_cache(&s->state);
	return 0;
}

/* Must any of it not wait for a disk? Without a cache to compare with, all of it. */
static bool is_worse(const struct sync *s)
{
	return !s->compared || s->diff.n_worse > 0 || s->alone || s->known.rules != s->rules;
}

static bool bring_to(struct sync *s, const char *dir)
{
	char error[PUBLISH_ERROR_SIZE];

	if (publish(dir, &s->snapshots, error) == 0) {
		if (!s->published_ms)
			s->published_ms = clock_boottime_ms();
		return true;
	}
	s->state.alarms++;
	log_error("sync: cannot publish: %s", error);
	return false;
}

static void commit(struct sync *s)
{
	struct cache_meta meta = {
		.fingerprint = s->fingerprint,
		.inputs = s->inputs,
		.rules = s->rules,
		.generation = s->generation,
		.next_change_at = s->next_change_at,
		.synced_at = {s->now, s->known.synced_at[0]},
		.confirmed_at = sync_told_confirmed_at(s),
	};
	int r = s->state.ledger_store.env ? ledger_save(&s->state.ledger_store, &s->state.ledger) : -EIO;

	if (s->guard.n_held || s->users.count || s->alone)
		meta.fingerprint = 0; /* it has to say so again, and whole */
	if (s->alone)
		meta.inputs = s->known.inputs; /* what was left out for what this host had then stays so until it is asked */
	if (s->users.count || s->alone)
		memcpy(meta.synced_at, s->known.synced_at, sizeof(meta.synced_at));
	else
		memcpy(meta.validator, s->reply.server.validator, sizeof(meta.validator));
	if (r < 0) {
		s->state.alarms++;
		log_error("sync: ids and names could not be kept in ledger.mdb: %s", strerror(-r));
	}
	r = s->state.cache.env ? cache_save(&s->state.cache, &s->world, &meta) : -EIO;
	if (r < 0) {
		s->state.alarms++;
		log_error("sync: cache.mdb could not be written: %s", strerror(-r));
	}
}

static void end_tallies(struct sync *s)
{
	CLEANUP(snapshot_closep) struct snapshot *before = state_open_published(s->conf);
	int r = tallies_end(s->conf->runtime_dir, before, &s->world);

	if (r < 0) {
		s->state.alarms++;
		log_error("sync: failed attempts that the directory has ended cannot be forgotten: %s", strerror(-r));
	}
}

/*
 * When /run cannot take the new files, but /var/lib could, the old ones in /run go: readers then take the newer ones, and
 * who was suspended is.
 */
static int deliver(struct sync *s)
{
	bool worse = is_worse(s), in_runtime, in_state;

	end_tallies(s);
	in_runtime = worse && bring_to(s, s->conf->runtime_dir);
	commit(s);
	in_runtime = worse ? in_runtime : bring_to(s, s->conf->runtime_dir);
	in_state = bring_to(s, s->conf->state_dir);
	if (!in_runtime && in_state && publish_withdraw(s->conf->runtime_dir) == 0)
		log_warning("sync: %s has no snapshots now; those in %s are read", s->conf->runtime_dir,
			    s->conf->state_dir);
	return in_runtime || in_state ? 0 : sync_failed("published nowhere");
}

static void log_reject(const struct reject *j)
{
	char name[128], id[128];

	text_word(j->name, name, sizeof(name));
	text_word(j->id, id, sizeof(id));
	log_warning("sync: left_out kind=%s name=%s id=%s reason=%s: %s", j->kind, name, id, j->reason, j->detail);
}

static void log_rejects(const struct sync *s)
{
	struct stage_walk walk = {.stage = &s->world.out};
	uint32_t n = 0;

	while (stage_next(&walk) > 0) {
		struct reject j;

		if (record_kind(walk.record, walk.place.len) != RECORD_REJECT ||
		    record_reject_unpack(walk.record, walk.place.len, &j) < 0)
			continue;
		if (n++ < REJECTS_LOGGED)
			log_reject(&j);
	}
	stage_walk_done(&walk);
	if (n > REJECTS_LOGGED)
		log_warning("sync: and %u more: see 'musterctl status'", n - REJECTS_LOGGED);
}

static void log_done(const struct sync *s)
{
	log_rejects(s);
	log_notice("sync: published generation=%" PRIu64 " accounts=%u groups=%" PRIu64 " left_out=%u new=%u changed=%u gone=%u worse=%u",
		   s->generation, s->world.n_accounts, s->reply.end.groups, s->world.n_rejected, s->diff.n_new,
		   s->diff.n_changed, s->diff.n_gone, s->diff.n_worse);
}

static int read_ledger(struct sync *s)
{
	struct ledger_state *known = &s->state.ledger.state;
	uint64_t published;
	int r = state_read_ledger(&s->state);

	if (r < 0)
		return sync_failed_errno("no ledger", r);
	published = state_published_generation(s->conf);
	if (published < known->generation)
		log_warning("sync: generation %" PRIu64 " is published, but there was %" PRIu64 " before: an old copy was put "
			    "back, or a publish was cut short",
			    published, known->generation);
	s->generation = (published > known->generation ? published : known->generation) + 1;
	known->generation = s->generation;
	return 0;
}

typedef int step_fn(struct sync *s);

static int take_steps(struct sync *s, step_fn *const steps[], size_t n)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++)
		r = steps[i](s);
	return r;
}

static int sync_changed(struct sync *s)
{
	static step_fn *const steps[] = {
		read_ledger, check_serial, sync_keep_unreadable, sync_guard_removals, make_world, compare, make_snapshots, deliver,
	};
	int r = take_steps(s, steps, ARRAY_SIZE(steps));

	if (r == 0)
		log_done(s);
	return r;
}

/* An answer that is no news is the rule: nothing is written then. */
static int sync_answered(struct sync *s, bool *ret_changed)
{
	static step_fn *const look[] = {read_ledger, sync_users_list, make_world, compare};
	static step_fn *const tell[] = {make_snapshots, deliver};
	int r = take_steps(s, look, ARRAY_SIZE(look));

	if (r < 0)
		return r;
	if (s->compared && !s->diff.n_new && !s->diff.n_changed && !s->diff.n_gone)
		return 0;
	*ret_changed = true;
	r = take_steps(s, tell, ARRAY_SIZE(tell));
	if (r == 0)
		log_notice("sync: published generation=%" PRIu64 " asked=%u changed=%u worse=%u", s->generation,
			   s->users.count, s->diff.n_changed, s->diff.n_worse);
	return r;
}

/*
 * What falls due does so without the directory, too: keys of the users concerned come and go with what is published. It is made
 * again of what the cache has, as old as it was. So is what is published when that is older than the cache: somebody has put
 * yesterday's files back; and for other access rules, which are none of the directory's business.
 */
static void publish_alone(struct sync *s)
{
	static step_fn *const steps[] = {read_ledger, sync_users_list, make_world, compare, make_snapshots, deliver};
	bool behind, other_rules = s->known.rules != s->rules;

	if (sync_cache_possible(s) < 0)
		return;
	behind = state_published_generation(s->conf) < s->known.generation;
	if (!behind && !other_rules && s->now < s->known.next_change_at)
		return;
	stage_done(&s->stage);
	s->alone = stage_init(&s->stage) == 0;
	if (!s->alone || take_steps(s, steps, ARRAY_SIZE(steps)) < 0) {
		s->alone = false;
		return;
	}
	log_notice("sync: published generation=%" PRIu64 ": %s, without the directory", s->generation,
		   behind ? "what was known last" : other_rules ? "other access rules" : "what fell due");
}

static void swept(struct sync *s, const char *dir, const char *name, int r)
{
	if (r >= 0)
		return;
	s->state.alarms++;
	log_error("sync: %s/%s: %s", dir, name, strerror(-r));
}

/* By what is published, at each good sync: what a crash has left is found again. */
static void sweep(struct sync *s)
{
	const char *state = s->conf->state_dir, *runtime = s->conf->runtime_dir;
	int r = saved_sweep(state, runtime, s->now);

	if (r > 0)
		log_notice("sync: %d verifier%s for off-line use removed", r, r == 1 ? "" : "s");
	swept(s, state, SAVED_VERIFIER_DIR, r);
	swept(s, state, USED_CODE_DIR, codes_sweep(state, runtime));
	swept(s, runtime, USED_CODE_DIR, codes_sweep(runtime, runtime));
}

/* With the lock, and the cache open. */
static int sync_locked(struct sync *s)
{
	bool changed = false;
	int r = sync_read_clock(s);

	if (r < 0)
		return sync_failed_errno("no clock", r);
	r = sync_ask(s);
	if (r == -ESTALE)
		return r;
	sync_ask_clock(s);
	s->confirmed_at = sync_confirmed_at(s);
	if (r == 0 && s->users.count) {
		r = sync_answered(s, &changed);
		if (r == -ESTALE)
			return r;
	} else if (r == 0 && sync_unchanged(s)) {
		sync_confirm(s);
	} else if (r == 0) {
		changed = true;
		r = sync_changed(s);
	}
	if (!s->online && !s->users.count)
		publish_alone(s);
	if (r == 0 && (changed || !s->users.count))
		sweep(s);
	sync_keep_clock(s);
	if (!s->users.count) /* nobody waits for it */
		sync_report_locks(s);
	if (sync_save_status(s, r == 0, changed) < 0) {
		s->state.alarms++;
		log_error("sync: %s/" STATUS_FILE " could not be written", s->conf->runtime_dir);
	}
	return r;
}

static int begin(const struct conf *c, struct sync *s)
{
	char error[PUBLISH_ERROR_SIZE];
	int r = state_open(c, &s->state);

	if (r < 0)
		return r == -EBUSY ? -ECANCELED : sync_failed_errno("cannot begin", r);
	if (publish_restore(c->state_dir, c->runtime_dir, error) < 0) {
		s->state.alarms++;
		log_error("sync: %s", error);
	}
	return 0;
}

static const struct sync nothing = {
	.source = {.document = -1},
	.stage = {.fd = -1},
	.world = {.out = {.fd = -1}},
	.snapshots = {-1, -1},
};

/*
 * Other access rules do not wait for a directory that takes its time. What goes wrong does so again in the sync, and is told then;
 * -EBUSY: but nobody waits for the lock twice.
 */
static int hurry_rules(const struct conf *c)
{
	CLEANUP(sync_done) struct sync s = nothing;
	int r;

	s.conf = c;
	r = state_open(c, &s.state);
	if (r == 0 && sync_look(&s) == 0 && s.source.remote && s.known.rules != s.rules)
		publish_alone(&s);
	return r;
}

int sync_once(const struct conf *c, const struct sync_wishes *wishes, int fetch_fd)
{
	CLEANUP(sync_done) struct sync s = nothing;
	int r;

	if (c->n_access && hurry_rules(c) == -EBUSY)
		return -ECANCELED;
	s.conf = c;
	s.wishes = *wishes;
	s.fetch_fd = fetch_fd;
	r = begin(c, &s);
	if (r == 0)
		r = sync_locked(&s);
	return r == 0 && s.state.alarms ? -EIO : r;
}

int sync_users(const struct conf *c, const struct strlist *users, int fetch_fd)
{
	CLEANUP(sync_done) struct sync s = nothing;
	int r;

	s.conf = c;
	s.users = *users;
	s.fetch_fd = fetch_fd;
	r = begin(c, &s);
	if (r == 0)
		r = sync_locked(&s);
	return r == 0 && s.state.alarms ? -EIO : r;
}

int sync_publish(const struct conf *c)
{
	CLEANUP(sync_done) struct sync s = nothing;
	int r;

	s.conf = c;
	r = begin(c, &s);
	return r == 0 && s.state.alarms ? -EIO : r;
}
