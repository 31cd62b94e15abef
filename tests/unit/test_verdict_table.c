/*
 * docs/verdicts.md: the golden table of verdict_decide() over all combinations of its inputs.
 *   test_verdict_table          proves that the file says, once, what the code does for each
 *   test_verdict_table --write  writes the file anew; review the difference
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/macros.h"
#include "common/str.h"
#include "common/verdict.h"

#define NOW        INT64_C(1700000000)
#define LEASE_S    1209600
#define WARN_S     604800
#define WEDNESDAY  (1 << 2) /* no zone: a rule with hours denies */
#define VALUES_MAX 4
#define LINE_SIZE  512

/* The order of the columns; the first is the slowest when counting through all combinations. */
enum column {
	BOUND,
	STATE,
	ACCOUNT_LOCKED,
	PHASE,
	TALLY,
	DISABLE_LOCKOUT,
	ACTIVATED,
	PASSWORD_EXPIRED,
	EXPIRES_AT,
	NEVER_EXPIRES,
	DATA,
	ACCESS,
	FACTOR,
	N_COLUMNS,
};

static const struct {
	const char *title;
	int n;
	const char *values[VALUES_MAX];
} columns[N_COLUMNS] = {
	[BOUND] = {"bound", 2, {"no", "yes"}},
	[STATE] = {"state", 4, {"NONE", "STAGED", "ACTIVATED", "SUSPENDED"}},
	[ACCOUNT_LOCKED] = {"account_locked", 2, {"no", "yes"}},
	[PHASE] = {"phase", 2, {"auth", "account"}},
	[TALLY] = {"tally", 2, {"below", "at limit"}},
	[DISABLE_LOCKOUT] = {"disable_lockout", 2, {"no", "yes"}},
	[ACTIVATED] = {"activated", 2, {"no", "yes"}},
	[PASSWORD_EXPIRED] = {"password_expired", 2, {"no", "yes"}},
	[EXPIRES_AT] = {"password_expires_at", 4, {"none", "later", "soon", "now"}},
	[NEVER_EXPIRES] = {"never_expires", 2, {"no", "yes"}},
	[DATA] = {"data", 3, {"no lease", "in lease", "older"}},
	[ACCESS] = {"access", 3, {"allowed", "denied", "not now"}},
	[FACTOR] = {"second factor", 3, {"none", "set up", "pending"}},
};

static const char intro[] =
	"# Verdicts\n"
	"\n"
	"What `verdict_decide()` (`common/verdict.c`) answers, for every combination of its "
	"inputs. Written by\n"
	"`test_verdict_table --write`; `make check` reads it back and proves that each combination "
	"is met by exactly one\n"
	"row, and that the code says what the row says. A change here is a change of who gets in: "
	"review it line by line.\n"
	"\n"
	"How to read it: find the one row that fits. `-` stands for every value, `a, b` for "
	"either.\n"
	"\n"
	"- **state** is the state at that second, from the second table.\n"
	"- **phase** `auth`: a password is being checked; `account`: account management, which is "
	"all that keys, cron, and\n"
	"  sudo inside its timestamp meet. **tally** is the endpoint's own count of failures.\n"
	"- **password_expires_at** `now`: that very second (or any time before it); `soon`: "
	"exactly `warn_days` ahead (or\n"
	"  less); `later`: one second more; `none`: no date.\n"
	"- **data** `in lease`: exactly as old as the lease allows (or newer); `older`: one second "
	"more.\n"
	"- **access** `denied`: the access rule that decides denies, and would at any other time; `not "
	"now`: at another time it\n"
	"  would be allowed.\n"
	"- **second factor** `pending`: the directory requires one, and none is set up, where codes are asked "
	"for. Codes themselves\n"
	"  are judged with the password (`common/login.c`), not here.\n"
	"- **verdict** `ok, warns`: let in, with the date at which the password expires. Only `ok` "
	"lets in.\n"
	"\n";

static const char state_intro[] = "\n"
				  "## The state at a given second\n"
				  "\n"
				  "`verdict_state_at()`: the recorded state and `suspended` flag, "
				  "then all changes that are due, in order of their dates.\n"
				  "`?` is a change that is not understood; `+` joins changes of "
				  "the same second, in any order.\n"
				  "\n"
				  "| recorded | flag | due changes | state |\n"
				  "|---|---|---|---|\n";

