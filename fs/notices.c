/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/notices.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "store/base/mutex.h"

struct notice {
	struct notice *next;
	fuse_ino_t node; /* all of its pages */
};

struct notices {
	/* fixed */
	struct fuse_session *session;
	pthread_t thread;

	pthread_mutex_t lock;
	pthread_cond_t has_some; /* or is over */
	/* under lock */
	struct notice *first;
	struct notice **end;
	bool is_over;
};

static void
drop(struct notices *notices, const struct notice *notice)
{
	/* ENOENT: the kernel does not have it. */
	fuse_lowlevel_notify_inval_inode(notices->session, notice->node, 0, 0);
}

/* NULL: it is over. */
static struct notice *
take(struct notices *notices)
{
	mutex_scoped(&notices->lock);

	while (!notices->first && !notices->is_over)
		pthread_cond_wait(&notices->has_some, &notices->lock);
	struct notice *notice = notices->first;
	if (notice) {
		notices->first = notice->next;
		if (!notices->first)
			notices->end = &notices->first;
	}
	return notice;
}

static void *
run(void *arg)
{
	struct notices *notices = arg;
	struct notice *notice;

	while ((notice = take(notices))) {
		drop(notices, notice);
		free(notice);
	}
	return NULL;
}

enum store_err
notices_start(struct fuse_session *session, struct notices **out)
{
	struct notices *notices = calloc(1, sizeof(*notices));
	sigset_t all, before;

	if (!notices)
		return STORE_NO_MEMORY;
	notices->session = session;
	notices->end = &notices->first;
	mutex_init(&notices->lock);
	pthread_cond_init(&notices->has_some, NULL);
	/* Signals are the program's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int failed = pthread_create(&notices->thread, NULL, run, notices);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (failed) {
		pthread_cond_destroy(&notices->has_some);
		mutex_destroy(&notices->lock);
		free(notices);
		return error_from_errno(failed);
	}
	(void)pthread_setname_np(notices->thread, "tarn-notices");
	*out = notices;
	return STORE_OK;
}

/* One that has not begun is as good: so they are no more than open files,
 * however long the thread waits. */
static bool
has_one_locked(const struct notices *notices, fuse_ino_t node)
{
	const struct notice *notice = notices->first;

	while (notice && notice->node != node)
		notice = notice->next;
	return notice != NULL;
}

void
notices_drop_pages(struct notices *notices, fuse_ino_t node)
{
	mutex_scoped(&notices->lock);

	if (notices->is_over || has_one_locked(notices, node))
		return;
	struct notice *notice = malloc(sizeof(*notice));
	if (!notice)
		error_out_of_memory();
	*notice = (struct notice){.node = node};
	*notices->end = notice;
	notices->end = &notice->next;
	pthread_cond_signal(&notices->has_some);
}

void
notices_stop(struct notices *notices)
{
	mutex_lock(&notices->lock);
	bool was_over = notices->is_over;
	notices->is_over = true;
	pthread_cond_signal(&notices->has_some);
	mutex_unlock(&notices->lock);
	if (!was_over)
		pthread_join(notices->thread, NULL);
}

void
notices_free(struct notices **ptr)
{
	struct notices *notices = *ptr;

	if (!notices)
		return;
	notices_stop(notices);
	pthread_cond_destroy(&notices->has_some);
	mutex_destroy(&notices->lock);
	free(notices);
	*ptr = NULL;
}
