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
#include "store/base/io.h"
#include "store/base/log.h"
#include "store/bucket.h"
#include "store/file.h"
#include "store/object.h"
#include "store/upload.h"
#include "tests/crash/faults.h"
#include "tests/crash/promises.h"

#define SIDE_BY_SIDE 3
#define SECONDS_MAX 60
/* Faults of each sort in a short run, spread over the script. */
#define SHORT_RUN 5
#define SECTORS 4

/* How many the last process made; shared with those that are forked. */
static _Atomic(uint64_t) *calls;

static const struct sort {
	const char *name;
	enum faults_kind kind;
	int error; /* 0: half is written */
	bool lasts;
} sorts[] = {
	{"a write finds no space", FAULTS_WRITE, ENOSPC, false},
	{"no write finds space any more", FAULTS_WRITE, ENOSPC, true},
	{"a write fails", FAULTS_WRITE, EIO, false},
	{"all writes fail", FAULTS_WRITE, EIO, true},
	{"half of a write is done", FAULTS_WRITE, 0, false},
	{"the disk is read-only from now on", FAULTS_WRITE, EROFS, true},
	{"a read fails", FAULTS_READ, EIO, false},
	{"all reads fail", FAULTS_READ, EIO, true},
	{"a flush fails", FAULTS_FLUSH, EIO, false},
	{"a flush finds no space", FAULTS_FLUSH, ENOSPC, false},
	{"a flush finds no memory", FAULTS_FLUSH, ENOMEM, false},
	{"all flushes fail", FAULTS_FLUSH, EIO, true},
};

struct script {
	struct store *store;
	struct faults *faults;
	const struct sort *sort;
	struct promises *promises;
	uint64_t bucket;
	uint64_t dir;
	uint64_t version;
	/* Of the file that is written in place: the last that was flushed, and
	 * the last begun. */
	uint64_t disk_done;
	uint64_t disk_begun;
	unsigned int wrong;
};

static void
wrong(struct script *script, const char *what)
{
	script->wrong++;
	fprintf(stderr, "%s (struck: %s on %s)\n", what, script->faults->thread,
		script->faults->file);
}

/* --- what is promised ------------------------------------------------------
 */

static void
note(struct script *script, const char *key, uint64_t version,
	enum content_what what)
{
	struct content_note note = {.version = version, .what = what};

	snprintf(note.key, sizeof(note.key), "%s", key);
	promises_note(script->promises, &note);
}

static bool
has_failed(struct script *script)
{
	struct store_status status;

	/* The side file cannot be read: then it was no flush. */
	return !store_status(script->store, &status) && status.has_failed;
}

/* What begins after the store has failed must not succeed: invariant 2. */
static bool
begin(struct script *script, const char *key, uint64_t version)
{
	note(script, key, version, CONTENT_BEGUN);
	return has_failed(script);
}

static void
end(struct script *script, const char *key, uint64_t version,
	enum store_err err, bool was_failed)
{
	if (err)
		return;
	note(script, key, version, CONTENT_DONE);
	if (was_failed)
		wrong(script, "acknowledged after a failed flush");
}

static struct slice
body(uint64_t version)
{
	static char bytes[1 << 17];

	content_fill(version, bytes, content_size(version));
	return slice_of(bytes, content_size(version));
}

static uint64_t
new_version(struct script *script)
{
	/* An empty one could not be told from another. */
	while (content_size(++script->version) == 0)
		;
	return script->version;
}

/* --- the script ------------------------------------------------------------
 */

static enum store_err
put(struct script *script, const char *key)
{
	scoped(object_put_abort) struct object_put *put = NULL;
	const struct object_attrs attrs = {0};
	uint64_t version = new_version(script);
	struct slice bytes = body(version);
	struct object made;
	bool was_failed = begin(script, key, version);
	enum store_err err = object_put_begin(script->store, bytes.len, &put);

	if (!err)
		err = object_put_write(put, slice_first(bytes, bytes.len / 3));
	if (!err)
		err = object_put_write(put, slice_from(bytes, bytes.len / 3));
	if (!err)
		err = object_put_commit(&put, script->bucket, slice_str(key),
			&attrs, NULL, &made);
	end(script, key, version, err, was_failed);
	return err;
}

