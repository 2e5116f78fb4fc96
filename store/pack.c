/* SPDX-License-Identifier: Apache-2.0 */
#include "store/pack_private.h"

#include <assert.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "store/base/event.h"
#include "store/base/io.h"
#include "store/base/log.h"
#include "store/base/mutex.h"
#include "store/blob_record_private.h"
#include "store/commit_private.h"
#include "store/segment_private.h"
#include "store/session_private.h"

/* Disk space is set aside in steps, so that neighbours in a segment are
 * neighbours on the disk: as much as there is already, within these. */
#define STEP_MIN (256u << 10)
#define STEP_MAX (8u << 20)
/* With less in it half a segment is not worth another one. */
#define RETIRE_MIN (1u << 20)

struct pack_segment {
	/* fixed */
	uint64_t id;
	int fd;

	/* the leader's */
	uint64_t allocated;

	/* under lock */
	uint64_t end;	   /* where the next place begins */
	uint64_t promised; /* bytes; not given a place yet */
	unsigned places;   /* pack_end() was not called for so many */
	struct pack_segment *next;
};

/* Somebody who waits for a new segment. */
struct pack_waiter {
	struct event done;
	struct pack_waiter *next;
};

struct pack {
	/* fixed after open */
	uint64_t segment_size;

	pthread_mutex_t lock;
	/* under lock */
	struct pack_segment *current;
	struct pack_segment *full;
	uint64_t seen_end; /* of the current one: pack_retire_dead() */
	bool is_creating;
	struct pack_waiter *waiters;
};

enum store_err
pack_open(struct store *store, uint64_t segment_size)
{
	struct pack *pack = calloc(1, sizeof(*pack));

	if (!pack)
		return STORE_NO_MEMORY;
	pack->segment_size = segment_size ? segment_size : PACK_SEGMENT_SIZE;
	assert(pack->segment_size >= PACK_MAX);
	mutex_init(&pack->lock);
	store->pack = pack;
	return STORE_OK;
}

uint64_t
pack_segment_size(const struct store *store)
{
	return store->pack->segment_size;
}

static void
free_segments(struct pack_segment *segment)
{
	while (segment) {
		struct pack_segment *next = segment->next;

		(void)close(segment->fd);
		free(segment);
		segment = next;
	}
}

void
pack_close(struct store *store)
{
	struct pack *pack = store->pack;

	store->pack = NULL;
	if (!pack)
		return;
	free_segments(pack->current);
	free_segments(pack->full);
	mutex_destroy(&pack->lock);
	free(pack);
}

static enum store_err
apply_create(struct store *store, struct db_txn *txn, void *arg)
{
	return segment_create(store, txn, arg);
}

struct create_job {
	struct store *store;
	uint64_t id;
	int fd;
	enum store_err err;
};

static void
run_create(void *arg)
{
	struct create_job *job = arg;

	job->err = blob_create(job->store->blobs, job->id, &job->fd);
}

/* The record and the lease, then the file: rule 2 of session_private.h. */
static enum store_err
create_segment(struct store *store, struct pack_segment **out)
{
	struct create_job job = {.store = store, .fd = -1};
	struct pack_segment *segment = calloc(1, sizeof(*segment));

	if (!segment)
		return STORE_NO_MEMORY;
	enum store_err err = commit_run(store, apply_create, &job.id, NULL);
	if (!err) {
		io_run_blocking(run_create, &job);
		err = job.err;
		/* Where this fails the session's end does it. */
		if (err && segment_discard(store, job.id))
			log_warn("segment %llu is left to the session's end",
				(unsigned long long)job.id);
	}
	if (err) {
		free(segment);
		return err;
	}
	*segment = (struct pack_segment){.id = job.id, .fd = job.fd};
	*out = segment;
	return STORE_OK;
}

static void
retire_locked(struct pack *pack)
{
	if (!pack->current)
		return;
	pack->current->next = pack->full;
	pack->full = pack->current;
	pack->current = NULL;
	pack->seen_end = 0;
}

/* Puts a new segment in the current one's place, and wakes who waits. */
static enum store_err
replace_current(struct store *store)
{
	struct pack *pack = store->pack;
	struct pack_segment *segment = NULL;
	enum store_err err = create_segment(store, &segment);

	mutex_lock(&pack->lock);
	if (!err) {
		retire_locked(pack);
		pack->current = segment;
	}
	pack->is_creating = false;
	struct pack_waiter *waiter = pack->waiters;
	pack->waiters = NULL;
	mutex_unlock(&pack->lock);
	while (waiter) {
		struct pack_waiter *next = waiter->next;

		event_set(&waiter->done);
		waiter = next;
	}
	return err;
}

/* Rule 1. */
static bool
promise_locked(struct pack *pack, uint64_t len, struct pack_place *place)
{
	struct pack_segment *segment = pack->current;

	if (!segment ||
		segment->end + segment->promised + len > pack->segment_size)
		return false;
	segment->promised += len;
	segment->places++;
	*place = (struct pack_place){.segment = segment, .len = len};
	return true;
}

