# Unit tests: add yours in the order of the alphabet.
check_PROGRAMS += test_agent
TESTS += test_agent
test_agent_SOURCES = tests/unit/test_agent.c
test_agent_LDADD = libcommon.la $(CMOCKA_LIBS)

check_PROGRAMS += test_conf
TESTS += test_conf
test_conf_SOURCES = tests/unit/test_conf.c
test_conf_LDADD = libconf.la libcommon.la $(CMOCKA_LIBS)

check_PROGRAMS += test_local
TESTS += test_local
test_local_SOURCES = tests/unit/test_local.c
test_local_LDADD = libagentd.la libcommon.la $(CMOCKA_LIBS)

check_PROGRAMS += test_pam
TESTS += test_pam
test_pam_SOURCES = tests/unit/test_pam.h tests/unit/test_pam.c tests/unit/test_pam_phases.c \
	tests/unit/test_pam_auth.c tests/unit/test_pam_damage.c tests/unit/test_pam_faults.c \
	tests/unit/pam_world.h tests/unit/pam_world.c tests/unit/pam_wrap.h tests/unit/pam_wrap.c
test_pam_CPPFLAGS = $(test_cppflags) -DMODULE='"$(abs_builddir)/.libs/pam_muster_test.so"'
test_pam_LDADD = libcommontest.la $(CMOCKA_LIBS) $(PAM_LIBS) $(CRYPT_LIBS)
test_pam_LDFLAGS = $(AM_LDFLAGS) -export-dynamic
EXTRA_test_pam_DEPENDENCIES = pam_muster_test.la

check_PROGRAMS += test_pam_local
TESTS += test_pam_local
test_pam_local_SOURCES = tests/unit/test_pam_local.c pam/local.h pam/local.c
test_pam_local_CPPFLAGS = $(test_cppflags)
test_pam_local_LDADD = $(CMOCKA_LIBS)

check_PROGRAMS += test_scanner
TESTS += test_scanner
test_scanner_SOURCES = tests/unit/test_scanner.c
test_scanner_LDADD = libdocument.la libcommon.la $(CMOCKA_LIBS)

check_PROGRAMS += test_document
TESTS += test_document
test_document_SOURCES = tests/unit/test_document.c tests/unit/document_dump.h tests/unit/document_dump.c
test_document_LDADD = libdocument.la libcommon.la $(CMOCKA_LIBS)

check_PROGRAMS += test_snapshot
TESTS += test_snapshot
test_snapshot_SOURCES = tests/unit/test_snapshot.c tests/unit/sample.h tests/unit/sample.c
test_snapshot_LDADD = libcommontest.la $(CMOCKA_LIBS)

check_PROGRAMS += test_fetch
TESTS += test_fetch
test_fetch_SOURCES = tests/unit/test_fetch.c
test_fetch_LDADD = libcommon.la $(CMOCKA_LIBS)

check_PROGRAMS += test_json
TESTS += test_json
test_json_SOURCES = tests/unit/test_json.c
test_json_LDADD = libdocument.la libcommon.la $(CMOCKA_LIBS)
