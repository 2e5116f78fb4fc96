/* SPDX-License-Identifier: Apache-2.0 */
/*
 * oidc.h - what an ID token says, where it can be believed (RFC 7515, 7518,
 * 7519; OpenID Connect Core §2 and §3.1.3.7).  A pure function of bytes, of
 * the provider as it was registered, and of the time.
 *
 * Believed is a compact JWS of at most OIDC_BYTES_MAX, signed with RSA or ECDSA
 * by one of the provider's registered keys: RS256, PS256, ES256 and those with
 * longer digests, by a key that is of that kind.  What the token itself says of
 * keys (jwk, jku, x5c, x5u) is ignored, "crit" and "none" are refused.
 *
 * Threads:   any; of a fiber it is for io_run_blocking(), since it parses and
 *            does public-key cryptography.
 * Ownership: slices of claims and of the report live in the arena.
 */
#pragma once

#include "s3api/iam/claims.h"
#include "store/base/compiler.h"

#define OIDC_BYTES_MAX (16 * 1024)
#define OIDC_KEYS_MAX 32
#define OIDC_ISSUER_MAX 255
/* A set of keys, as providers publish it, and as it is kept. */
#define OIDC_KEYS_BYTES_MAX (256 * 1024)

/* Who is believed, and for what.  Borrowed. */
struct oidc_idp {
	struct slice issuer; /* as it stands in its tokens */
	struct slice keys;   /* of oidc_keys_read() */
	struct claims_list audiences;
	/* A text or a list of them; empty: the role is ISSUER:SUB. */
	struct slice role_claim;
	struct slice principal_claim; /* empty: sub */
};

/* In the order in which they are looked at. */
enum oidc_step {
	OIDC_TOKEN = 1, /* three parts of base64url, the first two of JSON */
	OIDC_SIGNATURE,
	OIDC_ISSUER,
	OIDC_TIME,
	OIDC_AUDIENCE,
	OIDC_CLAIMS,
};

/* "signature"; never NULL. */
const char *oidc_step_name(enum oidc_step step);

/*
 * True where everything can be believed; only then may *claims be used.  With
 * goes_on the report has all that is wrong, else it ends with the first.
 */
must_check bool oidc_check(struct slice token, const struct oidc_idp *idp,
	int64_t now_ns, bool goes_on, struct arena *arena,
	struct claims *claims, struct claims_report *report);

/* Who says that he issued it: to look for a provider, nothing more.  False: it
 * is no token. */
must_check bool oidc_issuer(struct slice token, struct arena *arena,
	struct slice *issuer);

/*
 * What is needed of a JWK set (RFC 7517 §5), or of a single key, to be kept:
 * its public keys of RSA, from 2,048 bits on, and of P-256, P-384 and P-521
 * that may verify signatures.  False: *why, a sentence without a full stop.
 */
must_check bool oidc_keys_read(struct slice json, struct arena *arena,
	struct slice *out, const char **why);
