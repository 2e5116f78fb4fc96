/* SPDX-License-Identifier: Apache-2.0 */
/*
 * blob_cache_private.h - open files of blobs that were read lately: to copy a
 * descriptor costs a tenth of opening the file anew.
 *
 * A blob's name never leads to another file, so what is kept is never wrong;
 * but a file that is gone keeps its space as long as somebody has it open.
 * Hence blob_cache_drop(), and blob_cache_expire() for what another process
 * removed.
 *
 * Threads:   any; nothing here waits for a disk but the close of a file that
 *            is gone.
 */
#pragma once

#include <stdint.h>

struct blob_cache;

/* NULL: there is no memory, or no descriptors to spare. */
struct blob_cache *blob_cache_create(void);
/* All of these allow NULL. */
void blob_cache_free(struct blob_cache **cache);

/* A descriptor of the caller's own, or -1; and the size that it was kept
 * with. */
int blob_cache_take(struct blob_cache *cache, uint64_t id, uint64_t *size);
/* Keeps a copy of a descriptor; where there is none to be had, nothing. */
void blob_cache_keep(struct blob_cache *cache, uint64_t id, int fd,
	uint64_t size);
void blob_cache_drop(struct blob_cache *cache, uint64_t id);
/* Closes what has been kept for a second or longer, used or not; now_ms as
 * clock_monotonic_ms() gives it. */
void blob_cache_expire(struct blob_cache *cache, int64_t now_ms);
