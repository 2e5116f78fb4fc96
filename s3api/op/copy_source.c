/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/op/copy_source.h"

#include "s3api/iam/access.h"
#include "s3api/reply.h"
#include "s3api/version_id.h"
#include "store/base/text.h"
#include "store/tree.h"

static enum s3_error
refuse(struct request *request)
{
	return error_set(&request->report, S3_INVALID_ARGUMENT,
		"Copy Source must mention the source bucket and key: "
		"sourcebucket/sourcekey");
}

static enum s3_error
parse_version(struct request *request, struct slice version,
	struct version_ref *out)
{
	*out = (struct version_ref){.which = VERSION_CURRENT};
	if (!version.data || version_id_parse(version, out))
		return S3_OK;
	return request_refuse_argument(request, "Invalid version id specified",
		"x-amz-copy-source", version);
}

enum s3_error
copy_source_parse(struct request *request, struct copy_source *out)
{
	scoped(buffer_free) struct buffer decoded = {0};
	struct slice text = request_header(request, "x-amz-copy-source");
	struct slice version = version_id_cut(&text);

	if (!text_percent_decode(&decoded, text, false))
		return refuse(request);

	struct slice path = arena_copy(request->arena, buffer_slice(&decoded));

	if (slice_has_prefix(path, SLICE("/")))
		path = slice_from(path, 1);

	ptrdiff_t slash = slice_find_char(path, '/');

	if (slash <= 0 || (size_t)slash + 1 == path.len)
		return refuse(request);
	out->key = slice_from(path, (size_t)slash + 1);
	if (out->key.len > TREE_KEY_MAX || !slice_is_utf8(out->key) ||
		memchr(out->key.data, '\0', out->key.len))
		return refuse(request);

	enum store_err err = bucket_get(request->store,
		slice_first(path, (size_t)slash), &out->bucket);

	if (err)
		return reply_store_error(request, err);

	enum s3_error error = request_check_owner(request,
		"x-amz-source-expected-bucket-owner", &out->bucket);

	if (!error)
		error = access_check_source(request, &out->bucket, out->key,
			version);
	if (error == S3_NO_SUCH_KEY)
		request->missing_version = version;
	return error ? error : parse_version(request, version, &out->version);
}

enum s3_error
copy_source_refuse(struct request *request, const struct copy_source *source,
	const struct object *found, enum store_err err)
{
	if (err == STORE_NOT_FOUND)
		request->missing_version = request->access.source_version;
	if (err != STORE_NOT_FOUND || !found->is_marker ||
		source->version.which == VERSION_CURRENT)
		return reply_store_error(request, err);
	return error_set(&request->report, S3_INVALID_REQUEST,
		"The source of a copy request may not specifically refer to a "
		"delete marker by version id.");
}

void
copy_source_reply(struct request *request, const struct object *found)
{
	char id[VERSION_ID_LEN + 1];

	if (found->versioning == VERSIONING_NEVER)
		return;
	version_text(&found->version, id);
	http_reply_header_str(request->response, "x-amz-copy-source-version-id",
		id);
}
