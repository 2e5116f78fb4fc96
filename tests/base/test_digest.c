/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <endian.h>
#include <signal.h>

#include "store/base/crc_private.h"
#include "store/base/digest.h"
#include "store/base/text.h"

static const enum digest_kind every_kind[] = {DIGEST_MD5, DIGEST_SHA1,
	DIGEST_SHA256, DIGEST_CRC32, DIGEST_CRC32C, DIGEST_CRC64NVME,
	DIGEST_SHA512, DIGEST_XXHASH64, DIGEST_XXHASH3, DIGEST_XXHASH128};
static const enum digest_kind crc_digests[] = {
	DIGEST_CRC32, DIGEST_CRC32C, DIGEST_CRC64NVME};
static const enum crc_kind crc_kinds[] = {CRC_32, CRC_32C, CRC_64NVME};

static unsigned char sample[100000];

/* The same bytes in every run, so that a failure can be had again. */
static uint64_t
next_number(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return *state >> 33;
}

static void
fill_sample(void)
{
	uint64_t state = 1;

	for (size_t i = 0; i < sizeof(sample); i++)
		sample[i] = (unsigned char)next_number(&state);
}

static uint64_t
crc_of(enum digest_kind kind, const void *data, size_t len)
{
	uint64_t value = 0;
	size_t value_len = digest_len(kind);

	digest_of(kind, slice_of(data, len),
		(uint8_t *)&value + sizeof(value) - value_len);
	return be64toh(value);
}

static void
expect_digest_of(enum digest_kind kind, struct slice data, const char *expected)
{
	uint8_t value[DIGEST_LEN_MAX];
	char hex[TEXT_HEX_LEN(DIGEST_LEN_MAX) + 1];

	digest_of(kind, data, value);
	text_to_hex(value, digest_len(kind), hex);
	cr_expect(eq(str, hex, (char *)expected), "kind %d of %zu bytes", kind,
		data.len);
}

static void
expect_digest(enum digest_kind kind, const char *text, const char *expected)
{
	expect_digest_of(kind, slice_str(text), expected);
}

Test(digest, published_values_come_out)
{
	expect_digest(DIGEST_MD5, "abc", "900150983cd24fb0d6963f7d28e17f72");
	expect_digest(DIGEST_SHA1, "abc",
		"a9993e364706816aba3e25717850c26c9cd0d89d");
	expect_digest(DIGEST_SHA256, "abc",
		"ba7816bf8f01cfea414140de5dae2223"
		"b00361a396177a9cb410ff61f20015ad");
	expect_digest(DIGEST_CRC32, "123456789", "cbf43926");
	expect_digest(DIGEST_CRC32C, "123456789", "e3069283");
	expect_digest(DIGEST_CRC64NVME, "123456789", "ae8b14860a799888");
}

Test(digest, nothing_has_a_digest_too)
{
	expect_digest(DIGEST_MD5, "", "d41d8cd98f00b204e9800998ecf8427e");
	expect_digest(DIGEST_SHA256, "",
		"e3b0c44298fc1c149afbf4c8996fb924"
		"27ae41e4649b934ca495991b7852b855");
	expect_digest(DIGEST_CRC32, "", "00000000");
	expect_digest(DIGEST_CRC32C, "", "00000000");
	expect_digest(DIGEST_CRC64NVME, "", "0000000000000000");
	expect_digest(DIGEST_SHA512, "",
		"cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9"
		"ce47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927"
		"da3e");
}

/* NIST, Examples with Intermediate Values, to FIPS 180-4: one block, two. */
Test(digest, sha512_agrees_with_the_examples_of_fips_180)
{
	expect_digest(DIGEST_SHA512, "abc",
		"ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d3"
		"9a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54c"
		"a49f");
	expect_digest(DIGEST_SHA512,
		"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
		"hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
		"8e959b75dae313da8cf4f72814fc143f8f7779c6eb9f7fa17299aeadb68890"
		"18501d289e4900f7e4331b99dec4b5433ac7d329eeb6dd26545e96e55b874b"
		"e909");
}

