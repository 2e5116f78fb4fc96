/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>

#include "store/base/text.h"

Test(text, hex_is_lower_case_and_ends_with_a_nul)
{
	char to[TEXT_HEX_LEN(4) + 1];

	text_to_hex("\x00\x9a\xbc\xff", 4, to);

	cr_expect(eq(str, to, "009abcff"));
}

Test(text, hex_of_nothing_is_empty)
{
	char to[1] = {'x'};

	text_to_hex(NULL, 0, to);

	cr_expect(eq(str, to, ""));
}

Test(text, hex_of_either_case_is_decoded)
{
	unsigned char to[4];

	cr_expect(text_from_hex(SLICE("009AbcFf"), to, 4));
	cr_expect(eq(int, memcmp(to, "\x00\x9a\xbc\xff", 4), 0));
	cr_expect(text_from_hex(SLICE(""), to, 0));
}

Test(text, hex_of_another_length_or_with_other_letters_is_refused)
{
	static const char *const bad[] = {"", "0", "0000", "0g", "g0", " 0",
		"0x", "/0", ":0", "@0", "G0", "`0"};
	unsigned char to[1];

	for (size_t i = 0; i < array_len(bad); i++)
		cr_expect(not(text_from_hex(slice_str(bad[i]), to, 1)),
			"\"%s\"", bad[i]);
	cr_expect(not(text_from_hex(SLICE("000"), to, 1)));
}

/* RFC 4648 §10. */
static const char *const base64_pairs[][2] = {
	{"", ""},
	{"f", "Zg=="},
	{"fo", "Zm8="},
	{"foo", "Zm9v"},
	{"foob", "Zm9vYg=="},
	{"fooba", "Zm9vYmE="},
	{"foobar", "Zm9vYmFy"},
};

Test(text, base64_agrees_with_the_vectors_of_rfc_4648)
{
	for (size_t i = 0; i < array_len(base64_pairs); i++) {
		struct slice plain = slice_str(base64_pairs[i][0]);
		char encoded[16];
		char decoded[16];
		size_t len = sizeof(decoded);

		text_to_base64(plain.data, plain.len, encoded);
		cr_expect(eq(str, encoded, (char *)base64_pairs[i][1]));
		cr_expect(eq(sz, strlen(encoded), TEXT_BASE64_LEN(plain.len)));
		cr_assert(text_from_base64(slice_str(encoded), decoded, &len));
		cr_expect(slice_equal(slice_of(decoded, len), plain));
	}
}

Test(text, base64_keeps_every_byte_and_length)
{
	unsigned char plain[256];
	char encoded[TEXT_BASE64_LEN(256) + 1];

	for (size_t i = 0; i < 256; i++)
		plain[i] = (unsigned char)(i * 89);

	for (size_t count = 0; count <= 256; count++) {
		unsigned char decoded[256];
		size_t len = count;

		text_to_base64(plain, count, encoded);
		cr_assert(text_from_base64(slice_str(encoded), decoded, &len));
		cr_expect(eq(sz, len, count));
		cr_expect(eq(int, memcmp(plain, decoded, count), 0));
	}
}

Test(text, base64_that_is_not_exactly_of_the_form_is_refused)
{
	static const char *const bad[] = {"Zg", "Zg=", "Z", "Zg===", "=",
		"====", "Z===", "Zg==Zg==", "Zm8=Zm8=", "Zm9v\n", "Zm9 ",
		"Zm-v", "Zm_v", "Z=9v", "=m9v", "Zm=v",
		"Zh==", "Zm9=", "Zm9vYg=A", "\x80m9v"};
	char to[16];

	for (size_t i = 0; i < array_len(bad); i++) {
		size_t len = sizeof(to);

		cr_expect(not(text_from_base64(slice_str(bad[i]), to, &len)),
			"\"%s\"", bad[i]);
	}
}

Test(text, base64_never_writes_beyond_the_room)
{
	char to[3] = {'x', 'x', 'x'};
	size_t len = 2;

	cr_expect(not(text_from_base64(SLICE("Zm9v"), to, &len)));
	cr_expect(eq(chr, to[2], 'x'));
	cr_expect(eq(sz, len, 2));

	cr_expect(text_from_base64(SLICE("Zm8="), to, &len));
	cr_expect(eq(chr, to[2], 'x'));
}

Test(text, percent_encoding_leaves_the_unreserved_alone)
{
	scoped(buffer_free) struct buffer to = {0};
	struct slice plain = SLICE("ABCXYZabcxyz0189-._~");

	text_percent_encode(&to, plain, false);

	cr_expect(slice_equal(buffer_slice(&to), plain));
}

Test(text, percent_encoding_writes_all_else_in_upper_case)
{
	scoped(buffer_free) struct buffer to = {0};

	text_percent_encode(&to, SLICE("a b/\xc3\xa4+*=\x00%"), false);

	cr_expect(slice_equal(buffer_slice(&to),
		SLICE("a%20b%2F%C3%A4%2B%2A%3D%00%25")));
	cr_expect(eq(chr, to.data[to.len], '\0'));
}

