/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inode.h - what is known of a file, directory or symbolic link, and its
 * attributes: the vocabulary that the tables, the engine and both front ends
 * share.
 *
 * Times are nanoseconds since 1970 UTC.  Inode numbers are never reused.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "store/base/buffer.h"
#include "store/base/clock.h"
#include "store/base/digest.h"
#include "store/base/slice.h"

/* The mount's root, whose entries are the buckets.  It has no record. */
#define INODE_ROOT 1

enum inode_flag {
	/* Directories: listed by S3 as the object "dir/", and kept when the
	 * last child goes. */
	INODE_EXPLICIT = 1 << 0,
	/* Files: never fsynced or closed yet; mounts see it, S3 does not. */
	INODE_UNPUBLISHED = 1 << 1,
	/* Open for writing in place: size, mtime and ETag may lag behind the
	 * data file, which says the truth. */
	INODE_DIRTY = 1 << 2,
	/* Made by S3: has no owner or mode of its own; mounts show their
	 * --uid, --gid and --umask. */
	INODE_FROM_S3 = 1 << 3,
	/* Files: an older version of an object, without a name that a mount
	 * sees; the directory that all of a bucket hang below. */
	INODE_NONCURRENT = 1 << 4,
	/* With it: no object at all, but that one was deleted then. */
	INODE_MARKER = 1 << 5,
};

/* S3 API: Object Lock. */
enum inode_lock_mode {
	INODE_LOCK_NONE,
	INODE_LOCK_GOVERNANCE,
	INODE_LOCK_COMPLIANCE,
};

enum inode_lock_hold {
	INODE_HOLD_NONE, /* never was one */
	INODE_HOLD_OFF,
	INODE_HOLD_ON,
};

struct inode_lock {
	uint8_t mode;	  /* enum inode_lock_mode */
	uint8_t hold;	  /* enum inode_lock_hold */
	bool is_due;	  /* mode and date are the bucket's default once nobody
			   * writes to it any more */
	int64_t until_ns; /* of mode */
};

/* "<hex of value>" or, where parts > 0, "<hex of value>-<parts>". */
struct inode_etag {
	uint8_t value[16];
	uint32_t parts;
};

/* That of no object: none has so many parts. */
#define INODE_ETAG_OF_NONE ((struct inode_etag){.parts = UINT32_MAX})

#define INODE_ETAG_TEXT_LEN (32 + 1 + 10)

struct inode {
	uint64_t ino;
	uint64_t bucket; /* inode of the bucket's root directory */
	uint64_t parent; /* of directories, and of what is not published yet */
	uint32_t mode;	 /* type and permissions, as st_mode */
	uint32_t uid;
	uint32_t gid;
	uint32_t nlink; /* directories: 2 + subdirectories */
	uint32_t rdev;
	uint32_t flags;	  /* enum inode_flag */
	uint64_t size;	  /* published size; symlinks: of the target */
	uint64_t blob;	  /* published data; 0: none, as when empty */
	uint64_t pending; /* data of the rewrite under way; 0: none */
	int64_t atime_ns;
	int64_t mtime_ns; /* S3's Last-Modified */
	int64_t ctime_ns;
	int64_t birth_ns;
	uint32_t access_day; /* of the last one; 0: that of the birth */
	struct inode_lock lock;
	struct inode_etag etag;
	uint8_t checksum_kind; /* enum digest_kind; 0: none */
	bool is_checksum_composite;
	uint32_t checksum_parts;
	uint8_t checksum_len;
	uint8_t checksum[DIGEST_LEN_MAX];
	struct slice attrs; /* encoded; see below; borrowed */
};

static inline bool
inode_is_dir(const struct inode *inode)
{
	return S_ISDIR(inode->mode);
}

/* What a bucket has of it, and gives to new versions. */
struct inode_lock_rule {
	bool is_enabled; /* for good */
	uint8_t mode;	 /* of the default; INODE_LOCK_NONE: there is none */
	uint32_t days;	 /* either this or */
	uint32_t years;	 /* that */
};

