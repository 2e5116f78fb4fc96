/* SPDX-License-Identifier: Apache-2.0 */
/* The rules are in the header, the argument in docs/durability.md. */
#include "store/meta/checkpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/base/helper.h"
#include "store/base/io.h"
#include "store/base/log.h"
#include "store/base/text.h"
#include "store/meta/checkpoint_private.h"
#include "store/meta/metapage.h"
#include "store/meta/side.h"

/* How often a commit may slip in before writers are held off. */
#define PIN_TRIES 64

_Static_assert(CHECKPOINT_BOOT_ID_LEN == SIDE_BOOT_ID_LEN, "one length");

struct checkpoint {
	/* fixed after open */
	struct db *db;
	char *side_path;
	uint32_t page_size;
	uint8_t boot_id[CHECKPOINT_BOOT_ID_LEN];
	struct helper_pool *helpers;

	/* of the thread that makes checkpoints */
	int lock_fd; /* -1: not yet open */
	int side_fd; /* -1: not yet open */
	struct db_txn *pin;
	enum store_err failed;
};

enum store_err
checkpoint_boot_id(uint8_t id[CHECKPOINT_BOOT_ID_LEN])
{
	scoped(io_close_fd) int fd = open("/proc/sys/kernel/random/boot_id",
		O_RDONLY | O_CLOEXEC);
	char text[64];
	size_t len = 0;
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text));

	/* 32 digits with hyphens between them, and a newline. */
	for (ssize_t i = 0; i < n; i++) {
		if (text[i] != '-' && text[i] != '\n')
			text[len++] = text[i];
	}
	if (text_from_hex(slice_of(text, len), id, CHECKPOINT_BOOT_ID_LEN))
		return STORE_OK;
	log_error("cannot read the kernel's boot id");
	return STORE_IO;
}

enum store_err
checkpoint_open(struct db *db, const char *side_path, struct checkpoint **out)
{
	struct checkpoint *checkpoint = calloc(1, sizeof(*checkpoint));

	if (!checkpoint)
		return STORE_NO_MEMORY;
	checkpoint->db = db;
	checkpoint->lock_fd = -1;
	checkpoint->side_fd = -1;
	checkpoint->side_path = strdup(side_path);
	checkpoint->helpers = helper_pool_create();
	enum store_err err = checkpoint->side_path && checkpoint->helpers
				     ? STORE_OK
				     : STORE_NO_MEMORY;
	if (!err)
		err = checkpoint_boot_id(checkpoint->boot_id);
	if (!err)
		err = metapage_page_size(db_fd(db), &checkpoint->page_size);
	if (err) {
		checkpoint_close(&checkpoint);
		return err;
	}
	*out = checkpoint;
	return STORE_OK;
}

void
checkpoint_close(struct checkpoint **ptr)
{
	struct checkpoint *checkpoint = *ptr;

	*ptr = NULL;
	if (!checkpoint)
		return;
	db_abort(&checkpoint->pin);
	helper_pool_free(&checkpoint->helpers);
	io_close_fd(&checkpoint->lock_fd);
	io_close_fd(&checkpoint->side_fd);
	free(checkpoint->side_path);
	free(checkpoint);
}

void
checkpoint_drop_pin(struct checkpoint *checkpoint)
{
	db_abort(&checkpoint->pin);
}

/*
 * The meta page of the pin's commit N, read from the file.  LMDB writes N + 2
 * over it, and only after N + 1 is the last commit; so what was read while N
 * still was is whole.  BUSY: it no longer was.
 */
static enum store_err
copy_metapage(struct checkpoint *checkpoint, const struct db_txn *pin,
	struct side *side)
{
	struct metapage page;
	uint64_t number = db_txn_number(pin);
	enum store_err err =
		metapage_read(db_fd(checkpoint->db), checkpoint->page_size,
			(int)(number % 2), side->metapage, &page);

	if (db_last_commit(checkpoint->db) != number)
		return STORE_BUSY;
	if (err)
		return err;
	side->commit = number;
	return page.commit == number ? STORE_OK : STORE_CORRUPT;
}

static enum store_err
try_pin(struct checkpoint *checkpoint, struct side *side, struct db_txn **out)
{
	struct db_txn *pin = NULL;
	enum store_err err = db_begin_read(checkpoint->db, &pin);

	if (!err)
		err = copy_metapage(checkpoint, pin, side);
	if (err)
		db_abort(&pin);
	*out = pin;
	return err;
}

/* A pin on the last commit, and its meta page. */
static enum store_err
take_pin(struct checkpoint *checkpoint, struct side *side, struct db_txn **out)
{
	scoped(db_abort) struct db_txn *hold_off = NULL;
	enum store_err err = STORE_BUSY;

	for (int i = 0; i < PIN_TRIES && err == STORE_BUSY; i++)
		err = try_pin(checkpoint, side, out);
	if (err != STORE_BUSY)
		return err;
	err = db_begin_write(checkpoint->db, &hold_off);
	if (!err)
		err = try_pin(checkpoint, side, out);
	/* Now that nobody commits it can only be that readers have all slots.
	 */
	return err == STORE_BUSY ? STORE_NO_MEMORY : err;
}

struct data_job {
	enum store_err (*flush)(struct db_txn *snapshot, void *context);
	struct db_txn *snapshot;
	void *context;
	enum store_err err;
};

static void
run_data_job(void *arg)
{
	struct data_job *job = arg;

	job->err = job->flush(job->snapshot, job->context);
}

