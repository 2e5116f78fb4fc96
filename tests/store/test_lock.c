/* SPDX-License-Identifier: Apache-2.0 */
/* What Object Lock lets S3 do, and what it does not. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "store/lifecycle.h"
#include "store/upload.h"
#include "tests/store/locks.h"

static enum store_err
retain(struct versions *it, enum inode_lock_mode mode, int days, bool bypasses)
{
	return lock_set_retention(it->store, it->bucket, SLICE("f"),
		&locks_current, mode, mode ? locks_in_days(days) : 0, bypasses);
}

Test(lock, a_bucket_has_it_only_where_it_keeps_versions)
{
	struct versions it = versions_begin(VERSIONING_NEVER);
	const struct inode_lock_rule none = {.mode = INODE_LOCK_NONE};

	cr_expect(eq(int, lock_set_rule(it.store, it.bucket, &none),
		STORE_INVALID));
	cr_assert(zero(int,
		versioning_set(it.store, it.bucket, VERSIONING_SUSPENDED)));
	cr_expect(eq(int, lock_set_rule(it.store, it.bucket, &none),
		STORE_INVALID));
	versions_end(&it);
}

Test(lock, a_bucket_that_has_it_keeps_versions_for_good)
{
	struct versions it = locks_begin();
	struct inode_lock_rule rule;

	cr_expect(eq(int,
		versioning_set(it.store, it.bucket, VERSIONING_SUSPENDED),
		STORE_LOCKED));
	cr_expect(zero(int,
		versioning_set(it.store, it.bucket, VERSIONING_ENABLED)));
	cr_assert(zero(int, lock_get_rule(it.store, it.bucket, &rule)));
	cr_expect(rule.is_enabled);
	locks_end(&it);
}

Test(lock, a_bucket_may_begin_with_it)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	struct inode_lock_rule rule;
	enum versioning versioning;
	struct bucket bucket;

	cr_assert(zero(int, bucket_create_with(temp.store, SLICE("photos"),
				    SLICE("default"), NULL, 0, true, &bucket)));
	cr_assert(zero(int, lock_get_rule(temp.store, bucket.ino, &rule)));
	cr_expect(rule.is_enabled);
	cr_assert(zero(int,
		versioning_get(temp.store, bucket.ino, &versioning)));
	cr_expect(eq(int, versioning, VERSIONING_ENABLED));
	cr_expect(zero(int, bucket_delete(temp.store, SLICE("photos"))));
}

Test(lock, a_default_has_one_period)
{
	struct versions it = locks_begin();
	static const struct inode_lock_rule rules[] = {
		{.mode = INODE_LOCK_GOVERNANCE},
		{.mode = INODE_LOCK_GOVERNANCE, .days = 1, .years = 1},
		{.mode = INODE_LOCK_NONE, .days = 1},
		{.mode = INODE_LOCK_COMPLIANCE + 1, .days = 1},
		{.mode = INODE_LOCK_COMPLIANCE,
			.days = INODE_LOCK_DAYS_MAX + 1},
		{.mode = INODE_LOCK_COMPLIANCE,
			.years = INODE_LOCK_YEARS_MAX + 1},
	};

	for (size_t i = 0; i < array_len(rules); i++)
		cr_expect(eq(int, lock_set_rule(it.store, it.bucket, &rules[i]),
				  STORE_INVALID),
			"%zu", i);
	locks_end(&it);
}

Test(lock, what_is_put_gets_the_default)
{
	struct versions it = locks_begin();

	locks_set_default(&it, INODE_LOCK_COMPLIANCE, 2);
	int64_t before_ns = clock_now_ns();

	versions_put(&it, "f", "1");
	struct inode_lock lock = locks_head(&it, "f", locks_current).inode.lock;

	cr_expect(eq(int, lock.mode, INODE_LOCK_COMPLIANCE));
	cr_expect(ge(i64, lock.until_ns, before_ns + 2 * CLOCK_NS_PER_DAY));
	cr_expect(le(i64, lock.until_ns, locks_in_days(2)));
	cr_expect(locks_stays(&it, "f", versions_nth(&it, 0), "1"));
	locks_set_default(&it, INODE_LOCK_NONE, 0);
	versions_put(&it, "f", "2");
	cr_expect(zero(int, locks_drop(&it, "f", versions_nth(&it, 0), false)));
	locks_end(&it);
}

/* Each mode, and by a hold, the version as the current one and as an older
 * one; deleted without and with the right to bypass. */
