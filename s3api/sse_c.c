/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/sse_c.h"

#include "s3api/reply.h"
#include "s3api/server_private.h"
#include "store/base/digest.h"
#include "store/base/text.h"

#define PREFIX "x-amz-server-side-encryption-customer-"
#define SOURCE_PREFIX "x-amz-copy-source-server-side-encryption-customer-"
#define MD5_LEN 16

static const char *const names[][3] = {
	[SSE_C_OBJECT] = {PREFIX "algorithm", PREFIX "key", PREFIX "key-md5"},
	[SSE_C_COPY_SOURCE] = {SOURCE_PREFIX "algorithm", SOURCE_PREFIX "key",
		SOURCE_PREFIX "key-md5"},
};

static enum s3_error
refuse(struct request *request, const char *message)
{
	return error_set(&request->report, S3_INVALID_ARGUMENT, message);
}

static enum s3_error
refuse_in_clear(struct request *request)
{
	return error_set(&request->report, S3_INVALID_REQUEST,
		"Requests specifying Server Side Encryption with Customer "
		"provided keys must be made over a secure connection.");
}

static bool
is_private(const struct request *request)
{
	return request_is_secure(request) ||
	       request->server->allows_sse_c_without_tls;
}

static enum s3_error
parse_key(struct request *request, struct slice text, uint8_t *key)
{
	size_t len = SEAL_KEY_LEN;

	/* 32 bytes are 44 characters; the decoder writes what it is given. */
	if (text.len == TEXT_BASE64_LEN(SEAL_KEY_LEN) &&
		text_from_base64(text, key, &len) && len == SEAL_KEY_LEN)
		return S3_OK;
	return refuse(request,
		"The secret key was invalid for the specified algorithm.");
}

static enum s3_error
check_md5(struct request *request, struct slice text, const uint8_t *key)
{
	uint8_t given[MD5_LEN], computed[MD5_LEN];
	size_t len = sizeof(given);

	digest_of(DIGEST_MD5, slice_of(key, SEAL_KEY_LEN), computed);

	bool is_equal = text.len == TEXT_BASE64_LEN(MD5_LEN) &&
			text_from_base64(text, given, &len) &&
			len == sizeof(given) &&
			digest_equal(given, computed, sizeof(given));

	cipher_wipe(computed, sizeof(computed));
	if (is_equal)
		return S3_OK;
	return refuse(request, "The calculated MD5 hash of the key did not "
			       "match the hash that was provided.");
}

/* As they came; each is SLICE_NULL where it did not. */
struct texts {
	struct slice algorithm;
	struct slice key;
	struct slice md5;
};

static enum s3_error
parse_texts(struct request *request, const struct texts *texts,
	struct sse_c *out)
{
	enum s3_error error;

	*out = (struct sse_c){0};
	if (!texts->algorithm.data && !texts->key.data && !texts->md5.data)
		return S3_OK;
	if (!is_private(request))
		return refuse_in_clear(request);
	if (request_header(request, "x-amz-server-side-encryption").data)
		return refuse(request, "Server Side Encryption with Customer "
				       "provided key is incompatible with the "
				       "encryption method specified.");
	if (!texts->algorithm.data)
		return refuse(request,
			"Requests specifying Server Side Encryption with "
			"Customer provided keys must provide a valid "
			"encryption algorithm.");
	if (!slice_equal(texts->algorithm, SLICE("AES256")))
		return refuse(request, "The requested encryption algorithm is "
				       "not valid, must be AES256.");
	if (!texts->key.data)
		return refuse(request,
			"Requests specifying Server Side Encryption with "
			"Customer provided keys must provide an appropriate "
			"secret key.");
	if (!texts->md5.data)
		return refuse(request,
			"Requests specifying Server Side Encryption with "
			"Customer provided keys must provide the client "
			"calculated MD5 of the secret key.");
	error = parse_key(request, texts->key, out->key);
	if (!error)
		error = check_md5(request, texts->md5, out->key);
	if (error) {
		sse_c_wipe(out);
		return error;
	}
	out->is_given = true;
	out->md5 = arena_copy(request->arena, texts->md5);
	return S3_OK;
}

