/* SPDX-License-Identifier: Apache-2.0 */
/* What organizations want to stand in the audit log (docs/format.md). */
#include "store/audit.h"
#include "store/base/log.h"
#include "store/organization.h"

#define OF_BUCKET "setting/audit"
#define ON "on"
#define OFF "off"

static struct slice
kind_of(struct arena *arena, struct slice organization)
{
	return arena_printf(arena, "setting/%.*s/audit", (int)organization.len,
		organization.data);
}

/* False: nothing was chosen.  What cannot be read is logged rather than left
 * out. */
static bool
read_choice(struct store *store, uint64_t owner, struct slice kind,
	struct arena *arena, bool *is_wanted)
{
	struct slice value;
	enum store_err err =
		bucket_get_document(store, owner, kind, arena, &value);

	*is_wanted = true;
	if (err == STORE_NOT_FOUND)
		return false;
	if (err)
		log_warn("audit: what is to be logged: %s",
			error_sentence(err));
	else
		*is_wanted = !slice_equal(value, SLICE(OFF));
	return true;
}

bool
audit_choice_of_organization(struct store *store, struct slice organization)
{
	scoped(arena_free) struct arena arena = {0};
	bool is_wanted;

	(void)read_choice(store, 0, kind_of(&arena, organization), &arena,
		&is_wanted);
	return is_wanted;
}

bool
audit_choice_of_bucket(struct store *store, const struct bucket *bucket)
{
	scoped(arena_free) struct arena arena = {0};
	bool is_wanted;

	if (read_choice(store, bucket->ino, SLICE(OF_BUCKET), &arena,
		    &is_wanted))
		return is_wanted;
	return audit_choice_of_organization(store, slice_str(bucket->owner));
}

enum store_err
audit_choice_set_bucket(struct store *store, uint64_t bucket,
	const bool *is_wanted)
{
	struct slice value = is_wanted && *is_wanted ? SLICE(ON) : SLICE(OFF);

	return bucket_set_document(store, bucket, SLICE(OF_BUCKET),
		is_wanted ? &value : NULL);
}

enum store_err
audit_choice_set_organization(struct store *store, struct slice organization,
	const bool *is_wanted)
{
	scoped(arena_free) struct arena arena = {0};
	struct slice value = is_wanted && *is_wanted ? SLICE(ON) : SLICE(OFF);
	enum store_err err = organization_check(store, organization);

	return err ? err
		   : bucket_set_document(store, 0,
			     kind_of(&arena, organization),
			     is_wanted ? &value : NULL);
}
