/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <unistd.h>

#include "store/commit_private.h"
#include "store/session_private.h"
#include "tests/store/commits.h"
#include "tests/support/temp_store.h"

Test(unflushed, takes_out_unflushed_records_once_a_checkpoint_has_them)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	struct commits_row row = {.number = 1};
	uint64_t blob;
	int fd;

	cr_assert(zero(int, session_lease_blob(temp.store, &blob)));
	cr_assert(zero(int, blob_create(temp.store->blobs, blob, &fd)));
	close(fd);
	commits_add_blob(temp.store, blob);
	cr_expect(commits_has_row(temp.store, DB_UNFLUSHED, blob));

	cr_assert(zero(int, store_sync(temp.store)));
	cr_assert(zero(int,
		commit_run(temp.store, commits_apply_row, &row, NULL)));

	cr_expect(not(commits_has_row(temp.store, DB_UNFLUSHED, blob)));
}

Test(unflushed, keeps_an_unflushed_record_that_was_put_there_again)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t blob;

	cr_assert(zero(int, session_lease_blob(temp.store, &blob)));
	commits_add_blob(temp.store, blob);
	cr_assert(zero(int, store_sync(temp.store)));
	/* The very commit that cleans puts it there anew. */
	cr_assert(zero(int,
		commit_run(temp.store, commits_apply_unflushed, &blob, NULL)));

	cr_expect(commits_has_row(temp.store, DB_UNFLUSHED, blob));
}