static size_t n_combinations(int first)
{
	size_t n = 1;

	for (int c = first; c < N_COLUMNS; c++)
		n *= (size_t)columns[c].n;
	return n;
}

struct outcome {
	enum reason reason;
	bool warns;
};

static bool same_outcome(const struct outcome *a, const struct outcome *b)
{
	return a->reason == b->reason && a->warns == b->warns;
}

static struct outcome decide(const int v[static N_COLUMNS])
{
	static const int64_t expires_at[] = {0, NOW + WARN_S + 1, NOW + WARN_S, NOW};
	const struct account a = {
		.access_deny = (uint64_t)v[ACCESS],
		.bound = v[BOUND],
		.state = (enum user_state)v[STATE],
		.account_locked = v[ACCOUNT_LOCKED],
		.disable_lockout = v[DISABLE_LOCKOUT],
		.activated = v[ACTIVATED],
		.password_expired = v[PASSWORD_EXPIRED],
		.password_expires_at = expires_at[v[EXPIRES_AT]],
		.password_never_expires = v[NEVER_EXPIRES],
		.totp_secret = v[FACTOR] == 1 ? "JBSWY3DPEHPK3PXP" : "",
		.mfa_required = v[FACTOR] == 2,
	};
	const struct policy p = {
		.lease_s = v[DATA] == 0 ? 0 : LEASE_S,
		.warn_s = WARN_S,
		.totp_services = {"all", sizeof("all"), 1},
		.access = {.rule = {{.name = "always"}, {.name = "now", .spans = {{WEDNESDAY, 1, 1439}}, .n_spans = 1}},
			   .n = 2},
	};
	const struct verdict verdict = verdict_decide(&(struct verdict_input){
		.account = &a,
		.policy = &p,
		.phase = v[PHASE] == 0 ? VERDICT_AUTH : VERDICT_ACCOUNT,
		.now = NOW,
		.confirmed_at = v[DATA] == 2 ? NOW - LEASE_S - 1 : NOW - LEASE_S,
		.tally_locked = v[TALLY],
		.service = "sshd",
	});

	return (struct outcome){verdict.reason, verdict.expires_at != 0};
}

/* Combination NUMBER as one value a column. */
static void combination(size_t number, int v[static N_COLUMNS])
{
	for (int c = N_COLUMNS - 1; c >= 0; c--) {
		v[c] = (int)(number % (size_t)columns[c].n);
		number /= (size_t)columns[c].n;
	}
}

static const char *outcome_name(const struct outcome *o)
{
	return o->warns ? "ok, warns" : reason_name(o->reason);
}

static int add_text(struct buf *out, const char *text)
{
	return buf_add(out, text, strlen(text));
}

static int write_cell(struct buf *out, int column, unsigned int mask)
{
	int r = add_text(out, "| ");

	if (r == 0 && mask == (1u << columns[column].n) - 1)
		return add_text(out, "- ");
	for (int v = 0, n = 0; r == 0 && v < columns[column].n; v++) {
		if (!(mask & 1u << v))
			continue;
		if (n++ > 0)
			r = add_text(out, ", ");
		if (r == 0)
			r = add_text(out, columns[column].values[v]);
	}
	return r == 0 ? add_text(out, " ") : r;
}

static int write_row(struct buf *out, const unsigned int masks[static N_COLUMNS],
		     const struct outcome *o)
{
	int r = 0;

	for (int c = 0; r == 0 && c < N_COLUMNS; c++)
		r = write_cell(out, c, masks[c]);
	if (r == 0)
		r = add_text(out, "| ");
	if (r == 0)
		r = add_text(out, outcome_name(o));
	return r == 0 ? add_text(out, " |\n") : r;
}

static bool same_block(const struct outcome *a, const struct outcome *b, size_t n)
{
	while (n > 0 && same_outcome(a, b))
		a++, b++, n--;
	return n == 0;
}

/*
 * Rows for the block of outcomes that is left when all columns before COLUMN are chosen: one row
 * when they are all the same; else the values of COLUMN whose sub-blocks are the same share their
 * rows.
 */
