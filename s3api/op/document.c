/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/op/document.h"

#include "s3api/body.h"
#include "s3api/reply.h"
#include "store/bucket.h"

enum s3_error
document_read(struct request *request, size_t max, struct slice *text)
{
	const struct body_options options = {.max = max};
	scoped(body_free) struct body body = {0};
	enum s3_error error = body_begin(&body, request->http, &request->caller,
		&options, &request->report);

	if (!error)
		error = body_read_all(&body, max, text);
	if (error == S3_ENTITY_TOO_LARGE || error == S3_MAX_MESSAGE_LENGTH)
		return error_set(&request->report, S3_MALFORMED_XML, NULL);
	return error;
}

enum s3_error
document_get(struct request *request, const char *kind, enum s3_error missing,
	struct slice *value)
{
	enum store_err err = bucket_get_document(request->store,
		request->bucket.ino, slice_str(kind), request->arena, value);

	if (err == STORE_NOT_FOUND)
		return error_set(&request->report, missing, NULL);
	return err ? reply_store_error(request, err) : S3_OK;
}

static enum s3_error
set(struct request *request, const char *kind, const struct slice *value,
	unsigned int status)
{
	enum store_err err = bucket_set_document(request->store,
		request->bucket.ino, slice_str(kind), value);

	if (err)
		return reply_store_error(request, err);
	reply_empty(request, status);
	return S3_OK;
}

enum s3_error
document_put(struct request *request, const char *kind, struct slice value,
	unsigned int status)
{
	return set(request, kind, &value, status);
}

enum s3_error
document_delete(struct request *request, const char *kind)
{
	return set(request, kind, NULL, 204);
}
