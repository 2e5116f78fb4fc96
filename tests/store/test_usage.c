/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include "store/commit_private.h"
#include "store/file.h"
#include "store/meta/key.h"
#include "store/meta/record.h"
#include "store/upload.h"
#include "store/usage_private.h"
#include "tests/store/objects.h"
#include "tests/support/temp_store.h"

#define OWNER SLICE("default") /* of objects_bucket() */

static struct usage
of_bucket(struct store *store, uint64_t bucket)
{
	struct usage usage;

	cr_assert(zero(int, usage_of_bucket(store, bucket, &usage)));
	return usage;
}

static struct usage
of_organization(struct store *store)
{
	struct usage usage;

	cr_assert(zero(int, usage_of_organization(store, OWNER, &usage)));
	return usage;
}

static void
limit_bucket(struct store *store, uint64_t bucket, uint64_t objects,
	uint64_t bytes)
{
	const struct usage_quota quota = {objects, bytes};

	cr_assert(zero(int, usage_set_bucket_quota(store, bucket, &quota)));
}

static void
limit_organization(struct store *store, uint64_t bytes)
{
	const struct usage_quota quota = {0, bytes};

	cr_assert(zero(int,
		usage_set_organization_quota(store, OWNER, &quota)));
}

static void
begin_upload(struct store *store, uint64_t bucket, char id[UPLOAD_ID_LEN + 1])
{
	const struct upload_info info = {.initiator = SLICE("AKID")};

	cr_assert(zero(int,
		upload_begin(store, bucket, SLICE("big"), &info, id)));
}

static enum store_err
put_part(struct store *store, uint64_t bucket, const char *id, const char *text)
{
	struct upload_part_info info = {.number = 1, .size = strlen(text)};
	struct upload_part *part = NULL;
	enum store_err err;

	digest_of(DIGEST_MD5, slice_str(text), info.md5);
	err = upload_part_begin(store, bucket, SLICE("big"), slice_str(id), 1,
		info.size, &part);
	if (!err)
		err = upload_part_write(part, slice_str(text));
	if (err) {
		upload_part_abort(&part);
		return err;
	}
	return upload_part_commit(&part, &info);
}

static enum store_err
complete(struct store *store, uint64_t bucket, const char *id, const char *text)
{
	struct upload_part_info wanted = {.number = 1};
	const struct object_attrs attrs = {0};
	struct object made;

	digest_of(DIGEST_MD5, slice_str(text), wanted.md5);
	return upload_complete(store, bucket, SLICE("big"), slice_str(id),
		&wanted, 1, &attrs, NULL, &made);
}

Test(usage, of_an_organization_is_the_sum_of_its_buckets)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t first = objects_bucket(temp.store, "first");
	uint64_t second = objects_bucket(temp.store, "second");

	cr_assert(zero(int, objects_put(temp.store, first, "a", "12")));
	cr_assert(zero(int, objects_put(temp.store, second, "b/c", "345")));
	cr_assert(zero(int, objects_put(temp.store, second, "b/c", "6789")));

	cr_expect(eq(u64, of_bucket(temp.store, first).bytes, 2));
	cr_expect(eq(u64, of_bucket(temp.store, second).bytes, 4));
	cr_expect(eq(u64, of_organization(temp.store).objects, 2));
	cr_expect(eq(u64, of_organization(temp.store).bytes, 6));
	cr_expect(zero(u64, objects_findings(temp.store)));

	cr_assert(zero(int,
		object_delete(temp.store, first, SLICE("a"), NULL)));
	cr_assert(zero(int, bucket_delete(temp.store, SLICE("first"))));
	cr_expect(eq(u64, of_organization(temp.store).objects, 1));
	cr_expect(zero(u64, objects_findings(temp.store)));
}

Test(usage, an_organization_has_30_tb_unless_told_otherwise)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();

	cr_expect(eq(u64, of_organization(temp.store).quota.bytes,
		30000000000000ull));
	limit_organization(temp.store, 0);
	cr_expect(zero(u64, of_organization(temp.store).quota.bytes));
}

Test(usage, a_put_beyond_the_quota_changes_nothing)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");

	limit_bucket(temp.store, bucket, 0, 10);
	cr_assert(zero(int, objects_put(temp.store, bucket, "a", "123456")));

	cr_expect(eq(int, objects_put(temp.store, bucket, "b", "12345"),
		STORE_QUOTA));
	cr_expect(eq(int, objects_put(temp.store, bucket, "a", "12345678901"),
		STORE_QUOTA));

	cr_expect(objects_is(temp.store, bucket, "a", "123456"));
	cr_expect(objects_is(temp.store, bucket, "b", NULL));
	cr_expect(eq(u64, objects_files_left(temp.store), 1));
	cr_expect(zero(u64, objects_findings(temp.store)));
}

