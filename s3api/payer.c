/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/payer.h"

#include "s3api/reply.h"

static bool
is_owner(const struct request *request, const struct bucket *bucket)
{
	const struct policy_caller *caller = &request->access.caller;

	return !caller->is_anonymous &&
	       slice_equal(caller->organization, slice_str(bucket->owner));
}

enum s3_error
payer_check(struct request *request, const struct bucket *bucket)
{
	struct slice payer;
	enum store_err err;

	if (is_owner(request, bucket))
		return S3_OK;
	err = bucket_get_document(request->store, bucket->ino,
		SLICE(PAYER_KIND), request->arena, &payer);
	if (err)
		return err == STORE_NOT_FOUND ? S3_OK
					      : reply_store_error(request, err);
	request->is_charged =
		!request->access.caller.is_anonymous &&
		slice_equal(request_header(request, "x-amz-request-payer"),
			SLICE("requester"));
	return request->is_charged
		       ? S3_OK
		       : error_set(&request->report, S3_ACCESS_DENIED, NULL);
}
