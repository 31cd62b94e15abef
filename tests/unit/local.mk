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
