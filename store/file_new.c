/* SPDX-License-Identifier: Apache-2.0 */
#include "store/file_new_private.h"

#include <errno.h>
#include <sys/stat.h>

#include "store/blob_record_private.h"
#include "store/dentry_private.h"
#include "store/draft_private.h"
#include "store/file_open_private.h"
#include "store/file_seal_private.h"
#include "store/history_private.h"
#include "store/keyring.h"
#include "store/notification_private.h"
#include "store/session_private.h"
#include "store/usage_private.h"

struct create_request {
	uint64_t parent;
	struct slice name; /* SLICE_NULL: it gets none */
	const struct tree_owner *owner;
	uint64_t blob;
	int64_t now_ns; /* as the data file's file system has it */
	struct slice attrs;
	struct version version; /* set anew by each run, as what follows */
	struct inode result;
};

static void
describe(struct inode *inode, const struct create_request *request)
{
	*inode = (struct inode){
		.mode = S_IFREG | (request->owner->mode & 07777),
		.uid = request->owner->uid,
		.gid = request->owner->gid,
		.nlink = request->name.data != NULL,
		.flags = INODE_UNPUBLISHED,
		.pending = request->blob,
		/* Where to look for the name, should it have to go again:
		 * file_left.c. */
		.parent = request->parent,
		.birth_ns = request->now_ns,
		.attrs = request->attrs,
	};
	inode->atime_ns = inode->birth_ns;
	inode->mtime_ns = inode->birth_ns;
	inode->ctime_ns = inode->birth_ns;
}

/* Hangs the new inode under its name. */
static enum store_err
put_name(struct store *store, struct db_txn *txn,
	const struct create_request *request)
{
	struct record_dentry dentry = {
		.kind = RECORD_DENTRY_FILE,
		.ino = request->result.ino,
		.version = request->version,
	};

	enum store_err err =
		dentry_put(txn, request->parent, request->name, &dentry);
	if (!err)
		err = dentry_touch_dir(store, txn, request->parent, 0);
	return err ? err
		   : feed_append_dentry(store, txn, request->parent,
			     request->name, 0);
}

/* The directory, where the name may be made. */
static enum store_err
find_place(struct db_txn *txn, const struct create_request *request,
	struct inode *dir)
{
	if (request->name.data)
		return dentry_expect_free(txn, request->parent, request->name,
			dir);
	enum store_err err = dentry_inode(txn, request->parent, dir);
	if (err)
		return err;
	return inode_is_dir(dir) ? STORE_OK : STORE_NOT_DIR;
}

static enum store_err
apply_create(struct store *store, struct db_txn *txn, void *arg)
{
	scoped(buffer_free) struct buffer attrs = {0};
	struct create_request *request = arg;
	struct inode *inode = &request->result;
	struct inode dir;
	bool is_told = false;

	enum store_err err = find_place(txn, request, &dir);
	if (!err)
		err = usage_check_full(txn, dir.bucket);
	if (err)
		return err;
	describe(inode, request);
	inode->bucket = dir.bucket;
	if (request->name.data)
		err = history_reserve(txn, dir.bucket, &request->version);
	if (!err && request->name.data)
		err = notification_is_there(txn, dir.bucket, &is_told);
	inode->attrs = dentry_named_attrs(&attrs, inode->attrs,
		request->version.number || is_told ? &request->name : NULL);
	if (!err)
		err = commit_new_number(txn, &inode->ino);
	if (!err)
		err = blob_record_add_pending(store, txn, inode->pending, 0);
	if (!err)
		err = dentry_save_inode(txn, inode);
	if (!err && inode->nlink > 0)
		err = put_name(store, txn, request);
	if (!err)
		err = session_set_open(store, txn, inode->ino,
			INODE_UNPUBLISHED);
	inode->attrs = SLICE_NULL;
	return err;
}

/* Where it is to be sealed: how, and the attribute that says so. */
static enum store_err
begin_seal(struct store *store, const struct create_request *request, int fd,
	struct buffer *attrs, struct file_seal **seal)
{
	const uint8_t *key;

	enum store_err err = keyring_for_new(store->keyring, store,
		request->parent, request->name, &key);
	if (err || !key)
		return err;
	*seal = file_seal_create(key, fd);
	struct slice value = file_seal_attr(*seal);
	inode_attr_set(attrs, SLICE_NULL, INODE_ATTR_SSE_C, SLICE_NULL, &value);
	return STORE_OK;
}

enum store_err
file_new(struct store *store, uint64_t parent, struct slice name,
	const struct tree_owner *owner, struct inode *out, int *fd,
	struct file_seal **seal)
{
	scoped(buffer_free) struct buffer attrs = {0};
	struct create_request request = {
		.parent = parent,
		.name = name,
		.owner = owner,
	};
	struct draft draft = DRAFT_INIT(store);
	struct stat stat = {.st_size = 0};

	enum store_err err = draft_create(&draft);
	if (err)
		return err;
	if (fstat(draft.fd, &stat))
		err = error_from_errno(errno);
	*seal = NULL;
	if (!err)
		err = begin_seal(store, &request, draft.fd, &attrs, seal);
	/* A sealed draft is of its process alone until it has a name. */
	if (!err && *seal && !name.data)
		err = STORE_UNSUPPORTED;
	request.attrs = buffer_slice(&attrs);
	request.blob = draft.blob;
	request.now_ns = file_open_stamp(&stat).mtime_ns;
	if (!err)
		err = commit_run(store, apply_create, &request, NULL);
	if (err) {
		file_seal_free(seal);
		draft_end(&draft, err);
		return err;
	}
	*fd = draft_detach(&draft);
	*out = request.result;
	out->attrs = SLICE_NULL;
	return STORE_OK;
}
