/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "store/base/inode.h"

static struct slice
etag_text(const struct inode_etag *etag, char *to)
{
	return slice_of(to, inode_etag_text(etag, to));
}

Test(inode, an_etag_without_parts_is_hex_alone)
{
	struct inode_etag etag = {.value = {0xab, 1}};
	char text[INODE_ETAG_TEXT_LEN + 1];

	cr_expect(slice_equal(etag_text(&etag, text),
		SLICE("ab010000000000000000000000000000")));
	cr_expect(eq(int, text[32], 0));
}

Test(inode, an_etag_with_parts_ends_in_their_number)
{
	struct inode_etag etag = {.parts = UINT32_MAX};
	struct inode_etag parsed = {0};
	char text[INODE_ETAG_TEXT_LEN + 1];
	struct slice s = etag_text(&etag, text);

	cr_expect(slice_equal(s,
		SLICE("00000000000000000000000000000000-4294967295")));
	cr_expect(inode_etag_parse(s, &parsed));
	cr_expect(eq(u32, parsed.parts, UINT32_MAX));
}

Test(inode, an_etag_may_be_quoted)
{
	struct inode_etag etag;

	cr_expect(inode_etag_parse(
		SLICE("\"ab010000000000000000000000000000-2\""), &etag));
	cr_expect(eq(u32, etag.parts, 2));
	cr_expect(eq(u8, etag.value[0], 0xab));
}

Test(inode, what_is_not_an_etag_is_refused)
{
	static const char *const wrong[] = {
		"",
		"\"",
		"\"\"",
		"ab",
		"ab01000000000000000000000000000",
		"zz010000000000000000000000000000",
		"ab010000000000000000000000000000-",
		"ab010000000000000000000000000000-0",
		"ab010000000000000000000000000000-01",
		"ab010000000000000000000000000000-4294967296",
		"ab010000000000000000000000000000-2x",
		"ab010000000000000000000000000000x2",
		"\"ab010000000000000000000000000000",
	};
	struct inode_etag etag = {.parts = 7};

	for (size_t i = 0; i < array_len(wrong); i++)
		cr_expect(not(inode_etag_parse(slice_str(wrong[i]), &etag)),
			"%s", wrong[i]);
	cr_expect(eq(u32, etag.parts, 7));
}

static void
append(struct buffer *to, enum inode_attr_kind kind, const char *name,
	const char *value)
{
	inode_attr_append(to,
		&(struct inode_attr){kind, slice_str(name), slice_str(value)});
}

/* "kind:name=value;" for each. */
static struct buffer
spell(struct slice attrs)
{
	struct buffer text = {0};
	struct inode_attr attr;

	while (inode_attr_next(&attrs, &attr))
		buffer_printf(&text, "%d:%.*s=%.*s;", attr.kind,
			(int)attr.name.len, attr.name.data, (int)attr.value.len,
			attr.value.data);
	return text;
}

static void
expect_attrs(struct slice attrs, const char *wanted)
{
	scoped(buffer_free) struct buffer text = spell(attrs);

	cr_expect(slice_equal(buffer_slice(&text), slice_str(wanted)),
		"%.*s is not %s", (int)text.len, text.data, wanted);
	cr_expect(inode_attrs_are_valid(attrs));
}

Test(inode, attributes_are_found_by_kind_and_name)
{
	scoped(buffer_free) struct buffer attrs = {0};
	struct slice value;

	append(&attrs, INODE_ATTR_HEADER, "content-type", "text/plain");
	append(&attrs, INODE_ATTR_META, "color", "");
	append(&attrs, INODE_ATTR_TAG, "color", "red");

	cr_expect(inode_attr_find(buffer_slice(&attrs), INODE_ATTR_TAG,
		SLICE("color"), &value));
	cr_expect(slice_equal(value, SLICE("red")));
	cr_expect(inode_attr_find(buffer_slice(&attrs), INODE_ATTR_META,
		SLICE("color"), &value));
	cr_expect(eq(sz, value.len, 0));
	cr_expect(not(inode_attr_find(buffer_slice(&attrs), INODE_ATTR_XATTR,
		SLICE("color"), &value)));
	cr_expect(not(inode_attr_find(SLICE_NULL, INODE_ATTR_XATTR,
		SLICE("color"), &value)));
}

