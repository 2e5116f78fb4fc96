/* SPDX-License-Identifier: Apache-2.0 */
#include "store/base/text.h"

static const char hex_lower[] = "0123456789abcdef";
static const char hex_upper[] = "0123456789ABCDEF";
static const char base64_alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "abcdefghijklmnopqrstuvwxyz"
				      "0123456789+/";

void
text_to_hex(const void *from, size_t len, char *to)
{
	const uint8_t *bytes = from;

	for (size_t i = 0; i < len; i++) {
		*to++ = hex_lower[bytes[i] >> 4];
		*to++ = hex_lower[bytes[i] & 15];
	}
	*to = '\0';
}

/* The value of a digit, or -1. */
static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* The byte that two digits stand for, or -1. */
static int
hex_byte(const char *digits)
{
	int high = hex_digit(digits[0]);
	int low = hex_digit(digits[1]);

	return high < 0 || low < 0 ? -1 : high * 16 + low;
}

bool
text_from_hex(struct slice text, void *to, size_t len)
{
	uint8_t *bytes = to;

	if (text.len % 2 || text.len / 2 != len)
		return false;
	for (size_t i = 0; i < len; i++) {
		int byte = hex_byte(text.data + 2 * i);

		if (byte < 0)
			return false;
		bytes[i] = (uint8_t)byte;
	}
	return true;
}

void
text_to_base64(const void *from, size_t len, char *to)
{
	const uint8_t *bytes = from;

	for (size_t i = 0; i < len; i += 3) {
		size_t left = len - i;
		uint32_t group = (uint32_t)bytes[i] << 16;

		if (left > 1)
			group |= (uint32_t)bytes[i + 1] << 8;
		if (left > 2)
			group |= bytes[i + 2];
		*to++ = base64_alphabet[group >> 18];
		*to++ = base64_alphabet[group >> 12 & 63];
		*to++ = left > 1 ? base64_alphabet[group >> 6 & 63] : '=';
		*to++ = left > 2 ? base64_alphabet[group & 63] : '=';
	}
	*to = '\0';
}

/* The value of a letter of the alphabet, or -1. */
static int
base64_digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+')
		return 62;
	return c == '/' ? 63 : -1;
}

/*
 * Four letters to `count` bytes.  Bits that no byte takes must be zero, so
 * that there is but one text for given bytes (RFC 4648 §3.5).
 */
static bool
base64_group(const char *text, uint8_t *to, size_t count)
{
	uint32_t group = 0;

	for (size_t i = 0; i < 4; i++) {
		int digit = i <= count ? base64_digit(text[i]) : 0;

		if (digit < 0)
			return false;
		group = group << 6 | (uint32_t)digit;
	}
	if ((count < 3 && (group & 0xff)) || (count < 2 && (group & 0xff00)))
		return false;
	for (size_t i = 0; i < count; i++)
		to[i] = (uint8_t)(group >> (16 - 8 * i));
	return true;
}

bool
text_from_base64(struct slice text, void *to, size_t *len)
{
	uint8_t *bytes = to;
	size_t padding = 0;
	size_t total;

	if (text.len % 4)
		return false;
	while (padding < 2 && padding < text.len &&
		text.data[text.len - 1 - padding] == '=')
		padding++;
	total = text.len / 4 * 3 - padding;
	if (total > *len)
		return false;
	for (size_t i = 0; i < text.len / 4; i++) {
		size_t left = total - 3 * i;

		if (!base64_group(text.data + 4 * i, bytes + 3 * i,
			    left < 3 ? left : 3))
			return false;
	}
	*len = total;
	return true;
}

static bool
is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Not the NUL that ends `others`, either. */
static bool
is_lower_plain(char c, const char *others)
{
	return (c >= 'a' && c <= 'z') || is_digit(c) ||
	       (c != '\0' && strchr(others, c));
}

static bool
is_plain(char c, const char *others)
{
	return is_upper(c) || is_lower_plain(c, others);
}

static bool
is_unreserved(char c)
{
	return is_plain(c, "-._~");
}

void
text_percent_encode(struct buffer *to, struct slice s, bool keep_slash)
{
	buffer_reserve(to, s.len);
	for (size_t i = 0; i < s.len; i++) {
		uint8_t byte = (uint8_t)s.data[i];

		if (is_unreserved(s.data[i]) ||
			(keep_slash && s.data[i] == '/')) {
			buffer_append_char(to, s.data[i]);
			continue;
		}
		buffer_append_char(to, '%');
		buffer_append_char(to, hex_upper[byte >> 4]);
		buffer_append_char(to, hex_upper[byte & 15]);
	}
	/* The NUL that text.h promises is not part of the length. */
	buffer_append_char(to, '\0');
	to->len--;
}

bool
text_percent_decode(struct buffer *to, struct slice s, bool plus_is_space)
{
	size_t before = to->len;

	buffer_reserve(to, s.len);
	for (size_t i = 0; i < s.len; i++) {
		int byte = (uint8_t)s.data[i];

		if (byte == '+' && plus_is_space)
			byte = ' ';
		if (byte == '%') {
			byte = s.len - i > 2 ? hex_byte(s.data + i + 1) : -1;
			i += 2;
		}
		if (byte < 0) {
			to->len = before;
			return false;
		}
		buffer_append_char(to, (char)byte);
	}
	return true;
}

struct slice
text_printable(struct slice s, struct buffer *room)
{
	if (slice_is_utf8(s))
		return s;
	text_percent_encode(room, s, true);
	return buffer_slice(room);
}

void
text_json_escape(struct buffer *to, struct slice s)
{
	buffer_reserve(to, s.len);
	for (size_t i = 0; i < s.len; i++) {
		uint8_t byte = (uint8_t)s.data[i];

		if (byte < 0x20 || byte == 0x7f) {
			buffer_printf(to, "\\u%04x", byte);
			continue;
		}
		if (byte == '"' || byte == '\\')
			buffer_append_char(to, '\\');
		buffer_append_char(to, s.data[i]);
	}
	buffer_append_char(to, '\0');
	to->len--;
}

/* --- headers ---------------------------------------------------------------*/

bool
text_is_plain(struct slice text, const char *others)
{
	for (size_t i = 0; i < text.len; i++) {
		if (!is_plain(text.data[i], others))
			return false;
	}
	return true;
}

bool
text_is_lower_plain(struct slice text, const char *others)
{
	for (size_t i = 0; i < text.len; i++) {
		if (!is_lower_plain(text.data[i], others))
			return false;
	}
	return true;
}

bool
text_is_digits(struct slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (!is_digit(text.data[i]))
			return false;
	}
	return true;
}

bool
text_is_token(struct slice text)
{
	return text.len > 0 && text_is_plain(text, "!#$%&'*+-.^_`|~");
}

bool
text_is_lower_token(struct slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (is_upper(text.data[i]))
			return false;
	}
	return text_is_token(text);
}

bool
text_is_header_value(struct slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.data[i];

		if ((c < ' ' && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}
