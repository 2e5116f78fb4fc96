/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/base/mutex.h"
#include "store/base/owner.h"
#include "store/meta/db_private.h"

#define MAP_SIZE_DEFAULT (1ull << 40)
#define MAP_SIZE_LEAST (1ull << 30)
#define READERS_MAX 1024

static struct {
	pthread_mutex_t lock;
	struct opened *first; /* under lock */
} opened_here = {.lock = PTHREAD_MUTEX_INITIALIZER};

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
	[DB_NOTIFICATION] = "notification",
	[DB_EVENT] = "event",
	[DB_REPLICATION] = "replication",
	[DB_NULL] = "null",
};

/* Those from this one on are not in stores that are older than they are. */
#define FIRST_ADDED DB_NOTIFICATION

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

void
db_open_forget(struct db *db)
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
		rc = mdb_env_set_assert(env, db_on_assert);
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
			return db_failure("opening the tables", rc);
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
		if (rc == MDB_NOTFOUND && i >= FIRST_ADDED)
			call->tables[i] = DB_MISSING;
		else if (rc)
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
		return db_failure("opening the tables", rc);
	if (create) {
		call.flags = MDB_CREATE;
		rc = open_tables_call(&call);
	} else {
		rc = db_guarded(open_tables_call, &call);
	}
	if (rc) {
		mdb_txn_abort(call.txn);
		return db_failure("opening the tables", rc);
	}
	/* Of a read, too: only so do the handles outlive it. */
	return db_failure("opening the tables", mdb_txn_commit(call.txn));
}

enum store_err
db_open_added(struct db_txn *txn)
{
	MDB_dbi *tables = txn->db->tables;

	assert(txn->is_write);
	for (int i = FIRST_ADDED; i < DB_TABLES; i++) {
		if (tables[i] != DB_MISSING)
			continue;
		int rc = mdb_dbi_open(txn->handle, table_names[i], MDB_CREATE,
			&tables[i]);
		if (rc) {
			txn->failed = db_failure("making a table", rc);
			return txn->failed;
		}
		txn->added |= 1u << i;
		txn->changes++;
	}
	return STORE_OK;
}

void
db_open_forget_added(struct db *db, uint32_t added)
{
	for (int i = FIRST_ADDED; i < DB_TABLES; i++)
		if (added & (1u << i))
			db->tables[i] = DB_MISSING;
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
