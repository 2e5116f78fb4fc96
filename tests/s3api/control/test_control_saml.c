/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/iam/idp.h"
#include "s3api/iam/orgpolicy.h"
#include "s3api/iam/signin.h"
#include "store/base/clock.h"
#include "tests/s3api/control/control_site.h"

static void
expect_attribute(struct store *store, const char *access_key)
{
	scoped(arena_free) struct arena arena = {0};
	struct token_attribute *found;
	size_t count;

	cr_assert(eq(int,
		token_attribute_list(store, slice_str(access_key), &arena,
			&found, &count),
		STORE_OK));
	cr_assert(eq(sz, count, 1));
	cr_expect(slice_equal(found[0].value, SLICE("vision")));
}

Test(control_saml, an_assertion_gives_keys_with_its_role)
{
	scoped(control_site_close) struct control_site site;
	const struct s3_reply *reply;
	json_t *root;

	control_site_open(&site);
	reply = control_site_sign_in(&site,
		control_site_response(&site, "_1", "reader"),
		",\"configId\":\"main\",\"durationSeconds\":900,"
		"\"attributes\":{\"team\":\"vision\"}");
	root = control_site_json(reply);
	cr_expect(eq(str,
		(char *)json_string_value(json_object_get(root,
			"principalName")),
		"ann@example.org"));
	cr_expect(json_string_value(json_object_get(root, "expiry")) != NULL);
	cr_expect(eq(str,
		(char *)json_string_value(json_object_get(json_object_get(root,
								  "attributes"),
			"team")),
		"vision"));
	json_decref(root);
	served_expect_header(reply, "cache-control", "no-store");
	control_site_become(&site, reply);
	expect_attribute(site.served.temp.store, site.served.client.access_key);

	served_expect_body(served_ask(&site.served, "GET", "/photos/a"), 200,
		"hello");
	served_expect_refusal(served_send(&site.served, "PUT", "/photos/b",
				      NULL, SLICE("x")),
		403, "AccessDenied");
}

Test(control_saml, the_older_spelling_is_taken_too)
{
	scoped(control_site_close) struct control_site site;

	control_site_open(&site);
	control_site_become(&site,
		control_site_ask(&site, "POST", SAML, NULL,
			served_text(&site.served,
				"{\"orgID\":\"default\",\"duration\":\"60\","
				"\"samlResponse\":\"%s\"}",
				control_site_response(&site, "_1", "reader"))));
	served_expect_body(served_ask(&site.served, "GET", "/photos/a"), 200,
		"hello");
}

Test(control_saml, an_assertion_is_taken_once)
{
	scoped(control_site_close) struct control_site site;
	const char *base64;

	control_site_open(&site);
	base64 = control_site_response(&site, "_1", "reader");
	cr_expect(eq(uint, control_site_sign_in(&site, base64, "")->status,
		200));
	control_site_expect_error(control_site_sign_in(&site, base64, ""), 401,
		16);
}

Test(control_saml, what_is_wrong_has_its_code)
{
	scoped(control_site_close) struct control_site site;
	struct assertion evil = control_site_assertion("_2", "reader");
	const char *good;

	control_site_open(&site);
	good = control_site_response(&site, "_1", "reader");
	control_site_expect_error(control_site_sign_in(&site, good,
					  ",\"durationSeconds\":43201"),
		400, 3);
	control_site_expect_error(control_site_sign_in(&site, good,
					  ",\"durationSeconds\":-1"),
		400, 3);
	control_site_expect_error(control_site_sign_in(&site, good,
					  ",\"configId\":\"none\""),
		404, 5);
	control_site_expect_error(control_site_sign_in(&site, good,
					  ",\"role\":\"admin\""),
		401, 16);
	control_site_expect_error(control_site_sign_in(&site, good,
					  ",\"attributes\":{\"role-a\":\"b\"}"),
		400, 3);
	control_site_expect_error(control_site_sign_in(&site, "AAAA", ""), 400,
		3);
	control_site_expect_error(control_site_sign_in(&site, "A===", ""), 400,
		3);
	control_site_expect_error(control_site_sign_in(&site,
					  control_site_base64(&site, "<a/>"),
					  ""),
		401, 16);
	evil.is_assertion_signed = false;
	control_site_expect_error(control_site_sign_in(&site,
					  control_site_base64(&site,
						  assertion_make(&site.idp,
							  &evil)),
					  ""),
		401, 16);
	control_site_expect_error(control_site_ask(&site, "POST", SAML, NULL,
					  "{"),
		400, 3);
	control_site_expect_error(control_site_ask(&site, "POST", SAML, NULL,
					  "{}"),
		400, 3);
	control_site_expect_error(
		control_site_ask(&site, "POST", SAML, NULL,
			"{\"orgId\":\"none\",\"samlResponse\":\"AAAA\"}"),
		404, 5);
	control_site_expect_error(
		control_site_ask(&site, "POST", SAML, NULL,
			"{\"orgId\":7,\"samlResponse\":\"AAAA\"}"),
		400, 3);
	/* None of it has used it up. */
	cr_expect(eq(uint, control_site_sign_in(&site, good, "")->status, 200));
}