#define INODE_LOCK_DAYS_MAX 36500
#define INODE_LOCK_YEARS_MAX 100

static inline bool
inode_lock_is_empty(const struct inode_lock *lock)
{
	return !lock->mode && !lock->hold && !lock->is_due;
}

/* Whether this version may be neither removed nor changed now. */
static inline bool
inode_lock_holds(const struct inode_lock *lock, int64_t now_ns)
{
	return lock->hold == INODE_HOLD_ON ||
	       (lock->mode && lock->until_ns > now_ns);
}

/* The day (clock_day()) of the last access to the data, which making it is. */
static inline uint32_t
inode_access_day(const struct inode *inode)
{
	return inode->access_day ? inode->access_day
				 : clock_day(inode->birth_ns);
}

/* Without quotation marks, with a NUL; gives the length. */
size_t inode_etag_text(const struct inode_etag *etag,
	char to[INODE_ETAG_TEXT_LEN + 1]);
bool inode_etag_equal(const struct inode_etag *one,
	const struct inode_etag *other);
/* With or without quotation marks. */
bool inode_etag_parse(struct slice text, struct inode_etag *etag);

/*
 * Attributes: a list of (kind, name, value), in the order of kind, then name.
 * Kept encoded; the whole is at most INODE_ATTRS_MAX bytes: room for the
 * 10,000 parts of an upload with their checksums.  More than INODE_ATTRS_FEW,
 * the limit while those had 32 bytes at most, is for records of later versions.
 */
#define INODE_ATTRS_MAX (960 * 1024)
#define INODE_ATTRS_FEW (640 * 1024)

enum inode_attr_kind {
	INODE_ATTR_HEADER = 1, /* "content-type", lower-case; as S3 gives it */
	INODE_ATTR_META,       /* x-amz-meta-: the name without that prefix */
	INODE_ATTR_TAG,	       /* object tags */
	INODE_ATTR_XATTR,      /* extended attributes, full name */
	INODE_ATTR_SYMLINK,    /* name empty; the target */
	INODE_ATTR_ACL,	       /* name "s3" */
	INODE_ATTR_PART,       /* names "parts" and "upload": of an upload, for
				* HEAD/GET ?partNumber= (upload.h); "rename":
				* of who asks again (object.h) */
	INODE_ATTR_SSE_C,      /* name empty; seal.h */
	INODE_ATTR_NAME,       /* directories, name empty: the component that it
				* has in its parent; dentry.c's, never shown */
	INODE_ATTR_REDIRECT,   /* name empty: where a website sends who asks for
				* the object; never a copy's (s3api/site.h) */
	INODE_ATTR_LOCK,       /* name empty; of uploads, and of what is to be
				* put: lock.h */
	INODE_ATTR_REPLICATION, /* name empty: how far it is replicated, or that
				 * it is a replica: replication.h */
};

struct inode_attr {
	enum inode_attr_kind kind;
	struct slice name;
	struct slice value;
};

/* Walks an encoded list: start with *rest = attrs; false at the end or at
 * the first byte that does not decode. */
bool inode_attr_next(struct slice *rest, struct inode_attr *attr);

/* For qsort() of attributes of one kind. */
int inode_attr_compare_names(const void *a, const void *b);

/* False: there is none. */
bool inode_attr_find(struct slice attrs, enum inode_attr_kind kind,
	struct slice name, struct slice *value);

/* True where the whole decodes, in order, without a name twice. */
bool inode_attrs_are_valid(struct slice attrs);

/* Appends one; the caller keeps the order (kind, then name). */
void inode_attr_append(struct buffer *to, const struct inode_attr *attr);

/*
 * Copies attrs to `to` with the one of that kind and name set to value, or
 * removed where value is NULL.
 */
void inode_attr_set(struct buffer *to, struct slice attrs,
	enum inode_attr_kind kind, struct slice name,
	const struct slice *value);

/* Appends those of a that are of other kinds than `kinds` (a mask of
 * 1 << kind), then merges in those of b that are of these kinds. */
void inode_attrs_merge(struct buffer *to, struct slice a, struct slice b,
	uint32_t kinds);
