/* SPDX-License-Identifier: Apache-2.0 */
/*
 * 1. A set of `known` has the latest name first; a name is there once an inode.
 * 2. What is told of a name is what the store says at that moment: a name that
 *    has another inode by now is none of the file's.
 */
#include "fs/open_audit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fs/inode.h"
#include "store/audit_line.h"
#include "store/base/arena.h"
#include "store/base/mutex.h"
#include "store/bucket.h"

/* Between a lookup and the open that follows, as many others of the same set
 * would have to come as it has places. */
#define SETS 4096
#define PLACES 4

struct known {
	uint64_t ino;
	uint64_t parent;
	size_t len;
	char name[];
};

struct open_audit {
	struct audit *audit; /* fixed */
	pthread_mutex_t lock;
	struct known *known[SETS][PLACES]; /* under lock */
};

/* What was opened, as far as that is known. */
struct opened {
	const char *operation;
	int open_flags;
	enum store_err err;
	uint64_t ino; /* 0: none */
	uint64_t bucket;
	struct slice key;
};

struct open_audit *
open_audit_create(struct audit *log)
{
	struct open_audit *audit = log ? calloc(1, sizeof(*audit)) : NULL;

	if (!log)
		return NULL;
	if (!audit)
		error_out_of_memory();
	audit->audit = log;
	mutex_init(&audit->lock);
	return audit;
}

void
open_audit_free(struct open_audit **audit_at)
{
	struct open_audit *audit = *audit_at;

	*audit_at = NULL;
	if (!audit)
		return;
	for (size_t i = 0; i < SETS; i++)
		for (size_t j = 0; j < PLACES; j++)
			free(audit->known[i][j]);
	mutex_destroy(&audit->lock);
	free(audit);
}

/* In front of its set; the one that gives way for it is the caller's. */
static struct known *
keep_locked(struct open_audit *audit, struct known *latest)
{
	struct known **set = audit->known[latest->ino % SETS];
	size_t place = 0;

	while (place < PLACES - 1 && set[place] &&
		set[place]->ino != latest->ino)
		place++;
	struct known *old = set[place];

	memmove(set + 1, set, place * sizeof(*set));
	set[0] = latest;
	return old;
}

void
open_audit_note(struct mount *mount, uint64_t parent, struct slice name,
	const struct inode *inode)
{
	struct open_audit *audit = mount->open_audit;

	if (!audit || !S_ISREG(inode->mode))
		return;
	struct known *known = malloc(sizeof(*known) + name.len);

	if (!known)
		error_out_of_memory();
	*known = (struct known){inode->ino, parent, name.len};
	memcpy(known->name, name.data, name.len);
	mutex_lock(&audit->lock);
	known = keep_locked(audit, known);
	mutex_unlock(&audit->lock);
	free(known);
}

static bool
recall(struct open_audit *audit, uint64_t ino, struct arena *arena,
	uint64_t *parent, struct slice *name)
{
	mutex_scoped(&audit->lock);
	struct known *const *set = audit->known[ino % SETS];

	for (size_t i = 0; i < PLACES && set[i]; i++) {
		if (set[i]->ino != ino)
			continue;
		*parent = set[i]->parent;
		*name = arena_copy(arena, slice_of(set[i]->name, set[i]->len));
		return true;
	}
	return false;
}

/* Where it hangs, and its key; nothing where that is not to be found. */
static void
find_key(struct mount *mount, uint64_t parent, struct slice name,
	struct arena *arena, struct opened *opened)
{
	struct slice path = SLICE_NULL;
	struct inode dir;

	if (parent != INODE_ROOT) {
		if (tree_inode(mount->store, parent, NULL, &dir) ||
			tree_path(mount->store, parent, arena, &path))
			return;
		opened->bucket = dir.bucket;
	}
	if (name.len > 0)
		opened->key = arena_concat(arena, path, name);
}

/* What the file was looked up by, where that is still its name. */
static void
find_name(struct mount *mount, struct arena *arena, struct opened *opened)
{
	struct slice name = SLICE_NULL;
	struct reply_fact fact;
	struct inode inode;
	uint64_t parent;

	if (recall(mount->open_audit, opened->ino, arena, &parent, &name) &&
		!tree_lookup(mount->store, parent, name, TREE_FILE, NULL,
			&inode) &&
		inode.ino == opened->ino)
		find_key(mount, parent, name, arena, opened);
	else if (!inode_read(mount, opened->ino, &fact))
		opened->bucket = fact.inode.bucket;
}

