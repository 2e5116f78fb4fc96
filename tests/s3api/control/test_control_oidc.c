/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "s3api/iam/idp.h"
#include "store/base/clock.h"
#include "store/bucket.h"
#include "tests/s3api/control/control_site.h"
#include "tests/s3api/iam/id_token.h"

#define OIDC CONTROL "temporary-credentials/oidc"
#define ROLE "role/" ID_TOKEN_ISSUER ":ann"

struct oidc_site {
	struct control_site control;
	struct id_token_issuer issuer;
};

static void
put_idp(struct oidc_site *site, const char *name, const char *role_claim)
{
	const struct idp idp = {
		.name = slice_str(name),
		.kind = IDP_OIDC,
		.oidc = id_token_trust(&site->issuer),
	};
	struct idp changed = idp;

	changed.oidc.role_claim = slice_str(role_claim);
	cr_assert(eq(int,
		idp_put(site->control.served.temp.store,
			SLICE(ORGANIZATION_DEFAULT), &changed),
		STORE_OK));
}

static void
oidc_site_open(struct oidc_site *site)
{
	control_site_open(&site->control);
	id_token_open(&site->issuer, "ES256");
	put_idp(site, "ci", NULL);
	control_site_put_policy(site->control.served.temp.store,
		"{\"version\":\"v1alpha1\",\"name\":\"ci\",\"statements\":["
		"{\"name\":\"s\",\"effect\":\"Allow\",\"actions\":"
		"[\"cwobject:CreateAccessKeyOIDC\",\"s3:GetObject\"],"
		"\"resources\":[\"*\"],\"principals\":[\"" ROLE "\"]}]}");
}

static void
oidc_site_close(struct oidc_site *site)
{
	control_site_close(&site->control);
	id_token_close(&site->issuer);
}

static const char *
token(struct oidc_site *site)
{
	return id_token_sign(&site->issuer, id_token_claims(clock_now_ns()),
		NULL);
}

static const struct s3_reply *
sign_in(struct oidc_site *site, const char *id_token, const char *more)
{
	return control_site_ask(&site->control, "POST", OIDC, NULL,
		served_text(&site->control.served,
			"{\"orgId\":\"default\",\"oidcToken\":\"%s\"%s}",
			id_token, more));
}

Test(control_oidc, an_id_token_gives_keys_with_its_role)
{
	scoped(oidc_site_close) struct oidc_site site;
	struct served *served = &site.control.served;
	const struct s3_reply *reply;
	json_t *root;

	oidc_site_open(&site);
	reply = sign_in(&site, token(&site),
		",\"durationSeconds\":900,\"attributes\":{\"team\":\"ml\"}");
	root = control_site_json(reply);
	cr_expect(eq(str,
		(char *)json_string_value(json_object_get(root,
			"principalName")),
		"ann"));
	cr_expect(strstr(reply->body.data, "\"team\":\"ml\"") != NULL);
	json_decref(root);
	control_site_become(&site.control, reply);
	served_expect_body(served_ask(served, "GET", "/photos/a"), 200,
		"hello");
	cr_expect(eq(uint, served_ask(served, "DELETE", "/photos/a")->status,
		403));
}

Test(control_oidc, a_token_may_be_shown_again_until_it_ends)
{
	scoped(oidc_site_close) struct oidc_site site;
	const char *good;

	oidc_site_open(&site);
	good = token(&site);
	cr_expect(eq(uint, sign_in(&site, good, "")->status, 200));
	cr_expect(eq(uint, sign_in(&site, good, "")->status, 200));
	control_site_expect_error(
		sign_in(&site,
			id_token_sign(&site.issuer,
				id_token_claims(clock_now_ns() -
						3600 * CLOCK_NS_PER_S),
				NULL),
			""),
		401, 16);
}

Test(control_oidc, what_is_wrong_has_its_code)
{
	scoped(oidc_site_close) struct oidc_site site;
	json_t *claims = id_token_claims(clock_now_ns());

	oidc_site_open(&site);
	control_site_expect_error(sign_in(&site, "", ""), 400, 3);
	control_site_expect_error(sign_in(&site, "a.b.c", ""), 400, 3);
	control_site_expect_error(sign_in(&site, token(&site),
					  ",\"durationSeconds\":43201"),
		400, 3);
	/* Another issuer is nobody's. */
	(void)json_object_set_new(claims, "iss", json_string("https://other"));
	control_site_expect_error(sign_in(&site,
					  id_token_sign(&site.issuer, claims,
						  NULL),
					  ""),
		404, 5);
	/* The provider of SAML is none of OpenID Connect. */
	control_site_expect_error(sign_in(&site, token(&site),
					  ",\"configId\":\"main\""),
		404, 5);
	cr_expect(eq(uint,
		sign_in(&site, token(&site), ",\"configId\":\"ci\"")->status,
		200));
	/* Nobody has allowed that to bob. */
	claims = id_token_claims(clock_now_ns());
	(void)json_object_set_new(claims, "sub", json_string("bob"));
	control_site_expect_error(sign_in(&site,
					  id_token_sign(&site.issuer, claims,
						  NULL),
					  ""),
		403, 7);
}

