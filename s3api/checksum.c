/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/checksum.h"

#include <assert.h>
#include <endian.h>

#include "store/base/text.h"

#define PARTS_MAX 10000

static const struct kind {
	enum digest_kind kind;
	const char *name;
	const char *header;
	const char *element;
	bool can_be_full;
	bool can_be_composite;
} kinds[] = {
	{DIGEST_CRC32, "CRC32", "x-amz-checksum-crc32", "ChecksumCRC32", true,
		true},
	{DIGEST_CRC32C, "CRC32C", "x-amz-checksum-crc32c", "ChecksumCRC32C",
		true, true},
	{DIGEST_CRC64NVME, "CRC64NVME", "x-amz-checksum-crc64nvme",
		"ChecksumCRC64NVME", true, false},
	{DIGEST_SHA1, "SHA1", "x-amz-checksum-sha1", "ChecksumSHA1", false,
		true},
	{DIGEST_SHA256, "SHA256", "x-amz-checksum-sha256", "ChecksumSHA256",
		false, true},
	{DIGEST_SHA512, "SHA512", "x-amz-checksum-sha512", "ChecksumSHA512",
		false, true},
	{DIGEST_MD5, "MD5", "x-amz-checksum-md5", "ChecksumMD5", false, true},
	{DIGEST_XXHASH64, "XXHASH64", "x-amz-checksum-xxhash64",
		"ChecksumXXHASH64", false, true},
	{DIGEST_XXHASH3, "XXHASH3", "x-amz-checksum-xxhash3", "ChecksumXXHASH3",
		false, true},
	{DIGEST_XXHASH128, "XXHASH128", "x-amz-checksum-xxhash128",
		"ChecksumXXHASH128", false, true},
};

_Static_assert(array_len(kinds) == DIGEST_KIND_LAST, "S3 has all of them");

/* --- names ---------------------------------------------------------------- */

static const struct kind *
kind_of(enum digest_kind kind)
{
	for (size_t i = 0; i < array_len(kinds); i++)
		if (kinds[i].kind == kind)
			return &kinds[i];
	/* Whoever has a kind has it from here, or from a checked record. */
	assert(false);
	return NULL;
}

bool
checksum_kind_from_name(struct slice name, enum digest_kind *kind)
{
	for (size_t i = 0; i < array_len(kinds); i++) {
		if (slice_equal_nocase(name, slice_str(kinds[i].name))) {
			*kind = kinds[i].kind;
			return true;
		}
	}
	return false;
}

const char *
checksum_name(enum digest_kind kind)
{
	return kind_of(kind)->name;
}

const char *
checksum_header(enum digest_kind kind)
{
	return kind_of(kind)->header;
}

const char *
checksum_element(enum digest_kind kind)
{
	return kind_of(kind)->element;
}

const char *
checksum_type_name(bool is_composite)
{
	return is_composite ? "COMPOSITE" : "FULL_OBJECT";
}

/* --- values --------------------------------------------------------------- */

void
checksum_to_text(const struct checksum *checksum, char to[CHECKSUM_TEXT_MAX])
{
	scoped(buffer_free) struct buffer parts = {0};
	size_t len = TEXT_BASE64_LEN((size_t)checksum->len);

	assert(checksum->len <= DIGEST_LEN_MAX);
	text_to_base64(checksum->value, checksum->len, to);
	if (!checksum->is_composite || checksum->parts == 0)
		return;
	assert(checksum->parts <= PARTS_MAX);
	buffer_printf(&parts, "-%u", checksum->parts);
	memcpy(to + len, parts.data, parts.len);
	to[len + parts.len] = '\0';
}

bool
checksum_from_text(enum digest_kind kind, struct slice text,
	struct checksum *out)
{
	ptrdiff_t mark = slice_find_char(text, '-');
	unsigned long parts = 0;
	size_t len = sizeof(out->value);

	*out = (struct checksum){.kind = kind};
	if (mark >= 0) {
		if (!slice_to_u64(slice_from(text, (size_t)mark + 1), PARTS_MAX,
			    &parts) ||
			parts == 0)
			return false;
		text = slice_first(text, (size_t)mark);
		out->is_composite = true;
		out->parts = (uint32_t)parts;
	}
	if (!text_from_base64(text, out->value, &len) ||
		len != digest_len(kind))
		return false;
	out->len = (uint8_t)len;
	return true;
}

bool
checksum_equal(const struct checksum *a, const struct checksum *b)
{
	return a->kind == b->kind && a->is_composite == b->is_composite &&
	       (!a->is_composite || a->parts == b->parts) && a->len == b->len &&
	       digest_equal(a->value, b->value, a->len);
}

/* --- requests ------------------------------------------------------------- */

