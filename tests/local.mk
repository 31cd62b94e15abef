# Unit tests: tests/unit/test_X.c, one a module, run by make check as any user.
if HAVE_CMOCKA
AM_TESTS_ENVIRONMENT = srcdir='$(srcdir)'; export srcdir;
include tests/unit/local.mk
endif

TESTS += tests/conf-sample.sh
EXTRA_DIST += tests/conf-sample.sh tests/sandbox tests/prism tests/packages tests/build tests/debs tests/installed tests/check.py tests/demo.py tests/demo_agent.py \
	tests/system tests/debian tests/directory tests/bench/idle.py
TESTS += tests/completion.sh tests/failures.sh tests/papers.sh
EXTRA_DIST += tests/completion.sh tests/failures.sh tests/mutants.py tests/papers.sh

# What is called and exported: STYLE.md 1, 7 and 8.
TESTS += tests/style.sh tests/symbols.sh tests/release.sh
EXTRA_DIST += tests/style.sh tests/symbols.sh tests/release.sh
