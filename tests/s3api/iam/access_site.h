/* SPDX-License-Identifier: Apache-2.0 */
/* access_site.h - what tests of policies over the wire say. */
#pragma once

#include "tests/s3api/op/served.h"

#define STATEMENT(inside)                                                      \
	"{\"Version\":\"2012-10-17\",\"Statement\":[{" inside "}]}"

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
