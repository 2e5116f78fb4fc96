/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "store/history_null_private.h"
#include "tests/store/checks.h"
#include "tests/store/nulls.h"
#include "tests/store/raw.h"
#include "tests/store/versions.h"

Test(check_null, fsck_finds_a_row_that_is_missing)
{
	struct versions it = versions_begin(VERSIONING_ENABLED);

	nulls_put(&it, "k");
	raw_delete(it.store, DB_NULL, nulls_row(&it, "k"));
	cr_expect(not(nulls_has(&it, "k")));
	checks_expect_repair(it.store, CHECK_DENTRY);
	cr_expect(nulls_has(&it, "k"));
	versions_end(&it);
}

Test(check_null, fsck_finds_a_row_that_leads_elsewhere)
{
	struct versions it = versions_begin(VERSIONING_ENABLED);

	nulls_put(&it, "k");
	versions_put(&it, "j", "1");
	raw_put(it.store, DB_NULL, nulls_row(&it, "k"),
		SLICE("\1\0\0\0\0\0\0\0"));
	raw_put(it.store, DB_NULL, nulls_row(&it, "j"), SLICE("xyz"));
	/* The rest tells. */
	cr_expect(nulls_has(&it, "k"));
	cr_expect(not(nulls_has(&it, "j")));
	checks_expect_repair(it.store, CHECK_DENTRY);
	cr_expect(nulls_has(&it, "k"));
	cr_expect(eq(u64, objects_rows(it.store, DB_NULL), 1));
	versions_end(&it);
}
