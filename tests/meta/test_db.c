/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <lmdb.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/meta/db.h"
#include "store/meta/key.h"
#include "tests/support/temp_dir.h"

struct rig {
	struct temp_dir dir;
	struct db *db;
};

static struct db *
open_at(const struct temp_dir *dir, uint64_t map_size)
{
	struct db *db = NULL;
	struct db_options options = {
		.path = dir->path,
		.map_size = map_size,
		.create = true,
	};

	cr_assert(eq(int, db_open(&options, &db), STORE_OK));
	return db;
}

static struct rig
rig_open(void)
{
	struct rig rig = {.dir = temp_dir_make()};

	rig.db = open_at(&rig.dir, 1 << 26);
	return rig;
}

static void
rig_close(struct rig *rig)
{
	db_close(&rig->db);
	temp_dir_remove(&rig->dir);
}

static struct db_txn *
begin_read(struct db *db)
{
	struct db_txn *txn = NULL;

	cr_assert(eq(int, db_begin_read(db, &txn), STORE_OK));
	return txn;
}

static struct db_txn *
begin_write(struct db *db)
{
	struct db_txn *txn = NULL;

	cr_assert(eq(int, db_begin_write(db, &txn), STORE_OK));
	return txn;
}

static uint64_t
commit(struct db_txn *txn)
{
	uint64_t number = 0;

	cr_assert(eq(int, db_commit(&txn, &number), STORE_OK));
	cr_assert(eq(ptr, txn, NULL));
	return number;
}

static void
put(struct db_txn *txn, struct slice key, struct slice value)
{
	cr_assert(eq(int, db_put(txn, DB_BUCKET, key, value), STORE_OK));
}

static uint64_t
put_one(struct db *db, struct slice key, struct slice value)
{
	struct db_txn *txn = begin_write(db);

	put(txn, key, value);
	return commit(txn);
}

static enum store_err
get_one(struct db *db, struct slice key)
{
	scoped(db_abort) struct db_txn *txn = begin_read(db);
	struct slice value;

	return db_get(txn, DB_BUCKET, key, &value);
}

Test(db, what_was_put_is_found_in_its_table_alone)
{
	scoped(rig_close) struct rig rig = rig_open();
	struct slice value = SLICE_NULL;

	put_one(rig.db, SLICE("k"), SLICE("v"));

	scoped(db_abort) struct db_txn *txn = begin_read(rig.db);
	cr_expect(eq(int, db_get(txn, DB_BUCKET, SLICE("k"), &value),
		STORE_OK));
	cr_expect(slice_equal(value, SLICE("v")));
	cr_expect(eq(int, db_get(txn, DB_META, SLICE("k"), &value),
		STORE_NOT_FOUND));
}

Test(db, a_value_may_be_empty_but_no_key_is)
{
	scoped(rig_close) struct rig rig = rig_open();
	struct slice value = SLICE("x");
	struct db_txn *txn = begin_write(rig.db);

	put(txn, SLICE("k"), SLICE_NULL);
	cr_expect(eq(int, db_get(txn, DB_BUCKET, SLICE("k"), &value),
		STORE_OK));
	cr_expect(eq(sz, value.len, 0));
	cr_expect(eq(int, db_get(txn, DB_BUCKET, SLICE_NULL, &value),
		STORE_NOT_FOUND));
	cr_expect(eq(int, db_delete(txn, DB_BUCKET, SLICE_NULL),
		STORE_NOT_FOUND));
	cr_expect(eq(int, db_put(txn, DB_BUCKET, SLICE_NULL, SLICE("v")),
		STORE_INVALID));
	db_abort(&txn);
}

Test(db, a_key_may_have_511_bytes)
{
	scoped(rig_close) struct rig rig = rig_open();
	char key[DB_KEY_MAX + 1];
	struct db_txn *txn = begin_write(rig.db);

	memset(key, 'k', sizeof(key));
	put(txn, slice_of(key, DB_KEY_MAX), SLICE("v"));
	cr_expect(eq(int,
		db_put(txn, DB_BUCKET, slice_of(key, DB_KEY_MAX + 1),
			SLICE("v")),
		STORE_INVALID));
	db_abort(&txn);
}

