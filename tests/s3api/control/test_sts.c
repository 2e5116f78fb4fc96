/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "s3api/iam/signin.h"
#include "store/base/clock.h"
#include "tests/s3api/control/control_site.h"

Test(sts, assume_role_gives_keys_that_need_their_session_token)
{
	scoped(control_site_close) struct control_site site;
	const struct s3_reply *reply;
	const char *session;

	control_site_open(&site);
	reply = control_site_assume(&site,
		control_site_response(&site, "_1", "reader"),
		"&DurationSeconds=900");
	cr_assert(eq(uint, reply->status, 200), "%s", reply->body.data);
	cr_expect(strstr(reply->body.data,
			  "arn:aws:sts::default:assumed-role/reader/"
			  "ann@example.org") != NULL);
	session = control_site_become_session(&site, reply);

	served_expect_body(served_send(&site.served, "GET", "/photos/a",
				   session, SLICE_NULL),
		200, "hello");
	served_expect_refusal(served_ask(&site.served, "GET", "/photos/a"), 400,
		"InvalidToken");
	served_expect_refusal(served_send(&site.served, "GET", "/photos/a",
				      "x-amz-security-token: 00\n", SLICE_NULL),
		400, "InvalidToken");
}

Test(sts, what_is_wrong_has_its_code)
{
	static const struct {
		const char *body;
		unsigned int status;
		const char *code;
	} cases[] = {
		{"Action=Dance", 400, "InvalidAction"},
		{"", 400, "InvalidAction"},
		{"Action=AssumeRole&RoleArn=x", 501, "NotImplemented"},
		{"Action=GetSessionToken", 501, "NotImplemented"},
		{"Action=GetCallerIdentity", 403, "MissingAuthenticationToken"},
		{"Action=AssumeRoleWithSAML&RoleArn=x", 400, "ValidationError"},
		{"Action=%zz", 400, "ValidationError"},
	};
	scoped(control_site_close) struct control_site site;
	struct assertion evil = control_site_assertion("_9", "reader");
	const char *good;

	control_site_open(&site);
	for (size_t i = 0; i < array_len(cases); i++) {
		const struct s3_reply *reply = control_site_ask(&site, "POST",
			"/", FORM, cases[i].body);

		cr_expect(eq(uint, reply->status, cases[i].status), "%s",
			cases[i].body);
		served_expect_elements(reply, "Code",
			served_text(&site.served, "%s ", cases[i].code));
	}
	good = control_site_response(&site, "_1", "reader");
	cr_expect(eq(uint,
		control_site_assume(&site, good, "&DurationSeconds=1")->status,
		400));
	assertion_time(evil.not_after, clock_now_ns(), -3600);
	served_expect_elements(control_site_assume(&site,
				       control_site_base64(&site,
					       assertion_make(&site.idp,
						       &evil)),
				       ""),
		"Code", "ExpiredTokenException ");
	served_expect_elements(control_site_assume(&site,
				       control_site_response(&site, "_2",
					       "writer"),
				       ""),
		"Code", "InvalidIdentityToken ");
	cr_expect(eq(uint, control_site_assume(&site, good, "")->status, 200));
	served_expect_elements(control_site_assume(&site, good, ""), "Code",
		"InvalidIdentityToken ");
}

Test(sts, too_many_at_once_are_throttled)
{
	scoped(control_site_close) struct control_site site;
	const struct s3_reply *reply;
	const char *base64;

	control_site_open(&site);
	base64 = control_site_response(&site, "_1", "reader");
	for (int i = 0; i < SIGNIN_PLACES; i++)
		cr_assert(signin_place_take());

	reply = control_site_assume(&site, base64, "");
	cr_expect(eq(uint, reply->status, 400));
	served_expect_elements(reply, "Code", "Throttling ");

	for (int i = 0; i < SIGNIN_PLACES; i++)
		signin_place_leave();
	cr_expect(eq(uint, control_site_assume(&site, base64, "")->status,
		200));
}

Test(sts, what_the_provider_itself_rejected_has_its_code)
{
	scoped(control_site_close) struct control_site site;
	struct assertion ask = control_site_assertion("_1", "reader");
	const struct s3_reply *reply;

	control_site_open(&site);
	ask.status = "Responder";
	reply = control_site_assume(&site,
		control_site_base64(&site, assertion_make(&site.idp, &ask)),
		"");
	cr_expect(eq(uint, reply->status, 403));
	served_expect_elements(reply, "Code", "IDPRejectedClaim ");
}
