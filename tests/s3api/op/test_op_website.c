/* SPDX-License-Identifier: Apache-2.0 */
/* What is set of a bucket as a website, and of an object in it. */
#include "s3api/website.h"
#include "tests/s3api/op/served.h"

#define XML(name, inside) "<" name ">" inside "</" name ">"
#define SITE(inside) XML("WebsiteConfiguration", inside)
#define INDEX XML("IndexDocument", XML("Suffix", "index.html"))
#define RULES(inside) SITE(INDEX XML("RoutingRules", inside))
#define RULE(inside) RULES(XML("RoutingRule", inside))
#define TO_HOST XML("Redirect", XML("HostName", "a.example"))

static const struct s3_reply *
put(struct served *served, const char *xml)
{
	return served_send(served, "PUT", "/photos?website", NULL,
		slice_str(xml));
}

Test(op_website, is_told_as_it_was_given)
{
	static const char *const documents[] = {
		SITE(INDEX),
		SITE(INDEX XML("ErrorDocument", XML("Key", "error.html"))),
		SITE(XML("RedirectAllRequestsTo",
			XML("HostName", "a.example:8080"))),
		SITE(XML("RedirectAllRequestsTo",
			XML("HostName", "a.example") XML("Protocol", "https"))),
		RULE(XML("Condition",
			XML("HttpErrorCodeReturnedEquals", "404")
				XML("KeyPrefixEquals", "docs/")) XML("Redirect",
			XML("HostName", "a.example") XML("HttpRedirectCode",
				"307") XML("Protocol", "http")
				XML("ReplaceKeyPrefixWith", "d/"))),
		RULES(XML("RoutingRule",
			XML("Condition", XML("KeyPrefixEquals", ""))
				XML("Redirect",
					XML("ReplaceKeyWith", "a&amp;b")))
				XML("RoutingRule", TO_HOST)),
	};
	scoped(served_stop) struct served served = served_start();

	served_bucket(&served, "photos");
	for (size_t i = 0; i < array_len(documents); i++) {
		struct slice inside = slice_str(documents[i]);
		const struct s3_reply *reply;

		inside = slice_from(inside, strlen("<WebsiteConfiguration>"));
		cr_expect(eq(uint, put(&served, documents[i])->status, 200),
			"%s", documents[i]);
		reply = served_ask(&served, "GET", "/photos?website");
		cr_expect(eq(uint, reply->status, 200));
		cr_expect(slice_has_suffix(reply->body, inside), "%s gave %s",
			documents[i], reply->body.data);
	}
	cr_expect(eq(uint,
		served_ask(&served, "DELETE", "/photos?website")->status, 204));
	served_expect_refusal(served_ask(&served, "GET", "/photos?website"),
		404, "NoSuchWebsiteConfiguration");
}

Test(op_website, what_can_be_none_is_refused)
{
	static const struct {
		const char *code;
		const char *xml;
	} rows[] = {
		{"MalformedXML", ""},
		{"MalformedXML", "<Other/>"},
		{"MalformedXML", SITE(INDEX INDEX)},
		{"MalformedXML", SITE(INDEX "<Other/>")},
		{"MalformedXML", SITE(INDEX "text")},
		{"InvalidArgument", SITE("")},
		{"InvalidArgument", SITE(XML("IndexDocument", ""))},
		{"InvalidArgument",
			SITE(XML("IndexDocument", XML("Suffix", "")))},
		{"InvalidArgument",
			SITE(XML("IndexDocument", XML("Suffix", "a/b")))},
		{"MalformedXML", SITE(INDEX XML("ErrorDocument", ""))},
		{"MalformedXML",
			SITE(INDEX XML("ErrorDocument", XML("Key", "")))},
		{"InvalidArgument", SITE(INDEX XML("RedirectAllRequestsTo",
					    XML("HostName", "a.example")))},
		{"MalformedXML", SITE(XML("RedirectAllRequestsTo", ""))},
		{"MalformedXML", SITE(XML("RedirectAllRequestsTo",
					 XML("Protocol", "http")))},
		{"InvalidRequest", SITE(XML("RedirectAllRequestsTo",
					   XML("HostName", "a.example")
						   XML("Protocol", "ftp")))},
		{"InvalidRequest", SITE(XML("RedirectAllRequestsTo",
					   XML("HostName", "a.example/b")))},
		{"InvalidRequest", SITE(XML("RedirectAllRequestsTo",
					   XML("HostName", "a&#13;&#10;b")))},
		{"MalformedXML", RULES("")},
		{"MalformedXML", RULE("")},
		{"MalformedXML", RULE(XML("Redirect", ""))},
		{"InvalidRequest", RULE(XML("Condition", "") TO_HOST)},
		{"InvalidRequest",
			RULE(XML("Condition", XML("HttpErrorCodeReturnedEquals",
						      "304")) TO_HOST)},
		{"InvalidRequest",
			RULE(XML("Redirect", XML("HttpRedirectCode", "300")))},
		{"InvalidRequest",
			RULE(XML("Redirect", XML("HttpRedirectCode", "400")))},
		{"InvalidRequest",
			RULE(XML("Redirect",
				XML("ReplaceKeyWith", "a")
					XML("ReplaceKeyPrefixWith", "b")))},
	};
	scoped(served_stop) struct served served = served_start();

	served_bucket(&served, "photos");
	for (size_t i = 0; i < array_len(rows); i++) {
		const struct s3_reply *reply = put(&served, rows[i].xml);

		cr_expect(slice_find(reply->body, slice_str(rows[i].code)) > 0,
			"%s gave %s", rows[i].xml, reply->body.data);
		cr_expect(eq(uint, reply->status, 400));
	}
	served_expect_refusal(served_ask(&served, "GET", "/photos?website"),
		404, "NoSuchWebsiteConfiguration");
}

