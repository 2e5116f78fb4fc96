/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bodies as they come over a connection: the server here answers with the
 * code of the error, or with what it has read and computed.
 */
#include "s3api/body.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "s3api/http/http_reply.h"
#include "s3api/http/http_server.h"
#include "store/base/buffer.h"
#include "store/base/text.h"

#define SHA256_OF_ABC                                                          \
	"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define MD5_OF_ABC "kAFQmDzST7DWlj99KOF/cg=="
#define CRC32_OF_ABC "NSRBwg=="
#define CRC64_OF_ABC "BeXKuz/B+us="
#define SHA256_64_OF_ABC "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="

/* What the server's handler does, and one reply of it. */
struct fixture {
	struct http_server *server;
	struct sigv4_caller caller;
	struct body_options options;
	size_t piece;	 /* 0: body_read_all() */
	size_t all_max;	 /* for that */
	bool is_skipped; /* nothing is read but by body_finish() */
	struct buffer reply;
};

static enum s3_error
read_in_pieces(struct body *body, size_t piece, struct buffer *data)
{
	enum s3_error error = S3_OK;
	size_t got = 1;

	while (!error && got) {
		char *to = malloc(piece);

		error = body_read(body, to, piece, &got);
		buffer_append(data, slice_of(to, got));
		free(to);
	}
	return error ? error : body_finish(body);
}

static enum s3_error
receive(struct fixture *fixture, struct http_request *request,
	struct body *body, struct buffer *data, struct error_report *report)
{
	struct slice all = SLICE_NULL;
	enum s3_error error = body_begin(body, request, &fixture->caller,
		&fixture->options, report);

	if (error)
		return error;
	if (fixture->is_skipped)
		return body_finish(body);
	if (fixture->piece)
		return read_in_pieces(body, fixture->piece, data);
	error = body_read_all(body, fixture->all_max, &all);
	buffer_append(data, all);
	return error;
}

static void
handle(struct http_request *request, struct http_response *response,
	void *context)
{
	scoped(body_free) struct body body = {0};
	scoped(buffer_free) struct buffer data = {0};
	scoped(buffer_free) struct buffer text = {0};
	struct fixture *fixture = context;
	struct error_report report = {0};
	char checksum[CHECKSUM_TEXT_MAX] = "-";
	char md5[TEXT_BASE64_LEN(16) + 1];
	enum s3_error error = receive(fixture, request, &body, &data, &report);
	enum store_err err;

	cr_expect(eq(int, error, report.error));
	if (body.checksum.kind)
		checksum_to_text(&body.checksum, checksum);
	text_to_base64(body.md5, sizeof(body.md5), md5);
	if (error)
		buffer_append_str(&text, error_code(error));
	else
		buffer_printf(&text, "%.*s|%s|%s", (int)data.len,
			data.len ? data.data : "", md5, checksum);
	http_reply_begin(response, error_status(error));
	http_reply_close(response);
	err = http_reply_body(response, buffer_slice(&text));
	(void)err;
}

static void
fixture_open(struct fixture *fixture)
{
	struct http_server_config config = {
		.address = "127.0.0.1",
		.loops = 1,
		.limits = http_server_limits_default,
		.handle = handle,
		.context = fixture,
	};

	*fixture = (struct fixture){.piece = 4, .all_max = 1000};
	fixture->options.wants_md5 = true;
	cr_assert(eq(int, http_server_create(&config, &fixture->server),
		STORE_OK));
}

static void
fixture_close(struct fixture *fixture)
{
	http_server_free(&fixture->server);
	buffer_free(&fixture->reply);
}

static void
send_all(int fd, struct slice text)
{
	while (text.len) {
		ssize_t sent = send(fd, text.data, text.len, MSG_NOSIGNAL);

		if (sent <= 0)
			return;
		text = slice_from(text, (size_t)sent);
	}
}

/* The body of the reply to a PUT with these headers and this body. */
static const char *
put(struct fixture *fixture, const char *headers, const char *body)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)http_server_port(fixture->server)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	scoped(buffer_free) struct buffer text = {0};
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	char bytes[4096];
	ssize_t got;
	ptrdiff_t end;

	cr_assert(zero(int,
		connect(fd, (struct sockaddr *)&address, sizeof(address))));
	buffer_printf(&text, "PUT /b/k HTTP/1.1\r\nHost: h\r\n%s\r\n%s",
		headers, body);
	send_all(fd, buffer_slice(&text));
	shutdown(fd, SHUT_WR);
	buffer_clear(&fixture->reply);
	while ((got = recv(fd, bytes, sizeof(bytes), 0)) > 0)
		buffer_append(&fixture->reply, slice_of(bytes, (size_t)got));
	close(fd);
	buffer_append_char(&fixture->reply, '\0');
	end = slice_find(buffer_slice(&fixture->reply), SLICE("\r\n\r\n"));
	return end < 0 ? "no reply" : fixture->reply.data + end + 4;
}

