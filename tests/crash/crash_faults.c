/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A disk that fails at each call in turn, and a clock that is set back.
 *
 * A process of its own opens a new store and goes through a script, in which
 * one write, read or flush fails, or all from one on; then the disk is well
 * again, and another look is taken at the store (promises.c): it holds all
 * that was acknowledged, nothing but whole objects, passes fsck and takes
 * writes.  Next time the call after that fails, until the script ends before
 * the fault comes.
 *
 * 1. No fault ends the process, or lets it wait for ever.
 * 2. After a failed flush, but for one that only makes room again, the store
 *    has failed, and nothing is acknowledged any more.
 * 3. Any other fault lets the store go on, and what is done after it works:
 *    unless it struck the tables' own last page, where LMDB gives up.
 *
 * usage: crash_faults [SEED [FIRST]]: FIRST is the number of the sort to begin
 * with.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/base/clock.h"
#include "store/base/log.h"
#include "store/bucket.h"
#include "store/object.h"
#include "tests/crash/script.h"

#define SIDE_BY_SIDE 3
#define SECONDS_MAX 300
/* Faults of each sort in a short run, spread over the script. */
#define SHORT_RUN 5

/* How many the last process made; shared with those that are forked. */
static _Atomic(uint64_t) *calls;

static const struct sort {
	const char *name;
	enum faults_kind kind;
	int error; /* 0: half is written */
	bool lasts;
	bool is_of_put; /* of one put, each in turn */
} sorts[] = {
	{"a write finds no space", FAULTS_WRITE, ENOSPC, false, false},
	{"no write finds space any more", FAULTS_WRITE, ENOSPC, true, false},
	{"a write fails", FAULTS_WRITE, EIO, false, false},
	{"a write of a put fails", FAULTS_WRITE, EIO, false, true},
	{"all writes fail", FAULTS_WRITE, EIO, true, false},
	{"half of a write is done", FAULTS_WRITE, 0, false, false},
	{"the disk is read-only from now on", FAULTS_WRITE, EROFS, true, false},
	{"a read fails", FAULTS_READ, EIO, false, false},
	{"all reads fail", FAULTS_READ, EIO, true, false},
	{"a flush fails", FAULTS_FLUSH, EIO, false, false},
	{"a flush finds no space", FAULTS_FLUSH, ENOSPC, false, false},
	{"a flush finds no memory", FAULTS_FLUSH, ENOMEM, false, false},
	{"all flushes fail", FAULTS_FLUSH, EIO, true, false},
};

/* Invariants 2 and 3, once the fault was met. */
static void
judge(struct script *script, const struct sort *sort)
{
	const struct faults *faults = script->faults;
	bool is_side = strstr(faults->file, "meta/checkpoint") != NULL;
	bool is_tables = strstr(faults->file, "meta/data.mdb") != NULL;
	bool makes_room = strcmp(faults->thread, "tarn-reclaim") == 0;
	bool is_flush = sort->kind == FAULTS_FLUSH;

	if (!atomic_load(&faults->hits))
		return;
	if (is_flush && !makes_room && !script_has_failed(script))
		script_wrong(script, "a flush failed, and the store goes on");
	/* The side file is written where the flush would be next; what LMDB
	 * makes of a meta page that it could not write: db_has_failed(). */
	if (!is_flush && !is_side && !is_tables && script_has_failed(script))
		script_wrong(script, "no flush failed, and the store has");
	if (!script_has_failed(script) && script_put(script, "again"))
		script_wrong(script, "the disk is well again, and a put fails");
}

/* Gives 1 where the fault was met and all is well, 0 where it was not met. */
static int
run_script(const char *path, const struct sort *sort, uint64_t at)
{
	const struct store_options options = {
		.path = path,
		.spares_everywhere = true,
		.role = "faults",
		.map_size = 1u << 26,
	};
	struct bucket bucket = {0};
	struct script script = {
		.promises = promises_new(),
		.version = 1,
		.faults = faults_begin(path),
	};

	faults_arm(script.faults, sort->kind, at, sort->error, sort->lasts);
	enum store_err err = store_open(&options, &script.store);
	if (!err)
		err = bucket_get(script.store, SLICE(CONTENT_BUCKET), &bucket);
	if (!err) {
		script.bucket = bucket.ino;
		if (sort->is_of_put)
			(void)!script_put(&script, "put");
		else
			script_run(&script);
		if (!sort->lasts)
			judge(&script, sort);
	} else if (!atomic_load(&script.faults->hits)) {
		script_wrong(&script,
			"cannot be opened, though nothing failed");
	}
	/* The last checkpoint meets the fault, too. */
	store_close(&script.store);
	faults_disarm(script.faults);
	if (!promises_are_kept(script.promises, path))
		script_wrong(&script, "promises are not kept");
	promises_free(&script.promises);
	atomic_store(calls, atomic_load(&script.faults->seen));
	if (script.wrong)
		return 2;
	return atomic_load(&script.faults->hits) ? 1 : 0;
}

