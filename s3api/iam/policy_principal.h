/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_principal.h - who asks, and whom a policy means.
 *
 * Bucket policies name principals by ARN (or all, or an organization), those
 * of organizations by short names: docs/access.md has the forms.
 */
#pragma once

#include <stdbool.h>

#include "s3api/iam/policy_pattern.h"

/* Who asks.  Slices are borrowed. */
struct policy_caller {
	bool is_anonymous; /* then the rest is empty */
	struct slice organization;
	struct slice name; /* of the token, or of who signed in */
	struct slice role; /* of temporary keys; empty: none */
};

enum policy_principal_kind {
	POLICY_PRINCIPAL_ANYONE,
	POLICY_PRINCIPAL_ORGANIZATION,
	POLICY_PRINCIPAL_USER,
	POLICY_PRINCIPAL_ROLE,
	POLICY_PRINCIPAL_SERVICE, /* of AWS: nobody who asks here is one */
};

/* Whom a statement means. */
struct policy_principal {
	enum policy_principal_kind kind;
	struct slice organization;  /* empty: that which owns the bucket */
	struct policy_pattern name; /* of USER and ROLE */
	bool is_token;	      /* of USER: not who signed in by that name */
	struct slice session; /* of ROLE; empty: any */
};

/* "*", an organization, ORG:NAME, arn:aws:iam::ORG:user/NAME and the like; of
 * a service its name, as logging.s3.amazonaws.com.  False: none of these. */
must_check bool policy_principal_parse(struct arena *arena, bool is_service,
	struct slice text, struct policy_principal *out);

/* "*", role/NAME or a name, with * and ? for parts of either. */
must_check bool policy_principal_parse_short(struct arena *arena,
	struct slice text, struct policy_principal *out);

bool policy_principal_is(const struct policy_principal *principal,
	const struct policy_caller *caller, struct slice owner);

/* How a caller is called in conditions and by STS, in the arena:
 * "arn:aws:sts::ORG:assumed-role/ROLE/NAME" or "arn:aws:iam::ORG:user/NAME";
 * "ORG:ROLE NAME" or "ORG:NAME" (aws:userid).  Of nobody SLICE_NULL, and
 * "anonymous". */
struct slice policy_principal_arn(const struct policy_caller *caller,
	struct arena *arena);
struct slice policy_principal_id(const struct policy_caller *caller,
	struct arena *arena);
