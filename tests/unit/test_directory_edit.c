/* Every action of musterctl directory, as a pure function on the tree of a document. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/str.h"
#include "ctl/directory/binding.h"
#include "ctl/directory/enrolment.h"
#include "ctl/directory/group.h"
#include "ctl/directory/merge.h"
#include "ctl/directory/state.h"
#include "ctl/directory/user.h"
#include "ctl/message.h"

#define NOW INT64_C(1800000000) /* 2027-01-15T08:00:00Z */
#define KEY "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIw3aWc7BdHN2Cjdnx3Lt0c/H4J8rsHbmMr81Kxj70j7"

static struct fault fault;
static struct edit edit;

/* The document of each test, with ' for ". */
static void document(const char *text)
{
	char copy[4096];
	size_t i;

	for (i = 0; text[i]; i++)
		copy[i] = text[i] == '\'' ? '"' : text[i];
	copy[i] = '\0';
	json_object_put(edit.doc);
	fault = (struct fault){0};
	edit = (struct edit){.doc = json_tokener_parse(copy), .now = NOW, .fault = &fault};
	assert_non_null(edit.doc);
}

static int tear_down(void **state)
{
	(void)state;
	json_object_put(edit.doc);
	edit.doc = NULL;
	return 0;
}

static struct json_object *user(const char *name)
{
	struct json_object *found = NULL;

	assert_int_equal(user_find(&edit, name, &found), 0);
	return found;
}

static struct json_object *group(const char *name)
{
	struct json_object *found = NULL;

	assert_int_equal(group_find(&edit, name, &found), 0);
	return found;
}

/* O as JSON text, with ' for ". */
static void assert_json(struct json_object *o, const char *expected)
{
	char text[4096];
	size_t i = 0;

	for (const char *c = json_object_to_json_string_ext(o, JSON_C_TO_STRING_NOSLASHESCAPE); *c;
	     c++)
		text[i++] = *c == '"' ? '\'' : *c;
	text[i] = '\0';
	assert_string_equal(text, expected);
}

static const struct user_fields nothing;

static int add(const char *name)
{
	struct json_object *added;

	return user_add(&edit, name, USER_ACTIVATED, &nothing, &added);
}

static void test_add(void **state)
{
	struct json_object *added;
	char id[OBJECT_ID_SIZE];

	(void)state;
	document("{'users':[]}");
	assert_int_equal(user_add(&edit, "alice", USER_STAGED, &nothing, &added), 0);
	assert_true(edit.changed);
	assert_int_equal(str_print(id, sizeof(id), "%s", user_id(added)), 0);
	assert_int_equal(strlen(id), 24);
	assert_int_equal(strspn(id, "0123456789abcdef"), 24);
	json_object_object_del(added, "id");
	assert_json(added,
		    "{'username':'alice','state':'STAGED','created':'2027-01-15T08:00:00Z'}");
	assert_int_equal(user_add(&edit, "bob", USER_SUSPENDED, &nothing, &added), 0);
	assert_true(tree_true(added, "suspended"));
	assert_string_not_equal(user_id(added), id);
}