static int write_block(struct buf *out, int column, const struct outcome *block,
		       unsigned int masks[static N_COLUMNS])
{
	size_t n = n_combinations(column),
	       sub = column < N_COLUMNS ? n_combinations(column + 1) : 1;
	unsigned int done = 0;
	int r = 0;

	if (same_block(block, block + 1, n - 1)) {
		for (int c = column; c < N_COLUMNS; c++)
			masks[c] = (1u << columns[c].n) - 1;
		return write_row(out, masks, block);
	}
	for (int v = 0; r == 0 && v < columns[column].n; v++) {
		unsigned int mask = 0;

		for (int w = 0; w < columns[column].n; w++)
			if (same_block(block + (size_t)v * sub, block + (size_t)w * sub, sub))
				mask |= 1u << w;
		if (mask & done)
			continue;
		done |= mask;
		masks[column] = mask;
		r = write_block(out, column + 1, block + (size_t)v * sub, masks);
	}
	return r;
}

static const struct {
	const char *name;
	struct scheduled_change changes[2];
	uint32_t n;
} schedules[] = {
	{"none", {{0, 0}}, 0},
	{"ACTIVATED", {{NOW, USER_ACTIVATED}}, 1},
	{"SUSPENDED", {{NOW, USER_SUSPENDED}}, 1},
	{"?", {{NOW, USER_STATE_NONE}}, 1},
	{"ACTIVATED, SUSPENDED", {{NOW, USER_SUSPENDED}, {NOW - 1, USER_ACTIVATED}}, 2},
	{"SUSPENDED, ACTIVATED", {{NOW, USER_ACTIVATED}, {NOW - 1, USER_SUSPENDED}}, 2},
	{"ACTIVATED + SUSPENDED", {{NOW, USER_SUSPENDED}, {NOW, USER_ACTIVATED}}, 2},
	{"ACTIVATED + ?", {{NOW, USER_ACTIVATED}, {NOW, USER_STATE_NONE}}, 2},
	{"?, ACTIVATED", {{NOW, USER_ACTIVATED}, {NOW - 1, USER_STATE_NONE}}, 2},
	{"none yet (ACTIVATED in 1 s)", {{NOW + 1, USER_ACTIVATED}}, 1},
	{"none yet (SUSPENDED in 1 s)", {{NOW + 1, USER_SUSPENDED}}, 1},
};

static int write_states(struct buf *out)
{
	int r = add_text(out, state_intro);

	for (unsigned int s = 0; s < 2 * VALUES_MAX; s++) {
		for (size_t i = 0; r == 0 && i < ARRAY_SIZE(schedules); i++) {
			struct account a = {.state = (enum user_state)(s / 2), .suspended = s % 2};
			char line[LINE_SIZE];

			memcpy(a.scheduled, schedules[i].changes, sizeof(schedules[i].changes));
			a.n_scheduled = schedules[i].n;
			r = str_print(line, sizeof(line), "| %s | %s | %s | %s |\n",
				      user_state_name(a.state), a.suspended ? "yes" : "no",
				      schedules[i].name,
				      user_state_name(verdict_state_at(&a, NOW)));
			if (r == 0)
				r = add_text(out, line);
		}
	}
	return r;
}

static int write_document(struct buf *out, const struct outcome *outcomes)
{
	unsigned int masks[N_COLUMNS] = {0};
	int r = add_text(out, intro);

	for (int c = 0; r == 0 && c < N_COLUMNS; c++) {
		r = add_text(out, "| ");
		if (r == 0)
			r = add_text(out, columns[c].title);
		if (r == 0)
			r = add_text(out, " ");
	}
	if (r == 0)
		r = add_text(out, "| verdict |\n");
	for (int c = 0; r == 0 && c <= N_COLUMNS; c++)
		r = add_text(out, "|---");
	if (r == 0)
		r = add_text(out, "|\n");
	if (r == 0)
		r = write_block(out, 0, outcomes, masks);
	return r == 0 ? write_states(out) : r;
}

/* The next cell of a line of the table, without the blanks around it; NULL at its end. */
static char *next_cell(char **line)
{
	char *start = *line, *end;

	if (*start != '|' || start[1] == '\n' || start[1] == '\0')
		return NULL;
	start += strspn(start, "| ");
	end = strchr(start, '|');
	if (!end)
		return NULL;
	*line = end;
	while (end > start && end[-1] == ' ')
		end--;
	if (*end == '|')
		return start;
	*end = '\0';
	return start;
}

