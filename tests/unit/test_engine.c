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
	int64_t max_age_ms;
	int result;
};

static void *wait_for(void *arg)
{
	struct waiter *w = arg;

	w->result = engine_refresh(w->engine, w->max_age_ms, wire_now_ms() + FOREVER_MS);
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
	return engine_refresh(e, max_age_ms, wire_now_ms() + MOMENT_MS);
}

static void sync_now(struct engine *e, bool ok)
{
	engine_begin(e);
	engine_end(e, ok, ok ? &good : &bad);
}

static struct engine *new_engine(const char *document)
{
	struct engine *e;

	assert_int_equal(engine_new(document, &e), 0);
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
	engine_poke(e, 60000);
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
	assert_int_equal(engine_refresh(e, 0, begin + FOREVER_MS), -EHOSTUNREACH);
	assert_true(wire_now_ms() - begin < 1000);
	engine_poke(e, 0);
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
	assert_int_equal(engine_refresh(e, 0, begin + FOREVER_MS), -EHOSTUNREACH);
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
	engine_poke(e, 60000);
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
	assert_int_equal(engine_set_document(e, NULL), 0);
	assert_int_equal(quick(e, 60000), 0);
	engine_begin(e);
	assert_int_equal(engine_set_document(e, "/nonexistent/directory.json"), 0);
	engine_end(e, true, &good);
	assert_int_equal(engine_set_document(e, NULL), 0);
	assert_int_equal(quick(e, 60000), -ETIMEDOUT);
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
