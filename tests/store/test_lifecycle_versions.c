/* SPDX-License-Identifier: Apache-2.0 */
/* What lifecycle rules do to older versions and to delete markers. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "store/base/clock.h"
#include "store/lifecycle.h"
#include "store/list_versions.h"
#include "store/versioning.h"
#include "tests/store/names.h"
#include "tests/store/objects.h"
#include "tests/support/temp_store.h"

#define DAY_NS CLOCK_NS_PER_DAY

struct fixture {
	struct temp_store temp;
	struct store *store;
	uint64_t bucket;
};

static struct fixture
begin(const struct lifecycle_rule *rule)
{
	scoped(buffer_free) struct buffer bytes = {0};
	struct lifecycle_rule copy = *rule;
	struct fixture it = {.temp = temp_store_open()};
	const struct lifecycle_rules rules = {.rules = &copy, .count = 1};
	struct slice value;

	copy.id = SLICE("rule");
	copy.is_enabled = true;
	copy.form = LIFECYCLE_FILTER;
	lifecycle_encode(&bytes, &rules);
	value = buffer_slice(&bytes);
	it.store = it.temp.store;
	it.bucket = objects_bucket(it.store, "bucket");
	cr_assert(zero(int,
		versioning_set(it.store, it.bucket, VERSIONING_ENABLED)));
	cr_assert(zero(int, bucket_set_document(it.store, it.bucket,
				    SLICE(LIFECYCLE_KIND), &value)));
	return it;
}

static void
end(struct fixture *it)
{
	cr_expect(names_are_sound(it->store));
	cr_expect(zero(sz, objects_findings(it->store)));
	temp_store_close(&it->temp);
}

static void
put(struct fixture *it, const char *key, const char *body)
{
	cr_assert(zero(int, objects_put(it->store, it->bucket, key, body)));
}

static void
remove_key(struct fixture *it, const char *key)
{
	cr_assert(zero(int,
		object_delete(it->store, it->bucket, slice_str(key), NULL)));
}

/* So many days from now; what was due. */
static struct lifecycle_result
run_dry(struct fixture *it, int days, bool is_dry)
{
	const struct lifecycle_options options = {
		.now_ns = clock_now_ns() + (days + 1) * DAY_NS,
		.is_dry = is_dry,
	};
	struct lifecycle_result result;

	cr_assert(zero(int, lifecycle_run(it->store, &options, &result)));
	cr_assert(zero(u64, result.failed));
	return result;
}

static struct lifecycle_result
run(struct fixture *it, int days)
{
	return run_dry(it, days, false);
}

/* "KEY=SIZE ", of a marker "KEY=- ", the newest first. */
static void
expect_versions(struct fixture *it, const char *expected)
{
	scoped(arena_free) struct arena arena = {0};
	scoped(buffer_free) struct buffer text = {0};
	const struct list_versions_request request = {
		.bucket = it->bucket, .max = 1000};
	struct list_versions_page page;

	cr_assert(zero(int,
		list_versions_read(it->store, &request, &arena, &page)));
	for (size_t i = 0; i < page.count; i++) {
		const struct list_versions_entry *entry = &page.entries[i];

		buffer_append(&text, entry->key);
		if (entry->is_marker)
			buffer_append_str(&text, "=- ");
		else
			buffer_printf(&text, "=%llu ",
				(unsigned long long)entry->inode.size);
	}
	buffer_append_char(&text, 0);
	cr_expect(eq(str, text.data, (char *)expected));
}

static struct version
version_at(struct fixture *it, const char *key, size_t i)
{
	scoped(arena_free) struct arena arena = {0};
	const struct list_versions_request request = {
		.bucket = it->bucket, .prefix = slice_str(key), .max = 1000};
	struct list_versions_page page;

	cr_assert(zero(int,
		list_versions_read(it->store, &request, &arena, &page)));
	cr_assert(lt(sz, i, page.count));
	return page.entries[i].version;
}

