# libconf: muster.conf and sync.status, also for musterctl. libagentd: all of musterd but main.c, so that tests link it.
noinst_LTLIBRARIES += libconf.la libagentd.la
libconf_la_SOURCES = \
	agentd/conf.h agentd/conf.c agentd/conf_access.c agentd/conf_lease.c agentd/conf_grant.c agentd/conf_home.c agentd/conf_shell.c agentd/conf_table.h \
	agentd/conf_value.h agentd/conf_value.c \
	agentd/file.h agentd/file.c \
	agentd/status.h agentd/status.c
libconf_la_CFLAGS = $(AM_CFLAGS) $(INIH_CFLAGS)
libconf_la_LIBADD = $(INIH_LIBS)

libagentd_la_SOURCES = \
	agentd/answer.h agentd/answer.c \
	agentd/auth.h agentd/auth.c \
	agentd/arena.h agentd/arena.c \
	agentd/cache.h agentd/cache.c \
	agentd/codes.h agentd/codes.c \
	agentd/counters.h agentd/counters.c \
	agentd/credentials.h agentd/credentials.c \
	agentd/daemon.h agentd/daemon.c agentd/daemon_private.h agentd/daemon_sync.c agentd/daemon_refresh.c \
	agentd/daemon_sessions.c \
	agentd/document.h agentd/document.c \
	agentd/engine.h agentd/engine.c \
	agentd/fetch/protocol.h agentd/fetch/protocol.c \
	agentd/fetcher.h agentd/fetcher.c \
	agentd/guard.h agentd/guard.c agentd/guard_rule.h \
	agentd/index.h agentd/index.c \
	agentd/keeper.h agentd/keeper.c \
	agentd/kept.h agentd/kept.c \
	agentd/ledger.h agentd/ledger.c \
	agentd/ledger_store.h agentd/ledger_store.c \
	agentd/local.h agentd/local.c agentd/local_private.h agentd/local_shadow.c agentd/local_shell.c \
	agentd/log.h agentd/log.c  \
	agentd/metrics.h agentd/metrics.c \
	agentd/notify.h agentd/notify.c \
	agentd/proc.h agentd/proc.c \
	agentd/publish.h agentd/publish.c \
	agentd/quota.h agentd/quota.c \
	agentd/refresh.h agentd/refresh.c agentd/refresh_answer.h agentd/refresh_answer.c \
	agentd/reports.h agentd/reports.c \
	agentd/saved.h agentd/saved.c \
	agentd/schedule.h agentd/schedule.c \
	agentd/server.h agentd/server.c \
	agentd/session_end.h agentd/session_end.c \
	agentd/session_judge.h agentd/session_judge.c \
	agentd/session_pick.h agentd/session_pick.c \
	agentd/sessions.h agentd/sessions.c agentd/sessions_private.h agentd/sessions_step.c \
	agentd/settings.h agentd/settings.c \
	agentd/snapshots.h agentd/snapshots.c \
	agentd/source.h agentd/source.c \
	agentd/stage.h agentd/stage.c \
	agentd/state.h agentd/state.c \
	agentd/store.h agentd/store.c \
	agentd/sync.h agentd/sync.c agentd/sync_private.h agentd/sync_ask.c agentd/sync_clock.c agentd/sync_missing.c \
	agentd/sync_report.c agentd/sync_rules.c agentd/sync_status.c agentd/sync_users.c \
	agentd/tallies.h agentd/tallies.c \
	agentd/turn.h agentd/turn.c \
	agentd/watch.h agentd/watch.c \
	agentd/worker.h agentd/worker.c \
	agentd/world.h agentd/world.c agentd/world_private.h \
	agentd/world_read.c agentd/world_ids.c agentd/world_groups.c \
	agentd/world_leave.c agentd/world_local.c agentd/world_adopt.c agentd/world_account.c agentd/world_access.c \
	agentd/zone.h agentd/zone.c
libagentd_la_CFLAGS = $(AM_CFLAGS) # objects of its own: others compile protocol.c too
libagentd_la_LIBADD = $(LMDB_LIBS)

sbin_PROGRAMS += musterd
musterd_SOURCES = agentd/main.c
musterd_LDADD = libagentd.la libconf.la liblogin.la libverifier.la libcommon.la

# musterd that takes files of whoever runs it: for tests and tests/bench/sync.py.
check_PROGRAMS += musterd_test
musterd_test_SOURCES = agentd/main.c
musterd_test_LDADD = libagentd.la libconf.la liblogin.la libverifier.la libcommontest.la
EXTRA_DIST += tests/bench/sync.py
