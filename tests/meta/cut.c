/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/meta/cut.h"

#include <assert.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/meta/key.h"

#define SECTOR 512
#define KEYS 2000

uint64_t
cut_random_next(struct cut_random *random)
{
	uint64_t x = random->state;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	random->state = x;
	return x;
}

uint64_t
cut_random_below(struct cut_random *random, uint64_t below)
{
	return cut_random_next(random) % below;
}

struct cut_image
cut_read(const char *path)
{
	int fd = open(path, O_RDONLY);
	struct stat st;
	struct cut_image image;
	ssize_t n;

	assert(fd >= 0 && fstat(fd, &st) == 0);
	image.len = (size_t)st.st_size;
	image.data = malloc(image.len + 1);
	assert(image.data);
	n = pread(fd, image.data, image.len, 0);
	assert(n == st.st_size);
	close(fd);
	return image;
}

void
cut_write(const char *path, const char *data, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	ssize_t n;

	assert(fd >= 0);
	n = pwrite(fd, data, len, 0);
	assert(n == (ssize_t)len);
	close(fd);
}

void
cut_free(struct cut_image *image)
{
	free(image->data);
	image->data = NULL;
}

void
cut_mix(struct cut_random *random, const char *path,
	const struct cut_image *flushed, const struct cut_image *at_cut)
{
	size_t spare = at_cut->len - flushed->len;
	size_t len = flushed->len + cut_random_below(random, spare + 1);
	char *mixed = calloc(1, len);

	assert(mixed);
	for (size_t at = 0; at < len; at += SECTOR) {
		size_t part = len - at < SECTOR ? len - at : SECTOR;
		bool was_flushed = at + part <= flushed->len;

		if (cut_random_below(random, 2))
			memcpy(mixed + at, at_cut->data + at, part);
		else if (was_flushed)
			memcpy(mixed + at, flushed->data + at, part);
	}
	cut_write(path, mixed, len);
	free(mixed);
}

static void
change(struct cut_random *random, struct db_txn *txn)
{
	static const enum db_table tables[] = {DB_INODE, DB_DENTRY, DB_BLOB};
	enum db_table table = tables[cut_random_below(random, 3)];
	struct key key = key_u64(cut_random_below(random, KEYS));
	char value[5000];
	enum store_err err;

	if (cut_random_below(random, 3) == 0) {
		err = db_delete(txn, table, key_slice(&key));
		assert(!err || err == STORE_NOT_FOUND);
		return;
	}
	/* Some are longer than a page: LMDB keeps them apart. */
	size_t len = cut_random_below(random,
		cut_random_below(random, 20) ? 200 : sizeof(value));
	memset(value, (int)cut_random_below(random, 256), len);
	err = db_put(txn, table, key_slice(&key), slice_of(value, len));
	assert(!err);
}

void
cut_workload(struct cut_random *random, struct db *db, unsigned int commits)
{
	while (commits-- > 0) {
		struct db_txn *txn = NULL;
		uint64_t changes = 1 + cut_random_below(random, 40);
		uint64_t number;
		enum store_err err = db_begin_write(db, &txn);

		assert(!err);
		while (changes-- > 0)
			change(random, txn);
		if (cut_random_below(random, 9) == 0) {
			db_abort(&txn);
			continue;
		}
		err = db_commit(&txn, &number);
		assert(!err);
	}
}

static uint64_t
hash(uint64_t sum, struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		sum = (sum ^ (uint8_t)s.data[i]) * 1099511628211ull;
	return (sum ^ s.len) * 1099511628211ull;
}

static enum store_err
read_contents(struct db_txn *txn, uint64_t *contents)
{
	uint64_t sum = 1469598103934665603ull;

	for (int table = 0; table < DB_TABLES; table++) {
		scoped(db_cursor_close) struct db_cursor cursor = {0};
		enum store_err err =
			db_cursor_open(txn, (enum db_table)table, &cursor);

		if (!err)
			err = db_cursor_seek(&cursor, SLICE_NULL);
		while (!err) {
			sum = hash(hash(sum, cursor.key), cursor.value);
			err = db_cursor_next(&cursor);
		}
		if (err != STORE_NOT_FOUND)
			return err;
		sum = hash(sum, SLICE("table"));
	}
	*contents = sum;
	return STORE_OK;
}

uint64_t
cut_contents(struct db *db)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	uint64_t contents = 0;
	enum store_err err = db_begin_read(db, &txn);

	assert(!err);
	err = read_contents(txn, &contents);
	assert(!err);
	return contents;
}

static bool
takes_writes(struct db *db)
{
	struct db_txn *txn = NULL;
	uint64_t number;

	if (db_begin_write(db, &txn))
		return false;
	for (uint64_t i = 0; i < 300; i++) {
		struct key key = key_u64(KEYS + i);

		if (db_put(txn, DB_INODE, key_slice(&key), SLICE("new"))) {
			db_abort(&txn);
			return false;
		}
	}
	return db_commit(&txn, &number) == STORE_OK;
}

bool
cut_is_whole(const char *meta_path, uint64_t contents)
{
	scoped(db_close) struct db *db = NULL;
	struct db_options options = {.path = meta_path, .map_size = 1 << 28};
	uint64_t found = 0;

	if (db_open(&options, &db))
		return false;
	struct db_txn *txn = NULL;
	if (db_begin_read(db, &txn))
		return false;
	enum store_err err = read_contents(txn, &found);
	db_abort(&txn);
	if (err || found != contents || !takes_writes(db))
		return false;
	(void)cut_contents(db);
	return true;
}
