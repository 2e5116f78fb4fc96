/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <signal.h>

#include "store/base/codec.h"

Test(codec, what_was_encoded_is_decoded)
{
	scoped(buffer_free) struct buffer buffer = {0};
	struct decoder decoder;

	codec_encode_u8(&buffer, 0xfe);
	codec_encode_u16(&buffer, 0xfedc);
	codec_encode_u32(&buffer, 0xfedcba98);
	codec_encode_u64(&buffer, 0xfedcba9876543210);
	codec_encode_i64(&buffer, INT64_MIN);
	codec_encode_bytes(&buffer, SLICE("raw"));
	codec_encode_sized16(&buffer, SLICE("short"));
	codec_encode_sized32(&buffer, SLICE("a\0b"));

	decoder = codec_decoder(buffer_slice(&buffer));
	cr_expect(eq(u8, codec_decode_u8(&decoder), 0xfe));
	cr_expect(eq(u16, codec_decode_u16(&decoder), 0xfedc));
	cr_expect(eq(u32, codec_decode_u32(&decoder), 0xfedcba98));
	cr_expect(eq(u64, codec_decode_u64(&decoder), 0xfedcba9876543210));
	cr_expect(eq(i64, codec_decode_i64(&decoder), INT64_MIN));
	cr_expect(slice_equal(codec_decode_bytes(&decoder, 3), SLICE("raw")));
	cr_expect(slice_equal(codec_decode_sized16(&decoder), SLICE("short")));
	cr_expect(slice_equal(codec_decode_sized32(&decoder), SLICE("a\0b")));
	cr_expect(eq(sz, codec_decode_left(&decoder), 0));
	cr_expect(not(decoder.is_bad));
}

Test(codec, integers_are_little_endian)
{
	scoped(buffer_free) struct buffer buffer = {0};

	codec_encode_u16(&buffer, 0x0102);
	codec_encode_u32(&buffer, 0x03040506);
	codec_encode_u64(&buffer, 0x0708);
	codec_encode_sized16(&buffer, SLICE("x"));
	codec_encode_sized32(&buffer, SLICE("y"));

	cr_expect(slice_equal(buffer_slice(&buffer), SLICE("\2\1"
							   "\6\5\4\3"
							   "\10\7\0\0\0\0\0\0"
							   "\1\0x"
							   "\1\0\0\0y")));
}

Test(codec, big_endian_bytes_sort_as_numbers)
{
	uint8_t small[8];
	uint8_t large[8];

	codec_store_u64_big(small, 255);
	codec_store_u64_big(large, 256);

	cr_expect(lt(int, memcmp(small, large, 8), 0));
	cr_expect(eq(u64, codec_load_u64_big(small), 255));
	cr_expect(eq(u64, codec_load_u64_big(large), 256));
}

Test(codec, a_number_that_is_cut_short_is_bad_and_zero)
{
	const struct slice s = SLICE("\1\2\3\4\5\6\7");

	for (size_t len = 0; len < 8; len++) {
		struct decoder decoder = codec_decoder(slice_first(s, len));

		cr_expect(eq(u64, codec_decode_u64(&decoder), 0));
		cr_expect(decoder.is_bad);
	}
}

Test(codec, a_bad_decoder_stays_bad_and_gives_nothing)
{
	struct decoder decoder = codec_decoder(SLICE("abcdef"));

	cr_expect(eq(u64, codec_decode_u64(&decoder), 0));

	cr_expect(eq(u8, codec_decode_u8(&decoder), 0));
	cr_expect(eq(u16, codec_decode_u16(&decoder), 0));
	cr_expect(eq(u32, codec_decode_u32(&decoder), 0));
	cr_expect(eq(i64, codec_decode_i64(&decoder), 0));
	cr_expect(eq(sz, codec_decode_bytes(&decoder, 1).len, 0));
	cr_expect(eq(sz, codec_decode_bytes(&decoder, 0).len, 0));
	cr_expect(eq(sz, codec_decode_sized16(&decoder).len, 0));
	cr_expect(eq(sz, codec_decode_sized32(&decoder).len, 0));
	cr_expect(eq(sz, codec_decode_left(&decoder), 0));
	cr_expect(decoder.is_bad);
}

Test(codec, a_length_beyond_the_end_is_bad)
{
	struct decoder short16 = codec_decoder(SLICE("\4\0abc"));
	struct decoder short32 = codec_decoder(SLICE("\xff\xff\xff\xff"
						     "abc"));
	struct decoder huge = codec_decoder(SLICE("abc"));

	cr_expect(eq(sz, codec_decode_sized16(&short16).len, 0));
	cr_expect(short16.is_bad);
	cr_expect(eq(sz, codec_decode_sized32(&short32).len, 0));
	cr_expect(short32.is_bad);
	cr_expect(eq(sz, codec_decode_bytes(&huge, SIZE_MAX).len, 0));
	cr_expect(huge.is_bad);
}

Test(codec, reading_to_the_very_end_is_not_bad)
{
	struct decoder decoder = codec_decoder(SLICE("\3\0abc"));

	cr_expect(slice_equal(codec_decode_sized16(&decoder), SLICE("abc")));
	cr_expect(eq(sz, codec_decode_bytes(&decoder, 0).len, 0));
	cr_expect(not(decoder.is_bad));
}

Test(codec, nothing_at_all_decodes_to_nothing)
{
	struct decoder decoder = codec_decoder(SLICE_NULL);

	cr_expect(eq(sz, codec_decode_left(&decoder), 0));
	cr_expect(not(decoder.is_bad));
	cr_expect(eq(u8, codec_decode_u8(&decoder), 0));
	cr_expect(decoder.is_bad);
}

Test(codec, a_16_bit_length_holds_65535_bytes)
{
	scoped(buffer_free) struct buffer from = {0};
	scoped(buffer_free) struct buffer buffer = {0};
	struct decoder decoder;

	buffer_reserve(&from, 65535);
	memset(from.data, 'x', 65535);
	codec_encode_sized16(&buffer, slice_of(from.data, 65535));

	decoder = codec_decoder(buffer_slice(&buffer));
	cr_expect(eq(sz, codec_decode_sized16(&decoder).len, 65535));
}

Test(codec, a_longer_one_is_a_bug, .signal = SIGABRT)
{
	static const char zeros[65536];
	struct buffer buffer = {0};

	codec_encode_sized16(&buffer, slice_of(zeros, sizeof(zeros)));
}