/* Rule 1: all that the pin's commit needs, before the side file names it.  Data
 * and tables side by side: neither is of use without the other. */
static enum store_err
flush_all(struct checkpoint *checkpoint, struct db_txn *pin,
	enum store_err (*flush_data)(struct db_txn *snapshot, void *context),
	void *context, struct side *side)
{
	struct data_job data = {flush_data, pin, context, STORE_OK};
	struct helper_job job = {
		.run = run_data_job,
		.arg = &data,
		.done = EVENT_INIT,
	};
	struct stat st;
	int fd = db_fd(checkpoint->db);

	/* The size now is enough for the pages of a commit in the past. */
	if (fstat(fd, &st))
		return error_from_errno(errno);
	side->file_size = (uint64_t)st.st_size;
	bool is_aside = helper_pool_submit(checkpoint->helpers, &job);
	enum store_err err = io_fdatasync(fd);
	if (is_aside)
		event_wait(&job.done);
	else
		run_data_job(&data);
	if (data.err) {
		log_error("flushing data failed: %s", error_sentence(data.err));
		return data.err;
	}
	if (!err)
		err = side_write(checkpoint->side_path, &checkpoint->side_fd,
			side);
	if (err)
		log_error("flushing the tables failed: %s",
			error_sentence(err));
	return err;
}

/* Rule 5: for this process by a field, for the others by the side file. */
static void
fail(struct checkpoint *checkpoint, struct side *last, enum store_err why)
{
	checkpoint->failed = why;
	if (last->sequence == 0)
		return; /* nothing was ever acknowledged */
	last->sequence++;
	last->is_failed = true;
	enum store_err err =
		side_write(checkpoint->side_path, &checkpoint->side_fd, last);
	if (err)
		log_error("nor can other processes be told of it: %s",
			error_sentence(err));
}

static bool
covers(const struct checkpoint *checkpoint, const struct side *last,
	const struct side *next)
{
	return last->sequence > 0 && last->commit == next->commit &&
	       !last->is_restored &&
	       memcmp(last->boot_id, checkpoint->boot_id, SIDE_BOOT_ID_LEN) ==
		       0;
}

/* The newest slot; one of zeros where there is none yet. */
static enum store_err
read_last(struct checkpoint *checkpoint, struct side *last)
{
	*last = (struct side){0};
	enum store_err err =
		side_open(checkpoint->side_path, &checkpoint->side_fd);

	if (err == STORE_NOT_FOUND)
		return STORE_OK;
	if (!err)
		err = side_read_open(checkpoint->side_fd, last);
	if (!err && last->is_failed) {
		log_error("a flush failed in another process: nothing can be "
			  "made durable until all have closed the store");
		checkpoint->failed = STORE_IO;
		return STORE_IO;
	}
	return err;
}

static enum store_err
make_locked(struct checkpoint *checkpoint,
	enum store_err (*flush_data)(struct db_txn *snapshot, void *context),
	void *context, uint64_t *number)
{
	scoped(db_abort) struct db_txn *pin = NULL;
	struct side last;
	struct side next = {0};
	enum store_err err = read_last(checkpoint, &last);

	if (!err)
		err = take_pin(checkpoint, &next, &pin);
	if (err)
		return err;
	if (next.commit < last.commit) {
		log_error("the tables are older than their checkpoint");
		checkpoint->failed = STORE_CORRUPT;
		return STORE_CORRUPT;
	}
	next.sequence = last.sequence + 1;
	memcpy(next.boot_id, checkpoint->boot_id, SIDE_BOOT_ID_LEN);
	if (!covers(checkpoint, &last, &next)) {
		err = flush_all(checkpoint, pin, flush_data, context, &next);
		if (err) {
			fail(checkpoint, &last, err);
			return err;
		}
	}
	/* Rule 3: the old pin goes only now, with the end of the scope. */
	struct db_txn *old = checkpoint->pin;
	checkpoint->pin = pin;
	pin = old;
	*number = next.commit;
	return STORE_OK;
}

enum store_err
checkpoint_make(struct checkpoint *checkpoint,
	enum store_err (*flush_data)(struct db_txn *snapshot, void *context),
	void *context, uint64_t *number)
{
	if (checkpoint->failed)
		return checkpoint->failed;
	enum store_err err =
		side_lock(checkpoint->side_path, &checkpoint->lock_fd);
	if (err)
		return err;
	err = make_locked(checkpoint, flush_data, context, number);
	side_unlock(checkpoint->lock_fd);
	return err;
}

void
checkpoint_fail(struct checkpoint *checkpoint, enum store_err why)
{
	struct side last;

	if (checkpoint->failed)
		return;
	checkpoint->failed = why;
	enum store_err err =
		side_lock(checkpoint->side_path, &checkpoint->lock_fd);
	if (err) {
		log_error("other processes cannot be told of it: %s",
			error_sentence(err));
		return;
	}
	if (!read_last(checkpoint, &last))
		fail(checkpoint, &last, why);
	side_unlock(checkpoint->lock_fd);
}

bool
checkpoint_has_failed(const struct checkpoint *checkpoint)
{
	return checkpoint->failed != STORE_OK;
}

enum store_err
checkpoint_number(struct checkpoint *checkpoint, uint64_t *number)
{
	struct side side;
	enum store_err err = side_read(checkpoint->side_path, &side);

	if (err == STORE_NOT_FOUND)
		*number = 0;
	else if (!err)
		*number = side.commit;
	return err == STORE_NOT_FOUND ? STORE_OK : err;
}
