/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/s3api/control/control_site.h"

/* The line of all that has every one of the texts; there must be one. */
static void
expect_line(struct control_site *site, const char *lines,
	const char *const texts[8])
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

Test(control_audit, sign_ins_are_told_with_what_was_decided)
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
	scoped(control_site_close) struct control_site site;
	const struct s3_reply *replies[2];
	const char *lines, *good;

	control_site_open_on(&site, served_start_audited());
	good = control_site_response(&site, "_1", "reader");
	replies[0] = control_site_sign_in(&site, good, "");
	(void)control_site_sign_in(&site,
		control_site_response(&site, "_2", "guest"), "");
	(void)control_site_sign_in(&site, "A===", "");
	(void)control_site_ask(&site, "POST", SAML, NULL,
		"{\"orgId\":\"hunter2\",\"samlResponse\":\"AAAA\"}");
	replies[1] = control_site_assume(&site,
		control_site_response(&site, "_3", "reader"), "");
	(void)control_site_assume(&site,
		control_site_response(&site, "_4", "writer"), "");
	(void)control_site_ask(&site, "POST", "/", FORM,
		"Action=GetCallerIdentity");
	(void)control_site_ask(&site, "POST", "/", FORM, "Action=hunter2");
	control_site_become(&site, replies[0]);

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

Test(control_audit, the_control_api_is_told_with_what_was_decided)
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
	scoped(control_site_close) struct control_site site;
	const struct s3_reply *made;
	const char *lines, *bearer;

	control_site_open_on(&site, served_start_audited());
	made = control_site_ask_as_ops(&site, "POST", CONTROL "access-key",
		"{}");
	(void)control_site_ask_as_ops(&site, "POST", CONTROL "access-policy",
		"{\"version\":\"v1alpha1\",\"name\":\"second\","
		"\"statements\":[{\"name\":\"s\",\"effect\":\"Deny\","
		"\"actions\":[\"s3:GetObject\"],\"resources\":[\"none\"],"
		"\"principals\":[\"none\"]}]}");
	(void)control_site_ask_as_ops(&site, "GET",
		CONTROL "bucket-info/photos", "");
	(void)control_site_ask_as_ops(&site, "POST",
		CONTROL "access-key/revoke", "{\"accessKey\":\"hunter2\"}");
	(void)control_site_ask(&site, "GET", CONTROL "bucket-info",
		"authorization: Bearer hunter2.hunter2\n", "");
	bearer = served_text(&site.served, "%.20s",
		strchr(site.bearer, '.') + 1);
	control_site_bearer(&site, "narrow", TOKEN_READ);
	(void)control_site_ask_as_ops(&site, "DELETE",
		CONTROL "access-policy/p", "");
	(void)control_site_ask_as_ops(&site, "GET", CONTROL "access-key", "");
	(void)control_site_ask_as_ops(&site, "PUT", CONTROL "hunter2", "");
	control_site_become(&site, made);

	lines = served_lines(&site.served);
	for (size_t i = 0; i < array_len(rows); i++)
		expect_line(&site, lines, rows[i]);
	expect_no_secret(lines, site.served.client.secret);
	expect_no_secret(lines, bearer);
	expect_no_secret(lines, "hunter2");
}
