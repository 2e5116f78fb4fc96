/* SPDX-License-Identifier: Apache-2.0 */
/* The control API and STS over HTTP, with assertions made on the spot. */
#include <jansson.h>
#include <stdio.h>

#include "s3api/iam/idp.h"
#include "s3api/iam/orgpolicy.h"
#include "store/base/clock.h"
#include "store/base/text.h"
#include "tests/s3api/iam/assertion.h"
#include "tests/s3api/op/served.h"

#define CONTROL "/v1/cwobject/"
#define SAML CONTROL "temporary-credentials/saml"
#define FORM "content-type: application/x-www-form-urlencoded\n"

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

struct site {
	struct served served;
	struct assertion_idp idp;
	char bearer[320]; /* a header line */
};

static void
put_policy(struct store *store, const char *text)
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

static void
make_bearer(struct site *site, const char *name, enum token_level level)
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

static void
site_open_on(struct site *site, struct served served)
{
	struct idp idp = {.name = SLICE("main")};

	*site = (struct site){.served = served};
	assertion_idp_open(&site->idp, "P-256");
	idp.saml = assertion_trust(&site->idp);
	cr_assert(eq(int,
		idp_put(site->served.temp.store, SLICE(ORGANIZATION_DEFAULT),
			&idp),
		STORE_OK));
	put_policy(site->served.temp.store, POLICY);
	make_bearer(site, "ops", TOKEN_FULL);
	served_bucket(&site->served, "photos");
	served_put(&site->served, "/photos/a", "hello");
}

static void
site_open(struct site *site)
{
	site_open_on(site, served_start());
}

static void
site_close(struct site *site)
{
	served_stop(&site->served);
	assertion_idp_close(&site->idp);
}

/* Unsigned. */
static const struct s3_reply *
ask(struct site *site, const char *method, const char *target,
	const char *headers, const char *body)
{
	const struct s3_reply *reply;

	site->served.client.is_anonymous = true;
	reply = served_send(&site->served, method, target, headers,
		slice_str(body));
	site->served.client.is_anonymous = false;
	return reply;
}

static const struct s3_reply *
ask_as_ops(struct site *site, const char *method, const char *target,
	const char *body)
{
	return ask(site, method, target, site->bearer, body);
}

static json_t *
json_of(const struct s3_reply *reply)
{
	json_t *root = json_loadb(reply->body.data, reply->body.len, 0, NULL);

	cr_assert(root != NULL, "not JSON: %s", reply->body.data);
	return root;
}

