# Fuzz targets: tests/fuzz/fuzz_X.c with a corpus in tests/fuzz/corpus/X/. To add one: its name to fuzz_targets, then
# fuzz_X_SOURCES, _LDADD and _LDFLAGS as below.
#   ./configure --enable-fuzzing CC=clang: built with libFuzzer, AddressSanitizer and UBSan, to be run by hand:
#       ./fuzz_X -max_total_time=600 /tmp/new tests/fuzz/corpus/X
#   else: built with replay.c instead, and make check feeds the corpus to it.
fuzz_targets = fuzz_agent fuzz_clock fuzz_conf fuzz_document fuzz_jumpcloud fuzz_query fuzz_record fuzz_reply fuzz_snapshot fuzz_sshkey
EXTRA_DIST += tests/fuzz/corpus tests/fuzz/document.dict
if FUZZING
noinst_PROGRAMS += $(fuzz_targets)
fuzz_main = tests/fuzz/fuzz.h
fuzz_ldflags = $(AM_LDFLAGS) -fsanitize=fuzzer
else
check_PROGRAMS += $(fuzz_targets)
TESTS += $(fuzz_targets)
fuzz_main = tests/fuzz/fuzz.h tests/fuzz/replay.c
fuzz_ldflags = $(AM_LDFLAGS)
endif

fuzz_agent_SOURCES = tests/fuzz/fuzz_agent.c $(fuzz_main)
fuzz_agent_LDADD = libcommon.la
fuzz_agent_LDFLAGS = $(fuzz_ldflags)

fuzz_clock_SOURCES = tests/fuzz/fuzz_clock.c $(fuzz_main)
fuzz_clock_LDADD = libcommon.la
fuzz_clock_LDFLAGS = $(fuzz_ldflags)

fuzz_conf_SOURCES = tests/fuzz/fuzz_conf.c $(fuzz_main)
fuzz_conf_LDADD = libconf.la libcommon.la
fuzz_conf_LDFLAGS = $(fuzz_ldflags)

fuzz_document_SOURCES = tests/fuzz/fuzz_document.c tests/fuzz/seen.h tests/fuzz/seen.c $(fuzz_main)
fuzz_document_CFLAGS = $(AM_CFLAGS) $(JSON_CFLAGS)
fuzz_document_LDADD = libdocument.la libverifier.la libcommon.la $(JSON_LIBS)
fuzz_document_LDFLAGS = $(fuzz_ldflags)

fuzz_jumpcloud_SOURCES = tests/fuzz/fuzz_jumpcloud.c tests/fuzz/seen.h tests/fuzz/seen.c $(fuzz_main)
fuzz_jumpcloud_LDADD = libdocument.la libverifier.la libcommon.la
fuzz_jumpcloud_LDFLAGS = $(fuzz_ldflags)

fuzz_query_SOURCES = tests/fuzz/fuzz_query.c $(fuzz_main)
fuzz_query_LDADD = libctl.la libcommon.la
fuzz_query_LDFLAGS = $(fuzz_ldflags)

fuzz_record_SOURCES = tests/fuzz/fuzz_record.c $(fuzz_main)
fuzz_record_LDADD = libcommon.la
fuzz_record_LDFLAGS = $(fuzz_ldflags)

fuzz_snapshot_SOURCES = tests/fuzz/fuzz_snapshot.c nss/pack.h nss/pack.c $(fuzz_main)
fuzz_snapshot_CPPFLAGS = $(AM_CPPFLAGS)
fuzz_snapshot_LDADD = libcommon.la
fuzz_snapshot_LDFLAGS = $(fuzz_ldflags)

fuzz_reply_SOURCES = tests/fuzz/fuzz_reply.c $(fuzz_main) \
	agentd/fetch/reply.h agentd/fetch/reply.c agentd/fetch/protocol.h agentd/fetch/protocol.c
fuzz_reply_LDADD = libcommon.la
fuzz_reply_LDFLAGS = $(fuzz_ldflags)

fuzz_sshkey_SOURCES = tests/fuzz/fuzz_sshkey.c $(fuzz_main)
fuzz_sshkey_LDADD = libcommon.la
fuzz_sshkey_LDFLAGS = $(fuzz_ldflags)
