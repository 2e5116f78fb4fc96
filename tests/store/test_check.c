/* SPDX-License-Identifier: Apache-2.0 */
/* Each test breaks the store behind the engine's back. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "store/base/codec.h"
#include "store/check_private.h"
#include "store/counter_private.h"
#include "store/meta/key.h"
#include "store/upload.h"
#include "tests/store/checks.h"
#include "tests/store/raw.h"
#include "tests/support/other_process.h"
#include "tests/support/temp_store.h"

Test(check, a_sound_store_has_no_findings)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	struct check_result result;

	checks_fill(temp.store);
	cr_assert(eq(int,
		check_store(temp.store, CHECK_REPAIR, names_print_finding, NULL,
			&result),
		STORE_OK));
	cr_expect(eq(u64, result.findings, 0));
	cr_expect(eq(u64, result.buckets, 1));
	cr_expect(eq(u64, result.inodes, 5));
	cr_expect(eq(u64, result.dentries, 4));
	cr_expect(eq(u64, result.blobs, 2));
	cr_expect(eq(u64, result.bytes, 6));
}

Test(check, every_kind_has_a_name)
{
	for (int kind = 0; kind < CHECK_KINDS; kind++)
		cr_expect(ne(ptr, (void *)check_kind_name(kind), NULL));
	cr_expect(eq(str, (char *)check_kind_name(CHECK_BLOB_MISSING),
		"blob-missing"));
}

Test(check, records_that_do_not_decode)
{
	static const enum db_table tables[] = {DB_BUCKET, DB_DENTRY, DB_INODE,
		DB_BLOB, DB_UPLOAD, DB_PART, DB_USAGE, DB_SESSION, DB_CHANGE};

	for (size_t i = 0; i < array_len(tables); i++) {
		scoped(temp_store_close) struct temp_store temp =
				temp_store_open();
		uint64_t bucket = checks_fill(temp.store);

		raw_put(temp.store, tables[i],
			tables[i] == DB_DENTRY ? key_dentry(bucket, SLICE("zz"))
					       : key_u64(1u << 30),
			SLICE("garbage"));
		checks_expect_repair(temp.store, CHECK_RECORD);
		cr_expect(names_lists(temp.store, bucket, "", "",
			"d/e/\nd/f\nk\n"));
	}
}

Test(check, keys_that_do_not_decode)
{
	static const enum db_table tables[] = {DB_DENTRY, DB_INODE, DB_BLOB,
		DB_UPLOAD, DB_PART, DB_USAGE, DB_SESSION, DB_FREED, DB_OPEN,
		DB_LEASE};

	for (size_t i = 0; i < array_len(tables); i++) {
		scoped(temp_store_close) struct temp_store temp =
				temp_store_open();

		checks_fill(temp.store);
		raw_put(temp.store, tables[i], key_text(SLICE("key")),
			SLICE("x"));
		checks_expect_repair(temp.store, CHECK_RECORD);
	}
}

static enum store_err
apply_later(struct store *store, struct db_txn *txn, void *unused)
{
	(void)store;
	(void)unused;
	return counter_set(txn, COUNTER_GENERATION, RECORD_GENERATION + 1);
}

static enum store_err
apply_garbage(struct store *store, struct db_txn *txn, void *unused)
{
	(void)store;
	(void)unused;
	return db_put(txn, DB_META, SLICE(COUNTER_GENERATION), SLICE("bad"));
}

/* A later tarn has had it open for writing. */
static void
become_later(struct store *store)
{
	cr_assert(zero(int, commit_run(store, apply_later, NULL, NULL)));
}