Test(text, percent_encoding_keeps_slashes_where_asked)
{
	scoped(buffer_free) struct buffer to = {0};

	buffer_append_str(&to, "/b/");
	text_percent_encode(&to, SLICE("a/b c"), true);

	cr_expect(slice_equal(buffer_slice(&to), SLICE("/b/a/b%20c")));
}

Test(text, a_json_string_has_its_quotes_and_controls_escaped)
{
	scoped(buffer_free) struct buffer to = {0};

	text_json_escape(&to, SLICE("a\"b\\c/\n\x1f\x7f\xc3\xa4"));

	cr_expect(slice_equal(buffer_slice(&to),
		SLICE("a\\\"b\\\\c/\\u000a\\u001f\\u007f\xc3\xa4")));
}

Test(text, what_is_no_utf8_is_printed_percent_encoded)
{
	scoped(buffer_free) struct buffer room = {0};

	cr_expect(slice_equal(text_printable(SLICE("a \xc3\xa4"), &room),
		SLICE("a \xc3\xa4")));
	cr_expect(slice_equal(text_printable(SLICE("a/\xff b"), &room),
		SLICE("a/%FF%20b")));
}

Test(text, percent_decoding_takes_digits_of_either_case)
{
	scoped(buffer_free) struct buffer to = {0};

	cr_expect(text_percent_decode(&to, SLICE("a%2fB%2F+%00%25"), false));
	cr_expect(slice_equal(buffer_slice(&to), SLICE("a/B/+\0%")));
}

Test(text, a_plus_is_a_space_only_where_asked)
{
	scoped(buffer_free) struct buffer to = {0};

	cr_expect(text_percent_decode(&to, SLICE("a+b%2B"), true));
	cr_expect(slice_equal(buffer_slice(&to), SLICE("a b+")));
}

Test(text, a_percent_without_two_digits_is_refused_and_adds_nothing)
{
	static const char *const bad[] = {
		"%", "a%", "a%4", "%4g", "%g4", "%%41", "%+1", "% 1", "ok%2"};
	scoped(buffer_free) struct buffer to = {0};

	buffer_append_str(&to, "kept");
	for (size_t i = 0; i < array_len(bad); i++) {
		cr_expect(not(text_percent_decode(&to, slice_str(bad[i]),
				  true)),
			"\"%s\"", bad[i]);
		cr_expect(slice_equal(buffer_slice(&to), SLICE("kept")));
	}
}

Test(text, percent_decoding_does_not_look_beyond_the_end)
{
	scoped(buffer_free) struct buffer to = {0};

	cr_expect(not(text_percent_decode(&to, slice_first(SLICE("a%41"), 3),
		true)));
}

Test(text, every_byte_survives_percent_encoding)
{
	scoped(buffer_free) struct buffer encoded = {0};
	scoped(buffer_free) struct buffer decoded = {0};
	char plain[256];

	for (int i = 0; i < 256; i++)
		plain[i] = (char)i;
	text_percent_encode(&encoded, slice_of(plain, 256), false);

	cr_expect(text_percent_decode(&decoded, buffer_slice(&encoded), true));
	cr_expect(slice_equal(buffer_slice(&decoded), slice_of(plain, 256)));
}

Test(text, names_of_headers_are_tokens)
{
	static const struct {
		const char *text;
		bool is_token;
		bool is_lower;
	} rows[] = {
		{"etag", true, true},
		{"ETag", true, false},
		{"x-amz-*", true, true},
		{"Content-MD5", true, false},
		{"!#$%&'*+-.^_`|~09", true, true},
		{"", false, false},
		{"a b", false, false},
		{"a:b", false, false},
		{"x[]", false, false},
		{"\xc3\xa4", false, false},
	};

	for (size_t i = 0; i < array_len(rows); i++) {
		struct slice text = slice_str(rows[i].text);

		cr_expect(eq(int, text_is_token(text), rows[i].is_token), "%s",
			rows[i].text);
		cr_expect(eq(int, text_is_lower_token(text), rows[i].is_lower),
			"%s", rows[i].text);
	}
	cr_expect(not(text_is_token(slice_of("a\0b", 3))));
}

Test(text, plain_text_has_letters_digits_and_what_is_allowed_besides)
{
	static const struct {
		const char *text;
		bool is_plain;
		bool is_lower;
		bool is_digits;
	} rows[] = {
		{"", true, true, true},
		{"0129", true, true, true},
		{"azAZ09", true, false, false},
		{"az09", true, true, false},
		{"a-b.c", true, true, false},
		{"a_b", false, false, false},
		{"\xc3\xa4", false, false, false},
	};

	for (size_t i = 0; i < array_len(rows); i++) {
		struct slice text = slice_str(rows[i].text);

		cr_expect(eq(int, text_is_plain(text, "-."), rows[i].is_plain),
			"%s", rows[i].text);
		cr_expect(eq(int, text_is_lower_plain(text, "-."),
				  rows[i].is_lower),
			"%s", rows[i].text);
		cr_expect(eq(int, text_is_digits(text), rows[i].is_digits),
			"%s", rows[i].text);
	}
	cr_expect(not(text_is_plain(slice_of("a\0b", 3), "-")));
	cr_expect(not(text_is_lower_plain(slice_of("a\0b", 3), "-")));
}
