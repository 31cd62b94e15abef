/* What libpam calls. A guest in the host's process: errno comes back as it was. */
#include <errno.h>

#include <security/pam_modules.h>

#include "common/macros.h"
#include "pam/phases.h"

static void errno_restore(const int *saved)
{
	errno = *saved;
}

#define PROTECT_ERRNO CLEANUP(errno_restore) const int saved_errno = errno

EXPORT int pam_sm_authenticate(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	PROTECT_ERRNO;
	struct call c = {.phase = "auth"};
	int r = call_begin(&c, pamh, flags, argc, argv);

	return r == PAM_SUCCESS ? phase_auth(&c) : r;
}

EXPORT int pam_sm_acct_mgmt(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	PROTECT_ERRNO;
	struct call c = {.phase = "account"};
	int r = call_begin(&c, pamh, flags, argc, argv);

	return r == PAM_SUCCESS ? phase_account(&c) : r;
}

EXPORT int pam_sm_chauthtok(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	PROTECT_ERRNO;
	struct call c = {.phase = "password"};
	int r = call_begin(&c, pamh, flags, argc, argv);

	return r == PAM_SUCCESS ? phase_password(&c) : r;
}

/* Nothing is decided in these three: who is not surely ours is left to the other modules. */
static int session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	PROTECT_ERRNO;
	struct call c = {.phase = "session"};

	return call_begin(&c, pamh, flags, argc, argv) == PAM_SUCCESS ? phase_session(&c)
								      : PAM_IGNORE;
}

EXPORT int pam_sm_setcred(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	return session(pamh, flags, argc, argv);
}

EXPORT int pam_sm_open_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	return session(pamh, flags, argc, argv);
}

EXPORT int pam_sm_close_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	return session(pamh, flags, argc, argv);
}
