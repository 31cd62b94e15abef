/*
 * pam MODULE USERS: what pam_muster.so costs an application, for one of USERS, beside pam_permit and beside the
 * hash that every password takes. Transactions from pam_start to pam_end, so that loading the module counts; rounds take
 * turns, and medians are printed. Works in the current folder, an empty one.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <security/pam_appl.h>

#include "common/paths.h"
#include "common/record.h"
#include "common/snapshot_writer.h"
#include "common/verifier.h"

#define ROUNDS   300
#define PASSWORD "correct horse"
#define FIRST    1900000000u

static int add_account(struct snapshot_writer *w, uint32_t i, const char *hash)
{
	struct account a = {.id = "5f0000000000000000000000",
			    .gecos = "Somebody",
			    .home = "/home/somebody",
			    .shell = "/bin/bash",
			    .email = "somebody@example.com",
			    .uid = FIRST + i,
			    .gid = FIRST + i,
			    .state = USER_ACTIVATED,
			    .bound = true,
			    .activated = true,
			    .password_hash = hash,
			    .totp_secret = ""};
	CLEANUP(buf_done) struct buf record = {0};
	char name[32];
	int r = str_print(name, sizeof(name), "user%06u", i);

	a.name = name;
	if (r == 0)
		r = record_account_pack(&a, &record);
	return r < 0 ? r : snapshot_writer_account(w, name, a.uid, record.data, record.len);
}

static int add_policy(struct snapshot_writer *w, const char *hash)
{
	struct policy p = {.portal_url = "", .dummy_hash = hash, .max_attempts = 10};
	struct sync_status s = {.directory_url = "", .driver = "", .last_error = ""};
	CLEANUP(buf_done) struct buf policy = {0}, status = {0};
	int r = record_policy_pack(&p, &policy);

	if (r == 0)
		r = record_status_pack(&s, &status);
	if (r == 0)
		r = snapshot_writer_policy(w, policy.data, policy.len);
	return r < 0 ? r : snapshot_writer_status(w, status.data, status.len);
}

static int publish(uint32_t users, const char *hash)
{
	struct snapshot_info info = {
		.kind = SNAPSHOT_PAM, .generation = 1, .id_min = 1000, .id_max = 2147483647};
	CLEANUP(snapshot_writer_freep) struct snapshot_writer *w = NULL;
	AUTO_CLOSE int fd =
		open(MUSTER_RUNTIME_DIR "/" PAM_SNAPSHOT, O_RDWR | O_CREAT | O_TRUNC, 0600);
	int r = fd < 0 ? -1 : snapshot_writer_new(fd, &info, &w);

	for (uint32_t i = 0; r == 0 && i < users; i++)
		r = add_account(w, i, hash);
	if (r == 0)
		r = add_policy(w, hash);
	return r < 0 ? r : snapshot_writer_finish(w);
}

static int converse(int n, const struct pam_message **m, struct pam_response **ret, void *data)
{
	struct pam_response *r = calloc((size_t)n, sizeof(*r));

	(void)m;
	(void)data;
	if (r)
		r->resp = strdup(PASSWORD);
	*ret = r;
	return r ? PAM_SUCCESS : PAM_BUF_ERR;
}

static int transaction(const char *service, const char *user, int (*step)(pam_handle_t *, int))
{
	struct pam_conv conv = {.conv = converse};
	pam_handle_t *pamh;
	int r = pam_start_confdir(service, user, &conv, "pam.d", &pamh);

	if (r == PAM_SUCCESS) {
		r = step(pamh, 0);
		pam_end(pamh, r);
	}
	return r;
}

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *times, size_t n)
{
	qsort(times, n, sizeof(*times), compare);
	return times[n / 2];
}

static int measure_account(const char *user)
{
	static double permit[ROUNDS], muster[ROUNDS];

	for (int i = 0; i < ROUNDS; i++) {
		double start = now_ms(), middle;
		int r = transaction("permit", user, pam_acct_mgmt);

		middle = now_ms();
		permit[i] = middle - start;
		if (r != PAM_SUCCESS || transaction("muster", user, pam_acct_mgmt) != PAM_SUCCESS)
			return -1;
		muster[i] = now_ms() - middle;
	}
	double over = median(muster, ROUNDS) - median(permit, ROUNDS);
	printf("pam account   pam_permit %.3f ms, pam_muster %.3f ms, over it %.3f ms (at most "
	       "0.2)\n",
	       permit[ROUNDS / 2], muster[ROUNDS / 2], over);
	return 0;
}

static int measure_auth(const char *user, const char *hash)
{
	static double alone[ROUNDS / 10], muster[ROUNDS / 10];

	for (int i = 0; i < ROUNDS / 10; i++) {
		double start = now_ms(), middle;
		int r = verifier_match(hash, PASSWORD);

		middle = now_ms();
		alone[i] = middle - start;
		if (r < 0 || transaction("muster", user, pam_authenticate) != PAM_SUCCESS)
			return -1;
		muster[i] = now_ms() - middle;
	}
	double beside = median(muster, ROUNDS / 10) - median(alone, ROUNDS / 10);
	printf("pam auth      the hash %.3f ms, pam_muster %.3f ms, beside it %.3f ms (at most "
	       "1)\n",
	       alone[ROUNDS / 20], muster[ROUNDS / 20], beside);
	return 0;
}

static int write_service(const char *path, const char *module)
{
	FILE *f = fopen(path, "w");

	if (!f)
		return -1;
	fprintf(f, "auth required %s\naccount required %s\n", module, module);
	return fclose(f);
}

int main(int argc, char *argv[])
{
	uint32_t users;
	char *hash;
	char user[32];
	int r;

	if (argc != 3 || parse_u32(argv[2], 1, 1000000, &users) < 0)
		return 2;
	r = mkdir("pam.d", 0755) < 0 || mkdir(MUSTER_RUNTIME_DIR, 0755) < 0;
	if (r || write_service("pam.d/permit", "pam_permit.so") < 0 ||
	    write_service("pam.d/muster", argv[1]) < 0)
		return 1;
	if (verifier_make(PASSWORD, &hash) < 0 || publish(users, hash) < 0 ||
	    str_print(user, sizeof(user), "user%06u", users / 2) < 0)
		return 1;
	return measure_account(user) < 0 || measure_auth(user, hash) < 0;
}