Test(inode, an_attribute_is_set_in_its_place)
{
	static const struct {
		const char *name;
		const char *wanted;
	} cases[] = {
		{"a", "2:a=new;2:b=1;2:d=2;3:a=3;"},
		{"b", "2:b=new;2:d=2;3:a=3;"},
		{"c", "2:b=1;2:c=new;2:d=2;3:a=3;"},
		{"d", "2:b=1;2:d=new;3:a=3;"},
		{"e", "2:b=1;2:d=2;2:e=new;3:a=3;"},
	};
	scoped(buffer_free) struct buffer attrs = {0};
	struct slice value = SLICE("new");

	append(&attrs, INODE_ATTR_META, "b", "1");
	append(&attrs, INODE_ATTR_META, "d", "2");
	append(&attrs, INODE_ATTR_TAG, "a", "3");
	for (size_t i = 0; i < array_len(cases); i++) {
		scoped(buffer_free) struct buffer to = {0};

		inode_attr_set(&to, buffer_slice(&attrs), INODE_ATTR_META,
			slice_str(cases[i].name), &value);
		expect_attrs(buffer_slice(&to), cases[i].wanted);
	}
}

Test(inode, an_attribute_is_set_at_the_end)
{
	scoped(buffer_free) struct buffer to = {0};
	struct slice value = SLICE("v");

	inode_attr_set(&to, SLICE_NULL, INODE_ATTR_XATTR, SLICE("user.a"),
		&value);

	expect_attrs(buffer_slice(&to), "4:user.a=v;");
}

Test(inode, an_attribute_is_removed)
{
	scoped(buffer_free) struct buffer attrs = {0};
	scoped(buffer_free) struct buffer to = {0};
	scoped(buffer_free) struct buffer same = {0};

	append(&attrs, INODE_ATTR_META, "a", "1");
	append(&attrs, INODE_ATTR_META, "b", "2");
	inode_attr_set(&to, buffer_slice(&attrs), INODE_ATTR_META, SLICE("a"),
		NULL);
	inode_attr_set(&same, buffer_slice(&attrs), INODE_ATTR_META, SLICE("c"),
		NULL);

	expect_attrs(buffer_slice(&to), "2:b=2;");
	expect_attrs(buffer_slice(&same), "2:a=1;2:b=2;");
}

Test(inode, merging_takes_some_kinds_from_the_one_and_the_rest_from_the_other)
{
	scoped(buffer_free) struct buffer a = {0};
	scoped(buffer_free) struct buffer b = {0};
	scoped(buffer_free) struct buffer to = {0};

	append(&a, INODE_ATTR_HEADER, "h", "a");
	append(&a, INODE_ATTR_META, "m", "a");
	append(&a, INODE_ATTR_XATTR, "x", "a");
	append(&b, INODE_ATTR_HEADER, "h", "b");
	append(&b, INODE_ATTR_META, "m", "b");
	append(&b, INODE_ATTR_META, "n", "b");
	append(&b, INODE_ATTR_TAG, "t", "b");

	inode_attrs_merge(&to, buffer_slice(&a), buffer_slice(&b),
		1 << INODE_ATTR_META | 1 << INODE_ATTR_TAG);

	expect_attrs(buffer_slice(&to), "1:h=a;2:m=b;2:n=b;3:t=b;4:x=a;");
}

Test(inode, attributes_out_of_order_or_twice_are_not_valid)
{
	scoped(buffer_free) struct buffer attrs = {0};
	scoped(buffer_free) struct buffer twice = {0};

	append(&attrs, INODE_ATTR_META, "b", "");
	append(&attrs, INODE_ATTR_META, "a", "");
	append(&twice, INODE_ATTR_META, "a", "");
	append(&twice, INODE_ATTR_META, "a", "");

	cr_expect(not(inode_attrs_are_valid(buffer_slice(&attrs))));
	cr_expect(not(inode_attrs_are_valid(buffer_slice(&twice))));
	cr_expect(inode_attrs_are_valid(SLICE_NULL));
}

Test(inode, no_truncated_list_is_valid)
{
	scoped(buffer_free) struct buffer attrs = {0};

	append(&attrs, INODE_ATTR_META, "name", "value");
	for (size_t len = 1; len < attrs.len; len++)
		cr_expect(not(inode_attrs_are_valid(slice_of(attrs.data,
			len))));
	attrs.data[0] = 0;
	cr_expect(not(inode_attrs_are_valid(buffer_slice(&attrs))));
	attrs.data[0] = 100;
	cr_expect(not(inode_attrs_are_valid(buffer_slice(&attrs))));
}
