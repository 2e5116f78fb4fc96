/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "store/base/digest.h"
#include "store/blob_record_private.h"
#include "store/commit_private.h"
#include "store/dentry_private.h"
#include "store/feed_private.h"
#include "store/scrub_private.h"
#include "store/session_private.h"

struct marks {
	struct scrub_item *items;
	size_t count;
};

enum store_err
scrub_mark_uploaded(struct db_txn *txn, const struct inode *made)
{
	struct record_blob record;
	struct slice value;

	/* What SSE-C encrypts has other bytes on the disk. */
	if (!made->blob || made->checksum_kind != DIGEST_CRC64NVME ||
		made->is_checksum_composite ||
		made->checksum_len != sizeof(record.crc64nvme) ||
		inode_attr_find(made->attrs, INODE_ATTR_SSE_C, SLICE_NULL,
			&value))
		return STORE_OK;
	enum store_err err = blob_record_get(txn, made->blob, &record);
	if (err)
		return err;
	record.has_crc64nvme = true;
	record.crc64nvme = 0;
	for (size_t i = 0; i < sizeof(record.crc64nvme); i++)
		record.crc64nvme = record.crc64nvme << 8 | made->checksum[i];
	return blob_record_put(txn, made->blob, &record);
}

/* Rule 2: whether the inode and the record are what they were. */
static enum store_err
is_as_before(struct db_txn *txn, const struct scrub_item *item,
	struct record_blob *record, bool *is_same)
{
	const struct inode *was = &item->inode;
	const struct record_blob *old = &item->record;
	struct inode now;
	bool is_open = true;

	*is_same = false;
	enum store_err err = dentry_inode(txn, was->ino, &now);
	if (err)
		return err == STORE_STALE ? STORE_OK : err;
	if (now.blob != was->blob || now.flags != was->flags ||
		now.size != was->size || now.mtime_ns != was->mtime_ns ||
		!inode_etag_equal(&now.etag, &was->etag))
		return STORE_OK;
	err = session_has_open(txn, 0, was->ino, true, &is_open);
	if (!err && !is_open)
		err = blob_record_get(txn, was->blob, record);
	if (err || is_open)
		return err == STORE_NOT_FOUND ? STORE_OK : err;
	*is_same = record->place == old->place &&
		   record->segment == old->segment &&
		   record->offset == old->offset &&
		   record->is_damaged == old->is_damaged &&
		   record->has_crc64nvme == old->has_crc64nvme &&
		   record->crc64nvme == old->crc64nvme;
	return STORE_OK;
}

static void
give_verdict(struct scrub_item *item, enum scrub_verdict verdict)
{
	item->has_verdict = true;
	item->verdict = verdict;
}

/* What the look makes of the record. */
static void
judge(struct scrub_item *item, struct record_blob *record)
{
	bool is_right = !record->has_crc64nvme ||
			record->crc64nvme == item->crc || item->is_newer;

	if (item->look == SCRUB_LOOK_MISSING) {
		give_verdict(item, SCRUB_MISSING);
	} else if (item->look == SCRUB_LOOK_UNREADABLE) {
		give_verdict(item, SCRUB_UNREADABLE);
		record->is_damaged = true;
	} else if (!is_right || item->look == SCRUB_LOOK_WRONG_SIZE) {
		give_verdict(item, SCRUB_DAMAGED);
		record->is_damaged = true;
	} else {
		if (record->is_damaged)
			give_verdict(item, SCRUB_WELL_AGAIN);
		item->is_computed = !record->has_crc64nvme ||
				    record->crc64nvme != item->crc;
		record->is_damaged = false;
		record->has_crc64nvme = true;
		record->crc64nvme = item->crc;
	}
}

static enum store_err
mark_one(struct store *store, struct db_txn *txn, struct scrub_item *item)
{
	struct record_blob record;
	bool is_same;

	item->is_stale = item->has_verdict = item->is_computed = false;
	enum store_err err = is_as_before(txn, item, &record, &is_same);
	item->is_stale = !is_same;
	if (err || !is_same)
		return err;
	bool was_damaged = record.is_damaged;
	judge(item, &record);
	bool is_other = record.is_damaged != was_damaged;
	if (is_other || item->is_computed)
		err = blob_record_put(txn, item->inode.blob, &record);
	if (!err && is_other)
		err = scrub_state_count(txn, record.is_damaged ? 1 : -1);
	if (!err && is_other)
		err = feed_append_inode(store, txn, item->inode.ino, true);
	return err;
}

static enum store_err
apply_marks(struct store *store, struct db_txn *txn, void *arg)
{
	const struct marks *marks = arg;
	enum store_err err = STORE_OK;

	for (size_t i = 0; i < marks->count && !err; i++) {
		if (marks->items[i].look != SCRUB_LOOK_PASSED)
			err = mark_one(store, txn, &marks->items[i]);
	}
	return err;
}

/* Whether there is anything that a transaction is needed for. */
static bool
is_news(const struct scrub_item *item)
{
	const struct record_blob *record = &item->record;

	return item->look != SCRUB_LOOK_PASSED &&
	       (item->look != SCRUB_LOOK_SUM || record->is_damaged ||
		       !record->has_crc64nvme ||
		       record->crc64nvme != item->crc);
}

enum store_err
scrub_mark(struct store *store, struct scrub_item *items, size_t count)
{
	struct marks marks = {.items = items, .count = count};
	bool has_news = false;

	for (size_t i = 0; i < count; i++)
		has_news = has_news || is_news(&items[i]);
	return has_news ? commit_run(store, apply_marks, &marks, NULL)
			: STORE_OK;
}
