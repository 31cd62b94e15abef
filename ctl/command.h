/*
 * A subcommand of musterctl, as the dispatch tables hold it. Usage, --help and the parsing of options all
 * come from here, so that they cannot differ; man/musterctl.1 and completion.bash are tested against it.
 */
#ifndef CTL_COMMAND_H
#define CTL_COMMAND_H

#include <stddef.h>

#include "common/macros.h"

/* What musterctl exits with: scripts rely on it (musterctl(1)). */
enum exit_code {
	EXIT_OK = 0,
	EXIT_REFUSED = 1, /* the answer is no: refused, not found, taken */
	EXIT_ERROR = 2,   /* no answer: wrong usage, unreadable data, a failed write */
};

enum option_kind {
	OPTION_FLAG,     /* bool */
	OPTION_TEXT,     /* const char * */
	OPTION_OPTIONAL, /* const char *, "" when given without "=VALUE" */
	OPTION_LIST,     /* struct option_list: may be repeated */
};

#define OPTION_LIST_MAX 64

struct option_list {
	const char *items[OPTION_LIST_MAX];
	unsigned count;
};

struct option_spec {
	const char *name; /* without "--"; NULL ends the table */
	enum option_kind kind;
	size_t offset;   /* of the result in the command's options struct */
	const char *arg; /* its word in the usage: "TIME" */
	const char *help;
};

struct command;

/* One call: options parsed, arguments counted. */
struct invocation {
	const struct command *command;
	const char *path;    /* "musterctl directory add" */
	const void *options; /* command->options_size bytes, all zero but what was given */
	char *const *args;   /* n_args, then NULL */
	int n_args;
};

struct command {
	const char *name;
	const char *args;                  /* for the usage line: "NAME...", or NULL */
	int min_args, max_args;            /* max_args -1: any number */
	const char *summary;               /* one line */
	const char *details;               /* further paragraphs of --help, or NULL */
	const struct option_spec *options; /* NULL: --help alone */
	size_t options_size;
	const struct command *const *sub; /* NULL-terminated; then RUN is NULL */
	enum exit_code (*run)(const struct invocation *in);
};

/* Parse ARGV (argv[0] is the command's own name) for C, whose full name is PATH, and run it. */
enum exit_code command_run(const struct command *c, const char *path, int argc, char **argv);

#endif