static enum s3_error
bad_value(struct error_report *report, const struct http_request *request,
	const char *header)
{
	struct slice message = arena_printf(request->arena,
		"Value for %s header is invalid.", header);

	return error_set(report, S3_INVALID_REQUEST, message.data);
}

static enum s3_error
too_many(struct error_report *report)
{
	return error_set(report, S3_INVALID_REQUEST,
		"Expecting a single x-amz-checksum- header. Multiple checksum "
		"Types are not allowed.");
}

/* x-amz-checksum-sha384: it would be a promise that nobody holds. */
static bool
is_unknown_kind(struct slice name)
{
	static const char *const others[] = {"x-amz-checksum-algorithm",
		"x-amz-checksum-mode", "x-amz-checksum-type"};

	if (!slice_has_prefix(name, SLICE("x-amz-checksum-")))
		return false;
	for (size_t i = 0; i < array_len(others); i++) {
		if (slice_equal(name, slice_str(others[i])))
			return false;
	}
	for (size_t i = 0; i < array_len(kinds); i++) {
		if (slice_equal(name, slice_str(kinds[i].header)))
			return false;
	}
	return true;
}

/* The one value there is among the x-amz-checksum-* headers, if any. */
static enum s3_error
read_value(const struct http_request *request, struct checksum *out,
	struct error_report *report)
{
	size_t total = 0;
	const char *bad = NULL;

	*out = (struct checksum){0};
	for (size_t i = 0; i < array_len(kinds); i++) {
		const char *header = kinds[i].header;
		size_t count = http_request_header_count(request, header);

		total += count;
		if (count && !checksum_from_text(kinds[i].kind,
				     http_request_header(request, header), out))
			bad = header;
	}
	for (size_t i = 0; i < request->header_count; i++) {
		if (is_unknown_kind(request->headers[i].name))
			return error_set(report, S3_INVALID_REQUEST,
				"The algorithm type you specified in "
				"x-amz-checksum- header is invalid.");
	}
	if (total > 1)
		return too_many(report);
	if (bad)
		return bad_value(report, request, bad);
	return S3_OK;
}

static enum s3_error
read_md5(const struct http_request *request, struct checksum_request *out,
	struct error_report *report)
{
	struct slice text = http_request_header(request, "content-md5");
	size_t len = sizeof(out->md5);

	out->has_md5 = http_request_header_count(request, "content-md5") > 0;
	if (!out->has_md5)
		return S3_OK;
	if (!text_from_base64(text, out->md5, &len) || len != sizeof(out->md5))
		return error_set(report, S3_INVALID_DIGEST, NULL);
	return S3_OK;
}

/* x-amz-trailer may list others too, such as a client's own. */
static enum s3_error
read_trailer(const struct http_request *request, struct checksum_request *out,
	struct error_report *report)
{
	struct slice rest = http_request_header(request, "x-amz-trailer");
	struct slice piece;

	while (slice_split(&rest, ',', &piece)) {
		bool is_known = false;

		piece = slice_trim(piece);
		if (!slice_equal_nocase(slice_first(piece, 15),
			    SLICE("x-amz-checksum-")))
			continue;
		if (out->trailer)
			return too_many(report);
		is_known = checksum_kind_from_name(slice_from(piece, 15),
			&out->trailer);
		if (!is_known)
			return error_set(report, S3_INVALID_REQUEST,
				"The value specified in the x-amz-trailer "
				"header is not supported");
	}
	return S3_OK;
}

/* The algorithm that a header names, where the header is there. */
static enum s3_error
read_algorithm(const struct http_request *request, const char *header,
	enum digest_kind *kind, struct error_report *report)
{
	*kind = 0;
	if (!http_request_header_count(request, header) ||
		checksum_kind_from_name(http_request_header(request, header),
			kind))
		return S3_OK;
	return error_set(report, S3_INVALID_REQUEST,
		"Checksum algorithm provided is unsupported. Please try again "
		"with any of the valid types: [CRC32, CRC32C, CRC64NVME, "
		"SHA1, SHA256, SHA512, MD5, XXHASH64, XXHASH3, XXHASH128]");
}

/*
 * x-amz-sdk-checksum-algorithm alone promises nothing, but tells which one the
 * client would have stored.
 */
static enum s3_error
settle(const struct http_request *request, struct checksum_request *out,
	struct error_report *report)
{
	enum digest_kind named;
	enum s3_error error = read_algorithm(request,
		"x-amz-sdk-checksum-algorithm", &named, report);

	if (error)
		return error;
	if (out->given.kind && out->trailer)
		return too_many(report);
	out->asked = out->given.kind ? out->given.kind : out->trailer;
	if (named && out->asked && named != out->asked)
		return error_set(report, S3_INVALID_REQUEST,
			"Value for x-amz-sdk-checksum-algorithm header is "
			"invalid.");
	if (!out->asked)
		out->asked = named;
	return S3_OK;
}

