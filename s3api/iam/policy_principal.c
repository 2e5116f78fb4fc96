/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/iam/policy_principal.h"

#include "store/base/text.h"

#define NAME_MAX_LEN 768 /* a role, with wildcards */

static const struct policy_context no_context;

static bool
is_name(struct slice text, const char *more)
{
	return text.len > 0 && text.len <= NAME_MAX_LEN &&
	       text_is_plain(text, more);
}

/* Only those that are ISSUER:SUB have more than plain letters. */
static bool
is_role(struct slice name)
{
	return is_name(name,
		slice_find_char(name, ':') >= 0 ? "+=,.@_-:/|~%" : "+=,.@_-");
}

static bool
is_organization(struct slice text)
{
	return is_name(text, "._-@");
}

static void
set_name(struct arena *arena, struct slice name, unsigned int flags,
	struct policy_pattern *out)
{
	/* Cannot fail: it has no variables. */
	if (!policy_pattern_compile(arena, name, flags, out))
		out->text = SLICE_NULL;
}

static bool
set_role(struct arena *arena, struct slice name, struct slice session,
	struct policy_principal *out)
{
	if (!is_role(name) || (session.data && !is_name(session, "+=,.@_-:")))
		return false;
	out->kind = POLICY_PRINCIPAL_ROLE;
	out->session = session;
	set_name(arena, name, 0, &out->name);
	return true;
}

static bool
set_user(struct arena *arena, struct slice name, struct policy_principal *out)
{
	if (!is_name(name, "+=,.@_-/"))
		return false;
	out->kind = POLICY_PRINCIPAL_USER;
	set_name(arena, name, 0, &out->name);
	return true;
}

static bool
eat(struct slice *text, struct slice prefix)
{
	if (!slice_has_prefix(*text, prefix))
		return false;
	*text = slice_from(*text, prefix.len);
	return true;
}

/* What follows arn:aws:iam:: or arn:aws:sts::, as in ORG:user/NAME. */
static bool
parse_arn(struct arena *arena, struct slice rest, bool is_sts,
	struct policy_principal *out)
{
	struct slice resource = rest;
	struct slice role;

	if (!slice_split(&resource, ':', &out->organization) ||
		!resource.data ||
		(out->organization.len > 0 &&
			!is_organization(out->organization)))
		return false;
	if (is_sts)
		return eat(&resource, SLICE("assumed-role/")) &&
		       slice_split(&resource, '/', &role) && resource.data &&
		       set_role(arena, role, resource, out);
	if (slice_equal(resource, SLICE("root"))) {
		out->kind = POLICY_PRINCIPAL_ORGANIZATION;
		return true;
	}
	out->is_token = eat(&resource, SLICE("user/"));
	if (out->is_token)
		return set_user(arena, resource, out);
	if (eat(&resource, SLICE("role/")))
		return set_role(arena, resource, SLICE_NULL, out);
	return slice_has_prefix(resource, SLICE("coreweave/")) &&
	       set_user(arena, resource, out);
}

static bool
parse_service(struct slice text, struct policy_principal *out)
{
	struct slice domain = SLICE(".amazonaws.com");

	*out = (struct policy_principal){.kind = POLICY_PRINCIPAL_SERVICE};
	return text.len > domain.len && is_name(text, ".-") &&
	       slice_equal(slice_from(text, text.len - domain.len), domain);
}

bool
policy_principal_parse(struct arena *arena, bool is_service, struct slice text,
	struct policy_principal *out)
{
	if (is_service)
		return parse_service(text, out);

	struct slice rest = arena_copy(arena, text);
	struct slice organization;

	*out = (struct policy_principal){.kind = POLICY_PRINCIPAL_ANYONE};
	if (slice_equal(rest, SLICE("*")))
		return true;
	if (eat(&rest, SLICE("arn:aws:iam::")))
		return parse_arn(arena, rest, false, out);
	if (eat(&rest, SLICE("arn:aws:sts::")))
		return parse_arn(arena, rest, true, out);
	if (!slice_split(&rest, ':', &organization) ||
		!is_organization(organization))
		return false;
	out->organization = organization;
	out->kind = POLICY_PRINCIPAL_ORGANIZATION;
	out->is_token = true;
	return !rest.data || set_user(arena, rest, out);
}

bool
policy_principal_parse_short(struct arena *arena, struct slice text,
	struct policy_principal *out)
{
	*out = (struct policy_principal){.kind = POLICY_PRINCIPAL_ANYONE};
	if (slice_equal(text, SLICE("*")))
		return true;
	out->kind = POLICY_PRINCIPAL_USER;
	if (slice_has_prefix(text, SLICE("arn:")) || text.len == 0 ||
		text.len > NAME_MAX_LEN)
		return false;
	if (eat(&text, SLICE("role/")))
		out->kind = POLICY_PRINCIPAL_ROLE;
	else if (slice_find_char(text, '/') >= 0 &&
		 !slice_has_prefix(text, SLICE("coreweave/")))
		return false;
	set_name(arena, text, POLICY_PATTERN_WILDCARDS, &out->name);
	return text.len > 0;
}

static bool
is_named(const struct policy_principal *principal, struct slice name)
{
	return name.len > 0 && policy_pattern_match(&principal->name, name,
				       &no_context) == POLICY_MATCH_YES;
}

bool
policy_principal_is(const struct policy_principal *principal,
	const struct policy_caller *caller, struct slice owner)
{
	struct slice organization = principal->organization.len > 0
					    ? principal->organization
					    : owner;

	if (principal->kind == POLICY_PRINCIPAL_ANYONE)
		return true;
	if (caller->is_anonymous || organization.len == 0 ||
		!slice_equal(caller->organization, organization))
		return false;
	switch (principal->kind) {
	case POLICY_PRINCIPAL_ANYONE:
	case POLICY_PRINCIPAL_ORGANIZATION:
		return true;
	case POLICY_PRINCIPAL_USER:
		return !(principal->is_token && caller->role.len > 0) &&
		       is_named(principal, caller->name);
	case POLICY_PRINCIPAL_ROLE:
		return is_named(principal, caller->role) &&
		       (principal->session.len == 0 ||
			       slice_equal(principal->session, caller->name));
	case POLICY_PRINCIPAL_SERVICE:
		return false;
	}
	return false;
}

struct slice
policy_principal_arn(const struct policy_caller *caller, struct arena *arena)
{
	if (caller->is_anonymous)
		return SLICE_NULL;
	if (caller->role.len > 0)
		return arena_printf(arena,
			"arn:aws:sts::%.*s:assumed-role/%.*s/%.*s",
			(int)caller->organization.len,
			caller->organization.data, (int)caller->role.len,
			caller->role.data, (int)caller->name.len,
			caller->name.data);
	return arena_printf(arena, "arn:aws:iam::%.*s:user/%.*s",
		(int)caller->organization.len, caller->organization.data,
		(int)caller->name.len, caller->name.data);
}

struct slice
policy_principal_id(const struct policy_caller *caller, struct arena *arena)
{
	if (caller->is_anonymous)
		return SLICE("anonymous");
	/* Neither a token's name, nor a role or a principal, has a space. */
	if (caller->role.len > 0)
		return arena_printf(arena, "%.*s:%.*s %.*s",
			(int)caller->organization.len,
			caller->organization.data, (int)caller->role.len,
			caller->role.data, (int)caller->name.len,
			caller->name.data);
	return arena_printf(arena, "%.*s:%.*s", (int)caller->organization.len,
		caller->organization.data, (int)caller->name.len,
		caller->name.data);
}
