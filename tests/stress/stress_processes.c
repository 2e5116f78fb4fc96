/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several processes on one store; at random moments one is killed with
 * SIGKILL and a new one takes its place.  In the end every change that any of
 * them acknowledged is there, and no data file is left that nothing names.
 *
 *	stress_processes [kills]
 *
 * A worker tells over a pipe what it begins and what was acknowledged, so that
 * the first process knows to the last change what must be there.
 */
#include <assert.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/base/clock.h"
#include "store/base/log.h"
#include "store/base/random.h"
#include "store/base/slice.h"
#include "store/blob_record_private.h"
#include "store/commit_private.h"
#include "store/meta/key.h"
#include "store/meta/record.h"
#include "store/reclaim_private.h"
#include "store/session_private.h"
#include "tests/support/temp_store.h"

#define WORKERS 3
#define LIFE_MAX_MS 120

/* A worker's changes are numbered; each puts one blob and drops the one
 * before.  So of each worker exactly one blob is left: that of the last
 * acknowledged change, or of one that was under way when it was killed. */
struct worker {
	pid_t pid;
	int from;
	uint64_t owner;
	uint64_t last; /* acknowledged */
};

struct change {
	uint64_t owner;
	uint64_t number;
	uint64_t blob;
};

static unsigned long passed;
static unsigned long failed;

static void
expect(bool is_so, const char *what)
{
	if (is_so) {
		passed++;
	} else {
		failed++;
		printf("failed: %s\n", what);
	}
}

static void
must(enum store_err err)
{
	if (err) {
		fprintf(stderr, "worker: %s\n", error_sentence(err));
		_exit(1);
	}
}

/* The row of an owner: its last number and blob. */
static enum store_err
read_row(struct db_txn *txn, uint64_t owner, struct change *out)
{
	struct key key = key_u64(owner);
	struct slice value;
	enum store_err err = db_get(txn, DB_DOCUMENT, key_slice(&key), &value);

	*out = (struct change){.owner = owner};
	if (err)
		return err == STORE_NOT_FOUND ? STORE_OK : err;
	assert(value.len == sizeof(*out));
	memcpy(out, value.data, sizeof(*out));
	return STORE_OK;
}

static enum store_err
apply(struct store *store, struct db_txn *txn, void *arg)
{
	const struct change *change = arg;
	struct key key = key_u64(change->owner);
	struct change before;
	enum store_err err = read_row(txn, change->owner, &before);

	if (!err)
		err = blob_record_drop(txn, before.blob);
	if (!err)
		err = blob_record_add(store, txn, change->blob, 8);
	return err ? err
		   : db_put(txn, DB_DOCUMENT, key_slice(&key),
			     slice_of(change, sizeof(*change)));
}

static void
work(struct store *store, uint64_t owner, int to)
{
	for (uint64_t number = 1;; number++) {
		struct change change = {.owner = owner, .number = number};
		int fd;

		must(session_lease_blob(store, &change.blob));
		must(blob_create(store->blobs, change.blob, &fd));
		if (write(fd, &number, sizeof(number)) != sizeof(number))
			_exit(1);
		close(fd);
		if (number % 4 == 0) {
			must(blob_remove(store->blobs, change.blob));
			session_return_blob(store, change.blob);
			continue;
		}
		must(commit_run_durably(store, apply, &change));
		if (write(to, &number, sizeof(number)) != sizeof(number))
			_exit(1);
	}
}

static void
start(struct worker *worker, const char *path, uint64_t owner)
{
	int ends[2];
	int rc = pipe2(ends, O_CLOEXEC);

	assert(rc == 0);
	*worker = (struct worker){.owner = owner, .from = ends[0]};
	worker->pid = fork();
	assert(worker->pid >= 0);
	if (worker->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		work(temp_store_open_at(path, false), owner, ends[1]);
	}
	close(ends[1]);
}

