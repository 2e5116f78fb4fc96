/* SPDX-License-Identifier: Apache-2.0 */
/* tarn policy: access policies of organizations, and what decides. */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "s3api/iam/orgpolicy.h"
#include "store/organization.h"
#include "tools/tarn/args.h"
#include "tools/tarn/command.h"
#include "tools/tarn/open.h"
#include "tools/tarn/policy_test.h"

#define ORGANIZATION ORGANIZATION_DEFAULT

/* One byte more than a policy may have, so that it is seen to be too long. */
static bool
read_file(const char *path, char to[POLICY_JSON_MAX + 1], size_t *len)
{
	int fd = strcmp(path, "-") ? open(path, O_RDONLY | O_CLOEXEC)
				   : dup(STDIN_FILENO);
	ssize_t got = 1;

	if (fd < 0) {
		fprintf(stderr, "tarn: %s: %s\n", path, strerror(errno));
		return false;
	}
	for (*len = 0; *len < POLICY_JSON_MAX + 1 && got > 0;
		*len += (size_t)(got > 0 ? got : 0))
		got = read(fd, to + *len, POLICY_JSON_MAX + 1 - *len);
	if (got < 0)
		fprintf(stderr, "tarn: %s: %s\n", path, strerror(errno));
	close(fd);
	return got >= 0;
}

static int
put(const char *path, const char *organization, const char *file)
{
	char text[POLICY_JSON_MAX + 1];
	struct policy_error error;
	size_t len;

	if (!read_file(file, text, &len))
		return COMMAND_FAILED;

	scoped(policy_free) struct policy *policy =
			orgpolicy_parse(slice_of(text, len), &error);

	if (!policy) {
		fprintf(stderr, "tarn: %s: %s\n", file, error.text);
		return COMMAND_FAILED;
	}
	for (size_t i = 0; i < policy->warning_count; i++)
		fprintf(stderr, "tarn: note: %.*s\n",
			(int)policy->warnings[i].len, policy->warnings[i].data);

	scoped(store_close) struct store *store =
			open_store(path, "policy", false);
	if (!store)
		return COMMAND_FAILED;

	enum store_err err = organization_check(store, slice_str(organization));

	if (!err)
		err = orgpolicy_put(store, slice_str(organization), policy,
			slice_of(text, len));

	if (err == STORE_TOO_BIG) {
		fprintf(stderr, "tarn: %s has %d policies already\n",
			organization, ORGPOLICY_COUNT_MAX);
		return COMMAND_FAILED;
	}
	return err ? open_fail(organization, err) : COMMAND_OK;
}

static int
put_run(int argc, char **argv)
{
	const char *path = NULL;
	const char *file = NULL;
	const char *organization = ORGANIZATION;
	const struct args_option options[] = {
		{"store", "DIR", "the store", &path, NULL, NULL},
		{"org", "ORG", "the organization (" ORGANIZATION ")",
			&organization, NULL, NULL},
	};
	const struct args_command command = {
		.usage = "tarn policy put FILE --store DIR [--org ORG]",
		.summary = "Stores an access policy (v1alpha1) under its own\n"
			   "name, in place of one that is there.  From the\n"
			   "first one on, what none allows is refused.",
		.options = options,
		.option_count = array_len(options),
		.positional = &file,
		.positional_min = 1,
		.positional_max = 1,
	};

	args_parse(&command, argc, argv);
	if (!path)
		args_refuse(&command, "--store DIR is missing");
	return put(path, organization, file);
}

static int
print_json(const struct orgpolicy *policies, size_t count)
{
	json_t *root = orgpolicy_to_json(policies, count);

	(void)json_dumpf(root, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(root);
	return COMMAND_OK;
}

static int
list(struct store *store, const char *organization, bool json)
{
	scoped(arena_free) struct arena arena = {0};
	struct orgpolicy *policies;
	size_t count;
	enum store_err err = orgpolicy_list(store, slice_str(organization),
		&arena, &policies, &count);

	if (err)
		return open_fail("cannot list policies", err);
	if (json)
		return print_json(policies, count);
	for (size_t i = 0; i < count; i++) {
		struct policy_error error;
		scoped(policy_free) struct policy *policy =
				orgpolicy_parse(policies[i].text, &error);

		printf("%.*s\n", (int)policies[i].name.len,
			policies[i].name.data);
		for (size_t s = 0; policy && s < policy->statement_count; s++)
			printf("  %-5s %.*s\n",
				policy->statements[s].is_allow ? "allow"
							       : "deny",
				(int)policy->statements[s].name.len,
				policy->statements[s].name.data);
		if (!policy)
			printf("  damaged: %s\n", error.text);
	}
	return COMMAND_OK;
}

static int
list_run(int argc, char **argv)
{
	const char *path = NULL;
	const char *organization = ORGANIZATION;
	bool json = false;
	const struct args_option options[] = {
		{"store", "DIR", "the store", &path, NULL, NULL},
		{"org", "ORG", "the organization (" ORGANIZATION ")",
			&organization, NULL, NULL},
		{"json", NULL, "print JSON: the policies whole", NULL, &json,
			NULL},
	};
	const struct args_command command = {
		.usage = "tarn policy list --store DIR [--org ORG] [--json]",
		.summary = "Lists the access policies of an organization.",
		.options = options,
		.option_count = array_len(options),
	};

	args_parse(&command, argc, argv);
	if (!path)
		args_refuse(&command, "--store DIR is missing");

	scoped(store_close) struct store *store =
			open_store(path, "policy", true);

	return store ? list(store, organization, json) : COMMAND_FAILED;
}

static int
delete_run(int argc, char **argv)
{
	const char *path = NULL;
	const char *name = NULL;
	const char *organization = ORGANIZATION;
	const struct args_option options[] = {
		{"store", "DIR", "the store", &path, NULL, NULL},
		{"org", "ORG", "the organization (" ORGANIZATION ")",
			&organization, NULL, NULL},
	};
	const struct args_command command = {
		.usage = "tarn policy delete NAME --store DIR [--org ORG]",
		.summary = "Deletes an access policy.  Without any, owning is\n"
			   "enough again.",
		.options = options,
		.option_count = array_len(options),
		.positional = &name,
		.positional_min = 1,
		.positional_max = 1,
	};

	args_parse(&command, argc, argv);
	if (!path)
		args_refuse(&command, "--store DIR is missing");

	scoped(store_close) struct store *store =
			open_store(path, "policy", false);
	if (!store)
		return COMMAND_FAILED;

	enum store_err err = orgpolicy_delete(store, slice_str(organization),
		slice_str(name));

	if (err != STORE_NOT_FOUND)
		return err ? open_fail(name, err) : COMMAND_OK;
	fprintf(stderr, "tarn: %s has no policy %s\n", organization, name);
	return COMMAND_FAILED;
}

int
policy_run(int argc, char **argv)
{
	static const struct args_verb verbs[] = {
		{"put", put_run},
		{"list", list_run},
		{"delete", delete_run},
		{"test", policy_test_run},
	};
	const struct args_command command = {
		.usage = "tarn policy put|list|delete|test ...",
		.summary = "Who may do what: each verb has its own --help.",
	};

	return args_run_verb(&command, verbs, array_len(verbs), argc, argv);
}
