/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "store/meta/key.h"
#include "store/upload.h"
#include "tests/store/names.h"
#include "tests/store/objects.h"
#include "tests/support/temp_store.h"

Test(bucket_delete, is_deleted_only_when_empty)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t ino = names_bucket(temp.store, "photos");
	struct bucket bucket;
	struct inode inode;

	/* Hidden from S3, but there. */
	cr_assert(eq(int,
		tree_symlink(temp.store, ino, SLICE("l"), SLICE("to"),
			&names_owner, &inode),
		STORE_OK));
	cr_expect(eq(int, bucket_delete(temp.store, SLICE("photos")),
		STORE_BUCKET_NOT_EMPTY));
	cr_assert(eq(int, tree_unlink(temp.store, ino, SLICE("l"), &inode),
		STORE_OK));

	cr_expect(eq(int, bucket_delete(temp.store, SLICE("photos")),
		STORE_OK));

	cr_expect(eq(int, bucket_get(temp.store, SLICE("photos"), &bucket),
		STORE_NO_BUCKET));
	cr_expect(eq(int, names_put(temp.store, ino, "k"), STORE_STALE));
	cr_expect(eq(int,
		bucket_create(temp.store, SLICE("photos"), SLICE("default"),
			&bucket),
		STORE_OK));
	cr_expect(ne(u64, bucket.ino, ino));
	cr_expect(names_are_sound(temp.store));
}

Test(bucket_delete, one_that_is_known_is_not_taken_for_another_of_its_name)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	struct bucket first, second;

	cr_assert(eq(int,
		bucket_create(temp.store, SLICE("photos"), SLICE("default"),
			&first),
		STORE_OK));
	cr_assert(eq(int, bucket_delete(temp.store, SLICE("photos")),
		STORE_OK));
	cr_assert(eq(int,
		bucket_create(temp.store, SLICE("photos"), SLICE("default"),
			&second),
		STORE_OK));

	cr_expect(eq(int, bucket_delete_known(temp.store, &first),
		STORE_NO_BUCKET));
	cr_expect(eq(int, bucket_delete_known(temp.store, &second), STORE_OK));
}

Test(bucket_delete, takes_its_uploads_and_documents_with_it)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	scoped(arena_free) struct arena arena = {0};
	uint64_t ino = names_bucket(temp.store, "photos");
	uint64_t other = names_bucket(temp.store, "other");
	struct upload_info info = {.created_ns = 1};
	struct upload_part_info part_info = {.number = 1, .size = 3};
	struct upload_part *part = NULL;
	struct slice value = SLICE("{}");
	char id[UPLOAD_ID_LEN + 1];

	cr_assert(eq(int, upload_begin(temp.store, ino, SLICE("k"), &info, id),
		STORE_OK));
	cr_assert(eq(int,
		upload_part_begin(temp.store, ino, SLICE("k"), slice_str(id), 1,
			3, &part),
		STORE_OK));
	cr_assert(eq(int, upload_part_write(part, SLICE("abc")), STORE_OK));
	cr_assert(eq(int, upload_part_commit(&part, &part_info), STORE_OK));
	cr_assert(eq(int,
		bucket_set_document(temp.store, ino, SLICE("policy"), &value),
		STORE_OK));
	cr_assert(eq(int,
		bucket_set_document(temp.store, other, SLICE("policy"), &value),
		STORE_OK));
	cr_assert(gt(u64, objects_blob_records(temp.store), 0));

	cr_expect(eq(int, bucket_delete(temp.store, SLICE("photos")),
		STORE_OK));

	cr_expect(eq(u64, objects_blob_records(temp.store), 0));
	cr_expect(eq(int,
		bucket_get_document(temp.store, ino, SLICE("policy"), &arena,
			&value),
		STORE_NOT_FOUND));
	cr_expect(eq(int,
		bucket_get_document(temp.store, other, SLICE("policy"), &arena,
			&value),
		STORE_OK));
	cr_expect(names_are_sound(temp.store));
}

enum { UPLOADS = 10001 };

static enum store_err
apply_uploads(struct store *store, struct db_txn *txn, void *arg)
{
	scoped(buffer_free) struct buffer value = {0};
	const struct record_upload upload = {.key = SLICE("k")};
	uint64_t *bucket = arg, number;
	enum store_err err = STORE_OK;

	(void)store;
	record_upload_encode(&value, &upload);
	for (int i = 0; i < UPLOADS && !err; i++) {
		err = commit_new_number(txn, &number);
		struct key key = key_u64_u64(*bucket, number);
		if (!err)
			err = db_put(txn, DB_UPLOAD, key_slice(&key),
				buffer_slice(&value));
	}
	return err;
}

Test(bucket_delete, uploads_of_one_that_is_deleted_go_by_several_transactions)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	cr_assert(zero(int,
		commit_run(temp.store, apply_uploads, &bucket, NULL)));

	cr_assert(zero(int, objects_put(temp.store, bucket, "k", "1")));
	cr_expect(eq(int, bucket_delete(temp.store, SLICE("bucket")),
		STORE_BUCKET_NOT_EMPTY));
	cr_expect(eq(u64, objects_rows(temp.store, DB_UPLOAD), UPLOADS));
	cr_assert(zero(int,
		object_delete(temp.store, bucket, SLICE("k"), NULL)));
	uint64_t before = db_last_commit(temp.store->db);
	cr_expect(zero(int, bucket_delete(temp.store, SLICE("bucket"))));

	cr_expect(ge(u64, db_last_commit(temp.store->db) - before, 2));
	cr_expect(zero(u64, objects_rows(temp.store, DB_UPLOAD)));
	cr_expect(names_are_sound(temp.store));
}
