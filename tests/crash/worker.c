/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/crash/worker.h"

#include <assert.h>

#include "tests/crash/shim.h"

void
worker_must_at(enum store_err err, const char *file, int line)
{
	if (!err)
		return;
	fprintf(stderr, "%s:%d: %s\n", file, line, error_sentence(err));
	_exit(1);
}

uint64_t
worker_draw(struct worker *worker, uint64_t below)
{
	uint64_t x = worker->random;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	worker->random = x;
	return x % below;
}

void
worker_name(const struct worker *worker, unsigned int thing,
	char name[CONTENT_KEY_MAX + 1])
{
	size_t room = CONTENT_KEY_MAX + 1;

	if (thing < THING_TWIN)
		snprintf(name, room, "%s/%sk%u", worker->tag,
			thing % 2 ? "sub/" : "", thing);
	else if (thing < THING_SECTOR)
		snprintf(name, room, "%s%s", worker->tag,
			thing == THING_TWIN ? CONTENT_TWIN_A : CONTENT_TWIN_B);
	else if (thing < THING_CHUNK)
		snprintf(name, room, "%s/disk#%u", worker->tag,
			thing - THING_SECTOR);
	else if (thing < THING_SNAPSHOT)
		snprintf(name, room, "%s/log#%u", worker->tag,
			thing - THING_CHUNK);
	else if (thing < THING_BURST)
		snprintf(name, room, "%s/snapshot#%u", worker->tag,
			thing - THING_SNAPSHOT);
	else if (thing < THING_KEPT)
		snprintf(name, room, "%s/burst/o%u", worker->tag,
			thing - THING_BURST);
	else if (thing < THING_OLDER)
		snprintf(name, room, "%s/v%u", worker->tag, thing - THING_KEPT);
	else if (thing < THING_FICKLE)
		snprintf(name, room, "%s/v%u" CONTENT_OLDER, worker->tag,
			thing - THING_OLDER);
	else
		snprintf(name, room, "%s/n%u", worker->tag,
			thing - THING_FICKLE);
}

static void
note(struct worker *worker, unsigned int thing, enum content_what what)
{
	struct content_note note = {
		.version = worker->now[thing],
		.what = what,
	};

	worker_name(worker, thing, note.key);
	shim_note(&note, sizeof(note));
	worker->is_begun[thing] = what == CONTENT_BEGUN;
}

void
worker_begin(struct worker *worker, unsigned int thing, uint64_t version)
{
	worker->now[thing] = version;
	note(worker, thing, CONTENT_BEGUN);
}

void
worker_done(struct worker *worker, unsigned int thing)
{
	note(worker, thing, CONTENT_DONE);
}

void
worker_sync_all(struct worker *worker)
{
	must(store_sync(worker->store));
	for (unsigned int i = 0; i < THINGS; i++) {
		unsigned int which = i < THING_CHUNK ? 0 : 1;

		/* What goes on in an open file only its fsync promises. */
		if (i >= THING_SECTOR && i < THING_SNAPSHOT &&
			worker->open[which])
			continue;
		if (worker->is_begun[i])
			worker_done(worker, i);
	}
}

struct slice
worker_body(struct worker *worker, uint64_t version)
{
	uint64_t size = content_size(version);

	assert(size <= LARGEST);
	content_fill(version, worker->bytes, size);
	return slice_of(worker->bytes, size);
}
