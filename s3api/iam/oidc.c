/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/iam/oidc.h"

#include <string.h>

#include "s3api/iam/oidc_private.h"
#include "store/base/clock.h"

/* No date is beyond: a number of seconds in 64 bits of nanoseconds. */
#define SECONDS_MAX 9.0e9

struct check {
	struct claims_check findings;
	const struct oidc_idp *idp;
	int64_t now_ns;
	struct arena *arena;
	struct claims *claims;

	/* The token's parts, as they stand there. */
	struct slice header_text;
	struct slice payload_text;
	struct slice signature_text;
	json_t *header;
	json_t *payload;
};

const char *
oidc_step_name(enum oidc_step step)
{
	switch (step) {
	case OIDC_TOKEN:
		return "token";
	case OIDC_SIGNATURE:
		return "signature";
	case OIDC_ISSUER:
		return "issuer";
	case OIDC_TIME:
		return "time";
	case OIDC_AUDIENCE:
		return "audience";
	case OIDC_CLAIMS:
		return "claims";
	}
	return "";
}

static const char *
quote(struct check *check, struct slice text)
{
	return claims_quote(text, check->arena);
}

/* SLICE_NULL: there is no such text. */
static struct slice
text_of(const json_t *value)
{
	return json_is_string(value) ? slice_of(json_string_value(value),
					       json_string_length(value))
				     : SLICE_NULL;
}

/* --- the token ------------------------------------------------------------ */

/* NULL: no base64url (without padding), or no JSON object in it. */
static json_t *
load(struct slice base64url, struct arena *arena)
{
	size_t len = base64url.len > 0 ? jose_b64_dec_buf(base64url.data,
						 base64url.len, NULL, 0)
				       : SIZE_MAX;
	char *text;
	json_t *root;

	if (len == SIZE_MAX)
		return NULL;
	text = arena_alloc(arena, len + 1);
	if (jose_b64_dec_buf(base64url.data, base64url.len, text, len) != len)
		return NULL;
	root = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
	if (json_is_object(root))
		return root;
	json_decref(root);
	return NULL;
}

/* Both or none. */
static bool
open_token(struct check *check, struct slice token)
{
	struct slice rest = token;

	if (token.len > OIDC_BYTES_MAX ||
		!slice_split(&rest, '.', &check->header_text) || !rest.data ||
		!slice_split(&rest, '.', &check->payload_text) || !rest.data)
		return false;
	check->signature_text = rest;
	check->header = load(check->header_text, check->arena);
	check->payload = load(check->payload_text, check->arena);
	return check->header && check->payload;
}

static void
close_token(struct check *check)
{
	json_decref(check->header);
	json_decref(check->payload);
}

/* --- the signature -------------------------------------------------------- */

static bool
is_signed_by(const struct check *check, const json_t *key)
{
	jose_cfg_t *jose = oidc_keys_jose();
	json_t *jws = json_pack("{s:s%, s:s%, s:s%}", "protected",
		check->header_text.data, check->header_text.len, "payload",
		check->payload_text.data, check->payload_text.len, "signature",
		check->signature_text.data, check->signature_text.len);
	bool is_good = jws && jose_jws_ver(jose, jws, NULL, key, false);

	json_decref(jws);
	jose_cfg_decref(jose);
	return is_good;
}

/* Of the keys that it could be: those of its kid, where it tells one. */
static bool
is_candidate(const struct oidc_algorithm *algorithm, struct slice kid,
	const json_t *key)
{
	struct slice own = text_of(json_object_get(key, "kid"));

	return oidc_keys_fit(algorithm, key) &&
	       (!kid.data || !own.data || slice_equal(kid, own));
}

static bool
check_keys(struct check *check, const struct oidc_algorithm *algorithm,
	const json_t *keys)
{
	struct slice kid = text_of(json_object_get(check->header, "kid"));
	const json_t *key;
	size_t tried = 0;
	size_t i;

	json_array_foreach(keys, i, key)
	{
		if (!is_candidate(algorithm, kid, key))
			continue;
		tried++;
		if (is_signed_by(check, key))
			return claims_good(&check->findings, OIDC_SIGNATURE,
				"signed by key %zu with %s", i + 1,
				algorithm->name);
	}
	return tried > 0 ? claims_bad(&check->findings, OIDC_SIGNATURE,
				   "it is not signed by a registered key")
			 : claims_bad(&check->findings, OIDC_SIGNATURE,
				   "no key is registered for %s and the kid %s",
				   algorithm->name, quote(check, kid));
}

