/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines gather in one buffer while the writer's thread writes those of the
 * other one to the file; the deliverer's thread puts complete files into the
 * bucket.
 *
 * 1. `gathered` holds at most GATHERED_MAX bytes: who has more to say waits in
 *    `waiters`, or its line is dropped.
 * 2. Lines that the disk did not take stay in `leaving`, whole.
 * 3. What was dropped is told by a line of its own, in the place of the lines.
 */
#include "store/audit.h"

#include <assert.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/audit_private.h"
#include "store/base/buffer.h"
#include "store/base/clock.h"
#include "store/base/event.h"
#include "store/base/log.h"
#include "store/base/mutex.h"
#include "store/base/thread.h"
#include "store/bucket.h"

#define GATHERED_MAX (4u << 20)
#define WRITE_EACH_MS 100
#define DELIVER_EACH_MS 10000
#define COMPLAIN_EACH_MS 60000
#define FILE_BYTES (64ull << 20)
#define FILE_MS 3600000

struct waiter {
	struct event done;
	struct waiter *next;
};

struct audit {
	/* fixed after open */
	struct store *store;
	bool delivers;
	uint64_t file_bytes;
	int64_t file_ms;
	uint64_t bucket;
	enum store_err (*take)(struct store *store, struct slice name, int fd,
		bool *is_unreadable);
	char *role;
	pthread_t writer;
	pthread_t deliverer;

	/* the writer's */
	struct audit_file file;
	struct buffer leaving;
	int64_t complained_ms;

	pthread_mutex_t lock;
	pthread_cond_t wake;	  /* of the writer */
	pthread_cond_t delivered; /* of the deliverer */
	/* under lock */
	struct buffer gathered;
	struct waiter *waiters;
	bool drops;
	int64_t deadline_ms; /* then it drops */
	uint64_t dropped;
	uint64_t dropped_told;
	bool is_stopping;
	bool is_complete; /* the writer has ended */
};

/* False: there is no room. */
static bool
gather_locked(struct audit *audit, struct slice line)
{
	if (audit->gathered.len + line.len + 1 > GATHERED_MAX)
		return false;
	buffer_append(&audit->gathered, line);
	buffer_append_char(&audit->gathered, '\n');
	/* Else it looks by itself, soon. */
	if (audit->gathered.len > GATHERED_MAX / 2)
		pthread_cond_signal(&audit->wake);
	return true;
}

void
audit_append(struct audit *audit, struct slice line)
{
	struct waiter waiter;

	/* It would wait for ever. */
	assert(line.len < GATHERED_MAX);
	for (;;) {
		mutex_lock(&audit->lock);
		bool is_done = gather_locked(audit, line);
		if (!is_done && audit->drops) {
			audit->dropped++;
			is_done = true;
		} else if (!is_done) {
			event_init(&waiter.done);
			waiter.next = audit->waiters;
			audit->waiters = &waiter;
			pthread_cond_signal(&audit->wake);
		}
		mutex_unlock(&audit->lock);
		if (is_done)
			return;
		event_wait(&waiter.done);
	}
}

uint64_t
audit_dropped(struct audit *audit)
{
	mutex_scoped(&audit->lock);
	return audit->dropped;
}

static void
tell_dropped_locked(struct audit *audit)
{
	uint64_t more = audit->dropped - audit->dropped_told;
	char now[25];

	if (!more)
		return;
	clock_to_iso8601(clock_now_ns(), now);
	buffer_printf(&audit->gathered,
		"{\"time\":\"%s\",\"action\":\"audit:Dropped\","
		"\"lines\":%llu}\n",
		now, (unsigned long long)more);
	audit->dropped_told = audit->dropped;
}

static void
release(struct waiter *waiters)
{
	while (waiters) {
		/* Gone as soon as it is told. */
		struct waiter *next = waiters->next;

		event_set(&waiters->done);
		waiters = next;
	}
}

void
audit_wait_until(struct audit *audit, int64_t deadline_ms)
{
	if (!audit)
		return;
	mutex_scoped(&audit->lock);
	audit->deadline_ms = deadline_ms;
}

