/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mount.h - a store's buckets as directories of this machine.
 *
 *	mount_create(&options, &mount);		mounted from here on
 *	mount_run(mount);			serves until it is over
 *	mount_destroy(&mount);
 *
 * Threads:   mount_create(), mount_run() and mount_destroy() by one thread,
 *            never by a fiber; mount_run() starts threads of its own.
 *            mount_stop() and mount_status() from any thread.
 * Ownership: store and audit log must stay open until mount_destroy().
 */
#pragma once

#include "store/store.h"

struct audit;
struct mount;

struct mount_options {
	struct store *store;
	const char *mount_point; /* a directory that exists */
	bool allow_other;	 /* users besides the one that mounts */
	bool is_read_only;
	bool is_small_files;   /* small_files.h; read-only, too */
	bool without_io_uring; /* ring.h, also where the kernel has it */
	/* The directory to show as the top; 0: the list of buckets. */
	uint64_t top;
	/* More for mount(8): "noexec,noatime"; NULL is allowed. */
	const char *flags;
	/* What objects that came through S3 show as their owner and mode (0666
	 * or 0777 without these bits), until chmod or chown gives them some. */
	uint32_t uid;
	uint32_t gid;
	uint32_t umask;
	/* Told of each open of a file, open_audit.h; NULL is allowed.  Not with
	 * is_small_files: then opens are the kernel's alone. */
	struct audit *audit;
	/* Called once, when the kernel has begun to ask: from then on paths
	 * below the mount point work.  NULL is allowed. */
	void (*ready)(struct mount *mount, void *context);
	void *context;
};

/*
 * Mounts.  A mount that died there earlier is detached first.  The reason of
 * a failure is logged.  NOT_FOUND, NOT_DIR: the mount point; BUSY: something
 * is mounted there; ACCESS: not permitted, or no /dev/fuse.
 */
must_check enum store_err mount_create(const struct mount_options *options,
	struct mount **out);

/* Answers the kernel until somebody unmounts or mount_stop() is called;
 * nothing is mounted when it returns. */
must_check enum store_err mount_run(struct mount *mount);

/* Makes mount_run() return soon.  May be called from a signal handler, and
 * more than once. */
void mount_stop(struct mount *mount);

/* Unmounts where it still is.  NULL is allowed. */
void mount_destroy(struct mount **mount);

struct mount_status {
	bool is_ready;
	bool has_passthrough;  /* the kernel reads and writes by itself */
	const char *why_not;   /* a reason where not, else NULL */
	bool has_io_uring;     /* the kernel asks by way of io_uring */
	uint32_t kernel_major; /* of the FUSE protocol */
	uint32_t kernel_minor;
	uint64_t open_files;
	uint64_t requests; /* of the kernel, so far; not those for data */
};

void mount_status(struct mount *mount, struct mount_status *out);

/* "3.17.2": the libfuse in use, and whether it was built into this program
 * with passthrough. */
const char *mount_libfuse_version(void);
bool mount_knows_passthrough(void);
