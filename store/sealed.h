/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sealed.h - reads what lies sealed in a data file.
 *
 *	scoped(sealed_close) struct sealed *sealed = NULL;
 *	err = sealed_open(&object.inode, &seal, fd, offset, &sealed);
 *	err = sealed_read(sealed, from, to, len);
 *
 * Only the frames that the range touches are read and opened; nothing is given
 * out that has not been vouched for.
 *
 * Threads:   one at a time, any; reads as io_pread() does.
 * Ownership: the inode's attrs and fd are borrowed for its life.
 * Failure:   CORRUPT: the bytes are not those that were sealed.
 */
#pragma once

#include "store/object.h"
#include "store/seal.h"

struct sealed;

/* fd, offset: as object_open() gives them.  CORRUPT: the parts do not make up
 * the object. */
must_check enum store_err sealed_open(const struct inode *inode,
	const struct seal *seal, int fd, uint64_t offset, struct sealed **out);

/* The range must lie within the object. */
must_check enum store_err sealed_read(struct sealed *sealed, uint64_t from,
	void *to, size_t len);

/* NULL is allowed. */
void sealed_close(struct sealed **sealed);

/* Whether its bytes are sealed. */
bool sealed_is(const struct inode *inode);

/* How long the data file of an inode has to be, sealed or not. */
uint64_t sealed_file_len(const struct inode *inode);
