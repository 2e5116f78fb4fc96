/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outbox.h - events that wait for their topics, for whoever delivers them.
 *
 * Each is there from the commit that made it, and goes when outbox_remove()
 * says that it has been delivered, or as topic.h's limits say: so it is
 * delivered at least once.
 *
 * Threads:   an outbox belongs to one thread.
 * Ownership: slices of what was read live in the arena it was given.
 */
#pragma once

#include "store/base/arena.h"
#include "store/object_event.h"
#include "store/store.h"
#include "store/topic.h"

struct outbox;

/* BUSY: another process delivers. */
must_check enum store_err outbox_open(struct store *store, struct outbox **out);
/* NULL is allowed. */
void outbox_close(struct outbox **outbox);

/* Grows with anything that is new in the store: else nothing waits that did
 * not wait before. */
uint64_t outbox_mark(struct outbox *outbox);

struct outbox_batch {
	struct object_event *events; /* in order; one EVENT_TEST, or none */
	size_t count;
	uint64_t last; /* outbox_remove() it; 0: nothing waits */
};

/* The oldest that wait for the topic, up to `max`.  They are durable.  Those
 * that are damaged are passed over. */
must_check enum store_err outbox_read(struct outbox *outbox, uint64_t topic,
	size_t max, struct arena *arena, struct outbox_batch *out);

/* All up to that one go. */
must_check enum store_err outbox_remove(struct outbox *outbox, uint64_t topic,
	uint64_t last);

/* Drops what has waited for too long by that time. */
must_check enum store_err outbox_trim(struct outbox *outbox,
	const struct topic *topic, int64_t now_ns);

/* Removes what waits for topics that are gone; nothing, while one is damaged:
 * it may be that one's. */
must_check enum store_err outbox_sweep(struct outbox *outbox);
