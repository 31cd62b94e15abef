/* pamstack_load(): lines of /etc/pam.d to entries, in the way of Linux-PAM's pam_handlers.c. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "agentd/file.h"
#include "ctl/doctor/pamstack.h"

#define FILE_LIMIT  (1u << 20)
#define DEPTH_MAX   16 /* as PAM_SUBSTACK_MAX_LEVEL */
#define SPACE       " \t\r\n"
#define TEXTS_MAX   256 /* paths and files: more is a tangle */
#define NOT_SAID    INT32_MIN
#define DEFAULT_KEY "default"

static const char *const type_names[] = {
	[PAMSTACK_AUTH] = "auth",
	[PAMSTACK_ACCOUNT] = "account",
	[PAMSTACK_SESSION] = "session",
	[PAMSTACK_PASSWORD] = "password",
};

/* In the order of the codes. */
static const char *const return_names[PAMSTACK_RETURNS] = {
	"success",
	"open_err",
	"symbol_err",
	"service_err",
	"system_err",
	"buf_err",
	"perm_denied",
	"auth_err",
	"cred_insufficient",
	"authinfo_unavail",
	"user_unknown",
	"maxtries",
	"new_authtok_reqd",
	"acct_expired",
	"session_err",
	"cred_unavail",
	"cred_expired",
	"cred_err",
	"no_module_data",
	"conv_err",
	"authtok_err",
	"authtok_recover_err",
	"authtok_lock_busy",
	"authtok_disable_aging",
	"try_again",
	"ignore",
	"abort",
	"authtok_expired",
	"module_unknown",
	"bad_item",
	"conv_again",
	"incomplete",
};

static const struct {
	const char *word, *actions;
} keywords[] = {
	{"required", "success=ok new_authtok_reqd=ok ignore=ignore default=bad"},
	{"requisite", "success=ok new_authtok_reqd=ok ignore=ignore default=die"},
	{"sufficient", "success=done new_authtok_reqd=done default=ignore"},
	{"optional", "success=ok new_authtok_reqd=ok default=ignore"},
};

/* One file that is being read. */
struct reading {
	const char *dir, *path;
	unsigned line;
	enum pamstack_type type;
	unsigned depth, level;
	struct pamstack *stack;
};

static int fail(const struct reading *in, int r, const char *what, const char *word)
{
	snprintf(in->stack->error, PAMSTACK_ERROR_SIZE, "%s:%u: %s%s", in->path, in->line, what, word);
	return r;
}

static int keep(struct pamstack *s, char *text)
{
	int r = text ? buf_add(&s->texts, &text, sizeof(text)) : -ENOMEM;

	if (r < 0)
		free(text);
	return r;
}

static int parse_word(const char *word, int *ret)
{
	static const char *const words[] = {"ignore", "ok", "done", "bad", "die", "reset"};
	uint32_t n;

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcasecmp(word, words[i]) == 0) {
			*ret = -(int)i;
			return 0;
		}
	if (parse_u32(word, 1, PAMSTACK_ENTRIES_MAX, &n) < 0)
		return -EINVAL;
	*ret = (int)n;
	return 0;
}

static int set_actions(int actions[static PAMSTACK_RETURNS], const char *key, int action)
{
	if (strcasecmp(key, DEFAULT_KEY) == 0) {
		for (int i = 0; i < PAMSTACK_RETURNS; i++)
			if (actions[i] == NOT_SAID)
				actions[i] = action;
		return 0;
	}
	for (int i = 0; i < PAMSTACK_RETURNS; i++)
		if (strcasecmp(key, return_names[i]) == 0) {
			actions[i] = action;
			return 0;
		}
	return -EINVAL;
}

/* "success=ok default=bad"; what is not said is bad. TEXT is cut up. */
static int parse_actions(char *text, int actions[static PAMSTACK_RETURNS])
{
	for (int i = 0; i < PAMSTACK_RETURNS; i++)
		actions[i] = NOT_SAID;
	for (char *pair; (pair = strsep(&text, SPACE));) {
		char *word = strchr(pair, '=');
		int action;

		if (!*pair)
			continue;
		if (!word)
			return -EINVAL;
		*word++ = '\0';
		if (parse_word(word, &action) < 0 || set_actions(actions, pair, action) < 0)
			return -EINVAL;
	}
	return set_actions(actions, DEFAULT_KEY, PAMSTACK_BAD);
}

/* The next word of *S, NUL-terminated; in brackets it may have blanks, and the brackets go. NULL: no more. */
static char *next_word(char **s, bool *ret_bracketed)
{
	char *word, *end;

	*s += strspn(*s, SPACE);
	*ret_bracketed = **s == '[';
	word = *s + *ret_bracketed;
	if (!*word)
		return NULL;
	end = word + strcspn(word, *ret_bracketed ? "]" : SPACE);
	*s = end + (*end != '\0');
	*end = '\0';
	return word;
}

static int add_entry(const struct reading *in, const struct pamstack_entry *e)
{
	struct pamstack *s = in->stack;

	if (s->count == PAMSTACK_ENTRIES_MAX)
		return fail(in, -E2BIG, "more modules than anybody stacks", "");
	if (!s->entries)
		s->entries = calloc(PAMSTACK_ENTRIES_MAX, sizeof(*s->entries));
	if (!s->entries)
		return fail(in, -ENOMEM, "out of memory", "");
	s->entries[s->count] = *e;
	s->entries[s->count].level = in->level;
	s->entries[s->count].file = in->path;
	s->entries[s->count++].line = in->line;
	return 0;
}

