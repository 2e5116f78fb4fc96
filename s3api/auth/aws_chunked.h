/* SPDX-License-Identifier: Apache-2.0 */
/*
 * aws_chunked.h - the coding that SDKs put around a payload that they sign, or
 * checksum, as they send it (S3 API: Signature Calculations, Transferring
 * Payload in Multiple Chunks):
 *
 *	10000;chunk-signature=SIGNATURE CRLF DATA CRLF
 *	0;chunk-signature=SIGNATURE CRLF
 *	x-amz-checksum-crc32c:VALUE CRLF
 *	x-amz-trailer-signature:SIGNATURE CRLF
 *	CRLF
 *
 * minio's clients end the line of a trailer by LF and have a further CRLF
 * after the trailers, ahead of their signature: that is accepted.
 *
 * Nothing is read here: bytes are fed in pieces of any size and decoded where
 * they lie.  Data comes out before the signature of its chunk is checked, so
 * nothing may be done with it that cannot be undone before AWS_CHUNKED_DONE.
 *
 * Threads:   one at a time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "s3api/auth/sigv4.h"
#include "s3api/error.h"
#include "store/base/compiler.h"
#include "store/base/digest.h"
#include "store/base/slice.h"

#define AWS_CHUNKED_LINE_MAX 1024    /* a chunk's header */
#define AWS_CHUNKED_TRAILER_MAX 4096 /* all trailers */
#define AWS_CHUNKED_TRAILERS_MAX 16

enum aws_chunked_state {
	AWS_CHUNKED_HEADER,
	AWS_CHUNKED_DATA,
	AWS_CHUNKED_DATA_END, /* the CRLF after it */
	AWS_CHUNKED_TRAILER,
	AWS_CHUNKED_DONE,
	AWS_CHUNKED_BAD, /* error and message say why */
};

struct aws_chunked {
	enum aws_chunked_state state;
	enum s3_error error;
	const char *message;
	uint64_t decoded; /* bytes of data so far */

	const struct sigv4_caller *caller;
	bool is_signed;
	bool has_trailer;

	uint64_t left;	      /* of the chunk */
	struct digest digest; /* of the chunk */
	char previous[SIGV4_SIGNATURE_LEN + 1];
	char claimed[SIGV4_SIGNATURE_LEN + 1];
	bool has_empty_line;	   /* after trailers, before that */
	bool has_claimed_trailers; /* x-amz-trailer-signature has come */

	/* The line that is being gathered, or all trailers so far. */
	char text[AWS_CHUNKED_TRAILER_MAX];
	size_t text_len;
	size_t line_start; /* of the trailer line being gathered */

	/* Names are lower-case; both point into text. */
	struct http_header trailers[AWS_CHUNKED_TRAILERS_MAX];
	size_t trailer_count;
	size_t surplus; /* bytes after the end */
};

/*
 * caller->payload must be one of the chunked kinds; it is borrowed until
 * aws_chunked_end().
 */
void aws_chunked_begin(struct aws_chunked *chunked,
	const struct sigv4_caller *caller);

/*
 * Takes all len bytes and leaves the *got bytes of data among them at their
 * start.  The error, now and from now on: INCOMPLETE_BODY where the coding is
 * broken or bytes follow its end, SIGNATURE_DOES_NOT_MATCH.
 */
must_check enum s3_error aws_chunked_feed(struct aws_chunked *chunked,
	char *bytes, size_t len, size_t *got);

/* The value of a (lower-case) trailer, or SLICE_NULL. */
struct slice aws_chunked_trailer(const struct aws_chunked *chunked,
	const char *name);

/* Frees what a chunk cut short still holds. */
void aws_chunked_end(struct aws_chunked *chunked);
