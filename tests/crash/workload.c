/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/crash/workload.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "store/bucket.h"
#include "store/pack_private.h"
#include "store/reclaim_private.h"
#include "tests/crash/worker.h"

#define THREADS 3
#define ROUNDS 90

/* As the store's own thread does it now and then. */
static void
compact(struct worker *worker)
{
	must(pack_seal_full(worker->store));
	must(reclaim_run(worker->store));
}

static void
one_round(struct worker *worker)
{
	unsigned int any = (unsigned int)worker_draw(worker, KEYS);
	unsigned int other = (unsigned int)worker_draw(worker, KEYS);
	/* Those in the worker's own directory. */
	unsigned int own = any / 2 * 2;

	switch (worker_draw(worker, 22)) {
	case 0:
		worker_delete(worker, any);
		break;
	case 1:
		worker_copy(worker, any, other);
		break;
	case 2:
		worker_upload(worker, any);
		break;
	case 3:
		worker_unlink_file(worker, own);
		break;
	case 4:
		worker_rename_file(worker, own, other / 2 * 2);
		break;
	case 5:
		worker_rename_dir(worker);
		break;
	case 6:
		worker_sync_all(worker);
		break;
	case 7:
	case 8:
		worker_write_in_place(worker);
		break;
	case 9:
		worker_append(worker);
		break;
	case 10:
		worker_take_snapshot(worker);
		break;
	case 11:
	case 12:
		worker_write_file(worker, own);
		break;
	case 13:
		compact(worker);
		break;
	case 14:
		worker_put_kept(worker, any % KEPT);
		break;
	case 15:
		worker_delete_kept(worker, any % KEPT);
		break;
	case 16:
		worker_write_kept(worker, any % KEPT);
		break;
	case 17:
	case 18:
		worker_change_fickle(worker, any % FICKLE);
		break;
	default:
		worker_put(worker, any, true);
	}
}

static void *
work(void *arg)
{
	struct worker *worker = arg;

	worker_set_up(worker);
	for (int i = 0; i < ROUNDS; i++) {
		if (worker->has_burst && i == ROUNDS / 3)
			worker_write_burst(worker);
		if (worker->has_burst && i == ROUNDS / 2)
			worker_delete_burst(worker);
		one_round(worker);
	}
	return NULL;
}

/* What goes on in its files is promised nothing. */
static void
end(struct worker *worker)
{
	worker_close_in_place(worker, 0);
	worker_close_in_place(worker, 1);
}

void
workload_run(struct store *store, unsigned int generation, unsigned int process,
	bool closes_files)
{
	struct worker *workers = calloc(THREADS, sizeof(*workers));
	struct bucket bucket, kept, fickle;

	assert(workers);
	must(bucket_get(store, SLICE(CONTENT_BUCKET), &bucket));
	must(bucket_get(store, SLICE(CONTENT_KEPT_BUCKET), &kept));
	must(bucket_get(store, SLICE(CONTENT_FICKLE_BUCKET), &fickle));
	for (unsigned int i = 0; i < THREADS; i++) {
		struct worker *worker = &workers[i];
		uint64_t id = (generation * 4 + process) * 4 + i + 1;

		worker->store = store;
		worker->bucket = bucket.ino;
		worker->kept = kept.ino;
		worker->fickle = fickle.ino;
		worker->has_burst = process < 2 && i == 0;
		worker->next_version = id << 32 | 1;
		worker->random = id * 0x9e3779b97f4a7c15u;
		snprintf(worker->tag, sizeof(worker->tag), "g%up%ut%u",
			generation, process, i);
		assert(!pthread_create(&worker->thread, NULL, work, worker));
	}
	for (unsigned int i = 0; i < THREADS; i++)
		pthread_join(workers[i].thread, NULL);
	for (unsigned int i = 0; i < THREADS && closes_files; i++)
		end(&workers[i]);
	free(workers);
}
