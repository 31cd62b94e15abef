# Unit tests: add yours in the order of the alphabet.
check_PROGRAMS += test_agent
TESTS += test_agent
test_agent_SOURCES = tests/unit/test_agent.c
test_agent_LDADD = libcommon.la $(CMOCKA_LIBS)
