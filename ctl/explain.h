/* What musterctl explain found out, and its two ways of saying it. */
#ifndef CTL_EXPLAIN_H
#define CTL_EXPLAIN_H

#include "common/factor.h"
#include "ctl/judge.h"

struct explanation {
	struct view view;
	const char *name, *service; /* SERVICE may be NULL */
	int64_t now, confirmed_at;  /* the time and the confirmation that were judged */
	enum reason reason;         /* of a password login */
	bool local;                 /* the name is in /etc/passwd: muster is never asked */
	bool known;                 /* then account and judgement are filled */
	bool rejected; /* then reject is: the directory has the name, but it is left out */
	struct account account;
	struct judgement judgement;
	enum factor factor; /* what is needed beside the password */
	struct reject reject;
	/*
	 * Off line, with passwords that the directory verifies: until when this computer can do it itself; 0: it is not
	 * asked for, or it cannot, and why (-errno of common/saved_verifier.h).
	 */
	int64_t password_until;
	int saved_error;
	struct buf account_buf, reject_buf;
};

/* Both return an exit_code of printing: EXIT_OK or EXIT_ERROR. */
enum exit_code explain_print(const struct explanation *e);
enum exit_code explain_print_json(const struct explanation *e);

#endif