Test(db, insert_does_not_replace)
{
	scoped(rig_close) struct rig rig = rig_open();
	struct slice value;
	struct db_txn *txn = begin_write(rig.db);

	put(txn, SLICE("k"), SLICE("old"));
	uint64_t changes = db_txn_changes(txn);
	cr_expect(eq(int, db_insert(txn, DB_BUCKET, SLICE("k"), SLICE("new")),
		STORE_EXISTS));

	cr_expect(eq(u64, db_txn_changes(txn), changes));
	cr_expect(eq(int, db_get(txn, DB_BUCKET, SLICE("k"), &value),
		STORE_OK));
	cr_expect(slice_equal(value, SLICE("old")));
	commit(txn);
}

Test(db, append_refuses_a_key_that_is_not_the_last)
{
	scoped(rig_close) struct rig rig = rig_open();
	struct db_txn *txn = begin_write(rig.db);

	cr_expect(eq(int, db_append(txn, DB_BUCKET, SLICE("b"), SLICE("")),
		STORE_OK));
	cr_expect(eq(int, db_append(txn, DB_BUCKET, SLICE("c"), SLICE("")),
		STORE_OK));
	cr_expect(eq(int, db_append(txn, DB_BUCKET, SLICE("a"), SLICE("")),
		STORE_INVALID));
	db_abort(&txn);
}

Test(db, an_answer_does_not_spoil_a_transaction)
{
	scoped(rig_close) struct rig rig = rig_open();
	struct slice value;
	struct db_txn *txn = begin_write(rig.db);

	cr_expect(eq(int, db_get(txn, DB_BUCKET, SLICE("k"), &value),
		STORE_NOT_FOUND));
	cr_expect(eq(int, db_delete(txn, DB_BUCKET, SLICE("k")),
		STORE_NOT_FOUND));
	put(txn, SLICE("k"), SLICE("v"));
	commit(txn);

	cr_expect(eq(int, get_one(rig.db, SLICE("k")), STORE_OK));
}

Test(db, a_row_is_deleted_if_there)
{
	scoped(rig_close) struct rig rig = rig_open();
	struct db_txn *txn = begin_write(rig.db);

	put(txn, SLICE("k"), SLICE("v"));
	cr_expect(eq(int, db_delete_if_there(txn, DB_BUCKET, SLICE("k")),
		STORE_OK));
	cr_expect(eq(int, db_delete_if_there(txn, DB_BUCKET, SLICE("k")),
		STORE_OK));
	commit(txn);

	cr_expect(eq(int, get_one(rig.db, SLICE("k")), STORE_NOT_FOUND));
}

Test(db, after_an_error_a_transaction_commits_nothing)
{
	scoped(rig_close) struct rig rig = rig_open();
	struct db_txn *txn = begin_write(rig.db);
	uint64_t number;

	put(txn, SLICE("k"), SLICE("v"));
	cr_expect(eq(int, db_put(txn, DB_BUCKET, SLICE_NULL, SLICE("v")),
		STORE_INVALID));
	cr_expect(eq(int, db_commit(&txn, &number), STORE_INVALID));

	cr_expect(eq(ptr, txn, NULL));
	cr_expect(eq(int, get_one(rig.db, SLICE("k")), STORE_NOT_FOUND));
	put_one(rig.db, SLICE("k"), SLICE("v"));
}

Test(db, commits_are_numbered_one_after_the_other)
{
	scoped(rig_close) struct rig rig = rig_open();

	uint64_t first = put_one(rig.db, SLICE("a"), SLICE("1"));
	uint64_t second = put_one(rig.db, SLICE("b"), SLICE("2"));
	struct db_txn *nothing = begin_write(rig.db);
	uint64_t would_be = db_txn_number(nothing);
	uint64_t third = commit(nothing);

	cr_expect(eq(u64, second, first + 1));
	cr_expect(eq(u64, would_be, second + 1));
	cr_expect(eq(u64, third, second));
	cr_expect(eq(u64, db_last_commit(rig.db), second));
	scoped(db_abort) struct db_txn *txn = begin_read(rig.db);
	cr_expect(eq(u64, db_txn_number(txn), second));
}

