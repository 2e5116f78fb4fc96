/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/auth/aws_chunked.h"

#include "s3api/auth/sigv4_private.h"
#include "store/base/text.h"

/*
 *	HEADER    a chunk's header is gathered in text    -> DATA, TRAILER
 *	DATA      `left` bytes go by                      -> DATA_END
 *	DATA_END  the CRLF after them                     -> HEADER
 *	TRAILER   lines are gathered in text, and stay    -> DONE
 *	DONE      nothing may follow
 *	BAD       for good
 */

/* SHA-256 of nothing, which every chunk's text has in it. */
#define SHA256_EMPTY                                                           \
	"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

#define TRAILER_SIGNATURE "x-amz-trailer-signature"

void
aws_chunked_begin(struct aws_chunked *chunked,
	const struct sigv4_caller *caller)
{
	*chunked = (struct aws_chunked){.caller = caller};
	chunked->is_signed = caller->payload != SIGV4_PAYLOAD_UNSIGNED_TRAILER;
	chunked->has_trailer = caller->payload != SIGV4_PAYLOAD_CHUNKS;
	memcpy(chunked->previous, caller->signature, sizeof(chunked->previous));
}

void
aws_chunked_end(struct aws_chunked *chunked)
{
	digest_free(&chunked->digest);
}

static void
fail(struct aws_chunked *chunked, enum s3_error error, const char *message)
{
	chunked->state = AWS_CHUNKED_BAD;
	chunked->error = error;
	chunked->message = message;
}

static void
fail_broken(struct aws_chunked *chunked, const char *message)
{
	fail(chunked, S3_INCOMPLETE_BODY, message);
}

/* --- signatures ----------------------------------------------------------- */

static void
append_hex_sha256(struct buffer *to, const uint8_t sha256[32])
{
	char hex[TEXT_HEX_LEN(32) + 1];

	text_to_hex(sha256, 32, hex);
	buffer_append_str(to, hex);
}

/* The claimed signature must be the next of the chain. */
static void
check_signature(struct aws_chunked *chunked, const char *kind,
	bool has_empty_hash, const uint8_t sha256[32])
{
	scoped(buffer_free) struct buffer text = {0};
	char signature[SIGV4_SIGNATURE_LEN + 1];

	buffer_append_str(&text, kind);
	buffer_append_char(&text, '\n');
	buffer_append_str(&text, chunked->caller->timestamp);
	buffer_append_char(&text, '\n');
	buffer_append_str(&text, chunked->caller->scope);
	buffer_append_char(&text, '\n');
	buffer_append_str(&text, chunked->previous);
	buffer_append_char(&text, '\n');
	if (has_empty_hash)
		buffer_append_str(&text, SHA256_EMPTY "\n");
	append_hex_sha256(&text, sha256);

	sigv4_key_sign(chunked->caller->key, buffer_slice(&text), signature);
	if (!digest_equal(signature, chunked->claimed, SIGV4_SIGNATURE_LEN))
		fail(chunked, S3_SIGNATURE_DOES_NOT_MATCH, NULL);
	memcpy(chunked->previous, signature, sizeof(signature));
}

static void
check_chunk(struct aws_chunked *chunked)
{
	uint8_t sha256[32];

	if (!chunked->is_signed)
		return;
	digest_final(&chunked->digest, sha256);
	check_signature(chunked, "AWS4-HMAC-SHA256-PAYLOAD", true, sha256);
}

static void
check_trailers(struct aws_chunked *chunked)
{
	struct digest digest;
	uint8_t sha256[32];

	digest_init(&digest, DIGEST_SHA256);
	for (size_t i = 0; i < chunked->trailer_count; i++) {
		const struct http_header *trailer = &chunked->trailers[i];

		digest_update(&digest, trailer->name.data, trailer->name.len);
		digest_update(&digest, ":", 1);
		digest_update(&digest, trailer->value.data, trailer->value.len);
		digest_update(&digest, "\n", 1);
	}
	digest_final(&digest, sha256);
	check_signature(chunked, "AWS4-HMAC-SHA256-TRAILER", false, sha256);
}

/* --- a chunk's header ----------------------------------------------------- */

