# Unit tests: add yours in the order of the alphabet.
check_PROGRAMS += test_access
TESTS += test_access
test_access_SOURCES = tests/unit/test_access.c tests/unit/unit.h
test_access_LDADD = libcommon.la $(CMOCKA_LIBS)

check_PROGRAMS += test_agent
TESTS += test_agent
test_agent_SOURCES = tests/unit/test_agent.c
test_agent_LDADD = libcommon.la $(CMOCKA_LIBS)

check_PROGRAMS += test_conf
TESTS += test_conf
test_conf_SOURCES = tests/unit/test_conf.c
test_conf_LDADD = libconf.la libcommon.la $(CMOCKA_LIBS)

check_PROGRAMS += test_conf_access
TESTS += test_conf_access
test_conf_access_SOURCES = tests/unit/test_conf_access.c tests/unit/unit.h
test_conf_access_LDADD = libconf.la libcommon.la $(CMOCKA_LIBS)

check_PROGRAMS += test_credentials
TESTS += test_credentials
test_credentials_SOURCES = tests/unit/test_credentials.c tests/unit/unit.h
test_credentials_LDADD = libagentd.la libconf.la libcommon.la $(CMOCKA_LIBS)

check_PROGRAMS += test_csv
TESTS += test_csv
test_csv_SOURCES = tests/unit/test_csv.c
test_csv_CPPFLAGS = $(AM_CPPFLAGS) $(JSON_CFLAGS)
test_csv_LDADD = libctl.la libcommon.la $(CMOCKA_LIBS)