Test(lock, who_deletes_a_version)
{
	static const struct {
		enum inode_lock_mode mode;
		bool is_held;
		bool bypasses;
		enum store_err expected;
	} rows[] = {
		{INODE_LOCK_NONE, false, false, STORE_OK},
		{INODE_LOCK_NONE, false, true, STORE_OK},
		{INODE_LOCK_GOVERNANCE, false, false, STORE_LOCKED},
		{INODE_LOCK_GOVERNANCE, false, true, STORE_OK},
		{INODE_LOCK_COMPLIANCE, false, false, STORE_LOCKED},
		{INODE_LOCK_COMPLIANCE, false, true, STORE_LOCKED},
		{INODE_LOCK_NONE, true, false, STORE_LOCKED},
		{INODE_LOCK_NONE, true, true, STORE_LOCKED},
		{INODE_LOCK_GOVERNANCE, true, true, STORE_LOCKED},
		{INODE_LOCK_COMPLIANCE, true, true, STORE_LOCKED},
	};

	for (size_t i = 0; i < 2 * array_len(rows); i++) {
		struct versions it = locks_begin();
		const bool is_older = i % 2;

		versions_put(&it, "f", "1");
		if (rows[i / 2].mode)
			locks_retain(&it, "f", rows[i / 2].mode);
		if (rows[i / 2].is_held)
			locks_hold(&it, "f");
		if (is_older)
			versions_put(&it, "f", "2");
		cr_expect(eq(int,
				  locks_drop(&it, "f",
					  versions_nth(&it, is_older),
					  rows[i / 2].bypasses),
				  rows[i / 2].expected),
			"row %zu, %s", i / 2, is_older ? "older" : "current");
		const char *one = is_older ? "f=2* f=1" : "f=1*";
		const char *none = is_older ? "f=2*" : "";

		cr_expect(versions_lists(&it,
				  rows[i / 2].expected ? one : none),
			"row %zu", i / 2);
		locks_end(&it);
	}
}

/* From each retention to each other. */
Test(lock, who_changes_a_retention)
{
	enum { NONE, GOV = INODE_LOCK_GOVERNANCE, COM = INODE_LOCK_COMPLIANCE };
	static const struct {
		int was, wanted, days;
		enum store_err plain, bypassing;
	} rows[] = {
		{NONE, GOV, 1, STORE_OK, STORE_OK},
		{NONE, COM, 1, STORE_OK, STORE_OK},
		{GOV, GOV, 9, STORE_OK, STORE_OK},
		{GOV, GOV, 3, STORE_LOCKED, STORE_OK},
		{GOV, COM, 9, STORE_LOCKED, STORE_OK},
		{GOV, COM, 3, STORE_LOCKED, STORE_OK},
		{GOV, NONE, 0, STORE_LOCKED, STORE_OK},
		{COM, COM, 9, STORE_OK, STORE_OK},
		{COM, COM, 3, STORE_LOCKED, STORE_LOCKED},
		{COM, GOV, 9, STORE_LOCKED, STORE_LOCKED},
		{COM, NONE, 0, STORE_LOCKED, STORE_LOCKED},
	};

	for (size_t i = 0; i < 2 * array_len(rows); i++) {
		struct versions it = locks_begin();
		const bool bypasses = i % 2;

		versions_put(&it, "f", "1");
		cr_assert(zero(int, retain(&it, rows[i / 2].was, 6, false)));
		enum store_err err = retain(&it, rows[i / 2].wanted,
			rows[i / 2].days, bypasses);
		cr_expect(eq(int, err,
				  bypasses ? rows[i / 2].bypassing
					   : rows[i / 2].plain),
			"row %zu, bypasses %d", i / 2, bypasses);
		cr_expect(eq(int,
				  locks_head(&it, "f", locks_current)
					  .inode.lock.mode,
				  err ? rows[i / 2].was : rows[i / 2].wanted),
			"row %zu", i / 2);
		locks_end(&it);
	}
}

