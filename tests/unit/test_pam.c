/* pam_muster.so under the real libpam, one assertion a PAM code. */
#include "tests/unit/test_pam.h"

#include <stdlib.h>

#define TESTS_MAX 64

static struct CMUnitTest all[TESTS_MAX];
static size_t n_all;

static void add(const struct CMUnitTest *tests, size_t n)
{
	if (n > TESTS_MAX - n_all)
		abort();
	memcpy(all + n_all, tests, n * sizeof(*tests));
	n_all += n;
}

int main(void)
{
	add(test_pam_phases, test_pam_n_phases);
	add(test_pam_auth, test_pam_n_auth);
	add(test_pam_damage, test_pam_n_damage);
	add(test_pam_faults, test_pam_n_faults);
	add(test_pam_offline, test_pam_n_offline);
	add(test_pam_code, test_pam_n_code);
	/* not the macro: it takes arrays alone */
	return _cmocka_run_group_tests("pam", all, n_all, world_setup, world_teardown);
}
