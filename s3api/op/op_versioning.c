/* SPDX-License-Identifier: Apache-2.0 */
/* S3 API: PutBucketVersioning, GetBucketVersioning. */
#include "s3api/op/document.h"
#include "s3api/op/op.h"
#include "s3api/reply.h"
#include "s3api/xml/xml_reader.h"
#include "s3api/xml/xml_writer.h"
#include "store/versioning.h"

#define ROOT "VersioningConfiguration"
#define BODY_MAX (64 * 1024)

static const char *const names[] = {
	[VERSIONING_ENABLED] = "Enabled",
	[VERSIONING_SUSPENDED] = "Suspended",
};

/* MFA delete is S3's alone; that it be off is so anyway. */
static enum s3_error
check_mfa(struct request *request, struct slice value)
{
	if (!value.data || slice_equal(value, SLICE("Disabled")))
		return S3_OK;
	return error_set(&request->report,
		slice_equal(value, SLICE("Enabled")) ? S3_NOT_IMPLEMENTED
						     : S3_MALFORMED_XML,
		NULL);
}

static enum s3_error
parse_status(struct request *request, struct slice value, enum versioning *out)
{
	if (!value.data)
		return error_set(&request->report, S3_ILLEGAL_VERSIONING,
			"The Versioning element must be specified");
	for (size_t i = VERSIONING_ENABLED; i < array_len(names); i++) {
		if (slice_equal(value, slice_str(names[i]))) {
			*out = (enum versioning)i;
			return S3_OK;
		}
	}
	return error_set(&request->report, S3_MALFORMED_XML, NULL);
}

/* Each element once, and no other. */
static bool
has_known_elements(const struct xml_node *root)
{
	const struct xml_node *node = xml_reader_child(root, NULL);

	for (; node; node = xml_reader_next(node, NULL)) {
		const char *name = xml_reader_name(node);

		if ((strcmp(name, "Status") != 0 &&
			    strcmp(name, "MfaDelete") != 0) ||
			xml_reader_next(node, name))
			return false;
	}
	return true;
}

static enum s3_error
parse(struct request *request, struct slice text, enum versioning *out)
{
	scoped(xml_reader_close) struct xml_reader *reader = NULL;

	if (!xml_reader_open(text, ROOT, &reader) ||
		!has_known_elements(xml_reader_root(reader)))
		return error_set(&request->report, S3_MALFORMED_XML, NULL);

	const struct xml_node *root = xml_reader_root(reader);
	enum s3_error error = check_mfa(request,
		xml_reader_child_text(root, "MfaDelete", request->arena));

	return error ? error
		     : parse_status(request,
			       xml_reader_child_text(root, "Status",
				       request->arena),
			       out);
}

enum s3_error
op_versioning_put(struct request *request)
{
	enum versioning wanted = VERSIONING_NEVER;
	struct slice text = SLICE_NULL;
	enum s3_error error = document_read(request, BODY_MAX, &text);

	if (!error)
		error = parse(request, text, &wanted);
	if (error)
		return error;

	enum store_err err =
		versioning_set(request->store, request->bucket.ino, wanted);

	if (err == STORE_LOCKED)
		return error_set(&request->report, S3_INVALID_BUCKET_STATE,
			"An Object Lock configuration is present on this "
			"bucket, so the versioning state cannot be changed.");
	if (err)
		return reply_store_error(request, err);
	reply_empty(request, 200);
	return S3_OK;
}

enum s3_error
op_versioning_get(struct request *request)
{
	scoped(buffer_free) struct buffer body = {0};
	enum versioning versioning;
	enum store_err err = versioning_get(request->store, request->bucket.ino,
		&versioning);

	if (err)
		return reply_store_error(request, err);
	xml_writer_begin(&body, ROOT);
	if (versioning != VERSIONING_NEVER)
		xml_writer_str(&body, "Status", names[versioning]);
	xml_writer_close(&body, ROOT);
	reply_xml(request, &body);
	return S3_OK;
}
