/* SPDX-License-Identifier: Apache-2.0 */
/* Replicas that cannot be made, mounts, power and damage. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <unistd.h>

#include "store/meta/key.h"
#include "tests/store/checks.h"
#include "tests/store/events.h"
#include "tests/store/raw.h"
#include "tests/store/replicas.h"
#include "tests/support/other_process.h"

/* --- what cannot be done -------------------------------------------------- */

Test(replication_run, a_bucket_that_is_gone_is_given_up)
{
	struct replicas it = replicas_begin();

	cr_assert(zero(int, bucket_delete(it.store, SLICE("replicas"))));
	uint64_t other = replicas_bucket(it.store, "replicas");
	versions_put(&it.from, "a", "1");
	cr_expect(eq(u64, replicas_run(&it).left, 1));
	cr_expect(eq(int, replicas_status(&it.from, "a"), REPLICATION_PENDING));

	replicas_run_out(&it);
	cr_expect(eq(int, replicas_status(&it.from, "a"), REPLICATION_FAILED));
	cr_expect(replicas_count(&it, 0, 1));
	it.to.bucket = other;
	cr_expect(versions_lists(&it.to, ""), "another has its name");
	replicas_end(&it);
}

Test(replication_run, what_can_be_done_again_is_done)
{
	struct replicas it = replicas_begin();
	const struct usage_quota full = {.objects = 1};
	const struct usage_quota none = {0};

	versions_put(&it.to, "own", "1");
	cr_assert(zero(int,
		usage_set_bucket_quota(it.store, it.to.bucket, &full)));
	versions_put(&it.from, "a", "1");
	cr_expect(eq(u64, replicas_run(&it).left, 1));
	cr_expect(versions_lists(&it.to, "own=1*"));
	cr_assert(zero(int,
		usage_set_bucket_quota(it.store, it.to.bucket, &none)));
	cr_expect(eq(u64, replicas_run(&it).done, 0), "it is not due yet");
	it.now_ns = clock_now_ns() + 3600 * CLOCK_NS_PER_S;
	cr_expect(eq(u64, replicas_run(&it).done, 1));

	cr_expect(versions_lists(&it.to, "a=1* own=1*"));
	cr_expect(replicas_count(&it, 0, 0));
	replicas_end(&it);
}

Test(replication_run, what_failed_is_tried_again_when_it_is_tagged)
{
	struct replicas it = replicas_begin();

	cr_assert(zero(int,
		versioning_set(it.store, it.to.bucket, VERSIONING_SUSPENDED)));
	versions_put(&it.from, "a", "1");
	replicas_run_out(&it);
	cr_expect(eq(int, replicas_status(&it.from, "a"), REPLICATION_FAILED));
	cr_assert(zero(int,
		versioning_set(it.store, it.to.bucket, VERSIONING_ENABLED)));
	replicas_tag(&it.from, "a", "v");
	(void)replicas_run(&it);

	cr_expect(versions_lists(&it.to, "a=1*"));
	cr_expect(eq(int, replicas_status(&it.from, "a"),
		REPLICATION_COMPLETED));
	replicas_end(&it);
}

Test(replication_run, without_rules_what_waits_has_failed)
{
	struct replicas it = replicas_begin();

	versions_put(&it.from, "a", "1");
	cr_assert(zero(int, replication_put(it.store, it.from.bucket, NULL)));
	cr_expect(eq(u64, replicas_run(&it).failed, 1));

	cr_expect(versions_lists(&it.to, ""));
	cr_expect(eq(int, replicas_status(&it.from, "a"), REPLICATION_FAILED));
	cr_expect(replicas_count(&it, 0, 1));
	replicas_end(&it);
}

static bool
may_not(const struct replication_ask *ask, void *context)
{
	cr_expect(slice_equal(ask->replication->name, SLICE("setter")));
	cr_expect(slice_equal(slice_str(ask->from->name), SLICE("bucket")));
	cr_expect(slice_equal(slice_str(ask->to->name), SLICE("replicas")));
	cr_expect(slice_equal(ask->key, SLICE("a")));
	cr_expect(ne(u64, ask->number, 0));
	*(int *)context += ask->is_marker ? 100 : 1;
	return false;
}

