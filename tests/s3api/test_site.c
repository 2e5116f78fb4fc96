/* SPDX-License-Identifier: Apache-2.0 */
/* A bucket as a website: what strangers get by its host name. */
#include "tests/s3api/op/served.h"

#define DOMAIN "web.example"
#define HOST "photos." DOMAIN
#define XML(name, inside) "<" name ">" inside "</" name ">"
#define SITE(inside) XML("WebsiteConfiguration", inside)
#define INDEX XML("IndexDocument", XML("Suffix", "index.html"))
#define ERROR XML("ErrorDocument", XML("Key", "error.html"))
#define RULE(condition, redirect)                                              \
	SITE(INDEX XML("RoutingRules",                                         \
		XML("RoutingRule", XML("Condition", condition)                 \
					   XML("Redirect", redirect))))
#define OPEN                                                                   \
	"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","    \
	"\"Principal\":\"*\",\"Action\":\"s3:GetObject\",\"Resource\":"        \
	"\"arn:aws:s3:::photos/*\"},{\"Effect\":\"Deny\",\"Principal\":\"*\"," \
	"\"Action\":\"s3:GetObject\",\"Resource\":"                            \
	"\"arn:aws:s3:::photos/secret*\"}]}"

static void
must_put(struct served *served, const char *target, const char *headers,
	const char *body)
{
	const struct s3_reply *reply =
		served_send(served, "PUT", target, headers, slice_str(body));

	cr_assert(reply->status / 100 == 2, "%s: %s", target, reply->body.data);
}

/* A bucket that everybody may read, but for what begins with "secret". */
static struct served
begin_with(struct served served, const char *site)
{
	served_bucket(&served, "photos");
	must_put(&served, "/photos?policy", NULL, OPEN);
	if (site)
		must_put(&served, "/photos?website", NULL, site);
	must_put(&served, "/photos/index.html", "content-type: text/html\n",
		"home");
	must_put(&served, "/photos/dir/index.html", NULL, "dir");
	must_put(&served, "/photos/secret", NULL, "secret");
	return served;
}

static struct served
start(const char *site)
{
	static const char *const domains[] = {"Web.Example"};

	return begin_with(served_start_with((struct server_options){
				  .website_domains = domains,
				  .website_domain_count = 1,
			  }),
		site);
}

static const struct s3_reply *
visit_with(struct served *served, const char *method, const char *path,
	const char *headers)
{
	const struct s3_reply *reply;
	bool was_anonymous = served->client.is_anonymous;

	served->client.host = HOST;
	served->client.is_anonymous = true;
	reply = served_send(served, method, path, headers, SLICE_NULL);
	served->client.host = NULL;
	served->client.is_anonymous = was_anonymous;
	return reply;
}

static const struct s3_reply *
visit(struct served *served, const char *path)
{
	return visit_with(served, "GET", path, NULL);
}

static void
expect_page(const struct s3_reply *reply, unsigned int status, const char *text)
{
	cr_expect(eq(uint, reply->status, status), "%s", reply->body.data);
	cr_expect(slice_find(reply->body, slice_str(text)) >= 0, "%s in %s",
		text, reply->body.data);
	served_expect_header(reply, "content-type", "text/html; charset=utf-8");
}

static void
expect_sent(const struct s3_reply *reply, unsigned int status, const char *to)
{
	cr_expect(eq(uint, reply->status, status), "%s", reply->body.data);
	served_expect_header(reply, "location", to);
}

Test(site, a_directory_is_its_index_document)
{
	scoped(served_stop) struct served served = start(SITE(INDEX));

	served_expect_body(visit(&served, "/"), 200, "home");
	served_expect_header(visit(&served, "/"), "content-type", "text/html");
	served_expect_body(visit(&served, "/index.html"), 200, "home");
	served_expect_body(visit(&served, "/dir/"), 200, "dir");
	expect_sent(visit(&served, "/dir"), 302, "/dir/");
	cr_expect(eq(uint, visit_with(&served, "HEAD", "/", NULL)->status,
		200));
	served_expect_header(visit_with(&served, "HEAD", "/", NULL),
		"content-length", "4");
}

Test(site, nothing_but_the_path_of_a_get_counts)
{
	scoped(served_stop) struct served served = start(SITE(INDEX));

	served_expect_body(visit(&served,
				   "/?versionId=x&response-content-type=a/b&"
				   "uploads&acl"),
		200, "home");
	expect_page(visit_with(&served, "PUT", "/a", NULL), 405,
		"<li>Code: MethodNotAllowed</li>");
	served_expect_header(visit_with(&served, "DELETE", "/index.html", NULL),
		"allow", "GET, HEAD");
	cr_expect(eq(uint,
		visit_with(&served, "OPTIONS", "/", "origin: http://a\n")
			->status,
		405));
	cr_expect(eq(uint, visit_with(&served, "POST", "/", NULL)->status,
		405));
	served_expect_body(visit(&served, "/"), 200, "home");
}

