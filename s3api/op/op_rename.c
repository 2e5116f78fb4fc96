/* SPDX-License-Identifier: Apache-2.0 */
/*
 * S3 API: RenameObject, of S3's directory buckets; here every bucket has it
 * that has never kept versions.  What a copy and a delete may not do it may not
 * do either.
 */
#include "s3api/auth/level.h"
#include "s3api/iam/access.h"
#include "s3api/op/attrs.h"
#include "s3api/op/condition.h"
#include "s3api/op/op.h"
#include "s3api/op/tag_set.h"
#include "s3api/reply.h"
#include "store/base/digest.h"
#include "store/base/text.h"
#include "store/tree.h"

#define SOURCE "x-amz-rename-source"
#define CLIENT_TOKEN "x-amz-client-token"
#define CLIENT_TOKEN_MAX 64

struct rename {
	struct slice source;
	const struct access_policies *of_source;
	struct condition of_both[2]; /* the source's, the target's */
	enum s3_error refused;	     /* by check() */
	bool may_move_tags;
	bool may_move_list;
	bool has_token;
	struct object_rename_token token;
};

/* Percent-encoded: a key or, as AWS's own file system client has it,
 * /bucket/key. */
static enum s3_error
parse_source(struct request *request, struct slice *out)
{
	scoped(buffer_free) struct buffer decoded = {0};
	struct slice text = request_header(request, SOURCE);
	struct slice prefix = arena_printf(request->arena, "/%.*s/",
		(int)request->bucket_name.len, request->bucket_name.data);

	if (!text_percent_decode(&decoded, text, false))
		return request_refuse_argument(request,
			"The source of a rename must be percent-encoded.",
			SOURCE, text);
	*out = arena_copy(request->arena, buffer_slice(&decoded));
	if (slice_has_prefix(*out, prefix))
		*out = slice_from(*out, prefix.len);
	if (!out->len || out->len > TREE_KEY_MAX || !slice_is_utf8(*out) ||
		slice_find_char(*out, 0) >= 0)
		return request_refuse_argument(request,
			"The source of a rename must be a key.", SOURCE, text);
	return S3_OK;
}

static enum s3_error
refuse_dirs(struct request *request, struct slice source)
{
	if (!slice_has_suffix(source, SLICE("/")) &&
		!slice_has_suffix(request->key, SLICE("/")))
		return S3_OK;
	return error_set(&request->report, S3_INVALID_REQUEST,
		"RenameObject is not supported for keys that end in a slash.");
}

static void
digest_text(struct digest *digest, struct slice text)
{
	const uint64_t len = text.data ? text.len : UINT64_MAX;

	digest_update(digest, &len, sizeof(len));
	digest_update(digest, text.data, text.len);
}

/* Of all that tells one request from another that has the same token. */
static void
digest_asked(const struct rename *rename, struct slice key, uint8_t value[32])
{
	struct digest digest;

	digest_init(&digest, DIGEST_SHA256);
	digest_text(&digest, key);
	digest_text(&digest, rename->source);
	for (size_t i = 0; i < array_len(rename->of_both); i++) {
		const struct condition *condition = &rename->of_both[i];

		digest_text(&digest, condition->match);
		digest_text(&digest, condition->none_match);
		digest_text(&digest, condition->modified_since);
		digest_text(&digest, condition->unmodified_since);
	}
	digest_final(&digest, value);
}

static enum s3_error
parse_token(struct request *request, struct rename *rename)
{
	struct slice token = request_header(request, CLIENT_TOKEN);
	bool is_printed = true;

	rename->has_token = token.data != NULL;
	if (!rename->has_token)
		return S3_OK;
	for (size_t i = 0; i < token.len; i++)
		is_printed = is_printed && token.data[i] > ' ' &&
			     token.data[i] <= '~';
	if (!token.len || token.len > CLIENT_TOKEN_MAX || !is_printed)
		return request_refuse_argument(request,
			"A client token has 1 to 64 characters of ASCII.",
			CLIENT_TOKEN, token);
	digest_of(DIGEST_SHA256, token, rename->token.token);
	digest_asked(rename, request->key, rename->token.asked);
	return S3_OK;
}

/* Policies are held against them as if they were heeded. */
static enum s3_error
refuse_attrs(struct request *request)
{
	static const char *const refused[] = {
		"x-amz-acl",
		"x-amz-copy-source",
		"x-amz-grant-full-control",
		"x-amz-grant-read",
		"x-amz-grant-read-acp",
		"x-amz-grant-write",
		"x-amz-grant-write-acp",
		"x-amz-metadata-directive",
		"x-amz-object-lock-legal-hold",
		"x-amz-object-lock-mode",
		"x-amz-object-lock-retain-until-date",
		"x-amz-server-side-encryption-customer-algorithm",
		"x-amz-server-side-encryption-customer-key",
		"x-amz-server-side-encryption-customer-key-md5",
		"x-amz-storage-class",
		"x-amz-tagging",
		"x-amz-tagging-directive",
		"x-amz-website-redirect-location",
	};
	enum s3_error error =
		request_refuse_headers(request, refused, array_len(refused));

	return error ? error : attrs_refuse_unsupported(request);
}

