/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A page of a listing is looked at without a transaction.  What is due in it is
 * deleted in one, if it is still due there, by rules that are still the
 * bucket's: who has changed them, or an object, has nothing deleted by what was
 * before.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/base/clock.h"
#include "store/base/codec.h"
#include "store/base/log.h"
#include "store/commit_private.h"
#include "store/dentry_private.h"
#include "store/durable_private.h"
#include "store/lifecycle_private.h"
#include "store/list.h"
#include "store/meta/key.h"
#include "store/object_event.h"
#include "store/object_key_private.h"
#include "store/store_document_private.h"
#include "store/store_private.h"
#include "store/upload_private.h"

#define BUCKETS 64

bool
lifecycle_run_goes_on(const struct lifecycle_job *job)
{
	const struct lifecycle_options *options = job->options;

	return !options->goes_on || options->goes_on(options->context);
}

void
lifecycle_run_report(const struct lifecycle_look *look,
	const struct lifecycle_finding *finding)
{
	const struct lifecycle_options *options = look->job->options;
	struct lifecycle_finding told = *finding;

	told.bucket = look->bucket;
	if (options->report)
		options->report(&told, options->context);
}

enum store_err
lifecycle_run_read_rules(struct lifecycle_look *look, struct arena *arena)
{
	look->is_stale = false;
	return lifecycle_read(look->job->store, look->bucket->ino, arena,
		&look->rules);
}

enum store_err
lifecycle_run_compare_rules(struct lifecycle_look *look, struct db_txn *txn)
{
	struct key key = key_dentry(look->bucket->ino, SLICE(LIFECYCLE_KIND));
	struct slice now = SLICE_NULL;
	enum store_err err = db_get(txn, DB_DOCUMENT, key_slice(&key), &now);

	if (err && err != STORE_NOT_FOUND)
		return err;
	look->is_stale = err || !slice_equal(now, look->rules.encoded);
	return STORE_OK;
}

/* --- objects -------------------------------------------------------------- */

/* What is due of a page. */
struct due {
	struct lifecycle_look *look;
	size_t count;
	struct slice keys[LIFECYCLE_PAGE];
	const struct lifecycle_rule *rules[LIFECYCLE_PAGE];
	uint64_t sizes[LIFECYCLE_PAGE];
	bool is_gone[LIFECYCLE_PAGE]; /* the result */
};

/* It is as new as what is being written, and will show it once that is
 * published. */
static bool
is_rewritten(const struct inode *inode)
{
	return inode->pending != 0;
}

static void
find_due(struct lifecycle_look *look, const struct list_page *page,
	struct due *due)
{
	due->look = look;
	due->count = 0;
	for (size_t i = 0; i < page->count; i++) {
		const struct list_entry *entry = &page->entries[i];
		int64_t when_ns = INT64_MAX;
		const struct lifecycle_rule *rule =
			lifecycle_expires(&look->rules, entry->key,
				&entry->inode, &when_ns);

		if (!rule || when_ns > look->job->now_ns ||
			is_rewritten(&entry->inode))
			continue;
		due->keys[due->count] = entry->key;
		due->rules[due->count] = rule;
		due->sizes[due->count] = entry->inode.size;
		due->is_gone[due->count++] = false;
	}
}

static enum store_err
is_due_still(struct store *store, struct db_txn *txn, const struct due *due,
	size_t i, bool *out)
{
	bool is_written = false;
	struct inode inode;
	enum store_err err = object_key_find(txn, due->look->bucket->ino,
		due->keys[i], &inode);

	*out = false;
	if (err)
		return err == STORE_NOT_FOUND ? STORE_OK : err;
	err = dentry_refresh_inode(store, &inode);
	if (err || is_rewritten(&inode) ||
		!lifecycle_rule_takes(due->rules[i], due->keys[i], &inode,
			due->look->job->now_ns))
		return err;
	err = object_key_is_written(store, txn, &inode, &is_written);
	*out = !err && !is_written;
	return err;
}

static enum store_err
apply_delete(struct store *store, struct db_txn *txn, void *arg)
{
	struct due *due = arg;
	struct version marker;
	enum store_err err = lifecycle_run_compare_rules(due->look, txn);

	for (size_t i = 0; i < due->count && !err && !due->look->is_stale;
		i++) {
		err = is_due_still(store, txn, due, i, &due->is_gone[i]);
		if (!err && due->is_gone[i])
			err = object_key_remove(store, txn,
				due->look->bucket->ino, due->keys[i], &marker);
	}
	return err;
}

static enum store_err
delete_due(struct lifecycle_look *look, struct due *due)
{
	const struct lifecycle_options *options = look->job->options;
	struct lifecycle_result *result = look->job->result;
	enum store_err err = STORE_OK;

	if (due->count > 0 && !options->is_dry)
		err = commit_run_durably(look->job->store, apply_delete, due);
	if (err || look->is_stale)
		return err;
	for (size_t i = 0; i < due->count; i++) {
		if (!due->is_gone[i] && !options->is_dry)
			continue;
		result->objects++;
		result->bytes += due->sizes[i];
		const struct lifecycle_finding finding = {
			.key = due->keys[i],
			.rule = due->rules[i]->id,
			.size = due->sizes[i],
		};

		lifecycle_run_report(look, &finding);
	}
	return STORE_OK;
}

