/* SPDX-License-Identifier: Apache-2.0 */
#include "store/file_draft_private.h"

#include <unistd.h>

#include "store/blob_record_private.h"
#include "store/dentry_private.h"
#include "store/draft_private.h"
#include "store/file_name_private.h"
#include "store/file_seal_private.h"
#include "store/session_private.h"

struct draft_request {
	struct file *file;
	struct file_name name;
	uint64_t blob;
	struct inode result;
};

static enum store_err
apply_begin(struct store *store, struct db_txn *txn, void *arg)
{
	scoped(buffer_free) struct buffer attrs = {0};
	struct draft_request *request = arg;
	struct inode inode;

	enum store_err err = dentry_inode(txn, request->file->ino, &inode);
	if (err)
		return err;
	if (inode.pending)
		return STORE_BUSY;
	if (inode.blob != request->file->blob)
		return STORE_PRECONDITION;
	if (inode.flags & INODE_NONCURRENT)
		return STORE_STALE;
	inode.pending = request->blob;
	file_name_note(txn, &request->name, &inode, &attrs);
	err = dentry_save_inode(txn, &inode);
	inode.attrs = SLICE_NULL;
	request->result = inode;
	/* How long it will be is told at publication. */
	if (!err)
		err = blob_record_add_pending(store, txn, request->blob, 0);
	if (!err)
		err = session_set_open(store, txn, inode.ino, INODE_DIRTY);
	return err ? err : feed_append_inode(store, txn, inode.ino, true);
}

/* In the place of what was read. */
static void
take(struct file *file, struct file_seal *seal, struct draft *draft)
{
	file_seal_free(&file->seal);
	(void)close(file->fd);
	file->seal = seal;
	file->blob = draft->blob;
	file->fd = draft_detach(draft);
	file->is_shared = false;
	file->is_packed = false;
	file->is_pending = true;
	file->is_marked = true;
}

enum store_err
file_draft_begin(struct file *file, bool with_data)
{
	struct draft draft = DRAFT_INIT(file->store);
	struct draft_request request = {.file = file};

	if (file_seal_is_draft(file->seal))
		return STORE_OK;
	if (file->is_gone)
		return STORE_UNSUPPORTED;
	enum store_err err = draft_create(&draft);
	if (err)
		return err;
	scoped(file_seal_free) struct file_seal *seal =
			file_seal_create(file_seal_key(file->seal), draft.fd);
	if (with_data)
		err = file_seal_copy(seal, file->seal,
			file_seal_size(file->seal));
	request.blob = draft.blob;
	if (!err)
		err = file_name_find(file->store, file->ino, &request.name);
	if (!err)
		err = commit_run(file->store, apply_begin, &request,
			&file->commit);
	file_name_free(&request.name);
	if (err) {
		draft_end(&draft, err);
		return err == STORE_STALE ? STORE_UNSUPPORTED : err;
	}
	file->inode = request.result;
	take(file, seal, &draft);
	seal = NULL;
	return STORE_OK;
}

enum store_err
file_draft_end(struct file *file)
{
	scoped(buffer_free) struct buffer attrs = {0};
	struct slice value = file_seal_attr(file->seal);
	struct inode inode = file->inode;
	struct file_seal *published = NULL;

	inode_attr_set(&attrs, SLICE_NULL, INODE_ATTR_SSE_C, SLICE_NULL,
		&value);
	inode.attrs = buffer_slice(&attrs);
	enum store_err err =
		file_seal_open(file->store, &inode, file->fd, &published);
	if (err)
		return err;
	file_seal_free(&file->seal);
	file->seal = published;
	return STORE_OK;
}
