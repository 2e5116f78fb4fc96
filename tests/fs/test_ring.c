/* SPDX-License-Identifier: Apache-2.0 */
/* What the other tests of the mount do is done over io_uring by
 * tests/e2e/io_uring.py; here is what only a ring can do wrong. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/base/clock.h"
#include "store/file.h"
#include "store/meta/db.h"
#include "store/store_private.h"
#include "tests/fs/needs_mount.h"

#define MOUNTS 20
#define STEP_MIN_NS 100000

/* More than a queue has entries, and than there are helpers. */
#define THREADS 40

#define FILES 2000
#define FORGETS_MS 20
#define FEW 20

static struct temp_mount
open_with_ring(bool is_small_files)
{
	struct temp_mount temp = temp_mount_open();

	temp_mount_stop(&temp);
	temp.is_small_files = is_small_files;
	temp_mount_start_with_ring(&temp);
	return temp;
}

struct switching {
	int fd; /* of the parameter */
	const char *mount_point;
	struct timespec after;
};

static bool
is_mounted(const char *path)
{
	struct statx stat;

	/* Without a question to the mount, which answers none yet. */
	cr_assert(not(statx(AT_FDCWD, path, AT_STATX_DONT_SYNC, 0, &stat)));
	return (stat.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

static void *
switch_off(void *arg)
{
	const struct switching *it = arg;

	while (!is_mounted(it->mount_point))
		continue;
	(void)clock_nanosleep(CLOCK_MONOTONIC, 0, &it->after, NULL);
	cr_assert(eq(i64, pwrite(it->fd, "N", 1, 0), 1));
	return NULL;
}

/* The kernel looks at the parameter when it offers this, and when it has the
 * answer; we do between the two.  The moment of interest is between the last
 * two: it is closed in upon. */
Test(ring, one_that_is_taken_back_is_not_missed)
{
	NEEDS_RING();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();
	struct switching it = {
		.fd = open(TEMP_MOUNT_RING_SWITCH, O_RDWR | O_CLOEXEC),
		.mount_point = temp.dir,
	};
	int64_t step_ns = 32000000, after_ns = 0;
	pthread_t thread;
	char before;

	cr_assert(not(flock(it.fd, LOCK_EX)));
	cr_assert(eq(i64, pread(it.fd, &before, 1, 0), 1));
	for (int i = 0; i < MOUNTS; i++) {
		temp_mount_stop(&temp);
		cr_assert(eq(i64, pwrite(it.fd, "Y", 1, 0), 1));
		it.after = clock_to_timespec(after_ns);
		cr_assert(not(pthread_create(&thread, NULL, switch_off, &it)));
		temp_mount_start(&temp);
		cr_assert(not(pthread_join(thread, NULL)));
		temp_mount_write(&temp, "f", "text");
		cr_expect(eq(str, (char *)temp_mount_read(&temp, "f"), "text"));
		after_ns += temp.status.has_io_uring ? -step_ns : step_ns;
		step_ns = step_ns > STEP_MIN_NS ? step_ns / 2 : step_ns;
	}
	cr_assert(eq(i64, pwrite(it.fd, &before, 1, 0), 1));
	cr_assert(not(close(it.fd)));
}

/* A ring that is gone must not be looked at. */
Test(ring, the_status_can_be_asked_for_while_it_ends)
{
	NEEDS_RING();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();

	temp.is_asked = true;
	for (int i = 0; i < MOUNTS; i++) {
		temp_mount_stop(&temp);
		temp_mount_start_with_ring(&temp);
	}
	cr_expect(temp_mount_status(&temp).has_io_uring);
}

Test(ring, what_is_written_is_read)
{
	NEEDS_RING();
	scoped(temp_mount_close) struct temp_mount temp = open_with_ring(false);

	temp_mount_write(&temp, "f", "text");

	cr_expect(eq(str, (char *)temp_mount_read(&temp, "f"), "text"));
	cr_expect(eq(str, (char *)temp_mount_get(&temp, "f"), "text"));
}

/* Where a directory goes, the file of the same name is shown differently from
 * then on.  Dropping that name waits for who holds the directory that it is in:
 * he who waits for the answer. */
Test(ring, no_answer_waits_for_a_name_to_be_dropped)
{
	NEEDS_RING();
	scoped(temp_mount_close) struct temp_mount temp = open_with_ring(false);

	for (int i = 0; i < 20; i++) {
		cr_assert(not(mkdir(temp_mount_at(&temp, "d"), 0755)));
		temp_mount_put(&temp, "d", "a file");
		cr_assert(not(rename(temp_mount_at(&temp, "d"),
			temp_mount_at(&temp, "e"))));
		cr_expect(eq(str, (char *)temp_mount_read(&temp, "d"),
			"a file"));
		cr_assert(not(rmdir(temp_mount_at(&temp, "e"))));
		cr_assert(not(unlink(temp_mount_at(&temp, "d"))));
	}
}

#define TURNS 500

struct changer {
	pthread_t thread;
	void *(*change)(void *arg);
	char paths[2][128];
	bool is_done;
};

static void
stay_on_first_cpu(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(0, &set);
	cr_assert(not(pthread_setaffinity_np(pthread_self(), sizeof(set),
		&set)));
}

static void *
exchange(void *arg)
{
	struct changer *changer = arg;
	int failed = 0;

	stay_on_first_cpu();
	for (int i = 0; !failed && i < TURNS; i++)
		failed = renameat2(AT_FDCWD, changer->paths[0], AT_FDCWD,
			changer->paths[1], RENAME_EXCHANGE);
	changer->is_done = !failed;
	return NULL;
}

static void *
make_and_remove(void *arg)
{
	struct changer *changer = arg;
	int failed = 0;

	stay_on_first_cpu();
	for (int i = 0; !failed && i < TURNS; i++) {
		failed = mkdir(changer->paths[0], 0755);
		if (!failed)
			failed = rmdir(changer->paths[0]);
	}
	changer->is_done = !failed;
	return NULL;
}

/* After a directory was renamed a name is dropped, which waits for all who wait
 * for the directory's lock; and whoever of them gets it asks the same queue,
 * which is that CPU's. */
Test(ring, who_waits_for_a_directory_is_answered_while_a_name_is_dropped)
{
	NEEDS_RING();
	scoped(temp_mount_close) struct temp_mount temp = open_with_ring(false);
	struct changer changers[] = {
		{.change = exchange},
		{.change = make_and_remove},
		{.change = make_and_remove},
	};

	temp_mount_limit(&temp);
	for (int i = 0; i < 2; i++) {
		cr_assert(not(mkdir(temp_mount_at(&temp, "d%d", i), 0755)));
		(void)snprintf(changers[0].paths[i], 128, "%s",
			temp_mount_at(&temp, "d%d", i));
		(void)snprintf(changers[1 + i].paths[0], 128, "%s",
			temp_mount_at(&temp, "e%d", i));
	}
	/* These are shown as something else, beside directories. */
	temp_mount_put(&temp, "d0", "a file");
	temp_mount_put(&temp, "d1", "a file");
	for (size_t i = 0; i < array_len(changers); i++)
		cr_assert(not(pthread_create(&changers[i].thread, NULL,
			changers[i].change, &changers[i])));

	for (size_t i = 0; i < array_len(changers); i++) {
		cr_assert(not(pthread_join(changers[i].thread, NULL)));
		cr_expect(changers[i].is_done);
	}
}

/* The kernel keeps the page locked that is being written, and it is to drop it,
 * since the bytes are not where it took the end to be. */
Test(ring, who_appends_beside_another_process_has_an_answer)
{
	NEEDS_RING();
	scoped(temp_mount_close) struct temp_mount temp = open_with_ring(false);

	temp_mount_limit(&temp);
	(void)temp_mount_append_in_turns(&temp);

	cr_expect(eq(str, (char *)temp_mount_read(&temp, "log"),
		TEMP_MOUNT_APPENDED));
}

struct creator {
	pthread_t thread;
	char path[128];
	int fd;
};

static void *
create_synced(void *arg)
{
	struct creator *creator = arg;

	stay_on_first_cpu();
	creator->fd = open(creator->path,
		O_CREAT | O_EXCL | O_RDWR | O_SYNC | O_CLOEXEC, 0644);
	return NULL;
}

/* What is written with O_SYNC is published at once, durably: that waits for a
 * checkpoint. */
Test(ring, others_are_answered_while_a_file_is_created_that_is_to_be_synced)
{
	NEEDS_RING();
	scoped(temp_mount_close) struct temp_mount temp = open_with_ring(false);
	struct creator creator = {.fd = -1};
	char path[128];

	temp_mount_limit(&temp);
	stay_on_first_cpu();
	(void)snprintf(creator.path, sizeof(creator.path), "%s",
		temp_mount_at(&temp, "f"));
	(void)snprintf(path, sizeof(path), "%s/meta/checkpoint.lock",
		temp.store.path);
	int lock = open(path, O_RDWR | O_CLOEXEC);
	cr_assert(not(flock(lock, LOCK_EX)));
	cr_assert(not(pthread_create(&creator.thread, NULL, create_synced,
		&creator)));
	while (temp_mount_status(&temp).open_files == 0)
		sched_yield();

	/* In another directory: that one is locked until the file is there. */
	cr_expect(eq(int, access(temp_mount_at(&temp, "../none"), F_OK), -1));
	cr_expect(eq(int, errno, ENOENT));

	cr_assert(not(flock(lock, LOCK_UN)));
	cr_assert(not(pthread_join(creator.thread, NULL)));
	cr_expect(ge(int, creator.fd, 0));
	(void)close(creator.fd);
	(void)close(lock);
}

struct opener {
	pthread_t thread;
	char path[128];
	int flags;
	int fd;
};

static void *
open_file(void *arg)
{
	struct opener *opener = arg;

	stay_on_first_cpu();
	opener->fd = open(opener->path, opener->flags | O_CLOEXEC);
	return NULL;
}

static void
start_opener(struct temp_mount *temp, struct opener *opener, int flags)
{
	*opener = (struct opener){.flags = flags, .fd = -1};
	(void)snprintf(opener->path, sizeof(opener->path), "%s",
		temp_mount_at(temp, "f"));
	cr_assert(not(pthread_create(&opener->thread, NULL, open_file,
		opener)));
}

/* Who opens for writing may copy a large file first, and has its turn
 * meanwhile; here it waits for another's commit. */
Test(ring, others_are_answered_while_a_file_is_opened_that_somebody_is_about)
{
	NEEDS_RING();
	scoped(temp_mount_close) struct temp_mount temp = open_with_ring(false);
	struct opener writer, reader;
	struct db_txn *txn = NULL;

	temp_mount_limit(&temp);
	temp_mount_put(&temp, "f", "text");
	stay_on_first_cpu();
	cr_assert(not(db_begin_write(temp.store.store->db, &txn)));
	start_opener(&temp, &writer, O_RDWR);
	while (temp_mount_status(&temp).open_files == 0)
		sched_yield();
	start_opener(&temp, &reader, O_RDONLY);

	/* It is on this CPU, too, and so has asked before the last of these. */
	for (int i = 0; i < 1000; i++)
		cr_expect(eq(int,
			access(temp_mount_at(&temp, "../none%d", i), F_OK),
			-1));

	cr_expect(eq(int, writer.fd, -1));
	db_abort(&txn);
	cr_assert(not(pthread_join(writer.thread, NULL)));
	cr_assert(not(pthread_join(reader.thread, NULL)));
	cr_expect(ge(int, writer.fd, 0));
	cr_expect(ge(int, reader.fd, 0));
	(void)close(writer.fd);
	(void)close(reader.fd);
}

/* Of more than is answered at once, so by a helper, and the whole buffer. */
Test(ring, a_large_read_comes_whole)
{
	NEEDS_RING();
	scoped(temp_mount_close) struct temp_mount temp = open_with_ring(true);
	size_t size = (3u << 20) + 5;
	char *text = malloc(size + 1);

	for (size_t i = 0; i < size; i++)
		text[i] = (char)('a' + i % 26);
	text[size] = '\0';
	temp_mount_put(&temp, "big", text);

	cr_expect(eq(str, (char *)temp_mount_read(&temp, "big"), text));
	free(text);
}

/* Rule 5 of workers.h: two threads, each of which waits for the kernel, and
 * then for more to gather. */
Test(ring, inodes_are_forgotten_many_at_a_time)
{
	NEEDS_RING();
	scoped(temp_mount_close) struct temp_mount temp = open_with_ring(false);

	for (int i = 0; i < FILES; i++)
		cr_assert(not(mknod(temp_mount_at(&temp, "f%d", i),
			S_IFREG | 0600, 0)));
	uint64_t before = temp_mount_waits(&temp, "tarn-fuse");
	int64_t began_ms = clock_monotonic_ms();
	for (int i = 0; i < FILES; i++)
		cr_assert(not(unlink(temp_mount_at(&temp, "f%d", i))));
	uint64_t waits = temp_mount_waits(&temp, "tarn-fuse") - before;
	uint64_t rests =
		(uint64_t)(clock_monotonic_ms() - began_ms) / FORGETS_MS + 1;

	cr_expect(le(u64, waits, 2 * 2 * rests + FEW));
}

struct writer {
	pthread_t thread;
	char path[128];
	bool is_done;
};

static void *
write_durably(void *arg)
{
	struct writer *writer = arg;
	int fd =
		open(writer->path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0644);

	writer->is_done = fd >= 0 && write(fd, "text", 4) == 4 && !fsync(fd) &&
			  !close(fd) && !unlink(writer->path);
	return NULL;
}

Test(ring, more_wait_for_the_disk_than_there_are_entries_and_helpers)
{
	NEEDS_RING();
	scoped(temp_mount_close) struct temp_mount temp = open_with_ring(false);
	struct writer writers[THREADS] = {0};

	for (int i = 0; i < THREADS; i++) {
		(void)snprintf(writers[i].path, sizeof(writers[i].path), "%s",
			temp_mount_at(&temp, "f%d", i));
		cr_assert(not(pthread_create(&writers[i].thread, NULL,
			write_durably, &writers[i])));
	}
	for (int i = 0; i < THREADS; i++) {
		cr_assert(not(pthread_join(writers[i].thread, NULL)));
		cr_expect(writers[i].is_done);
	}
}
