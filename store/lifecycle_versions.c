/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Of a page of a listing those are picked that some rule may take; which rule
 * does is decided in the transaction that deletes them, where their tags and
 * the versions beside them are looked at.
 */
#include <stdlib.h>

#include "store/base/clock.h"
#include "store/commit_private.h"
#include "store/history_private.h"
#include "store/lifecycle_private.h"
#include "store/list_versions.h"
#include "store/object_event_private.h"
#include "store/object_key_private.h"
#include "store/versioning.h"

/* Older versions that are counted in one transaction, or a few more: other
 * writers wait meanwhile. */
#define LOOKS_MAX 10000

/* A version that may be due. */
struct candidate {
	struct slice key;
	struct version version;
	bool is_marker;
	bool is_current;  /* a delete marker */
	int64_t since_ns; /* from when on it was an older one */

	/* results */
	const struct lifecycle_rule *rule; /* NULL: stays */
	uint64_t size;
};

struct due {
	struct lifecycle_look *look;
	size_t begin; /* those before are done */
	size_t count;

	/* results */
	size_t end; /* where those that are done now end */
	uint32_t looked;

	struct candidate candidates[LIFECYCLE_PAGE];
};

/* Where the listing is. */
struct place {
	struct buffer key;
	struct version_ref version;
	int64_t made_ns; /* of the version there */
};

static bool
takes_versions(const struct lifecycle_rule *rule)
{
	return rule->is_enabled && (rule->noncurrent_days || rule->marker ||
					   lifecycle_rule_expires(rule));
}

/* --- a page --------------------------------------------------------------- */

static bool
may_be_due(const struct lifecycle_look *look,
	const struct list_versions_entry *entry, int64_t since_ns)
{
	int64_t now_ns = look->job->now_ns;

	for (size_t i = 0; i < look->rules.count; i++) {
		struct lifecycle_rule rule = look->rules.rules[i];

		if (entry->is_current) {
			if (lifecycle_rule_unmarks(&rule, entry->key,
				    &entry->inode, now_ns))
				return true;
			continue;
		}
		/* They are not in the listing. */
		rule.tags = SLICE_NULL;
		if (lifecycle_rule_drops(&rule, entry->key, &entry->inode,
			    since_ns, now_ns))
			return true;
	}
	return false;
}

/* A version's record is written when it gets older; that of a marker is not,
 * and then what came after it tells. */
static int64_t
since_of(const struct list_versions_entry *entry, const struct place *newer)
{
	int64_t since_ns = entry->inode.ctime_ns;

	if (entry->is_marker &&
		slice_equal(buffer_slice(&newer->key), entry->key) &&
		newer->made_ns > since_ns)
		since_ns = newer->made_ns;
	return since_ns;
}

static void
move_to(struct place *place, const struct list_versions_entry *entry)
{
	const struct inode *inode = &entry->inode;

	buffer_clear(&place->key);
	buffer_append(&place->key, entry->key);
	place->version = version_ref_of(&entry->version);
	place->made_ns = inode->mtime_ns > inode->birth_ns ? inode->mtime_ns
							   : inode->birth_ns;
}

static void
find_candidates(struct lifecycle_look *look,
	const struct list_versions_page *page, struct place *place,
	struct due *due)
{
	due->look = look;
	due->begin = 0;
	due->count = 0;
	for (size_t i = 0; i < page->count; i++) {
		const struct list_versions_entry *entry = &page->entries[i];
		int64_t since_ns = since_of(entry, place);

		move_to(place, entry);
		if ((entry->is_current && !entry->is_marker) ||
			!may_be_due(look, entry, since_ns))
			continue;
		due->candidates[due->count++] = (struct candidate){
			.key = entry->key,
			.version = entry->version,
			.is_marker = entry->is_marker,
			.is_current = entry->is_current,
			.since_ns = since_ns,
		};
	}
}

/* --- the decision --------------------------------------------------------- */

