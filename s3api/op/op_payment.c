/* SPDX-License-Identifier: Apache-2.0 */
/* S3 API: PutBucketRequestPayment, GetBucketRequestPayment. */
#include "s3api/op/document.h"
#include "s3api/op/op.h"
#include "s3api/payer.h"
#include "s3api/reply.h"
#include "s3api/xml/xml_shape.h"
#include "s3api/xml/xml_writer.h"

#define BODY_MAX (64 * 1024)
#define ROOT "RequestPaymentConfiguration"

static enum s3_error
read_payer(struct request *request, struct slice text, bool *is_requester)
{
	static const struct xml_shape shapes[] = {{ROOT, "Payer", ""}};
	scoped(xml_reader_close) struct xml_reader *reader = NULL;
	struct slice payer;

	if (!xml_reader_open(text, ROOT, &reader) ||
		!xml_shape_holds(xml_reader_root(reader), shapes,
			array_len(shapes)))
		return error_set(&request->report, S3_MALFORMED_XML, NULL);
	payer = xml_reader_child_text(xml_reader_root(reader), "Payer",
		request->arena);
	*is_requester = slice_equal(payer, SLICE(PAYER_REQUESTER));
	return *is_requester || slice_equal(payer, SLICE(PAYER_OWNER))
		       ? S3_OK
		       : error_set(&request->report, S3_MALFORMED_XML, NULL);
}

enum s3_error
op_payment_put(struct request *request)
{
	const struct slice requester = SLICE(PAYER_REQUESTER);
	struct slice text = SLICE_NULL;
	bool is_requester = false;
	enum s3_error error = document_read(request, BODY_MAX, &text);

	if (!error)
		error = read_payer(request, text, &is_requester);
	if (error)
		return error;

	enum store_err err =
		bucket_set_document(request->store, request->bucket.ino,
			SLICE(PAYER_KIND), is_requester ? &requester : NULL);

	if (err)
		return reply_store_error(request, err);
	reply_empty(request, 200);
	return S3_OK;
}

enum s3_error
op_payment_get(struct request *request)
{
	scoped(buffer_free) struct buffer body = {0};
	struct slice payer;
	enum store_err err = bucket_get_document(request->store,
		request->bucket.ino, SLICE(PAYER_KIND), request->arena, &payer);

	if (err && err != STORE_NOT_FOUND)
		return reply_store_error(request, err);
	xml_writer_begin(&body, ROOT);
	xml_writer_str(&body, "Payer", err ? PAYER_OWNER : PAYER_REQUESTER);
	xml_writer_close(&body, ROOT);
	reply_xml(request, &body);
	return S3_OK;
}
