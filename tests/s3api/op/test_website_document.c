/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/op/website_document.h"

#include "store/tree.h"
#include "tests/s3api/op/asked.h"

#define XML(name, inside) "<" name ">" inside "</" name ">"
#define SITE(inside) XML("WebsiteConfiguration", inside)
#define INDEX XML("IndexDocument", XML("Suffix", "index.html"))
#define RULES(inside) SITE(INDEX XML("RoutingRules", inside))
#define RULE(inside) RULES(XML("RoutingRule", inside))
#define REDIRECT(inside) RULE(XML("Redirect", inside))
#define ELSEWHERE(inside) SITE(XML("RedirectAllRequestsTo", inside))
#define CONDITION(inside)                                                      \
	RULE(XML("Condition", inside) XML("Redirect", XML("HostName", "a")))

static enum s3_error
read(struct asked *asked, const char *text, struct website *website)
{
	asked_init(asked);
	return website_document_read(&asked->request, slice_str(text), website);
}

static void
expect_error(const char *text, enum s3_error error)
{
	scoped(asked_free) struct asked asked;
	struct website website;

	cr_expect(eq(int, read(&asked, text, &website), error), "%s", text);
	cr_expect(eq(int, asked.request.report.error, error), "%s", text);
}

static void
expect_comes_back(const char *text)
{
	scoped(asked_free) struct asked asked;
	scoped(buffer_free) struct buffer buffer = {0};
	struct slice inside =
		slice_from(slice_str(text), strlen("<WebsiteConfiguration>"));
	struct website website;

	cr_assert(eq(int, read(&asked, text, &website), S3_OK), "%s", text);
	website_document_write(&buffer, &website);
	cr_expect(slice_has_suffix(buffer_slice(&buffer), inside),
		"%s became %.*s", text, (int)buffer.len, (char *)buffer.data);
}

Test(website_document, what_is_read_is_written)
{
	static const char *const texts[] = {
		SITE(INDEX),
		SITE(INDEX XML("ErrorDocument", XML("Key", "e/error.html"))),
		ELSEWHERE(XML("HostName", "a.example:8080")),
		ELSEWHERE(XML("HostName", "a") XML("Protocol", "https")),
		CONDITION(XML("HttpErrorCodeReturnedEquals", "404")),
		CONDITION(XML("KeyPrefixEquals", "")),
		CONDITION(XML("HttpErrorCodeReturnedEquals", "500")
				XML("KeyPrefixEquals", "docs/")),
		REDIRECT(XML("HttpRedirectCode", "302")),
		REDIRECT(XML("Protocol", "http")),
		REDIRECT(XML("ReplaceKeyPrefixWith", "d/")),
		REDIRECT(XML("ReplaceKeyPrefixWith", "")),
		REDIRECT(XML("ReplaceKeyWith", "a&amp;b")),
		REDIRECT(XML("HostName", "a") XML("HttpRedirectCode", "307")
				XML("Protocol", "https")
					XML("ReplaceKeyWith", "k")),
		RULES(XML("RoutingRule", XML("Redirect", XML("HostName", "a")))
				XML("RoutingRule",
					XML("Redirect", XML("HostName", "b")))),
	};

	for (size_t i = 0; i < array_len(texts); i++)
		expect_comes_back(texts[i]);
}

Test(website_document, gives_each_field)
{
	scoped(asked_free) struct asked asked;
	struct website site;

	cr_assert(eq(int,
		read(&asked,
			SITE(INDEX XML("ErrorDocument",
				XML("Key", "e")) XML("RoutingRules",
				XML("RoutingRule",
					XML("Condition",
						XML("KeyPrefixEquals", "p/"))
						XML("Redirect",
							XML("HttpRedirectCode",
								" 308 "))))),
			&site),
		S3_OK));

	cr_expect(not(site.goes_elsewhere));
	cr_expect(slice_equal(site.index, SLICE("index.html")));
	cr_expect(slice_equal(site.error, SLICE("e")));
	cr_assert(eq(sz, site.count, 1));
	cr_expect(site.rules[0].has_condition);
	cr_expect(site.rules[0].has_prefix);
	cr_expect(slice_equal(site.rules[0].prefix, SLICE("p/")));
	cr_expect(zero(u16, site.rules[0].error));
	cr_expect(eq(u16, site.rules[0].redirect.status, 308));
	cr_expect(zero(sz, site.rules[0].redirect.host.len));
	cr_expect(eq(int, site.rules[0].redirect.scheme, WEBSITE_AS_ASKED));
	cr_expect(eq(int, site.rules[0].redirect.replaced, WEBSITE_KEEPS_KEY));
}

Test(website_document, what_has_no_place_is_malformed)
{
	static const char *const texts[] = {
		"",
		"<Other/>",
		SITE(INDEX INDEX),
		SITE(INDEX "text"),
		SITE(INDEX "<Other/>"),
		SITE(INDEX "<ErrorDocument/>"),
		SITE(INDEX XML("ErrorDocument", XML("Key", ""))),
		ELSEWHERE(""),
		ELSEWHERE(XML("Protocol", "http")),
		ELSEWHERE(XML("HostName", "a") XML("ReplaceKeyWith", "k")),
		RULES(""),
		RULES("<Other/>"),
		RULE(""),
		RULE(XML("Condition", XML("KeyPrefixEquals", "p/"))),
		REDIRECT(""),
		REDIRECT("<Other/>"),
		CONDITION("<Other/>"),
	};

	for (size_t i = 0; i < array_len(texts); i++)
		expect_error(texts[i], S3_MALFORMED_XML);
}

