/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A check is one round over a snapshot; one with repairs goes on, round after
 * round, until a round finds nothing that changes the shape of the tree, and
 * then sets the counters right.
 */
#include "store/check_private.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/counter_private.h"
#include "store/reap_private.h"
#include "store/session_private.h"

/* Findings kept in a round; the rest is counted, and found again by the next
 * round where there are repairs. */
#define JOBS_MAX 100000
#define ROUNDS_MAX 16
#define TEXT_MAX 1024

static const char *const kind_names[CHECK_KINDS] = {
	[CHECK_RECORD] = "record",
	[CHECK_DENTRY] = "dentry",
	[CHECK_ORPHAN] = "orphan",
	[CHECK_NLINK] = "nlink",
	[CHECK_PARENT] = "parent",
	[CHECK_REFERENCES] = "references",
	[CHECK_BLOB_MISSING] = "blob-missing",
	[CHECK_BLOB_SIZE] = "blob-size",
	[CHECK_BLOB_STRAY] = "blob-stray",
	[CHECK_USAGE] = "usage",
	[CHECK_EVENT] = "event",
	[CHECK_REPLICATION] = "replication",
	[CHECK_UPLOAD] = "upload",
	[CHECK_BUCKET] = "bucket",
	[CHECK_PACK] = "pack",
	[CHECK_LEASE] = "lease",
	[CHECK_COUNTER] = "counter",
	[CHECK_DAMAGED] = "damaged",
};

const char *
check_kind_name(enum check_kind kind)
{
	assert(kind < CHECK_KINDS);
	return kind_names[kind];
}

void *
check_add(struct check_array *array, uint64_t number)
{
	if (array->count == array->capacity) {
		array->capacity = array->capacity ? 2 * array->capacity : 64;
		array->items = reallocarray(array->items, array->capacity,
			array->item_size);
		if (!array->items)
			error_out_of_memory();
	}
	char *item = (char *)array->items + array->count++ * array->item_size;
	memset(item, 0, array->item_size);
	memcpy(item, &number, sizeof(number));
	return item;
}

static int
compare_numbers(const void *a, const void *b)
{
	uint64_t first, second;

	memcpy(&first, a, sizeof(first));
	memcpy(&second, b, sizeof(second));
	return (first > second) - (first < second);
}

void
check_sort(struct check_array *array)
{
	if (array->count > 1)
		qsort(array->items, array->count, array->item_size,
			compare_numbers);
}

void *
check_find(const struct check_array *array, uint64_t number)
{
	if (array->count == 0)
		return NULL;
	return bsearch(&number, array->items, array->count, array->item_size,
		compare_numbers);
}

bool
check_is_bucket(const struct check *check, uint64_t number)
{
	const struct check_inode *root = check_find(&check->inodes, number);

	return check_find(&check->buckets, number) || (root && root->is_root);
}

struct check_job *
check_note(struct check *check, enum check_kind kind, enum check_fix fix,
	const char *format, ...)
{
	char text[TEXT_MAX];
	va_list args;

	check->result.findings++;
	if (check->jobs_count == JOBS_MAX) {
		/* Written to, and never read. */
		return &check->overflow;
	}
	check->jobs_count++;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	struct check_job *job = arena_new(&check->arena, struct check_job);
	job->kind = kind;
	job->fix = fix;
	job->text = arena_str(&check->arena, slice_str(text));
	*check->jobs_end = job;
	check->jobs_end = &job->next;
	return job;
}

void
check_note_record(struct check *check, enum db_table table, struct slice key,
	struct slice value, const char *whose)
{
	struct check_job *job;

	if (check->generation > RECORD_GENERATION &&
		record_is_newer(table, value)) {
		check->has_newer = true;
		check_note(check, CHECK_RECORD, CHECK_FIX_NONE,
			"the record of %s is of version %d, which a later tarn "
			"has written: nothing is repaired",
			whose, value.data[0]);
		return;
	}
	/* A token is not removed: that would lock somebody out for good. */
	job = check_note(check, CHECK_RECORD,
		table == DB_TOKEN ? CHECK_FIX_NONE : CHECK_FIX_ROW,
		"the record of %s does not decode", whose);
	job->table = table;
	job->name = arena_copy(&check->arena, key);
}

void
check_note_row(struct check *check, enum db_table table, struct slice key,
	struct slice value, const char *what, uint64_t number)
{
	char whose[80];

