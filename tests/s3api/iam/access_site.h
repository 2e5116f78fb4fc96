/* SPDX-License-Identifier: Apache-2.0 */
/* access_site.h - what tests of policies over the wire say. */
#pragma once

#include "s3api/iam/orgpolicy.h"
#include "tests/s3api/op/served.h"

#define STATEMENT(inside)                                                      \
	"{\"Version\":\"2012-10-17\",\"Statement\":[{" inside "}]}"

/* That of the first document that began this project. */
#define PUBLIC_READ                                                            \
	STATEMENT("\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":"       \
		  "\"s3:GetObject\",\"Resource\":[\"arn:aws:s3:::photos/*\"]")

/* Of the bucket "photos". */
static inline const struct s3_reply *
access_site_put_policy(struct served *served, const char *policy)
{
	return served_send(served, "PUT", "/photos?policy", NULL,
		slice_str(policy));
}

/* The client signs nothing from now on. */
static inline void
access_site_become_nobody(struct served *served)
{
	served->client.is_anonymous = true;
}

/* stored: what is in the place of the text. */
static inline void
access_site_put_access_policy_of(struct served *served,
	const char *organization, const char *text, const char *stored)
{
	struct policy_error error = {""};
	scoped(policy_free) struct policy *policy =
			orgpolicy_parse(slice_str(text), &error);

	cr_assert(policy != NULL, "%s", error.text);
	cr_assert(eq(int,
		orgpolicy_put(served->temp.store, slice_str(organization),
			policy, slice_str(stored)),
		STORE_OK));
}

static inline void
access_site_put_access_policy(struct served *served, const char *text)
{
	access_site_put_access_policy_of(served, "default", text, text);
}
