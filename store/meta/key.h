/* SPDX-License-Identifier: Apache-2.0 */
/*
 * key.h - the keys of the tables: numbers big-endian so that they sort.
 *
 * A key is built in a struct on the caller's stack.
 */
#pragma once

#include <stdint.h>

#include "store/base/slice.h"
#include "store/meta/db.h"

/* Components of at least this many bytes go through chunk nodes. */
#define KEY_CHUNK 480

struct key {
	size_t len;
	uint8_t bytes[DB_KEY_MAX];
};

static inline struct slice
key_slice(const struct key *key)
{
	return slice_of(key->bytes, key->len);
}

struct key key_u64(uint64_t number);
struct key key_u64_u64(uint64_t first, uint64_t second);
/* parent, name; name.len <= KEY_CHUNK */
struct key key_dentry(uint64_t parent, struct slice name);
struct key key_text(struct slice text); /* text.len <= DB_KEY_MAX */
/* The parent and name of a dentry's key; CORRUPT where too short. */
must_check enum store_err key_split_dentry(struct slice key, uint64_t *parent,
	struct slice *name);
must_check enum store_err key_split_u64(struct slice key, uint64_t *number);
must_check enum store_err key_split_u64_u64(struct slice key, uint64_t *first,
	uint64_t *second);
