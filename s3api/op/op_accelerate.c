/* SPDX-License-Identifier: Apache-2.0 */
/* S3 API: PutBucketAccelerateConfiguration,
 * GetBucketAccelerateConfiguration. */
#include "s3api/accelerate.h"
#include "s3api/op/document.h"
#include "s3api/op/op.h"
#include "s3api/reply.h"
#include "s3api/xml/xml_shape.h"
#include "s3api/xml/xml_writer.h"

#define BODY_MAX (64 * 1024)
#define ROOT "AccelerateConfiguration"

static enum s3_error
read_status(struct request *request, struct slice text, struct slice *status)
{
	static const struct xml_shape shapes[] = {{ROOT, "Status", ""}};
	scoped(xml_reader_close) struct xml_reader *reader = NULL;

	if (!xml_reader_open(text, ROOT, &reader) ||
		!xml_shape_holds(xml_reader_root(reader), shapes,
			array_len(shapes)))
		return error_set(&request->report, S3_MALFORMED_XML, NULL);
	*status = xml_reader_child_text(xml_reader_root(reader), "Status",
		request->arena);
	return slice_equal(*status, SLICE(ACCELERATE_ON)) ||
			       slice_equal(*status, SLICE(ACCELERATE_OFF))
		       ? S3_OK
		       : error_set(&request->report, S3_MALFORMED_XML, NULL);
}

enum s3_error
op_accelerate_put(struct request *request)
{
	struct slice text = SLICE_NULL;
	struct slice status = SLICE_NULL;
	enum s3_error error = document_read(request, BODY_MAX, &text);

	if (!error)
		error = read_status(request, text, &status);
	if (error)
		return error;
	if (slice_find_char(request->bucket_name, '.') >= 0)
		return error_set(&request->report, S3_INVALID_REQUEST,
			"S3 Transfer Acceleration is not supported for "
			"buckets with periods (.) in their names");
	return document_put(request, ACCELERATE_KIND, status, 200);
}

enum s3_error
op_accelerate_get(struct request *request)
{
	scoped(buffer_free) struct buffer body = {0};
	struct slice status = SLICE_NULL;
	enum s3_error error = accelerate_find(request, &status);

	if (error)
		return error;
	xml_writer_begin(&body, ROOT);
	if (status.len > 0)
		xml_writer_text(&body, "Status", status);
	xml_writer_close(&body, ROOT);
	reply_xml(request, &body);
	return S3_OK;
}
