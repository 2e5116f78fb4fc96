/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sigv4.h - who signed a request: AWS Signature Version 4 as S3 uses it
 * (S3 API: Authenticating Requests), in the Authorization header or in the
 * query of a presigned URL.
 *
 * A verifier is made once a server.  Tokens are looked up for each request,
 * so one that is deleted is refused from then on; only keys derived from a
 * secret are kept, a bounded number of them, and wiped when they leave.
 *
 * Threads:   any may call sigv4_verify() at once; no wait of a fiber in it.
 * Ownership: slices of a caller and of a report live in the request's arena.
 *            A caller holds a key: sigv4_caller_wipe() when done with it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "s3api/error.h"
#include "s3api/http/http_request.h"
#include "store/base/compiler.h"
#include "store/token.h"

#define SIGV4_KEY_LEN 32
#define SIGV4_SIGNATURE_LEN 64 /* hexadecimal digits */
#define SIGV4_SCOPE_MAX 128

/* What the signature promises of the payload. */
enum sigv4_payload {
	SIGV4_PAYLOAD_UNSIGNED,
	SIGV4_PAYLOAD_SHA256,		/* its SHA-256 */
	SIGV4_PAYLOAD_CHUNKS,		/* a chain of signed chunks */
	SIGV4_PAYLOAD_CHUNKS_TRAILER,	/* and a signed trailer */
	SIGV4_PAYLOAD_UNSIGNED_TRAILER, /* chunks, nothing of them signed */
};

/* Who called, and what body.c needs to check the payload. */
struct sigv4_caller {
	struct token token;
	bool is_presigned;
	bool is_form;
	int64_t signed_ns;
	enum sigv4_payload payload;
	uint8_t sha256[32];			 /* of SIGV4_PAYLOAD_SHA256 */
	uint8_t key[SIGV4_KEY_LEN];		 /* signs chunks; secret */
	char signature[SIGV4_SIGNATURE_LEN + 1]; /* seeds their chain */
	char timestamp[17];			 /* "20130524T000000Z" */
	/* "20130524/us-east-1/s3/aws4_request" */
	char scope[SIGV4_SCOPE_MAX + 1];
};

/* A caller of zeros is that of an anonymous request. */
void sigv4_caller_wipe(struct sigv4_caller *caller);

struct sigv4_config {
	/* Accepted beside "default" and "us-east-1", and told to clients that
	 * sign for another one. */
	struct slice region;

	/* token_find(), or a test's own.  NO_TOKEN: unknown. */
	enum store_err (*find)(void *context, struct slice access_key,
		struct token *token, char secret[TOKEN_SECRET_MAX + 1]);
	/* token_secret_session().  NULL: no token has one. */
	void (*session)(void *context, const struct token *token,
		char session[TOKEN_SESSION_LEN + 1]);
	void *context;
};

struct sigv4;

/* Copies the region. */
struct sigv4 *sigv4_create(const struct sigv4_config *config);

/* Over the tokens and the region of a store. */
struct sigv4 *sigv4_create_for_store(struct store *store);

/* Wipes and frees.  NULL is allowed. */
void sigv4_free(struct sigv4 **sigv4);

enum sigv4_outcome {
	SIGV4_SIGNED,	 /* *caller is known */
	SIGV4_ANONYMOUS, /* nothing was signed; the report says AccessDenied
			  * for whoever does not want that */
	SIGV4_REFUSED,	 /* the report says why */
};

/* now_ns: clock_now_ns(), or a test's own. */
must_check enum sigv4_outcome sigv4_verify(struct sigv4 *sigv4,
	const struct http_request *request, int64_t now_ns,
	struct sigv4_caller *caller, struct error_report *report);

/* The fields of an HTML form by which its policy is signed; empty: not there.
 */
struct sigv4_form {
	struct slice algorithm;
	struct slice credential;
	struct slice date;
	struct slice signature;
	struct slice token;
	struct slice policy; /* in base64: what is signed */
};

/* Who signed the policy of a form.  What the header of a request gets too. */
must_check enum s3_error sigv4_verify_form(struct sigv4 *sigv4,
	const struct http_request *request, const struct sigv4_form *form,
	int64_t now_ns, struct sigv4_caller *caller,
	struct error_report *report);

/* The same of another service than "s3", whose clients sign the SHA-256 of the
 * body and send no x-amz-content-sha256. */
must_check enum sigv4_outcome sigv4_verify_service(struct sigv4 *sigv4,
	const struct http_request *request, const char *service,
	const uint8_t sha256[32], int64_t now_ns, struct sigv4_caller *caller,
	struct error_report *report);