/* Up to 16 digits. */
static bool
read_size(struct slice text, uint64_t *size)
{
	*size = 0;
	if (text.len == 0 || text.len > 16)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.data[i];
		unsigned int digit;

		if (c >= '0' && c <= '9')
			digit = (unsigned int)(c - '0');
		else if (c >= 'a' && c <= 'f')
			digit = (unsigned int)(c - 'a') + 10;
		else if (c >= 'A' && c <= 'F')
			digit = (unsigned int)(c - 'A') + 10;
		else
			return false;
		*size = *size << 4 | digit;
	}
	return true;
}

static bool
read_signature(struct aws_chunked *chunked, struct slice text)
{
	if (text.len != SIGV4_SIGNATURE_LEN)
		return false;
	memcpy(chunked->claimed, text.data, text.len);
	return true;
}

/* "10000;chunk-signature=SIGNATURE"; extensions we do not know are passed. */
static void
begin_chunk(struct aws_chunked *chunked, struct slice line)
{
	struct slice rest = line;
	struct slice piece;
	bool is_claimed = false;

	(void)slice_split(&rest, ';', &piece);
	if (!read_size(slice_trim(piece), &chunked->left)) {
		fail_broken(chunked, "A chunk's size is malformed.");
		return;
	}
	while (slice_split(&rest, ';', &piece)) {
		piece = slice_trim(piece);
		if (slice_has_prefix(piece, SLICE("chunk-signature=")))
			is_claimed = read_signature(chunked,
				slice_from(piece,
					sizeof("chunk-signature=") - 1));
	}
	if (chunked->is_signed && !is_claimed) {
		fail_broken(chunked, "A chunk's signature is missing.");
		return;
	}
	if (chunked->is_signed)
		digest_init(&chunked->digest, DIGEST_SHA256);
	if (chunked->left) {
		chunked->state = AWS_CHUNKED_DATA;
		return;
	}
	chunked->state = AWS_CHUNKED_TRAILER;
	check_chunk(chunked);
}

/* --- trailers ------------------------------------------------------------- */

/* Names may come in any case; the text is ours, so they are changed there. */
static void
lower(struct aws_chunked *chunked, struct slice name)
{
	char *at = chunked->text + (name.data - chunked->text);

	for (size_t i = 0; i < name.len; i++)
		if (at[i] >= 'A' && at[i] <= 'Z')
			at[i] = (char)(at[i] - 'A' + 'a');
}

static void
take_trailer(struct aws_chunked *chunked, struct slice line)
{
	ptrdiff_t colon = slice_find_char(line, ':');
	struct slice name;
	struct slice value;

	if (colon <= 0) {
		fail_broken(chunked, "A trailer is malformed.");
		return;
	}
	name = slice_trim(slice_first(line, (size_t)colon));
	value = slice_trim(slice_from(line, (size_t)colon + 1));
	lower(chunked, name);
	if (slice_equal(name, SLICE(TRAILER_SIGNATURE))) {
		/* Nothing may follow what signs all that came before. */
		if (chunked->has_claimed_trailers ||
			!read_signature(chunked, value))
			fail_broken(chunked,
				"The trailer's signature is malformed.");
		chunked->has_claimed_trailers = true;
		return;
	}
	if (!chunked->has_trailer || chunked->has_claimed_trailers ||
		chunked->trailer_count == AWS_CHUNKED_TRAILERS_MAX) {
		fail_broken(chunked, "There are trailers out of place.");
		return;
	}
	chunked->trailers[chunked->trailer_count++] =
		(struct http_header){name, value};
}

/* An empty line: the end, or what minio's clients have before a signature. */
static void
finish(struct aws_chunked *chunked)
{
	bool is_checked = chunked->is_signed && chunked->has_trailer;

	if (is_checked && !chunked->has_claimed_trailers) {
		if (chunked->trailer_count == 0 || chunked->has_empty_line)
			fail_broken(chunked,
				"The trailer's signature is missing.");
		chunked->has_empty_line = true;
		return;
	}
	chunked->state = AWS_CHUNKED_DONE;
	if (is_checked)
		check_trailers(chunked);
}

/* --- lines ---------------------------------------------------------------- */