/* The values that a cell names, as a mask; 0 when it names something else. */
static unsigned int read_cell(int column, char *cell)
{
	unsigned int mask = 0;

	if (strcmp(cell, "-") == 0)
		return (1u << columns[column].n) - 1;
	for (char *rest = cell, *word; (word = strsep(&rest, ","));) {
		unsigned int found = 0;

		word += strspn(word, " ");
		for (int v = 0; v < columns[column].n; v++)
			if (strcmp(columns[column].values[v], word) == 0)
				found = 1u << v;
		if (!found)
			return 0;
		mask |= found;
	}
	return mask;
}

struct row {
	unsigned int masks[N_COLUMNS];
	char verdict[32];
};

static bool read_row(char *line, struct row *ret)
{
	char *cell;

	for (int c = 0; c < N_COLUMNS; c++) {
		cell = next_cell(&line);
		if (!cell)
			return false;
		ret->masks[c] = read_cell(c, cell);
		if (!ret->masks[c])
			return false;
	}
	cell = next_cell(&line);
	return cell && str_print(ret->verdict, sizeof(ret->verdict), "%s", cell) == 0;
}

static bool row_fits(const struct row *row, const int v[static N_COLUMNS])
{
	for (int c = 0; c < N_COLUMNS; c++)
		if (!(row->masks[c] & 1u << v[c]))
			return false;
	return true;
}

/* What the written rows say about each combination, without regard to how they came about. */
static int prove(const struct row *rows, size_t n_rows, const struct outcome *outcomes)
{
	int faults = 0, v[N_COLUMNS];

	for (size_t i = 0; i < n_combinations(0); i++) {
		const struct row *found = NULL;
		size_t n = 0;

		combination(i, v);
		for (size_t r = 0; r < n_rows; r++) {
			if (!row_fits(&rows[r], v))
				continue;
			found = &rows[r];
			n++;
		}
		if (n == 1 && strcmp(found->verdict, outcome_name(&outcomes[i])) == 0)
			continue;
		if (faults++ < 5)
			printf("combination %zu: %zu rows, written '%s', decided '%s'\n", i, n,
			       found ? found->verdict : "", outcome_name(&outcomes[i]));
	}
	printf("%zu combinations, %zu rows, %d faults\n", n_combinations(0), n_rows, faults);
	return faults;
}

static int check_document(FILE *f, const struct outcome *outcomes)
{
	CLEANUP(buf_done) struct buf want = {0}, got = {0};
	static struct row rows[1000];
	char line[LINE_SIZE];
	size_t n_rows = 0;

	while (fgets(line, sizeof(line), f)) {
		if (add_text(&got, line) < 0)
			return 1;
		if (n_rows < ARRAY_SIZE(rows) && read_row(line, &rows[n_rows]))
			n_rows++;
	}
	if (prove(rows, n_rows, outcomes) > 0)
		return 1;
	if (write_document(&want, outcomes) < 0)
		return 1;
	if (want.len == got.len && memcmp(want.data, got.data, got.len) == 0)
		return 0;
	puts("docs/verdicts.md is not what --write would write");
	return 1;
}

int main(int argc, char **argv)
{
	const char *srcdir = getenv("srcdir");
	bool writing = argc > 1 && strcmp(argv[1], "--write") == 0;
	struct outcome *outcomes = calloc(n_combinations(0), sizeof(*outcomes));
	AUTO_FREE char *path = str_format("%s/docs/verdicts.md", srcdir ? srcdir : ".");
	CLEANUP(buf_done) struct buf text = {0};
	int v[N_COLUMNS], r;

	if (!path || !outcomes)
		return 1;
	for (size_t i = 0; i < n_combinations(0); i++) {
		combination(i, v);
		outcomes[i] = decide(v);
	}
	FILE *f = fopen(path, writing ? "we" : "re");
	if (!f) {
		perror(path);
		return 1;
	}
	if (writing)
		r = write_document(&text, outcomes) < 0 ||
		    fwrite(text.data, 1, text.len, f) != text.len;
	else
		r = check_document(f, outcomes);
	free(outcomes);
	return fclose(f) != 0 || r != 0;
}
