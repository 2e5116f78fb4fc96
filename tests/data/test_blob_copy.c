/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/base/helper.h"
#include "store/base/io.h"
#include "store/base/loop.h"
#include "store/data/blob.h"
#include "tests/support/temp_dir.h"

#define MIB (1 << 20)

/* Two files, and what the second one should hold. */
struct rig {
	struct temp_dir dir;
	int from;
	int to;
	size_t from_len;
	char *source;
	char *wanted;
	size_t wanted_len;
};

static struct rig
rig_open(size_t from_len)
{
	struct rig rig = {.dir = temp_dir_make(), .from_len = from_len};

	rig.from = open(temp_dir_at(&rig.dir, "from"), O_RDWR | O_CREAT, 0600);
	rig.to = open(temp_dir_at(&rig.dir, "to"), O_RDWR | O_CREAT, 0600);
	rig.source = malloc(from_len);
	rig.wanted = calloc(1, 4 * MIB);
	for (size_t i = 0; i < from_len; i++)
		rig.source[i] = (char)(i * 31 + i / 4096);
	cr_assert(eq(sz, pwrite(rig.from, rig.source, from_len, 0), from_len));
	return rig;
}

static void
rig_close(struct rig *rig)
{
	close(rig->from);
	close(rig->to);
	free(rig->source);
	free(rig->wanted);
	temp_dir_remove(&rig->dir);
}

static void
punch(struct rig *rig, size_t at, size_t len)
{
	cr_assert(eq(int,
		fallocate(rig->from, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			at, len),
		0));
	memset(rig->source + at, 0, len);
}

static void
copy(struct rig *rig, size_t from, size_t to, size_t len)
{
	cr_expect(eq(int, blob_copy_range(rig->from, from, rig->to, to, len),
		STORE_OK));
	memcpy(rig->wanted + to, rig->source + from, len);
	if (to + len > rig->wanted_len)
		rig->wanted_len = to + len;
}

static void
expect_target(struct rig *rig)
{
	char *found = malloc(4 * MIB);
	ssize_t n = pread(rig->to, found, 4 * MIB, 0);

	cr_expect(eq(sz, n, rig->wanted_len));
	cr_expect(memcmp(found, rig->wanted, rig->wanted_len) == 0);
	free(found);
}

static uint64_t
allocated(int fd)
{
	struct stat st;

	cr_assert(eq(int, fstat(fd, &st), 0));
	return (uint64_t)st.st_blocks * 512;
}

Test(blob_copy, all_of_a_file)
{
	scoped(rig_close) struct rig rig = rig_open(MIB + 123);

	copy(&rig, 0, 0, MIB + 123);

	expect_target(&rig);
}

Test(blob_copy, ranges_need_not_be_aligned)
{
	scoped(rig_close) struct rig rig = rig_open(MIB);

	copy(&rig, 5, 777, 300000);
	copy(&rig, 4095, 0, 2);
	copy(&rig, 100, 300777, 1);
	copy(&rig, 0, MIB + 1, MIB);

	expect_target(&rig);
}

Test(blob_copy, holes_stay_holes)
{
	scoped(rig_close) struct rig rig = rig_open(2 * MIB);

	punch(&rig, 4096, MIB);
	punch(&rig, 2 * MIB - 65536, 65536);
	copy(&rig, 0, 0, 2 * MIB);

	expect_target(&rig);
	cr_expect(le(u64, allocated(rig.to), allocated(rig.from) + 8192));
}

Test(blob_copy, a_hole_wipes_what_was_there)
{
	scoped(rig_close) struct rig rig = rig_open(2 * MIB);

	copy(&rig, 0, 0, MIB);
	punch(&rig, 0, MIB);
	copy(&rig, 1000, 2000, MIB / 2);
	copy(&rig, 100, MIB - 5, 10);

	expect_target(&rig);
}

Test(blob_copy, a_file_of_holes_alone)
{
	scoped(rig_close) struct rig rig = rig_open(MIB);

	punch(&rig, 0, MIB);
	copy(&rig, 0, 10, MIB - 5);

	expect_target(&rig);
}

Test(blob_copy, nothing)
{
	scoped(rig_close) struct rig rig = rig_open(1);

	copy(&rig, 1, 0, 0);

	expect_target(&rig);
}

