/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Completion: the listed parts become one object.
 *
 * 1. A plan is made of one snapshot: what is listed, where it lies.
 * 2. What has to be copied is copied, outside any transaction.
 * 3. The commit makes the plan anew and goes on only if it is the same; else
 *    all begins again.
 *
 * Ways to the object's data, the cheapest that will do:
 *
 *	WAY_EMPTY	there is none
 *	WAY_PART	the blob of the only part
 *	WAY_UPLOAD	the upload's blob, parts that lie elsewhere copied to
 *			their slots first
 *	WAY_COPY	a new blob, every part cloned or copied
 */
#include <assert.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/base/digest.h"
#include "store/blob_record_private.h"
#include "store/draft_private.h"
#include "store/lock.h"
#include "store/meta/key.h"
#include "store/object_key_private.h"
#include "store/scrub_private.h"
#include "store/seal.h"
#include "store/upload_private.h"
#include "store/usage_private.h"

/* How often parts may change under a completion before it gives up. */
#define TRIES 16

enum way { WAY_EMPTY, WAY_PART, WAY_UPLOAD, WAY_COPY };

struct piece {
	uint64_t blob;	 /* 0: in place */
	uint64_t offset; /* in its blob */
	uint64_t stored; /* bytes there: more than info.size where sealed */
	struct upload_part_info info;
};

struct plan {
	uint64_t upload;
	uint64_t blob; /* the upload's */
	uint64_t part_size;
	uint64_t slot; /* how far apart parts in place lie */
	bool is_sealed;
	uint64_t total;
	uint64_t stored; /* bytes in the data file */
	enum way way;
	bool has_displaced; /* WAY_UPLOAD: some have blobs of their own */
	size_t count;
	struct piece *pieces;
};

struct complete {
	/* fixed */
	struct store *store;
	struct upload_ref ref;
	const struct upload_part_info *wanted;
	size_t count;
	const struct object_attrs *attrs;
	const struct object_condition *condition;

	/* of this try */
	bool must_copy; /* the upload's blob cannot become the object */
	bool is_claimed;
	struct plan plan;
	struct draft draft;

	/* set anew by each run of the commit */
	struct plan again;
	bool is_too_long;
	struct buffer attrs_made;
	struct inode made;
	struct version version;
};

static void
plan_free(struct plan *plan)
{
	free(plan->pieces);
	*plan = (struct plan){0};
}

static bool
is_as_listed(const struct upload_part_info *part,
	const struct upload_part_info *wanted)
{
	if (memcmp(part->md5, wanted->md5, sizeof(part->md5)) != 0)
		return false;
	if (!wanted->checksum_len)
		return true;
	return part->checksum_kind == wanted->checksum_kind &&
	       part->checksum_len == wanted->checksum_len &&
	       !memcmp(part->checksum, wanted->checksum, wanted->checksum_len);
}

static enum store_err
plan_piece(struct db_txn *txn, const struct plan *plan,
	const struct upload_part_info *wanted, struct piece *piece)
{
	struct record_part record;
	enum store_err err;

	err = upload_parts_find(txn, plan->upload, wanted->number, &record);
	if (err)
		return err == STORE_NOT_FOUND ? STORE_BAD_PART : err;
	upload_parts_describe(wanted->number, &record, &piece->info);
	if (!is_as_listed(&piece->info, wanted))
		return STORE_BAD_PART;
	piece->stored = plan->is_sealed ? seal_stored_len(piece->info.size)
					: piece->info.size;
	piece->blob = record.blob;
	if (!record.blob)
		piece->offset = (wanted->number - 1) * plan->slot;
	return STORE_OK;
}

/* Parts 1, 2, 3..., each as long as its slot but the last. */
static bool
is_regular(const struct plan *plan)
{
	for (size_t i = 0; i < plan->count; i++) {
		const struct upload_part_info *info = &plan->pieces[i].info;

		if (info->number != i + 1 || info->size > plan->part_size)
			return false;
		if (i + 1 < plan->count && info->size != plan->part_size)
			return false;
	}
	return true;
}

static enum store_err
choose_way(struct db_txn *txn, const struct complete *complete,
	struct plan *plan)
{
	bool is_busy;
	enum store_err err;

