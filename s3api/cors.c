/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/cors.h"

#include "s3api/request.h"
#include "store/base/codec.h"
#include "store/base/log.h"

#define VERSION 1

/* --- encoding ------------------------------------------------------------- */

static void
encode_list(struct buffer *to, const struct cors_list *list)
{
	codec_encode_u16(to, (uint16_t)list->count);
	for (size_t i = 0; i < list->count; i++)
		codec_encode_sized16(to, list->items[i]);
}

void
cors_encode(struct buffer *to, const struct cors_rules *rules)
{
	codec_encode_u8(to, VERSION);
	codec_encode_u16(to, (uint16_t)rules->count);
	for (size_t i = 0; i < rules->count; i++) {
		const struct cors_rule *rule = &rules->rules[i];

		codec_encode_sized16(to, rule->id);
		codec_encode_u8(to, rule->has_max_age);
		codec_encode_u32(to, rule->max_age_s);
		encode_list(to, &rule->origins);
		encode_list(to, &rule->methods);
		encode_list(to, &rule->headers);
		encode_list(to, &rule->exposed);
	}
}

static void
decode_list(struct decoder *decoder, struct arena *arena,
	struct cors_list *list)
{
	size_t count = codec_decode_u16(decoder);

	/* Each has a length of two bytes, at least. */
	if (count > codec_decode_left(decoder) / 2)
		decoder->is_bad = true;
	if (decoder->is_bad)
		return;
	list->items = arena_new_array(arena, count, struct slice);
	list->count = count;
	for (size_t i = 0; i < count; i++)
		list->items[i] = codec_decode_sized16(decoder);
}

bool
cors_decode(struct slice bytes, struct arena *arena, struct cors_rules *out)
{
	struct decoder decoder = codec_decoder(bytes);
	bool is_good = codec_decode_u8(&decoder) == VERSION;
	size_t count = codec_decode_u16(&decoder);

	*out = (struct cors_rules){0};
	if (!is_good || count > CORS_RULES_MAX)
		return false;
	out->rules = arena_new_array(arena, count, struct cors_rule);
	out->count = count;
	for (size_t i = 0; i < count && !decoder.is_bad; i++) {
		struct cors_rule *rule = &out->rules[i];
		uint8_t has_max_age;

		rule->id = codec_decode_sized16(&decoder);
		has_max_age = codec_decode_u8(&decoder);
		decoder.is_bad |= has_max_age > 1;
		rule->has_max_age = has_max_age == 1;
		rule->max_age_s = codec_decode_u32(&decoder);
		decode_list(&decoder, arena, &rule->origins);
		decode_list(&decoder, arena, &rule->methods);
		decode_list(&decoder, arena, &rule->headers);
		decode_list(&decoder, arena, &rule->exposed);
	}
	return !decoder.is_bad && codec_decode_left(&decoder) == 0;
}

/* --- which rule ----------------------------------------------------------- */

static bool
is_same(struct slice a, struct slice b, bool with_case)
{
	return with_case ? slice_equal(a, b) : slice_equal_nocase(a, b);
}

/* A * stands for any text. */
static bool
matches(struct slice pattern, struct slice text, bool with_case)
{
	ptrdiff_t star = slice_find_char(pattern, '*');
	struct slice front;
	struct slice back;

	if (star < 0)
		return is_same(pattern, text, with_case);
	front = slice_first(pattern, (size_t)star);
	back = slice_from(pattern, (size_t)star + 1);
	return text.len >= front.len + back.len &&
	       is_same(slice_first(text, front.len), front, with_case) &&
	       is_same(slice_from(text, text.len - back.len), back, with_case);
}

static bool
is_in(const struct cors_list *list, struct slice text, bool with_case)
{
	for (size_t i = 0; i < list->count; i++) {
		if (matches(list->items[i], text, with_case))
			return true;
	}
	return false;
}

static bool
allows_headers(const struct cors_rule *rule, struct slice headers)
{
	struct slice name;

	while (headers.len > 0 && slice_split(&headers, ',', &name)) {
		name = slice_trim(name);
		if (name.len > 0 && !is_in(&rule->headers, name, false))
			return false;
	}
	return true;
}

const struct cors_rule *
cors_find(const struct cors_rules *rules, const struct cors_question *question,
	bool *any_origin)
{
	for (size_t i = 0; i < rules->count; i++) {
		const struct cors_rule *rule = &rules->rules[i];

		if (!is_in(&rule->origins, question->origin, true) ||
			!is_in(&rule->methods, question->method, true) ||
			!allows_headers(rule, question->headers))
			continue;
		*any_origin = false;
		for (size_t o = 0; o < rule->origins.count; o++)
			*any_origin |=
				slice_equal(rule->origins.items[o], SLICE("*"));
		return rule;
	}
	return NULL;
}

/* --- replies -------------------------------------------------------------- */

struct cors_rules
cors_read(struct request *request)
{
	struct cors_rules rules = {0};
	struct bucket bucket = request->bucket;
	struct slice bytes;
	enum store_err err = STORE_OK;

	if (!bucket.ino)
		err = bucket_get(request->store, request->bucket_name, &bucket);
	if (!err)
		err = bucket_get_document(request->store, bucket.ino,
			SLICE(CORS_KIND), request->arena, &bytes);
	if (!err && !cors_decode(bytes, request->arena, &rules)) {
		log_error("request %s: the CORS rules cannot be read",
			request->id);
		rules.count = 0;
	}
	return rules;
}

static void
reply_list(struct request *request, const char *header,
	const struct cors_list *list)
{
	scoped(buffer_free) struct buffer text = {0};

	for (size_t i = 0; i < list->count; i++) {
		buffer_append_str(&text, i > 0 ? ", " : "");
		buffer_append(&text, list->items[i]);
	}
	if (text.len > 0)
		http_reply_header(request->response, header,
			buffer_slice(&text));
}

void
cors_reply_rule(struct request *request, const struct cors_rule *rule,
	struct slice origin, bool any_origin)
{
	struct http_response *response = request->response;

	http_reply_header(response, "access-control-allow-origin",
		any_origin ? SLICE("*") : origin);
	if (!any_origin)
		http_reply_header(response, "access-control-allow-credentials",
			SLICE("true"));
	reply_list(request, "access-control-allow-methods", &rule->methods);
	reply_list(request, "access-control-expose-headers", &rule->exposed);
	if (rule->has_max_age)
		http_reply_header_u64(response, "access-control-max-age",
			rule->max_age_s);
	http_reply_header(response, "vary",
		SLICE("Origin, Access-Control-Request-Headers, "
		      "Access-Control-Request-Method"));
}

void
cors_reply(struct request *request)
{
	struct cors_question question = {
		.origin = request_header(request, "origin"),
		.method = request->http->method_name,
	};
	struct cors_rules rules;
	const struct cors_rule *rule;
	bool any_origin;

	/* Nearly all that are no browsers. */
	if (!question.origin.data || request->bucket_name.len == 0 ||
		request->http->method == HTTP_METHOD_OPTIONS)
		return;
	rules = cors_read(request);
	rule = cors_find(&rules, &question, &any_origin);
	if (rule)
		cors_reply_rule(request, rule, question.origin, any_origin);
}
