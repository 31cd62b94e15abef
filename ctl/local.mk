# musterctl. Everything but main.c is a library, so that the unit tests link it.
bin_PROGRAMS += musterctl
noinst_LTLIBRARIES += libctl.la
libctl_la_SOURCES = \
	ctl/command.h ctl/command.c ctl/commands.h \
	ctl/message.h ctl/message.c \
	ctl/table.h ctl/table.c \
	ctl/text.h ctl/text.c \
	ctl/view.h ctl/view.c \
	ctl/judge.h ctl/judge.c \
	ctl/musterd.h ctl/musterd.c \
	ctl/user_row.h ctl/user_row.c ctl/query.h ctl/query.c ctl/query_value.h ctl/query_value.c \
	ctl/program.h ctl/program.c \
	ctl/status.c ctl/sync.c ctl/users.c ctl/groups.c ctl/ssh_keys.c \
	ctl/explain.h ctl/explain.c ctl/explain_print.c \
	ctl/directory/tree.h ctl/directory/tree.c \
	ctl/directory/store.h ctl/directory/store.c \
	ctl/directory/check.h ctl/directory/check.c \
	ctl/directory/publish.h ctl/directory/publish.c \
	ctl/directory/password.h ctl/directory/password.c \
	ctl/directory/session.h ctl/directory/session.c \
	ctl/directory/user.h ctl/directory/user.c \
	ctl/directory/key.h ctl/directory/key.c \
	ctl/directory/group.h ctl/directory/group.c \
	ctl/directory/state.h ctl/directory/state.c \
	ctl/directory/binding.h ctl/directory/binding.c \
	ctl/directory/merge.h ctl/directory/merge.c \
	ctl/directory/csv.h ctl/directory/csv.c \
	ctl/directory/columns.h ctl/directory/columns.c \
	ctl/directory/entries.h ctl/directory/entries.c \
	ctl/directory/json_text.h ctl/directory/json_text.c \
	ctl/directory/bind.c ctl/directory/groups.c ctl/directory/import.c ctl/directory/export.c \
	ctl/directory/actions.h ctl/directory/directory.c \
	ctl/directory/users.c ctl/directory/states.c ctl/directory/passwd.c ctl/directory/mfa.c \
	ctl/directory/enrolment.h ctl/directory/enrolment.c ctl/directory/qr.h ctl/directory/qr.c \
	ctl/doctor/doctor.h ctl/doctor/doctor.c ctl/doctor/doctor_probe.c \
	ctl/doctor/nsswitch.h ctl/doctor/nsswitch.c \
	ctl/doctor/pamstack.h ctl/doctor/pamstack.c ctl/doctor/pamstack_parse.c \
	ctl/doctor/visitor.h ctl/doctor/visitor.c \
	ctl/doctor/doctor_files.c ctl/doctor/doctor_nss.c ctl/doctor/doctor_pam.c ctl/doctor/doctor_sshd.c \
	ctl/doctor/doctor_sudo.c ctl/doctor/doctor_cache.c ctl/doctor/doctor_agent.c ctl/doctor/doctor_data.c \
	ctl/doctor/doctor_users.c ctl/doctor/doctor_groups.c ctl/doctor/doctor_homes.c ctl/doctor/doctor_system.c \
	ctl/doctor/doctor_setup.c ctl/doctor/doctor_adopt.c \
	ctl/setup/nsswitch_edit.h ctl/setup/nsswitch_edit.c \
	ctl/setup/files.h ctl/setup/files.c ctl/setup/stage.h ctl/setup/stage.c ctl/setup/say.h ctl/setup/say.c \
	ctl/setup/trial.h ctl/setup/trial.c ctl/setup/undo.h ctl/setup/undo.c \
	ctl/setup/apply.h ctl/setup/apply.c ctl/setup/setup.c \
	ctl/adopt/adopt.c ctl/adopt/plan.h ctl/adopt/plan.c ctl/adopt/host.h ctl/adopt/host.c \
	ctl/adopt/profile.h ctl/adopt/profile.c \
	ctl/adopt/apply.h ctl/adopt/apply.c \
	ctl/export/export.h ctl/export/export.c ctl/export/system.c \
	ctl/export/document.h ctl/export/document.c ctl/export/target.h ctl/export/target.c \
	agentd/source.h agentd/source.c agentd/fetcher.h agentd/fetcher.c agentd/stage.h agentd/stage.c \
	agentd/refresh_answer.h agentd/refresh_answer.c \
	agentd/document.h agentd/document.c agentd/fetch/protocol.h agentd/fetch/protocol.c \
	agentd/credentials.h agentd/credentials.c \
	agentd/local.h agentd/local.c agentd/local_private.h agentd/local_shadow.c agentd/local_shell.c agentd/file.h agentd/file.c \
	agentd/status.h agentd/status.c
libctl_la_CPPFLAGS = $(AM_CPPFLAGS) $(JSON_CFLAGS) $(QRENCODE_CFLAGS) -DMUSTERD='"$(sbindir)/musterd"' \
	-DBINDIR='"$(bindir)"' -DPAM_MODULE='"$(pamdir)/pam_muster.so"' -DPAM_MODULE_BESIDE='"$(pamdir)/pam_permit.so"' \
	-DMUSTER_PROVE='"$(pkglibexecdir)/muster-prove"'
libctl_la_LIBADD = libdocument.la libconf.la libverifier.la libcommon.la $(JSON_LIBS) $(QRENCODE_LIBS)

musterctl_SOURCES = ctl/main.c
musterctl_LDADD = libctl.la

# What PAM answers local users: run by musterctl setup.
pkglibexec_PROGRAMS += muster-prove
muster_prove_SOURCES = ctl/setup/prove.c ctl/doctor/pamstack.h ctl/doctor/pamstack.c ctl/doctor/pamstack_parse.c \
	agentd/file.h agentd/file.c
muster_prove_CPPFLAGS = $(AM_CPPFLAGS)
muster_prove_LDADD = libcommon.la $(PAM_LIBS)

# bash looks for a file called as the program.
bashcompletiondir = $(datadir)/bash-completion/completions
bashcompletion_DATA = ctl/bash-completion/musterctl
ctl/bash-completion/musterctl: ctl/completion.bash
	$(AM_V_GEN)$(MKDIR_P) ctl/bash-completion && cp $(srcdir)/ctl/completion.bash $@
EXTRA_DIST += ctl/completion.bash
CLEANFILES += ctl/bash-completion/musterctl
