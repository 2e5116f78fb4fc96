/* SPDX-License-Identifier: Apache-2.0 */
/*
 * assertion.h - an identity provider for tests: a key, its certificate, and
 * SAML responses signed by it, as they should be or not.
 *
 *	scoped(assertion_idp_close) struct assertion_idp idp = {0};
 *	struct assertion ask = assertion_usual(now_ns);
 *
 *	assertion_idp_open(&idp, "P-256");
 *	ask.audience = "https://elsewhere.example";
 *	xml = assertion_make(&idp, &ask);
 *
 * Failure: ends the test.
 */
#pragma once

#include <openssl/evp.h>
#include <stdbool.h>
#include <stdint.h>

#include "s3api/iam/saml.h"

#define ASSERTION_ISSUER "https://idp.example/entity"
#define ASSERTION_AUDIENCE "https://tarn.example/sp"
#define ASSERTION_RECIPIENT                                                    \
	"https://tarn.example/v1/cwobject/temporary-credentials/saml"

struct assertion_idp {
	EVP_PKEY *key;
	struct arena arena;
	struct slice certificate; /* PEM */
	struct slice private_key;
};

/* "P-256" or "RSA". */
void assertion_idp_open(struct assertion_idp *idp, const char *kind);
void assertion_idp_close(struct assertion_idp *idp);

/* What a response says; times as text, so that they can be wrong. */
struct assertion {
	const char *id;
	const char *issuer;
	const char *status; /* the last word of its URN */
	const char *destination;
	const char *recipient;
	const char *audience;
	const char *principal; /* XML: may hold a comment */
	const char *roles[3];
	char issued[32];
	char not_before[32];
	char not_after[32];
	char confirmed_until[32];
	char session_until[32]; /* may be empty */
	char also_until[32];	/* of a second confirmation; empty: none */
	const char *extra;	/* further XML in the Assertion, at its end */

	bool is_assertion_signed;
	bool is_response_signed;
	const char *signature_method;
	const char *digest_method;
	const char *canonicalization;
	const char *transform; /* the second */
	const char *uri;       /* of the reference; NULL: as it should be */
	const char *object;    /* XML in the signature, at its end */
	const char *hmac_key;  /* signs with that */
};

struct assertion assertion_usual(int64_t now_ns);

/* seconds from now, as SAML has it. */
void assertion_time(char to[32], int64_t now_ns, int64_t seconds);

/* Lives as long as the idp. */
const char *assertion_make(struct assertion_idp *idp,
	const struct assertion *assertion);

/* The text with the first `from` replaced; it must be there. */
const char *assertion_replace(struct assertion_idp *idp, const char *text,
	const char *from, const char *to);

/* What is trusted, as it was registered; borrows from idp. */
struct saml_idp assertion_trust(const struct assertion_idp *idp);