Test(usage, what_is_replaced_counts_in_favour)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");

	limit_bucket(temp.store, bucket, 1, 10);
	cr_assert(zero(int, objects_put(temp.store, bucket, "a", "123456")));

	cr_expect(zero(int,
		objects_put(temp.store, bucket, "a", "1234567890")));
	cr_expect(eq(int, objects_put(temp.store, bucket, "b", ""),
		STORE_QUOTA));
}

Test(usage, below_what_there_is_only_growth_is_refused)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");

	cr_assert(zero(int, objects_put(temp.store, bucket, "a", "123456")));
	cr_assert(zero(int, objects_put(temp.store, bucket, "b", "123456")));
	limit_bucket(temp.store, bucket, 1, 2);

	cr_expect(zero(int, objects_put(temp.store, bucket, "a", "12345")));
	cr_expect(eq(int, objects_put(temp.store, bucket, "a", "123456"),
		STORE_QUOTA));
	cr_expect(zero(int,
		object_delete(temp.store, bucket, SLICE("b"), NULL)));
}

Test(usage, of_other_buckets_counts_for_the_organization)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t first = objects_bucket(temp.store, "first");
	uint64_t second = objects_bucket(temp.store, "second");

	limit_organization(temp.store, 10);
	cr_assert(zero(int, objects_put(temp.store, first, "a", "123456")));

	cr_expect(eq(int, objects_put(temp.store, second, "b", "12345"),
		STORE_QUOTA));
	cr_expect(zero(int, objects_put(temp.store, second, "b", "1234")));
}

Test(usage, links_and_directories_count_as_the_objects_they_are)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	const struct tree_owner owner = {.mode = 0755};
	struct inode file, made;

	limit_bucket(temp.store, bucket, 3, 10);
	cr_assert(zero(int, objects_put(temp.store, bucket, "a", "123456")));
	cr_assert(zero(int, tree_lookup(temp.store, bucket, SLICE("a"),
				    TREE_FILE, NULL, &file)));
	cr_expect(eq(int,
		tree_link(temp.store, file.ino, bucket, SLICE("b"), &made),
		STORE_QUOTA));
	cr_expect(objects_is(temp.store, bucket, "b", NULL));
	limit_bucket(temp.store, bucket, 3, 12);
	cr_assert(zero(int,
		tree_link(temp.store, file.ino, bucket, SLICE("b"), &made)));
	cr_assert(zero(int,
		tree_mkdir(temp.store, bucket, SLICE("d"), &owner, &made)));
	cr_expect(eq(int,
		tree_mkdir(temp.store, bucket, SLICE("e"), &owner, &made),
		STORE_QUOTA));
	cr_expect(eq(u64, of_bucket(temp.store, bucket).objects, 3));
	cr_expect(zero(u64, objects_findings(temp.store)));
}

Test(usage, copies_count_as_what_they_are_copies_of)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	struct object made;

	limit_bucket(temp.store, bucket, 0, 10);
	cr_assert(zero(int, objects_put(temp.store, bucket, "a", "123456")));

	cr_expect(eq(int,
		object_copy(temp.store, bucket, SLICE("a"), NULL, NULL, bucket,
			SLICE("b"), NULL, NULL, &made),
		STORE_QUOTA));
	cr_expect(objects_is(temp.store, bucket, "b", NULL));
}

Test(usage, parts_count_from_the_moment_they_are_there)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	char id[UPLOAD_ID_LEN + 1];

	limit_bucket(temp.store, bucket, 0, 10);
	begin_upload(temp.store, bucket, id);
	cr_assert(zero(int, put_part(temp.store, bucket, id, "123456")));
	cr_expect(eq(u64, of_bucket(temp.store, bucket).part_bytes, 6));
	cr_expect(eq(int, objects_put(temp.store, bucket, "a", "12345"),
		STORE_QUOTA));

	/* The same part again takes the first one's place. */
	cr_assert(zero(int, put_part(temp.store, bucket, id, "1234567")));
	cr_expect(eq(u64, of_bucket(temp.store, bucket).part_bytes, 7));
	cr_expect(eq(int, put_part(temp.store, bucket, id, "12345678901"),
		STORE_QUOTA));
	cr_expect(zero(u64, objects_findings(temp.store)));

	cr_assert(zero(int, complete(temp.store, bucket, id, "1234567")));
	cr_expect(zero(u64, of_bucket(temp.store, bucket).part_bytes));
	cr_expect(eq(u64, of_bucket(temp.store, bucket).bytes, 7));
	cr_expect(zero(u64, of_organization(temp.store).part_bytes));
	cr_expect(zero(u64, objects_findings(temp.store)));
}

