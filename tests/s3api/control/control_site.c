/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/s3api/control/control_site.h"

#include <stdio.h>
#include <string.h>

#include "s3api/iam/idp.h"
#include "s3api/iam/orgpolicy.h"
#include "store/base/clock.h"
#include "store/base/text.h"
#include "store/bucket.h"
#include "store/organization.h"

/* reader may have keys and read; guest may neither. */
#define POLICY                                                                 \
	"{\"version\":\"v1alpha1\",\"name\":\"p\",\"statements\":["            \
	"{\"name\":\"keys\",\"effect\":\"Allow\",\"actions\":"                 \
	"[\"cwobject:CreateAccessKey*\"],\"resources\":[\"*\"],"               \
	"\"principals\":[\"role/reader\",\"role/writer\"]},"                   \
	"{\"name\":\"read\",\"effect\":\"Allow\",\"actions\":"                 \
	"[\"s3:Get*\",\"s3:List*\"],\"resources\":[\"*\"],"                    \
	"\"principals\":[\"role/reader\"]},"                                   \
	"{\"name\":\"own\",\"effect\":\"Allow\",\"actions\":[\"*\"],"          \
	"\"resources\":[\"*\"],\"principals\":[\"test\",\"ops\"]}]}"

void
control_site_put_policy(struct store *store, const char *text)
{
	struct policy_error error;
	scoped(policy_free) struct policy *policy =
			orgpolicy_parse(slice_str(text), &error);

	cr_assert(policy != NULL, "%s", error.text);
	cr_assert(eq(int,
		orgpolicy_put(store, SLICE(ORGANIZATION_DEFAULT), policy,
			slice_str(text)),
		STORE_OK));
}

void
control_site_bearer(struct control_site *site, const char *name,
	enum token_level level)
{
	struct store *store = site->served.temp.store;
	const struct token_draft draft = {
		.name = slice_str(name),
		.level = level,
		.kind = TOKEN_CONTROL,
	};
	char secret[TOKEN_SECRET_MAX + 1];
	struct token token, found;

	cr_assert(eq(int, token_create(store, &draft, &token), STORE_OK));
	cr_assert(eq(int,
		token_find(store, slice_str(token.access_key), &found, secret),
		STORE_OK));
	(void)snprintf(site->bearer, sizeof(site->bearer),
		"authorization: Bearer %s.%s\n", token.access_key, secret);
}

void
control_site_open_on(struct control_site *site, struct served served)
{
	struct idp idp = {.name = SLICE("main")};

	*site = (struct control_site){.served = served};
	assertion_idp_open(&site->idp, "P-256");
	idp.saml = assertion_trust(&site->idp);
	cr_assert(eq(int,
		idp_put(site->served.temp.store, SLICE(ORGANIZATION_DEFAULT),
			&idp),
		STORE_OK));
	control_site_put_policy(site->served.temp.store, POLICY);
	control_site_bearer(site, "ops", TOKEN_FULL);
	served_bucket(&site->served, "photos");
	served_put(&site->served, "/photos/a", "hello");
}

void
control_site_open(struct control_site *site)
{
	control_site_open_on(site, served_start());
}

void
control_site_close(struct control_site *site)
{
	served_stop(&site->served);
	assertion_idp_close(&site->idp);
}

/* Unsigned. */
const struct s3_reply *
control_site_ask(struct control_site *site, const char *method,
	const char *target, const char *headers, const char *body)
{
	const struct s3_reply *reply;

	site->served.client.is_anonymous = true;
	reply = served_send(&site->served, method, target, headers,
		slice_str(body));
	site->served.client.is_anonymous = false;
	return reply;
}

const struct s3_reply *
control_site_ask_as_ops(struct control_site *site, const char *method,
	const char *target, const char *body)
{
	return control_site_ask(site, method, target, site->bearer, body);
}

json_t *
control_site_json(const struct s3_reply *reply)
{
	json_t *root = json_loadb(reply->body.data, reply->body.len, 0, NULL);

	cr_assert(root != NULL, "not JSON: %s", reply->body.data);
	return root;
}

