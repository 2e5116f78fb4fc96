/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "s3api/iam/policy_action.h"
#include "tests/s3api/control/control_site.h"

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
		{"PUT", CONTROL "bucket/settings"},
		{"PUT", CONTROL "organization/settings"},
		{"GET", CONTROL "temporary-credentials/api-token"},
	};
	scoped(control_site_close) struct control_site site;
	char wrong[320];

	control_site_open(&site);
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
			control_site_expect_error(control_site_ask(&site,
							  all[i].method,
							  all[i].target,
							  headers[h], "{}"),
				401, 16);
	}
	control_site_expect_error(control_site_ask_as_ops(&site, "GET",
					  CONTROL "nothing", ""),
		501, 12);
	control_site_expect_error(control_site_ask_as_ops(&site, "PATCH",
					  CONTROL "access-key", ""),
		501, 12);
}

Test(control, levels_and_policies_bound_a_bearer)
{
	scoped(control_site_close) struct control_site site;

	control_site_open(&site);
	control_site_bearer(&site, "nobody", TOKEN_FULL);
	control_site_expect_error(control_site_ask_as_ops(&site, "GET",
					  CONTROL "access-key", ""),
		403, 7);
	control_site_bearer(&site, "nothing", TOKEN_READ);
	control_site_expect_error(control_site_ask_as_ops(&site, "DELETE",
					  CONTROL "access-policy/p", ""),
		403, 7);
	cr_expect(eq(int,
		token_delete(site.served.temp.store,
			SLICE(ORGANIZATION_DEFAULT), SLICE("nothing")),
		STORE_OK));
	control_site_expect_error(control_site_ask_as_ops(&site, "GET",
					  CONTROL "access-key", ""),
		401, 16);
}

/* What needs a bearer, and by which name policies speak of it. */
static const struct {
	const char *method, *target, *action;
} operations[] = {
	{"POST", CONTROL "access-key", "cwobject:CreateAccessKeyFromJWT"},
	{"POST", CONTROL "access-key", "cwobject:CreateAccessKey"},
	{"GET", CONTROL "temporary-credentials/api-token",
		"cwobject:CreateAccessKey"},
	{"POST", CONTROL "access-key/revoke", "cwobject:RevokeAccessKey"},
	{"DELETE", CONTROL "access-key/X", "cwobject:RevokeAccessKey"},
	{"GET", CONTROL "access-key", "cwobject:ListAccessKeyInfo"},
	{"GET", CONTROL "access-key/X", "cwobject:GetAccessKeyInfo"},
	{"PUT", CONTROL "access-key-status", "cwobject:SetAccessKeyStatus"},
	{"GET", CONTROL "access-policy", "cwobject:ListAccessPolicy"},
	{"POST", CONTROL "access-policy", "cwobject:EnsureAccessPolicy"},
	{"DELETE", CONTROL "access-policy/x", "cwobject:DeleteAccessPolicy"},
	{"POST", CONTROL "auth/can-i", "cwobject:AuthCanI"},
	{"GET", CONTROL "bucket-info", "cwobject:ListBucketInfo"},
	{"GET", CONTROL "bucket-info/x", "cwobject:GetBucketInfo"},
	{"PUT", CONTROL "bucket/settings", "cwobject:SetBucketSettings"},
	{"PUT", CONTROL "organization/settings",
		"cwobject:SetOrganizationSettings"},
};

/* Replaces "q", which is of "one" alone. */
static void
put_policy_of_one(struct control_site *site, const char *effect,
	const char *action)
{
	control_site_put_policy(site->served.temp.store,
		served_text(&site->served,
			"{\"version\":\"v1alpha1\",\"name\":\"q\","
			"\"statements\":[{\"name\":\"s\",\"effect\":\"%s\","
			"\"actions\":[\"%s\"],\"resources\":[\"*\"],"
			"\"principals\":[\"one\"]}]}",
			effect, action));
}

