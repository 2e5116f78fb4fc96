/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <unistd.h>

#include "store/meta/key.h"
#include "tests/store/names.h"
#include "tests/store/objects.h"
#include "tests/support/temp_store.h"

static uint64_t
rows(struct store *store, enum db_table table)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	uint64_t count;

	cr_assert(eq(int, db_begin_read(store->db, &txn), STORE_OK));
	cr_assert(eq(int, db_count(txn, table, &count), STORE_OK));
	return count;
}

static struct slice
long_name(char *to, size_t len, char last)
{
	memset(to, 'n', len);
	to[len - 1] = last;
	to[len] = '\0';
	return slice_of(to, len);
}

/* --- names ---------------------------------------------------------------- */

Test(dentry, long_names_are_found_and_leave_nothing_behind)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = names_bucket(temp.store, "bucket");
	static const size_t lens[] = {479, 480, 481, 959, 960, 961, 1023, 1024};
	char key[TREE_KEY_MAX + 1];

	for (size_t i = 0; i < array_len(lens); i++) {
		long_name(key, lens[i], 'n');
		cr_assert(eq(int, names_put(temp.store, bucket, key),
			STORE_OK));
	}
	cr_expect(eq(u64, names_objects(temp.store, bucket), 8));
	cr_expect(names_are_sound(temp.store));
	for (size_t i = 0; i < array_len(lens); i++) {
		long_name(key, lens[i], 'n');
		cr_expect(eq(int, names_delete(temp.store, bucket, key),
			STORE_OK));
		cr_expect(eq(int, names_delete(temp.store, bucket, key),
			STORE_NOT_FOUND));
	}

	cr_expect(eq(u64, rows(temp.store, DB_DENTRY), 0));
}

Test(dentry, a_cursor_gives_long_names_whole_and_in_order)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	scoped(db_abort) struct db_txn *txn = NULL;
	scoped(dentry_cursor_close) struct dentry_cursor *cursor = NULL;
	uint64_t bucket = names_bucket(temp.store, "bucket");
	char keys[6][TREE_KEY_MAX + 1];
	struct record_dentry dentry;
	struct slice name;

	long_name(keys[0], 480, 'm');
	long_name(keys[1], 480, 'n');
	long_name(keys[2], 700, 'a');
	long_name(keys[3], 700, 'z');
	long_name(keys[4], 1000, 'n');
	memcpy(keys[5], "o", 2);
	for (size_t i = 6; i-- > 0;)
		cr_assert(eq(int, names_put(temp.store, bucket, keys[i]),
			STORE_OK));
	cr_assert(eq(int, db_begin_read(temp.store->db, &txn), STORE_OK));

	/* 700 bytes that end in 'a' are below 1000 of 'n', 'z' is above. */
	static const int order[] = {0, 1, 2, 4, 3, 5};
	for (size_t from = 0; from < 6; from++) {
		struct slice start = slice_str(keys[order[from]]);

		for (int is_after = 0; is_after < 2; is_after++) {
			if (cursor)
				cr_assert(eq(int,
					dentry_cursor_restart(cursor, bucket,
						start, is_after),
					STORE_OK));
			else
				cr_assert(eq(int,
					dentry_cursor_open(txn, bucket, start,
						is_after, &cursor),
					STORE_OK));
			for (size_t i = from + is_after; i < 6; i++) {
				cr_assert(eq(int,
					dentry_cursor_next(cursor, &name,
						&dentry),
					STORE_OK));
				cr_expect(slice_equal(name,
					slice_str(keys[order[i]])));
			}
			cr_expect(eq(int,
				dentry_cursor_next(cursor, &name, &dentry),
				STORE_NOT_FOUND));
		}
	}
}

Test(dentry, a_cursor_seeks_among_long_names)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	scoped(db_abort) struct db_txn *txn = NULL;
	scoped(dentry_cursor_close) struct dentry_cursor *cursor = NULL;
	uint64_t bucket = names_bucket(temp.store, "bucket");
	char key[TREE_KEY_MAX + 1], start[2 * TREE_KEY_MAX + 1];
	struct record_dentry dentry;
	struct slice name;

	long_name(key, 1000, 'n');
	cr_assert(eq(int, names_put(temp.store, bucket, key), STORE_OK));
	cr_assert(eq(int, names_put(temp.store, bucket, "o"), STORE_OK));
	cr_assert(eq(int, db_begin_read(temp.store->db, &txn), STORE_OK));
	cr_assert(eq(int,
		dentry_cursor_open(txn, bucket, SLICE_NULL, false, &cursor),
		STORE_OK));

	long_name(start, 999, 'n');
	cr_expect(eq(int,
		dentry_cursor_restart(cursor, bucket, slice_str(start), false),
		STORE_OK));
	cr_expect(eq(int, dentry_cursor_next(cursor, &name, &dentry),
		STORE_OK));
	cr_expect(eq(sz, name.len, 1000));

	/* Longer than any name can be. */
	for (size_t len = 1001; len <= 2 * TREE_KEY_MAX; len += 149) {
		long_name(start, len, 'n');
		cr_expect(eq(int,
			dentry_cursor_restart(cursor, bucket, slice_str(start),
				false),
			STORE_OK));
		cr_expect(eq(int, dentry_cursor_next(cursor, &name, &dentry),
			STORE_OK));
		cr_expect(eq(sz, name.len, 1), "start of %zu", len);
	}
}

