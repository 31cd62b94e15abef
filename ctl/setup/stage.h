/*
 * What setup would write, made beside the running computer: a copy of its PAM files, which pam-auth-update itself
 * changes, and nsswitch.conf. So it can be looked at and tried before anybody has to log in by it.
 */
#ifndef CTL_SETUP_STAGE_H
#define CTL_SETUP_STAGE_H

#include <stdbool.h>

#include "ctl/message.h"

#define PAM_AUTH_UPDATE "/usr/sbin/pam-auth-update"
#define PAM_PROFILES    "/usr/share/pam-configs"

enum pam_change {
	PAM_ENABLE,
	PAM_ENABLE_HOMES, /* also the profile that makes home folders */
	PAM_DISABLE,      /* and noted as seen, so that no package's installation enables it again */
};

/*
 * pam-auth-update on the files below ROOT; "": this computer's. 0; -EKEYREJECTED it failed, or leaves files alone that were
 * edited by hand: F has its words.
 */
int pam_update(const char *root, enum pam_change change, struct fault *f) MUST_CHECK;

/* Make SETUP_FOUND, and SETUP_STAGE of it. -EKEYREJECTED, -errno: F. */
int stage_make(enum pam_change change, struct fault *f) MUST_CHECK;

#endif
