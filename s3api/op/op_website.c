/* SPDX-License-Identifier: Apache-2.0 */
/* S3 API: PutBucketWebsite, GetBucketWebsite, DeleteBucketWebsite.  What they
 * set is served by site.h. */
#include "s3api/op/document.h"
#include "s3api/op/op.h"
#include "s3api/op/website_document.h"
#include "s3api/reply.h"

#define BODY_MAX (128 * 1024)

enum s3_error
op_website_put(struct request *request)
{
	scoped(buffer_free) struct buffer encoded = {0};
	struct slice text = SLICE_NULL;
	struct website website;
	enum s3_error error = document_read(request, BODY_MAX, &text);

	if (!error)
		error = website_document_read(request, text, &website);
	if (error)
		return error;
	website_encode(&encoded, &website);
	return document_put(request, WEBSITE_KIND, buffer_slice(&encoded), 200);
}

enum s3_error
op_website_get(struct request *request)
{
	scoped(buffer_free) struct buffer body = {0};
	struct slice bytes = SLICE_NULL;
	struct website website;
	enum s3_error error =
		document_get(request, WEBSITE_KIND, S3_NO_SUCH_WEBSITE, &bytes);

	if (error)
		return error;
	if (!website_decode(bytes, request->arena, &website))
		return reply_store_error(request, STORE_CORRUPT);
	website_document_write(&body, &website);
	reply_xml(request, &body);
	return S3_OK;
}

enum s3_error
op_website_delete(struct request *request)
{
	return document_delete(request, WEBSITE_KIND);
}