Test(usage, what_an_abort_gives_back)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	char id[UPLOAD_ID_LEN + 1];

	begin_upload(temp.store, bucket, id);
	cr_assert(zero(int, put_part(temp.store, bucket, id, "123456")));
	cr_assert(zero(int,
		upload_abort(temp.store, bucket, SLICE("big"), slice_str(id))));

	cr_expect(zero(u64, of_bucket(temp.store, bucket).part_bytes));
	cr_expect(zero(u64, of_organization(temp.store).part_bytes));

	/* With its bucket. */
	begin_upload(temp.store, bucket, id);
	cr_assert(zero(int, put_part(temp.store, bucket, id, "123456")));
	cr_assert(zero(int, bucket_delete(temp.store, SLICE("bucket"))));
	cr_expect(zero(u64, of_organization(temp.store).part_bytes));
	cr_expect(zero(u64, objects_findings(temp.store)));
}

struct racer {
	struct store *store;
	uint64_t bucket;
	unsigned number;
	unsigned made;
	unsigned refused;
	pthread_t thread;
};

static void *
race(void *arg)
{
	struct racer *racer = arg;

	for (unsigned i = 0; i < 20; i++) {
		char key[32];
		enum store_err err;

		snprintf(key, sizeof(key), "%u/%u", racer->number, i);
		err = objects_put(racer->store, racer->bucket, key, "12345");
		racer->made += !err;
		racer->refused += err == STORE_QUOTA;
	}
	return NULL;
}

Test(usage, many_writers_fill_a_quota_and_no_more)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	struct racer racers[4];
	unsigned made = 0;

	limit_bucket(temp.store, bucket, 0, 5 * 33 + 4);
	for (unsigned i = 0; i < array_len(racers); i++) {
		racers[i] = (struct racer){
			.store = temp.store, .bucket = bucket, .number = i};
		cr_assert(zero(int, pthread_create(&racers[i].thread, NULL,
					    race, &racers[i])));
	}
	for (unsigned i = 0; i < array_len(racers); i++) {
		pthread_join(racers[i].thread, NULL);
		cr_expect(eq(u32, racers[i].made + racers[i].refused, 20));
		made += racers[i].made;
	}

	cr_expect(eq(u32, made, 33));
	cr_expect(eq(u64, of_bucket(temp.store, bucket).bytes, 5 * 33));
	cr_expect(zero(u64, objects_findings(temp.store)));
}

Test(usage, tells_how_much_is_left)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	struct usage_quota left;

	limit_bucket(temp.store, bucket, 3, 0);
	limit_organization(temp.store, 10);
	cr_assert(zero(int, objects_put(temp.store, bucket, "a", "123456")));

	cr_assert(zero(int, usage_left(temp.store, bucket, &left)));
	cr_expect(eq(u64, left.objects, 2));
	cr_expect(eq(u64, left.bytes, 4));
	cr_expect(zero(int, usage_check_room(temp.store, bucket, 4)));
	cr_expect(eq(int, usage_check_room(temp.store, bucket, 5),
		STORE_QUOTA));
	limit_organization(temp.store, 1);
	cr_assert(zero(int, usage_left(temp.store, bucket, &left)));
	cr_expect(zero(u64, left.bytes));
}

struct add_args {
	struct inode inode;
	int64_t names;
	struct record_usage result;
};

/* To a bucket without a row or a name. */
static enum store_err
apply_add(struct store *store, struct db_txn *txn, void *arg)
{
	struct add_args *args = arg;
	struct key key = key_u64(9);
	struct slice value;
	enum store_err err = usage_add_names(txn, &args->inode, args->names);

	(void)store;
	if (!err)
		err = db_get(txn, DB_USAGE, key_slice(&key), &value);
	return err ? err : record_usage_decode(value, &args->result);
}

Test(usage, adds_up_and_never_goes_below_nothing)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	struct add_args args = {
		.inode = {.ino = 10, .bucket = 9, .size = 5},
		.names = 2,
	};

	cr_assert(zero(int, commit_run(temp.store, apply_add, &args, NULL)));
	args.names = -1;
	cr_assert(zero(int, commit_run(temp.store, apply_add, &args, NULL)));
	cr_expect(eq(u64, args.result.objects, 1));
	cr_expect(eq(u64, args.result.bytes, 5));

	args.names = -2;
	cr_assert(zero(int, commit_run(temp.store, apply_add, &args, NULL)));
	cr_expect(zero(u64, args.result.objects));
	cr_expect(zero(u64, args.result.bytes));
}

