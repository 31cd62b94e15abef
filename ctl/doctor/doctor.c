/* musterctl doctor: all that can stand between the directory and a login here, each with its remedy. */
#include "ctl/doctor/doctor.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/names.h"
#include "ctl/commands.h"
#include "ctl/text.h"

#define TEXT_SIZE 1024

struct doctor_options {
	bool json;
};

static const struct option_spec options[] = {
	{"json", OPTION_FLAG, offsetof(struct doctor_options, json), NULL, "print JSON"},
	{0},
};

static const char *const status_names[] = {
	[FINDING_OK] = "ok",
	[FINDING_NOTE] = "note",
	[FINDING_WARNING] = "WARNING",
	[FINDING_FAULT] = "FAULT",
};
static const char *const status_words[] = {
	[FINDING_OK] = "ok",
	[FINDING_NOTE] = "note",
	[FINDING_WARNING] = "warning",
	[FINDING_FAULT] = "fault",
};

static void print_finding(const struct finding *f, const char *detail)
{
	char file[TEXT_SIZE], remedy[TEXT_SIZE], line[16] = "";

	name_escape(f->file ? f->file : "", file, sizeof(file));
	text_show(f->remedy ? f->remedy : "", remedy, sizeof(remedy));
	if (f->line)
		snprintf(line, sizeof(line), ":%u", f->line);
	printf("%-7s  %-16s  %s%s%s%s%s%s\n", status_names[f->status], f->check, file, line,
	       f->file ? ": " : "", detail, remedy[0] ? " -> " : "", remedy);
}

static void add_finding(struct json_object *list, const struct finding *f, const char *detail)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "check", text_to_json(f->check));
	json_object_object_add(o, "status", text_to_json(status_words[f->status]));
	json_object_object_add(o, "detail", text_to_json(detail));
	json_object_object_add(o, "remedy", text_to_json(f->remedy));
	json_object_object_add(o, "file", text_to_json(f->file));
	json_object_object_add(o, "line", f->line ? json_object_new_int64(f->line) : NULL);
	json_object_array_add(list, o);
}

static void tell(struct doctor *d, const struct finding *f, const char *format, va_list ap) PRINTF_LIKE(3, 0);
static void tell(struct doctor *d, const struct finding *f, const char *format, va_list ap)
{
	char raw[TEXT_SIZE], detail[TEXT_SIZE];

	if (f->status < d->least)
		return;
	vsnprintf(raw, sizeof(raw), format, ap); /* a long text may be cut: it is for people */
	text_show(raw, detail, sizeof(detail));
	d->warnings += f->status == FINDING_WARNING;
	d->faults += f->status == FINDING_FAULT;
	if (d->list)
		add_finding(d->list, f, detail);
	else
		print_finding(f, detail);
}

void doctor_tell(struct doctor *d, const struct finding *f, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	tell(d, f, format, ap);
	va_end(ap);
}

void doctor_ok(struct doctor *d, const char *check, const char *file, const char *format, ...)
{
	const struct finding f = {FINDING_OK, check, .file = file};
	va_list ap;

	va_start(ap, format);
	tell(d, &f, format, ap);
	va_end(ap);
}

void doctor_unseen(struct doctor *d, const char *check, const char *what)
{
	doctor_tell(d, &(struct finding){FINDING_NOTE, check, .remedy = "run this as root"},
		    "%s: not seen, only root may", what);
}

static void examine(struct doctor *d)
{
	doctor_files(d);
	doctor_nss(d);
	doctor_pam(d);
	doctor_setup(d);
	doctor_sshd(d);
	doctor_sudo(d);
	doctor_cache(d);
	doctor_agent(d);
	doctor_data(d);
	doctor_adopt(d);
	doctor_users(d);
	doctor_groups(d);
	doctor_homes(d);
	doctor_system(d);
}

static void print_summary(const struct doctor *d)
{
	printf("\n%u fault%s, %u warning%s%s\n", d->faults, d->faults == 1 ? "" : "s", d->warnings,
	       d->warnings == 1 ? "" : "s", d->root ? "" : "; run as root to see all");
}

void doctor_init(struct doctor *d)
{
	*d = (struct doctor){.root = geteuid() == 0};
	if (conf_load(NULL, &d->conf, d->conf_error) < 0) {
		conf_done(&d->conf);
		d->conf = (struct conf){0};
	}
	if (view_open(&d->view, &d->view_fault) == 0)
		d->view_fault = (struct fault){0};
}

void doctor_done(struct doctor *d)
{
	view_done(&d->view);
	conf_done(&d->conf);
}

static enum exit_code run(const struct invocation *in)
{
	const struct doctor_options *o = in->options;
	struct doctor d;
	enum exit_code code;

	doctor_init(&d);
	d.list = o->json ? json_object_new_array() : NULL;
	examine(&d);
	code = d.faults ? EXIT_REFUSED : EXIT_OK;
	if (d.list && json_print(d.list) != EXIT_OK)
		code = EXIT_ERROR;
	else if (!d.list)
		print_summary(&d);
	doctor_done(&d);
	return code;
}

const struct command command_doctor = {
	.name = "doctor",
	.summary = "Examines how this computer is set up, and says what is wrong and what to do.",
	.details = "Each line: ok, note, WARNING or FAULT, what was looked at, what is there -> the remedy.\n"
		   "Exit code 0: no fault, 1: there are faults. Nothing is changed.",
	.options = options,
	.options_size = sizeof(struct doctor_options),
	.run = run,
};
