/*
 * One action of musterctl directory: which file, locked and loaded; what was done to whom; saved, checked,
 * published, said. The actions between are pure (directory/user.h, state.h, group.h).
 */
#ifndef CTL_DIRECTORY_SESSION_H
#define CTL_DIRECTORY_SESSION_H

#include <stddef.h>

#include "agentd/conf.h"
#include "common/str.h"
#include "ctl/command.h"
#include "ctl/directory/store.h"
#include "ctl/directory/tree.h"

/* Options of every action; first in the options struct of each. */
struct directory_options {
	const char *file;
	bool no_publish;
};

/* Their lines of an option table. */
#define DIRECTORY_OPTION_FILE                                                  \
	"file", OPTION_TEXT, offsetof(struct directory_options, file), "FILE", \
		"edit FILE instead of this computer's own directory"
#define DIRECTORY_OPTION_NO_PUBLISH                                                      \
	"no-publish", OPTION_FLAG, offsetof(struct directory_options, no_publish), NULL, \
		"save only; 'musterd --once' publishes later"

struct session {
	struct conf conf;
	struct local *local; /* NULL unless own */
	struct store store;
	struct edit edit;
	struct fault fault;
	bool own; /* this computer's own directory */
	bool publish;
	bool dry_run;       /* set by the action: everything but the change itself */
	struct buf done;    /* to be said once it is saved; secrets may be in it */
	struct buf touched; /* ids of those edited, NUL after each */
	uint32_t n_touched;
	struct buf
		tried; /* local names whose failed attempts here are to be forgotten, NUL after each */
	uint32_t n_tried;
};

#define AUTO_SESSION CLEANUP(session_done)
/* clang-format off */
#define SESSION_NONE { .store = STORE_NONE }
/* clang-format on */

/* S: SESSION_NONE. 0, or -errno with s->fault filled. */
int session_open(struct session *s, const struct directory_options *o,
		 enum store_mode mode) MUST_CHECK;
void session_done(struct session *s);

/* Note what was done to a user or group O: "NAME: FORMAT…" is printed once it is saved. */
int session_note(struct session *s, const struct json_object *o, const char *format, ...)
	PRINTF_LIKE(3, 4) MUST_CHECK;

/* Print TEXT as it is once all is saved: for what is no remark on a user. */
int session_say(struct session *s, const char *text, size_t len) MUST_CHECK;

/* Note that the user O was edited, with nothing to say. */
int session_touch(struct session *s, const struct json_object *o) MUST_CHECK;

/* Forget the failed attempts of USER on this computer too, once it is published. */
int session_forget_tries(struct session *s, const struct json_object *user) MUST_CHECK;

/*
 * The end of every action: R is its result so far. Checks, saves and publishes what was changed, says it, or
 * says why not; closes the file.
 */
enum exit_code session_finish(struct session *s, int r);

/* A whole action: ACT on every user that IN names, whose options begin with struct directory_options. */
typedef int session_act_fn(struct session *s, struct json_object *user, const void *options);
enum exit_code session_each_user(const struct invocation *in, session_act_fn *act);

#endif
