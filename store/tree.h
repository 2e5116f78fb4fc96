/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tree.h - directories and names, as a file system knows them.
 *
 * A component is a name as the tables hold it: a directory's ends in '/'.
 * Here names come without it; a file `a` and a directory `a` may exist side by
 * side, since S3 allows the keys "a" and "a/b": tree_lookup() says which of
 * the two it is to be.
 *
 * Nothing here is durable before a later store_sync(), except where a function
 * says so: POSIX asks no more.
 *
 * A path may be longer here than S3 allows a key to be, and a directory may be
 * renamed to a longer name: S3 lists such keys, but cannot open them.
 *
 * INODE_ROOT is not known here: its entries are the buckets, bucket.h.
 *
 * Threads:   any.
 * Failure:   NOT_FOUND, NOT_DIR, STALE (the inode given is gone), BAD_NAME
 *            (of what is made: empty, or with a '/'), NAME_TOO_LONG (over
 *            TREE_NAME_MAX).
 */
#pragma once

#include "store/base/arena.h"
#include "store/base/inode.h"
#include "store/base/version.h"
#include "store/store.h"

#define TREE_NAME_MAX 1024
#define TREE_KEY_MAX 1024  /* of what S3 gives */
#define TREE_META_MAX 2048 /* S3's metadata of an object: names and values */
#define TREE_LINKS_MAX 0x7fffffff

enum tree_want {
	TREE_FILE, /* the one that is not a directory */
	TREE_DIR,
};

/* attrs of what comes back are copied into the arena; NULL: left empty. */
must_check enum store_err tree_lookup(struct store *store, uint64_t parent,
	struct slice name, enum tree_want want, struct arena *arena,
	struct inode *out);
/* The same of a name by which a mount shows a directory or, where there is none
 * of it, a file; is_beside_dir: the file, where there is a directory of that
 * name, too.  *found says which. */
must_check enum store_err tree_lookup_shown(struct store *store,
	uint64_t parent, struct slice name, bool is_beside_dir,
	enum tree_want *found, struct inode *out);

must_check enum store_err tree_inode(struct store *store, uint64_t ino,
	struct arena *arena, struct inode *out);

/* The same as S3 sees it: size and ETag are the data file's where it is being
 * modified in place.  NOT_FOUND: S3 does not see it. */
must_check enum store_err tree_object(struct store *store, uint64_t ino,
	struct arena *arena, struct inode *out);

/* Which version of its object it is: of the name that its record tells, where
 * it has several.  NO_ATTR: its bucket keeps none. */
must_check enum store_err tree_version(struct store *store, uint64_t ino,
	struct version *out);

/* Attributes to set, as setattr(2) has them. */
struct tree_change {
	bool has_mode, has_uid, has_gid, has_atime, has_mtime;
	uint32_t mode, uid, gid;
	int64_t atime_ns, mtime_ns;
};

/* Of a record that is in no table. */
void tree_change_inode(struct inode *inode, const struct tree_change *change);

/* Changes the mode, owner or times; ctime is now.  An inode that was
 * INODE_FROM_S3 has an owner and a mode of its own after any of them was set:
 * set all three then.  *out: the result, without attrs.  LOCKED: another
 * mtime. */
must_check enum store_err tree_set(struct store *store, uint64_t ino,
	const struct tree_change *change, struct inode *out);

/* Who makes something. */
struct tree_owner {
	uint32_t mode; /* type and permissions, as st_mode */
	uint32_t uid;
	uint32_t gid;
};

/* An explicit directory.  EXISTS: as a file, too; so for all that make a
 * name. */
must_check enum store_err tree_mkdir(struct store *store, uint64_t parent,
	struct slice name, const struct tree_owner *owner, struct inode *out);

/* FIFO, socket or device node: hidden from S3.  Regular files: file.h.
 * EXISTS, INVALID. */
must_check enum store_err tree_mknod(struct store *store, uint64_t parent,
	struct slice name, const struct tree_owner *owner, uint32_t rdev,
	struct inode *out);

/* Hidden from S3.  EXISTS. */
must_check enum store_err tree_symlink(struct store *store, uint64_t parent,
	struct slice name, struct slice target, const struct tree_owner *owner,
	struct inode *out);

/* A further name of a file.  EXISTS, CROSS_BUCKET, IS_DIR, TOO_MANY_LINKS,
 * LOCKED. */
must_check enum store_err tree_link(struct store *store, uint64_t ino,
	uint64_t parent, struct slice name, struct inode *out);

/* *out: what it was, with the links it still has (0: gone); without attrs.
 * IS_DIR. */
must_check enum store_err tree_unlink(struct store *store, uint64_t parent,
	struct slice name, struct inode *out);
/* The same where the name is that of the inode.  NOT_FOUND: by now it is
 * another's. */
must_check enum store_err tree_unlink_own(struct store *store, uint64_t parent,
	struct slice name, uint64_t ino, struct inode *out);

/* NOT_EMPTY, NOT_DIR. */
must_check enum store_err tree_rmdir(struct store *store, uint64_t parent,
	struct slice name);

enum tree_rename_flag { TREE_NO_REPLACE = 1, TREE_EXCHANGE = 2 };

/*
 * rename(2), renameat2(2).  `want` says what is to move; where a file and a
 * directory share the new name, the one of that kind is replaced, or
 * exchanged.  *replaced: what lost its name (ino 0: nothing did), as
 * tree_unlink() gives it.  A file that was never published is, where the name
 * it gets is one that S3 sees.  EXISTS, NOT_EMPTY, IS_DIR, NOT_DIR, LOOP,
 * CROSS_BUCKET (also a directory that is not empty in a bucket that has Object
 * Lock), INVALID (both flags), BUSY (file_publish_sealed()).
 */
must_check enum store_err tree_rename(struct store *store, uint64_t parent,
	struct slice name, enum tree_want want, uint64_t new_parent,
	struct slice new_name, unsigned flags, struct inode *replaced);

/* The same, and in the place of what moved a whiteout appears at once, as
 * overlayfs calls a character device 0:0, of that owner.  EXISTS also where a
 * file stays beside the directory that moves. */
must_check enum store_err tree_rename_whiteout(struct store *store,
	uint64_t parent, struct slice name, enum tree_want want,
	uint64_t new_parent, struct slice new_name, unsigned flags,
	const struct tree_owner *owner, struct inode *replaced);

/* INVALID: not a symbolic link. */
must_check enum store_err tree_readlink(struct store *store, uint64_t ino,
	struct arena *arena, struct slice *target);

/*
 * Calls visit for each entry of the directory whose component is above
 * `after` (empty: from the first on), in order, until it returns false.
 * `component` keeps a directory's '/'.  Entries of long names come whole.
 * A snapshot is open meanwhile: visit must not wait, and must copy what it
 * keeps.
 */
must_check enum store_err tree_read_dir(struct store *store, uint64_t dir,
	struct slice after,
	bool (*visit)(struct slice component, const struct inode *inode,
		void *context),
	void *context);

/* The key, or with a trailing '/' the prefix, of a directory below its
 * bucket; for messages and for the mount's status. */
must_check enum store_err tree_path(struct store *store, uint64_t dir,
	struct arena *arena, struct slice *path);

/* Extended and S3 attributes: sets, or with NULL removes, one.  EXISTS and
 * NO_ATTR as setxattr(2) has them with its flags.  ATTR_TOO_BIG, LOCKED. */
must_check enum store_err tree_set_attr(struct store *store, uint64_t ino,
	enum inode_attr_kind kind, struct slice name, const struct slice *value,
	int xattr_flags);
