#include "config.h"

#include <errno.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "agentd/log.h"
#include "agentd/publish.h"
#include "agentd/sync_private.h"

/*
 * An unchanged directory is written down as confirmed this often: looking through both snapshots, and a copy of one, cost more than
 * the poll, and leases count in days. To the second it is in sync.status.
 */
#define CONFIRM_S      3600
#define CONFIRMS_LEASE 8 /* but a lease is never left to run down */

#define TRIES 3 /* to ask the directory, when others were quicker */

int sync_failed(const char *what)
{
	log_error("sync: %s; what was published stays", what);
	return -ECANCELED;
}

int sync_failed_errno(const char *what, int r)
{
	log_error("sync: %s: %s; what was published stays", what, strerror(-r));
	return -ECANCELED;
}

static void take_content(struct sync *s, uint64_t content)
{
	uint64_t parts[] = {s->inputs, content};

	s->fingerprint = XXH3_64bits(parts, sizeof(parts));
}

/* With left-over lines of shadow, and the shells that the configuration names: they may come and go as well. */
static int load_local(const struct conf *c, struct local **ret, char error[static LOCAL_ERROR_SIZE])
{
	CLEANUP(local_freep) struct local *l = NULL;
	int r = local_load("/etc", &l, error);

	if (r == 0)
		r = local_look_at_shadow(l, "/etc", error);
	if (r == 0)
		r = local_look_at_shell(l, c->shell);
	for (uint32_t i = 0; r == 0 && i < c->n_shells; i++)
		r = local_look_at_shell(l, c->shells[i].shell);
	if (r < 0)
		return r;
	*ret = TAKE(l);
	return 0;
}

static int read_inputs(struct sync *s)
{
	char error[SOURCE_ERROR_SIZE], local_error[LOCAL_ERROR_SIZE];
	uint64_t parts[4] = {conf_fingerprint(s->conf)};

	local_free(TAKE(s->local));
	source_close(&s->source);
	if (load_local(s->conf, &s->local, local_error) < 0)
		return sync_failed(local_error);
	if (source_open(s->conf, &s->source, error) < 0)
		return sync_failed(error);
	s->source.fetch_fd = s->fetch_fd;
	parts[1] = local_fingerprint(s->local);
	parts[2] = s->source.ours;
	parts[3] = XXH3_64bits(PACKAGE_VERSION, strlen(PACKAGE_VERSION));
	s->inputs = XXH3_64bits(parts, sizeof(parts));
	sync_read_rules(s);
	take_content(s, s->source.content);
	return 0;
}

static bool wishes(const struct sync *s)
{
	return s->wishes.accept.count || s->wishes.forget.count || s->wishes.accept_removals;
}

static void load_meta(struct sync *s, struct cache_meta *ret)
{
	*ret = (struct cache_meta){0};
	if (!s->state.cache.env || cache_meta_load(&s->state.cache, ret) < 0)
		*ret = (struct cache_meta){0};
}

/* What the published files were made from has not changed, the directory apart, and they are all there. */
static void read_known(struct sync *s)
{
	load_meta(s, &s->known);
	s->published = state_published_generation(s->conf);
	s->generation = s->known.generation;
	s->next_change_at = s->known.next_change_at;
	s->current = !wishes(s) && s->known.fingerprint && s->known.inputs == s->inputs && s->known.rules == s->rules &&
		     s->now < s->known.next_change_at &&
		     s->now >= s->known.synced_at[0] && /* made while a clock was ahead */
		     publish_has(s->conf->runtime_dir, s->known.generation) &&
		     publish_has(s->conf->state_dir, s->known.generation);
}

bool sync_unchanged(const struct sync *s)
{
	return s->current && s->known.fingerprint == s->fingerprint;
}

int64_t sync_lease_s(const struct sync *s)
{
	return s->source.remote ? s->conf->lease_ms / 1000 : 0; /* a file is the directory itself: it cannot be stale */
}

static void confirm_in(struct sync *s, const char *dir)
{
	int64_t max_age_s = CONFIRM_S, lease_s = s->source.remote ? conf_lease_shortest(s->conf) / 1000 : 0;
	char error[PUBLISH_ERROR_SIZE];
	int r;

	if (lease_s && lease_s / CONFIRMS_LEASE < max_age_s)
		max_age_s = lease_s / CONFIRMS_LEASE;
	r = publish_confirm(dir, s->confirmed_at, max_age_s, error);
	if (r < 0) {
		s->state.alarms++;
		log_error("sync: %s", error);
	}
}

