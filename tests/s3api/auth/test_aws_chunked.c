/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two examples that AWS has published, 65 KiB of 'a' in chunks of 64 KiB,
 * and what clients make of the form.
 */
#include "s3api/auth/aws_chunked.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

#include "store/base/buffer.h"
#include "store/base/text.h"

#define A_COUNT (65 * 1024)

/* The key of the examples' secret, day and region. */
#define KEY "dbb893acc010964918f1fd433add87c70e8b0db6be30c1fbeafefa5ec6ba8378"

static const struct {
	enum sigv4_payload payload;
	const char *seed;
	const char *chunks[3];
	const char *trailer;
} examples[] = {
	{SIGV4_PAYLOAD_CHUNKS,
		"4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80"
		"a0a9",
		{"ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a2"
		 "88648",
			"0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b8"
			"6a503ef5497",
			"b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323"
			"e279d449df9"},
		""},
	{SIGV4_PAYLOAD_CHUNKS_TRAILER,
		"106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bf"
		"eb8e",
		{"b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501e"
		 "f5aa2",
			"1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40"
			"a8cae51e5c7",
			"2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c"
			"9f85863f992"},
		"x-amz-checksum-crc32c:sOO8/Q==\r\n"
		"x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e873"
		"0629a2e4a59689829ca17fe2e435\r\n"},
};

static struct sigv4_caller
caller_of(enum sigv4_payload payload, const char *seed)
{
	struct sigv4_caller caller = {
		.payload = payload,
		.timestamp = "20130524T000000Z",
		.scope = "20130524/us-east-1/s3/aws4_request",
	};

	cr_assert(text_from_hex(SLICE(KEY), caller.key, sizeof(caller.key)));
	snprintf(caller.signature, sizeof(caller.signature), "%s", seed);
	return caller;
}

static struct buffer
example_of(size_t which)
{
	static const size_t sizes[] = {65536, 1024, 0};
	struct buffer body = {0};

	for (size_t i = 0; i < array_len(sizes); i++) {
		buffer_printf(&body, "%zx;chunk-signature=%s\r\n", sizes[i],
			examples[which].chunks[i]);
		for (size_t n = 0; n < sizes[i]; n++)
			buffer_append_char(&body, 'a');
		if (sizes[i])
			buffer_append(&body, SLICE("\r\n"));
	}
	buffer_append_str(&body, examples[which].trailer);
	buffer_append(&body, SLICE("\r\n"));
	return body;
}

/* What came of a body. */
struct decoded {
	struct sigv4_caller caller;
	struct aws_chunked chunked;
	struct buffer data;
	enum s3_error error;
};

static void
decoded_free(struct decoded *decoded)
{
	aws_chunked_end(&decoded->chunked);
	buffer_free(&decoded->data);
}

/* Feeds a body in pieces of one size. */
static void
decode(struct decoded *decoded, struct sigv4_caller caller, struct slice body,
	size_t piece)
{
	decoded->caller = caller;
	aws_chunked_begin(&decoded->chunked, &decoded->caller);
	while (body.len && !decoded->error) {
		struct slice part = slice_first(body, piece);
		char *bytes = malloc(part.len);
		size_t got = 0;

		memcpy(bytes, part.data, part.len);
		decoded->error = aws_chunked_feed(&decoded->chunked, bytes,
			part.len, &got);
		cr_expect(le(sz, got, part.len));
		buffer_append(&decoded->data, slice_of(bytes, got));
		free(bytes);
		body = slice_from(body, part.len);
	}
}

static void
decode_unsigned(struct decoded *decoded, struct slice body, size_t piece)
{
	decode(decoded, caller_of(SIGV4_PAYLOAD_UNSIGNED_TRAILER, ""), body,
		piece);
}

/* The error of an unsigned body, the same in pieces of any size. */
static enum s3_error
error_of(struct slice body)
{
	scoped(decoded_free) struct decoded whole = {0};
	scoped(decoded_free) struct decoded bytes = {0};

	decode_unsigned(&whole, body, body.len);
	decode_unsigned(&bytes, body, 1);

	cr_expect(eq(int, whole.error, bytes.error));
	cr_expect(eq(int, whole.chunked.state, bytes.chunked.state));
	return whole.error;
}

static bool
is_done(struct slice body)
{
	scoped(decoded_free) struct decoded whole = {0};

	decode_unsigned(&whole, body, body.len);
	return error_of(body) == S3_OK &&
	       whole.chunked.state == AWS_CHUNKED_DONE;
}

Test(aws_chunked, decodes_the_published_examples_in_pieces_of_any_size)
{
	static const size_t pieces[] = {1, 7, 100, 4096, 65536, 1 << 20};

	for (size_t i = 0; i < array_len(examples) * array_len(pieces); i++) {
		size_t which = i % array_len(examples);
		scoped(buffer_free) struct buffer body = example_of(which);
		scoped(decoded_free) struct decoded decoded = {0};

		decode(&decoded,
			caller_of(examples[which].payload,
				examples[which].seed),
			buffer_slice(&body), pieces[i / array_len(examples)]);

		cr_expect(eq(int, decoded.error, S3_OK));
		cr_expect(eq(int, decoded.chunked.state, AWS_CHUNKED_DONE));
		cr_expect(eq(u64, decoded.chunked.decoded, A_COUNT));
		cr_assert(eq(sz, decoded.data.len, A_COUNT));
		for (size_t n = 0; n < A_COUNT; n++)
			cr_assert(decoded.data.data[n] == 'a');
	}
}

