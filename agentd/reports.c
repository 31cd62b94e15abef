#include "agentd/reports.h"

#include <errno.h>
#include <string.h>

#include "agentd/file.h"

/* The file: FORMAT and then a line a lock, five words with a space between: id, uid, boot, milliseconds, and one of: */
#define FORMAT	"muster-reports/1"
#define WAITING "waiting"
#define SENT	"sent"
#define WORDS	5
#define LINE	(OBJECT_ID_MAX + BOOT_ID_SIZE + 64)
#define FILE_MAX ((REPORTS_MAX + 1) * LINE)

void reports_done(struct reports *r)
{
	buf_done(&r->list);
}

uint32_t reports_count(const struct reports *r)
{
	return (uint32_t)(r->list.len / sizeof(struct report));
}

struct report *reports_at(const struct reports *r, uint32_t place)
{
	return r->list.data ? (struct report *)(void *)r->list.data + place : NULL;
}

/* Cut LINE into its words. */
static int split(char *line, char *words[static WORDS])
{
	for (size_t i = 0; i < WORDS; i++) {
		char *end = strchr(line, i + 1 < WORDS ? ' ' : '\0');

		if (!end || end == line)
			return -EBADMSG;
		*end = '\0';
		words[i] = line;
		line = end + 1;
	}
	return 0;
}

static int parse_line(char *line, struct report *ret)
{
	char *words[WORDS];
	uint64_t at;
	int r = split(line, words);

	if (r < 0 || !object_id_valid(words[0]) || parse_u32(words[1], 1, UINT32_MAX, &ret->uid) < 0 ||
	    parse_u64(words[3], 1, INT64_MAX, &at) < 0 ||
	    str_print(ret->id, sizeof(ret->id), "%s", words[0]) < 0 ||
	    str_print(ret->boot_id, sizeof(ret->boot_id), "%s", words[2]) < 0)
		return -EBADMSG;
	ret->locked_at_ms = (int64_t)at;
	ret->sent = !strcmp(words[4], SENT);
	return ret->sent || !strcmp(words[4], WAITING) ? 0 : -EBADMSG;
}

static int parse(char *text, struct reports *r)
{
	char *line, *next;

	for (line = text; *line; line = next) {
		char *end = strchr(line, '\n');
		struct report report;
		int rc;

		if (!end)
			return -EBADMSG;
		*end = '\0';
		next = end + 1;
		if (line == text) {
			if (strcmp(line, FORMAT))
				return -EBADMSG;
			continue;
		}
		rc = parse_line(line, &report);
		if (rc == 0)
			rc = buf_add(&r->list, &report, sizeof(report));
		if (rc < 0)
			return rc;
	}
	return line == text || reports_count(r) > REPORTS_MAX ? -EBADMSG : 0;
}

int reports_load(const char *state_dir, struct reports *r)
{
	AUTO_FREE char *path = str_format("%s/" REPORTS_FILE, state_dir);
	CLEANUP(buf_done) struct buf text = {0};
	int rc = path ? file_read(path, FILE_MAX, &text) : -ENOMEM;

	if (rc < 0)
		return rc == -ENOENT ? 0 : rc;
	if (strlen((const char *)text.data) == text.len)
		rc = parse((char *)text.data, r);
	else
		rc = -EBADMSG;
	if (rc < 0)
		r->list.len = 0;
	return rc;
}

int reports_save(const char *state_dir, struct reports *r)
{
	CLEANUP(buf_done) struct buf text = {0};
	int rc = r->changed ? buf_add(&text, FORMAT "\n", strlen(FORMAT "\n")) : 0;

	if (!r->changed)
		return 0;
	for (uint32_t i = 0; rc == 0 && i < reports_count(r); i++) {
		const struct report *e = reports_at(r, i);
		char line[LINE];

		rc = str_print(line, sizeof(line), "%s %u %s %lld %s\n", e->id, e->uid, e->boot_id,
			       (long long)e->locked_at_ms, e->sent ? SENT : WAITING);
		if (rc == 0)
			rc = buf_add(&text, line, strlen(line));
	}
	if (rc == 0)
		rc = file_replace(state_dir, REPORTS_FILE, 0600, text.data, text.len);
	if (rc == 0)
		r->changed = false;
	return rc;
}

void reports_mark_sent(struct reports *r, uint32_t place)
{
	reports_at(r, place)->sent = true;
	r->changed = true;
}

void reports_drop(struct reports *r, uint32_t place)
{
	struct report *e = reports_at(r, place);

	memmove(e, e + 1, (reports_count(r) - place - 1) * sizeof(*e));
	r->list.len -= sizeof(*e);
	r->changed = true;
}

void reports_postpone(struct reports *r, uint32_t place)
{
	struct report *e = reports_at(r, place), one = *e;
	uint32_t behind = reports_count(r) - place - 1;

	memmove(e, e + 1, behind * sizeof(*e));
	e[behind] = one;
	r->changed |= behind > 0;
}

static const struct report *find(const struct report *all, uint32_t n, const char *id)
{
	for (uint32_t i = 0; i < n; i++)
		if (!strcmp(all[i].id, id))
			return &all[i];
	return NULL;
}

/* Is E, of the tallies of NOW, done with: nothing to tell, or told of a lock that is over? */
static bool is_over(const struct report *e, const struct report *now, const char *boot_id)
{
	if (strcmp(e->boot_id, boot_id))
		return e->sent; /* its tally is gone, whatever there is now came later */
	return !now || (e->sent && now->locked_at_ms > e->locked_at_ms);
}

int reports_update(struct reports *r, const struct report *locks, uint32_t n, const char *boot_id)
{
	for (uint32_t i = reports_count(r); i-- > 0;)
		if (is_over(reports_at(r, i), find(locks, n, reports_at(r, i)->id), boot_id))
			reports_drop(r, i);
	for (uint32_t i = 0; i < n; i++) {
		int rc;

		if (find(reports_at(r, 0), reports_count(r), locks[i].id))
			continue;
		if (reports_count(r) >= REPORTS_MAX)
			return -ENOSPC;
		rc = buf_add(&r->list, &locks[i], sizeof(locks[i]));
		if (rc < 0)
			return rc;
		r->changed = true;
	}
	return 0;
}
