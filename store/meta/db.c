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
#include "store/meta/db.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <lmdb.h>
#include <setjmp.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/base/log.h"
#include "store/base/mutex.h"
#include "store/base/owner.h"

#define MAP_SIZE_DEFAULT (1ull << 40)
#define MAP_SIZE_LEAST (1ull << 30)
#define READERS_MAX 1024
#define IDLE_MAX 64

/* The tables that this process has open.  LMDB's locks are a process's: a
 * second environment on the same file would take the first one's for its own,
 * and begin the lock file anew under it. */
struct opened {
	dev_t dev;
	ino_t ino;
	pid_t pid; /* what a child of fork(2) inherits it does not have open */
	struct opened *next;
};

static struct {
	pthread_mutex_t lock;
	struct opened *first; /* under lock */
} opened_here = {.lock = PTHREAD_MUTEX_INITIALIZER};

struct db_txn {
	struct db *db;
	MDB_txn *handle;
	struct db_txn *next; /* among the idle, under the db's lock */
	uint64_t changes;
	enum store_err failed; /* of a write: only db_abort() is left */
	bool is_write;
};

struct db {
	/* fixed after open */
	MDB_env *env;
	MDB_dbi tables[DB_TABLES];
	bool is_read_only;
	bool is_noted;
	struct opened opened;

	/* atomic */
	_Atomic(uint32_t) open_txns;
	atomic_bool has_failed; /* see begin_failure() */

	pthread_mutex_t lock;
	/* under lock */
	struct db_txn *idle;
	unsigned int idle_count;
};

/* The names are on the disk: never change one. */
static const char *const table_names[DB_TABLES] = {
	[DB_META] = "meta",
	[DB_BUCKET] = "bucket",
	[DB_DENTRY] = "dentry",
	[DB_INODE] = "inode",
	[DB_VERSION] = "version",
	[DB_BLOB] = "blob",
	[DB_PACK] = "pack",
	[DB_UPLOAD] = "upload",
	[DB_PART] = "part",
	[DB_DOCUMENT] = "document",
	[DB_USAGE] = "usage",
	[DB_CHANGE] = "change",
	[DB_UNFLUSHED] = "unflushed",
	[DB_FREED] = "freed",
	[DB_SESSION] = "session",
	[DB_LEASE] = "lease",
	[DB_OPEN] = "open",
	[DB_TOKEN] = "token",
	[DB_TOKEN_NAME] = "token_name",
};

/* Where the assertion handler jumps to; set only around a call of LMDB. */
static _Thread_local jmp_buf *assert_escape;

static void
on_assert(MDB_env *env, const char *text)
{
	(void)env;
	log_error("the tables are damaged: LMDB says: %s", text);
	if (assert_escape)
		longjmp(*assert_escape, 1);
}

/* Invariant 3: for calls that change nothing. */
static int
guarded(int (*call)(void *arg), void *arg)
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

/* Logs what is neither an answer nor the caller's fault. */
static enum store_err
failure(const char *what, int rc)
{
	enum store_err err = from_lmdb(rc);

	if (err && err != STORE_NOT_FOUND && err != STORE_EXISTS &&
		err != STORE_INVALID)
		log_error("%s failed: %s", what, mdb_strerror(rc));
	return err;
}

/* BUSY: it is open.  A directory: its file may be about to be made. */
static enum store_err
note_opened(struct db *db, const char *path)
{
	struct stat st;

	if (stat(path, &st))
		return error_from_errno(errno);
	db->opened.dev = st.st_dev;
	db->opened.ino = st.st_ino;
	db->opened.pid = getpid();
	mutex_scoped(&opened_here.lock);

	for (struct opened *o = opened_here.first; o; o = o->next) {
		if (o->dev == st.st_dev && o->ino == st.st_ino &&
			o->pid == db->opened.pid)
			return STORE_BUSY;
	}
	db->opened.next = opened_here.first;
	opened_here.first = &db->opened;
	db->is_noted = true;
	return STORE_OK;
}

static void
forget_opened(struct db *db)
{
	mutex_scoped(&opened_here.lock);
	struct opened **link = &opened_here.first;

	while (*link != &db->opened)
		link = &(*link)->next;
	*link = db->opened.next;
}