/* The bytes that xxHash's own sanity check (xsum_sanity_check.c) is of. */
static void
fill_sanity(unsigned char *bytes, size_t len)
{
	uint64_t state = 2654435761u;

	for (size_t i = 0; i < len; i++) {
		bytes[i] = (unsigned char)(state >> 56);
		state *= 11400714785074694797u;
	}
}

/* Its values of seed 0: a length for each of the ways that XXH3 goes by it,
 * and those of XXH64. */
Test(digest, xxhash_agrees_with_its_own_sanity_check)
{
	static const struct {
		enum digest_kind kind;
		size_t len;
		const char *expected;
	} rows[] = {
		{DIGEST_XXHASH64, 0, "ef46db3751d8e999"},
		{DIGEST_XXHASH64, 1, "e934a84adb052768"},
		{DIGEST_XXHASH64, 4, "9136a0dca57457ee"},
		{DIGEST_XXHASH64, 14, "8282dcc4994e35c8"},
		{DIGEST_XXHASH64, 222, "b641ae8cb691c174"},
		{DIGEST_XXHASH3, 0, "2d06800538d394c2"},
		{DIGEST_XXHASH3, 1, "c44bdff4074eecdb"},
		{DIGEST_XXHASH3, 6, "27b56a84cd2d7325"},
		{DIGEST_XXHASH3, 12, "a713daf0dfbb77e7"},
		{DIGEST_XXHASH3, 24, "a3fe70bf9d3510eb"},
		{DIGEST_XXHASH3, 48, "397da259ecba1f11"},
		{DIGEST_XXHASH3, 80, "bcdefbbb2c47c90a"},
		{DIGEST_XXHASH3, 195, "cd94217ee362ec3a"},
		{DIGEST_XXHASH3, 2240, "6e73a90539cf2948"},
		{DIGEST_XXHASH3, 2367, "cb37aeb9e5d361ed"},
		{DIGEST_XXHASH128, 0, "99aa06d3014798d86001c324468d497f"},
		{DIGEST_XXHASH128, 1, "a6cd5e9392000f6ac44bdff4074eecdb"},
		{DIGEST_XXHASH128, 6, "082afe0b8162d12a3e7039bdda43cfc6"},
		{DIGEST_XXHASH128, 12, "6e3efd8fc7802b18061a192713f69ad9"},
		{DIGEST_XXHASH128, 24, "0ce966e4678d37611e7044d28b1b901d"},
		{DIGEST_XXHASH128, 48, "a002ac4e5478227ef942219aed80f67b"},
		{DIGEST_XXHASH128, 81, "4952f58181ab00425e8bafb9f95fb803"},
		{DIGEST_XXHASH128, 222, "337e09641b948717f1aebd597cec6b3a"},
		{DIGEST_XXHASH128, 403, "1b6de21e332dd73dcdeb804d65c6dea4"},
		{DIGEST_XXHASH128, 512, "18d2d110dcc9bca1617e49599013cb6b"},
		{DIGEST_XXHASH128, 2048, "f736557fd47073a5dd59e2c3a5f038e0"},
		{DIGEST_XXHASH128, 2367, "e89c0f6ff369b427cb37aeb9e5d361ed"},
	};
	unsigned char bytes[2367];

	fill_sanity(bytes, sizeof(bytes));
	for (size_t i = 0; i < array_len(rows); i++)
		expect_digest_of(rows[i].kind, slice_of(bytes, rows[i].len),
			rows[i].expected);
}

/* As the library that SDKs have it from sends it: awscrt's test_checksums.py.
 */
