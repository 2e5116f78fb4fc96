/* SPDX-License-Identifier: Apache-2.0 */
/*
 * checksum.h - the checksums of S3: what a request says, as text and as bytes,
 * and those of uploads made of the checksums of their parts (S3 API: Checking
 * object integrity).  The bytes themselves are summed by body.h.
 *
 * Kinds are those of store/base/digest.h; 0 is none.
 *
 * Threads:   any.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "s3api/error.h"
#include "s3api/http/http_request.h"
#include "store/base/compiler.h"
#include "store/base/digest.h"
#include "store/base/slice.h"
#include "store/base/text.h"

/* What S3 sums objects with when nobody asks for another. */
#define CHECKSUM_DEFAULT DIGEST_CRC64NVME

/* base64 of a value, "-10000" and a NUL. */
#define CHECKSUM_TEXT_MAX (TEXT_BASE64_LEN(DIGEST_LEN_MAX) + 6 + 1)

/* The fields are those of struct object_attrs. */
struct checksum {
	enum digest_kind kind; /* 0: none */
	bool is_composite;
	uint32_t parts; /* of a composite one; 0: not to be told */
	uint8_t len;
	uint8_t value[DIGEST_LEN_MAX];
};

/* --- names ---------------------------------------------------------------- */

/* "CRC32", "SHA256", "XXHASH3" and so on; without regard to case. */
bool checksum_kind_from_name(struct slice name, enum digest_kind *kind);
const char *checksum_name(enum digest_kind kind);
/* "x-amz-checksum-crc32" */
const char *checksum_header(enum digest_kind kind);
/* "ChecksumCRC32" */
const char *checksum_element(enum digest_kind kind);
/* "COMPOSITE" or "FULL_OBJECT" */
const char *checksum_type_name(bool is_composite);

/* --- values --------------------------------------------------------------- */

/* "wdBDMA==", or "wdBDMA==-3" of one that is composite of three parts. */
void checksum_to_text(const struct checksum *checksum,
	char to[CHECKSUM_TEXT_MAX]);

/* The reverse.  False where it is not one of that kind. */
bool checksum_from_text(enum digest_kind kind, struct slice text,
	struct checksum *out);

bool checksum_equal(const struct checksum *a, const struct checksum *b);

/* --- requests ------------------------------------------------------------- */

/* What the headers of a request say of the checksum of its body. */
struct checksum_request {
	bool has_md5;
	uint8_t md5[16];
	struct checksum given;	  /* from a header; kind 0: none */
	enum digest_kind trailer; /* its value comes in a trailer; 0: no */
	enum digest_kind asked;	  /* given, in the trailer, or named by
				   * x-amz-sdk-checksum-algorithm; 0: none */
};

/*
 * Content-MD5, x-amz-checksum-*, x-amz-sdk-checksum-algorithm, x-amz-trailer.
 * INVALID_DIGEST: Content-MD5 is not one.  INVALID_REQUEST: malformed, of an
 * unknown kind, or more than one.
 */
must_check enum s3_error checksum_parse(const struct http_request *request,
	struct checksum_request *out, struct error_report *report);

/* BAD_DIGEST, with a message that names the kind, unless they are equal. */
must_check enum s3_error checksum_compare(const struct checksum *given,
	const struct checksum *computed, struct arena *arena,
	struct error_report *report);

/*
 * CompleteMultipartUpload: the one x-amz-checksum-* header, for the whole
 * object (it may end in "-N"); kind 0: none.  INVALID_REQUEST.
 */
must_check enum s3_error
checksum_parse_object(const struct http_request *request, struct checksum *out,
	struct error_report *report);

/* --- uploads -------------------------------------------------------------- */

/* What CreateMultipartUpload asked for. */
struct checksum_upload {
	enum digest_kind kind;
	bool is_full;	 /* FULL_OBJECT */
	bool is_default; /* nothing was asked: not to be told to the client */
};

/*
 * x-amz-checksum-algorithm and x-amz-checksum-type.  CRC64NVME is full, CRC32
 * and CRC32C are composite unless asked otherwise, all others are composite;
 * without any it is CHECKSUM_DEFAULT, full.  INVALID_REQUEST.
 */
must_check enum s3_error
checksum_parse_upload(const struct http_request *request,
	struct checksum_upload *out, struct error_report *report);

/* x-amz-checksum-algorithm of a copy, which changes nothing.  INVALID_REQUEST:
 * there is no such algorithm. */
must_check enum s3_error checksum_check_copy(const struct http_request *request,
	struct error_report *report);

/*
 * The checksum of an object out of those of its parts, in their order.  What
 * is begun must be ended, which frees it.
 */
struct checksum_sum {
	enum digest_kind kind;
	bool is_full;
	uint32_t parts;
	uint64_t crc;
	struct digest digest;
};

void checksum_sum_begin(struct checksum_sum *sum, enum digest_kind kind,
	bool is_full);
/* A part's value, digest_len() bytes, and the part's size. */
void checksum_sum_add(struct checksum_sum *sum, const uint8_t *value,
	uint64_t size);
void checksum_sum_end(struct checksum_sum *sum, struct checksum *out);
