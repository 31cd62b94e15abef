#include "agentd/fetch/session.h"

#include <errno.h>
#include <string.h>

#include "agentd/fetch/http.h"
#include "agentd/fetch/known.h"
#include "agentd/fetch/outlet.h"
#include "agentd/fetch/sandbox.h"
#include "agentd/fetch/sync_document.h"
#include "agentd/fetch/sync_jumpcloud.h"

static const char *get(const struct session *s, enum setting i)
{
	return settings_get(&s->settings, i);
}

static bool needs_network(const struct settings *s)
{
	return strncmp(settings_get(s, SETTING_URL), "https://", 8) == 0;
}

static int expand_url(struct session *s)
{
	return http_expand(get(s, SETTING_URL), get(s, SETTING_HOSTNAME), get(s, SETTING_SYSTEM_ID), &s->url);
}

/* libldap gives no time limit to a TLS handshake: the whole process has one. Whoever asked has given up long before. */
#define VERIFY_LIFE_S 10

/* What is wrong with the settings is told as the answer to the request. */
static int begin_verify(struct session *s)
{
	const struct ldap_server_options options = {
		.url = get(s, SETTING_LDAP_URL),
		.dn = get(s, SETTING_LDAP_DN),
		.org = get(s, SETTING_ORG_ID),
		.ca = get(s, SETTING_LDAP_CA),
	};

	alarm(VERIFY_LIFE_S);
	s->network = true;
	s->ldap_error = ldap_server_new(&options, &s->ldap, s->ldap_text);
	return sandbox_filter(true);
}

/* From the first request on, what comes may be hostile. */
static int begin(struct session *s, const struct frame *f)
{
	int r = 0;

	s->begun = true;
	s->verifies = f->type == FRAME_VERIFY;
	if (s->verifies)
		return begin_verify(s);
	s->network = needs_network(&s->settings);
	if (s->network)
		r = expand_url(s);
	if (r == 0 && s->network)
		r = http_global_init();
	return r < 0 ? r : sandbox_filter(s->network);
}

/* Settings are of use no longer, and what was made of them is not either. */
static void disconnect(struct session *s)
{
	http_free(s->http);
	s->http = NULL;
	free(s->url);
	s->url = NULL;
	jumpcloud_link_free(s->jumpcloud);
	s->jumpcloud = NULL;
	known_free(s->known);
	s->known = NULL;
}

/* The same settings once more keep what was made of the old ones. */
static int renew(struct session *s)
{
	s->renewed = false;
	if (settings_equal(&s->settings, &s->next)) {
		settings_done(&s->next);
		return 0;
	}
	if (s->network != needs_network(&s->next))
		return -EPROTO; /* the filter is for the one or the other */
	disconnect(s);
	settings_done(&s->settings);
	s->settings = s->next;
	s->next = (struct settings){ 0 };
	return s->network ? expand_url(s) : 0;
}

static int take_config(struct session *s, const struct frame *f)
{
	s->renewed = s->begun;
	return settings_add(s->begun ? &s->next : &s->settings, &f->payload);
}

static int answer_sync(struct session *s, struct outlet *o, const struct frame *f)
{
	if (strcmp(get(s, SETTING_DRIVER), "document") == 0)
		return sync_document(s, o, f);
	if (strcmp(get(s, SETTING_DRIVER), "jumpcloud") == 0)
		return sync_jumpcloud(s, o, f);
	return outlet_fail(o, -EPROTO, "no driver of this name");
}

static int answer_refresh(struct session *s, struct outlet *o, const struct frame *f)
{
	if (strcmp(get(s, SETTING_DRIVER), "jumpcloud") == 0)
		return refresh_jumpcloud(s, o, f);
	return outlet_fail(o, -EPROTO, "this driver cannot ask about one user");
}

static int answer_report(struct session *s, struct outlet *o, const struct frame *f)
{
	if (strcmp(get(s, SETTING_DRIVER), "jumpcloud") == 0)
		return report_jumpcloud(s, o, f);
	return outlet_fail(o, -EPROTO, "this driver cannot lock a user");
}

static int answer_systems(struct session *s, struct outlet *o, const struct frame *f)
{
	if (strcmp(get(s, SETTING_DRIVER), "jumpcloud") == 0)
		return systems_jumpcloud(s, o, f);
	return outlet_fail(o, -EPROTO, "this driver knows no systems");
}

/* Two strings, and nothing behind them. */
static int answer_verify(struct session *s, struct outlet *o, const struct frame *f)
{
	const char *user = (const char *)f->payload.data;
	size_t len = f->payload.len, user_size = len ? strnlen(user, len) + 1 : 0;
	char text[LDAP_TEXT_SIZE];

	if (user_size >= len || strnlen(user + user_size, len - user_size) != len - user_size - 1)
		return outlet_fail(o, -EPROTO, "not a name and a password");
	if (!s->ldap)
		return outlet_fail(o, s->ldap_error, s->ldap_text);
	return outlet_result(o, ldap_server_verify(s->ldap, user, user + user_size, text), text);
}

/* Answers one request. 0, also when the answer is that it failed; -errno when there is nobody to answer any more. */
typedef int (*answer_fn)(struct session *s, struct outlet *o, const struct frame *f);

/* NULL: no type of request. */
static answer_fn answer_of(const struct frame *f)
{
	switch (f->type) {
	case FRAME_SYNC:
		return answer_sync;
	case FRAME_REFRESH:
		return answer_refresh;
	case FRAME_VERIFY:
		return answer_verify;
	case FRAME_REPORT:
		return answer_report;
	case FRAME_SYSTEMS:
		return answer_systems;
	default:
		return NULL;
	}
}

int session_frame(struct session *s, const struct frame *f)
{
	struct outlet o = { .sock = s->sock, .request_id = f->request_id };
	answer_fn answer = answer_of(f);
	int r = 0;

	if (f->type == FRAME_CONFIG && !s->verifies)
		return take_config(s, f);
	if (!answer || (s->begun && s->verifies != (f->type == FRAME_VERIFY)))
		return -EPROTO;
	if (!s->begun)
		r = begin(s, f);
	else if (s->renewed)
		r = renew(s);
	if (r == 0)
		r = answer(s, &o, f);
	outlet_done(&o);
	return r;
}

void session_done(struct session *s)
{
	disconnect(s);
	ldap_server_free(s->ldap);
	settings_done(&s->settings);
	settings_done(&s->next);
	closep(&s->spool);
}