Test(digest, xxhash_is_in_the_order_of_bytes_that_sdks_send)
{
	expect_digest(DIGEST_XXHASH64, "Hello world", "c500b0c912b376d8");
	expect_digest(DIGEST_XXHASH3, "Hello world", "b6acb9d84a38ff74");
	expect_digest(DIGEST_XXHASH128, "Hello world",
		"7351f89812f97382b91d05b31e04dd7f");
}

/* RFC 3720 §B.4. */
Test(digest, crc32c_agrees_with_the_examples_of_iscsi)
{
	unsigned char bytes[32] = {0};

	cr_expect(eq(u64, crc_of(DIGEST_CRC32C, bytes, 32), 0x8a9136aa));
	memset(bytes, 0xff, 32);
	cr_expect(eq(u64, crc_of(DIGEST_CRC32C, bytes, 32), 0x62a8ab43));
	for (int i = 0; i < 32; i++)
		bytes[i] = (unsigned char)i;
	cr_expect(eq(u64, crc_of(DIGEST_CRC32C, bytes, 32), 0x46dd794e));
}

/* NVMe NVM Command Set 1.0, figure 121: 4096 bytes of zeros and of ones. */
Test(digest, crc64nvme_agrees_with_the_examples_of_nvme)
{
	static unsigned char bytes[4096];

	cr_expect(eq(u64, crc_of(DIGEST_CRC64NVME, bytes, 4096),
		0x6482d367eb22b64e));
	memset(bytes, 0xff, sizeof(bytes));
	cr_expect(eq(u64, crc_of(DIGEST_CRC64NVME, bytes, 4096),
		0xc0ddba7302eca3ac));
}

Test(digest, lengths_are_those_of_the_standards)
{
	static const size_t lens[] = {16, 20, 32, 4, 4, 8, 64, 8, 8, 16};

	cr_assert(eq(sz, array_len(every_kind), DIGEST_KIND_LAST));
	for (size_t i = 0; i < array_len(every_kind); i++)
		cr_expect(eq(sz, digest_len(every_kind[i]), lens[i]));
}

Test(digest, how_the_bytes_are_cut_makes_no_difference)
{
	uint64_t state = 2;

	fill_sample();
	for (size_t i = 0; i < array_len(every_kind); i++) {
		uint8_t whole[DIGEST_LEN_MAX];
		uint8_t pieces[DIGEST_LEN_MAX];
		struct digest digest;
		size_t at = 0;

		digest_init(&digest, every_kind[i]);
		while (at < sizeof(sample)) {
			size_t len = next_number(&state) % 100;

			if (len > sizeof(sample) - at)
				len = sizeof(sample) - at;
			digest_update(&digest, sample + at, len);
			at += len;
		}
		digest_final(&digest, pieces);
		digest_of(every_kind[i], slice_of(sample, at), whole);

		cr_expect(digest_equal(whole, pieces,
			digest_len(every_kind[i])));
	}
}

/* Bit by bit, as the definition of a CRC has it. */
static uint64_t
slow_crc(uint64_t polynomial, uint64_t ones, const uint8_t *data, size_t len)
{
	uint64_t crc = ones;

	for (size_t i = 0; i < len; i++) {
		crc ^= data[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? polynomial : 0);
	}
	return crc ^ ones;
}

Test(digest, every_way_to_a_crc_agrees_with_its_definition)
{
	static const uint64_t polynomials[] = {
		0xedb88320, 0x82f63b78, 0x9a6c9329ac4bc9b5};
	static const uint64_t ones[] = {UINT32_MAX, UINT32_MAX, UINT64_MAX};

	fill_sample();
	for (size_t i = 0; i < array_len(crc_kinds); i++)
		for (size_t len = 0; len < 600; len++) {
			const uint8_t *data = sample + len % 17;
			uint64_t slow =
				slow_crc(polynomials[i], ones[i], data, len);

			cr_expect(eq(u64,
				crc_update(crc_kinds[i], 0, data, len), slow));
			cr_expect(eq(u64,
				crc_update_by_tables(crc_kinds[i], 0, data,
					len),
				slow));
		}
}