	snprintf(whose, sizeof(whose), "%s %llu", what,
		(unsigned long long)number);
	check_note_record(check, table, key, value, whose);
}

enum store_err
check_rows(struct check *check, enum db_table table,
	enum store_err (*visit)(struct check *check, struct slice key,
		struct slice value))
{
	scoped(db_cursor_close) struct db_cursor cursor = {0};
	struct key start = {.len = 1};

	start.bytes[0] = 0;
	enum store_err err = db_cursor_open(check->txn, table, &cursor);
	if (!err)
		err = db_cursor_seek(&cursor, key_slice(&start));
	while (!err) {
		err = visit(check, cursor.key, cursor.value);
		if (!err)
			err = db_cursor_next(&cursor);
	}
	return err == STORE_NOT_FOUND ? STORE_OK : err;
}

static void
init(struct check *check, struct store *store)
{
	*check = (struct check){.store = store};
	arena_init(&check->arena);
	check->inodes.item_size = sizeof(struct check_inode);
	check->blobs.item_size = sizeof(struct check_blob);
	check->buckets.item_size = sizeof(struct check_bucket);
	check->chunks.item_size = sizeof(struct check_chunk);
	check->segments.item_size = sizeof(struct check_segment);
	check->lost.item_size = sizeof(struct check_lost);
	check->sessions.item_size = sizeof(uint64_t);
	check->opens.item_size = sizeof(uint64_t);
	check->uploads.item_size = sizeof(struct check_upload);
	check->histories.item_size = sizeof(uint64_t);
	check->topics.item_size = sizeof(struct check_topic);
	check->replications.item_size = sizeof(struct check_replication);
	check->unknown.item_size = sizeof(uint64_t);
	check->jobs_end = &check->jobs;
}

static void
finish(struct check *check)
{
	free(check->inodes.items);
	free(check->blobs.items);
	free(check->buckets.items);
	free(check->chunks.items);
	free(check->segments.items);
	free(check->lost.items);
	free(check->sessions.items);
	free(check->opens.items);
	free(check->uploads.items);
	free(check->histories.items);
	free(check->topics.items);
	free(check->replications.items);
	check_day_free(check);
	free(check->unknown.items);
	arena_free(&check->arena);
}

static enum store_err
scan(struct check *check)
{
	enum store_err err = db_begin_read(check->store->db, &check->txn);
	if (!err)
		err = counter_get_generation(check->txn, &check->generation);
	if (!err)
		err = check_day_begin(check);
	if (!err)
		err = check_null_begin(check);
	if (!err)
		err = check_scan_tables(check);
	if (!err)
		err = check_tree_names(check);
	if (!err)
		err = check_counter_rows(check);
	if (!err)
		err = check_usage_rows(check);
	if (!err)
		err = check_day_rows(check);
	if (!err)
		err = check_event_topics(check);
	if (!err)
		err = check_replication_buckets(check);
	if (!err)
		err = check_data_blobs(check);
	db_abort(&check->txn);
	return err ? err : check_data_files(check);
}

/* Does the jobs of one kind of repair; *done tells how many. */
static enum store_err
repair_kind(struct check *check, enum check_fix fix, size_t *done)
{
	for (struct check_job *job = check->jobs; job; job = job->next) {
		if (job->fix != fix)
			continue;
		enum store_err err = check_repair_job(check->store, job);
		if (err)
			return err;
		*done += job->is_repaired;
	}
	return STORE_OK;
}

static bool
is_permitted(enum check_mode mode, enum check_fix fix)
{
	if (mode != CHECK_SETTLE)
		return mode == CHECK_REPAIR;
	return fix == CHECK_FIX_COUNTER || fix == CHECK_FIX_SIZE ||
	       fix == CHECK_FIX_CUT_OFF || fix == CHECK_FIX_USAGE ||
	       fix == CHECK_FIX_EVENTS || fix == CHECK_FIX_REPLICATION ||
	       fix == CHECK_FIX_DAMAGED;
}

/* In the order of enum check_fix. */
static enum store_err
repair(struct check *check, enum check_mode mode, int first, int last,
	size_t *done)
{
	enum store_err err = STORE_OK;

	for (int fix = first; !err && fix <= last; fix++) {
		if (is_permitted(mode, (enum check_fix)fix))
			err = repair_kind(check, (enum check_fix)fix, done);
	}
	return err;
}

struct reporting {
	void (*report)(const struct check_finding *finding, void *context);
	void *context;
	struct check_result total;
};

