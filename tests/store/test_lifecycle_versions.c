/* SPDX-License-Identifier: Apache-2.0 */
/* What lifecycle rules do to older versions and to delete markers. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "store/base/clock.h"
#include "store/file.h"
#include "store/lifecycle.h"
#include "store/object_key_private.h"
#include "tests/store/versions.h"

#define DAY_NS CLOCK_NS_PER_DAY

static struct versions
begin(const struct lifecycle_rule *rule)
{
	scoped(buffer_free) struct buffer bytes = {0};
	struct lifecycle_rule copy = *rule;
	struct versions it = versions_begin(VERSIONING_ENABLED);
	const struct lifecycle_rules rules = {.rules = &copy, .count = 1};
	struct slice value;

	copy.id = SLICE("rule");
	copy.is_enabled = true;
	copy.form = LIFECYCLE_FILTER;
	lifecycle_encode(&bytes, &rules);
	value = buffer_slice(&bytes);
	cr_assert(zero(int, bucket_set_document(it.store, it.bucket,
				    SLICE(LIFECYCLE_KIND), &value)));
	return it;
}

static void
end(struct versions *it)
{
	cr_expect(zero(sz, objects_findings(it->store)));
	versions_end(it);
}

static void
remove_key(struct versions *it, const char *key)
{
	cr_assert(zero(int,
		object_delete(it->store, it->bucket, slice_str(key), NULL)));
}

/* So many days from now; what was due. */
static struct lifecycle_result
run_dry(struct versions *it, int days, bool is_dry)
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
run(struct versions *it, int days)
{
	return run_dry(it, days, false);
}

Test(lifecycle_versions, older_ones_go_and_the_current_one_stays)
{
	scoped(end) struct versions it =
			begin(&(struct lifecycle_rule){.noncurrent_days = 2});

	versions_put(&it, "a", "1");
	versions_put(&it, "a", "22");
	versions_put(&it, "a", "333");
	versions_put(&it, "b/c", "1");

	cr_expect(zero(u64, run(&it, 0).versions));
	cr_expect(versions_lists(&it, "a=333* a=22 a=1 b/c=1*"));
	struct lifecycle_result dry = run_dry(&it, 2, true);

	cr_expect(eq(u64, dry.versions, 2));
	cr_expect(versions_lists(&it, "a=333* a=22 a=1 b/c=1*"));
	struct lifecycle_result result = run(&it, 2);

	cr_expect(eq(u64, result.versions, 2));
	cr_expect(eq(u64, result.bytes, 3));
	cr_expect(zero(u64, result.objects));
	cr_expect(versions_lists(&it, "a=333* b/c=1*"));
}

/* A directory stays, and its object's older version is a record of its own. */
Test(lifecycle_versions, the_age_of_an_older_one_counts_from_its_change)
{
	scoped(end) struct versions it =
			begin(&(struct lifecycle_rule){.noncurrent_days = 1});
	scoped(arena_free) struct arena arena = {0};
	const struct list_versions_request request = {
		.bucket = it.bucket, .max = 1000};
	struct list_versions_page page;
	int64_t before_ns;

	versions_put(&it, "dir/", "1");
	versions_put(&it, "file", "1");
	before_ns = clock_now_ns();
	versions_put(&it, "dir/", "22");
	versions_put(&it, "file", "22");
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
	scoped(end) struct versions it = begin(&(struct lifecycle_rule){
		.noncurrent_days = 1, .noncurrent_newer = 2});

	versions_put(&it, "a", "1");
	versions_put(&it, "a", "22");
	versions_put(&it, "a", "333");
	versions_put(&it, "a", "4444");
	versions_put(&it, "a", "55555");

	cr_expect(eq(u64, run(&it, 1).versions, 2));
	cr_expect(versions_lists(&it, "a=55555* a=4444 a=333"));
	cr_expect(zero(u64, run(&it, 9).versions));
}

Test(lifecycle_versions, markers_are_not_among_those_that_are_kept)
{
	scoped(end) struct versions it = begin(&(struct lifecycle_rule){
		.noncurrent_days = 1, .noncurrent_newer = 1});

	versions_put(&it, "a", "1");
	versions_put(&it, "a", "22");
	remove_key(&it, "a");
	remove_key(&it, "a");
	versions_put(&it, "a", "333");

	/* Of all that is older one version is to be newer than what goes. */
	run(&it, 1);
	cr_expect(versions_lists(&it, "a=333* a=- a=- a=22"));
}