/* The writer, which is awake every now and then, sees to the deadline. */
static bool
drops_by_now(struct audit *audit)
{
	struct waiter *waiters = NULL;
	bool drops;

	mutex_lock(&audit->lock);
	if (clock_monotonic_ms() >= audit->deadline_ms) {
		audit->drops = true;
		waiters = audit->waiters;
		audit->waiters = NULL;
	}
	drops = audit->drops;
	mutex_unlock(&audit->lock);
	release(waiters);
	return drops;
}

static void
complain(struct audit *audit, enum store_err err, bool drops)
{
	int64_t now_ms = clock_monotonic_ms();

	if (audit->complained_ms &&
		now_ms < audit->complained_ms + COMPLAIN_EACH_MS)
		return;
	audit->complained_ms = now_ms;
	log_error("audit: lines cannot be written, and are %s: %s",
		drops ? "dropped when too many" : "waited for",
		error_sentence(err));
}

/* Takes what was gathered, where the lines before have left. */
static void
take(struct audit *audit)
{
	struct waiter *waiters = NULL;
	struct buffer empty = audit->leaving;

	if (empty.len > 0)
		return;
	mutex_lock(&audit->lock);
	tell_dropped_locked(audit);
	audit->leaving = audit->gathered;
	audit->gathered = empty;
	waiters = audit->waiters;
	audit->waiters = NULL;
	mutex_unlock(&audit->lock);
	release(waiters);
}

static void
complete(struct audit *audit)
{
	audit_file_complete(&audit->file);
	mutex_scoped(&audit->lock);
	pthread_cond_signal(&audit->delivered);
}

static enum store_err
write_taken(struct audit *audit)
{
	struct audit_file *file = &audit->file;
	enum store_err err = STORE_OK;

	if (audit->leaving.len > 0)
		err = audit_file_append(file, buffer_slice(&audit->leaving));
	if (err)
		complain(audit, err, drops_by_now(audit));
	else
		buffer_clear(&audit->leaving);
	if (file->fd >= 0 && (file->size >= audit->file_bytes ||
				     clock_monotonic_ms() - file->began_ms >=
					     audit->file_ms))
		complete(audit);
	return err;
}

/*
 * Lets lines gather for a moment, so that there is one write for many; and a
 * disk that takes none come to itself.  False: the log is being closed.
 */
static bool
rest(struct audit *audit, bool has_failed)
{
	int64_t until_ms = clock_monotonic_ms() + WRITE_EACH_MS;
	mutex_scoped(&audit->lock);

	while (!audit->is_stopping &&
		(has_failed || (!audit->waiters && audit->gathered.len <=
							   GATHERED_MAX / 2)) &&
		thread_wait_locked(&audit->wake, &audit->lock, until_ms))
		continue;
	return !audit->is_stopping;
}

static void
run_writer(void *arg)
{
	struct audit *audit = arg;
	enum store_err err;

	do {
		take(audit);
		err = write_taken(audit);
	} while (rest(audit, err != STORE_OK));
	/* What came since; twice, where the lines before had not left. */
	for (int i = 0; !err && i < 2; i++) {
		take(audit);
		err = write_taken(audit);
	}
	if (err)
		log_error("audit: the last lines are lost, and %llu before "
			  "them were dropped: %s",
			(unsigned long long)audit_dropped(audit),
			error_sentence(err));
	audit_file_complete(&audit->file);
}

/* False: it is over. */
static bool
wait_to_deliver(struct audit *audit)
{
	int64_t until_ms = clock_monotonic_ms() + DELIVER_EACH_MS;
	mutex_scoped(&audit->lock);

	if (!audit->is_complete)
		(void)thread_wait_locked(&audit->delivered, &audit->lock,
			until_ms);
	return !audit->is_complete;
}

