/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "store/seal.h"

static const uint8_t key[SEAL_KEY_LEN] = "0123456789abcdef0123456789abcde";
static const uint8_t other_key[SEAL_KEY_LEN] = "another";

static struct seal
new_seal(void)
{
	struct seal seal;

	seal_create(&seal, key);
	return seal;
}

static struct slice
attr_of(const struct seal *seal)
{
	return slice_of(seal->attr, SEAL_ATTR_LEN);
}

#define TEXT "forty-two bytes of text for a frame of it."
#define STORED_LEN (SEAL_COUNT_LEN + sizeof(TEXT) + CIPHER_TAG_LEN)

/* One frame of a stream, sealed, and a reader of that stream. */
struct frame {
	struct seal seal;
	uint8_t header[SEAL_HEADER_LEN];
	uint8_t stored[STORED_LEN];
	struct seal_stream writer;
	struct seal_stream reader;
};

static struct frame
seal_text(unsigned part, uint64_t number, uint32_t count, bool is_last)
{
	struct frame frame = {.seal = new_seal()};

	seal_stream_create(&frame.writer, &frame.seal, part, frame.header);
	seal_frame(&frame.writer, number, count, is_last,
		slice_of(TEXT, sizeof(TEXT)), frame.stored);
	cr_assert(eq(int,
		seal_stream_open(&frame.reader, &frame.seal, part,
			frame.header),
		STORE_OK));
	return frame;
}

static void
frame_free(struct frame *frame)
{
	seal_stream_end(&frame->writer);
	seal_stream_end(&frame->reader);
}

static enum store_err
open_text(struct frame *frame, uint64_t number, bool is_last, char *to)
{
	return seal_open_frame(&frame->reader, number, is_last,
		slice_of(frame->stored, sizeof(frame->stored)), (uint8_t *)to);
}

Test(seal, gives_its_data_key_to_who_has_the_customers)
{
	struct seal seal = new_seal();
	struct seal opened;

	cr_assert(eq(int, seal_open(&opened, attr_of(&seal), key), STORE_OK));

	cr_expect(memcmp(opened.data_key, seal.data_key, CIPHER_KEY_LEN) == 0);
	cr_expect(eq(int, seal_open(&opened, attr_of(&seal), other_key),
		STORE_WRONG_KEY));
}

Test(seal, keeps_neither_key_in_the_attribute)
{
	struct seal seal = new_seal();

	cr_expect(lt(int, (int)slice_find(attr_of(&seal), slice_of(key, 8)),
		0));
	cr_expect(lt(int,
		(int)slice_find(attr_of(&seal), slice_of(seal.data_key, 8)),
		0));
}

Test(seal, is_another_one_each_time)
{
	struct seal a = new_seal();
	struct seal b = new_seal();

	cr_expect(memcmp(a.attr + 2, b.attr + 2, 32) != 0, "salt");
	cr_expect(memcmp(a.attr + 34, b.attr + 34, 32) != 0, "mac");
	cr_expect(memcmp(a.data_key, b.data_key, CIPHER_KEY_LEN) != 0);
}

Test(seal, no_byte_of_the_attribute_can_be_changed)
{
	struct seal seal = new_seal();
	struct seal opened;

	for (size_t i = 0; i < SEAL_ATTR_LEN; i++) {
		seal.attr[i] ^= 1;
		cr_expect(ne(int, seal_open(&opened, attr_of(&seal), key),
			STORE_OK));
		seal.attr[i] ^= 1;
	}
	for (size_t len = 0; len < SEAL_ATTR_LEN; len++)
		cr_expect(eq(int,
			seal_open(&opened, slice_of(seal.attr, len), key),
			STORE_CORRUPT));
}

Test(seal, a_frame_comes_back)
{
	scoped(frame_free) struct frame frame = seal_text(3, 7, 0, true);
	char text[sizeof(TEXT)];

	cr_assert(eq(int, open_text(&frame, 7, true, text), STORE_OK));

	cr_expect(eq(str, text, TEXT));
	cr_expect(lt(int,
		(int)slice_find(slice_of(frame.stored, sizeof(frame.stored)),
			SLICE("forty")),
		0));
}

Test(seal, a_frame_opens_in_its_own_place_alone)
{
	scoped(frame_free) struct frame frame = seal_text(3, 7, 0, true);
	char text[sizeof(TEXT)];

	cr_expect(eq(int, open_text(&frame, 6, true, text), STORE_CORRUPT));
	cr_expect(eq(int, open_text(&frame, 7, false, text), STORE_CORRUPT));
	cr_expect(eq(int, open_text(&frame, 7 + (1ull << 32), true, text),
		STORE_CORRUPT));
}

