# libcommon: everything that needs libc and xxHash alone; libverifier adds libcrypt, liblogin also liboath.
noinst_LTLIBRARIES += libcommon.la libverifier.la liblogin.la
libcommon_la_SOURCES = \
	common/macros.h common/paths.h \
	common/agent.h common/agent.c \
	common/str.h common/str.c common/parse.c \
	common/reason.h common/reason.c \
	common/access.h common/access.c common/account.h common/account.c common/factor.h common/factor.c \
	common/verdict.h common/verdict.c \
	common/ldap_names.h common/ldap_names.c \
	common/names.h common/names.c common/names_floor.c \
	common/sort.h common/sort.c \
	common/sshkey.h common/sshkey.c \
	common/clock.h common/clock.c common/clock_file.h common/clock_file.c \
	common/record.h common/record.c common/record_codec.h common/record_codec.c common/record_access.c \
	common/saved_verifier.h common/saved_verifier.c \
	common/subject.h common/subject.c \
	common/dirs.h common/dirs.c common/used_code.h common/used_code.c \
	common/tally.h common/tally.c common/tally_list.h common/tally_list.c common/tally_judge.h common/tally_judge.c \
	common/tries.h common/tries.c \
	common/wire.h common/wire.c \
	common/snapshot_format.h \
	common/snapshot_source.h common/snapshot_source.c \
	common/snapshot_find.h common/snapshot_find.c common/snapshot_parse.c \
	common/snapshot_reader.h common/snapshot_reader.c common/snapshot_verify.c common/snapshot_grants.c \
	common/snapshot_output.h common/snapshot_output.c \
	common/snapshot_writer.h common/snapshot_writer.c
libverifier_la_SOURCES = common/verifier.h common/verifier.c
libverifier_la_LIBADD = $(CRYPT_LIBS)
liblogin_la_SOURCES = common/totp.h common/totp.c common/login.h common/login.c
liblogin_la_CPPFLAGS = $(AM_CPPFLAGS) $(OATH_CFLAGS)
liblogin_la_LIBADD = $(OATH_LIBS)

# The same for tests, as any user: files of whoever runs them, under run/ and lib/ of the working directory, which each
# test makes and enters itself. Test variants of the modules are compiled with test_cppflags too.
test_cppflags = $(AM_CPPFLAGS) -DMUSTER_TEST_OWNER -DMUSTER_RUNTIME_DIR='"run"' -DMUSTER_STATE_DIR='"lib"'
check_LTLIBRARIES += libcommontest.la
libcommontest_la_SOURCES = $(libcommon_la_SOURCES)
libcommontest_la_CPPFLAGS = $(test_cppflags)
