# check_PROGRAMS += test_X; TESTS += test_X; test_X_SOURCES = tests/unit/test_X.c; test_X_LDADD = libcommon.la $(CMOCKA_LIBS)
