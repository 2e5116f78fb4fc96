/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/op/logging_document.h"

#include "s3api/op/acl_document.h"
#include "s3api/xml/xml_shape.h"
#include "s3api/xml/xml_writer.h"

#define ROOT "BucketLoggingStatus"
/* The rest of a key has room behind it. */
#define PREFIX_MAX 700

static const struct xml_shape shapes[] = {
	{ROOT, "LoggingEnabled", ""},
	{"LoggingEnabled",
		"TargetBucket TargetGrants TargetObjectKeyFormat TargetPrefix",
		""},
	{"TargetGrants", "Grant", "Grant"},
	{"Grant", "Grantee Permission", ""},
	{"Grantee", "DisplayName EmailAddress ID URI", ""},
	{"TargetObjectKeyFormat", "PartitionedPrefix SimplePrefix", ""},
	{"PartitionedPrefix", "PartitionDateSource", ""},
	{"SimplePrefix", "", ""},
};

static enum s3_error
malformed(struct request *request)
{
	return error_set(&request->report, S3_MALFORMED_XML, NULL);
}

static bool
read_format(struct request *request, const struct xml_node *node,
	enum logging_format *format)
{
	const struct xml_node *by_day;
	struct slice of;

	if (!node)
		return true;
	by_day = xml_reader_child(node, "PartitionedPrefix");
	if (xml_shape_count(node) != 1)
		return false;
	if (!by_day) {
		*format = LOGGING_SIMPLE;
		return true;
	}
	of = slice_trim(xml_reader_child_text(by_day, "PartitionDateSource",
		request->arena));
	*format = slice_equal(of, SLICE("EventTime")) ? LOGGING_BY_EVENT
						      : LOGGING_BY_DELIVERY;
	return *format == LOGGING_BY_EVENT ||
	       slice_equal(of, SLICE("DeliveryTime"));
}

static bool
are_permissions(const struct acl *list)
{
	for (size_t i = 0; i < list->count; i++) {
		enum acl_permission permission = list->grants[i].permission;

		if (permission != ACL_FULL_CONTROL && permission != ACL_READ &&
			permission != ACL_WRITE)
			return false;
	}
	return true;
}

static enum s3_error
read_grants(struct request *request, const struct xml_node *node,
	struct logging_document *document)
{
	const struct acl_document_of of = {
		.owner = slice_str(request->bucket.owner),
		.bucket_owner = slice_str(request->bucket.owner),
		.is_on_object = true,
	};
	enum s3_error error = S3_OK;

	acl_init(&document->list, of.owner);
	document->has_grants = node != NULL;
	if (node)
		error = acl_document_add_grants(request, node, &of,
			&document->list);
	if (error == S3_MALFORMED_ACL ||
		(!error && !are_permissions(&document->list)))
		return malformed(request);
	return error;
}

static enum s3_error
read_enabled(struct request *request, const struct xml_node *node,
	struct logging_document *document)
{
	document->is_enabled = true;
	document->target = slice_trim(xml_reader_child_text(node,
		"TargetBucket", request->arena));
	document->prefix =
		xml_reader_child_text(node, "TargetPrefix", request->arena);
	if (document->target.len == 0 ||
		!xml_reader_child(node, "TargetPrefix") ||
		!read_format(request,
			xml_reader_child(node, "TargetObjectKeyFormat"),
			&document->format))
		return malformed(request);
	if (document->prefix.len > PREFIX_MAX)
		return request_refuse_argument(request,
			"The prefix of the target is too long.", "TargetPrefix",
			document->prefix);
	return read_grants(request, xml_reader_child(node, "TargetGrants"),
		document);
}

enum s3_error
logging_document_read(struct request *request, struct slice text,
	struct logging_document *document)
{
	scoped(xml_reader_close) struct xml_reader *reader = NULL;
	const struct xml_node *node;

	document->is_enabled = false;
	document->format = LOGGING_PLAIN;
	if (!xml_reader_open(text, ROOT, &reader) ||
		!xml_shape_holds(xml_reader_root(reader), shapes,
			array_len(shapes)))
		return malformed(request);
	node = xml_reader_child(xml_reader_root(reader), "LoggingEnabled");
	return node ? read_enabled(request, node, document) : S3_OK;
}

/* --- and back ------------------------------------------------------------- */

static void
write_format(struct buffer *to, enum logging_format format)
{
	if (format == LOGGING_PLAIN)
		return;
	xml_writer_open(to, "TargetObjectKeyFormat");
	if (format == LOGGING_SIMPLE) {
		xml_writer_str(to, "SimplePrefix", "");
	} else {
		xml_writer_open(to, "PartitionedPrefix");
		xml_writer_str(to, "PartitionDateSource",
			format == LOGGING_BY_EVENT ? "EventTime"
						   : "DeliveryTime");
		xml_writer_close(to, "PartitionedPrefix");
	}
	xml_writer_close(to, "TargetObjectKeyFormat");
}

void
logging_document_write(struct buffer *to,
	const struct logging_document *document)
{
	xml_writer_begin(to, ROOT);
	if (document->is_enabled) {
		xml_writer_open(to, "LoggingEnabled");
		xml_writer_text(to, "TargetBucket", document->target);
		if (document->has_grants) {
			xml_writer_open(to, "TargetGrants");
			/* The first is the owner's own. */
			acl_document_write_grants(to, &document->list, 1);
			xml_writer_close(to, "TargetGrants");
		}
		xml_writer_text(to, "TargetPrefix", document->prefix);
		write_format(to, document->format);
		xml_writer_close(to, "LoggingEnabled");
	}
	xml_writer_close(to, ROOT);
}
