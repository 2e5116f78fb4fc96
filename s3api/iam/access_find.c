/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/iam/access_private.h"
#include "s3api/version_id.h"
#include "store/base/buffer.h"
#include "store/base/clock.h"
#include "store/base/text.h"
#include "store/lock.h"

#define BYTES_A_STEP 16

static void
add(struct policy_values *out, struct slice value)
{
	if (value.data && out->count < POLICY_VALUES_MAX)
		out->values[out->count++] = value;
}

/* --- of the caller -------------------------------------------------------- */

static struct slice
caller_type(const struct policy_caller *caller)
{
	return caller->is_anonymous   ? SLICE("Anonymous")
	       : caller->role.len > 0 ? SLICE("AssumedRole")
				      : SLICE("User");
}

static struct slice
organization(const struct policy_caller *caller)
{
	return caller->is_anonymous ? SLICE_NULL : caller->organization;
}

static struct slice
signature_age(struct access_object *object)
{
	const struct request *request = object->request;
	if (request->access.caller.is_anonymous)
		return SLICE_NULL;
	return arena_printf(&object->arena, "%lld",
		(long long)((request->access.now_ns -
				    request->caller.signed_ns) /
			    1000000));
}

static bool
find_of_caller(struct access_object *object, enum policy_key key,
	struct slice *out)
{
	const struct request *request = object->request;
	const struct policy_caller *caller = &request->access.caller;
	bool is_signed = !caller->is_anonymous;

	if (key == POLICY_KEY_PRINCIPAL_ACCOUNT ||
		key == POLICY_KEY_PRINCIPAL_ORG_ID ||
		key == POLICY_KEY_CW_PRINCIPAL_ORG_ID)
		*out = organization(caller);
	else if (key == POLICY_KEY_PRINCIPAL_ARN)
		*out = policy_principal_arn(caller, &object->arena);
	else if (key == POLICY_KEY_PRINCIPAL_TYPE)
		*out = caller_type(caller);
	else if (key == POLICY_KEY_USER_ID)
		*out = policy_principal_id(caller, &object->arena);
	else if (key == POLICY_KEY_USER_NAME) /* IAM: not that of a role */
		*out = is_signed && caller->role.len == 0 ? caller->name
							  : SLICE_NULL;
	else if (key == POLICY_KEY_AUTH_TYPE)
		*out = !is_signed		 ? SLICE_NULL
		       : request->caller.is_form ? SLICE("POST")
		       : request->caller.is_presigned
			       ? SLICE("REST-QUERY-STRING")
			       : SLICE("REST-HEADER");
	else if (key == POLICY_KEY_SIGNATURE_AGE)
		*out = signature_age(object);
	else if (key == POLICY_KEY_SIGNATURE_VERSION)
		*out = is_signed ? SLICE("AWS4-HMAC-SHA256") : SLICE_NULL;
	else
		return false;
	return true;
}

/* --- of the request ------------------------------------------------------- */

/* Keys that are a header, or a parameter of the query. */
static const struct {
	enum policy_key key;
	const char *header;
	const char *param;
} sources[] = {
	{POLICY_KEY_REFERER, "referer", NULL},
	{POLICY_KEY_USER_AGENT, "user-agent", NULL},
	{POLICY_KEY_CONTENT_SHA256, "x-amz-content-sha256", NULL},
	{POLICY_KEY_DELIMITER, NULL, "delimiter"},
	{POLICY_KEY_IF_MATCH, "if-match", NULL},
	{POLICY_KEY_IF_NONE_MATCH, "if-none-match", NULL},
	{POLICY_KEY_MAX_KEYS, NULL, "max-keys"},
	{POLICY_KEY_PREFIX, NULL, "prefix"},
	{POLICY_KEY_ACL, "x-amz-acl", NULL},
	{POLICY_KEY_GRANT_FULL_CONTROL, "x-amz-grant-full-control", NULL},
	{POLICY_KEY_GRANT_READ, "x-amz-grant-read", NULL},
	{POLICY_KEY_GRANT_READ_ACP, "x-amz-grant-read-acp", NULL},
	{POLICY_KEY_GRANT_WRITE, "x-amz-grant-write", NULL},
	{POLICY_KEY_GRANT_WRITE_ACP, "x-amz-grant-write-acp", NULL},
	{POLICY_KEY_METADATA_DIRECTIVE, "x-amz-metadata-directive", NULL},
	{POLICY_KEY_OBJECT_OWNERSHIP, "x-amz-object-ownership", NULL},
	{POLICY_KEY_SSE, "x-amz-server-side-encryption", NULL},
	{POLICY_KEY_SSE_KMS_KEY, "x-amz-server-side-encryption-aws-kms-key-id",
		NULL},
	{POLICY_KEY_SSE_CUSTOMER_ALGORITHM,
		"x-amz-server-side-encryption-customer-algorithm", NULL},
	{POLICY_KEY_STORAGE_CLASS, "x-amz-storage-class", NULL},
	{POLICY_KEY_WEBSITE_REDIRECT, "x-amz-website-redirect-location", NULL},
};

