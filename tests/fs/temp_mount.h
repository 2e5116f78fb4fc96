/* SPDX-License-Identifier: Apache-2.0 */
/*
 * temp_mount.h - a store of a test's own, mounted in a directory of its own.
 *
 *	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();
 *
 * The mount has one bucket, "bbb".  It is served by a process of its own, which
 * ends with the test; the test itself is what changes the store through S3.
 * What fails here ends the test.
 */
#pragma once

#include "fs/mount.h"
#include "store/base/arena.h"
#include "store/object.h"
#include "tests/support/temp_store.h"

struct temp_mount {
	struct temp_store store;
	char dir[64];
	uint64_t bucket;
	bool is_small_files;	    /* for the next temp_mount_start() */
	bool is_audited;	    /* the same; see temp_mount_lines() */
	bool is_asked;		    /* the same: how it is, all the while */
	struct mount_status status; /* when it became ready */
	struct arena arena;
	struct temp_mount_server *server;
};

/* Why there can be no mount here; NULL where there can.  A test that cannot
 * run says so and passes over the rest. */
const char *temp_mount_why_not(void);

struct temp_mount temp_mount_open(void);
void temp_mount_close(struct temp_mount *temp);

/* Unmounts, or mounts again. */
void temp_mount_stop(struct temp_mount *temp);
void temp_mount_start(struct temp_mount *temp);

/* The kernel's parameter: "Y" or "N".  Who changes it holds its lock,
 * flock(2). */
#define TEMP_MOUNT_RING_SWITCH "/sys/module/fuse/parameters/enable_uring"
/* Mounts with it set. */
void temp_mount_start_with_ring(struct temp_mount *temp);

/* For a test of what could hang, while it is mounted: if it is not stopped in
 * half a minute its connection is aborted and its process killed, so that
 * whoever waits for it goes on, and the test fails. */
void temp_mount_limit(struct temp_mount *temp);

/* Stops it: the lines of its audit log since the last time, each with its end.
 */
struct slice temp_mount_lines(struct temp_mount *temp);

/* How the mount is now. */
struct mount_status temp_mount_status(struct temp_mount *temp);
/* Bytes that its process has allocated and not freed. */
uint64_t temp_mount_heap(struct temp_mount *temp);
/* How often threads of that name have waited. */
uint64_t temp_mount_waits(struct temp_mount *temp, const char *thread);

/* A path below the mount point; good until the next call but seven. */
const char *temp_mount_at(struct temp_mount *temp, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Writes a whole file as a shell's > does. */
void temp_mount_write(struct temp_mount *temp, const char *name,
	const char *text);
/* The text of a file, in the arena; NULL where it cannot be opened. */
const char *temp_mount_read(struct temp_mount *temp, const char *name);

/* The same through S3. */
void temp_mount_put(struct temp_mount *temp, const char *key, const char *text);
const char *temp_mount_get(struct temp_mount *temp, const char *key);
/* Waits until S3 sees the object: the release after a close() is the kernel's
 * business.  False after some seconds. */
bool temp_mount_wait_for_key(struct temp_mount *temp, const char *key);
/* Makes a small object "log", to which another process and the mount append in
 * turns.  The end that the other was last told. */
#define TEMP_MOUNT_APPENDED "begin.theirs.ours.theirs.ours.theirs.ours."
uint64_t temp_mount_append_in_turns(struct temp_mount *temp);