/* One attempt with a map of the given size; 0 or LMDB's code. */
static int
env_open(const struct db_options *options, uint64_t map_size, MDB_env **out)
{
	MDB_env *env = NULL;
	unsigned int flags = MDB_NOSYNC | MDB_NOTLS | MDB_NORDAHEAD;
	int rc = mdb_env_create(&env);

	if (rc)
		return rc;
	if (options->is_read_only)
		flags |= MDB_RDONLY;
	rc = mdb_env_set_mapsize(env, map_size);
	if (!rc)
		rc = mdb_env_set_maxreaders(env, READERS_MAX);
	if (!rc)
		rc = mdb_env_set_maxdbs(env, DB_TABLES);
	if (!rc)
		rc = mdb_env_set_assert(env, on_assert);
	if (!rc)
		rc = mdb_env_open(env, options->path, flags, 0600);
	if (rc) {
		mdb_env_close(env);
		return rc;
	}
	*out = env;
	return 0;
}

/* The largest map the machine grants: docs/decisions/0002-lmdb-map-size.md. */
static enum store_err
env_open_largest(const struct db_options *options, MDB_env **out)
{
	uint64_t size = options->map_size;
	uint64_t least = size;

	if (size == 0) {
		size = sizeof(size_t) >= 8 ? MAP_SIZE_DEFAULT : MAP_SIZE_LEAST;
		least = MAP_SIZE_LEAST;
	}
	for (;;) {
		int rc = env_open(options, size, out);

		if (rc != ENOMEM || size / 2 < least)
			return failure("opening the tables", rc);
		size /= 2;
	}
}

struct tables_call {
	MDB_txn *txn;
	unsigned int flags;
	MDB_dbi *tables;
};

static int
open_tables_call(void *arg)
{
	struct tables_call *call = arg;

	for (int i = 0; i < DB_TABLES; i++) {
		int rc = mdb_dbi_open(call->txn, table_names[i], call->flags,
			&call->tables[i]);
		if (rc)
			return rc;
	}
	return 0;
}

static enum store_err
open_tables(struct db *db, bool create)
{
	struct tables_call call = {.tables = db->tables};
	int rc = mdb_txn_begin(db->env, NULL, create ? 0 : MDB_RDONLY,
		&call.txn);

	if (rc)
		return failure("opening the tables", rc);
	if (create) {
		call.flags = MDB_CREATE;
		rc = open_tables_call(&call);
	} else {
		rc = guarded(open_tables_call, &call);
	}
	if (rc) {
		mdb_txn_abort(call.txn);
		return failure("opening the tables", rc);
	}
	/* Of a read, too: only so do the handles outlive it. */
	return failure("opening the tables", mdb_txn_commit(call.txn));
}

/* LMDB would make them root's.  Where it fails, LMDB tells why.  One that is
 * there is left alone: closing it would drop the locks that this process has on
 * it. */
static void
make_files(const char *path, bool create)
{
	const char *const names[] = {"lock.mdb", "data.mdb"};
	char file[PATH_MAX];

	for (size_t i = 0; i < (create ? 2 : 1); i++) {
		int len = snprintf(file, sizeof(file), "%s/%s", path, names[i]);
		if (len < 0 || (size_t)len >= sizeof(file))
			return;
		int fd = owner_open(file, O_RDWR | O_EXCL);
		if (fd >= 0)
			close(fd);
	}
}

/* LMDB would make the file where it is missing. */
static bool
is_there(const char *path)
{
	char file[PATH_MAX];
	struct stat st;
	int len = snprintf(file, sizeof(file), "%s/data.mdb", path);

	return len > 0 && (size_t)len < sizeof(file) && stat(file, &st) == 0 &&
	       st.st_size > 0;
}

