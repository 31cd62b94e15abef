/* Groups of tests of pam_muster.so, run by test_pam.c. */
#ifndef TESTS_UNIT_TEST_PAM_H
#define TESTS_UNIT_TEST_PAM_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/macros.h"
#include "tests/unit/pam_world.h"
#include "tests/unit/pam_wrap.h"

extern const struct CMUnitTest test_pam_phases[], test_pam_auth[], test_pam_damage[],
	test_pam_faults[], test_pam_offline[], test_pam_code[];
extern const size_t test_pam_n_phases, test_pam_n_auth, test_pam_n_damage, test_pam_n_faults,
	test_pam_n_offline, test_pam_n_code;

#endif