Test(site, ranges_and_conditions_are_those_of_objects)
{
	scoped(served_stop) struct served served = start(SITE(INDEX ERROR));
	struct slice etag = s3_client_header(visit(&served, "/"), "etag");
	const char *if_none_match = served_text(&served,
		"if-none-match: %.*s\n", (int)etag.len, etag.data);

	must_put(&served, "/photos/error.html", NULL, "sorry");
	served_expect_body(visit_with(&served, "GET", "/",
				   "range: bytes=1-2\n"),
		206, "om");
	cr_expect(eq(uint,
		visit_with(&served, "GET", "/", if_none_match)->status, 304));
	expect_page(visit_with(&served, "GET", "/", "if-match: \"none\"\n"),
		412, "PreconditionFailed");
	expect_page(visit_with(&served, "GET", "/", "range: bytes=9-\n"), 416,
		"InvalidRange");
	served_expect_header(visit_with(&served, "GET", "/",
				     "range: bytes=9-\n"),
		"content-range", "bytes */4");
}

Test(site, strangers_get_what_the_policy_gives_them_even_if_they_sign)
{
	scoped(served_stop) struct served served = start(SITE(INDEX));

	expect_page(visit(&served, "/secret"), 403,
		"<li>Code: AccessDenied</li>");
	/* Whether it is there is for those to know who may list. */
	expect_page(visit(&served, "/none"), 403, "AccessDenied");
	served.client.host = HOST;
	expect_page(served_ask(&served, "GET", "/secret"), 403, "AccessDenied");
	served.client.host = NULL;
	must_put(&served, "/photos?publicAccessBlock", NULL,
		XML("PublicAccessBlockConfiguration",
			XML("RestrictPublicBuckets", "true")));
	expect_page(visit(&served, "/"), 403, "AccessDenied");
}

Test(site, one_that_is_none_says_so)
{
	scoped(served_stop) struct served served = start(NULL);

	expect_page(visit(&served, "/"), 404,
		"<li>Code: NoSuchWebsiteConfiguration</li>");
	expect_page(visit(&served, "/"), 404, "<li>BucketName: photos</li>");
	expect_page(visit(&served, "/%zz"), 400, "InvalidURI");
	served.client.host = "nobody." DOMAIN;
	expect_page(served_ask(&served, "GET", "/"), 404, "NoSuchBucket");
	served.client.host = DOMAIN;
	expect_page(served_ask(&served, "GET", "/photos"), 400,
		"InvalidBucketName");
	served.client.host = NULL;
	served_expect_body(served_ask(&served, "GET", "/photos/index.html"),
		200, "home");
}

Test(site, a_page_of_ours_is_no_way_to_inject_anything)
{
	scoped(served_stop) struct served served = start(SITE(INDEX));
	const struct s3_reply *reply =
		visit(&served, "/%3Cscript%3Ealert(1)%3C/script%3E");

	expect_page(reply, 403, "&lt;script");
	cr_expect(slice_find(reply->body, SLICE("<script")) < 0);
	must_put(&served, "/photos/%2Fevil.example/index.html", NULL, "x");
	expect_sent(visit(&served, "//evil.example"), 302, "/%2Fevil.example/");
}

Test(site, an_error_has_the_page_of_the_bucket_and_its_own_status)
{
	scoped(served_stop) struct served served = start(SITE(INDEX ERROR));
	const struct s3_reply *reply;

	reply = visit(&served, "/none");
	expect_page(reply, 403, "An Error Occurred While Attempting");
	expect_page(reply, 403, "<li>Key: error.html</li>");

	must_put(&served, "/photos/error.html", "content-type: text/plain\n",
		"sorry");
	reply = visit_with(&served, "GET", "/none",
		"range: bytes=1-2\nif-none-match: *\n");
	served_expect_body(reply, 403, "sorry");
	served_expect_header(reply, "content-type", "text/plain");
	served_expect_body(visit_with(&served, "HEAD", "/none", NULL), 403, "");
}

Test(site, an_object_sends_elsewhere)
{
	scoped(served_stop) struct served served = start(SITE(INDEX));

	must_put(&served, "/photos/old",
		"x-amz-website-redirect-location: http://a.example/new\n", "");
	must_put(&served, "/photos/secret-old",
		"x-amz-website-redirect-location: /new\n", "");

	expect_sent(visit(&served, "/old"), 301, "http://a.example/new");
	cr_expect(eq(uint, visit(&served, "/secret-old")->status, 403));
	cr_expect(eq(uint, served_ask(&served, "GET", "/photos/old")->status,
		200));
}

