/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sigv4_private.h - the steps of sigv4_verify(): what a request claims, the
 * text that its signature covers, the key that made it.
 *
 * Ownership: slices point into the request or its arena.
 */
#pragma once

#include <pthread.h>

#include "s3api/auth/sigv4.h"
#include "store/base/buffer.h"

/* --- sigv4_claim.c: what the header or the query says --------------------- */

struct sigv4_claim {
	bool is_presigned;
	const char *wanted_service;
	struct slice access_key;
	struct slice scope; /* "20130524/us-east-1/s3/aws4_request" */
	struct slice date;
	struct slice region;
	struct slice service;
	struct slice signed_headers; /* "host;x-amz-date" */
	struct slice signature;
	struct slice payload; /* as it is signed */
	struct slice session; /* token; SLICE_NULL: none came */
	char timestamp[17];
	int64_t signed_ns;
	unsigned long expires_s; /* presigned */

	const struct http_param *params;
	size_t param_count;
};

enum sigv4_claim_kind {
	SIGV4_CLAIM_NONE,
	SIGV4_CLAIM_MADE,
	SIGV4_CLAIM_BAD, /* the report says why */
};

/* service: what it must be for.  payload: of a service whose clients do not
 * send it; else SLICE_NULL. */
enum sigv4_claim_kind sigv4_claim_read(const struct http_request *request,
	const char *service, struct slice payload, struct sigv4_claim *claim,
	struct error_report *report);

/* The same of a form.  INVALID_ARGUMENT, AUTHORIZATION_QUERY_PARAMETERS. */
must_check enum s3_error sigv4_claim_read_form(const struct sigv4_form *form,
	struct sigv4_claim *claim, struct arena *arena,
	struct error_report *report);

/* What the payload line of the claim means.  INVALID_ARGUMENT. */
must_check enum s3_error sigv4_claim_payload(const struct sigv4_claim *claim,
	struct sigv4_caller *caller, struct error_report *report);

/* AUTHORIZATION_HEADER_MALFORMED or its equal for a query, saying what. */
enum s3_error sigv4_claim_malformed(const struct sigv4_claim *claim,
	struct arena *arena, struct error_report *report, const char *format,
	...) printf_like(4, 5);

/* --- sigv4_canonical.c: the text --------------------------------------- */

/* A list without repeats that covers all it must. */
must_check enum s3_error
sigv4_canonical_check_headers(const struct http_request *request,
	const struct sigv4_claim *claim, struct error_report *report);

/* The canonical request.  INVALID_URI: the path cannot be decoded. */
must_check enum s3_error
sigv4_canonical_request(const struct http_request *request,
	const struct sigv4_claim *claim, struct buffer *to,
	struct error_report *report);

/* --- sigv4_key.c: the key ---------------------------------------------- */

#define SIGV4_KEY_SETS 64
#define SIGV4_KEY_WAYS 4

/* What a signing key is made of, digested; and the key. */
struct sigv4_key_entry {
	uint8_t name[32];
	uint8_t key[SIGV4_KEY_LEN];
};

struct sigv4_key_set {
	pthread_mutex_t lock;
	/* under lock */
	struct sigv4_key_entry entries[SIGV4_KEY_WAYS];
	size_t next; /* to be replaced */
};

struct sigv4_key_cache {
	struct sigv4_key_set sets[SIGV4_KEY_SETS];
};

void sigv4_key_cache_init(struct sigv4_key_cache *cache);
void sigv4_key_cache_wipe(struct sigv4_key_cache *cache);

/* The signing key of a secret for a day, a region and a service. */
void sigv4_key_find(struct sigv4_key_cache *cache, struct slice secret,
	const struct sigv4_claim *claim, uint8_t key[SIGV4_KEY_LEN]);

/* HMAC-SHA256 of text by a signing key, in hexadecimal. */
void sigv4_key_sign(const uint8_t key[SIGV4_KEY_LEN], struct slice text,
	char signature[SIGV4_SIGNATURE_LEN + 1]);
