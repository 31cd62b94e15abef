# libconf: muster.conf, also for musterctl. libagentd: all of musterd but main.c, so that tests link it.
noinst_LTLIBRARIES += libconf.la libagentd.la
libconf_la_SOURCES = \
	agentd/conf.h agentd/conf.c agentd/conf_table.h \
	agentd/conf_value.h agentd/conf_value.c
libconf_la_CFLAGS = $(AM_CFLAGS) $(INIH_CFLAGS)
libconf_la_LIBADD = $(INIH_LIBS)

libagentd_la_SOURCES = \
	agentd/file.h agentd/file.c \
	agentd/local.h agentd/local.c \
	agentd/log.h agentd/log.c
libagentd_la_LIBADD = $(LMDB_LIBS)