enum store_err
db_open(const struct db_options *options, struct db **out)
{
	bool create = options->create && !options->is_read_only;
	struct db *db;
	enum store_err err;

	if (!create && !is_there(options->path))
		return STORE_NOT_A_STORE;
	db = calloc(1, sizeof(*db));
	if (!db)
		return STORE_NO_MEMORY;
	mutex_init(&db->lock);
	db->is_read_only = options->is_read_only;
	err = note_opened(db, options->path);
	if (!err)
		make_files(options->path, create);
	if (!err)
		err = env_open_largest(options, &db->env);
	/* First without a write: nobody may write before its checkpoint. */
	if (!err)
		err = open_tables(db, false);
	if (err == STORE_NOT_FOUND && create)
		err = open_tables(db, true);
	else if (err == STORE_NOT_FOUND)
		err = STORE_NOT_A_STORE;
	if (err) {
		db_close(&db);
		return err;
	}
	*out = db;
	return STORE_OK;
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
		forget_opened(db);
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
		return failure("beginning a transaction", rc);
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
	return failure("copying the tables", mdb_env_copyfd2(db->env, fd, 0));
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
	err = failure("a commit", mdb_txn_commit(txn->handle));
	if (err)
		look_for_panic(db);
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

static MDB_val
to_val(struct slice s)
{
	return (MDB_val){.mv_size = s.len, .mv_data = (void *)s.data};
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
		.key = to_val(key),
	};

	if (txn->failed)
		return txn->failed;
	if (key.len == 0 || key.len > DB_KEY_MAX)
		return STORE_NOT_FOUND;
	enum store_err err = failure("a lookup", guarded(get_call, &call));
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
	MDB_val k = to_val(key);
	MDB_val v = to_val(value);

	assert(txn->is_write);
	if (txn->failed)
		return txn->failed;
	int rc = mdb_put(txn->handle, txn->db->tables[table], &k, &v, flags);
	enum store_err err = failure("a change", rc);
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
	MDB_val k = to_val(key);

	assert(txn->is_write);
	if (txn->failed)
		return txn->failed;
	if (key.len == 0 || key.len > DB_KEY_MAX)
		return STORE_NOT_FOUND;
	int rc = mdb_del(txn->handle, txn->db->tables[table], &k, NULL);
	enum store_err err = failure("a deletion", rc);
	if (err == STORE_OK)
		txn->changes++;
	else if (err != STORE_NOT_FOUND)
		txn->failed = err;
	return err;
}

enum store_err
db_count(struct db_txn *txn, enum db_table table, uint64_t *count)
{
	MDB_stat stat;
	int rc = mdb_stat(txn->handle, txn->db->tables[table], &stat);

	if (rc)
		return failure("counting", rc);
	*count = stat.ms_entries;
	return STORE_OK;
}

enum store_err
db_cursor_open(struct db_txn *txn, enum db_table table,
	struct db_cursor *cursor)
{
	MDB_cursor *handle = NULL;

	*cursor = (struct db_cursor){0};
	if (txn->failed)
		return txn->failed;
	int rc = mdb_cursor_open(txn->handle, txn->db->tables[table], &handle);
	cursor->handle = handle;
	return failure("opening a cursor", rc);
}

void
db_cursor_close(struct db_cursor *cursor)
{
	if (cursor->handle)
		mdb_cursor_close(cursor->handle);
	*cursor = (struct db_cursor){0};
}

struct cursor_call {
	MDB_cursor *cursor;
	MDB_cursor_op op;
	MDB_val key;
	MDB_val value;
};

static int
cursor_call(void *arg)
{
	struct cursor_call *call = arg;

	return mdb_cursor_get(call->cursor, &call->key, &call->value, call->op);
}

static enum store_err
move(struct db_cursor *cursor, struct slice key, MDB_cursor_op op)
{
	struct cursor_call call = {
		.cursor = cursor->handle,
		.op = op,
		.key = to_val(key),
	};
	enum store_err err = failure("a scan", guarded(cursor_call, &call));

	if (err)
		return err;
	cursor->key = slice_of(call.key.mv_data, call.key.mv_size);
	cursor->value = slice_of(call.value.mv_data, call.value.mv_size);
	return STORE_OK;
}

enum store_err
db_cursor_seek(struct db_cursor *cursor, struct slice key)
{
	if (key.len == 0)
		return move(cursor, SLICE_NULL, MDB_FIRST);
	return move(cursor, key, MDB_SET_RANGE);
}

enum store_err
db_cursor_next(struct db_cursor *cursor)
{
	return move(cursor, SLICE_NULL, MDB_NEXT);
}

enum store_err
db_cursor_seek_before(struct db_cursor *cursor, struct slice key)
{
	enum store_err err = db_cursor_seek(cursor, key);

	if (!err)
		return move(cursor, SLICE_NULL, MDB_PREV);
	return err == STORE_NOT_FOUND ? move(cursor, SLICE_NULL, MDB_LAST)
				      : err;
}
