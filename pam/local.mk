# pam_muster.so and its pam-auth-update profiles.
pam_sources = \
	pam/entry.c \
	pam/phases.h pam/auth.c pam/account.c pam/password.c pam/session.c \
	pam/args.h pam/args.c \
	pam/call.h pam/call.c \
	pam/decide.h pam/decide.c \
	pam/local.h pam/local.c \
	pam/talk.h pam/talk.c \
	pam/tries.h pam/tries.c
pam_LTLIBRARIES = pam_muster.la
pam_muster_la_SOURCES = $(pam_sources)
pam_muster_la_LIBADD = libverifier.la libcommon.la $(PAM_LIBS) $(CRYPT_LIBS)
pam_muster_la_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version \
	-Wl,--version-script=$(srcdir)/pam/pam_muster.map
pam_muster_la_DEPENDENCIES = libverifier.la libcommon.la pam/pam_muster.map
EXTRA_DIST += pam/pam_muster.map

pamconfigsdir = $(datadir)/pam-configs
dist_pamconfigs_DATA = pam/pam-configs/muster pam/pam-configs/muster-gate