static void
expect_put(struct fixture *fixture, const char *headers, const char *body,
	const char *wanted)
{
	const char *got = put(fixture, headers, body);

	cr_expect(eq(str, (char *)got, (char *)wanted), "%s", headers);
}

static void
set_sha256(struct fixture *fixture, const char *hex)
{
	fixture->caller.payload = SIGV4_PAYLOAD_SHA256;
	cr_assert(text_from_hex(slice_str(hex), fixture->caller.sha256, 32));
}

#define ABC "Content-Length: 3\r\n"
#define ABC_OK "abc|" MD5_OF_ABC "|-"
#define CHUNKED "0\r\nx-amz-checksum-crc32:" CRC32_OF_ABC "\r\n\r\n"

/* --- plain ---------------------------------------------------------------- */

Test(body, comes_plain_with_the_digests_that_were_wanted)
{
	scoped(fixture_close) struct fixture fixture;

	fixture_open(&fixture);
	expect_put(&fixture, ABC, "abc", ABC_OK);
	fixture.options.default_kind = CHECKSUM_DEFAULT;
	expect_put(&fixture, ABC, "abc", "abc|" MD5_OF_ABC "|" CRC64_OF_ABC);
	expect_put(&fixture, ABC "x-amz-sdk-checksum-algorithm: CRC32\r\n",
		"abc", "abc|" MD5_OF_ABC "|" CRC32_OF_ABC);
	fixture.options.kind = DIGEST_SHA256;
	expect_put(&fixture, ABC "x-amz-checksum-crc32: " CRC32_OF_ABC "\r\n",
		"abc", "abc|" MD5_OF_ABC "|" SHA256_64_OF_ABC);
}

Test(body, is_the_same_read_whole_or_in_pieces_or_not_at_all)
{
	scoped(fixture_close) struct fixture fixture;

	fixture_open(&fixture);
	for (fixture.piece = 0; fixture.piece < 6; fixture.piece++)
		expect_put(&fixture, ABC, "abc", ABC_OK);
	fixture.is_skipped = true;
	expect_put(&fixture, ABC, "abc", "|" MD5_OF_ABC "|-");
}

Test(body, of_http_chunks_has_no_length)
{
	scoped(fixture_close) struct fixture fixture;
	static const char headers[] = "Transfer-Encoding: chunked\r\n";

	fixture_open(&fixture);
	expect_put(&fixture, headers, "2\r\nab\r\n1\r\nc\r\n0\r\n\r\n", ABC_OK);
	expect_put(&fixture, headers, "2\r\nab\r\nx\r\n", "IncompleteBody");
	fixture.options.wants_length = true;
	expect_put(&fixture, headers, "0\r\n\r\n", "MissingContentLength");
}

Test(body, must_have_a_length_where_one_is_wanted)
{
	scoped(fixture_close) struct fixture fixture;

	fixture_open(&fixture);
	fixture.options.wants_length = true;
	expect_put(&fixture, "", "", "MissingContentLength");
	expect_put(&fixture, "Content-Length: 0\r\n", "",
		"|1B2M2Y8AsgTpgAmY7PhCfg==|-");
	expect_put(&fixture, ABC, "abc", ABC_OK);
}

Test(body, that_ends_early_is_incomplete)
{
	scoped(fixture_close) struct fixture fixture;

	fixture_open(&fixture);
	expect_put(&fixture, ABC, "ab", "IncompleteBody");
}

Test(body, may_not_be_larger_than_allowed)
{
	scoped(fixture_close) struct fixture fixture;

	fixture_open(&fixture);
	fixture.options.max = 2;
	expect_put(&fixture, ABC, "abc", "EntityTooLarge");
	expect_put(&fixture, "Transfer-Encoding: chunked\r\n",
		"3\r\nabc\r\n0\r\n\r\n", "EntityTooLarge");
	fixture.options.max = 3;
	expect_put(&fixture, ABC, "abc", ABC_OK);
}