Test(db, a_reader_keeps_the_snapshot_it_began_with)
{
	scoped(rig_close) struct rig rig = rig_open();
	struct slice value;
	scoped(db_abort) struct db_txn *before = begin_read(rig.db);

	put_one(rig.db, SLICE("k"), SLICE("v"));

	cr_expect(eq(int, db_get(before, DB_BUCKET, SLICE("k"), &value),
		STORE_NOT_FOUND));
	cr_expect(eq(int, get_one(rig.db, SLICE("k")), STORE_OK));
}

Test(db, a_pooled_reader_sees_what_is_new)
{
	scoped(rig_close) struct rig rig = rig_open();

	cr_expect(eq(int, get_one(rig.db, SLICE("k")), STORE_NOT_FOUND));
	put_one(rig.db, SLICE("k"), SLICE("v"));
	cr_expect(eq(int, get_one(rig.db, SLICE("k")), STORE_OK));
}

Test(db, a_dropped_write_leaves_nothing)
{
	scoped(rig_close) struct rig rig = rig_open();
	struct db_txn *txn = begin_write(rig.db);

	put(txn, SLICE("k"), SLICE("v"));
	db_abort(&txn);
	db_abort(&txn);

	cr_expect(eq(int, get_one(rig.db, SLICE("k")), STORE_NOT_FOUND));
}

Test(db, count_counts)
{
	scoped(rig_close) struct rig rig = rig_open();
	uint64_t count = 99;

	put_one(rig.db, SLICE("a"), SLICE("1"));
	put_one(rig.db, SLICE("b"), SLICE("1"));

	scoped(db_abort) struct db_txn *txn = begin_read(rig.db);
	cr_expect(eq(int, db_count(txn, DB_BUCKET, &count), STORE_OK));
	cr_expect(eq(u64, count, 2));
}

Test(db, a_cursor_walks_both_ways_in_byte_order)
{
	scoped(rig_close) struct rig rig = rig_open();
	struct db_cursor cursor;

	put_one(rig.db, SLICE("a"), SLICE("1"));
	put_one(rig.db, SLICE("c"), SLICE("2"));
	put_one(rig.db, SLICE("c\xff"), SLICE("3"));

	scoped(db_abort) struct db_txn *txn = begin_read(rig.db);
	cr_assert(eq(int, db_cursor_open(txn, DB_BUCKET, &cursor), STORE_OK));
	cr_expect(eq(int, db_cursor_seek(&cursor, SLICE("b")), STORE_OK));
	cr_expect(slice_equal(cursor.key, SLICE("c")));
	cr_expect(slice_equal(cursor.value, SLICE("2")));
	cr_expect(eq(int, db_cursor_next(&cursor), STORE_OK));
	cr_expect(slice_equal(cursor.key, SLICE("c\xff")));
	cr_expect(eq(int, db_cursor_next(&cursor), STORE_NOT_FOUND));
	db_cursor_close(&cursor);
}

Test(db, a_cursor_finds_what_lies_before_a_key)
{
	scoped(rig_close) struct rig rig = rig_open();
	struct db_cursor cursor;

	put_one(rig.db, SLICE("a"), SLICE("1"));
	put_one(rig.db, SLICE("c"), SLICE("2"));

	scoped(db_abort) struct db_txn *txn = begin_read(rig.db);
	cr_assert(eq(int, db_cursor_open(txn, DB_BUCKET, &cursor), STORE_OK));
	cr_expect(eq(int, db_cursor_seek_before(&cursor, SLICE("d")),
		STORE_OK));
	cr_expect(slice_equal(cursor.key, SLICE("c")));
	cr_expect(eq(int, db_cursor_seek_before(&cursor, SLICE("c")),
		STORE_OK));
	cr_expect(slice_equal(cursor.key, SLICE("a")));
	cr_expect(slice_equal(cursor.value, SLICE("1")));
	cr_expect(eq(int, db_cursor_seek_before(&cursor, SLICE("a")),
		STORE_NOT_FOUND));
	db_cursor_close(&cursor);
	cr_assert(eq(int, db_cursor_open(txn, DB_TOKEN, &cursor), STORE_OK));
	cr_expect(eq(int, db_cursor_seek_before(&cursor, SLICE("a")),
		STORE_NOT_FOUND));
	db_cursor_close(&cursor);
}