static enum store_err
decide_older(struct due *due, struct db_txn *txn,
	const struct record_versions *of, struct candidate *candidate,
	const struct inode *inode)
{
	const struct lifecycle_look *look = due->look;

	for (size_t i = 0; i < look->rules.count; i++) {
		const struct lifecycle_rule *rule = &look->rules.rules[i];
		uint32_t newer = 0;

		if (!lifecycle_rule_drops(rule, candidate->key, inode,
			    candidate->since_ns, look->job->now_ns))
			continue;
		enum store_err err = history_count_newer(txn, of,
			candidate->key, candidate->version.number,
			rule->noncurrent_newer, &newer, &due->looked);
		if (err)
			return err;
		if (newer < rule->noncurrent_newer)
			continue;
		candidate->rule = rule;
		candidate->size = inode->size;
		return STORE_OK;
	}
	return STORE_OK;
}

/* Of a marker that is the current version: nothing is behind it. */
static enum store_err
decide_current(struct lifecycle_look *look, struct db_txn *txn,
	const struct record_versions *of, struct candidate *candidate,
	const struct inode *inode)
{
	bool is_alone = false;
	enum store_err err =
		history_is_alone(txn, of, candidate->key, &is_alone);

	for (size_t i = 0; i < look->rules.count && !err && is_alone; i++) {
		const struct lifecycle_rule *rule = &look->rules.rules[i];

		if (lifecycle_rule_unmarks(rule, candidate->key, inode,
			    look->job->now_ns)) {
			candidate->rule = rule;
			break;
		}
	}
	return err;
}

static enum store_err
is_current(struct db_txn *txn, const struct record_versions *of,
	uint64_t bucket, const struct candidate *candidate, bool *out)
{
	scoped(history_row_free) struct history_row row = {0};
	struct inode inode;
	enum store_err err =
		object_key_find(txn, bucket, candidate->key, &inode);

	*out = false;
	if (err != STORE_NOT_FOUND)
		return err;
	err = history_newest(txn, of, candidate->key, &row);
	*out = !err && row.dentry.version.number == candidate->version.number;
	return err == STORE_NOT_FOUND ? STORE_OK : err;
}

static enum store_err
decide_marker(struct due *due, struct db_txn *txn,
	const struct record_versions *of, struct candidate *candidate,
	const struct inode *inode)
{
	struct lifecycle_look *look = due->look;
	bool is_now = false;
	enum store_err err =
		is_current(txn, of, look->bucket->ino, candidate, &is_now);

	/* One that changed sides meanwhile has another day. */
	if (err || is_now != candidate->is_current)
		return err;
	return is_now ? decide_current(look, txn, of, candidate, inode)
		      : decide_older(due, txn, of, candidate, inode);
}

/* candidate->rule: by which it goes. */
static enum store_err
decide(struct due *due, struct db_txn *txn, const struct record_versions *of,
	struct candidate *candidate)
{
	struct lifecycle_look *look = due->look;
	const struct version_ref ref = version_ref_of(&candidate->version);
	struct store *store = look->job->store;
	bool is_written = false;
	struct object object;

	candidate->rule = NULL;
	enum store_err err = object_key_find_version(txn, look->bucket->ino,
		candidate->key, &ref, &object);
	if (err && (err != STORE_NOT_FOUND || !object.is_marker))
		return err == STORE_NOT_FOUND ? STORE_OK : err;
	/* "null" may be another one by now, and any the current one. */
	if (object.version.number != candidate->version.number ||
		object.is_marker != candidate->is_marker)
		return STORE_OK;
	if (object.is_marker)
		return decide_marker(due, txn, of, candidate, &object.inode);
	/* One that is locked has another day, too. */
	if (!(object.inode.flags & INODE_NONCURRENT) ||
		inode_lock_holds(&object.inode.lock, clock_now_ns()))
		return STORE_OK;
	/* Tagged meanwhile, it is as old as that. */
	candidate->since_ns = object.inode.ctime_ns;
	err = object_key_is_written(store, txn, &object.inode, &is_written);
	return err || is_written
		       ? err
		       : decide_older(due, txn, of, candidate, &object.inode);
}