bool
lifecycle_run_common_prefix(const struct lifecycle_rules *rules,
	bool (*is_of_sort)(const struct lifecycle_rule *rule),
	struct slice *out)
{
	bool is_any = false;

	for (size_t i = 0; i < rules->count; i++) {
		const struct lifecycle_rule *rule = &rules->rules[i];
		size_t len = 0;

		if (!is_of_sort(rule))
			continue;
		if (!is_any)
			*out = rule->prefix;
		is_any = true;
		while (len < out->len && len < rule->prefix.len &&
			out->data[len] == rule->prefix.data[len])
			len++;
		*out = slice_first(*out, len);
	}
	return is_any;
}

/* One page behind `after`, which goes on to the next.  *is_last: nothing
 * follows. */
static enum store_err
look_at_page(struct lifecycle_look *look, struct due *due, struct buffer *after,
	bool *is_last)
{
	scoped(arena_free) struct arena arena = {0};
	struct list_request request = {
		.bucket = look->bucket->ino,
		.after = buffer_slice(after),
		.max = LIFECYCLE_PAGE,
		.attr_kinds = 1u << INODE_ATTR_TAG,
	};
	struct list_page page = {0};
	enum store_err err = lifecycle_run_read_rules(look, &arena);

	*is_last = !err && !lifecycle_run_common_prefix(&look->rules,
				   lifecycle_rule_expires, &request.prefix);
	if (err || *is_last)
		return err;
	err = list_read(look->job->store, &request, &arena, &page);
	if (err)
		return err;
	find_due(look, &page, due);
	err = delete_due(look, due);
	if (err || look->is_stale)
		return err; /* the same page, by the new rules */
	*is_last = !page.is_truncated || page.count == 0;
	if (*is_last)
		return STORE_OK;
	buffer_clear(after);
	buffer_append(after, page.entries[page.count - 1].key);
	return STORE_OK;
}

static enum store_err
expire_objects(struct lifecycle_look *look)
{
	scoped(buffer_free) struct buffer after = {0};
	bool is_last = false;
	enum store_err err = STORE_OK;
	struct due *due = calloc(1, sizeof(*due));

	if (!due)
		return STORE_NO_MEMORY;
	while (!err && !is_last && lifecycle_run_goes_on(look->job))
		err = look_at_page(look, due, &after, &is_last);
	free(due);
	return err;
}

/* --- uploads -------------------------------------------------------------- */

static enum store_err
compare_rules_now(struct lifecycle_look *look)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	enum store_err err = db_begin_read(look->job->store->db, &txn);

	return err ? err : lifecycle_run_compare_rules(look, txn);
}

static enum store_err
abort_one(struct lifecycle_look *look, const struct upload_info *upload)
{
	int64_t when_ns = INT64_MAX;
	const struct lifecycle_rule *rule = lifecycle_aborts(&look->rules,
		upload->key, upload->created_ns, &when_ns);
	enum store_err err;

	if (!rule || when_ns > look->job->now_ns)
		return STORE_OK;
	err = compare_rules_now(look);
	if (err || look->is_stale)
		return err;
	if (!look->job->options->is_dry)
		err = upload_abort(look->job->store, look->bucket->ino,
			upload->key, slice_str(upload->id));
	if (err)
		return err == STORE_NO_UPLOAD ? STORE_OK : err;
	look->job->result->uploads++;
	const struct lifecycle_finding finding = {
		.key = upload->key, .rule = rule->id, .is_upload = true};

	lifecycle_run_report(look, &finding);
	return STORE_OK;
}

/* Those begun after number *after, which goes on. */
static enum store_err
look_at_uploads(struct lifecycle_look *look, uint64_t *after, bool *is_last)
{
	scoped(arena_free) struct arena arena = {0};
	struct upload_info *uploads = NULL;
	size_t count = 0;
	enum store_err err = lifecycle_run_read_rules(look, &arena);

	if (!err)
		err = upload_list_begun(look->job->store, look->bucket->ino,
			after, &arena, &uploads, LIFECYCLE_PAGE, &count);
	for (size_t i = 0; i < count && !err && !look->is_stale; i++)
		err = abort_one(look, &uploads[i]);
	/* Those left when rules change in the midst have another day. */
	*is_last = count < LIFECYCLE_PAGE;
	return err;
}

static enum store_err
abort_uploads(struct lifecycle_look *look)
{
	uint64_t after = 0;
	bool is_last = false;
	enum store_err err = STORE_OK;

	while (!err && !is_last && lifecycle_run_goes_on(look->job))
		err = look_at_uploads(look, &after, &is_last);
	return err;
}

/* --- all ------------------------------------------------------------------ */

