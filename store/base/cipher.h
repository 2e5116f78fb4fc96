/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cipher.h - AES-256-GCM (NIST SP 800-38D) and HKDF-SHA256 (RFC 5869).
 *
 * A nonce must never repeat under one key: callers draw it at random for a
 * key that seals few messages, or count.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "store/base/compiler.h"
#include "store/base/error.h"
#include "store/base/slice.h"

#define CIPHER_KEY_LEN 32
#define CIPHER_NONCE_LEN 12
#define CIPHER_TAG_LEN 16

/* Writes plain.len + CIPHER_TAG_LEN bytes. */
void cipher_seal(const uint8_t key[CIPHER_KEY_LEN],
	const uint8_t nonce[CIPHER_NONCE_LEN], struct slice associated,
	struct slice plain, uint8_t *sealed);

/* Writes sealed.len - CIPHER_TAG_LEN bytes.  CORRUPT: the tag is wrong. */
must_check enum store_err cipher_open(const uint8_t key[CIPHER_KEY_LEN],
	const uint8_t nonce[CIPHER_NONCE_LEN], struct slice associated,
	struct slice sealed, uint8_t *plain);

/*
 * The same for many messages under one key, which is set up once.
 *
 * Threads:   one at a time.
 */
struct cipher {
	/* one of them */
	struct cipher_wide *wide; /* where the CPU has better than OpenSSL */
	void *context;		  /* OpenSSL's */
};

void cipher_begin(struct cipher *cipher, const uint8_t key[CIPHER_KEY_LEN],
	bool is_sealing);
/* Of one begun for sealing. */
void cipher_seal_with(struct cipher *cipher,
	const uint8_t nonce[CIPHER_NONCE_LEN], struct slice associated,
	struct slice plain, uint8_t *sealed);
/* Of one begun for opening.  CORRUPT. */
must_check enum store_err cipher_open_with(struct cipher *cipher,
	const uint8_t nonce[CIPHER_NONCE_LEN], struct slice associated,
	struct slice sealed, uint8_t *plain);
/* Wipes the key.  Allowed on zeros. */
void cipher_end(struct cipher *cipher);

void cipher_derive(struct slice secret, struct slice salt, struct slice info,
	uint8_t *key, size_t len);

/* Overwrites in a way the compiler keeps. */
void cipher_wipe(void *secret, size_t len);