Test(control_oidc, a_provider_of_saml_is_found_beside_one_of_oidc)
{
	scoped(oidc_site_close) struct oidc_site site;

	oidc_site_open(&site);
	cr_expect(eq(uint,
		control_site_sign_in(&site.control,
			control_site_response(&site.control, "_1", "reader"),
			"")
			->status,
		200));
	control_site_expect_error(control_site_sign_in(&site.control,
					  control_site_response(&site.control,
						  "_2", "reader"),
					  ",\"configId\":\"ci\""),
		404, 5);
}

/* ISSUER:SUB of the one could be the other's. */
Test(control_oidc, issuers_that_could_be_taken_for_each_other_are_refused)
{
	static const char *const issuers[] = {ID_TOKEN_ISSUER ":8443/ci",
		"https://id.example/realm-2", "https://id.example"};
	static const enum store_err expected[] = {
		STORE_EXISTS, STORE_OK, STORE_OK};
	scoped(oidc_site_close) struct oidc_site site;

	oidc_site_open(&site);
	for (size_t i = 0; i < array_len(issuers); i++) {
		struct idp idp = {
			.name = SLICE("other"),
			.kind = IDP_OIDC,
			.oidc = id_token_trust(&site.issuer),
		};

		idp.oidc.issuer = slice_str(issuers[i]);
		cr_expect(eq(int,
				  idp_put(site.control.served.temp.store,
					  SLICE(ORGANIZATION_DEFAULT), &idp),
				  expected[i]),
			"%s", issuers[i]);
	}
}

Test(control_oidc, one_that_is_damaged_keeps_nobody_from_the_others)
{
	scoped(oidc_site_close) struct oidc_site site;
	struct slice damaged = SLICE("{\"version\":1,");

	oidc_site_open(&site);
	cr_assert(eq(int,
		bucket_set_document(site.control.served.temp.store, 0,
			SLICE("idp/" ORGANIZATION_DEFAULT "/aaa"), &damaged),
		STORE_OK));
	cr_expect(eq(uint, sign_in(&site, token(&site), "")->status, 200));
	cr_expect(eq(uint,
		control_site_sign_in(&site.control,
			control_site_response(&site.control, "_1", "reader"),
			"")
			->status,
		200));
}

Test(control_oidc, keys_end_with_the_identity_provider)
{
	scoped(oidc_site_close) struct oidc_site site;
	struct served *served = &site.control.served;

	oidc_site_open(&site);
	control_site_become(&site.control, sign_in(&site, token(&site), ""));
	cr_assert(eq(uint, served_ask(served, "GET", "/photos/a")->status,
		200));
	cr_assert(eq(int,
		idp_delete(served->temp.store, SLICE(ORGANIZATION_DEFAULT),
			SLICE("ci")),
		STORE_OK));
	cr_expect(eq(uint, served_ask(served, "GET", "/photos/a")->status,
		403));
	control_site_expect_error(sign_in(&site, token(&site), ""), 404, 5);
}

Test(control_oidc, a_role_that_is_claimed_is_asked_for)
{
	scoped(oidc_site_close) struct oidc_site site;
	json_t *claims = id_token_claims(clock_now_ns());
	const char *both;

	oidc_site_open(&site);
	put_idp(&site, "ci", "groups");
	(void)json_object_set_new(claims, "groups",
		json_pack("[s, s]", "writer", "reader"));
	both = id_token_sign(&site.issuer, claims, NULL);
	control_site_expect_error(sign_in(&site, both, ""), 400, 3);
	control_site_expect_error(sign_in(&site, both, ",\"role\":\"root\""),
		401, 16);
	control_site_become(&site.control,
		sign_in(&site, both, ",\"role\":\"reader\""));
	served_expect_body(served_ask(&site.control.served, "GET", "/photos/a"),
		200, "hello");
}

