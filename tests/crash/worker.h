/* SPDX-License-Identifier: Apache-2.0 */
/*
 * worker.h - one thread of the workload: what it does to the store by S3, by a
 * mount and where versions are kept, and what it was promised.
 *
 *	worker.c		promises
 *	worker_object.c		by S3
 *	worker_file.c		by a mount
 *	worker_version.c	versions
 *
 * Each function is one operation, and notes in the log that it begins and,
 *where its result is durable, that it is done (content.h).  The process ends
 *where one fails.
 *
 * Threads:   a worker is its own thread's.
 */
#pragma once

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "store/file.h"
#include "store/store.h"
#include "tests/crash/content.h"

#define KEYS 6
#define SECTORS 16
#define CHUNKS 40
#define LARGEST 100008

#define BURST 66 /* more than are flushed one by one */
#define KEPT 3
#define FICKLE 3

/* What a worker makes promises about, by numbers. */
enum thing {
	THING_KEY,
	THING_TWIN = THING_KEY + KEYS,
	THING_SECTOR = THING_TWIN + 2,
	THING_CHUNK = THING_SECTOR + SECTORS,
	THING_SNAPSHOT = THING_CHUNK + CHUNKS, /* sectors of a copy */
	THING_BURST = THING_SNAPSHOT + SECTORS,
	/* In a bucket that keeps versions: current ones, the ones before. */
	THING_KEPT = THING_BURST + BURST,
	THING_OLDER = THING_KEPT + KEPT,
	/* Where they are now kept and now not. */
	THING_FICKLE = THING_OLDER + KEPT,
	THINGS = THING_FICKLE + FICKLE,
};

/* A thread, which alone works on what lies in its directory. */
struct worker {
	struct store *store;
	uint64_t bucket;
	uint64_t kept; /* the bucket that keeps versions */
	uint64_t fickle;
	uint64_t dir;
	char tag[16];
	uint64_t next_version;
	uint64_t random;
	pthread_t thread;
	uint64_t now[THINGS];  /* versions */
	bool is_begun[THINGS]; /* and not done */
	unsigned int chunks;
	bool has_burst;
	struct file *open[2]; /* the two files written in place, or NULL */
	char bytes[LARGEST];
};

void worker_must_at(enum store_err err, const char *file, int line);
#define must(err) worker_must_at(err, __FILE__, __LINE__)

/* Below that number; the same for the same worker. */
uint64_t worker_draw(struct worker *worker, uint64_t below);

void worker_name(const struct worker *worker, unsigned int thing,
	char name[CONTENT_KEY_MAX + 1]);
/* The thing becomes that version (0: nothing), if it does. */
void worker_begin(struct worker *worker, unsigned int thing, uint64_t version);
void worker_done(struct worker *worker, unsigned int thing);
/* Of the worker's own bytes, until the next one is asked for. */
struct slice worker_body(struct worker *worker, uint64_t version);
/* All that was begun is done, but for what goes on in an open file. */
void worker_sync_all(struct worker *worker);

/* may_abort: now and then it is not completed. */
void worker_put(struct worker *worker, unsigned int thing, bool may_abort);
void worker_delete(struct worker *worker, unsigned int thing);
void worker_copy(struct worker *worker, unsigned int from, unsigned int to);
void worker_upload(struct worker *worker, unsigned int thing);
/* The disk's bytes, shared until the next write to it. */
void worker_take_snapshot(struct worker *worker);
void worker_delete_burst(struct worker *worker);
/* Begins that there is nothing; NOT_FOUND, and nothing begun: there is none. */
must_check enum store_err worker_begin_absent(struct worker *worker,
	unsigned int thing, char key[CONTENT_KEY_MAX + 1]);
/* The version that the key has: where a put was aborted, not the last. */
uint64_t worker_version_of(struct worker *worker, unsigned int thing);

/* Its directory, and the files that are written in place. */
void worker_set_up(struct worker *worker);
void worker_write_at(struct file *file, struct slice bytes, uint64_t offset);
void worker_write_file(struct worker *worker, unsigned int thing);
void worker_unlink_file(struct worker *worker, unsigned int thing);
void worker_rename_file(struct worker *worker, unsigned int from,
	unsigned int to);
void worker_rename_dir(struct worker *worker);
void worker_write_in_place(struct worker *worker);
void worker_append(struct worker *worker);
/* which: 0 the disk, 1 the log. */
void worker_close_in_place(struct worker *worker, unsigned int which);
/* Files that are closed and not flushed, until all are at once. */
void worker_write_burst(struct worker *worker);

void worker_put_kept(struct worker *worker, unsigned int n);
void worker_delete_kept(struct worker *worker, unsigned int n);
void worker_write_kept(struct worker *worker, unsigned int n);
/* What is null becomes an older version, and goes. */
void worker_change_fickle(struct worker *worker, unsigned int n);