/* After a downgrade: what the record names is not lost. */
Test(check, a_record_of_a_later_version_keeps_all_repairs_away)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	scoped(buffer_free) struct buffer value = {0};
	uint64_t bucket = checks_fill(temp.store);
	struct inode file = checks_find(temp.store, bucket, "k", TREE_FILE);
	struct inode other = checks_find(temp.store, bucket, "d", TREE_DIR);

	become_later(temp.store);
	other.nlink = 7;
	raw_inode(temp.store, &other);
	record_inode_encode(&value, &file);
	value.data[0] = 15;
	raw_put(temp.store, DB_INODE, key_u64(file.ino), buffer_slice(&value));
	struct checks_found found = checks_run(temp.store, CHECK_REPAIR);

	cr_expect(eq(int, found.of[CHECK_RECORD], 1));
	cr_expect(eq(int, found.repaired, 0));
	cr_expect(raw_is(temp.store, DB_INODE, key_u64(file.ino),
		buffer_slice(&value)));
	value.data[0] = 1;
	raw_put(temp.store, DB_INODE, key_u64(file.ino), buffer_slice(&value));
	cr_expect(objects_is(temp.store, bucket, "k", "12345"));
	checks_expect_repair(temp.store, CHECK_PARENT);
}

Test(check, a_sample_of_a_later_version_does_so_too)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	struct key key =
		key_dentry(0, SLICE("sample/default/bucket/0000000000000063"));
	struct slice value = SLICE("\3of later");

	checks_fill(temp.store);
	become_later(temp.store);
	raw_put(temp.store, DB_DOCUMENT, key, value);
	struct checks_found found = checks_run(temp.store, CHECK_REPAIR);

	cr_expect(eq(int, found.of[CHECK_RECORD], 1));
	cr_expect(eq(int, found.repaired, 0));
	cr_expect(raw_is(temp.store, DB_DOCUMENT, key, value));
}

/* One byte that was altered must not be in the way of all else. */
Test(check, a_version_that_no_tarn_has_written_is_damage)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	scoped(buffer_free) struct buffer value = {0};
	uint64_t bucket = checks_fill(temp.store);
	struct inode file = checks_find(temp.store, bucket, "k", TREE_FILE);

	record_inode_encode(&value, &file);
	value.data[0] = 15;
	raw_put(temp.store, DB_INODE, key_u64(file.ino), buffer_slice(&value));

	checks_expect_repair(temp.store, CHECK_RECORD);
}

Test(check, a_generation_that_does_not_decode_is_put_anew)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	scoped(db_abort) struct db_txn *txn = NULL;
	uint64_t generation;

	cr_assert(zero(int, commit_run(temp.store, apply_garbage, NULL, NULL)));
	cr_expect(zero(u64, objects_findings(temp.store)));
	temp_store_reopen(&temp);
	cr_assert(zero(int, db_begin_read(temp.store->db, &txn)));
	cr_assert(zero(int, counter_get(txn, COUNTER_GENERATION, &generation)));
	cr_expect(eq(u64, generation, RECORD_GENERATION));
}

Test(check, a_store_s_generation_only_grows)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	scoped(db_abort) struct db_txn *txn = NULL;
	uint64_t generation;

	cr_assert(zero(int, db_begin_read(temp.store->db, &txn)));
	cr_assert(zero(int, counter_get(txn, COUNTER_GENERATION, &generation)));
	cr_expect(eq(u64, generation, RECORD_GENERATION));
	db_abort(&txn);
	become_later(temp.store);
	temp_store_reopen(&temp);
	cr_assert(zero(int, db_begin_read(temp.store->db, &txn)));
	cr_assert(zero(int, counter_get(txn, COUNTER_GENERATION, &generation)));
	cr_expect(eq(u64, generation, RECORD_GENERATION + 1));
}

Test(check, an_inode_with_attributes_of_a_later_kind_stays)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	scoped(buffer_free) struct buffer attrs = {0};
	scoped(buffer_free) struct buffer value = {0};
	const struct inode_attr attr = {
		INODE_ATTR_REPLICATION + 1, SLICE("name"), SLICE("value")};
	uint64_t bucket = checks_fill(temp.store);
	struct inode file = checks_find(temp.store, bucket, "k", TREE_FILE);

	inode_attr_append(&attrs, &attr);
	file.attrs = buffer_slice(&attrs);
	record_inode_encode(&value, &file);
	raw_inode(temp.store, &file);
	struct checks_found found = checks_run(temp.store, CHECK_REPAIR);

	cr_expect(eq(int, found.of[CHECK_RECORD], 1));
	cr_expect(eq(int, found.repaired, 0));
	cr_expect(raw_is(temp.store, DB_INODE, key_u64(file.ino),
		buffer_slice(&value)));
	cr_expect(objects_is(temp.store, bucket, "k", "12345"));
}