Test(aws_chunked, gives_the_trailers)
{
	scoped(buffer_free) struct buffer body = example_of(1);
	scoped(decoded_free) struct decoded decoded = {0};
	struct slice value;

	decode(&decoded, caller_of(examples[1].payload, examples[1].seed),
		buffer_slice(&body), 1000);

	value = aws_chunked_trailer(&decoded.chunked, "x-amz-checksum-crc32c");
	cr_expect(slice_equal(value, SLICE("sOO8/Q==")));
	value = aws_chunked_trailer(&decoded.chunked, "x-amz-checksum-crc32");
	cr_expect(not(value.data != NULL));
}

/* The error after one byte of an example has been changed. */
static enum s3_error
error_after_change(size_t which, size_t at)
{
	scoped(buffer_free) struct buffer body = example_of(which);
	scoped(decoded_free) struct decoded decoded = {0};

	body.data[at] ^= 1;
	decode(&decoded,
		caller_of(examples[which].payload, examples[which].seed),
		buffer_slice(&body), 4096);
	return decoded.error;
}

Test(aws_chunked, notices_a_changed_byte_of_data_signature_or_trailer)
{
	scoped(buffer_free) struct buffer body = example_of(1);
	size_t value = (size_t)slice_find(buffer_slice(&body), SLICE("sOO8"));
	size_t signature =
		(size_t)slice_find(buffer_slice(&body), SLICE("d81f82"));

	cr_expect(eq(int, error_after_change(0, 30),
		S3_SIGNATURE_DOES_NOT_MATCH));
	cr_expect(eq(int, error_after_change(0, 1000),
		S3_SIGNATURE_DOES_NOT_MATCH));
	cr_expect(eq(int, error_after_change(0, 65536 + 88 + 2 + 200),
		S3_SIGNATURE_DOES_NOT_MATCH));
	cr_expect(eq(int, error_after_change(1, value),
		S3_SIGNATURE_DOES_NOT_MATCH));
	cr_expect(eq(int, error_after_change(1, signature),
		S3_SIGNATURE_DOES_NOT_MATCH));
}

Test(aws_chunked, begins_its_chain_with_the_signature_of_the_request)
{
	scoped(buffer_free) struct buffer body = example_of(0);
	scoped(decoded_free) struct decoded decoded = {0};

	decode(&decoded, caller_of(SIGV4_PAYLOAD_CHUNKS, examples[1].seed),
		buffer_slice(&body), 4096);

	cr_expect(eq(int, decoded.error, S3_SIGNATURE_DOES_NOT_MATCH));
}

Test(aws_chunked, is_not_done_when_anything_is_missing)
{
	for (size_t which = 0; which < array_len(examples); which++) {
		scoped(buffer_free) struct buffer body = example_of(which);

		for (size_t cut = 1; cut < 300; cut++) {
			scoped(decoded_free) struct decoded decoded = {0};

			decode(&decoded,
				caller_of(examples[which].payload,
					examples[which].seed),
				slice_first(buffer_slice(&body),
					body.len - cut),
				1 << 20);
			cr_expect(ne(int, decoded.chunked.state,
					  AWS_CHUNKED_DONE),
				"%zu", cut);
		}
	}
}

Test(aws_chunked, wants_the_signature_of_a_signed_trailer)
{
	scoped(buffer_free) struct buffer body = example_of(1);
	scoped(decoded_free) struct decoded decoded = {0};
	ptrdiff_t at = slice_find(buffer_slice(&body),
		SLICE("x-amz-trailer-signature"));

	body.len = (size_t)at;
	buffer_append(&body, SLICE("\r\n\r\n"));
	decode(&decoded, caller_of(examples[1].payload, examples[1].seed),
		buffer_slice(&body), 1 << 20);

	cr_expect(eq(int, decoded.error, S3_INCOMPLETE_BODY));
}

Test(aws_chunked, wants_a_signature_on_every_chunk)
{
	scoped(decoded_free) struct decoded decoded = {0};

	decode(&decoded, caller_of(SIGV4_PAYLOAD_CHUNKS, examples[0].seed),
		SLICE("1\r\na\r\n0\r\n\r\n"), 100);

	cr_expect(eq(int, decoded.error, S3_INCOMPLETE_BODY));
}

