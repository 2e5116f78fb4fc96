/* SPDX-License-Identifier: Apache-2.0 */
/*
 * 1. The environment is opened with MDB_NOSYNC and never MDB_WRITEMAP: a
 *    commit is pages written by pwrite(2), then a meta page; what is durable
 *    is the business of checkpoint.c.
 * 2. Read transactions are pooled: a reader slot, once had, is kept and
 *    renewed, so that beginning to read takes no lock shared with others.
 * 3. LMDB asserts on pages it finds damaged, and then ends the process.  While
 *    it only reads, the assertion handler jumps back out and the answer is
 *    CORRUPT: a reader holds no lock and LMDB's own state is on the stack.  In
 *    the middle of a change nothing can be saved but the line in the log; the
 *    process ends, its transaction with it, and the next writer goes on from
 *    the last commit (the lock is robust).
 */
#include <assert.h>
#include <errno.h>
#include <setjmp.h>
#include <stdlib.h>

#include "store/base/log.h"
#include "store/base/mutex.h"
#include "store/meta/db_private.h"

#define IDLE_MAX 64

/* Where the assertion handler jumps to; set only around a call of LMDB. */
static _Thread_local jmp_buf *assert_escape;

void
db_on_assert(MDB_env *env, const char *text)
{
	(void)env;
	log_error("the tables are damaged: LMDB says: %s", text);
	if (assert_escape)
		longjmp(*assert_escape, 1);
}

int
db_guarded(int (*call)(void *arg), void *arg)
{
	jmp_buf escape;

	if (_setjmp(escape)) {
		assert_escape = NULL;
		return MDB_CORRUPTED;
	}
	assert_escape = &escape;
	int rc = call(arg);
	assert_escape = NULL;
	return rc;
}

static enum store_err
from_lmdb(int rc)
{
	switch (rc) {
	case MDB_SUCCESS:
		return STORE_OK;
	case MDB_NOTFOUND:
		return STORE_NOT_FOUND;
	case MDB_KEYEXIST:
		return STORE_EXISTS;
	case MDB_MAP_FULL:
	case MDB_TXN_FULL:
	case ENOSPC:
	case EDQUOT:
		return STORE_NO_SPACE;
	case MDB_MAP_RESIZED: /* by a process that was granted a larger one */
	case ENOMEM:
		return STORE_NO_MEMORY;
	case MDB_CORRUPTED:
	case MDB_PAGE_NOTFOUND:
	case MDB_PAGE_FULL:
	case MDB_CURSOR_FULL:
	case MDB_INCOMPATIBLE:
	case MDB_INVALID:
	case MDB_BAD_DBI:
		return STORE_CORRUPT;
	case MDB_VERSION_MISMATCH:
		return STORE_BAD_VERSION;
	case MDB_READERS_FULL:
		return STORE_BUSY;
	case MDB_BAD_VALSIZE:
		return STORE_INVALID;
	default:
		return rc > 0 ? error_from_errno(rc) : STORE_IO;
	}
}

enum store_err
db_failure(const char *what, int rc)
{
	enum store_err err = from_lmdb(rc);

	if (err && err != STORE_NOT_FOUND && err != STORE_EXISTS &&
		err != STORE_INVALID)
		log_error("%s failed: %s", what, mdb_strerror(rc));
	return err;
}

void
db_close(struct db **ptr)
{
	struct db *db = *ptr;

	*ptr = NULL;
	if (!db)
		return;
	assert(atomic_load(&db->open_txns) == 0);
	while (db->idle) {
		struct db_txn *txn = db->idle;

		db->idle = txn->next;
		mdb_txn_abort(txn->handle);
		free(txn);
	}
	if (db->env)
		mdb_env_close(db->env);
	if (db->is_noted)
		db_open_forget(db);
	mutex_destroy(&db->lock);
	free(db);
}

int
db_fd(const struct db *db)
{
	mdb_filehandle_t fd = -1;

	mdb_env_get_fd(db->env, &fd);
	return fd;
}

uint64_t
db_last_commit(struct db *db)
{
	MDB_envinfo info = {0};

	mdb_env_info(db->env, &info);
	return info.me_last_txnid;
}

