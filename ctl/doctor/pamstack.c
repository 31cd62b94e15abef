#include "ctl/doctor/pamstack.h"

#include <errno.h>
#include <security/_pam_types.h>
#include <string.h>

/* Runs as _pam_dispatch_aux() of Linux-PAM does. */
struct state {
	enum { UNDECIDED, POSITIVE, NEGATIVE } impression;
	int status;
};

#define MUST_FAIL  PAM_PERM_DENIED
#define LEVELS_MAX 16

static void take_good(struct state *s, int code)
{
	if (s->impression == NEGATIVE || (s->impression == POSITIVE && s->status != PAM_SUCCESS) ||
	    code == PAM_IGNORE)
		return;
	*s = (struct state){POSITIVE, code};
}

static void take_bad(struct state *s, int code)
{
	if (s->impression == NEGATIVE)
		return;
	s->impression = NEGATIVE;
	s->status = code == PAM_IGNORE ? MUST_FAIL : code;
}

/* The place N modules of the level of AT further on; one too far fails the stack. */
static unsigned jump(const struct pamstack *s, unsigned at, int n, struct state *state)
{
	unsigned level = s->entries[at].level;

	while (n > 0 && at + 1 < s->count && s->entries[at + 1].level >= level) {
		do
			at++;
		while (at + 1 < s->count && s->entries[at + 1].level > level);
		n--;
	}
	if (n > 0)
		*state = (struct state){NEGATIVE, MUST_FAIL};
	return at + 1;
}

/* The first place after the substack that AT is in; without one, the end. */
static unsigned leave(const struct pamstack *s, unsigned at)
{
	unsigned level = s->entries[at].level;

	if (level == 0)
		return s->count;
	while (at < s->count && s->entries[at].level >= level)
		at++;
	return at;
}

static unsigned step(const struct pamstack *s, unsigned at, int code, struct state *state,
		     const struct state *before)
{
	const struct pamstack_entry *e = &s->entries[at];
	int action = e->actions[code];

	switch (action) {
	case PAMSTACK_IGNORE:
		break;
	case PAMSTACK_OK:
	case PAMSTACK_DONE:
		take_good(state, code);
		if (action == PAMSTACK_DONE && state->impression == POSITIVE)
			return leave(s, at);
		break;
	case PAMSTACK_BAD:
	case PAMSTACK_DIE:
		take_bad(state, code);
		if (action == PAMSTACK_DIE)
			return leave(s, at);
		break;
	case PAMSTACK_RESET:
		*state = before[e->level];
		break;
	default:
		return jump(s, at, action, state);
	}
	return at + 1;
}

int pamstack_run(const struct pamstack *s, pamstack_answer *answer, const void *data)
{
	struct state state = {UNDECIDED, MUST_FAIL}, before[LEVELS_MAX + 1] = {{UNDECIDED, MUST_FAIL}};

	for (unsigned at = 0; at < s->count;) {
		const struct pamstack_entry *e = &s->entries[at];
		int code;

		if (e->substack) {
			before[e->level + 1] = state;
			at++;
			continue;
		}
		code = answer(e, data);
		if (code < 0 || code >= PAMSTACK_RETURNS)
			code = PAM_SYSTEM_ERR;
		at = step(s, at, code, &state, before);
	}
	return state.status == PAM_SUCCESS && state.impression != POSITIVE ? MUST_FAIL : state.status;
}

const struct pamstack_entry *pamstack_find(const struct pamstack *s, const char *module)
{
	for (unsigned i = 0; i < s->count; i++)
		if (!s->entries[i].substack && strcmp(s->entries[i].module, module) == 0)
			return &s->entries[i];
	return NULL;
}

void pamstack_done(struct pamstack *s)
{
	char *const *texts = (char *const *)(const void *)s->texts.data;

	for (size_t i = 0; i < s->texts.len / sizeof(*texts); i++)
		free(texts[i]);
	buf_done(&s->texts);
	free(s->entries);
	s->entries = NULL;
	s->count = 0;
}