static void delete (struct script *script, const char *key)
{
	bool was_failed = begin(script, key, 0);
	enum store_err err = object_delete(script->store, script->bucket,
		slice_str(key), NULL);

	/* One that is not there is no object that was made to be absent. */
	if (err != STORE_NOT_FOUND)
		end(script, key, 0, err, was_failed);
}

/* The version that an object has, or 0 where that cannot be told. */
static uint64_t
get(struct script *script, const char *key)
{
	scoped(arena_free) struct arena arena = {0};
	struct object object;
	uint64_t version = 0;
	uint64_t offset;
	int fd = -1;

	if (object_open(script->store, script->bucket, slice_str(key), &arena,
		    &object, &fd, &offset) ||
		fd < 0)
		return 0;
	char *bytes = arena_alloc(&arena, object.inode.size);
	if (!io_pread_all(fd, bytes, object.inode.size, offset)) {
		memcpy(&version, bytes, sizeof(version));
		if (!content_is(version, bytes, object.inode.size))
			wrong(script, "read and not whole");
	}
	close(fd);
	return version;
}

static void
copy(struct script *script, const char *from, const char *to)
{
	uint64_t version = get(script, from);
	struct object made;

	if (!version)
		return;
	bool was_failed = begin(script, to, version);
	enum store_err err = object_copy(script->store, script->bucket,
		slice_str(from), NULL, NULL, script->bucket, slice_str(to),
		NULL, NULL, &made);
	end(script, to, version, err, was_failed);
}

static enum store_err
upload_one(struct script *script, struct slice key, struct slice id,
	struct slice bytes, struct upload_part_info *info)
{
	scoped(upload_part_abort) struct upload_part *part = NULL;

	*info = (struct upload_part_info){.number = 1, .size = bytes.len};
	memcpy(info->md5, bytes.data, bytes.len < 16 ? bytes.len : 16);
	enum store_err err = upload_part_begin(script->store, script->bucket,
		key, id, 1, bytes.len, &part);
	if (!err)
		err = upload_part_write(part, bytes);
	return err ? err : upload_part_commit(&part, info);
}

static void
upload(struct script *script, const char *name, bool is_aborted)
{
	const struct object_attrs attrs = {0};
	const struct upload_info begun = {0};
	uint64_t version = new_version(script);
	struct slice bytes = body(version);
	struct upload_part_info info;
	struct slice key = slice_str(name);
	struct object made;
	char id[UPLOAD_ID_LEN + 1];
	bool was_failed = begin(script, name, version);
	enum store_err err =
		upload_begin(script->store, script->bucket, key, &begun, id);

	if (!err)
		err = upload_one(script, key, slice_str(id), bytes, &info);
	/* Again, in the place of the one before. */
	if (!err)
		err = upload_one(script, key, slice_str(id), bytes, &info);
	if (!err && is_aborted) {
		(void)!upload_abort(script->store, script->bucket, key,
			slice_str(id));
		return;
	}
	if (!err)
		err = upload_complete(script->store, script->bucket, key,
			slice_str(id), &info, 1, &attrs, NULL, &made);
	end(script, name, version, err, was_failed);
}

static const struct tree_owner owner = {.mode = S_IFREG | 0644};
static const struct tree_owner dir_owner = {.mode = S_IFDIR | 0755};

/* Created, or written anew. */
static void
write_file(struct script *script, const char *name)
{
	uint64_t version = new_version(script);
	struct slice bytes = body(version);
	struct file *file = NULL;
	struct inode inode;
	char key[CONTENT_KEY_MAX + 1];

	snprintf(key, sizeof(key), "dir/%s", name);
	bool was_failed = begin(script, key, version);
	enum store_err err = tree_lookup(script->store, script->dir,
		slice_str(name), TREE_FILE, NULL, &inode);
	if (err == STORE_NOT_FOUND)
		err = file_create(script->store, script->dir, slice_str(name),
			&owner, &inode, &file);
	else if (!err)
		err = file_open(script->store, inode.ino, O_RDWR | O_TRUNC,
			&file);
	if (err)
		return;
	err = io_pwrite_all(file_fd(file), bytes.data, bytes.len, 0);
	/* A program whose write failed leaves what it has written, as on any
	 * file system. */
	if (err) {
		promises_drop(script->promises, key);
	} else {
		err = file_sync(file, false);
		end(script, key, version, err, was_failed);
	}
	(void)!file_flush(file);
	(void)!file_close(&file, O_RDWR | O_TRUNC);
}

