/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "store/commit_private.h"
#include "store/meta/key.h"
#include "store/meter_private.h"
#include "store/usage_private.h"
#include "tests/store/objects.h"
#include "tests/support/other_process.h"
#include "tests/support/temp_store.h"

#define OTHER "other"
/* More than two steps touch. */
#define MANY (2 * METER_BATCH + 10)

static void
sample(struct store *store, uint64_t hour)
{
	cr_assert(zero(int, meter_sample(store, hour)));
}

static void
put(struct store *store, uint64_t bucket, const char *key, const char *body)
{
	cr_assert(zero(int, objects_put(store, bucket, key, body)));
}

/* "ORGANIZATION/BUCKET@HOUR=OBJECTS,BYTES ..." of the range, read in pages of
 * so many. */
static const char *
readings(struct store *store, const struct meter_range *range, size_t max,
	char *text, size_t room)
{
	struct meter_reading page[64];
	struct meter_place place = {.is_end = false};
	size_t count, len = 0;

	assert(max <= array_len(page));
	text[0] = '\0';
	while (!place.is_end) {
		cr_assert(zero(int,
			meter_read(store, range, &place, page, max, &count)));
		for (size_t i = 0; i < count; i++)
			len += (size_t)snprintf(text + len, room - len,
				"%s%s/%s@%llu=%llu,%llu", len ? " " : "",
				page[i].organization, page[i].bucket,
				(unsigned long long)page[i].hour,
				(unsigned long long)page[i].objects,
				(unsigned long long)page[i].bytes);
	}
	return text;
}

static void
expect_range(struct store *store, const struct meter_range *range,
	const char *wanted)
{
	char all[1024];
	char single[1024];

	cr_expect(eq(str, (char *)readings(store, range, 64, all, sizeof(all)),
		(char *)wanted));
	cr_expect(eq(str,
		(char *)readings(store, range, 1, single, sizeof(single)),
		(char *)wanted));
}

static void
expect_hours(struct store *store, uint64_t from, uint64_t to,
	const char *wanted)
{
	expect_range(store, &(struct meter_range){NULL, from, to}, wanted);
}

static uint64_t
samples(struct store *store)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	struct store_document_kind kind = {
		.text = METER_SAMPLES, .len = strlen(METER_SAMPLES)};
	struct slice value;
	uint64_t count = 0;

	cr_assert(zero(int, db_begin_read(store->db, &txn)));
	while (!store_document_find(txn, SLICE(METER_SAMPLES),
		store_document_kind_slice(&kind), &kind, &value)) {
		kind = meter_name_after(&kind);
		count++;
	}
	return count;
}

/* --- documents behind its back -------------------------------------------- */

struct document {
	const char *kind;
	struct slice value;
};

static enum store_err
apply_document(struct store *store, struct db_txn *txn, void *arg)
{
	const struct document *document = arg;
	struct store_document_kind kind =
		store_document_kind("%s", document->kind);

	(void)store;
	return store_document_put(txn, &kind, document->value);
}

static void
put_document(struct store *store, const char *kind, struct slice value)
{
	struct document document = {kind, value};

	cr_assert(zero(int,
		commit_run(store, apply_document, &document, NULL)));
}

/* A sample of a bucket for each of so many hours. */
static enum store_err
apply_hours(struct store *store, struct db_txn *txn, void *arg)
{
	const uint64_t *count = arg;
	struct meter_name name = {.organization = "default", .bucket = "old"};
	enum store_err err = STORE_OK;

	(void)store;
	for (uint64_t i = 1; i <= *count && !err; i++) {
		scoped(buffer_free) struct buffer value = {0};
		struct store_document_kind kind;

		name.hour = i;
		kind = meter_name_kind(&name);
		record_sample_encode(&value,
			&(struct record_sample){.objects = 1, .bytes = i});
		err = store_document_put(txn, &kind, buffer_slice(&value));
	}
	return err;
}

static enum store_err
apply_part(struct store *store, struct db_txn *txn, void *arg)
{
	const uint64_t *bucket = arg;

	(void)store;
	return usage_add_parts(txn, *bucket, 77);
}

/* Buckets without a root: what metering looks at, and no more. */
static enum store_err
apply_buckets(struct store *store, struct db_txn *txn, void *arg)
{
	enum store_err err = STORE_OK;

	(void)arg;
	for (uint64_t i = 1; i <= MANY && !err; i++) {
		scoped(buffer_free) struct buffer value = {0};
		scoped(buffer_free) struct buffer usage = {0};
		const struct record_bucket record = {
			.root_ino = 1000000 + i,
			.owner = SLICE("default"),
			.region = store_region(store),
		};
		struct key ino = key_u64(record.root_ino);
		char name[16];

		snprintf(name, sizeof(name), "many-%llu",
			(unsigned long long)i);
		struct key key = key_text(slice_str(name));
		record_bucket_encode(&value, &record);
		record_usage_encode(&usage,
			&(struct record_usage){.objects = 1,
				.bytes = i,
				.organization = record.owner});
		err = db_put(txn, DB_BUCKET, key_slice(&key),
			buffer_slice(&value));
		if (!err)
			err = db_put(txn, DB_USAGE, key_slice(&ino),
				buffer_slice(&usage));
	}
	return err;
}