Test(digest, crcs_of_two_pieces_combine_to_that_of_the_whole)
{
	uint64_t state = 3;

	fill_sample();
	for (size_t i = 0; i < array_len(crc_digests); i++)
		for (int round = 0; round < 200; round++) {
			enum digest_kind kind = crc_digests[i];
			size_t len = next_number(&state) % sizeof(sample);
			size_t cut = len ? next_number(&state) % (len + 1) : 0;
			uint64_t first = crc_of(kind, sample, cut);
			uint64_t second = crc_of(kind, sample + cut, len - cut);

			cr_expect(eq(u64,
				digest_crc_combine(kind, first, second,
					len - cut),
				crc_of(kind, sample, len)));
		}
}

Test(digest, combining_with_nothing_changes_nothing)
{
	for (size_t i = 0; i < array_len(crc_digests); i++) {
		uint64_t crc = crc_of(crc_digests[i], "lake", 4);

		cr_expect(eq(u64, digest_crc_combine(crc_digests[i], crc, 0, 0),
			crc));
		cr_expect(eq(u64, digest_crc_combine(crc_digests[i], 0, crc, 4),
			crc));
	}
}

/* Five terabytes cannot be read in a test, but can be put together. */
Test(digest, combining_is_associative_at_any_length)
{
	const uint64_t long_len = 5ull << 40;

	for (size_t i = 0; i < array_len(crc_digests); i++) {
		enum digest_kind kind = crc_digests[i];
		uint64_t a = crc_of(kind, "a", 1);
		uint64_t b = crc_of(kind, "b", 1);
		uint64_t c = crc_of(kind, "c", 1);
		uint64_t left = digest_crc_combine(kind,
			digest_crc_combine(kind, a, b, long_len), c, 77);
		uint64_t right = digest_crc_combine(kind, a,
			digest_crc_combine(kind, b, c, 77), long_len + 77);

		cr_expect(eq(u64, left, right));
		cr_expect(ne(u64, left, 0));
	}
}

Test(digest, combining_what_is_no_crc_is_a_bug, .signal = SIGABRT)
{
	digest_crc_combine(DIGEST_MD5, 1, 2, 3);
}

Test(digest, combining_xxhash_is_a_bug, .signal = SIGABRT)
{
	digest_crc_combine(DIGEST_XXHASH64, 1, 2, 3);
}

Test(digest, kinds_are_those_of_the_standards)
{
	for (size_t i = 0; i < array_len(every_kind); i++)
		cr_expect(digest_is_kind(every_kind[i]));
	cr_expect(not(digest_is_kind(0)));
	cr_expect(not(digest_is_kind(DIGEST_KIND_LAST + 1)));
}

/* LeakSanitizer looks whether it holds. */
Test(digest, of_any_kind_may_be_left_without_its_value)
{
	for (size_t i = 0; i < array_len(every_kind); i++) {
		struct digest digest;

		digest_init(&digest, every_kind[i]);
		digest_update(&digest, "x", 1);
		digest_free(&digest);
		digest_free(&digest);
	}
}

Test(digest, free_is_allowed_at_any_time)
{
	struct digest untouched = {0};
	struct digest begun;
	struct digest done;
	struct digest crc;
	uint8_t value[DIGEST_LEN_MAX];

	digest_free(&untouched);
	digest_init(&begun, DIGEST_SHA256);
	digest_update(&begun, "x", 1);
	digest_free(&begun);
	digest_free(&begun);
	digest_init(&done, DIGEST_MD5);
	digest_final(&done, value);
	digest_free(&done);
	digest_init(&crc, DIGEST_CRC32);
	digest_update(&crc, "x", 1);
	digest_free(&crc);

	cr_expect(eq(ptr, begun.context, NULL));
	cr_expect(eq(ptr, done.context, NULL));
}

