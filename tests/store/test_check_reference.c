/* SPDX-License-Identifier: Apache-2.0 */
/* Each test breaks the store behind the engine's back. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "store/meta/key.h"
#include "tests/store/checks.h"
#include "tests/store/raw.h"
#include "tests/support/temp_store.h"

Test(check_reference, a_wrong_count_of_references)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	scoped(buffer_free) struct buffer value = {0};
	uint64_t bucket = checks_fill(temp.store);
	struct inode file = checks_find(temp.store, bucket, "k", TREE_FILE);
	struct record_blob record = raw_blob(temp.store, file.blob);

	record.references = 5;
	record_blob_encode(&value, &record);
	raw_put(temp.store, DB_BLOB, key_u64(file.blob), buffer_slice(&value));
	checks_expect_repair(temp.store, CHECK_REFERENCES);

	/* Its record is gone altogether. */
	raw_delete(temp.store, DB_BLOB, key_u64(file.blob));
	checks_expect_repair(temp.store, CHECK_REFERENCES);
	cr_expect(objects_is(temp.store, bucket, "k", "12345"));

	/* With nobody's lease on its number any more, too. */
	temp_store_reopen(&temp);
	raw_delete(temp.store, DB_BLOB, key_u64(file.blob));
	checks_expect_repair(temp.store, CHECK_REFERENCES);
	cr_expect(objects_is(temp.store, bucket, "k", "12345"));

	/* It would be reclaimed. */
	raw_put(temp.store, DB_FREED, key_u64(file.blob),
		SLICE("\xff\xff\xff\xff\xff\xff\xff\x7f"));
	checks_expect_repair(temp.store, CHECK_REFERENCES);

	/* Nothing names it. */
	file.blob = 0;
	file.size = 0;
	raw_inode(temp.store, &file);
	checks_expect_repair(temp.store, CHECK_REFERENCES);
	cr_expect(eq(u64, objects_blob_records(temp.store), 1));
}

Test(check_reference,
	a_part_without_its_upload_and_an_upload_without_its_bucket)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	scoped(buffer_free) struct buffer value = {0};
	const struct record_part part = {.size = 1};
	const struct record_upload upload = {.key = SLICE("k")};

	checks_fill(temp.store);
	record_part_encode(&value, &part);
	raw_put(temp.store, DB_PART, key_u64_u64(1u << 30, 1),
		buffer_slice(&value));
	checks_expect_repair(temp.store, CHECK_UPLOAD);

	raw_put(temp.store, DB_PART, key_u64_u64(1u << 30, 1),
		buffer_slice(&value));
	buffer_clear(&value);
	record_upload_encode(&value, &upload);
	raw_put(temp.store, DB_UPLOAD, key_u64_u64(1u << 29, 1u << 30),
		buffer_slice(&value));
	checks_expect_repair(temp.store, CHECK_UPLOAD);
}
