/*
 * nss_load CALL COUNT [USERS]: make COUNT calls of one kind through glibc, over names and ids in random order, and print
 * nanoseconds a call. Wrong answers are counted and end it with 1. "none" makes no call: what is left is the cost of
 * the program itself.
 */
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NAMES 4096u /* asked for in turn */
#define UID   1900000000u

static char (*names)[16];
static unsigned *numbers;
static unsigned users = 10000;

static int ask_none(unsigned i)
{
	return names[i][0] != '\0';
}

static int ask_getpwnam(unsigned i)
{
	return getpwnam(names[i]) != NULL;
}

static int ask_getpwuid(unsigned i)
{
	return getpwuid(UID + numbers[i]) != NULL;
}

static int ask_getgrgid(unsigned i)
{
	return getgrgid(UID + numbers[i]) != NULL;
}

static int ask_miss(unsigned i)
{
	return getpwnam(names[i]) == NULL;
}

static int ask_initgroups(unsigned i)
{
	gid_t groups[32];
	int n = 32;

	return getgrouplist(names[i], UID + numbers[i], groups, &n) == 6 && n == 6;
}

/* One call, all users. */
static int ask_getpwent(unsigned i)
{
	unsigned n = 0;

	(void)i;
	setpwent();
	while (getpwent())
		n++;
	endpwent();
	return n == users;
}

static int ask_getgrent(unsigned i)
{
	unsigned n = 0;

	(void)i;
	setgrent();
	while (getgrent())
		n++;
	endgrent();
	return n >= users;
}

static const struct {
	const char *name;
	int (*ask)(unsigned i);
	const char *prefix;
} calls[] = {
	{"none", ask_none, "user"},		  {"getpwnam", ask_getpwnam, "user"},
	{"getpwuid", ask_getpwuid, "user"},	  {"getgrgid", ask_getgrgid, "user"},
	{"miss", ask_miss, "none"},		  {"initgroups", ask_initgroups, "user"},
	{"getpwent", ask_getpwent, "user"},	  {"getgrent", ask_getgrent, "user"},
};

static void make_names(const char *prefix)
{
	names = malloc(NAMES * sizeof *names);
	numbers = malloc(NAMES * sizeof *numbers);
	if (!names || !numbers)
		exit(2);
	for (unsigned i = 0; i < NAMES; i++) {
		numbers[i] = (unsigned)random() % users;
		snprintf(names[i], sizeof names[i], "%s%06u", prefix, numbers[i]);
	}
}

int main(int argc, char *argv[])
{
	unsigned count = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 0, wrong = 0, which = 0;
	struct timespec a, b;

	if (argc > 3)
		users = (unsigned)strtoul(argv[3], NULL, 10);
	while (argc > 1 && which < sizeof calls / sizeof *calls &&
	       strcmp(calls[which].name, argv[1]) != 0)
		which++;
	if (argc < 3 || which == sizeof calls / sizeof *calls)
		return 2;
	make_names(calls[which].prefix);
	clock_gettime(CLOCK_MONOTONIC, &a);
	for (unsigned i = 0; i < count; i++)
		wrong += !calls[which].ask(i % NAMES);
	clock_gettime(CLOCK_MONOTONIC, &b);
	printf("%.1f\n", (double)((b.tv_sec - a.tv_sec) * 1000000000 + b.tv_nsec - a.tv_nsec) / count);
	return wrong > 0;
}