Test(website_document, what_can_be_none_is_an_argument)
{
	static const char *const texts[] = {
		SITE(""),
		SITE("<IndexDocument/>"),
		SITE(XML("IndexDocument", XML("Suffix", ""))),
		SITE(XML("IndexDocument", XML("Suffix", "/"))),
		SITE(XML("IndexDocument", XML("Suffix", "a/b"))),
		SITE(XML("RedirectAllRequestsTo", XML("HostName", "a")) INDEX),
	};

	for (size_t i = 0; i < array_len(texts); i++)
		expect_error(texts[i], S3_INVALID_ARGUMENT);
}

Test(website_document, hosts_schemes_and_statuses_are_some_of_all)
{
	static const char *const texts[] = {
		ELSEWHERE("<HostName/>"),
		ELSEWHERE(XML("HostName", "a b")),
		ELSEWHERE(XML("HostName", "a/b")),
		ELSEWHERE(XML("HostName", "a\\b")),
		ELSEWHERE(XML("HostName", "a?b")),
		ELSEWHERE(XML("HostName", "a#b")),
		ELSEWHERE(XML("HostName", "a@b")),
		ELSEWHERE(XML("HostName", "a&#127;b")),
		ELSEWHERE(XML("HostName", "a&#13;&#10;b")),
		ELSEWHERE(XML("HostName", "a&#228;b")),
		ELSEWHERE(XML("HostName", "a") XML("Protocol", "HTTP")),
		ELSEWHERE(XML("HostName", "a") "<Protocol/>"),
		REDIRECT(XML("HttpRedirectCode", "300")),
		REDIRECT(XML("HttpRedirectCode", "400")),
		REDIRECT(XML("HttpRedirectCode", "301a")),
		REDIRECT("<HttpRedirectCode/>"),
		REDIRECT(XML("ReplaceKeyWith", "a")
				XML("ReplaceKeyPrefixWith", "b")),
		CONDITION(""),
		CONDITION(XML("HttpErrorCodeReturnedEquals", "399")),
		CONDITION(XML("HttpErrorCodeReturnedEquals", "600")),
		CONDITION(XML("HttpErrorCodeReturnedEquals", "0")),
	};

	for (size_t i = 0; i < array_len(texts); i++)
		expect_error(texts[i], S3_INVALID_REQUEST);
	expect_comes_back(REDIRECT(XML("HttpRedirectCode", "301")));
	expect_comes_back(REDIRECT(XML("HttpRedirectCode", "399")));
	expect_comes_back(CONDITION(XML("HttpErrorCodeReturnedEquals", "400")));
	expect_comes_back(CONDITION(XML("HttpErrorCodeReturnedEquals", "599")));
}

Test(website_document, texts_have_a_length_at_most)
{
	static const struct {
		const char *format;
		int max;
		enum s3_error error;
	} rows[] = {
		{SITE(XML("IndexDocument", XML("Suffix", "%0*d"))),
			TREE_KEY_MAX, S3_INVALID_ARGUMENT},
		{SITE(INDEX XML("ErrorDocument", XML("Key", "%0*d"))),
			TREE_KEY_MAX, S3_MALFORMED_XML},
		{CONDITION(XML("KeyPrefixEquals", "%0*d")), TREE_KEY_MAX,
			S3_MALFORMED_XML},
		{REDIRECT(XML("ReplaceKeyWith", "%0*d")), 2048,
			S3_MALFORMED_XML},
		{ELSEWHERE(XML("HostName", "%0*d")), 255, S3_INVALID_REQUEST},
	};

	for (size_t i = 0; i < array_len(rows); i++) {
		char text[4096];

		(void)snprintf(text, sizeof(text), rows[i].format, rows[i].max,
			1);
		expect_comes_back(text);
		(void)snprintf(text, sizeof(text), rows[i].format,
			rows[i].max + 1, 1);
		expect_error(text, rows[i].error);
	}
}

Test(website_document, has_fifty_rules_at_most)
{
	for (int i = WEBSITE_RULES_MAX; i <= WEBSITE_RULES_MAX + 1; i++) {
		scoped(buffer_free) struct buffer text = {0};

		buffer_append(&text,
			SLICE("<WebsiteConfiguration>" INDEX "<RoutingRules>"));
		for (int rule = 0; rule < i; rule++)
			buffer_append(&text,
				SLICE(XML("RoutingRule",
					XML("Redirect",
						XML("HostName", "a")))));
		buffer_append(&text,
			SLICE("</RoutingRules></WebsiteConfiguration>"));
		buffer_append_char(&text, 0);
		if (i <= WEBSITE_RULES_MAX)
			expect_comes_back((char *)text.data);
		else
			expect_error((char *)text.data, S3_INVALID_REQUEST);
	}
}
