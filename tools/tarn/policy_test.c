/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/tarn/policy_test.h"

#include <stdio.h>
#include <string.h>

#include "s3api/iam/access.h"
#include "s3api/iam/decide.h"
#include "s3api/iam/exposure.h"
#include "s3api/iam/orgpolicy.h"
#include "tools/tarn/args.h"
#include "tools/tarn/command.h"
#include "tools/tarn/open.h"

/* The question, and what is asked about. */
struct test {
	const char *path;
	const char *action_name;
	const char *bucket_name;
	const char *key;
	const char *organization;
	const char *user;
	const char *role;
	bool is_anonymous;
	struct args_list values; /* NAME=VALUE */

	struct arena arena;
	struct bucket bucket;
	bool has_bucket;
	struct policy_caller caller;
	struct policy_context context;
	uint64_t steps; /* its */
	struct policy_query query;
	struct decide_policies policies;
	struct policy *bucket_policy;
	struct store *store;
	enum store_err expose_err;
};

static void
end(struct test *test)
{
	policy_free_all(test->policies.own, test->policies.own_count);
	policy_free_all(test->policies.owners, test->policies.owners_count);
	policy_free(&test->bucket_policy);
	arena_free(&test->arena);
}

/* --- what the request would have ------------------------------------------ */

static void
add(struct policy_values *out, struct slice value)
{
	if (value.len > 0 && out->count < POLICY_VALUES_MAX)
		out->values[out->count++] = value;
}

/* Those of --with come first; the caller's own follow from who it is. */
static void
find(void *context, const struct policy_key_name *name,
	struct policy_values *out)
{
	const struct test *test = context;
	bool is_user = !test->is_anonymous && test->caller.role.len == 0;

	out->count = 0;
	for (unsigned int i = 0; i < test->values.count; i++) {
		struct slice rest = slice_str(test->values.values[i]);
		struct slice text;
		struct policy_key_name given;

		if (slice_split(&rest, '=', &text) &&
			policy_key_parse(text, &given) &&
			given.key == name->key &&
			slice_equal(given.suffix, name->suffix) &&
			out->count < POLICY_VALUES_MAX)
			out->values[out->count++] = rest;
	}
	if (out->count > 0)
		return;
	if (name->key == POLICY_KEY_USER_NAME && is_user)
		add(out, test->caller.name);
	else if (name->key == POLICY_KEY_PRINCIPAL_TYPE)
		add(out, test->is_anonymous ? SLICE("Anonymous")
			 : is_user	    ? SLICE("User")
					    : SLICE("AssumedRole"));
	else if (name->key == POLICY_KEY_PRINCIPAL_ORG_ID ||
		 name->key == POLICY_KEY_PRINCIPAL_ACCOUNT ||
		 name->key == POLICY_KEY_CW_PRINCIPAL_ORG_ID)
		add(out, test->caller.organization);
}

/* --- reading -------------------------------------------------------------- */

static enum store_err
read_organization(struct test *test, struct store *store,
	struct slice organization, struct policy *const **out, size_t *count)
{
	struct orgpolicy *texts;
	struct policy **policies;
	size_t found;
	enum store_err err = orgpolicy_list(store, organization, &test->arena,
		&texts, &found);

	if (err || found == 0)
		return err;
	policies = arena_new_array(&test->arena, found, struct policy *);
	*out = policies;
	for (size_t i = 0; i < found; i++) {
		struct policy_error error;

		policies[i] = orgpolicy_parse(texts[i].text, &error);
		if (!policies[i])
			return STORE_CORRUPT;
		(*count)++;
	}
	return STORE_OK;
}

static enum store_err
read_bucket_policy(struct test *test, struct store *store)
{
	struct policy_error error;
	struct slice text;
	enum store_err err = bucket_get_document(store, test->bucket.ino,
		SLICE(ACCESS_POLICY_KIND), &test->arena, &text);

	if (err)
		return err == STORE_NOT_FOUND ? STORE_OK : err;
	test->bucket_policy =
		policy_parse(text, slice_str(test->bucket_name), &error);
	test->policies.bucket = test->bucket_policy;
	return test->bucket_policy ? STORE_OK : STORE_CORRUPT;
}

