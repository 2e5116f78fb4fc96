/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <pthread.h>

#include "store/base/clock.h"
#include "store/file_table_private.h"
#include "tests/support/temp_store.h"

#define INO 77

static void *
take_and_give(void *arg)
{
	struct file *file = arg;
	struct file *with_turn = file;

	file_table_take_turn(file);
	file_table_give_turn(&with_turn);
	return NULL;
}

/* As open(2) with O_TRUNC does, for the release that the kernel sent before:
 * one that came to its turn the first must not sleep until its deadline. */
Test(file_table, who_passes_the_turn_has_it_again_when_it_is_given_back,
	.timeout = 60)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	int64_t never_ns = clock_monotonic_ns() + 3600 * CLOCK_NS_PER_S;
	struct file *file = file_table_take(temp.store, INO);
	struct file *with_turn = file;
	pthread_t thread;

	/* It has no turn to take before this one is passed. */
	cr_assert(not(pthread_create(&thread, NULL, take_and_give, file)));
	file_table_pass_turn(file, never_ns);

	cr_expect(file->is_taken);
	cr_assert(not(pthread_join(thread, NULL)));
	file_table_give_turn(&with_turn);
	file_table_release(&file);
}