void
db_reap_readers(struct db *db)
{
	int dead = 0;
	int rc = mdb_reader_check(db->env, &dead);

	if (rc)
		log_warn("checking the readers failed: %s", mdb_strerror(rc));
	else if (dead > 0)
		log_info("forgot readers of dead processes count=%d", dead);
}

/* An idle reader, or NULL. */
static struct db_txn *
take_idle(struct db *db)
{
	mutex_scoped(&db->lock);
	struct db_txn *txn = db->idle;

	if (txn) {
		db->idle = txn->next;
		db->idle_count--;
	}
	return txn;
}

/* False: there are enough. */
static bool
keep_idle(struct db *db, struct db_txn *txn)
{
	mutex_scoped(&db->lock);

	if (db->idle_count >= IDLE_MAX)
		return false;
	txn->next = db->idle;
	db->idle = txn;
	db->idle_count++;
	return true;
}

/* After a meta page that could not be written LMDB begins nothing any more:
 * what the file has, it does not know.  That is said once. */
static enum store_err
begin_failure(struct db *db, int rc)
{
	if (rc != MDB_PANIC)
		return db_failure("beginning a transaction", rc);
	if (!atomic_exchange(&db->has_failed, true))
		log_error("the last page of a commit could not be written: "
			  "this process must be restarted");
	return STORE_IO;
}

static enum store_err
begin(struct db *db, bool is_write, struct db_txn **out)
{
	struct db_txn *txn = calloc(1, sizeof(*txn));
	unsigned int flags = is_write ? 0 : MDB_RDONLY;

	if (!txn)
		return STORE_NO_MEMORY;
	txn->db = db;
	txn->is_write = is_write;
	int rc = mdb_txn_begin(db->env, NULL, flags, &txn->handle);
	if (rc == MDB_READERS_FULL) {
		db_reap_readers(db);
		rc = mdb_txn_begin(db->env, NULL, flags, &txn->handle);
	}
	if (rc) {
		free(txn);
		return begin_failure(db, rc);
	}
	atomic_fetch_add(&db->open_txns, 1);
	*out = txn;
	return STORE_OK;
}

enum store_err
db_copy(struct db *db, int fd)
{
	/* Not a compacting one: that would begin to count commits anew. */
	return db_failure("copying the tables",
		mdb_env_copyfd2(db->env, fd, 0));
}

bool
db_has_failed(const struct db *db)
{
	return atomic_load(&db->has_failed);
}

enum store_err
db_begin_read(struct db *db, struct db_txn **out)
{
	struct db_txn *txn = take_idle(db);

	if (!txn)
		return begin(db, false, out);
	int rc = mdb_txn_renew(txn->handle);
	if (rc) {
		mdb_txn_abort(txn->handle);
		free(txn);
		return begin_failure(db, rc);
	}
	atomic_fetch_add(&db->open_txns, 1);
	*out = txn;
	return STORE_OK;
}

enum store_err
db_begin_write(struct db *db, struct db_txn **out)
{
	if (db->is_read_only)
		return STORE_READ_ONLY;
	return begin(db, true, out);
}

/* Whether it was the last page: else only who begins something next, and it
 * may be that nobody does, would find out. */
static void
look_for_panic(struct db *db)
{
	MDB_txn *probe;
	int rc = mdb_txn_begin(db->env, NULL, MDB_RDONLY, &probe);

	if (!rc)
		mdb_txn_abort(probe);
	else if (rc == MDB_PANIC)
		(void)!begin_failure(db, rc);
}

enum store_err
db_commit(struct db_txn **ptr, uint64_t *number)
{
	struct db_txn *txn = *ptr;
	struct db *db = txn->db;
	enum store_err err = txn->failed;
	uint64_t id = mdb_txn_id(txn->handle);

	assert(txn->is_write);
	if (err || txn->changes == 0) {
		db_abort(ptr);
		*number = id - 1;
		return err;
	}
	*ptr = NULL;
	*number = id;
	err = db_failure("a commit", mdb_txn_commit(txn->handle));
	if (err) {
		db_open_forget_added(db, txn->added);
		look_for_panic(db);
	}
	atomic_fetch_sub(&db->open_txns, 1);
	free(txn);
	return err;
}

