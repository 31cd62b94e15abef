#include "agentd/source.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "agentd/document.h"
#include "agentd/refresh_answer.h"

#define FETCH_USER "muster"
#define NO_PROXY   "none"
#define REFRESH_MS 10000 /* of one user: long after nobody waits any more */
#define REPORT_MS  10000

_Static_assert(SOURCE_ERROR_SIZE >= DOCUMENT_ERROR_SIZE && SOURCE_ERROR_SIZE >= CREDENTIALS_ERROR_SIZE, "fits");

int source_open(const struct conf *c, struct source *ret, char ret_error[static SOURCE_ERROR_SIZE])
{
	uint64_t ours[2] = {0};
	int r;

	*ret = (struct source){.conf = c, .remote = !!strncmp(c->url, "file://", 7), .fetch_fd = -1, .document = -1};
	if (gethostname(ret->hostname, sizeof(ret->hostname) - 1) < 0) {
		r = -errno;
		snprintf(ret_error, SOURCE_ERROR_SIZE, "no host name: %s", strerror(-r));
		return r;
	}
	r = ret->remote ? credentials_load(c, &ret->credentials, ret_error) :
			  document_open(c->url, &ret->document, &ret->content, ret_error);
	if (r < 0)
		return r;
	ours[0] = XXH3_64bits(ret->hostname, strlen(ret->hostname));
	if (ret->remote)
		ours[1] = credentials_sum(&ret->credentials);
	ret->ours = XXH3_64bits(ours, sizeof(ours));
	return 0;
}

void source_close(struct source *s)
{
	closep(&s->document);
	s->document = -1;
	credentials_done(&s->credentials);
}

static int drop_rights(const struct local *l, struct fetcher_options *o, char *error)
{
	uint32_t uid, gid;

	o->drop = geteuid() == 0;
	if (!o->drop)
		return 0;
	if (local_user(l, FETCH_USER, &uid, &gid) < 0) {
		snprintf(error, SOURCE_ERROR_SIZE,
			 "there is no system user '" FETCH_USER "' in /etc/passwd: run 'systemd-sysusers' or "
			 "'useradd --system --user-group --home-dir / --shell /usr/sbin/nologin " FETCH_USER "'");
		return -ESRCH;
	}
	if (uid == 0 || gid == 0) {
		snprintf(error, SOURCE_ERROR_SIZE,
			 "the user '" FETCH_USER "' has uid or gid 0: give it ids of its own");
		return -EPERM;
	}
	o->uid = uid;
	o->gid = gid;
	return 0;
}

static const char *text_of(const struct buf *b)
{
	return b->len ? (const char *)b->data : "";
}

/* Keys and values, one after another; what is not set is left out. */
static int make_settings(const struct source *s, struct buf *b, struct strlist *ret)
{
	const struct credentials *c = &s->credentials;
	bool jumpcloud = s->conf->driver == CONF_DRIVER_JUMPCLOUD;
	const char *proxy = strcmp(s->conf->proxy, NO_PROXY) ? s->conf->proxy : "";
	const char *secrets = !s->remote || credentials_prove(c) ? "yes" : "";
	const char *const all[][2] = {
		{FETCH_KEY_DRIVER, conf_driver_name(s->conf->driver)},
		{FETCH_KEY_URL, s->conf->url},
		{FETCH_KEY_SYSTEM_ID, s->conf->system_id},
		{FETCH_KEY_HOSTNAME, s->hostname},
		{FETCH_KEY_SECRETS, secrets},
		{FETCH_KEY_PASSWORDS, s->conf->password == CONF_PASSWORD_LDAP ? "ldap" : ""},
		{FETCH_KEY_CA, text_of(&c->ca)},
		{FETCH_KEY_CLIENT_CERT, text_of(&c->client_cert)},
		{FETCH_KEY_CLIENT_KEY, text_of(&c->client_key)},
		{FETCH_KEY_BEARER, text_of(&c->bearer)},
		{FETCH_KEY_PROXY, s->remote ? proxy : ""},
		{FETCH_KEY_ORG_ID, jumpcloud ? s->conf->org_id : ""},
		{FETCH_KEY_API_KEY, text_of(&c->api_key)},
		{FETCH_KEY_CLIENT_ID, *text_of(&c->client_secret) ? s->conf->client_id : ""},
		{FETCH_KEY_CLIENT_SECRET, text_of(&c->client_secret)},
		{FETCH_KEY_TOKEN_URL, *text_of(&c->client_secret) ? s->conf->token_url : ""},
	};
	uint32_t count = 0;
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(all); i++) {
		if (!*all[i][1])
			continue;
		for (size_t j = 0; r == 0 && j < 2; j++, count++)
			r = buf_add(b, all[i][j], strlen(all[i][j]) + 1);
	}
	*ret = (struct strlist){(const char *)b->data, (uint32_t)b->len, count};
	return r;
}

int source_start(const struct conf *c, const struct local *l, struct fetcher_options *o, struct fetcher *ret,
		 char ret_error[static SOURCE_ERROR_SIZE])
{
	AUTO_FREE char *socket = str_format("%s/" FETCH_SOCKET, c->runtime_dir);
	int r;

	if (!socket) {
		snprintf(ret_error, SOURCE_ERROR_SIZE, "%s", strerror(ENOMEM));
		return -ENOMEM;
	}
	o->path = c->fetch;
	o->socket = access(socket, F_OK) == 0 ? socket : NULL;
	r = o->socket ? 0 : drop_rights(l, o, ret_error);
	if (r < 0)
		return r;
	r = fetcher_start(o, ret);
	if (r < 0 && o->socket)
		snprintf(ret_error, SOURCE_ERROR_SIZE, "cannot connect to muster-fetch at %s: %s; see 'systemctl status "
			 "muster-fetch.socket', or remove the file", socket, strerror(-r));
	else if (r < 0)
		snprintf(ret_error, SOURCE_ERROR_SIZE, "cannot start %s: %s", c->fetch, strerror(-r));
	o->socket = NULL;
	return r;
}

