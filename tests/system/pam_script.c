/*
 * A PAM module that answers what tests/system/test_pam_matrix.py wrote: FILE_NAME holds "CODE NAME...", the number to
 * return, and the users to return it for; "*" is all. Others are PAM_USER_UNKNOWN. No such file: PAM_USER_UNKNOWN.
 */
#include <stdio.h>
#include <string.h>

#include <security/pam_modules.h>

static int answer(pam_handle_t *pamh)
{
	const char *user = NULL;
	char name[64];
	int code, result = PAM_USER_UNKNOWN;
	FILE *f = fopen(FILE_NAME, "re");

	if (!f)
		return PAM_USER_UNKNOWN;
	if (pam_get_user(pamh, &user, NULL) == PAM_SUCCESS && fscanf(f, "%d", &code) == 1)
		while (fscanf(f, "%63s", name) == 1)
			if (strcmp(name, user) == 0 || strcmp(name, "*") == 0)
				result = code;
	fclose(f);
	return result;
}

#define ENTRY(name)                                                           \
	int name(pam_handle_t *pamh, int flags, int argc, const char **argv); \
	int name(pam_handle_t *pamh, int flags, int argc, const char **argv)  \
	{                                                                     \
		(void)flags;                                                  \
		(void)argc;                                                   \
		(void)argv;                                                   \
		return answer(pamh);                                          \
	}

ENTRY(pam_sm_authenticate)
ENTRY(pam_sm_setcred)
ENTRY(pam_sm_acct_mgmt)
ENTRY(pam_sm_open_session)
ENTRY(pam_sm_close_session)
ENTRY(pam_sm_chauthtok)
