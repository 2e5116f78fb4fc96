/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A page of a listing is looked at without a transaction; what is due in it is
 * deleted in one, where it is still what was looked at.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/base/clock.h"
#include "store/base/codec.h"
#include "store/base/log.h"
#include "store/commit_private.h"
#include "store/lifecycle.h"
#include "store/list.h"
#include "store/object.h"
#include "store/store_document_private.h"
#include "store/store_private.h"
#include "store/upload.h"

#define BUCKETS 64
#define PAGE 1000
#define DAY_NS (86400 * CLOCK_NS_PER_S)

struct run {
	struct store *store;
	const struct lifecycle_options *options;
	int64_t now_ns;
	struct lifecycle_result *result;
};

/* Of one bucket. */
struct look {
	struct run *run;
	const struct bucket *bucket;
	const struct lifecycle_rules *rules;
};

static bool
goes_on(const struct run *run)
{
	const struct lifecycle_options *options = run->options;

	return !options->goes_on || options->goes_on(options->context);
}

static void
report(const struct look *look, struct slice key,
	const struct lifecycle_rule *rule, bool is_upload, uint64_t size)
{
	const struct lifecycle_options *options = look->run->options;
	const struct lifecycle_finding finding = {
		.bucket = look->bucket,
		.key = key,
		.rule = rule->id,
		.is_upload = is_upload,
		.size = size,
	};

	if (options->report)
		options->report(&finding, options->context);
}

/* --- objects -------------------------------------------------------------- */

/* What is due of a page. */
struct due {
	size_t count;
	const struct list_entry *entries[PAGE];
	const struct lifecycle_rule *rules[PAGE];
	struct slice keys[PAGE];
	struct object_condition conditions[PAGE];
	enum store_err errs[PAGE];
};

static void
find_due(const struct look *look, const struct list_page *page, struct due *due)
{
	due->count = 0;
	for (size_t i = 0; i < page->count; i++) {
		const struct list_entry *entry = &page->entries[i];
		int64_t when_ns = INT64_MAX;
		const struct lifecycle_rule *rule =
			lifecycle_expires(look->rules, entry->key,
				&entry->inode, &when_ns);

		if (!rule || when_ns > look->run->now_ns)
			continue;
		due->entries[due->count] = entry;
		due->rules[due->count] = rule;
		due->keys[due->count] = entry->key;
		due->errs[due->count] = STORE_OK;
		due->conditions[due->count++] = (struct object_condition){
			.must_be = &entry->inode,
		};
	}
}

static enum store_err
delete_due(const struct look *look, struct due *due)
{
	struct lifecycle_result *result = look->run->result;
	enum store_err err = STORE_OK;

	if (due->count > 0 && !look->run->options->is_dry)
		err = object_delete_many(look->run->store, look->bucket->ino,
			due->keys, due->conditions, due->count, due->errs);
	for (size_t i = 0; i < due->count && !err; i++) {
		uint64_t size = due->entries[i]->inode.size;

		if (due->errs[i])
			continue; /* it is gone, or another */
		result->objects++;
		result->bytes += size;
		report(look, due->keys[i], due->rules[i], false, size);
	}
	return err;
}

