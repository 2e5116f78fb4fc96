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
		return object_head(request->store, request->bucket.ino,
			request->key, request->arena, out);
	if (*fd >= 0)
		io_close(*fd);
	*fd = -1;
	return object_open(request->store, request->bucket.ino, request->key,
		request->arena, out, fd, offset);
}

static enum s3_error
open_decided(struct request *request, struct object *out, int *fd,
	uint64_t *offset)
{
	for (int i = 0; i < OPENED_MAX; i++) {
		enum store_err err = open_once(request, out, fd, offset);
		enum s3_error error;

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