enum s3_error
checksum_parse(const struct http_request *request, struct checksum_request *out,
	struct error_report *report)
{
	enum s3_error error;

	*out = (struct checksum_request){0};
	error = read_md5(request, out, report);
	if (!error)
		error = read_value(request, &out->given, report);
	if (!error && out->given.is_composite)
		error = bad_value(report, request,
			checksum_header(out->given.kind));
	if (!error)
		error = read_trailer(request, out, report);
	if (!error)
		error = settle(request, out, report);
	return error;
}

enum s3_error
checksum_parse_object(const struct http_request *request, struct checksum *out,
	struct error_report *report)
{
	return read_value(request, out, report);
}

enum s3_error
checksum_compare(const struct checksum *given, const struct checksum *computed,
	struct arena *arena, struct error_report *report)
{
	struct slice message;

	if (checksum_equal(given, computed))
		return S3_OK;
	message = arena_printf(arena,
		"The %s you specified did not match the calculated checksum.",
		checksum_name(given->kind));
	return error_set(report, S3_BAD_DIGEST, message.data);
}

/* --- uploads -------------------------------------------------------------- */

/* Whether x-amz-checksum-type is there, and which it says. */
static enum s3_error
read_type(const struct http_request *request, bool *is_given, bool *is_full,
	struct error_report *report)
{
	struct slice type = http_request_header(request, "x-amz-checksum-type");

	*is_full = slice_equal_nocase(type, SLICE("FULL_OBJECT"));
	*is_given =
		http_request_header_count(request, "x-amz-checksum-type") > 0;
	if (!*is_given || *is_full ||
		slice_equal_nocase(type, SLICE("COMPOSITE")))
		return S3_OK;
	return error_set(report, S3_INVALID_REQUEST,
		"Value for x-amz-checksum-type header is invalid.");
}

enum s3_error
checksum_check_copy(const struct http_request *request,
	struct error_report *report)
{
	enum digest_kind ignored;

	return read_algorithm(request, "x-amz-checksum-algorithm", &ignored,
		report);
}

enum s3_error
checksum_parse_upload(const struct http_request *request,
	struct checksum_upload *out, struct error_report *report)
{
	const struct kind *kind;
	struct slice message;
	bool is_type_given;
	bool is_full;
	enum s3_error error;

	*out = (struct checksum_upload){0};
	error = read_algorithm(request, "x-amz-checksum-algorithm", &out->kind,
		report);
	if (!error)
		error = read_type(request, &is_type_given, &is_full, report);
	if (error)
		return error;
	if (!out->kind && is_type_given)
		return error_set(report, S3_INVALID_REQUEST,
			"The x-amz-checksum-type header can only be used with "
			"the x-amz-checksum-algorithm header.");
	out->is_default = !out->kind;
	if (!out->kind)
		out->kind = CHECKSUM_DEFAULT;
	kind = kind_of(out->kind);
	out->is_full = is_type_given ? is_full : !kind->can_be_composite;
	if (out->is_full ? kind->can_be_full : kind->can_be_composite)
		return S3_OK;
	message = arena_printf(request->arena,
		"The %s checksum type cannot be used with the %s checksum "
		"algorithm.",
		checksum_type_name(!out->is_full), kind->name);
	return error_set(report, S3_INVALID_REQUEST, message.data);
}

void
checksum_sum_begin(struct checksum_sum *sum, enum digest_kind kind,
	bool is_full)
{
	*sum = (struct checksum_sum){.kind = kind, .is_full = is_full};
	assert(!is_full || kind_of(kind)->can_be_full);
	if (!is_full)
		digest_init(&sum->digest, kind);
}

static uint64_t
load_crc(const uint8_t *value, size_t len)
{
	uint64_t crc = 0;

	for (size_t i = 0; i < len; i++)
		crc = crc << 8 | value[i];
	return crc;
}

void
checksum_sum_add(struct checksum_sum *sum, const uint8_t *value, uint64_t size)
{
	size_t len = digest_len(sum->kind);

	sum->parts++;
	if (sum->is_full)
		sum->crc = digest_crc_combine(sum->kind, sum->crc,
			load_crc(value, len), size);
	else
		digest_update(&sum->digest, value, len);
}

void
checksum_sum_end(struct checksum_sum *sum, struct checksum *out)
{
	size_t len = digest_len(sum->kind);
	uint64_t crc = htobe64(sum->crc);

	*out = (struct checksum){
		.kind = sum->kind,
		.is_composite = !sum->is_full,
		.parts = sum->is_full ? 0 : sum->parts,
		.len = (uint8_t)len,
	};
	if (sum->is_full)
		memcpy(out->value, (char *)&crc + sizeof(crc) - len, len);
	else
		digest_final(&sum->digest, out->value);
}