Test(blob_copy, what_the_source_does_not_have_is_refused)
{
	scoped(rig_close) struct rig rig = rig_open(100);

	cr_expect(eq(int, blob_copy_range(rig.from, 50, rig.to, 0, 51),
		STORE_CORRUPT));
	cr_expect(eq(int, blob_copy_range(rig.from, 101, rig.to, 0, 1),
		STORE_CORRUPT));
	cr_expect(eq(int, blob_copy_range(rig.from, UINT64_MAX, rig.to, 0, 1),
		STORE_TOO_BIG));
	cr_expect(eq(int, blob_copy_range(rig.from, 0, rig.to, INT64_MAX, 1),
		STORE_TOO_BIG));
	expect_target(&rig);
}

struct part {
	struct rig *rig;
	size_t at;
};

static void *
copy_part(void *arg)
{
	struct part *part = arg;
	size_t len = MIB / 4;
	enum store_err err = blob_copy_range(part->rig->from, part->at,
		part->rig->to, part->at, len);

	return err ? arg : NULL;
}

/* The last bytes are holes: each part makes the file grow, none shrinks it. */
Test(blob_copy, parts_may_arrive_at_once)
{
	for (int round = 0; round < 20; round++) {
		scoped(rig_close) struct rig rig = rig_open(MIB);
		pthread_t threads[4];
		struct part parts[4];

		for (size_t i = 0; i < 4; i++)
			punch(&rig, (i + 1) * MIB / 4 - 65536, 65536);
		memcpy(rig.wanted, rig.source, MIB);
		rig.wanted_len = MIB;
		for (size_t i = 0; i < 4; i++) {
			parts[i] = (struct part){&rig, i * MIB / 4};
			pthread_create(&threads[i], NULL, copy_part, &parts[i]);
		}
		for (size_t i = 0; i < 4; i++) {
			void *failed = NULL;

			pthread_join(threads[i], &failed);
			cr_expect(eq(ptr, failed, NULL));
		}
		expect_target(&rig);
	}
}

/* A loop whose helper threads are all busy but for one. */
struct crowd {
	struct rig *rig;
	sem_t is_over;
	uint64_t len;
	uint64_t seen; /* of the target by the one that came second */
};

static void
run_busy(void *arg)
{
	struct crowd *crowd = arg;

	while (sem_wait(&crowd->is_over))
		;
}

static void
run_look(void *arg)
{
	struct crowd *crowd = arg;
	struct stat st = {.st_size = 0};

	(void)fstat(crowd->rig->to, &st);
	crowd->seen = (uint64_t)st.st_size;
}

static void
busy(void *arg)
{
	io_run_blocking(run_busy, arg);
}

static void
copy_long(void *arg)
{
	struct crowd *crowd = arg;

	/* From 1 on, so that no file system can share it. */
	cr_expect(eq(int,
		blob_copy_range(crowd->rig->from, 1, crowd->rig->to, 0,
			crowd->len),
		STORE_OK));
}

static void
look(void *arg)
{
	struct crowd *crowd = arg;

	io_run_blocking(run_look, crowd);
	for (int i = 1; i < HELPER_THREADS_MAX; i++)
		sem_post(&crowd->is_over);
}

Test(blob_copy, a_long_one_lets_others_have_their_turn)
{
	scoped(rig_close) struct rig rig = rig_open(1);
	struct crowd crowd = {.rig = &rig, .len = 1ull << 30};
	struct loop *loop = NULL;
	struct stat st;

	cr_assert(zero(int, sem_init(&crowd.is_over, 0, 0)));
	cr_assert(zero(int, ftruncate(rig.from, (off_t)crowd.len + 1)));
	cr_assert(zero(int, loop_create(&loop)));
	for (int i = 1; i < HELPER_THREADS_MAX; i++)
		cr_assert(zero(int, loop_spawn(loop, busy, &crowd)));
	cr_assert(zero(int, loop_spawn(loop, copy_long, &crowd)));
	cr_assert(zero(int, loop_spawn(loop, look, &crowd)));
	loop_stop(loop); /* once its fibers have ended */
	loop_run(loop);
	loop_destroy(&loop);

	cr_expect(lt(u64, crowd.seen, crowd.len));
	cr_assert(zero(int, fstat(rig.to, &st)));
	cr_expect(eq(u64, (uint64_t)st.st_size, crowd.len));
	sem_destroy(&crowd.is_over);
}
