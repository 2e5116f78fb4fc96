/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>

#include "store/base/clock.h"
#include "tests/s3api/iam/id_token.h"

#define NOW_NS (1764100000ll * CLOCK_NS_PER_S)
#define NOW_S (NOW_NS / CLOCK_NS_PER_S)

struct attempt {
	struct id_token_issuer issuer;
	struct oidc_idp trust;
	struct claims claims;
	struct claims_report report;
};

static void
attempt_open(struct attempt *attempt, const char *algorithm)
{
	id_token_open(&attempt->issuer, algorithm);
	attempt->trust = id_token_trust(&attempt->issuer);
}

static void
attempt_close(struct attempt *attempt)
{
	id_token_close(&attempt->issuer);
}

static bool
check(struct attempt *attempt, const char *token, bool goes_on)
{
	return oidc_check(slice_str(token), &attempt->trust, NOW_NS, goes_on,
		&attempt->issuer.arena, &attempt->claims, &attempt->report);
}

static void
expect_believed(struct attempt *attempt, const char *token)
{
	cr_assert(check(attempt, token, false), "%s",
		attempt->report.first_bad ? attempt->report.first_bad->text.data
					  : "nothing is bad");
}

/* Refused by that step, with that in its sentence; and with goes_on too. */
static void
expect_refused(struct attempt *attempt, const char *token, enum oidc_step step,
	const char *text)
{
	cr_expect(not(check(attempt, token, true)), "%s: believed", text);
	cr_expect(not(check(attempt, token, false)), "%s: believed", text);
	cr_assert(ne(ptr, (void *)attempt->report.first_bad, NULL), "%s", text);
	cr_expect(eq(int, attempt->report.first_bad->step, (int)step), "%s: %s",
		text, attempt->report.first_bad->text.data);
	cr_expect(strstr(attempt->report.first_bad->text.data, text) != NULL,
		"%s is not in: %s", text, attempt->report.first_bad->text.data);
}

/* The usual claims with one that is another, or none. */
static const char *
token_with(struct attempt *attempt, const char *name, json_t *value)
{
	json_t *claims = id_token_claims(NOW_NS);

	if (value)
		(void)json_object_set_new(claims, name, value);
	else
		(void)json_object_del(claims, name);
	return id_token_sign(&attempt->issuer, claims, NULL);
}

Test(oidc, a_token_is_believed_by_each_algorithm)
{
	static const char *const algorithms[] = {"RS256", "RS384", "RS512",
		"PS256", "PS384", "PS512", "ES256", "ES384", "ES512"};

	for (size_t i = 0; i < array_len(algorithms); i++) {
		scoped(attempt_close) struct attempt attempt;

		attempt_open(&attempt, algorithms[i]);
		expect_believed(&attempt,
			id_token_sign(&attempt.issuer, id_token_claims(NOW_NS),
				NULL));
		cr_expect(slice_equal(attempt.claims.issuer,
			SLICE(ID_TOKEN_ISSUER)));
		cr_expect(slice_equal(attempt.claims.principal, SLICE("ann")));
		cr_assert(eq(sz, attempt.claims.role_count, 1));
		cr_expect(slice_equal(attempt.claims.roles[0],
			SLICE(ID_TOKEN_ISSUER ":ann")));
		cr_expect(eq(i64, attempt.claims.until_ns,
			NOW_NS + (300 + CLAIMS_SKEW_S) * CLOCK_NS_PER_S));
	}
}