	plan->way = WAY_COPY;
	if (!plan->total)
		plan->way = WAY_EMPTY;
	else if (plan->count == 1 && plan->pieces[0].blob)
		plan->way = WAY_PART;
	if (plan->way != WAY_COPY || complete->must_copy || !plan->blob ||
		!is_regular(plan))
		return STORE_OK;
	err = upload_parts_arriving(txn, plan->upload, complete->is_claimed,
		&is_busy);
	if (err || is_busy)
		return err;
	plan->way = WAY_UPLOAD;
	for (size_t i = 0; i < plan->count; i++)
		plan->has_displaced |= plan->pieces[i].blob != 0;
	return STORE_OK;
}

static enum store_err
plan_pieces(struct db_txn *txn, const struct complete *complete,
	struct plan *plan)
{
	for (size_t i = 0; i < complete->count; i++) {
		struct piece *piece = &plan->pieces[i];
		enum store_err err;

		err = plan_piece(txn, plan, &complete->wanted[i], piece);
		if (err)
			return err;
		if (i + 1 < complete->count &&
			piece->info.size < UPLOAD_PART_MIN)
			return STORE_PART_TOO_SMALL;
		plan->total += piece->info.size;
		plan->stored += piece->stored;
	}
	return plan->total > OBJECT_SIZE_MAX ? STORE_TOO_BIG : STORE_OK;
}

static enum store_err
plan_make(struct db_txn *txn, const struct complete *complete,
	struct plan *plan)
{
	struct record_upload record;
	enum store_err err;

	plan_free(plan);
	err = upload_find(txn, &complete->ref, &plan->upload, &record);
	if (err)
		return err;
	plan->blob = record.blob;
	plan->part_size = record.part_size;
	plan->slot = upload_slot(&record);
	plan->is_sealed = upload_is_sealed(&record);
	plan->count = complete->count;
	plan->pieces = calloc(complete->count, sizeof(*plan->pieces));
	if (!plan->pieces)
		return STORE_NO_MEMORY;
	err = plan_pieces(txn, complete, plan);
	if (!err)
		err = choose_way(txn, complete, plan);
	return err;
}

static bool
is_same_plan(const struct plan *a, const struct plan *b)
{
	if (a->blob != b->blob || a->way != b->way || a->total != b->total)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (a->pieces[i].blob != b->pieces[i].blob ||
			a->pieces[i].offset != b->pieces[i].offset ||
			a->pieces[i].info.size != b->pieces[i].info.size)
			return false;
	return true;
}

/* Gone between the plan and now: the plan does not hold any more. */
static enum store_err
open_blob(struct store *store, uint64_t blob, int flags, int *fd)
{
	enum store_err err = blob_open(store->blobs, blob, flags, fd);

	return err == STORE_NOT_FOUND ? STORE_BUSY : err;
}

static enum store_err
copy_piece(struct complete *complete, const struct piece *piece, int in_place)
{
	enum store_err err;
	int fd;

	if (!piece->stored)
		return STORE_OK;
	if (!piece->blob)
		return draft_copy(&complete->draft, in_place, piece->offset,
			piece->stored);
	err = open_blob(complete->store, piece->blob, O_RDONLY, &fd);
	if (err)
		return err;
	err = draft_copy(&complete->draft, fd, 0, piece->stored);
	(void)close(fd);
	return err;
}

static enum store_err
copy_all(struct complete *complete)
{
	const struct plan *plan = &complete->plan;
	enum store_err err = STORE_OK;
	int in_place = -1;

	if (plan->blob)
		err = open_blob(complete->store, plan->blob, O_RDONLY,
			&in_place);
	for (size_t i = 0; !err && i < plan->count; i++)
		err = copy_piece(complete, &plan->pieces[i], in_place);
	if (in_place >= 0)
		(void)close(in_place);
	return err;
}

static enum store_err
apply_claim(struct store *store, struct db_txn *txn, void *arg)
{
	struct complete *complete = arg;
	enum store_err err;

	err = plan_make(txn, complete, &complete->again);
	if (err)
		return err;
	if (!is_same_plan(&complete->plan, &complete->again))
		return STORE_BUSY;
	return upload_parts_reserve(store, txn, complete->plan.upload, 0);
}

static enum store_err
apply_unclaim(struct store *store, struct db_txn *txn, void *arg)
{
	const struct complete *complete = arg;

	(void)store;
	return upload_parts_release(txn, complete->plan.upload, 0);
}

static enum store_err
fill_piece(struct complete *complete, size_t i, int to)
{
	const struct piece *piece = &complete->plan.pieces[i];
	enum store_err err;
	int fd;

	err = open_blob(complete->store, piece->blob, O_RDONLY, &fd);
	if (err)
		return err;
	err = blob_copy_range(fd, 0, to, i * complete->plan.slot,
		piece->stored);
	(void)close(fd);
	return err;
}

