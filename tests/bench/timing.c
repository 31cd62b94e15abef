/*
 * timing MODULE: can a stranger tell by the time which names are known here, or in what state they are? TRIES wrong
 * passwords each on a name that is unknown, on a good account, a suspended and a locked one, taking turns; and the right one on
 * the suspended and the locked. Each is compared with the good account: difference of medians, and Welch's t of all.
 * Works in the current folder, an empty one.
 */
#include <math.h>
#include <stdio.h>

#include "common/paths.h"
#include "common/tally.h"
#include "tests/bench/pam_common.h"

#define TRIES	 500
#define TALLY	 MUSTER_RUNTIME_DIR "/tally"
#define PASSWORD "correct horse"
#define WRONG	 "correct mouse"
#define HASH	 "$5$rounds=5000$muster$3iOPdtnucfoX6XAueZky2K9G/gQB1jw.Hqj96UdQ263"

enum {
	GOOD,
	SUSPENDED,
	LOCKED,
	ACCOUNTS,
};

static const struct kind {
	const char *text, *user, *password;
} kinds[] = {
	{"wrong password", "good", WRONG},	      {"unknown", "nobody-knows", WRONG},
	{"suspended", "suspended", WRONG},	      {"locked", "locked", WRONG},
	{"suspended, right", "suspended", PASSWORD}, {"locked, right", "locked", PASSWORD},
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static double times[KINDS][TRIES];

/* In TIMES before they are sorted. */
static double mean(const double *t)
{
	double sum = 0;

	for (int i = 0; i < TRIES; i++)
		sum += t[i];
	return sum / TRIES;
}

static double variance(const double *t)
{
	double m = mean(t), sum = 0;

	for (int i = 0; i < TRIES; i++)
		sum += (t[i] - m) * (t[i] - m);
	return sum / (TRIES - 1);
}

static double welch(const double *a, const double *b)
{
	return (mean(a) - mean(b)) / sqrt((variance(a) + variance(b)) / TRIES);
}

static int attempt(const struct kind *k)
{
	return bench_transaction("muster", k->user, k->password, pam_authenticate);
}

/* No try makes another state of its account than it was in. */
static int measure(const struct account *accounts)
{
	for (int i = 0; i < TRIES; i++) {
		for (size_t j = 0; j < KINDS; j++) {
			size_t k = (j + (size_t)i) % KINDS; /* each of them in every place */
			double start = bench_now_ms();

			if (attempt(&kinds[k]) == PAM_SUCCESS)
				return -1;
			times[k][i] = bench_now_ms() - start;
		}
		if (tally_clear(TALLY, accounts[GOOD].uid) < 0 || tally_clear(TALLY, accounts[SUSPENDED].uid) < 0)
			return -1;
	}
	return 0;
}

static void print(void)
{
	double t[KINDS], middle;

	for (size_t k = 0; k < KINDS; k++)
		t[k] = welch(times[k], times[0]);
	middle = bench_median(times[0], TRIES);
	printf("pam timing    %-16s %7.3f ms\n", kinds[0].text, middle);
	for (size_t k = 1; k < KINDS; k++) {
		double m = bench_median(times[k], TRIES);

		printf("pam timing    %-16s %7.3f ms, %+.3f ms (at most 1), t = %+.1f\n", kinds[k].text, m, m - middle, t[k]);
	}
}

int main(int argc, char *argv[])
{
	struct account accounts[ACCOUNTS];

	if (argc != 2 || bench_prepare(argv[1]) < 0)
		return 1;
	for (uint32_t i = 0; i < ACCOUNTS; i++) {
		static const char *const names[] = {"good", "suspended", "locked"};

		accounts[i] = bench_account(i, HASH);
		accounts[i].name = names[i];
	}
	accounts[SUSPENDED].suspended = true;
	if (bench_publish(accounts, ACCOUNTS, HASH) < 0)
		return 1;
	for (int i = 0; i < BENCH_ATTEMPTS; i++)
		if (attempt(&kinds[LOCKED + 1]) == PAM_SUCCESS)
			return 1;
	if (measure(accounts) < 0)
		return 1;
	print();
	return 0;
}
