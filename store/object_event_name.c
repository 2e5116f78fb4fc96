/* SPDX-License-Identifier: Apache-2.0 */
/* S3 API: "Supported event types for SQS, SNS, and Lambda". */
#include <string.h>

#include "store/base/compiler.h"
#include "store/object_event.h"

#define BIT(type) (1u << (type))
#define PREFIX "s3:"

/* clang-format off */
static const struct {
	const char *text;
	uint32_t types;
} names[EVENT_NAMES] = {
	{ PREFIX "ObjectCreated:*",
		BIT(EVENT_CREATED_PUT) | BIT(EVENT_CREATED_POST) |
		BIT(EVENT_CREATED_COPY) | BIT(EVENT_CREATED_UPLOAD) },
	{ PREFIX "ObjectCreated:Put", BIT(EVENT_CREATED_PUT) },
	{ PREFIX "ObjectCreated:Post", BIT(EVENT_CREATED_POST) },
	{ PREFIX "ObjectCreated:Copy", BIT(EVENT_CREATED_COPY) },
	{ PREFIX "ObjectCreated:CompleteMultipartUpload",
		BIT(EVENT_CREATED_UPLOAD) },
	{ PREFIX "ObjectRemoved:*",
		BIT(EVENT_REMOVED) | BIT(EVENT_REMOVED_MARKER) },
	{ PREFIX "ObjectRemoved:Delete", BIT(EVENT_REMOVED) },
	{ PREFIX "ObjectRemoved:DeleteMarkerCreated",
		BIT(EVENT_REMOVED_MARKER) },
	{ PREFIX "LifecycleExpiration:*",
		BIT(EVENT_EXPIRED) | BIT(EVENT_EXPIRED_MARKER) },
	{ PREFIX "LifecycleExpiration:Delete", BIT(EVENT_EXPIRED) },
	{ PREFIX "LifecycleExpiration:DeleteMarkerCreated",
		BIT(EVENT_EXPIRED_MARKER) },
	{ PREFIX "ObjectTagging:*",
		BIT(EVENT_TAGS_PUT) | BIT(EVENT_TAGS_DELETED) },
	{ PREFIX "ObjectTagging:Put", BIT(EVENT_TAGS_PUT) },
	{ PREFIX "ObjectTagging:Delete", BIT(EVENT_TAGS_DELETED) },
	{ PREFIX "ObjectAcl:Put", BIT(EVENT_ACL_PUT) },
};
/* clang-format on */

const char *
object_event_name(unsigned int name)
{
	return names[name].text;
}

uint32_t
object_event_name_types(unsigned int name)
{
	return names[name].types;
}

bool
object_event_name_find(struct slice text, unsigned int *name)
{
	for (*name = 0; *name < EVENT_NAMES; ++*name)
		if (slice_equal(text, slice_str(names[*name].text)))
			return true;
	return false;
}

const char *
object_event_name_of(enum object_event_type type)
{
	for (size_t i = 0; i < array_len(names); i++)
		if (names[i].types == BIT(type))
			return names[i].text + strlen(PREFIX);
	return "TestEvent";
}
