/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seal.h - bytes that only the customer's key opens (SSE-C): what is kept
 * beside an object, and the form of its data.  docs/format.md "Sealed data".
 *
 * A customer's key K is never kept.  Beside the object stands INODE_ATTR_SSE_C:
 * a random salt, a MAC by which K is recognised, and a random data key, wrapped
 * with a key derived from K and the salt.  The data is one stream, or one for
 * each part of an upload:
 *
 *	header	magic, random salt of the stream
 *	frames	SEAL_FRAME bytes each but the last: a count, the sealed
 *		bytes, the tag
 *
 * 1. A stream's key is derived from the data key, the stream's salt and the
 *    part's number: no other stream has it, nor the same part sent again.
 * 2. A nonce is the frame's number and the count of times that it was sealed
 *    before under this key: none repeats.
 * 3. The number of the frame and whether it is the last are authenticated: what
 *    is cut off, moved, doubled or comes from another stream does not open.
 *
 * Threads:   none of its own; a struct is used by one thread at a time.
 * Ownership: whoever holds a struct seal wipes it: seal_wipe().
 * Units:     lengths are bytes.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/base/cipher.h"
#include "store/base/compiler.h"
#include "store/base/error.h"
#include "store/base/inode.h"
#include "store/base/slice.h"

#define SEAL_KEY_LEN 32
#define SEAL_FRAME (64 * 1024)
#define SEAL_COUNT_LEN 4
#define SEAL_STORED_FRAME (SEAL_COUNT_LEN + SEAL_FRAME + CIPHER_TAG_LEN)
#define SEAL_HEADER_LEN 32
#define SEAL_ATTR_LEN 114
#define SEAL_PAD_MAX DIGEST_LEN_MAX

/* The attribute's value with what it holds, opened. */
struct seal {
	uint8_t attr[SEAL_ATTR_LEN];
	uint8_t data_key[CIPHER_KEY_LEN]; /* secret */
};

/* A new data key, wrapped with the customer's. */
void seal_create(struct seal *seal, const uint8_t key[SEAL_KEY_LEN]);

/* Opens the value of an attribute.  WRONG_KEY; CORRUPT: nothing that
 * seal_create() made. */
must_check enum store_err seal_open(struct seal *seal, struct slice attr,
	const uint8_t key[SEAL_KEY_LEN]);

/* Allowed on zeros. */
void seal_wipe(struct seal *seal);

/* The attribute among an inode's; false where it is not sealed. */
bool seal_find(struct slice attrs, struct slice *attr);

/*
 * Hides, or shows again, a digest of the bytes: kept as it is it would tell who
 * has the same.  Bound to the ETag beside it; at most SEAL_PAD_MAX bytes.
 */
void seal_pad(const struct seal *seal, const uint8_t etag[16], uint8_t *digest,
	size_t len);

/* How long a stream of so many bytes is at rest; 0 of none. */
uint64_t seal_stored_len(uint64_t len);
/* How many frames it has. */
uint64_t seal_frames(uint64_t len);
/* Where in the stream a frame begins. */
uint64_t seal_frame_at(uint64_t frame);

struct seal_stream {
	struct cipher sealing; /* or */
	struct cipher opening;
};

/* A new stream, to be sealed; part: its number, 0 where it is none of an
 * upload's.  Writes the header. */
void seal_stream_create(struct seal_stream *stream, const struct seal *seal,
	unsigned part, uint8_t header[SEAL_HEADER_LEN]);
/* To open what was sealed.  CORRUPT: no header. */
must_check enum store_err seal_stream_open(struct seal_stream *stream,
	const struct seal *seal, unsigned part,
	const uint8_t header[SEAL_HEADER_LEN]);
/* Wipes the keys.  Allowed on zeros. */
void seal_stream_end(struct seal_stream *stream);

/* Writes SEAL_COUNT_LEN + plain.len + CIPHER_TAG_LEN bytes.  count: how often
 * this frame of this stream was sealed before. */
void seal_frame(struct seal_stream *stream, uint64_t frame, uint32_t count,
	bool is_last, struct slice plain, uint8_t *stored);
/* The way back.  CORRUPT: it is not the frame that it should be. */
must_check enum store_err seal_open_frame(struct seal_stream *stream,
	uint64_t frame, bool is_last, struct slice stored, uint8_t *plain);
