/* SPDX-License-Identifier: Apache-2.0 */
/* Open files whose data is sealed. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <pthread.h>
#include <stdatomic.h>

#include "store/file.h"
#include "store/keyring.h"
#include "store/sealed.h"
#include "tests/store/objects.h"
#include "tests/support/other_process.h"
#include "tests/support/temp_store.h"

#define FRAME ((uint64_t)SEAL_FRAME)

static const uint8_t key[SEAL_KEY_LEN] = "the key of what lies in secret/";
static const uint8_t inner_key[SEAL_KEY_LEN] = "another for secret/inner/";
static const struct tree_owner owner = {S_IFREG | 0640, 1, 2};

struct fixture {
	struct temp_store temp;
	struct store *store;
	struct keyring *ring;
	uint64_t bucket;
	uint64_t dir; /* secret/ */
};

static struct keyring *
make_ring(void)
{
	struct keyring *ring = keyring_create();

	cr_assert(not(keyring_add(ring, SLICE("bucket/secret/"), key)));
	cr_assert(not(keyring_add(ring, SLICE("bucket/secret/inner/"),
		inner_key)));
	return ring;
}

static uint64_t
make_dir(struct store *store, uint64_t parent, const char *name)
{
	const struct tree_owner dir_owner = {S_IFDIR | 0755, 1, 2};
	struct inode inode;

	cr_assert(not(tree_mkdir(store, parent, slice_str(name), &dir_owner,
		&inode)));
	return inode.ino;
}

static struct fixture
fixture_open(void)
{
	struct fixture it = {.temp = temp_store_open(), .ring = make_ring()};

	it.store = it.temp.store;
	file_set_keyring(it.store, it.ring);
	it.bucket = objects_bucket(it.store, "bucket");
	it.dir = make_dir(it.store, it.bucket, "secret");
	return it;
}

static void
fixture_close(struct fixture *it)
{
	temp_store_close(&it->temp);
	keyring_free(&it->ring);
}

static struct file *
create(struct store *store, uint64_t dir, const char *name)
{
	struct file *file = NULL;
	struct inode inode;

	cr_assert(not(file_create(store, dir, slice_str(name), &owner, &inode,
		&file)));
	return file;
}

static void
write_at(struct file *file, const char *text, uint64_t offset)
{
	size_t done;

	cr_assert(not(file_data_write(file, slice_str(text), offset, &done)));
	cr_assert(eq(sz, done, strlen(text)));
}

static uint64_t
make(struct store *store, uint64_t dir, const char *name, const char *text)
{
	struct file *file = create(store, dir, name);
	uint64_t ino = file_ino(file);

	write_at(file, text, 0);
	cr_assert(not(file_close(&file, O_RDWR)));
	return ino;
}

/* What S3 gives to who has the key; *len is its length. */
static enum store_err
get(struct store *store, uint64_t bucket, const char *name, const uint8_t *with,
	char *to, size_t room, size_t *len)
{
	scoped(arena_free) struct arena arena = {0};
	scoped(sealed_close) struct sealed *sealed = NULL;
	struct object object;
	struct slice attr;
	struct seal seal;
	uint64_t offset;
	int fd;

	*len = 0;
	enum store_err err = object_open(store, bucket, slice_str(name), &arena,
		&object, &fd, &offset);
	if (err)
		return err;
	if (!seal_find(object.inode.attrs, &attr))
		return STORE_NO_ATTR;
	*len = object.inode.size;
	cr_assert(le(sz, *len, room));
	err = seal_open(&seal, attr, with);
	if (!err)
		err = sealed_open(&object.inode, &seal, fd, offset, &sealed);
	if (!err)
		err = sealed_read(sealed, 0, to, *len);
	if (fd >= 0)
		close(fd);
	return err;
}

static bool
s3_sees(struct store *store, uint64_t bucket, const char *name,
	const uint8_t *with, const char *text)
{
	char got[256] = "";
	size_t len;

	return !get(store, bucket, name, with, got, sizeof(got) - 1, &len) &&
	       len == strlen(text) && !memcmp(got, text, len);
}

static bool
reads_as(struct file *file, const char *text)
{
	char got[256] = "";
	size_t len;

	return !file_data_read(file, got, sizeof(got) - 1, 0, &len) &&
	       len == strlen(text) && !strcmp(got, text);
}