/* Copies the parts with blobs of their own to their slots, which hold nothing
 * of meaning; the claim keeps other completions from doing the same. */
static enum store_err
fill_slots(struct complete *complete)
{
	const struct plan *plan = &complete->plan;
	enum store_err err;
	int to;

	err = commit_run(complete->store, apply_claim, complete, NULL);
	if (err)
		return err;
	complete->is_claimed = true;
	/* A power cut must not bring back a record of what a slot held before:
	 * that the part lies elsewhere is durable first. */
	err = store_sync(complete->store);
	if (err)
		return err;
	err = open_blob(complete->store, plan->blob, O_RDWR, &to);
	if (err)
		return err;
	for (size_t i = 0; !err && i < plan->count; i++)
		if (plan->pieces[i].blob)
			err = fill_piece(complete, i, to);
	(void)close(to);
	return err;
}

/* The ETag S3 gives to what an upload made: the MD5 of the parts' MD5s. */
static void
make_etag(const struct plan *plan, struct inode_etag *etag)
{
	struct digest digest;

	digest_init(&digest, DIGEST_MD5);
	for (size_t i = 0; i < plan->count; i++)
		digest_update(&digest, plan->pieces[i].info.md5, 16);
	digest_final(&digest, etag->value);
	etag->parts = (uint32_t)plan->count;
}

static enum store_err
make_attrs(struct complete *complete)
{
	const struct plan *plan = &complete->plan;
	scoped(buffer_free) struct buffer parts = {0};
	scoped(buffer_free) struct buffer made = {0};
	struct upload_part_info *infos = calloc(plan->count, sizeof(*infos));
	struct inode_attr attr = {
		.kind = INODE_ATTR_PART,
		.name = UPLOAD_ATTR_PARTS,
	};
	struct slice attrs = complete->attrs->attrs;
	struct inode_lock lock;
	enum store_err err = lock_cut_attr(&attrs, &lock);

	if (!infos)
		return STORE_NO_MEMORY;
	for (size_t i = 0; i < plan->count; i++) {
		infos[i] = plan->pieces[i].info;
		/* Hidden by their ETags, which go with the upload. */
		if (plan->is_sealed)
			infos[i].checksum_kind = 0;
	}
	upload_parts_encode(&parts, infos, plan->count);
	free(infos);
	attr.value = buffer_slice(&parts);
	inode_attr_append(&made, &attr);
	attr.name = UPLOAD_ATTR_ID;
	attr.value = complete->ref.id;
	inode_attr_append(&made, &attr);
	buffer_clear(&complete->attrs_made);
	inode_attrs_merge(&complete->attrs_made, attrs, buffer_slice(&made),
		1u << INODE_ATTR_PART);
	return complete->attrs_made.len > INODE_ATTRS_MAX ? STORE_ATTR_TOO_BIG
							  : err;
}

/* The file of the upload is the object from here on: of that very size. */
static enum store_err
take_upload_blob(struct complete *complete, struct db_txn *txn)
{
	const struct plan *plan = &complete->plan;
	scoped(buffer_free) struct buffer value = {0};
	struct key key = key_u64(plan->blob);
	struct record_blob record;
	struct slice old;
	struct stat stat;
	enum store_err err;

	err = blob_stat(complete->store->blobs, plan->blob, &stat);
	if (err)
		return err == STORE_NOT_FOUND ? STORE_CORRUPT : err;
	if ((uint64_t)stat.st_size != plan->stored) {
		complete->is_too_long = true;
		return STORE_BUSY;
	}
	err = db_get(txn, DB_BLOB, key_slice(&key), &old);
	if (!err)
		err = record_blob_decode(old, &record);
	if (err)
		return err == STORE_NOT_FOUND ? STORE_CORRUPT : err;
	record.size = plan->stored;
	record_blob_encode(&value, &record);
	err = db_put(txn, DB_BLOB, key_slice(&key), buffer_slice(&value));
	if (!err)
		err = blob_record_share(txn, plan->blob);
	if (!err && plan->has_displaced)
		err = blob_record_mark_unflushed(txn, plan->blob);
	return err;
}

