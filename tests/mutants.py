#!/usr/bin/python3
"""Breaks each promise of docs/failures.md on purpose, and sees its test fail. Inside tests/sandbox; names: only those.

A mutant is a copy of the tree with one piece of code changed, built and installed. Its test has to fail, or the test proves
nothing. ./check --long runs them all. That a piece is not found any more is a failure too: the mutant has to follow the code.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys

COPY = pathlib.Path("/tmp/mutant")
FAULT = "test_failures.py::test_fault[{}]"
MUTANTS = {  # what is broken -> file, the code, what it becomes, the tests that have to fail
    "a query of others than root is answered with nobody": (
        "ctl/users.c", "\tif (!field || v->pam)\n", "\tif (field || v->pam)\n", ["test_users.py::test_not_root"]),
    "a date that is not set is before all others": (
        "ctl/query_value.c", "return (have != 0 || !is_order(c)) && number_match", "return number_match",
        ["test_users.py::test_questions"]),
    "the list of all users forgets who is locked here": (
        "common/tally_list.c", "return n > 0 ? bsearch", "return n > 10000 ? bsearch",
        ["test_ctl.py::test_failed_attempts_count_and_unlock_forgets_them"]),
    "no answer of the agent refuses": (
        "pam/agent.c", "if (ask(c, FRAME_CHECK, &request, &f, &a) < 0 || !is_verdict(a.reason))",
        "if (ask(c, FRAME_CHECK, &request, &f, &a) < 0)\n\t\treturn REASON_STALE;\n\tif (!is_verdict(a.reason))",
        [FAULT.format("agent dead"), FAULT.format("agent frozen")]),
    "a frozen agent is waited for": (
        "pam/agent.c", "return agent_can_decide() ? FIRST_MS : FIRST_PUBLIC_MS;", "return 60000;",
        [FAULT.format("agent frozen")]),
    "off line is refused": (
        "agentd/answer.c", "\tr = decide(f->type, &q, peer, o, &a);\n",
        "\tr = decide(f->type, &q, peer, o, &a);\n\tif (!a.online)\n\t\ta.reason = REASON_STALE;\n",
        [FAULT.format("unreachable"), FAULT.format("503")]),
    "the directory is waited for": (
        "agentd/answer.c", "wire_now_ms() + o->recheck_timeout_ms", "wire_now_ms() + 60000",
        [FAULT.format("silent"), FAULT.format("dns")]),
    "a failed sync withdraws what is published": (
        "agentd/sync.c", "\tsync_keep_clock(s);\n",
        "\tif (r < 0 && publish_withdraw(s->conf->runtime_dir) == 0)\n\t\tr = publish_withdraw(s->conf->state_dir);\n"
        "\tsync_keep_clock(s);\n",
        [FAULT.format("401"), FAULT.format("hostile")]),
    "any certificate will do": (
        "agentd/fetch/http_setup.c", "SET(SSL_VERIFYPEER, 1L);", "SET(SSL_VERIFYPEER, 0L);",
        [FAULT.format("intercepted")]),
    "half a document counts": (
        "agentd/fetch/sync_document.c", "\tif (r < 0)\n\t\tr = outlet_fail(o, r, result.text[0] ? result.text : answer.text);",
        "\tif (r < 0 && !result.text[0])\n\t\tr = outlet_fail(o, r, answer.text);",
        ["test_web.py::test_hostile_answer"]),
    "the wall clock counts alone": (
        "common/clock.c", "\treturn t > r->wall_s ? t : r->wall_s;", "\treturn t ? r->wall_s : r->wall_s;",
        [FAULT.format("1970")]),
    "a clock that went back is an error": (
        "common/subject.c", "\t*ret_now = clock_trusted(&reading, &mark);",
        "\tif (reading.wall_s < mark.wall_s)\n\t\treturn -EIO;\n\t*ret_now = clock_trusted(&reading, &mark);",
        [FAULT.format("hour back")]),
    "data never grow stale": (
        "common/verdict.c", "reason == REASON_OK && lease_s != 0 &&", "reason == REASON_UNDECIDED && lease_s != 0 &&",
        [FAULT.format("2099")]),
    "access rules are not asked": (
        "common/verdict.c", "reason == REASON_OK && in->service)", "reason == REASON_UNDECIDED && in->service)",
        ["test_access.py::test_keys_do_not_pass_them", "test_access.py::test_su_and_sudo"]),
    "hours go by the caller's TZ": (
        "common/access.c", "\tif (__builtin_add_overflow(now, z->shift[i].offset_s, &local))",
        "\textern long timezone;\n\textern void tzset(void);\n\ttzset();\n\tif (__builtin_add_overflow(now, -timezone, &local))",
        ["test_access.py::test_zone_of_the_endpoint"]),
    "a rule for everything shuts what a session is made of": (
        "common/access.c", "return !within_session(service);", "return !within_session(service) || *service;",
        ["test_booted.py::test_access_rules_spare_the_session", "test_access.py::test_everything_but"]),
    "what systemd does in her slice is taken for hers": (
        "agentd/proc.c", "strncmp(path, RUNTIME_DIR, strlen(RUNTIME_DIR)) != 0", "*RUNTIME_DIR",
        ["test_booted.py::test_ended_for_logind_too"]),
    "who is forgotten keeps the sessions": (
        "agentd/main.c", "while ((r = sessions_end(c)) > 0 &&", "while ((r = 0) > 0 &&",
        ["test_sessions.py::test_forgotten_at_once"]),
    "a name is given up in the grace": (
        "agentd/world_leave.c", "world_named(&w->in.forget, g->name) && !world_is_leaving(w, g)", "world_named(&w->in.forget, g->name)",
        ["test_sessions.py::test_not_forgotten_in_the_grace"]),
    "whoever started the container is logged in there": (
        "agentd/session_pick.c", "p->login_session == first->login_session", "false",
        ["test_sessions.py::test_in_a_container_that_she_started"]),
    "an upgrade begins sshd anew": (
        "debian/musterd.postinst", '[ -z "$2" ] || ', "true || ", ["../debian/test_story.py::test_upgraded_in_mid_session"]),
    "what was published and could not be written down is forgotten": (
        "agentd/kept.c", "if (r < 0 || !published ||", "if (r < 0 || published || !published ||",
        ["test_uncommitted.py::test_held_as_published"]),
    "an older answer counts where the newer one could not be written down": (
        "agentd/sync_ask.c", "if (state_published_generation(s->conf) != s->published)", "if (false)",
        ["test_uncommitted.py::test_an_older_answer"]),
    "an answer for one has no groups": (
        "agentd/sync_users.c", "s->conf->n_access || s->conf->n_leases", "false",
        ["test_jumpcloud_login.py::test_bound_again_is_in_his_groups"]),
    "a password that is left over in /etc/shadow counts": (
        "agentd/world_ids.c", "\tif (local_shadow_left(w->in.local, u->name))", "\tif (!u->name)", ["test_shadow.py::test_left_over"]),
    "no password at all is none to let in by": (
        "agentd/local_shadow.c", "|| !s->sp_pwdp || *s->sp_pwdp == '!' ||", "|| !s->sp_pwdp || !*s->sp_pwdp || *s->sp_pwdp == '!' ||",
        ["test_shadow.py::test_left_over[none]"]),
    "a locked password is one that is left over": (
        "agentd/local_shadow.c", "*s->sp_pwdp == '!' ||", "*s->sp_pwdp == '+' ||", ["test_shadow.py::test_locked"]),
    "what changes in /etc/shadow counts at the next poll": (
        "agentd/daemon.c", '{"passwd", "shadow", "group",', '{"passwd", "group",',
        ["test_booted.py::test_shadow_is_read_in_the_sandbox"]),
    "a group that is gone denies nobody": (
        "agentd/world_access.c", "if (!a->rule.allow && w->access_unknown >> place & 1)",
        "if (!a->rule.allow && w->access_unknown >> place & 0)",
        ["test_access.py::test_unknown_group"]),
    "access rules wait for the directory": (
        "agentd/sync.c", "if (c->n_access && hurry_rules(c)", "if (false && hurry_rules(c)",
        ["test_access.py::test_without_the_directory"]),
    "who edits muster.conf waits as long as the server has asked for": (
        "agentd/schedule.c", "\ts->not_before_ms = 0;\n\ts->forgiven", "\ts->forgiven",
        ["test_access.py::test_an_edit_does_not_wait_for_the_directory"]),
    "data of a night are stale": (
        "common/verdict.c", "lasted(in->confirmed_at, in->now, lease_s)", "lasted(in->confirmed_at, in->now, lease_s / 1000)",
        [FAULT.format("resume")]),
    "bad news wait for the disk": (
        "agentd/sync.c", "\tin_runtime = worse && bring_to(s, s->conf->runtime_dir);\n\tcommit(s);\n",
        "\tworse = false;\n\tin_runtime = false;\n\tcommit(s);\n\tif (s->state.alarms)\n\t\treturn sync_failed(\"no disk\");\n",
        [FAULT.format("disk full"), FAULT.format("var read-only")]),
    "old files stay in a full /run": (
        "agentd/sync.c", "if (!in_runtime && in_state && publish_withdraw(s->conf->runtime_dir) == 0)",
        "if (!in_runtime && in_state)", [FAULT.format("run full")]),
    "a try that cannot be counted is verified": (
        "common/login.c", "\tif (r < 0)\n\t\treturn unavailable(r);\n\t/* a server is asked", "\t/* a server is asked",
        [FAULT.format("run full")]),
    "a lock stops nobody": (
        "common/tally.c", "return refused(&before, now_ms) ? -EBUSY : 0;", "return 0;",
        ["test_lockout.py::test_locked_for_the_right_password_too"]),
    "half a record is written": (
        "common/tally.c", "int r = is_cut_short() ? -EFBIG :", "int r = is_cut_short() && !dir ? -EFBIG :",
        ["test_lockout.py::test_no_limit_of_the_caller_cuts_records_short"]),
    "root's file is nobody's in a sandbox": (
        "common/snapshot_source.c", "(kind == SNAPSHOT_NSS && is_unmapped(st))", "(kind == SNAPSHOT_PAM && is_unmapped(st))",
        ["test_nss_hosts.py::test_user_namespace"]),
    "nobody's file is root's everywhere": (
        "common/snapshot_source.c", "return n >= 0 && (n != sizeof all - 1 || memcmp(map, all, sizeof all - 1) != 0);", "return n >= 0;",
        ["test_nss_hosts.py::test_nobodys_file"]),
    "whoever asks once holds the file": (
        "common/snapshot_map.c", "if (!asks_often())", "if (!asks_often() && !a)",
        ["test_nss_publish.py::test_idle_processes_hold_no_old_file"]),
    "strangers need not wait": (
        "common/tally_judge.c", "return delay > 0 && last + delay > now_ms ?",
        "return delay > 0 && last + delay > now_ms + 2 * BACKOFF_MAX_MS ?",
        ["test_lockout.py::test_a_remote_host_waits_and_the_console_does_not"]),
    "an unlock in the directory is not noticed": (
        "agentd/tallies.c", "if (a->account_locked && !b->account_locked)", "if (a->account_locked && !b->bound)",
        ["test_lockout.py::test_unlocked_in_the_directory"]),
    "nobody remembers what was reported": (
        "agentd/reports.c", "reports_at(r, place)->sent = true;", "reports_at(r, place)->sent = false;",
        ["test_report.py::test_once"]),
    "a reboot forgets what waits": (
        "agentd/reports.c", "return e->sent; /*", "return true; /*", ["test_report.py::test_over_a_reboot"]),
    "nothing falls due off line": (
        "agentd/sync.c", "if (!behind && !other_rules && s->now < s->known.next_change_at)",
        "if (!behind && !other_rules && s->now > s->known.next_change_at)", ["test_due.py::test_back_on_line"]),
    "explain asks nobody for off-line passwords": (
        "ctl/explain.c", "if (off_line && e->view.policy.password_ldap)", "if (off_line && !e->view.policy.password_ldap)",
        ["test_explain.py::test_would_she_get_in"]),
    "nobody looks for damage": (
        "agentd/state.c", "int r = path ? store_check(path) : -ENOMEM;", "int r = path ? 0 : -ENOMEM;",
        ["test_once.py::test_damaged_store"]),
    "/var/lib is not read": (
        "common/snapshot_reader.c", "\tif (!snapshot_file_missing(r))\n\t\treturn r;\n\tr2",
        "\tif (r < 0)\n\t\treturn r;\n\tr2", [FAULT.format("agent never started")]),
    "what cannot be decided is let in": (
        "pam/codes.c", "\treturn PAM_AUTHINFO_UNAVAIL;\n}\n\nint pam_code_account", "\treturn PAM_SUCCESS;\n}\n\nint pam_code_account",
        ["test_pam_matrix.py::test_snapshot_file"]),
    "suspension is ignored": (
        "common/verdict.c", "enum user_state state = verdict_state_at(a, now);",
        "enum user_state state = a->bound ? USER_ACTIVATED : verdict_state_at(a, now);", [FAULT.format("agent dead")]),
    "memory is taken for granted": (
        "common/str.c", "\tif (!data)\n\t\treturn -ENOMEM;\n\tif (b->len > 0)", "\tif (b->len > 0)",
        ["test_memory.py::test_allocation_fails[one]"]),
    "an empty list empties the endpoint": (
        "agentd/sync_missing.c", "\tif (!s->source.remote)\n\t\treturn 0;\n\tmemcpy(in.before", "\tif (s->now)\n\t\treturn 0;\n\tmemcpy(in.before",
        ["test_web.py::test_empty_list_is_held"]),
    "checksums are not looked at": (
        "common/snapshot_source.c", "\treturn le64toh(h->sum) == snapshot_sum(p", "\treturn h->length || le64toh(h->sum) == snapshot_sum(p",
        ["test_nss_damage.py::test_one_flipped_bit"]),
    "a rename that fails is not noticed": (
        "agentd/publish.c", "\tif (r == 0 && rename(from, to) < 0)\n\t\tr = -errno;", "\tif (r == 0 && rename(from, to) < 0)\n\t\tr = 0;",
        ["test_once.py::test_fault_at_every_call"]),
    "a worker is whatever lies at the path now": (
        "agentd/worker.c", '#define OWN_PROGRAM "/proc/self/exe"', '#define OWN_PROGRAM "/usr/sbin/musterd"',
        ["test_upgrade.py::test_replaced"]),
    "any number of hashes at once": (
        "agentd/turn.c", "#define AT_ONCE 2", "#define AT_ONCE 1000", ["test_storm.py::test_two_hashes_at_once"]),
    "published in place": (
        "agentd/publish.c", '#define NEW_SUFFIX ".new"', '#define NEW_SUFFIX ""',
        ["test_kill.py::test_killed_at_any_moment[file]"]),
    "generations begin anew": (
        "agentd/sync.c", "\ts->generation = (published > known->generation ? published : known->generation) + 1;",
        "\ts->generation = published % 2 + 1;", ["test_kill.py::test_killed_at_any_moment[file]"]),
    "no fsync": (
        "agentd/publish.c", "\twhile (fsync(fd) < 0)\n\t\tif (errno != EINTR)", "\twhile (fd < 0)\n\t\tif (errno != EINTR)",
        ["test_kill.py::test_power_cut"]),
    "a locker without an agent opens": (
        "pam/agent.c", "\tif (r < 0)\n\t\treturn (struct login){.reason = REASON_UNAVAILABLE, .error = r};",
        "\tif (r < 0)\n\t\treturn (struct login){.reason = REASON_OK};", ["test_lockers.py::test_without_agent[dead]"]),
    "the public socket answers about anybody": (
        "agentd/answer.c", "\tr = wire_send(sock, FRAME_WORKING,", "\tpeer = 0;\n\tr = wire_send(sock, FRAME_WORKING,",
        ["test_agent.py::test_public"]),
    "local users are asked about": (
        "pam/call.c", "\tint r = local_user(PASSWD, c->user);", "\tint r = local_user(\"/etc/passwd-\", \"\");",
        ["test_pam_matrix.py::test_nothing_of_ours_is_touched_for_local_users"]),
    "any LDAP server is believed": (
        "agentd/fetch/ldap_server.c", "option(ld, LDAP_OPT_X_TLS_REQUIRE_CERT, LDAP_OPT_X_TLS_DEMAND)",
        "option(ld, LDAP_OPT_X_TLS_REQUIRE_CERT, LDAP_OPT_X_TLS_NEVER)",
        ["test_ldap.py::test_not_trusted[authority]", "test_ldap_fetch.py::test_no_trust[expired-ldaps]"]),
    "without TLS a password is sent all the same": (
        "agentd/fetch/ldap_server.c", 'if (code != LDAP_SUCCESS)\n\t\t\treturn failed_here(ld, code, "StartTLS", text);',
        'if (code == LDAP_NO_MEMORY)\n\t\t\treturn failed_here(ld, code, "StartTLS", text);',
        ["test_ldap_fetch.py::test_start_tls_refused"]),
    "an empty password is sent": (
        "agentd/fetch/ldap_server.c", "int r = *password ? ldap_dn_make(s->options.dn, user, s->options.org, &dn) : -EKEYREJECTED;",
        "int r = ldap_dn_make(s->options.dn, user, s->options.org, &dn);",
        ["test_ldap_fetch.py::test_an_empty_password_is_not_sent[plain]"]),
    "the server is not asked for its password policy": (
        "agentd/fetch/ldap_server.c", "\tcontrols[0] = policy;\n", "",
        ["test_ldap_fetch.py::test_answers[plain]", "test_ldap.py::test_what_the_user_reads"]),
    "a refused password is tried off line": (
        "common/login.c", "\tcase AGENT_PASSWORD_WRONG:\n\t\treturn login_of(REASON_WRONG_PASSWORD);",
        "\tcase AGENT_PASSWORD_WRONG:\n\t\treturn verify_off_line(s, password, rhost);",
        ["test_ldap.py::test_never_off_line_while_it_answers"]),
    "a refused password stays good off line": (
        "agentd/auth.c", "\t\tr = saved_distrust(MUSTER_STATE_DIR, s, password);", "\t\tr = 0;",
        ["test_ldap.py::test_never_off_line_while_it_answers", "test_ldap.py::test_locked_there"]),
    "a stranger's guess wipes a verifier": (
        "agentd/saved.c", "\tif (r == -EKEYREJECTED)\n\t\treturn 0;\n\tif (r == 0)", "\tif (r == -EKEYREJECTED || r == 0)",
        ["test_ldap.py::test_never_off_line_while_it_answers", "test_ldap.py::test_locked_there"]),
    "a saved verifier never grows old": (
        "common/saved_verifier.c", "v->confirmed_at <= 0 || now > saved_verifier_ends_at(v, p))", "v->confirmed_at <= 0)",
        ["test_ldap.py::test_age"]),
    "nobody sweeps up saved verifiers": (
        "agentd/sync.c", "if (r == 0 && (changed || !s->users.count))", "if (s->now < 0)",
        ["test_ldap.py::test_sync_wipes", "test_ldap.py::test_removal_wipes"]),
    "a try that nobody could judge counts": (
        "common/login.c", "int r = tries_cancel(t->s, t->rhost);",
        "int r = t->rhost ? 0 : tries_cancel(t->s, t->rhost);",
        ["test_ldap.py::test_off_line"]),
    "everybody waits for a server that is away": (
        "agentd/auth.c", "away = wire_now_ms() < a->away_until_ms;", "away = a->away_until_ms < 0;",
        ["test_ldap.py::test_frozen_server"]),
    "sshd is left a refusal that never comes": (
        "pam/auth.c", "if (l->refused || subject_verdict(s, VERDICT_ACCOUNT, false).reason == REASON_OK)",
        "if (subject_verdict(s, VERDICT_ACCOUNT, false).reason == REASON_UNDECIDED)",
        ["test_ldap.py::test_service_in_account_phase"]),
    "the agent's word about another is taken": (
        "pam/agent.c", "return a.uid == s->account.uid ? word_of(&a)", "return s->account.uid ? word_of(&a)",
        ["test_ldap.py::test_lies[right, for another uid]"]),
    "whoever has the name now was taken over": (
        "pam/call.c", "(r > 0 && uid_then != uid))", "(r > 0 && uid == 0))", ["test_adopt.py::test_another_one_gets_the_name"]),
    "who was taken over and is not known is a local user": (
        "pam/call.c", "\t\treturn -ENODATA;", "\t\treturn -ESRCH;",
        ["test_adopt.py::test_who_leaves_is_refused"]),
    "whom nobody knows any more is given back": (
        "ctl/adopt/plan.c", "(u->known || (u->listed && !u->forgotten))", "u->known",
        ["test_adopt.py::test_nothing_is_known_any_more"]),
    "PAM takes no notice of who is taken over and refused": (
        "pam/pam-configs/muster-adopt", "[success=end user_unknown=ignore default=die]", "[success=end default=ignore]",
        ["test_adopt.py::test_cron", "test_adopt.py::test_damaged_snapshot[missing]"]),
    "the directory has its way before --apply": (
        "agentd/world_groups.c", "!w->in.conf->allow_sudo || u->pending)", "!w->in.conf->allow_sudo)",
        ["test_adopt.py::test_left_alone_without_a_word"]),
    "nobody looks whether PAM goes by what muster says": (
        "ctl/doctor/visitor.c", "return visitor_any_passes(s, refused, ARRAY_SIZE(refused));",
        "return visitor_any_passes(s, refused, 0);", ["test_adopt.py::test_pam_does_not_go_by_it"]),
    "sessions of who is taken over go on": (
        "agentd/session_judge.c", "\tif (u->adopted)\n", "\tif (u->adopted)\n\t\treturn -ESRCH;\n\tif (u->adopted)\n",
        ["test_adopt.py::test_sessions_end"]),
    "what was locked before is unlocked": (
        "ctl/adopt/apply.c", "u->locked = u->password == ADOPT_PASSWORD_OPEN ||", "u->locked = u->password != ADOPT_PASSWORD_OPEN ||",
        ["test_adopt.py::test_restore"]),
    "a shared uid is taken over": (
        "agentd/local.c", 'return same > 1 ? "adopt_uid_shared" : NULL;', 'return same > 9 ? "adopt_uid_shared" : NULL;',
        ["test_adopt.py::test_never[twin]"]),
    "a list that changed while it was read counts": (
        "agentd/fetch/jumpcloud_list.c", "\treturn total >= 0 && got != total ? changed(j, l) : 0;", "\treturn 0;",
        ["test_jumpcloud_fetch.py::test_hostile_list"]),
    "JumpCloud's redirects are followed": (
        "agentd/fetch/http_setup.c", "SET(FOLLOWLOCATION, 0L);", "SET(FOLLOWLOCATION, 1L);",
        ["test_jumpcloud_fetch.py::test_redirect_is_not_followed"]),
    "a system that JumpCloud does not know has no users": (
        "agentd/fetch/jumpcloud_graph.c", "\tif (r == -ENOENT)\n\t\treturn jumpcloud_fail(j, -EPROTO,",
        "\tif (r == -ENOENT)\n\t\treturn 0;\n\tif (r == -EXDEV)\n\t\treturn jumpcloud_fail(j, -EPROTO,",
        ["test_jumpcloud_fetch.py::test_unknown_system"]),
    "whoever may not be read is gone": (
        "agentd/fetch/jumpcloud_users.c", "\tif (r == -EPERM)\n\t\treturn id_list_add(&j->kept,",
        "\tif (r == -EPERM)\n\t\treturn 0;\n\tif (r == -EXDEV)\n\t\treturn id_list_add(&j->kept,",
        ["test_jumpcloud_fetch.py::test_record_that_may_not_be_read"]),
    "a revoked token is shown for ever": (
        "agentd/fetch/jumpcloud_token.c", "\t\tt->fresh = false;\n", "",
        ["test_jumpcloud_fetch.py::test_token"]),
    "a stranger does not wait": (
        "agentd/answer.c", "\tif (r == 0 && known == -ESRCH)\n", "\tif (r == 0 && known == -EXDEV)\n",
        ["test_jumpcloud_login.py::test_an_unknown_name_takes_as_long"]),
    "serving a document confirms it": (
        "agentd/sync_ask.c", "return told && told < s->now ? told : s->now;", "return told < 0 ? told : s->now;",
        ["test_web.py::test_a_document_says_how_old_it_is"]),
    "JumpCloud's suspended is not read": (
        "agentd/fetch/user.c", '\tPLAIN("suspended", suspended),\n', "",
        ["test_jumpcloud_states.py::test_explain", "test_jumpcloud_states.py::test_at_the_shell[act-s-a]"]),
    "any group of the directory carries the local ones": (
        "agentd/world_read.c", "dir.grant = conf_grant_of(w->in.conf, g.name);",
        "dir.grant = w->in.conf->n_grants ? w->in.conf->grants : conf_grant_of(w->in.conf, g.name);",
        ["test_groups.py::test_id_and_getent_agree"]),
    "root's group by another name is a group": (
        "agentd/world_local.c", "\tif (gid == 0)\n", "\tif (gid == 0)\n\t\tgid = 1;\n\tif (gid == UINT32_MAX)\n",
        ["test_groups.py::test_what_may_not_be_given_is_told"]),
    "/etc/group is read when the next poll is due": (
        "agentd/daemon.c", '{"passwd", "shadow", "group", "shells", "subuid", "subgid", "localtime", "muster/adopted"}',
        '{"passwd", "shadow", "shells", "subuid", "subgid", "localtime", "muster/adopted"}',
        ["test_groups.py::test_configuration_and_local_groups_count_at_once"]),
    "whom the last document had is not looked at": (
        "agentd/fetch/known.c", "\tif (hash[0] != u->hash[0] || hash[1] != u->hash[1])\n", "\tif (hash[0] == 0 && u->hash[0] != 0)\n",
        ["test_kept.py::test_it_knows_who_is_as_he_was"]),
    "a code may be left out": (
        "common/login.c", "\tif (t->factor != FACTOR_CODE)\n", "\tif (t->factor != FACTOR_CODE || !t->code[0])\n",
        ["test_totp.py::test_password_clients"]),
    "sudo -i is another service than sudo": (
        "common/factor.c", "*plain = access_plain_service(service);", "*plain = service;",
        ["test_totp.py::test_sudo_i_is_sudo"]),
    "required and not set up gets in": (
        "common/verdict.c", "factor_of(a, p, in->service, in->now) == FACTOR_PENDING", "false",
        ["test_totp.py::test_required_and_not_set_up"]),
    "a code opens as often as one likes": (
        "common/used_code.c", "r = fd < 0 ? fd : take(fd, step);", "r = fd < 0 ? fd : take(fd, step);\n\t\tr = r == -EEXIST ? 0 : r;", ["test_totp.py::test_once"]),
    "a reboot makes codes good again": (
        "common/login.c", "used_code_take(MUSTER_STATE_DIR, uid, t->step) == -EEXIST",
        "used_code_take(MUSTER_STATE_DIR, uid, t->step) == -EXDEV", ["test_totp.py::test_once"]),
    "those are asked who have a second factor": (
        "pam/auth.c", "subject_load_policy(&s) == 0 &&", "subject_load(c->user, &s) == 0 && factor_is_wanted(&s.account) &&",
        ["test_totp.py::test_every_name_is_asked"]),
    "a right password forgives wrong codes": (
        "common/login.c", "\tstruct login l = judge_code(t);\n",
        "\tint forgiven = tries_forgive(t->s, t->rhost);\n\tstruct login l = judge_code(t);\n\n\t(void)forgiven;\n",
        ["test_totp.py::test_wrong_codes_lock"]),
    "the server gets the password alone": (
        "common/login.c", "t->d->ask(t->d, t->s, t->password, code_for_directory(t))",
        't->d->ask(t->d, t->s, t->password, code_for_directory(t) ? "" : "")', ["test_totp_ldap.py::test_the_server_judges"]),
    "an import is undone by what fell due before": (
        "ctl/directory/merge.c", "\tif (!tree_array(incoming, \"scheduled\"))\n\t\treturn user_set_state(m->edit, user, state);\n", "",
        ["test_ctl.py::test_what_is_imported_is_newer_than_what_fell_due"]),
    "a new person of an old name gets what was the old one's": (
        "ctl/directory/merge.c", "\treturn id || strcmp(", "\tif (id && !user)\n\t\tjson_object_object_get_ex(m->by_name, name, &user);\n\treturn id || strcmp(",
        ["test_ctl.py::test_an_import_gives_a_new_person_nothing_of_the_old_one"]),
    "a shell that is not there is given": (
        "agentd/local_shell.c", "\t\treturn errno == ENOENT || errno == ENOTDIR || errno == ELOOP;", "\t\treturn false;",
        ["test_homes.py::test_a_shell_that_is_not_there"]),
    "a name may make any home": (
        "agentd/world_read.c", "name, ID_TOP, home) == 0 && home_valid(home);", "name, ID_TOP, home) == 0;",
        ["test_homes.py::test_a_name_that_makes_no_home"]),
    "keys count although JumpCloud takes them away": (
        "agentd/fetch/user.c", '\tPLAIN("allow_public_key", allow_public_key),\n', "",
        ["test_jumpcloud.py::test_keys"]),
    "root's login is not proved": (
        "ctl/setup/apply.c", "\tif (!*before && !*after)\n", "\tif (f || (!*before && !*after))\n",
        ["test_setup.py::test_root_would_be_locked_out"]),
    "what would let everybody in stays": (
        "ctl/setup/apply.c", "\tif (r == 0)\n\t\tr = check_services(f);", "\tif (r == 0 && o->try_ms == 1)\n\t\tr = check_services(f);",
        ["test_setup.py::test_service_that_lets_everybody_in"]),
    "edits of others are overwritten": (
        "ctl/setup/undo.c", "\t\t\treturn false;\n\treturn true;", "\t\t\treturn true;\n\treturn true;",
        ["test_setup.py::test_edited_since"]),
    "packages bring muster back": (
        "ctl/setup/undo.c", "for (size_t i = 0; r == 0 &&", "for (size_t i = 2; r == 0 &&", ["test_setup.py::test_byte_for_byte"]),
    "a setup is done before it is on the disk": (
        "ctl/setup/apply.c", "return r == 0 ? setup_sync(f) : r;", "return r == 0 && o->try_ms == 1 ? setup_sync(f) : r;",
        ["test_setup.py::test_power_cut"]),
    "a password that root took away has to be unlocked": (
        "ctl/adopt/host.c", ": !now.locked_hash)", ": now.password == ADOPT_PASSWORD_OPEN)",
        ["test_adopt.py::test_no_password_to_unlock"]),
    "a removal that fails gives everybody back": (
        "ctl/setup/undo.c", "\tif (r == 0)\n\t\tr = adopt_restore(f);", "\tif (r <= 0)\n\t\tr = adopt_restore(f);",
        ["test_adopt.py::test_muster_cannot_be_taken_out"]),
    "a trial of something else gives local users back": (
        "ctl/setup/undo.c", "goes = all || !setup_has_pam(SETUP_BEFORE);", "goes = all || setup_has_pam(SETUP_BEFORE);",
        ["test_adopt.py::test_muster_stays"]),
    "a killed setup is not remembered": (
        "ctl/setup/apply.c", "return setup_mark(SETUP_BUSY, \"\", f);", "return 0;", ["test_setup.py::test_killed"]),
    "nobody waits for a trial to end": (
        "ctl/setup/trial.c", "clock_boottime_ms() < end && is_mine(token)", "clock_boottime_ms() < end + 3600000 && is_mine(token)",
        ["test_setup.py::test_not_confirmed"]),
    "a trial outlives a reboot": (
        "conf/muster-setup-rollback.service.in", "=|/var/lib/muster/setup/try\n", "=|/var/lib/muster/setup/none\n",
        ["test_booted_setup.py::test_rolled_back"]),
    "an upgrade switches PAM off": (
        "debian/libpam-muster.prerm", '[ "$1" = remove ]', '[ "$1" = remove ] || [ "$1" = upgrade ]',
        ["../debian/test_steps.py::test_upgrade"]),
    "PAM may name a module that is gone": (
        "debian/libpam-muster.prerm", "\texit 1\n", "", ["../debian/test_steps.py::test_pam_was_edited"]),
    "users are given back by a package that stays": (
        "debian/libpam-muster.prerm", 'left=$(name_muster "$trial")', "left=", ["../debian/test_steps.py::test_pam_was_edited"]),
    "a package writes its sample over the configuration": (
        "debian/musterd.postinst", '[ ! -e "$conf" ] && ', "", ["../debian/test_steps.py::test_half_configured"]),
    "sshd is not told of a way to find keys": (
        "debian/musterd.postinst", "deb-systemd-invoke reload ssh.service", "true", ["../debian/test_story.py::test_enrolled"]),
    "where polkit asks PAM nothing can be written": (
        "conf/polkit-agent-helper.conf", "ReadWritePaths=", "ReadOnlyPaths=",
        ["test_booted.py::test_polkit_in_its_sandbox"]),
    "a module that is gone is asked for groups": (
        "debian/libnss-muster.nss", "initgroups remove-only muster\n", "", ["../debian/test_steps.py::test_one_is_missing[libnss-muster]"]),
    "a package is purged from another root than its own": (
        "debian/musterd.postrm", 'rm -rf "$DPKG_ROOT/var/lib/muster"', "rm -rf /var/lib/muster",
        ["../debian/test_packages.py::test_another_root"]),
    "whom sshd asked for keys before is not asked any more": (
        "debian/musterd.postinst", "&& key_commands >/dev/null", "&& false", ["../debian/test_steps.py::test_another_key_command"]),
    "sshd asks for keys what is gone": (
        "debian/musterd.prerm", '[ "$1" = remove ] &&', "false &&", ["../debian/test_steps.py::test_adopted"]),
    "polkit knows group sudo alone": (
        "debian/polkit/40-debian-muster.rules", ', "unix-group:muster-sudo"', "", ["../debian/test_story.py::test_administrators"]),
    "whoever lingers since the first boot goes on": (
        "conf/tmpfiles.conf", "d /var/lib/systemd/linger 0755 root root -\n", "", ["../debian/test_story.py::test_first_boot"]),
    "many questions at once silence the directory for ever": (
        "conf/muster-fetch.socket.in", "TriggerLimitIntervalSec=0\n", "",
        ["../debian/test_story.py::test_socket_never_gives_up"]),
    "others look for users before musterd is ready": (
        "conf/musterd.service.in", "Before=nss-user-lookup.target\n", "", ["../debian/test_story.py::test_rebooted_off_line"]),
}


def installed(*argv):
    return subprocess.run([COPY / "tests/installed", *argv], env={**os.environ, "MUSTER_TREE": str(COPY)},
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=COPY)


def packaged(test):
    """A story that is told from its beginning: the packages are built, and the tests before it pass."""
    path, _, name = test.partition("::")
    tree = {**os.environ, "MUSTER_TREE": str(COPY)}
    subprocess.run([COPY / "tests/debs", "/build/debian"], env=tree, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                   check=True)
    done = subprocess.run(["pytest-3", "-x", COPY / "tests/system" / path], env=tree, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, cwd=COPY)
    return done, f"::{name} - " in done.stdout


def of_packages(tests):
    return tests[0].startswith("../debian/")


def survives(file, code, broken, tests):
    """Why the mutant lives; None when it was found out."""
    path = COPY / file
    before = path.read_text()
    if before.count(code) != 1:
        return f"{file} has not this any more, once:\n{code}"
    path.write_text(before.replace(code, broken))
    try:
        for test in tests:
            if of_packages(tests):
                done, itself = packaged(test)
            else:
                done, itself = installed("pytest-3", "-x", COPY / "tests/system" / test), True
            if done.returncode != 1 or not re.search(r"\b1 (failed|error)\b", done.stdout) or not itself:
                return f"{test} does not fail:\n{done.stdout[-3000:]}"
        return None
    finally:
        path.write_text(before)  # written now: make sees it


def main():
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/build"], check=True)  # else a mutant's objects would be taken for ours
    shutil.copytree(os.environ["MUSTER_TREE"], COPY, symlinks=True, ignore=shutil.ignore_patterns(".git"))
    living = 0
    # Those of packages first: muster must not be installed by then.
    for name in sorted(sys.argv[1:] or MUTANTS, key=lambda name: not of_packages(MUTANTS[name][-1])):
        why = survives(*MUTANTS[name])
        living += why is not None
        print(f"{name}: {'found out' if why is None else 'LIVES: ' + why}", flush=True)
    print(f"{len(sys.argv[1:] or MUTANTS) - living} found out, {living} live")
    return 1 if living else 0


if __name__ == "__main__":
    sys.exit(main())
