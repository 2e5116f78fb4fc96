/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Completion: the listed parts become one object.
 *
 * 1. A plan is made of one snapshot: what is listed, where it lies.
 * 2. What has to be copied is copied, outside any transaction.
 * 3. The commit makes the plan anew and goes on only if it is the same; else
 *    all begins again.
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
#include "store/object_key_private.h"
#include "store/scrub_private.h"
#include "store/seal.h"
#include "store/upload_plan_private.h"
#include "store/usage_private.h"

/* How often parts may change under a completion before it gives up. */
#define TRIES 16

struct complete {
	/* fixed */
	struct store *store;
	const struct object_attrs *attrs;
	const struct object_condition *condition;

	/* of this try */
	struct upload_wanted wanted;
	struct upload_plan plan;
	struct draft draft;

	/* set anew by each run of the commit */
	struct upload_plan again;
	bool is_too_long;
	struct buffer attrs_made;
	struct inode made;
	struct version version;
};

/* Gone between the plan and now: the plan does not hold any more. */
static enum store_err
open_blob(struct store *store, uint64_t blob, int flags, int *fd)
{
	enum store_err err = blob_open(store->blobs, blob, flags, fd);

	return err == STORE_NOT_FOUND ? STORE_BUSY : err;
}

static enum store_err
copy_piece(struct complete *complete, const struct upload_piece *piece,
	int in_place)
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
	const struct upload_plan *plan = &complete->plan;
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

	err = upload_plan_make(txn, &complete->wanted, &complete->again);
	if (err)
		return err;
	if (!upload_plan_is_same(&complete->plan, &complete->again))
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
	const struct upload_piece *piece = &complete->plan.pieces[i];
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
	const struct upload_plan *plan = &complete->plan;
	enum store_err err;
	int to;

	err = commit_run(complete->store, apply_claim, complete, NULL);
	if (err)
		return err;
	complete->wanted.is_claimed = true;
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
make_etag(const struct upload_plan *plan, struct inode_etag *etag)
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
	const struct upload_plan *plan = &complete->plan;
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
	attr.value = complete->wanted.ref.id;
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
	const struct upload_plan *plan = &complete->plan;
	struct record_blob record;
	struct stat stat;
	enum store_err err;

	err = blob_stat(complete->store->blobs, plan->blob, &stat);
	if (err)
		return err == STORE_NOT_FOUND ? STORE_CORRUPT : err;
	if ((uint64_t)stat.st_size != plan->stored) {
		complete->is_too_long = true;
		return STORE_BUSY;
	}
	err = blob_record_get(txn, plan->blob, &record);
	if (err)
		return err == STORE_NOT_FOUND ? STORE_CORRUPT : err;
	record.size = plan->stored;
	err = blob_record_put(txn, plan->blob, &record);
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
	const struct upload_plan *plan = &complete->plan;

	*blob = 0;
	switch (plan->way) {
	case UPLOAD_WAY_EMPTY:
		return STORE_OK;
	case UPLOAD_WAY_PART:
		*blob = plan->pieces[0].blob;
		return blob_record_share(txn, *blob);
	case UPLOAD_WAY_UPLOAD:
		*blob = plan->blob;
		return take_upload_blob(complete, txn);
	case UPLOAD_WAY_COPY:
		return draft_add(&complete->draft, txn, blob);
	}
	return STORE_INVALID;
}

/* All of the object but its blob. */
static enum store_err
describe(struct complete *complete)
{
	struct inode *made = &complete->made;
	enum store_err err = object_key_describe(complete->attrs, made);

	if (err)
		return err;
	made->size = complete->plan.total;
	made->attrs = buffer_slice(&complete->attrs_made);
	make_etag(&complete->plan, &made->etag);
	return STORE_OK;
}

/* Of what is sealed, no checksum tells. */
static void
hide_checksum(struct complete *complete)
{
	struct inode *made = &complete->made;

	if (!complete->plan.is_sealed || !made->checksum_len)
		return;
	assert(complete->attrs->seal);
	seal_pad(complete->attrs->seal, made->etag.value, made->checksum,
		made->checksum_len);
}

static enum store_err
apply_complete(struct store *store, struct db_txn *txn, void *arg)
{
	struct complete *complete = arg;
	const struct upload_ref *ref = &complete->wanted.ref;
	struct inode *made = &complete->made;
	struct usage_mark mark;
	enum store_err err;

	complete->is_too_long = false;
	err = usage_mark(txn, ref->bucket, &mark);
	if (!err)
		err = upload_plan_make(txn, &complete->wanted,
			&complete->again);
	if (err)
		return err;
	if (!upload_plan_is_same(&complete->plan, &complete->again))
		return STORE_BUSY;
	err = object_key_check(store, txn, ref->bucket, ref->key,
		complete->condition, NULL);
	if (!err)
		err = describe(complete);
	if (!err)
		err = take_blob(complete, txn, &made->blob);
	if (!err)
		err = upload_remove(txn, ref->bucket, complete->plan.upload);
	if (!err)
		err = scrub_mark_uploaded(txn, made);
	if (err)
		return err;
	hide_checksum(complete);
	err = object_key_publish(store, txn, ref->bucket, ref->key, made,
		&complete->version);
	return err ? err : usage_check(txn, &mark);
}

static enum store_err
make_plan(struct complete *complete)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	enum store_err err = db_begin_read(complete->store->db, &txn);

	return err ? err
		   : upload_plan_make(txn, &complete->wanted, &complete->plan);
}

static enum store_err
try_complete(struct complete *complete)
{
	struct upload_plan *plan = &complete->plan;
	enum store_err err, ignored;

	complete->draft = (struct draft)DRAFT_INIT(complete->store);
	complete->wanted.is_claimed = false;
	err = make_plan(complete);
	if (!err)
		err = make_attrs(complete);
	if (!err && plan->way == UPLOAD_WAY_COPY)
		err = copy_all(complete);
	if (!err && plan->way == UPLOAD_WAY_UPLOAD && plan->has_displaced)
		err = fill_slots(complete);
	if (!err)
		err = commit_run_durably(complete->store, apply_complete,
			complete);
	draft_end(&complete->draft, err);
	if (err && complete->wanted.is_claimed) {
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
		.attrs = attrs,
		.condition = condition,
		.wanted =
			{
				.ref = {bucket, key, id},
				.parts = wanted,
				.count = count,
			},
	};
	enum store_err err = check_list(wanted, count);

	if (err)
		return err;
	err = STORE_BUSY;
	for (int i = 0; err == STORE_BUSY && i < TRIES; i++) {
		err = try_complete(&complete);
		complete.wanted.must_copy |= complete.is_too_long;
	}
	if (!err) {
		*out = (struct object){
			.inode = complete.made,
			.version = complete.version,
		};
		out->inode.attrs = SLICE_NULL;
	}
	buffer_free(&complete.attrs_made);
	upload_plan_free(&complete.plan);
	upload_plan_free(&complete.again);
	return err;
}