Test(check, wrong_counters_of_a_bucket)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	scoped(buffer_free) struct buffer value = {0};
	uint64_t bucket = checks_fill(temp.store);
	const struct record_usage usage = {.objects = 99, .bytes = 1};

	record_usage_encode(&value, &usage);
	raw_put(temp.store, DB_USAGE, key_u64(bucket), buffer_slice(&value));
	checks_expect_repair(temp.store, CHECK_USAGE);
	cr_expect(eq(u64, names_objects(temp.store, bucket), 3));
	cr_expect(eq(u64, names_bytes(temp.store, bucket), 6));
	raw_delete(temp.store, DB_USAGE, key_u64(bucket));
	checks_expect_repair(temp.store, CHECK_USAGE);
	raw_put(temp.store, DB_USAGE, key_u64(1u << 30), buffer_slice(&value));
	checks_expect_repair(temp.store, CHECK_USAGE);
}

Test(check, wrong_counters_of_an_organization)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	scoped(buffer_free) struct buffer value = {0};
	const struct record_usage usage = {.objects = 99, .bytes = 1};
	struct usage right;

	(void)checks_fill(temp.store);
	record_usage_encode(&value, &usage);
	raw_put(temp.store, DB_USAGE, key_dentry(0, SLICE("default")),
		buffer_slice(&value));
	checks_expect_repair(temp.store, CHECK_USAGE);
	cr_assert(zero(int,
		usage_of_organization(temp.store, SLICE("default"), &right)));
	cr_expect(eq(u64, right.objects, 3));
	cr_expect(eq(u64, right.bytes, 6));
	raw_delete(temp.store, DB_USAGE, key_dentry(0, SLICE("default")));
	checks_expect_repair(temp.store, CHECK_USAGE);
	raw_put(temp.store, DB_USAGE, key_dentry(0, SLICE("nobody")),
		buffer_slice(&value));
	checks_expect_repair(temp.store, CHECK_USAGE);
}

Test(check, names_of_organizations_that_no_key_could_have)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	scoped(buffer_free) struct buffer value = {0};
	char bytes[DB_KEY_MAX - 8];
	struct slice name = slice_of(bytes, sizeof(bytes));
	struct record_usage usage = {.objects = 1};
	struct record_bucket record = {.owner = name};
	struct key key = {.len = DB_KEY_MAX};
	uint64_t bucket = checks_fill(temp.store);

	memset(bytes, 'o', sizeof(bytes));
	record.root_ino = bucket;
	memset(key.bytes, 0, 8);
	memcpy(key.bytes + 8, bytes, sizeof(bytes));
	record_usage_encode(&value, &usage);
	raw_put(temp.store, DB_USAGE, key, buffer_slice(&value));
	checks_expect_repair(temp.store, CHECK_RECORD);

	buffer_clear(&value);
	usage.organization = name;
	record_usage_encode(&value, &usage);
	raw_put(temp.store, DB_USAGE, key_u64(bucket), buffer_slice(&value));
	cr_expect(eq(int, objects_put(temp.store, bucket, "new", "new"),
		STORE_CORRUPT));
	checks_expect_repair(temp.store, CHECK_RECORD);

	buffer_clear(&value);
	record_bucket_encode(&value, &record);
	raw_put(temp.store, DB_BUCKET, key_text(SLICE("bucket")),
		buffer_slice(&value));
	checks_expect_repair(temp.store, CHECK_RECORD);
	cr_expect(objects_is(temp.store, bucket, "k", "12345"));
}

static void
raw_counter(struct store *store, const char *name, uint64_t next)
{
	scoped(buffer_free) struct buffer value = {0};

	codec_encode_u64(&value, next);
	raw_put(store, DB_META, key_text(slice_str(name)),
		buffer_slice(&value));
}