/* The name that the kernel knows the caller's program by. */
static void
add_command(struct buffer *line, pid_t pid)
{
	char path[64];
	char command[64];

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	ssize_t got = read(fd, command, sizeof(command));
	(void)close(fd);
	/* Without the line feed. */
	if (got > 1)
		audit_line_text(line, "command",
			slice_of(command, (size_t)got - 1));
}

static void
add_caller(struct buffer *line, const struct fuse_ctx *caller)
{
	buffer_printf(line, ",\"principal\":\"uid/%u\"", caller->uid);
	audit_line_number(line, "uid", caller->uid);
	audit_line_number(line, "gid", caller->gid);
	/* 0: it is in no process that can be seen from here. */
	if (caller->pid > 0) {
		audit_line_number(line, "pid", (uint64_t)caller->pid);
		add_command(line, caller->pid);
	}
}

static bool
is_denial(int number)
{
	switch (number) {
	case EACCES:
	case EPERM:
	case EROFS:
	case EDQUOT:
	case ENOKEY:
	case EKEYREJECTED:
		return true;
	default:
		return false;
	}
}

static void
add_action(struct buffer *line, const struct opened *opened)
{
	int access = opened->open_flags & O_ACCMODE;
	bool writes = access != O_RDONLY || (opened->open_flags & O_TRUNC);

	audit_line_text(line, "operation", slice_str(opened->operation));
	audit_line_text(line, "action",
		slice_str(writes ? "s3:PutObject" : "s3:GetObject"));
	audit_line_text(line, "access",
		slice_str(access == O_RDWR ? "readwrite"
			  : writes	   ? "write"
					   : "read"));
}

static void
add_outcome(struct buffer *line, enum store_err err)
{
	int number = error_errno(err);

	audit_line_number(line, "status", (uint64_t)number);
	if (number)
		audit_line_text(line, "error",
			slice_str(strerrorname_np(number)));
}

static void
add_place(struct buffer *line, const struct bucket *bucket,
	const struct opened *opened)
{
	audit_line_text(line, "bucketName", slice_str(bucket->name));
	audit_line_text(line, "key", opened->key);
	if (opened->ino)
		audit_line_number(line, "inode", opened->ino);
}

static void
tell(fuse_req_t req, const struct opened *opened)
{
	scoped(buffer_free) struct buffer line = {0};
	struct mount *mount = fuse_req_userdata(req);
	struct bucket bucket = {0};

	if (opened->bucket &&
		!bucket_get_by_ino(mount->store, opened->bucket, &bucket) &&
		!audit_choice_of_bucket(mount->store, &bucket))
		return;
	audit_line_begin(&line, "mount");
	add_action(&line, opened);
	audit_line_text(&line, "decision",
		slice_str(is_denial(error_errno(opened->err)) ? "deny"
							      : "allow"));
	add_caller(&line, fuse_req_ctx(req));
	add_place(&line, &bucket, opened);
	add_outcome(&line, opened->err);
	audit_line_end(&line, mount->open_audit->audit);
}

void
open_audit_opened(fuse_req_t req, uint64_t ino, int open_flags,
	enum store_err err)
{
	struct mount *mount = fuse_req_userdata(req);
	scoped(arena_free) struct arena arena = {0};
	struct opened opened = {
		.operation = "Open",
		.open_flags = open_flags,
		.err = err,
		.ino = ino,
	};

	if (!mount->open_audit)
		return;
	find_name(mount, &arena, &opened);
	tell(req, &opened);
}

void
open_audit_created(fuse_req_t req, uint64_t parent, struct slice name,
	uint64_t ino, int open_flags, enum store_err err)
{
	struct mount *mount = fuse_req_userdata(req);
	scoped(arena_free) struct arena arena = {0};
	struct opened opened = {
		.operation = "Create",
		.open_flags = open_flags | O_TRUNC,
		.err = err,
		.ino = ino,
	};

	if (!mount->open_audit)
		return;
	find_key(mount, parent, name, &arena, &opened);
	tell(req, &opened);
}