/* Gives the object a reference of its own, before the upload's go. */
static enum store_err
take_blob(struct complete *complete, struct db_txn *txn, uint64_t *blob)
{
	const struct plan *plan = &complete->plan;

	*blob = 0;
	switch (plan->way) {
	case WAY_EMPTY:
		return STORE_OK;
	case WAY_PART:
		*blob = plan->pieces[0].blob;
		return blob_record_share(txn, *blob);
	case WAY_UPLOAD:
		*blob = plan->blob;
		return take_upload_blob(complete, txn);
	case WAY_COPY:
		return draft_add(&complete->draft, txn, blob);
	}
	return STORE_INVALID;
}

static enum store_err
apply_complete(struct store *store, struct db_txn *txn, void *arg)
{
	struct complete *complete = arg;
	struct inode *made = &complete->made;
	struct usage_mark mark;
	struct inode there;
	bool is_there;
	uint64_t blob;
	enum store_err err;

	complete->is_too_long = false;
	err = usage_mark(txn, complete->ref.bucket, &mark);
	if (err)
		return err;
	err = plan_make(txn, complete, &complete->again);
	if (err)
		return err;
	if (!is_same_plan(&complete->plan, &complete->again))
		return STORE_BUSY;
	err = object_key_check(store, txn, complete->ref.bucket,
		complete->ref.key, complete->condition, &is_there, &there);
	if (!err)
		err = object_key_describe(complete->attrs, made);
	if (!err)
		err = take_blob(complete, txn, &blob);
	if (!err)
		err = upload_remove(txn, complete->ref.bucket,
			complete->plan.upload);
	if (err)
		return err;
	made->size = complete->plan.total;
	made->blob = blob;
	made->attrs = buffer_slice(&complete->attrs_made);
	make_etag(&complete->plan, &made->etag);
	err = scrub_mark_uploaded(txn, made);
	if (err)
		return err;
	if (complete->plan.is_sealed && made->checksum_len) {
		assert(complete->attrs->seal);
		seal_pad(complete->attrs->seal, made->etag.value,
			made->checksum, made->checksum_len);
	}
	err = object_key_publish(store, txn, complete->ref.bucket,
		complete->ref.key, made, &complete->version);
	return err ? err : usage_check(txn, &mark);
}

static enum store_err
make_plan(struct complete *complete)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	enum store_err err = db_begin_read(complete->store->db, &txn);

	return err ? err : plan_make(txn, complete, &complete->plan);
}

static enum store_err
try_complete(struct complete *complete)
{
	struct plan *plan = &complete->plan;
	enum store_err err, ignored;

	complete->draft = (struct draft)DRAFT_INIT(complete->store);
	complete->is_claimed = false;
	err = make_plan(complete);
	if (!err)
		err = make_attrs(complete);
	if (!err && plan->way == WAY_COPY)
		err = copy_all(complete);
	if (!err && plan->way == WAY_UPLOAD && plan->has_displaced)
		err = fill_slots(complete);
	if (!err)
		err = commit_run_durably(complete->store, apply_complete,
			complete);
	draft_end(&complete->draft, err);
	if (err && complete->is_claimed) {
		/* At worst the next try makes a copy. */
		ignored = commit_run(complete->store, apply_unclaim, complete,
			NULL);
		(void)ignored;
	}
	return err;
}

static enum store_err
check_list(const struct upload_part_info *wanted, size_t count)
{
	if (!count || count > UPLOAD_PARTS_MAX)
		return STORE_INVALID;
	for (size_t i = 0; i < count; i++) {
		if (wanted[i].number < 1 || wanted[i].number > UPLOAD_PARTS_MAX)
			return STORE_BAD_PART;
		if (i && wanted[i].number <= wanted[i - 1].number)
			return STORE_BAD_PART_ORDER;
	}
	return STORE_OK;
}

enum store_err
upload_complete(struct store *store, uint64_t bucket, struct slice key,
	struct slice id, const struct upload_part_info *wanted, size_t count,
	const struct object_attrs *attrs,
	const struct object_condition *condition, struct object *out)
{
	struct complete complete = {
		.store = store,
		.ref = {bucket, key, id},
		.wanted = wanted,
		.count = count,
		.attrs = attrs,
		.condition = condition,
	};
	enum store_err err = check_list(wanted, count);

	if (err)
		return err;
	err = STORE_BUSY;
	for (int i = 0; err == STORE_BUSY && i < TRIES; i++) {
		err = try_complete(&complete);
		complete.must_copy |= complete.is_too_long;
	}
	if (!err) {
		*out = (struct object){
			.inode = complete.made,
			.version = complete.version,
		};
		out->inode.attrs = SLICE_NULL;
	}
	buffer_free(&complete.attrs_made);
	plan_free(&complete.plan);
	plan_free(&complete.again);
	return err;
}
