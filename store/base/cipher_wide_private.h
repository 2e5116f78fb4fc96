/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cipher_wide_private.h - AES-256-GCM in AVX-512 registers, by Intel's
 * multi-buffer library (intel-ipsec-mb.h), where both are there.
 *
 * OpenSSL has it from 3.1 on; 3.0 takes 2.4 times as long.
 *
 * Threads: one at a time for each.
 */
#pragma once

#include "store/base/cipher.h"

struct cipher_wide;

/* NULL: not here. */
struct cipher_wide *cipher_wide_create(const uint8_t key[CIPHER_KEY_LEN]);
/* Wipes the key.  NULL is allowed. */
void cipher_wide_free(struct cipher_wide *wide);

/* As cipher_seal_with(). */
void cipher_wide_seal(struct cipher_wide *wide,
	const uint8_t nonce[CIPHER_NONCE_LEN], struct slice associated,
	struct slice plain, uint8_t *sealed);

/* The tag that they should have is for the caller to compare. */
void cipher_wide_open(struct cipher_wide *wide,
	const uint8_t nonce[CIPHER_NONCE_LEN], struct slice associated,
	struct slice sealed, uint8_t *plain, uint8_t tag[CIPHER_TAG_LEN]);