Test(file_seal, a_new_file_below_a_prefix_is_sealed_with_its_key)
{
	scoped(fixture_close) struct fixture it = fixture_open();
	uint64_t inner = make_dir(it.store, it.dir, "inner");
	char got[16];
	size_t len;

	make(it.store, it.dir, "a", "hello");
	make(it.store, inner, "b", "inside");
	make(it.store, it.bucket, "plain", "in clear");

	cr_expect(s3_sees(it.store, it.bucket, "secret/a", key, "hello"));
	cr_expect(s3_sees(it.store, it.bucket, "secret/inner/b", inner_key,
		"inside"));
	cr_expect(eq(int,
		get(it.store, it.bucket, "secret/inner/b", key, got,
			sizeof(got), &len),
		STORE_WRONG_KEY));
	cr_expect(objects_is(it.store, it.bucket, "plain", "in clear"));
	cr_expect(eq(u64, objects_findings(it.store), 0));
}

Test(file_seal, without_the_key_a_file_does_not_open)
{
	scoped(fixture_close) struct fixture it = fixture_open();
	scoped(keyring_free) struct keyring *other = keyring_create();
	struct file *file = NULL;
	struct inode inode;

	uint64_t ino = make(it.store, it.dir, "a", "hello");
	cr_assert(not(keyring_add(other, SLICE("bucket"), inner_key)));
	file_set_keyring(it.store, other);

	cr_expect(eq(int, file_open(it.store, ino, O_RDONLY, &file),
		STORE_NO_KEY));
	cr_expect(eq(int, file_open(it.store, ino, O_RDWR, &file),
		STORE_NO_KEY));
	cr_expect(eq(int, file_open(it.store, ino, O_WRONLY | O_TRUNC, &file),
		STORE_NO_KEY));
	file_set_keyring(it.store, NULL);
	cr_expect(eq(int, file_open(it.store, ino, O_RDONLY, &file),
		STORE_NO_KEY));
	cr_expect(eq(int, error_errno(STORE_NO_KEY), ENOKEY));
	cr_expect(not(tree_inode(it.store, ino, NULL, &inode)));
	cr_expect(eq(u64, inode.size, 5), "names and sizes show");
	cr_expect(s3_sees(it.store, it.bucket, "secret/a", key, "hello"));
}

Test(file_seal, what_s3_has_sealed_is_read)
{
	scoped(fixture_close) struct fixture it = fixture_open();
	const struct object_attrs attrs = {0};
	struct object_put *put = NULL;
	struct file *file = NULL;
	struct object made;

	cr_assert(not(object_put_begin(it.store, 5, &put)));
	object_put_seal(put, key);
	cr_assert(not(object_put_write(put, SLICE("hello"))));
	cr_assert(not(object_put_commit(&put, it.bucket, SLICE("elsewhere"),
		&attrs, NULL, &made)));
	cr_assert(not(file_open(it.store, made.inode.ino, O_RDONLY, &file)));

	cr_expect(reads_as(file, "hello"));
	cr_expect(not(file_close(&file, O_RDONLY)));
	cr_expect(eq(u64, objects_findings(it.store), 0));
}

Test(file_seal, a_change_is_seen_by_s3_when_it_is_published)
{
	scoped(fixture_close) struct fixture it = fixture_open();
	struct file *file = NULL;

	uint64_t ino = make(it.store, it.dir, "a", "hello");
	cr_assert(not(file_open(it.store, ino, O_RDWR, &file)));
	write_at(file, "J", 0);
	write_at(file, " you", 5);

	cr_expect(reads_as(file, "Jello you"));
	cr_expect(s3_sees(it.store, it.bucket, "secret/a", key, "hello"));
	cr_assert(not(file_sync(file, false)));
	cr_expect(s3_sees(it.store, it.bucket, "secret/a", key, "Jello you"));
	write_at(file, "!", 9);
	cr_expect(s3_sees(it.store, it.bucket, "secret/a", key, "Jello you"));
	cr_assert(not(file_close(&file, O_RDWR)));
	cr_expect(s3_sees(it.store, it.bucket, "secret/a", key, "Jello you!"));
	cr_expect(eq(u64, objects_files_left(it.store), 1));
	cr_expect(eq(u64, objects_findings(it.store), 0));
}

