/* SPDX-License-Identifier: Apache-2.0 */
/* tarn idp explain: why what an identity provider says is refused. */
#include <stdio.h>

#include "s3api/iam/idp.h"
#include "s3api/iam/signin.h"
#include "store/base/clock.h"
#include "store/organization.h"
#include "tools/tarn/args.h"
#include "tools/tarn/command.h"
#include "tools/tarn/idp_private.h"
#include "tools/tarn/input.h"
#include "tools/tarn/open.h"

struct explain {
	const char *path;
	const char *file;
	const char *organization;
	const char *name;
};

static bool
find_idp(struct store *store, const struct explain *explain,
	struct arena *arena, struct idp *out)
{
	struct slice organization = slice_str(explain->organization);
	struct idp *list = NULL;
	size_t count = 0;
	enum store_err err =
		explain->name
			? idp_get(store, organization, slice_str(explain->name),
				  arena, out)
			: idp_list(store, organization, arena, &list, &count);

	if (!err && !explain->name && count != 1) {
		fprintf(stderr,
			"tarn: %s has %zu identity providers: say which by "
			"--name\n",
			explain->organization, count);
		return false;
	}
	if (err)
		idp_fail(explain->name ? explain->name : explain->organization,
			err);
	else if (list)
		*out = list[0];
	return !err;
}

/* XML as it is, or base64 of it. */
static struct slice
to_xml(struct slice text, struct arena *arena)
{
	struct slice trimmed = slice_trim_lines(text);
	struct slice xml;

	if (trimmed.len > 0 && trimmed.data[0] != '<' &&
		saml_decode(text, arena, &xml))
		return xml;
	return text;
}

static enum policy_action
action_of(const struct idp *idp)
{
	return idp->kind == IDP_OIDC ? POLICY_ACTION_CREATE_ACCESS_KEY_OIDC
				     : POLICY_ACTION_CREATE_ACCESS_KEY_SAML;
}

static void
print_role(const struct signin *signin, const struct idp *idp,
	struct slice principal, struct slice role)
{
	struct signin_decision decision;
	enum store_err err = signin_is_allowed(signin, action_of(idp), role,
		principal, &decision);
	bool is_allowed = !err && decision.is_allowed;

	printf("%s policy      ", is_allowed ? "ok  " : "FAIL");
	if (err)
		printf("%s\n", error_sentence(err));
	else if (is_allowed)
		printf("the role %.*s may have a key\n", (int)role.len,
			role.data);
	else
		printf("no access policy allows %s to the role %.*s\n",
			policy_action_name(action_of(idp)), (int)role.len,
			role.data);
}

static void
print_roles(struct store *store, const struct explain *explain,
	struct arena *arena, const struct idp *idp, const struct claims *claims)
{
	scoped(policy_cache_free) struct policy_cache *cache =
			policy_cache_create();
	const struct signin signin = {
		.store = store,
		.policies = cache,
		.arena = arena,
		.organization = slice_str(explain->organization),
	};

	for (size_t i = 0; i < claims->role_count; i++)
		print_role(&signin, idp, claims->principal, claims->roles[i]);
}

static bool
check(struct slice text, const struct idp *idp, struct arena *arena,
	struct claims *claims, struct claims_report *report)
{
	if (idp->kind == IDP_OIDC)
		return oidc_check(slice_trim_lines(text), &idp->oidc,
			clock_now_ns(), true, arena, claims, report);
	return saml_check(to_xml(text, arena), &idp->saml, clock_now_ns(), true,
		arena, claims, report);
}

static const char *
step_name(const struct idp *idp, int step)
{
	return idp->kind == IDP_OIDC ? oidc_step_name((enum oidc_step)step)
				     : saml_step_name((enum saml_step)step);
}

static int
explain(const struct explain *explain)
{
	scoped(arena_free) struct arena arena = {0};
	struct claims_report report;
	struct claims claims;
	struct slice text;
	struct idp idp;
	bool is_believed;

	if (!input_read(explain->file, 2 * SAML_BYTES_MAX, &arena, &text))
		return COMMAND_FAILED;

	scoped(store_close) struct store *store =
			open_store(explain->path, "idp", true);
	if (!store || !find_idp(store, explain, &arena, &idp))
		return COMMAND_FAILED;
	idp.saml.organization = slice_str(explain->organization);
	is_believed = check(text, &idp, &arena, &claims, &report);
	for (size_t i = 0; i < report.count; i++)
		printf("%s %-11s %s\n",
			report.findings[i].is_good ? "ok  " : "FAIL",
			step_name(&idp, report.findings[i].step),
			report.findings[i].text.data);
	if (is_believed)
		print_roles(store, explain, &arena, &idp, &claims);
	printf("%s\n", !is_believed	      ? "it is refused"
		       : idp.kind == IDP_OIDC ? "it would be believed"
					      : "it would be believed, once");
	return is_believed ? COMMAND_OK : COMMAND_REFUSED;
}

int
idp_explain_run(int argc, char **argv)
{
	struct explain args = {.organization = ORGANIZATION_DEFAULT};
	const struct args_option options[] = {
		{"store", "DIR", "the store", &args.path, NULL, NULL},
		{"org", "ORG", "the organization (" ORGANIZATION_DEFAULT ")",
			&args.organization, NULL, NULL},
		{"name", "NAME", "its provider (the only one)", &args.name,
			NULL, NULL},
	};
	const struct args_command command = {
		.usage = "tarn idp explain FILE --store DIR [--org ORG] "
			 "[--name NAME]",
		.summary =
			"Says step by step whether a SAML response (XML or\n"
			"base64) or an ID token (-: stdin) would be believed,\n"
			"and why not.  Nothing changes.  Exit status 0: it\n"
			"would, 3: not.",
		.options = options,
		.option_count = array_len(options),
		.positional = &args.file,
		.positional_min = 1,
		.positional_max = 1,
	};

	args_parse(&command, argc, argv);
	if (!args.path)
		args_refuse(&command, "--store DIR is missing");
	return explain(&args);
}
