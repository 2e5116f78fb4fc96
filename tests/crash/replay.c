/* SPDX-License-Identifier: Apache-2.0 */
/*
 * usage: crash_replay LOG WORK CUTS SEED [PROMISES]
 *        crash_replay LOG WORK export SEED PROMISES STEP
 *
 * Cuts the power at so many moments of the log, makes below WORK what may be
 * left of the store, and looks at it after recovery.  PROMISES: what held
 * before the log began, where there is such a file; the second form makes it
 * what holds at that step, and WORK/store the store as it may be then.  A seed
 * of its own, printed for each cut that did harm, makes it again: export at
 * that step shows the store.
 *
 * Prints "CUTS cuts, HARMED did harm"; fails where it could not look.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/base/log.h"
#include "store/base/slice.h"
#include "tests/crash/disk.h"
#include "tests/crash/promises.h"

#define SIDE_BY_SIDE 2
/* Recovery is at the log's beginning, where cuts are denser. */
#define DENSE 200
#define TOLD_MAX 5

struct replay {
	struct disk *disk;
	struct promises *promises;
	const char *work;
	uint64_t seed;
	uint64_t step;
	pid_t running[SIDE_BY_SIDE];
	uint64_t steps[SIDE_BY_SIDE];
	unsigned long cuts;
	unsigned long harmed;
};

/* In the C library's place: to clear the space that the engine reserves for
 * its tables would take longer than all the rest. */
int
fallocate(int fd, int mode, off_t offset, off_t len)
{
	(void)fd;
	(void)mode;
	(void)offset;
	(void)len;
	errno = EOPNOTSUPP;
	return -1;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void
remove_tree(const char *path)
{
	nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static bool
step(struct replay *replay)
{
	const struct shim_record *record = disk_step(replay->disk);
	struct content_note note;

	if (!record)
		return false;
	replay->step++;
	if (record->kind == SHIM_NOTE) {
		assert(record->len == sizeof(note));
		memcpy(&note, record + 1, sizeof(note));
		promises_note(replay->promises, &note);
	}
	return true;
}

/* The same for the same step. */
static void
cut_now(const struct replay *replay, const char *path)
{
	uint64_t random = replay->seed * 1000003 + replay->step;
	enum disk_cut kind = (enum disk_cut)disk_draw(&random, DISK_CUTS);

	remove_tree(path);
	if (mkdir(path, 0700)) {
		perror(path);
		_exit(2);
	}
	disk_cut(replay->disk, kind, disk_draw(&random, UINT64_MAX), path);
}

static void
look(const struct replay *replay, size_t slot)
{
	char path[PATH_MAX];
	char told[PATH_MAX];

	snprintf(path, sizeof(path), "%s/cut%zu", replay->work, slot);
	snprintf(told, sizeof(told), "%s/told%zu", replay->work, slot);
	int fd = open(told, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	dup2(fd, STDERR_FILENO);
	cut_now(replay, path);
	/* A process that meets damage may be ended by it: no clean-up here. */
	_exit(promises_are_kept(replay->promises, path) ? 0 : 1);
}

static void
tell(const struct replay *replay, size_t slot, int status)
{
	char told[PATH_MAX];
	char line[512];

	snprintf(told, sizeof(told), "%s/told%zu", replay->work, slot);
	FILE *file = fopen(told, "re");
	printf("harm by the cut at step %llu, seed %llu (status %x)\n",
		(unsigned long long)replay->steps[slot],
		(unsigned long long)replay->seed, (unsigned int)status);
	for (int i = 0; i < 12 && file && fgets(line, sizeof(line), file); i++)
		printf("  %s", line);
	if (file)
		fclose(file);
}

static void
wait_for(struct replay *replay, size_t slot)
{
	int status = 0;

	if (!replay->running[slot])
		return;
	pid_t ended = waitpid(replay->running[slot], &status, 0);
	assert(ended == replay->running[slot]);
	replay->running[slot] = 0;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 2) {
		printf("could not look\n");
		exit(2);
	}
	replay->cuts++;
	if (status == 0)
		return;
	if (replay->harmed++ < TOLD_MAX)
		tell(replay, slot, status);
}

static void
cut(struct replay *replay)
{
	size_t slot = replay->cuts % SIDE_BY_SIDE;

	for (slot = 0; slot < SIDE_BY_SIDE && replay->running[slot]; slot++)
		;
	if (slot == SIDE_BY_SIDE) {
		slot = replay->step % SIDE_BY_SIDE;
		wait_for(replay, slot);
	}
	fflush(stdout);
	pid_t pid = fork();
	assert(pid >= 0);
	if (pid == 0)
		look(replay, slot);
	replay->running[slot] = pid;
	replay->steps[slot] = replay->step;
}

static void
cut_often(struct replay *replay, uint64_t cuts)
{
	uint64_t random = replay->seed;

	while (cuts > 0) {
		uint64_t left = disk_steps_left(replay->disk);

		bool is_early = replay->step < DENSE;

		if (disk_draw(&random, is_early ? 5 : left + 1) <
			(is_early ? 1 : cuts)) {
			cut(replay);
			cuts--;
		}
		if (!step(replay))
			break;
	}
	for (size_t i = 0; i < SIDE_BY_SIDE; i++)
		wait_for(replay, i);
	printf("%lu cuts, %lu did harm\n", replay->cuts, replay->harmed);
}

static void export(struct replay *replay, uint64_t at, const char *promises)
{
	char path[PATH_MAX];

	while (replay->step < at && step(replay))
		;
	snprintf(path, sizeof(path), "%s/store", replay->work);
	cut_now(replay, path);
	promises_save(replay->promises, promises);
}

int
main(int argc, char **argv)
{
	struct replay replay = {.promises = promises_new()};
	unsigned long cuts = 0;
	unsigned long at = 0;
	bool is_export = argc == 7 && strcmp(argv[3], "export") == 0;

	if (argc < 5 ||
		!slice_to_u64(slice_str(argv[4]), UINT64_MAX, &replay.seed) ||
		(is_export ? !slice_to_u64(slice_str(argv[6]), UINT64_MAX, &at)
			   : !slice_to_u64(slice_str(argv[3]), 1000000, &cuts)))
		return 2;
	log_setup(LOG_ERROR, LOG_TEXT);
	replay.disk = disk_open(argv[1]);
	replay.work = argv[2];
	if (argc > 5 && access(argv[5], F_OK) == 0)
		promises_load(replay.promises, argv[5]);
	if (is_export)
		export(&replay, at, argv[5]);
	else
		cut_often(&replay, cuts);
	promises_free(&replay.promises);
	disk_close(&replay.disk);
	return 0;
}