Test(op_website, has_fifty_rules_at_most)
{
	scoped(served_stop) struct served served = served_start();
	const char *rules = "";

	served_bucket(&served, "photos");
	for (int i = 0; i < WEBSITE_RULES_MAX; i++)
		rules = served_text(&served, "%s%s", rules,
			XML("RoutingRule", TO_HOST));
	cr_expect(eq(uint,
		put(&served, served_text(&served, RULES("%s"), rules))->status,
		200));
	served_expect_refusal(put(&served, served_text(&served,
						   RULES("%s" XML("RoutingRule",
							   TO_HOST)),
						   rules)),
		400, "InvalidRequest");
}

#define REDIRECT "x-amz-website-redirect-location"

static void
expect_redirect(struct served *served, const char *target, const char *value)
{
	served_expect_header(served_ask(served, "HEAD", target), REDIRECT,
		value);
	served_expect_header(served_ask(served, "GET", target), REDIRECT,
		value);
}

Test(op_website, an_object_tells_where_it_redirects_to)
{
	scoped(served_stop) struct served served = served_start();

	served_bucket(&served, "photos");
	cr_expect(eq(uint,
		served_send(&served, "PUT", "/photos/a", REDIRECT ": /b\n",
			SLICE("bytes"))
			->status,
		200));

	expect_redirect(&served, "/photos/a", "/b");
	served_expect_body(served_ask(&served, "GET", "/photos/a"), 200,
		"bytes");
	served_put(&served, "/photos/a", "anew");
	expect_redirect(&served, "/photos/a", "");
}

Test(op_website, an_upload_keeps_where_its_object_redirects_to)
{
	scoped(served_stop) struct served served = served_start();
	const char *upload;
	const struct s3_reply *part;

	served_bucket(&served, "photos");
	upload = served_begin_upload(&served, "/photos/a",
		REDIRECT ": https://a.example/b\n");
	part = served_send(&served, "PUT",
		served_text(&served, "/photos/a?partNumber=1&uploadId=%s",
			upload),
		NULL, SLICE("bytes"));
	cr_assert(eq(uint, part->status, 200));
	struct slice etag = s3_client_header(part, "etag");
	cr_assert(eq(uint,
		served_send(&served, "POST",
			served_text(&served, "/photos/a?uploadId=%s", upload),
			NULL,
			slice_str(served_text(&served,
				XML("CompleteMultipartUpload",
					XML("Part",
						XML("PartNumber", "1")
							XML("ETag", "%.*s"))),
				(int)etag.len, etag.data)))
			->status,
		200));

	expect_redirect(&served, "/photos/a", "https://a.example/b");
}

Test(op_website, a_document_whose_status_no_reply_can_have_is_not_read)
{
	static const uint16_t statuses[] = {1, 200, 300, 400, 600, UINT16_MAX};
	scoped(arena_free) struct arena arena = {0};
	scoped(buffer_free) struct buffer bytes = {0};
	struct website website = {.goes_elsewhere = true};
	struct website out;

	website.elsewhere.host = SLICE("a.example");
	for (size_t i = 0; i < array_len(statuses); i++) {
		website.elsewhere.status = statuses[i];
		buffer_clear(&bytes);
		website_encode(&bytes, &website);
		cr_expect(not(website_decode(buffer_slice(&bytes), &arena,
				  &out)),
			"%u", statuses[i]);
	}
	website.elsewhere.status = 399;
	buffer_clear(&bytes);
	website_encode(&bytes, &website);
	cr_expect(website_decode(buffer_slice(&bytes), &arena, &out));
}

static unsigned int
copy(struct served *served, const char *target, const char *headers)
{
	return served_send(served, "PUT", target,
		served_text(served, "x-amz-copy-source: photos/a\n%s", headers),
		SLICE_NULL)
		->status;
}

Test(op_website, a_copy_redirects_where_it_is_told_and_not_as_its_source)
{
	scoped(served_stop) struct served served = served_start();

	served_bucket(&served, "photos");
	cr_assert(eq(uint,
		served_send(&served, "PUT", "/photos/a",
			REDIRECT ": /b\nx-amz-meta-color: red\n", SLICE("x"))
			->status,
		200));

	cr_expect(eq(uint, copy(&served, "/photos/plain", ""), 200));
	cr_expect(eq(uint, copy(&served, "/photos/to", REDIRECT ": /c\n"),
		200));
	cr_expect(eq(uint, copy(&served, "/photos/a", ""), 400));
	cr_expect(eq(uint, copy(&served, "/photos/a", REDIRECT ": /d\n"), 200));

	expect_redirect(&served, "/photos/plain", "");
	expect_redirect(&served, "/photos/to", "/c");
	expect_redirect(&served, "/photos/a", "/d");
	served_expect_header(served_ask(&served, "HEAD", "/photos/a"),
		"x-amz-meta-color", "red");
}

Test(op_website, an_object_redirects_to_paths_and_urls_alone)
{
	static const char *const values[] = {
		"b", "ftp://a/b", "javascript:alert(1)", "http:/a"};
	scoped(served_stop) struct served served = served_start();
	char longer[2200] = REDIRECT ": /";

	served_bucket(&served, "photos");
	for (size_t i = 0; i < array_len(values); i++)
		served_expect_refusal(served_send(&served, "PUT", "/photos/a",
					      served_text(&served,
						      REDIRECT ": %s\n",
						      values[i]),
					      SLICE("x")),
			400, "InvalidRedirectLocation");
	memset(longer + strlen(longer), 'a', 2048);
	served_expect_refusal(served_send(&served, "PUT", "/photos/a",
				      served_text(&served, "%s\n", longer),
				      SLICE("x")),
		400, "InvalidRedirectLocation");
}
