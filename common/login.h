/*
 * A password tried on an account: counted, verified and judged. The PAM module and the agent's public socket run this same
 * function. Every try costs one hash, or one question to the directory, whatever comes out, so that its time tells nothing (P8).
 * Where a second factor is needed (common/factor.h), password and code are judged together: of a wrong code nobody but the
 * journal learns whether the password was right, and it counts as a wrong password does.
 */
#ifndef COMMON_LOGIN_H
#define COMMON_LOGIN_H

#include "common/agent.h"
#include "common/subject.h"

struct login {
	enum reason reason;  /* only REASON_OK lets in */
	bool password_right; /* and the code, where one is needed: then the reason may be told */
	bool refused; /* by the directory's word on the password: whoever asks again later does not hear it again */
	bool off_line; /* the directory was to be asked, and could not be */
	int64_t ends_at; /* with off_line: a saved verifier let in, and does so until then, if that is soon; else 0 */
	/* -errno behind REASON_UNAVAILABLE, or of a tally that kept a failure too many; -EEXIST: behind REASON_WRONG_CODE, used before. */
	int error;
};

/* What was typed; nothing of it is kept. */
struct login_try {
	/*
	 * With the code joined to it ("password,123456") when CODE is "" and the account has a second factor: the last comma counts. Of
	 * other accounts a password is what it is.
	 */
	const char *password;
	const char *code;  /* or "" */
	const char *rhost; /* where the user tries from, "" at the console */
};

/* What the directory says of a password, where it alone can say it (policy.password_ldap). All zero: nothing, refuse. */
struct login_word {
	enum agent_password password;
	/* Its own refusal: with AGENT_PASSWORD_RIGHT one beside the password, with AGENT_PASSWORD_UNCHECKED instead of a word on it. */
	enum reason reason;
};

struct login_directory {
	/*
	 * CODE: to be judged by the directory, with the password; or "". PASSWORD "": nothing is asked, and as much time passes as
	 * asking takes (P8); S may have no account then.
	 */
	struct login_word (*ask)(const struct login_directory *d, const struct subject *s,
				 const char *password, const char *code);
	const void *context;
};

/*
 * D is asked when passwords are the directory's, and only when the try is counted and login_unasked() has nothing against it. When
 * D answers AGENT_PASSWORD_UNAVAILABLE, and then alone, the saved verifier decides (common/saved_verifier.h); a try that
 * nobody could judge is not counted. A code that D alone could judge has no judge then.
 */
struct login login_check(const struct subject *s, const struct login_try *t,
			 const struct login_directory *d) MUST_CHECK;

/* Why no password of this user is verified at all, whatever it is; REASON_OK: it may be. */
enum reason login_unasked(const struct subject *s) MUST_CHECK;

/* For a name that subject_load() gave no account for: the same work, and ERROR as a reason. */
struct login login_refuse(const struct subject *s, const char *password, int error,
			  const struct login_directory *d) MUST_CHECK;

#endif