/* --- sampling ------------------------------------------------------------- */

Test(meter, a_sample_is_kept_only_where_it_differs)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "one");

	objects_bucket(temp.store, "empty");
	put(temp.store, bucket, "a", "12");
	sample(temp.store, 100);
	sample(temp.store, 101);
	put(temp.store, bucket, "b", "345");
	sample(temp.store, 102);
	sample(temp.store, 103);

	expect_hours(temp.store, 0, 1000,
		"default/one@100=1,2 default/one@102=2,5");
}

Test(meter, parts_of_uploads_are_sampled_apart)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "one");
	struct meter_place place = {.is_end = false};
	struct meter_reading reading;
	size_t count;

	cr_assert(zero(int, commit_run(temp.store, apply_part, &bucket, NULL)));
	sample(temp.store, 100);

	cr_assert(zero(int,
		meter_read(temp.store, &(struct meter_range){NULL, 0, 200},
			&place, &reading, 1, &count)));
	cr_assert(eq(sz, count, 1));
	cr_expect(eq(u64, reading.part_bytes, 77));
	cr_expect(zero(u64, reading.bytes));
}

Test(meter, what_a_bucket_held_before_the_range_is_carried_in)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "one");

	put(temp.store, bucket, "a", "12");
	sample(temp.store, 100);
	put(temp.store, bucket, "b", "345");
	sample(temp.store, 110);

	expect_hours(temp.store, 90, 100, "");
	expect_hours(temp.store, 100, 101, "default/one@100=1,2");
	expect_hours(temp.store, 105, 110, "default/one@105=1,2");
	expect_hours(temp.store, 105, 111,
		"default/one@105=1,2 default/one@110=2,5");
	expect_hours(temp.store, 110, 200, "default/one@110=2,5");
	expect_hours(temp.store, 150, 200, "default/one@150=2,5");
}

Test(meter, a_bucket_that_was_deleted_holds_nothing)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "one");

	put(temp.store, bucket, "a", "12");
	sample(temp.store, 100);
	cr_assert(zero(int,
		object_delete(temp.store, bucket, SLICE("a"), NULL)));
	cr_assert(zero(int, bucket_delete(temp.store, SLICE("one"))));
	sample(temp.store, 101);
	sample(temp.store, 102);

	expect_hours(temp.store, 0, 200,
		"default/one@100=1,2 default/one@101=0,0");
	expect_hours(temp.store, 102, 200, "");

	bucket = objects_bucket(temp.store, "one");
	put(temp.store, bucket, "b", "345");
	sample(temp.store, 103);

	expect_hours(temp.store, 102, 200, "default/one@103=1,3");
}

Test(meter, a_bucket_made_again_under_another_organization_is_another)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "one");
	struct bucket again;

	put(temp.store, bucket, "a", "12");
	sample(temp.store, 100);
	cr_assert(zero(int,
		object_delete(temp.store, bucket, SLICE("a"), NULL)));
	cr_assert(zero(int, bucket_delete(temp.store, SLICE("one"))));
	cr_assert(zero(int, organization_create(temp.store, SLICE(OTHER))));
	cr_assert(zero(int,
		bucket_create(temp.store, SLICE("one"), SLICE(OTHER), &again)));
	put(temp.store, again.ino, "b", "345");
	sample(temp.store, 101);

	expect_hours(temp.store, 0, 200,
		"default/one@100=1,2 default/one@101=0,0 other/one@101=1,3");
	expect_range(temp.store, &(struct meter_range){OTHER, 0, 200},
		"other/one@101=1,3");
}

Test(meter, an_organization_is_not_taken_for_one_that_begins_like_it)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	struct bucket bucket;

	for (int i = 0; i < 3; i++) {
		const char *const names[] = {"a", "a-b", "a.b"};
		struct slice name = slice_str(names[i]);
		char bucket_name[8];

		snprintf(bucket_name, sizeof(bucket_name), "of-%d", i);
		cr_assert(zero(int, organization_create(temp.store, name)));
		cr_assert(zero(int,
			bucket_create(temp.store, slice_str(bucket_name), name,
				&bucket)));
		put(temp.store, bucket.ino, "k", "1");
	}
	sample(temp.store, 7);

	expect_range(temp.store, &(struct meter_range){"a", 0, 10},
		"a/of-0@7=1,1");
	expect_hours(temp.store, 8, 10,
		"a-b/of-1@8=1,1 a.b/of-2@8=1,1 a/of-0@8=1,1");
}

