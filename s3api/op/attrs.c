/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/op/attrs.h"

#include <stdlib.h>

#include "s3api/body.h"
#include "s3api/iam/access.h"
#include "s3api/op/lock_header.h"
#include "s3api/op/object_acl.h"
#include "s3api/op/tag_set.h"
#include "s3api/reply.h"
#include "s3api/xml/xml_writer.h"
#include "store/replication.h"

#define META_PREFIX "x-amz-meta-"
#define REDIRECT "x-amz-website-redirect-location"
#define REDIRECT_MAX 2048

/* In the order of their names, as attributes are kept. */
static const struct {
	const char *header;
	const char *override; /* of the query */
} kept[] = {
	{"cache-control", "response-cache-control"},
	{"content-disposition", "response-content-disposition"},
	{"content-encoding", "response-content-encoding"},
	{"content-language", "response-content-language"},
	{"content-type", "response-content-type"},
	{"expires", "response-expires"},
};

static void
append_headers(struct request *request, struct buffer *to)
{
	for (size_t i = 0; i < array_len(kept); i++) {
		struct slice name = slice_str(kept[i].header);
		struct slice value = request_header(request, kept[i].header);

		if (slice_equal(name, SLICE("content-encoding")))
			value = body_content_encoding(request->http);
		if (value.len == 0)
			continue;

		const struct inode_attr attr = {INODE_ATTR_HEADER, name, value};

		inode_attr_append(to, &attr);
	}
}

/* The x-amz-meta-* headers; those of one name are joined by a comma. */
static size_t
collect_meta(struct request *request, struct inode_attr *metas)
{
	const struct http_request *http = request->http;
	size_t count = 0;

	for (size_t i = 0; i < http->header_count; i++) {
		struct slice name = http->headers[i].name;
		size_t same = 0;

		if (!slice_has_prefix(name, SLICE(META_PREFIX)))
			continue;
		name = slice_from(name, sizeof(META_PREFIX) - 1);
		while (same < count && !slice_equal(metas[same].name, name))
			same++;
		if (same == count) {
			metas[count++] = (struct inode_attr){
				INODE_ATTR_META, name, http->headers[i].value};
			continue;
		}
		metas[same].value = arena_printf(request->arena, "%.*s,%.*s",
			(int)metas[same].value.len, metas[same].value.data,
			(int)http->headers[i].value.len,
			http->headers[i].value.data);
	}
	qsort(metas, count, sizeof(*metas), inode_attr_compare_names);
	return count;
}

/* Whoever may put an object may not tag it for that alone. */
static enum s3_error
append_tags(struct request *request, struct buffer *to)
{
	struct slice tags = SLICE_NULL;
	enum s3_error error = tag_set_parse_header(request, &tags);

	if (!error && tags.len > 0)
		error = access_check_action(request,
			POLICY_ACTION_PUT_OBJECT_TAGGING);
	if (!error)
		buffer_append(to, tags);
	return error;
}

/* S3 API: PutObject. */
static enum s3_error
append_redirect(struct request *request, struct buffer *to)
{
	const struct inode_attr attr = {.kind = INODE_ATTR_REDIRECT,
		.value = request_header(request, REDIRECT)};

	if (attr.value.len == 0)
		return S3_OK;
	if (attr.value.len > REDIRECT_MAX)
		return error_set(&request->report, S3_INVALID_REDIRECT,
			"The length of website redirect location cannot "
			"exceed 2,048 characters.");
	if (!slice_has_prefix(attr.value, SLICE("/")) &&
		!slice_has_prefix(attr.value, SLICE("http://")) &&
		!slice_has_prefix(attr.value, SLICE("https://")))
		return error_set(&request->report, S3_INVALID_REDIRECT, NULL);
	inode_attr_append(to, &attr);
	return S3_OK;
}

enum s3_error
attrs_parse(struct request *request, bool with_tags, struct slice *attrs)
{
	scoped(buffer_free) struct buffer encoded = {0};
	struct inode_attr *metas = arena_new_array(request->arena,
		request->http->header_count, struct inode_attr);
	size_t count = collect_meta(request, metas);
	size_t total = 0;

	append_headers(request, &encoded);
	for (size_t i = 0; i < count; i++) {
		total += metas[i].name.len + metas[i].value.len;
		inode_attr_append(&encoded, &metas[i]);
	}
	if (total > ATTRS_META_MAX)
		return error_set(&request->report, S3_METADATA_TOO_LARGE, NULL);

	enum s3_error error =
		with_tags ? append_tags(request, &encoded) : S3_OK;

	if (!error)
		error = object_acl_append(request, &encoded);
	if (!error)
		error = append_redirect(request, &encoded);
	if (!error)
		error = lock_header_append(request, &encoded);
	if (error)
		return error;
	*attrs = arena_copy(request->arena, buffer_slice(&encoded));
	return S3_OK;
}

