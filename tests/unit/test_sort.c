/* Sorted, whatever it was before. */
#include "tests/unit/unit.h"

#include "common/sort.h"

static unsigned int n_compared;

static int compare(const void *a, const void *b, void *context)
{
	const int *x = a, *y = b;

	assert_ptr_equal(context, &n_compared);
	n_compared++;
	return (*x > *y) - (*x < *y);
}

static void test_orders(void **state)
{
	int numbers[5];

	(void)state;
	sort_unsorted(NULL, 0, sizeof(int), compare, &n_compared);
	for (unsigned int code = 0; code < 5 * 5 * 5 * 5 * 5; code++) { /* all orders, with equal ones */
		unsigned int c = code;
		int sum = 0, after = 0;

		for (int i = 0; i < 5; i++, c /= 5)
			sum += numbers[i] = (int)(c % 5);
		sort_unsorted(numbers, 5, sizeof(int), compare, &n_compared);
		for (int i = 0; i < 5; i++) {
			after += numbers[i];
			assert_true(i == 0 || numbers[i - 1] <= numbers[i]);
		}
		assert_int_equal(sum, after);
	}
}

/* One walk is enough when nothing is to be done. */
static void test_sorted(void **state)
{
	int numbers[100];

	(void)state;
	for (int i = 0; i < 100; i++)
		numbers[i] = i;
	n_compared = 0;
	sort_unsorted(numbers, 100, sizeof(int), compare, &n_compared);
	assert_int_equal(n_compared, 99);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_orders),
		cmocka_unit_test(test_sorted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