static enum store_err
read_all(struct test *test, struct store *store)
{
	struct decide_policies *policies = &test->policies;
	struct slice owner = SLICE_NULL;
	enum store_err err = STORE_OK;

	if (test->has_bucket) {
		err = bucket_get(store, slice_str(test->bucket_name),
			&test->bucket);
		if (!err)
			err = read_bucket_policy(test, store);
		owner = slice_str(test->bucket.owner);
	}
	if (!err && !test->is_anonymous)
		err = read_organization(test, store, test->caller.organization,
			&policies->own, &policies->own_count);
	if (!err && owner.len > 0 &&
		!slice_equal(owner, test->caller.organization))
		err = read_organization(test, store, owner, &policies->owners,
			&policies->owners_count);
	test->query.owner = owner;
	return err;
}

/* The lists and the public access block. */
static void
expose(void *context, struct decide_exposure *out)
{
	struct test *test = context;
	struct exposure_object object = {
		.store = test->store,
		.bucket = &test->bucket,
		.key = slice_str(test->key),
		.arena = &test->arena,
	};
	bool is_missing;

	*out = (struct decide_exposure){0};
	if (test->has_bucket)
		test->expose_err = exposure_read(&object, test->query.action,
			out, &is_missing);
}

/* --- telling -------------------------------------------------------------- */

static void
print_statement(const struct policy_statement *statement)
{
	printf("statement %u", statement->number);
	if (statement->name.len > 0)
		printf(" (%.*s)", (int)statement->name.len,
			statement->name.data);
	printf(", %s", statement->is_allow ? "allow" : "deny");
}

static void
print_mismatch(const struct test *test,
	const struct policy_statement *statement, enum policy_mismatch mismatch)
{
	switch (mismatch) {
	case POLICY_APPLIES:
		printf("applies\n");
		return;
	case POLICY_OTHER_ACTION:
		printf("is of other actions\n");
		return;
	case POLICY_OTHER_PRINCIPAL:
		printf("is of other principals\n");
		return;
	case POLICY_OTHER_RESOURCE:
		printf("is of other resources\n");
		return;
	case POLICY_OTHER_CONDITION:
		break;
	}
	for (size_t i = 0; i < statement->condition_count; i++) {
		const struct policy_condition *condition =
			&statement->conditions[i];

		if (policy_condition_holds(condition, &test->context,
			    statement->is_allow))
			continue;
		printf("its condition %.*s of %s does not hold\n",
			(int)condition->operator_name.len,
			condition->operator_name.data,
			policy_key_text(condition->name.key));
		return;
	}
}

static void
print_policy(const struct test *test, const char *whose,
	const struct policy *policy, struct slice organization)
{
	struct policy_query query = test->query;

	query.owner = organization;
	printf("%s%s%.*s\n", whose, policy->name.len > 0 ? " " : "",
		(int)policy->name.len,
		policy->name.len > 0 ? policy->name.data : "");
	for (size_t i = 0; i < policy->statement_count; i++) {
		const struct policy_statement *statement =
			&policy->statements[i];

		printf("  ");
		print_statement(statement);
		printf(": ");
		print_mismatch(test, statement,
			policy_statement_check(statement, &query));
	}
}

static int
print_decision(const struct test *test)
{
	struct decision decision = decide(&test->query, &test->policies);

	if (test->expose_err)
		return open_fail(test->bucket_name, test->expose_err);
	printf("%s: %s\n", decision.is_allowed ? "allowed" : "refused",
		decide_sentence(decision.reason));
	if (decision.statement) {
		printf("decided by ");
		print_statement(decision.statement);
		printf(", of %s%.*s\n",
			decision.policy == test->bucket_policy
				? "the bucket's policy"
				: "the access policy ",
			(int)decision.policy->name.len,
			decision.policy->name.len > 0
				? decision.policy->name.data
				: "");
	}
	for (size_t i = 0; i < test->policies.own_count; i++)
		print_policy(test, "access policy", test->policies.own[i],
			test->caller.organization);
	for (size_t i = 0; i < test->policies.owners_count; i++)
		print_policy(test, "access policy of the owner",
			test->policies.owners[i], test->query.owner);
	if (test->bucket_policy)
		print_policy(test, "bucket policy", test->bucket_policy,
			test->query.owner);
	return decision.is_allowed ? COMMAND_OK : COMMAND_REFUSED;
}

