/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/op/rule_id.h"

#include "tests/s3api/op/asked.h"

static enum s3_error
read_id(struct asked *asked, struct slice id, struct slice *out)
{
	scoped(xml_reader_close) struct xml_reader *reader = NULL;
	scoped(buffer_free) struct buffer document = {0};

	buffer_append_str(&document, "<Rule>");
	buffer_append(&document, id);
	buffer_append_str(&document, "</Rule>");
	cr_assert(xml_reader_open(buffer_slice(&document), "Rule", &reader));
	return rule_id_read(&asked->request, xml_reader_root(reader), "ID",
		out);
}

Test(rule_id, is_what_it_says)
{
	scoped(asked_free) struct asked asked;
	struct slice id;
	asked_init(&asked);

	cr_assert(zero(int,
		(int)read_id(&asked, SLICE("<ID>first</ID>"), &id)));
	cr_expect(slice_equal(id, SLICE("first")));
}

Test(rule_id, is_made_where_there_is_none)
{
	static const char *const none[] = {"", "<ID/>", "<Id>x</Id>"};
	scoped(asked_free) struct asked asked;
	struct slice id, other;
	asked_init(&asked);

	for (size_t i = 0; i < array_len(none); i++) {
		cr_assert(zero(int,
			(int)read_id(&asked, slice_str(none[i]), &id)));
		cr_assert(zero(int,
			(int)read_id(&asked, slice_str(none[i]), &other)));
		cr_expect(eq(sz, id.len, 48), "%s", none[i]);
		cr_expect(not(slice_equal(id, other)), "%s", none[i]);
	}
}

/* Characters, of which one may take four bytes. */
Test(rule_id, has_255_characters_at_most)
{
	static const char *const characters[] = {
		"a", "\xc3\xa4", "\xf0\x9f\x98\x80"};

	for (size_t i = 0; i < array_len(characters); i++) {
		for (int count = 255; count <= 256; count++) {
			scoped(asked_free) struct asked asked;
			scoped(buffer_free) struct buffer text = {0};
			struct slice id;
			asked_init(&asked);

			buffer_append_str(&text, "<ID>");
			for (int at = 0; at < count; at++)
				buffer_append_str(&text, characters[i]);
			buffer_append_str(&text, "</ID>");
			cr_expect(eq(int,
				(int)read_id(&asked, buffer_slice(&text), &id),
				count == 255 ? S3_OK : S3_INVALID_ARGUMENT));
		}
	}
}