Test(file_seal, truncating_at_open_keeps_the_old_bytes_until_the_close)
{
	scoped(fixture_close) struct fixture it = fixture_open();
	struct file *file = NULL;

	uint64_t ino = make(it.store, it.dir, "a", "hello");
	cr_assert(not(file_open(it.store, ino, O_WRONLY | O_TRUNC, &file)));
	write_at(file, "bye", 0);

	cr_expect(s3_sees(it.store, it.bucket, "secret/a", key, "hello"));
	cr_assert(not(file_close(&file, O_WRONLY | O_TRUNC)));
	cr_expect(s3_sees(it.store, it.bucket, "secret/a", key, "bye"));
	cr_expect(eq(u64, objects_findings(it.store), 0));
}

Test(file_seal, opening_for_writing_without_a_write_changes_nothing)
{
	scoped(fixture_close) struct fixture it = fixture_open();
	struct inode before, after;
	struct file *file = NULL;

	uint64_t ino = make(it.store, it.dir, "a", "hello");
	cr_assert(not(tree_inode(it.store, ino, NULL, &before)));
	cr_assert(not(file_open(it.store, ino, O_RDWR, &file)));
	cr_assert(not(file_close(&file, O_RDWR)));
	cr_assert(not(tree_inode(it.store, ino, NULL, &after)));

	cr_expect(eq(u64, after.blob, before.blob));
	cr_expect(eq(i64, after.mtime_ns, before.mtime_ns));
}

Test(file_seal, times_that_were_set_stay_at_the_close)
{
	scoped(fixture_close) struct fixture it = fixture_open();
	const struct tree_change change = {
		.has_mtime = true, .mtime_ns = 1000000007};
	struct file *file = create(it.store, it.dir, "a");
	uint64_t ino = file_ino(file);
	struct inode inode;

	write_at(file, "hello", 0);
	cr_assert(not(file_attr_set(it.store, ino, &change, &inode)));
	cr_expect(eq(i64, inode.mtime_ns, 1000000007));
	cr_assert(not(file_close(&file, O_RDWR)));
	cr_assert(not(tree_inode(it.store, ino, NULL, &inode)));

	cr_expect(eq(i64, inode.mtime_ns, 1000000007));
}

Test(file_seal, a_file_without_a_name_is_written_and_read)
{
	scoped(fixture_close) struct fixture it = fixture_open();
	struct file *file = create(it.store, it.dir, "a");
	struct inode gone;

	write_at(file, "hello", 0);
	cr_assert(not(tree_unlink(it.store, it.dir, SLICE("a"), &gone)));
	file_attr_note(it.store, &gone);
	write_at(file, " you", 5);

	cr_expect(reads_as(file, "hello you"));
	cr_expect(not(file_close(&file, O_RDWR)));
	cr_expect(eq(u64, objects_files_left(it.store), 0));
	cr_expect(eq(u64, objects_findings(it.store), 0));
}

Test(file_seal, holes_and_what_was_cut_off_read_as_zeros)
{
	scoped(fixture_close) struct fixture it = fixture_open();
	struct file *file = create(it.store, it.dir, "a");
	char got[4] = "xxxx";
	struct inode inode;
	size_t len;

	write_at(file, "hello", 3 * FRAME);
	cr_assert(not(file_data_truncate(file, 3 * FRAME + 2)));
	cr_assert(not(file_data_truncate(file, 5 * FRAME)));

	cr_expect(not(file_data_read(file, got, 4, 3 * FRAME, &len)));
	cr_expect(memcmp(got, "he\0\0", 4) == 0);
	cr_expect(not(file_data_read(file, got, 4, FRAME - 1, &len)));
	cr_expect(memcmp(got, "\0\0\0\0", 4) == 0);
	cr_expect(not(file_attr_get(file, &inode)));
	cr_expect(eq(u64, inode.size, 5 * FRAME));
	cr_expect(not(file_close(&file, O_RDWR)));
	cr_expect(eq(u64, objects_findings(it.store), 0));
}

