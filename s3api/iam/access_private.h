/* SPDX-License-Identifier: Apache-2.0 */
/* access_private.h - what a request has for the condition keys. */
#pragma once

#include "s3api/iam/policy_key.h"
#include "s3api/request.h"

/* What the conditions are asked about. */
struct access_object {
	struct request *request;
	const struct bucket *bucket; /* may be NULL */
	struct slice key;	     /* may be empty */
};

/* policy_context's find(); context is a struct access_object. */
void access_find(void *context, const struct policy_key_name *name,
	struct policy_values *out);