static void
expect_error(const struct s3_reply *reply, unsigned int status, int code)
{
	json_t *root = json_of(reply);

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

static const char *
base64_of(struct site *site, const char *text)
{
	size_t len = strlen(text);
	char *base64 = arena_alloc(&site->idp.arena, TEXT_BASE64_LEN(len) + 1);

	text_to_base64(text, len, base64);
	return base64;
}

static struct assertion
usual(const char *id, const char *role)
{
	struct assertion assertion = assertion_usual(clock_now_ns());

	assertion.id = id;
	assertion.roles[0] = role;
	return assertion;
}

static const char *
response(struct site *site, const char *id, const char *role)
{
	struct assertion assertion = usual(id, role);

	return base64_of(site, assertion_make(&site->idp, &assertion));
}

static const struct s3_reply *
sign_in(struct site *site, const char *base64, const char *more)
{
	return ask(site, "POST", SAML, NULL,
		served_text(&site->served,
			"{\"orgId\":\"default\",\"samlResponse\":\"%s\"%s}",
			base64, more));
}

/* The client signs with what it was given. */
static void
become(struct site *site, const struct s3_reply *reply)
{
	json_t *root = json_of(reply);

	cr_assert(eq(uint, reply->status, 200), "%s", reply->body.data);
	(void)snprintf(site->served.client.access_key,
		sizeof(site->served.client.access_key), "%s",
		json_string_value(json_object_get(root, "accessKeyId")));
	(void)snprintf(site->served.client.secret,
		sizeof(site->served.client.secret), "%s",
		json_string_value(json_object_get(root, "secretKey")));
	json_decref(root);
}

/* --- signing in ----------------------------------------------------------- */

Test(control, an_assertion_gives_keys_with_its_role)
{
	scoped(site_close) struct site site;
	const struct s3_reply *reply;
	json_t *root;

	site_open(&site);
	reply = sign_in(&site, response(&site, "_1", "reader"),
		",\"configId\":\"main\",\"durationSeconds\":900");
	root = json_of(reply);
	cr_expect(eq(str,
		(char *)json_string_value(json_object_get(root,
			"principalName")),
		"ann@example.org"));
	cr_expect(json_string_value(json_object_get(root, "expiry")) != NULL);
	cr_expect(json_object_get(root, "attributes") != NULL);
	json_decref(root);
	served_expect_header(reply, "cache-control", "no-store");
	become(&site, reply);

	served_expect_body(served_ask(&site.served, "GET", "/photos/a"), 200,
		"hello");
	served_expect_refusal(served_send(&site.served, "PUT", "/photos/b",
				      NULL, SLICE("x")),
		403, "AccessDenied");
}

Test(control, the_older_spelling_is_taken_too)
{
	scoped(site_close) struct site site;

	site_open(&site);
	become(&site,
		ask(&site, "POST", SAML, NULL,
			served_text(&site.served,
				"{\"orgID\":\"default\",\"duration\":\"60\","
				"\"samlResponse\":\"%s\"}",
				response(&site, "_1", "reader"))));
	served_expect_body(served_ask(&site.served, "GET", "/photos/a"), 200,
		"hello");
}

Test(control, an_assertion_is_taken_once)
{
	scoped(site_close) struct site site;
	const char *base64;

	site_open(&site);
	base64 = response(&site, "_1", "reader");
	cr_expect(eq(uint, sign_in(&site, base64, "")->status, 200));
	expect_error(sign_in(&site, base64, ""), 401, 16);
}

Test(control, what_is_wrong_has_its_code)
{
	scoped(site_close) struct site site;
	struct assertion evil = usual("_2", "reader");
	const char *good;

	site_open(&site);
	good = response(&site, "_1", "reader");
	expect_error(sign_in(&site, good, ",\"durationSeconds\":43201"), 400,
		3);
	expect_error(sign_in(&site, good, ",\"durationSeconds\":-1"), 400, 3);
	expect_error(sign_in(&site, good, ",\"configId\":\"none\""), 404, 5);
	expect_error(sign_in(&site, good, ",\"role\":\"admin\""), 401, 16);
	expect_error(sign_in(&site, good, ",\"attributes\":{\"a\":\"b\"}"), 501,
		12);
	expect_error(sign_in(&site, "AAAA", ""), 400, 3);
	expect_error(sign_in(&site, "A===", ""), 400, 3);
	expect_error(sign_in(&site, base64_of(&site, "<a/>"), ""), 401, 16);
	evil.is_assertion_signed = false;
	expect_error(sign_in(&site,
			     base64_of(&site, assertion_make(&site.idp, &evil)),
			     ""),
		401, 16);
	expect_error(ask(&site, "POST", SAML, NULL, "{"), 400, 3);
	expect_error(ask(&site, "POST", SAML, NULL, "{}"), 400, 3);
	expect_error(ask(&site, "POST", SAML, NULL,
			     "{\"orgId\":\"none\",\"samlResponse\":\"AAAA\"}"),
		404, 5);
	expect_error(ask(&site, "POST", SAML, NULL,
			     "{\"orgId\":7,\"samlResponse\":\"AAAA\"}"),
		400, 3);
	/* None of it has used it up. */
	cr_expect(eq(uint, sign_in(&site, good, "")->status, 200));
}

Test(control, a_role_without_a_policy_gets_no_key)
{
	scoped(site_close) struct site site;

	site_open(&site);
	expect_error(sign_in(&site, response(&site, "_1", "guest"), ""), 403,
		7);
	/* Nor does any where the organization has no policy. */
	cr_assert(eq(int,
		orgpolicy_delete(site.served.temp.store,
			SLICE(ORGANIZATION_DEFAULT), SLICE("p")),
		STORE_OK));
	expect_error(sign_in(&site, response(&site, "_2", "reader"), ""), 403,
		7);
}

Test(control, keys_end_with_the_identity_provider)
{
	scoped(site_close) struct site site;
	struct store *store;

	site_open(&site);
	store = site.served.temp.store;
	become(&site, sign_in(&site, response(&site, "_1", "reader"), ""));
	served_expect_body(served_ask(&site.served, "GET", "/photos/a"), 200,
		"hello");

	cr_assert(eq(int,
		idp_delete(store, SLICE(ORGANIZATION_DEFAULT), SLICE("main")),
		STORE_OK));

	served_expect_refusal(served_ask(&site.served, "GET", "/photos/a"), 403,
		"InvalidAccessKeyId");
	expect_error(sign_in(&site, response(&site, "_2", "reader"), ""), 404,
		5);
}

Test(control, one_of_several_roles_is_asked_for)
{
	scoped(site_close) struct site site;
	struct assertion assertion = usual("_1", "reader");
	const char *base64;

	site_open(&site);
	assertion.roles[1] = "writer";
	base64 = base64_of(&site, assertion_make(&site.idp, &assertion));
	expect_error(sign_in(&site, base64, ""), 400, 3);
	cr_expect(eq(uint,
		sign_in(&site, base64, ",\"role\":\"writer\"")->status, 200));
}

Test(control, a_key_ends_with_the_session_of_the_provider)
{
	scoped(site_close) struct site site;
	struct assertion assertion = usual("_1", "reader");
	int64_t now_ns = clock_now_ns();
	int64_t expiry_ns = 0;
	json_t *root;

	site_open(&site);
	assertion_time(assertion.session_until, now_ns, 600);
	root = json_of(sign_in(&site,
		base64_of(&site, assertion_make(&site.idp, &assertion)),
		",\"durationSeconds\":3000"));
	cr_assert(clock_from_iso8601(
		slice_str(json_string_value(json_object_get(root, "expiry"))),
		&expiry_ns));
	json_decref(root);
	cr_expect(expiry_ns <= now_ns + 600 * CLOCK_NS_PER_S);
	cr_expect(expiry_ns > now_ns + 598 * CLOCK_NS_PER_S);
}

Test(control, a_body_that_is_too_large_is_refused)
{
	scoped(site_close) struct site site;
	char *large = malloc((1 << 20) + 2);

	site_open(&site);
	memset(large, ' ', (1 << 20) + 1);
	large[(1 << 20) + 1] = '\0';
	expect_error(ask(&site, "POST", SAML, NULL, large), 400, 3);
	free(large);
}

/* --- bearers -------------------------------------------------------------- */

Test(control, everything_else_needs_a_bearer)
{
	static const struct {
		const char *method, *target;
	} all[] = {
		{"POST", CONTROL "access-key"},
		{"POST", CONTROL "access-key/revoke"},
		{"DELETE", CONTROL "access-key/X"},
		{"GET", CONTROL "access-key"},
		{"GET", CONTROL "access-key/X"},
		{"PUT", CONTROL "access-key-status"},
		{"GET", CONTROL "access-policy"},
		{"POST", CONTROL "access-policy"},
		{"DELETE", CONTROL "access-policy/p"},
		{"POST", CONTROL "auth/can-i"},
		{"GET", CONTROL "bucket-info"},
		{"GET", CONTROL "bucket-info/photos"},
	};
	scoped(site_close) struct site site;
	char wrong[320];

	site_open(&site);
	(void)snprintf(wrong, sizeof(wrong), "%s", site.bearer);
	wrong[strlen(wrong) - 2] ^= 1;
	for (size_t i = 0; i < array_len(all); i++) {
		const char *const headers[] = {NULL, wrong,
			"authorization: Bearer x\n",
			"authorization: Bearer .\n",
			"authorization: Basic eDp5\n",
			served_text(&site.served,
				"authorization: Bearer %s.%s\n",
				site.served.client.access_key,
				site.served.client.secret)};

		for (size_t h = 0; h < array_len(headers); h++)
			expect_error(ask(&site, all[i].method, all[i].target,
					     headers[h], "{}"),
				401, 16);
	}
	expect_error(ask_as_ops(&site, "GET", CONTROL "nothing", ""), 501, 12);
	expect_error(ask_as_ops(&site, "PATCH", CONTROL "access-key", ""), 501,
		12);
}

Test(control, levels_and_policies_bound_a_bearer)
{
	scoped(site_close) struct site site;

	site_open(&site);
	make_bearer(&site, "nobody", TOKEN_FULL);
	expect_error(ask_as_ops(&site, "GET", CONTROL "access-key", ""), 403,
		7);
	make_bearer(&site, "nothing", TOKEN_READ);
	expect_error(ask_as_ops(&site, "DELETE", CONTROL "access-policy/p", ""),
		403, 7);
	cr_expect(eq(int,
		token_delete(site.served.temp.store,
			SLICE(ORGANIZATION_DEFAULT), SLICE("nothing")),
		STORE_OK));
	expect_error(ask_as_ops(&site, "GET", CONTROL "access-key", ""), 401,
		16);
}

/* --- keys ----------------------------------------------------------------- */

Test(control, keys_are_made_told_suspended_and_revoked)
{
	scoped(site_close) struct site site;
	const struct s3_reply *reply;
	char key[160];

	site_open(&site);
	put_policy(site.served.temp.store,
		"{\"version\":\"v1alpha1\",\"name\":\"q\",\"statements\":["
		"{\"name\":\"s\",\"effect\":\"Allow\",\"actions\":[\"s3:*\"],"
		"\"resources\":[\"*\"],\"principals\":[\"coreweave/ops\"]}]}");
	become(&site, ask_as_ops(&site, "POST", CONTROL "access-key",
			      "{\"durationSeconds\":600}"));
	(void)snprintf(key, sizeof(key), "%s", site.served.client.access_key);
	served_expect_body(served_ask(&site.served, "GET", "/photos/a"), 200,
		"hello");

	reply = ask_as_ops(&site, "GET", CONTROL "access-key?limit=1000", "");
	cr_expect(eq(uint, reply->status, 200));
	cr_expect(strstr(reply->body.data, key) != NULL);
	cr_expect(strstr(reply->body.data, site.served.client.secret) == NULL);
	cr_expect(strstr(reply->body.data, "\"principalName\":\"ops\"") ==
		  NULL);
	reply = ask_as_ops(&site, "GET", CONTROL "access-key?limit=1&offset=9",
		"");
	cr_expect(eq(str, (char *)reply->body.data, "{\"info\":[]}"));
	expect_error(ask_as_ops(&site, "GET", CONTROL "access-key?limit=x", ""),
		400, 3);
	reply = ask_as_ops(&site, "GET",
		served_text(&site.served, CONTROL "access-key/%s", key), "");
	cr_expect(strstr(reply->body.data, "\"status\":\"ACTIVE\"") != NULL);
	expect_error(ask_as_ops(&site, "GET", CONTROL "access-key/none", ""),
		404, 5);

	cr_expect(eq(uint,
		ask_as_ops(&site, "PUT", CONTROL "access-key-status",
			"{\"principalName\":\"coreweave/ops\",\"status\":"
			"\"SUSPENDED\"}")
			->status,
		200));
	served_expect_refusal(served_ask(&site.served, "GET", "/photos/a"), 403,
		"AccessDenied");
	cr_expect(eq(uint,
		ask_as_ops(&site, "PUT", CONTROL "access-key-status",
			"{\"principalName\":\"coreweave/ops\",\"status\":"
			"\"ACTIVE\"}")
			->status,
		200));
	expect_error(ask_as_ops(&site, "PUT", CONTROL "access-key-status",
			     "{\"principalName\":\"x\",\"status\":\"GONE\"}"),
		400, 3);
	cr_expect(eq(uint, served_ask(&site.served, "GET", "/photos/a")->status,
		200));
	cr_expect(eq(uint,
		ask_as_ops(&site, "POST", CONTROL "access-key/revoke",
			served_text(&site.served, "{\"accessKey\":\"%s\"}",
				key))
			->status,
		200));
	served_expect_refusal(served_ask(&site.served, "GET", "/photos/a"), 403,
		"InvalidAccessKeyId");
	expect_error(ask_as_ops(&site, "DELETE",
			     served_text(&site.served, CONTROL "access-key/%s",
				     key),
			     ""),
		404, 5);
}

/* --- policies ------------------------------------------------------------- */

Test(control, policies_are_put_listed_and_deleted)
{
	scoped(site_close) struct site site;
	const struct s3_reply *reply;

	site_open(&site);
	reply = ask_as_ops(&site, "POST", CONTROL "access-policy",
		"{\"policy\":{\"version\":\"v1alpha1\",\"name\":\"new\","
		"\"statements\":[{\"name\":\"s\",\"effect\":\"Deny\","
		"\"actions\":[\"s3:GetObject\"],\"resources\":[\"photos/*\"],"
		"\"principals\":[\"test\"]}]}}");
	cr_expect(eq(uint, reply->status, 200), "%s", reply->body.data);
	served_expect_refusal(served_ask(&site.served, "GET", "/photos/a"), 403,
		"AccessDenied");
	reply = ask_as_ops(&site, "GET", CONTROL "access-policy", "");
	cr_expect(strstr(reply->body.data, "\"name\":\"new\"") != NULL);
	cr_expect(eq(uint,
		ask_as_ops(&site, "DELETE", CONTROL "access-policy/new", "")
			->status,
		200));
	expect_error(ask_as_ops(&site, "DELETE", CONTROL "access-policy/new",
			     ""),
		404, 5);
	cr_expect(eq(uint, served_ask(&site.served, "GET", "/photos/a")->status,
		200));
	expect_error(ask_as_ops(&site, "POST", CONTROL "access-policy",
			     "{\"version\":\"v2\"}"),
		400, 3);
}

static int
is_allowed(const json_t *decisions, size_t i)
{
	return json_boolean_value(json_object_get(json_array_get(decisions, i),
		"allowed"));
}

Test(control, can_i_says_what_the_policies_say)
{
	scoped(site_close) struct site site;
	const struct s3_reply *reply;
	json_t *root, *decisions;

	site_open(&site);
	put_policy(site.served.temp.store,
		"{\"version\":\"v1alpha1\",\"name\":\"q\",\"statements\":["
		"{\"name\":\"s\",\"effect\":\"Deny\",\"actions\":"
		"[\"s3:PutObject\"],\"resources\":[\"photos/*\"],"
		"\"principals\":[\"ops\"]}]}");
	reply = ask_as_ops(&site, "POST", CONTROL "auth/can-i",
		"{\"actions\":[\"s3:GetObject\",\"s3:PutObject\"],"
		"\"resources\":[\"photos/a\",\"none/b\"]}");
	root = json_of(reply);
	decisions = json_object_get(root, "decisions");
	cr_assert(eq(sz, json_array_size(decisions), 4), "%s",
		reply->body.data);
	cr_expect(eq(int, is_allowed(decisions, 0), 1));
	cr_expect(eq(int, is_allowed(decisions, 1), 0));
	cr_expect(eq(int, is_allowed(decisions, 3), 1));
	json_decref(root);
	expect_error(ask_as_ops(&site, "POST", CONTROL "auth/can-i",
			     "{\"actions\":[\"s3:Dance\"],\"resources\":[\"*\"]"
			     "}"),
		400, 3);
	expect_error(ask_as_ops(&site, "POST", CONTROL "auth/can-i",
			     "{\"actions\":\"s3:GetObject\"}"),
		400, 3);
}

Test(control, buckets_are_told_with_what_they_hold)
{
	scoped(site_close) struct site site;
	const struct s3_reply *reply;
	struct bucket theirs;

	site_open(&site);
	cr_assert(eq(int,
		organization_create(site.served.temp.store, SLICE("acme")),
		STORE_OK));
	cr_assert(eq(int,
		bucket_create(site.served.temp.store, SLICE("theirs"),
			SLICE("acme"), &theirs),
		STORE_OK));
	reply = ask_as_ops(&site, "GET", CONTROL "bucket-info", "");
	cr_expect(strstr(reply->body.data, "\"name\":\"photos\"") != NULL);
	cr_expect(strstr(reply->body.data,
			  "\"measurementType\":\"BYTES\",\"value\":5") != NULL,
		"%s", reply->body.data);
	cr_expect(strstr(reply->body.data, "theirs") == NULL);
	reply = ask_as_ops(&site, "GET", CONTROL "bucket-info/photos", "");
	cr_expect(strstr(reply->body.data, "\"name\":\"photos\"") != NULL);
	expect_error(ask_as_ops(&site, "GET", CONTROL "bucket-info/theirs", ""),
		404, 5);
}

/* --- no bucket is in the way ---------------------------------------------- */

Test(control, a_bucket_s_own_host_is_the_bucket_s_alone)
{
	scoped(served_stop) struct served served =
			served_start_domain("s3.example");

	served_bucket(&served, "photos");
	served.client.host = "photos.s3.example";
	served_put(&served, "/v1/cwobject/temporary-credentials/saml", "mine");
	served_expect_body(served_ask(&served, "GET",
				   "/v1/cwobject/temporary-credentials/saml"),
		200, "mine");
	served.client.host = NULL;
	cr_expect(eq(uint, served_ask(&served, "PUT", "/v1")->status, 400));
}

/* --- STS ------------------------------------------------------------------ */

static const struct s3_reply *
assume(struct site *site, const char *base64, const char *more)
{
	scoped(buffer_free) struct buffer encoded = {0};

	text_percent_encode(&encoded, slice_str(base64), false);
	return ask(site, "POST", "/", FORM,
		served_text(&site->served,
			"Action=AssumeRoleWithSAML&Version=2011-06-15&"
			"RoleArn=arn%%3Aaws%%3Aiam%%3A%%3Adefault%%3Arole%%2F"
			"reader&PrincipalArn=arn%%3Aaws%%3Aiam%%3A%%3Adefault"
			"%%3Asaml-provider%%2Fmain&SAMLAssertion=%.*s%s",
			(int)encoded.len, encoded.data, more));
}

Test(sts, assume_role_gives_keys_that_need_their_session_token)
{
	scoped(site_close) struct site site;
	const struct s3_reply *reply;
	const char *session;
	struct s3_client *client;

	site_open(&site);
	client = &site.served.client;
	reply = assume(&site, response(&site, "_1", "reader"),
		"&DurationSeconds=900");
	cr_assert(eq(uint, reply->status, 200), "%s", reply->body.data);
	cr_expect(strstr(reply->body.data,
			  "arn:aws:sts::default:assumed-role/reader/"
			  "ann@example.org") != NULL);
	session = served_text(&site.served, "x-amz-security-token: %.*s\n",
		(int)s3_client_element(reply, "SessionToken", 0).len,
		s3_client_element(reply, "SessionToken", 0).data);
	(void)snprintf(client->access_key, sizeof(client->access_key), "%.*s",
		(int)s3_client_element(reply, "AccessKeyId", 0).len,
		s3_client_element(reply, "AccessKeyId", 0).data);
	(void)snprintf(client->secret, sizeof(client->secret), "%.*s",
		(int)s3_client_element(reply, "SecretAccessKey", 0).len,
		s3_client_element(reply, "SecretAccessKey", 0).data);

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
	scoped(site_close) struct site site;
	struct assertion evil = usual("_9", "reader");
	const char *good;

	site_open(&site);
	for (size_t i = 0; i < array_len(cases); i++) {
		const struct s3_reply *reply =
			ask(&site, "POST", "/", FORM, cases[i].body);

		cr_expect(eq(uint, reply->status, cases[i].status), "%s",
			cases[i].body);
		served_expect_elements(reply, "Code",
			served_text(&site.served, "%s ", cases[i].code));
	}
	good = response(&site, "_1", "reader");
	cr_expect(eq(uint, assume(&site, good, "&DurationSeconds=1")->status,
		400));
	assertion_time(evil.not_after, clock_now_ns(), -3600);
	served_expect_elements(assume(&site,
				       base64_of(&site,
					       assertion_make(&site.idp,
						       &evil)),
				       ""),
		"Code", "ExpiredTokenException ");
	served_expect_elements(assume(&site, response(&site, "_2", "writer"),
				       ""),
		"Code", "InvalidIdentityToken ");
	cr_expect(eq(uint, assume(&site, good, "")->status, 200));
	served_expect_elements(assume(&site, good, ""), "Code",
		"InvalidIdentityToken ");
}

/* --- the audit log -------------------------------------------------------- */

/* The line of all that has every one of the texts; there must be one. */
static void
expect_line(struct site *site, const char *lines, const char *const texts[8])
{
	unsigned int found = 0;

	for (const char *at = lines; *at; at = strchr(at, '\n') + 1) {
		const char *line = served_text(&site->served, "%.*s",
			(int)(strchr(at, '\n') - at), at);
		size_t i = 0;

		while (i < 8 && texts[i] && strstr(line, texts[i]))
			i++;
		found += i == 8 || !texts[i];
	}
	cr_expect(eq(uint, found, 1), "%s ... %s\n%s", texts[0], texts[1],
		lines);
}

static void
expect_no_secret(const char *lines, const char *secret)
{
	cr_assert(secret != NULL && secret[0]);
	cr_expect(strstr(lines, secret) == NULL, "%s", secret);
}

#define OPS "\"principal\":\"ops\"", "\"organization\":\"default\""
#define SIGN_IN "\"action\":\"cwobject:CreateAccessKeySAML\""
#define ASSUME "\"action\":\"sts:AssumeRoleWithSAML\""
#define ANN "\"principal\":\"ann@example.org\""

Test(audit, sign_ins_are_told_with_what_was_decided)
{
	static const char *const rows[][8] = {
		{SIGN_IN, "\"decision\":\"allow\"", "\"statement\":\"p/keys\"",
			ANN, "\"role\":\"reader\"",
			"\"operation\":\"CreateAccessKeySAML\"",
			"\"issuedAccessKeyId\":\"", "\"status\":200"},
		{SIGN_IN, "\"decision\":\"deny\"", ANN, "\"role\":\"guest\"",
			"\"error\":\"PERMISSION_DENIED\"",
			"\"organization\":\"default\"", "\"status\":403"},
		{SIGN_IN, "\"decision\":\"none\"",
			"\"organization\":\"default\"",
			"\"error\":\"INVALID_ARGUMENT\"", "\"status\":400"},
		{SIGN_IN, "\"decision\":\"none\"", "\"error\":\"NOT_FOUND\"",
			"\"status\":404"},
		{ASSUME, "\"decision\":\"allow\"", "\"statement\":\"p/keys\"",
			ANN, "\"issuedAccessKeyId\":\"", "\"status\":200"},
		{ASSUME, "\"decision\":\"none\"",
			"\"error\":\"InvalidIdentityToken\"", "\"status\":400"},
		{"\"action\":\"sts:GetCallerIdentity\"",
			"\"decision\":\"none\"",
			"\"error\":\"MissingAuthenticationToken\""},
		{"\"decision\":\"none\"", "\"error\":\"InvalidAction\""},
	};
	scoped(site_close) struct site site;
	const struct s3_reply *replies[2];
	const char *lines, *good;

	site_open_on(&site, served_start_audited());
	good = response(&site, "_1", "reader");
	replies[0] = sign_in(&site, good, "");
	(void)sign_in(&site, response(&site, "_2", "guest"), "");
	(void)sign_in(&site, "A===", "");
	(void)ask(&site, "POST", SAML, NULL,
		"{\"orgId\":\"hunter2\",\"samlResponse\":\"AAAA\"}");
	replies[1] = assume(&site, response(&site, "_3", "reader"), "");
	(void)assume(&site, response(&site, "_4", "writer"), "");
	(void)ask(&site, "POST", "/", FORM, "Action=GetCallerIdentity");
	(void)ask(&site, "POST", "/", FORM, "Action=hunter2");
	become(&site, replies[0]);

	lines = served_lines(&site.served);
	for (size_t i = 0; i < array_len(rows); i++)
		expect_line(&site, lines, rows[i]);
	expect_no_secret(lines, site.served.client.secret);
	expect_no_secret(lines, good);
	expect_no_secret(lines, "hunter2");
	expect_no_secret(lines,
		served_text(&site.served, "%.*s",
			(int)s3_client_element(replies[1], "SecretAccessKey", 0)
				.len,
			s3_client_element(replies[1], "SecretAccessKey", 0)
				.data));
	expect_no_secret(lines,
		served_text(&site.served, "%.*s",
			(int)s3_client_element(replies[1], "SessionToken", 0)
				.len,
			s3_client_element(replies[1], "SessionToken", 0).data));
}

Test(audit, the_control_api_is_told_with_what_was_decided)
{
	static const char *const rows[][8] = {
		{"\"action\":\"cwobject:CreateAccessKeyFromJWT\"",
			"\"decision\":\"allow\"", "\"statement\":\"p/own\"",
			OPS, "\"accessKeyId\":\"", "\"issuedAccessKeyId\":\""},
		{"\"action\":\"cwobject:EnsureAccessPolicy\"",
			"\"decision\":\"allow\"", OPS,
			"\"resource\":\"second\""},
		{"\"action\":\"cwobject:GetBucketInfo\"", OPS,
			"\"resource\":\"photos\""},
		{"\"action\":\"cwobject:RevokeAccessKey\"",
			"\"decision\":\"allow\"", OPS,
			"\"error\":\"NOT_FOUND\""},
		{"\"action\":\"cwobject:ListBucketInfo\"",
			"\"decision\":\"none\"",
			"\"error\":\"UNAUTHENTICATED\"", "\"status\":401"},
		{"\"action\":\"cwobject:DeleteAccessPolicy\"",
			"\"decision\":\"none\"", "\"principal\":\"narrow\"",
			"\"status\":403"},
		{"\"action\":\"cwobject:ListAccessKeyInfo\"",
			"\"decision\":\"deny\"",
			"\"reason\":\"no policy of the organization allows "
			"it\"",
			"\"principal\":\"narrow\"",
			"\"error\":\"PERMISSION_DENIED\"", "\"status\":403"},
		{"\"decision\":\"none\"", "\"error\":\"UNIMPLEMENTED\""},
	};
	scoped(site_close) struct site site;
	const struct s3_reply *made;
	const char *lines, *bearer;

	site_open_on(&site, served_start_audited());
	made = ask_as_ops(&site, "POST", CONTROL "access-key", "{}");
	(void)ask_as_ops(&site, "POST", CONTROL "access-policy",
		"{\"version\":\"v1alpha1\",\"name\":\"second\","
		"\"statements\":[{\"name\":\"s\",\"effect\":\"Deny\","
		"\"actions\":[\"s3:GetObject\"],\"resources\":[\"none\"],"
		"\"principals\":[\"none\"]}]}");
	(void)ask_as_ops(&site, "GET", CONTROL "bucket-info/photos", "");
	(void)ask_as_ops(&site, "POST", CONTROL "access-key/revoke",
		"{\"accessKey\":\"hunter2\"}");
	(void)ask(&site, "GET", CONTROL "bucket-info",
		"authorization: Bearer hunter2.hunter2\n", "");
	bearer = served_text(&site.served, "%.20s",
		strchr(site.bearer, '.') + 1);
	make_bearer(&site, "narrow", TOKEN_READ);
	(void)ask_as_ops(&site, "DELETE", CONTROL "access-policy/p", "");
	(void)ask_as_ops(&site, "GET", CONTROL "access-key", "");
	(void)ask_as_ops(&site, "PUT", CONTROL "hunter2", "");
	become(&site, made);

	lines = served_lines(&site.served);
	for (size_t i = 0; i < array_len(rows); i++)
		expect_line(&site, lines, rows[i]);
	expect_no_secret(lines, site.served.client.secret);
	expect_no_secret(lines, bearer);
	expect_no_secret(lines, "hunter2");
}