void
db_abort(struct db_txn **ptr)
{
	struct db_txn *txn = *ptr;

	*ptr = NULL;
	if (!txn)
		return;
	atomic_fetch_sub(&txn->db->open_txns, 1);
	if (!txn->is_write) {
		mdb_txn_reset(txn->handle);
		if (keep_idle(txn->db, txn))
			return;
	}
	mdb_txn_abort(txn->handle);
	db_open_forget_added(txn->db, txn->added);
	free(txn);
}

uint64_t
db_txn_number(const struct db_txn *txn)
{
	return mdb_txn_id(txn->handle);
}

uint64_t
db_txn_changes(const struct db_txn *txn)
{
	return txn->changes;
}

struct get_call {
	MDB_txn *txn;
	MDB_dbi table;
	MDB_val key;
	MDB_val value;
};

static int
get_call(void *arg)
{
	struct get_call *call = arg;

	return mdb_get(call->txn, call->table, &call->key, &call->value);
}

enum store_err
db_get(struct db_txn *txn, enum db_table table, struct slice key,
	struct slice *value)
{
	struct get_call call = {
		.txn = txn->handle,
		.table = txn->db->tables[table],
		.key = db_to_val(key),
	};

	if (txn->failed)
		return txn->failed;
	if (key.len == 0 || key.len > DB_KEY_MAX || call.table == DB_MISSING)
		return STORE_NOT_FOUND;
	enum store_err err =
		db_failure("a lookup", db_guarded(get_call, &call));
	if (err == STORE_OK)
		*value = slice_of(call.value.mv_data, call.value.mv_size);
	else if (err != STORE_NOT_FOUND)
		txn->failed = err;
	return err;
}

static enum store_err
put(struct db_txn *txn, enum db_table table, struct slice key,
	struct slice value, unsigned int flags)
{
	MDB_val k = db_to_val(key);
	MDB_val v = db_to_val(value);

	assert(txn->is_write);
	if (txn->failed)
		return txn->failed;
	int rc = mdb_put(txn->handle, txn->db->tables[table], &k, &v, flags);
	enum store_err err = db_failure("a change", rc);
	if (err == STORE_OK)
		txn->changes++;
	else if (err != STORE_EXISTS)
		txn->failed = err;
	return err;
}

enum store_err
db_put(struct db_txn *txn, enum db_table table, struct slice key,
	struct slice value)
{
	return put(txn, table, key, value, 0);
}

enum store_err
db_insert(struct db_txn *txn, enum db_table table, struct slice key,
	struct slice value)
{
	return put(txn, table, key, value, MDB_NOOVERWRITE);
}

enum store_err
db_append(struct db_txn *txn, enum db_table table, struct slice key,
	struct slice value)
{
	enum store_err err = put(txn, table, key, value, MDB_APPEND);

	return err == STORE_EXISTS ? STORE_INVALID : err;
}

enum store_err
db_delete(struct db_txn *txn, enum db_table table, struct slice key)
{
	MDB_val k = db_to_val(key);

	assert(txn->is_write);
	if (txn->failed)
		return txn->failed;
	if (key.len == 0 || key.len > DB_KEY_MAX ||
		txn->db->tables[table] == DB_MISSING)
		return STORE_NOT_FOUND;
	int rc = mdb_del(txn->handle, txn->db->tables[table], &k, NULL);
	enum store_err err = db_failure("a deletion", rc);
	if (err == STORE_OK)
		txn->changes++;
	else if (err != STORE_NOT_FOUND)
		txn->failed = err;
	return err;
}

enum store_err
db_delete_if_there(struct db_txn *txn, enum db_table table, struct slice key)
{
	enum store_err err = db_delete(txn, table, key);

	return err == STORE_NOT_FOUND ? STORE_OK : err;
}

enum store_err
db_count(struct db_txn *txn, enum db_table table, uint64_t *count)
{
	MDB_stat stat;

	*count = 0;
	if (txn->db->tables[table] == DB_MISSING)
		return STORE_OK;
	int rc = mdb_stat(txn->handle, txn->db->tables[table], &stat);

	if (rc)
		return db_failure("counting", rc);
	*count = stat.ms_entries;
	return STORE_OK;
}
