# make bench: figures beside their floors. Times wander; build without --enable-sanitizers.
check_LTLIBRARIES += tests/bench/libnss_const.la
tests_bench_libnss_const_la_SOURCES = tests/bench/nss_const.c
tests_bench_libnss_const_la_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version -shrext .so.2 -rpath /nowhere
check_PROGRAMS += nss_load snapshot_make
nss_load_SOURCES = tests/bench/nss_load.c
snapshot_make_SOURCES = tests/bench/snapshot_make.c tests/unit/sample.h tests/unit/sample.c
snapshot_make_LDADD = libcommon.la
EXTRA_DIST += tests/bench/run tests/bench/nss.py tests/bench/https.py

.PHONY: bench
bench: all $(check_PROGRAMS) $(check_LTLIBRARIES)
	$(srcdir)/tests/bench/run $(builddir)