Test(control_saml, a_role_without_a_policy_gets_no_key)
{
	scoped(control_site_close) struct control_site site;

	control_site_open(&site);
	control_site_expect_error(control_site_sign_in(&site,
					  control_site_response(&site, "_1",
						  "guest"),
					  ""),
		403, 7);
	/* Nor does any where the organization has no policy. */
	cr_assert(eq(int,
		orgpolicy_delete(site.served.temp.store,
			SLICE(ORGANIZATION_DEFAULT), SLICE("p")),
		STORE_OK));
	control_site_expect_error(control_site_sign_in(&site,
					  control_site_response(&site, "_2",
						  "reader"),
					  ""),
		403, 7);
}

Test(control_saml, keys_end_with_the_identity_provider)
{
	scoped(control_site_close) struct control_site site;
	struct store *store;

	control_site_open(&site);
	store = site.served.temp.store;
	control_site_become(&site,
		control_site_sign_in(&site,
			control_site_response(&site, "_1", "reader"), ""));
	served_expect_body(served_ask(&site.served, "GET", "/photos/a"), 200,
		"hello");

	cr_assert(eq(int,
		idp_delete(store, SLICE(ORGANIZATION_DEFAULT), SLICE("main")),
		STORE_OK));

	served_expect_refusal(served_ask(&site.served, "GET", "/photos/a"), 403,
		"InvalidAccessKeyId");
	control_site_expect_error(control_site_sign_in(&site,
					  control_site_response(&site, "_2",
						  "reader"),
					  ""),
		404, 5);
}

Test(control_saml, one_of_several_roles_is_asked_for)
{
	scoped(control_site_close) struct control_site site;
	struct assertion assertion = control_site_assertion("_1", "reader");
	const char *base64;

	control_site_open(&site);
	assertion.roles[1] = "writer";
	base64 = control_site_base64(&site,
		assertion_make(&site.idp, &assertion));
	control_site_expect_error(control_site_sign_in(&site, base64, ""), 400,
		3);
	cr_expect(eq(uint,
		control_site_sign_in(&site, base64, ",\"role\":\"writer\"")
			->status,
		200));
}

Test(control_saml, a_key_ends_with_the_session_of_the_provider)
{
	scoped(control_site_close) struct control_site site;
	struct assertion assertion = control_site_assertion("_1", "reader");
	int64_t now_ns = clock_now_ns();
	int64_t expiry_ns = 0;
	json_t *root;

	control_site_open(&site);
	assertion_time(assertion.session_until, now_ns, 600);
	root = control_site_json(control_site_sign_in(&site,
		control_site_base64(&site,
			assertion_make(&site.idp, &assertion)),
		",\"durationSeconds\":3000"));
	cr_assert(clock_from_iso8601(
		slice_str(json_string_value(json_object_get(root, "expiry"))),
		&expiry_ns));
	json_decref(root);
	cr_expect(expiry_ns <= now_ns + 600 * CLOCK_NS_PER_S);
	cr_expect(expiry_ns > now_ns + 598 * CLOCK_NS_PER_S);
}

Test(control_saml, a_body_that_is_too_large_is_refused)
{
	scoped(control_site_close) struct control_site site;
	char *large = malloc((1 << 20) + 2);

	control_site_open(&site);
	memset(large, ' ', (1 << 20) + 1);
	large[(1 << 20) + 1] = '\0';
	control_site_expect_error(control_site_ask(&site, "POST", SAML, NULL,
					  large),
		400, 3);
	free(large);
}

/* With all places taken, as by sign-ins that take their time. */
Test(control_saml, too_many_at_once_are_told_to_try_again)
{
	scoped(control_site_close) struct control_site site;
	const char *base64;

	control_site_open(&site);
	base64 = control_site_response(&site, "_1", "reader");
	for (int i = 0; i < SIGNIN_PLACES; i++)
		cr_assert(signin_place_take());

	control_site_expect_error(control_site_sign_in(&site, base64, ""), 429,
		8);
	control_site_expect_error(control_site_ask(&site, "GET",
					  CONTROL
					  "temporary-credentials/oidc/default",
					  "authorization: x.y.z\n", ""),
		429, 8);

	/* It was not looked at, and so is as good as it was. */
	signin_place_leave();
	cr_expect(eq(uint, control_site_sign_in(&site, base64, "")->status,
		200));
	for (int i = 1; i < SIGNIN_PLACES; i++)
		signin_place_leave();
}

Test(control_saml, what_the_provider_itself_rejected_is_not_believed)
{
	scoped(control_site_close) struct control_site site;
	struct assertion ask = control_site_assertion("_1", "reader");
	const struct s3_reply *reply;

	control_site_open(&site);
	ask.status = "Responder";
	reply = control_site_sign_in(&site,
		control_site_base64(&site, assertion_make(&site.idp, &ask)),
		"");
	control_site_expect_error(reply, 401, 16);
	cr_expect(strstr(reply->body.data, "did not say Success") != NULL, "%s",
		reply->body.data);
}
