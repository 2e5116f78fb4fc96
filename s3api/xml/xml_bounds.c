/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a document is not well-formed, libxml2 goes on somewhere, to collect
 * further errors.  So whatever it would stumble over is refused here, rather
 * than passed over in a way that may not be its own.
 */
#include "s3api/xml/xml_bounds.h"

#define BYTE_ORDER_MARK "\xef\xbb\xbf"
#define SPACE " \t\r\n"

static bool
is_space(char c)
{
	return c != '\0' && strchr(SPACE, c);
}

/* XML 1.0 §2.2, of what is UTF-8. */
static bool
has_only_characters(struct slice xml)
{
	for (size_t i = 0; i < xml.len; i++) {
		unsigned char c = (unsigned char)xml.data[i];

		if (c < ' ' && !is_space((char)c))
			return false;
	}
	return slice_is_utf8(xml) &&
	       slice_find(xml, SLICE("\xef\xbf\xbe")) < 0 &&
	       slice_find(xml, SLICE("\xef\xbf\xbf")) < 0;
}

/* Behind the text that ends it; false: it does not end. */
static bool
pass(struct slice *rest, size_t begin_len, struct slice end)
{
	struct slice inside = slice_from(*rest, begin_len);
	ptrdiff_t at = slice_find(inside, end);

	if (at < 0)
		return false;
	*rest = slice_from(inside, (size_t)at + end.len);
	return true;
}

/* "<?xml version="1.0"?>": up to the first >, and that is its end. */
static bool
pass_declaration(struct slice *rest)
{
	ptrdiff_t end = slice_find_char(*rest, '>');
	ptrdiff_t next = slice_find_char(slice_from(*rest, 1), '<');

	if (end < 1 || rest->data[end - 1] != '?' ||
		(next >= 0 && next + 1 < end))
		return false;
	*rest = slice_from(*rest, (size_t)end + 1);
	return true;
}

/* At the = of an attribute: behind its value. */
static bool
pass_value(struct slice *rest)
{
	*rest = slice_from(*rest, 1);
	while (rest->len > 0 && is_space(rest->data[0]))
		*rest = slice_from(*rest, 1);
	if (rest->len == 0 || (rest->data[0] != '"' && rest->data[0] != '\''))
		return false;

	struct slice value = slice_from(*rest, 1);
	ptrdiff_t end = slice_find_char(value, rest->data[0]);

	if (end < 0 ||
		slice_find_char(slice_first(value, (size_t)end), '<') >= 0)
		return false;
	*rest = slice_from(value, (size_t)end + 1);
	return true;
}

static bool
pass_tag(struct slice *rest)
{
	unsigned int attributes = 0;

	*rest = slice_from(*rest, 1);
	while (rest->len > 0) {
		char c = rest->data[0];

		if (c == '>') {
			*rest = slice_from(*rest, 1);
			return true;
		}
		if (c == '"' || c == '\'' || c == '<')
			return false;
		if (c != '=')
			*rest = slice_from(*rest, 1);
		else if (++attributes > XML_ATTRIBUTES_MAX || !pass_value(rest))
			return false;
	}
	return false;
}

static bool
pass_markup(struct slice *rest)
{
	if (slice_has_prefix(*rest, SLICE("<!--")))
		return pass(rest, 4, SLICE("-->"));
	if (slice_has_prefix(*rest, SLICE("<![CDATA[")))
		return pass(rest, 9, SLICE("]]>"));
	if (slice_has_prefix(*rest, SLICE("<?")) ||
		slice_has_prefix(*rest, SLICE("<!")))
		return false;
	return pass_tag(rest);
}

bool
xml_bounds_hold(struct slice xml)
{
	struct slice rest = xml;
	ptrdiff_t at;

	if (!has_only_characters(xml))
		return false;
	if (slice_has_prefix(rest, SLICE(BYTE_ORDER_MARK)))
		rest = slice_from(rest, sizeof(BYTE_ORDER_MARK) - 1);
	if (slice_has_prefix(rest, SLICE("<?xml")) && !pass_declaration(&rest))
		return false;
	while ((at = slice_find_char(rest, '<')) >= 0) {
		rest = slice_from(rest, (size_t)at);
		if (!pass_markup(&rest))
			return false;
	}
	return true;
}
