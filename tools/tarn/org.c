/* SPDX-License-Identifier: Apache-2.0 */
/* tarn org: who owns buckets and tokens. */
#include <jansson.h>
#include <stdio.h>

#include "store/base/clock.h"
#include "store/organization.h"
#include "tools/tarn/args.h"
#include "tools/tarn/command.h"
#include "tools/tarn/open.h"
#include "tools/tarn/token_print.h"

/* create and delete: a name and a store. */
static const char *
parse(struct args_command *command, int argc, char **argv, const char **path)
{
	const char *name = NULL;
	const struct args_option options[] = {
		{"store", "DIR", "the store", path, NULL, NULL},
	};

	command->options = options;
	command->option_count = array_len(options);
	command->positional = &name;
	command->positional_min = command->positional_max = 1;
	args_parse(command, argc, argv);
	if (!*path)
		args_refuse(command, "--store DIR is missing");
	return name;
}

static int
create_run(int argc, char **argv)
{
	struct args_command command = {
		.usage = "tarn org create ORG --store DIR",
		.summary = "Makes an organization, that buckets and tokens\n"
			   "can belong to.",
	};
	const char *path = NULL;
	const char *name = parse(&command, argc, argv, &path);

	scoped(store_close) struct store *store =
			open_store(path, "org", false);
	if (!store)
		return COMMAND_FAILED;

	enum store_err err = organization_create(store, slice_str(name));

	if (err != STORE_BAD_NAME)
		return err ? open_fail(name, err) : COMMAND_OK;
	fprintf(stderr,
		"tarn: names have 1 to %d of A-Z a-z 0-9 . _ and -, a letter "
		"or digit first\n",
		ORGANIZATION_NAME_MAX);
	return COMMAND_FAILED;
}

static int
delete_run(int argc, char **argv)
{
	struct args_command command = {
		.usage = "tarn org delete ORG --store DIR",
		.summary =
			"Deletes an organization that owns no bucket and no\n"
			"token, with its access policies and identity\n"
			"providers.",
	};
	const char *path = NULL;
	const char *name = parse(&command, argc, argv, &path);

	scoped(store_close) struct store *store =
			open_store(path, "org", false);
	if (!store)
		return COMMAND_FAILED;

	enum store_err err = organization_delete(store, slice_str(name));

	if (err != STORE_NOT_PERMITTED)
		return err ? open_fail(name, err) : COMMAND_OK;
	fprintf(stderr, "tarn: the organization %s is always there\n", name);
	return COMMAND_FAILED;
}

static void
print_json(const struct organization *list, size_t count)
{
	json_t *root = json_array();

	for (size_t i = 0; i < count; i++) {
		json_t *one = json_pack("{s:s}", "name", list[i].name);
		char created[25];

		clock_to_iso8601(list[i].created_ns, created);
		if (list[i].created_ns)
			(void)json_object_set_new(one, "created",
				json_string(created));
		(void)json_array_append_new(root, one);
	}
	token_print_json(root);
}

static int
list_run(int argc, char **argv)
{
	const char *path = NULL;
	bool json = false;
	const struct args_option options[] = {
		{"store", "DIR", "the store", &path, NULL, NULL},
		{"json", NULL, "print JSON", NULL, &json, NULL},
	};
	const struct args_command command = {
		.usage = "tarn org list --store DIR [--json]",
		.summary = "Lists the organizations.",
		.options = options,
		.option_count = array_len(options),
	};
	scoped(arena_free) struct arena arena = {0};
	struct organization *list;
	size_t count;

	args_parse(&command, argc, argv);
	if (!path)
		args_refuse(&command, "--store DIR is missing");

	scoped(store_close) struct store *store = open_store(path, "org", true);
	if (!store)
		return COMMAND_FAILED;

	enum store_err err = organization_list(store, &arena, &list, &count);

	if (err)
		return open_fail("cannot list organizations", err);
	if (json)
		print_json(list, count);
	for (size_t i = 0; i < count && !json; i++)
		printf("%s\n", list[i].name);
	return COMMAND_OK;
}

int
org_run(int argc, char **argv)
{
	static const struct args_verb verbs[] = {
		{"create", create_run},
		{"list", list_run},
		{"delete", delete_run},
	};
	const struct args_command command = {
		.usage = "tarn org create|list|delete ...",
		.summary = "Who owns buckets and tokens: each verb has its own "
			   "--help.",
	};

	return args_run_verb(&command, verbs, array_len(verbs), argc, argv);
}
