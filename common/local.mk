# libcommon: everything that needs libc and xxHash alone; libverifier adds libcrypt.
noinst_LTLIBRARIES += libcommon.la libverifier.la
libcommon_la_SOURCES = \
	common/macros.h common/paths.h \
	common/agent.h common/agent.c \
	common/str.h common/str.c common/parse.c \
	common/reason.h common/reason.c \
	common/account.h common/account.c \
	common/verdict.h common/verdict.c \
	common/names.h common/names.c \
	common/sshkey.h common/sshkey.c \
	common/clock.h common/clock.c \
	common/record.h common/record.c common/record_codec.h common/record_codec.c \
	common/tally.h common/tally.c \
	common/wire.h common/wire.c \
	common/snapshot_reader.h common/snapshot_writer.h
libverifier_la_SOURCES = common/verifier.h common/verifier.c
libverifier_la_LIBADD = $(CRYPT_LIBS)