static void
end_header(struct aws_chunked *chunked)
{
	struct slice line = slice_of(chunked->text, chunked->text_len);

	chunked->text_len = 0;
	if (!slice_has_suffix(line, SLICE("\r"))) {
		fail_broken(chunked, "A chunk's header is malformed.");
		return;
	}
	begin_chunk(chunked, slice_first(line, line.len - 1));
}

/* Some clients end the lines of trailers by LF alone. */
static void
end_trailer(struct aws_chunked *chunked)
{
	struct slice line = slice_of(chunked->text + chunked->line_start,
		chunked->text_len - chunked->line_start);

	if (slice_has_suffix(line, SLICE("\r")))
		line = slice_first(line, line.len - 1);
	chunked->line_start = chunked->text_len;
	if (line.len)
		take_trailer(chunked, line);
	else
		finish(chunked);
}

/* Bytes up to the end of a line; returns how many were used. */
static size_t
take_line(struct aws_chunked *chunked, const char *bytes, size_t len)
{
	bool is_header = chunked->state == AWS_CHUNKED_HEADER;
	size_t max = is_header ? AWS_CHUNKED_LINE_MAX : AWS_CHUNKED_TRAILER_MAX;
	const char *end = memchr(bytes, '\n', len);
	size_t used = end ? (size_t)(end - bytes) : len;

	if (used > max - chunked->text_len) {
		fail_broken(chunked, is_header ? "A chunk's header is too long."
					       : "The trailers are too long.");
		return len;
	}
	memcpy(chunked->text + chunked->text_len, bytes, used);
	chunked->text_len += used;
	if (!end)
		return used;
	if (is_header)
		end_header(chunked);
	else
		end_trailer(chunked);
	return used + 1;
}

/* --- data ----------------------------------------------------------------- */

/* Data moves down over the framing that came before it. */
static size_t
take_data(struct aws_chunked *chunked, const char *bytes, size_t len, char *to,
	size_t *got)
{
	size_t part = len < chunked->left ? len : (size_t)chunked->left;

	if (chunked->is_signed)
		digest_update(&chunked->digest, bytes, part);
	if (to + *got != bytes)
		memmove(to + *got, bytes, part);
	*got += part;
	chunked->decoded += part;
	chunked->left -= part;
	if (chunked->left == 0)
		chunked->state = AWS_CHUNKED_DATA_END;
	return part;
}

static size_t
take_data_end(struct aws_chunked *chunked, char byte)
{
	char wanted = chunked->text_len == 0 ? '\r' : '\n';

	if (byte != wanted) {
		fail_broken(chunked, "A chunk is longer than its size.");
		return 1;
	}
	chunked->text_len++;
	if (wanted == '\n') {
		chunked->text_len = 0;
		chunked->state = AWS_CHUNKED_HEADER;
		check_chunk(chunked);
	}
	return 1;
}

/* A second empty line, and not a byte more. */
static size_t
take_surplus(struct aws_chunked *chunked, char byte)
{
	if (chunked->surplus >= 2 || byte != "\r\n"[chunked->surplus])
		fail_broken(chunked, "Bytes follow the last chunk.");
	chunked->surplus++;
	return 1;
}

enum s3_error
aws_chunked_feed(struct aws_chunked *chunked, char *bytes, size_t len,
	size_t *got)
{
	size_t used = 0;

	*got = 0;
	while (used < len && chunked->state != AWS_CHUNKED_BAD) {
		switch (chunked->state) {
		case AWS_CHUNKED_HEADER:
		case AWS_CHUNKED_TRAILER:
			used += take_line(chunked, bytes + used, len - used);
			break;
		case AWS_CHUNKED_DATA:
			used += take_data(chunked, bytes + used, len - used,
				bytes, got);
			break;
		case AWS_CHUNKED_DATA_END:
			used += take_data_end(chunked, bytes[used]);
			break;
		case AWS_CHUNKED_DONE:
			used += take_surplus(chunked, bytes[used]);
			break;
		case AWS_CHUNKED_BAD:
			break;
		}
	}
	return chunked->error;
}

struct slice
aws_chunked_trailer(const struct aws_chunked *chunked, const char *name)
{
	for (size_t i = 0; i < chunked->trailer_count; i++)
		if (slice_equal(chunked->trailers[i].name, slice_str(name)))
			return chunked->trailers[i].value;
	return SLICE_NULL;
}
