/* Who waits for a refresh, who need not, and who must not. */
#include "unit.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agentd/engine.h"
#include "common/wire.h"

#define FOREVER_MS 20000
#define MOMENT_MS  60

static const struct engine_view good = {.online = true, .generation = 7, .last_sync_at = 1000};
static const struct engine_view bad = {.generation = 7, .last_sync_at = 1000, .error = "no route"};

struct waiter {
	struct engine *engine;
	pthread_t thread;
	const char *id; /* NULL: all */
	int64_t max_age_ms;
	int result;
};

static void *wait_for(void *arg)
{
	struct waiter *w = arg;

	w->result = engine_refresh(w->engine, w->id, w->max_age_ms, wire_now_ms() + FOREVER_MS);
	return NULL;
}

static void start(struct waiter *w, struct engine *e, int64_t max_age_ms)
{
	*w = (struct waiter){.engine = e, .max_age_ms = max_age_ms, .result = 1};
	assert_int_equal(pthread_create(&w->thread, NULL, wait_for, w), 0);
}

static int end(struct waiter *w)
{
	pthread_join(w->thread, NULL);
	return w->result;
}

/* Until somebody waits: there is no other way to see that. */
static void wait_until_wanted(struct engine *e)
{
	for (int i = 0; i < 2000 && !engine_wanted(e); i++)
		usleep(1000);
	assert_true(engine_wanted(e));
}

static int quick(struct engine *e, int64_t max_age_ms)
{
	return engine_refresh(e, NULL, max_age_ms, wire_now_ms() + MOMENT_MS);
}

static void sync_now(struct engine *e, bool ok)
{
	engine_begin(e);
	engine_end(e, ok, ok ? &good : &bad);
}

static struct engine *new_engine(const char *document)
{
	struct engine *e;

	assert_int_equal(engine_new(&e), 0);
	assert_int_equal(engine_set_directory(e, document, false), 0);
	return e;
}

static void test_all_share_one(void **state)
{
	struct engine *e = new_engine(NULL);
	struct engine_view view;
	struct waiter w[8];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(w); i++)
		start(&w[i], e, 60000);
	wait_until_wanted(e);
	sync_now(e, true);
	for (size_t i = 0; i < ARRAY_SIZE(w); i++)
		assert_int_equal(end(&w[i]), 0);
	assert_false(engine_wanted(e));
	assert_int_equal(quick(e, 60000), 0);
	assert_false(engine_wanted(e));
	engine_view(e, &view);
	assert_true(view.online);
	assert_int_equal(view.generation, 7);
	engine_free(e);
}

static void test_too_old_is_asked_again(void **state)
{
	struct engine *e = new_engine(NULL);
	struct waiter w;

	(void)state;
	sync_now(e, true);
	usleep(5000);
	start(&w, e, 1);
	wait_until_wanted(e);
	sync_now(e, true);
	assert_int_equal(end(&w), 0);
	engine_free(e);
}

static void test_one_in_flight_serves(void **state)
{
	struct engine *e = new_engine(NULL);
	struct waiter w;

	(void)state;
	engine_begin(e);
	engine_poke(e, NULL, 60000);
	assert_false(engine_wanted(e));
	start(&w, e, 60000);
	usleep(MOMENT_MS * 1000);
	assert_false(engine_wanted(e));
	engine_end(e, true, &good);
	assert_int_equal(end(&w), 0);
	engine_free(e);
}

/* What began before the question does not answer one that wants it newer. */
static void test_one_in_flight_is_too_old(void **state)
{
	struct engine *e = new_engine(NULL);
	struct waiter w;

	(void)state;
	engine_begin(e);
	usleep(5000);
	start(&w, e, 0);
	wait_until_wanted(e);
	engine_end(e, true, &good);
	usleep(MOMENT_MS * 1000);
	assert_int_equal(w.result, 1);
	sync_now(e, true);
	assert_int_equal(end(&w), 0);
	engine_free(e);
}

static void test_off_line(void **state)
{
	struct engine *e = new_engine(NULL);
	int64_t begin;
	struct waiter w;

	(void)state;
	start(&w, e, 0);
	wait_until_wanted(e);
	sync_now(e, false);
	assert_int_equal(end(&w), -EHOSTUNREACH);
	begin = wire_now_ms();
	assert_int_equal(engine_refresh(e, NULL, 0, begin + FOREVER_MS), -EHOSTUNREACH);
	assert_true(wire_now_ms() - begin < 1000);
	engine_poke(e, NULL, 0);
	assert_false(engine_wanted(e));
	sync_now(e, true);
	assert_int_equal(quick(e, 60000), 0);
	engine_free(e);
}

