/* SPDX-License-Identifier: Apache-2.0 */
#include "store/base/io.h"
#include "store/durable_private.h"
#include "store/file.h"
#include "store/file_open_private.h"
#include "store/file_seal_private.h"
#include "store/file_settle_private.h"
#include "store/file_table_private.h"
#include "store/usage.h"

/* False: nobody writes to it, and its record is what counts: the data file has
 * times of its own where others were set, or where S3 made the object. */
static bool
may_have_news(const struct file *file)
{
	return file->writers > 0 || file->is_pending || file->is_marked ||
	       file->is_listed || (file->inode.flags & INODE_DIRTY);
}

/* *is_settled: the data is in what file->commit makes durable. */
static enum store_err
settle_for_sync(struct file *file, bool is_data_only, bool *is_settled)
{
	struct stat stat;

	*is_settled = false;
	if (file->is_gone || file->is_retired || !file->inode.nlink ||
		!file->blob || file->store->is_read_only ||
		!may_have_news(file))
		return STORE_OK;
	if (file->seal) {
		return file_seal_is_draft(file->seal)
			       ? file_settle_sync(file, false, is_settled)
			       : STORE_OK;
	}
	enum store_err err = file_open_stat(file, &stat);
	if (err)
		return err;
	bool is_changed = file_open_is_changed(file, &stat);
	bool same_size = (uint64_t)stat.st_size == file->stamp.size;
	if (!file->is_pending && (!is_changed || (is_data_only && same_size)))
		return STORE_OK;
	return file_settle_sync(file, file->writers > 0, is_settled);
}

enum store_err
file_sync(struct file *file, bool is_data_only)
{
	bool is_settled;
	uint64_t commit;
	bool is_gone;
	bool has_data;

	file_table_take_turn(file);
	enum store_err err = settle_for_sync(file, is_data_only, &is_settled);
	commit = file->commit;
	is_gone = file->is_gone;
	/* Without, the descriptor is /dev/null's, which has no flush. */
	has_data = file->blob != 0;
	struct file *with_turn = file;
	file_table_give_turn(&with_turn);
	/* The checkpoint of a commit that settled flushes the data; what is
	 * sealed and was not settled is not news. */
	if (!err && !is_settled && !file->is_sealed && has_data) {
		err = io_fdatasync(file->fd);
		/* The checkpoint's own might succeed, without the bytes that
		 * the kernel has dropped. */
		if (err)
			err = durable_fail(file->store, err);
		else if (durable_has_failed(file->store))
			err = STORE_IO;
	}
	if (!err && !is_gone && !file->store->is_read_only)
		err = durable_wait(file->store, commit);
	if (!err && is_settled)
		err = usage_check_kept(file->store, file->inode.bucket);
	return err;
}