enum s3_error
attrs_refuse_unsupported(struct request *request)
{
	static const char *const refused[] = {
		"x-amz-server-side-encryption",
		"x-amz-server-side-encryption-aws-kms-key-id",
		"x-amz-server-side-encryption-bucket-key-enabled",
		"x-amz-server-side-encryption-context",
		"x-amz-write-offset-bytes",
	};
	struct slice class = request_header(request, "x-amz-storage-class");

	enum s3_error error =
		request_refuse_headers(request, refused, array_len(refused));

	if (error)
		return error;
	if (class.data && !slice_equal(class, SLICE("STANDARD")))
		return error_set(&request->report, S3_INVALID_STORAGE_CLASS,
			NULL);
	return S3_OK;
}

static void
reply_header(struct request *request, const char *header, const char *override,
	struct slice value)
{
	struct slice wanted = request_param(request, override);

	if (wanted.len > 0)
		value = wanted;
	if (value.len > 0)
		http_reply_header(request->response, header, value);
}

enum s3_error
attrs_check_overrides(struct request *request)
{
	if (!request->access.caller.is_anonymous)
		return S3_OK;
	for (size_t i = 0; i < array_len(kept); i++) {
		if (request_param(request, kept[i].override).data)
			return error_set(&request->report, S3_INVALID_REQUEST,
				"Request specific response headers cannot be "
				"used for anonymous GET requests.");
	}
	return S3_OK;
}

void
attrs_reply(struct request *request, const struct inode *inode)
{
	const char *replication =
		replication_status_name(replication_status_of(inode->attrs));
	size_t tag_count = tag_set_count(inode->attrs);
	struct slice rest = inode->attrs;
	struct slice redirect;
	struct inode_attr attr;

	for (size_t i = 0; i < array_len(kept); i++) {
		struct slice value = SLICE_NULL;

		if (!inode_attr_find(inode->attrs, INODE_ATTR_HEADER,
			    slice_str(kept[i].header), &value) &&
			!strcmp(kept[i].header, "content-type"))
			value = SLICE("binary/octet-stream");
		reply_header(request, kept[i].header, kept[i].override, value);
	}
	while (inode_attr_next(&rest, &attr)) {
		if (attr.kind != INODE_ATTR_META)
			continue;
		http_reply_header_named(request->response,
			arena_concat(request->arena, SLICE(META_PREFIX),
				attr.name),
			attr.value);
	}
	if (inode_attr_find(inode->attrs, INODE_ATTR_REDIRECT, SLICE_NULL,
		    &redirect))
		http_reply_header(request->response, REDIRECT, redirect);
	if (replication)
		http_reply_header_str(request->response,
			"x-amz-replication-status", replication);
	if (tag_count > 0 &&
		access_may(request, POLICY_ACTION_GET_OBJECT_TAGGING))
		http_reply_header_u64(request->response, "x-amz-tagging-count",
			tag_count);
	lock_header_reply(request, &inode->lock);
}

struct checksum
attrs_checksum(const struct inode *inode)
{
	struct checksum checksum = {
		.kind = inode->checksum_kind,
		.is_composite = inode->is_checksum_composite,
		.parts = inode->checksum_parts,
		.len = inode->checksum_len,
	};

	memcpy(checksum.value, inode->checksum, sizeof(checksum.value));
	return checksum;
}

void
attrs_reply_checksum(struct request *request, const struct checksum *checksum)
{
	char text[CHECKSUM_TEXT_MAX];

	if (!checksum->kind)
		return;
	checksum_to_text(checksum, text);
	http_reply_header_str(request->response,
		checksum_header(checksum->kind), text);
	http_reply_header_str(request->response, "x-amz-checksum-type",
		checksum_type_name(checksum->is_composite));
}

void
attrs_write_checksum(struct buffer *to, const struct checksum *checksum)
{
	char text[CHECKSUM_TEXT_MAX];

	if (!checksum->kind)
		return;
	checksum_to_text(checksum, text);
	xml_writer_str(to, checksum_element(checksum->kind), text);
	xml_writer_str(to, "ChecksumType",
		checksum_type_name(checksum->is_composite));
}

void
attrs_write_part_checksum(struct buffer *to,
	const struct upload_part_info *part)
{
	struct checksum checksum = {
		.kind = part->checksum_kind,
		.len = part->checksum_len,
	};
	char text[CHECKSUM_TEXT_MAX];

	if (!checksum.kind)
		return;
	memcpy(checksum.value, part->checksum, sizeof(part->checksum));
	checksum_to_text(&checksum, text);
	xml_writer_str(to, checksum_element(checksum.kind), text);
}

void
attrs_show_checksum(struct checksum *checksum, const struct inode *inode,
	const struct seal *seal)
{
	seal_pad(seal, inode->etag.value, checksum->value, checksum->len);
}

void
attrs_set_checksum(struct object_attrs *attrs, const struct checksum *checksum)
{
	attrs->checksum_kind = (uint8_t)checksum->kind;
	attrs->is_checksum_composite = checksum->is_composite;
	attrs->checksum_parts = checksum->parts;
	attrs->checksum_len = checksum->len;
	memcpy(attrs->checksum, checksum->value, sizeof(attrs->checksum));
}
