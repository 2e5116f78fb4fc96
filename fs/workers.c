/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/workers.h"

#include <errno.h>
#include <linux/fuse.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "store/base/clock.h"
#include "store/base/log.h"
#include "store/base/mutex.h"
#include "store/base/thread.h"

#define WAITING_MAX 2
#define THREADS_MAX 32
#define FORGETS_MS 20

struct workers {
	/* fixed */
	struct fuse_session *session;
	void (*answered_first)(void *context);
	bool (*asks_elsewhere)(void *context);
	void *context;

	atomic_bool has_answered;

	pthread_mutex_t lock;
	pthread_cond_t called;
	/* under lock */
	unsigned int waiting; /* for the kernel */
	unsigned int resting;
	unsigned int count;
	struct worker {
		struct workers *workers; /* fixed */
		pthread_t thread;
		bool is_waiting;
	} items[THREADS_MAX];
	bool is_over;
	pthread_cond_t ended;
};

static void run(void *arg);

/* It only is to end a read(2). */
static void
wake_up(int number)
{
	(void)number;
}

static enum store_err
start_locked(struct workers *workers)
{
	struct worker *worker = &workers->items[workers->count];

	worker->workers = workers;
	enum store_err err =
		thread_start(&worker->thread, "tarn-fuse", run, worker);
	if (!err)
		workers->count++;
	return err;
}

/* Rests until it is needed.  False: it is over. */
static bool
begin_waiting(struct worker *worker)
{
	struct workers *workers = worker->workers;
	mutex_scoped(&workers->lock);

	workers->resting++;
	while (!workers->is_over && workers->waiting >= WAITING_MAX)
		pthread_cond_wait(&workers->called, &workers->lock);
	workers->resting--;
	workers->waiting++;
	worker->is_waiting = !workers->is_over;
	return worker->is_waiting;
}

/* Rule 2.  Without a further thread requests wait for one of these. */
static void
end_waiting(struct worker *worker)
{
	struct workers *workers = worker->workers;
	mutex_scoped(&workers->lock);

	worker->is_waiting = false;
	if (--workers->waiting > 0 || workers->is_over)
		return;
	if (workers->resting > 0)
		pthread_cond_signal(&workers->called);
	else if (workers->count < THREADS_MAX && start_locked(workers))
		log_warn("mount: no further thread could be started");
}

static void
end(struct workers *workers)
{
	mutex_scoped(&workers->lock);

	workers->is_over = true;
	pthread_cond_broadcast(&workers->called);
	pthread_cond_broadcast(&workers->ended);
}

/* Rule 5. */
static bool
is_of_forgets(const struct workers *workers, const struct fuse_buf *request)
{
	const struct fuse_in_header *in = request->mem;

	return workers->asks_elsewhere(workers->context) &&
	       !(request->flags & FUSE_BUF_IS_FD) &&
	       (in->opcode == FUSE_FORGET || in->opcode == FUSE_BATCH_FORGET);
}

static void
let_forgets_gather(struct workers *workers)
{
	int64_t deadline_ms = clock_monotonic_ms() + FORGETS_MS;
	mutex_scoped(&workers->lock);

	while (!workers->is_over && thread_wait_locked(&workers->ended,
					    &workers->lock, deadline_ms))
		;
}

static void
answer(struct workers *workers, const struct fuse_buf *request)
{
	fuse_session_process_buf(workers->session, request);
	/* The kernel gives no second one before it has the first answer. */
	if (!atomic_load(&workers->has_answered) &&
		!atomic_exchange(&workers->has_answered, true))
		workers->answered_first(workers->context);
}

/* Before it waits. */
static void
let_interrupt(void)
{
	sigset_t interrupts;

	sigemptyset(&interrupts);
	sigaddset(&interrupts, SIGUSR1);
	pthread_sigmask(SIG_UNBLOCK, &interrupts, NULL);
}

static void
run(void *arg)
{
	struct worker *worker = arg;
	struct workers *workers = worker->workers;
	struct fuse_buf buffer = {.mem = NULL};
	bool is_forgetting = false;

	let_interrupt();
	while (begin_waiting(worker)) {
		if (is_forgetting)
			let_forgets_gather(workers);
		int got = fuse_session_receive_buf(workers->session, &buffer);

		end_waiting(worker);
		is_forgetting = got > 0 && is_of_forgets(workers, &buffer);
		if (got == -EINTR && !fuse_session_exited(workers->session))
			continue;
		if (got <= 0 || fuse_session_exited(workers->session))
			end(workers);
		else
			answer(workers, &buffer);
	}
	free(buffer.mem);
}

static unsigned int
count_threads(struct workers *workers)
{
	mutex_scoped(&workers->lock);

	return workers->count;
}

enum store_err
workers_run(struct workers *workers)
{
	enum store_err err = STORE_OK;

	mutex_lock(&workers->lock);
	while (!err && workers->count < WAITING_MAX)
		err = start_locked(workers);
	workers->is_over = err != STORE_OK;
	mutex_unlock(&workers->lock);
	/* None is started any more once the first have ended. */
	for (unsigned int i = 0; i < count_threads(workers); i++)
		pthread_join(workers->items[i].thread, NULL);
	return err;
}

void
workers_interrupt(struct workers *workers)
{
	mutex_scoped(&workers->lock);

	for (unsigned int i = 0; i < workers->count; i++) {
		if (workers->items[i].is_waiting)
			(void)pthread_kill(workers->items[i].thread, SIGUSR1);
	}
}

struct workers *
workers_create(struct fuse_session *session,
	void (*answered_first)(void *context),
	bool (*asks_elsewhere)(void *context), void *context)
{
	const struct sigaction action = {.sa_handler = wake_up};
	struct workers *workers = calloc(1, sizeof(*workers));

	if (!workers)
		error_out_of_memory();
	(void)sigaction(SIGUSR1, &action, NULL);
	workers->session = session;
	workers->answered_first = answered_first;
	workers->asks_elsewhere = asks_elsewhere;
	workers->context = context;
	mutex_init(&workers->lock);
	pthread_cond_init(&workers->called, NULL);
	thread_init_condition(&workers->ended);
	return workers;
}

void
workers_free(struct workers **ptr)
{
	struct workers *workers = *ptr;

	*ptr = NULL;
	if (!workers)
		return;
	pthread_cond_destroy(&workers->ended);
	pthread_cond_destroy(&workers->called);
	mutex_destroy(&workers->lock);
	free(workers);
}
