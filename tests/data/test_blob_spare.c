/* SPDX-License-Identifier: Apache-2.0 */
#include "store/data/blob_spare.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/data/blob.h"
#include "store/data/blob_private.h"
#include "tests/support/temp_dir.h"

#define LONG_AGO 1000000000

struct rig {
	struct temp_dir dir;
	struct blobs *blobs;
	struct blob_spares *spares; /* shared with forked processes */
};

static struct rig
rig_open(void)
{
	struct rig rig = {.dir = temp_dir_make()};

	rig.spares = mmap(NULL, sizeof(*rig.spares), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	cr_assert(ne(ptr, rig.spares, MAP_FAILED));
	cr_assert(zero(int, blob_open_all(rig.dir.path, false, &rig.blobs)));
	cr_assert(zero(int, blob_spare_use(rig.blobs, rig.spares, true)));
	return rig;
}

static void
rig_close(struct rig *rig)
{
	blob_close_all(&rig->blobs);
	munmap(rig->spares, sizeof(*rig->spares));
	temp_dir_remove(&rig->dir);
}

static void
close_fd(int *fd)
{
	close(*fd);
}

/* Makes a blob of that text; gives the number of its file. */
static ino_t
create(struct rig *rig, uint64_t id, const char *text)
{
	struct stat st;
	int fd;

	cr_assert(zero(int, blob_create(rig->blobs, id, &fd)));
	cr_assert(eq(sz, write(fd, text, strlen(text)), strlen(text)));
	cr_assert(zero(int, fstat(fd, &st)));
	close(fd);
	return st.st_ino;
}

static void
free_blob(struct rig *rig, uint64_t id)
{
	bool is_aside;

	cr_assert(zero(int, blob_spare_set_aside(rig->blobs, id, &is_aside)));
	cr_assert(zero(int, blob_flush_removed(rig->blobs, &id, 1)));
	if (is_aside)
		cr_assert(zero(int, blob_spare_keep(rig->blobs, id)));
}

static size_t
spares(const struct rig *rig)
{
	size_t count = 0;

	for (size_t i = 0; i < BLOB_SPARES_MAX; i++)
		count += rig->spares->ids[i] != 0;
	return count;
}

static bool
has_file(const struct rig *rig, const char *name)
{
	return access(temp_dir_at(&rig->dir, name), F_OK) == 0;
}

/* Runs work in a process of its own, which then waits for its end; gives the
 * process. */
static pid_t
start_process(const struct rig *rig, void (*work)(const struct rig *rig))
{
	int ready[2];
	char byte;

	cr_assert(zero(int, pipe(ready)));
	pid_t pid = fork();
	cr_assert(ge(int, pid, 0));
	if (pid == 0) {
		work(rig);
		(void)!write(ready[1], "", 1);
		pause();
		_exit(0);
	}
	close(ready[1]);
	cr_assert(eq(sz, read(ready[0], &byte, 1), 1));
	close(ready[0]);
	return pid;
}

static void
end_process(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

Test(blob_spare, the_file_of_a_removed_blob_is_the_next_ones)
{
	scoped(rig_close) struct rig rig = rig_open();
	ino_t first = create(&rig, 5, "five");
	struct stat st;
	int fd;

	free_blob(&rig, 5);
	cr_expect(eq(int, blob_stat(rig.blobs, 5, &st), STORE_NOT_FOUND));
	cr_expect(eq(int, blob_open(rig.blobs, 5, O_RDONLY, &fd),
		STORE_NOT_FOUND));

	/* In a directory of its own. */
	cr_expect(eq(ulong, create(&rig, 0x2005, "other"), first));
	cr_assert(zero(int, blob_stat(rig.blobs, 0x2005, &st)));
	cr_expect(eq(long, st.st_size, 5));
	cr_expect(eq(u32, st.st_mode, S_IFREG | 0600));
	cr_expect(zero(sz, spares(&rig)));
	cr_expect(ne(ulong, create(&rig, 0x2006, "new"), first));
}

Test(blob_spare, the_space_of_what_is_kept_is_given_back)
{
	scoped(rig_close) struct rig rig = rig_open();
	char bytes[64 * 1024];
	struct stat st;
	int fd;

	memset(bytes, 'x', sizeof(bytes));
	cr_assert(zero(int, blob_create(rig.blobs, 5, &fd)));
	cr_assert(eq(sz, write(fd, bytes, sizeof(bytes)), sizeof(bytes)));
	close(fd);
	free_blob(&rig, 5);

	cr_assert(zero(int, stat(temp_dir_at(&rig.dir, "spare/5"), &st)));
	cr_expect(zero(long, st.st_size));
	cr_expect(zero(long, st.st_blocks));
}

Test(blob_spare, a_new_blob_is_of_now)
{
	scoped(rig_close) struct rig rig = rig_open();
	const struct timespec times[2] = {{LONG_AGO, 0}, {LONG_AGO, 0}};
	struct stat st;
	int fd;

	create(&rig, 5, "five");
	free_blob(&rig, 5);
	cr_assert(zero(int,
		utimensat(AT_FDCWD, temp_dir_at(&rig.dir, "spare/5"), times,
			0)));
	cr_assert(zero(int, blob_create(rig.blobs, 6, &fd)));
	close(fd);

	cr_assert(zero(int, blob_stat(rig.blobs, 6, &st)));
	cr_expect(gt(long, st.st_mtim.tv_sec, LONG_AGO));
}

Test(blob_spare, an_id_is_used_once)
{
	scoped(rig_close) struct rig rig = rig_open();
	int fd;

	create(&rig, 5, "five");
	create(&rig, 6, "six");
	free_blob(&rig, 5);

	cr_expect(eq(int, blob_create(rig.blobs, 6, &fd), STORE_EXISTS));
}

static void
open_five(const struct rig *rig)
{
	(void)open(temp_dir_at(&rig->dir, "0/5"), O_RDONLY);
}

static void
open_five_for_writing(const struct rig *rig)
{
	(void)open(temp_dir_at(&rig->dir, "0/5"), O_RDWR);
}

static void
map_five(const struct rig *rig)
{
	int fd = open(temp_dir_at(&rig->dir, "0/5"), O_RDONLY);

	(void)mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
}

static void
expect_removed_while(void (*work)(const struct rig *rig))
{
	scoped(rig_close) struct rig rig = rig_open();

	create(&rig, 5, "five");
	pid_t pid = start_process(&rig, work);
	free_blob(&rig, 5);
	end_process(pid);

	cr_expect(zero(sz, spares(&rig)));
	cr_expect(not(has_file(&rig, "0/5")));
	cr_expect(not(has_file(&rig, "spare/5")));
}

Test(blob_spare, is_none_while_another_process_reads_the_file)
{
	expect_removed_while(open_five);
}

Test(blob_spare, is_none_while_another_process_writes_to_the_file)
{
	expect_removed_while(open_five_for_writing);
}

Test(blob_spare, is_none_while_another_process_maps_the_file)
{
	expect_removed_while(map_five);
}

Test(blob_spare, is_none_while_this_process_reads_the_file)
{
	scoped(rig_close) struct rig rig = rig_open();
	scoped(close_fd) int fd = -1;
	char byte;

	create(&rig, 5, "five");
	cr_assert(zero(int, blob_open(rig.blobs, 5, O_RDONLY, &fd)));
	free_blob(&rig, 5);

	create(&rig, 6, "six");
	cr_expect(eq(sz, pread(fd, &byte, 1, 0), 1));
	cr_expect(eq(chr, byte, 'f'));
}

Test(blob_spare, is_none_while_the_file_has_another_name)
{
	scoped(rig_close) struct rig rig = rig_open();
	struct stat st;

	create(&rig, 5, "five");
	cr_assert(zero(int, link(temp_dir_at(&rig.dir, "0/5"),
				    temp_dir_at(&rig.dir, "backup"))));
	free_blob(&rig, 5);

	cr_expect(zero(sz, spares(&rig)));
	cr_assert(zero(int, stat(temp_dir_at(&rig.dir, "backup"), &st)));
	cr_expect(eq(long, st.st_size, 4));
}

Test(blob_spare, is_not_taken_once_it_has_another_name)
{
	scoped(rig_close) struct rig rig = rig_open();
	ino_t first = create(&rig, 5, "five");

	free_blob(&rig, 5);
	cr_assert(zero(int, link(temp_dir_at(&rig.dir, "spare/5"),
				    temp_dir_at(&rig.dir, "copy"))));

	cr_expect(ne(ulong, create(&rig, 6, "six"), first));
}

Test(blob_spare, with_bytes_in_it_is_emptied)
{
	scoped(rig_close) struct rig rig = rig_open();
	ino_t first = create(&rig, 5, "five");
	struct stat st;

	free_blob(&rig, 5);
	cr_assert(zero(int, truncate(temp_dir_at(&rig.dir, "spare/5"), 99)));

	cr_expect(eq(ulong, create(&rig, 6, "six"), first));
	cr_assert(zero(int, blob_stat(rig.blobs, 6, &st)));
	cr_expect(eq(long, st.st_size, 3));
}

Test(blob_spare, that_has_gone_is_passed_over)
{
	scoped(rig_close) struct rig rig = rig_open();
	ino_t first = create(&rig, 5, "five");

	create(&rig, 6, "six");
	free_blob(&rig, 5);
	free_blob(&rig, 6);
	cr_assert(zero(int, unlink(temp_dir_at(&rig.dir, "spare/6"))));

	cr_expect(eq(ulong, create(&rig, 7, "seven"), first));
	cr_expect(ne(ulong, create(&rig, 8, "eight"), first));
}

Test(blob_spare, beyond_the_limit_is_removed)
{
	scoped(rig_close) struct rig rig = rig_open();

	cr_assert(le(u32, rig.blobs->spares_max, BLOB_SPARES_MAX));
	for (size_t i = 0; i < BLOB_SPARES_MAX; i++)
		rig.spares->ids[i] = 1000 + i;
	create(&rig, 5, "five");
	create(&rig, 6, "six");
	rig.spares->top = rig.blobs->spares_max - 1; /* set aside in vain */
	free_blob(&rig, 5);
	rig.spares->top = rig.blobs->spares_max;
	free_blob(&rig, 6);

	cr_expect(not(has_file(&rig, "spare/5")));
	cr_expect(not(has_file(&rig, "spare/6")));
	cr_expect(not(has_file(&rig, "0/5")));
	cr_expect(not(has_file(&rig, "0/6")));
}

Test(blob_spare, set_aside_by_somebody_who_died_is_removed)
{
	scoped(rig_close) struct rig rig = rig_open();
	bool is_aside;

	create(&rig, 5, "five");
	cr_assert(zero(int, blob_spare_set_aside(rig.blobs, 5, &is_aside)));
	cr_expect(is_aside);

	cr_assert(zero(int, blob_spare_set_aside(rig.blobs, 5, &is_aside)));
	cr_expect(not(is_aside));
	cr_expect(not(has_file(&rig, "spare/5")));
}

Test(blob_spare, the_sweep_leaves_what_can_be_taken)
{
	scoped(rig_close) struct rig rig = rig_open();
	bool is_aside;

	create(&rig, 5, "five");
	create(&rig, 6, "six");
	free_blob(&rig, 5);
	cr_assert(zero(int, blob_spare_set_aside(rig.blobs, 6, &is_aside)));

	cr_expect(zero(int, blob_spare_sweep(rig.blobs)));

	cr_expect(has_file(&rig, "spare/5"));
	cr_expect(not(has_file(&rig, "spare/6")));
}

static void
count_blob(const char *path, void *count)
{
	(void)path;
	++*(size_t *)count;
}

static enum store_err
visit(uint64_t id, void *count)
{
	(void)id;
	++*(size_t *)count;
	return STORE_OK;
}

Test(blob_spare, is_no_blob_to_a_walk)
{
	scoped(rig_close) struct rig rig = rig_open();
	size_t count = 0;

	create(&rig, 5, "five");
	free_blob(&rig, 5);

	cr_expect(zero(int,
		blob_walk(rig.blobs, 0, visit, count_blob, &count)));
	cr_expect(zero(sz, count));
}

#define RACERS 3
#define RACE 400

/* Blobs first, first + RACERS, ... each with its number in it. */
static void
race(const struct rig *rig, uint64_t first)
{
	for (uint64_t i = 0; i < RACE; i++) {
		uint64_t id = first + i * RACERS;
		int fd;

		if (blob_create(rig->blobs, id, &fd) ||
			pwrite(fd, &id, sizeof(id), 0) != sizeof(id))
			_exit(1);
		close(fd);
	}
	_exit(0);
}

Test(blob_spare, is_taken_by_one_of_many_processes)
{
	scoped(rig_close) struct rig rig = rig_open();
	pid_t racers[RACERS];
	int status;

	for (uint64_t id = 1; id <= 2 * RACE; id++)
		create(&rig, id, "former");
	for (uint64_t id = 1; id <= 2 * RACE; id++)
		free_blob(&rig, id);
	for (size_t i = 0; i < RACERS; i++) {
		racers[i] = fork();
		if (racers[i] == 0)
			race(&rig, 10000 + i);
	}
	for (size_t i = 0; i < RACERS; i++) {
		cr_assert(eq(int, waitpid(racers[i], &status, 0), racers[i]));
		cr_assert(zero(int, status));
	}

	cr_expect(zero(sz, spares(&rig)));
	for (uint64_t i = 0; i < (uint64_t)RACE * RACERS; i++) {
		scoped(close_fd) int fd = -1;
		uint64_t found = 0;

		cr_assert(zero(int,
			blob_open(rig.blobs, 10000 + i, O_RDONLY, &fd)));
		cr_assert(eq(sz, pread(fd, &found, sizeof(found), 0), 8));
		cr_assert(eq(u64, found, 10000 + i));
	}
}

static void *
open_it(void *arg)
{
	struct rig *rig = arg;
	int fd;

	return (void *)(uintptr_t)blob_open(rig->blobs, 5, O_RDONLY, &fd);
}

/* The one who opens it has found the name, and not yet the file, while we have
 * a lease on that. */
Test(blob_spare, is_not_found_by_who_opens_the_blob_as_it_goes)
{
	scoped(rig_close) struct rig rig = rig_open();
	pthread_t opener;
	void *err;

	create(&rig, 5, "five");
	int fd = open(temp_dir_at(&rig.dir, "0/5"), O_RDWR);
	cr_assert(zero(int, fcntl(fd, F_SETSIG, SIGURG)));
	cr_assert(zero(int, fcntl(fd, F_SETLEASE, F_WRLCK)));
	cr_assert(zero(int, pthread_create(&opener, NULL, open_it, &rig)));
	while (fcntl(fd, F_GETLEASE) == F_WRLCK)
		sched_yield();
	free_blob(&rig, 5);
	close(fd);

	cr_assert(zero(int, pthread_join(opener, &err)));
	cr_expect(eq(int, (int)(uintptr_t)err, STORE_NOT_FOUND));
	cr_expect(zero(sz, spares(&rig)));
}

#define TURNS 3000
#define ALIVE 4

/* Opens blobs that are about to go: each has its own number in it, or is empty
 * so far; also a little later. */
static void
read_for_ever(const struct rig *rig, const _Atomic(uint64_t) *newest)
{
	for (uint64_t i = 0;; i++) {
		uint64_t id = *newest - i % (ALIVE + 1);
		uint64_t found = id;
		int fd;

		if (blob_open(rig->blobs, id, O_RDONLY, &fd))
			continue;
		for (int tries = 0; tries < 5; tries++) {
			if (pread(fd, &found, sizeof(found), 0) < 0 ||
				found != id)
				_exit(1);
		}
		close(fd);
	}
}

Test(blob_spare, whoever_opened_a_blob_never_sees_another_ones_bytes)
{
	scoped(rig_close) struct rig rig = rig_open();
	_Atomic(uint64_t) *newest = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status = 0;

	*newest = 100;
	pid_t reader = fork();
	if (reader == 0)
		read_for_ever(&rig, newest);
	for (uint64_t id = 101; id < 101 + TURNS; id++) {
		int fd;
		bool is_aside = false;

		cr_assert(zero(int, blob_create(rig.blobs, id, &fd)));
		cr_assert(eq(sz, pwrite(fd, &id, sizeof(id), 0), 8));
		close(fd);
		*newest = id;
		if (id < 101 + ALIVE)
			continue;
		cr_assert(zero(int, blob_spare_set_aside(rig.blobs, id - ALIVE,
					    &is_aside)));
		if (is_aside)
			cr_assert(zero(int,
				blob_spare_keep(rig.blobs, id - ALIVE)));
	}

	cr_expect(zero(int, waitpid(reader, &status, WNOHANG)));
	end_process(reader);
	munmap((void *)newest, 4096);
}