Test(lifecycle_versions, older_ones_go_and_the_current_one_stays)
{
	scoped(end) struct fixture it =
			begin(&(struct lifecycle_rule){.noncurrent_days = 2});

	put(&it, "a", "1");
	put(&it, "a", "22");
	put(&it, "a", "333");
	put(&it, "b/c", "1");

	cr_expect(zero(u64, run(&it, 0).versions));
	expect_versions(&it, "a=3 a=2 a=1 b/c=1 ");
	struct lifecycle_result dry = run_dry(&it, 2, true);

	cr_expect(eq(u64, dry.versions, 2));
	expect_versions(&it, "a=3 a=2 a=1 b/c=1 ");
	struct lifecycle_result result = run(&it, 2);

	cr_expect(eq(u64, result.versions, 2));
	cr_expect(eq(u64, result.bytes, 3));
	cr_expect(zero(u64, result.objects));
	expect_versions(&it, "a=3 b/c=1 ");
}

/* A directory stays, and its object's older version is a record of its own. */
Test(lifecycle_versions, the_age_of_an_older_one_counts_from_its_change)
{
	scoped(end) struct fixture it =
			begin(&(struct lifecycle_rule){.noncurrent_days = 1});
	scoped(arena_free) struct arena arena = {0};
	const struct list_versions_request request = {
		.bucket = it.bucket, .max = 1000};
	struct list_versions_page page;
	int64_t before_ns;

	put(&it, "dir/", "1");
	put(&it, "file", "1");
	before_ns = clock_now_ns();
	put(&it, "dir/", "22");
	put(&it, "file", "22");
	cr_assert(zero(int,
		list_versions_read(it.store, &request, &arena, &page)));

	cr_assert(eq(sz, page.count, 4));
	for (size_t i = 1; i < page.count; i += 2) {
		cr_expect(ge(i64, page.entries[i].inode.ctime_ns, before_ns));
		cr_expect(lt(i64, page.entries[i].inode.mtime_ns, before_ns));
	}
}

Test(lifecycle_versions, so_many_of_the_older_ones_are_kept)
{
	scoped(end) struct fixture it = begin(&(struct lifecycle_rule){
		.noncurrent_days = 1, .noncurrent_newer = 2});

	put(&it, "a", "1");
	put(&it, "a", "22");
	put(&it, "a", "333");
	put(&it, "a", "4444");
	put(&it, "a", "55555");

	cr_expect(eq(u64, run(&it, 1).versions, 2));
	expect_versions(&it, "a=5 a=4 a=3 ");
	cr_expect(zero(u64, run(&it, 9).versions));
}

Test(lifecycle_versions, markers_are_not_among_those_that_are_kept)
{
	scoped(end) struct fixture it = begin(&(struct lifecycle_rule){
		.noncurrent_days = 1, .noncurrent_newer = 1});

	put(&it, "a", "1");
	put(&it, "a", "22");
	remove_key(&it, "a");
	remove_key(&it, "a");
	put(&it, "a", "333");

	/* Of all that is older one version is to be newer than what goes. */
	run(&it, 1);
	expect_versions(&it, "a=3 a=- a=- a=2 ");
}

Test(lifecycle_versions, older_markers_go_as_others_do)
{
	scoped(end) struct fixture it =
			begin(&(struct lifecycle_rule){.noncurrent_days = 1});

	put(&it, "a", "1");
	remove_key(&it, "a");
	put(&it, "a", "22");
	remove_key(&it, "a");

	cr_expect(eq(u64, run(&it, 1).versions, 3));
	expect_versions(&it, "a=- ");
	/* By a rule that says nothing of it. */
	cr_expect(zero(u64, run(&it, 99).versions));
}

