/* SPDX-License-Identifier: Apache-2.0 */
#include "store/object.h"

#include <stdlib.h>

#include "store/base/random.h"
#include "store/draft_private.h"
#include "store/object_key_private.h"
#include "store/scrub_private.h"
#include "store/sealer_private.h"
#include "store/usage_private.h"

struct object_put {
	struct store *store;
	struct draft draft;
	uint64_t size; /* of the object; the draft's is larger where sealed */

	/* where it is sealed */
	struct sealer *sealer;
	struct seal seal;
};

/* Better said before the body than after it. */
static enum store_err
check_space(struct store *store, uint64_t size)
{
	struct statvfs space;
	enum store_err err;

	if (!size)
		return STORE_OK;
	if (size > OBJECT_SIZE_MAX)
		return STORE_TOO_BIG;
	err = blob_space(store->blobs, &space);
	if (err)
		return err;
	if (size / space.f_frsize >= space.f_bavail)
		return STORE_NO_SPACE;
	return STORE_OK;
}

enum store_err
object_put_begin(struct store *store, uint64_t size, struct object_put **out)
{
	struct object_put *put;
	enum store_err err;

	if (store->is_read_only)
		return STORE_READ_ONLY;
	err = check_space(store, size);
	if (err)
		return err;
	put = calloc(1, sizeof(*put));
	if (!put)
		return STORE_NO_MEMORY;
	put->store = store;
	put->draft = (struct draft)DRAFT_INIT(store);
	put->draft.pack_max = PACK_MAX;
	*out = put;
	return STORE_OK;
}

static enum store_err
write_stored(void *draft, struct slice stored)
{
	return draft_write(draft, stored);
}

void
object_put_seal(struct object_put *put, const uint8_t key[SEAL_KEY_LEN])
{
	seal_create(&put->seal, key);
	put->sealer = sealer_create(&put->seal, 0, write_stored, &put->draft);
}

enum store_err
object_put_write(struct object_put *put, struct slice data)
{
	enum store_err err;

	if (data.len > OBJECT_SIZE_MAX - put->size)
		return STORE_TOO_BIG;
	err = put->sealer ? sealer_write(put->sealer, data)
			  : draft_write(&put->draft, data);
	if (!err)
		put->size += data.len;
	return err;
}

uint64_t
object_put_size(const struct object_put *put)
{
	return put->size;
}

struct put_commit {
	struct draft *draft;
	uint64_t bucket;
	struct slice key;
	const struct inode *wanted;
	const struct object_condition *condition;
	struct inode made;
	struct version version;
};

static enum store_err
apply_put(struct store *store, struct db_txn *txn, void *arg)
{
	struct put_commit *commit = arg;
	struct usage_mark mark;
	enum store_err err = usage_mark(txn, commit->bucket, &mark);

	if (!err)
		err = object_key_check(store, txn, commit->bucket, commit->key,
			commit->condition, NULL);
	if (err)
		return err;
	commit->made = *commit->wanted;
	err = draft_add(commit->draft, txn, &commit->made.blob);
	if (!err)
		err = scrub_mark_uploaded(txn, &commit->made);
	if (!err)
		err = object_key_publish(store, txn, commit->bucket,
			commit->key, &commit->made, &commit->version);
	return err ? err : usage_check(txn, &mark);
}

/* What must not tell of the bytes, and the attribute. */
static enum store_err
describe_sealed(struct object_put *put, struct inode *wanted,
	struct buffer *attrs)
{
	struct slice value = slice_of(put->seal.attr, SEAL_ATTR_LEN);
	enum store_err err = sealer_finish(put->sealer);

	if (err)
		return err;
	inode_attr_set(attrs, wanted->attrs, INODE_ATTR_SSE_C, SLICE_NULL,
		&value);
	if (attrs->len > INODE_ATTRS_MAX)
		return STORE_ATTR_TOO_BIG;
	wanted->attrs = buffer_slice(attrs);
	wanted->etag.parts = 0;
	random_bytes(wanted->etag.value, sizeof(wanted->etag.value));
	seal_pad(&put->seal, wanted->etag.value, wanted->checksum,
		wanted->checksum_len);
	return STORE_OK;
}

static enum store_err
commit_put(struct object_put *put, uint64_t bucket, struct slice key,
	const struct object_attrs *attrs,
	const struct object_condition *condition, struct object *out)
{
	scoped(buffer_free) struct buffer sealed_attrs = {0};
	struct inode wanted;
	struct put_commit commit = {
		.draft = &put->draft,
		.bucket = bucket,
		.key = key,
		.wanted = &wanted,
		.condition = condition,
	};
	enum store_err err = put->draft.failure;

	if (!err)
		err = object_key_describe(attrs, &wanted);
	if (!err && put->sealer)
		err = describe_sealed(put, &wanted, &sealed_attrs);
	if (!err)
		err = draft_settle(&put->draft);
	if (err)
		return err;
	wanted.size = put->size;
	err = draft_commit_durably(&put->draft, apply_put, &commit);
	if (err)
		return err;
	*out = (struct object){
		.inode = commit.made,
		.version = commit.version,
	};
	out->inode.attrs = attrs->attrs;
	return STORE_OK;
}

/* err: what became of the commit. */
static void
end_put(struct object_put **put, enum store_err err)
{
	sealer_free(&(*put)->sealer);
	seal_wipe(&(*put)->seal);
	draft_end(&(*put)->draft, err);
	free(*put);
	*put = NULL;
}

enum store_err
object_put_commit(struct object_put **put, uint64_t bucket, struct slice key,
	const struct object_attrs *attrs,
	const struct object_condition *condition, struct object *out)
{
	enum store_err err =
		commit_put(*put, bucket, key, attrs, condition, out);

	end_put(put, err);
	return err;
}

void
object_put_abort(struct object_put **put)
{
	if (!*put)
		return;
	end_put(put, STORE_CANCELED);
}
