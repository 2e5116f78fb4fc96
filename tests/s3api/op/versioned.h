/* SPDX-License-Identifier: Apache-2.0 */
/* versioned.h - what tests of a bucket "photos" that keeps versions say. */
#pragma once

#include "store/base/version.h"
#include "tests/s3api/op/served.h"

#define VERSIONED_CONFIGURATION(inside)                                        \
	"<VersioningConfiguration>" inside "</VersioningConfiguration>"
#define VERSIONED_STATUS(status)                                               \
	VERSIONED_CONFIGURATION("<Status>" status "</Status>")

static inline const struct s3_reply *
versioned_set(struct served *served, const char *body)
{
	return served_send(served, "PUT", "/photos?versioning", NULL,
		slice_str(body));
}

static inline void
versioned_become(struct served *served, const char *body)
{
	cr_assert(eq(uint, versioned_set(served, body)->status, 200));
}

static inline struct served
versioned_start(void)
{
	struct served served = served_start();

	served_bucket(&served, "photos");
	versioned_become(&served, VERSIONED_STATUS("Enabled"));
	return served;
}

/* Of a reply; "" where it tells none. */
static inline const char *
versioned_id(struct served *served, const struct s3_reply *reply)
{
	struct slice id = s3_client_header(reply, "x-amz-version-id");

	return served_text(served, "%.*s", (int)id.len, id.data ? id.data : "");
}

static inline const char *
versioned_put(struct served *served, const char *key, const char *body)
{
	const struct s3_reply *reply = served_send(served, "PUT",
		served_text(served, "/photos/%s", key), NULL, slice_str(body));

	cr_assert(eq(uint, reply->status, 200));
	return versioned_id(served, reply);
}

/* The key's version of that id; NULL: without one. */
static inline const struct s3_reply *
versioned_ask(struct served *served, const char *method, const char *key,
	const char *id)
{
	return served_ask(served, method,
		id ? served_text(served, "/photos/%s?versionId=%s", key, id)
		   : served_text(served, "/photos/%s", key));
}

static inline void
versioned_expect_no_header(const struct s3_reply *reply, const char *name)
{
	cr_expect(s3_client_header(reply, name).data == NULL, "%s", name);
}

static inline void
versioned_expect_status(const struct s3_reply *reply, unsigned int status)
{
	cr_expect(eq(uint, reply->status, status), "%s", reply->body.data);
}

static inline const struct s3_reply *
versioned_copy(struct served *served, const char *to, const char *id,
	const char *headers)
{
	return served_send(served, "PUT", served_text(served, "/photos/%s", to),
		served_text(served,
			"x-amz-copy-source: photos/a?versionId=%s\n%s", id,
			headers),
		SLICE_NULL);
}