Test(replication_run, who_may_not_has_no_replicas_made)
{
	struct replicas it = replicas_begin();
	int asked = 0;
	const struct replication_options options = {
		.may = may_not, .context = &asked};
	struct replication_result result;

	versions_put(&it.from, "a", "1");
	cr_assert(zero(int,
		object_delete(it.store, it.from.bucket, SLICE("a"), NULL)));
	cr_assert(zero(int, replication_run(it.store, &options, &result)));

	cr_expect(eq(int, asked, 101));
	cr_expect(eq(u64, result.left, 2));
	cr_expect(versions_lists(&it.to, ""));
	replicas_end(&it);
}

/* "KEY", '-' for a marker, '+' for attributes, '!' where it came to nothing. */
static void
append_report(const struct replication_ask *ask, enum store_err err,
	void *context)
{
	struct buffer *to = context;

	cr_expect(slice_equal(ask->rule->id, SLICE("all")));
	cr_expect(slice_equal(slice_str(ask->to->name), SLICE("replicas")));
	buffer_append(to, ask->key);
	if (ask->is_marker)
		buffer_append_char(to, '-');
	if (ask->is_update)
		buffer_append_char(to, '+');
	if (err)
		buffer_append_char(to, '!');
	buffer_append_char(to, ' ');
}

static bool
reports_are(struct replicas *it, const char *expected)
{
	scoped(buffer_free) struct buffer reports = {0};
	const struct replication_options options = {
		.report = append_report, .context = &reports};
	struct replication_result result;

	cr_assert(zero(int, replication_run(it->store, &options, &result)));
	if (slice_equal(buffer_slice(&reports), slice_str(expected)))
		return true;
	fprintf(stderr, "\"%.*s\"\n", (int)reports.len, reports.data);
	return false;
}

Test(replication_run, what_it_changes_is_reported)
{
	struct replicas it = replicas_begin();

	versions_put(&it.from, "a", "1");
	replicas_tag(&it.from, "a", "v");
	cr_expect(reports_are(&it, "a "));
	replicas_tag(&it.from, "a", "w");
	cr_expect(reports_are(&it, "a+ "));
	replicas_tag(&it.from, "a", "w");
	cr_expect(reports_are(&it, ""), "it has that");
	cr_assert(zero(int,
		object_delete(it.store, it.from.bucket, SLICE("a"), NULL)));
	cr_expect(reports_are(&it, "a- "));

	cr_assert(zero(int,
		versioning_set(it.store, it.to.bucket, VERSIONING_SUSPENDED)));
	versions_put(&it.from, "b", "1");
	cr_expect(reports_are(&it, "b! "));
	cr_expect(reports_are(&it, ""), "it is not tried again yet");
	replicas_end(&it);
}

static bool
goes_not_on(void *context)
{
	(void)context;
	return false;
}

Test(replication_run, a_run_that_is_stopped_leaves_all_as_it_was)
{
	struct replicas it = replicas_begin();
	const struct replication_options options = {.goes_on = goes_not_on};
	struct replication_result result;

	versions_put(&it.from, "a", "1");
	cr_assert(zero(int, replication_run(it.store, &options, &result)));

	cr_expect(eq(u64, result.done, 0));
	cr_expect(replicas_count(&it, 1, 0));
	replicas_end(&it);
}

Test(replication_run, more_than_a_page_is_done)
{
	struct replicas it = replicas_begin();
	char key[16];

	for (int i = 0; i < 150; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		versions_put(&it.from, key, "1");
	}

	cr_expect(eq(u64, replicas_run(&it).done, 150));
	replicas_end(&it);
}

Test(replication_run, a_source_bucket_that_is_gone_leaves_nothing)
{
	struct replicas it = replicas_begin();

	versions_put(&it.from, "a", "1");
	versions_drop_nth(&it.from, "a", 0);
	cr_assert(zero(int, bucket_delete(it.store, SLICE("bucket"))));
	cr_expect(names_are_sound(it.store));
	(void)replicas_run(&it);

	cr_expect(eq(u64, objects_rows(it.store, DB_REPLICATION), 0));
	replicas_end(&it);
}

/* Who is told of what comes is told of replicas, too. */
Test(replication_run, the_other_buckets_events_tell_of_replicas)
{
	struct events it = events_begin(VERSIONING_ENABLED);
	struct replicas at = {.from = it.in, .to = it.in, .store = it.store};
	struct replication_rule rule = replicas_rule(&at.to, "bucket");

	at.from.bucket = replicas_bucket(it.store, "source");
	replicas_put_rules(&at, &rule, 1);
	versions_put(&at.from, "a", "1");
	cr_assert(zero(int,
		object_delete(it.store, at.from.bucket, SLICE("a"), NULL)));
	(void)replicas_run(&at);

	cr_expect(events_are(&it, "ObjectCreated:Put=a(1)v "
				  "ObjectRemoved:DeleteMarkerCreated=av"));
	events_end(&it);
}

