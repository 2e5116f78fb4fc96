/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/base/cipher.h"
#include "store/base/digest.h"
#include "store/base/dir.h"
#include "store/base/io.h"
#include "store/base/log.h"
#include "store/base/owner.h"
#include "store/base/random.h"
#include "store/base/text.h"
#include "store/store_private.h"

#define CHECK_KEY SLICE("key-check")
#define CHECK_LEN 16

static struct store_path
path_of(const struct store *store)
{
	struct store_path path;

	if (!store->key_path)
		return store_path(store, "store.key");
	/* One that is cut is not found. */
	(void)snprintf(path.text, sizeof(path.text), "%s", store->key_path);
	return path;
}

static enum store_err
read_bytes(int fd, uint8_t key[32])
{
	uint8_t bytes[33];
	ssize_t got = read(fd, bytes, sizeof(bytes));
	enum store_err err = got < 0 ? error_from_errno(errno) : STORE_OK;

	if (!err && got != 32)
		err = STORE_BAD_KEY;
	if (!err)
		memcpy(key, bytes, 32);
	cipher_wipe(bytes, sizeof(bytes));
	return err;
}

enum store_err
store_key_read(struct store *store)
{
	struct store_path path = path_of(store);
	int fd = open(path.text, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st)) {
		enum store_err failed = error_from_errno(errno);

		log_error("%s: %s", path.text, error_sentence(failed));
		if (fd >= 0)
			close(fd);
		return failed == STORE_NOT_FOUND && !store->key_path
			       ? STORE_NO_STORE_KEY
			       : failed;
	}

	enum store_err err = STORE_OK;

	if (st.st_mode & (S_IRWXG | S_IRWXO)) {
		log_error("%s must be readable by its owner alone "
			  "(chmod 600)",
			path.text);
		err = STORE_ACCESS;
	}
	if (!err)
		err = read_bytes(fd, store->key);
	close(fd);
	return err;
}

static enum store_err
write_bytes(int fd, const uint8_t key[32])
{
	enum store_err err = io_pwrite_all(fd, key, 32, 0);

	return err ? err : io_fsync(fd);
}

enum store_err
store_key_make(struct store *store)
{
	struct store_path path = path_of(store);
	int fd = owner_open(path.text, O_WRONLY | O_EXCL);

	/* Somebody keeps keys somewhere: this one is for this store. */
	if (fd < 0 && errno == EEXIST && store->key_path)
		return store_key_read(store);
	if (fd < 0)
		return error_from_errno(errno);
	random_bytes(store->key, sizeof(store->key));
	enum store_err err = write_bytes(fd, store->key);
	close(fd);
	/* The name, too, before anything is sealed under the key. */
	return err ? err : dir_flush_above(path.text);
}

static void
make_check(const struct store *store, uint8_t check[CHECK_LEN])
{
	cipher_derive(slice_of(store->key, sizeof(store->key)), SLICE_NULL,
		SLICE("tarn key check"), check, CHECK_LEN);
}

void
store_key_trace(const struct store *store, char trace[STORE_KEY_TRACE_LEN])
{
	uint8_t check[CHECK_LEN];

	make_check(store, check);
	text_to_hex(check, CHECK_LEN, trace);
	trace[STORE_KEY_TRACE_LEN - 1] = '\0';
}

enum store_err
store_key_note(const struct store *store, struct db_txn *txn)
{
	uint8_t check[CHECK_LEN];

	make_check(store, check);
	return db_put(txn, DB_META, CHECK_KEY, slice_of(check, CHECK_LEN));
}

enum store_err
store_key_check(const struct store *store)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	uint8_t check[CHECK_LEN];
	struct slice noted;
	enum store_err err = db_begin_read(store->db, &txn);

	if (!err)
		err = db_get(txn, DB_META, CHECK_KEY, &noted);
	/* Stores from before there was a check. */
	if (err)
		return err == STORE_NOT_FOUND ? STORE_OK : err;
	make_check(store, check);
	return noted.len == CHECK_LEN &&
			       digest_equal(noted.data, check, CHECK_LEN)
		       ? STORE_OK
		       : STORE_BAD_KEY;
}