/* As before organizations were counted. */
static enum store_err
apply_forget(struct store *store, struct db_txn *txn, void *arg)
{
	uint64_t bucket = *(const uint64_t *)arg;
	struct key own = key_u64(bucket);
	struct key organization = key_dentry(0, OWNER);
	enum store_err err;

	(void)store;
	err = db_put(txn, DB_USAGE, key_slice(&own),
		SLICE("\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"));
	return err ? err : db_delete(txn, DB_USAGE, key_slice(&organization));
}

Test(usage, of_a_store_from_before_finds_the_organization)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");

	cr_assert(zero(int, objects_put(temp.store, bucket, "a", "")));
	cr_assert(zero(int,
		object_delete(temp.store, bucket, SLICE("a"), NULL)));
	cr_assert(zero(int,
		commit_run(temp.store, apply_forget, &bucket, NULL)));
	cr_expect(zero(u64, objects_findings(temp.store)));

	cr_assert(zero(int, objects_put(temp.store, bucket, "a", "123")));

	cr_expect(eq(u64, of_organization(temp.store).bytes, 3));
	cr_expect(zero(u64, objects_findings(temp.store)));
}

static enum store_err
create_file(struct store *store, uint64_t bucket, const char *name,
	struct file **file)
{
	const struct tree_owner owner = {0644, 0, 0};
	struct inode inode;

	return file_create(store, bucket, slice_str(name), &owner, &inode,
		file);
}

Test(usage, a_file_beyond_the_quota_is_kept_and_its_writer_told)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	struct file *file = NULL;

	limit_bucket(temp.store, bucket, 0, 10);
	cr_assert(zero(int, create_file(temp.store, bucket, "f", &file)));
	cr_assert(zero(int,
		io_pwrite_all(file_fd(file), "123456789012", 12, 0)));
	cr_expect(eq(int, file_sync(file, false), STORE_QUOTA));
	cr_assert(zero(int, file_close(&file, O_RDWR)));

	cr_expect(objects_is(temp.store, bucket, "f", "123456789012"));
	cr_expect(eq(u64, of_bucket(temp.store, bucket).bytes, 12));
	cr_expect(eq(int, create_file(temp.store, bucket, "g", &file),
		STORE_QUOTA));
	cr_assert(zero(int,
		object_delete(temp.store, bucket, SLICE("f"), NULL)));
	cr_assert(zero(int, create_file(temp.store, bucket, "g", &file)));
	cr_assert(zero(int, file_close(&file, O_RDWR)));
}

Test(usage, no_file_is_made_longer_than_there_is_room_for)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	struct file *file = NULL;

	limit_bucket(temp.store, bucket, 0, 10);
	cr_assert(zero(int, create_file(temp.store, bucket, "f", &file)));
	cr_expect(eq(int, file_data_truncate(file, 11), STORE_QUOTA));
	cr_expect(eq(int, file_data_allocate(file, 0, 5, 6), STORE_QUOTA));
	cr_expect(zero(int, file_data_truncate(file, 10)));
	cr_expect(zero(int, file_data_truncate(file, 3)));
	cr_expect(zero(int, file_sync(file, false)));
	cr_assert(zero(int, file_close(&file, O_RDWR)));
}

/* What the file system below says of the largest offset. */
static enum store_err
expected_of_largest(const char *path)
{
	int fd = open(path, O_TMPFILE | O_RDWR, 0600);
	cr_assert(ge(int, fd, 0));
	bool may = !ftruncate(fd, INT64_MAX);

	cr_assert(not(close(fd)));
	return may ? STORE_QUOTA : STORE_TOO_BIG;
}

Test(usage, a_size_that_no_file_can_have_is_no_question_of_the_quota)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	enum store_err expected = expected_of_largest(temp.path);
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	const uint64_t beyond = (uint64_t)INT64_MAX + 1;
	struct file *file = NULL;

	limit_bucket(temp.store, bucket, 0, 10);
	cr_assert(zero(int, create_file(temp.store, bucket, "f", &file)));
	cr_expect(eq(int, file_data_truncate(file, beyond), STORE_TOO_BIG));
	cr_expect(eq(int, file_data_allocate(file, 0, INT64_MAX, 1),
		STORE_TOO_BIG));
	cr_expect(eq(int, file_data_truncate(file, INT64_MAX), expected));
	cr_expect(eq(int, file_data_allocate(file, 0, INT64_MAX - 1, 1),
		expected));
	cr_assert(zero(int, file_close(&file, O_RDWR)));
}