check_PROGRAMS += test_directory_edit
TESTS += test_directory_edit
test_directory_edit_SOURCES = tests/unit/test_directory_edit.c
test_directory_edit_CPPFLAGS = $(AM_CPPFLAGS) $(JSON_CFLAGS)
test_directory_edit_LDADD = libctl.la libcommon.la $(JSON_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += test_answer
TESTS += test_answer
test_answer_SOURCES = tests/unit/test_answer.c tests/unit/unit.h
test_answer_LDADD = libagentd.la libconf.la libcommon.la $(CMOCKA_LIBS)

check_PROGRAMS += test_engine
TESTS += test_engine
test_engine_SOURCES = tests/unit/test_engine.c tests/unit/unit.h
test_engine_LDADD = libagentd.la libconf.la libcommon.la $(CMOCKA_LIBS)

check_PROGRAMS += test_ldap
TESTS += test_ldap
test_ldap_SOURCES = tests/unit/test_ldap.c agentd/fetch/ldap_result.h agentd/fetch/ldap_result.c
test_ldap_CPPFLAGS = $(AM_CPPFLAGS) $(LDAP_CFLAGS)
test_ldap_LDADD = libcommon.la $(CMOCKA_LIBS)

check_PROGRAMS += test_jumpcloud
TESTS += test_jumpcloud
test_jumpcloud_SOURCES = tests/unit/test_jumpcloud.c tests/unit/document_dump.h tests/unit/document_dump.c
test_jumpcloud_LDADD = libdocument.la libcommon.la $(CMOCKA_LIBS)
test_jumpcloud_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=malloc,--wrap=calloc

check_PROGRAMS += test_local
TESTS += test_local
test_local_SOURCES = tests/unit/test_local.c
test_local_LDADD = libagentd.la libconf.la libcommon.la $(CMOCKA_LIBS)

check_PROGRAMS += test_metrics
TESTS += test_metrics
test_metrics_SOURCES = tests/unit/test_metrics.c tests/unit/unit.h
test_metrics_LDADD = libagentd.la libconf.la libcommon.la $(CMOCKA_LIBS)

check_PROGRAMS += test_nsswitch test_nsswitch_edit
TESTS += test_nsswitch test_nsswitch_edit
test_nsswitch_edit_SOURCES = tests/unit/test_nsswitch_edit.c tests/unit/unit.h
test_nsswitch_edit_LDADD = libctl.la libcommon.la $(CMOCKA_LIBS)
test_nsswitch_SOURCES = tests/unit/test_nsswitch.c tests/unit/unit.h
test_nsswitch_LDADD = libctl.la libcommon.la $(CMOCKA_LIBS)

check_LTLIBRARIES += tests/unit/pam_answer.la
tests_unit_pam_answer_la_SOURCES = tests/unit/pam_answer.c
tests_unit_pam_answer_la_LIBADD = libcommon.la
tests_unit_pam_answer_la_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version -rpath /nowhere
check_PROGRAMS += test_pamstack
TESTS += test_pamstack
test_pamstack_SOURCES = tests/unit/test_pamstack.c tests/unit/unit.h
test_pamstack_CPPFLAGS = $(AM_CPPFLAGS) -DPAM_ANSWER='"$(abs_builddir)/tests/unit/.libs/pam_answer.so"'
test_pamstack_LDADD = libctl.la libcommon.la $(CMOCKA_LIBS) $(PAM_LIBS)
EXTRA_test_pamstack_DEPENDENCIES = tests/unit/pam_answer.la

nss_host = tests/unit/nss_host.h tests/unit/nss_host.c tests/unit/sample.h tests/unit/sample.c
nss_host_cppflags = $(test_cppflags) -DNSS_TEST_MODULE='"$(abs_builddir)/tests/unit/.libs/libnss_muster.so.2"'
check_PROGRAMS += test_nss
TESTS += test_nss
test_nss_SOURCES = tests/unit/test_nss.c $(nss_host)
test_nss_CPPFLAGS = $(nss_host_cppflags)
test_nss_LDADD = libcommontest.la $(CMOCKA_LIBS)
test_nss_LDFLAGS = $(AM_LDFLAGS) -export-dynamic
EXTRA_test_nss_DEPENDENCIES = tests/unit/libnss_muster.la

check_PROGRAMS += test_nss_damage
TESTS += test_nss_damage
test_nss_damage_SOURCES = tests/unit/test_nss_damage.c $(nss_host)
test_nss_damage_CPPFLAGS = $(nss_host_cppflags)
test_nss_damage_LDADD = libcommontest.la $(CMOCKA_LIBS)
test_nss_damage_LDFLAGS = $(AM_LDFLAGS) -export-dynamic
EXTRA_test_nss_damage_DEPENDENCIES = tests/unit/libnss_muster.la

check_PROGRAMS += test_nss_stress
TESTS += test_nss_stress
test_nss_stress_SOURCES = tests/unit/test_nss_stress.c $(nss_host)
test_nss_stress_CPPFLAGS = $(nss_host_cppflags)
test_nss_stress_LDADD = libcommontest.la $(CMOCKA_LIBS)
test_nss_stress_LDFLAGS = $(AM_LDFLAGS) -export-dynamic
EXTRA_test_nss_stress_DEPENDENCIES = tests/unit/libnss_muster.la

check_PROGRAMS += test_pam
TESTS += test_pam
test_pam_SOURCES = tests/unit/test_pam.h tests/unit/test_pam.c tests/unit/test_pam_phases.c \
	tests/unit/test_pam_auth.c tests/unit/test_pam_damage.c tests/unit/test_pam_faults.c tests/unit/test_pam_offline.c \
	tests/unit/test_pam_code.c \
	tests/unit/pam_world.h tests/unit/pam_world.c tests/unit/pam_wrap.h tests/unit/pam_wrap.c
test_pam_CPPFLAGS = $(test_cppflags) $(OATH_CFLAGS) -DMODULE='"$(abs_builddir)/.libs/pam_muster_test.so"'
test_pam_LDADD = libcommontest.la $(CMOCKA_LIBS) $(PAM_LIBS) $(CRYPT_LIBS) $(OATH_LIBS)
test_pam_LDFLAGS = $(AM_LDFLAGS) -export-dynamic
EXTRA_test_pam_DEPENDENCIES = pam_muster_test.la

check_PROGRAMS += test_pam_local
TESTS += test_pam_local
test_pam_local_SOURCES = tests/unit/test_pam_local.c pam/local.h pam/local.c
test_pam_local_CPPFLAGS = $(test_cppflags)
test_pam_local_LDADD = $(CMOCKA_LIBS)

check_PROGRAMS += test_schedule
TESTS += test_schedule
test_schedule_SOURCES = tests/unit/test_schedule.c tests/unit/unit.h
test_schedule_LDADD = libagentd.la libcommon.la $(CMOCKA_LIBS)

check_PROGRAMS += test_notify
TESTS += test_notify
test_notify_SOURCES = tests/unit/test_notify.c tests/unit/unit.h
test_notify_LDADD = libagentd.la libcommon.la $(CMOCKA_LIBS)

check_PROGRAMS += test_worker
TESTS += test_worker
test_worker_SOURCES = tests/unit/test_worker.c tests/unit/unit.h
test_worker_LDADD = libagentd.la libcommon.la $(CMOCKA_LIBS)

check_PROGRAMS += test_watch
TESTS += test_watch
test_watch_SOURCES = tests/unit/test_watch.c tests/unit/unit.h
test_watch_LDADD = libagentd.la libcommon.la $(CMOCKA_LIBS)

check_PROGRAMS += test_status
TESTS += test_status
test_status_SOURCES = tests/unit/test_status.c tests/unit/unit.h
test_status_LDADD = libconf.la libcommon.la $(CMOCKA_LIBS)

check_PROGRAMS += test_scanner
TESTS += test_scanner
test_scanner_SOURCES = tests/unit/test_scanner.c
test_scanner_LDADD = libdocument.la libcommon.la $(CMOCKA_LIBS)

check_PROGRAMS += test_known
TESTS += test_known
test_known_SOURCES = tests/unit/test_known.c tests/unit/unit.h tests/unit/document_dump.h tests/unit/document_dump.c
test_known_LDADD = libdocument.la libcommon.la $(CMOCKA_LIBS)

check_PROGRAMS += test_document
TESTS += test_document
test_document_SOURCES = tests/unit/test_document.c tests/unit/document_dump.h tests/unit/document_dump.c
test_document_LDADD = libdocument.la libcommon.la $(CMOCKA_LIBS)
test_document_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=malloc,--wrap=calloc

check_PROGRAMS += test_sessions
TESTS += test_sessions
test_sessions_SOURCES = tests/unit/test_sessions.c
test_sessions_LDADD = libagentd.la libconf.la libcommon.la $(CMOCKA_LIBS)
test_sessions_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=file_read_fd

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

# common/: the n-th allocation fails with fail_malloc.
fail_malloc_sources = tests/unit/fail_malloc.h tests/unit/fail_malloc.c
fail_malloc_ldflags = -Wl,--wrap=malloc,--wrap=calloc,--wrap=strdup,--wrap=free

check_PROGRAMS += test_clock
TESTS += test_clock
test_clock_SOURCES = tests/unit/test_clock.c tests/unit/unit.h
test_clock_LDADD = libcommon.la $(CMOCKA_LIBS)

check_PROGRAMS += test_names
TESTS += test_names
test_names_SOURCES = tests/unit/test_names.c tests/unit/unit.h
test_names_LDADD = libcommon.la $(CMOCKA_LIBS)

check_PROGRAMS += test_reason
TESTS += test_reason
test_reason_SOURCES = tests/unit/test_reason.c tests/unit/unit.h
test_reason_LDADD = libcommon.la $(CMOCKA_LIBS)

check_PROGRAMS += test_record
TESTS += test_record
test_record_SOURCES = tests/unit/test_record.c tests/unit/record_samples.h tests/unit/unit.h
test_record_LDADD = libcommon.la $(CMOCKA_LIBS)

check_PROGRAMS += test_record_damage
TESTS += test_record_damage
test_record_damage_SOURCES = tests/unit/test_record_damage.c tests/unit/record_samples.h tests/unit/unit.h \
	$(fail_malloc_sources)
test_record_damage_LDADD = libcommon.la $(CMOCKA_LIBS)
test_record_damage_LDFLAGS = $(AM_LDFLAGS) $(fail_malloc_ldflags)

check_PROGRAMS += test_sshkey
TESTS += test_sshkey
test_sshkey_SOURCES = tests/unit/test_sshkey.c tests/unit/unit.h
test_sshkey_LDADD = libcommon.la $(CMOCKA_LIBS)

check_PROGRAMS += test_sort
TESTS += test_sort
test_sort_SOURCES = tests/unit/test_sort.c tests/unit/unit.h
test_sort_LDADD = libcommon.la $(CMOCKA_LIBS)

check_PROGRAMS += test_str
TESTS += test_str
test_str_SOURCES = tests/unit/test_str.c tests/unit/unit.h $(fail_malloc_sources)
test_str_LDADD = libcommon.la $(CMOCKA_LIBS)
test_str_LDFLAGS = $(AM_LDFLAGS) $(fail_malloc_ldflags)

tally_dir_sources = tests/unit/tally_dir.h tests/unit/tally_dir.c tests/unit/unit.h
check_PROGRAMS += test_tally
TESTS += test_tally
test_tally_SOURCES = tests/unit/test_tally.c $(tally_dir_sources)
test_tally_LDADD = libcommontest.la $(CMOCKA_LIBS)

check_PROGRAMS += test_tally_race
TESTS += test_tally_race
test_tally_race_SOURCES = tests/unit/test_tally_race.c $(tally_dir_sources)
test_tally_race_LDADD = libcommontest.la $(CMOCKA_LIBS)
test_tally_race_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=open64,--wrap=write,--wrap=flock

check_PROGRAMS += test_factor
TESTS += test_factor
test_factor_SOURCES = tests/unit/test_factor.c tests/unit/unit.h
test_factor_LDADD = libcommon.la $(CMOCKA_LIBS)

check_PROGRAMS += test_totp
TESTS += test_totp
test_totp_SOURCES = tests/unit/test_totp.c tests/unit/unit.h
test_totp_LDADD = liblogin.la libcommon.la $(CMOCKA_LIBS)

check_PROGRAMS += test_used_code
TESTS += test_used_code
test_used_code_SOURCES = tests/unit/test_used_code.c tests/unit/unit.h
test_used_code_LDADD = libcommontest.la $(CMOCKA_LIBS)

check_PROGRAMS += test_verdict
TESTS += test_verdict
test_verdict_SOURCES = tests/unit/test_verdict.c tests/unit/unit.h
test_verdict_LDADD = libcommon.la $(CMOCKA_LIBS)

check_PROGRAMS += test_verifier
TESTS += test_verifier
test_verifier_SOURCES = tests/unit/test_verifier.c tests/unit/unit.h $(fail_malloc_sources)
test_verifier_LDADD = libverifier.la libcommon.la $(CMOCKA_LIBS)
test_verifier_LDFLAGS = $(AM_LDFLAGS) $(fail_malloc_ldflags)

check_PROGRAMS += test_wire
TESTS += test_wire
test_wire_SOURCES = tests/unit/test_wire.c tests/unit/unit.h
test_wire_LDADD = libcommon.la $(CMOCKA_LIBS)

# The golden table of verdicts.
EXTRA_DIST += docs/verdicts.md
check_PROGRAMS += test_verdict_table
TESTS += test_verdict_table
test_verdict_table_SOURCES = tests/unit/test_verdict_table.c
test_verdict_table_LDADD = libcommon.la

# musterd's parts
AGENTD_TEST_LIBS = libagentd.la libconf.la liblogin.la libverifier.la libcommontest.la $(CMOCKA_LIBS)
WORLD_FIXTURE = tests/unit/world_fixture.h tests/unit/world_fixture.c
check_PROGRAMS += test_world test_world_ids test_world_groups test_world_adopt
TESTS += test_world test_world_ids test_world_groups test_world_adopt
test_world_adopt_SOURCES = tests/unit/test_world_adopt.c $(WORLD_FIXTURE)
test_world_adopt_LDADD = $(AGENTD_TEST_LIBS)
test_world_SOURCES = tests/unit/test_world.c $(WORLD_FIXTURE)
test_world_LDADD = $(AGENTD_TEST_LIBS)
test_world_ids_SOURCES = tests/unit/test_world_ids.c $(WORLD_FIXTURE)
test_world_ids_LDADD = $(AGENTD_TEST_LIBS)
test_world_groups_SOURCES = tests/unit/test_world_groups.c $(WORLD_FIXTURE)
test_world_groups_LDADD = $(AGENTD_TEST_LIBS)

check_PROGRAMS += test_fetcher fetch_liar
TESTS += test_fetcher
test_fetcher_SOURCES = tests/unit/test_fetcher.c
test_fetcher_CPPFLAGS = $(AM_CPPFLAGS) -DLIAR='"$(abs_builddir)/fetch_liar"'
test_fetcher_LDADD = $(AGENTD_TEST_LIBS)
EXTRA_test_fetcher_DEPENDENCIES = fetch_liar
fetch_liar_SOURCES = tests/unit/fetch_liar.c
fetch_liar_LDADD = libagentd.la libcommon.la

check_PROGRAMS += test_query
TESTS += test_query
test_query_SOURCES = tests/unit/test_query.c tests/unit/unit.h
test_query_CPPFLAGS = $(AM_CPPFLAGS) $(JSON_CFLAGS)
test_query_LDADD = libctl.la libcommon.la $(CMOCKA_LIBS)

check_PROGRAMS += test_publish test_store
TESTS += test_publish test_store
test_publish_SOURCES = tests/unit/test_publish.c $(WORLD_FIXTURE)
test_publish_CPPFLAGS = $(test_cppflags)
test_publish_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=write
test_publish_LDADD = $(AGENTD_TEST_LIBS)
test_store_SOURCES = tests/unit/test_store.c
test_store_LDADD = $(AGENTD_TEST_LIBS)

check_PROGRAMS += test_stage
TESTS += test_stage
test_stage_SOURCES = tests/unit/test_stage.c tests/unit/unit.h
test_stage_LDADD = $(AGENTD_TEST_LIBS)

check_PROGRAMS += test_refresh
TESTS += test_refresh
test_refresh_SOURCES = tests/unit/test_refresh.c $(WORLD_FIXTURE)
test_refresh_LDADD = $(AGENTD_TEST_LIBS)

check_PROGRAMS += test_saved
TESTS += test_saved
test_saved_SOURCES = tests/unit/test_saved.c $(WORLD_FIXTURE)
test_saved_CPPFLAGS = $(test_cppflags)
test_saved_LDADD = $(AGENTD_TEST_LIBS)

check_PROGRAMS += test_guard
TESTS += test_guard
test_guard_SOURCES = tests/unit/test_guard.c $(WORLD_FIXTURE)
test_guard_LDADD = $(AGENTD_TEST_LIBS)

check_PROGRAMS += test_reports
TESTS += test_reports
test_reports_SOURCES = tests/unit/test_reports.c tests/unit/unit.h
test_reports_LDADD = $(AGENTD_TEST_LIBS)

check_PROGRAMS += test_session_judge
TESTS += test_session_judge
test_session_judge_SOURCES = tests/unit/test_session_judge.c $(WORLD_FIXTURE)
test_session_judge_LDADD = $(AGENTD_TEST_LIBS)

check_PROGRAMS += test_tallies
TESTS += test_tallies
test_tallies_SOURCES = tests/unit/test_tallies.c $(WORLD_FIXTURE)
test_tallies_LDADD = $(AGENTD_TEST_LIBS)

check_PROGRAMS += test_cache test_ledger
TESTS += test_cache test_ledger
test_cache_SOURCES = tests/unit/test_cache.c $(WORLD_FIXTURE)
test_cache_LDADD = $(AGENTD_TEST_LIBS)
test_ledger_SOURCES = tests/unit/test_ledger.c $(WORLD_FIXTURE)
test_ledger_LDADD = $(AGENTD_TEST_LIBS)

check_PROGRAMS += test_reply
TESTS += test_reply
test_reply_SOURCES = tests/unit/test_reply.c \
	agentd/fetch/http.h agentd/fetch/http.c agentd/fetch/http_private.h agentd/fetch/http_setup.c agentd/fetch/protocol.h agentd/fetch/protocol.c \
	agentd/fetch/reply.h agentd/fetch/reply.c
test_reply_CFLAGS = $(AM_CFLAGS) $(CURL_CFLAGS)
test_reply_LDADD = libcommon.la $(CURL_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += test_zone
TESTS += test_zone
test_zone_SOURCES = tests/unit/test_zone.c tests/unit/unit.h
test_zone_LDADD = $(AGENTD_TEST_LIBS)