Test(lock, a_retention_that_is_over_is_as_none)
{
	struct versions it = locks_begin();

	versions_put(&it, "f", "1");
	cr_assert(zero(int, lock_set_retention(it.store, it.bucket, SLICE("f"),
				    &locks_current, INODE_LOCK_COMPLIANCE,
				    clock_now_ns() - 1, false)));
	cr_expect(zero(int, retain(&it, INODE_LOCK_GOVERNANCE, 1, false)));
	cr_assert(zero(int, retain(&it, INODE_LOCK_NONE, 0, true)));
	cr_expect(zero(int, locks_drop(&it, "f", versions_nth(&it, 0), false)));
	locks_end(&it);
}

Test(lock, a_hold_that_is_taken_off_lets_go)
{
	struct versions it = locks_begin();

	versions_put(&it, "f", "1");
	struct version_ref one = locks_hold(&it, "f");

	cr_expect(locks_stays(&it, "f", one, "1"));
	cr_assert(zero(int,
		lock_set_hold(it.store, it.bucket, SLICE("f"), &one, false)));
	cr_expect(eq(int, locks_head(&it, "f", one).inode.lock.hold,
		INODE_HOLD_OFF));
	cr_expect(zero(int, locks_drop(&it, "f", one, false)));
	locks_end(&it);
}

Test(lock, without_it_in_the_bucket_there_is_none)
{
	struct versions it = versions_begin(VERSIONING_ENABLED);

	versions_put(&it, "f", "1");
	cr_expect(eq(int, retain(&it, INODE_LOCK_GOVERNANCE, 1, false),
		STORE_INVALID));
	cr_expect(eq(int,
		lock_set_hold(it.store, it.bucket, SLICE("f"), &locks_current,
			true),
		STORE_INVALID));
	versions_end(&it);
}

Test(lock, of_what_is_not_there_is_not_found)
{
	struct versions it = locks_begin();

	cr_expect(eq(int, retain(&it, INODE_LOCK_GOVERNANCE, 1, false),
		STORE_NOT_FOUND));
	versions_put(&it, "f", "1");
	cr_assert(zero(int,
		object_delete(it.store, it.bucket, SLICE("f"), NULL)));
	cr_expect(eq(int, retain(&it, INODE_LOCK_GOVERNANCE, 1, false),
		STORE_NOT_FOUND));
	locks_end(&it);
}

Test(lock, a_marker_and_a_newer_version_may_be_put_in_front)
{
	struct versions it = locks_begin();

	versions_put(&it, "f", "1");
	struct version_ref one = locks_retain(&it, "f", INODE_LOCK_COMPLIANCE);

	cr_assert(zero(int,
		object_delete(it.store, it.bucket, SLICE("f"), NULL)));
	cr_expect(versions_lists(&it, "f=-* f=1"));
	versions_put(&it, "f", "2");
	cr_expect(locks_stays(&it, "f", one, "1"));
	versions_drop_nth(&it, "f", 0);
	versions_drop_nth(&it, "f", 0);
	cr_expect(versions_lists(&it, "f=1*"));
	cr_expect(locks_stays(&it, "f", one, "1"));
	locks_end(&it);
}

Test(lock, one_that_is_locked_does_not_keep_others_from_going)
{
	struct versions it = locks_begin();

	versions_put(&it, "a", "1");
	versions_put(&it, "b", "2");
	locks_retain(&it, "a", INODE_LOCK_GOVERNANCE);
	struct object_deletion both[] = {
		{.key = SLICE("a"), .version = versions_nth(&it, 0)},
		{.key = SLICE("b"), .version = versions_nth(&it, 1)},
	};

	cr_assert(zero(int, object_delete_many(it.store, it.bucket, both, 2)));
	cr_expect(eq(int, both[0].err, STORE_LOCKED));
	cr_expect(zero(int, both[1].err));
	cr_expect(versions_lists(&it, "a=1*"));
	locks_end(&it);
}

