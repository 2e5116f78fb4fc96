/* SPDX-License-Identifier: Apache-2.0 */
/* access_private.h - what a request has for the condition keys. */
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