Test(check, a_number_in_use_is_not_given_out_again)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = checks_fill(temp.store);

	raw_counter(temp.store, COUNTER_BLOB, 1);
	cr_expect(eq(int, objects_put(temp.store, bucket, "new", "new"),
		STORE_CORRUPT));
	cr_expect(objects_is(temp.store, bucket, "k", "12345"));
	checks_expect_repair(temp.store, CHECK_COUNTER);
	cr_expect(eq(int, objects_put(temp.store, bucket, "new", "new"),
		STORE_OK));

	raw_counter(temp.store, COUNTER_NUMBER, 2);
	checks_expect_repair(temp.store, CHECK_COUNTER);
	raw_counter(temp.store, COUNTER_SESSION, 1);
	checks_expect_repair(temp.store, CHECK_COUNTER);
	cr_expect(eq(int, objects_put(temp.store, bucket, "e/f", "new"),
		STORE_OK));
	cr_expect(names_lists(temp.store, bucket, "", "",
		"d/e/\nd/f\ne/f\nk\nnew\n"));
	cr_expect(objects_is(temp.store, bucket, "k", "12345"));
	cr_expect(names_are_sound(temp.store));
}

Test(check, a_bucket_that_lost_its_row_keeps_its_uploads)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	scoped(arena_free) struct arena arena = {0};
	const struct upload_info info = {.initiator = SLICE("AKID")};
	struct upload_part_info sent = {.number = 1, .size = 4};
	uint64_t bucket = checks_fill(temp.store);
	struct upload_part *part = NULL;
	struct upload_part_info *parts;
	char id[UPLOAD_ID_LEN + 1];
	bool is_truncated;
	size_t count = 0;

	cr_assert(zero(int,
		upload_begin(temp.store, bucket, SLICE("u"), &info, id)));
	cr_assert(zero(int, upload_part_begin(temp.store, bucket, SLICE("u"),
				    slice_str(id), 1, 4, &part)));
	cr_assert(zero(int, upload_part_write(part, SLICE("part"))));
	cr_assert(zero(int, upload_part_commit(&part, &sent)));
	raw_delete(temp.store, DB_BUCKET, key_text(SLICE("bucket")));
	checks_expect_repair(temp.store, CHECK_BUCKET);

	cr_assert(zero(int,
		upload_parts(temp.store, bucket, SLICE("u"), slice_str(id), 0,
			10, &arena, &parts, &count, &is_truncated)));
	cr_expect(eq(sz, count, 1));
}

Test(check, a_bucket_without_its_root_and_a_root_without_its_bucket)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = checks_fill(temp.store);
	struct bucket found;
	char name[64];

	raw_delete(temp.store, DB_INODE, key_u64(bucket));
	checks_expect_repair(temp.store, CHECK_BUCKET);
	cr_expect(names_lists(temp.store, bucket, "", "", "d/e/\nd/f\nk\n"));
	cr_expect(objects_is(temp.store, bucket, "k", "12345"));

	raw_delete(temp.store, DB_BUCKET, key_text(SLICE("bucket")));
	checks_expect_repair(temp.store, CHECK_BUCKET);
	snprintf(name, sizeof(name), "lost-%llu", (unsigned long long)bucket);
	cr_assert(eq(int, bucket_get(temp.store, slice_str(name), &found),
		STORE_OK));
	cr_expect(objects_is(temp.store, found.ino, "k", "12345"));

	raw_delete(temp.store, DB_BUCKET, key_text(slice_str(name)));
	raw_delete(temp.store, DB_INODE, key_u64(bucket));
	checks_expect_repair(temp.store, CHECK_BUCKET);
	cr_expect(objects_is(temp.store, found.ino, "k", "12345"));
}

Test(check, marks_of_sessions_that_are_gone)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = checks_fill(temp.store);
	struct inode file = checks_find(temp.store, bucket, "k", TREE_FILE);

	raw_put(temp.store, DB_LEASE, key_u64_u64(1u << 30, 1u << 30),
		SLICE("\x04\0\0\0\0\0\0\0"));
	checks_expect_repair(temp.store, CHECK_LEASE);

	raw_put(temp.store, DB_OPEN, key_u64_u64(1u << 30, file.ino),
		SLICE("\x04\0\0\0"));
	checks_expect_repair(temp.store, CHECK_LEASE);

	file.flags |= INODE_DIRTY;
	raw_inode(temp.store, &file);
	checks_expect_repair(temp.store, CHECK_LEASE);
	cr_expect(objects_is(temp.store, bucket, "k", "12345"));
	cr_expect(not(checks_find(temp.store, bucket, "k", TREE_FILE).flags &
		      INODE_DIRTY));
}

