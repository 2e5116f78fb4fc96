/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/auth/sigv4_private.h"
#include "store/base/cipher.h"
#include "store/base/digest.h"
#include "store/base/mutex.h"
#include "store/base/text.h"

void
sigv4_key_cache_init(struct sigv4_key_cache *cache)
{
	for (size_t i = 0; i < SIGV4_KEY_SETS; i++) {
		cache->sets[i] = (struct sigv4_key_set){0};
		mutex_init(&cache->sets[i].lock);
	}
}

void
sigv4_key_cache_wipe(struct sigv4_key_cache *cache)
{
	for (size_t i = 0; i < SIGV4_KEY_SETS; i++) {
		mutex_destroy(&cache->sets[i].lock);
		cipher_wipe(cache->sets[i].entries,
			sizeof(cache->sets[i].entries));
	}
}

static void
hmac(const uint8_t key[SIGV4_KEY_LEN], struct slice text, uint8_t value[32])
{
	digest_hmac_sha256(slice_of(key, SIGV4_KEY_LEN), text, value);
}

static void
derive(struct slice secret, const struct sigv4_claim *claim,
	uint8_t key[SIGV4_KEY_LEN])
{
	char first[4 + TOKEN_SECRET_MAX] = {'A', 'W', 'S', '4'};
	size_t len =
		secret.len < TOKEN_SECRET_MAX ? secret.len : TOKEN_SECRET_MAX;
	uint8_t step[3][SIGV4_KEY_LEN];

	memcpy(first + 4, secret.data, len);
	digest_hmac_sha256(slice_of(first, 4 + len), claim->date, step[0]);
	hmac(step[0], claim->region, step[1]);
	hmac(step[1], claim->service, step[2]);
	hmac(step[2], SLICE("aws4_request"), key);
	cipher_wipe(first, sizeof(first));
	cipher_wipe(step, sizeof(step));
}

/*
 * The secret is part of the name, so that a key pair that was deleted and
 * made anew with another secret never finds the old key.  The scope has no
 * NUL in it, which keeps the parts apart.
 */
static void
name_of(struct slice secret, const struct sigv4_claim *claim, uint8_t name[32])
{
	struct digest digest;

	digest_init(&digest, DIGEST_SHA256);
	digest_update(&digest, claim->scope.data, claim->scope.len);
	digest_update(&digest, "", 1);
	digest_update(&digest, claim->access_key.data, claim->access_key.len);
	digest_update(&digest, "", 1);
	digest_update(&digest, secret.data, secret.len);
	digest_final(&digest, name);
}

static bool
find(struct sigv4_key_set *set, const uint8_t name[32],
	uint8_t key[SIGV4_KEY_LEN])
{
	mutex_scoped(&set->lock);

	for (size_t i = 0; i < SIGV4_KEY_WAYS; i++) {
		if (digest_equal(set->entries[i].name, name, 32)) {
			memcpy(key, set->entries[i].key, SIGV4_KEY_LEN);
			return true;
		}
	}
	return false;
}

/* What it takes the place of is overwritten, and so wiped. */
static void
keep(struct sigv4_key_set *set, const uint8_t name[32],
	const uint8_t key[SIGV4_KEY_LEN])
{
	mutex_scoped(&set->lock);
	struct sigv4_key_entry *entry = &set->entries[set->next];

	set->next = (set->next + 1) % SIGV4_KEY_WAYS;
	memcpy(entry->name, name, sizeof(entry->name));
	memcpy(entry->key, key, sizeof(entry->key));
}

void
sigv4_key_find(struct sigv4_key_cache *cache, struct slice secret,
	const struct sigv4_claim *claim, uint8_t key[SIGV4_KEY_LEN])
{
	uint8_t name[32];

	name_of(secret, claim, name);
	struct sigv4_key_set *set = &cache->sets[name[0] % SIGV4_KEY_SETS];

	if (!find(set, name, key)) {
		derive(secret, claim, key);
		keep(set, name, key);
	}
	cipher_wipe(name, sizeof(name));
}

void
sigv4_key_sign(const uint8_t key[SIGV4_KEY_LEN], struct slice text,
	char signature[SIGV4_SIGNATURE_LEN + 1])
{
	uint8_t value[32];

	hmac(key, text, value);
	text_to_hex(value, sizeof(value), signature);
}
