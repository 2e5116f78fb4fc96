/* SPDX-License-Identifier: Apache-2.0 */
/*
 * notices.h - tells the kernel what to drop, for those who answer it.
 *
 * 1. Dropping pages waits for those that are being written, dropping a name for
 *    its directory's lock: until whoever holds these has his answer, which may
 *    be to a question that has not been asked yet.  So who answers the kernel
 *    hands over what is to be dropped, and a thread of its own drops it: no
 *    answer waits for that one.  Attributes alone are dropped without a wait,
 *    while a question about their file waits for its answer: else the kernel
 *    may be about to forget it, which takes questions of its own.  So who
 *    answers drops them himself, before his answer.
 * 2. What is handed over is in the store already: what the kernel asks from
 *    then on brings back nothing old.
 * 3. It is dropped before or after the caller has his answer.  Pages that the
 *    answer completes, and a name of a directory that the caller holds, go just
 *    after it: in that instant he may still see what was.
 *
 * What others have changed is invalidate.h's, and needs no thread but its own.
 *
 * Threads:   any, between notices_start() and notices_free().
 */
#pragma once

#include <fuse_lowlevel.h>

#include "store/base/error.h"
#include "store/base/slice.h"

struct notices;

must_check enum store_err notices_start(struct fuse_session *session,
	struct notices **out);

/* All pages of a file, and its attributes. */
void notices_drop_pages(struct notices *notices, fuse_ino_t node);
/* A name of a directory. */
void notices_drop_name(struct notices *notices, fuse_ino_t parent,
	struct slice name);

/* Waits until all is dropped, so the kernel must have its answers meanwhile.
 * What is handed over from then on is forgotten. */
void notices_stop(struct notices *notices);
/* Stops, too.  NULL is allowed. */
void notices_free(struct notices **notices);
