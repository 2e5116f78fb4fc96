/* SPDX-License-Identifier: Apache-2.0 */
#include "store/object.h"

#include "store/history_private.h"
#include "store/object_key_private.h"
#include "store/rename_private.h"

struct rename {
	uint64_t bucket;
	struct slice source_key;
	struct slice key;
	enum store_err (*check)(const struct inode *source,
		const struct inode *target, void *context);
	void *context;
	const struct object_rename_token *token; /* NULL: none */

	/* set anew by each run */
	struct inode out;
};

static struct slice
token_slice(const struct object_rename_token *token)
{
	return slice_of((const char *)token, sizeof(*token));
}

/* Else a version would leave its key without the right to delete one, and
 * without a marker that a replica follows. */
static enum store_err
expect_no_versions(struct db_txn *txn, uint64_t bucket)
{
	struct record_versions of;

	enum store_err err = history_of(txn, bucket, &of);
	return !err && of.versioning != VERSIONING_NEVER ? STORE_UNSUPPORTED
							 : err;
}

/* Whether what has the new key has it by the rename that is asked for.  EXISTS:
 * by one of the same token. */
static enum store_err
is_done(const struct rename *rename, const struct inode *target, bool *done)
{
	const size_t len = sizeof(rename->token->token);
	struct slice found;

	*done = false;
	if (!rename->token || !target->ino ||
		!inode_attr_find(target->attrs, INODE_ATTR_PART,
			OBJECT_KEY_ATTR_RENAME, &found) ||
		!slice_equal(slice_first(found, len),
			slice_of((const char *)rename->token->token, len)))
		return STORE_OK;
	*done = slice_equal(found, token_slice(rename->token));
	return *done ? STORE_OK : STORE_EXISTS;
}

/* As readers see the two now, even if they are being written in place. */
static enum store_err
ask(struct store *store, const struct rename *rename, struct inode source,
	struct inode target)
{
	enum store_err err = dentry_refresh_inode(store, &source);
	if (!err && target.ino)
		err = dentry_refresh_inode(store, &target);
	return err ? err
		   : rename->check(&source, target.ino ? &target : NULL,
			     rename->context);
}

static enum store_err
move(struct store *store, struct db_txn *txn, const struct rename *rename)
{
	struct rename_request request = {.want = TREE_FILE, .is_s3 = true};
	struct inode replaced;

	enum store_err err = dentry_locate_or_make(store, txn, rename->bucket,
		rename->bucket, rename->key, &request.new_parent,
		&request.new_name);
	if (!err)
		err = dentry_locate(txn, rename->bucket, rename->source_key,
			&request.parent, &request.name);
	return err ? err : rename_apply(store, txn, &request, &replaced);
}

/* Of two names of one file rename(2) leaves both. */
static enum store_err
drop_other_name(struct store *store, struct db_txn *txn,
	const struct rename *rename)
{
	struct version marker;

	return object_key_remove(store, txn, rename->bucket, rename->source_key,
		&marker);
}

/* NULL: it has come by none that is asked for again. */
static enum store_err
note_token(struct db_txn *txn, const struct object_rename_token *token,
	uint64_t ino)
{
	scoped(buffer_free) struct buffer attrs = {0};
	struct slice value = token ? token_slice(token) : SLICE_NULL;
	struct slice had;
	struct inode inode;

	enum store_err err = dentry_inode(txn, ino, &inode);
	if (err)
		return err;
	if (!token && !inode_attr_find(inode.attrs, INODE_ATTR_PART,
			      OBJECT_KEY_ATTR_RENAME, &had))
		return STORE_OK;
	inode_attr_set(&attrs, inode.attrs, INODE_ATTR_PART,
		OBJECT_KEY_ATTR_RENAME, token ? &value : NULL);
	if (attrs.len > INODE_ATTRS_MAX)
		return STORE_ATTR_TOO_BIG;
	inode.attrs = buffer_slice(&attrs);
	return dentry_save_inode(txn, &inode);
}

static enum store_err
change_key(struct store *store, struct db_txn *txn, const struct rename *rename,
	uint64_t ino, uint64_t target)
{
	enum store_err err = STORE_OK;

	if (!slice_equal(rename->source_key, rename->key))
		err = target == ino ? drop_other_name(store, txn, rename)
				    : move(store, txn, rename);
	return err ? err : note_token(txn, rename->token, ino);
}

static enum store_err
find_target(struct db_txn *txn, const struct rename *rename,
	struct inode *target)
{
	enum store_err err =
		object_key_find(txn, rename->bucket, rename->key, target);

	if (err != STORE_NOT_FOUND)
		return err;
	*target = (struct inode){.ino = 0};
	return STORE_OK;
}

static enum store_err
rename_now(struct store *store, struct db_txn *txn, const struct rename *rename,
	const struct inode *target)
{
	struct inode source;

	enum store_err err = object_key_find(txn, rename->bucket,
		rename->source_key, &source);
	if (!err)
		err = ask(store, rename, source, *target);
	return err ? err
		   : change_key(store, txn, rename, source.ino, target->ino);
}

static enum store_err
apply_rename(struct store *store, struct db_txn *txn, void *arg)
{
	struct rename *rename = arg;
	struct inode target;
	bool done;

	rename->out = (struct inode){.ino = 0};
	enum store_err err = expect_no_versions(txn, rename->bucket);
	if (!err)
		err = find_target(txn, rename, &target);
	if (!err)
		err = is_done(rename, &target, &done);
	if (!err && !done)
		err = rename_now(store, txn, rename, &target);
	if (!err)
		err = object_key_find(txn, rename->bucket, rename->key,
			&rename->out);
	rename->out.attrs = SLICE_NULL;
	return err;
}

enum store_err
object_rename(struct store *store, uint64_t bucket, struct slice source_key,
	struct slice key,
	enum store_err (*check)(const struct inode *source,
		const struct inode *target, void *context),
	void *context, const struct object_rename_token *token,
	struct inode *out)
{
	struct rename rename = {
		.bucket = bucket,
		.source_key = source_key,
		.key = key,
		.check = check,
		.context = context,
		.token = token,
	};

	enum store_err err = object_key_validate(source_key);
	if (!err)
		err = object_key_validate(key);
	if (!err && (slice_has_suffix(source_key, SLICE("/")) ||
			    slice_has_suffix(key, SLICE("/"))))
		err = STORE_IS_DIR;
	if (!err)
		err = commit_run_durably(store, apply_rename, &rename);
	*out = rename.out;
	return err;
}
