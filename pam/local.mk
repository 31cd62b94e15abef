# pam_muster.so and its pam-auth-update profiles.
pam_sources = \
	pam/entry.c \
	pam/phases.h pam/auth.c pam/account.c pam/password.c pam/session.c \
	pam/agent.h pam/agent.c \
	pam/args.h pam/args.c \
	pam/call.h pam/call.c \
	pam/codes.h pam/codes.c \
	pam/local.h pam/local.c \
	pam/talk.h pam/talk.c
pam_LTLIBRARIES = pam_muster.la
pam_muster_la_SOURCES = $(pam_sources)
pam_muster_la_LIBADD = liblogin.la libverifier.la libcommon.la $(PAM_LIBS) $(CRYPT_LIBS)
pam_muster_la_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version \
	-Wl,--version-script=$(srcdir)/pam/pam_muster.map
pam_muster_la_DEPENDENCIES = liblogin.la libverifier.la libcommon.la pam/pam_muster.map
EXTRA_DIST += pam/pam_muster.map

pamconfigsdir = $(datadir)/pam-configs
dist_pamconfigs_DATA = pam/pam-configs/muster pam/pam-configs/muster-gate pam/pam-configs/muster-adopt

# For tests: the same sources for files of any user (common/local.mk), calling tests/unit/pam_wrap.c instead of
# libc where pam_wrap.names says so. Without _FORTIFY_SOURCE, which would call read as __read_chk.
check_LTLIBRARIES += pam_muster_test.la
pam_muster_test_la_SOURCES = $(pam_sources) $(libcommon_la_SOURCES) $(libverifier_la_SOURCES) $(liblogin_la_SOURCES)
pam_muster_test_la_CPPFLAGS = $(test_cppflags) $(OATH_CFLAGS) -U_FORTIFY_SOURCE
pam_muster_test_la_LIBADD = $(PAM_LIBS) $(CRYPT_LIBS) $(OATH_LIBS)
pam_muster_test_la_LDFLAGS = $(pam_muster_la_LDFLAGS) -rpath /nowhere \
	-Wl,@$(srcdir)/tests/unit/pam_wrap.names
EXTRA_pam_muster_test_la_DEPENDENCIES = tests/unit/pam_wrap.names
EXTRA_DIST += tests/unit/pam_wrap.names

# The same without wraps, and what measures it: each in an empty folder,
# bench_pam .../.libs/pam_muster_bench.so USERS, bench_timing .../.libs/pam_muster_bench.so
check_LTLIBRARIES += pam_muster_bench.la
pam_muster_bench_la_SOURCES = $(pam_sources)
pam_muster_bench_la_CPPFLAGS = $(test_cppflags)
pam_muster_bench_la_LIBADD = liblogin.la libverifier.la libcommontest.la $(PAM_LIBS) $(CRYPT_LIBS)
pam_muster_bench_la_LDFLAGS = $(pam_muster_la_LDFLAGS) -rpath /nowhere
check_PROGRAMS += bench_pam bench_timing
bench_common = tests/bench/pam_common.h tests/bench/pam_common.c
bench_pam_SOURCES = tests/bench/pam.c $(bench_common)
bench_pam_CPPFLAGS = $(test_cppflags)
bench_pam_LDADD = libverifier.la libcommontest.la $(PAM_LIBS) $(CRYPT_LIBS)
EXTRA_bench_pam_DEPENDENCIES = pam_muster_bench.la
bench_timing_SOURCES = tests/bench/timing.c $(bench_common)
bench_timing_CPPFLAGS = $(test_cppflags)
bench_timing_LDADD = libcommontest.la $(PAM_LIBS) -lm
EXTRA_bench_timing_DEPENDENCIES = pam_muster_bench.la
