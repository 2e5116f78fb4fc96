/* SPDX-License-Identifier: Apache-2.0 */
/*
 * S3 API: PutBucketLifecycleConfiguration, GetBucketLifecycleConfiguration,
 * DeleteBucketLifecycle.  Rules that move objects to other storage classes are
 * NotImplemented, as there are none.
 */
#include "s3api/op/document.h"
#include "s3api/op/lifecycle_document.h"
#include "s3api/op/op.h"
#include "s3api/reply.h"
#include "s3api/xml/xml_writer.h"

/* Each reply of the bucket looks at them. */
#define BODY_MAX (512 * 1024)
#define MINIMUM "x-amz-transition-default-minimum-object-size"

static const char *const minimums[LIFECYCLE_MINIMUMS] = {
	[LIFECYCLE_ALL_128K] = "all_storage_classes_128K",
	[LIFECYCLE_VARIES] = "varies_by_storage_class",
};

static enum s3_error
read_minimum(struct request *request, struct lifecycle_rules *rules)
{
	struct slice text = request_header(request, MINIMUM);

	rules->minimum = LIFECYCLE_ALL_128K;
	for (size_t i = 0; text.data && i < array_len(minimums); i++) {
		if (!slice_equal(text, slice_str(minimums[i])))
			continue;
		rules->minimum = (enum lifecycle_minimum)i;
		return S3_OK;
	}
	return text.data ? error_set(&request->report, S3_INVALID_REQUEST,
				   "Invalid " MINIMUM)
			 : S3_OK;
}

static void
reply_minimum(struct request *request, const struct lifecycle_rules *rules)
{
	reply_status(request, 200);
	http_reply_header_str(request->response, MINIMUM,
		minimums[rules->minimum]);
}

enum s3_error
op_lifecycle_put(struct request *request)
{
	scoped(buffer_free) struct buffer encoded = {0};
	struct slice text = SLICE_NULL;
	struct lifecycle_rules rules;
	enum s3_error error = document_read(request, BODY_MAX, &text);

	if (!error)
		error = lifecycle_document_read(request, text, &rules);
	if (!error)
		error = read_minimum(request, &rules);
	if (error)
		return error;
	lifecycle_encode(&encoded, &rules);
	/* A refusal begins the reply anew. */
	reply_minimum(request, &rules);
	return document_put(request, LIFECYCLE_KIND, buffer_slice(&encoded),
		200);
}

/* --- and back ------------------------------------------------------------- */

static void
write_conditions(struct buffer *to, const struct lifecycle_rule *rule)
{
	struct slice rest = rule->tags;
	struct inode_attr tag;

	if (rule->has_prefix)
		xml_writer_text(to, "Prefix", rule->prefix);
	while (inode_attr_next(&rest, &tag)) {
		xml_writer_open(to, "Tag");
		xml_writer_text(to, "Key", tag.name);
		xml_writer_text(to, "Value", tag.value);
		xml_writer_close(to, "Tag");
	}
	if (rule->has_above)
		xml_writer_u64(to, "ObjectSizeGreaterThan", rule->above);
	if (rule->has_below)
		xml_writer_u64(to, "ObjectSizeLessThan", rule->below);
}

static void
write_filter(struct buffer *to, const struct lifecycle_rule *rule)
{
	if (rule->form != LIFECYCLE_PREFIX)
		xml_writer_open(to, "Filter");
	if (rule->form == LIFECYCLE_AND)
		xml_writer_open(to, "And");
	write_conditions(to, rule);
	if (rule->form == LIFECYCLE_AND)
		xml_writer_close(to, "And");
	if (rule->form != LIFECYCLE_PREFIX)
		xml_writer_close(to, "Filter");
}

static void
write_expiration(struct buffer *to, const struct lifecycle_rule *rule)
{
	xml_writer_open(to, "Expiration");
	if (rule->expire_days)
		xml_writer_u64(to, "Days", rule->expire_days);
	if (rule->expire_date_ns)
		xml_writer_time(to, "Date", rule->expire_date_ns);
	if (rule->has_marker)
		xml_writer_bool(to, "ExpiredObjectDeleteMarker", rule->marker);
	xml_writer_close(to, "Expiration");
}

static void
write_rule(struct buffer *to, const struct lifecycle_rule *rule)
{
	xml_writer_open(to, "Rule");
	xml_writer_text(to, "ID", rule->id);
	write_filter(to, rule);
	xml_writer_str(to, "Status", rule->is_enabled ? "Enabled" : "Disabled");
	if (rule->expire_days || rule->expire_date_ns || rule->has_marker)
		write_expiration(to, rule);
	if (rule->noncurrent_days) {
		xml_writer_open(to, "NoncurrentVersionExpiration");
		xml_writer_u64(to, "NoncurrentDays", rule->noncurrent_days);
		if (rule->noncurrent_newer)
			xml_writer_u64(to, "NewerNoncurrentVersions",
				rule->noncurrent_newer);
		xml_writer_close(to, "NoncurrentVersionExpiration");
	}
	if (rule->abort_days) {
		xml_writer_open(to, "AbortIncompleteMultipartUpload");
		xml_writer_u64(to, "DaysAfterInitiation", rule->abort_days);
		xml_writer_close(to, "AbortIncompleteMultipartUpload");
	}
	xml_writer_close(to, "Rule");
}

enum s3_error
op_lifecycle_get(struct request *request)
{
	scoped(buffer_free) struct buffer body = {0};
	struct slice bytes = SLICE_NULL;
	struct lifecycle_rules rules;
	enum s3_error error = document_get(request, LIFECYCLE_KIND,
		S3_NO_SUCH_LIFECYCLE, &bytes);

	if (error)
		return error;
	if (!lifecycle_decode(bytes, request->arena, &rules))
		return reply_store_error(request, STORE_CORRUPT);
	xml_writer_begin(&body, "LifecycleConfiguration");
	for (size_t i = 0; i < rules.count; i++)
		write_rule(&body, &rules.rules[i]);
	xml_writer_close(&body, "LifecycleConfiguration");
	reply_minimum(request, &rules);
	reply_xml(request, &body);
	return S3_OK;
}

enum s3_error
op_lifecycle_delete(struct request *request)
{
	return document_delete(request, LIFECYCLE_KIND);
}
