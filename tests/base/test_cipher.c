/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <openssl/evp.h>
#include <signal.h>

#include "store/base/cipher.h"
#include "store/base/random.h"
#include "store/base/text.h"

static const uint8_t zero_key[CIPHER_KEY_LEN];
static const uint8_t zero_nonce[CIPHER_NONCE_LEN];

static void
from_hex(const char *hex, uint8_t *to, size_t len)
{
	cr_assert(text_from_hex(slice_str(hex), to, len));
}

static void
expect_bytes(const uint8_t *bytes, size_t len, const char *expected)
{
	char hex[512];

	text_to_hex(bytes, len, hex);
	cr_expect(eq(str, hex, (char *)expected));
}

/* The GCM specification by McGrew and Viega, appendix B, cases 13 and 16. */
Test(cipher, sealing_agrees_with_the_vectors_of_gcm)
{
	uint8_t key[32];
	uint8_t nonce[12];
	uint8_t associated[20];
	uint8_t plain[60];
	uint8_t sealed[76];

	cipher_seal(zero_key, zero_nonce, SLICE_NULL, SLICE_NULL, sealed);
	expect_bytes(sealed, 16, "530f8afbc74536b9a963b4f1c4cb738b");

	from_hex("feffe9928665731c6d6a8f9467308308"
		 "feffe9928665731c6d6a8f9467308308",
		key, 32);
	from_hex("cafebabefacedbaddecaf888", nonce, 12);
	from_hex("feedfacedeadbeeffeedfacedeadbeefabaddad2", associated, 20);
	from_hex("d9313225f88406e5a55909c5aff5269a"
		 "86a7a9531534f7da2e4c303d8a318a72"
		 "1c3c0c95956809532fcf0e2449a6b525"
		 "b16aedf5aa0de657ba637b39",
		plain, 60);
	cipher_seal(key, nonce, slice_of(associated, 20), slice_of(plain, 60),
		sealed);
	expect_bytes(sealed, 76,
		"522dc1f099567d07f47f37a32a84427d"
		"643a8cdcbfe5c0c97598a2bd2555d1aa"
		"8cb08e48590dbb3da7b08b1056828838"
		"c5f61e6393ba7a0abcc9f662"
		"76fc6ece0f4e1768cddf8853bb2d551b");
}

Test(cipher, what_was_sealed_opens_at_every_length)
{
	uint8_t plain[100];
	uint8_t sealed[100 + CIPHER_TAG_LEN];
	uint8_t opened[100];

	memset(plain, 0x5a, sizeof(plain));
	for (size_t len = 0; len <= sizeof(plain); len++) {
		memset(opened, 0, sizeof(opened));
		cipher_seal(zero_key, zero_nonce, SLICE("name"),
			slice_of(plain, len), sealed);

		cr_assert(eq(int,
			cipher_open(zero_key, zero_nonce, SLICE("name"),
				slice_of(sealed, len + CIPHER_TAG_LEN), opened),
			STORE_OK));
		cr_expect(eq(int, memcmp(plain, opened, len), 0));
	}
}