Test(meter, an_hour_is_sampled_once_and_none_before_it)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "one");

	put(temp.store, bucket, "a", "12");
	sample(temp.store, 100);
	put(temp.store, bucket, "b", "345");
	uint64_t commit = db_last_commit(temp.store->db);
	sample(temp.store, 100);
	sample(temp.store, 99);
	sample(temp.store, 1);

	cr_expect(eq(u64, db_last_commit(temp.store->db), commit));
	expect_hours(temp.store, 0, 200, "default/one@100=1,2");
}

Test(meter, the_longest_names_are_sampled)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	char organization[ORGANIZATION_NAME_MAX + 1];
	char name[BUCKET_NAME_MAX + 1];
	struct bucket bucket;

	memset(organization, 'O', sizeof(organization) - 1);
	organization[sizeof(organization) - 1] = '\0';
	memset(name, 'b', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	cr_assert(zero(int,
		organization_create(temp.store, slice_str(organization))));
	cr_assert(zero(int, bucket_create(temp.store, slice_str(name),
				    slice_str(organization), &bucket)));
	put(temp.store, bucket.ino, "a", "12");
	sample(temp.store, 100);

	char wanted[200];
	snprintf(wanted, sizeof(wanted), "%s/%s@100=1,2", organization, name);
	expect_range(temp.store, &(struct meter_range){organization, 0, 200},
		wanted);
}

Test(meter, a_store_opened_for_reading_is_not_sampled)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_create();

	temp.store = temp_store_open_at(temp.path, true);

	cr_expect(eq(int, meter_sample(temp.store, 1), STORE_READ_ONLY));
}

Test(meter, its_thread_samples_the_present_hour)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "one");

	put(temp.store, bucket, "a", "12");
	cr_assert(zero(int, meter_thread_start(temp.store)));
	/* It has looked once before it ends. */
	temp_store_reopen(&temp);

	cr_expect(eq(u64, samples(temp.store), 1));
}

/* --- several processes ---------------------------------------------------- */

static void
take_one_step(struct store *store, struct other_process *self)
{
	bool more = false;
	enum store_err err = commit_run(store, apply_buckets, NULL, NULL);

	assert(!err);
	err = meter_step(store, 100, &more);
	assert(!err && more);
	other_process_tell(self, db_last_commit(store->db));
	other_process_pause(self);
	err = meter_sample(store, 100);
	assert(!err);
	other_process_tell(self, db_last_commit(store->db));
}

Test(meter, what_one_process_began_another_ends_and_only_once)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_create();
	struct other_process other =
		other_process_start(temp.path, take_one_step);

	other_process_hear(&other);
	temp.store = temp_store_open_at(temp.path, false);
	cr_expect(eq(u64, samples(temp.store), METER_BATCH));
	sample(temp.store, 100);
	cr_expect(eq(u64, samples(temp.store), MANY));
	uint64_t commit = db_last_commit(temp.store->db);
	other_process_resume(&other);

	cr_expect(eq(u64, other_process_hear(&other), commit));
	cr_expect(eq(u64, samples(temp.store), MANY));
	other_process_kill(&other);
}

Test(meter, a_sampler_that_is_killed_halfway_is_gone_on_for)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_create();
	struct other_process other =
		other_process_start(temp.path, take_one_step);

	other_process_hear(&other);
	other_process_kill(&other);
	temp.store = temp_store_open_at(temp.path, false);
	sample(temp.store, 100);

	cr_expect(eq(u64, samples(temp.store), MANY));
}

Test(meter, no_step_touches_more_than_its_share)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t before = 0;
	bool more = true;

	cr_assert(zero(int, commit_run(temp.store, apply_buckets, NULL, NULL)));
	while (more) {
		cr_assert(zero(int, meter_step(temp.store, 100, &more)));
		uint64_t now = samples(temp.store);

		cr_expect(le(u64, now - before, METER_BATCH));
		before = now;
	}

	cr_expect(eq(u64, before, MANY));
}

/* --- old ones ------------------------------------------------------------- */

