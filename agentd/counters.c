#include "agentd/counters.h"

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <string.h>

/* Any other is "other". Jobs are what never waits (pam/agent.c). */
static const struct {
	const char *service, *class;
} classes[] = {
	{"sshd", "sshd"},        {"login", "login"}, {"gdm-password", "login"},
	{"lightdm", "login"},    {"sddm", "login"},  {"su", "su"},
	{"su-l", "su"},          {"sudo", "sudo"},   {"sudo-i", "sudo"},
	{"cron", "job"},         {"crond", "job"},   {"atd", "job"},
	{"systemd-user", "job"},
};

static const char *const class_names[] = {"sshd", "login", "su", "sudo", "job", "other"};
#define CLASSES ARRAY_SIZE(class_names)

#define REFUSALS (REASON_LAST + 1) /* REASON_OK, far from the others, comes after them */
static atomic_uint_fast64_t answers[CLASSES][REFUSALS + 1];

enum refresh {
	REFRESH_OK,
	REFRESH_OFFLINE,
	REFRESH_TIMEOUT,
};
static const char *const refresh_names[] = {"ok", "offline", "timeout"};
static atomic_uint_fast64_t refreshes[ARRAY_SIZE(refresh_names)];

static size_t class_of(const char *service)
{
	const char *name = class_names[CLASSES - 1];
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(classes); i++)
		if (strcmp(service, classes[i].service) == 0)
			name = classes[i].class;
	while (strcmp(class_names[n], name) != 0)
		n++;
	return n;
}

static void add(atomic_uint_fast64_t *cell)
{
	atomic_fetch_add_explicit(cell, 1, memory_order_relaxed);
}

void counters_answer(const char *service, enum reason reason)
{
	size_t column = reason == REASON_OK ? REFUSALS : reason < REFUSALS ? reason : REASON_UNDECIDED;

	add(&answers[class_of(service)][column]);
}

void counters_refresh(int r)
{
	add(&refreshes[r == 0 ? REFRESH_OK : r == -ETIMEDOUT ? REFRESH_TIMEOUT : REFRESH_OFFLINE]);
}

static int add_text(struct buf *out, const char *text)
{
	return text ? buf_add(out, text, strlen(text)) : -ENOMEM;
}

static int print_answers(struct buf *out, size_t class)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i <= REFUSALS; i++) {
		uint64_t n = atomic_load_explicit(&answers[class][i], memory_order_relaxed);
		AUTO_FREE char *line = NULL;

		if (n == 0)
			continue;
		line = str_format("muster_answers_total{service=\"%s\",reason=\"%s\"} %" PRIu64 "\n",
				  class_names[class], reason_name(i == REFUSALS ? REASON_OK : (enum reason)i),
				  n);
		r = add_text(out, line);
	}
	return r;
}

int counters_print(struct buf *out)
{
	int r = add_text(
		out,
		"# HELP muster_answers Answers to pam_muster since musterd was started; ok is no more than "
		"\"nothing known against it\".\n# TYPE muster_answers counter\n");

	for (size_t i = 0; r == 0 && i < CLASSES; i++)
		r = print_answers(out, i);
	if (r == 0)
		r = add_text(out,
			     "# HELP muster_refreshes Times a login asked for newer data, by how it ended.\n"
			     "# TYPE muster_refreshes counter\n");
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(refreshes); i++) {
		AUTO_FREE char *line =
			str_format("muster_refreshes_total{result=\"%s\"} %" PRIu64 "\n", refresh_names[i],
				   (uint64_t)atomic_load_explicit(&refreshes[i], memory_order_relaxed));

		r = add_text(out, line);
	}
	return r;
}
