/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "store/audit.h"
#include "store/organization.h"
#include "tests/support/temp_store.h"

static const bool yes = true;
static const bool no = false;

static struct bucket
make_bucket(struct store *store, const char *name)
{
	struct bucket bucket;

	cr_assert(zero(int,
		bucket_create(store, slice_str(name), SLICE("acme"), &bucket)));
	return bucket;
}

static void
choose(struct store *store, const bool *is_wanted)
{
	cr_assert(zero(int, audit_choice_set_organization(store, SLICE("acme"),
				    is_wanted)));
}

Test(audit_choice, a_bucket_s_own_goes_before_its_owner_s)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();

	cr_assert(zero(int, organization_create(temp.store, SLICE("acme"))));
	struct bucket bucket = make_bucket(temp.store, "photos");

	cr_expect(audit_choice_of_bucket(temp.store, &bucket));
	choose(temp.store, &no);
	cr_expect(not(audit_choice_of_bucket(temp.store, &bucket)));
	cr_expect(not(audit_choice_of_organization(temp.store, SLICE("acme"))));
	cr_expect(audit_choice_of_organization(temp.store,
		SLICE(ORGANIZATION_DEFAULT)));
	cr_assert(zero(int,
		audit_choice_set_bucket(temp.store, bucket.ino, &yes)));
	cr_expect(audit_choice_of_bucket(temp.store, &bucket));
	temp_store_reopen(&temp);
	cr_expect(audit_choice_of_bucket(temp.store, &bucket));
	/* Nothing is chosen for it any more. */
	cr_assert(zero(int,
		audit_choice_set_bucket(temp.store, bucket.ino, NULL)));
	cr_expect(not(audit_choice_of_bucket(temp.store, &bucket)));
	choose(temp.store, NULL);
	cr_expect(audit_choice_of_bucket(temp.store, &bucket));
}

Test(audit_choice, it_goes_with_whom_it_was_made_by)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();

	cr_expect(eq(int,
		audit_choice_set_organization(temp.store, SLICE("acme"), &no),
		STORE_NO_ORGANIZATION));
	cr_assert(zero(int, organization_create(temp.store, SLICE("acme"))));
	choose(temp.store, &no);
	cr_assert(zero(int, organization_delete(temp.store, SLICE("acme"))));
	cr_assert(zero(int, organization_create(temp.store, SLICE("acme"))));
	cr_expect(audit_choice_of_organization(temp.store, SLICE("acme")));
}

Test(audit_choice, what_cannot_be_understood_is_logged)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	struct slice other = SLICE("perhaps");

	cr_assert(zero(int, organization_create(temp.store, SLICE("acme"))));
	struct bucket bucket = make_bucket(temp.store, "photos");
	cr_assert(zero(int, bucket_set_document(temp.store, bucket.ino,
				    SLICE("setting/audit"), &other)));
	cr_expect(audit_choice_of_bucket(temp.store, &bucket));
}