enum store_err
pack_promise(struct store *store, uint64_t len, struct pack_place *place)
{
	struct pack *pack = store->pack;
	enum store_err err = STORE_OK;

	*place = (struct pack_place){0};
	if (!pack)
		return STORE_READ_ONLY;
	while (!err) {
		struct pack_waiter waiter = {0};

		event_init(&waiter.done);
		mutex_lock(&pack->lock);
		bool is_promised = promise_locked(pack, len, place);
		bool creates = !is_promised && !pack->is_creating;
		if (creates) {
			pack->is_creating = true;
		} else if (!is_promised) {
			waiter.next = pack->waiters;
			pack->waiters = &waiter;
		}
		mutex_unlock(&pack->lock);
		if (is_promised)
			return STORE_OK;
		if (creates)
			err = replace_current(store);
		else
			event_wait(&waiter.done);
	}
	return err;
}

static void
take_place(struct pack *pack, struct pack_place *place)
{
	struct pack_segment *segment = place->segment;
	mutex_scoped(&pack->lock);

	place->offset = segment->end;
	place->is_written = true;
	segment->end += place->len;
	segment->promised -= place->len;
}

/* Where there is no such call, or no room for that much, each write finds its
 * own. */
static void
set_aside(struct pack_segment *segment, uint64_t end, uint64_t most)
{
	uint64_t step = segment->allocated;

	if (end <= segment->allocated)
		return;
	step = step < STEP_MIN ? STEP_MIN : step > STEP_MAX ? STEP_MAX : step;
	if (step > most - segment->allocated)
		step = most - segment->allocated;
	(void)fallocate(segment->fd, FALLOC_FL_KEEP_SIZE,
		(off_t)segment->allocated, (off_t)step);
	segment->allocated += step;
	if (segment->allocated < end)
		segment->allocated = end;
}

enum store_err
pack_write(struct store *store, struct pack_place *place, struct slice data)
{
	struct pack_segment *segment = place->segment;

	assert(segment && data.len == place->len && !place->is_written);
	take_place(store->pack, place);
	set_aside(segment, place->offset + place->len,
		store->pack->segment_size);
	return io_pwrite_all(segment->fd, data.data, data.len, place->offset);
}

enum store_err
pack_add(struct db_txn *txn, const struct pack_place *place, uint64_t *blob)
{
	assert(place->is_written);
	return segment_add(txn, place->segment->id, place->offset, place->len,
		blob);
}

uint64_t
pack_segment(const struct pack_place *place)
{
	return place->segment->id;
}

void
pack_end(struct store *store, struct pack_place *place)
{
	struct pack_segment *segment = place->segment;

	if (!segment)
		return;
	mutex_scoped(&store->pack->lock);
	if (!place->is_written)
		segment->promised -= place->len;
	segment->places--;
	*place = (struct pack_place){0};
}

/* The current one, where it rests: its end was the same at the last call, and
 * is *end.  0: there is none. */
static uint64_t
resting_locked(struct pack *pack, uint64_t *end)
{
	const struct pack_segment *current = pack->current;
	uint64_t before = pack->seen_end;

	*end = current ? current->end : 0;
	pack->seen_end = *end;
	return current && !current->places && *end && *end == before
		       ? current->id
		       : 0;
}

static enum store_err
is_mostly_dead(struct store *store, uint64_t segment, bool *out)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	struct record_blob record;
	enum store_err err = db_begin_read(store->db, &txn);

	if (!err)
		err = blob_record_get(txn, segment, &record);
	*out = !err &&
	       (!record.live || (record.size >= RETIRE_MIN &&
					record.live <= record.size / 2));
	return err == STORE_NOT_FOUND ? STORE_OK : err;
}

enum store_err
pack_retire_dead(struct store *store)
{
	struct pack *pack = store->pack;
	uint64_t end, end_now;
	bool is_dead;

	mutex_lock(&pack->lock);
	uint64_t segment = resting_locked(pack, &end);
	mutex_unlock(&pack->lock);
	enum store_err err =
		segment ? is_mostly_dead(store, segment, &is_dead) : STORE_OK;
	if (err || !segment || !is_dead)
		return err;
	mutex_lock(&pack->lock);
	if (resting_locked(pack, &end_now) == segment && end_now == end)
		retire_locked(pack);
	mutex_unlock(&pack->lock);
	return STORE_OK;
}

/* It cannot be sealed now, for want of a descriptor or of room. */
static void
put_back(struct pack *pack, struct pack_segment *segment)
{
	mutex_scoped(&pack->lock);

	segment->next = pack->full;
	pack->full = segment;
}

/* One that nobody has a place in. */
static struct pack_segment *
take_full(struct pack *pack)
{
	mutex_scoped(&pack->lock);
	struct pack_segment **link = &pack->full;

	while (*link && (*link)->places)
		link = &(*link)->next;
	struct pack_segment *segment = *link;
	if (segment)
		*link = segment->next;
	return segment;
}

enum store_err
pack_seal_full(struct store *store)
{
	struct pack_segment *segment = take_full(store->pack);
	enum store_err err = STORE_OK;

	while (segment && !err) {
		err = segment_seal(store, session_id(store), segment->id);
		if (err == STORE_NO_MEMORY || err == STORE_NO_SPACE) {
			put_back(store->pack, segment);
			return err;
		}
		/* One that fails otherwise is sealed with the session. */
		(void)close(segment->fd);
		free(segment);
		segment = err ? NULL : take_full(store->pack);
	}
	return err;
}
