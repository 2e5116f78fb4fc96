/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/xml/xml_shape.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

static const struct xml_shape shapes[] = {
	{"Root", "Any Empty Label List Text", "Text"},
	{"List", "Item Name", "Item"},
	{"Empty", "", ""},
	{"Any", NULL, NULL},
};

static bool
holds(const char *document)
{
	scoped(xml_reader_close) struct xml_reader *reader = NULL;

	cr_assert(xml_reader_open(slice_str(document), "Root", &reader), "%s",
		document);
	return xml_shape_holds(xml_reader_root(reader), shapes,
		array_len(shapes));
}

Test(xml_shape, holds_what_has_its_place)
{
	static const char *const documents[] = {
		"<Root/>",
		"<Root> \n <List/> </Root>",
		"<Root><Text>a</Text></Root>",
		"<Root><Label>a</Label></Root>",
		"<Root><Text>a</Text><List/><Text>b</Text></Root>",
		"<Root><List><Item>a</Item><Name>n</Name><Item/></List></Root>",
		"<Root><List/><Empty/></Root>",
		"<Root><Any>text<Item><List>x</List></Item><Item/></Any></"
		"Root>",
		"<s:Root xmlns:s='urn:s'><s:Text>a</s:Text></s:Root>",
	};

	for (size_t i = 0; i < array_len(documents); i++)
		cr_expect(holds(documents[i]), "%s", documents[i]);
}

Test(xml_shape, holds_nothing_else)
{
	static const char *const documents[] = {
		/* no name of a child, or part of one */
		"<Root><Other/></Root>",
		"<Root><Tex/></Root>",
		"<Root><Texts/></Root>",
		"<Root><Item/></Root>",
		"<Root><Root/></Root>",
		/* twice, next to each other or not */
		"<Root><List/><List/></Root>",
		"<Root><List/><Text/><List/></Root>",
		"<Root><List><Name/><Item/><Name/></List></Root>",
		/* text between elements */
		"<Root>text</Root>",
		"<Root><List>text<Item/></List></Root>",
		"<Root><Empty>text</Empty></Root>",
		/* elements in text */
		"<Root><Text>a<Item/></Text></Root>",
		"<Root><List><Item><Name/></Item></List></Root>",
		"<Root><Empty><Item/></Empty></Root>",
		/* behind what has its place */
		"<Root><Text/><List><Item/><Other/></List></Root>",
		"<Root><Text/><Text><Other/></Text></Root>",
	};

	for (size_t i = 0; i < array_len(documents); i++)
		cr_expect(not(holds(documents[i])), "%s", documents[i]);
}

Test(xml_shape, counts_the_elements_of_one_alone)
{
	static const struct {
		const char *document;
		size_t count;
	} cases[] = {
		{"<Root/>", 0},
		{"<Root>text</Root>", 0},
		{"<Root><Text/></Root>", 1},
		{"<Root><List><Item/><Item/></List> <Text/> <Any/></Root>", 3},
	};

	for (size_t i = 0; i < array_len(cases); i++) {
		scoped(xml_reader_close) struct xml_reader *reader = NULL;

		cr_assert(xml_reader_open(slice_str(cases[i].document), "Root",
			&reader));
		cr_expect(eq(sz, xml_shape_count(xml_reader_root(reader)),
				  cases[i].count),
			"%s", cases[i].document);
	}
}
