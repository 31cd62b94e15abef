/*
 * Fixed when built: modules read no configuration and no environment (N9). The test variants of the modules are
 * compiled with directories of the build tree and accept files of whoever runs them.
 */
#ifndef COMMON_PATHS_H
#define COMMON_PATHS_H

#include <unistd.h>

#ifndef MUSTER_RUNTIME_DIR
#define MUSTER_RUNTIME_DIR "/run/muster"
#endif
#ifndef MUSTER_STATE_DIR
#define MUSTER_STATE_DIR "/var/lib/muster"
#endif
#ifndef MUSTER_CONF
#define MUSTER_CONF "/etc/muster/muster.conf"
#endif
#ifndef MUSTER_DIRECTORY
#define MUSTER_DIRECTORY "/etc/muster/directory.json"
#endif
#ifndef MUSTER_ETC
#define MUSTER_ETC "/etc" /* where the files of local users are */
#endif
/*
 * Which local users the directory has taken over, written by 'musterctl adopt --apply': for each a line "NAME", which pam_listfile
 * reads, and one "NAME:UID:WHAT", for muster (agentd/local.h). It tells what was done to /etc/shadow, and so lies in /etc.
 */
#ifndef MUSTER_ADOPTED
#define MUSTER_ADOPTED "/etc/muster/adopted"
#endif
#define NSS_SNAPSHOT "nss.snapshot"
#define PAM_SNAPSHOT "pam.snapshot"

#ifdef MUSTER_TEST_OWNER
#define MUSTER_OWNER geteuid()
#else
#define MUSTER_OWNER ((uid_t)0)
#endif

#endif
