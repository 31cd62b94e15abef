#include "ctl/command.h"

#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/str.h"
#include "ctl/message.h"

#define OPTIONS_MAX 32
#define OPTION_HELP 1000 /* after every index into a table */

static void print_options(const struct option_spec *o)
{
	printf("\nOptions:\n");
	for (; o && o->name; o++) {
		char text[64];
		const char *arg = o->arg ? o->arg : "";
		bool fits;

		if (o->kind == OPTION_OPTIONAL)
			fits = str_print(text, sizeof(text), "--%s[=%s]", o->name, arg) == 0;
		else
			fits = str_print(text, sizeof(text), "--%s%s%s", o->name, o->arg ? " " : "",
					 arg) == 0;
		printf("  %-26s %s\n", fits ? text : o->name, o->help);
	}
	printf("  %-26s %s\n", "--help", "show this text");
}

static void print_help(const struct command *c, const char *path)
{
	if (c->sub) {
		printf("usage: %s COMMAND [OPTION...] [ARGUMENT...]\n\n%s\n\nCommands:\n", path,
		       c->summary);
		for (const struct command *const *s = c->sub; *s; s++)
			printf("  %-10s %s\n", (*s)->name, (*s)->summary);
		printf("\n'%s COMMAND --help' tells more.\n", path);
	} else {
		printf("usage: %s%s%s%s\n\n%s\n", path, c->options ? " [OPTION...]" : "",
		       c->args ? " " : "", c->args ? c->args : "", c->summary);
	}
	if (c->details)
		printf("\n%s\n", c->details);
	if (!c->sub)
		print_options(c->options);
}

static enum exit_code usage_error(const char *path, const char *what, const char *word)
{
	const char *command = strchr(path, ' '); /* message_error() says "musterctl" itself */

	message_error("%s%s%s%s", command ? command + 1 : "", command ? ": " : "", what, word);
	message_hint("'%s --help' shows the usage", path);
	return EXIT_ERROR;
}

static void fill_long_options(const struct option_spec *specs,
			      struct option out[static OPTIONS_MAX + 2])
{
	int n = 0;

	for (; specs && specs[n].name && n < OPTIONS_MAX; n++)
		out[n] = (struct option){
			.name = specs[n].name,
			.has_arg = specs[n].kind == OPTION_FLAG       ? no_argument
				   : specs[n].kind == OPTION_OPTIONAL ? optional_argument
								      : required_argument,
			.val = n,
		};
	out[n++] = (struct option){.name = "help", .has_arg = no_argument, .val = OPTION_HELP};
	out[n] = (struct option){0};
}

/* Stores the option's value where the spec says; false when a list is full. */
static bool store_option(const struct option_spec *o, const char *value, char *options)
{
	void *at = options + o->offset;

	switch (o->kind) {
	case OPTION_FLAG:
		*(bool *)at = true;
		return true;
	case OPTION_TEXT:
		*(const char **)at = value;
		return true;
	case OPTION_OPTIONAL:
		*(const char **)at = value ? value : "";
		return true;
	case OPTION_LIST: {
		struct option_list *l = at;

		if (l->count == OPTION_LIST_MAX)
			return false;
		l->items[l->count++] = value;
		return true;
	}
	}
	return false;
}

static enum exit_code run_sub(const struct command *c, const char *path, int argc, char **argv)
{
	if (argc < 2)
		return usage_error(path, "a command must follow", "");
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) {
		print_help(c, path);
		return EXIT_OK;
	}
	for (const struct command *const *s = c->sub; *s; s++) {
		if (strcmp((*s)->name, argv[1]) != 0)
			continue;
		AUTO_FREE char *sub_path = str_format("%s %s", path, argv[1]);
		if (!sub_path)
			return message_out_of_memory();
		return command_run(*s, sub_path, argc - 1, argv + 1);
	}
	return usage_error(path, "no such command: ", argv[1]);
}

enum exit_code command_run(const struct command *c, const char *path, int argc, char **argv)
{
	if (c->sub)
		return run_sub(c, path, argc, argv);

	struct option longs[OPTIONS_MAX + 2];
	AUTO_FREE char *options = calloc(1, c->options_size + 1);
	int i;

	if (!options)
		return message_out_of_memory();
	fill_long_options(c->options, longs);
	opterr = 0;
	optind = 0; /* glibc: start afresh */
	while ((i = getopt_long(argc, argv, ":", longs, NULL)) != -1) {
		if (i == OPTION_HELP) {
			print_help(c, path);
			return EXIT_OK;
		}
		if (i == ':')
			return usage_error(path, "a value is needed after ", argv[optind - 1]);
		if (i == '?')
			return usage_error(path, "no such option: ", argv[optind - 1]);
		if (!store_option(&c->options[i], optarg, options))
			return usage_error(path, "too often given: ", c->options[i].name);
	}
	const struct invocation in = {.command = c,
				      .path = path,
				      .options = options,
				      .args = argv + optind,
				      .n_args = argc - optind};
	if (in.n_args < c->min_args)
		return usage_error(path, "argument missing: ", c->args);
	if (c->max_args >= 0 && in.n_args > c->max_args)
		return usage_error(path, "one argument too many: ", in.args[c->max_args]);
	return c->run(&in);
}
