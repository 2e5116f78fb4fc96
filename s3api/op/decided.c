/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/op/decided.h"

#include "s3api/iam/access.h"
#include "s3api/reply.h"
#include "store/base/io.h"

/* An object is not replaced more often between a decision and an open. */
#define OPENED_MAX 16

/* fd NULL: the object's bytes are not wanted. */
static enum store_err
open_once(struct request *request, struct object *out, int *fd,
	uint64_t *offset)
{
	if (!fd)
		return object_head_version(request->store, request->bucket.ino,
			request->key, &request->version, request->arena, out);
	if (*fd >= 0)
		io_close(*fd);
	*fd = -1;
	return object_open_version(request->store, request->bucket.ino,
		request->key, &request->version, request->arena, out, fd,
		offset);
}

/* S3 API: Working with delete markers.  Whoever names one is told that it is
 * one; else the object is not there. */
static enum s3_error
refuse_marker(struct request *request, const struct object *found)
{
	request->marker = (struct request_marker){
		.is_found = true,
		.version = found->version,
		.mtime_ns = found->inode.mtime_ns,
	};
	if (request->version.which == VERSION_CURRENT)
		return error_set(&request->report, S3_NO_SUCH_KEY, NULL);
	error_set(&request->report, S3_METHOD_NOT_ALLOWED, NULL);
	error_add(&request->report, "Method", request->http->method_name);
	error_add(&request->report, "ResourceType", SLICE("DeleteMarker"));
	return request->report.error;
}

static enum s3_error
open_decided(struct request *request, struct object *out, int *fd,
	uint64_t *offset)
{
	for (int i = 0; i < OPENED_MAX; i++) {
		enum store_err err = open_once(request, out, fd, offset);
		enum s3_error error;

		if (err == STORE_NOT_FOUND && out->is_marker)
			return refuse_marker(request, out);
		if (err)
			return reply_store_error(request, err);
		if (!access_is_of_another(&request->access.policies,
			    &out->inode))
			return S3_OK;
		error = access_check_again(request);
		if (error)
			return error;
	}
	return error_set(&request->report, S3_SERVICE_UNAVAILABLE, NULL);
}

enum s3_error
decided_head(struct request *request, struct object *out)
{
	return open_decided(request, out, NULL, NULL);
}

enum s3_error
decided_set_attrs(struct request *request, struct slice attrs, uint32_t kinds,
	struct object *out)
{
	struct version_ref version = request->version;
	enum s3_error error = decided_head(request, out);

	if (error)
		return error;
	/* The reply tells which one has been changed. */
	if (out->versioning != VERSIONING_NEVER)
		version = version_ref_of(&out->version);

	enum store_err err = object_set_attrs_version(request->store,
		request->bucket.ino, request->key, &version, attrs, kinds);

	return err ? reply_store_error(request, err) : S3_OK;
}

enum s3_error
decided_open(struct request *request, struct object *out, int *fd,
	uint64_t *offset)
{
	enum s3_error error;

	*fd = -1;
	error = open_decided(request, out, fd, offset);
	if (error && *fd >= 0) {
		io_close(*fd);
		*fd = -1;
	}
	return error;
}
