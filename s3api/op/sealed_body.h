/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sealed_body.h - sealed bytes of an object, opened piece by piece,
 * some while those before them go out.
 *
 *	scoped(sealed_body_close) struct sealed_body *body = NULL;
 *	err = sealed_body_open(&inode, &seal, fd, offset, start, len, &body);
 *	... the first of them have been vouched for: the header may go ...
 *	err = sealed_body_next(body, &piece);		until it is empty
 *
 * Threads:   the fiber that serves the connection.
 * Ownership: a piece may be read until the next call.  What sealed_open()
 *            borrows is borrowed here.
 */
#pragma once

#include "store/sealed.h"

struct sealed_body;

/* Bytes [start, start + len) of the object; len is not 0.  CORRUPT. */
must_check enum store_err sealed_body_open(const struct inode *inode,
	const struct seal *seal, int fd, uint64_t offset, uint64_t start,
	uint64_t len, struct sealed_body **out);

/* Empty at the end.  CORRUPT. */
must_check enum store_err sealed_body_next(struct sealed_body *body,
	struct slice *piece);

/* NULL is allowed. */
void sealed_body_close(struct sealed_body **body);
