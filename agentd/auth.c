#include "agentd/auth.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "agentd/credentials.h"
#include "agentd/log.h"
#include "agentd/saved.h"
#include "agentd/source.h"
#include "common/paths.h"

#define ASK_MS	     6000  /* PAM gives us twelve seconds, the refresh before and the hashing after us take some */
#define WHOLE_MS     10000 /* the wait for a slot, too */
#define SLOW_MS	     1000  /* an outage that took longer than this … */
#define AWAY_MS	     10000 /* … is believed for so long */
#define AT_ONCE	     12	   /* muster-fetch.socket takes 16 in all */
#define TEXT_SIZE    256
#define JOINED_SIZE  (AGENT_TEXT_MAX + 8)

_Static_assert(SOURCE_ERROR_SIZE >= LOCAL_ERROR_SIZE && SOURCE_ERROR_SIZE >= CREDENTIALS_ERROR_SIZE, "fits");

/* Of the configuration, what asking takes; by value, so that a reload disturbs nobody. */
struct auth_settings {
	bool ldap;
	char url[TEXT_SIZE], dn[TEXT_SIZE], org[TEXT_SIZE], ca_file[TEXT_SIZE];
	char fetch[TEXT_SIZE], runtime_dir[TEXT_SIZE];
};

struct auth {
	pthread_mutex_t lock;
	sem_t slots;
	struct auth_settings settings;
	int64_t away_until_ms; /* CLOCK_MONOTONIC */
	int64_t typical_ms;    /* what an answer has taken lately */
	bool silent;	       /* the last one who asked got no answer */
};

int auth_new(struct auth **ret)
{
	struct auth *a = calloc(1, sizeof(*a));

	if (!a)
		return -ENOMEM;
	pthread_mutex_init(&a->lock, NULL);
	sem_init(&a->slots, 0, AT_ONCE);
	*ret = a;
	return 0;
}

void auth_free(struct auth *a)
{
	if (!a)
		return;
	sem_destroy(&a->slots);
	pthread_mutex_destroy(&a->lock);
	free(a);
}

/* No value of the configuration is longer; one that were would be none. */
static void take_text(char out[static TEXT_SIZE], const char *text)
{
	if (str_print(out, TEXT_SIZE, "%s", text) < 0)
		out[0] = '\0';
}

void auth_set(struct auth *a, const struct conf *c)
{
	struct auth_settings s = {.ldap = c->password == CONF_PASSWORD_LDAP};

	take_text(s.url, c->ldap_url);
	take_text(s.dn, c->ldap_bind_dn);
	take_text(s.org, c->org_id);
	take_text(s.ca_file, c->ldap_ca_file);
	take_text(s.fetch, c->fetch);
	take_text(s.runtime_dir, c->runtime_dir);
	pthread_mutex_lock(&a->lock);
	a->settings = s;
	a->away_until_ms = 0;
	pthread_mutex_unlock(&a->lock);
}

/* What to ask with; false: not now. */
static bool take_settings(struct auth *a, struct auth_settings *ret)
{
	bool away;

	pthread_mutex_lock(&a->lock);
	*ret = a->settings;
	away = wire_now_ms() < a->away_until_ms;
	pthread_mutex_unlock(&a->lock);
	return ret->ldap && !away;
}

static int add_setting(struct buf *b, struct strlist *list, const char *key, const char *value)
{
	int r = buf_add(b, key, strlen(key) + 1);

	if (r == 0)
		r = buf_add(b, value, strlen(value) + 1);
	*list = (struct strlist){(const char *)b->data, (uint32_t)b->len, list->count + 2};
	return r;
}

static int make_settings(const struct auth_settings *s, const char *ca, struct buf *b, struct strlist *ret)
{
	int r = add_setting(b, ret, FETCH_KEY_LDAP_URL, s->url);

	if (r == 0)
		r = add_setting(b, ret, FETCH_KEY_LDAP_DN, s->dn);
	if (r == 0)
		r = add_setting(b, ret, FETCH_KEY_ORG_ID, s->org);
	return r < 0 ? r : add_setting(b, ret, FETCH_KEY_LDAP_CA, ca);
}

/* The child lives no longer than this thread. 0, and the answer in *RET_RESULT; -errno: it was not asked. */
static int ask_fetcher(const struct conf *c, struct fetcher_options *o, const struct fetcher_login *login,
		       int *ret_result, char *error)
{
	CLEANUP(fetcher_leave) struct fetcher fetcher = {.sock = -1};
	struct local *local = NULL;
	int r = local_load(MUSTER_ETC, &local, error);

	if (r == 0)
		r = source_start(c, local, o, &fetcher, error);
	local_free(local);
	return r < 0 ? r : fetcher_verify(&fetcher, login, ret_result, error);
}

static int ask(const struct auth_settings *s, const struct fetcher_login *login, int *ret_result,
	       char error[static SOURCE_ERROR_SIZE])
{
	CLEANUP(buf_done) struct buf ca = {0};
	CLEANUP(buf_done) struct buf settings = {0};
	const struct conf c = {
		.fetch = (char *)(uintptr_t)s->fetch,
		.runtime_dir = (char *)(uintptr_t)s->runtime_dir,
		.ldap_url = (char *)(uintptr_t)s->url,
		.ldap_ca_file = (char *)(uintptr_t)s->ca_file,
	};
	struct fetcher_options o = {.idle_ms = ASK_MS, .total_ms = ASK_MS};
	int r = credentials_ldap_ca(&c, &ca, error);

	if (r == 0)
		r = make_settings(s, (const char *)ca.data, &settings, &o.settings);
	return r < 0 ? r : ask_fetcher(&c, &o, login, ret_result, error);
}

