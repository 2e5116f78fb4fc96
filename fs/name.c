/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/name.h"

#include "store/base/digest.h"

#define PREFIX SLICE(".tarn~")
/* ".tarn~e~" */
#define INTRO_LEN 8
/* HASH, '~' */
#define HASH_TEXT_LEN (2 * NAME_HASH_LEN + 1)

static bool
is_dir(struct slice component)
{
	return component.len > 0 && component.data[component.len - 1] == '/';
}

void
name_hash(struct slice component, uint8_t hash[NAME_HASH_LEN])
{
	uint8_t value[DIGEST_LEN_MAX];

	digest_of(DIGEST_SHA256, component, value);
	memcpy(hash, value, NAME_HASH_LEN);
}

/* Bytes that the character at the front of the text takes when shown. */
static size_t
shown_len(char c)
{
	return c == '%' || c == '\0' ? 3 : 1;
}

static size_t
put_shown(char c, char *to)
{
	size_t len = shown_len(c);

	if (len == 1)
		*to = c;
	else
		memcpy(to, c ? "%25" : "%00", 3);
	return len;
}

static size_t
text_len(struct slice text)
{
	size_t len = 0;

	for (size_t i = 0; i < text.len; i++)
		len += shown_len(text.data[i]);
	return len;
}

/* As many whole characters as there is room for. */
static size_t
put_text(struct slice text, char *to, size_t room)
{
	size_t len = 0;

	while (text.len > 0) {
		size_t bytes = slice_utf8_len(text);
		if (bytes == 0)
			bytes = 1;
		if (len + text_len(slice_first(text, bytes)) > room)
			break;
		for (size_t i = 0; i < bytes; i++)
			len += put_shown(text.data[i], to + len);
		text = slice_from(text, bytes);
	}
	return len;
}

static bool
needs_escape(struct slice text)
{
	return text.len == 0 || slice_equal(text, SLICE(".")) ||
	       slice_equal(text, SLICE("..")) ||
	       slice_has_prefix(text, PREFIX) || memchr(text.data, 0, text.len);
}

static size_t
show_long(struct slice component, struct slice text, char *to)
{
	static const char digits[] = "0123456789abcdef";
	uint8_t hash[NAME_HASH_LEN];
	size_t len = INTRO_LEN;

	name_hash(component, hash);
	memcpy(to, ".tarn~l~", INTRO_LEN);
	for (size_t i = 0; i < sizeof(hash); i++) {
		to[len++] = digits[hash[i] >> 4];
		to[len++] = digits[hash[i] & 15];
	}
	to[len++] = '~';
	len += put_text(text, to + len, NAME_MAX_SHOWN - len);
	return len;
}

size_t
name_show(struct slice component, bool has_twin, char to[NAME_MAX_SHOWN + 1])
{
	struct slice text = component;
	size_t len;

	if (is_dir(component))
		text.len--;
	if (!has_twin && !needs_escape(text) && text.len <= NAME_MAX_SHOWN) {
		len = text.len;
		memcpy(to, text.data, len);
	} else if (text_len(text) > NAME_MAX_SHOWN - INTRO_LEN) {
		len = show_long(component, text, to);
	} else {
		memcpy(to, has_twin ? ".tarn~f~" : ".tarn~e~", INTRO_LEN);
		len = INTRO_LEN + put_text(text, to + INTRO_LEN,
					  NAME_MAX_SHOWN - INTRO_LEN);
	}
	to[len] = '\0';
	return len;
}

static bool
parse_text(struct slice shown, struct name *out)
{
	out->len = 0;
	while (shown.len > 0) {
		size_t len = 1;
		char c = shown.data[0];

		if (c == '%') {
			len = 3;
			if (slice_has_prefix(shown, SLICE("%25")))
				c = '%';
			else if (slice_has_prefix(shown, SLICE("%00")))
				c = '\0';
			else
				return false;
		}
		out->text[out->len++] = c;
		shown = slice_from(shown, len);
	}
	return true;
}

static bool
parse_hash(struct slice hex, uint8_t *hash)
{
	for (size_t i = 0; i < NAME_HASH_LEN; i++) {
		unsigned value = 0;

		for (size_t j = 0; j < 2; j++) {
			char c = hex.data[2 * i + j];

			value *= 16;
			if (c >= '0' && c <= '9')
				value += (unsigned)(c - '0');
			else if (c >= 'a' && c <= 'f')
				value += (unsigned)(c - 'a') + 10;
			else
				return false;
		}
		hash[i] = (uint8_t)value;
	}
	return true;
}

enum store_err
name_parse(struct slice shown, struct name *out)
{
	if (shown.len > NAME_MAX_SHOWN)
		return STORE_NAME_TOO_LONG;
	out->form = NAME_PLAIN;
	if (!slice_has_prefix(shown, PREFIX)) {
		memcpy(out->text, shown.data, shown.len);
		out->len = shown.len;
		return STORE_OK;
	}
	struct slice intro = slice_first(shown, INTRO_LEN);
	struct slice rest = slice_from(shown, intro.len);
	if (slice_equal(intro, SLICE(".tarn~e~")))
		return parse_text(rest, out) && needs_escape(name_text(out))
			       ? STORE_OK
			       : STORE_BAD_NAME;
	if (slice_equal(intro, SLICE(".tarn~f~"))) {
		out->form = NAME_FILE;
		return parse_text(rest, out) && out->len > 0 ? STORE_OK
							     : STORE_BAD_NAME;
	}
	out->form = NAME_LONG;
	if (!slice_equal(intro, SLICE(".tarn~l~")) ||
		rest.len < HASH_TEXT_LEN ||
		rest.data[HASH_TEXT_LEN - 1] != '~' ||
		!parse_hash(rest, out->hash) ||
		!parse_text(slice_from(rest, HASH_TEXT_LEN), out))
		return STORE_BAD_NAME;
	return STORE_OK;
}
