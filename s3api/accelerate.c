/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/accelerate.h"

#include "s3api/reply.h"

enum s3_error
accelerate_find(struct request *request, struct slice *status)
{
	enum store_err err =
		bucket_get_document(request->store, request->bucket.ino,
			SLICE(ACCELERATE_KIND), request->arena, status);

	if (err == STORE_NOT_FOUND)
		*status = SLICE_NULL;
	return err && err != STORE_NOT_FOUND ? reply_store_error(request, err)
					     : S3_OK;
}

enum s3_error
accelerate_check_operation(struct request *request)
{
	const char *name = request->operation->name;

	if (!strcmp(name, "GetObject") || !strcmp(name, "HeadObject"))
		return S3_OK;
	return error_set(&request->report, S3_METHOD_NOT_ALLOWED,
		"The accelerated endpoint gives objects: GET and HEAD.");
}

enum s3_error
accelerate_check_bucket(struct request *request)
{
	struct slice status = SLICE_NULL;
	enum s3_error error = accelerate_find(request, &status);

	if (error || !slice_equal(status, SLICE(ACCELERATE_OFF)))
		return error;
	return error_set(&request->report, S3_INVALID_REQUEST,
		"S3 Transfer Acceleration is disabled on this bucket");
}