static int read_file(const struct reading *from, const char *name, unsigned level);

static int add_substack(const struct reading *in, const char *name)
{
	int r = add_entry(in, &(struct pamstack_entry){.substack = true, .module = name, .args = ""});

	return r < 0 ? r : read_file(in, name, in->level + 1);
}

/* "/lib/security/pam_unix.so" is the module pam_unix. */
static char *module_name(char *path)
{
	char *base = strrchr(path, '/'), *end;

	base = base ? base + 1 : path;
	end = strstr(base, ".so");
	if (end && !end[3])
		*end = '\0';
	return base;
}

static int parse_module(const struct reading *in, char *control, bool bracketed, char *rest)
{
	struct pamstack_entry e = {.args = ""};
	char actions[128];
	bool ignored;
	char *module;
	int r = bracketed ? parse_actions(control, e.actions) : -EINVAL;

	for (size_t i = 0; !bracketed && i < ARRAY_SIZE(keywords); i++)
		if (strcasecmp(control, keywords[i].word) == 0) {
			r = str_print(actions, sizeof(actions), "%s", keywords[i].actions);
			if (r == 0)
				r = parse_actions(actions, e.actions);
		}
	if (r < 0)
		return fail(in, r, "control values that libpam does not understand", "");
	module = next_word(&rest, &ignored);
	if (!module)
		return fail(in, -EINVAL, "no module is named", "");
	rest += strspn(rest, SPACE);
	for (size_t len = strlen(rest); len && strchr(SPACE, rest[len - 1]);)
		rest[--len] = '\0';
	e.module = module_name(module);
	e.args = rest;
	return add_entry(in, &e);
}

static bool is_our_type(const struct reading *in, const char *word)
{
	return strcasecmp(word + (*word == '-'), type_names[in->type]) == 0;
}

/* LINE stays as long as the stack, and is cut up. */
static int parse_line(const struct reading *in, char *line)
{
	bool bracketed, ignored;
	char *word = next_word(&line, &bracketed), *control, *name;

	if (!word)
		return 0;
	if (strcmp(word, "@include") == 0) {
		name = next_word(&line, &ignored);
		return name ? read_file(in, name, in->level) : fail(in, -EINVAL, "nothing to include", "");
	}
	if (!is_our_type(in, word))
		return 0;
	control = next_word(&line, &bracketed);
	if (!control)
		return fail(in, -EINVAL, "no control value", "");
	if (bracketed || (strcasecmp(control, "include") != 0 && strcasecmp(control, "substack") != 0))
		return parse_module(in, control, bracketed, line);
	name = next_word(&line, &ignored);
	if (!name)
		return fail(in, -EINVAL, "nothing to include", "");
	return strcasecmp(control, "include") == 0 ? read_file(in, name, in->level) : add_substack(in, name);
}

/* The next line without its comment, joined with those that a '\' at its end announces; NULL at the end. */
static char *next_line(char **text, unsigned *line, unsigned *ret_first)
{
	char *start = *text, *out = start;

	if (!*start)
		return NULL;
	*ret_first = *line + 1;
	for (char *p = start;;) {
		size_t len = strcspn(p, "\n"), plain = strcspn(p, "#\n");
		bool more = plain == len && len && p[len - 1] == '\\' && p[len];

		(*line)++;
		*text = p + len + (p[len] == '\n');
		memmove(out, p, plain);
		out += plain;
		p = *text;
		if (!more)
			break;
		out[-1] = ' ';
	}
	*out = '\0';
	return start;
}

static int parse_text(struct reading *in, char *text)
{
	unsigned line = 0;
	int r = 0;

	for (char *p; r == 0 && (p = next_line(&text, &line, &in->line));)
		r = parse_line(in, p);
	return r;
}

static int read_path(struct reading *in, const struct reading *from)
{
	struct buf text = {0};
	int r = file_read(in->path, FILE_LIMIT, &text);

	if (r == 0 && memchr(text.data, '\0', text.len))
		r = -EINVAL;
	if (r < 0) {
		buf_done(&text);
		snprintf(in->stack->error, PAMSTACK_ERROR_SIZE, "%s%s: %s", from ? "cannot include " : "",
			 in->path, strerror(-r));
		return from && r == -ENOENT ? -EINVAL : r;
	}
	r = keep(in->stack, (char *)text.data);
	return r < 0 ? r : parse_text(in, (char *)text.data);
}

static int read_file(const struct reading *from, const char *name, unsigned level)
{
	struct reading in = {.dir = from->dir,
			     .type = from->type,
			     .depth = from->depth + 1,
			     .level = level,
			     .stack = from->stack};
	char *path = name[0] == '/' ? strdup(name) : str_format("%s/%s", from->dir, name);
	int r = keep(from->stack, path);

	if (r < 0)
		return r;
	if (from->stack->texts.len / sizeof(char *) > TEXTS_MAX)
		return fail(from, -E2BIG, "too many files are included", "");
	if (in.depth > DEPTH_MAX)
		return fail(from, -ELOOP, "files that include each other: ", name);
	in.path = path;
	return read_path(&in, from->path ? from : NULL);
}

int pamstack_load(const char *dir, const char *service, enum pamstack_type type, struct pamstack *ret)
{
	struct reading in = {.dir = dir, .type = type, .stack = ret};
	int r;

	*ret = (struct pamstack){0};
	r = read_file(&in, service, 0);
	if (r < 0) {
		free(ret->entries);
		ret->entries = NULL;
		ret->count = 0;
	}
	return r;
}
