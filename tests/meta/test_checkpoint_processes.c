/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several processes commit to one store, make checkpoints by turns and are
 * killed; after each checkpoint the power may fail.  Rules are those of
 * store/meta/checkpoint.h.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/meta/checkpoint.h"
#include "store/meta/checkpoint_private.h"
#include "tests/meta/cut.h"
#include "tests/support/temp_dir.h"

#define WORKERS 3

/* A worker does one of these for each byte it gets, and answers. */
enum order {
	ORDER_COMMIT = 'c',
	ORDER_CHECKPOINT = 'k', /* the answer: the contents */
};

struct worker {
	pid_t pid;
	int orders;
	int answers;
};

static enum store_err
flush_nothing(struct db_txn *snapshot, void *context)
{
	(void)snapshot;
	(void)context;
	return STORE_OK;
}

/* In the child: as every process does, a checkpoint before any write. */
static void
work(const struct temp_dir *dir, uint64_t seed, int orders, int answers)
{
	struct db_options options = {
		.path = dir->path,
		.map_size = 1 << 28,
	};
	struct cut_random random = {seed};
	struct db *db = NULL;
	struct checkpoint *checkpoint = NULL;
	uint64_t number;
	char order = ORDER_CHECKPOINT;

	if (db_open(&options, &db) ||
		checkpoint_open(db, temp_dir_at(dir, "side"), &checkpoint))
		_exit(1);
	do {
		uint64_t answer = 0;

		if (order == ORDER_COMMIT) {
			cut_workload(&random, db, 4);
		} else {
			if (checkpoint_make(checkpoint, flush_nothing, NULL,
				    &number))
				_exit(1);
			answer = cut_contents(db);
		}
		if (write(answers, &answer, sizeof(answer)) != sizeof(answer))
			_exit(1);
	} while (read(orders, &order, 1) == 1);
	_exit(0);
}

static uint64_t
answer_of(struct worker *worker)
{
	uint64_t answer = 0;

	cr_assert(eq(sz, read(worker->answers, &answer, sizeof(answer)),
		sizeof(answer)));
	return answer;
}

/* *contents: what its first checkpoint covers. */
static struct worker
start(const struct temp_dir *dir, uint64_t seed, uint64_t *contents)
{
	int orders[2];
	int answers[2];
	struct worker worker;

	cr_assert(eq(int, pipe2(orders, O_CLOEXEC), 0));
	cr_assert(eq(int, pipe2(answers, O_CLOEXEC), 0));
	worker.pid = fork();
	cr_assert(ge(int, worker.pid, 0));
	if (worker.pid == 0) {
		close(orders[1]);
		close(answers[0]);
		work(dir, seed, orders[0], answers[1]);
	}
	close(orders[0]);
	close(answers[1]);
	worker.orders = orders[1];
	worker.answers = answers[0];
	*contents = answer_of(&worker);
	return worker;
}

static void
send_order(struct worker *worker, enum order order)
{
	char byte = (char)order;

	cr_assert(eq(sz, write(worker->orders, &byte, 1), 1));
}

static void
stop(struct worker *worker)
{
	kill(worker->pid, SIGKILL);
	waitpid(worker->pid, NULL, 0);
	close(worker->orders);
	close(worker->answers);
}

struct scene {
	struct temp_dir dir;
	struct temp_dir after;
	struct cut_random random;
	struct worker workers[WORKERS];
	struct cut_image flushed; /* when the last checkpoint was made */
	uint64_t contents;
	int cuts;
	int harmed;
};

static void
remember(struct scene *scene, uint64_t contents)
{
	cut_free(&scene->flushed);
	scene->flushed = cut_read(temp_dir_at(&scene->dir, "data.mdb"));
	scene->contents = contents;
}

static void
power_cut(struct scene *scene)
{
	static const uint8_t next_boot[CHECKPOINT_BOOT_ID_LEN] = {1};
	scoped(cut_free) struct cut_image now =
			cut_read(temp_dir_at(&scene->dir, "data.mdb"));
	scoped(cut_free) struct cut_image side =
			cut_read(temp_dir_at(&scene->dir, "side"));
	int status = 0;

	cut_mix(&scene->random, temp_dir_at(&scene->after, "data.mdb"),
		&scene->flushed, &now);
	cut_write(temp_dir_at(&scene->after, "side"), side.data, side.len);
	pid_t child = fork();
	cr_assert(ge(int, child, 0));
	if (child == 0) {
		bool is_cut;
		int null = open("/dev/null", O_WRONLY);

		dup2(null, 2);
		_exit(checkpoint_recover_as(scene->after.path,
			      temp_dir_at(&scene->after, "side"), next_boot,
			      &is_cut) ||
			!cut_is_whole(scene->after.path, scene->contents));
	}
	waitpid(child, &status, 0);
	scene->cuts++;
	scene->harmed += status != 0;
}

/* One step of a random play. */
static void
step(struct scene *scene)
{
	struct worker *worker =
		&scene->workers[cut_random_below(&scene->random, WORKERS)];
	uint64_t what = cut_random_below(&scene->random, 20);
	uint64_t contents = 0;

	if (what < 12) {
		send_order(worker, ORDER_COMMIT);
		answer_of(worker);
	} else if (what < 15) {
		send_order(worker, ORDER_CHECKPOINT);
		remember(scene, answer_of(worker));
	} else if (what < 17) {
		/* Wherever it is: perhaps in the midst of a commit. */
		if (what == 15)
			send_order(worker, ORDER_COMMIT);
		stop(worker);
		*worker = start(&scene->dir, cut_random_next(&scene->random),
			&contents);
		remember(scene, contents);
	} else {
		power_cut(scene);
	}
}

Test(checkpoint_processes, no_power_cut_does_harm_whoever_made_the_last_one)
{
	struct scene scene = {
		.dir = temp_dir_make(),
		.after = temp_dir_make(),
		.random = {362436069},
	};
	struct db_options options = {
		.path = scene.dir.path,
		.map_size = 1 << 28,
		.create = true,
	};
	struct db *db = NULL;
	uint64_t contents = 0;

	cr_assert(eq(int, db_open(&options, &db), STORE_OK));
	db_close(&db);
	for (size_t i = 0; i < WORKERS; i++)
		scene.workers[i] = start(&scene.dir, i + 1, &contents);
	remember(&scene, contents);

	for (int i = 0; i < 300; i++)
		step(&scene);

	for (size_t i = 0; i < WORKERS; i++)
		stop(&scene.workers[i]);
	cut_free(&scene.flushed);
	temp_dir_remove(&scene.dir);
	temp_dir_remove(&scene.after);
	cr_expect(gt(int, scene.cuts, 25));
	cr_expect(eq(int, scene.harmed, 0));
}
