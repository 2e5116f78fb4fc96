/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/website.h"

#include "store/base/codec.h"
#include "store/base/text.h"

#define VERSION 1
#define HAS_CONDITION 1
#define HAS_PREFIX 2
#define FLAGS (HAS_CONDITION | HAS_PREFIX)

/* --- encoding ------------------------------------------------------------- */

static void
encode_redirect(struct buffer *to, const struct website_redirect *redirect)
{
	codec_encode_u8(to, (uint8_t)redirect->scheme);
	codec_encode_sized16(to, redirect->host);
	codec_encode_u16(to, redirect->status);
	codec_encode_u8(to, (uint8_t)redirect->replaced);
	codec_encode_sized16(to, redirect->replacement);
}

static void
encode_rule(struct buffer *to, const struct website_rule *rule)
{
	codec_encode_u8(to,
		(uint8_t)((rule->has_condition ? HAS_CONDITION : 0) |
			  (rule->has_prefix ? HAS_PREFIX : 0)));
	codec_encode_sized16(to, rule->prefix);
	codec_encode_u16(to, rule->error);
	encode_redirect(to, &rule->redirect);
}

void
website_encode(struct buffer *to, const struct website *website)
{
	codec_encode_u8(to, VERSION);
	codec_encode_u8(to, website->goes_elsewhere);
	if (website->goes_elsewhere) {
		encode_redirect(to, &website->elsewhere);
		return;
	}
	codec_encode_sized16(to, website->index);
	codec_encode_sized16(to, website->error);
	codec_encode_u16(to, (uint16_t)website->count);
	for (size_t i = 0; i < website->count; i++)
		encode_rule(to, &website->rules[i]);
}

/* A number up to max. */
static uint8_t
decode_choice(struct decoder *decoder, uint8_t max)
{
	uint8_t value = codec_decode_u8(decoder);

	decoder->is_bad |= value > max;
	return decoder->is_bad ? 0 : value;
}

/* 0, or what PutBucketWebsite takes: it becomes that of a reply. */
static uint16_t
decode_status(struct decoder *decoder)
{
	uint16_t status = codec_decode_u16(decoder);

	decoder->is_bad |= status != 0 && (status < 301 || status > 399);
	return status;
}

static void
decode_redirect(struct decoder *decoder, struct website_redirect *redirect)
{
	redirect->scheme =
		(enum website_scheme)decode_choice(decoder, WEBSITE_HTTPS);
	redirect->host = codec_decode_sized16(decoder);
	redirect->status = decode_status(decoder);
	redirect->replaced = (enum website_replaced)decode_choice(decoder,
		WEBSITE_REPLACES_KEY);
	redirect->replacement = codec_decode_sized16(decoder);
}

static void
decode_rule(struct decoder *decoder, struct website_rule *rule)
{
	uint8_t flags = decode_choice(decoder, FLAGS);

	rule->has_condition = flags & HAS_CONDITION;
	rule->has_prefix = flags & HAS_PREFIX;
	rule->prefix = codec_decode_sized16(decoder);
	rule->error = codec_decode_u16(decoder);
	decode_redirect(decoder, &rule->redirect);
}

static void
decode_pages(struct decoder *decoder, struct arena *arena, struct website *out)
{
	size_t count;

	out->index = codec_decode_sized16(decoder);
	out->error = codec_decode_sized16(decoder);
	count = codec_decode_u16(decoder);
	decoder->is_bad |= count > WEBSITE_RULES_MAX;
	if (decoder->is_bad)
		return;
	out->rules = arena_new_array(arena, count, struct website_rule);
	out->count = count;
	for (size_t i = 0; i < count && !decoder->is_bad; i++)
		decode_rule(decoder, &out->rules[i]);
}

bool
website_decode(struct slice bytes, struct arena *arena, struct website *out)
{
	struct decoder decoder = codec_decoder(bytes);
	bool is_good = codec_decode_u8(&decoder) == VERSION;

	*out = (struct website){0};
	out->goes_elsewhere = decode_choice(&decoder, 1);
	if (out->goes_elsewhere)
		decode_redirect(&decoder, &out->elsewhere);
	else
		decode_pages(&decoder, arena, out);
	return is_good && !decoder.is_bad && codec_decode_left(&decoder) == 0;
}

/* --- which rule, and where to --------------------------------------------- */

const struct website_rule *
website_find_rule(const struct website *website, struct slice key,
	unsigned int error)
{
	for (size_t i = 0; i < website->count; i++) {
		const struct website_rule *rule = &website->rules[i];

		if (rule->error == error && slice_has_prefix(key, rule->prefix))
			return rule;
	}
	return NULL;
}

/* Text of the bucket's owner, who may mean a fragment by its #: only what no
 * header can carry, and no URL either, is encoded. */
static void
append_given(struct buffer *to, struct slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		struct slice c = slice_of(text.data + i, 1);

		if (*c.data > ' ' && *c.data < 0x7f)
			buffer_append(to, c);
		else
			text_percent_encode(to, c, false);
	}
}

static void
append_key(struct buffer *to, const struct website_redirect *redirect,
	const struct website_rule *rule, struct slice key)
{
	size_t replaced = rule ? rule->prefix.len : 0;

	if (redirect->replaced != WEBSITE_KEEPS_KEY)
		append_given(to, redirect->replacement);
	if (redirect->replaced == WEBSITE_REPLACES_PREFIX)
		key = slice_from(key, replaced);
	if (redirect->replaced != WEBSITE_REPLACES_KEY)
		text_percent_encode(to, key, true);
}

void
website_locate(struct buffer *to, const struct website_redirect *redirect,
	const struct website_rule *rule, const struct website_target *target)
{
	bool is_secure = redirect->scheme == WEBSITE_AS_ASKED
				 ? target->is_secure
				 : redirect->scheme == WEBSITE_HTTPS;

	buffer_append_str(to, is_secure ? "https://" : "http://");
	append_given(to,
		redirect->host.len > 0 ? redirect->host : target->host);
	buffer_append_char(to, '/');
	append_key(to, redirect, rule, target->key);
	/* Behind a fragment, or another query, it would be none. */
	if (target->query.len > 0 &&
		slice_find_char(redirect->replacement, '?') < 0 &&
		slice_find_char(redirect->replacement, '#') < 0) {
		buffer_append_char(to, '?');
		append_given(to, target->query);
	}
}

unsigned int
website_status(const struct website_redirect *redirect)
{
	return redirect->status ? redirect->status : 301;
}
