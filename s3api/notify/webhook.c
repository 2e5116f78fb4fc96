/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/notify/webhook.h"

#include <stdlib.h>
#include <string.h>

#include "store/base/arena.h"
#include "store/base/digest.h"
#include "store/base/text.h"
#include "store/topic.h"

#define CONNECT_MS 5000l
#define ALL_MS 15000l
#define REPLY_MAX (64u << 10)

struct webhook {
	CURLM *multi;
	CURL *easy;
	struct curl_slist *headers;
	struct buffer body;
	size_t got; /* of the reply */
	CURLcode result;
	char why[CURL_ERROR_SIZE];
};

bool
webhook_url_is_valid(struct slice url)
{
	scoped(arena_free) struct arena arena = {0};
	CURLU *parsed = curl_url();
	bool is_valid = parsed && topic_url_is_valid(url) &&
			!curl_url_set(parsed, CURLUPART_URL,
				arena_str(&arena, url), CURLU_DISALLOW_USER);

	curl_url_cleanup(parsed);
	return is_valid;
}

/* The status has come; more than some of the rest is nobody's business. */
static size_t
pass_over(char *bytes, size_t size, size_t count, void *context)
{
	struct webhook *webhook = context;

	(void)bytes;
	webhook->got += size * count;
	return webhook->got > REPLY_MAX ? 0 : size * count;
}

static bool
add_header(struct webhook *webhook, const char *line)
{
	struct curl_slist *more = curl_slist_append(webhook->headers, line);

	if (more)
		webhook->headers = more;
	return more != NULL;
}

static bool
add_signature(struct webhook *webhook, struct slice secret, struct arena *arena)
{
	uint8_t value[32];
	char hex[TEXT_HEX_LEN(sizeof(value)) + 1];

	if (secret.len == 0)
		return true;
	digest_hmac_sha256(secret, buffer_slice(&webhook->body), value);
	text_to_hex(value, sizeof(value), hex);
	return add_header(webhook,
		arena_str(arena, arena_printf(arena,
					 "x-tarn-signature: sha256=%s", hex)));
}

static bool
add_headers(struct webhook *webhook, const struct webhook_post *post,
	struct arena *arena)
{
	return add_header(webhook, "content-type: application/json") &&
	       /* No wait for a 100. */
	       add_header(webhook, "expect:") &&
	       add_header(webhook,
		       arena_str(arena,
			       arena_printf(arena, "x-tarn-topic: %.*s",
				       (int)post->topic.len,
				       post->topic.data))) &&
	       add_signature(webhook, post->secret, arena);
}

static bool
set_long(struct webhook *webhook, CURLoption option, long value)
{
	return curl_easy_setopt(webhook->easy, option, value) == CURLE_OK;
}

static bool
set_pointer(struct webhook *webhook, CURLoption option, const void *value)
{
	return curl_easy_setopt(webhook->easy, option, value) == CURLE_OK;
}

static bool
set_options(struct webhook *webhook, const char *url)
{
	return set_pointer(webhook, CURLOPT_PROTOCOLS_STR, "http,https") &&
	       set_pointer(webhook, CURLOPT_URL, url) &&
	       set_pointer(webhook, CURLOPT_PROXY, "") &&
	       set_pointer(webhook, CURLOPT_USERAGENT, "tarn/" TARN_VERSION) &&
	       set_pointer(webhook, CURLOPT_HTTPHEADER, webhook->headers) &&
	       set_pointer(webhook, CURLOPT_POSTFIELDS, webhook->body.data) &&
	       set_long(webhook, CURLOPT_POSTFIELDSIZE,
		       (long)webhook->body.len) &&
	       set_long(webhook, CURLOPT_FOLLOWLOCATION, 0) &&
	       set_long(webhook, CURLOPT_NOSIGNAL, 1) &&
	       /* A resolver that does not answer is left to itself: others'
		* events would wait for it, and the server's end. */
	       set_long(webhook, CURLOPT_QUICK_EXIT, 1) &&
	       set_long(webhook, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS) &&
	       set_long(webhook, CURLOPT_TIMEOUT_MS, ALL_MS) &&
	       set_pointer(webhook, CURLOPT_ERRORBUFFER, webhook->why) &&
	       set_pointer(webhook, CURLOPT_PRIVATE, webhook) &&
	       set_pointer(webhook, CURLOPT_WRITEDATA, webhook) &&
	       curl_easy_setopt(webhook->easy, CURLOPT_WRITEFUNCTION,
		       pass_over) == CURLE_OK;
}

enum store_err
webhook_begin(const struct webhook_post *post, struct webhook **out)
{
	scoped(webhook_free) struct webhook *webhook =
			calloc(1, sizeof(*webhook));
	scoped(arena_free) struct arena arena = {0};
	const char *url = arena_str(&arena, post->url);

	if (!webhook)
		return STORE_NO_MEMORY;
	webhook->easy = curl_easy_init();
	if (!webhook->easy)
		return STORE_NO_MEMORY;
	buffer_append(&webhook->body, post->body);
	if (!add_headers(webhook, post, &arena) || !set_options(webhook, url))
		return STORE_INVALID;
	if (curl_multi_add_handle(post->multi, webhook->easy))
		return STORE_NO_MEMORY;
	webhook->multi = post->multi;
	*out = webhook;
	webhook = NULL;
	return STORE_OK;
}

struct webhook *
webhook_next(CURLM *multi)
{
	struct webhook *webhook = NULL;
	CURLMsg *message;
	int left;

	do {
		message = curl_multi_info_read(multi, &left);
	} while (message && message->msg != CURLMSG_DONE);
	if (!message || curl_easy_getinfo(message->easy_handle,
				CURLINFO_PRIVATE, (char **)&webhook))
		return NULL;
	webhook->result = message->data.result;
	return webhook;
}

/* All of it left: who answers before that may not have read it. */
static bool
is_sent(const struct webhook *webhook)
{
	curl_off_t sent = 0;

	return !curl_easy_getinfo(webhook->easy, CURLINFO_SIZE_UPLOAD_T,
		       &sent) &&
	       sent == (curl_off_t)webhook->body.len;
}

bool
webhook_is_taken(const struct webhook *webhook, const char **why)
{
	long status = 0;

	(void)curl_easy_getinfo(webhook->easy, CURLINFO_RESPONSE_CODE, &status);
	*why = webhook->result == CURLE_OK ? "it does not answer 2xx"
	       : webhook->why[0]	   ? webhook->why
				 : curl_easy_strerror(webhook->result);
	/* Whatever becomes of the reply then: one that is cut short or never
	 * ends has been told all the same, and would be again for ever. */
	return status >= 200 && status < 300 && is_sent(webhook);
}

void
webhook_free(struct webhook **ptr)
{
	struct webhook *webhook = *ptr;

	*ptr = NULL;
	if (!webhook)
		return;
	if (webhook->multi)
		(void)curl_multi_remove_handle(webhook->multi, webhook->easy);
	if (webhook->easy)
		curl_easy_cleanup(webhook->easy);
	curl_slist_free_all(webhook->headers);
	buffer_free(&webhook->body);
	free(webhook);
}