/* RFC 7515, A.2 and A.3: not signed by the library that is tested here. */
Test(oidc, the_signatures_of_the_standard_are_known)
{
	static const struct {
		const char *keys;
		const char *token;
	} rows[] = {
		{"{\"kty\":\"RSA\",\"n\":"
		 "\"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddx"
		 "HmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMs"
		 "D1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSH"
		 "SXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdV"
		 "MTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8"
		 "NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ\","
		 "\"e\":\"AQAB\"}",
			"eyJhbGciOiJSUzI1NiJ9."
			"eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dH"
			"A6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ."
			"cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3X"
			"OiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CU"
			"Ar7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h"
			"6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_d"
			"O--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeY"
			"I2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0ig"
			"cN_IoypGlUPQGe77Rw"},
		{"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":"
		 "\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\",\"y\":"
		 "\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}",
			"eyJhbGciOiJFUzI1NiJ9."
			"eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dH"
			"A6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ."
			"DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5d"
			"jxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"},
	};

	for (size_t i = 0; i < array_len(rows); i++) {
		scoped(arena_free) struct arena arena = {0};
		const struct slice audience = SLICE("joe");
		struct oidc_idp idp = {
			.issuer = SLICE("joe"),
			.audiences = {&audience, 1},
		};
		struct claims claims;
		struct claims_report report;
		const char *why = NULL;

		cr_assert(oidc_keys_read(slice_str(rows[i].keys), &arena,
				  &idp.keys, &why),
			"%s", why);
		cr_expect(not(oidc_check(slice_str(rows[i].token), &idp,
			1300819000 * CLOCK_NS_PER_S, true, &arena, &claims,
			&report)));
		cr_expect(eq(int, report.findings[1].step,
			(int)OIDC_SIGNATURE));
		cr_expect(report.findings[1].is_good, "%s",
			report.findings[1].text.data);
		cr_expect(report.findings[2].is_good); /* issuer */
		cr_expect(report.findings[3].is_good); /* time */
	}
}

Test(oidc, nothing_is_believed_that_another_key_has_signed)
{
	scoped(attempt_close) struct attempt attempt;
	scoped(id_token_close) struct id_token_issuer other;
	const char *good, *dot;

	attempt_open(&attempt, "ES256");
	id_token_open(&other, "ES256");
	expect_refused(&attempt,
		id_token_sign(&other, id_token_claims(NOW_NS), NULL),
		OIDC_SIGNATURE, "not signed by a registered key");
	/* Nor with its key in the header. */
	expect_refused(&attempt,
		id_token_sign(&other, id_token_claims(NOW_NS),
			arena_printf(&other.arena,
				"{\"alg\":\"ES256\",\"jwk\":%s}",
				id_token_text(&other.arena, other.key))
				.data),
		OIDC_SIGNATURE, "not signed by a registered key");
	good = id_token_sign(&attempt.issuer, id_token_claims(NOW_NS), NULL);
	dot = strrchr(good, '.') + 1;
	expect_refused(&attempt,
		id_token_join(&attempt.issuer, "{\"alg\":\"ES256\"}",
			"{\"iss\":\"" ID_TOKEN_ISSUER "\",\"sub\":\"root\"}",
			dot),
		OIDC_SIGNATURE, "not signed by a registered key");
	expect_refused(&attempt,
		arena_printf(&attempt.issuer.arena, "%.*s", (int)(dot - good),
			good)
			.data,
		OIDC_SIGNATURE, "not signed by a registered key");
}