Test(db, a_cursor_finds_nothing_in_an_empty_table)
{
	scoped(rig_close) struct rig rig = rig_open();
	struct db_cursor cursor;

	scoped(db_abort) struct db_txn *txn = begin_read(rig.db);
	cr_assert(eq(int, db_cursor_open(txn, DB_TOKEN, &cursor), STORE_OK));
	cr_expect(eq(int, db_cursor_seek(&cursor, SLICE("a")),
		STORE_NOT_FOUND));
	cr_expect(eq(int, db_cursor_seek(&cursor, SLICE_NULL),
		STORE_NOT_FOUND));
	db_cursor_close(&cursor);
	db_cursor_close(&cursor);
}

Test(db, a_full_map_is_no_space_and_the_store_goes_on)
{
	scoped(rig_close) struct rig rig = {.dir = temp_dir_make()};
	char value[4000] = {0};
	enum store_err err = STORE_OK;
	uint64_t number;

	rig.db = open_at(&rig.dir, 1 << 20);
	put_one(rig.db, SLICE("k"), SLICE("v"));
	struct db_txn *txn = begin_write(rig.db);
	for (uint64_t i = 0; i < 1000 && !err; i++) {
		struct key key = key_u64(i);

		err = db_put(txn, DB_BLOB, key_slice(&key),
			slice_of(value, sizeof(value)));
	}
	cr_expect(eq(int, err, STORE_NO_SPACE));
	cr_expect(eq(int, db_commit(&txn, &number), STORE_NO_SPACE));

	cr_expect(eq(int, get_one(rig.db, SLICE("k")), STORE_OK));
	put_one(rig.db, SLICE("k2"), SLICE("v"));
}

Test(db, a_store_that_outgrew_the_map_it_was_made_with_opens)
{
	scoped(rig_close) struct rig rig = {.dir = temp_dir_make()};

	rig.db = open_at(&rig.dir, 1 << 20);
	put_one(rig.db, SLICE("k"), SLICE("v"));
	db_close(&rig.db);
	rig.db = open_at(&rig.dir, 0);

	cr_expect(eq(int, get_one(rig.db, SLICE("k")), STORE_OK));
}

Test(db, where_address_space_is_short_the_map_is_smaller)
{
	struct temp_dir dir = temp_dir_make();
	int status = 0;
	pid_t child = fork();

	cr_assert(child >= 0);
	if (child == 0) {
		/* Sanitizers hold terabytes; what counts is what is left. */
		unsigned long pages = 0;
		FILE *statm = fopen("/proc/self/statm", "r");
		int found = fscanf(statm, "%lu", &pages);
		struct rlimit limit;
		struct db *db = NULL;
		struct db_options options = {
			.path = dir.path,
			.create = true,
		};

		limit.rlim_cur = limit.rlim_max = pages * 4096 + (8ull << 30);
		_exit(found != 1 || setrlimit(RLIMIT_AS, &limit) ||
			db_open(&options, &db));
	}
	cr_assert(eq(int, waitpid(child, &status, 0), child));
	temp_dir_remove(&dir);

	cr_expect(eq(int, status, 0));
}

Test(db, where_there_is_no_store_none_is_made_unasked)
{
	scoped(temp_dir_remove) struct temp_dir dir = temp_dir_make();
	struct db_options options = {.path = dir.path};
	struct db *db = NULL;

	cr_expect(eq(int, db_open(&options, &db), STORE_NOT_A_STORE));
	cr_expect(eq(ptr, db, NULL));
	cr_expect(ne(int, access(temp_dir_at(&dir, "data.mdb"), F_OK), 0));
}

Test(db, a_process_opens_it_but_once)
{
	scoped(rig_close) struct rig rig = rig_open();
	struct db_options options = {.path = rig.dir.path};
	struct db *again = NULL;

	cr_expect(eq(int, db_open(&options, &again), STORE_BUSY));
	put_one(rig.db, SLICE("k"), SLICE("v"));
	db_close(&rig.db);
	cr_expect(eq(int, db_open(&options, &rig.db), STORE_OK));
}

