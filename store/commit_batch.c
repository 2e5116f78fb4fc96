/* SPDX-License-Identifier: Apache-2.0 */
#include "store/commit_batch_private.h"

#include "store/durable_private.h"
#include "store/feed_private.h"
#include "store/object_event.h"
#include "store/session_private.h"
#include "store/unflushed_private.h"

/* A transaction that has changed that much takes no further member. */
#define BATCH_CHANGES_MAX 10000
#define FULL_DISK (1u << 20) /* bytes that are left of one */

/* True where the transaction cannot go on after this error of a change. */
static bool
spoils(enum store_err err)
{
	return err == STORE_IO || err == STORE_CORRUPT ||
	       err == STORE_NO_SPACE || err == STORE_NO_MEMORY;
}

/* False: the transaction must be dropped, since this one spoiled it. */
static bool
apply_one(struct store *store, struct db_txn *txn, struct commit_change *change)
{
	uint64_t before = db_txn_changes(txn);

	feed_set_origin(change->origin);
	object_event_set_cause(change->cause);
	change->err = change->apply(store, txn, change->arg);
	if (!change->err)
		return true;
	change->is_out = db_txn_changes(txn) != before || spoils(change->err);
	return !change->is_out;
}

/* Runs members up to *count, which becomes how many there was room for.
 * False: somebody is out. */
static bool
apply_all(struct store *store, struct db_txn *txn,
	struct commit_change **members, size_t *count)
{
	for (size_t i = 0; i < *count; i++) {
		if (db_txn_changes(txn) > BATCH_CHANGES_MAX) {
			*count = i;
			return true;
		}
		if (!members[i]->is_out && !apply_one(store, txn, members[i]))
			return false;
	}
	return true;
}

/* LMDB calls a write that was cut short by a full disk an I/O error. */
static enum store_err
tell_full_from_broken(struct store *store, enum store_err err)
{
	struct statvfs space;

	if (err == STORE_IO && !blob_space(store->blobs, &space) &&
		(uint64_t)space.f_bavail * space.f_frsize < FULL_DISK)
		return STORE_NO_SPACE;
	return err;
}

/* One transaction.  *is_again: it was dropped, with what spoiled it out. */
static enum store_err
run_once(struct store *store, struct commit_change **members, size_t *count,
	bool *with_cleaning, bool *is_again)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	enum store_err err = db_begin_write(store->db, &txn);
	uint64_t number = 0;

	*is_again = false;
	if (err)
		return err;
	session_note_begin(store);
	if (!apply_all(store, txn, members, count)) {
		*is_again = true;
		return STORE_OK;
	}
	bool is_changed = db_txn_changes(txn) > 0;
	if (is_changed && *with_cleaning &&
		(unflushed_clean(store, txn) ||
			session_clean_open(store, txn))) {
		*with_cleaning = false;
		*is_again = true;
		return STORE_OK;
	}
	err = db_commit(&txn, &number);
	if (err)
		return tell_full_from_broken(store, err);
	session_note_commit(store);
	bool is_news = false;
	for (size_t i = 0; i < *count; i++) {
		members[i]->number = number;
		is_news = is_news || feed_is_news(store, members[i]->origin);
	}
	if (is_changed) {
		if (is_news)
			feed_publish(store);
		durable_note_commit(store, number);
	}
	return STORE_OK;
}

/* Runs the first members together; gives how many. */
static size_t
run_together(struct store *store, struct commit_change **members, size_t count)
{
	bool with_cleaning = true;
	bool is_again = true;
	size_t ran = count;
	enum store_err err = STORE_OK;

	/* Each further round has one member less, or no cleaning. */
	while (is_again) {
		ran = count;
		err = run_once(store, members, &ran, &with_cleaning, &is_again);
	}
	for (size_t i = 0; i < ran && err; i++) {
		if (!members[i]->is_out)
			members[i]->err = err;
	}
	return ran;
}

/* One may be too much for the disk where others are not; and a checkpoint
 * lets LMDB use again what earlier commits have replaced. */
static void
retry_without_space(struct store *store, struct commit_change **members,
	size_t count)
{
	bool has_waited = false;

	for (size_t i = 0; i < count; i++) {
		if (members[i]->err != STORE_NO_SPACE || members[i]->write_err)
			continue;
		if (!has_waited &&
			durable_wait(store, db_last_commit(store->db)))
			return;
		has_waited = true;
		members[i]->is_out = false;
		run_together(store, members + i, 1);
	}
}

/* Without the writer's lock: other processes need not wait for it.  Nothing is
 * added to a file of which the kernel may have dropped bytes: it would get a
 * hole where they were. */
static void
write_each(struct store *store, struct commit_change **members, size_t count)
{
	if (durable_has_failed(store))
		return;
	for (size_t i = 0; i < count; i++) {
		struct commit_change *change = members[i];

		if (!change->write)
			continue;
		change->write_err = change->write(store, change->write_arg);
		change->err = change->write_err;
		change->is_out = change->write_err != STORE_OK;
	}
}

void
commit_batch_run(struct store *store, struct commit_change **members,
	size_t count)
{
	const struct object_event_cause *cause = object_event_cause();
	uint64_t origin = feed_origin();
	size_t ran = 0;

	write_each(store, members, count);
	/* Now: what was not written for that must not be applied. */
	if (durable_has_failed(store)) {
		for (size_t i = 0; i < count; i++)
			members[i]->err = STORE_IO;
		return;
	}
	for (size_t i = 0; i < count; i += ran) {
		ran = run_together(store, members + i, count - i);
		retry_without_space(store, members + i, ran);
	}
	feed_set_origin(origin);
	object_event_set_cause(cause);
}
