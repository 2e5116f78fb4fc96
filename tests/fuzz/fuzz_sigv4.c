/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The header of a request, as the client signed it or says it did: what is
 * claimed, the canonical request, the headers about checksums.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "s3api/auth/sigv4.h"
#include "s3api/body.h"
#include "s3api/checksum.h"
#include "store/base/clock.h"
#include "tests/s3api/auth/text_request.h"

#define NOW_NS (1369353600ll * CLOCK_NS_PER_S) /* of the seeds */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every key that could be one is known, so that all of them go further. */
static enum store_err
find(void *context, struct slice access_key, struct token *token,
	char secret[TOKEN_SECRET_MAX + 1])
{
	static const char known[] = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

	(void)context;
	if (access_key.len > TOKEN_ACCESS_KEY_MAX)
		return STORE_NO_TOKEN;
	*token = (struct token){.level = TOKEN_FULL};
	memcpy(secret, known, sizeof(known));
	return STORE_OK;
}

static void
try_signature(struct sigv4 *sigv4, const struct http_request *request)
{
	struct sigv4_caller caller;
	struct error_report report;
	enum sigv4_outcome outcome =
		sigv4_verify(sigv4, request, NOW_NS, &caller, &report);

	assert((outcome == SIGV4_SIGNED) == (report.error == S3_OK));
	if (outcome != SIGV4_SIGNED) {
		/* Nothing of a caller who was refused is left. */
		assert(caller.token.level == 0 && caller.scope[0] == '\0');
		assert(error_status(report.error) >= 400);
		return;
	}
	assert(strlen(caller.signature) == SIGV4_SIGNATURE_LEN);
	assert(strlen(caller.timestamp) == 16);
	sigv4_caller_wipe(&caller);
}

static void
try_checksums(const struct http_request *request)
{
	struct checksum_request asked;
	struct checksum_upload upload;
	struct checksum object;
	struct error_report report = {0};
	char text[CHECKSUM_TEXT_MAX];

	if (!checksum_parse(request, &asked, &report)) {
		assert(!asked.given.kind || !asked.trailer);
		assert(!asked.given.is_composite);
	}
	if (!checksum_parse_upload(request, &upload, &report))
		assert(upload.kind);
	if (!checksum_parse_object(request, &object, &report) && object.kind) {
		struct checksum again;

		checksum_to_text(&object, text);
		assert(checksum_from_text(object.kind, slice_str(text),
			&again));
		assert(checksum_equal(&object, &again));
	}
	(void)body_content_encoding(request);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct sigv4 *sigv4;
	struct text_request text;

	if (!sigv4)
		sigv4 = sigv4_create(&(struct sigv4_config){
			.region = SLICE("here"),
			.find = find,
		});
	if (text_request_parse(&text, (const char *)data, size)) {
		try_signature(sigv4, &text.request);
		try_checksums(&text.request);
	}
	text_request_free(&text);
	return 0;
}