Test(body, read_whole_has_a_bound_of_its_own)
{
	scoped(fixture_close) struct fixture fixture;

	fixture_open(&fixture);
	fixture.piece = 0;
	fixture.all_max = 2;
	expect_put(&fixture, ABC, "abc", "MaxMessageLengthExceeded");
	expect_put(&fixture, "Transfer-Encoding: chunked\r\n",
		"3\r\nabc\r\n0\r\n\r\n", "MaxMessageLengthExceeded");
	fixture.all_max = 3;
	expect_put(&fixture, "Transfer-Encoding: chunked\r\n",
		"3\r\nabc\r\n0\r\n\r\n", ABC_OK);
}

/* --- promises ------------------------------------------------------------- */

Test(body, must_have_the_sha256_that_was_signed)
{
	scoped(fixture_close) struct fixture fixture;

	fixture_open(&fixture);
	set_sha256(&fixture, SHA256_OF_ABC);
	expect_put(&fixture, ABC, "abc", ABC_OK);
	expect_put(&fixture, ABC, "abd", "XAmzContentSHA256Mismatch");
	fixture.is_skipped = true;
	expect_put(&fixture, "", "", "XAmzContentSHA256Mismatch");
	expect_put(&fixture, ABC, "abd", "XAmzContentSHA256Mismatch");
}

Test(body, may_have_its_sha256_signed_and_as_a_checksum)
{
	scoped(fixture_close) struct fixture fixture;
	static const char headers[] =
		ABC "x-amz-checksum-sha256: " SHA256_64_OF_ABC "\r\n";

	fixture_open(&fixture);
	set_sha256(&fixture, SHA256_OF_ABC);
	expect_put(&fixture, headers, "abc",
		"abc|" MD5_OF_ABC "|" SHA256_64_OF_ABC);
	fixture.caller.payload = SIGV4_PAYLOAD_UNSIGNED;
	expect_put(&fixture, headers, "abd", "BadDigest");
}

Test(body, must_have_the_md5_that_was_sent)
{
	scoped(fixture_close) struct fixture fixture;
	static const char headers[] = ABC "Content-MD5: " MD5_OF_ABC "\r\n";

	fixture_open(&fixture);
	fixture.options.wants_md5 = false;
	expect_put(&fixture, headers, "abc", ABC_OK);
	expect_put(&fixture, headers, "abd", "BadDigest");
	expect_put(&fixture, ABC "Content-MD5: abc\r\n", "abc",
		"InvalidDigest");
}

Test(body, must_have_the_checksum_that_was_sent)
{
	scoped(fixture_close) struct fixture fixture;
	static const char headers[] =
		ABC "x-amz-checksum-crc32: " CRC32_OF_ABC "\r\n";

	fixture_open(&fixture);
	expect_put(&fixture, headers, "abc",
		"abc|" MD5_OF_ABC "|" CRC32_OF_ABC);
	expect_put(&fixture, headers, "abd", "BadDigest");
	fixture.options.kind = DIGEST_CRC64NVME;
	expect_put(&fixture, headers, "abd", "BadDigest");
}

/* --- aws-chunked ---------------------------------------------------------- */

#define DECODED(length) "x-amz-decoded-content-length: " length "\r\n"
#define TRAILER "x-amz-trailer: x-amz-checksum-crc32\r\n"
#define LENGTH(length) "Content-Length: " length "\r\n"

Test(body, in_chunks_of_its_own_comes_plain_too)
{
	scoped(fixture_close) struct fixture fixture;

	fixture_open(&fixture);
	fixture.caller.payload = SIGV4_PAYLOAD_UNSIGNED_TRAILER;
	fixture.options.wants_length = true;
	for (fixture.piece = 0; fixture.piece < 40; fixture.piece++)
		expect_put(&fixture, LENGTH("49") DECODED("3") TRAILER,
			"2\r\nab\r\n1\r\nc\r\n" CHUNKED,
			"abc|" MD5_OF_ABC "|" CRC32_OF_ABC);
	fixture.is_skipped = true;
	expect_put(&fixture, LENGTH("49") DECODED("3") TRAILER,
		"2\r\nab\r\n1\r\nc\r\n" CHUNKED,
		"|" MD5_OF_ABC "|" CRC32_OF_ABC);
}