Test(oidc, no_other_algorithm_is_taken)
{
	scoped(attempt_close) struct attempt attempt;
	const char *claims = "{\"iss\":\"" ID_TOKEN_ISSUER "\"}";

	attempt_open(&attempt, "RS256");
	expect_refused(&attempt,
		id_token_join(&attempt.issuer, "{\"alg\":\"none\"}", claims,
			""),
		OIDC_SIGNATURE, "its algorithm is none of");
	expect_refused(&attempt,
		id_token_join(&attempt.issuer, "{}", claims, "AAAA"),
		OIDC_SIGNATURE, "its algorithm is none of");
	/* What is public is no secret. */
	expect_refused(&attempt,
		id_token_join(&attempt.issuer, "{\"alg\":\"HS256\"}", claims,
			"AAAA"),
		OIDC_SIGNATURE, "its algorithm is none of");
	/* A key is for what it says. */
	expect_refused(&attempt,
		id_token_join(&attempt.issuer, "{\"alg\":\"RS512\"}", claims,
			"AAAA"),
		OIDC_SIGNATURE, "no key is registered for RS512");
	expect_refused(&attempt,
		id_token_join(&attempt.issuer, "{\"alg\":\"ES256\"}", claims,
			"AAAA"),
		OIDC_SIGNATURE, "no key is registered for ES256");
	expect_refused(&attempt,
		id_token_sign(&attempt.issuer, id_token_claims(NOW_NS),
			"{\"alg\":\"RS256\",\"kid\":\"two\"}"),
		OIDC_SIGNATURE, "no key is registered for RS256 and the kid");
	expect_refused(&attempt,
		id_token_join(&attempt.issuer,
			"{\"alg\":\"RS256\",\"crit\":[\"b64\"],\"b64\":false}",
			claims, "AAAA"),
		OIDC_SIGNATURE, "crit");
	expect_believed(&attempt,
		id_token_sign(&attempt.issuer, id_token_claims(NOW_NS),
			"{\"alg\":\"RS256\"}"));
}

Test(oidc, it_holds_for_its_time)
{
	scoped(attempt_close) struct attempt attempt;

	attempt_open(&attempt, "ES256");
	expect_refused(&attempt, token_with(&attempt, "exp", NULL), OIDC_TIME,
		"it has no end");
	expect_refused(&attempt,
		token_with(&attempt, "exp", json_string("2099-01-01")),
		OIDC_TIME, "it has no end");
	expect_refused(&attempt,
		token_with(&attempt, "exp", json_integer(NOW_S - 121)),
		OIDC_TIME, "it has expired");
	expect_refused(&attempt, token_with(&attempt, "exp", json_real(1e300)),
		OIDC_TIME, "it has no end");
	expect_refused(&attempt,
		token_with(&attempt, "nbf", json_integer(NOW_S + 121)),
		OIDC_TIME, "it is not valid yet (nbf)");
	expect_refused(&attempt,
		token_with(&attempt, "iat", json_integer(NOW_S + 121)),
		OIDC_TIME, "it is not valid yet (iat)");
	expect_refused(&attempt, token_with(&attempt, "nbf", json_true()),
		OIDC_TIME, "nbf is no time");
	expect_believed(&attempt,
		token_with(&attempt, "exp", json_real(NOW_S - 118.5)));
	expect_believed(&attempt,
		token_with(&attempt, "nbf", json_integer(NOW_S + 119)));
	expect_believed(&attempt, token_with(&attempt, "iat", json_integer(0)));
}

Test(oidc, it_is_of_the_provider_and_for_us)
{
	scoped(attempt_close) struct attempt attempt;

	attempt_open(&attempt, "ES256");
	expect_refused(&attempt,
		token_with(&attempt, "iss", json_string(ID_TOKEN_ISSUER "/")),
		OIDC_ISSUER, "and not by");
	expect_refused(&attempt, token_with(&attempt, "iss", NULL), OIDC_ISSUER,
		"and not by");
	expect_refused(&attempt,
		token_with(&attempt, "aud", json_string("https://other")),
		OIDC_AUDIENCE, "https://other");
	expect_refused(&attempt, token_with(&attempt, "aud", NULL),
		OIDC_AUDIENCE, "for no registered audience");
	expect_refused(&attempt,
		token_with(&attempt, "aud", json_pack("[s, i]", "a", 1)),
		OIDC_AUDIENCE, "for no registered audience");
	expect_believed(&attempt,
		token_with(&attempt, "aud",
			json_pack("[s, s]", "other", ID_TOKEN_AUDIENCE)));
}

