/*
 * pam MODULE USERS: what pam_muster.so costs an application, for one of USERS, beside pam_permit and beside the
 * hash that every password takes. Transactions from pam_start to pam_end, so that loading the module counts; rounds take
 * turns, and medians are printed. Works in the current folder, an empty one.
 */
#include <stdio.h>

#include "common/verifier.h"
#include "tests/bench/pam_common.h"

#define ROUNDS	 300
#define PASSWORD "correct horse"

static int measure_account(const char *user)
{
	static double permit[ROUNDS], muster[ROUNDS];

	for (int i = 0; i < ROUNDS; i++) {
		double start = bench_now_ms(), middle;
		int r = bench_transaction("permit", user, PASSWORD, pam_acct_mgmt);

		middle = bench_now_ms();
		permit[i] = middle - start;
		if (r != PAM_SUCCESS || bench_transaction("muster", user, PASSWORD, pam_acct_mgmt) != PAM_SUCCESS)
			return -1;
		muster[i] = bench_now_ms() - middle;
	}
	double over = bench_median(muster, ROUNDS) - bench_median(permit, ROUNDS);
	printf("pam account   pam_permit %.3f ms, pam_muster %.3f ms, over it %.3f ms (at most "
	       "0.2)\n",
	       permit[ROUNDS / 2], muster[ROUNDS / 2], over);
	return 0;
}

static int measure_auth(const char *user, const char *hash)
{
	static double alone[ROUNDS / 10], muster[ROUNDS / 10];

	for (int i = 0; i < ROUNDS / 10; i++) {
		double start = bench_now_ms(), middle;
		int r = verifier_match(hash, PASSWORD);

		middle = bench_now_ms();
		alone[i] = middle - start;
		if (r < 0 || bench_transaction("muster", user, PASSWORD, pam_authenticate) != PAM_SUCCESS)
			return -1;
		muster[i] = bench_now_ms() - middle;
	}
	double beside = bench_median(muster, ROUNDS / 10) - bench_median(alone, ROUNDS / 10);
	printf("pam auth      the hash %.3f ms, pam_muster %.3f ms, beside it %.3f ms (at most "
	       "1)\n",
	       alone[ROUNDS / 20], muster[ROUNDS / 20], beside);
	return 0;
}

/* Named user000000, … */
static int publish(uint32_t users, const char *hash)
{
	struct account *all = calloc(users, sizeof(*all));
	char(*names)[16] = calloc(users, sizeof(*names));
	int r = all && names ? 0 : -1;

	for (uint32_t i = 0; r == 0 && i < users; i++) {
		all[i] = bench_account(i, hash);
		all[i].name = names[i];
		r = str_print(names[i], sizeof(names[i]), "user%06u", i);
	}
	if (r == 0)
		r = bench_publish(all, users, hash);
	free(all);
	free(names);
	return r;
}

int main(int argc, char *argv[])
{
	uint32_t users;
	char *hash;
	char user[32];

	if (argc != 3 || parse_u32(argv[2], 1, 1000000, &users) < 0)
		return 2;
	if (bench_prepare(argv[1]) < 0 || verifier_make(PASSWORD, &hash) < 0 || publish(users, hash) < 0 ||
	    str_print(user, sizeof(user), "user%06u", users / 2) < 0)
		return 1;
	return measure_account(user) < 0 || measure_auth(user, hash) < 0;
}
