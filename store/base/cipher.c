/* SPDX-License-Identifier: Apache-2.0 */
#include "store/base/cipher.h"

#include <assert.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <pthread.h>

#include "store/base/cipher_wide_private.h"

/* OpenSSL counts in int. */
#define CIPHER_PIECE_MAX ((size_t)1 << 30)

/* Fetched once for the life of the process: a fetch is slow. */
static EVP_CIPHER *cipher_gcm;
static EVP_KDF *cipher_hkdf;
static pthread_once_t cipher_once = PTHREAD_ONCE_INIT;

static void
fetch_algorithms(void)
{
	cipher_gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
	cipher_hkdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	/* The default provider has both. */
	assert(cipher_gcm && cipher_hkdf);
}

/* But for a wrong tag, OpenSSL fails here for want of memory alone. */
static void
expect(int is_done)
{
	if (is_done != 1)
		error_out_of_memory();
}

/* to is NULL for associated data. */
static void
update(EVP_CIPHER_CTX *context, struct slice from, uint8_t *to)
{
	while (from.len) {
		struct slice piece = slice_first(from, CIPHER_PIECE_MAX);
		int written;

		expect(EVP_CipherUpdate(context, to, &written,
			(const uint8_t *)piece.data, (int)piece.len));
		if (to)
			to += piece.len;
		from = slice_from(from, piece.len);
	}
}

void
cipher_begin(struct cipher *cipher, const uint8_t key[CIPHER_KEY_LEN],
	bool is_sealing)
{
	*cipher = (struct cipher){.wide = cipher_wide_create(key)};
	if (cipher->wide)
		return;
	pthread_once(&cipher_once, fetch_algorithms);
	cipher->context = EVP_CIPHER_CTX_new();
	if (!cipher->context)
		error_out_of_memory();
	/* 12 bytes of nonce are what GCM has unless told otherwise. */
	expect(EVP_CipherInit_ex2(cipher->context, cipher_gcm, key, NULL,
		is_sealing, NULL));
}

void
cipher_end(struct cipher *cipher)
{
	cipher_wide_free(cipher->wide);
	EVP_CIPHER_CTX_free(cipher->context);
	*cipher = (struct cipher){0};
}

/* The direction stays what it was begun for. */
static void
set_nonce(EVP_CIPHER_CTX *context, const uint8_t nonce[CIPHER_NONCE_LEN])
{
	expect(EVP_CipherInit_ex2(context, NULL, NULL, nonce, -1, NULL));
}

static void
evp_seal(EVP_CIPHER_CTX *context, const uint8_t nonce[CIPHER_NONCE_LEN],
	struct slice associated, struct slice plain, uint8_t *sealed)
{
	uint8_t *tag = sealed + plain.len;
	int written;

	set_nonce(context, nonce);
	update(context, associated, NULL);
	update(context, plain, sealed);
	expect(EVP_CipherFinal_ex(context, tag, &written));
	expect(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG,
		CIPHER_TAG_LEN, tag));
}

/* Whether the tag is right. */
static bool
evp_open(EVP_CIPHER_CTX *context, const uint8_t nonce[CIPHER_NONCE_LEN],
	struct slice associated, struct slice sealed, uint8_t *plain)
{
	size_t len = sealed.len - CIPHER_TAG_LEN;
	uint8_t tag[CIPHER_TAG_LEN];
	int written;

	memcpy(tag, sealed.data + len, sizeof(tag));
	set_nonce(context, nonce);
	update(context, associated, NULL);
	update(context, slice_first(sealed, len), plain);
	expect(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG,
		CIPHER_TAG_LEN, tag));
	return EVP_CipherFinal_ex(context, tag, &written) == 1;
}

static bool
open_wide(struct cipher_wide *wide, const uint8_t nonce[CIPHER_NONCE_LEN],
	struct slice associated, struct slice sealed, uint8_t *plain)
{
	uint8_t tag[CIPHER_TAG_LEN];

	cipher_wide_open(wide, nonce, associated, sealed, plain, tag);
	return !CRYPTO_memcmp(tag, sealed.data + sealed.len - CIPHER_TAG_LEN,
		CIPHER_TAG_LEN);
}

void
cipher_seal_with(struct cipher *cipher, const uint8_t nonce[CIPHER_NONCE_LEN],
	struct slice associated, struct slice plain, uint8_t *sealed)
{
	if (cipher->wide)
		cipher_wide_seal(cipher->wide, nonce, associated, plain,
			sealed);
	else
		evp_seal(cipher->context, nonce, associated, plain, sealed);
}

void
cipher_seal(const uint8_t key[CIPHER_KEY_LEN],
	const uint8_t nonce[CIPHER_NONCE_LEN], struct slice associated,
	struct slice plain, uint8_t *sealed)
{
	scoped(cipher_end) struct cipher cipher = {0};

	cipher_begin(&cipher, key, true);
	cipher_seal_with(&cipher, nonce, associated, plain, sealed);
}

enum store_err
cipher_open_with(struct cipher *cipher, const uint8_t nonce[CIPHER_NONCE_LEN],
	struct slice associated, struct slice sealed, uint8_t *plain)
{
	if (sealed.len < CIPHER_TAG_LEN)
		return STORE_CORRUPT;
	if (cipher->wide ? open_wide(cipher->wide, nonce, associated, sealed,
				   plain)
			 : evp_open(cipher->context, nonce, associated, sealed,
				   plain))
		return STORE_OK;
	/* Nobody shall use what nobody vouches for. */
	if (sealed.len > CIPHER_TAG_LEN)
		cipher_wipe(plain, sealed.len - CIPHER_TAG_LEN);
	return STORE_CORRUPT;
}

enum store_err
cipher_open(const uint8_t key[CIPHER_KEY_LEN],
	const uint8_t nonce[CIPHER_NONCE_LEN], struct slice associated,
	struct slice sealed, uint8_t *plain)
{
	scoped(cipher_end) struct cipher cipher = {0};

	cipher_begin(&cipher, key, false);
	return cipher_open_with(&cipher, nonce, associated, sealed, plain);
}

/* OpenSSL 3.0 takes a value of NULL for a mistake, even of no length. */
static OSSL_PARAM
octets(const char *name, struct slice value)
{
	const char *data = value.len ? value.data : "";

	return OSSL_PARAM_construct_octet_string(name, (char *)data, value.len);
}

void
cipher_derive(struct slice secret, struct slice salt, struct slice info,
	uint8_t *key, size_t len)
{
	EVP_KDF_CTX *context;
	OSSL_PARAM parameters[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST,
			(char *)"SHA256", 0),
		octets(OSSL_KDF_PARAM_KEY, secret),
		octets(OSSL_KDF_PARAM_SALT, salt),
		octets(OSSL_KDF_PARAM_INFO, info),
		OSSL_PARAM_construct_end(),
	};

	assert(secret.len > 0 && len > 0 && len <= (size_t)255 * 32);
	pthread_once(&cipher_once, fetch_algorithms);
	context = EVP_KDF_CTX_new(cipher_hkdf);
	if (!context)
		error_out_of_memory();
	expect(EVP_KDF_derive(context, key, len, parameters));
	EVP_KDF_CTX_free(context);
}

void
cipher_wipe(void *secret, size_t len)
{
	OPENSSL_cleanse(secret, len);
}