/* --- locks ---------------------------------------------------------------- */

/* What the request asks for, in its body or in headers. */
static struct inode_lock
find_lock(const struct request *request)
{
	struct inode_lock lock = request->access.request_lock;
	enum inode_lock_mode mode;

	if (request->access.has_request_lock)
		return lock;
	if (lock_mode_find(request_header(request, "x-amz-object-lock-mode"),
		    &mode))
		lock.mode = (uint8_t)mode;
	(void)clock_from_iso8601(request_header(request,
					 "x-amz-object-lock-retain-until-date"),
		&lock.until_ns);
	return lock;
}

static struct slice
lock_hold(const struct request *request)
{
	if (!request->access.has_request_lock)
		return request_header(request, "x-amz-object-lock-legal-hold");
	return request->access.request_lock.hold == INODE_HOLD_ON ? SLICE("ON")
	       : request->access.request_lock.hold		  ? SLICE("OFF")
								  : SLICE_NULL;
}

/* Days that have begun count. */
static struct slice
lock_days(struct access_object *object, int64_t until_ns)
{
	int64_t now_ns = object->request->access.now_ns;
	/* Whoever asks for one that is over is refused. */
	int64_t left_ns = until_ns > now_ns ? until_ns - now_ns : 0;

	return arena_printf(&object->arena, "%lld",
		(long long)((left_ns + CLOCK_NS_PER_DAY - 1) /
			    CLOCK_NS_PER_DAY));
}

static bool
find_of_lock(struct access_object *object, enum policy_key key,
	struct slice *out)
{
	const struct request *request = object->request;
	struct inode_lock lock = find_lock(request);
	const char *mode = lock_mode_name(lock.mode);
	char date[25];

	*out = SLICE_NULL;
	if (key == POLICY_KEY_OBJECT_LOCK_MODE) {
		if (mode)
			*out = slice_str(mode);
	} else if (key == POLICY_KEY_OBJECT_LOCK_LEGAL_HOLD) {
		*out = lock_hold(request);
	} else if (key == POLICY_KEY_OBJECT_LOCK_DAYS) {
		if (lock.until_ns)
			*out = lock_days(object, lock.until_ns);
	} else if (key == POLICY_KEY_OBJECT_LOCK_UNTIL) {
		clock_to_iso8601(lock.until_ns, date);
		if (lock.until_ns)
			*out = arena_copy(&object->arena, slice_str(date));
	} else {
		return false;
	}
	return true;
}

static bool
find_in_request(struct access_object *object, enum policy_key key,
	struct slice *out)
{
	const struct request *request = object->request;

	if (key == POLICY_KEY_PREFIX && request->target == OPERATION_OBJECT) {
		*out = request->access.missed;
		return true;
	}
	for (size_t i = 0; i < array_len(sources); i++) {
		if (sources[i].key != key)
			continue;
		if (sources[i].header)
			*out = request_header(request, sources[i].header);
		else if (request_has_param(request, sources[i].param))
			*out = arena_copy(&object->arena,
				request_param(request, sources[i].param));
		return true;
	}
	return false;
}

/* As it is understood, without a version: two spellings of a source are one. */
static struct slice
copy_source(struct access_object *object)
{
	const struct request *request = object->request;
	scoped(buffer_free) struct buffer decoded = {0};
	struct slice text = request_header(request, "x-amz-copy-source");

	version_id_cut(&text);
	if (!text.data || !text_percent_decode(&decoded, text, false))
		return SLICE_NULL;
	if (slice_has_prefix(buffer_slice(&decoded), SLICE("/")))
		return arena_copy(&object->arena,
			slice_from(buffer_slice(&decoded), 1));
	return arena_copy(&object->arena, buffer_slice(&decoded));
}

