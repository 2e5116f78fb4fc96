/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/base/buffer.h"
#include "store/data/blob.h"
#include "store/data/blob_private.h"
#include "tests/base/on_loop.h"
#include "tests/support/temp_dir.h"

struct rig {
	struct temp_dir dir;
	struct blobs *blobs;
};

static struct rig
rig_open(void)
{
	struct rig rig = {.dir = temp_dir_make()};

	cr_assert(eq(int, blob_open_all(rig.dir.path, false, &rig.blobs),
		STORE_OK));
	return rig;
}

static void
rig_close(struct rig *rig)
{
	blob_close_all(&rig->blobs);
	temp_dir_remove(&rig->dir);
}

static void
close_fd(int *fd)
{
	close(*fd);
}

static int
create(struct rig *rig, uint64_t id, const char *text)
{
	int fd = -1;

	cr_assert(eq(int, blob_create(rig->blobs, id, &fd), STORE_OK));
	cr_assert(eq(sz, write(fd, text, strlen(text)), strlen(text)));
	return fd;
}

static bool
has(int fd, const char *text)
{
	char found[64];
	ssize_t n = pread(fd, found, sizeof(found), 0);

	return n == (ssize_t)strlen(text) && memcmp(found, text, n) == 0;
}

Test(blob, what_was_written_is_read)
{
	scoped(rig_close) struct rig rig = rig_open();
	scoped(close_fd) int made = create(&rig, 5, "five");
	scoped(close_fd) int fd = -1;

	cr_assert(eq(int, blob_open(rig.blobs, 5, O_RDONLY, &fd), STORE_OK));

	cr_expect(has(fd, "five"));
	cr_expect(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	cr_expect(fcntl(made, F_GETFD) & FD_CLOEXEC);
}

Test(blob, its_file_is_private_and_lies_with_its_neighbours)
{
	scoped(rig_close) struct rig rig = rig_open();
	scoped(close_fd) int first = create(&rig, 0x1fff, "a");
	scoped(close_fd) int second = create(&rig, 0x2000, "b");
	struct stat st;

	cr_assert(eq(int, stat(temp_dir_at(&rig.dir, "1/1fff"), &st), 0));
	cr_expect(eq(u32, st.st_mode, S_IFREG | 0600));
	cr_assert(eq(int, stat(temp_dir_at(&rig.dir, "2/2000"), &st), 0));
	cr_assert(eq(int, stat(temp_dir_at(&rig.dir, "2"), &st), 0));
	cr_expect(eq(u32, st.st_mode, S_IFDIR | 0700));
}

Test(blob, an_id_is_used_once)
{
	scoped(rig_close) struct rig rig = rig_open();
	scoped(close_fd) int made = create(&rig, 5, "five");
	int fd = -1;

	cr_expect(eq(int, blob_create(rig.blobs, 5, &fd), STORE_EXISTS));
	cr_expect(has(made, "five"));
}

Test(blob, one_that_is_not_there_is_not_found)
{
	scoped(rig_close) struct rig rig = rig_open();
	struct stat st;
	int fd = -1;

	cr_expect(eq(int, blob_open(rig.blobs, 1, O_RDONLY, &fd),
		STORE_NOT_FOUND));
	cr_expect(eq(int, blob_stat(rig.blobs, 1, &st), STORE_NOT_FOUND));
	cr_expect(eq(int, blob_remove(rig.blobs, 1), STORE_OK));
}

Test(blob, a_descriptor_outlives_the_removal)
{
	scoped(rig_close) struct rig rig = rig_open();
	scoped(close_fd) int fd = create(&rig, 5, "five");
	struct stat st;

	cr_expect(eq(int, blob_remove(rig.blobs, 5), STORE_OK));

	cr_expect(eq(int, blob_stat(rig.blobs, 5, &st), STORE_NOT_FOUND));
	cr_expect(has(fd, "five"));
}

Test(blob, a_read_only_store_changes_nothing)
{
	scoped(rig_close) struct rig rig = rig_open();
	scoped(close_fd) int made = create(&rig, 5, "five");
	scoped(close_fd) int read = -1;
	int fd = -1;

	blob_close_all(&rig.blobs);
	cr_assert(eq(int, blob_open_all(rig.dir.path, true, &rig.blobs),
		STORE_OK));

	cr_expect(eq(int, blob_create(rig.blobs, 6, &fd), STORE_READ_ONLY));
	cr_expect(eq(int, blob_open(rig.blobs, 5, O_RDWR, &fd),
		STORE_READ_ONLY));
	cr_expect(eq(int, blob_remove(rig.blobs, 5), STORE_READ_ONLY));
	cr_expect(eq(int, blob_open(rig.blobs, 5, O_RDONLY, &read), STORE_OK));
}

static void
on_fiber(void *arg)
{
	struct rig *rig = arg;
	scoped(close_fd) int made = create(rig, 9, "nine");
	scoped(close_fd) int copy = create(rig, 10, "");
	scoped(close_fd) int fd = -1;
	uint64_t ids[] = {9, 10};
	int missing = -1;

	cr_assert(eq(int, blob_open(rig->blobs, 9, O_RDONLY, &fd), STORE_OK));
	cr_expect(has(fd, "nine"));
	cr_expect(eq(int, blob_open(rig->blobs, 11, O_RDONLY, &missing),
		STORE_NOT_FOUND));
	cr_expect(eq(int, blob_copy_range(fd, 0, copy, 0, 4), STORE_OK));
	cr_expect(has(copy, "nine"));
	cr_expect(eq(int, blob_flush(rig->blobs, ids, 2), STORE_OK));
	cr_expect(eq(int, blob_remove(rig->blobs, 9), STORE_OK));
}

Test(blob, a_fiber_may_do_the_same)
{
	scoped(rig_close) struct rig rig = rig_open();

	on_loop(on_fiber, &rig);
}

static void *
create_many(void *arg)
{
	struct blobs *blobs = ((void **)arg)[0];
	uint64_t first = *(uint64_t *)((void **)arg)[1];

	for (uint64_t i = 0; i < 50; i++) {
		int fd = -1;

		/* Each in a directory of its own, which all try to make. */
		if (blob_create(blobs, i * 4096 + first, &fd))
			return arg;
		close(fd);
	}
	return NULL;
}

Test(blob, many_may_make_a_directory_at_once)
{
	scoped(rig_close) struct rig rig = rig_open();
	uint64_t firsts[4] = {0, 1, 2, 3};
	void *args[4][2];
	pthread_t threads[4];

	for (int i = 0; i < 4; i++) {
		args[i][0] = rig.blobs;
		args[i][1] = &firsts[i];
		pthread_create(&threads[i], NULL, create_many, args[i]);
	}
	for (int i = 0; i < 4; i++) {
		void *failed = NULL;

		pthread_join(threads[i], &failed);
		cr_expect(eq(ptr, failed, NULL));
	}
}

Test(blob, flushing_passes_over_what_is_gone)
{
	scoped(rig_close) struct rig rig = rig_open();
	scoped(close_fd) int fd = create(&rig, 5, "five");
	uint64_t ids[100];

	for (uint64_t i = 0; i < array_len(ids); i++)
		ids[i] = i * 1000;
	ids[3] = 5;

	cr_expect(eq(int, blob_flush(rig.blobs, ids, 0), STORE_OK));
	cr_expect(eq(int, blob_flush(rig.blobs, ids, 64), STORE_OK));
	cr_expect(eq(int, blob_flush(rig.blobs, ids, 65), STORE_OK));
	cr_expect(eq(int, blob_flush(rig.blobs, ids, 100), STORE_OK));
}

static bool
is_known_dir(const struct rig *rig, uint64_t dir)
{
	return rig->blobs->known_dirs[dir % BLOB_KNOWN_DIRS] == dir + 1;
}

Test(blob, a_directory_counts_as_durable_only_once_it_is_there)
{
	scoped(rig_close) struct rig rig = rig_open();
	const uint64_t id = 3 * BLOB_IDS_PER_DIR;

	/* Leased by one who died before the first file was made. */
	cr_assert(zero(int, blob_flush_removed(rig.blobs, &id, 1)));
	cr_expect(not(is_known_dir(&rig, 3)));

	scoped(close_fd) int fd = create(&rig, id, "x");
	cr_assert(zero(int, blob_flush(rig.blobs, &id, 1)));
	cr_expect(is_known_dir(&rig, 3));
}

Test(blob, space_is_that_of_the_file_system)
{
	scoped(rig_close) struct rig rig = rig_open();
	struct statvfs space = {0};

	cr_expect(eq(int, blob_space(rig.blobs, &space), STORE_OK));
	cr_expect(gt(u64, space.f_blocks, 0));
}

struct seen {
	struct buffer text;
	uint64_t stop_at;
};

static enum store_err
visit(uint64_t id, void *context)
{
	struct seen *seen = context;

	buffer_printf(&seen->text, "%llx ", (unsigned long long)id);
	return id == seen->stop_at ? STORE_CANCELED : STORE_OK;
}

static void
stray(const char *path, void *context)
{
	struct seen *seen = context;

	buffer_printf(&seen->text, "!%s ", path);
}

static void
expect_walk(struct rig *rig, uint64_t first, const char *wanted)
{
	struct seen seen = {.stop_at = UINT64_MAX};

	cr_expect(eq(int, blob_walk(rig->blobs, first, visit, stray, &seen),
		STORE_OK));
	cr_expect(slice_equal(buffer_slice(&seen.text), slice_str(wanted)),
		"%.*s", (int)seen.text.len, seen.text.data);
	buffer_free(&seen.text);
}

Test(blob, a_walk_is_in_order_of_ids)
{
	scoped(rig_close) struct rig rig = rig_open();
	static const uint64_t ids[] = {0x10000, 2, 0x1fff, 10, 0x9000};

	for (size_t i = 0; i < array_len(ids); i++)
		close(create(&rig, ids[i], ""));

	expect_walk(&rig, 0, "2 a 1fff 9000 10000 ");
	expect_walk(&rig, 3, "a 1fff 9000 10000 ");
	expect_walk(&rig, 0x9001, "10000 ");
	expect_walk(&rig, 0x10001, "");
}

Test(blob, a_walk_names_what_does_not_belong)
{
	static const char *const strays[] = {
		"junk", "0/2000", "0/0a", "0/A", "0/x", "1000"};

	for (size_t i = 0; i < array_len(strays); i++) {
		scoped(rig_close) struct rig rig = rig_open();
		char wanted[64];

		close(create(&rig, 2, ""));
		int fd = open(temp_dir_at(&rig.dir, strays[i]),
			O_WRONLY | O_CREAT, 0600);
		cr_assert(ge(int, fd, 0));
		close(fd);

		/* Names at the top come first, numbers after the rest. */
		bool is_late = i == 1;
		snprintf(wanted, sizeof(wanted), is_late ? "2 !%s " : "!%s 2 ",
			strays[i]);
		expect_walk(&rig, 0, wanted);
	}
}

Test(blob, a_walk_stops_where_the_visitor_says)
{
	scoped(rig_close) struct rig rig = rig_open();
	struct seen seen = {.stop_at = 2};

	close(create(&rig, 2, ""));
	close(create(&rig, 3, ""));
	cr_expect(eq(int, blob_walk(rig.blobs, 0, visit, stray, &seen),
		STORE_CANCELED));
	cr_expect(slice_equal(buffer_slice(&seen.text), SLICE("2 ")));
	buffer_free(&seen.text);
}