/* Also without rules, or gone meanwhile. */
static bool
is_nothing(enum store_err err)
{
	return !err || err == STORE_NOT_FOUND || err == STORE_STALE;
}

static enum store_err
look_at_bucket(struct lifecycle_job *job, const struct bucket *bucket)
{
	struct lifecycle_look look = {.job = job, .bucket = bucket};
	enum store_err err = expire_objects(&look);
	enum store_err version_err = lifecycle_versions_expire(&look);
	enum store_err upload_err = abort_uploads(&look);

	if (is_nothing(err))
		err = version_err;
	if (is_nothing(err))
		err = upload_err;
	return is_nothing(err) ? STORE_OK : err;
}

static enum store_err
run_all(struct lifecycle_job *job)
{
	struct bucket buckets[BUCKETS];
	char after[BUCKET_NAME_MAX + 1] = "";
	size_t count = BUCKETS;

	while (count == BUCKETS) {
		enum store_err err = bucket_list(job->store, slice_str(after),
			buckets, BUCKETS, &count);

		if (err)
			return err;
		for (size_t i = 0; i < count; i++) {
			if (!lifecycle_run_goes_on(job))
				return STORE_OK;
			err = look_at_bucket(job, &buckets[i]);
			/* The others are not to wait for one. */
			if (err)
				log_error("lifecycle: bucket %s: %s",
					buckets[i].name, error_sentence(err));
			job->result->failed += err != STORE_OK;
			memcpy(after, buckets[i].name, sizeof(after));
		}
	}
	job->result->is_whole = true;
	return STORE_OK;
}

static struct lifecycle_job
begin(struct store *store, const struct lifecycle_options *options,
	struct lifecycle_result *out)
{
	*out = (struct lifecycle_result){0};
	return (struct lifecycle_job){
		.store = store,
		.options = options,
		.now_ns = options->now_ns ? options->now_ns : clock_now_ns(),
		.result = out,
	};
}

/* Of all processes one at a time. */
static enum store_err
run_alone(struct lifecycle_job *job,
	enum store_err (*work)(struct lifecycle_job *job))
{
	/* As S3 names itself there. */
	static const struct object_event_cause cause = {
		.is_lifecycle = true,
		.principal = SLICE("s3.amazonaws.com"),
		.address = SLICE("s3.amazonaws.com"),
	};
	int fd = -1;

	if (job->store->is_read_only)
		return STORE_READ_ONLY;
	if (durable_has_failed(job->store))
		return STORE_IO;
	enum store_err err = store_lock(job->store, "run/lifecycle.lock", &fd);
	if (err)
		return err;
	const struct object_event_cause *before = object_event_cause();
	object_event_set_cause(&cause);
	err = work(job);
	object_event_set_cause(before);
	close(fd);
	return err;
}

enum store_err
lifecycle_run(struct store *store, const struct lifecycle_options *options,
	struct lifecycle_result *out)
{
	struct lifecycle_job job = begin(store, options, out);

	return options->is_dry ? run_all(&job) : run_alone(&job, run_all);
}

/* --- once a day ----------------------------------------------------------- */

#define LAST "lifecycle/last"
#define LAST_VERSION 1

/* *day: 0 where none was noted. */
static enum store_err
read_last(struct store *store, uint64_t *day)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	const struct store_document_kind kind = store_document_kind(LAST);
	struct slice value = SLICE_NULL;
	enum store_err err = db_begin_read(store->db, &txn);

	*day = 0;
	if (!err)
		err = store_document_get(txn, &kind, &value);
	if (err)
		return err == STORE_NOT_FOUND ? STORE_OK : err;
	struct decoder decoder = codec_decoder(value);
	bool is_known = codec_decode_u8(&decoder) == LAST_VERSION;
	*day = codec_decode_u64(&decoder);
	return is_known && !decoder.is_bad ? STORE_OK : STORE_CORRUPT;
}

static enum store_err
apply_last(struct store *store, struct db_txn *txn, void *arg)
{
	scoped(buffer_free) struct buffer value = {0};
	const struct store_document_kind kind = store_document_kind(LAST);
	const uint64_t *day = arg;

	(void)store;
	codec_encode_u8(&value, LAST_VERSION);
	codec_encode_u64(&value, *day);
	return store_document_put(txn, &kind, buffer_slice(&value));
}

static enum store_err
run_today(struct lifecycle_job *job)
{
	uint64_t today = (uint64_t)(job->now_ns / CLOCK_NS_PER_DAY);
	uint64_t last;
	enum store_err err = read_last(job->store, &last);

	/* One that lies ahead is of a clock that was wrong. */
	if (err || today == last)
		return err;
	err = run_all(job);
	if (!err && job->result->is_whole && job->result->failed == 0)
		err = commit_run(job->store, apply_last, &today, NULL);
	return err;
}

enum store_err
lifecycle_run_daily(struct store *store,
	const struct lifecycle_options *options, struct lifecycle_result *out)
{
	struct lifecycle_job job = begin(store, options, out);

	return run_alone(&job, run_today);
}
