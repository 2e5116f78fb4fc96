/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "s3api/xml/xml_bounds.h"
#include "s3api/xml/xml_reader.h"
#include "store/base/buffer.h"

static struct slice
with_attributes(struct buffer *to, const char *before, unsigned int count,
	const char *behind)
{
	buffer_append_str(to, before);
	for (unsigned int i = 0; i < count; i++)
		buffer_printf(to, " a%u=\"%u\"", i, i);
	buffer_append_str(to, behind);
	return buffer_slice(to);
}

Test(xml_bounds, what_clients_send_is_within)
{
	static const char *const texts[] = {
		"<Delete><Object><Key>a=b=c='d' \"e\" > f</Key></Object>"
		"</Delete>",
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<a/>",
		"\xef\xbb\xbf<?xml version='1.0'?><a b = 'c>d' e=\"'\"/>",
		"<!-- <a \" --><a><![CDATA[<b \"]]>\xc3\xa4</a>",
	};

	for (size_t i = 0; i < array_len(texts); i++)
		cr_expect(xml_bounds_hold(slice_str(texts[i])), "%s", texts[i]);
}

Test(xml_bounds, tags_have_64_attributes_and_no_more)
{
	scoped(buffer_free) struct buffer most = {0};
	scoped(buffer_free) struct buffer more = {0};

	cr_expect(xml_bounds_hold(with_attributes(&most, "<a", 64, "/>")));
	cr_expect(not(xml_bounds_hold(with_attributes(&more, "<a", 65, "/>"))));
}

/* What libxml2 reports as an error, and then goes on behind. */
Test(xml_bounds, what_would_hide_a_tag_is_refused)
{
	static const char *const before[] = {
		"<a b\"><c",
		"<a b'><c",
		"<a b=c\"><c",
		"<a b=\"<c",
		"<a><?1 <c",
		"<a><?x ?><c",
		"<?xml ><c",
		"<?xml <c",
		"<!-- \x01 <c",
		"<!-- \xef\xbf\xbf <c",
		"<!-- \xff <c",
		"<![IGNORE[<c",
		"<!DOCTYPE a [<!ATTLIST c",
		"<a <c",
	};

	for (size_t i = 0; i < array_len(before); i++) {
		scoped(buffer_free) struct buffer text = {0};

		cr_expect(not(xml_bounds_hold(with_attributes(&text, before[i],
				  100, "\" '?> --> ]]> ></c></a>"))),
			"%s", before[i]);
	}
	cr_expect(not(xml_bounds_hold(slice_of("<a\0b/>", 7))));
}

/* Each attribute would be compared with each: a minute, and the test's end. */
Test(xml_bounds, a_tag_of_a_megabyte_is_refused_at_once, .timeout = 20)
{
	scoped(buffer_free) struct buffer text = {0};
	struct xml_reader *reader = NULL;

	with_attributes(&text, "<Delete", 80000, "/>");

	cr_expect(not(xml_reader_open(buffer_slice(&text), "Delete", &reader)));
}