/* Hears what was acknowledged, for so long; false: the worker has ended. */
static bool
hear(struct worker *worker, int64_t for_ms)
{
	int64_t until_ms = clock_monotonic_ms() + for_ms;

	for (;;) {
		struct pollfd poll_fd = {.fd = worker->from, .events = POLLIN};
		int64_t left_ms = until_ms - clock_monotonic_ms();

		if (poll(&poll_fd, 1, left_ms > 0 ? (int)left_ms : 0) <= 0)
			return true;
		if (read(worker->from, &worker->last, sizeof(worker->last)) !=
			sizeof(worker->last))
			return false;
	}
}

static void
end(struct worker *worker)
{
	int status = 0;

	kill(worker->pid, SIGKILL);
	waitpid(worker->pid, &status, 0);
	expect(WIFSIGNALED(status), "a worker ended by itself");
	while (hear(worker, 0))
		;
	close(worker->from);
}

/* What an owner left: its last acknowledged change, or a later one. */
static void
check_owner(struct store *store, const struct worker *worker)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	struct change change;
	uint64_t number = 0;
	int fd = -1;

	must(db_begin_read(store->db, &txn));
	must(read_row(txn, worker->owner, &change));
	expect(change.number >= worker->last, "an acknowledged change is lost");
	if (change.number == 0)
		return;
	expect(!blob_open(store->blobs, change.blob, O_RDONLY, &fd) &&
			read(fd, &number, sizeof(number)) == sizeof(number) &&
			number == change.number,
		"the bytes of a change are lost");
	if (fd >= 0)
		close(fd);
}

static enum store_err
count_file(uint64_t id, void *context)
{
	uint64_t *count = context;

	(void)id;
	++*count;
	return STORE_OK;
}

static void
count_stray(const char *path, void *context)
{
	(void)context;
	expect(false, path);
}

static uint64_t
rows(struct store *store, enum db_table table)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	uint64_t count = 0;

	must(db_begin_read(store->db, &txn));
	must(db_count(txn, table, &count));
	return count;
}

static void
check_store(const char *path, const struct worker *workers, size_t count)
{
	struct store *store = temp_store_open_at(path, false);
	uint64_t files = 0;

	for (size_t i = 0; i < count; i++)
		check_owner(store, &workers[i]);
	must(store_sync(store));
	reclaim_stop(store);
	must(reclaim_run(store));
	must(blob_walk(store->blobs, 0, count_file, count_stray, &files));
	expect(rows(store, DB_FREED) == 0, "freed data is left");
	expect(rows(store, DB_LEASE) == 0, "a lease is left");
	expect(rows(store, DB_SESSION) == 1, "a dead session is left");
	expect(files == rows(store, DB_BLOB), "a file without a name is left");
	store_close(&store);
}

int
main(int argc, char **argv)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_create();
	struct worker workers[WORKERS];
	unsigned long kills = 40;
	struct worker *ended;

	if (argc > 1 && !slice_to_u64(slice_str(argv[1]), 100000, &kills))
		return 2;
	log_setup(LOG_WARN, LOG_TEXT);
	ended = calloc(kills + WORKERS, sizeof(*ended));
	assert(ended);
	for (uint64_t i = 0; i < WORKERS; i++)
		start(&workers[i], temp.path, i);
	for (unsigned long i = 0; i < kills; i++) {
		struct worker *worker = &workers[random_u64() % WORKERS];

		hear(worker, (int64_t)(random_u64() % LIFE_MAX_MS));
		/* However slow the disk: some of them live to see it. */
		while (i % 10 == 0 && !worker->last && hear(worker, 20))
			;
		end(worker);
		ended[i] = *worker;
		start(worker, temp.path, WORKERS + i);
	}
	for (size_t i = 0; i < WORKERS; i++) {
		end(&workers[i]);
		ended[kills + i] = workers[i];
	}
	check_store(temp.path, ended, kills + WORKERS);
	uint64_t acknowledged = 0;
	for (size_t i = 0; i < kills + WORKERS; i++)
		acknowledged += ended[i].last;
	expect(acknowledged > 0, "nobody lived to acknowledge anything");
	printf("changes up to the sum of %llu\n",
		(unsigned long long)acknowledged);
	free(ended);
	printf("%lu passed, %lu failed\n", passed, failed);
	return failed != 0;
}
