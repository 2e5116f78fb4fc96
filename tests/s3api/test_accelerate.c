/* SPDX-License-Identifier: Apache-2.0 */
/* The endpoint that gives objects and takes none. */
#include "tests/s3api/op/served.h"

#define HOST "photos.accel.example"
#define STATUS(status)                                                         \
	"<AccelerateConfiguration><Status>" status                             \
	"</Status></AccelerateConfiguration>"

static struct served
start(void)
{
	static const char *const domains[] = {"example"};
	static const char *const accelerated[] = {"Accel.Example"};
	struct served served = served_start_with((struct server_options){
		.domains = domains,
		.domain_count = 1,
		.accelerate_domains = accelerated,
		.accelerate_domain_count = 1,
	});

	served_bucket(&served, "photos");
	served_put(&served, "/photos/a", "bytes");
	return served;
}

static const struct s3_reply *
set_status(struct served *served, const char *bucket, const char *xml)
{
	return served_send(served, "PUT",
		served_text(served, "/%s?accelerate", bucket), NULL,
		slice_str(xml));
}

static const struct s3_reply *
ask_at(struct served *served, const char *host, const char *method,
	const char *path)
{
	served->client.host = host;

	const struct s3_reply *reply = served_ask(served, method, path);

	served->client.host = NULL;
	return reply;
}

Test(accelerate, gives_objects_by_path_and_by_host)
{
	scoped(served_stop) struct served served = start();

	served_expect_body(ask_at(&served, HOST, "GET", "/a"), 200, "bytes");
	served_expect_body(ask_at(&served, "accel.example:80", "GET",
				   "/photos/a"),
		200, "bytes");
	cr_expect(eq(uint, ask_at(&served, HOST, "HEAD", "/a")->status, 200));
	served_expect_refusal(ask_at(&served, HOST, "GET", "/none"), 404,
		"NoSuchKey");
}

Test(accelerate, is_no_way_to_anything_else)
{
	static const struct {
		const char *method;
		const char *path;
	} rows[] = {
		{"PUT", "/a"},
		{"DELETE", "/a"},
		{"POST", "/a?uploads"},
		{"GET", "/a?acl"},
		{"GET", "/a?tagging"},
		{"GET", "/"},
		{"PUT", "/"},
		{"DELETE", "/"},
		{"GET", "/?policy"},
		{"POST", "/?delete"},
	};
	scoped(served_stop) struct served served = start();

	for (size_t i = 0; i < array_len(rows); i++) {
		const struct s3_reply *reply =
			ask_at(&served, HOST, rows[i].method, rows[i].path);

		served_expect_refusal(reply, 405, "MethodNotAllowed");
		served_expect_header(reply, "allow", "GET, HEAD");
	}
	served_expect_refusal(ask_at(&served, "accel.example", "GET", "/"), 405,
		"MethodNotAllowed");
	served_expect_body(served_ask(&served, "GET", "/photos/a"), 200,
		"bytes");
}

Test(accelerate, lets_in_whom_the_bucket_lets_in)
{
	scoped(served_stop) struct served served = start();

	served.client.is_anonymous = true;
	served_expect_refusal(ask_at(&served, HOST, "GET", "/a"), 403,
		"AccessDenied");
	served.client.is_anonymous = false;
	served_become(&served, TOKEN_WRITE);
	served_expect_refusal(ask_at(&served, HOST, "GET", "/a"), 403,
		"AccessDenied");
}

Test(accelerate, a_bucket_may_be_taken_off_it)
{
	scoped(served_stop) struct served served = start();

	served_expect_elements(served_ask(&served, "GET", "/photos?accelerate"),
		"Status", "");
	cr_expect(eq(uint,
		set_status(&served, "photos", STATUS("Suspended"))->status,
		200));
	served_expect_elements(served_ask(&served, "GET", "/photos?accelerate"),
		"Status", "Suspended ");
	served_expect_refusal(ask_at(&served, HOST, "GET", "/a"), 400,
		"InvalidRequest");
	served_expect_body(ask_at(&served, "photos.example", "GET", "/a"), 200,
		"bytes");

	cr_expect(eq(uint,
		set_status(&served, "photos", STATUS("Enabled"))->status, 200));
	served_expect_body(ask_at(&served, HOST, "GET", "/a"), 200, "bytes");
}

Test(accelerate, is_on_or_off)
{
	static const char *const documents[] = {"", STATUS(""), STATUS("On"),
		"<AccelerateConfiguration/>",
		"<AccelerateConfiguration><Status>Enabled</Status><Other/>"
		"</AccelerateConfiguration>"};
	scoped(served_stop) struct served served = start();

	for (size_t i = 0; i < array_len(documents); i++)
		served_expect_refusal(set_status(&served, "photos",
					      documents[i]),
			400, "MalformedXML");
	served_bucket(&served, "with.dot");
	served_expect_refusal(set_status(&served, "with.dot",
				      STATUS("Enabled")),
		400, "InvalidRequest");
}