static void
run_deliverer(void *arg)
{
	struct audit *audit = arg;
	struct audit_delivery delivery = {
		.store = audit->store,
		.dir_fd = audit->file.dir_fd,
		.bucket = audit->bucket,
		.take = audit->take,
	};
	bool goes_on = true;

	/* Once more after the writer has ended, for its last file. */
	while (goes_on) {
		enum store_err err = audit_deliver(&delivery);

		if (err)
			log_warn("audit: complete files wait in their "
				 "directory to be delivered: %s",
				error_sentence(err));
		goes_on = wait_to_deliver(audit);
	}
	enum store_err err = audit_deliver(&delivery);
	buffer_free(&delivery.unread);
	if (err)
		log_warn("audit: files are left to who comes next: %s",
			error_sentence(err));
}

static enum store_err
open_dir(const char *path, int *fd)
{
	if (mkdir(path, 0700) && errno != EEXIST)
		return error_from_errno(errno);
	*fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return *fd < 0 ? error_from_errno(errno) : STORE_OK;
}

static enum store_err
open_bucket(struct audit *audit, const struct audit_options *options)
{
	struct bucket bucket;
	enum store_err err =
		bucket_create_own(audit->store, slice_str(options->bucket),
			slice_str(options->organization), &bucket);

	if (err && err != STORE_BUCKET_EXISTS)
		return err;
	/* Who owns it reads the log, and may change it. */
	if (err && strcmp(bucket.owner, options->organization) != 0)
		return err;
	audit->bucket = bucket.ino;
	audit->delivers = true;
	return STORE_OK;
}

static void
free_audit(struct audit *audit)
{
	if (audit->file.dir_fd >= 0)
		(void)close(audit->file.dir_fd);
	buffer_free(&audit->gathered);
	buffer_free(&audit->leaving);
	pthread_cond_destroy(&audit->wake);
	pthread_cond_destroy(&audit->delivered);
	mutex_destroy(&audit->lock);
	free(audit->role);
	free(audit);
}

static void
stop_writer(struct audit *audit)
{
	mutex_lock(&audit->lock);
	audit->is_stopping = true;
	pthread_cond_signal(&audit->wake);
	mutex_unlock(&audit->lock);
	pthread_join(audit->writer, NULL);
}

static enum store_err
start_threads(struct audit *audit)
{
	enum store_err err =
		thread_start(&audit->writer, "tarn-audit", run_writer, audit);

	if (err || !audit->delivers)
		return err;
	err = thread_start(&audit->deliverer, "tarn-deliver", run_deliverer,
		audit);
	if (err)
		stop_writer(audit);
	return err;
}

enum store_err
audit_open(struct store *store, const struct audit_options *options,
	struct audit **out)
{
	struct audit *audit = calloc(1, sizeof(*audit));
	enum store_err err;

	if (!audit)
		return STORE_NO_MEMORY;
	audit->store = store;
	audit->drops = options->drops;
	audit->deadline_ms = INT64_MAX;
	audit->file_bytes =
		options->file_bytes ? options->file_bytes : FILE_BYTES;
	audit->file_ms = options->file_ms ? options->file_ms : FILE_MS;
	audit->take = options->take;
	audit->delivers = options->take != NULL;
	audit->role = strdup(options->role);
	audit->file = (struct audit_file){
		.dir_fd = -1, .fd = -1, .role = audit->role};
	mutex_init(&audit->lock);
	thread_init_condition(&audit->wake);
	thread_init_condition(&audit->delivered);
	err = audit->role ? open_dir(options->dir, &audit->file.dir_fd)
			  : STORE_NO_MEMORY;
	if (!err && options->bucket && !options->take)
		err = open_bucket(audit, options);
	if (!err)
		err = start_threads(audit);
	if (err) {
		free_audit(audit);
		return err;
	}
	*out = audit;
	return STORE_OK;
}

void
audit_close(struct audit **audit_at)
{
	struct audit *audit = *audit_at;

	*audit_at = NULL;
	if (!audit)
		return;
	stop_writer(audit);
	if (audit->delivers) {
		mutex_lock(&audit->lock);
		audit->is_complete = true;
		pthread_cond_signal(&audit->delivered);
		mutex_unlock(&audit->lock);
		pthread_join(audit->deliverer, NULL);
	}
	free_audit(audit);
}
