/* SPDX-License-Identifier: Apache-2.0 */
/*
 * post_policy.h - what the signer of an HTML form lets it upload (S3 API: POST
 * policy): an end in time, and a condition for each field.
 *
 * Nothing of it counts before its signature does.
 */
#pragma once

#include <stdint.h>

#include "s3api/error.h"
#include "s3api/http/http_request.h"
#include "store/base/arena.h"
#include "store/base/compiler.h"

/* A form, as far as conditions can speak of it. */
struct post_policy_form {
	struct slice bucket;
	const struct http_header *fields; /* lower-case names; each once */
	size_t field_count;
};

/* How many bytes the file may have. */
struct post_policy_range {
	uint64_t min;
	uint64_t max;
};

/*
 * policy: JSON in base64.  INVALID_POLICY_DOCUMENT: it is none; ACCESS_DENIED:
 * it has expired, a condition does not hold, or a field has none.
 */
must_check enum s3_error post_policy_check(struct slice policy,
	const struct post_policy_form *form, int64_t now_ns,
	struct arena *arena, struct post_policy_range *range,
	struct error_report *report);