/* What the answer to a condition tells is told to who may read it. */
static enum s3_error
check_curiosity(struct request *request, const struct condition *condition)
{
	if (!condition->match.data && !condition->modified_since.data &&
		!condition->unmodified_since.data)
		return S3_OK;
	return condition_check_reader(request);
}

/* What a copy asks about tags and lists. */
static void
ask_of_attrs(struct request *request, struct rename *rename)
{
	rename->may_move_tags =
		access_may_of_source(request, POLICY_ACTION_GET_OBJECT_TAGGING,
			rename->source) &&
		access_may(request, POLICY_ACTION_PUT_OBJECT_TAGGING);
	rename->may_move_list =
		access_may(request, POLICY_ACTION_PUT_OBJECT_ACL) &&
		level_allows(request->caller.token.level, LEVEL_CONFIGURE);
}

static enum s3_error
check_access(struct request *request, struct rename *rename)
{
	enum s3_error error =
		access_check_action(request, POLICY_ACTION_PUT_OBJECT);

	if (!error)
		error = check_curiosity(request, &rename->of_both[1]);
	if (!error)
		error = access_check_source(request, &request->bucket,
			rename->source, SLICE_NULL);
	if (!error && !access_may_of_source(request,
			      POLICY_ACTION_RENAME_OBJECT, rename->source))
		error = error_set(&request->report, S3_ACCESS_DENIED, NULL);
	if (!error && !access_may_of_source(request,
			      POLICY_ACTION_DELETE_OBJECT, rename->source))
		error = error_set(&request->report, S3_ACCESS_DENIED, NULL);
	if (!error)
		ask_of_attrs(request, rename);
	return error;
}

static bool
may_move(const struct rename *rename, const struct inode *source)
{
	struct slice list;

	if (!rename->may_move_tags && tag_set_count(source->attrs) > 0)
		return false;
	return rename->may_move_list ||
	       !inode_attr_find(source->attrs, INODE_ATTR_ACL, SLICE("s3"),
		       &list);
}

static bool
is_met(const struct condition *condition, const struct inode *target)
{
	if (target)
		return !condition_check(condition, target);
	return !condition->match.data && !condition->modified_since.data;
}

static enum store_err
check(const struct inode *source, const struct inode *target, void *context)
{
	struct rename *rename = context;

	rename->refused = S3_OK;
	if (access_is_of_another(rename->of_source, source))
		rename->refused = S3_CONDITIONAL_REQUEST_CONFLICT;
	else if (!may_move(rename, source))
		rename->refused = S3_ACCESS_DENIED;
	else if (!is_met(&rename->of_both[0], source) ||
		 !is_met(&rename->of_both[1], target))
		rename->refused = S3_PRECONDITION_FAILED;
	return rename->refused ? STORE_PRECONDITION : STORE_OK;
}

static enum s3_error
refuse(struct request *request, const struct rename *rename, enum store_err err)
{
	if (err == STORE_EXISTS)
		return error_set(&request->report,
			S3_IDEMPOTENCY_PARAMETER_MISMATCH, NULL);
	if (err == STORE_UNSUPPORTED)
		return error_set(&request->report, S3_INVALID_BUCKET_STATE,
			"RenameObject is not supported where versions are "
			"kept, or were.");
	if (err == STORE_PRECONDITION && rename->refused)
		return error_set(&request->report, rename->refused, NULL);
	return reply_store_error(request, err);
}

enum s3_error
op_rename_object(struct request *request)
{
	struct rename rename = {
		.of_source = &request->access.of_source,
		.of_both = {condition_of_rename_source(request),
			condition_of_read(request)},
	};
	struct inode moved;
	enum s3_error error = parse_source(request, &rename.source);

	if (!error)
		error = refuse_dirs(request, rename.source);
	if (!error)
		error = refuse_attrs(request);
	if (!error)
		error = condition_refuse_none_match(request);
	if (!error)
		error = parse_token(request, &rename);
	if (!error)
		error = check_access(request, &rename);
	if (error)
		return error;

	enum store_err err = object_rename(request->store, request->bucket.ino,
		rename.source, request->key, check, &rename,
		rename.has_token ? &rename.token : NULL, &moved);

	if (err)
		return refuse(request, &rename, err);
	request->object_size = moved.size;
	reply_empty(request, 200);
	return S3_OK;
}
