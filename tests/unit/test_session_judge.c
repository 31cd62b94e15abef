/* agentd/session_judge: whose sessions are to end by what is published, and who may keep them after all. */
#include "tests/unit/world_fixture.h"

#include <errno.h>

#include "agentd/session_judge.h"

#define UID 5001
#define NAMES(s) ((struct strlist){s, sizeof(s), 1})

/* What is published of what was added to F, as the judge has it; ended with done(). */
static struct session_judge publish(struct fixture *f)
{
	return (struct session_judge){
		.snapshot = fixture_publish(f),
		.local = f->local,
		.now = f->now,
		.set = CONF_END_SUSPENDED | CONF_END_UNBOUND,
	};
}

static void done(struct session_judge *j)
{
	j->local = NULL; /* the fixture's */
	session_judge_done(j);
}

static bool allows(struct fixture *f, const struct session_user *u)
{
	CLEANUP(done) struct session_judge j = publish(f);

	return session_judge_allows(&j, u);
}

/* Dora (u1, 5001) is suspended, and her sessions are to end. */
static struct session_user suspend(struct fixture *f)
{
	CLEANUP(done) struct session_judge j = {0};
	struct session_user by_name, u;

	USER(f, .id = "u1", .name = "dora", .uid = UID, .suspended = true);
	j = publish(f);
	assert_int_equal(session_judge_uid(&j, UID, &u), 0);
	assert_int_equal(session_judge_name(&j, "dora", &by_name), 0);
	assert_true(u.uid == UID && by_name.uid == UID && u.reason == REASON_SUSPENDED && !u.adopted);
	assert_string_equal(u.name, "dora");
	assert_string_equal(u.id, "u1");
	assert_int_equal(session_judge_uid(&j, UID + 1, &u), -ESRCH);
	assert_false(session_judge_allows(&j, &by_name));
	return by_name;
}

static void test_allowed_again(void **state)
{
	struct fixture *f = *state;
	struct session_user u = suspend(f);

	USER(f, .id = "u1", .name = "dora", .uid = UID, .suspended = true, .account_locked = true);
	assert_false(allows(f, &u));
	USER(f, .id = "u1", .name = "dora", .uid = UID, .account_locked = true); /* which ends none here */
	assert_true(allows(f, &u));
}

static void test_gone_is_not_allowed(void **state)
{
	struct fixture *f = *state;
	struct session_user u = suspend(f);

	assert_false(allows(f, &u)); /* a tombstone */
	f->now += f->conf.tombstone_ms / 1000;
	assert_false(allows(f, &u)); /* nobody knows her any more */
	assert_false(fixture_has(f, "u1"));
	USER(f, .id = "u2", .name = "theodora", .uid = UID);
	assert_false(allows(f, &u)); /* another one, whatever uid is asked for */
}

static void test_another_with_her_name(void **state)
{
	struct fixture *f = *state;
	struct session_user u = suspend(f);

	fixture_build(f);
	f->accept = NAMES("dora");
	USER(f, .id = "u2", .name = "dora", .uid = UID);
	assert_false(allows(f, &u));
	fixture_in(f, "u2", "dora", UID, UID);
}

static void test_local_is_allowed(void **state)
{
	struct fixture *f = *state;
	struct session_user u = suspend(f), taken = u;

	taken.adopted = true; /* and given back */
	USER(f, .id = "u1", .name = "dora", .uid = UID, .suspended = true);
	assert_true(allows(f, &taken));
	fixture_host(f, "dora:x:4711:100::/:/bin/sh\n", "");
	assert_true(allows(f, &u));
	fixture_host(f, "lora:x:5001:100::/:/bin/sh\n", "");
	assert_true(allows(f, &u));
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, fixture_set_up, fixture_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_allowed_again),
		TEST(test_gone_is_not_allowed),
		TEST(test_another_with_her_name),
		TEST(test_local_is_allowed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