static bool
is_alike(const struct check_job *one, const struct check_job *other)
{
	return one->kind == other->kind && one->fix == other->fix &&
	       one->is_repaired == other->is_repaired &&
	       strcmp(one->text, other->text) == 0;
}

/* The job, and those behind it of which the same is said; *job: what follows.
 */
static struct check_finding
gather_alike(struct check_job **job)
{
	const struct check_job *first = *job;
	struct check_finding finding = {
		.kind = first->kind,
		.is_repaired = first->is_repaired,
		.is_settled =
			first->is_repaired && first->fix == CHECK_FIX_SIZE,
		.text = first->text,
	};

	while (*job && is_alike(first, *job)) {
		finding.count++;
		*job = (*job)->next;
	}
	return finding;
}

static void
report_jobs(struct reporting *reporting, const struct check *check,
	bool repaired_only)
{
	for (struct check_job *job = check->jobs; job;) {
		struct check_finding finding = gather_alike(&job);

		if (repaired_only && !finding.is_repaired)
			continue;
		reporting->total.findings += finding.count;
		if (finding.is_repaired)
			reporting->total.repaired += finding.count;
		if (reporting->report)
			reporting->report(&finding, reporting->context);
	}
	if (!repaired_only)
		reporting->total.findings +=
			check->result.findings - check->jobs_count;
}

static enum store_err
run_round(struct check *check, struct reporting *reporting,
	enum check_mode mode, int round, bool *is_last)
{
	size_t shapes = 0, counters = 0;

	enum store_err err = scan(check);
	if (err)
		return err;
	if (check->has_newer)
		mode = CHECK_LOOK;
	err = repair(check, mode, CHECK_FIX_NONE + 1, CHECK_FIX_LAST_SHAPE,
		&shapes);
	/* Where a repair does not hold, that is no reason to leave the
	 * counters wrong for good. */
	if (!err && (shapes == 0 || round > ROUNDS_MAX / 2))
		err = repair(check, mode, CHECK_FIX_LAST_SHAPE + 1,
			CHECK_FIX_FILE, &counters);
	/* What is not repaired now is found again by the next round. */
	*is_last = *is_last || shapes + counters == 0;
	report_jobs(reporting, check, !*is_last);
	reporting->total.buckets = check->result.buckets;
	reporting->total.inodes = check->result.inodes;
	reporting->total.dentries = check->result.dentries;
	reporting->total.blobs = check->result.blobs;
	reporting->total.uploads = check->result.uploads;
	reporting->total.bytes = check->result.bytes;
	return err;
}

static enum store_err
expect_dead(struct check *check, struct slice key, struct slice value)
{
	struct record_session record;
	bool is_alive = false;
	uint64_t id;

	/* One that does not decode is a finding, and nobody's. */
	if (key_split_u64(key, &id) || record_session_decode(value, &record) ||
		id == session_id(check->store))
		return STORE_OK;
	enum store_err err =
		reap_is_alive(check->store, id, record.boot_id, &is_alive);
	return err || !is_alive ? err : STORE_BUSY;
}

/* BUSY where another live process has the store open. */
static enum store_err
check_alone(struct store *store)
{
	struct check check;

	if (store->is_read_only)
		return STORE_READ_ONLY;
	init(&check, store);
	enum store_err err = db_begin_read(store->db, &check.txn);
	if (!err)
		err = check_rows(&check, DB_SESSION, expect_dead);
	db_abort(&check.txn);
	finish(&check);
	return err;
}

enum store_err
check_store(struct store *store, enum check_mode mode,
	void (*report)(const struct check_finding *finding, void *context),
	void *context, struct check_result *out)
{
	struct reporting reporting = {.report = report, .context = context};
	enum store_err err = STORE_OK;
	bool is_last = mode == CHECK_LOOK;
	int openers = -1;

	/* A repair goes by what was found a while ago. */
	if (mode != CHECK_LOOK)
		err = store_lock_openers(store, &openers);
	if (!err && mode != CHECK_LOOK)
		err = check_alone(store);
	for (int round = 1; !err; round++) {
		struct check check;

		init(&check, store);
		is_last = is_last || round == ROUNDS_MAX;
		err = run_round(&check, &reporting, mode, round, &is_last);
		finish(&check);
		if (is_last)
			break;
	}
	if (openers >= 0)
		(void)close(openers);
	if (!err)
		*out = reporting.total;
	return err;
}