static bool
check_signature(struct check *check)
{
	struct slice name = text_of(json_object_get(check->header, "alg"));
	const struct oidc_algorithm *algorithm =
		oidc_keys_find_algorithm(name.data);
	json_t *set;
	bool goes_on;

	if (!algorithm)
		return claims_bad(&check->findings, OIDC_SIGNATURE,
			"its algorithm is none of RS256, RS384, RS512, PS256, "
			"PS384, PS512, ES256, ES384 and ES512: %s",
			quote(check, name));
	if (json_object_get(check->header, "crit"))
		return claims_bad(&check->findings, OIDC_SIGNATURE,
			"it asks for extensions (crit)");
	set = json_loadb(check->idp->keys.data, check->idp->keys.len, 0, NULL);
	goes_on = check_keys(check, algorithm, json_object_get(set, "keys"));
	json_decref(set);
	return goes_on;
}

/* --- what it says --------------------------------------------------------- */

static bool
check_issuer(struct check *check)
{
	struct slice issuer = check->claims->issuer;

	if (!slice_equal(issuer, check->idp->issuer))
		return claims_bad(&check->findings, OIDC_ISSUER,
			"it is issued by %s and not by %s",
			quote(check, issuer), quote(check, check->idp->issuer));
	return claims_good(&check->findings, OIDC_ISSUER, "issued by %s",
		quote(check, issuer));
}

/* A NumericDate; false: it is none.  0: it is not there. */
static bool
read_time(const struct check *check, const char *name, int64_t *out_ns)
{
	const json_t *value = json_object_get(check->payload, name);
	double seconds = json_number_value(value);

	*out_ns = 0;
	if (!value)
		return true;
	if (!json_is_number(value) || !(seconds >= 0 && seconds < SECONDS_MAX))
		return false;
	*out_ns = (int64_t)seconds * CLOCK_NS_PER_S;
	return true;
}

/* Of nbf and iat; false: it says why. */
static bool
is_begun(struct check *check, const char *name)
{
	int64_t at_ns;

	if (!read_time(check, name, &at_ns))
		(void)claims_bad(&check->findings, OIDC_TIME, "%s is no time",
			name);
	else if (at_ns > check->now_ns + CLAIMS_SKEW_S * CLOCK_NS_PER_S)
		(void)claims_bad(&check->findings, OIDC_TIME,
			"it is not valid yet (%s)", name);
	else
		return true;
	return false;
}

static bool
check_time(struct check *check)
{
	int64_t until_ns;

	if (!read_time(check, "exp", &until_ns) || until_ns == 0)
		return claims_bad(&check->findings, OIDC_TIME,
			"it has no end (exp)");
	until_ns += CLAIMS_SKEW_S * CLOCK_NS_PER_S;
	check->claims->until_ns = until_ns;
	if (until_ns <= check->now_ns)
		return claims_bad(&check->findings, OIDC_TIME,
			"it has expired");
	if (!is_begun(check, "nbf") || !is_begun(check, "iat"))
		return check->findings.goes_on;
	return claims_good(&check->findings, OIDC_TIME, "it is valid now");
}

static bool
check_audience(struct check *check)
{
	const json_t *value = json_object_get(check->payload, "aud");
	const struct claims_list *wanted = &check->idp->audiences;
	const json_t *item;
	size_t i;

	if (json_is_string(value) && claims_list_has(wanted, text_of(value)))
		return claims_good(&check->findings, OIDC_AUDIENCE,
			"it is for a registered one");
	json_array_foreach(value, i, item)
	{
		if (json_is_string(item) &&
			claims_list_has(wanted, text_of(item)))
			return claims_good(&check->findings, OIDC_AUDIENCE,
				"it is for a registered one");
	}
	return claims_bad(&check->findings, OIDC_AUDIENCE,
		"it is for no registered audience: %s",
		quote(check,
			text_of(json_is_array(value) ? json_array_get(value, 0)
						     : value)));
}

/* --- who, and as what ----------------------------------------------------- */

/* A name in the organization: token.h's, but none of its own tokens'. */
static bool
is_principal(struct slice name)
{
	return claims_subject_is_valid(name) &&
	       !slice_has_prefix(name, SLICE("coreweave/"));
}

