/* SPDX-License-Identifier: Apache-2.0 */
/*
 * 1. A line with pieces that are not done is in the crew's list or taken by
 *    one of its threads, never both: so its pieces go in order.
 * 2. Who takes a line digests its oldest piece; digest and piece are then
 *    that thread's alone, without the lock.
 */
#include "store/base/digest_line.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "store/base/clock.h"
#include "store/base/mutex.h"
#include "store/base/thread.h"

/* Fewer lines are faster one on each CPU, by its ordinary registers. */
#define SIDE_BY_SIDE_MIN 4
#define SIDE_BY_SIDE_MAX DIGEST_SIDE_BY_SIDE_MAX
/* A thread that has had nothing to do for so long ends. */
#define IDLE_S 2
/* Of its threads: what is only computed gives way to who has something to
 * answer (docs/decisions/0012-digests-give-way.md). */
#define NICE 5

static struct {
	pthread_mutex_t lock;

	/* under lock */
	pthread_cond_t has_work;
	struct digest_line *first;
	struct digest_line **end; /* NULL: first is */
	size_t md5_count;	  /* lines in the list that are MD5 */
	size_t idle;
	size_t threads;
	size_t threads_max; /* 0: not yet counted */
} crew = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.has_work = PTHREAD_COND_INITIALIZER,
};

static bool
is_md5(const struct digest_line *line)
{
	return line->digest->kind == DIGEST_MD5;
}

static void
append_locked(struct digest_line *line)
{
	if (!crew.first)
		crew.end = &crew.first;
	line->next = NULL;
	*crew.end = line;
	crew.end = &line->next;
	crew.md5_count += is_md5(line);
}

/* Takes one out of the list; *link is what leads to it. */
static struct digest_line *
remove_locked(struct digest_line **link)
{
	struct digest_line *line = *link;

	*link = line->next;
	if (!*link)
		crew.end = link;
	crew.md5_count -= is_md5(line);
	return line;
}

/* The first, and those that can be digested beside it. */
static size_t
take_locked(struct digest_line *taken[SIDE_BY_SIDE_MAX])
{
	bool side_by_side =
		is_md5(crew.first) && crew.md5_count >= SIDE_BY_SIDE_MIN;
	size_t most = side_by_side ? digest_side_by_side() : 1;
	struct digest_line **link = &crew.first;
	size_t count = 0;

	while (*link && count < most) {
		if (count == 0 || is_md5(*link))
			taken[count++] = remove_locked(link);
		else
			link = &(*link)->next;
	}
	return count;
}

static struct slice
oldest_piece(const struct digest_line *line)
{
	return line->pieces[line->done % DIGEST_LINE_MAX];
}

/* Invariant 2. */
static void
digest_oldest(struct digest_line *const lines[], const struct slice pieces[],
	size_t count)
{
	struct digest *digests[SIDE_BY_SIDE_MAX];

	if (count == 1) {
		digest_update(lines[0]->digest, pieces[0].data, pieces[0].len);
		return;
	}
	for (size_t i = 0; i < count; i++)
		digests[i] = lines[i]->digest;
	digest_update_md5s(digests, pieces, count);
}

/* NULL, or who waits for what has been done by now. */
static struct event *
finish_locked(struct digest_line *line)
{
	struct event *waiter = line->waiter;

	line->done++;
	if (line->done < line->added)
		append_locked(line);
	if (!waiter || line->done < line->wanted)
		return NULL;
	line->waiter = NULL;
	return waiter;
}

static void
work_once(struct digest_line *const lines[], size_t count)
{
	struct slice pieces[SIDE_BY_SIDE_MAX];
	struct event *waiters[SIDE_BY_SIDE_MAX];

	for (size_t i = 0; i < count; i++)
		pieces[i] = oldest_piece(lines[i]);
	mutex_unlock(&crew.lock);
	digest_oldest(lines, pieces, count);
	mutex_lock(&crew.lock);
	for (size_t i = 0; i < count; i++)
		waiters[i] = finish_locked(lines[i]);
	mutex_unlock(&crew.lock);
	/* From here on a line may be gone. */
	for (size_t i = 0; i < count; i++) {
		if (waiters[i])
			event_set(waiters[i]);
	}
	mutex_lock(&crew.lock);
}

/* False: none has come for long. */
static bool
await_work_locked(void)
{
	struct timespec end;
	int err = 0;

	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += IDLE_S;
	crew.idle++;
	while (!crew.first && err != ETIMEDOUT)
		err = pthread_cond_timedwait(&crew.has_work, &crew.lock, &end);
	crew.idle--;
	return crew.first != NULL;
}

static void
work(void *unused)
{
	(void)unused;
	/* On Linux it is the thread's own: setpriority(2), "Bugs". */
	(void)setpriority(PRIO_PROCESS, (id_t)gettid(), NICE);
	mutex_lock(&crew.lock);
	while (crew.first || await_work_locked()) {
		struct digest_line *lines[SIDE_BY_SIDE_MAX];
		size_t count = take_locked(lines);

		work_once(lines, count);
	}
	crew.threads--;
	mutex_unlock(&crew.lock);
}

/* At least two: one stream may have two digests that take long. */
static size_t
count_cpus(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	if (sched_getaffinity(0, sizeof(set), &set) || CPU_COUNT(&set) < 2)
		return 2;
	return (size_t)CPU_COUNT(&set);
}

static void
start_thread_locked(void)
{
	pthread_t thread;

	if (!thread_start(&thread, "tarn-digest", work, NULL)) {
		pthread_detach(thread);
		crew.threads++;
	}
}

void
digest_line_begin(struct digest_line *line, struct digest *digest)
{
	*line = (struct digest_line){.digest = digest};
}

/* False: there is no thread to be had. */
static bool
hand_over(struct digest_line *line, struct slice piece)
{
	mutex_scoped(&crew.lock);

	if (!crew.threads_max)
		crew.threads_max = count_cpus();
	if (!crew.idle && crew.threads < crew.threads_max)
		start_thread_locked();
	if (!crew.threads)
		return false;
	assert(line->added - line->done < DIGEST_LINE_MAX);
	line->pieces[line->added % DIGEST_LINE_MAX] = piece;
	line->added++;
	/* Else it is in the list or taken: invariant 1. */
	if (line->added - line->done == 1)
		append_locked(line);
	return true;
}

void
digest_line_add(struct digest_line *line, struct slice piece)
{
	if (hand_over(line, piece))
		pthread_cond_signal(&crew.has_work);
	else
		digest_update(line->digest, piece.data, piece.len);
}

static bool
must_wait(struct digest_line *line, size_t left, struct event *event)
{
	mutex_scoped(&crew.lock);

	if (line->added - line->done <= left)
		return false;
	line->wanted = line->added - left;
	line->waiter = event;
	return true;
}

void
digest_line_wait(struct digest_line *line, size_t left)
{
	struct event event = EVENT_INIT;

	if (must_wait(line, left, &event))
		event_wait(&event);
}
