/* SPDX-License-Identifier: Apache-2.0 */
#include "store/object.h"

#include <unistd.h>

#include "store/base/clock.h"
#include "store/base/random.h"
#include "store/blob_record_private.h"
#include "store/draft_private.h"
#include "store/last_access.h"
#include "store/lock.h"
#include "store/object_key_private.h"
#include "store/sealed.h"
#include "store/usage_private.h"

/*
 * A copy shares the source's blob; whoever writes to a shared blob clones it
 * first.  But a blob that a mount is writing to at this moment would go on
 * changing under the copy: then the bytes are cloned here, before the commit,
 * which checks that the source is still the same.  Sealed data never changes in
 * place, and whoever has the source's key has the copy's.
 */

/* How often the source may change under the clone before we give up. */
#define TRIES 16

struct copy {
	/* fixed */
	uint64_t source_bucket;
	struct slice source_key;
	const struct version_ref *version;
	enum store_err (*source_check)(const struct object *source,
		void *context);
	void *context;
	uint64_t bucket;
	struct slice key;
	const struct object_attrs *attrs;
	const struct object_condition *condition;

	/* of the clone, where one was taken */
	const struct draft *clone; /* NULL: share */
	uint64_t clone_ino;
	uint64_t clone_blob;

	/* set anew by each run */
	bool must_clone;
	struct inode source; /* without attributes */
	struct buffer copied;
	struct inode made;
	struct version made_version;
};

/* Kinds that S3 copies with an object.  An ACL is not among them. */
#define KINDS                                                                  \
	(1u << INODE_ATTR_HEADER | 1u << INODE_ATTR_META |                     \
		1u << INODE_ATTR_TAG | 1u << INODE_ATTR_XATTR |                \
		1u << INODE_ATTR_PART | 1u << INODE_ATTR_SSE_C)
/* Kinds that tell of the bytes, and so stay whatever the caller gives. */
#define KINDS_OF_DATA (1u << INODE_ATTR_PART | 1u << INODE_ATTR_SSE_C)

/* What the copy is to carry.  source->attrs point into the map: they are
 * copied out before anything is written. */
static enum store_err
describe(struct copy *copy, const struct inode *source)
{
	const struct object_attrs *given = copy->attrs;
	scoped(buffer_free) struct buffer merged = {0};
	struct slice base = given ? given->attrs : SLICE_NULL;
	uint32_t replaced = given && !given->kinds ? KINDS
			    : given		   ? given->kinds
						   : 0;

	inode_attrs_merge(&merged, base, source->attrs,
		(KINDS & ~replaced) | KINDS_OF_DATA);
	buffer_clear(&copy->copied);
	object_key_strip_maker(&copy->copied, buffer_slice(&merged));
	if (copy->copied.len > INODE_ATTRS_MAX)
		return STORE_ATTR_TOO_BIG;
	copy->source = *source;
	copy->source.attrs = SLICE_NULL;
	copy->made = *source;
	copy->made.attrs = buffer_slice(&copy->copied);
	/* Never the source's. */
	enum store_err err = lock_cut_attr(&copy->made.attrs, &copy->made.lock);
	if (err)
		return err;
	copy->made.mtime_ns =
		given && given->mtime_ns ? given->mtime_ns : clock_now_ns();
	return STORE_OK;
}

/* The clone's bytes have no digest that anybody knows. */
static void
describe_clone(struct copy *copy)
{
	struct inode *made = &copy->made;

	made->size = copy->clone->size;
	random_bytes(made->etag.value, sizeof(made->etag.value));
	made->etag.parts = 1;
	made->checksum_kind = 0;
	made->checksum_len = 0;
	made->checksum_parts = 0;
	made->is_checksum_composite = false;
}

static bool
is_clone_of(const struct copy *copy, const struct inode *source)
{
	return copy->clone && copy->clone_ino == source->ino &&
	       copy->clone_blob == source->blob;
}

/* As a reader sees the source now, even if it is being written in place. */
static enum store_err
ask(struct store *store, const struct copy *copy, const struct object *found)
{
	struct object source = *found;
	enum store_err err = dentry_refresh_inode(store, &source.inode);

	return err ? err : copy->source_check(&source, copy->context);
}

