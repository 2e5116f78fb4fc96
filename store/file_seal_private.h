/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file_seal_private.h - the plaintext of an open file whose data is sealed.
 *
 * 1. Published data is never written to.  The first change begins a draft: an
 *    empty data file under a new data key, which takes the place of the old
 *    one at publication; what was there before is sealed anew into it.
 * 2. In a draft each frame is sealed again whenever it changes, with a count
 *    that no frame of that draft had before: no nonce repeats.
 * 3. A draft's frames are sealed as if none were the last; file_seal_finish()
 *    seals the last one as what it is.  A draft that was not finished opens for
 *    nobody: what a dead process leaves is dropped (file_left.c).
 * 4. One frame is kept in memory, in clear; it may be ahead of the file.
 *
 * The caller has the file's turn.
 *
 * Failure: CORRUPT: the data is not what was sealed.
 */
#pragma once

#include "store/sealed.h"

struct file_seal;

/* What is published, read by way of fd, which is borrowed; NO_KEY.  inode: with
 * its attrs, which are copied. */
must_check enum store_err file_seal_open(struct store *store,
	const struct inode *inode, int fd, struct file_seal **out);
/* An empty draft, which writes to fd. */
struct file_seal *file_seal_create(const uint8_t key[SEAL_KEY_LEN], int fd);
/* NULL is allowed. */
void file_seal_free(struct file_seal **seal);

/* The value of the attribute. */
struct slice file_seal_attr(const struct file_seal *seal);
/* The customer's key. */
const uint8_t *file_seal_key(const struct file_seal *seal);
bool file_seal_is_draft(const struct file_seal *seal);
uint64_t file_seal_size(const struct file_seal *seal);
/* Of the last change of a draft. */
int64_t file_seal_mtime_ns(const struct file_seal *seal);
void file_seal_set_mtime(struct file_seal *seal, int64_t mtime_ns);

/* Up to len bytes; *got is less at the end. */
must_check enum store_err file_seal_read(struct file_seal *seal, void *to,
	size_t len, uint64_t offset, size_t *got);

/* Of a draft: */
must_check enum store_err file_seal_write(struct file_seal *seal,
	struct slice data, uint64_t offset);
must_check enum store_err file_seal_truncate(struct file_seal *seal,
	uint64_t size);
/* Fills it with the first len bytes of another. */
must_check enum store_err file_seal_copy(struct file_seal *seal,
	struct file_seal *from, uint64_t len);
/* All is in the data file, and it is whole.  It may be written to again. */
must_check enum store_err file_seal_finish(struct file_seal *seal);