/* Takes over what it is given, with the session's token or without. */
static void
become_container(struct oidc_site *site, const struct s3_reply *reply,
	const char **session)
{
	struct s3_client *client = &site->control.served.client;
	json_t *root = control_site_json(reply);

	cr_assert(eq(uint, reply->status, 200), "%s", reply->body.data);
	(void)snprintf(client->access_key, sizeof(client->access_key), "%s",
		json_string_value(json_object_get(root, "AccessKeyId")));
	(void)snprintf(client->secret, sizeof(client->secret), "%s",
		json_string_value(json_object_get(root, "SecretAccessKey")));
	cr_expect(json_string_value(json_object_get(root, "Expiration")) !=
		  NULL);
	*session =
		served_text(&site->control.served, "x-amz-security-token: %s\n",
			json_string_value(json_object_get(root, "Token")));
	json_decref(root);
}

Test(control_oidc, containers_are_given_credentials_as_sdks_ask_for_them)
{
	scoped(oidc_site_close) struct oidc_site site;
	struct served *served = &site.control.served;
	const char *session;

	oidc_site_open(&site);
	control_site_expect_error(control_site_ask(&site.control, "GET",
					  OIDC "/default", NULL, ""),
		401, 16);
	control_site_expect_error(control_site_ask(&site.control, "GET",
					  OIDC "/nobody",
					  served_text(served,
						  "authorization: %s\n",
						  token(&site)),
					  ""),
		404, 5);
	become_container(&site,
		control_site_ask(&site.control, "GET", OIDC "/default",
			served_text(served, "authorization: %s\n",
				token(&site)),
			""),
		&session);
	served_expect_refusal(served_ask(served, "GET", "/photos/a"), 400,
		"InvalidToken");
	served_expect_body(served_send(served, "GET", "/photos/a", session,
				   SLICE("")),
		200, "hello");
}

Test(control_oidc, a_bearer_is_given_credentials_as_sdks_ask_for_them)
{
	scoped(oidc_site_close) struct oidc_site site;
	struct served *served = &site.control.served;
	const char *session;

	oidc_site_open(&site);
	control_site_expect_error(control_site_ask(&site.control, "GET",
					  CONTROL
					  "temporary-credentials/api-token",
					  NULL, ""),
		401, 16);
	control_site_put_policy(served->temp.store,
		"{\"version\":\"v1alpha1\",\"name\":\"uid\",\"statements\":["
		"{\"name\":\"s\",\"effect\":\"Allow\",\"actions\":"
		"[\"s3:GetObject\"],\"resources\":[\"*\"],"
		"\"principals\":[\"coreweave/ops\"]}]}");
	become_container(&site,
		control_site_ask_as_ops(&site.control, "GET",
			CONTROL "temporary-credentials/api-token", ""),
		&session);
	served_expect_body(served_send(served, "GET", "/photos/a", session,
				   SLICE("")),
		200, "hello");
}

static const struct s3_reply *
assume(struct oidc_site *site, const char *role, const char *more)
{
	return control_site_ask(&site->control, "POST", "/", FORM,
		served_text(&site->control.served,
			"Action=AssumeRoleWithWebIdentity&Version=2011-06-15&"
			"RoleSessionName=any&RoleArn=arn:aws:iam::default:role/"
			"%s&WebIdentityToken=%s%s",
			role, token(site), more));
}

Test(control_oidc, sts_takes_an_id_token_too)
{
	scoped(oidc_site_close) struct oidc_site site;
	struct served *served = &site.control.served;
	const struct s3_reply *reply;
	const char *session;

	oidc_site_open(&site);
	reply = assume(&site, "ci", "&DurationSeconds=900");
	cr_assert(eq(uint, reply->status, 200), "%s", reply->body.data);
	cr_expect(slice_equal(s3_client_element(reply,
				      "SubjectFromWebIdentityToken", 0),
		SLICE("ann")));
	cr_expect(slice_equal(s3_client_element(reply, "Provider", 0),
		SLICE(ID_TOKEN_ISSUER)));
	session = control_site_become_session(&site.control, reply);
	served_expect_body(served_send(served, "GET", "/photos/a", session,
				   SLICE("")),
		200, "hello");
}

Test(control_oidc, sts_gives_no_other_role_and_no_narrower_session)
{
	scoped(oidc_site_close) struct oidc_site site;

	oidc_site_open(&site);
	served_expect_refusal(assume(&site, "admin", ""), 400,
		"InvalidIdentityToken");
	served_expect_refusal(assume(&site, "ci", "&DurationSeconds=1"), 400,
		"ValidationError");
	served_expect_refusal(assume(&site, "ci", "&Policy=%7B%7D"), 501,
		"NotImplemented");
}
