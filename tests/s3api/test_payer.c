/* SPDX-License-Identifier: Apache-2.0 */
/* Buckets whose requester pays. */
#include "store/organization.h"
#include "tests/s3api/op/served.h"

#define PAYER(who)                                                             \
	"<RequestPaymentConfiguration><Payer>" who                             \
	"</Payer></RequestPaymentConfiguration>"
#define PAYS "x-amz-request-payer: requester\n"
#define CHARGED "x-amz-request-charged"
#define OPEN                                                                   \
	"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","    \
	"\"Principal\":\"*\",\"Action\":[\"s3:*\"],\"Resource\":["             \
	"\"arn:aws:s3:::photos\",\"arn:aws:s3:::photos/*\"]}]}"

static const struct s3_reply *
set_payer(struct served *served, const char *xml)
{
	return served_send(served, "PUT", "/photos?requestPayment", NULL,
		slice_str(xml));
}

/* A bucket that everybody may do everything to, if they pay. */
static struct served
start(void)
{
	struct served served = served_start();

	served_bucket(&served, "photos");
	served_put(&served, "/photos/a", "bytes");
	cr_assert(eq(uint,
		served_send(&served, "PUT", "/photos?policy", NULL, SLICE(OPEN))
			->status,
		204));
	cr_assert(eq(uint, set_payer(&served, PAYER("Requester"))->status,
		200));
	return served;
}

static void
become_another_organization(struct served *served)
{
	cr_assert(eq(int,
		(int)organization_create(served->temp.store, SLICE("org")), 0));
	(void)served_become_drafted(served,
		&(struct token_draft){
			.name = SLICE("other"),
			.organization = SLICE("org"),
			.level = TOKEN_FULL,
		});
}

static unsigned int
ask(struct served *served, const char *method, const char *target,
	const char *headers)
{
	return served_send(served, method, target, headers, SLICE_NULL)->status;
}

Test(payer, is_told_as_it_was_set)
{
	scoped(served_stop) struct served served = start();

	served_expect_elements(served_ask(&served, "GET",
				       "/photos?requestPayment"),
		"Payer", "Requester ");
	cr_expect(eq(uint, set_payer(&served, PAYER("BucketOwner"))->status,
		200));
	served_expect_elements(served_ask(&served, "GET",
				       "/photos?requestPayment"),
		"Payer", "BucketOwner ");
	become_another_organization(&served);
	cr_expect(eq(uint, ask(&served, "GET", "/photos/a", NULL), 200));
}

Test(payer, is_one_of_two)
{
	static const char *const documents[] = {"", PAYER(""), PAYER("Nobody"),
		"<RequestPaymentConfiguration/>",
		"<RequestPaymentConfiguration><Payer>Requester</Payer>"
		"<Other/></RequestPaymentConfiguration>"};
	scoped(served_stop) struct served served = served_start();

	served_bucket(&served, "photos");
	for (size_t i = 0; i < array_len(documents); i++)
		served_expect_refusal(set_payer(&served, documents[i]), 400,
			"MalformedXML");
}

Test(payer, the_owner_need_not_say_anything)
{
	scoped(served_stop) struct served served = start();

	served_expect_header(served_ask(&served, "GET", "/photos/a"), CHARGED,
		"");
	cr_expect(eq(uint, ask(&served, "GET", "/photos/a", PAYS), 200));
}

Test(payer, others_say_so_and_are_told)
{
	static const struct {
		const char *method;
		const char *target;
		unsigned int status;
	} rows[] = {
		{"GET", "/photos/a", 200},
		{"HEAD", "/photos/a", 200},
		{"GET", "/photos", 200},
		{"HEAD", "/photos", 200},
		{"PUT", "/photos/b", 200},
		{"DELETE", "/photos/b", 204},
		{"POST", "/photos/c?uploads", 200},
		{"GET", "/photos?cors", 404},
	};
	scoped(served_stop) struct served served = start();

	become_another_organization(&served);
	for (size_t i = 0; i < array_len(rows); i++) {
		const char *method = rows[i].method;
		const char *target = rows[i].target;
		const struct s3_reply *reply;

		cr_expect(eq(uint, ask(&served, method, target, NULL), 403),
			"%s", target);
		cr_expect(eq(uint,
				  ask(&served, method, target,
					  "x-amz-request-payer: owner\n"),
				  403),
			"%s", target);
		reply = served_send(&served, method, target, PAYS, SLICE_NULL);
		cr_expect(eq(uint, reply->status, rows[i].status), "%s",
			target);
		served_expect_header(reply, CHARGED,
			rows[i].status < 400 ? "requester" : "");
	}
}

Test(payer, of_a_copys_source_has_to_be_told_too)
{
	scoped(served_stop) struct served served = start();

	become_another_organization(&served);
	served_bucket(&served, "mine");
	cr_expect(eq(uint,
		ask(&served, "PUT", "/mine/a", "x-amz-copy-source: photos/a\n"),
		403));
	cr_expect(eq(uint,
		ask(&served, "PUT", "/mine/a",
			"x-amz-copy-source: photos/a\n" PAYS),
		200));
}

Test(payer, strangers_cannot_pay)
{
	scoped(served_stop) struct served served = start();

	served.client.is_anonymous = true;
	served_expect_refusal(served_ask(&served, "GET", "/photos/a"), 403,
		"AccessDenied");
	served_expect_refusal(served_send(&served, "GET", "/photos/a", PAYS,
				      SLICE_NULL),
		403, "AccessDenied");
}

Test(payer, a_website_is_for_strangers_and_so_has_none)
{
	static const char *const domains[] = {"web.example"};
	scoped(served_stop) struct served served =
			served_start_with((struct server_options){
				.website_domains = domains,
				.website_domain_count = 1,
			});

	served_bucket(&served, "photos");
	served_put(&served, "/photos?website",
		"<WebsiteConfiguration><IndexDocument><Suffix>a</Suffix></"
		"IndexDocument></WebsiteConfiguration>");
	cr_assert(eq(uint,
		served_send(&served, "PUT", "/photos?policy", NULL, SLICE(OPEN))
			->status,
		204));
	served_put(&served, "/photos/a", "bytes");
	served.client.host = "photos.web.example";
	served_expect_body(served_ask(&served, "GET", "/"), 200, "bytes");

	served.client.host = NULL;
	cr_assert(eq(uint, set_payer(&served, PAYER("Requester"))->status,
		200));
	served.client.host = "photos.web.example";
	cr_expect(eq(uint, served_ask(&served, "GET", "/")->status, 403));
}
