/* SPDX-License-Identifier: Apache-2.0 */
#include "store/base/digest.h"

#include <assert.h>
#include <endian.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <string.h>

#include "store/base/cipher.h"
#include "store/base/crc_private.h"
#include "store/base/error.h"

#define SHA256_BLOCK 64

static const struct digest_form {
	size_t len;
	const char *openssl_name; /* NULL: a CRC */
	enum crc_kind crc;
} digest_forms[] = {
	[DIGEST_MD5] = {16, "MD5", 0},
	[DIGEST_SHA1] = {20, "SHA1", 0},
	[DIGEST_SHA256] = {32, "SHA256", 0},
	[DIGEST_CRC32] = {4, NULL, CRC_32},
	[DIGEST_CRC32C] = {4, NULL, CRC_32C},
	[DIGEST_CRC64NVME] = {8, NULL, CRC_64NVME},
};

/*
 * Looking an algorithm up by name takes longer than digesting 1 KiB, so each
 * is fetched once and kept for the life of the process.
 */
static EVP_MD *digest_algorithms[array_len(digest_forms)];
static pthread_once_t digest_algorithms_once = PTHREAD_ONCE_INIT;

static void
fetch_algorithms(void)
{
	for (size_t i = 0; i < array_len(digest_forms); i++) {
		const char *name = digest_forms[i].openssl_name;

		if (!name)
			continue;
		digest_algorithms[i] = EVP_MD_fetch(NULL, name, NULL);
		/* The default provider has all three. */
		assert(digest_algorithms[i]);
	}
}

static const struct digest_form *
form_of(enum digest_kind kind)
{
	assert(kind >= DIGEST_MD5 && kind <= DIGEST_CRC64NVME);
	return &digest_forms[kind];
}

/* OpenSSL's digests fail for want of memory alone. */
static void
expect(int is_done)
{
	if (is_done != 1)
		error_out_of_memory();
}

size_t
digest_len(enum digest_kind kind)
{
	return form_of(kind)->len;
}

void
digest_init(struct digest *digest, enum digest_kind kind)
{
	*digest = (struct digest){.kind = kind};
	if (!form_of(kind)->openssl_name)
		return;
	pthread_once(&digest_algorithms_once, fetch_algorithms);
	digest->context = EVP_MD_CTX_new();
	if (!digest->context)
		error_out_of_memory();
	expect(EVP_DigestInit_ex2(digest->context, digest_algorithms[kind],
		NULL));
}

void
digest_update(struct digest *digest, const void *data, size_t len)
{
	const struct digest_form *form = form_of(digest->kind);

	if (len == 0)
		return;
	if (form->openssl_name)
		expect(EVP_DigestUpdate(digest->context, data, len));
	else
		digest->crc = crc_update(form->crc, digest->crc, data, len);
}

void
digest_final(struct digest *digest, uint8_t *value)
{
	const struct digest_form *form = form_of(digest->kind);
	uint64_t crc;

	if (form->openssl_name) {
		expect(EVP_DigestFinal_ex(digest->context, value, NULL));
		digest_free(digest);
		return;
	}
	crc = htobe64(digest->crc);
	memcpy(value, (char *)&crc + sizeof(crc) - form->len, form->len);
}

void
digest_free(struct digest *digest)
{
	if (digest->kind == 0 || !form_of(digest->kind)->openssl_name)
		return;
	EVP_MD_CTX_free(digest->context);
	digest->context = NULL;
}

void
digest_of(enum digest_kind kind, struct slice data, uint8_t *value)
{
	struct digest digest;

	digest_init(&digest, kind);
	digest_update(&digest, data.data, data.len);
	digest_final(&digest, value);
}

uint64_t
digest_crc_combine(enum digest_kind kind, uint64_t first, uint64_t second,
	uint64_t second_len)
{
	const struct digest_form *form = form_of(kind);

	assert(!form->openssl_name);
	return crc_combine(form->crc, first, second, second_len);
}

/*
 * By hand: OpenSSL's EVP_MAC takes several times as long for the short texts
 * that signatures are made of.
 */
void
digest_hmac_sha256(struct slice key, struct slice data, uint8_t value[32])
{
	uint8_t inner[SHA256_BLOCK] = {0};
	uint8_t outer[SHA256_BLOCK];
	struct digest digest;

	if (key.len > sizeof(inner))
		digest_of(DIGEST_SHA256, key, inner);
	else if (key.len)
		memcpy(inner, key.data, key.len);
	for (size_t i = 0; i < sizeof(inner); i++) {
		outer[i] = inner[i] ^ 0x5c;
		inner[i] ^= 0x36;
	}

	digest_init(&digest, DIGEST_SHA256);
	digest_update(&digest, inner, sizeof(inner));
	digest_update(&digest, data.data, data.len);
	expect(EVP_DigestFinal_ex(digest.context, value, NULL));
	expect(EVP_DigestInit_ex2(digest.context, NULL, NULL));
	digest_update(&digest, outer, sizeof(outer));
	digest_update(&digest, value, 32);
	digest_final(&digest, value);

	cipher_wipe(inner, sizeof(inner));
	cipher_wipe(outer, sizeof(outer));
}

bool
digest_equal(const void *a, const void *b, size_t len)
{
	return CRYPTO_memcmp(a, b, len) == 0;
}
