/* SPDX-License-Identifier: Apache-2.0 */
#include "store/complaint_private.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "tests/support/temp_store.h"

Test(complaint, is_new_once_for_each_bucket_and_kind)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	struct store *store = temp.store;

	cr_expect(complaint_is_new(store, COMPLAINT_NOTIFICATION, 2));
	cr_expect(not(complaint_is_new(store, COMPLAINT_NOTIFICATION, 2)));
	cr_expect(complaint_is_new(store, COMPLAINT_REPLICATION, 2));
	cr_expect(complaint_is_new(store, COMPLAINT_NOTIFICATION, 3));
}

Test(complaint, of_more_than_can_be_remembered_nothing_is_said)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();

	for (uint64_t bucket = 0; bucket < COMPLAINTS_MAX; bucket++)
		cr_expect(complaint_is_new(temp.store, COMPLAINT_REPLICATION,
			bucket));

	cr_expect(not(complaint_is_new(temp.store, COMPLAINT_REPLICATION,
		COMPLAINTS_MAX)));
}
