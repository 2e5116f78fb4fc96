/* SPDX-License-Identifier: Apache-2.0 */
#include "store/draft_private.h"

#include <assert.h>
#include <unistd.h>

#include "store/base/io.h"
#include "store/base/log.h"
#include "store/blob_record_private.h"
#include "store/commit_private.h"
#include "store/session_private.h"

/* What a helper thread is to do with the draft's file. */
struct file_job {
	struct draft *draft;
	struct slice first; /* to create: what to write at once, or none */
	enum store_err err;
	enum store_err write_err;
};

static void
run_create(void *arg)
{
	struct file_job *job = arg;
	struct draft *draft = job->draft;

	job->err = blob_create(draft->store->blobs, draft->blob, &draft->fd);
	if (!job->err && job->first.len)
		job->write_err = io_pwrite_all(draft->fd, job->first.data,
			job->first.len, 0);
}

static enum store_err
note(struct draft *draft, enum store_err err, uint64_t len)
{
	if (err)
		draft->failure = err;
	else
		draft->size += len;
	return err;
}

/* Most objects are small: file and bytes take one hand-over. */
static enum store_err
create_with(struct draft *draft, struct slice first)
{
	struct file_job job = {.draft = draft, .first = first};
	enum store_err err = session_lease_blob(draft->store, &draft->blob);

	if (err) {
		draft->blob = 0;
		return note(draft, err, 0);
	}
	io_run_blocking(run_create, &job);
	if (job.err) {
		session_return_blob(draft->store, draft->blob);
		draft->blob = 0;
		draft->fd = -1;
		return note(draft, job.err, 0);
	}
	return note(draft, job.write_err, first.len);
}

enum store_err
draft_create(struct draft *draft)
{
	if (draft->failure || draft->blob)
		return draft->failure;
	return create_with(draft, SLICE_NULL);
}

/* It has become too large to be packed: a file from here on. */
static enum store_err
leave_memory(struct draft *draft)
{
	enum store_err err;

	draft->size = 0;
	err = create_with(draft, buffer_slice(&draft->body));
	buffer_free(&draft->body);
	return err;
}

enum store_err
draft_write(struct draft *draft, struct slice data)
{
	enum store_err err = STORE_OK;

	if (!data.len || draft->failure)
		return draft->failure;
	if (!draft->blob && draft->size + data.len <= draft->pack_max) {
		buffer_append(&draft->body, data);
		return note(draft, STORE_OK, data.len);
	}
	if (!draft->blob && !draft->body.len)
		return create_with(draft, data);
	if (draft->body.len)
		err = leave_memory(draft);
	if (err)
		return err;
	err = io_pwrite_all(draft->fd, data.data, data.len, draft->size);
	if (!err)
		flush_ahead_note(&draft->ahead, draft->fd, draft->size,
			draft->size + data.len);
	return note(draft, err, data.len);
}

enum store_err
draft_settle(struct draft *draft)
{
	enum store_err err = flush_ahead_end(&draft->ahead, draft->store);

	if (!draft->failure)
		draft->failure = err;
	return draft->failure;
}

enum store_err
draft_copy(struct draft *draft, int from, uint64_t offset, uint64_t len)
{
	enum store_err err;

	if (!len)
		return draft->failure;
	err = draft_create(draft);
	if (err)
		return err;
	err = blob_copy_range(from, offset, draft->fd, draft->size, len);
	return note(draft, err, len);
}

/* Its bytes are to be packed, and are still in memory. */
static bool
is_small(const struct draft *draft)
{
	return draft->body.len > 0;
}

enum store_err
draft_add(const struct draft *draft, struct db_txn *txn, uint64_t *blob)
{
	assert(!draft->failure);
	if (is_small(draft))
		return pack_add(txn, &draft->place, blob);
	*blob = draft->blob;
	if (!draft->blob)
		return STORE_OK;
	return blob_record_add(draft->store, txn, draft->blob, draft->size);
}

static enum store_err
write_packed(struct store *store, void *arg)
{
	struct draft *draft = arg;

	return pack_write(store, &draft->place, buffer_slice(&draft->body));
}

enum store_err
draft_commit_durably(struct draft *draft,
	enum store_err (*apply)(struct store *store, struct db_txn *txn,
		void *arg),
	void *arg)
{
	enum store_err err;

	if (!is_small(draft))
		return commit_run_durably(draft->store, apply, arg);
	err = pack_promise(draft->store, draft->body.len, &draft->place);
	return err ? err
		   : commit_run_written_durably(draft->store, write_packed,
			     draft, apply, arg);
}

/*
 * A commit that failed may yet have been made: the flush after it failed.
 * Only the tables know.  Where they do not answer, the file stays, and the
 * lease with it: reaping this session will look again.
 */
static bool
is_named(struct draft *draft)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	bool is_named = false;
	enum store_err err = db_begin_read(draft->store->db, &txn);

	if (!err)
		err = blob_record_is_named(txn, draft->blob, &is_named);
	return err || is_named;
}

static void
run_remove(void *arg)
{
	struct file_job *job = arg;
	struct draft *draft = job->draft;

	/* The last close of a removed file frees its extents: not on a loop. */
	job->err = blob_remove(draft->store->blobs, draft->blob);
	(void)close(draft->fd);
}

void
draft_end(struct draft *draft, enum store_err err)
{
	struct file_job job = {.draft = draft};

	pack_end(draft->store, &draft->place);
	buffer_free(&draft->body);
	(void)!flush_ahead_end(&draft->ahead, draft->store);
	if (!draft->blob)
		return;
	if (!err || is_named(draft)) {
		(void)close(draft->fd);
	} else {
		io_run_blocking(run_remove, &job);
		if (job.err)
			log_warn("cannot remove unused data blob=%llu: %s",
				(unsigned long long)draft->blob,
				error_sentence(job.err));
		else
			session_return_blob(draft->store, draft->blob);
	}
	draft->blob = 0;
	draft->fd = -1;
}

int
draft_detach(struct draft *draft)
{
	int fd = draft->fd;

	draft->blob = 0;
	draft->fd = -1;
	draft->size = 0;
	return fd;
}