Test(body, in_chunks_may_lie_in_http_chunks)
{
	scoped(fixture_close) struct fixture fixture;

	fixture_open(&fixture);
	fixture.caller.payload = SIGV4_PAYLOAD_UNSIGNED_TRAILER;
	fixture.options.wants_length = true;
	expect_put(&fixture, "Transfer-Encoding: chunked\r\n" DECODED("3"),
		"5\r\n3\r\nab\r\n8\r\nc\r\n0\r\n\r\n\r\n0\r\n\r\n", ABC_OK);
}

Test(body, in_chunks_must_have_the_length_it_announced)
{
	scoped(fixture_close) struct fixture fixture;
	static const char text[] = "3\r\nabc\r\n0\r\n\r\n";

	fixture_open(&fixture);
	fixture.caller.payload = SIGV4_PAYLOAD_UNSIGNED_TRAILER;
	fixture.options.wants_length = true;
	expect_put(&fixture, LENGTH("13") DECODED("3"), text, ABC_OK);
	expect_put(&fixture, LENGTH("13") DECODED("2"), text, "IncompleteBody");
	expect_put(&fixture, LENGTH("13") DECODED("4"), text, "IncompleteBody");
	expect_put(&fixture, LENGTH("13") DECODED("x"), text,
		"InvalidArgument");
	expect_put(&fixture, LENGTH("13"), text, "MissingContentLength");
	expect_put(&fixture, LENGTH("11") DECODED("3"), text, "IncompleteBody");
}

Test(body, in_chunks_must_keep_the_promise_of_a_trailer)
{
	scoped(fixture_close) struct fixture fixture;

	fixture_open(&fixture);
	fixture.caller.payload = SIGV4_PAYLOAD_UNSIGNED_TRAILER;
	expect_put(&fixture, LENGTH("13") DECODED("3") TRAILER,
		"3\r\nabc\r\n0\r\n\r\n", "MalformedTrailerError");
	expect_put(&fixture, LENGTH("44") DECODED("3") TRAILER,
		"3\r\nabd\r\n" CHUNKED, "BadDigest");
	fixture.caller.payload = SIGV4_PAYLOAD_UNSIGNED;
	expect_put(&fixture, LENGTH("13") TRAILER, "3\r\nabc\r\n0\r\n\r\n",
		"InvalidRequest");
}

Test(body, in_signed_chunks_is_refused_with_a_wrong_signature)
{
	scoped(fixture_close) struct fixture fixture;
	char text[256];

	fixture_open(&fixture);
	fixture.caller.payload = SIGV4_PAYLOAD_CHUNKS;
	snprintf(text, sizeof(text), "3;chunk-signature=%064d\r\nabc\r\n", 0);
	expect_put(&fixture, LENGTH("89") DECODED("3"), text,
		"SignatureDoesNotMatch");
}

/* minio's clients send no chunk at all where there are no bytes. */
Test(body, in_chunks_of_nothing_may_be_without_any)
{
	scoped(fixture_close) struct fixture fixture;

	fixture_open(&fixture);
	fixture.caller.payload = SIGV4_PAYLOAD_CHUNKS;
	expect_put(&fixture, LENGTH("0") DECODED("0"), "",
		"|1B2M2Y8AsgTpgAmY7PhCfg==|-");
	expect_put(&fixture, LENGTH("0") DECODED("1"), "", "IncompleteBody");
	expect_put(&fixture, LENGTH("0"), "", "IncompleteBody");
}

/* --- the coding of the transfer is not stored ----------------------------- */

Test(body, keeps_the_content_encoding_but_for_its_own)
{
	static const struct {
		const char *sent;
		const char *kept;
	} cases[] = {
		{"aws-chunked", NULL},
		{"aws-chunked,gzip", "gzip"},
		{"gzip, AWS-chunked, br", "gzip,br"},
		{"gzip", "gzip"},
		{"deflate, gzip", "deflate, gzip"},
		{"", NULL},
	};

	for (size_t i = 0; i < array_len(cases); i++) {
		scoped(arena_free) struct arena arena = {0};
		struct http_header header = {
			SLICE("content-encoding"), slice_str(cases[i].sent)};
		struct http_request request = {
			.headers = &header,
			.header_count = 1,
			.arena = &arena,
		};
		struct slice kept = body_content_encoding(&request);

		cr_expect(slice_equal(kept, slice_str(cases[i].kept)), "%s",
			cases[i].sent);
		cr_expect(eq(int, kept.data != NULL, cases[i].kept != NULL));
	}
}