static struct slice
current_time(struct access_object *object)
{
	const struct request *request = object->request;
	char text[25];

	clock_to_iso8601(request->access.now_ns, text);
	return arena_copy(&object->arena, slice_str(text));
}

static struct slice
epoch_time(struct access_object *object)
{
	const struct request *request = object->request;
	return arena_printf(&object->arena, "%lld",
		(long long)(request->access.now_ns / CLOCK_NS_PER_S));
}

/* --- tags ----------------------------------------------------------------- */

/* Looking through many attributes is work like matching. */
static void
charge(struct access_object *object, size_t bytes)
{
	uint64_t *steps = &object->request->access.steps;
	uint64_t cost = bytes / BYTES_A_STEP;

	*steps -= *steps < cost ? *steps : cost;
}

static void
find_existing_tag(struct access_object *object, struct slice tag,
	struct policy_values *out)
{
	const struct slice *attrs = &object->object.found.inode.attrs;
	struct slice value;

	if (exposure_look_up(&object->object))
		return;
	charge(object, attrs->len);
	if (inode_attr_find(*attrs, INODE_ATTR_TAG, tag, &value))
		add(out, value);
}

static struct slice
decode(struct access_object *object, struct slice text)
{
	scoped(buffer_free) struct buffer decoded = {0};

	if (!text_percent_decode(&decoded, text, true))
		return SLICE_NULL;
	return arena_copy(&object->arena, buffer_slice(&decoded));
}

static void
find_tag_of_body(struct access_object *object, struct slice tag,
	struct policy_values *out)
{
	const struct request *request = object->request;
	struct slice rest = request->access.request_tags;
	struct inode_attr attr;

	while (inode_attr_next(&rest, &attr)) {
		if (tag.len == 0)
			add(out, attr.name);
		else if (slice_equal(attr.name, tag))
			add(out, attr.value);
	}
}

/* x-amz-tagging: a=1&b=2.  An empty tag stands for all of their names. */
static void
find_request_tag(struct access_object *object, struct slice tag,
	struct policy_values *out)
{
	const struct request *request = object->request;
	struct slice rest = request_header(request, "x-amz-tagging");
	struct slice piece;
	struct slice name;

	while (slice_split(&rest, '&', &piece)) {
		if (!slice_split(&piece, '=', &name))
			continue;
		name = decode(object, name);
		if (tag.len == 0)
			add(out, name);
		else if (slice_equal(name, tag))
			add(out, decode(object, piece));
	}
}

void
access_find(void *context, const struct policy_key_name *name,
	struct policy_values *out)
{
	struct access_object *object = context;
	const struct request *request = object->request;
	struct slice value = SLICE_NULL;

	out->count = 0;
	if (name->key == POLICY_KEY_EXISTING_TAG)
		find_existing_tag(object, name->suffix, out);
	else if (name->key == POLICY_KEY_REQUEST_TAG ||
		 name->key == POLICY_KEY_REQUEST_TAG_KEYS)
		(request->access.has_request_tags
				? find_tag_of_body
				: find_request_tag)(object, name->suffix, out);
	else if (name->key == POLICY_KEY_CURRENT_TIME)
		add(out, current_time(object));
	else if (name->key == POLICY_KEY_EPOCH_TIME)
		add(out, epoch_time(object));
	else if (name->key == POLICY_KEY_SECURE_TRANSPORT)
		add(out, request_is_secure(request) ? SLICE("true")
						    : SLICE("false"));
	else if (name->key == POLICY_KEY_TLS_VERSION)
		add(out, request_tls_version(request));
	else if (name->key == POLICY_KEY_SOURCE_IP)
		add(out, request_client_address(request));
	else if (name->key == POLICY_KEY_VERSION_ID)
		add(out, object->version);
	else if (name->key == POLICY_KEY_COPY_SOURCE)
		add(out, copy_source(object));
	else if (name->key == POLICY_KEY_RESOURCE_ACCOUNT &&
		 object->object.bucket)
		add(out, slice_str(object->object.bucket->owner));
	else if (find_of_caller(object, name->key, &value) ||
		 find_of_lock(object, name->key, &value) ||
		 find_in_request(object, name->key, &value))
		add(out, value);
}