Test(lifecycle_versions, older_markers_go_as_others_do)
{
	scoped(end) struct versions it =
			begin(&(struct lifecycle_rule){.noncurrent_days = 1});

	versions_put(&it, "a", "1");
	remove_key(&it, "a");
	versions_put(&it, "a", "22");
	remove_key(&it, "a");

	cr_expect(eq(u64, run(&it, 1).versions, 3));
	cr_expect(versions_lists(&it, "a=-*"));
	/* By a rule that says nothing of it. */
	cr_expect(zero(u64, run(&it, 99).versions));
}

/* It was hidden no earlier than what hides it was made. */
Test(lifecycle_versions, a_marker_s_age_counts_from_what_came_after_it)
{
	scoped(end) struct versions it =
			begin(&(struct lifecycle_rule){.noncurrent_days = 1});
	struct object_attrs attrs = objects_attrs(SLICE(""));
	struct object_put *newer = NULL;
	struct object made;

	remove_key(&it, "a");
	attrs.mtime_ns = clock_now_ns() + 5 * DAY_NS;
	cr_assert(zero(int, object_put_begin(it.store, 0, &newer)));
	cr_assert(zero(int, object_put_commit(&newer, it.bucket, SLICE("a"),
				    &attrs, NULL, &made)));

	cr_expect(zero(u64, run(&it, 4).versions));
	cr_expect(eq(u64, run(&it, 7).versions, 1));
	cr_expect(versions_lists(&it, "a=*"));
}

Test(lifecycle_versions, one_that_somebody_writes_to_stays)
{
	scoped(end) struct versions it =
			begin(&(struct lifecycle_rule){.noncurrent_days = 1});
	const int flags = O_WRONLY | O_APPEND;
	struct file *file = NULL;
	struct inode inode;

	versions_put(&it, "a", "1");
	cr_assert(zero(int, tree_lookup(it.store, it.bucket, SLICE("a"),
				    TREE_FILE, NULL, &inode)));
	cr_assert(zero(int, file_open(it.store, inode.ino, flags, &file)));
	cr_assert(eq(i64, pwrite(file_fd(file), "2", 1, 1), 1));
	cr_assert(zero(int, file_sync(file, false)));
	versions_put(&it, "a", "333");

	cr_expect(eq(u64, run(&it, 1).versions, 1));
	cr_expect(versions_lists(&it, "a=333* a=12"));
	cr_assert(zero(int, file_close(&file, flags)));
	cr_expect(eq(u64, run(&it, 1).versions, 1));
	cr_expect(versions_lists(&it, "a=333*"));
}

Test(lifecycle_versions, prefixes_sizes_and_tags_have_to_fit)
{
	scoped(buffer_free) struct buffer tags = {0};
	const struct inode_attr tag = {
		INODE_ATTR_TAG, SLICE("state"), SLICE("old")};

	inode_attr_append(&tags, &tag);
	scoped(end) struct versions it = begin(&(struct lifecycle_rule){
		.noncurrent_days = 1,
		.has_prefix = true,
		.prefix = SLICE("x/"),
		.tags = buffer_slice(&tags),
		.has_above = true,
		.above = 1,
	});

	versions_put(&it, "a", "22");
	versions_put(&it, "a", "22");
	versions_put(&it, "x/a", "1");
	versions_put(&it, "x/a", "22");
	versions_put(&it, "x/a", "333");
	remove_key(&it, "x/a");
	versions_put(&it, "x/a", "4444");
	cr_expect(zero(u64, run(&it, 1).versions));
	struct version_ref ref = versions_nth(&it, 5);

	cr_assert(zero(int,
		object_set_attrs_version(it.store, it.bucket, SLICE("x/a"),
			&ref, buffer_slice(&tags), 1u << INODE_ATTR_TAG)));
	cr_expect(eq(u64, run_dry(&it, 1, true).versions, 1));
	cr_expect(eq(u64, run(&it, 1).versions, 1));
	cr_expect(versions_lists(&it,
		"a=22* a=22 x/a=4444* x/a=- x/a=333 x/a=1"));
}