/* Sectors of one file, over and over. */
static void
write_in_place(struct script *script)
{
	uint64_t version = new_version(script);
	struct file *file = NULL;
	struct inode inode;
	char bytes[CONTENT_SECTOR];
	char key[CONTENT_KEY_MAX + 1];
	bool was_failed = has_failed(script);
	enum store_err err = tree_lookup(script->store, script->dir,
		SLICE("disk"), TREE_FILE, NULL, &inode);

	if (!err)
		err = file_open(script->store, inode.ino, O_RDWR, &file);
	if (err)
		return;
	content_fill(version, bytes, sizeof(bytes));
	script->disk_begun = version;
	for (unsigned int i = 0; i < SECTORS && !err; i++) {
		snprintf(key, sizeof(key), "dir/disk#%u", i);
		note(script, key, version, CONTENT_BEGUN);
		err = io_pwrite_all(file_fd(file), bytes, sizeof(bytes),
			(uint64_t)i * sizeof(bytes));
	}
	if (!err)
		err = file_sync(file, true);
	for (unsigned int i = 0; i < SECTORS; i++) {
		snprintf(key, sizeof(key), "dir/disk#%u", i);
		end(script, key, version, err, was_failed);
	}
	if (!err)
		script->disk_done = version;
	(void)!file_flush(file);
	(void)!file_close(&file, O_RDWR);
}

/* The disk's bytes, shared until the next write to it. */
static void
take_snapshot(struct script *script)
{
	char key[CONTENT_KEY_MAX + 1];
	struct object made;
	bool was_failed = has_failed(script);

	for (unsigned int i = 0; i < SECTORS; i++) {
		snprintf(key, sizeof(key), "dir/snapshot#%u", i);
		note(script, key, script->disk_done, CONTENT_BEGUN);
		note(script, key, script->disk_begun, CONTENT_BEGUN);
	}
	enum store_err err = object_copy(script->store, script->bucket,
		SLICE("dir/disk"), NULL, NULL, script->bucket,
		SLICE("dir/snapshot"), NULL, NULL, &made);
	for (unsigned int i = 0; i < SECTORS; i++) {
		snprintf(key, sizeof(key), "dir/snapshot#%u", i);
		/* Else it is one of the two. */
		if (script->disk_done == script->disk_begun)
			end(script, key, script->disk_done, err, was_failed);
	}
}

static void
make_disk(struct script *script)
{
	struct file *file = NULL;
	struct inode inode;

	if (file_create(script->store, script->dir, SLICE("disk"), &owner,
		    &inode, &file))
		return;
	(void)!file_flush(file);
	(void)!file_close(&file, O_RDWR);
}

static void
rename_file(struct script *script, const char *from, const char *to)
{
	char keys[2][CONTENT_KEY_MAX + 1];
	struct inode replaced;

	snprintf(keys[0], sizeof(keys[0]), "dir/%s", from);
	snprintf(keys[1], sizeof(keys[1]), "dir/%s", to);
	uint64_t version = get(script, keys[0]);
	if (!version)
		return;
	note(script, keys[0], 0, CONTENT_BEGUN);
	bool was_failed = begin(script, keys[1], version);
	enum store_err err =
		tree_rename(script->store, script->dir, slice_str(from),
			TREE_FILE, script->dir, slice_str(to), 0, &replaced);
	if (!err)
		err = store_sync(script->store);
	end(script, keys[0], 0, err, was_failed);
	end(script, keys[1], version, err, was_failed);
}