Test(meter, of_old_samples_the_one_that_still_holds_stays)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "one");
	uint64_t kept;

	put(temp.store, bucket, "a", "12");
	sample(temp.store, 100);
	put(temp.store, bucket, "b", "345");
	sample(temp.store, 110);
	put(temp.store, bucket, "c", "6");
	sample(temp.store, 120);
	sample(temp.store, 115 + METER_KEPT_HOURS);

	cr_assert(zero(int, meter_kept_from(temp.store, &kept)));
	cr_expect(eq(u64, kept, 115));
	expect_hours(temp.store, 0, 200,
		"default/one@110=2,5 default/one@120=3,6");
	expect_hours(temp.store, 115, 200,
		"default/one@115=2,5 default/one@120=3,6");

	sample(temp.store, 120 + METER_KEPT_HOURS);
	expect_hours(temp.store, 0, 200, "default/one@120=3,6");
	sample(temp.store, 500 + METER_KEPT_HOURS);
	expect_hours(temp.store, 0, 1000, "default/one@120=3,6");
}

Test(meter, of_a_bucket_that_is_gone_nothing_stays)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "one");

	put(temp.store, bucket, "a", "12");
	sample(temp.store, 100);
	cr_assert(zero(int,
		object_delete(temp.store, bucket, SLICE("a"), NULL)));
	cr_assert(zero(int, bucket_delete(temp.store, SLICE("one"))));
	sample(temp.store, 110);
	sample(temp.store, 110 + METER_KEPT_HOURS);
	cr_expect(eq(u64, samples(temp.store), 1));
	sample(temp.store, 111 + METER_KEPT_HOURS);

	cr_expect(zero(u64, samples(temp.store)));
}

Test(meter, old_samples_go_a_share_at_a_time)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t count = MANY;
	uint64_t before = MANY;
	bool more = true;

	cr_assert(zero(int, commit_run(temp.store, apply_hours, &count, NULL)));
	while (more) {
		cr_assert(zero(int,
			meter_step(temp.store, 2 * MANY + METER_KEPT_HOURS,
				&more)));
		uint64_t now = samples(temp.store);

		cr_expect(le(u64, before - now, METER_BATCH));
		before = now;
	}

	/* What was never there is gone; its last one was the only one left. */
	expect_hours(temp.store, 0, UINT64_MAX,
		"default/old@2010=1,2010 default/old@13620=0,0");
}

/* --- damage --------------------------------------------------------------- */

Test(meter, a_damaged_sample_is_told_and_does_not_stop_sampling)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "one");
	const struct meter_range range = {NULL, 0, 200};
	struct meter_place place = {.is_end = false};
	struct meter_reading reading;
	struct check_result result;
	size_t count;

	put(temp.store, bucket, "a", "12");
	put_document(temp.store, "sample/default/one/0000000000000063",
		SLICE("?"));
	put_document(temp.store, "sample/default/one/1", SLICE("?"));
	put_document(temp.store, "sample/", SLICE("?"));
	sample(temp.store, 100);

	cr_expect(eq(int,
		meter_read(temp.store, &range, &place, &reading, 1, &count),
		STORE_CORRUPT));
	cr_expect(eq(u64, objects_findings(temp.store), 3));
	cr_assert(zero(int,
		check_store(temp.store, true, NULL, NULL, &result)));
	cr_expect(eq(u64, result.repaired, 3));
	expect_hours(temp.store, 0, 200, "default/one@100=1,2");
}

Test(meter, a_damaged_mark_of_its_progress_is_found_and_begun_anew)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	struct check_result result;

	put_document(temp.store, METER_SAMPLED, SLICE("?"));
	cr_expect(eq(int, meter_sample(temp.store, 100), STORE_CORRUPT));
	cr_expect(eq(u64, objects_findings(temp.store), 1));
	cr_assert(zero(int,
		check_store(temp.store, true, NULL, NULL, &result)));

	sample(temp.store, 100);
	cr_expect(zero(u64, objects_findings(temp.store)));
}

Test(meter, a_name_has_one_form)
{
	static const char *const wrong[] = {
		"sample/",
		"sample/o/b",
		"sample/o/b/",
		"sample/o/b/000000000000000",
		"sample/o/b/00000000000000000",
		"sample/o/b/000000000000000A",
		"sample/o/b/000000000000000g",
		"sample/o//0000000000000001",
		"sample/o/b/c/0000000000000001",
		"samples/o/b/0000000000000001",
		"sample/"
		"oooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooo"
		"o"
		"o/b/0000000000000001",
	};
	struct meter_name name;

	for (size_t i = 0; i < array_len(wrong); i++)
		cr_expect(not(meter_name_parse(slice_str(wrong[i]), &name)),
			"%s", wrong[i]);
	cr_expect(meter_name_parse(SLICE("sample/o/b/00000000000000ff"),
		&name));
	cr_expect(eq(u64, name.hour, 255));
	cr_expect(eq(str, name.organization, "o"));
	cr_expect(eq(str, name.bucket, "b"));
}
