/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/request_cause.h"

#include <string.h>

#include "s3api/requester.h"

static enum object_event_type
type_of(const char *operation)
{
	static const struct {
		const char *operation;
		enum object_event_type type;
	} types[] = {
		{"CopyObject", EVENT_CREATED_COPY},
		{"CompleteMultipartUpload", EVENT_CREATED_UPLOAD},
		{"PostObject", EVENT_CREATED_POST},
		{"DeleteObjectTagging", EVENT_TAGS_DELETED},
	};

	for (size_t i = 0; i < array_len(types); i++)
		if (!strcmp(types[i].operation, operation))
			return types[i].type;
	return EVENT_CREATED_PUT;
}

void
request_cause_begin(struct request *request)
{
	scoped(buffer_free) struct buffer who = {0};
	enum http_method method = request->http->method;

	if (method == HTTP_METHOD_GET || method == HTTP_METHOD_HEAD)
		return;
	if (!requester_append(&who, &request->access.caller))
		buffer_append_str(&who, "Anonymous");
	request->cause = (struct object_event_cause){
		.type = type_of(request->operation->name),
		.principal = arena_copy(request->arena, buffer_slice(&who)),
		.address = request_client_address(request),
		.request = slice_str(request->id),
	};
	object_event_set_cause(&request->cause);
}

void
request_cause_end(void)
{
	object_event_set_cause(NULL);
}
