/* A PAM module whose every account phase returns the number in its argument. */
#include <security/pam_modules.h>

#include "common/macros.h"
#include "common/str.h"

EXPORT int pam_sm_acct_mgmt(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	uint32_t code;

	(void)pamh, (void)flags;
	return argc == 1 && parse_u32(argv[0], 0, 31, &code) == 0 ? (int)code : PAM_SERVICE_ERR;
}
