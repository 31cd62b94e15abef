/* metrics.prom: every line is one that an OpenMetrics parser takes, and counts what it says it counts. */
#include "unit.h"

#include <fcntl.h>
#include <pthread.h>
#include <regex.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "agentd/counters.h"
#include "agentd/file.h"
#include "agentd/metrics.h"

static char dir[] = "/tmp/test_metrics.XXXXXX", path[64];

static struct buf save(const struct sync_status *s)
{
	const struct metrics m = {.syncs_ok = 3, .syncs_died = 1};
	struct buf b = {0};

	assert_int_equal(metrics_save(dir, &m, s, true), 0);
	assert_int_equal(file_read(path, 1 << 20, &b), 0);
	return b;
}

static void assert_line(const struct buf *b, const char *line)
{
	AUTO_FREE char *needle = str_format("\n%s\n", line);

	assert_non_null(needle);
	if (!strstr((const char *)b->data, needle))
		fail_msg("no line '%s' in\n%s", line, (const char *)b->data);
}

static void *count(void *unused)
{
	(void)unused;
	for (int i = 0; i < 10000; i++)
		counters_answer("sudo", REASON_SUSPENDED);
	return NULL;
}

static void test_counts(void **state)
{
	pthread_t threads[4];
	struct buf b;

	(void)state;
	counters_answer("sshd", REASON_OK);
	counters_answer("sshd", REASON_OK);
	counters_answer("sshd", REASON_LOCKED);
	counters_answer("cron", REASON_OK);
	counters_answer("atd", REASON_UNAVAILABLE);
	counters_answer("\"} 1\n", REASON_UNKNOWN_USER);
	counters_answer("", (enum reason)77);
	counters_refresh(0);
	counters_refresh(-ETIMEDOUT);
	counters_refresh(-ETIMEDOUT);
	counters_refresh(-EHOSTUNREACH);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, count, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	b = save(&(struct sync_status){.accounts = 5, .held = 6, .last_sync_at = time(NULL) - 100});
	assert_line(&b, "muster_answers_total{service=\"sshd\",reason=\"ok\"} 2");
	assert_line(&b, "muster_answers_total{service=\"sshd\",reason=\"locked\"} 1");
	assert_line(&b, "muster_answers_total{service=\"job\",reason=\"ok\"} 1");
	assert_line(&b, "muster_answers_total{service=\"job\",reason=\"unavailable\"} 1");
	assert_line(&b, "muster_answers_total{service=\"other\",reason=\"unknown_user\"} 1");
	assert_line(&b, "muster_answers_total{service=\"other\",reason=\"undecided\"} 1");
	assert_line(&b, "muster_answers_total{service=\"sudo\",reason=\"suspended\"} 40000");
	assert_line(&b, "muster_refreshes_total{result=\"ok\"} 1");
	assert_line(&b, "muster_refreshes_total{result=\"offline\"} 1");
	assert_line(&b, "muster_refreshes_total{result=\"timeout\"} 2");
	assert_line(&b, "muster_syncs_total{result=\"ok\"} 3");
	assert_line(&b, "muster_accounts 5");
	assert_line(&b, "muster_held 6");
	assert_line(&b, "muster_online 1");
	assert_true(strstr((char *)b.data, "muster_data_age_seconds 10"));
	assert_null(strstr((char *)b.data, "\"login\""));
	buf_done(&b);
}

/* Samples belong to the family that the lines above them announce, and nothing follows "# EOF". */
static void test_form(void **state)
{
	struct buf b = save(&(struct sync_status){0});
	char family[64] = "", counter[80] = "";
	bool ended = false;
	regex_t sample;

	(void)state;
	assert_int_equal(regcomp(&sample, "^[a-z_]+([{][a-z]+=\"[a-z_]+\"(,[a-z]+=\"[a-z_]+\")*[}])? [0-9]+$",
				 REG_EXTENDED | REG_NOSUB),
			 0);
	assert_line(&b, "muster_data_age_seconds 0");
	for (char *rest = (char *)b.data, *line; (line = strsep(&rest, "\n"));) {
		size_t name = strcspn(line, "{ ");

		assert_false(ended && *line);
		if (strcmp(line, "# EOF") == 0) {
			ended = true;
		} else if (strncmp(line, "# HELP ", 7) == 0) {
			snprintf(family, sizeof(family), "%.*s", (int)strcspn(line + 7, " "), line + 7);
			snprintf(counter, sizeof(counter), "%s_total", family);
		} else if (strncmp(line, "# TYPE ", 7) == 0) {
			assert_int_equal(strncmp(line + 7, family, strlen(family)), 0);
			if (strcmp(line + 7 + strlen(family), " gauge") == 0)
				snprintf(counter, sizeof(counter), "%s", family);
		} else if (*line) {
			assert_int_equal(regexec(&sample, line, 0, NULL, 0), 0);
			assert_true(name == strlen(counter) && strncmp(line, counter, name) == 0);
		}
	}
	assert_true(ended);
	regfree(&sample);
	buf_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_form),
	};
	int r;

	if (!mkdtemp(dir))
		return 1;
	snprintf(path, sizeof(path), "%s/%s", dir, METRICS_FILE);
	r = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	rmdir(dir);
	return r;
}
