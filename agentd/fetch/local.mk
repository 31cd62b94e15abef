# libdocument: a directory's JSON to records; also for musterctl and the fuzzers. No network in it.
noinst_LTLIBRARIES += libdocument.la
libdocument_la_SOURCES = \
	agentd/fetch/scanner.h agentd/fetch/scanner.c agentd/fetch/scanner_private.h agentd/fetch/scanner_token.c \
	agentd/fetch/json.h agentd/fetch/json.c \
	agentd/fetch/idset.h agentd/fetch/idset.c \
	agentd/file.h agentd/file.c agentd/index.h agentd/index.c \
	agentd/fetch/known.h agentd/fetch/known.c \
	agentd/fetch/id_list.h agentd/fetch/id_list.c \
	agentd/fetch/user.h agentd/fetch/user.c \
	agentd/fetch/group.h agentd/fetch/group.c \
	agentd/fetch/document.h agentd/fetch/document.c agentd/fetch/document_private.h \
	agentd/fetch/document_parts.c agentd/fetch/document_users.c agentd/fetch/document_groups.c \
	agentd/fetch/jumpcloud.h agentd/fetch/jumpcloud.c agentd/fetch/jumpcloud_private.h \
	agentd/fetch/jumpcloud_list.c agentd/fetch/jumpcloud_graph.c \
	agentd/fetch/jumpcloud_groups.c agentd/fetch/jumpcloud_users.c \
	agentd/fetch/jumpcloud_policy.c agentd/fetch/jumpcloud_lock.c \
	agentd/fetch/jumpcloud_systems.c
libdocument_la_CFLAGS = $(AM_CFLAGS) $(JSON_CFLAGS)
libdocument_la_LIBADD = libverifier.la libcommon.la $(JSON_LIBS)

pkglibexec_PROGRAMS += muster-fetch
muster_fetch_SOURCES = \
	agentd/fetch/main.c agentd/fetch/protocol.h agentd/fetch/protocol.c \
	agentd/fetch/http.h agentd/fetch/http.c agentd/fetch/http_private.h agentd/fetch/http_setup.c \
	agentd/fetch/jumpcloud_client.h agentd/fetch/jumpcloud_client.c \
	agentd/fetch/jumpcloud_token.h agentd/fetch/jumpcloud_token.c \
	agentd/fetch/ldap_result.h agentd/fetch/ldap_result.c \
	agentd/fetch/ldap_server.h agentd/fetch/ldap_server.c \
	agentd/fetch/outlet.h agentd/fetch/outlet.c \
	agentd/fetch/reply.h agentd/fetch/reply.c \
	agentd/fetch/sandbox.h agentd/fetch/sandbox.c \
	agentd/fetch/session.h agentd/fetch/session.c \
	agentd/fetch/settings.h agentd/fetch/settings.c \
	agentd/fetch/sync_document.h agentd/fetch/sync_document.c \
	agentd/fetch/sync_jumpcloud.h agentd/fetch/sync_jumpcloud.c
muster_fetch_CFLAGS = $(AM_CFLAGS) $(SECCOMP_CFLAGS) $(CURL_CFLAGS) $(LDAP_CFLAGS)
muster_fetch_LDADD = libdocument.la libcommon.la $(SECCOMP_LIBS) $(CURL_LIBS) $(LDAP_LIBS)
