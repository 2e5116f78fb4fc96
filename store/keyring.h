/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keyring.h - customers' keys that this process was given, for files: which to
 * seal a new one with, and which opens one that is there (file.h).
 *
 * S3's requests bring their own keys and ask no ring.
 *
 * Threads:   filled by one; then any may ask.
 * Ownership: keys are wiped when the ring is freed.
 */
#pragma once

#include "store/seal.h"
#include "store/store.h"

struct keyring;

struct keyring *keyring_create(void);
/* NULL is allowed. */
void keyring_free(struct keyring **ring);

/* New files whose path begins so are sealed with that key.  prefix: BUCKET, or
 * BUCKET/ and the beginning of a key.  EXISTS: it has one already.
 * BAD_NAME: no bucket can be called so. */
must_check enum store_err keyring_add(struct keyring *ring, struct slice prefix,
	const uint8_t key[SEAL_KEY_LEN]);

/* The key for a new file: that of the longest prefix.  NULL: none. */
must_check enum store_err keyring_for_new(const struct keyring *ring,
	struct store *store, uint64_t dir, struct slice name,
	const uint8_t **key);

/* Opens an attribute with whichever key fits.  NO_KEY, CORRUPT. */
must_check enum store_err keyring_open(const struct keyring *ring,
	struct slice attr, struct seal *seal, const uint8_t **key);