/* One waits in vain, the next does not wait; what was known before is still good enough for those whom it was. */
static void test_time_out(void **state)
{
	struct engine *e = new_engine(NULL);
	struct engine_view view;
	int64_t begin;

	(void)state;
	sync_now(e, true);
	usleep(5000);
	engine_begin(e);
	assert_int_equal(quick(e, 0), -ETIMEDOUT);
	begin = wire_now_ms();
	assert_int_equal(engine_refresh(e, NULL, 0, begin + FOREVER_MS), -EHOSTUNREACH);
	assert_true(wire_now_ms() - begin < 1000);
	assert_int_equal(quick(e, 60000), 0);
	engine_view(e, &view);
	assert_false(view.online);
	engine_end(e, true, &good);
	engine_view(e, &view);
	assert_true(view.online);
	engine_free(e);
}

static void test_by_hand(void **state)
{
	struct engine *e = new_engine(NULL);
	struct waiter w;

	(void)state;
	sync_now(e, false);
	engine_note(e, &good);
	start(&w, e, 0);
	wait_until_wanted(e);
	sync_now(e, true);
	assert_int_equal(end(&w), 0);
	engine_free(e);
}

static void write_document(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void test_document(void **state)
{
	char dir[] = "/tmp/test_engine.XXXXXX", path[64];
	struct engine *e;
	struct waiter w;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/directory.json", dir);
	write_document(path, "1");
	e = new_engine(path);
	sync_now(e, true);
	usleep(5000);
	assert_int_equal(quick(e, 0), 0); /* the same file: nothing is newer */
	write_document(path, "22");
	engine_poke(e, NULL, 60000);
	assert_true(engine_wanted(e));
	start(&w, e, 60000); /* another file, however lately it was read */
	usleep(MOMENT_MS * 1000);
	sync_now(e, false);
	assert_int_equal(end(&w), -EHOSTUNREACH);
	assert_int_equal(quick(e, 60000), -EHOSTUNREACH);
	write_document(path, "333"); /* mended */
	start(&w, e, 60000);
	wait_until_wanted(e);
	sync_now(e, true);
	assert_int_equal(end(&w), 0);
	unlink(path);
	assert_int_equal(quick(e, 60000), -ETIMEDOUT);
	rmdir(dir);
	engine_free(e);
}

static void test_another_directory(void **state)
{
	struct engine *e = new_engine(NULL);

	(void)state;
	sync_now(e, true);
	assert_int_equal(engine_set_directory(e, NULL, false), 0);
	assert_int_equal(quick(e, 60000), 0);
	engine_begin(e);
	assert_int_equal(engine_set_directory(e, "/nonexistent/directory.json", false), 0);
	engine_end(e, true, &good);
	assert_int_equal(engine_set_directory(e, NULL, false), 0);
	assert_int_equal(quick(e, 60000), -ETIMEDOUT);
	engine_free(e);
}

static void start_for(struct waiter *w, struct engine *e, const char *id)
{
	*w = (struct waiter){.engine = e, .id = id, .max_age_ms = 60000, .result = 1};
	assert_int_equal(pthread_create(&w->thread, NULL, wait_for, w), 0);
}

/* Until so many users are asked for, who are IDS then: "a b ". */
static void begin_users(struct engine *e, unsigned int n, const char *ids)
{
	CLEANUP(buf_done) struct buf all = {0};
	uint32_t begun = 0;

	for (int i = 0; i < 20000 && begun < n; i++) {
		begun += engine_begin_users(e, &all);
		usleep(1000);
	}
	assert_int_equal(begun, n);
	for (size_t i = 0; i < all.len; i++)
		if (!all.data[i])
			all.data[i] = ' ';
	assert_int_equal(buf_add(&all, "", 1), 0);
	assert_string_equal((const char *)all.data, ids);
}

static struct engine *new_by_user(void)
{
	struct engine *e = new_engine(NULL);

	assert_int_equal(engine_set_directory(e, NULL, true), 0);
	return e;
}

static int quick_for(struct engine *e, const char *id)
{
	return engine_refresh(e, id, 60000, wire_now_ms() + MOMENT_MS);
}

/* Each waits for his own record; one refresh of it serves all who ask for it. */
static void test_by_user(void **state)
{
	struct engine *e = new_by_user();
	struct waiter a[3], b, all;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(a); i++)
		start_for(&a[i], e, "a");
	begin_users(e, 1, "a ");
	start_for(&b, e, "b");
	begin_users(e, 1, "b "); /* also while another one's is in flight */
	assert_false(engine_wanted(e));
	engine_end_users(e, true, false, &good);
	for (size_t i = 0; i < ARRAY_SIZE(a); i++)
		assert_int_equal(end(&a[i]), 0);
	assert_int_equal(end(&b), 0);
	assert_int_equal(quick_for(e, "a"), 0);
	start(&all, e, 60000); /* who is not known is in the whole list only */
	wait_until_wanted(e);
	sync_now(e, true);
	assert_int_equal(end(&all), 0);
	assert_int_equal(quick_for(e, "c"), 0); /* a sync confirms everybody */
	engine_free(e);
}

static int64_t pretend(struct engine *e, const char *name, int64_t max_age_ms)
{
	int64_t from_ms = wire_now_ms();

	engine_pretend(e, name, max_age_ms, FOREVER_MS);
	return wire_now_ms() - from_ms;
}