Test(seal, no_bit_of_a_frame_can_be_flipped)
{
	scoped(frame_free) struct frame frame = seal_text(0, 0, 0, false);
	char text[sizeof(TEXT)];

	for (size_t bit = 0; bit < 8 * STORED_LEN; bit++) {
		frame.stored[bit / 8] ^= (uint8_t)(1 << bit % 8);
		cr_expect(eq(int, open_text(&frame, 0, false, text),
			STORE_CORRUPT));
		frame.stored[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	for (size_t len = 0; len < STORED_LEN; len++)
		cr_expect(eq(int,
			seal_open_frame(&frame.reader, 0, false,
				slice_of(frame.stored, len), (uint8_t *)text),
			STORE_CORRUPT));
}

Test(seal, what_does_not_open_gives_nothing_away)
{
	scoped(frame_free) struct frame frame = seal_text(0, 0, 0, false);
	static const char zeros[sizeof(TEXT)];
	char text[sizeof(TEXT)] = "";

	frame.stored[STORED_LEN - 1] ^= 1;
	cr_assert(eq(int, open_text(&frame, 0, false, text), STORE_CORRUPT));

	cr_expect(memcmp(text, zeros, sizeof(zeros)) == 0);
}

Test(seal, another_part_or_stream_has_another_key)
{
	scoped(frame_free) struct frame frame = seal_text(3, 0, 0, true);
	scoped(frame_free) struct frame other = seal_text(3, 0, 0, true);
	struct slice stored = slice_of(frame.stored, sizeof(frame.stored));
	struct seal_stream stream;
	uint8_t text[sizeof(TEXT)];

	cr_assert(eq(int,
		seal_stream_open(&stream, &frame.seal, 4, frame.header),
		STORE_OK));
	cr_expect(eq(int, seal_open_frame(&stream, 0, true, stored, text),
		STORE_CORRUPT));
	seal_stream_end(&stream);
	frame.header[SEAL_HEADER_LEN - 1] ^= 1;
	cr_assert(eq(int,
		seal_stream_open(&stream, &frame.seal, 3, frame.header),
		STORE_OK));
	cr_expect(eq(int, seal_open_frame(&stream, 0, true, stored, text),
		STORE_CORRUPT));
	seal_stream_end(&stream);
	cr_expect(eq(int, seal_open_frame(&other.reader, 0, true, stored, text),
		STORE_CORRUPT));
	frame.header[0] ^= 1;
	cr_expect(eq(int,
		seal_stream_open(&stream, &frame.seal, 3, frame.header),
		STORE_CORRUPT));
}

Test(seal, a_frame_sealed_again_has_another_nonce)
{
	scoped(frame_free) struct frame frame = seal_text(0, 5, 0, false);
	uint8_t again[STORED_LEN];
	char text[sizeof(TEXT)];

	seal_frame(&frame.writer, 5, 0x01020304, false,
		slice_of(TEXT, sizeof(TEXT)), again);

	cr_expect(memcmp(again + SEAL_COUNT_LEN, frame.stored + SEAL_COUNT_LEN,
			  sizeof(TEXT)) != 0);
	memcpy(frame.stored, again, sizeof(again));
	cr_expect(eq(int, open_text(&frame, 5, false, text), STORE_OK));
	cr_expect(eq(str, text, TEXT));
}

Test(seal, a_digest_is_hidden_and_shown_again)
{
	static const uint8_t etags[2][16] = {"one", "two"};
	struct seal seal = new_seal();
	uint8_t digests[2][32] = {"a digest", "a digest"};

	seal_pad(&seal, etags[0], digests[0], 32);
	seal_pad(&seal, etags[1], digests[1], 32);
	cr_expect(memcmp(digests[0], digests[1], 32) != 0);
	cr_expect(memcmp(digests[0], "a digest", 8) != 0);

	seal_pad(&seal, etags[0], digests[0], 32);
	cr_expect(eq(str, (char *)digests[0], "a digest"));
}

/* RFC 5869: HKDF-SHA256 of the data key, with the ETag as the salt, under "tarn
 * sse-c 1 digest".  A shorter digest is hidden by the start of it. */
Test(seal, a_digest_of_any_length_is_hidden_by_what_the_format_says)
{
	static const uint8_t pad[DIGEST_LEN_MAX] =
		"\xfc\xf5\xfe\xb5\xc9\x70\xc4\xb8\xec\x70\xea\x62\x51\xe9\x45"
		"\x30"
		"\x79\x18\x0d\x56\xf6\xab\x83\xca\x76\xdb\x0e\x3c\x7c\x73\xbd"
		"\x7b"
		"\xff\xf3\xd7\x8f\xac\x9e\x67\xde\xad\x46\x73\xcd\x28\x09\xf6"
		"\x0e"
		"\x19\x5e\x57\x7b\x8c\x07\x06\x1b\x12\xe8\x4a\x81\xa2\x82\x64"
		"\xca";
	static const size_t lens[] = {4, 8, 16, 20, 32, 64};
	struct seal seal = {0};
	uint8_t etag[16];

	for (size_t i = 0; i < sizeof(seal.data_key); i++)
		seal.data_key[i] = (uint8_t)(i + 1);
	for (size_t i = 0; i < sizeof(etag); i++)
		etag[i] = (uint8_t)(i + 100);
	for (size_t i = 0; i < array_len(lens); i++) {
		uint8_t digest[DIGEST_LEN_MAX] = {0};

		seal_pad(&seal, etag, digest, lens[i]);
		cr_expect(zero(memcmp(digest, pad, lens[i])));
	}
}

Test(seal, lengths_at_rest_are_those_of_header_and_frames)
{
	static const struct {
		uint64_t plain, frames, stored;
	} cases[] = {
		{0, 0, 0},
		{1, 1, 32 + 1 + 20},
		{65535, 1, 32 + 65535 + 20},
		{65536, 1, 32 + 65536 + 20},
		{65537, 2, 32 + 65537 + 40},
		{131072, 2, 32 + 131072 + 40},
		{1ull << 40, 1ull << 24, 32 + (1ull << 40) + 20 * (1ull << 24)},
	};

	for (size_t i = 0; i < array_len(cases); i++) {
		cr_expect(eq(u64, seal_frames(cases[i].plain),
			cases[i].frames));
		cr_expect(eq(u64, seal_stored_len(cases[i].plain),
			cases[i].stored));
	}
	cr_expect(eq(u64, seal_frame_at(2), 32 + 2 * (65536 + 20)));
}
