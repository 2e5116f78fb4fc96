/* SPDX-License-Identifier: Apache-2.0 */
/*
 * access_private.h - what a request is decided by.
 *
 *	access.c		the questions, and what decide() says to them
 *	access_policies.c	the policies, as they are read
 *	access_find.c		what a request has for the condition keys
 */
#pragma once

#include "s3api/iam/exposure.h"
#include "s3api/iam/policy_key.h"
#include "s3api/request.h"

/* What the conditions of one decision are asked about.  What is found lives in
 * its arena: for each of a thousand keys a policy of many conditions would fill
 * the request's. */
struct access_object {
	struct request *request;
	struct arena arena;
	struct exposure_object object;
	struct slice version; /* of it; SLICE_NULL: none is named */
};

/* policy_context's find(); context is a struct access_object.  An object that
 * cannot be read has no tags: look at err afterwards, but for NOT_FOUND. */
void access_find(void *context, const struct policy_key_name *name,
	struct policy_values *out);

/* Reads what a request for the bucket (NULL: there is none) is decided by,
 * where *out does not have it yet.  After a failure *out may be read into
 * again, and is freed as any.  CORRUPT: a policy that cannot be parsed. */
must_check enum store_err access_policies_read(struct request *request,
	const struct bucket *bucket, struct access_policies *out);
/* Those of the caller's organization alone. */
must_check enum store_err access_policies_read_own(struct request *request,
	struct access_policies *out);

void access_policies_free(struct access_policies *policies);
/* All but those of the caller's organization. */
void access_policies_free_bucket(struct access_policies *policies);