/* minio's clients: LF after a trailer, CRLF before its signature. */
Test(aws_chunked, accepts_a_trailer_as_minio_sends_it)
{
	scoped(buffer_free) struct buffer body = example_of(1);
	scoped(decoded_free) struct decoded decoded = {0};
	ptrdiff_t at =
		slice_find(buffer_slice(&body), SLICE("x-amz-checksum-crc32c"));

	body.len = (size_t)at;
	buffer_append(&body, SLICE("x-amz-checksum-crc32c:sOO8/Q==\n\r\n"));
	buffer_append_str(&body, strchr(examples[1].trailer, '\n') + 1);
	buffer_append(&body, SLICE("\r\n"));
	decode(&decoded, caller_of(examples[1].payload, examples[1].seed),
		buffer_slice(&body), 10);

	cr_expect(eq(int, decoded.error, S3_OK));
	cr_expect(eq(int, decoded.chunked.state, AWS_CHUNKED_DONE));
	cr_expect(is_done(SLICE("1\r\na\r\n0\r\n"
				"x-amz-checksum-crc32:6Le+Qw==\n\r\n\r\n")));
}

Test(aws_chunked, decodes_unsigned_chunks)
{
	scoped(decoded_free) struct decoded decoded = {0};

	decode_unsigned(&decoded,
		SLICE("3\r\nabc\r\n0A\r\n0123456789\r\n0\r\n"
		      "X-Amz-Checksum-CRC32 : 6Le+Qw== \r\na:b\r\n\r\n"),
		5);

	cr_expect(eq(int, decoded.chunked.state, AWS_CHUNKED_DONE));
	cr_expect(slice_equal(buffer_slice(&decoded.data),
		SLICE("abc0123456789")));
	cr_expect(slice_equal(aws_chunked_trailer(&decoded.chunked,
				      "x-amz-checksum-crc32"),
		SLICE("6Le+Qw==")));
	cr_expect(slice_equal(aws_chunked_trailer(&decoded.chunked, "a"),
		SLICE("b")));
}

Test(aws_chunked, decodes_a_body_of_nothing)
{
	cr_expect(is_done(SLICE("0\r\n\r\n")));
	cr_expect(not(is_done(SLICE("0\r\n"))));
}

Test(aws_chunked, refuses_broken_framing)
{
	static const struct slice bad[] = {
		SLICE("\r\n"),
		SLICE("x\r\n"),
		SLICE("-1\r\n"),
		SLICE(";chunk-signature=a\r\n"),
		SLICE("1\na\n"),
		SLICE("1\r\nab\r\n"),
		SLICE("1\r\na\n"),
		SLICE("00000000000000001\r\n"),
		SLICE("0\r\nno colon\r\n\r\n"),
		SLICE("0\r\n:value\r\n\r\n"),
		SLICE("0\r\n\r\nmore"),
		SLICE("0\r\n\r\n\r\n\r\n"),
		SLICE("0\r\n\r\n\r\n\0"),
	};

	for (size_t i = 0; i < array_len(bad); i++)
		cr_expect(eq(int, error_of(bad[i]), S3_INCOMPLETE_BODY), "%s",
			bad[i].data);
}

Test(aws_chunked, bounds_lines_and_trailers)
{
	scoped(buffer_free) struct buffer line = {0};
	scoped(buffer_free) struct buffer trailers = {0};
	scoped(buffer_free) struct buffer many = {0};

	for (size_t i = 0; i <= AWS_CHUNKED_LINE_MAX; i++)
		buffer_append_char(&line, '0');
	buffer_append(&trailers, SLICE("0\r\na:"));
	for (size_t i = 0; i <= AWS_CHUNKED_TRAILER_MAX; i++)
		buffer_append_char(&trailers, 'b');
	buffer_append(&many, SLICE("0\r\n"));
	for (size_t i = 0; i <= AWS_CHUNKED_TRAILERS_MAX; i++)
		buffer_append(&many, SLICE("a:b\r\n"));

	cr_expect(eq(int, error_of(buffer_slice(&line)), S3_INCOMPLETE_BODY));
	cr_expect(eq(int, error_of(buffer_slice(&trailers)),
		S3_INCOMPLETE_BODY));
	cr_expect(eq(int, error_of(buffer_slice(&many)), S3_INCOMPLETE_BODY));
}

Test(aws_chunked, refuses_trailers_where_none_were_announced)
{
	scoped(buffer_free) struct buffer body = example_of(0);
	scoped(decoded_free) struct decoded decoded = {0};

	body.len -= 2;
	buffer_append(&body, SLICE("a:b\r\n\r\n"));
	decode(&decoded, caller_of(examples[0].payload, examples[0].seed),
		buffer_slice(&body), 4096);

	cr_expect(eq(int, decoded.error, S3_INCOMPLETE_BODY));
}

Test(aws_chunked, fails_for_good)
{
	scoped(decoded_free) struct decoded decoded = {0};
	char good[] = "0\r\n\r\n";
	size_t got = 1;

	decode_unsigned(&decoded, SLICE("x\r\n"), 3);

	cr_expect(eq(int, aws_chunked_feed(&decoded.chunked, good, 5, &got),
		S3_INCOMPLETE_BODY));
	cr_expect(zero(sz, got));
}
