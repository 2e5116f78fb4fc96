/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/load/sign.h"

#include <stdlib.h>
#include <string.h>

#include "store/base/buffer.h"
#include "store/base/clock.h"
#include "store/base/digest.h"
#include "store/base/text.h"

#define SCOPE_TAIL "/us-east-1/s3/aws4_request"

const char *
sign_body(void)
{
	static char bytes[SIGN_BODY_PIECE];

	if (!bytes[0]) {
		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = (char)('a' + (i * 7 + i / 4096) % 26);
	}
	return bytes;
}

/* Most runs send bodies of one size: what was hashed last is kept. */
static const char *
hash_body(uint64_t size)
{
	static uint64_t last_size;
	static char hex[65];
	struct digest digest;
	uint8_t value[32];
	uint64_t left = size;

	if (hex[0] && size == last_size)
		return hex;
	digest_init(&digest, DIGEST_SHA256);
	while (left > 0) {
		size_t piece =
			left < SIGN_BODY_PIECE ? (size_t)left : SIGN_BODY_PIECE;

		digest_update(&digest, sign_body(), piece);
		left -= piece;
	}
	digest_final(&digest, value);
	text_to_hex(value, sizeof(value), hex);
	last_size = size;
	return hex;
}

static void
derive_key(const char *secret, const char *date, uint8_t key[32])
{
	scoped(buffer_free) struct buffer first = {0};

	buffer_printf(&first, "AWS4%s", secret);
	digest_hmac_sha256(buffer_slice(&first), slice_of(date, 8), key);
	digest_hmac_sha256(slice_of(key, 32), SLICE("us-east-1"), key);
	digest_hmac_sha256(slice_of(key, 32), SLICE("s3"), key);
	digest_hmac_sha256(slice_of(key, 32), SLICE("aws4_request"), key);
}

/* SSE-C: three headers, which sort behind x-amz-date. */
#define SSE_C "x-amz-server-side-encryption-customer-"
#define SSE_C_KEY "Y3VzdG9tZXIga2V5IEE6IDMyIGJ5dGVzIG9mIGl0Li4="
#define SSE_C_HEADERS(end)                                                     \
	SSE_C "algorithm:AES256" end SSE_C "key:" SSE_C_KEY end SSE_C          \
	      "key-md5:8zK74eIAI+fhx34xNVgOAA==" end
#define SSE_C_NAMES ";" SSE_C "algorithm;" SSE_C "key;" SSE_C "key-md5"

static void
add_authorization(struct buffer *head, const struct sign_request *what,
	const char *access_key, const char *secret)
{
	scoped(buffer_free) struct buffer canonical = {0};
	scoped(buffer_free) struct buffer to_sign = {0};
	const char *source = what->copy_source;
	const char *names = source ? "x-amz-copy-source;" : "";
	const char *payload = "UNSIGNED-PAYLOAD";
	const char *sealed_names = what->is_sealed ? SSE_C_NAMES : "";
	char stamp[17], hex[65];
	uint8_t key[32], value[32];

	clock_to_basic(clock_now_ns(), stamp);
	if (what->signs_payload || what->body_size == 0)
		payload = hash_body(what->body_size);
	buffer_printf(&canonical,
		"%s\n%s\n%s\nhost:%s:%u\nx-amz-content-sha256:%s\n%s%s%s"
		"x-amz-date:%s\n%s\n"
		"host;x-amz-content-sha256;%sx-amz-date%s\n%s",
		what->method, what->path, what->query, what->host, what->port,
		payload, source ? "x-amz-copy-source:" : "",
		source ? source : "", source ? "\n" : "", stamp,
		what->is_sealed ? SSE_C_HEADERS("\n") : "", names, sealed_names,
		payload);
	digest_of(DIGEST_SHA256, buffer_slice(&canonical), value);
	text_to_hex(value, sizeof(value), hex);
	buffer_printf(&to_sign, "AWS4-HMAC-SHA256\n%s\n%.8s" SCOPE_TAIL "\n%s",
		stamp, stamp, hex);
	derive_key(secret, stamp, key);
	digest_hmac_sha256(slice_of(key, 32), buffer_slice(&to_sign), value);
	text_to_hex(value, sizeof(value), hex);
	buffer_printf(head,
		"x-amz-date: %s\r\nx-amz-content-sha256: %s\r\n"
		"Authorization: AWS4-HMAC-SHA256 Credential=%s/%.8s" SCOPE_TAIL
		", SignedHeaders=host;x-amz-content-sha256;%sx-amz-date%s, "
		"Signature=%s\r\n",
		stamp, payload, access_key, stamp, names, sealed_names, hex);
}

void
sign_make(const struct sign_request *what, struct request *out)
{
	const char *access_key = getenv("AWS_ACCESS_KEY_ID");
	const char *secret = getenv("AWS_SECRET_ACCESS_KEY");
	struct buffer head = {0};

	buffer_printf(&head, "%s %s%s%s HTTP/1.1\r\nHost: %s:%u\r\n",
		what->method, what->path, *what->query ? "?" : "", what->query,
		what->host, what->port);
	if (!strcmp(what->method, "PUT"))
		buffer_printf(&head, "Content-Length: %llu\r\n",
			(unsigned long long)what->body_size);
	if (what->copy_source)
		buffer_printf(&head, "x-amz-copy-source: %s\r\n",
			what->copy_source);
	if (what->is_sealed)
		buffer_append_str(&head, SSE_C_HEADERS("\r\n"));
	if (access_key && secret)
		add_authorization(&head, what, access_key, secret);
	buffer_append_str(&head, "\r\n");
	*out = (struct request){
		.head = head.data,
		.head_len = head.len,
		.body_size = what->body_size,
		.is_head = !strcmp(what->method, "HEAD"),
	};
}