Test(lock, a_directory_s_object_is_locked_as_others_are)
{
	struct versions it = locks_begin();

	versions_put(&it, "d/", "1");
	versions_put(&it, "d/f", "2");
	struct version_ref one = locks_retain(&it, "d/", INODE_LOCK_GOVERNANCE);

	cr_expect(locks_stays(&it, "d/", one, "1"));
	versions_put(&it, "d/", "3");
	cr_expect(locks_stays(&it, "d/", one, "1"));
	cr_expect(zero(int,
		locks_head(&it, "d/", locks_current).inode.lock.mode));
	cr_assert(zero(int,
		object_delete(it.store, it.bucket, SLICE("d/"), NULL)));
	cr_expect(versions_lists(&it, "d/=-* d/=3 d/=1 d/f=2*"));
	cr_expect(locks_stays(&it, "d/", one, "1"));
	cr_expect(zero(int, locks_drop(&it, "d/", one, true)));
	locks_end(&it);
}

Test(lock, a_copy_has_a_lock_of_its_own)
{
	struct versions it = locks_begin();
	struct object made;

	versions_put(&it, "f", "1");
	struct version_ref one = locks_retain(&it, "f", INODE_LOCK_COMPLIANCE);

	cr_assert(zero(int,
		object_copy(it.store, it.bucket, SLICE("f"), NULL, NULL,
			it.bucket, SLICE("g"), NULL, NULL, &made)));
	cr_expect(zero(int, locks_drop(&it, "g", versions_nth(&it, 1), false)));
	cr_expect(locks_stays(&it, "f", one, "1"));
	locks_set_default(&it, INODE_LOCK_GOVERNANCE, 1);
	cr_assert(zero(int,
		object_copy(it.store, it.bucket, SLICE("f"), NULL, NULL,
			it.bucket, SLICE("h"), NULL, NULL, &made)));
	cr_expect(locks_stays(&it, "h", versions_nth(&it, 1), "1"));
	locks_end(&it);
}

static struct slice
lock_attr(struct buffer *to)
{
	const struct inode_lock lock = {
		.mode = INODE_LOCK_COMPLIANCE,
		.hold = INODE_HOLD_ON,
		.until_ns = locks_in_days(3),
	};
	const struct inode_attr tag = {
		INODE_ATTR_TAG, SLICE("color"), SLICE("red")};

	inode_attr_append(to, &tag);
	lock_append_attr(to, &lock);
	return buffer_slice(to);
}

static void
expect_attr(struct versions *it, const char *key)
{
	scoped(arena_free) struct arena arena = {0};
	struct object object;
	struct slice value;

	cr_assert(zero(int, object_head(it->store, it->bucket, slice_str(key),
				    &arena, &object)));
	cr_expect(eq(int, object.inode.lock.mode, INODE_LOCK_COMPLIANCE));
	cr_expect(eq(int, object.inode.lock.hold, INODE_HOLD_ON));
	cr_expect(inode_attr_find(object.inode.attrs, INODE_ATTR_TAG,
		SLICE("color"), &value));
	cr_expect(not(inode_attr_find(object.inode.attrs, INODE_ATTR_LOCK,
		SLICE_NULL, &value)));
}

static enum store_err
put_with(struct versions *it, const char *key, struct slice attrs)
{
	struct object_attrs all = objects_attrs(SLICE("1"));
	struct object_put *put = NULL;
	struct object made;

	all.attrs = attrs;
	cr_assert(zero(int, object_put_begin(it->store, 1, &put)));
	cr_assert(zero(int, object_put_write(put, SLICE("1"))));
	return object_put_commit(&put, it->bucket, slice_str(key), &all, NULL,
		&made);
}

static void
upload_with(struct versions *it, const char *key, struct slice attrs)
{
	struct upload_info info = {.attrs = attrs};
	scoped(arena_free) struct arena arena = {0};
	struct object_attrs all = {.attrs = attrs};
	struct upload_part_info part = {.number = 1};
	struct upload_part *handle = NULL;
	char id[UPLOAD_ID_LEN + 1];
	struct object made;

	cr_assert(zero(int, upload_begin(it->store, it->bucket, slice_str(key),
				    &info, id)));
	cr_assert(zero(int,
		upload_part_begin(it->store, it->bucket, slice_str(key),
			slice_str(id), 1, 1, &handle)));
	cr_assert(zero(int, upload_part_write(handle, SLICE("1"))));
	cr_assert(zero(int, upload_part_commit(&handle, &part)));
	cr_assert(zero(int, upload_get(it->store, it->bucket, slice_str(key),
				    slice_str(id), &arena, &info)));
	all.attrs = info.attrs;
	cr_assert(zero(int,
		upload_complete(it->store, it->bucket, slice_str(key),
			slice_str(id), &part, 1, &all, NULL, &made)));
}