/* --- keys ----------------------------------------------------------------- */

Test(dentry, refuses_what_is_no_key)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = names_bucket(temp.store, "bucket");
	char key[TREE_KEY_MAX + 2];

	long_name(key, TREE_KEY_MAX + 1, 'n');
	cr_expect(eq(int, names_put(temp.store, bucket, key),
		STORE_KEY_TOO_LONG));
	cr_expect(eq(int, names_put(temp.store, bucket, ""), STORE_BAD_NAME));
	cr_expect(eq(int, names_put(temp.store, bucket, "a\xff"),
		STORE_BAD_NAME));
	cr_expect(eq(int, names_put(temp.store, 9999, "a"), STORE_STALE));
	cr_expect(eq(int, names_delete(temp.store, bucket, "no/such/key"),
		STORE_NOT_FOUND));
	cr_expect(eq(u64, rows(temp.store, DB_DENTRY), 0));
}

Test(dentry, implicit_directories_go_with_their_last_child)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = names_bucket(temp.store, "bucket");
	uint64_t inodes = rows(temp.store, DB_INODE);

	cr_assert(eq(int, names_put(temp.store, bucket, "a/b/c/d"), STORE_OK));
	cr_assert(eq(int, names_put(temp.store, bucket, "a/b/e"), STORE_OK));
	cr_expect(eq(u64, rows(temp.store, DB_INODE), inodes + 5));
	cr_assert(eq(int, names_delete(temp.store, bucket, "a/b/c/d"),
		STORE_OK));

	cr_expect(eq(u64, names_dir(temp.store, bucket, "a/b/c/"), 0));
	cr_expect(ne(u64, names_dir(temp.store, bucket, "a/b/"), 0));

	cr_assert(eq(int, names_delete(temp.store, bucket, "a/b/e"), STORE_OK));

	cr_expect(eq(u64, rows(temp.store, DB_DENTRY), 0));
	cr_expect(eq(u64, rows(temp.store, DB_INODE), inodes));
	cr_expect(names_are_sound(temp.store));
}

Test(dentry, explicit_directories_stay_and_are_objects)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = names_bucket(temp.store, "bucket");

	cr_assert(eq(int, names_put(temp.store, bucket, "a/b"), STORE_OK));
	uint64_t dir = names_dir(temp.store, bucket, "a/");
	cr_assert(eq(int, names_put(temp.store, bucket, "a/"), STORE_OK));
	cr_expect(eq(u64, names_dir(temp.store, bucket, "a/"), dir));
	cr_expect(eq(u64, names_objects(temp.store, bucket), 2));

	cr_assert(eq(int, names_delete(temp.store, bucket, "a/b"), STORE_OK));
	cr_expect(names_lists(temp.store, bucket, "", "", "a/\n"));

	cr_assert(eq(int, names_delete(temp.store, bucket, "a/"), STORE_OK));
	cr_expect(eq(u64, rows(temp.store, DB_DENTRY), 0));
	cr_expect(eq(u64, names_objects(temp.store, bucket), 0));
}

Test(dentry, deleting_a_directory_that_has_entries_makes_it_implicit)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = names_bucket(temp.store, "bucket");

	cr_assert(eq(int, names_put(temp.store, bucket, "a/"), STORE_OK));
	cr_assert(eq(int, names_put(temp.store, bucket, "a/b"), STORE_OK));
	cr_expect(eq(int, names_delete(temp.store, bucket, "a/"), STORE_OK));

	cr_expect(names_lists(temp.store, bucket, "", "", "a/b\n"));
	cr_expect(eq(int, names_delete(temp.store, bucket, "a/"),
		STORE_NOT_FOUND));
	cr_expect(eq(u64, names_objects(temp.store, bucket), 1));
	cr_expect(names_are_sound(temp.store));
}