static enum store_err
drop(struct store *store, struct db_txn *txn, uint64_t bucket,
	const struct record_versions *of, const struct candidate *candidate)
{
	const struct version_ref ref = version_ref_of(&candidate->version);
	scoped(history_row_free) struct history_row row = {0};
	enum store_err err = history_find(txn, of, candidate->key, &ref, &row);

	/* It was there a moment ago. */
	if (err)
		return err == STORE_NOT_FOUND ? STORE_CORRUPT : err;
	err = history_drop(store, txn, &row);
	return err ? err
		   : object_event_add(store, txn, bucket, candidate->key,
			     EVENT_REMOVED, NULL, &candidate->version);
}

/* --- all of them ---------------------------------------------------------- */

/* Some of them.  store NULL: nothing is changed. */
static enum store_err
take(struct store *store, struct db_txn *txn, struct due *due)
{
	struct record_versions of;
	enum store_err err = lifecycle_run_compare_rules(due->look, txn);

	if (!err)
		err = history_of(txn, due->look->bucket->ino, &of);
	due->looked = 0;
	due->end = due->begin;
	while (!err && !due->look->is_stale && due->end < due->count &&
		due->looked < LOOKS_MAX) {
		struct candidate *candidate = &due->candidates[due->end++];

		err = decide(due, txn, &of, candidate);
		if (!err && candidate->rule && store)
			err = drop(store, txn, due->look->bucket->ino, &of,
				candidate);
	}
	return err;
}

static enum store_err
apply_take(struct store *store, struct db_txn *txn, void *due)
{
	return take(store, txn, due);
}

static enum store_err
take_dry(struct due *due)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	enum store_err err = db_begin_read(due->look->job->store->db, &txn);

	return err ? err : take(NULL, txn, due);
}

static void
report_some(struct lifecycle_look *look, const struct due *due)
{
	struct lifecycle_result *result = look->job->result;

	for (size_t i = due->begin; i < due->end; i++) {
		const struct candidate *candidate = &due->candidates[i];

		if (!candidate->rule)
			continue;
		result->versions++;
		result->bytes += candidate->size;
		const struct lifecycle_finding finding = {
			.key = candidate->key,
			.rule = candidate->rule->id,
			.version = &candidate->version,
			.size = candidate->size,
		};

		lifecycle_run_report(look, &finding);
	}
}

static enum store_err
take_due(struct lifecycle_look *look, struct due *due)
{
	enum store_err err = STORE_OK;

	while (!err && !look->is_stale && due->begin < due->count) {
		err = look->job->options->is_dry
			      ? take_dry(due)
			      : commit_run_durably(look->job->store, apply_take,
					due);
		if (!err && !look->is_stale)
			report_some(look, due);
		due->begin = due->end;
	}
	return err;
}

/* One page from the place on.  *is_last: nothing follows. */
static enum store_err
look_at_page(struct lifecycle_look *look, struct due *due, struct place *place,
	bool *is_last)
{
	scoped(arena_free) struct arena arena = {0};
	struct list_versions_request request = {
		.bucket = look->bucket->ino,
		.after = arena_copy(&arena, buffer_slice(&place->key)),
		.after_version = place->version,
		.max = LIFECYCLE_PAGE,
	};
	struct list_versions_page page = {0};
	enum store_err err = lifecycle_run_read_rules(look, &arena);

	*is_last = !err && !lifecycle_run_common_prefix(&look->rules,
				   takes_versions, &request.prefix);
	if (err || *is_last)
		return err;
	err = list_versions_read(look->job->store, &request, &arena, &page);
	if (err)
		return err;
	find_candidates(look, &page, place, due);
	/* Those left when rules change in the midst have another day. */
	err = take_due(look, due);
	*is_last = !page.is_truncated;
	return err;
}

enum store_err
lifecycle_versions_expire(struct lifecycle_look *look)
{
	struct place place = {.version = {.which = VERSION_CURRENT}};
	enum versioning versioning;
	bool is_last = false;
	enum store_err err = versioning_get(look->job->store, look->bucket->ino,
		&versioning);

	if (err || versioning == VERSIONING_NEVER)
		return err;
	struct due *due = calloc(1, sizeof(*due));

	if (!due)
		return STORE_NO_MEMORY;
	while (!err && !is_last && lifecycle_run_goes_on(look->job))
		err = look_at_page(look, due, &place, &is_last);
	free(due);
	buffer_free(&place.key);
	return err;
}