static int take_slot(struct auth *a)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += ASK_MS / 1000;
	while (sem_timedwait(&a->slots, &until) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

static struct login_word word_of(int result)
{
	switch (result) {
	case 0:
		return (struct login_word){AGENT_PASSWORD_RIGHT, REASON_OK};
	case -EKEYREJECTED:
		return (struct login_word){AGENT_PASSWORD_WRONG, REASON_WRONG_PASSWORD};
	case -EACCES:
		return (struct login_word){AGENT_PASSWORD_UNCHECKED, REASON_LOCKED};
	case -EKEYEXPIRED: /* servers say so only once it was right */
		return (struct login_word){AGENT_PASSWORD_RIGHT, REASON_PASSWORD_EXPIRED};
	default:
		return (struct login_word){AGENT_PASSWORD_UNAVAILABLE, REASON_UNAVAILABLE};
	}
}

/* Changes are told, each once. */
static void note(struct auth *a, bool answered, int64_t began_ms, const char *error)
{
	int64_t now_ms = wire_now_ms();
	bool changed;

	pthread_mutex_lock(&a->lock);
	changed = a->silent == answered;
	a->silent = !answered;
	if (!answered && now_ms - began_ms >= SLOW_MS)
		a->away_until_ms = now_ms + AWAY_MS;
	pthread_mutex_unlock(&a->lock);
	if (changed && answered)
		log_notice("auth: passwords are verified by the directory again");
	else if (changed)
		log_error("auth: cannot ask the directory about passwords: %s; saved verifiers decide", error);
}

/* What it said changes what is kept; with a CODE nobody knows which of the two was refused. */
static void keep(const struct subject *s, const char *password, const char *code,
		 struct login_word w)
{
	int r = 0;

	if (w.password == AGENT_PASSWORD_UNAVAILABLE)
		return;
	if (w.password == AGENT_PASSWORD_RIGHT && w.reason == REASON_OK)
		r = saved_confirm(MUSTER_STATE_DIR, s, password);
	else if (!code[0])
		r = saved_distrust(MUSTER_STATE_DIR, s, password);
	if (r > 0)
		log_notice("auth: distrusted user=%s uid=%u: the directory refuses a password that was right before: it is good no "
			   "more off line",
			   s->account.name, s->account.uid);
	else if (r < 0)
		log_error("auth: unsaved user=%s uid=%u: the verifier for off-line use: %s", s->account.name, s->account.uid,
			  strerror(-r));
}

static void note_time(struct auth *a, int64_t took_ms)
{
	pthread_mutex_lock(&a->lock);
	a->typical_ms = a->typical_ms ? (3 * a->typical_ms + took_ms) / 4 : took_ms;
	pthread_mutex_unlock(&a->lock);
}

/* As if somebody were asked. */
static struct login_word pretend(struct auth *a)
{
	struct login_word w = {AGENT_PASSWORD_UNCHECKED, REASON_UNAVAILABLE};
	int64_t ms;
	bool silent;

	pthread_mutex_lock(&a->lock);
	ms = a->typical_ms;
	silent = a->silent || !a->settings.ldap;
	pthread_mutex_unlock(&a->lock);
	if (silent)
		w.password = AGENT_PASSWORD_UNAVAILABLE;
	else
		usleep((useconds_t)(ms < ASK_MS ? ms : ASK_MS) * 1000);
	return w;
}

/* As JumpCloud's LDAP takes it. */
static const char *join(char out[static JOINED_SIZE], const char *password, const char *code)
{
	if (!code[0])
		return password;
	return str_print(out, JOINED_SIZE, "%s,%s", password, code) < 0 ? NULL : out;
}

static void wipe_joined(char (*joined)[JOINED_SIZE])
{
	wipe(*joined, sizeof(*joined));
}

struct login_word auth_ask(struct auth *a, const struct subject *s, const char *password,
			   const char *code)
{
	CLEANUP(wipe_joined) char joined[JOINED_SIZE] = "";
	struct fetcher_login login = {.password = join(joined, password, code)};
	struct auth_settings settings;
	struct login_word w;
	char error[SOURCE_ERROR_SIZE] = "";
	int64_t came_ms = wire_now_ms(), began_ms;
	int result = -EHOSTUNREACH, r;

	if (!*password || !login.password)
		return pretend(a); /* there may be no account */
	login.user = *s->account.username ? s->account.username : s->account.name;
	if (!take_settings(a, &settings) || take_slot(a) < 0)
		return word_of(-EHOSTUNREACH);
	began_ms = wire_now_ms(); /* a wait for our own is no outage of the directory's */
	login.deadline_ms = began_ms + ASK_MS < came_ms + WHOLE_MS ? began_ms + ASK_MS : came_ms + WHOLE_MS;
	r = ask(&settings, &login, &result, error);
	sem_post(&a->slots);
	w = word_of(r < 0 ? -EHOSTUNREACH : result);
	note(a, w.password != AGENT_PASSWORD_UNAVAILABLE, began_ms, error);
	keep(s, password, code, w);
	if (w.password != AGENT_PASSWORD_UNAVAILABLE)
		note_time(a, wire_now_ms() - came_ms);
	return w;
}