/* What all keys begin with that can expire; false: none can. */
static bool
common_prefix(const struct lifecycle_rules *rules, struct slice *out)
{
	bool is_any = false;

	for (size_t i = 0; i < rules->count; i++) {
		const struct lifecycle_rule *rule = &rules->rules[i];
		size_t len = 0;

		if (!rule->is_enabled ||
			!(rule->expire_days || rule->expire_date_ns))
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

/* *is_last: nothing follows.  `after` goes on to the next page. */
static enum store_err
look_at_page(const struct look *look, struct list_request *request,
	struct due *due, struct buffer *after, bool *is_last)
{
	scoped(arena_free) struct arena arena = {0};
	struct list_page page = {0};

	request->after = buffer_slice(after);
	enum store_err err =
		list_read(look->run->store, request, &arena, &page);
	if (err)
		return err;
	*is_last = !page.is_truncated || page.count == 0;
	find_due(look, &page, due);
	err = delete_due(look, due);
	if (*is_last)
		return err;
	buffer_clear(after);
	buffer_append(after, page.entries[page.count - 1].key);
	return err;
}

static enum store_err
expire_objects(const struct look *look)
{
	scoped(buffer_free) struct buffer after = {0};
	struct list_request request = {
		.bucket = look->bucket->ino,
		.max = PAGE,
		.with_attrs = lifecycle_asks_for_tags(look->rules),
	};
	bool is_last = false;
	enum store_err err = STORE_OK;

	if (!common_prefix(look->rules, &request.prefix))
		return STORE_OK;
	struct due *due = calloc(1, sizeof(*due));
	if (!due)
		return STORE_NO_MEMORY;
	while (!err && !is_last && goes_on(look->run))
		err = look_at_page(look, &request, due, &after, &is_last);
	free(due);
	return err;
}

/* --- uploads -------------------------------------------------------------- */

static enum store_err
abort_one(const struct look *look, const struct upload_info *upload)
{
	int64_t when_ns = INT64_MAX;
	const struct lifecycle_rule *rule = lifecycle_aborts(look->rules,
		upload->key, upload->created_ns, &when_ns);
	enum store_err err = STORE_OK;

	if (!rule || when_ns > look->run->now_ns)
		return STORE_OK;
	if (!look->run->options->is_dry)
		err = upload_abort(look->run->store, look->bucket->ino,
			upload->key, slice_str(upload->id));
	if (err)
		return err == STORE_NO_UPLOAD ? STORE_OK : err;
	look->run->result->uploads++;
	report(look, upload->key, rule, true, 0);
	return STORE_OK;
}

static bool
has_aborts(const struct lifecycle_rules *rules)
{
	for (size_t i = 0; i < rules->count; i++)
		if (rules->rules[i].is_enabled && rules->rules[i].abort_days)
			return true;
	return false;
}

static enum store_err
abort_uploads(const struct look *look)
{
	scoped(arena_free) struct arena arena = {0};
	struct upload_search search = {
		.bucket = look->bucket->ino,
		.max = PAGE,
	};
	bool is_truncated = has_aborts(look->rules);
	enum store_err err = STORE_OK;

	while (!err && is_truncated && goes_on(look->run)) {
		struct upload_info *uploads;
		size_t count = 0;

		err = upload_list(look->run->store, &search, &arena, &uploads,
			&count, &is_truncated);
		for (size_t i = 0; i < count && !err; i++)
			err = abort_one(look, &uploads[i]);
		if (err || count == 0)
			break;
		search.after_key = uploads[count - 1].key;
		search.after_id = slice_str(uploads[count - 1].id);
	}
	return err;
}

/* --- all ------------------------------------------------------------------ */

static enum store_err
look_at_bucket(struct run *run, const struct bucket *bucket)
{
	scoped(arena_free) struct arena arena = {0};
	struct lifecycle_rules rules;
	struct look look = {run, bucket, &rules};
	enum store_err err =
		lifecycle_read(run->store, bucket->ino, &arena, &rules);

	if (!err)
		err = expire_objects(&look);
	if (!err)
		err = abort_uploads(&look);
	/* Without rules, or gone meanwhile. */
	return err == STORE_NOT_FOUND || err == STORE_STALE ? STORE_OK : err;
}

static enum store_err
run_all(struct run *run)
{
	struct bucket buckets[BUCKETS];
	char after[BUCKET_NAME_MAX + 1] = "";
	size_t count = BUCKETS;

	while (count == BUCKETS) {
		enum store_err err = bucket_list(run->store, slice_str(after),
			buckets, BUCKETS, &count);

		if (err)
			return err;
		for (size_t i = 0; i < count; i++) {
			if (!goes_on(run))
				return STORE_OK;
			err = look_at_bucket(run, &buckets[i]);
			/* The others are not to wait for one. */
			if (err)
				log_error("lifecycle: bucket %s: %s",
					buckets[i].name, error_sentence(err));
			run->result->failed += err != STORE_OK;
			memcpy(after, buckets[i].name, sizeof(after));
		}
	}
	run->result->is_whole = true;
	return STORE_OK;
}

static enum store_err
run_locked(struct store *store, const struct lifecycle_options *options,
	struct lifecycle_result *out)
{
	struct run run = {
		.store = store,
		.options = options,
		.now_ns = options->now_ns ? options->now_ns : clock_now_ns(),
		.result = out,
	};

	return run_all(&run);
}

enum store_err
lifecycle_run(struct store *store, const struct lifecycle_options *options,
	struct lifecycle_result *out)
{
	int fd = -1;

	*out = (struct lifecycle_result){0};
	if (store->is_read_only && !options->is_dry)
		return STORE_READ_ONLY;
	if (options->is_dry)
		return run_locked(store, options, out);
	enum store_err err = store_lock(store, "lifecycle", &fd);
	if (err)
		return err;
	err = run_locked(store, options, out);
	close(fd);
	return err;
}

/* --- once a day ----------------------------------------------------------- */

#define LAST "lifecycle/last"

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
	*day = codec_decode_u64(&decoder);
	return decoder.is_bad ? STORE_CORRUPT : STORE_OK;
}

static enum store_err
apply_last(struct store *store, struct db_txn *txn, void *arg)
{
	scoped(buffer_free) struct buffer value = {0};
	const struct store_document_kind kind = store_document_kind(LAST);
	const uint64_t *day = arg;

	(void)store;
	codec_encode_u64(&value, *day);
	return store_document_put(txn, &kind, buffer_slice(&value));
}

enum store_err
lifecycle_run_daily(struct store *store,
	const struct lifecycle_options *options, struct lifecycle_result *out,
	bool *is_due)
{
	int64_t now_ns = options->now_ns ? options->now_ns : clock_now_ns();
	uint64_t today = (uint64_t)(now_ns / DAY_NS);
	uint64_t last;
	int fd = -1;
	enum store_err err = store_lock(store, "lifecycle", &fd);

	*out = (struct lifecycle_result){0};
	*is_due = false;
	if (err)
		return err;
	err = read_last(store, &last);
	*is_due = !err && today > last;
	if (*is_due) {
		err = run_locked(store, options, out);
		if (!err && out->is_whole && out->failed == 0)
			err = commit_run(store, apply_last, &today, NULL);
	}
	close(fd);
	return err;
}