Test(file_seal, asks_for_no_space_and_no_passthrough)
{
	scoped(fixture_close) struct fixture it = fixture_open();
	struct file *file = create(it.store, it.dir, "a");

	cr_expect(file_is_sealed(file));
	cr_expect(not(file_pin(file)));
	cr_expect(eq(int, file_data_allocate(file, 0, 0, 100),
		STORE_UNSUPPORTED));
	cr_expect(not(file_close(&file, O_RDWR)));
}

/* --- at random ------------------------------------------------------------ */

#define ROOM (7 * FRAME)

static uint64_t
draw(uint64_t *state, uint64_t below)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (*state >> 33) % below;
}

static void
check_same(struct fixture *it, struct file *file, const char *bytes,
	uint64_t size)
{
	char *got = malloc(ROOM);
	struct inode inode;
	size_t len;

	cr_assert(not(file_attr_get(file, &inode)));
	cr_assert(eq(u64, inode.size, size));
	cr_assert(not(file_data_read(file, got, ROOM, 0, &len)));
	cr_assert(eq(sz, len, size));
	cr_assert(memcmp(got, bytes, size) == 0);
	free(got);
	(void)it;
}

static void
change(struct file *file, char *bytes, uint64_t *size, uint64_t *state)
{
	uint64_t at = draw(state, ROOM - 1);
	uint64_t most = draw(state, 3) ? 3 * FRAME : 2000;
	uint64_t len = 1 + draw(state, most);
	size_t done;

	if (draw(state, 5) == 0) {
		cr_assert(not(file_data_truncate(file, at)));
		if (at > *size)
			memset(bytes + *size, 0, at - *size);
		*size = at;
		return;
	}
	if (len > ROOM - at)
		len = ROOM - at;
	if (at > *size)
		memset(bytes + *size, 0, at - *size);
	for (uint64_t i = 0; i < len; i++)
		bytes[at + i] = (char)draw(state, 256);
	cr_assert(not(file_data_write(file, slice_of(bytes + at, len), at,
		&done)));
	if (at + len > *size)
		*size = at + len;
}

Test(file_seal, is_what_was_written_whatever_the_order)
{
	scoped(fixture_close) struct fixture it = fixture_open();
	struct file *file = create(it.store, it.dir, "a");
	char *bytes = calloc(1, ROOM);
	char *got = malloc(ROOM);
	uint64_t size = 0, state = 42;
	size_t len;

	for (int i = 0; i < 300; i++) {
		change(file, bytes, &size, &state);
		if (draw(&state, 4) == 0)
			check_same(&it, file, bytes, size);
		if (draw(&state, 10) == 0) {
			cr_assert(not(file_sync(file, false)));
			cr_assert(not(get(it.store, it.bucket, "secret/a", key,
				got, ROOM, &len)));
			cr_assert(eq(sz, len, size));
			cr_assert(memcmp(got, bytes, size) == 0);
		}
	}
	cr_assert(not(file_close(&file, O_RDWR)));

	cr_assert(not(get(it.store, it.bucket, "secret/a", key, got, ROOM,
		&len)));
	cr_expect(eq(sz, len, size));
	cr_expect(memcmp(got, bytes, size) == 0);
	cr_expect(eq(u64, objects_files_left(it.store), 1));
	cr_expect(eq(u64, objects_findings(it.store), 0));
	free(bytes);
	free(got);
}

/* --- several threads ------------------------------------------------------ */

struct reading {
	struct file *file;
	bool is_right;
};

static void *
read_often(void *arg)
{
	struct reading *reading = arg;

	reading->is_right = true;
	for (int i = 0; i < 2000; i++)
		reading->is_right &= reads_as(reading->file, "hello");
	return NULL;
}

Test(file_seal, several_threads_read_from_one_handle)
{
	scoped(fixture_close) struct fixture it = fixture_open();
	struct reading readings[4];
	pthread_t threads[4];
	struct file *file = NULL;

	uint64_t ino = make(it.store, it.dir, "a", "hello");
	cr_assert(not(file_open(it.store, ino, O_RDONLY, &file)));
	for (size_t i = 0; i < array_len(threads); i++) {
		readings[i].file = file;
		cr_assert(not(pthread_create(&threads[i], NULL, read_often,
			&readings[i])));
	}
	for (size_t i = 0; i < array_len(threads); i++) {
		pthread_join(threads[i], NULL);
		cr_expect(readings[i].is_right);
	}
	cr_expect(not(file_close(&file, O_RDONLY)));
}