/* --- each call in turn -----------------------------------------------------
 */

static char work[64];

static void
make_store(const char *path)
{
	struct bucket bucket;
	const struct store_options options = {
		.path = path,
		.spares_everywhere = true,
		.role = "faults",
		.map_size = 1u << 26,
	};
	struct store *store = NULL;
	enum store_err err = store_create(path, SLICE("default"), NULL);

	if (!err)
		err = store_open(&options, &store);
	if (!err)
		err = bucket_create(store, SLICE(CONTENT_BUCKET),
			SLICE("default"), &bucket);
	store_close(&store);
	if (err) {
		fprintf(stderr, "%s: %s\n", path, error_sentence(err));
		_exit(3);
	}
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *place)
{
	(void)st;
	(void)type;
	(void)place;
	return remove(path);
}

static void
remove_tree(const char *path)
{
	nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static pid_t
start(const struct sort *sort, uint64_t at)
{
	char path[96];
	char said[104];

	snprintf(path, sizeof(path), "%s/%llu", work, (unsigned long long)at);
	snprintf(said, sizeof(said), "%s.log", path);
	fflush(stdout);
	pid_t pid = fork();
	assert(pid >= 0);
	if (pid > 0)
		return pid;
	int fd = open(said, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	dup2(fd, STDERR_FILENO);
	alarm(SECONDS_MAX);
	make_store(path);
	_exit(run_script(path, sort, at));
}

static void
tell(const struct sort *sort, uint64_t at, int status)
{
	char said[104];
	char line[512];

	printf("not ok - %s: call %llu (status %x)\n", sort->name,
		(unsigned long long)at, (unsigned int)status);
	snprintf(said, sizeof(said), "%s/%llu.log", work,
		(unsigned long long)at);
	FILE *file = fopen(said, "re");
	while (file && fgets(line, sizeof(line), file))
		printf("  | %s", line);
	if (file)
		fclose(file);
}

/* What the process that was started for call `at` has found. */
static bool
wait_for(const struct sort *sort, pid_t pid, uint64_t at, bool *is_beyond)
{
	char path[96];
	int status = 0;

	assert(waitpid(pid, &status, 0) == pid);
	snprintf(path, sizeof(path), "%s/%llu", work, (unsigned long long)at);
	remove_tree(path);
	if (WIFEXITED(status) && WEXITSTATUS(status) <= 1) {
		*is_beyond = WEXITSTATUS(status) == 0;
		return true;
	}
	*is_beyond = false;
	tell(sort, at, status);
	return false;
}

struct running {
	pid_t pid;
	uint64_t at;
};

/* Every step-th call from first on, until none is left. */
static bool
fail_each(const struct sort *sort, uint64_t first, uint64_t step)
{
	struct running running[SIDE_BY_SIDE] = {0};
	unsigned long runs = 0;
	unsigned long failures = 0;
	bool is_over = false;
	uint64_t at = first;

	for (unsigned int i = 0; !is_over || running[i].pid;
		i = (i + 1) % SIDE_BY_SIDE) {
		bool is_beyond = false;

		if (running[i].pid) {
			failures += !wait_for(sort, running[i].pid,
				running[i].at, &is_beyond);
			runs += !is_beyond;
			is_over = is_over || is_beyond || failures > 3;
			running[i].pid = 0;
		}
		if (is_over)
			continue;
		running[i] = (struct running){start(sort, at), at};
		at += step;
	}
	printf("%s - %s: %lu of them\n", failures ? "not ok" : "ok", sort->name,
		runs);
	return !failures;
}

/* How many such calls the script makes, more or less. */
static uint64_t
count_calls(const struct sort *sort)
{
	bool is_beyond;

	if (!wait_for(sort, start(sort, UINT64_MAX), UINT64_MAX, &is_beyond))
		return 0;
	return atomic_load(calls);
}

static bool
fail_some(const struct sort *sort, bool is_long, unsigned int seed)
{
	uint64_t count = count_calls(sort);
	bool is_each = is_long || sort->is_of_put;
	uint64_t step = is_each ? 1 : 1 + count / SHORT_RUN;

	return count > 0 && fail_each(sort, 1 + seed % step, step);
}

/* --- the clock -------------------------------------------------------------
 */

#define DAY_NS (86400ll * 1000000000)

/* A session that ends without being closed. */
static void
leave_dead_session(const char *path)
{
	pid_t pid = fork();
	int status = 0;

	assert(pid >= 0);
	if (pid == 0) {
		const struct store_options options = {
			.path = path,
			.spares_everywhere = true,
			.role = "dead",
			.map_size = 1u << 26,
		};
		struct store *store = NULL;

		_exit(store_open(&options, &store) != STORE_OK);
	}
	assert(waitpid(pid, &status, 0) == pid);
	assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void
expect_own_session_alone(struct script *script)
{
	struct store_session sessions[4];
	size_t count = 0;

	if (store_sessions(script->store, sessions, array_len(sessions),
		    &count) ||
		count != 1 || !sessions[0].is_alive)
		script_wrong(script, "sessions are not told apart");
}

/* An object that is put now has the time of now. */
static void
expect_time(struct script *script)
{
	scoped(arena_free) struct arena arena = {0};
	struct object object;
	int64_t before_ns = clock_now_ns();

	if (script_put(script, "timed") ||
		object_head(script->store, script->bucket, SLICE("timed"),
			&arena, &object) ||
		object.inode.mtime_ns < before_ns ||
		object.inode.mtime_ns > clock_now_ns())
		script_wrong(script,
			"an object has another time than the clock");
}

/* Back by a day, on by two, back by thirty years: under the same store. */
static int
step_clock(const char *path)
{
	static const int64_t steps[] = {
		-DAY_NS, 2 * DAY_NS, -30 * 365 * DAY_NS, 0};
	const struct store_options options = {
		.path = path,
		.spares_everywhere = true,
		.role = "clock",
		.map_size = 1u << 26,
	};
	struct bucket bucket = {0};
	struct script script = {
		.promises = promises_new(),
		.version = 1,
		.faults = faults_begin(path),
	};

	leave_dead_session(path);
	atomic_store(&script.faults->clock_ns, -DAY_NS);
	enum store_err err = store_open(&options, &script.store);
	if (!err)
		err = bucket_get(script.store, SLICE(CONTENT_BUCKET), &bucket);
	if (err)
		return 2;
	script.bucket = bucket.ino;
	for (size_t i = 0; i < array_len(steps); i++) {
		atomic_store(&script.faults->clock_ns, steps[i]);
		expect_own_session_alone(&script);
		expect_time(&script);
		if (i == 0)
			script_run(&script);
		/* Of time alone nothing is waited for: a checkpoint comes. */
		if (store_sync(script.store) || script_put(&script, "stepped"))
			script_wrong(&script, "no checkpoint is made any more");
	}
	store_close(&script.store);
	if (!promises_are_kept(script.promises, path))
		script_wrong(&script, "promises are not kept");
	promises_free(&script.promises);
	return script.wrong ? 2 : 0;
}

static bool
clock_may_be_set(void)
{
	char path[96];
	int status = 0;

	snprintf(path, sizeof(path), "%s/clock", work);
	fflush(stdout);
	pid_t pid = fork();
	assert(pid >= 0);
	if (pid == 0) {
		alarm(SECONDS_MAX);
		make_store(path);
		_exit(step_clock(path));
	}
	assert(waitpid(pid, &status, 0) == pid);
	printf("%s - the clock is set back, and on (status %x)\n",
		status ? "not ok" : "ok", (unsigned int)status);
	return status == 0;
}

/* usage: crash_faults [SEED] */
int
main(int argc, char **argv)
{
	uint64_t seed = (uint64_t)getpid();
	uint64_t first = 0;
	size_t count = array_len(sorts) + 1;
	unsigned int failed = 0;

	if (argc > 1 && !slice_to_u64(slice_str(argv[1]), UINT32_MAX, &seed))
		return 2;
	if (argc > 2 &&
		!slice_to_u64(slice_str(argv[2]), array_len(sorts), &first))
		return 2;
	count -= first;
	log_setup(LOG_ERROR, LOG_TEXT);
	/* Where it can be had, in memory: the disk is not what is tested. */
	snprintf(work, sizeof(work), "/dev/shm/tarn-faults.XXXXXX");
	if (!mkdtemp(work)) {
		snprintf(work, sizeof(work), "/tmp/tarn-faults.XXXXXX");
		if (!mkdtemp(work))
			return 2;
	}
	calls = mmap(NULL, sizeof(*calls), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert(calls != MAP_FAILED);
	printf("seed %llu\n", (unsigned long long)seed);
	for (size_t i = first; i < array_len(sorts); i++)
		failed += !fail_some(&sorts[i], getenv("TEST_LONG") != NULL,
			(unsigned int)seed);
	failed += !clock_may_be_set();
	remove_tree(work);
	printf("%zu passed, %u failed\n", count - failed, failed);
	return failed > 0;
}