static bool
check_principal(struct check *check, struct slice claim)
{
	struct slice name = text_of(json_object_get(check->payload,
		arena_str(check->arena, claim)));

	if (!is_principal(name))
		return claims_bad(&check->findings, OIDC_CLAIMS,
			"%s is not 1 to %d of A-Z a-z 0-9 . _ - @ + = , / : "
			"and |: %s",
			quote(check, claim), CLAIMS_SUBJECT_MAX,
			quote(check, name));
	check->claims->principal = arena_copy(check->arena, name);
	return claims_good(&check->findings, OIDC_CLAIMS, "the principal is %s",
		quote(check, name));
}

static void
add_role(struct check *check, const json_t *value)
{
	struct claims *claims = check->claims;
	struct slice role = text_of(value);

	if (claims_name_is_plain(role) && claims->role_count < CLAIMS_ROLES_MAX)
		claims->roles[claims->role_count++] =
			arena_copy(check->arena, role);
}

/* Of a list those that can be roles: groups of other things stand there,
 * too. */
static bool
check_roles(struct check *check, struct slice claim)
{
	const json_t *value =
		json_object_get(check->payload, arena_str(check->arena, claim));
	size_t count = json_array_size(value);

	if (!json_is_array(value))
		add_role(check, value);
	for (size_t i = 0; i < count; i++)
		add_role(check, json_array_get(value, i));
	count = check->claims->role_count;
	if (count == 0)
		return claims_bad(&check->findings, OIDC_CLAIMS,
			"%s has no role: 1 to 64 of A-Z a-z 0-9 . _ - @ + = "
			"and ,",
			quote(check, claim));
	return claims_good(&check->findings, OIDC_CLAIMS,
		"%zu role%s, the first is %s", count, count == 1 ? "" : "s",
		quote(check, check->claims->roles[0]));
}

/* ISSUER:SUB, which no other provider can say. */
static bool
make_role(struct check *check)
{
	struct slice issuer = check->idp->issuer;
	struct slice sub = text_of(json_object_get(check->payload, "sub"));

	check->claims->roles[0] = arena_printf(check->arena, "%.*s:%.*s",
		(int)issuer.len, issuer.data, (int)sub.len, sub.data);
	check->claims->role_count = 1;
	return claims_good(&check->findings, OIDC_CLAIMS, "the role is %s",
		quote(check, check->claims->roles[0]));
}

static bool
check_claims(struct check *check)
{
	const struct oidc_idp *idp = check->idp;
	struct slice sub = text_of(json_object_get(check->payload, "sub"));

	if (!claims_subject_is_valid(sub))
		return claims_bad(&check->findings, OIDC_CLAIMS,
			"sub is not 1 to %d of A-Z a-z 0-9 . _ - @ + = , / : "
			"and |: %s",
			CLAIMS_SUBJECT_MAX, quote(check, sub));
	return check_principal(check, idp->principal_claim.len > 0
					      ? idp->principal_claim
					      : SLICE("sub")) &&
	       (idp->role_claim.len > 0 ? check_roles(check, idp->role_claim)
					: make_role(check));
}

/* --- all of it ------------------------------------------------------------ */

bool
oidc_check(struct slice token, const struct oidc_idp *idp, int64_t now_ns,
	bool goes_on, struct arena *arena, struct claims *claims,
	struct claims_report *report)
{
	static bool (*const steps[])(struct check *) = {check_signature,
		check_issuer, check_time, check_audience, check_claims};
	struct check check = {
		.idp = idp,
		.now_ns = now_ns,
		.arena = arena,
		.claims = claims,
		.findings = {goes_on, arena, report},
	};

	*claims = (struct claims){0};
	*report = (struct claims_report){0};
	if (open_token(&check, token)) {
		claims->issuer = arena_copy(arena,
			text_of(json_object_get(check.payload, "iss")));
		claims_good(&check.findings, OIDC_TOKEN,
			"%zu bytes of a signed token", token.len);
		for (size_t i = 0; i < array_len(steps); i++) {
			if (!steps[i](&check))
				break;
		}
	} else {
		claims_bad(&check.findings, OIDC_TOKEN,
			"it is no signed token: three parts of base64url, the "
			"first two JSON objects, of up to %d bytes",
			OIDC_BYTES_MAX);
	}
	close_token(&check);
	return !report->first_bad;
}

bool
oidc_issuer(struct slice token, struct arena *arena, struct slice *issuer)
{
	struct check check = {.arena = arena};
	bool is_token = open_token(&check, token);

	if (is_token)
		*issuer = arena_copy(arena,
			text_of(json_object_get(check.payload, "iss")));
	close_token(&check);
	return is_token;
}
