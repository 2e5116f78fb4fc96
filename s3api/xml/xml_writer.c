/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/xml/xml_writer.h"

#include <stdio.h>

#include "store/base/clock.h"
#include "store/base/text.h"

#define DECLARATION "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"

void
xml_writer_begin(struct buffer *to, const char *root)
{
	buffer_append_str(to, DECLARATION);
	buffer_printf(to, "<%s xmlns=\"" XML_WRITER_NAMESPACE "\">", root);
}

void
xml_writer_begin_plain(struct buffer *to, const char *root)
{
	buffer_append_str(to, DECLARATION);
	xml_writer_open(to, root);
}

void
xml_writer_open(struct buffer *to, const char *name)
{
	buffer_append_char(to, '<');
	buffer_append_str(to, name);
	buffer_append_char(to, '>');
}

void
xml_writer_open_type(struct buffer *to, const char *name, const char *type)
{
	buffer_printf(to,
		"<%s xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" "
		"xsi:type=\"%s\">",
		name, type);
}

void
xml_writer_close(struct buffer *to, const char *name)
{
	buffer_append(to, SLICE("</"));
	buffer_append_str(to, name);
	buffer_append_char(to, '>');
}

/* NULL: the byte stands for itself. */
static const char *
entity_of(unsigned char byte)
{
	switch (byte) {
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '&':
		return "&amp;";
	case '"':
		return "&quot;";
	default:
		return NULL;
	}
}

/* Of the character at the start of text: how it is written, and its length;
 * NULL: as it is. */
static const char *
replacement_of(struct slice text, size_t *len, char reference[8])
{
	unsigned char byte = (unsigned char)text.data[0];

	*len = slice_utf8_len(text);
	if (*len == 0) {
		*len = 1;
		return "\xef\xbf\xbd";
	}
	if (byte >= 0x20)
		return entity_of(byte);
	(void)snprintf(reference, 8, "&#x%X;", byte);
	return reference;
}

static void
append_escaped(struct buffer *to, struct slice text)
{
	size_t plain = 0; /* start of the run not yet copied */
	size_t i = 0;

	while (i < text.len) {
		unsigned char byte = (unsigned char)text.data[i];
		char reference[8];
		size_t len = 1;
		const char *instead = NULL;

		if (byte < 0x20 || byte >= 0x80 || entity_of(byte))
			instead = replacement_of(slice_from(text, i), &len,
				reference);
		if (instead) {
			buffer_append(to,
				slice_of(text.data + plain, i - plain));
			buffer_append_str(to, instead);
			plain = i + len;
		}
		i += len;
	}
	buffer_append(to, slice_of(text.data + plain, text.len - plain));
}

bool
xml_writer_is_text(struct slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char byte = (unsigned char)text.data[i];

		if (byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r')
			return false;
	}
	/* U+FFFE and U+FFFF are characters, but none of XML's. */
	return slice_is_utf8(text) &&
	       slice_find(text, SLICE("\xef\xbf\xbe")) < 0 &&
	       slice_find(text, SLICE("\xef\xbf\xbf")) < 0;
}

void
xml_writer_text(struct buffer *to, const char *name, struct slice text)
{
	xml_writer_open(to, name);
	append_escaped(to, text);
	xml_writer_close(to, name);
}

void
xml_writer_str(struct buffer *to, const char *name, const char *text)
{
	xml_writer_text(to, name, slice_str(text));
}

void
xml_writer_u64(struct buffer *to, const char *name, uint64_t number)
{
	xml_writer_open(to, name);
	buffer_append_u64(to, number);
	xml_writer_close(to, name);
}

void
xml_writer_bool(struct buffer *to, const char *name, bool value)
{
	xml_writer_str(to, name, value ? "true" : "false");
}

void
xml_writer_time(struct buffer *to, const char *name, int64_t time_ns)
{
	char text[25];

	clock_to_iso8601(time_ns, text);
	xml_writer_str(to, name, text);
}

void
xml_writer_key(struct buffer *to, const char *name, struct slice key,
	bool url_encode)
{
	if (!url_encode) {
		xml_writer_text(to, name, key);
		return;
	}
	xml_writer_open(to, name);
	text_percent_encode(to, key, true);
	xml_writer_close(to, name);
}

void
xml_writer_person(struct buffer *to, const char *name, struct slice id)
{
	xml_writer_open(to, name);
	xml_writer_text(to, "ID", id);
	xml_writer_text(to, "DisplayName", id);
	xml_writer_close(to, name);
}

void
xml_writer_etag(struct buffer *to, const struct inode_etag *etag)
{
	char text[INODE_ETAG_TEXT_LEN + 1];
	size_t len = inode_etag_text(etag, text);

	buffer_append(to, SLICE("<ETag>&quot;"));
	buffer_append(to, slice_of(text, len));
	buffer_append(to, SLICE("&quot;</ETag>"));
}
