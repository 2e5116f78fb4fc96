/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/op/rule_filter.h"

#include "tests/s3api/op/asked.h"

static enum s3_error
find(struct asked *asked, const char *document, struct xml_reader **reader,
	struct rule_filter *out)
{
	cr_assert(xml_reader_open(slice_str(document), "Rule", reader), "%s",
		document);
	return rule_filter_find(&asked->request, xml_reader_root(*reader), out);
}

Test(rule_filter, is_found_in_each_of_its_forms)
{
	static const struct {
		const char *document;
		bool is_there;
		bool has_and;
		bool has_prefix;
		const char *prefix;
	} rows[] = {
		{"<Rule><Prefix>a/</Prefix></Rule>", false, false, true, "a/"},
		{"<Rule><Prefix/></Rule>", false, false, true, ""},
		{"<Rule><Filter/></Rule>", true, false, false, ""},
		{"<Rule><Filter><Prefix>b</Prefix></Filter></Rule>", true,
			false, true, "b"},
		{"<Rule><Filter><Tag/></Filter></Rule>", true, false, false,
			""},
		{"<Rule><Filter><And><Prefix>c</Prefix><Tag/></And></Filter>"
		 "</Rule>",
			true, true, true, "c"},
	};

	for (size_t i = 0; i < array_len(rows); i++) {
		scoped(xml_reader_close) struct xml_reader *reader = NULL;
		scoped(asked_free) struct asked asked;
		struct rule_filter filter;
		struct slice prefix;
		bool has_prefix;
		asked_init(&asked);

		cr_assert(zero(int, (int)find(&asked, rows[i].document, &reader,
					    &filter)),
			"%s", rows[i].document);
		cr_assert(zero(int,
			(int)rule_filter_prefix(&asked.request,
				filter.conditions, &prefix, &has_prefix)));
		cr_expect(eq(int, filter.is_there, rows[i].is_there), "%s",
			rows[i].document);
		cr_expect(eq(int, filter.has_and, rows[i].has_and), "%s",
			rows[i].document);
		cr_expect(eq(int, has_prefix, rows[i].has_prefix), "%s",
			rows[i].document);
		cr_expect(slice_equal(prefix, slice_str(rows[i].prefix)), "%s",
			rows[i].document);
	}
}

Test(rule_filter, is_one_thing)
{
	static const char *const documents[] = {
		"<Rule/>",
		"<Rule><Filter/><Prefix/></Rule>",
		"<Rule><Filter><Prefix/><Tag/></Filter></Rule>",
		"<Rule><Filter><And/></Filter></Rule>",
	};

	for (size_t i = 0; i < array_len(documents); i++) {
		scoped(xml_reader_close) struct xml_reader *reader = NULL;
		scoped(asked_free) struct asked asked;
		struct rule_filter filter;
		asked_init(&asked);

		cr_expect(eq(int,
				  (int)find(&asked, documents[i], &reader,
					  &filter),
				  S3_MALFORMED_XML),
			"%s", documents[i]);
	}
}

Test(rule_filter, a_prefix_is_as_long_as_a_key)
{
	for (int len = 1024; len <= 1025; len++) {
		scoped(xml_reader_close) struct xml_reader *reader = NULL;
		scoped(asked_free) struct asked asked;
		struct rule_filter filter;
		struct slice prefix;
		bool is_there;
		char document[1200];
		asked_init(&asked);

		(void)snprintf(document, sizeof(document),
			"<Rule><Prefix>%0*d</Prefix></Rule>", len, 0);
		cr_assert(zero(int,
			(int)find(&asked, document, &reader, &filter)));
		cr_expect(eq(int,
			(int)rule_filter_prefix(&asked.request,
				filter.conditions, &prefix, &is_there),
			len == 1024 ? S3_OK : S3_INVALID_REQUEST));
	}
}