Test(site, all_of_it_goes_elsewhere)
{
	scoped(served_stop) struct served served =
			start(SITE(XML("RedirectAllRequestsTo",
				XML("HostName", "a.example")
					XML("Protocol", "https"))));

	expect_sent(visit(&served, "/dir/a%20b?c=d%20e"), 301,
		"https://a.example/dir/a%20b?c=d%20e");
	expect_sent(visit(&served, "/"), 301, "https://a.example/");
	cr_expect(eq(uint, visit_with(&served, "POST", "/", NULL)->status,
		405));
}

Test(site, a_rule_sends_what_has_its_prefix)
{
	static const struct {
		const char *redirect;
		const char *location;
		unsigned int status;
	} rows[] = {
		{XML("ReplaceKeyPrefixWith", "d/"), "http://" HOST "/d/a%3Fb",
			301},
		{XML("ReplaceKeyWith", "new#top"), "http://" HOST "/new#top",
			301},
		{XML("HostName", "a.example"), "http://a.example/docs/a%3Fb",
			301},
		{XML("Protocol", "https") XML("HttpRedirectCode", "307"),
			"https://" HOST "/docs/a%3Fb", 307},
		{XML("ReplaceKeyPrefixWith", "&#8364; "),
			"http://" HOST "/%E2%82%AC%20a%3Fb", 301},
	};
	scoped(served_stop) struct served served = start(NULL);

	for (size_t i = 0; i < array_len(rows); i++) {
		must_put(&served, "/photos?website", NULL,
			served_text(&served,
				RULE(XML("KeyPrefixEquals", "docs/"), "%s"),
				rows[i].redirect));
		expect_sent(visit(&served, "/docs/a%3Fb"), rows[i].status,
			rows[i].location);
	}
	served_expect_body(visit(&served, "/"), 200, "home");
}

Test(site, a_rule_for_an_error_waits_for_it)
{
	scoped(served_stop) struct served served =
			start(RULE(XML("HttpErrorCodeReturnedEquals", "403")
					   XML("KeyPrefixEquals", "d"),
				XML("ReplaceKeyPrefixWith", "n")));

	served_expect_body(visit(&served, "/dir/"), 200, "dir");
	expect_sent(visit(&served, "/dir"), 302, "/dir/");
	expect_sent(visit(&served, "/dir/none"), 301,
		"http://" HOST "/nir/none");
	expect_page(visit(&served, "/none"), 403, "AccessDenied");
}

Test(site, of_two_domains_the_inner_one_counts)
{
	static const char *const outer[] = {"example"};
	static const char *const websites[] = {DOMAIN};
	scoped(served_stop) struct served served =
			begin_with(served_start_with((struct server_options){
					   .domains = outer,
					   .domain_count = 1,
					   .website_domains = websites,
					   .website_domain_count = 1,
				   }),
				SITE(INDEX));

	served_expect_body(visit(&served, "/"), 200, "home");
	served.client.host = "photos.example";
	served_expect_body(served_ask(&served, "GET", "/index.html"), 200,
		"home");
}

Test(site, a_visit_is_in_the_audit_log_as_what_was_asked_for)
{
	static const char *const domains[] = {DOMAIN};
	scoped(served_stop) struct served served = begin_with(
		served_start_audited_with((struct server_options){
			.website_domains = domains,
			.website_domain_count = 1,
		}),
		SITE(INDEX ERROR));
	struct slice lines;

	must_put(&served, "/photos/error.html", NULL, "sorry");
	served_expect_body(visit(&served, "/dir/"), 200, "dir");
	served_expect_body(visit(&served, "/secret"), 403, "sorry");
	lines = slice_str(served_lines(&served));

	cr_expect(slice_find(lines,
			  SLICE("\"operation\":\"GetObject\",\"action\":"
				"\"s3:GetObject\",\"decision\":\"allow\"")) >
		  0);
	cr_expect(slice_find(lines, SLICE("\"key\":\"dir/index.html\"")) > 0);
	cr_expect(slice_find(lines,
			  SLICE("\"operation\":\"GetObject\",\"action\":"
				"\"s3:GetObject\",\"decision\":\"deny\"")) > 0);
	cr_expect(slice_find(lines, SLICE("\"key\":\"secret\",\"error\":"
					  "\"AccessDenied\",\"status\":403")) >
		  0);
}
