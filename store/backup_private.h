/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backup_private.h - what making a backup and restoring it share.
 *
 *	backup.c	tables, then the blobs that they name
 *	backup_target.c	the directory that backups are put into
 *	backup_dir.c	directories and small files
 *	backup_copy.c	one blob, and whether it is what it should be
 *	backup_lost.c	what is lost in a segment without anybody seeing it
 *	backup_restore.c	the way back
 */
#pragma once

#include "store/backup.h"
#include "store/data/blob.h"
#include "store/meta/record.h"

struct backup_path {
	char text[4096];
};

/* dir/name; what does not fit is refused when it is opened. */
struct backup_path backup_dir_path(const char *dir, const char *name);

/* As store_create.c makes them: 0700, 0600, flushed.  EXISTS. */
must_check enum store_err backup_dir_make(const char *dir, const char *name);
must_check enum store_err backup_dir_add(const char *dir, const char *name,
	struct slice content);
/* Up to so many bytes; TOO_BIG. */
must_check enum store_err backup_dir_read(const char *dir, const char *name,
	char *bytes, size_t size, size_t *len);
/* What the file `backup` in it says of a word, up to the end of the line; empty
 * where it says nothing, or more than fits. */
void backup_dir_fact(const char *dir, const char *word, char *fact,
	size_t size);
/* The same of a number; 0 where it says none. */
uint64_t backup_dir_number(const char *dir, const char *word);
/* A whole file into a new one.  NOT_FOUND. */
must_check enum store_err backup_dir_copy(const char *from_dir,
	const char *to_dir, const char *name);
/* The store's key; nothing where that lies elsewhere (--key-file). */
must_check enum store_err backup_dir_copy_key(const char *from_dir,
	const char *to_dir);
/* All that is on the file system of a directory that was opened before anything
 * was written there: a descriptor knows of no write that failed before it was
 * opened and that somebody was told of. */
must_check enum store_err backup_dir_flush_all(int fd);

/* One that is being made, or was not finished. */
#define BACKUP_PARTIAL "partial"

/*
 * Makes the directory, or makes sure that it holds backups of this store alone,
 * and takes its lock: one at a time, until *fd is closed.  *number: that of the
 * newest backup there is.  As backup_make().
 */
must_check enum store_err backup_target_take(const struct store *store,
	const char *path, uint64_t *number, int *fd);
/* With all that is in it.  One that is not there is no error. */
must_check enum store_err backup_target_remove_partial(const char *path);

/* Bytes of segments that a disk could not give: zeros in the copy. */
struct backup_range {
	uint64_t segment;
	uint64_t from;
	uint64_t to;
};

struct backup_lost {
	struct backup_range *items;
	size_t count;
	size_t room;
};

/* Ranges of a segment come in their order. */
void backup_lost_add(struct backup_lost *lost, uint64_t segment, uint64_t from,
	uint64_t to);
/* Whether some of the blob's bytes are lost, and no checksum tells. */
bool backup_lost_hides(const struct backup_lost *lost,
	const struct record_blob *record);
void backup_lost_free(struct backup_lost *lost);

/* The list of such blobs in a backup, a number a line; none where there are
 * none. */
must_check enum store_err backup_lost_write(const char *dir,
	struct slice blobs);
/* In the restored store, before its scrub: such blobs get a checksum that they
 * do not have.  CORRUPT: the list is no list, from some line on. */
must_check enum store_err backup_lost_spoil_listed(struct store *store,
	const char *dir);
must_check enum store_err backup_lost_spoil(struct store *store,
	const struct backup_lost *lost);

/*
 * The blob's file as it is, with its time of modification; where it changes
 * meanwhile, again, some times.  len: as much as is wanted, UINT64_MAX: all.
 * *size: what was copied.  NOT_FOUND.  DAMAGED: the disk that it is on cannot
 * read all of it; there is no copy then, but of a segment, with zeros in the
 * place of what is lost, which is noted.  lost: NULL where it is no segment.
 * IO: the disk of the copy has failed.
 */
must_check enum store_err backup_copy_blob(struct blobs *from, uint64_t id,
	uint64_t len, struct blobs *to, struct backup_lost *lost,
	uint64_t *size);

/* Whether the bytes there have the checksum of the record, read in `blobs`.
 * NOT_FOUND: there are none; IO: they were written, and cannot be read. */
must_check enum store_err backup_copy_is_right(struct blobs *blobs, uint64_t id,
	const struct record_blob *record, bool *is_right);