Test(dentry, a_directory_object_may_hold_bytes)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = names_bucket(temp.store, "bucket");

	cr_assert(eq(int, objects_put(temp.store, bucket, "a/", "12345"),
		STORE_OK));
	cr_assert(eq(int, objects_put(temp.store, bucket, "a/b", "1"),
		STORE_OK));
	cr_expect(eq(u64, names_bytes(temp.store, bucket), 6));
	cr_assert(eq(int, objects_put(temp.store, bucket, "a/", "123"),
		STORE_OK));

	cr_expect(objects_is(temp.store, bucket, "a/", "123"));
	cr_expect(eq(u64, names_bytes(temp.store, bucket), 4));
	cr_expect(eq(u64, objects_blob_records(temp.store), 2));
	cr_assert(eq(int, names_delete(temp.store, bucket, "a/"), STORE_OK));
	cr_expect(eq(u64, names_bytes(temp.store, bucket), 1));
	cr_expect(eq(u64, objects_blob_records(temp.store), 1));
	cr_expect(names_are_sound(temp.store));
}

/* --- inodes --------------------------------------------------------------- */

Test(dentry, what_is_replaced_gives_its_data_back)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = names_bucket(temp.store, "bucket");

	cr_assert(eq(int, objects_put(temp.store, bucket, "k", "old"),
		STORE_OK));
	cr_assert(eq(int,
		names_put_size(temp.store, bucket, SLICE("k"), 0, 0, NULL),
		STORE_OK));

	cr_expect(eq(u64, objects_blob_records(temp.store), 0));
	cr_expect(eq(u64, names_objects(temp.store, bucket), 1));
	cr_expect(eq(u64, names_bytes(temp.store, bucket), 0));
	cr_expect(names_are_sound(temp.store));
}

static enum store_err
publish(struct store *store, struct db_txn *txn, void *arg)
{
	struct inode was, now;
	enum store_err err = dentry_inode(txn, *(uint64_t *)arg, &was);

	(void)store;
	if (err)
		return err;
	now = was;
	now.flags = 0;
	now.size = 70;
	return dentry_update_inode(txn, &was, &now);
}

Test(dentry, a_file_counts_once_it_is_published_with_each_of_its_names)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = names_bucket(temp.store, "bucket");
	struct inode inode;
	uint64_t ino;

	cr_assert(eq(int,
		names_put_size(temp.store, bucket, SLICE("k"), 50,
			INODE_UNPUBLISHED, &ino),
		STORE_OK));
	cr_assert(eq(int,
		tree_link(temp.store, ino, bucket, SLICE("l"), &inode),
		STORE_OK));
	cr_expect(eq(u64, names_objects(temp.store, bucket), 0));
	cr_assert(eq(int, names_change(temp.store, publish, &ino), STORE_OK));

	cr_expect(eq(u64, names_objects(temp.store, bucket), 2));
	cr_expect(eq(u64, names_bytes(temp.store, bucket), 140));
	cr_assert(eq(int, tree_unlink(temp.store, bucket, SLICE("k"), &inode),
		STORE_OK));
	cr_expect(eq(u32, inode.nlink, 1));
	cr_expect(eq(u64, names_bytes(temp.store, bucket), 70));
}

Test(dentry, a_dirty_inode_is_as_its_data_file_says)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = names_bucket(temp.store, "bucket");
	struct inode inode, seen;
	int fd;

	cr_assert(eq(int,
		objects_put_if(temp.store, bucket, "k", objects_large(), NULL),
		STORE_OK));
	cr_assert(eq(int,
		tree_lookup(temp.store, bucket, SLICE("k"), TREE_FILE, NULL,
			&inode),
		STORE_OK));
	cr_assert(eq(int, blob_open(temp.store->blobs, inode.blob, O_RDWR, &fd),
		STORE_OK));
	cr_assert(eq(int, ftruncate(fd, 5), 0));
	close(fd);

	seen = inode;
	cr_expect(eq(int, dentry_refresh_inode(temp.store, &seen), STORE_OK));
	cr_expect(eq(u64, seen.size, OBJECTS_LARGE),
		"what is not dirty is as recorded");
	seen.flags |= INODE_DIRTY;
	cr_expect(eq(int, dentry_refresh_inode(temp.store, &seen), STORE_OK));
	cr_expect(eq(u64, seen.size, 5));
	cr_expect(eq(u32, seen.etag.parts, 1));
	cr_expect(ne(int, memcmp(seen.etag.value, inode.etag.value, 16), 0));

	/* Refreshed again, it is the same; another size has another ETag. */
	struct inode again = seen;
	cr_expect(eq(int, dentry_refresh_inode(temp.store, &again), STORE_OK));
	cr_expect(eq(int, memcmp(&again.etag, &seen.etag, sizeof(seen.etag)),
		0));
	cr_assert(eq(int, blob_open(temp.store->blobs, inode.blob, O_RDWR, &fd),
		STORE_OK));
	cr_assert(eq(int, ftruncate(fd, 1), 0));
	close(fd);
	cr_expect(eq(int, dentry_refresh_inode(temp.store, &again), STORE_OK));
	cr_expect(eq(u64, again.size, 1));
	cr_expect(ne(int, memcmp(again.etag.value, seen.etag.value, 16), 0));
}