static void
expect_hmac(struct slice key, const char *text, const char *expected)
{
	uint8_t value[32];
	char hex[TEXT_HEX_LEN(32) + 1];

	digest_hmac_sha256(key, slice_str(text), value);
	text_to_hex(value, sizeof(value), hex);
	cr_expect(eq(str, hex, (char *)expected));
}

/* RFC 4231 §4.2, §4.3, §4.7, §4.8. */
Test(digest, hmac_agrees_with_the_vectors_of_rfc_4231)
{
	unsigned char long_key[131];

	memset(long_key, 0x0b, 20);
	expect_hmac(slice_of(long_key, 20), "Hi There",
		"b0344c61d8db38535ca8afceaf0bf12b"
		"881dc200c9833da726e9376c2e32cff7");
	expect_hmac(SLICE("Jefe"), "what do ya want for nothing?",
		"5bdcc146bf60754e6a042426089575c7"
		"5a003f089d2739839dec58b964ec3843");
	memset(long_key, 0xaa, sizeof(long_key));
	expect_hmac(slice_of(long_key, sizeof(long_key)),
		"Test Using Larger Than Block-Size Key - Hash Key First",
		"60e431591ee0b67f0d8a26aacbf5b77f"
		"8e0bc6213728c5140546040f0ee37f54");
	expect_hmac(slice_of(long_key, sizeof(long_key)),
		"This is a test using a larger than block-size key and a "
		"larger than block-size data. The key needs to be hashed "
		"before being used by the HMAC algorithm.",
		"9b09ffa71b942fcb27635fbcd5b0e944"
		"bfdc63644f0713938a7f51535c3a35e2");
}

Test(digest, hmac_of_nothing_by_nothing_is_defined)
{
	expect_hmac(SLICE_NULL, "",
		"b613679a0814d9ec772f95d778c35fc5"
		"ff1697c493715653c6c712144292c5ad");
}

Test(digest, equal_tells_one_bit_apart_and_stops_at_len)
{
	cr_expect(digest_equal("abcd", "abcd", 4));
	cr_expect(not(digest_equal("abcd", "abce", 4)));
	cr_expect(not(digest_equal("abcd",
		"\xe1"
		"bcd",
		4)));
	cr_expect(digest_equal("abcd", "abce", 3));
	cr_expect(digest_equal("a", "b", 0));
}

/* As the bytes come: some at a time, of a different length for each. */
static void
expect_md5s_as_alone(size_t count, uint64_t *state)
{
	struct digest together[DIGEST_SIDE_BY_SIDE_MAX];
	struct digest alone[DIGEST_SIDE_BY_SIDE_MAX];
	struct digest *all[DIGEST_SIDE_BY_SIDE_MAX];

	for (size_t i = 0; i < count; i++) {
		digest_init(&together[i], DIGEST_MD5);
		digest_init(&alone[i], DIGEST_MD5);
		all[i] = &together[i];
	}
	for (int round = 0; round < 6; round++) {
		struct slice pieces[DIGEST_SIDE_BY_SIDE_MAX];

		for (size_t i = 0; i < count; i++) {
			size_t len = next_number(state) % 2000;
			size_t at = next_number(state) % 90000;

			pieces[i] = slice_of(sample + at, len);
			digest_update(&alone[i], pieces[i].data, len);
		}
		digest_update_md5s(all, pieces, count);
	}
	for (size_t i = 0; i < count; i++) {
		uint8_t found[16];
		uint8_t expected[16];

		digest_final(&together[i], found);
		digest_final(&alone[i], expected);
		cr_expect(zero(memcmp(found, expected, sizeof(found))));
	}
}

Test(digest, md5s_side_by_side_are_those_of_each_alone, .init = fill_sample)
{
	uint64_t state = 7;

	for (size_t count = 1; count <= DIGEST_SIDE_BY_SIDE_MAX; count++)
		expect_md5s_as_alone(count, &state);
}