static void
prepare(struct test *test)
{
	if (!test->is_anonymous)
		test->caller = (struct policy_caller){
			.organization = slice_str(test->organization),
			.name = slice_str(test->user),
			.role = slice_str(test->role),
		};
	test->caller.is_anonymous = test->is_anonymous;
	test->context = (struct policy_context){find, test, &test->steps};
	test->steps = POLICY_STEPS_MAX;
	test->query.caller = &test->caller;
	test->query.context = &test->context;
	test->query.resource = test->key ? arena_printf(&test->arena, "%s/%s",
						   test->bucket_name, test->key)
					 : slice_str(test->bucket_name);
	/* A bucket that is to be made is nobody's yet. */
	test->has_bucket = test->bucket_name &&
			   test->query.action != POLICY_ACTION_CREATE_BUCKET;
}

static int
run(struct test *test)
{
	scoped(store_close) struct store *store =
			open_store(test->path, "policy", true);
	enum store_err err;

	if (!store)
		return COMMAND_FAILED;
	prepare(test);
	test->store = store;
	test->policies.expose = expose;
	test->policies.expose_context = test;
	err = read_all(test, store);
	return err ? open_fail(test->bucket_name ? test->bucket_name
						 : test->organization,
			     err)
		   : print_decision(test);
}

static void
check(const struct args_command *command, struct test *test)
{
	struct policy_key_name name;

	if (!test->path || !test->action_name)
		args_refuse(command, "--store and --action are both needed");
	test->query.action = policy_action_find(slice_str(test->action_name));
	if (test->query.action == POLICY_ACTION_NONE)
		args_refuse(command, "%s is no action, as s3:GetObject is",
			test->action_name);

	enum policy_scope scope = policy_action_scope(test->query.action);
	bool is_on_object = scope == POLICY_SCOPE_OBJECT;
	bool is_on_bucket = is_on_object || scope == POLICY_SCOPE_BUCKET;

	if (is_on_bucket != (test->bucket_name != NULL))
		args_refuse(command, "%s is %s", test->action_name,
			is_on_bucket ? "done to a --bucket"
				     : "done to no --bucket");
	if (is_on_object != (test->key != NULL))
		args_refuse(command, "%s is %s", test->action_name,
			is_on_object ? "done to a --key" : "done to no --key");
	if (test->is_anonymous == (test->user != NULL))
		args_refuse(command, "either --user or --anonymous is needed");
	for (unsigned int i = 0; i < test->values.count; i++) {
		struct slice rest = slice_str(test->values.values[i]);
		struct slice text;

		if (!slice_split(&rest, '=', &text) || !rest.data ||
			!policy_key_parse(text, &name))
			args_refuse(command,
				"%s is not KEY=VALUE of a condition key",
				test->values.values[i]);
	}
}

int
policy_test_run(int argc, char **argv)
{
	scoped(end) struct test test = {.organization = "default"};
	const struct args_option options[] = {
		{"store", "DIR", "the store", &test.path, NULL, NULL},
		{"action", "ACTION", "as s3:GetObject", &test.action_name, NULL,
			NULL},
		{"bucket", "BUCKET", "what it is done to", &test.bucket_name,
			NULL, NULL},
		{"key", "KEY", "and the object there", &test.key, NULL, NULL},
		{"user", "NAME", "who asks: the name of a token", &test.user,
			NULL, NULL},
		{"role", "ROLE", "and with temporary keys the role", &test.role,
			NULL, NULL},
		{"org", "ORG", "and the organization (default)",
			&test.organization, NULL, NULL},
		{"anonymous", NULL, "nobody signed it", NULL,
			&test.is_anonymous, NULL},
		{"with", "KEY=VALUE", "of a condition: aws:SourceIp=192.0.2.1",
			NULL, NULL, &test.values},
	};
	const struct args_command command = {
		.usage = "tarn policy test --action ACTION [--bucket BUCKET "
			 "[--key KEY]]\n"
			 "       (--user NAME | --anonymous) --store DIR "
			 "[OPTION]...",
		.summary =
			"Says whether the policies and lists that are stored\n"
			"allow a request, which statement decides, and of "
			"each\n"
			"other one why it does not apply.  The level of the\n"
			"token is another matter.  Exit status 0: allowed,\n"
			"3: refused.",
		.options = options,
		.option_count = array_len(options),
	};

	args_parse(&command, argc, argv);
	check(&command, &test);
	return run(&test);
}
