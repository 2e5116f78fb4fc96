/* SPDX-License-Identifier: Apache-2.0 */
/*
 * usage: crash_record STORE LOG BOOT-ID-FILE GENERATION [BUG]
 *
 * Two processes of some threads work on the store, which is made where there
 * is none; what they do to its files, and what they were promised, goes into
 * the log.  One of the two closes the store, the other just ends; a third
 * opens it after them.
 *
 * BUG: data, dirs, tables, side: such flushes are not made; pin: each
 * checkpoint's pin is released at once; early: what is freed is reclaimed
 * before a checkpoint covers that, and its file becomes another blob's.
 */
#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/base/log.h"
#include "store/blob_record_private.h"
#include "store/bucket.h"
#include "store/commit_private.h"
#include "store/counter_private.h"
#include "store/data/blob_private.h"
#include "store/meta/checkpoint_private.h"
#include "store/meta/key.h"
#include "store/versioning.h"
#include "tests/crash/content.h"
#include "tests/crash/shim.h"
#include "tests/crash/workload.h"

static bool drops_pin;
static bool reclaims_early;

/* The linker puts this in the place of checkpoint_make(). */
enum store_err __real_checkpoint_make(struct checkpoint *checkpoint,
	enum store_err (*flush_data)(struct db_txn *snapshot, void *context),
	void *context, uint64_t *number);
enum store_err __wrap_checkpoint_make(struct checkpoint *checkpoint,
	enum store_err (*flush_data)(struct db_txn *snapshot, void *context),
	void *context, uint64_t *number);

enum store_err
__wrap_checkpoint_make(struct checkpoint *checkpoint,
	enum store_err (*flush_data)(struct db_txn *snapshot, void *context),
	void *context, uint64_t *number)
{
	enum store_err err =
		__real_checkpoint_make(checkpoint, flush_data, context, number);

	if (drops_pin)
		checkpoint_drop_pin(checkpoint);
	return err;
}

/* In the place of blob_record_drop(). */
enum store_err __real_blob_record_drop(struct db_txn *txn, uint64_t blob);
enum store_err __wrap_blob_record_drop(struct db_txn *txn, uint64_t blob);

enum store_err
__wrap_blob_record_drop(struct db_txn *txn, uint64_t blob)
{
	static const uint64_t covered = 0;
	struct key key = key_u64(blob);
	struct slice value;
	enum store_err err = __real_blob_record_drop(txn, blob);

	if (err || !reclaims_early ||
		db_get(txn, DB_FREED, key_slice(&key), &value))
		return err;
	return db_put(txn, DB_FREED, key_slice(&key),
		slice_of(&covered, sizeof(covered)));
}

static void
must_at(enum store_err err, int line)
{
	if (!err)
		return;
	fprintf(stderr, "record.c:%d: %s\n", line, error_sentence(err));
	_exit(1);
}
#define must(err) must_at(err, __LINE__)

static struct store *
open_store(const char *path)
{
	const struct store_options options = {
		.path = path,
		.role = "record",
		.map_size = 1u << 26,
		.segment_size = 1u << 17, /* soon full */
		.spares_everywhere = true,
	};
	struct store *store = NULL;

	must(store_open(&options, &store));
	return store;
}

static void
run_process(const char *path, unsigned int generation, unsigned int process)
{
	struct store *store = open_store(path);
	bool is_killed = process == 1;

	workload_run(store, generation, process, !is_killed);
	if (is_killed)
		shim_exit(0);
	store_close(&store);
	_exit(0);
}

static pid_t
start(const char *path, unsigned int generation, unsigned int process)
{
	pid_t pid = fork();

	assert(pid >= 0);
	if (pid == 0)
		run_process(path, generation, process);
	return pid;
}

static bool
ended_well(pid_t pid)
{
	int status = 0;

	assert(waitpid(pid, &status, 0) == pid);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* Ids start where a new data directory is soon needed. */
static enum store_err
apply_counter(struct store *store, struct db_txn *txn, void *arg)
{
	(void)store;
	return counter_set(txn, COUNTER_BLOB, *(uint64_t *)arg);
}

static void
make_store(const char *path)
{
	uint64_t next = BLOB_IDS_PER_DIR - 100;
	struct bucket bucket;

	must(store_create(path, SLICE("default"), NULL));
	struct store *store = open_store(path);
	must(bucket_create(store, SLICE(CONTENT_KEPT_BUCKET), SLICE("default"),
		&bucket));
	must(versioning_set(store, bucket.ino, VERSIONING_ENABLED));
	must(bucket_create(store, SLICE(CONTENT_FICKLE_BUCKET),
		SLICE("default"), &bucket));
	must(bucket_create(store, SLICE(CONTENT_BUCKET), SLICE("default"),
		&bucket));
	must(commit_run_durably(store, apply_counter, &next));
	store_close(&store);
}

static bool
parse_bug(const char *word, enum shim_drop *drop)
{
	static const char *const words[] = {
		[SHIM_DROP_NOTHING] = "none",
		[SHIM_DROP_DATA] = "data",
		[SHIM_DROP_PACKS] = "packs",
		[SHIM_DROP_DIRS] = "dirs",
		[SHIM_DROP_TABLES] = "tables",
		[SHIM_DROP_SIDE] = "side",
	};

	drops_pin = strcmp(word, "pin") == 0;
	reclaims_early = strcmp(word, "early") == 0;
	*drop = SHIM_DROP_NOTHING;
	for (size_t i = 0; i < array_len(words); i++) {
		if (strcmp(word, words[i]) == 0) {
			*drop = (enum shim_drop)i;
			return true;
		}
	}
	return drops_pin || reclaims_early;
}

int
main(int argc, char **argv)
{
	struct stat st;
	enum shim_drop drop = SHIM_DROP_NOTHING;
	unsigned long generation;

	if (argc < 5 || !slice_to_u64(slice_str(argv[4]), 1000, &generation) ||
		(argc > 5 && !parse_bug(argv[5], &drop)))
		return 2;
	log_setup(LOG_WARN, LOG_TEXT);
	if (stat(argv[1], &st))
		make_store(argv[1]);
	shim_begin(argv[1], argv[2], argv[3], drop);
	pid_t first = start(argv[1], (unsigned int)generation, 0);
	pid_t second = start(argv[1], (unsigned int)generation, 1);
	bool is_well = ended_well(first);
	is_well &= ended_well(second);
	is_well &= ended_well(start(argv[1], (unsigned int)generation, 2));
	return !is_well;
}