Test(cipher, one_changed_bit_anywhere_is_corrupt)
{
	const struct slice plain = SLICE("secret");
	uint8_t sealed[6 + CIPHER_TAG_LEN];
	uint8_t opened[6];

	cipher_seal(zero_key, zero_nonce, SLICE("name"), plain, sealed);
	for (size_t bit = 0; bit < 8 * sizeof(sealed); bit++) {
		sealed[bit / 8] ^= (uint8_t)(1u << bit % 8);
		cr_expect(eq(int,
			cipher_open(zero_key, zero_nonce, SLICE("name"),
				slice_of(sealed, sizeof(sealed)), opened),
			STORE_CORRUPT));
		sealed[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}

Test(cipher, another_key_nonce_or_name_does_not_open)
{
	static const uint8_t other[32] = {1};
	uint8_t sealed[6 + CIPHER_TAG_LEN] = {0};
	struct slice all = slice_of(sealed, sizeof(sealed));
	uint8_t opened[6];

	cipher_seal(zero_key, zero_nonce, SLICE("name"), SLICE("secret"),
		sealed);

	cr_expect(eq(int,
		cipher_open(other, zero_nonce, SLICE("name"), all, opened),
		STORE_CORRUPT));
	cr_expect(eq(int,
		cipher_open(zero_key, other, SLICE("name"), all, opened),
		STORE_CORRUPT));
	cr_expect(eq(int,
		cipher_open(zero_key, zero_nonce, SLICE("nam"), all, opened),
		STORE_CORRUPT));
	cr_expect(eq(int,
		cipher_open(zero_key, zero_nonce, SLICE_NULL, all, opened),
		STORE_CORRUPT));
}

Test(cipher, what_does_not_open_shows_no_plain_bytes)
{
	uint8_t sealed[6 + CIPHER_TAG_LEN];
	uint8_t opened[6] = "xxxxx";
	const uint8_t zeros[6] = {0};

	cipher_seal(zero_key, zero_nonce, SLICE_NULL, SLICE("secret"), sealed);
	sealed[sizeof(sealed) - 1] ^= 1;

	cr_expect(eq(int,
		cipher_open(zero_key, zero_nonce, SLICE_NULL,
			slice_of(sealed, sizeof(sealed)), opened),
		STORE_CORRUPT));
	cr_expect(eq(int, memcmp(opened, zeros, 6), 0));
}

Test(cipher, what_is_shorter_than_a_tag_is_corrupt)
{
	uint8_t sealed[CIPHER_TAG_LEN];
	uint8_t opened[1] = {'x'};

	cipher_seal(zero_key, zero_nonce, SLICE_NULL, SLICE_NULL, sealed);
	for (size_t len = 0; len < sizeof(sealed); len++)
		cr_expect(eq(int,
			cipher_open(zero_key, zero_nonce, SLICE_NULL,
				slice_of(sealed, len), opened),
			STORE_CORRUPT));
	cr_expect(eq(u8, opened[0], 'x'));
}

/* RFC 5869, appendix A, cases 1 and 3. */
Test(cipher, derived_keys_agree_with_the_vectors_of_rfc_5869)
{
	uint8_t secret[22];
	uint8_t salt[13];
	uint8_t info[10];
	uint8_t key[42];

	memset(secret, 0x0b, sizeof(secret));
	from_hex("000102030405060708090a0b0c", salt, sizeof(salt));
	from_hex("f0f1f2f3f4f5f6f7f8f9", info, sizeof(info));

	cipher_derive(slice_of(secret, 22), slice_of(salt, 13),
		slice_of(info, 10), key, sizeof(key));
	expect_bytes(key, sizeof(key),
		"3cb25f25faacd57a90434f64d0362f2a"
		"2d2d0a90cf1a5a4c5db02d56ecc4c5bf"
		"34007208d5b887185865");

	cipher_derive(slice_of(secret, 22), SLICE_NULL, SLICE_NULL, key,
		sizeof(key));
	expect_bytes(key, sizeof(key),
		"8da4e775a563c18f715f802a063c5a31"
		"b8a11f5c5ee1879ec3454e5f3c738d2d"
		"9d201395faa4b61a96c8");
}

Test(cipher, deriving_from_an_empty_secret_is_a_bug, .signal = SIGABRT)
{
	uint8_t key[32];

	cipher_derive(SLICE_NULL, SLICE("salt"), SLICE("info"), key, 32);
}

Test(cipher, wiped_bytes_are_zero)
{
	uint8_t secret[5] = {1, 2, 3, 4, 5};
	const uint8_t expected[5] = {0, 0, 0, 0, 5};

	cipher_wipe(secret, 4);

	cr_expect(eq(int, memcmp(secret, expected, 5), 0));
}

/* What cipher_seal() has to write, as OpenSSL has it. */
static void
seal_by_openssl(const uint8_t *key, const uint8_t *nonce,
	struct slice associated, struct slice plain, uint8_t *sealed)
{
	EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
	int written;

	cr_assert(EVP_EncryptInit_ex(context, EVP_aes_256_gcm(), NULL, key,
			  nonce) == 1);
	cr_assert(EVP_EncryptUpdate(context, NULL, &written,
			  (const uint8_t *)associated.data,
			  (int)associated.len) == 1);
	cr_assert(EVP_EncryptUpdate(context, sealed, &written,
			  (const uint8_t *)plain.data, (int)plain.len) == 1);
	cr_assert(EVP_EncryptFinal_ex(context, sealed + plain.len, &written) ==
		  1);
	cr_assert(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG,
			  CIPHER_TAG_LEN, sealed + plain.len) == 1);
	EVP_CIPHER_CTX_free(context);
}

/* Where the CPU has it, another library does the work. */
Test(cipher, every_length_is_sealed_as_openssl_seals_it)
{
	scoped(cipher_end) struct cipher sealing = {0};
	scoped(cipher_end) struct cipher opening = {0};
	static char plain[5000];
	static uint8_t expected[sizeof(plain) + CIPHER_TAG_LEN];
	static uint8_t sealed[sizeof(expected)];
	static uint8_t opened[sizeof(plain)];
	uint8_t key[CIPHER_KEY_LEN];
	uint8_t nonce[CIPHER_NONCE_LEN];
	uint8_t associated[40];

	random_bytes(key, sizeof(key));
	random_bytes(plain, sizeof(plain));
	random_bytes(associated, sizeof(associated));
	cipher_begin(&sealing, key, true);
	cipher_begin(&opening, key, false);
	for (size_t len = 0; len <= sizeof(plain); len += len < 300 ? 1 : 47) {
		struct slice bytes = slice_of(plain, len);
		struct slice beside = slice_of(associated, len % 40);
		size_t sealed_len = len + CIPHER_TAG_LEN;

		random_bytes(nonce, sizeof(nonce));
		seal_by_openssl(key, nonce, beside, bytes, expected);
		cipher_seal_with(&sealing, nonce, beside, bytes, sealed);
		cr_assert(zero(memcmp(sealed, expected, sealed_len)), "len %zu",
			len);
		cr_assert(not(cipher_open_with(&opening, nonce, beside,
			slice_of(expected, sealed_len), opened)));
		cr_assert(zero(memcmp(opened, plain, len)), "len %zu", len);
	}
}

Test(cipher, a_kept_key_opens_nothing_that_was_changed)
{
	scoped(cipher_end) struct cipher opening = {0};
	static const char plain[100] = "secret";
	uint8_t sealed[sizeof(plain) + CIPHER_TAG_LEN];
	uint8_t opened[sizeof(plain)];

	cipher_seal(zero_key, zero_nonce, SLICE("name"),
		slice_of(plain, sizeof(plain)), sealed);
	cipher_begin(&opening, zero_key, false);
	for (size_t bit = 0; bit < 8 * sizeof(sealed); bit++) {
		sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
		memset(opened, 0xff, sizeof(opened));
		cr_assert(eq(int,
			cipher_open_with(&opening, zero_nonce, SLICE("name"),
				slice_of(sealed, sizeof(sealed)), opened),
			STORE_CORRUPT));
		for (size_t i = 0; i < sizeof(opened); i++)
			cr_assert(zero(opened[i]));
		sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	cr_assert(eq(int,
		cipher_open_with(&opening, zero_nonce, SLICE("nam"),
			slice_of(sealed, sizeof(sealed)), opened),
		STORE_CORRUPT));
	cr_assert(eq(int,
		cipher_open_with(&opening, zero_nonce, SLICE("name"),
			slice_of(sealed, CIPHER_TAG_LEN - 1), opened),
		STORE_CORRUPT));
}
