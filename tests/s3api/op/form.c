/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/s3api/op/form.h"

#include <stdio.h>
#include <stdlib.h>

#include "store/base/clock.h"
#include "store/base/digest.h"
#include "store/base/text.h"

struct form
form_begin(struct served *served)
{
	struct form form = {
		.served = served, .content = "bytes", .filename = "a.txt"};

	clock_to_basic(clock_now_ns(), form.timestamp);
	(void)snprintf(form.credential, sizeof(form.credential),
		"%s/%.8s/us-east-1/s3/aws4_request", served->client.access_key,
		form.timestamp);
	return form;
}

void
form_end(struct form *form)
{
	buffer_free(&form->body);
}

void
form_add(struct form *form, const char *name, const char *value)
{
	buffer_printf(&form->body,
		"--XX\r\nContent-Disposition: form-data; name=\"%s\"\r\n\r\n"
		"%s\r\n",
		name, value);
}

static void
sign_text(const struct form *form, const char *text, char signature[65])
{
	static const char *const steps[] = {"us-east-1", "s3", "aws4_request"};
	scoped(buffer_free) struct buffer secret = {0};
	uint8_t key[32];

	buffer_printf(&secret, "AWS4%s", form->served->client.secret);
	digest_hmac_sha256(buffer_slice(&secret), slice_of(form->timestamp, 8),
		key);
	for (size_t i = 0; i < array_len(steps); i++)
		digest_hmac_sha256(slice_of(key, 32), slice_str(steps[i]), key);
	digest_hmac_sha256(slice_of(key, 32), slice_str(text), key);
	text_to_hex(key, sizeof(key), signature);
}

void
form_sign(struct form *form, const char *policy)
{
	size_t len = strlen(policy);
	char *encoded = malloc(TEXT_BASE64_LEN(len) + 1);
	char signature[65];

	cr_assert(encoded != NULL);
	text_to_base64(policy, len, encoded);
	sign_text(form, encoded, signature);
	form_add(form, "Policy", encoded);
	form_add(form, "X-Amz-Algorithm", "AWS4-HMAC-SHA256");
	form_add(form, "X-Amz-Credential", form->credential);
	form_add(form, "X-Amz-Date", form->timestamp);
	form_add(form, "X-Amz-Signature", signature);
	free(encoded);
}

void
form_sign_with(struct form *form, const char *conditions)
{
	form_sign(form, served_text(form->served,
				"{" FORM_FOREVER ",\"conditions\":[%s,"
				"[\"starts-with\",\"$x-amz-algorithm\",\"\"],"
				"[\"starts-with\",\"$x-amz-credential\",\"\"],"
				"[\"starts-with\",\"$x-amz-date\",\"\"]]}",
				conditions));
}

const struct s3_reply *
form_post(struct form *form)
{
	struct s3_client *client = &form->served->client;
	bool was_anonymous = client->is_anonymous;
	const struct s3_reply *reply;

	if (form->content)
		buffer_printf(&form->body,
			"--XX\r\nContent-Disposition: form-data; "
			"name=\"file\"; "
			"filename=\"%s\"\r\nContent-Type: text/plain\r\n\r\n"
			"%s\r\n",
			form->filename, form->content);
	buffer_append_str(&form->body, "--XX--\r\n");
	client->is_anonymous = true;
	reply = served_send(form->served, "POST", "/photos", FORM_TYPE,
		buffer_slice(&form->body));
	client->is_anonymous = was_anonymous;
	buffer_clear(&form->body);
	return reply;
}

void
form_expect_message(const struct s3_reply *reply, unsigned int status,
	const char *code, const char *message)
{
	served_expect_refusal(reply, status, code);
	cr_expect(slice_find(s3_client_element(reply, "Message", 0),
			  slice_str(message)) >= 0,
		"%s", reply->body.data);
}