/* --- mounts --------------------------------------------------------------- */

Test(replication_run, what_a_mount_publishes_is_replicated_once_it_is_closed)
{
	struct replicas it = replicas_begin();
	struct file *file = files_create(it.store, it.from.bucket, "a");

	files_put(file, "1");
	cr_assert(zero(int, file_sync(file, false)));
	cr_expect(eq(int, replicas_status(&it.from, "a"), REPLICATION_PENDING));
	cr_expect(eq(u64, replicas_run(&it).left, 1), "it is written to");
	cr_expect(versions_lists(&it.to, ""));
	files_put(file, "23");
	files_close(&file, O_RDWR);
	cr_expect(eq(u64, replicas_run(&it).done, 1));

	cr_expect(versions_lists(&it.to, "a=23*"));
	replicas_end(&it);
}

Test(replication_run, a_replica_that_a_mount_rewrites_is_none_any_more)
{
	struct replicas it = replicas_begin();
	scoped(arena_free) struct arena arena = {0};

	versions_put(&it.from, "a", "1");
	(void)replicas_run(&it);
	uint64_t ino = replicas_head(&it.to, "a", &arena).inode.ino;
	struct file *file = files_open(it.store, ino, O_RDWR);
	files_put(file, "own");
	files_close(&file, O_RDWR);

	cr_expect(eq(int, replicas_status(&it.to, "a"), REPLICATION_NONE));
	cr_expect(versions_lists(&it.to, "a=own* a=1"));
	cr_expect(versions_lists(&it.from, "a=1*"), "the data is the source's");
	replicas_end(&it);
}

Test(replication_run, a_file_that_is_renamed_is_replicated_by_its_new_name)
{
	struct replicas it = replicas_begin();
	struct inode gone;

	(void)files_make(it.store, it.from.bucket, "a", "1");
	(void)replicas_run(&it);
	cr_assert(zero(int,
		tree_rename(it.store, it.from.bucket, SLICE("a"), TREE_FILE,
			it.from.bucket, SLICE("b"), 0, &gone)));
	cr_expect(eq(int, replicas_status(&it.from, "b"), REPLICATION_PENDING));
	cr_assert(zero(int,
		tree_rename(it.store, it.from.bucket, SLICE("b"), TREE_FILE,
			it.to.bucket, SLICE("c"), 0, &gone)));
	(void)replicas_run(&it);

	cr_expect(eq(int, replicas_status(&it.to, "c"), REPLICATION_NONE),
		"it came by itself");
	cr_expect(versions_lists(&it.to, "a=1* c=1*"),
		"it left before its turn");
	replicas_end(&it);
}

Test(replication_run, what_a_mount_unlinks_gets_a_marker_there)
{
	struct replicas it = replicas_begin();
	struct inode gone;

	(void)files_make(it.store, it.from.bucket, "a", "1");
	cr_assert(zero(int,
		tree_unlink(it.store, it.from.bucket, SLICE("a"), &gone)));
	(void)replicas_run(&it);

	cr_expect(versions_lists(&it.to, "a=-* a=1"));
	replicas_end(&it);
}

/* --- power ---------------------------------------------------------------- */

#define KEYS 40

static void
put_and_replicate(struct store *store, struct other_process *self)
{
	struct replicas it = {.store = store};
	char key[16];

	it.from = (struct versions){.store = store};
	it.to = it.from;
	it.from.bucket = replicas_bucket(store, "bucket");
	it.to.bucket = replicas_bucket(store, "replicas");
	struct replication_rule rule = replicas_rule(&it.to, "replicas");
	replicas_put_rules(&it, &rule, 1);
	for (int i = 0; i < KEYS; i++) {
		snprintf(key, sizeof(key), "k%02d", i);
		versions_put(&it.from, key, "1");
		versions_put(&it.from, key, "2");
	}
	other_process_tell(self, 0);
	for (;;)
		(void)replicas_run(&it);
}

