/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/workers.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "store/base/log.h"
#include "store/base/mutex.h"

#define WAITING_MAX 2
#define THREADS_MAX 32

struct workers {
	/* fixed */
	struct fuse_session *session;

	pthread_mutex_t lock;
	pthread_cond_t called;
	/* under lock */
	unsigned int waiting; /* for the kernel */
	unsigned int resting;
	unsigned int count;
	pthread_t threads[THREADS_MAX];
	bool is_over;
};

static void *run(void *arg);

static enum store_err
start_locked(struct workers *workers)
{
	sigset_t all, before;

	/* Signals are the program's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int failed = pthread_create(&workers->threads[workers->count], NULL,
		run, workers);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (failed)
		return error_from_errno(failed);
	(void)pthread_setname_np(workers->threads[workers->count++],
		"tarn-fuse");
	return STORE_OK;
}

/* Rests until it is needed.  False: it is over. */
static bool
begin_waiting(struct workers *workers)
{
	mutex_scoped(&workers->lock);

	workers->resting++;
	while (!workers->is_over && workers->waiting >= WAITING_MAX)
		pthread_cond_wait(&workers->called, &workers->lock);
	workers->resting--;
	workers->waiting++;
	return !workers->is_over;
}

/* Rule 2.  Without a further thread requests wait for one of these. */
static void
end_waiting(struct workers *workers)
{
	mutex_scoped(&workers->lock);

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
}

static void *
run(void *arg)
{
	struct workers *workers = arg;
	struct fuse_buf buffer = {.mem = NULL};

	while (begin_waiting(workers)) {
		int got = fuse_session_receive_buf(workers->session, &buffer);

		end_waiting(workers);
		if (got == -EINTR)
			continue;
		if (got <= 0 || fuse_session_exited(workers->session))
			end(workers);
		else
			fuse_session_process_buf(workers->session, &buffer);
	}
	free(buffer.mem);
	return NULL;
}

static unsigned int
count_threads(struct workers *workers)
{
	mutex_scoped(&workers->lock);

	return workers->count;
}

enum store_err
workers_run(struct fuse_session *session)
{
	struct workers workers = {.session = session};
	enum store_err err = STORE_OK;

	mutex_init(&workers.lock);
	pthread_cond_init(&workers.called, NULL);
	mutex_lock(&workers.lock);
	while (!err && workers.count < WAITING_MAX)
		err = start_locked(&workers);
	workers.is_over = err != STORE_OK;
	mutex_unlock(&workers.lock);
	/* None is started any more once the first have ended. */
	for (unsigned int i = 0; i < count_threads(&workers); i++)
		pthread_join(workers.threads[i], NULL);
	pthread_cond_destroy(&workers.called);
	mutex_destroy(&workers.lock);
	return err;
}
