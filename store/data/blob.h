/* SPDX-License-Identifier: Apache-2.0 */
/*
 * blob.h - named blobs: the bytes of objects, by number.
 *
 * A blob of this engine is a plain file, byte for byte the object, at
 * <id / 4096 in hex>/<id in hex> below the data directory.  Nothing above
 * this header sees that path.  Ids only grow: neighbours in time share a
 * directory.
 *
 * Threads:   any.
 * Ownership: descriptors given out belong to the caller (close(2)); they
 *            stay good after blob_remove().
 * Failure:   IO, NO_SPACE, READ_ONLY, NO_MEMORY anywhere.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "store/base/compiler.h"
#include "store/base/error.h"

struct blobs;

must_check enum store_err blob_open_all(const char *data_path,
	bool is_read_only, struct blobs **out);
void blob_close_all(struct blobs **blobs);

/* A new, empty blob, open for reading and writing: a file of its own, or one
 * that was another blob's (blob_spare.h).  EXISTS. */
must_check enum store_err blob_create(struct blobs *blobs, uint64_t id,
	int *fd);
/* flags: O_RDONLY or O_RDWR, O_DIRECT.  NOT_FOUND. */
must_check enum store_err blob_open(struct blobs *blobs, uint64_t id, int flags,
	int *fd);
/* For a reader that comes and goes: the descriptor may share its offset and
 * read-ahead with others, and *size is that of now or of up to two seconds
 * ago.  NOT_FOUND. */
must_check enum store_err blob_open_shared(struct blobs *blobs, uint64_t id,
	int *fd, uint64_t *size);
/* False: the file system has no files of that size, whatever its space. */
bool blob_may_have_size(struct blobs *blobs, uint64_t size);
/* NOT_FOUND */
must_check enum store_err blob_stat(struct blobs *blobs, uint64_t id,
	struct stat *out);
/*
 * True where somebody has the file open for writing, be it by a descriptor that
 * the kernel serves (passthrough) and whose mount is long gone.  Where leases
 * are not to be had, nobody is known to.  Does not wait.
 */
bool blob_has_writer(struct blobs *blobs, uint64_t id);
/* NOT_FOUND is STORE_OK: what is to be gone is gone. */
must_check enum store_err blob_remove(struct blobs *blobs, uint64_t id);

/* Makes to's blob the very file that from has: for files that nobody writes to
 * any more.  NOT_FOUND, EXISTS, CROSS_BUCKET (another file system),
 * TOO_MANY_LINKS. */
must_check enum store_err blob_link(struct blobs *from, uint64_t id,
	struct blobs *to);

/*
 * Makes to's bytes [to_offset, to_offset + len) those of from: a reflink
 * where the file system can and the range is aligned, else a copy in the
 * kernel.  CORRUPT: from is shorter.
 */
must_check enum store_err blob_copy_range(int from, uint64_t from_offset,
	int to, uint64_t to_offset, uint64_t len);

/*
 * Flushes the data, size and directory entry of each of the blobs that
 * exists; one that does not is passed over (its record is gone by now).
 * Few: each file, side by side; many: the whole file system at once.
 */
must_check enum store_err blob_flush(struct blobs *blobs, const uint64_t *ids,
	size_t count);

/* Makes the removal of these blobs durable.  Ids in ascending order. */
must_check enum store_err blob_flush_removed(struct blobs *blobs,
	const uint64_t *ids, size_t count);

/* Lets go of files that are kept open for readers and may be gone by now.  To
 * be called about once a second, where the blobs may be written. */
void blob_expire(struct blobs *blobs);

/* Bytes and inodes left for data, as statvfs(3) gives them. */
must_check enum store_err blob_space(struct blobs *blobs, struct statvfs *out);

/* Calls visit(id, context) for each file there is, in order of ids from
 * first on, spares left out; what is not a blob's name goes to stray(path,
 * context).  For fsck, and for what a power cut left behind. */
must_check enum store_err blob_walk(struct blobs *blobs, uint64_t first,
	enum store_err (*visit)(uint64_t id, void *context),
	void (*stray)(const char *path, void *context), void *context);
