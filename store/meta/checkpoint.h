/* SPDX-License-Identifier: Apache-2.0 */
/*
 * checkpoint.h - makes commits durable, and finds the last durable state
 * again after a power cut.  The argument: docs/durability.md.
 *
 * 1. The side file names a commit C (and holds its meta page) only after
 *    every page of C, and all data that C names as published, has been flushed.
 * 2. Every process that may write holds a read transaction (the pin) on a
 *    commit P <= the C of the side file.  So no page that C reaches is ever
 *    overwritten: LMDB reuses only what was freed before the oldest reader.
 * 3. The pin moves up only after the side file has.
 * 4. Nobody writes before rule 2 holds for it.
 * 5. After a failed flush nothing is acknowledged any more: the kernel may
 *    have dropped the pages, a second flush would lie.
 *
 * Threads:   checkpoint_make() by one thread at a time, a plain one (it
 *            blocks); checkpoint_number() by any.  Processes take turns by a
 *            lock on SIDE.lock.
 */
#pragma once

#include <stdint.h>

#include "store/meta/db.h"

#define CHECKPOINT_BOOT_ID_LEN 16

struct checkpoint;

/* Tells this boot of the machine from all others.  IO. */
must_check enum store_err
checkpoint_boot_id(uint8_t id[CHECKPOINT_BOOT_ID_LEN]);

/*
 * To be called before db_open() with the store's other openers locked out:
 * restores the side file's meta page where the machine was restarted since,
 * where a flush failed (rule 5) and where the tables have lost it.
 * *after_power_cut: one of these was so; it stays true until the first
 * checkpoint after.  A store without a side file is new.
 * CORRUPT: neither slot of the side file is whole but the store is not new,
 * or the tables are cut short.  BUSY: there is something to restore but a
 * process has the tables open.  READ_ONLY, BAD_VERSION, IO.
 */
must_check enum store_err checkpoint_recover(const char *meta_path,
	const char *side_path, bool *after_power_cut);

/* No pin yet: call checkpoint_make() before the first write. */
must_check enum store_err checkpoint_open(struct db *db, const char *side_path,
	struct checkpoint **out);
void checkpoint_close(struct checkpoint **checkpoint);

/*
 * One checkpoint of the last commit: flush_data(txn, context) must flush all
 * data named by that snapshot, on another thread while the tables are flushed;
 * then comes the side file.  It is not called where the last commit has its
 * checkpoint already.
 * *number: the commit it covers.  Where flush_data or a flush fails, the
 * error, and for good, in every process (rule 5), until all have closed the
 * store: who opens it then finds the last checkpoint.  What fails before
 * anything was flushed may succeed the next time.
 */
must_check enum store_err checkpoint_make(struct checkpoint *checkpoint,
	enum store_err (*flush_data)(struct db_txn *snapshot, void *context),
	void *context, uint64_t *number);

/* A flush of data failed elsewhere: what a failed one of checkpoint_make()
 * brings about (rule 5).  By the thread that makes them. */
void checkpoint_fail(struct checkpoint *checkpoint, enum store_err why);

/* Whether it is for good.  By the thread that makes them. */
bool checkpoint_has_failed(const struct checkpoint *checkpoint);

/* The commit that the side file covers, whoever made it.  IO, CORRUPT. */
must_check enum store_err checkpoint_number(struct checkpoint *checkpoint,
	uint64_t *number);
