/*
 * muster-prove FOLDER: what PAM's stacks in FOLDER, and lookups, answer for root and for one more local user: a line for
 * each question. Setup runs it before and after a change and compares: a local user must not notice. A program of its
 * own, since a module may end its host, and since nsswitch.conf is read once in a process.
 *
 * No session is opened (that leaves traces, and muster's line there is optional), and no password is known: a wrong
 * one has to be found wrong.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <security/pam_appl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "common/macros.h"
#include "common/paths.h"
#include "common/str.h"
#include "ctl/doctor/pamstack.h"

#define PROMPTS_MAX 16
#define GROUPS_MAX  256
#define HUMAN_MIN   1000
#define HUMAN_MAX   59999

static const char *const services[] = {"login", "sshd", "su", "sudo", "cron"};

/* Modules that keep count of wrong passwords: root must not be locked by a proof. */
static const char *const counters[] = {"pam_faillock", "pam_tally2", "pam_tally", "pam_abl", "pam_shield"};

struct talk {
	char password[33];
	unsigned prompts;
};

/* Linux-PAM's type. */
static int converse(int n, const struct pam_message **messages, struct pam_response **ret, void *data)
{
	struct talk *talk = data;
	struct pam_response *answers = calloc(n > 0 ? (size_t)n : 1, sizeof(*answers));

	if (!answers || n <= 0 || (talk->prompts += (unsigned)n) > PROMPTS_MAX) {
		free(answers);
		return PAM_CONV_ERR;
	}
	for (int i = 0; i < n; i++)
		if (messages[i]->msg_style == PAM_PROMPT_ECHO_OFF || messages[i]->msg_style == PAM_PROMPT_ECHO_ON)
			answers[i].resp = strdup(talk->password);
	*ret = answers;
	return PAM_SUCCESS;
}

static void no_delay(int retval, unsigned usec, void *data)
{
	(void)retval;
	(void)usec;
	(void)data;
}

static void tell(const char *service, const char *user, const char *question, const char *answer)
{
	printf("%s %s %s: %s\n", service, user, question, answer);
	fflush(stdout); /* the next question may be the end of this process */
}

static bool is_counted(const char *folder, const char *service)
{
	CLEANUP(pamstack_done) struct pamstack s;

	if (pamstack_load(folder, service, PAMSTACK_AUTH, &s) < 0)
		return false; /* libpam says what is wrong with it */
	for (size_t i = 0; i < ARRAY_SIZE(counters); i++)
		if (pamstack_find(&s, counters[i]))
			return true;
	return false;
}

static void ask(const char *folder, const char *service, const char *user, bool root, struct talk *talk)
{
	const struct pam_conv conv = {converse, talk};
	void (*delay)(int, unsigned, void *) = no_delay;
	const void *item;
	pam_handle_t *h = NULL;
	int r = pam_start_confdir(service, user, &conv, folder, &h);

	talk->prompts = 0;
	if (r != PAM_SUCCESS) {
		tell(service, user, "start", pam_strerror(h, r));
		return;
	}
	memcpy(&item, &delay, sizeof(item));
	pam_set_item(h, PAM_FAIL_DELAY, item);
	r = pam_acct_mgmt(h, PAM_SILENT);
	tell(service, user, "account", pam_strerror(h, r));
	if (root) {
		r = pam_setcred(h, PAM_ESTABLISH_CRED | PAM_SILENT); /* as sshd does after a key */
		tell(service, user, "credentials", pam_strerror(h, r));
		if (r == PAM_SUCCESS)
			r = pam_setcred(h, PAM_DELETE_CRED | PAM_SILENT);
		if (is_counted(folder, service)) {
			tell(service, user, "wrong password", "not tried, since tries are counted");
		} else {
			r = pam_authenticate(h, PAM_SILENT);
			tell(service, user, "wrong password", pam_strerror(h, r));
		}
	}
	pam_end(h, r);
}

static void look_up(const char *name)
{
	gid_t groups[GROUPS_MAX];
	int n = GROUPS_MAX;
	const struct passwd *pw = getpwnam(name);
	const struct group *g;

	if (!pw) {
		tell("lookup", name, "user", strerror(errno));
		return;
	}
	printf("lookup %s user: %u %u %s %s\n", pw->pw_name, pw->pw_uid, pw->pw_gid, pw->pw_dir, pw->pw_shell);
	g = getgrgid(pw->pw_gid);
	tell("lookup", name, "group", g ? g->gr_name : strerror(errno));
	if (getgrouplist(name, pw->pw_gid, groups, &n) < 0)
		n = 0;
	printf("lookup %s groups:", name);
	for (int i = 0; i < n; i++)
		printf(" %u", groups[i]);
	putchar('\n');
}

/* Whoever works here besides root; "": nobody. */
static void find_human(char out[static 64])
{
	FILE *file = fopen(MUSTER_ETC "/passwd", "re");
	const struct passwd *pw;

	out[0] = '\0';
	while (file && !*out && (pw = fgetpwent(file)))
		if (pw->pw_uid >= HUMAN_MIN && pw->pw_uid <= HUMAN_MAX && !strstr(pw->pw_shell, "nologin") &&
		    !strstr(pw->pw_shell, "false") && str_print(out, 64, "%s", pw->pw_name) < 0)
			out[0] = '\0';
	if (file)
		fclose(file);
}

static int make_password(char out[static 33])
{
	uint64_t bits[2];

	if (getrandom(bits, sizeof(bits), 0) != (ssize_t)sizeof(bits))
		return -EIO;
	return str_print(out, 33, "%016" PRIx64 "%016" PRIx64, bits[0], bits[1]);
}

int main(int argc, char **argv)
{
	struct talk talk = {0};
	char human[64];

	if (argc != 2 || make_password(talk.password) < 0)
		return 2;
	find_human(human);
	look_up("root");
	if (*human)
		look_up(human);
	for (size_t i = 0; i < ARRAY_SIZE(services); i++) {
		AUTO_FREE char *path = str_format("%s/%s", argv[1], services[i]);

		if (!path || access(path, F_OK) < 0)
			continue;
		ask(argv[1], services[i], "root", true, &talk);
		if (*human)
			ask(argv[1], services[i], human, false, &talk);
	}
	puts("end");
	return 0;
}
