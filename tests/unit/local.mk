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