/* A name that nobody knows takes as long as one that somebody has, and where that takes no time, none. */
static void test_pretend(void **state)
{
	const int64_t took_ms = 20 * MOMENT_MS; /* a busy machine takes time of its own */
	struct engine *e = new_by_user();
	struct waiter a;

	(void)state;
	assert_in_range(pretend(e, "ghost", 60000), 0, took_ms - 1); /* none was ever asked for */
	start_for(&a, e, "a");
	begin_users(e, 1, "a ");
	usleep((useconds_t)took_ms * 1000);
	engine_end_users(e, true, false, &good);
	assert_int_equal(end(&a), 0);
	assert_in_range(pretend(e, "ghost2", 60000), took_ms, FOREVER_MS);
	assert_in_range(pretend(e, "ghost2", 60000), 0, took_ms - 1); /* as one who was asked for a moment ago */
	assert_in_range(pretend(e, "ghost2", 0), took_ms, FOREVER_MS);
	assert_false(engine_wanted(e)); /* nor was anybody asked */
	engine_begin(e);
	engine_end(e, true, &good);
	assert_in_range(pretend(e, "ghost3", 60000), 0, took_ms - 1);
	engine_begin(e);
	engine_end(e, false, &bad);
	assert_in_range(pretend(e, "ghost4", 0), 0, took_ms - 1); /* off line nobody waits */
	engine_free(e);
}

static void test_by_user_off_line(void **state)
{
	struct engine *e = new_by_user();
	CLEANUP(buf_done) struct buf none = {0};
	struct waiter a;

	(void)state;
	start_for(&a, e, "a");
	begin_users(e, 1, "a ");
	engine_poke(e, "b", 60000);
	engine_end_users(e, false, false, &bad);
	assert_int_equal(end(&a), -EHOSTUNREACH);
	assert_int_equal(quick_for(e, "a"), -EHOSTUNREACH);
	assert_int_equal(engine_begin_users(e, &none), 0); /* nor is b asked for */
	sync_now(e, true);
	assert_int_equal(quick_for(e, "a"), 0);
	engine_free(e);
}

/* He waits as long as he may, and then nobody does. */
static void test_by_user_time_out(void **state)
{
	struct engine *e = new_by_user();

	(void)state;
	assert_int_equal(quick_for(e, "a"), -ETIMEDOUT);
	begin_users(e, 1, "a ");
	assert_int_equal(quick_for(e, "b"), -EHOSTUNREACH);
	engine_end_users(e, true, false, &good); /* late, but it came */
	assert_int_equal(quick_for(e, "a"), 0);
	assert_int_equal(quick_for(e, "b"), -ETIMEDOUT);
	engine_free(e);
}

/* Where one record is not enough, those who wait for it wait for all. */
static void test_by_user_whole(void **state)
{
	struct engine *e = new_by_user();
	CLEANUP(buf_done) struct buf none = {0};
	struct waiter a;

	(void)state;
	start_for(&a, e, "a");
	begin_users(e, 1, "a ");
	engine_end_users(e, false, true, NULL);
	wait_until_wanted(e);
	assert_int_equal(engine_begin_users(e, &none), 0);
	sync_now(e, true);
	assert_int_equal(end(&a), 0);
	assert_int_equal(engine_set_directory(e, NULL, false), 0); /* another one: nothing is known */
	assert_int_equal(quick_for(e, "a"), -ETIMEDOUT);
	assert_true(engine_wanted(e));
	engine_free(e);
}

/* More than there is place for: those who come too late do not wait. Places of those who are served are free again. */
static void test_by_user_many(void **state)
{
	struct engine *e = new_by_user();
	CLEANUP(buf_done) struct buf ids = {0};
	char id[8];

	(void)state;
	for (int i = 0; i < ENGINE_USERS; i++) {
		snprintf(id, sizeof(id), "u%d", i);
		engine_poke(e, id, 60000);
	}
	assert_int_equal(quick_for(e, "more"), -EBUSY);
	assert_int_equal(engine_begin_users(e, &ids), ENGINE_AT_ONCE);
	assert_int_equal(quick_for(e, "more"), -EBUSY);
	engine_end_users(e, true, false, &good);
	assert_int_equal(quick_for(e, "more"), -ETIMEDOUT);
	engine_free(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_share_one),
		cmocka_unit_test(test_too_old_is_asked_again),
		cmocka_unit_test(test_one_in_flight_serves),
		cmocka_unit_test(test_one_in_flight_is_too_old),
		cmocka_unit_test(test_off_line),
		cmocka_unit_test(test_time_out),
		cmocka_unit_test(test_by_hand),
		cmocka_unit_test(test_document),
		cmocka_unit_test(test_another_directory),
		cmocka_unit_test(test_by_user),
		cmocka_unit_test(test_pretend),
		cmocka_unit_test(test_by_user_off_line),
		cmocka_unit_test(test_by_user_time_out),
		cmocka_unit_test(test_by_user_whole),
		cmocka_unit_test(test_by_user_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
