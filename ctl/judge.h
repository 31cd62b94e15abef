/* The verdict on an account as PAM would reach it now, from the same function and the same files. */
#ifndef CTL_JUDGE_H
#define CTL_JUDGE_H

#include "common/paths.h"
#include "common/tally.h"
#include "common/verdict.h"
#include "ctl/view.h"

#define TALLY_PATH MUSTER_RUNTIME_DIR "/tally"

struct judgement {
	struct verdict password; /* what a password login meets: the endpoint's tally counts */
	struct verdict account;  /* what keys, sudo and cron meet */
	struct tally tally;
	int64_t boottime_ms; /* the tally's clock at the time that was judged */
	int tally_error;     /* -errno: the tally cannot be read, so passwords are refused */
	bool no_password;    /* nothing to hold one against: refused where no key serves instead */
};

/* What is asked. */
struct judge_question {
	const char *service; /* as struct verdict_input */
	int64_t now,
		confirmed_at; /* v->now and the snapshot's, or what --at and --offline make of them */
	const struct buf *
		tallies; /* what tallies_list() found, where many are judged and most have none; NULL: look for this one */
};
void judge(const struct view *v, const struct account *a, const struct judge_question *q,
	   struct judgement *ret);

#endif