static void
delete_many(struct script *script)
{
	static const char *const names[] = {"many/0", "many/1", "many/2"};
	struct slice keys[array_len(names)];
	enum store_err errs[array_len(names)];
	bool was_failed = false;

	for (size_t i = 0; i < array_len(names); i++) {
		(void)!put(script, names[i]);
		keys[i] = slice_str(names[i]);
	}
	for (size_t i = 0; i < array_len(names); i++)
		was_failed = begin(script, names[i], 0);
	enum store_err err = object_delete_many(script->store, script->bucket,
		keys, NULL, array_len(names), errs);
	for (size_t i = 0; i < array_len(names) && !err; i++) {
		if (errs[i] != STORE_NOT_FOUND)
			end(script, names[i], 0, errs[i], was_failed);
	}
}

static void
go_through(struct script *script)
{
	struct inode dir;

	(void)!put(script, "one");
	(void)!put(script, "two");
	(void)!put(script, "one");
	copy(script, "one", "copy");
	upload(script, "uploaded", false);
	upload(script, "aborted", true);
	if (tree_mkdir(script->store, script->bucket, SLICE("dir"), &dir_owner,
		    &dir))
		return;
	script->dir = dir.ino;
	make_disk(script);
	write_file(script, "file");
	write_file(script, "file");
	write_in_place(script);
	take_snapshot(script);
	write_in_place(script);
	rename_file(script, "file", "renamed");
	delete_many(script);
	delete (script, "two");
	(void)!store_sync(script->store);
	(void)!put(script, "last");
}

/* Invariants 2 and 3, once the fault was met. */
static void
judge(struct script *script)
{
	const struct faults *faults = script->faults;
	bool is_side = strstr(faults->file, "meta/checkpoint") != NULL;
	bool is_tables = strstr(faults->file, "meta/data.mdb") != NULL;
	bool makes_room = strcmp(faults->thread, "tarn-reclaim") == 0;
	bool is_flush = script->sort->kind == FAULTS_FLUSH;

	if (!atomic_load(&faults->hits))
		return;
	if (is_flush && !makes_room && !has_failed(script))
		wrong(script, "a flush failed, and the store goes on");
	/* The side file is written where the flush would be next; what LMDB
	 * makes of a meta page that it could not write: db_has_failed(). */
	if (!is_flush && !is_side && !is_tables && has_failed(script))
		wrong(script, "no flush failed, and the store has");
	if (!has_failed(script) && put(script, "again"))
		wrong(script, "the disk is well again, and a put fails");
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
		.sort = sort,
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
		go_through(&script);
		if (!sort->lasts)
			judge(&script);
	} else if (!atomic_load(&script.faults->hits)) {
		wrong(&script, "cannot be opened, though nothing failed");
	}
	/* The last checkpoint meets the fault, too. */
	store_close(&script.store);
	faults_disarm(script.faults);
	if (!promises_are_kept(script.promises, path))
		wrong(&script, "promises are not kept");
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
	uint64_t step = is_long ? 1 : 1 + count / SHORT_RUN;

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
		wrong(script, "sessions are not told apart");
}

/* An object that is put now has the time of now. */
static void
expect_time(struct script *script)
{
	scoped(arena_free) struct arena arena = {0};
	struct object object;
	int64_t before_ns = clock_now_ns();

	if (put(script, "timed") ||
		object_head(script->store, script->bucket, SLICE("timed"),
			&arena, &object) ||
		object.inode.mtime_ns < before_ns ||
		object.inode.mtime_ns > clock_now_ns())
		wrong(script, "an object has another time than the clock");
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
			go_through(&script);
		/* Of time alone nothing is waited for: a checkpoint comes. */
		if (store_sync(script.store) || put(&script, "stepped"))
			wrong(&script, "no checkpoint is made any more");
	}
	store_close(&script.store);
	if (!promises_are_kept(script.promises, path))
		wrong(&script, "promises are not kept");
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
	size_t count = array_len(sorts) + 1;
	unsigned int failed = 0;

	if (argc > 1 && !slice_to_u64(slice_str(argv[1]), UINT32_MAX, &seed))
		return 2;
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
	for (size_t i = 0; i < array_len(sorts); i++)
		failed += !fail_some(&sorts[i], getenv("TEST_LONG") != NULL,
			(unsigned int)seed);
	failed += !clock_may_be_set();
	remove_tree(work);
	printf("%zu passed, %u failed\n", count - failed, failed);
	return failed > 0;
}
