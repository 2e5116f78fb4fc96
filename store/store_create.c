/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The line in STORE/format comes last: a directory without it is no store.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/access_day_private.h"
#include "store/base/cipher.h"
#include "store/base/dir.h"
#include "store/base/inode.h"
#include "store/base/io.h"
#include "store/base/owner.h"
#include "store/counter_private.h"
#include "store/meta/checkpoint.h"
#include "store/store_private.h"

#define REGION_MAX 63

static enum store_err
make_dir(const struct store *store, const char *name)
{
	struct store_path path = store_path(store, name);

	return owner_mkdir(path.text) ? error_from_errno(errno) : STORE_OK;
}

static enum store_err
make_file(const struct store *store, const char *name, struct slice content)
{
	struct store_path path = store_path(store, name);
	int fd = owner_open(path.text, O_WRONLY | O_EXCL);

	if (fd < 0)
		return error_from_errno(errno);
	enum store_err err = io_pwrite_all(fd, content.data, content.len, 0);
	if (!err)
		err = io_fsync(fd);
	close(fd);
	return err;
}

static enum store_err
fill_tables(struct store *store, struct slice region)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	uint64_t number;
	enum store_err err = db_begin_write(store->db, &txn);

	if (!err)
		err = db_put(txn, DB_META, SLICE("region"), region);
	if (!err)
		err = store_key_note(store, txn);
	if (!err)
		err = counter_set(txn, COUNTER_NUMBER, INODE_ROOT + 1);
	if (!err)
		err = counter_set(txn, COUNTER_BLOB, 1);
	if (!err)
		err = counter_set(txn, COUNTER_SESSION, 1);
	if (!err)
		err = access_day_begin_store(txn);
	return err ? err : db_commit(&txn, &number);
}

static enum store_err
flush_nothing(struct db_txn *snapshot, void *context)
{
	(void)snapshot;
	(void)context;
	return STORE_OK;
}

static enum store_err
checkpoint_tables(struct store *store)
{
	struct store_path side = store_path(store, "meta/checkpoint");
	scoped(checkpoint_close) struct checkpoint *checkpoint = NULL;
	uint64_t number;
	enum store_err err = checkpoint_open(store->db, side.text, &checkpoint);

	return err ? err
		   : checkpoint_make(checkpoint, flush_nothing, NULL, &number);
}

static enum store_err
make_tables(struct store *store, struct slice region)
{
	struct store_path meta = store_path(store, "meta");
	struct db_options options = {.path = meta.text, .create = true};
	enum store_err err = db_open(&options, &store->db);

	if (!err)
		err = fill_tables(store, region);
	if (!err)
		err = checkpoint_tables(store);
	db_close(&store->db);
	return err ? err : dir_flush(meta.text);
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *place)
{
	(void)st;
	(void)type;
	return place->level > 0 ? remove(path) : 0;
}

/* What was begun is in the way of the next try. */
static void
empty(const char *path)
{
	(void)nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* All but meta/, which is there. */
static enum store_err
fill(struct store *store, struct slice region)
{
	char format[64];
	int len = snprintf(format, sizeof(format), STORE_FORMAT_PREFIX "%d\n",
		STORE_FORMAT_VERSION);
	enum store_err err = make_dir(store, "data");

	if (!err)
		err = make_dir(store, "run");
	if (!err)
		err = store_key_make(store);
	if (!err)
		err = make_tables(store, region);
	if (!err)
		err = dir_flush(store->path);
	if (!err)
		err = make_file(store, "format", slice_of(format, (size_t)len));
	if (!err)
		err = dir_flush(store->path);
	return err ? err : dir_flush_above(store->path);
}

/* Makes the directory, or takes an empty one. */
static enum store_err
take_dir(const char *path, bool *is_new)
{
	*is_new = !mkdir(path, 0700);
	if (*is_new)
		return STORE_OK;
	if (errno != EEXIST)
		return error_from_errno(errno);
	enum store_err err = dir_expect_empty(path);
	if (err)
		return err;
	return chmod(path, 0700) ? error_from_errno(errno) : STORE_OK;
}

enum store_err
store_create(const char *path, struct slice region, const char *key_path)
{
	struct store store = {.key_path = key_path};
	struct stat st;
	bool is_new = false;

	if (region.len == 0 || region.len > REGION_MAX)
		return STORE_INVALID;
	store.path = realpath(path, NULL);
	if (store.path) {
		struct store_path format = store_path(&store, "format");

		free(store.path);
		if (!stat(format.text, &st))
			return STORE_EXISTS;
	}
	enum store_err err = take_dir(path, &is_new);
	if (err)
		return err;
	store.path = realpath(path, NULL);
	if (!store.path)
		return error_from_errno(errno);
	/* Who makes meta/ has the directory. */
	err = make_dir(&store, "meta");
	if (!err) {
		err = fill(&store, region);
		if (err)
			empty(store.path);
	}
	if (err && is_new)
		(void)rmdir(store.path);
	cipher_wipe(store.key, sizeof(store.key));
	free(store.path);
	return err;
}