Test(oidc, who_it_is_and_as_what_is_plain)
{
	scoped(attempt_close) struct attempt attempt;

	attempt_open(&attempt, "ES256");
	expect_refused(&attempt, token_with(&attempt, "sub", NULL), OIDC_CLAIMS,
		"sub is not");
	expect_refused(&attempt, token_with(&attempt, "sub", json_string("")),
		OIDC_CLAIMS, "sub is not");
	expect_refused(&attempt,
		token_with(&attempt, "sub", json_string("a b")), OIDC_CLAIMS,
		"sub is not");
	/* That is who a control token's keys are of. */
	expect_refused(&attempt,
		token_with(&attempt, "sub", json_string("coreweave/ops")),
		OIDC_CLAIMS, "sub is not");
	expect_believed(&attempt,
		token_with(&attempt, "sub",
			json_string("repo:acme/app:ref:refs/heads/main")));
	cr_expect(slice_equal(attempt.claims.roles[0],
		SLICE(ID_TOKEN_ISSUER ":repo:acme/app:ref:refs/heads/main")));

	attempt.trust.principal_claim = SLICE("email");
	expect_refused(&attempt, token_with(&attempt, "other", NULL),
		OIDC_CLAIMS, "email is not");
	expect_believed(&attempt,
		token_with(&attempt, "email", json_string("ann@example.org")));
	cr_expect(slice_equal(attempt.claims.principal,
		SLICE("ann@example.org")));
	cr_expect(slice_equal(attempt.claims.roles[0],
		SLICE(ID_TOKEN_ISSUER ":ann")));
}

Test(oidc, a_claim_may_tell_the_roles)
{
	scoped(attempt_close) struct attempt attempt;

	attempt_open(&attempt, "ES256");
	attempt.trust.role_claim = SLICE("groups");
	expect_refused(&attempt, token_with(&attempt, "other", NULL),
		OIDC_CLAIMS, "groups has no role");
	expect_refused(&attempt,
		token_with(&attempt, "groups", json_pack("[s, i]", "/a", 1)),
		OIDC_CLAIMS, "groups has no role");
	/* Nobody can claim to be another provider's. */
	expect_refused(&attempt,
		token_with(&attempt, "groups",
			json_string("https://other.example:root")),
		OIDC_CLAIMS, "groups has no role");
	expect_believed(&attempt,
		token_with(&attempt, "groups", json_string("reader")));
	cr_assert(eq(sz, attempt.claims.role_count, 1));
	expect_believed(&attempt,
		token_with(&attempt, "groups",
			json_pack("[s, s, s]", "reader", "/x", "writer")));
	cr_assert(eq(sz, attempt.claims.role_count, 2));
	cr_expect(slice_equal(attempt.claims.roles[1], SLICE("writer")));
}

Test(oidc, what_is_no_token_is_refused)
{
	static const char *const texts[] = {"", ".", "..", "a.b.c", "e30.e30",
		"e30..x", "W10.e30.x", "e30.W10.x", "e30=.e30=.x",
		"eyJhIjoxLCJhIjoyfQ.e30.x"};
	scoped(attempt_close) struct attempt attempt;
	char *large = calloc(1, OIDC_BYTES_MAX + 2);

	attempt_open(&attempt, "ES256");
	for (size_t i = 0; i < array_len(texts); i++)
		expect_refused(&attempt, texts[i], OIDC_TOKEN,
			"it is no signed token");
	memset(large, 'e', OIDC_BYTES_MAX + 1);
	expect_refused(&attempt, large, OIDC_TOKEN, "it is no signed token");
	free(large);
}

Test(oidc, the_issuer_is_found_before_anything_is_believed)
{
	scoped(attempt_close) struct attempt attempt;
	struct slice issuer;

	attempt_open(&attempt, "ES256");
	cr_assert(oidc_issuer(slice_str(id_token_sign(&attempt.issuer,
				      id_token_claims(NOW_NS), NULL)),
		&attempt.issuer.arena, &issuer));
	cr_expect(slice_equal(issuer, SLICE(ID_TOKEN_ISSUER)));
	cr_expect(not(oidc_issuer(SLICE("a.b.c"), &attempt.issuer.arena,
		&issuer)));
}