static void test_add_refused(void **state)
{
	static const struct {
		const char *name;
		int r;
	} cases[] = {
		{"alice", -EEXIST},
		{"ALICE", -EEXIST},
		{"local", -EEXIST},
		{"LOCAL", -EEXIST},
		{"u1", -EEXIST},
		{"Devs", -EEXIST},
		{"root", -EKEYREJECTED},
		{"Sudo", -EKEYREJECTED},
		{"a b", -EKEYREJECTED},
		{"", -EKEYREJECTED},
		{"../x", -EKEYREJECTED},
		{"1st", -EKEYREJECTED},
		{"a:b", -EKEYREJECTED},
		{"muster-sudo", -EKEYREJECTED},
		{"bob", 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		document("{'users':[{'id':'u1','username':'alice','systemUsername':'local'}],'"
			 "groups':[{'id':'g1',"
			 "'name':'Developers','attributes':{'posixGroups':[{'id':6000,'name':'devs'"
			 "}]}}]}");
		assert_int_equal(add(cases[i].name), cases[i].r);
		assert_int_equal(fault.text[0] != '\0', cases[i].r != 0);
	}
}

static void test_find(void **state)
{
	struct json_object *found;

	(void)state;
	document("{'users':[{'id':'u1','username':'alice'},{'id':'u2','username':'bob','"
		 "systemUsername':'robert'},"
		 "{'_id':'u3','username':'robert'},{'id':7,'username':'odd'},'nonsense',null]}");
	assert_ptr_equal(user("u1"), user("alice"));
	assert_string_equal(user_local_name(user("bob")), "robert");
	assert_string_equal(user_local_name(user("alice")), "alice");
	assert_string_equal(user_id(user("u3")), "u3");
	assert_null(user_id(user("odd")));
	assert_int_equal(user_find(&edit, "robert", &found), -EKEYREJECTED); /* which of the two? */
	assert_int_equal(user_find(&edit, "Alice", &found), -ESRCH);
	assert_non_null(strstr(fault.hint, "'alice'"));
	assert_int_equal(user_find(&edit, "", &found), -ESRCH);
	assert_int_equal(user_find(&edit, "7", &found), -ESRCH);
	assert_false(edit.changed);
}

static void test_set(void **state)
{
	const struct user_fields fields = {
		.displayname = "Doe, John",
		.email = "j@example.com",
		.uid = "5001",
		.gid = "5002",
		.sudo = "nopasswd",
		.shell = "/bin/sh",
		.home = "/srv/j",
		.keys = {{KEY " j@laptop"}, 1},
	};

	(void)state;
	document("{'users':[{'id':'u1','username':'john','x':1}]}");
	assert_int_equal(user_set(&edit, user("john"), &fields), 0);
	assert_json(user("john"),
		    "{'id':'u1','username':'john','x':1,'displayname':'Doe, "
		    "John','email':'j@example.com',"
		    "'unix_uid':5001,'unix_guid':5002,'sudo':true,'passwordless_sudo':true,'shell':"
		    "'/bin/sh',"
		    "'home':'/srv/j','ssh_keys':[{'name':'j@laptop','public_key':'" KEY
		    "','create_date':'2027-01-15T08:00:00Z'}],'allow_public_key':true}");
	edit.changed = false;
	assert_int_equal(user_set(&edit, user("john"), &fields), 0);
	assert_false(edit.changed);
	assert_int_equal(
		user_set(&edit, user("john"), &(struct user_fields){.sudo = "", .no_keys = true}),
		0);
	assert_true(tree_true(user("john"), "sudo"));
	assert_false(tree_true(user("john"), "passwordless_sudo"));
	assert_null(tree_array(user("john"), "ssh_keys"));
	assert_int_equal(user_set(&edit, user("john"), &(struct user_fields){.sudo = "no"}), 0);
	assert_false(tree_true(user("john"), "sudo"));
}

static void test_set_username(void **state)
{
	(void)state;
	document("{'users':[{'id':'u1','username':'john','systemUsername':'jd'},{'id':'u2','"
		 "username':'mary'}]}");
	assert_int_equal(user_set(&edit, user("john"), &(struct user_fields){.username = "Mary"}),
			 -EEXIST);
	assert_int_equal(user_set(&edit, user("john"), &(struct user_fields){.username = "JOHN"}),
			 0);
	assert_string_equal(user_local_name(user("JOHN")), "JOHN");
	assert_string_equal(user_id(user("JOHN")), "u1");
}

static void test_set_refused(void **state)
{
	static const struct {
		struct user_fields fields;
		int r;
	} cases[] = {
		{{.uid = "5000"}, -EEXIST},
		{{.gid = "5000"}, 0},
		{{.uid = "0"}, -EKEYREJECTED},
		{{.uid = "999"}, -EKEYREJECTED},
		{{.uid = "65534"}, -EKEYREJECTED},
		{{.uid = "600000"}, -EKEYREJECTED},
		{{.gid = "2147483648"}, -EKEYREJECTED},
		{{.uid = "4294967296"}, -EINVAL},
		{{.uid = "-1"}, -EINVAL},
		{{.uid = "5001x"}, -EINVAL},
		{{.sudo = "maybe"}, -EINVAL},
		{{.keys = {{"command=\"sh\" " KEY}, 1}}, -EINVAL},
		{{.keys = {{"ssh-dss AAAAB3NzaC1kc3M="}, 1}}, -EKEYREJECTED},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		document("{'users':[{'id':'u1','username':'john'},{'id':'u2','username':'mary','"
			 "unix_uid':5000}]}");
		assert_int_equal(user_set(&edit, user("john"), &cases[i].fields), cases[i].r);
	}
}

static void test_delete(void **state)
{
	(void)state;
	document("{'users':[{'id':'u1','username':'a'},{'id':'u2','username':'b'}],"
		 "'groups':[{'id':'g1','name':'g','members':['u2','u1','u1']},{'id':'g2','name':'h'"
		 "}],"
		 "'bindings':{'host':{'users':['u1'],'groups':['g1']},'odd':7}}");
	assert_int_equal(user_delete(&edit, user("a")), 0);
	assert_json(edit.doc,
		    "{'users':[{'id':'u2','username':'b'}],"
		    "'groups':[{'id':'g1','name':'g','members':['u2']},{'id':'g2','name':'h'}],"
		    "'bindings':{'host':{'users':[],'groups':['g1']},'odd':7},'removed':['u1']}");
}

static void test_states(void **state)
{
	(void)state;
	document("{'users':[{'id':'u1','username':'a','state':'STAGED'}]}");
	assert_int_equal(user_set_state(&edit, user("a"), USER_ACTIVATED), 0);
	assert_json(user("a"), "{'id':'u1','username':'a','state':'ACTIVATED'}");
	assert_int_equal(user_set_state(&edit, user("a"), USER_SUSPENDED), 0);
	assert_json(user("a"), "{'id':'u1','username':'a','state':'SUSPENDED','suspended':true}");
	edit.changed = false;
	assert_int_equal(user_set_state(&edit, user("a"), USER_SUSPENDED), 0);
	assert_false(edit.changed);
	assert_int_equal(user_set_state(&edit, user("a"), USER_ACTIVATED), 0);
	assert_json(user("a"), "{'id':'u1','username':'a','state':'ACTIVATED','suspended':false}");
}

/* A suspension that is due must not undo an activation that comes after it; what lies ahead stays. */
static void test_state_settles_what_is_due(void **state)
{
	struct scheduled_change next;

	(void)state;
	document("{'users':[{'id':'u1','username':'a','state':'ACTIVATED','scheduled':["
		 "{'state':'SUSPENDED','scheduledDate':'2027-01-15T08:00:00Z'},"
		 "{'state':'SUSPENDED','scheduledDate':'2027-01-15T09:00:00Z'}]}]}");
	assert_int_equal(user_set_state(&edit, user("a"), USER_ACTIVATED), 0);
	assert_json(
		user("a"),
		"{'id':'u1','username':'a','state':'ACTIVATED','scheduled':["
		"{'state':'SUSPENDED','scheduledDate':'2027-01-15T09:00:00Z'}],'suspended':false}");
	assert_true(user_next_change(&edit, user("a"), USER_ACTIVATED, &next));
	assert_int_equal(next.at, NOW + 3600);
	assert_false(user_next_change(&edit, user("a"), USER_SUSPENDED, &next));
}

static void test_schedule(void **state)
{
	(void)state;
	document("{'users':[{'id':'u1','username':'a','state':'ACTIVATED'}]}");
	assert_int_equal(user_schedule(&edit, user("a"), USER_SUSPENDED, NOW), -EINVAL);
	assert_int_equal(user_schedule(&edit, user("a"), USER_SUSPENDED, NOW + 1), 0);
	assert_int_equal(user_schedule(&edit, user("a"), USER_SUSPENDED, NOW + 60),
			 0); /* instead of the first */
	assert_int_equal(user_schedule(&edit, user("a"), USER_ACTIVATED, NOW + 120), 0);
	assert_json(user("a"), "{'id':'u1','username':'a','state':'ACTIVATED','scheduled':["
			       "{'state':'SUSPENDED','scheduledDate':'2027-01-15T08:01:00Z'},"
			       "{'state':'ACTIVATED','scheduledDate':'2027-01-15T08:02:00Z'}]}");
	edit.now = NOW + 60; /* the suspension is due: cancelling must not lift it */
	assert_int_equal(user_schedule_cancel(&edit, user("a")), 0);
	assert_json(user("a"), "{'id':'u1','username':'a','state':'SUSPENDED','suspended':true}");
}

static void test_expire(void **state)
{
	(void)state;
	document("{'users':[{'id':'u1','username':'a','password_never_expires':true}]}");
	assert_int_equal(user_expire(&edit, user("a"), NOW + 60), 0);
	assert_json(user("a"), "{'id':'u1','username':'a','password_never_expires':false,"
			       "'password_expiration_date':'2027-01-15T08:01:00Z'}");
	assert_int_equal(user_expire(&edit, user("a"), NOW), 0);
	assert_true(tree_true(user("a"), "password_expired"));
}

static void test_unlock_keeps_the_expiry(void **state)
{
	(void)state;
	document("{'users':[{'id':'u1','username':'a','account_locked':true,'account_locked_date':"
		 "'2027-01-01T00:00:00Z','password_expired':true}]}");
	assert_int_equal(user_unlock(&edit, user("a")), 0);
	assert_json(user("a"),
		    "{'id':'u1','username':'a','account_locked':false,'password_expired':true}");
}

static void test_password_ends_all(void **state)
{
	(void)state;
	document("{'users':[{'id':'u1','username':'a','activated':false,'account_locked':true,"
		 "'account_locked_date':'2027-01-01T00:00:00Z','password_expired':true,"
		 "'password_expiration_date':'2027-01-01T00:00:00Z'}]}");
	assert_int_equal(user_set_password(&edit, user("a"), "$y$hash"), 0);
	assert_json(user("a"), "{'id':'u1','username':'a','activated':true,'account_locked':false,"
			       "'password_expired':false,'password_hash':'$y$hash',"
			       "'password_date':'2027-01-15T08:00:00Z'}");
}

static void test_mfa(void **state)
{
	(void)state;
	document("{'users':[{'id':'u1','username':'a','totp_enabled':true,'totp_secret':'S','mfa':{"
		 "'configured':true}}]}");
	assert_int_equal(user_mfa_exclude(&edit, user("a"), NOW + 60), 0);
	assert_json(tree_object(user("a"), "mfa"),
		    "{'configured':true,'exclusion':true,'exclusionUntil':'2027-01-15T08:01:00Z'}");
	assert_int_equal(user_mfa_exclude(&edit, user("a"), 0), 0);
	assert_json(tree_object(user("a"), "mfa"), "{'configured':true,'exclusion':true}");
	assert_int_equal(user_mfa_require(&edit, user("a")), 0);
	assert_json(tree_object(user("a"), "mfa"), "{'configured':true,'exclusion':false}");
	assert_true(tree_true(user("a"), "enable_user_portal_multifactor"));
	assert_int_equal(user_mfa_reset(&edit, user("a")), 0);
	assert_null(tree_text(user("a"), "totp_secret"));
	assert_false(tree_true(user("a"), "totp_enabled"));
	assert_false(tree_true(tree_object(user("a"), "mfa"), "configured"));
}

static void test_mfa_enroll(void **state)
{
	(void)state;
	document("{'users':[{'id':'u1','username':'a'}]}");
	assert_int_equal(user_mfa_enroll(&edit, user("a"), "NEW"), 0);
	assert_json(user("a"), "{'id':'u1','username':'a','mfa':{'configured':true},'totp_secret':'"
			       "NEW','totp_enabled':true}");
	assert_int_equal(user_mfa_enroll(&edit, user("a"), "OTHER"), -EKEYREJECTED);
	assert_string_equal(tree_text(user("a"), "totp_secret"), "NEW");
	assert_int_equal(user_mfa_reset(&edit, user("a")), 0);
	assert_int_equal(user_mfa_enroll(&edit, user("a"), "OTHER"), 0);
	assert_string_equal(tree_text(user("a"), "totp_secret"), "OTHER");
}

static void test_enrolment_uri(void **state)
{
	char one[TOTP_SECRET_SIZE], other[TOTP_SECRET_SIZE];
	char *uri = enrolment_uri("Ten & Söhne", "a.b@c", "SECRET");

	(void)state;
	assert_string_equal(
		uri, "otpauth://totp/"
		     "Ten%20%26%20S%C3%B6hne:a.b%40c?secret=SECRET&issuer=Ten%20%26%20S%C3%B6hne");
	free(uri);
	assert_int_equal(enrolment_make_secret(one), 0);
	assert_int_equal(enrolment_make_secret(other), 0);
	assert_string_not_equal(one, other);
	assert_int_equal(strspn(one, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"), 32);
}

static void test_groups(void **state)
{
	(void)state;
	document("{'users':[{'id':'u1','username':'a'}]}");
	assert_int_equal(
		group_add(&edit, "devs", &(struct group_fields){.posix = "6000", .sudo = ""}), 0);
	json_object_object_del(group("devs"), "id");
	assert_json(group("devs"), "{'name':'devs','members':[],'attributes':{'posixGroups':[{'id':"
				   "6000,'name':'devs'}],"
				   "'sudo':{'enabled':true,'withoutPassword':false}}}");
	assert_int_equal(group_add(&edit, "Devs", &(struct group_fields){0}), -EEXIST);
	assert_int_equal(group_add(&edit, "ops", &(struct group_fields){.posix = "6000"}), -EEXIST);
	document("{'users':[{'id':'u1','username':'a'}],'groups':[{'id':'g1','name':'Big Team',"
		 "'attributes':{'posixGroups':[{'id':6000,'name':'devs'}],'x':1}},{'id':'g2','name'"
		 ":'ops'}]}");
	assert_int_equal(
		group_set(&edit, group("ops"), &(struct group_fields){.posix = "6001:DEVS"}),
		-EEXIST);
	assert_int_equal(group_set(&edit, group("ops"), &(struct group_fields){.posix = "6001:a"}),
			 -EEXIST);
	assert_int_equal(
		group_set(&edit, group("ops"), &(struct group_fields){.posix = "6001:sudo"}),
		-EKEYREJECTED);
	assert_int_equal(group_set(&edit, group("ops"), &(struct group_fields){.posix = "27:ops"}),
			 -EINVAL);
	assert_int_equal(
		group_set(&edit, group("Big Team"), &(struct group_fields){.posix = "6009:devs"}),
		0);
	assert_int_equal(
		group_set(&edit, group("Big Team"), &(struct group_fields){.sudo = "nopasswd"}), 0);
	assert_json(tree_object(group("g1"), "attributes"),
		    "{'x':1,'posixGroups':[{'id':6009,'name':'devs'}],'sudo':{'enabled':true,'"
		    "withoutPassword':true}}");
	assert_int_equal(group_set(&edit, group("g1"),
				   &(struct group_fields){.posix = "none", .sudo = "no"}),
			 0);
	assert_json(tree_object(group("g1"), "attributes"), "{'x':1}");
}

static void test_members(void **state)
{
	(void)state;
	document("{'users':[{'id':'u1','username':'a'},{'id':'u2','username':'b'}],'groups':[{'id':"
		 "'g1','name':'g'}],"
		 "'bindings':{'h':{'groups':['g1']}}}");
	assert_int_equal(group_member_add(&edit, group("g"), "a"), 0);
	assert_int_equal(group_member_add(&edit, group("g"), "u2"), 0);
	assert_int_equal(group_member_add(&edit, group("g"), "a"), 0);
	assert_json(tree_array(group("g"), "members"), "['u1','u2']");
	assert_int_equal(group_member_add(&edit, group("g"), "c"), -ESRCH);
	assert_int_equal(group_member_remove(&edit, group("g"), "a"), 0);
	assert_int_equal(group_member_remove(&edit, group("g"), "a"), -ESRCH);
	assert_json(tree_array(group("g"), "members"), "['u2']");
	assert_int_equal(group_delete(&edit, group("g")), 0);
	assert_json(tree_array(edit.doc, "groups"), "[]");
	assert_json(tree_object(edit.doc, "bindings"), "{'h':{'groups':[]}}");
}

static void test_bind(void **state)
{
	const struct binding_target t = {.system = "HOST", .kind = BINDING_USER};
	const struct binding_target g = {.system = "host", .kind = BINDING_GROUP};

	(void)state;
	document("{'users':[{'id':'u1','username':'a'},{'id':'u2','username':'b'}],'groups':[{'id':"
		 "'g1','name':'g',"
		 "'members':['u2']}],'bindings':{'host':{}}}");
	assert_int_equal(binding_add(&edit, &t, "a"), 0);
	assert_int_equal(binding_add(&edit, &t, "a"), 0);
	assert_int_equal(binding_add(&edit, &g, "g"), 0);
	assert_json(tree_object(edit.doc, "bindings"), "{'host':{'users':['u1'],'groups':['g1']}}");
	assert_int_equal(binding_add(&edit, &t, "b"), 0);
	assert_int_equal(binding_remove(&edit, &t, "b"), 0);
	assert_int_equal(binding_check_removed(&edit, &t, "b"), -EKEYREJECTED); /* stays bound through g */
	assert_int_equal(binding_add(&edit, &t, "b"), 0);
	assert_int_equal(binding_remove(&edit, &g, "g"), 0); /* and b goes with it */
	assert_int_equal(binding_check_removed(&edit, &g, "g"), 0);
	assert_json(tree_object(edit.doc, "bindings"), "{'host':{'users':['u1'],'groups':[]}}");
	assert_int_equal(binding_remove(&edit, &t, "a"), 0);
	assert_json(tree_object(edit.doc, "bindings"), "{'host':{'users':[],'groups':[]}}");
}

static void test_unbind_by_both_names(void **state)
{
	const struct binding_target t = {.system = "5f0c", .alias = "Host", .kind = BINDING_USER};

	(void)state;
	document("{'users':[{'id':'u1','username':'a'}],'groups':[{'id':'g1','name':'g','members':['u1']}],"
		 "'bindings':{'other':{'users':['u1']},'5f0c':{'users':['u1']},'host':{'users':['u1'],'groups':['g1']}}}");
	assert_int_equal(binding_remove(&edit, &t, "a"), 0);
	assert_json(tree_object(edit.doc, "bindings"),
		    "{'other':{'users':['u1']},'5f0c':{'users':[]},'host':{'users':[],'groups':['g1']}}");
	assert_int_equal(binding_check_removed(&edit, &t, "a"), -EKEYREJECTED);
}

static void test_unbind_from_everywhere(void **state)
{
	const struct binding_target t = {.system = "host", .kind = BINDING_USER};
	const struct binding_target g = {.system = "host", .kind = BINDING_GROUP};

	(void)state;
	document("{'users':[{'id':'u1','username':'a'},{'id':'u2','username':'b'}],'groups':[{'id':"
		 "'g1','name':'g'}]}");
	assert_true(binding_open(&edit));
	assert_int_equal(binding_remove(&edit, &t, "a"), 0);
	assert_json(tree_object(edit.doc, "bindings"), "{'host':{'users':['u2'],'groups':['g1']}}");
	assert_false(binding_open(&edit));
	document("{'users':[{'id':'u1','username':'a'},{'id':'u2','username':'b'}],'groups':["
		 "{'id':'g1','name':'g','members':['u1']},{'id':'g2','name':'h','members':['u1']}]}");
	assert_int_equal(binding_remove(&edit, &g, "g"), 0);
	assert_json(tree_object(edit.doc, "bindings"), "{'host':{'users':['u2'],'groups':['g2']}}");
	assert_int_equal(binding_check_removed(&edit, &g, "g"), -EKEYREJECTED); /* through h */
	assert_int_equal(binding_remove(&edit, &g, "h"), 0);
	assert_int_equal(binding_check_removed(&edit, &g, "g"), 0);
}

static int merge(struct merge *m, const char *text)
{
	struct json_object *incoming, *merged;
	char copy[512];
	bool is_new;
	size_t i;
	int r;

	for (i = 0; text[i]; i++)
		copy[i] = text[i] == '\'' ? '"' : text[i];
	copy[i] = '\0';
	incoming = json_tokener_parse(copy);
	r = merge_user(m, incoming, &merged, &is_new);
	json_object_put(incoming);
	return r;
}

static void test_merge(void **state)
{
	CLEANUP(merge_done) struct merge m = {0};

	(void)state;
	document("{'users':[{'id':'u1','username':'a','state':'ACTIVATED','x':1},{'id':'u2','"
		 "username':'b'}],"
		 "'removed':['u3','u4']}");
	assert_int_equal(merge_init(&m, &edit, USER_STAGED), 0);
	assert_int_equal(merge(&m, "{'_id':'u1','username':'anna','email':'e'}"), 0); /* by id */
	assert_int_equal(merge(&m, "{'username':'b','suspended':true}"), 0);
	assert_int_equal(merge(&m, "{'id':'u3','username':'c','firstname':'C','lastname':'D'}"), 0);
	assert_int_equal(merge_check_unique(&m), 0);
	assert_json(edit.doc,
		    "{'users':[{'id':'u1','username':'anna','state':'ACTIVATED','x':1,'email':'e'},"
		    "{'id':'u2','username':'b','suspended':true,'state':'SUSPENDED'},"
		    "{'id':'u3','username':'c','firstname':'C','lastname':'D','state':'STAGED','"
		    "displayname':'C D'}],"
		    "'removed':['u4']}");
}

/* null lifts no refusal, and is no contradiction; a date it takes away. */
static void test_merge_null(void **state)
{
	CLEANUP(merge_done) struct merge m = {0};

	(void)state;
	document("{'users':[{'id':'u1','username':'a','state':'SUSPENDED','suspended':true,'account_locked':true,"
		 "'password_expiration_date':'2020-01-01T00:00:00Z'}]}");
	assert_int_equal(merge_init(&m, &edit, USER_ACTIVATED), 0);
	assert_int_equal(merge(&m, "{'username':'a','state':null,'suspended':null,'account_locked':null,"
				   "'password_expiration_date':null,'email':null}"), 0);
	assert_json(user("a"), "{'id':'u1','username':'a','state':'SUSPENDED','suspended':true,'account_locked':true,"
			       "'password_expiration_date':null}");
	assert_int_equal(merge(&m, "{'username':'a','state':'SUSPENDED','suspended':null}"), 0);
}

static void test_merge_password(void **state)
{
	CLEANUP(merge_done) struct merge m = {0};
	struct json_object *expired = json_tokener_parse("{\"password_expired\":true,\"account_locked\":null}");

	(void)state;
	document("{'users':[{'id':'u1','username':'a','account_locked':true}]}");
	assert_int_equal(merge_init(&m, &edit, USER_ACTIVATED), 0);
	assert_int_equal(merge_password(&m, user("a"), expired, "$y$"), 0);
	assert_json(user("a"), "{'id':'u1','username':'a','account_locked':false,'password_hash':'$y$',"
			       "'password_date':'2027-01-15T08:00:00Z','activated':true,'password_expired':true}");
	json_object_put(expired);
}

/* The name of one who was renamed, here in the same file, is not the way to who had it. */
static void test_merge_of_a_name_that_moved(void **state)
{
	static const char *const next[] = {"{'id':'u2','username':'a'}", "{'username':'a'}"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(next); i++) {
		CLEANUP(merge_done) struct merge m = {0};

		document("{'users':[{'id':'u1','username':'a','sudo':true}]}");
		assert_int_equal(merge_init(&m, &edit, USER_ACTIVATED), 0);
		assert_int_equal(merge(&m, "{'id':'u1','username':'a.old'}"), 0);
		assert_int_equal(merge(&m, next[i]), 0);
		assert_int_equal(merge_check_unique(&m), 0);
		assert_true(tree_true(user("a.old"), "sudo"));
		assert_string_not_equal(user_id(user("a")), "u1");
		assert_false(tree_true(user("a"), "sudo"));
	}
}

/* What comes is newer than what fell due before, unless it brings a schedule of its own. */
static void test_merge_settles_what_is_due(void **state)
{
	static const struct {
		const char *incoming, *now;
	} cases[] = {
		{"{'username':'a','state':'SUSPENDED'}", "'state':'SUSPENDED','suspended':true"},
		{"{'username':'a','suspended':true}", "'state':'SUSPENDED','suspended':true"},
		{"{'username':'a','email':'e'}",
		 "'state':'STAGED','scheduled':[{'state':'ACTIVATED','scheduledDate':'2020-01-"
		 "01T00:00:00Z'}],'email':'e'"},
		{"{'username':'a','state':'STAGED','scheduled':[{'state':'ACTIVATED'}]}",
		 "'state':'STAGED','scheduled':[{'state':'ACTIVATED'}]"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(merge_done) struct merge m = {0};
		char expected[256];

		document("{'users':[{'id':'u1','username':'a','state':'STAGED',"
			 "'scheduled':[{'state':'ACTIVATED','scheduledDate':'2020-01-01T00:00:00Z'}"
			 "]}]}");
		assert_int_equal(merge_init(&m, &edit, USER_ACTIVATED), 0);
		assert_int_equal(merge(&m, cases[i].incoming), 0);
		assert_int_equal(str_print(expected, sizeof(expected),
					   "{'id':'u1','username':'a',%s}", cases[i].now),
				 0);
		assert_json(user("a"), expected);
	}
}

static void test_merge_refused(void **state)
{
	static const struct {
		const char *incoming;
		int r, unique;
	} cases[] = {
		{"{'email':'x'}", -EINVAL, 0},
		{"{'username':''}", -EINVAL, 0},
		{"{'username':'c','state':'ACTIVATED','suspended':true}", -EINVAL, 0},
		{"{'username':'c','state':'SUSPENDED','suspended':false}", -EINVAL, 0},
		{"{'username':'c','state':'active'}", -EINVAL, 0},
		{"{'username':'c','id':'../x'}", -EINVAL, 0},
		{"{'username':'root'}", -EKEYREJECTED, 0},
		{"{'username':'c','systemUsername':'sudo'}", -EKEYREJECTED, 0},
		{"{'username':'c','unix_uid':0}", -EKEYREJECTED, 0},
		{"{'username':'c','unix_uid':5001}", 0, 0},
		{"{'username':'c','unix_uid':5000}", 0, -EEXIST},
		{"{'username':'c','id':7}", -EINVAL, 0},
		{"{'username':'a','id':'other'}", 0, -EEXIST}, /* another person */
		{"{'username':'A'}", 0, -EEXIST},
		{"{'username':'c','systemUsername':'a'}", 0, -EEXIST},
		{"{'username':'DEVS'}", 0, -EEXIST},
		{"{'username':'b'}", 0,
		 0}, /* b and b2 share a uid, but did not come with the import */
		{"[]", -EINVAL, 0},
		{"null", -EINVAL, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(merge_done) struct merge m = {0};

		document("{'users':[{'id':'u1','username':'a','unix_uid':5000},{'id':'u2','"
			 "username':'b'},"
			 "{'id':'u3','username':'d','unix_uid':5009},{'id':'u4','username':'d2','"
			 "unix_uid':5009}],"
			 "'groups':[{'id':'g1','name':'x','attributes':{'posixGroups':[{'id':6000,'"
			 "name':'devs'}]}}]}");
		assert_int_equal(merge_init(&m, &edit, USER_ACTIVATED), 0);
		assert_int_equal(merge(&m, cases[i].incoming), cases[i].r);
		if (cases[i].r == 0)
			assert_int_equal(merge_check_unique(&m), cases[i].unique);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_add),
		cmocka_unit_test(test_add_refused),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_set),
		cmocka_unit_test(test_set_username),
		cmocka_unit_test(test_set_refused),
		cmocka_unit_test(test_delete),
		cmocka_unit_test(test_states),
		cmocka_unit_test(test_state_settles_what_is_due),
		cmocka_unit_test(test_schedule),
		cmocka_unit_test(test_expire),
		cmocka_unit_test(test_unlock_keeps_the_expiry),
		cmocka_unit_test(test_password_ends_all),
		cmocka_unit_test(test_mfa),
		cmocka_unit_test(test_mfa_enroll),
		cmocka_unit_test(test_enrolment_uri),
		cmocka_unit_test(test_groups),
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_bind),
		cmocka_unit_test(test_unbind_by_both_names),
		cmocka_unit_test(test_unbind_from_everywhere),
		cmocka_unit_test(test_merge),
		cmocka_unit_test(test_merge_null),
		cmocka_unit_test(test_merge_password),
		cmocka_unit_test(test_merge_of_a_name_that_moved),
		cmocka_unit_test(test_merge_settles_what_is_due),
		cmocka_unit_test(test_merge_refused),
	};

	return cmocka_run_group_tests(tests, NULL, tear_down);
}
