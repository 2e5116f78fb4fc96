/* SPDX-License-Identifier: Apache-2.0 */
/*
 * digest.h - digests and checksums of bytes as they stream by.
 *
 * MD5 (RFC 1321), SHA-1, SHA-256 and SHA-512 (FIPS 180-4) by OpenSSL; CRC32
 * (IEEE 802.3), CRC32C (RFC 3720) and CRC64NVME (NVMe NVM Command Set 1.0) by
 * ISA-L where it is at hand, else by slicing tables; XXH64, XXH3 of 64 and of
 * 128 bits (xxHash's specification), seed 0, by libxxhash.  Values of CRCs and
 * xxHash are big-endian bytes, as S3 sends them.
 *
 * Threads:   a digest is used by one thread at a time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/base/compiler.h"
#include "store/base/slice.h"

/* The numbers are in records: docs/format.md. */
enum digest_kind {
	DIGEST_MD5 = 1,
	DIGEST_SHA1,
	DIGEST_SHA256,
	DIGEST_CRC32,
	DIGEST_CRC32C,
	DIGEST_CRC64NVME,
	DIGEST_SHA512,
	DIGEST_XXHASH64,
	DIGEST_XXHASH3,
	DIGEST_XXHASH128,
};

#define DIGEST_KIND_LAST DIGEST_XXHASH128
#define DIGEST_LEN_MAX 64

/* xxHash's own. */
struct XXH64_state_s;
struct XXH3_state_s;

struct digest {
	enum digest_kind kind;
	union {
		void *context;		 /* OpenSSL's */
		struct MD5state_st *md5; /* as well */
		struct XXH64_state_s *xxh64;
		struct XXH3_state_s *xxh3; /* of both lengths */
		uint64_t crc;
	};
};

/* Whether it is one of enum digest_kind. */
bool digest_is_kind(unsigned kind);

/* Length of the value in bytes. */
size_t digest_len(enum digest_kind kind);

void digest_init(struct digest *digest, enum digest_kind kind);
void digest_update(struct digest *digest, const void *data, size_t len);

#define DIGEST_SIDE_BY_SIDE_MAX 16

/* How many MD5s this CPU computes in the time of one or two: 1, or up to
 * DIGEST_SIDE_BY_SIDE_MAX. */
size_t digest_side_by_side(void);
/* Each takes its own piece, of any length; all are MD5 and no two the same. */
void digest_update_md5s(struct digest *const digests[],
	const struct slice pieces[], size_t count);

/* Writes digest_len() bytes and frees what digest_init() took. */
void digest_final(struct digest *digest, uint8_t *value);
/* Frees without a value; allowed after digest_final() and on zeros. */
void digest_free(struct digest *digest);

/* All at once. */
void digest_of(enum digest_kind kind, struct slice data, uint8_t *value);

/*
 * The CRC of two pieces one after the other, from the CRC of each and the
 * length of the second: full-object checksums of multipart uploads.
 */
uint64_t digest_crc_combine(enum digest_kind kind, uint64_t first,
	uint64_t second, uint64_t second_len);

/* HMAC-SHA256, RFC 2104. */
void digest_hmac_sha256(struct slice key, struct slice data, uint8_t value[32]);

/* In time that depends on len alone. */
bool digest_equal(const void *a, const void *b, size_t len);