Test(control, policies_are_asked_for_each_operation_by_its_name)
{
	scoped(control_site_close) struct control_site site;

	control_site_open(&site);
	control_site_bearer(&site, "one", TOKEN_FULL);
	for (size_t i = 0; i < array_len(operations); i++) {
		const struct s3_reply *reply;

		put_policy_of_one(&site, "Allow", operations[i].action);
		reply = control_site_ask_as_ops(&site, operations[i].method,
			operations[i].target, "{}");
		cr_expect(ne(uint, reply->status, 403), "%s",
			operations[i].action);
	}
}

Test(control, a_deny_by_either_name_of_an_operation_counts)
{
	scoped(control_site_close) struct control_site site;

	control_site_open(&site);
	control_site_bearer(&site, "one", TOKEN_FULL);
	control_site_put_policy(site.served.temp.store,
		"{\"version\":\"v1alpha1\",\"name\":\"all\",\"statements\":["
		"{\"name\":\"s\",\"effect\":\"Allow\",\"actions\":[\"*\"],"
		"\"resources\":[\"*\"],\"principals\":[\"one\"]}]}");
	for (size_t i = 0; i < array_len(operations); i++) {
		put_policy_of_one(&site, "Deny", operations[i].action);
		control_site_expect_error(control_site_ask_as_ops(&site,
						  operations[i].method,
						  operations[i].target, "{}"),
			403, 7);
	}
}

/* Whoever signs in is asked about elsewhere (test_control_saml.c). */
Test(control, no_action_is_there_that_nothing_asks_for)
{
	for (unsigned int i = 1; i < POLICY_ACTION_COUNT; i++) {
		enum policy_action action = (enum policy_action)i;
		const char *name = policy_action_name(action);
		size_t at = 0;

		if (policy_action_scope(action) != POLICY_SCOPE_CONTROL ||
			action == POLICY_ACTION_CREATE_ACCESS_KEY_SAML ||
			action == POLICY_ACTION_CREATE_ACCESS_KEY_OIDC)
			continue;
		while (at < array_len(operations) &&
			strcmp(operations[at].action, name) != 0)
			at++;
		cr_expect(lt(sz, at, array_len(operations)), "%s", name);
	}
}

static const struct s3_reply *
ask_from(struct control_site *site, const char *method, const char *target,
	const char *more)
{
	return control_site_ask(site, method, target,
		served_text(&site->served, "%sx-forwarded-for: %s\n",
			site->bearer, more),
		"");
}

/* The client's address and TLS are what a trusted proxy says. */
Test(control, keys_go_over_tls_only)
{
	scoped(control_site_close) struct control_site site;
	static const char *const proxy = "127.0.0.1";
	const struct server_options options = {
		.trusted_proxies = &proxy,
		.trusted_proxy_count = 1,
	};

	control_site_open_on(&site, served_start_with(options));
	control_site_expect_error(ask_from(&site, "GET", CONTROL "access-key",
					  "192.0.2.1"),
		400, 9);
	control_site_expect_error(ask_from(&site, "GET",
					  CONTROL
					  "temporary-credentials/api-token",
					  "192.0.2.1\nx-forwarded-proto: http"),
		400, 9);
	served_expect_refusal(control_site_ask(&site, "POST", "/",
				      FORM "x-forwarded-for: 192.0.2.1\n",
				      "Action=AssumeRoleWithSAML"),
		403, "AccessDenied");
	cr_expect(eq(uint,
		ask_from(&site, "GET", CONTROL "access-key",
			"192.0.2.1\nx-forwarded-proto: https")
			->status,
		200));
	cr_expect(eq(uint,
		ask_from(&site, "GET", CONTROL "access-key", "127.0.0.9")
			->status,
		200));
}

Test(control, keys_go_in_clear_where_that_is_wanted)
{
	scoped(control_site_close) struct control_site site;
	static const char *const proxy = "127.0.0.1";
	const struct server_options options = {
		.trusted_proxies = &proxy,
		.trusted_proxy_count = 1,
		.allows_control_without_tls = true,
	};

	control_site_open_on(&site, served_start_with(options));
	cr_expect(eq(uint,
		ask_from(&site, "GET", CONTROL "access-key", "192.0.2.1")
			->status,
		200));
}
