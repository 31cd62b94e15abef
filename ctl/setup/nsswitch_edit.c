#include "ctl/setup/nsswitch_edit.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "common/paths.h"
#include "ctl/doctor/nsswitch.h"

#define SPACE      " \t\r\v\f"
#define MUSTER     "muster"
#define MERGE      "[SUCCESS=merge]"
#define TOKENS_MAX 64

/* A service, or actions in their brackets. */
struct token {
	const char *s;
	size_t len;
};

/* One line of the file. */
struct line {
	const char *start, *end; /* END: its '\n', or NUL */
	struct token tokens[TOKENS_MAX];
	size_t count; /* 0: it names no services */
};

static bool is(const struct token *t, const char *word)
{
	return t->len == strlen(word) && strncasecmp(t->s, word, t->len) == 0;
}

static bool is_local(const struct token *t)
{
	return is(t, "files") || is(t, "compat");
}

/* What stands behind the colon; more than TOKENS_MAX is not seen. */
static void split(struct line *l)
{
	const char *end = l->start + strcspn(l->start, "#\n");
	const char *s = memchr(l->start, ':', (size_t)(end - l->start));

	l->end = l->start + strcspn(l->start, "\n");
	for (l->count = 0; s && l->count < TOKENS_MAX;) {
		struct token *t = &l->tokens[l->count];

		while (s < end && strchr(SPACE ":", *s))
			s++;
		if (s == end)
			break;
		t->s = s;
		if (*s == '[') {
			const char *close = memchr(s, ']', (size_t)(end - s));

			t->len = close ? (size_t)(close - s) + 1 : (size_t)(end - s);
		} else {
			for (t->len = 0; s + t->len < end && !strchr(SPACE "[", s[t->len]);)
				t->len++;
		}
		s += t->len;
		l->count++;
	}
}

/* Is token I to go when muster is taken out? */
static bool is_ours(const struct line *l, size_t i, bool merge)
{
	const struct token *t = &l->tokens[i];

	return is(t, MUSTER) || (*t->s == '[' && i > 0 && is(t - 1, MUSTER)) ||
	       (merge && is(t, MERGE) && i + 1 < l->count && is(t + 1, MUSTER));
}

/* The line without muster, and with INSERT behind the token AT, -1: nowhere. */
static int copy_line(const struct line *l, bool merge, int at, const char *insert, struct buf *out)
{
	const char *from = l->start;
	int r = 0;

	for (size_t i = 0; r == 0 && i < l->count; i++) {
		const struct token *t = &l->tokens[i];

		if (is_ours(l, i, merge)) { /* the blanks before it go with it */
			const char *keep = i ? t[-1].s + t[-1].len : t->s;

			if (keep > from)
				r = buf_add(out, from, (size_t)(keep - from));
			from = t->s + t->len;
		}
		if (r == 0 && (int)i == at) {
			if (t->s + t->len > from)
				r = buf_add(out, from, (size_t)(t->s + t->len - from));
			from = t->s + t->len;
			if (r == 0)
				r = buf_add(out, insert, strlen(insert));
		}
	}
	return r < 0 ? r : buf_add(out, from, (size_t)(l->end + (*l->end == '\n') - from));
}

static int terminate(struct buf *out)
{
	int r = buf_add(out, "", 1);

	out->len -= r == 0;
	return r;
}

int nsswitch_remove(const char *text, bool merge, struct buf *out)
{
	int r = 0;

	for (struct line l = {.start = text}; r == 0 && *l.start;) {
		split(&l);
		r = copy_line(&l, merge, -1, "", out);
		l.start = l.end + (*l.end == '\n');
	}
	return r < 0 ? r : terminate(out);
}

bool nsswitch_names_muster(const char *text)
{
	for (struct line l = {.start = text}; *l.start; l.start = l.end + (*l.end == '\n')) {
		split(&l);
		for (size_t i = 0; i < l.count; i++)
			if (is(&l.tokens[i], MUSTER))
				return true;
	}
	return false;
}

/* Where local users are looked up, -1: nowhere. */
static int find_files(const struct nsswitch *n)
{
	for (unsigned i = 0; i < n->count; i++)
		if (strcmp(n->services[i].name, "files") == 0 || strcmp(n->services[i].name, "compat") == 0)
			return (int)i;
	return -1;
}