Test(db, a_file_of_something_else_is_refused)
{
	scoped(temp_dir_remove) struct temp_dir dir = temp_dir_make();
	struct db_options options = {.path = dir.path};
	struct db *db = NULL;
	char junk[8192];
	int fd = open(temp_dir_at(&dir, "data.mdb"), O_WRONLY | O_CREAT, 0600);

	memset(junk, 'j', sizeof(junk));
	cr_assert(eq(sz, write(fd, junk, sizeof(junk)), sizeof(junk)));
	close(fd);

	cr_expect(eq(int, db_open(&options, &db), STORE_CORRUPT));
}

Test(db, a_read_only_store_is_read_but_not_written)
{
	scoped(rig_close) struct rig rig = rig_open();
	struct db_options options = {
		.path = rig.dir.path,
		.is_read_only = true,
	};
	struct db_txn *txn = NULL;

	put_one(rig.db, SLICE("k"), SLICE("v"));
	db_close(&rig.db);
	cr_assert(eq(int, db_open(&options, &rig.db), STORE_OK));

	cr_expect(eq(int, get_one(rig.db, SLICE("k")), STORE_OK));
	cr_expect(eq(int, db_begin_write(rig.db, &txn), STORE_READ_ONLY));
}

/* Writes the page over all but the first pages of a table of many. */
static enum store_err
look_up_among(const char page[4096])
{
	scoped(rig_close) struct rig rig = rig_open();
	char value[300];
	struct db_options options = {.path = rig.dir.path};

	memset(value, 'v', sizeof(value));
	struct db_txn *txn = begin_write(rig.db);
	for (uint64_t i = 0; i < 2000; i++) {
		struct key key = key_u64(i);

		put(txn, key_slice(&key), slice_of(value, sizeof(value)));
	}
	commit(txn);
	db_close(&rig.db);
	int fd = open(temp_dir_at(&rig.dir, "data.mdb"), O_WRONLY);
	for (int i = 3; i < 120; i++)
		cr_assert(eq(sz, pwrite(fd, page, 4096, i * 4096), 4096));
	close(fd);
	cr_assert(eq(int, db_open(&options, &rig.db), STORE_OK));
	struct key key = key_u64(20);
	return get_one(rig.db, key_slice(&key));
}

Test(db, lost_pages_give_an_error_to_a_reader)
{
	const char page[4096] = {0};

	cr_expect(eq(int, look_up_among(page), STORE_CORRUPT));
}

/* LMDB has an assertion against this one. */
Test(db, an_empty_branch_page_gives_an_error_to_a_reader)
{
	const char page[4096] = {[10] = 1, [12] = 16, [15] = 16};

	cr_expect(eq(int, look_up_among(page), STORE_CORRUPT));
}

static void *
read_and_write(void *arg)
{
	struct db *db = arg;

	for (int i = 0; i < 100; i++) {
		put_one(db, SLICE("k"), SLICE("v"));
		cr_assert(eq(int, get_one(db, SLICE("k")), STORE_OK));
	}
	return NULL;
}

Test(db, threads_share_it)
{
	scoped(rig_close) struct rig rig = rig_open();
	pthread_t threads[4];
	uint64_t before = db_last_commit(rig.db);

	for (size_t i = 0; i < array_len(threads); i++)
		pthread_create(&threads[i], NULL, read_and_write, rig.db);
	for (size_t i = 0; i < array_len(threads); i++)
		pthread_join(threads[i], NULL);

	cr_expect(eq(u64, db_last_commit(rig.db), before + 400));
}

/* Commits one after the other, telling each on a pipe, until killed. */
static void
commit_for_ever(const struct temp_dir *dir, char name, int pipe)
{
	struct db *db = open_at(dir, 1 << 26);

	for (uint64_t i = 0;; i++) {
		char key[24];
		int len = snprintf(key, sizeof(key), "%c%llu", name,
			(unsigned long long)i);

		put_one(db, slice_of(key, (size_t)len), SLICE("v"));
		if (write(pipe, &i, sizeof(i)) != sizeof(i))
			_exit(1);
	}
}