int64_t sync_told_confirmed_at(const struct sync *s)
{
	if (s->users.count || s->alone || s->reply.end.flags & FRAME_END_UNCHANGED)
		return s->known.confirmed_at;
	return s->reply.end.confirmed_at;
}

int64_t sync_confirmed_at(const struct sync *s)
{
	int64_t told = s->source.remote ? sync_told_confirmed_at(s) : 0;

	return told && told < s->now ? told : s->now;
}

/* The same under another validator: the next poll is short. */
static void keep_validator(struct sync *s)
{
	int64_t confirmed_at = sync_told_confirmed_at(s);

	if (!strcmp(s->known.validator, s->reply.server.validator) && s->known.confirmed_at == confirmed_at)
		return;
	s->known.confirmed_at = confirmed_at;
	memcpy(s->known.validator, s->reply.server.validator, sizeof(s->known.validator));
	if (cache_meta_save(&s->state.cache, &s->known) < 0)
		log_warning("sync: cache.mdb could not be written: the next poll will be a long one");
}

void sync_confirm(struct sync *s)
{
	s->online = true;
	confirm_in(s, s->conf->runtime_dir);
	confirm_in(s, s->conf->state_dir);
	if (s->source.remote)
		keep_validator(s);
}

/* Of an answer without validator: the same records in any order are no news. */
static void take_records(struct sync *s)
{
	take_content(s, s->reply.end.serial + s->stage.sum);
}

static int fetch_users(struct sync *s)
{
	char error[SOURCE_ERROR_SIZE];
	int r = source_refresh(&s->source, s->local, &s->users, &s->stage, &s->reply, error);

	s->online = r == 0;
	return r < 0 ? sync_failed(error) : 0;
}

static int fetch(struct sync *s)
{
	char error[SOURCE_ERROR_SIZE];
	int r = source_fetch(&s->source, s->local, s->current ? s->known.validator : "", &s->stage, &s->reply,
			     error);

	if (r < 0)
		return sync_failed(error);
	s->online = true;
	/* of a document in a file whoever is missing was removed: it has to be whole */
	if (!s->source.remote && !(s->reply.end.flags & FRAME_END_COMPLETE))
		return sync_failed("muster-fetch sent no whole list");
	if (!s->source.remote)
		return 0;
	if (s->reply.end.flags & FRAME_END_UNCHANGED)
		s->fingerprint = s->known.fingerprint;
	else
		take_records(s);
	return 0;
}

int sync_look(struct sync *s)
{
	int r = sync_read_clock(s);

	if (r == 0)
		r = read_inputs(s);
	if (r == 0)
		read_known(s);
	return r;
}

/* While the directory was asked without the lock: has somebody else synced, or is what was read of this host no longer so? */
static bool is_overtaken(struct sync *s)
{
	CLEANUP(local_freep) struct local *local = NULL;
	char error[LOCAL_ERROR_SIZE];
	struct cache_meta now;

	load_meta(s, &now);
	if (memcmp(&now, &s->known, sizeof(now)) != 0)
		return true;
	if (state_published_generation(s->conf) != s->published)
		return true; /* also when he could not write it down */
	return load_local(s->conf, &local, error) < 0 || local_fingerprint(local) != local_fingerprint(s->local);
}

/* The mark of trusted time, too, may have gone on meanwhile. */
static int fetch_unlocked(struct sync *s)
{
	int r, again;

	state_unlock(&s->state);
	r = s->users.count ? fetch_users(s) : fetch(s);
	again = state_relock(&s->state);
	if (again == 0)
		again = sync_read_clock(s);
	if (again < 0)
		s->known = (struct cache_meta){0}; /* without the lock nothing that is known counts */
	if (again == -EBUSY)
		return -ECANCELED;
	return again < 0 ? sync_failed_errno("cannot go on", again) : r;
}

int sync_ask(struct sync *s)
{
	for (int i = 0; i < TRIES; i++) {
		int r = read_inputs(s);

		if (r < 0)
			return r;
		read_known(s);
		if (s->users.count)
			r = sync_users_possible(s);
		if (r < 0)
			return r;
		if (!s->source.remote)
			return sync_unchanged(s) ? 0 : fetch(s);
		r = fetch_unlocked(s);
		if (r < 0 || !is_overtaken(s))
			return r;
		stage_done(&s->stage);
	}
	return sync_failed("others have synced each time while the directory was asked");
}