static int get_fetcher(const struct source *s, const struct local *l, struct fetcher_options *o,
		       struct fetcher *ret, char *error)
{
	int r;

	if (s->fetch_fd < 0)
		return source_start(s->conf, l, o, ret, error);
	r = fetcher_adopt(o, s->fetch_fd, ret);
	if (r < 0)
		snprintf(error, SOURCE_ERROR_SIZE, "cannot use muster-fetch: %s", strerror(-r));
	return r;
}

static int ask(const struct source *s, const struct local *l, const struct fetcher_request *request,
	       struct stage *stage, struct fetcher_reply *ret, char *error)
{
	CLEANUP(buf_wipe) struct buf settings = {0};
	CLEANUP(fetcher_stop) struct fetcher fetcher = {.sock = -1};
	struct fetcher_options o = {.idle_ms = SYNC_IDLE_MS, .total_ms = SYNC_TOTAL_MS};
	char text[FETCHER_ERROR_SIZE];
	int r;

	*ret = (struct fetcher_reply){0};
	error[0] = '\0';
	r = make_settings(s, &settings, &o.settings);
	if (r == 0)
		r = stage_init(stage);
	if (r < 0) {
		snprintf(error, SOURCE_ERROR_SIZE, "%s", strerror(-r));
		return r;
	}
	r = get_fetcher(s, l, &o, &fetcher, error);
	if (r < 0)
		return r;
	r = fetcher_sync(&fetcher, request, stage, ret, text);
	if (r < 0)
		snprintf(error, SOURCE_ERROR_SIZE, "%s: %s", s->conf->url, text);
	return r;
}

int source_fetch(const struct source *s, const struct local *l, const char *validator, struct stage *stage,
		 struct fetcher_reply *ret, char ret_error[static SOURCE_ERROR_SIZE])
{
	const struct fetcher_request request = {.document_fd = s->document, .validator = validator};

	return ask(s, l, &request, stage, ret, ret_error);
}

int source_systems(const struct source *s, const struct local *l, struct stage *stage,
		   char ret_error[static SOURCE_ERROR_SIZE])
{
	const struct fetcher_request request = {.document_fd = -1, .validator = "", .systems = true};
	struct fetcher_reply ignored;

	return ask(s, l, &request, stage, &ignored, ret_error);
}

static int ask_for(const struct source *s, struct fetcher *f, const char *id, struct stage *stage,
		   struct fetcher_reply *ret, char *error)
{
	CLEANUP(stage_done) struct stage answer = {.fd = -1};
	const struct fetcher_request request = {.document_fd = -1, .validator = "", .user = id};
	char text[FETCHER_ERROR_SIZE];
	int r = stage_init(&answer);

	if (r == 0) {
		r = fetcher_sync(f, &request, &answer, ret, text);
		if (r < 0) {
			snprintf(error, SOURCE_ERROR_SIZE, "%s: %s", s->conf->url, text);
			return r;
		}
		r = refresh_add(stage, &answer);
	}
	if (r < 0)
		snprintf(error, SOURCE_ERROR_SIZE, "%s", strerror(-r));
	return r;
}

int source_refresh(const struct source *s, const struct local *l, const struct strlist *users, struct stage *stage,
		   struct fetcher_reply *ret, char ret_error[static SOURCE_ERROR_SIZE])
{
	CLEANUP(buf_wipe) struct buf settings = {0};
	CLEANUP(fetcher_stop) struct fetcher fetcher = {.sock = -1};
	struct fetcher_options o = {.idle_ms = REFRESH_MS, .total_ms = REFRESH_MS};
	const char *id = NULL;
	int r = make_settings(s, &settings, &o.settings);

	*ret = (struct fetcher_reply){0};
	if (r == 0)
		r = stage_init(stage);
	if (r < 0) {
		snprintf(ret_error, SOURCE_ERROR_SIZE, "%s", strerror(-r));
		return r;
	}
	r = get_fetcher(s, l, &o, &fetcher, ret_error);
	while (r == 0 && (id = strlist_next(users, id)))
		r = ask_for(s, &fetcher, id, stage, ret, ret_error);
	return r;
}

int source_report(const struct source *s, const struct local *l, const char *id,
		  char ret_error[static SOURCE_ERROR_SIZE])
{
	CLEANUP(buf_wipe) struct buf settings = {0};
	CLEANUP(fetcher_stop) struct fetcher fetcher = {.sock = -1};
	struct fetcher_options o = {.idle_ms = REPORT_MS, .total_ms = REPORT_MS};
	char text[FETCHER_ERROR_SIZE];
	int r = make_settings(s, &settings, &o.settings);

	if (r < 0) {
		snprintf(ret_error, SOURCE_ERROR_SIZE, "%s", strerror(-r));
		return r;
	}
	r = get_fetcher(s, l, &o, &fetcher, ret_error);
	if (r < 0)
		return r;
	r = fetcher_report(&fetcher, id, text);
	if (r < 0)
		snprintf(ret_error, SOURCE_ERROR_SIZE, "%s: %s", s->conf->url, text);
	return r;
}
