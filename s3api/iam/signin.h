/* SPDX-License-Identifier: Apache-2.0 */
/*
 * signin.h - a SAML response, or an ID token, for a temporary key.
 *
 * It must be one that saml_check() or oidc_check() believes, of an identity
 * provider of the organization, a response also not used before in any process;
 * and an access policy of the organization must allow
 * cwobject:CreateAccessKeySAML or -OIDC to the role.  The key has that role and
 * the principal's name, and ends on time, or with the provider.
 *
 * Threads:   the fiber of the connection; what takes long runs on a helper
 *            thread, a bounded number at a time.
 * Ownership: what a result points to lives in the arena; wipe it after.
 */
#pragma once

#include "s3api/iam/claims.h"
#include "s3api/iam/policy_cache.h"
#include "store/token.h"

#define SIGNIN_DURATION_S_MAX 43200
#define SIGNIN_DURATION_S_DEFAULT 3600

struct signin {
	struct store *store;
	struct policy_cache *policies;
	struct arena *arena;
	int64_t now_ns;
	struct slice organization;
	struct slice idp;	  /* empty: the only one that it can be */
	struct slice response;	  /* base64 of SAML; an ID token */
	struct slice role;	  /* empty: the only one it has */
	unsigned long duration_s; /* 0: the session's, or an hour */
	bool needs_session;	  /* the key is handed out in AWS's form */
	/* To be written on the key; they are valid. */
	const struct token_attribute *attributes;
	size_t attribute_count;
};

/* What the access policies say. */
struct signin_decision {
	bool is_allowed;
	const char *reason;	/* a sentence; NULL: they were not asked */
	struct slice statement; /* as decide_statement() */
};

enum signin_outcome {
	SIGNIN_ISSUED,
	SIGNIN_INVALID,	  /* not base64, not XML, a wrong argument */
	SIGNIN_UNKNOWN,	  /* no such organization or provider */
	SIGNIN_REFUSED,	  /* it is not believed */
	SIGNIN_EXPIRED,	  /* it was, once */
	SIGNIN_REJECTED,  /* the provider itself did not say Success */
	SIGNIN_FORBIDDEN, /* no policy allows it to the role */
	SIGNIN_BUSY,	  /* too many at once */
	SIGNIN_FAILED,	  /* ours */
};

struct signin_result {
	enum signin_outcome outcome;
	const char *message; /* a sentence without a full stop */
	struct token token;
	char secret[TOKEN_SECRET_MAX + 1];
	struct slice issuer;
	struct slice audience; /* of those registered, the first */
	struct slice
		organization;	/* empty: it, or the provider, is not there */
	struct slice principal; /* and the role: of who was believed */
	struct slice role;
	struct signin_decision decision;
};

/*
 * A place among those who sign in at once in this process; both functions below
 * take one while they look at what they were given.  Each keeps a helper thread
 * busy: most of a loop's stay free for others (HELPER_THREADS_MAX).  False: all
 * are taken.
 */
#define SIGNIN_PLACES 4
must_check bool signin_place_take(void);
void signin_place_leave(void);

void signin_saml(const struct signin *signin, struct signin_result *result);
void signin_oidc(const struct signin *signin, struct signin_result *result);

/* Whether a statement allows the action to the role and principal, by their
 * names in an access policy's words.  CORRUPT, IO: the policies. */
must_check enum store_err signin_is_allowed(const struct signin *signin,
	enum policy_action action, struct slice role, struct slice name,
	struct signin_decision *out);