Test(lifecycle_versions, a_marker_with_nothing_behind_it_goes)
{
	scoped(end) struct versions it = begin(&(struct lifecycle_rule){
		.has_marker = true, .marker = true});

	remove_key(&it, "alone");
	versions_put(&it, "kept", "1");
	remove_key(&it, "kept");
	versions_put(&it, "there", "1");

	cr_expect(eq(u64, run_dry(&it, 0, true).versions, 1));
	cr_expect(eq(u64, run(&it, 0).versions, 1));
	cr_expect(versions_lists(&it, "kept=-* kept=1 there=1*"));
}

Test(lifecycle_versions, objects_expire_to_a_marker_which_goes_when_it_is_old)
{
	scoped(end) struct versions it = begin(&(struct lifecycle_rule){
		.expire_days = 1, .noncurrent_days = 1});
	struct lifecycle_result result;

	versions_put(&it, "a", "1");

	result = run(&it, 1);
	cr_expect(eq(u64, result.objects, 1));
	/* It has just become an older one, as a clock that is ahead sees it;
	 * its marker is not alone. */
	cr_expect(le(u64, result.versions, 1));
	run(&it, 1);
	run(&it, 1);
	cr_expect(versions_lists(&it, ""));
}

Test(lifecycle_versions, more_than_a_page_of_one_key_goes)
{
	scoped(end) struct versions it = begin(&(struct lifecycle_rule){
		.noncurrent_days = 1, .noncurrent_newer = 3});

	for (int i = 0; i < 1100; i++)
		versions_put(&it, "a", "");
	versions_put(&it, "b", "1");
	versions_put(&it, "b", "22");

	cr_expect(eq(u64, run(&it, 1).versions, 1096));
	cr_expect(versions_lists(&it, "a=* a= a= a= b=22* b=1"));
}

static enum store_err
apply_many(struct store *store, struct db_txn *txn, void *arg)
{
	static const struct object_attrs attrs;
	const struct versions *it = arg;
	struct version version;
	struct inode inode;
	enum store_err err = STORE_OK;

	for (int i = 0; i < 300 && !err; i++) {
		err = object_key_describe(&attrs, &inode);
		if (!err)
			err = object_key_publish(store, txn, it->bucket,
				SLICE("a"), &inode, &version);
	}
	return err;
}

/* Each of 200 is held against 100 that are newer. */
Test(lifecycle_versions, counting_takes_several_transactions)
{
	scoped(end) struct versions it = begin(&(struct lifecycle_rule){
		.noncurrent_days = 1, .noncurrent_newer = 100});

	cr_assert(zero(int, commit_run(it.store, apply_many, &it, NULL)));
	uint64_t before = db_last_commit(it.store->db);

	cr_expect(eq(u64, run(&it, 1).versions, 199));
	cr_expect(ge(u64, db_last_commit(it.store->db) - before, 2));
	cr_expect(zero(u64, run(&it, 1).versions));
}

Test(lifecycle_versions, a_bucket_that_never_had_any_loses_nothing)
{
	scoped(end) struct versions it =
			begin(&(struct lifecycle_rule){.noncurrent_days = 1});
	uint64_t plain = objects_bucket(it.store, "plain");

	cr_assert(zero(int, objects_put(it.store, plain, "a", "1")));
	versions_put(&it, "a", "1");
	cr_assert(zero(int,
		versioning_set(it.store, it.bucket, VERSIONING_SUSPENDED)));
	versions_put(&it, "a", "22");
	versions_put(&it, "a", "333");

	cr_expect(eq(u64, run(&it, 1).versions, 1));
	cr_expect(versions_lists(&it, "a=333*0"));
}

Test(lifecycle_versions, one_that_is_the_current_one_again_stays)
{
	scoped(end) struct versions it =
			begin(&(struct lifecycle_rule){.noncurrent_days = 1});

	versions_put(&it, "a", "1");
	versions_put(&it, "a", "22");
	versions_drop_nth(&it, "a", 0);

	cr_expect(zero(u64, run(&it, 1).versions));
	cr_expect(versions_lists(&it, "a=1*"));
}
