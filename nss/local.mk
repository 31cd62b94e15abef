# libnss_muster.so.2: the files it needs and no others, since each process of the machine loads it.
nss_sources = \
	nss/nss_muster.h \
	nss/entry.h nss/entry.c \
	nss/group.c nss/initgroups.c nss/passwd.c \
	nss/pack.h nss/pack.c \
	common/names.h common/names_floor.c \
	common/snapshot_find.h common/snapshot_find.c common/snapshot_parse.c \
	common/snapshot_map.h common/snapshot_map.c \
	common/snapshot_source.h common/snapshot_source.c
# Two segments instead of four: two mmaps less in every process that asks for the first time (a tenth of that lookup).
nss_ldflags = $(AM_LDFLAGS) -module -avoid-version -shrext .so.2 -Wl,--version-script=$(srcdir)/nss/nss_muster.map \
	-Wl,-z,noseparate-code
lib_LTLIBRARIES = libnss_muster.la
libnss_muster_la_SOURCES = $(nss_sources)
libnss_muster_la_LDFLAGS = $(nss_ldflags)
libnss_muster_la_DEPENDENCIES = nss/nss_muster.map
EXTRA_DIST += nss/nss_muster.map

# The same for make check, which loads it by its path and asks real glibc; what it calls of libc goes through
# tests/unit/nss_host.c, which makes calls fail.
nss_wrap = -Wl,--wrap=clock_gettime,--wrap=fstat64,--wrap=mmap64,--wrap=open64,--wrap=pread64,--wrap=realloc,--wrap=stat64
check_LTLIBRARIES += tests/unit/libnss_muster.la
tests_unit_libnss_muster_la_SOURCES = $(nss_sources)
tests_unit_libnss_muster_la_CPPFLAGS = $(test_cppflags)
tests_unit_libnss_muster_la_LDFLAGS = $(nss_ldflags) -rpath /nowhere $(nss_wrap)
tests_unit_libnss_muster_la_DEPENDENCIES = nss/nss_muster.map