Test(check, says_once_what_is_true_of_many_rows)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();

	checks_fill(temp.store);
	for (uint64_t i = 0; i < 5; i++)
		raw_put(temp.store, DB_LEASE,
			key_u64_u64(1u << 30, (1u << 30) + i),
			SLICE("\1\0\0\0\0\0\0\0"));
	struct checks_found found = checks_run(temp.store, CHECK_REPAIR);

	cr_expect(eq(int, found.of[CHECK_LEASE], 5));
	cr_expect(eq(int, found.repaired, 5));
	cr_expect(eq(int, found.sentences, 1));
}

/* What is broken in many ways at once is whole again in the end. */
Test(check, all_at_once)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = checks_fill(temp.store);
	struct inode dir = checks_find(temp.store, bucket, "d", TREE_DIR);
	struct inode file = checks_find(temp.store, bucket, "k", TREE_FILE);

	raw_put(temp.store, DB_INODE, key_u64(dir.ino), SLICE("garbage"));
	raw_put(temp.store, DB_BUCKET, key_text(SLICE("bucket")),
		SLICE("garbage"));
	raw_put(temp.store, DB_BLOB, key_u64(file.blob), SLICE("garbage"));
	raw_put(temp.store, DB_USAGE, key_u64(bucket), SLICE("garbage"));
	raw_dentry(temp.store, bucket, "second", RECORD_DENTRY_FILE, file.ino);
	raw_dentry(temp.store, file.ino, "below", RECORD_DENTRY_FILE, file.ino);
	checks_expect_repair(temp.store, CHECK_RECORD);
	cr_expect(names_lists(temp.store, bucket, "", "",
		"d/e/\nd/f\nk\nsecond\n"));
	cr_expect(objects_is(temp.store, bucket, "second", "12345"));
	cr_expect(eq(u64, names_objects(temp.store, bucket), 4));
}

static void
try_lock(const struct check_finding *finding, void *context)
{
	struct temp_store *temp = context;
	char path[160];

	(void)finding;
	(void)snprintf(path, sizeof(path), "%s/run/open.lock", temp->path);
	int fd = open(path, O_RDWR | O_CLOEXEC);
	cr_expect(eq(int, flock(fd, LOCK_EX | LOCK_NB), -1));
	cr_expect(eq(int, errno, EWOULDBLOCK));
	(void)close(fd);
}

/* A repair writes what was counted before. */
Test(check, nobody_opens_a_store_that_is_being_repaired)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = checks_fill(temp.store);
	struct check_result result;

	raw_put(temp.store, DB_USAGE, key_u64(bucket), SLICE("garbage"));
	cr_expect(eq(int,
		check_store(temp.store, CHECK_REPAIR, try_lock, &temp, &result),
		STORE_OK));
	cr_expect(gt(u64, result.repaired, 0));
}

static void
hold_open(struct store *store, struct other_process *self)
{
	(void)store;
	other_process_tell(self, 1);
	other_process_pause(self);
}

Test(check, repairs_need_the_store_to_themselves)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_create();
	struct other_process other = other_process_start(temp.path, hold_open);
	struct check_result result;

	cr_assert(eq(u64, other_process_hear(&other), 1));
	temp.store = temp_store_open_at(temp.path, false);
	cr_expect(eq(int,
		check_store(temp.store, CHECK_REPAIR, NULL, NULL, &result),
		STORE_BUSY));
	cr_expect(eq(int,
		check_store(temp.store, CHECK_LOOK, NULL, NULL, &result),
		STORE_OK));

	other_process_kill(&other);
	cr_expect(eq(int,
		check_store(temp.store, CHECK_REPAIR, NULL, NULL, &result),
		STORE_OK));
	store_close(&temp.store);

	temp.store = temp_store_open_at(temp.path, true);
	cr_expect(eq(int,
		check_store(temp.store, CHECK_REPAIR, NULL, NULL, &result),
		STORE_READ_ONLY));
	cr_expect(eq(int,
		check_store(temp.store, CHECK_LOOK, NULL, NULL, &result),
		STORE_OK));
	cr_expect(eq(u64, result.findings, 0));
}
