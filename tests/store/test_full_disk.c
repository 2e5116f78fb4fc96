/* SPDX-License-Identifier: Apache-2.0 */
/* A store on a small disk of its own, filled to the brim. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "store/base/inode.h"
#include "store/base/io.h"
#include "store/bucket.h"
#include "store/check.h"
#include "store/object.h"
#include "store/reclaim_private.h"
#include "store/upload.h"
#include "tests/support/temp_store.h"

#define DISK_OPTIONS "size=64m,nr_inodes=4096"
#define OBJECT_SIZE (1u << 20)
#define KEYS_MAX 256

/* A mount namespace of the test's own: nothing to unmount, whatever happens.
 * A skip is counted with its reason. */
static struct temp_store
open_on_disk(const char *options)
{
	if (unshare(CLONE_NEWNS) ||
		mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		cr_skip_test("may not mount: %s", strerror(errno));

	/* Over /tmp, so that no directory is left behind. */
	cr_assert(zero(int, mount("tmpfs", "/tmp", "tmpfs", 0, options)));
	cr_assert(zero(int, setenv("TMPDIR", "/tmp", 1)));
	return temp_store_open();
}

static struct temp_store
open_on_small_disk(void)
{
	return open_on_disk(DISK_OPTIONS);
}

static uint64_t
make_bucket(struct store *store)
{
	struct bucket bucket;

	cr_assert(zero(int, bucket_create(store, SLICE("bucket"),
				    SLICE("default"), &bucket)));
	return bucket.ino;
}

static struct slice
key_of(unsigned int number, char text[16])
{
	(void)snprintf(text, 16, "key-%u", number);
	return slice_str(text);
}

/* Each object is full of its own byte. */
static enum store_err
put(struct store *store, uint64_t bucket, unsigned int number)
{
	static char bytes[OBJECT_SIZE];
	scoped(object_put_abort) struct object_put *put = NULL;
	const struct object_attrs attrs = {.etag.parts = 0};
	struct object object;
	char text[16];

	memset(bytes, (int)('a' + number % 26), sizeof(bytes));
	/* Not announced: the disk itself has to refuse. */
	enum store_err err = object_put_begin(store, 0, &put);
	if (!err)
		err = object_put_write(put, slice_of(bytes, sizeof(bytes)));
	if (!err)
		err = object_put_commit(&put, bucket, key_of(number, text),
			&attrs, NULL, &object);
	return err;
}

/* Puts until the disk is full; gives how many were acknowledged. */
static unsigned int
fill(struct store *store, uint64_t bucket)
{
	for (unsigned int i = 0; i < KEYS_MAX; i++) {
		enum store_err err = put(store, bucket, i);

		if (err) {
			cr_assert(eq(int, err, STORE_NO_SPACE));
			return i;
		}
	}
	cr_fatal("the disk does not get full");
	return 0;
}

static bool
is_whole(struct store *store, uint64_t bucket, unsigned int number)
{
	static char bytes[OBJECT_SIZE];
	scoped(arena_free) struct arena arena = {0};
	struct object object;
	uint64_t offset;
	char text[16];
	int fd;

	if (object_open(store, bucket, key_of(number, text), &arena, &object,
		    &fd, &offset))
		return false;
	enum store_err err = io_pread_all(fd, bytes, sizeof(bytes), offset);
	close(fd);
	return !err && object.inode.size == sizeof(bytes) &&
	       bytes[0] == (char)('a' + number % 26) &&
	       !memcmp(bytes, bytes + 1, sizeof(bytes) - 1);
}

static void
print(const struct check_finding *finding, void *context)
{
	(void)context;
	cr_log_error("%s: %s", check_kind_name(finding->kind), finding->text);
}

static uint64_t
findings(struct store *store)
{
	struct check_result result;

	cr_assert(zero(int,
		check_store(store, CHECK_LOOK, print, NULL, &result)));
	return result.findings;
}

Test(full_disk, what_was_acknowledged_stays_whole_and_the_rest_is_refused)
{
	scoped(temp_store_close) struct temp_store temp = open_on_small_disk();
	uint64_t bucket = make_bucket(temp.store);
	unsigned int count = fill(temp.store, bucket);

	cr_expect(gt(uint, count, 16));
	for (unsigned int i = 0; i < count; i++)
		cr_expect(is_whole(temp.store, bucket, i), "key %u", i);
	cr_expect(not(is_whole(temp.store, bucket, count)));
	cr_expect(zero(u64, findings(temp.store)));
	temp_store_reopen(&temp);
	cr_expect(is_whole(temp.store, bucket, 0));
	cr_expect(is_whole(temp.store, bucket, count - 1));
}

Test(full_disk, deletes_go_through_and_give_the_space_back)
{
	scoped(temp_store_close) struct temp_store temp = open_on_small_disk();
	uint64_t bucket = make_bucket(temp.store);
	unsigned int count = fill(temp.store, bucket);
	char text[16];

	for (unsigned int i = 0; i < count; i++)
		cr_expect(zero(int, object_delete(temp.store, bucket,
					    key_of(i, text), NULL)));
	cr_assert(zero(int, store_sync(temp.store)));
	reclaim_stop(temp.store);
	cr_assert(zero(int, reclaim_run(temp.store)));

	for (unsigned int i = 0; i < count / 2; i++)
		cr_expect(zero(int, put(temp.store, bucket, i)), "key %u", i);
	cr_expect(zero(u64, findings(temp.store)));
}

Test(full_disk, a_failed_put_leaves_no_file_behind)
{
	scoped(temp_store_close) struct temp_store temp = open_on_small_disk();
	uint64_t bucket = make_bucket(temp.store);
	unsigned int count = fill(temp.store, bucket);
	struct store_status before, after;

	cr_assert(zero(int, store_status(temp.store, &before)));
	for (unsigned int i = 0; i < 10; i++)
		cr_expect(eq(int, put(temp.store, bucket, count + i),
			STORE_NO_SPACE));
	cr_assert(zero(int, store_status(temp.store, &after)));

	cr_expect(ge(u64, after.free_inodes, before.free_inodes));
	cr_expect(eq(u64, after.objects, before.objects));
}

Test(full_disk, inodes_run_out_as_bytes_do)
{
	scoped(temp_store_close) struct temp_store temp =
			open_on_disk("size=256m,nr_inodes=60");
	uint64_t bucket = make_bucket(temp.store);
	unsigned int count = fill(temp.store, bucket);
	char text[16];

	cr_expect(gt(uint, count, 16));
	for (unsigned int i = 0; i < count; i++)
		cr_expect(is_whole(temp.store, bucket, i), "key %u", i);
	cr_expect(zero(u64, findings(temp.store)));
	cr_expect(zero(int,
		object_delete(temp.store, bucket, key_of(0, text), NULL)));
	cr_assert(zero(int, store_sync(temp.store)));
	reclaim_stop(temp.store);
	cr_assert(zero(int, reclaim_run(temp.store)));
	cr_expect(zero(int, put(temp.store, bucket, count)));
	temp_store_reopen(&temp);
	cr_expect(is_whole(temp.store, bucket, count));
	cr_expect(zero(u64, findings(temp.store)));
}
