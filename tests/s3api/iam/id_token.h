/* SPDX-License-Identifier: Apache-2.0 */
/*
 * id_token.h - a provider of OpenID Connect for tests: a key, and tokens that
 * it has signed, as they should be or not.
 *
 * Failure: ends the test.  Texts live as long as the issuer.
 */
#pragma once

#include <jansson.h>

#include "s3api/iam/oidc.h"

#define ID_TOKEN_ISSUER "https://id.example/realm"
#define ID_TOKEN_AUDIENCE "https://tarn.example"

struct id_token_issuer {
	json_t *key; /* with its private part */
	struct arena arena;
	struct slice audience;
};

/* For "RS256", "ES512", ...; HS256 has a shared secret. */
void id_token_open(struct id_token_issuer *issuer, const char *algorithm);
void id_token_close(struct id_token_issuer *issuer);

/* {"keys": [...]}: what the provider publishes. */
const char *id_token_keys(struct id_token_issuer *issuer);
/* What is trusted, as it was registered; borrows from the issuer. */
struct oidc_idp id_token_trust(struct id_token_issuer *issuer);

/* {"iss", "sub", "aud", "iat", "exp"}, of ann, for five minutes. */
json_t *id_token_claims(int64_t now_ns);
/* Takes the claims; header NULL: of the algorithm alone. */
const char *id_token_sign(struct id_token_issuer *issuer, json_t *claims,
	const char *header);
/* Without a signature. */
const char *id_token_join(struct id_token_issuer *issuer, const char *header,
	const char *payload, const char *signature);

const char *id_token_text(struct arena *arena, const json_t *root);