void
control_site_expect_error(const struct s3_reply *reply, unsigned int status,
	int code)
{
	json_t *root = control_site_json(reply);

	cr_expect(eq(uint, reply->status, status), "%s", reply->body.data);
	cr_expect(eq(int,
			  (int)json_integer_value(json_object_get(root,
				  "code")),
			  code),
		"%s", reply->body.data);
	cr_expect(json_string_value(json_object_get(root, "message")) != NULL);
	cr_expect(json_object_get(root, "details") != NULL);
	json_decref(root);
}

const char *
control_site_base64(struct control_site *site, const char *text)
{
	size_t len = strlen(text);
	char *base64 = arena_alloc(&site->idp.arena, TEXT_BASE64_LEN(len) + 1);

	text_to_base64(text, len, base64);
	return base64;
}

struct assertion
control_site_assertion(const char *id, const char *role)
{
	struct assertion assertion = assertion_usual(clock_now_ns());

	assertion.id = id;
	assertion.roles[0] = role;
	return assertion;
}

const char *
control_site_response(struct control_site *site, const char *id,
	const char *role)
{
	struct assertion assertion = control_site_assertion(id, role);

	return control_site_base64(site,
		assertion_make(&site->idp, &assertion));
}

const struct s3_reply *
control_site_sign_in(struct control_site *site, const char *base64,
	const char *more)
{
	return control_site_ask(site, "POST", SAML, NULL,
		served_text(&site->served,
			"{\"orgId\":\"default\",\"samlResponse\":\"%s\"%s}",
			base64, more));
}

/* The client signs with what it was given. */
void
control_site_become(struct control_site *site, const struct s3_reply *reply)
{
	json_t *root = control_site_json(reply);

	cr_assert(eq(uint, reply->status, 200), "%s", reply->body.data);
	(void)snprintf(site->served.client.access_key,
		sizeof(site->served.client.access_key), "%s",
		json_string_value(json_object_get(root, "accessKeyId")));
	(void)snprintf(site->served.client.secret,
		sizeof(site->served.client.secret), "%s",
		json_string_value(json_object_get(root, "secretKey")));
	json_decref(root);
}

static void
take(const struct s3_reply *reply, const char *element, char *to, size_t size)
{
	struct slice text = s3_client_element(reply, element, 0);

	(void)snprintf(to, size, "%.*s", (int)text.len, text.data);
}

const char *
control_site_become_session(struct control_site *site,
	const struct s3_reply *reply)
{
	struct s3_client *client = &site->served.client;
	struct slice session = s3_client_element(reply, "SessionToken", 0);

	cr_assert(eq(uint, reply->status, 200), "%s", reply->body.data);
	take(reply, "AccessKeyId", client->access_key,
		sizeof(client->access_key));
	take(reply, "SecretAccessKey", client->secret, sizeof(client->secret));
	return served_text(&site->served, "x-amz-security-token: %.*s\n",
		(int)session.len, session.data);
}

void
control_site_make_theirs(struct control_site *site)
{
	struct store *store = site->served.temp.store;
	struct bucket theirs;

	cr_assert(eq(int, organization_create(store, SLICE("acme")), STORE_OK));
	cr_assert(eq(int,
		bucket_create(store, SLICE("theirs"), SLICE("acme"), &theirs),
		STORE_OK));
}

const struct s3_reply *
control_site_assume(struct control_site *site, const char *base64,
	const char *more)
{
	scoped(buffer_free) struct buffer encoded = {0};

	text_percent_encode(&encoded, slice_str(base64), false);
	return control_site_ask(site, "POST", "/", FORM,
		served_text(&site->served,
			"Action=AssumeRoleWithSAML&Version=2011-06-15&"
			"RoleArn=arn%%3Aaws%%3Aiam%%3A%%3Adefault%%3Arole%%2F"
			"reader&PrincipalArn=arn%%3Aaws%%3Aiam%%3A%%3Adefault"
			"%%3Asaml-provider%%2Fmain&SAMLAssertion=%.*s%s",
			(int)encoded.len, encoded.data, more));
}
