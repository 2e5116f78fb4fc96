/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ring_private.h - the kernel's queues, between the files of the ring: ring.c
 * begins and ends them, ring_queue.c is what a queue's thread does,
 * ring_wait.c knows which request may wait.  Invariants: ring_queue.c.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <sys/uio.h>

#include "fs/mount_private.h"
#include "fs/ring.h"
#include "store/base/command_ring.h"
#include "store/base/helper.h"

#define RING_ENTRIES 16 /* a queue: more requests wait in the kernel */

struct ring_entry {
	/* fixed */
	struct ring_queue *queue;
	char *page;
	char *payload;
	struct iovec parts[2]; /* of both, for the kernel */

	uint64_t commit_id;
	bool is_answered;
	struct helper_job job;
	struct ring_entry *next; /* under queue->lock */
};

struct ring_queue {
	/* fixed */
	struct ring *ring;
	unsigned int number; /* the CPU */
	struct command_ring *commands;
	char *memory;
	pthread_t thread;
	bool has_thread;

	/* the thread's */
	struct ring_entry entries[RING_ENTRIES];
	unsigned int live;   /* entries that the kernel will say more of */
	unsigned int helped; /* those that helpers are about */
	int end;	     /* why the kernel gave a command back */

	pthread_mutex_t lock;
	struct ring_entry *answered; /* under lock */
};

struct ring {
	/* fixed after the reply to INIT */
	struct mount *mount;
	struct helper_pool *helpers;
	struct helper_pool *waiting; /* of those that wait for a file's turn */
	struct ring_queue *queues;
	unsigned int count;
	size_t payload_len;

	uint64_t init_unique; /* the thread's that reads INIT */

	atomic_bool is_ending;
};

/* Where the request of an entry, as the kernel gave it, may have to wait for a
 * disk or a file's turn: who is to answer it; NULL: it does not wait. */
struct helper_pool *ring_wait_helpers(struct ring *ring,
	const struct fuse_in_header *in, const void *op_in);

/* False: there is no memory, or no descriptor. */
must_check bool ring_queue_open(struct ring *ring, struct ring_queue *queue,
	unsigned int number);
/* Its thread; false: there is none. */
must_check bool ring_queue_start(struct ring_queue *queue);
/* Waits for the thread; zeros are allowed. */
void ring_queue_close(struct ring_queue *queue);

/* Takes what libfuse writes where it is the answer to the request that this
 * thread is about; false: it is not. */
must_check bool ring_queue_take_answer(const struct iovec *iov, int count);
