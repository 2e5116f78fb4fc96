/* SPDX-License-Identifier: Apache-2.0 */
/* More dead sessions than are looked at in one round. */
#include "store/reap_private.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <unistd.h>

#include "store/meta/checkpoint.h"
#include "store/reclaim_private.h"
#include "store/session_private.h"
#include "tests/store/files.h"
#include "tests/store/raw.h"
#include "tests/support/temp_store.h"

#define FIRST 1000
#define MANY 600 /* two rounds and a piece */

/* The thread is stopped: a test says itself when to reap. */
static struct temp_store
open_quiet(void)
{
	struct temp_store temp = temp_store_open();

	reclaim_stop(temp.store);
	return temp;
}

static uint64_t
sessions(struct store *store)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	uint64_t count;

	cr_assert(zero(int, db_begin_read(store->db, &txn)));
	cr_assert(zero(int, db_count(txn, DB_SESSION, &count)));
	return count;
}

struct dead {
	uint64_t first;
	uint64_t count;
	uint64_t ino; /* on the list of each; 0: none is */
};

static enum store_err
apply_add_dead(struct store *store, struct db_txn *txn, void *arg)
{
	const struct session_open row = {.flags = INODE_DIRTY};
	const struct dead *dead = arg;
	struct record_session record = {.role = SLICE("test")};
	scoped(buffer_free) struct buffer value = {0};
	enum store_err err = checkpoint_boot_id(record.boot_id);

	(void)store;
	record_session_encode(&value, &record);
	for (uint64_t i = 0; i < dead->count && !err; i++) {
		struct key key = key_u64(dead->first + i);

		err = db_put(txn, DB_SESSION, key_slice(&key),
			buffer_slice(&value));
		if (!err && dead->ino)
			err = session_put_open(txn, dead->first + i, dead->ino,
				&row);
	}
	return err;
}

/* Of this boot, with nobody's lock. */
static void
add_dead(struct store *store, struct dead dead)
{
	cr_assert(zero(int, commit_run(store, apply_add_dead, &dead, NULL)));
}

Test(reap, of_more_dead_than_a_round_takes_leaves_none)
{
	scoped(temp_store_close) struct temp_store temp = open_quiet();

	add_dead(temp.store, (struct dead){FIRST, MANY, 0});
	cr_assert(eq(u64, sessions(temp.store), 1 + MANY));

	cr_expect(zero(int, session_reap(temp.store)));

	cr_expect(eq(u64, sessions(temp.store), 1));
}

/* Those that stay are passed over, each time, and not taken for a round that
 * found nothing. */
Test(reap, comes_past_more_that_linger_than_a_round_takes)
{
	scoped(temp_store_close) struct temp_store temp = open_quiet();
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	uint64_t ino = files_make(temp.store, bucket, "f", "text");
	int fd;

	cr_assert(zero(int, blob_open(temp.store->blobs,
				    files_head(temp.store, bucket, "f").blob,
				    O_RDWR, &fd)));
	add_dead(temp.store, (struct dead){FIRST, MANY, ino});
	add_dead(temp.store, (struct dead){FIRST + MANY, 1, 0});

	for (int i = 0; i < 2; i++) {
		cr_expect(zero(int, session_reap(temp.store)));
		cr_expect(eq(u64, sessions(temp.store), 1 + MANY));
	}
	close(fd);
	cr_expect(zero(int, session_reap(temp.store)));

	cr_expect(eq(u64, sessions(temp.store), 1));
	cr_expect(zero(u64, objects_findings(temp.store)));
}
