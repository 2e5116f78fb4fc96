/* SPDX-License-Identifier: Apache-2.0 */
/*
 * body.h - the payload of a request, plain, whatever it came wrapped in, with
 * everything checked that was promised of it: SHA-256 or chunk signatures of
 * the signature, Content-MD5, x-amz-checksum-*, its length.
 *
 *	scoped(body_free) struct body body = {0};
 *	error = body_begin(&body, request, &caller, &options, report);
 *	while (!error) {
 *		error = body_read(&body, piece, sizeof(piece), &got);
 *		if (error || got == 0)
 *			break;
 *		... write got bytes ...
 *	}
 *	if (!error)
 *		error = body_finish(&body);
 *	... only now commit, with body.md5 and body.checksum ...
 *
 * Read in large pieces (256 KiB): a piece costs a system call.
 *
 * Threads:   the fiber that serves the connection; reads yield it.
 * Ownership: the request, the caller and the report must outlive the body.
 * Failure:   an error is in the report too, and comes again from then on.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "s3api/auth/aws_chunked.h"
#include "s3api/auth/sigv4.h"
#include "s3api/checksum.h"
#include "s3api/error.h"
#include "s3api/http/http_request.h"
#include "s3api/multipart.h"
#include "store/base/compiler.h"
#include "store/base/digest.h"

struct body_options {
	bool wants_length; /* MISSING_CONTENT_LENGTH where none came */
	bool wants_md5;	   /* for the ETag */

	/*
	 * The checksum to compute, whatever the client sent: that of the
	 * upload a part belongs to.  0: the client's, or none where it sent
	 * none and default_kind is 0.
	 */
	enum digest_kind kind;
	enum digest_kind default_kind; /* CHECKSUM_DEFAULT for objects */

	/* The headers speak of an object and not of this body, as those of
	 * CompleteMultipartUpload do. */
	bool ignores_checksum;

	uint64_t max;	    /* ENTITY_TOO_LARGE beyond; 0: no bound */
	bool takes_nothing; /* then that is the bound */

	/* The file of a form, which multipart_next() has come to; its length
	 * is not known.  NULL: the body itself. */
	struct multipart *form;
};

#define BODY_DIGESTS_MAX 4

struct body {
	/* from body_finish() on */
	uint8_t md5[16];	  /* where wants_md5 */
	struct checksum checksum; /* kind 0: none was wanted */

	/* from body_begin() on */
	struct checksum_request asked;
	bool is_length_known;
	uint64_t length; /* of the plain payload */
	uint64_t got;	 /* so far */

	/* private to body.c and body_pieces.c */
	struct http_request *request;
	const struct sigv4_caller *caller;
	struct error_report *report;
	enum s3_error error;
	uint64_t max;
	enum digest_kind kind;
	bool is_at_end;
	bool is_finished;
	bool wants_md5;
	struct aws_chunked *chunked; /* in the arena; NULL: plain */
	struct multipart *form;	     /* NULL: the body itself */
	struct digest digests[BODY_DIGESTS_MAX];
	size_t digest_count;
};

/*
 * Reads no byte yet.  MISSING_CONTENT_LENGTH, ENTITY_TOO_LARGE,
 * INVALID_ARGUMENT (a malformed length, or frames that nothing says are ones),
 * what checksum_parse() gives.
 */
must_check enum s3_error body_begin(struct body *body,
	struct http_request *request, const struct sigv4_caller *caller,
	const struct body_options *options, struct error_report *report);

/*
 * Up to len bytes (of a form at least MULTIPART_READ_MIN); *got is 0 only at
 * the end.  INCOMPLETE_BODY: it ends early,
 * or is broken; REQUEST_TIMEOUT; SERVICE_UNAVAILABLE: the server stops;
 * SIGNATURE_DOES_NOT_MATCH; ENTITY_TOO_LARGE; MALFORMED_POST_REQUEST: the form
 * is broken.
 */
must_check enum s3_error body_read(struct body *body, void *to, size_t len,
	size_t *got);

/*
 * The verdict; reads to the end what was left.  MALFORMED_TRAILER: a checksum
 * that was announced and is not there, or the reverse; CONTENT_SHA256_MISMATCH,
 * BAD_DIGEST, INVALID_REQUEST (a promised trailer is malformed), and what
 * body_read() gives.
 */
must_check enum s3_error body_finish(struct body *body);

/*
 * The whole of a small body, with its verdict, in the request's arena.
 * MAX_MESSAGE_LENGTH: longer than max.  SLOW_DOWN: too many are being read
 * (http_whole.h).
 */
must_check enum s3_error body_read_all(struct body *body, size_t max,
	struct slice *out);

/*
 * Content-Encoding as it is to be stored: without aws-chunked, which was of
 * the transfer alone.  SLICE_NULL: nothing is left, or none came.
 */
struct slice body_content_encoding(const struct http_request *request);

/* Allowed at any time, and on zeros. */
void body_free(struct body *body);
