/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/notices.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "store/base/mutex.h"
#include "store/base/thread.h"

struct notice {
	struct notice *next;
	fuse_ino_t node;
	size_t name_len; /* 0: all pages of the node; else a name below it */
	char name[];	 /* and a NUL, which libfuse reads */
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
	if (notice->name_len > 0)
		fuse_lowlevel_notify_inval_entry(notices->session, notice->node,
			notice->name, notice->name_len);
	else
		fuse_lowlevel_notify_inval_inode(notices->session, notice->node,
			0, 0);
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

static void
run(void *arg)
{
	struct notices *notices = arg;
	struct notice *notice;

	while ((notice = take(notices))) {
		drop(notices, notice);
		free(notice);
	}
}

enum store_err
notices_start(struct fuse_session *session, struct notices **out)
{
	struct notices *notices = calloc(1, sizeof(*notices));

	if (!notices)
		return STORE_NO_MEMORY;
	notices->session = session;
	notices->end = &notices->first;
	mutex_init(&notices->lock);
	pthread_cond_init(&notices->has_some, NULL);
	enum store_err err =
		thread_start(&notices->thread, "tarn-notices", run, notices);
	if (err) {
		pthread_cond_destroy(&notices->has_some);
		mutex_destroy(&notices->lock);
		free(notices);
		return err;
	}
	*out = notices;
	return STORE_OK;
}

/* One that has not begun is as good.  So those of pages are no more than open
 * files, however long the thread waits. */
static bool
has_it_locked(const struct notices *notices, fuse_ino_t node, struct slice name)
{
	const struct notice *notice = notices->first;

	while (notice &&
		(notice->node != node ||
			!slice_equal(slice_of(notice->name, notice->name_len),
				name)))
		notice = notice->next;
	return notice != NULL;
}

static void
hand_over(struct notices *notices, fuse_ino_t node, struct slice name)
{
	mutex_scoped(&notices->lock);

	if (notices->is_over || has_it_locked(notices, node, name))
		return;
	struct notice *notice = malloc(sizeof(*notice) + name.len + 1);
	if (!notice)
		error_out_of_memory();
	*notice = (struct notice){.node = node, .name_len = name.len};
	if (name.len > 0)
		memcpy(notice->name, name.data, name.len);
	notice->name[name.len] = '\0';
	*notices->end = notice;
	notices->end = &notice->next;
	pthread_cond_signal(&notices->has_some);
}

void
notices_drop_pages(struct notices *notices, fuse_ino_t node)
{
	hand_over(notices, node, SLICE_NULL);
}

void
notices_drop_name(struct notices *notices, fuse_ino_t parent, struct slice name)
{
	hand_over(notices, parent, name);
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