Test(db, killed_writers_lose_no_commit_and_stop_no_other)
{
	scoped(temp_dir_remove) struct temp_dir dir = temp_dir_make();
	struct db *made = open_at(&dir, 1 << 26);
	db_close(&made);

	for (int round = 0; round < 20; round++) {
		pid_t pids[2];
		int pipes[2][2];
		uint64_t last[2] = {0};

		for (int i = 0; i < 2; i++) {
			cr_assert(eq(int, pipe(pipes[i]), 0));
			pids[i] = fork();
			cr_assert(pids[i] >= 0);
			if (pids[i] == 0)
				commit_for_ever(&dir, (char)('a' + i),
					pipes[i][1]);
			close(pipes[i][1]);
		}
		/* One dies wherever it is; then the other must still get on. */
		for (int i = 0; i < 2; i++) {
			for (int n = 0; n < 20 + 7 * round; n++)
				cr_assert(eq(sz, read(pipes[i][0], &last[i], 8),
					8));
			kill(pids[i], SIGKILL);
			while (read(pipes[i][0], &last[i], 8) == 8)
				;
			waitpid(pids[i], NULL, 0);
			close(pipes[i][0]);
		}
		scoped(db_close) struct db *db = open_at(&dir, 1 << 26);
		for (int i = 0; i < 2; i++) {
			char key[24];
			int len = snprintf(key, sizeof(key), "%c%llu", 'a' + i,
				(unsigned long long)last[i]);

			cr_expect(eq(int,
				get_one(db, slice_of(key, (size_t)len)),
				STORE_OK));
		}
	}
}

/* As one that an earlier tarn has made. */
static void
drop_table(const struct temp_dir *dir, const char *name)
{
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi table;

	cr_assert(zero(int, mdb_env_create(&env)));
	cr_assert(zero(int, mdb_env_set_maxdbs(env, DB_TABLES)));
	cr_assert(zero(int, mdb_env_open(env, dir->path, 0, 0600)));
	cr_assert(zero(int, mdb_txn_begin(env, NULL, 0, &txn)));
	cr_assert(zero(int, mdb_dbi_open(txn, name, 0, &table)));
	cr_assert(zero(int, mdb_drop(txn, table, 1)));
	cr_assert(zero(int, mdb_txn_commit(txn)));
	mdb_env_close(env);
}

static struct rig
rig_open_older(void)
{
	struct rig rig = rig_open();

	db_close(&rig.db);
	drop_table(&rig.dir, "event");
	rig.db = open_at(&rig.dir, 1 << 26);
	return rig;
}

Test(db, a_table_that_the_store_is_older_than_reads_as_empty)
{
	scoped(rig_close) struct rig rig = rig_open_older();
	scoped(db_abort) struct db_txn *txn = begin_read(rig.db);
	scoped(db_cursor_close) struct db_cursor cursor = {0};
	struct slice value;
	uint64_t count = 1;

	cr_expect(eq(int, db_get(txn, DB_EVENT, SLICE("k"), &value),
		STORE_NOT_FOUND));
	cr_expect(eq(int, db_count(txn, DB_EVENT, &count), STORE_OK));
	cr_expect(zero(u64, count));
	cr_assert(eq(int, db_cursor_open(txn, DB_EVENT, &cursor), STORE_OK));
	cr_expect(eq(int, db_cursor_seek(&cursor, SLICE_NULL),
		STORE_NOT_FOUND));
	cr_expect(eq(int, db_cursor_seek_before(&cursor, SLICE("k")),
		STORE_NOT_FOUND));
}

Test(db, a_table_that_the_store_is_older_than_is_made)
{
	scoped(rig_close) struct rig rig = rig_open_older();
	struct db_txn *txn = begin_write(rig.db);
	struct slice value;

	/* Dropped, it is as if nothing had been made. */
	cr_assert(eq(int, db_open_added(txn), STORE_OK));
	db_abort(&txn);
	txn = begin_write(rig.db);
	cr_expect(eq(int, db_delete(txn, DB_EVENT, SLICE("k")),
		STORE_NOT_FOUND));
	cr_assert(eq(int, db_open_added(txn), STORE_OK));
	cr_assert(eq(int, db_put(txn, DB_EVENT, SLICE("k"), SLICE("v")),
		STORE_OK));
	commit(txn);

	txn = begin_read(rig.db);
	cr_assert(eq(int, db_get(txn, DB_EVENT, SLICE("k"), &value), STORE_OK));
	cr_expect(slice_equal(value, SLICE("v")));
	db_abort(&txn);
}
