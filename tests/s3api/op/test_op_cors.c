/* SPDX-License-Identifier: Apache-2.0 */
/* What pages of other origins may do. */
#include "tests/s3api/op/served.h"

#define RULES(inside) "<CORSConfiguration>" inside "</CORSConfiguration>"
#define RULE(inside)                                                           \
	"<CORSRule>" inside "<AllowedMethod>GET</AllowedMethod></CORSRule>"
#define EXAMPLE                                                                \
	RULES("<CORSRule><ID>first</ID>"                                       \
	      "<AllowedOrigin>https://*.example.com</AllowedOrigin>"           \
	      "<AllowedMethod>PUT</AllowedMethod>"                             \
	      "<AllowedMethod>GET</AllowedMethod>"                             \
	      "<AllowedHeader>X-Amz-*</AllowedHeader>"                         \
	      "<ExposeHeader>ETag</ExposeHeader>"                              \
	      "<ExposeHeader>x-amz-request-id</ExposeHeader>"                  \
	      "<MaxAgeSeconds>3000</MaxAgeSeconds></CORSRule>"                 \
	      "<CORSRule><AllowedOrigin>*</AllowedOrigin>"                     \
	      "<AllowedMethod>HEAD</AllowedMethod></CORSRule>")

static const struct s3_reply *
put_rules(struct served *served, const char *xml)
{
	return served_send(served, "PUT", "/photos?cors", NULL, slice_str(xml));
}

static struct served
start(void)
{
	struct served served = served_start();

	served_bucket(&served, "photos");
	served_put(&served, "/photos/a", "bytes");
	cr_assert(eq(uint, put_rules(&served, EXAMPLE)->status, 200));
	return served;
}

Test(op_cors, rules_are_told_as_they_were_given)
{
	scoped(served_stop) struct served served = start();
	const struct s3_reply *reply =
		served_ask(&served, "GET", "/photos?cors");

	served_expect_elements(reply, "ID", "first ");
	served_expect_elements(reply, "AllowedOrigin",
		"https://*.example.com * ");
	served_expect_elements(reply, "AllowedMethod", "PUT GET HEAD ");
	served_expect_elements(reply, "AllowedHeader", "X-Amz-* ");
	served_expect_elements(reply, "ExposeHeader", "ETag x-amz-request-id ");
	served_expect_elements(reply, "MaxAgeSeconds", "3000 ");
	cr_expect(eq(uint,
		served_ask(&served, "DELETE", "/photos?cors")->status, 204));
	served_expect_refusal(served_ask(&served, "GET", "/photos?cors"), 404,
		"NoSuchCORSConfiguration");
}

Test(op_cors, rules_that_cannot_be_are_refused)
{
	scoped(served_stop) struct served served = start();
	static const char *const malformed[] = {"", "oops", RULES(""),
		RULES("<Other/>"), RULES(RULE("")),
		RULES("<CORSRule><AllowedOrigin>*</AllowedOrigin></CORSRule>"),
		RULES(RULE("<AllowedOrigin>a b</AllowedOrigin>")),
		RULES(RULE("<AllowedOrigin/>")),
		RULES(RULE("<AllowedOrigin>*</AllowedOrigin>"
			   "<MaxAgeSeconds>-1</MaxAgeSeconds>"))};
	static const char *const invalid[] = {
		RULES(RULE("<AllowedOrigin>*a*</AllowedOrigin>")),
		RULES(RULE("<AllowedOrigin>*</AllowedOrigin>"
			   "<AllowedHeader>**</AllowedHeader>")),
		RULES(RULE("<AllowedOrigin>*</AllowedOrigin>"
			   "<AllowedMethod>PATCH</AllowedMethod>")),
		RULES(RULE("<AllowedOrigin>*</AllowedOrigin>"
			   "<ExposeHeader>x-*</ExposeHeader>")),
		RULES(RULE("<AllowedOrigin>*</AllowedOrigin>"
			   "<ExposeHeader>a:b</ExposeHeader>")),
		RULES(RULE("<AllowedOrigin>*</AllowedOrigin>"
			   "<AllowedHeader>a b</AllowedHeader>")),
		RULES(RULE("<AllowedOrigin>*</AllowedOrigin>"
			   "<AllowedHeader>x[]</AllowedHeader>"))};

	for (size_t i = 0; i < array_len(malformed); i++)
		served_expect_refusal(put_rules(&served, malformed[i]), 400,
			"MalformedXML");
	for (size_t i = 0; i < array_len(invalid); i++)
		served_expect_refusal(put_rules(&served, invalid[i]), 400,
			"InvalidRequest");
	cr_expect(eq(uint, served_ask(&served, "GET", "/photos?cors")->status,
		200));
}