static bool goes_on(const struct nsswitch_service *s)
{
	return s->on[NSSWITCH_NOTFOUND] == NSSWITCH_CONTINUE && s->on[NSSWITCH_UNAVAIL] == NSSWITCH_CONTINUE &&
	       s->on[NSSWITCH_TRYAGAIN] == NSSWITCH_CONTINUE && s->on[NSSWITCH_SUCCESS] != NSSWITCH_CONTINUE;
}

static bool is_right(const struct nsswitch *n, bool merge)
{
	int muster = nsswitch_find(n, MUSTER), files = find_files(n);

	if (muster < 0 || files < 0 || muster < files)
		return false;
	for (int i = 0; i < muster; i++)
		if (n->services[i].on[NSSWITCH_NOTFOUND] == NSSWITCH_RETURN)
			return false;
	return !merge || nsswitch_merges(n, files, muster);
}

static int refuse(struct fault *f, unsigned line, const char *why)
{
	fault_set(f, -EKEYREJECTED, MUSTER_ETC "/nsswitch.conf:%u: %s", line, why);
	fault_hint(f, "edit the line by hand, as in 'passwd: files muster' and 'group: files " MERGE " muster'");
	return -EKEYREJECTED;
}

/* The line that counts for a database, as N has it, with muster where it belongs. */
static int change_line(const struct line *l, const struct nsswitch *n, bool merge, struct buf *out, struct fault *f)
{
	int files = find_files(n);
	size_t at = 0;
	bool has_merge;

	if (files < 0)
		return refuse(f, n->line, "it does not name 'files'");
	if (!goes_on(&n->services[files]))
		return refuse(f, n->line, "the actions of 'files' keep a lookup from getting to muster");
	while (at < l->count && !is_local(&l->tokens[at]))
		at++;
	if (at == l->count)
		return refuse(f, n->line, "it cannot be understood");
	has_merge = n->services[files].on[NSSWITCH_SUCCESS] == NSSWITCH_MERGE;
	if (at + 1 < l->count && *l->tokens[at + 1].s == '[') { /* actions of its own */
		if (merge && !has_merge)
			return refuse(f, n->line, "the actions of 'files' keep groups from being merged");
		at++;
	}
	return copy_line(l, false, (int)at, merge && !has_merge ? " " MERGE " " MUSTER : " " MUSTER, out);
}

/* TEXT with the line of DATABASE as it should be; one that is missing is made where NEEDED. */
static int change(const char *text, const char *database, bool merge, bool needed, struct buf *out, struct fault *f)
{
	struct nsswitch n = {0};
	int r = nsswitch_parse(text, database, &n);
	bool missing = r == -ENOENT, right = r == 0 && is_right(&n, merge);
	struct line l = {.start = text};

	if (r < 0 && !missing)
		return refuse(f, n.line, "it cannot be understood");
	r = 0;
	for (unsigned number = 1; r == 0 && *l.start; number++) {
		split(&l);
		r = number == n.line && !missing && !right
			    ? change_line(&l, &n, merge, out, f)
			    : buf_add(out, l.start, (size_t)(l.end + (*l.end == '\n') - l.start));
		l.start = l.end + (*l.end == '\n');
	}
	if (r == 0 && missing && needed) { /* as glibc goes by without one */
		AUTO_FREE char *line = str_format("%s%s: files%s " MUSTER "\n",
						  out->len && out->data[out->len - 1] != '\n' ? "\n" : "", database,
						  merge ? " " MERGE : "");

		r = line ? buf_add(out, line, strlen(line)) : -ENOMEM;
	}
	return r < 0 ? r : terminate(out);
}

int nsswitch_add(const char *text, struct buf *out, struct fault *f)
{
	CLEANUP(buf_done) struct buf passwd = {0};
	CLEANUP(buf_done) struct buf group = {0};
	int r = change(text, "passwd", false, true, &passwd, f);

	if (r == 0)
		r = change((const char *)passwd.data, "group", true, true, &group, f);
	return r < 0 ? r : change((const char *)group.data, "initgroups", false, false, out, f);
}
