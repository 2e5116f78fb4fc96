/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sse_c.h - the customer's key that comes with a request: the three headers
 * (S3 API: "Using server-side encryption with customer-provided keys"), held
 * against what is stored.
 *
 *	scoped(sse_c_wipe) struct sse_c sse_c = {0};
 *	error = sse_c_parse(request, SSE_C_OBJECT, &sse_c);
 *
 * Ownership: whoever holds a key wipes it.  What came over the wire is wiped
 * by sse_c_wipe_headers() once the request has been served.
 * Failure:   the error is in the report, too.
 */
#pragma once

#include "s3api/request.h"
#include "store/seal.h"

struct sse_c {
	bool is_given;
	uint8_t key[SEAL_KEY_LEN]; /* secret */
	struct slice md5;	   /* base64, as given */
};

enum sse_c_whose {
	SSE_C_OBJECT,
	SSE_C_COPY_SOURCE,
};

/*
 * is_given: false where none of the three came.  INVALID_REQUEST: over a
 * connection that others can read.  INVALID_ARGUMENT: one is missing or not
 * what it should be, or another kind of encryption is asked for as well.
 */
must_check enum s3_error sse_c_parse(struct request *request,
	enum sse_c_whose whose, struct sse_c *out);

/* The bucket's document "encryption" says what its rule blocks: "SSE-C", or
 * "NONE". */
#define SSE_C_BLOCKED_KIND "encryption"
#define SSE_C_BLOCKED "SSE-C"

/* SSE_C_OBJECT of what is going to be stored.  ACCESS_DENIED, too: the bucket
 * blocks such keys. */
must_check enum s3_error sse_c_parse_stored(struct request *request,
	struct sse_c *out);

/*
 * Opens what an object of those attributes is sealed with; *is_sealed: false
 * where it is not, and no key came.  INVALID_REQUEST: sealed and no key, or a
 * key and not sealed.  INVALID_ARGUMENT: another key.
 */
must_check enum s3_error sse_c_open(struct request *request,
	const struct sse_c *sse_c, struct slice attrs, struct seal *seal,
	bool *is_sealed);

/* The same for a part of an upload: INVALID_REQUEST always. */
must_check enum s3_error sse_c_open_upload(struct request *request,
	const struct sse_c *sse_c, struct slice attrs, struct seal *seal,
	bool *is_sealed);

/* x-amz-server-side-encryption-customer-algorithm and -key-MD5; nothing where
 * no key came. */
void sse_c_reply(struct request *request, const struct sse_c *sse_c);

void sse_c_wipe(struct sse_c *sse_c);

/* Overwrites the keys among the headers. */
void sse_c_wipe_headers(const struct http_request *request);
