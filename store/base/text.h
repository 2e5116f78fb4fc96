/* SPDX-License-Identifier: Apache-2.0 */
/*
 * text.h - bytes as text: hexadecimal, base64 (RFC 4648), percent encoding
 * (RFC 3986), JSON strings.
 *
 * Encoders write a NUL after the text; decoders refuse anything that is not
 * exactly of the form, and never write more than the room they are given.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/base/buffer.h"
#include "store/base/slice.h"

#define TEXT_HEX_LEN(bytes) (2 * (bytes))
#define TEXT_BASE64_LEN(bytes) ((((bytes) + 2) / 3) * 4)

/* Lower-case; `to` has room for TEXT_HEX_LEN + 1. */
void text_to_hex(const void *from, size_t len, char *to);
/* Exactly 2 * len digits of either case. */
bool text_from_hex(struct slice text, void *to, size_t len);

/* With padding; `to` has room for TEXT_BASE64_LEN + 1. */
void text_to_base64(const void *from, size_t len, char *to);
/* Padding required; *len is the room on entry and the length on return. */
bool text_from_base64(struct slice text, void *to, size_t *len);

/* Everything but A-Z a-z 0-9 - . _ ~ (and / where asked) as %XX. */
void text_percent_encode(struct buffer *to, struct slice s, bool keep_slash);
/* False on a % without two digits.  + stays + unless plus_is_space. */
bool text_percent_decode(struct buffer *to, struct slice s, bool plus_is_space);

/* Letters and digits of ASCII alone, and characters of `others`; as the next
 * two, true of an empty text. */
bool text_is_plain(struct slice text, const char *others);
/* The same without capital letters. */
bool text_is_lower_plain(struct slice text, const char *others);
/* Decimal digits alone. */
bool text_is_digits(struct slice text);

/* RFC 9110 §5.6.2: the name of a header. */
bool text_is_token(struct slice text);
/* The same as it is kept. */
bool text_is_lower_token(struct slice text);
/* No control character but the tab: what a header can carry. */
bool text_is_header_value(struct slice text);

/* s as it is where that is UTF-8, else percent-encoded in *room; for logs. */
struct slice text_printable(struct slice s, struct buffer *room);

/* What stands between the quotation marks of a JSON string (RFC 8259); s is
 * UTF-8. */
void text_json_escape(struct buffer *to, struct slice s);