static enum store_err
apply_copy(struct store *store, struct db_txn *txn, void *arg)
{
	struct copy *copy = arg;
	struct object found;
	bool is_clone, is_written = false;
	struct usage_mark mark;
	enum store_err err;

	copy->must_clone = false;
	err = usage_mark(txn, copy->bucket, &mark);
	if (err)
		return err;
	err = object_key_find_version(txn, copy->source_bucket,
		copy->source_key, copy->version, &found);
	if (!err && copy->source_check)
		err = ask(store, copy, &found);
	if (!err)
		err = object_key_check(store, txn, copy->bucket, copy->key,
			copy->condition, NULL);
	if (err)
		return err;
	struct inode source = found.inode;
	is_clone = is_clone_of(copy, &source);
	if (!is_clone && source.blob && !sealed_is(&source))
		err = object_key_is_written(store, txn, &source, &is_written);
	if (err)
		return err;
	if (is_written) {
		copy->must_clone = true;
		return STORE_BUSY;
	}
	err = describe(copy, &source);
	if (err)
		return err;
	if (is_clone) {
		describe_clone(copy);
		err = draft_add(copy->clone, txn, &copy->made.blob);
	} else if (copy->made.blob) {
		err = blob_record_share(txn, copy->made.blob);
	}
	if (!err)
		err = object_key_publish(store, txn, copy->bucket, copy->key,
			&copy->made, &copy->made_version);
	return err ? err : usage_check(txn, &mark);
}

static enum store_err
clone_source(struct store *store, struct copy *copy, struct draft *draft)
{
	scoped(arena_free) struct arena arena = {0};
	struct object source;
	uint64_t offset;
	enum store_err err;
	int fd;

	err = object_open_version(store, copy->source_bucket, copy->source_key,
		copy->version, &arena, &source, &fd, &offset);
	if (err)
		return err;
	if (fd >= 0) {
		err = draft_copy(draft, fd, offset, source.inode.size);
		enum store_err cut =
			cut_check(&source.guard, fd, source.inode.size);
		if (cut)
			err = cut;
		(void)close(fd);
	}
	copy->clone = draft;
	copy->clone_ino = source.inode.ino;
	copy->clone_blob = source.inode.blob;
	return err;
}

static enum store_err
try_copy(struct store *store, struct copy *copy, bool with_clone)
{
	struct draft draft = DRAFT_INIT(store);
	enum store_err err = STORE_OK;

	copy->clone = NULL;
	if (with_clone)
		err = clone_source(store, copy, &draft);
	if (!err)
		err = commit_run_durably(store, apply_copy, copy);
	draft_end(&draft, err);
	copy->clone = NULL;
	return err;
}

enum store_err
object_copy(struct store *store, uint64_t source_bucket,
	struct slice source_key,
	enum store_err (*source_check)(const struct object *source,
		void *context),
	void *context, uint64_t bucket, struct slice key,
	const struct object_attrs *attrs,
	const struct object_condition *condition, struct object *out)
{
	static const struct version_ref current = {.which = VERSION_CURRENT};

	return object_copy_version(store, source_bucket, source_key, &current,
		source_check, context, bucket, key, attrs, condition, out);
}

enum store_err
object_copy_version(struct store *store, uint64_t source_bucket,
	struct slice source_key, const struct version_ref *version,
	enum store_err (*source_check)(const struct object *source,
		void *context),
	void *context, uint64_t bucket, struct slice key,
	const struct object_attrs *attrs,
	const struct object_condition *condition, struct object *out)
{
	struct copy copy = {
		.source_bucket = source_bucket,
		.source_key = source_key,
		.version = version,
		.source_check = source_check,
		.context = context,
		.bucket = bucket,
		.key = key,
		.attrs = attrs,
		.condition = condition,
	};
	enum store_err err;

	if (attrs && !inode_attrs_are_valid(attrs->attrs))
		return STORE_INVALID;
	err = try_copy(store, &copy, false);
	for (int i = 0; copy.must_clone && err == STORE_BUSY && i < TRIES; i++)
		err = try_copy(store, &copy, true);
	if (!err) {
		*out = (struct object){
			.inode = copy.made,
			.version = copy.made_version,
		};
		out->inode.attrs = SLICE_NULL;
		last_access_note(store, &copy.source);
	}
	buffer_free(&copy.copied);
	return err;
}
