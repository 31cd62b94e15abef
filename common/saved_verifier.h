/*
 * A verifier that musterd made of a password after the directory had found it right ([auth] password = ldap): what decides
 * while nobody can be asked. One file a user, MUSTER_STATE_DIR/user/UID, 0600: eight bytes of XXH3 over the rest, and a
 * record (common/record.h). musterd writes and removes them (agentd/saved.h); the PAM module reads them.
 */
#ifndef COMMON_SAVED_VERIFIER_H
#define COMMON_SAVED_VERIFIER_H

#include "common/account.h"

#define SAVED_VERIFIER_DIR    "user"
#define SAVED_VERIFIER_METHOD "ldap"

struct saved_verifier {
	const char *id, *name; /* whose it is: both must be the account's */
	const char *method;    /* who found the password right */
	const char *hash;      /* verifier_match() */
	int64_t confirmed_at;  /* when it was found right last, trusted time */
};

/* The bytes of a file. As the functions of common/record.h. */
int saved_verifier_pack(const struct saved_verifier *v, struct buf *out) MUST_CHECK;
int saved_verifier_unpack(const void *data, size_t len, struct saved_verifier *ret) MUST_CHECK;

/*
 * What STATE_DIR keeps of UID. RET leads into BUF, which the caller wipes.
 * 0; -ENOENT; -EPERM no regular file, not MUSTER_OWNER's, or others may read or write it; -EBADMSG; -errno.
 */
int saved_verifier_load(const char *state_dir, uint32_t uid, struct buf *buf, struct saved_verifier *ret) MUST_CHECK;

/*
 * May V decide for A at NOW? 0; -EPERM it is somebody else's, or passwords are not verified this way (any more);
 * -EKEYEXPIRED the password was changed since; -ESTALE confirmed longer ago than P allows, or later than NOW by more than the
 * mark of trusted time can be behind, so that the clock was false once.
 */
int saved_verifier_judge(const struct saved_verifier *v, const struct account *a, const struct policy *p,
			 int64_t now) MUST_CHECK;

/* The last second in which it may decide. */
int64_t saved_verifier_ends_at(const struct saved_verifier *v, const struct policy *p);

#endif