Test(lifecycle_versions, prefixes_sizes_and_tags_have_to_fit)
{
	scoped(buffer_free) struct buffer tags = {0};
	const struct inode_attr tag = {
		INODE_ATTR_TAG, SLICE("state"), SLICE("old")};
	struct version second;

	inode_attr_append(&tags, &tag);
	scoped(end) struct fixture it = begin(&(struct lifecycle_rule){
		.noncurrent_days = 1,
		.has_prefix = true,
		.prefix = SLICE("x/"),
		.tags = buffer_slice(&tags),
		.has_above = true,
		.above = 1,
	});

	put(&it, "a", "22");
	put(&it, "a", "22");
	put(&it, "x/a", "1");
	put(&it, "x/a", "22");
	put(&it, "x/a", "333");
	remove_key(&it, "x/a");
	put(&it, "x/a", "4444");
	cr_expect(zero(u64, run(&it, 1).versions));
	second = version_at(&it, "x/a", 3);
	struct version_ref ref = version_ref_of(&second);

	cr_assert(zero(int,
		object_set_attrs_version(it.store, it.bucket, SLICE("x/a"),
			&ref, buffer_slice(&tags), 1u << INODE_ATTR_TAG)));
	cr_expect(eq(u64, run_dry(&it, 1, true).versions, 1));
	cr_expect(eq(u64, run(&it, 1).versions, 1));
	expect_versions(&it, "a=2 a=2 x/a=4 x/a=- x/a=3 x/a=1 ");
}

Test(lifecycle_versions, a_marker_with_nothing_behind_it_goes)
{
	scoped(end) struct fixture it = begin(&(struct lifecycle_rule){
		.has_marker = true, .marker = true});

	remove_key(&it, "alone");
	put(&it, "kept", "1");
	remove_key(&it, "kept");
	put(&it, "there", "1");

	cr_expect(eq(u64, run_dry(&it, 0, true).versions, 1));
	cr_expect(eq(u64, run(&it, 0).versions, 1));
	expect_versions(&it, "kept=- kept=1 there=1 ");
}

Test(lifecycle_versions, objects_expire_to_a_marker_which_goes_when_it_is_old)
{
	scoped(end) struct fixture it = begin(&(struct lifecycle_rule){
		.expire_days = 1, .noncurrent_days = 1});
	struct lifecycle_result result;

	put(&it, "a", "1");

	result = run(&it, 1);
	cr_expect(eq(u64, result.objects, 1));
	/* It has just become an older one, as a clock that is ahead sees it;
	 * its marker is not alone. */
	cr_expect(le(u64, result.versions, 1));
	run(&it, 1);
	run(&it, 1);
	expect_versions(&it, "");
}

Test(lifecycle_versions, more_than_a_page_of_one_key_goes)
{
	scoped(end) struct fixture it = begin(&(struct lifecycle_rule){
		.noncurrent_days = 1, .noncurrent_newer = 3});

	for (int i = 0; i < 1100; i++)
		put(&it, "a", "");
	put(&it, "b", "1");
	put(&it, "b", "22");

	cr_expect(eq(u64, run(&it, 1).versions, 1096));
	expect_versions(&it, "a=0 a=0 a=0 a=0 b=2 b=1 ");
}

Test(lifecycle_versions, a_bucket_that_never_had_any_loses_nothing)
{
	scoped(end) struct fixture it =
			begin(&(struct lifecycle_rule){.noncurrent_days = 1});
	uint64_t plain = objects_bucket(it.store, "plain");

	cr_assert(zero(int, objects_put(it.store, plain, "a", "1")));
	put(&it, "a", "1");
	cr_assert(zero(int,
		versioning_set(it.store, it.bucket, VERSIONING_SUSPENDED)));
	put(&it, "a", "22");
	put(&it, "a", "333");

	cr_expect(eq(u64, run(&it, 1).versions, 1));
	expect_versions(&it, "a=3 ");
}

Test(lifecycle_versions, one_that_is_the_current_one_again_stays)
{
	scoped(end) struct fixture it =
			begin(&(struct lifecycle_rule){.noncurrent_days = 1});
	struct version newest;
	struct object_deletion deletion = {.key = SLICE("a")};

	put(&it, "a", "1");
	put(&it, "a", "22");
	newest = version_at(&it, "a", 0);
	deletion.version = version_ref_of(&newest);
	cr_assert(zero(int,
		object_delete_many(it.store, it.bucket, &deletion, 1)));

	cr_expect(zero(u64, run(&it, 1).versions));
	expect_versions(&it, "a=1 ");
}