static const struct s3_reply *
ask_first(struct served *served, const char *target, const char *headers)
{
	const struct s3_reply *reply;

	served->client.is_anonymous = true;
	reply = served_send(served, "OPTIONS", target, headers, SLICE_NULL);
	served->client.is_anonymous = false;
	return reply;
}

Test(op_cors, a_preflight_is_answered_to_whom_a_rule_names)
{
	scoped(served_stop) struct served served = start();
	const struct s3_reply *reply = ask_first(&served, "/photos/a",
		"origin: https://www.example.com\n"
		"access-control-request-method: PUT\n"
		"access-control-request-headers: X-Amz-Date, x-amz-acl\n");

	cr_expect(eq(uint, reply->status, 200));
	served_expect_header(reply, "access-control-allow-origin",
		"https://www.example.com");
	served_expect_header(reply, "access-control-allow-methods", "PUT, GET");
	served_expect_header(reply, "access-control-allow-headers",
		"X-Amz-Date, x-amz-acl");
	served_expect_header(reply, "access-control-expose-headers",
		"ETag, x-amz-request-id");
	served_expect_header(reply, "access-control-max-age", "3000");
	served_expect_header(reply, "access-control-allow-credentials", "true");
	served_expect_header(reply, "vary",
		"Origin, Access-Control-Request-Headers, "
		"Access-Control-Request-Method");
	reply = ask_first(&served, "/photos",
		"origin: http://other\naccess-control-request-method: HEAD\n");
	cr_expect(eq(uint, reply->status, 200));
	served_expect_header(reply, "access-control-allow-origin", "*");
	served_expect_header(reply, "access-control-allow-credentials", "");
}

Test(op_cors, a_preflight_is_refused_to_others)
{
	scoped(served_stop) struct served served = start();
	static const char *const forbidden[] = {
		"origin: http://www.example.com\n"
		"access-control-request-method: PUT\n",
		"origin: https://www.example.com.evil\n"
		"access-control-request-method: PUT\n",
		"origin: https://www.example.com\n"
		"access-control-request-method: DELETE\n",
		"origin: https://www.example.com\n"
		"access-control-request-method: PUT\n"
		"access-control-request-headers: x-amz-date, authorization\n",
	};

	for (size_t i = 0; i < array_len(forbidden); i++) {
		const struct s3_reply *reply =
			ask_first(&served, "/photos/a", forbidden[i]);

		served_expect_refusal(reply, 403, "AccessForbidden");
		served_expect_header(reply, "access-control-allow-origin", "");
	}
	served_expect_refusal(ask_first(&served, "/photos/a", NULL), 400,
		"BadRequest");
	served_expect_refusal(ask_first(&served, "/photos/a",
				      "origin: https://www.example.com\n"),
		400, "BadRequest");
	served_expect_refusal(
		ask_first(&served, "/none/a",
			"origin: x\naccess-control-request-method: GET\n"),
		404, "NoSuchBucket");
	served_bucket(&served, "plain");
	served_expect_refusal(
		ask_first(&served, "/plain/a",
			"origin: x\naccess-control-request-method: GET\n"),
		403, "AccessForbidden");
}

Test(op_cors, replies_and_refusals_carry_the_headers_of_their_rule)
{
	scoped(served_stop) struct served served = start();
	static const char origin[] = "origin: https://a.example.com\n";
	const struct s3_reply *reply =
		served_send(&served, "GET", "/photos/a", origin, SLICE_NULL);

	served_expect_body(reply, 200, "bytes");
	served_expect_header(reply, "access-control-allow-origin",
		"https://a.example.com");
	served_expect_header(reply, "access-control-expose-headers",
		"ETag, x-amz-request-id");
	reply = served_send(&served, "PUT", "/photos/b", origin, SLICE("b"));
	served_expect_header(reply, "access-control-allow-origin",
		"https://a.example.com");
	reply = served_send(&served, "DELETE", "/photos/b", origin, SLICE_NULL);
	cr_expect(eq(uint, reply->status, 204));
	served_expect_header(reply, "access-control-allow-origin", "");
	served_expect_header(served_ask(&served, "GET", "/photos/a"),
		"access-control-allow-origin", "");
	served.client.is_anonymous = true;
	reply = served_send(&served, "GET", "/photos/a", origin, SLICE_NULL);
	served_expect_refusal(reply, 403, "AccessDenied");
	served_expect_header(reply, "access-control-allow-origin",
		"https://a.example.com");
}