enum s3_error
sse_c_parse(struct request *request, enum sse_c_whose whose, struct sse_c *out)
{
	const char *const *name = names[whose];
	const struct texts texts = {
		.algorithm = request_header(request, name[0]),
		.key = request_header(request, name[1]),
		.md5 = request_header(request, name[2]),
	};

	*out = (struct sse_c){0};
	for (size_t i = 0; i < array_len(names[whose]); i++)
		if (http_request_header_count(request->http, name[i]) > 1)
			return refuse(request, "A header of Server Side "
					       "Encryption came twice.");
	return parse_texts(request, &texts, out);
}

static enum s3_error
check_blocked(struct request *request)
{
	struct slice blocked;
	enum store_err err =
		bucket_get_document(request->store, request->bucket.ino,
			SLICE(SSE_C_BLOCKED_KIND), request->arena, &blocked);

	if (err == STORE_NOT_FOUND)
		return S3_OK;
	if (err)
		return reply_store_error(request, err);
	return slice_equal(blocked, SLICE(SSE_C_BLOCKED))
		       ? error_set(&request->report, S3_ACCESS_DENIED,
				 "The bucket blocks Server Side Encryption "
				 "with Customer provided keys.")
		       : S3_OK;
}

enum s3_error
sse_c_parse_stored(struct request *request, struct sse_c *out)
{
	enum s3_error error = sse_c_parse(request, SSE_C_OBJECT, out);

	return error || !out->is_given ? error : check_blocked(request);
}

static enum s3_error
open_seal(struct request *request, const struct sse_c *sse_c, struct slice attr,
	struct seal *seal, enum s3_error if_wrong)
{
	enum store_err err = seal_open(seal, attr, sse_c->key);

	if (err == STORE_WRONG_KEY)
		return error_set(&request->report, if_wrong,
			"The provided encryption parameters did not match the "
			"ones used originally.");
	return err ? reply_store_error(request, err) : S3_OK;
}

enum s3_error
sse_c_open(struct request *request, const struct sse_c *sse_c,
	struct slice attrs, struct seal *seal, bool *is_sealed)
{
	struct slice attr;

	*is_sealed = seal_find(attrs, &attr);
	if (*is_sealed && sse_c->is_given)
		return open_seal(request, sse_c, attr, seal,
			S3_INVALID_ARGUMENT);
	if (*is_sealed)
		return error_set(&request->report, S3_INVALID_REQUEST,
			"The object was stored using a form of Server Side "
			"Encryption. The correct parameters must be provided "
			"to retrieve the object.");
	if (sse_c->is_given)
		return error_set(&request->report, S3_INVALID_REQUEST,
			"The encryption parameters are not applicable to this "
			"object.");
	return S3_OK;
}

enum s3_error
sse_c_open_upload(struct request *request, const struct sse_c *sse_c,
	struct slice attrs, struct seal *seal, bool *is_sealed)
{
	struct slice attr;

	*is_sealed = seal_find(attrs, &attr);
	if (*is_sealed && sse_c->is_given)
		return open_seal(request, sse_c, attr, seal,
			S3_INVALID_REQUEST);
	if (*is_sealed)
		return error_set(&request->report, S3_INVALID_REQUEST,
			"The multipart upload initiate requested encryption. "
			"Subsequent part requests must include the "
			"appropriate encryption parameters.");
	if (sse_c->is_given)
		return error_set(&request->report, S3_INVALID_REQUEST,
			"The multipart upload initiate did not request "
			"encryption. Please resend the request without "
			"sending encryption parameters.");
	return S3_OK;
}

void
sse_c_reply(struct request *request, const struct sse_c *sse_c)
{
	if (!sse_c->is_given)
		return;
	http_reply_header_str(request->response, names[SSE_C_OBJECT][0],
		"AES256");
	http_reply_header(request->response, PREFIX "key-MD5", sse_c->md5);
}

void
sse_c_wipe(struct sse_c *sse_c)
{
	cipher_wipe(sse_c->key, sizeof(sse_c->key));
	sse_c->is_given = false;
}

void
sse_c_wipe_headers(const struct http_request *request)
{
	for (size_t i = 0; i < request->header_count; i++) {
		struct slice value = request->headers[i].value;

		/* They lie in the connection's own buffer. */
		if (value.len && slice_has_suffix(request->headers[i].name,
					 SLICE("-encryption-customer-key")))
			cipher_wipe((void *)(uintptr_t)value.data, value.len);
	}
}