struct watch {
	const struct file *file;
	atomic_bool is_over;
	unsigned int looks;
	unsigned int wrong;
};

/* What every read and write asks first, and without the file's turn. */
static void *
look_often(void *arg)
{
	struct watch *watch = arg;

	while (!atomic_load(&watch->is_over)) {
		watch->looks++;
		watch->wrong += !file_is_sealed(watch->file);
	}
	return NULL;
}

/* A write makes a draft, file_flush() publishes it: else what is written
 * meanwhile would lie there in plain. */
Test(file_seal, is_sealed_at_every_moment_of_a_publication)
{
	scoped(fixture_close) struct fixture it = fixture_open();
	struct file *file = create(it.store, it.dir, "a");
	struct watch watch = {.file = file};
	pthread_t thread;

	cr_assert(not(pthread_create(&thread, NULL, look_often, &watch)));
	for (int i = 0; i < 500; i++) {
		write_at(file, "hello", 0);
		cr_assert(not(file_flush(file)));
	}
	atomic_store(&watch.is_over, true);
	pthread_join(thread, NULL);

	cr_expect(gt(u32, watch.looks, 0));
	cr_expect(eq(u32, watch.wrong, 0));
	cr_expect(reads_as(file, "hello"));
	cr_expect(not(file_close(&file, O_RDWR)));
}

/* --- a process that dies -------------------------------------------------- */

static void
write_and_wait(struct store *store, struct other_process *self)
{
	struct keyring *ring = make_ring();
	struct file *file = NULL;

	file_set_keyring(store, ring);
	uint64_t bucket = objects_bucket(store, "bucket");
	uint64_t dir = make_dir(store, bucket, "secret");
	uint64_t old = make(store, dir, "old", "as it was");
	uint64_t same = make(store, dir, "same", "same");
	cr_assert(not(file_open(store, same, O_RDWR, &file)));
	cr_assert(not(file_open(store, old, O_RDWR, &file)));
	write_at(file, "half", 0);
	write_at(create(store, dir, "new"), "unfinished", 0);
	file = create(store, dir, "synced");
	write_at(file, "promised", 0);
	cr_assert(not(file_sync(file, false)));
	other_process_tell(self, bucket);
}

Test(file_seal, what_a_killed_process_had_not_published_is_as_it_was)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_create();
	struct other_process process =
		other_process_start(temp.path, write_and_wait);
	uint64_t bucket = other_process_hear(&process);

	other_process_kill(&process);
	temp_store_reopen(&temp);

	cr_expect(s3_sees(temp.store, bucket, "secret/old", key, "as it was"));
	cr_expect(s3_sees(temp.store, bucket, "secret/same", key, "same"));
	cr_expect(s3_sees(temp.store, bucket, "secret/synced", key,
		"promised"));
	cr_expect(objects_is(temp.store, bucket, "secret/new", NULL));
	cr_expect(eq(u64, objects_files_left(temp.store), 3));
	cr_expect(eq(u64, objects_findings(temp.store), 0));
}

Test(file_seal, a_draft_takes_an_objects_place_once_its_writer_has_published_it)
{
	scoped(fixture_close) struct fixture it = fixture_open();
	struct inode replaced;

	make(it.store, it.dir, "final", "the old");
	struct file *file = create(it.store, it.dir, "tmp");
	write_at(file, "the new", 0);
	cr_expect(eq(int,
		tree_rename(it.store, it.dir, SLICE("tmp"), TREE_FILE, it.dir,
			SLICE("final"), 0, &replaced),
		STORE_BUSY));
	cr_assert(not(file_publish_sealed(it.store, file_ino(file))));
	cr_assert(not(tree_rename(it.store, it.dir, SLICE("tmp"), TREE_FILE,
		it.dir, SLICE("final"), 0, &replaced)));

	cr_expect(s3_sees(it.store, it.bucket, "secret/final", key, "the new"));
	write_at(file, "the newer", 0);
	cr_assert(not(file_close(&file, O_RDWR)));
	cr_expect(s3_sees(it.store, it.bucket, "secret/final", key,
		"the newer"));
}