Test(lock, what_is_put_brings_its_own)
{
	struct versions it = locks_begin();
	scoped(buffer_free) struct buffer attrs = {0};
	struct object_attrs all = {.attrs = lock_attr(&attrs)};
	struct object made;

	locks_set_default(&it, INODE_LOCK_GOVERNANCE, 1);
	cr_assert(zero(int, put_with(&it, "put", all.attrs)));
	expect_attr(&it, "put");
	upload_with(&it, "upload", all.attrs);
	expect_attr(&it, "upload");
	all.kinds = 1u << INODE_ATTR_TAG;
	cr_assert(zero(int,
		object_copy(it.store, it.bucket, SLICE("put"), NULL, NULL,
			it.bucket, SLICE("copy"), &all, NULL, &made)));
	expect_attr(&it, "copy");
	locks_end(&it);
}

Test(lock, what_brings_one_is_not_for_a_bucket_without_it)
{
	struct versions it = versions_begin(VERSIONING_ENABLED);
	scoped(buffer_free) struct buffer attrs = {0};

	cr_expect(eq(int, put_with(&it, "f", lock_attr(&attrs)),
		STORE_INVALID));
	cr_expect(versions_lists(&it, ""));
	versions_end(&it);
}

Test(lock, lifecycle_rules_pass_over_what_is_locked)
{
	struct versions it = locks_begin();
	scoped(buffer_free) struct buffer bytes = {0};
	struct lifecycle_rule rule = {
		.id = SLICE("rule"),
		.is_enabled = true,
		.form = LIFECYCLE_FILTER,
		.noncurrent_days = 1,
	};
	const struct lifecycle_rules rules = {.rules = &rule, .count = 1};
	const struct lifecycle_options options = {.now_ns = locks_in_days(9)};
	struct lifecycle_result result;
	struct slice value;

	lifecycle_encode(&bytes, &rules);
	value = buffer_slice(&bytes);
	cr_assert(zero(int, bucket_set_document(it.store, it.bucket,
				    SLICE(LIFECYCLE_KIND), &value)));
	versions_put(&it, "f", "1");
	locks_retain(&it, "f", INODE_LOCK_GOVERNANCE);
	versions_put(&it, "f", "2");
	locks_hold(&it, "f");
	versions_put(&it, "f", "3");
	versions_put(&it, "f", "4");

	cr_assert(zero(int, lifecycle_run(it.store, &options, &result)));
	cr_expect(eq(u64, result.versions, 1));
	cr_expect(zero(u64, result.failed));
	cr_expect(versions_lists(&it, "f=4* f=2 f=1"));
	locks_end(&it);
}

Test(lock, a_bucket_with_a_locked_version_is_not_empty)
{
	struct versions it = locks_begin();

	versions_put(&it, "f", "1");
	locks_retain(&it, "f", INODE_LOCK_GOVERNANCE);
	cr_assert(zero(int,
		object_delete(it.store, it.bucket, SLICE("f"), NULL)));
	versions_drop_nth(&it, "f", 0);
	cr_expect(eq(int, bucket_delete(it.store, SLICE("bucket")),
		STORE_BUCKET_NOT_EMPTY));
	cr_expect(versions_lists(&it, "f=1*"));
	locks_end(&it);
}

Test(lock, tags_of_what_is_locked_may_change)
{
	struct versions it = locks_begin();
	scoped(buffer_free) struct buffer attrs = {0};
	const struct inode_attr tag = {
		INODE_ATTR_TAG, SLICE("color"), SLICE("red")};

	versions_put(&it, "f", "1");
	struct version_ref one = locks_retain(&it, "f", INODE_LOCK_COMPLIANCE);

	inode_attr_append(&attrs, &tag);
	cr_expect(zero(int,
		object_set_attrs(it.store, it.bucket, SLICE("f"),
			buffer_slice(&attrs), 1u << INODE_ATTR_TAG)));
	cr_expect(locks_stays(&it, "f", one, "1"));
	locks_end(&it);
}