/* Killed somewhere within its run. */
Test(replication_run, a_kill_loses_nothing_and_makes_nothing_twice)
{
	struct temp_store temp = temp_store_create();
	struct other_process process =
		other_process_start(temp.path, put_and_replicate);

	(void)other_process_hear(&process);
	other_process_kill(&process);
	temp.store = temp_store_open_at(temp.path, false);

	struct replicas it = {.store = temp.store};
	struct bucket bucket;
	it.from = (struct versions){.temp = temp, .store = temp.store};
	it.to = it.from;
	cr_assert(zero(int, bucket_get(it.store, SLICE("bucket"), &bucket)));
	it.from.bucket = bucket.ino;
	cr_assert(zero(int, bucket_get(it.store, SLICE("replicas"), &bucket)));
	it.to.bucket = bucket.ino;
	(void)replicas_run(&it);
	scoped(buffer_free) struct buffer expected = {0};
	for (int i = 0; i < KEYS; i++)
		buffer_printf(&expected, "%sk%02d=2* k%02d=1", i ? " " : "", i,
			i);
	buffer_append_char(&expected, 0);
	cr_expect(versions_lists(&it.to, expected.data));
	cr_expect(replicas_count(&it, 0, 0));
	replicas_end(&it);
}

/* --- damage --------------------------------------------------------------- */

Test(replication_run, damaged_rules_let_objects_change)
{
	struct replicas it = replicas_begin();
	const struct slice damage = SLICE("\1x");

	cr_assert(zero(int, bucket_set_document(it.store, it.from.bucket,
				    SLICE(REPLICATION_KIND), &damage)));
	versions_put(&it.from, "a", "1");

	cr_expect(replicas_count(&it, 0, 0));
	checks_expect_repair(it.store, CHECK_RECORD);
	replicas_end(&it);
}

Test(replication_run, damaged_rules_give_up_nothing)
{
	struct replicas it = replicas_begin();
	const struct slice damage = SLICE("\1x");

	versions_put(&it.from, "a", "1");
	versions_put(&it.from, "b", "2");
	cr_assert(zero(int, bucket_set_document(it.store, it.from.bucket,
				    SLICE(REPLICATION_KIND), &damage)));
	struct replication_result result = replicas_run(&it);

	cr_expect(eq(u64, result.left, 2));
	cr_expect(replicas_count(&it, 2, 0));
	checks_expect_repair(it.store, CHECK_RECORD);
	replicas_end(&it);
}

Test(replication_run, a_damaged_row_is_found_and_does_no_harm)
{
	struct replicas it = replicas_begin();
	scoped(arena_free) struct arena arena = {0};

	versions_put(&it.from, "a", "1");
	uint64_t number = replicas_head(&it.from, "a", &arena).version.number;
	raw_put(it.store, DB_REPLICATION, key_u64_u64(it.from.bucket, number),
		SLICE("\1x"));
	versions_put(&it.from, "b", "2");
	(void)replicas_run(&it);

	cr_expect(versions_lists(&it.to, "b=2*"));
	checks_expect_repair(it.store, CHECK_RECORD);
	replicas_end(&it);
}

Test(replication_run, a_damaged_version_holds_up_nobody)
{
	struct replicas it = replicas_begin();
	scoped(arena_free) struct arena arena = {0};

	versions_put(&it.from, "a", "1");
	versions_put(&it.from, "b", "2");
	uint64_t ino = replicas_head(&it.from, "a", &arena).inode.ino;
	raw_put(it.store, DB_INODE, key_u64(ino), SLICE("\1x"));
	cr_expect(eq(u64, replicas_run(&it).left, 1));
	cr_expect(versions_lists(&it.to, "b=2*"));
	replicas_run_out(&it);

	cr_expect(replicas_count(&it, 0, 1));
	checks_expect_repair(it.store, CHECK_RECORD);
	replicas_end(&it);
}

Test(replication_run, what_waits_is_counted_anew)
{
	struct replicas it = replicas_begin();

	versions_put(&it.from, "a", "1");
	raw_delete(it.store, DB_REPLICATION, key_u64_u64(it.from.bucket, 0));
	checks_expect_repair(it.store, CHECK_REPLICATION);

	cr_expect(replicas_count(&it, 1, 0));
	replicas_end(&it);
}

Test(replication_run, counters_of_no_bucket_go)
{
	struct replicas it = replicas_begin();

	versions_put(&it.from, "a", "1");
	scoped(buffer_free) struct buffer counts = {0};
	buffer_append(&counts, SLICE("\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"));
	raw_put(it.store, DB_REPLICATION, key_u64_u64(77777, 0),
		buffer_slice(&counts));

	checks_expect_repair(it.store, CHECK_BUCKET);
	replicas_end(&it);
}
