/* SPDX-License-Identifier: Apache-2.0 */
/* A test that takes longer than TEST_SECONDS (300) is ended, and named.
 * Criterion 2.4 reads --timeout, but only what a test says itself counts. */
#include <criterion/hooks.h>
#include <criterion/internal/ordered-set.h>
#include <stdlib.h>

ReportHook(PRE_ALL)(struct criterion_test_set *tests)
{
	const char *seconds = getenv("TEST_SECONDS");
	double limit = seconds ? strtod(seconds, NULL) : 300;

	FOREACH_SET(struct criterion_suite_set * suite, tests->suites)
	{
		FOREACH_SET(struct criterion_test * test, suite->tests)
		{
			if (test->data->timeout <= 0)
				test->data->timeout = limit;
		}
	}
}
