/* SPDX-License-Identifier: Apache-2.0 */
#include "store/token.h"

#include <stdio.h>

#include "store/base/cipher.h"
#include "tools/tarn/args.h"
#include "tools/tarn/command.h"
#include "tools/tarn/open.h"
#include "tools/tarn/token_config.h"
#include "tools/tarn/token_print.h"
#include "tools/tarn/token_private.h"

static int
list(struct store *store, const char *organization, bool json)
{
	scoped(arena_free) struct arena arena = {0};
	struct token *tokens;
	size_t count;
	enum store_err err = token_list(store, slice_str(organization), &arena,
		&tokens, &count);

	return err ? open_fail("cannot list tokens", err)
		   : token_print_all(store, tokens, count, json);
}

static int
list_run(int argc, char **argv)
{
	const char *path = NULL;
	const char *organization = NULL;
	bool json = false;
	const struct args_option options[] = {
		{"store", "DIR", "the store", &path, NULL, NULL},
		{"org", "ORG", "those of one organization (all)", &organization,
			NULL, NULL},
		{"json", NULL, "print JSON", NULL, &json, NULL},
	};
	const struct args_command command = {
		.usage = "tarn token list --store DIR [--org ORG] [--json]",
		.summary = "Lists the tokens, without their secrets.",
		.options = options,
		.option_count = array_len(options),
	};

	args_parse(&command, argc, argv);
	if (!path)
		args_refuse(&command, "--store DIR is missing");

	scoped(store_close) struct store *store =
			open_store(path, "token", true);

	return store ? list(store, organization, json) : COMMAND_FAILED;
}

static int
show(struct store *store, struct slice organization, struct slice name,
	bool with_secret, bool json)
{
	char secret[TOKEN_SECRET_MAX + 1] = {0};
	struct token token;
	int64_t used_ns = 0;
	enum store_err err = token_get(store, organization, name, &token);

	if (!err && with_secret)
		err = token_secret(store, organization, name, secret);
	if (!err)
		err = token_use_last(store, slice_str(token.access_key),
			&used_ns);
	if (err)
		return open_fail(name.data, err);
	token_print(&token, with_secret ? secret : NULL, used_ns, json);
	cipher_wipe(secret, sizeof(secret));
	return COMMAND_OK;
}

static int
show_run(int argc, char **argv)
{
	const char *path = NULL;
	const char *name = NULL;
	const char *organization = ORGANIZATION_DEFAULT;
	bool json = false;
	bool with_secret = false;
	const struct args_option options[] = {
		{"store", "DIR", "the store", &path, NULL, NULL},
		TOKEN_ORG_OPTION(&organization),
		{"secret", NULL, "the secret too", NULL, &with_secret, NULL},
		{"json", NULL, "print JSON", NULL, &json, NULL},
	};
	const struct args_command command = {
		.usage = "tarn token show NAME --store DIR [OPTION]...",
		.summary = "Shows one token.",
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
			open_store(path, "token", true);

	return store ? show(store, slice_str(organization), slice_str(name),
			       with_secret, json)
		     : COMMAND_FAILED;
}

struct set_args {
	const char *path;
	const char *name;
	const char *organization;
	const char *region;
	const char *level;
	bool is_suspended;
	bool is_resumed;
	bool json;
};

static int
set(const struct set_args *args, enum token_level level)
{
	const struct token_change change = {
		.level = level,
		.region = slice_str(args->region),
		.is_suspended = args->is_suspended || args->is_resumed
					? &args->is_suspended
					: NULL,
	};
	struct token token;

	scoped(store_close) struct store *store =
			open_store(args->path, "token", false);
	if (!store)
		return COMMAND_FAILED;

	enum store_err err = token_set(store, slice_str(args->organization),
		slice_str(args->name), &change, &token);

	if (err)
		return open_fail(args->name, err);
	token_print(&token, NULL, 0, args->json);
	return COMMAND_OK;
}

static int
set_run(int argc, char **argv)
{
	struct set_args args = {.organization = ORGANIZATION_DEFAULT};
	enum token_level level = 0;
	const struct args_option options[] = {
		{"store", "DIR", "the store", &args.path, NULL, NULL},
		TOKEN_ORG_OPTION(&args.organization),
		{"level", "LEVEL", "read, write, readwrite or full",
			&args.level, NULL, NULL},
		{"region", "R", "its default region", &args.region, NULL, NULL},
		{"suspend", NULL, "of no use until --resume", NULL,
			&args.is_suspended, NULL},
		{"resume", NULL, "of use again", NULL, &args.is_resumed, NULL},
		{"json", NULL, "print JSON", NULL, &args.json, NULL},
	};
	const struct args_command command = {
		.usage = "tarn token set NAME --store DIR [OPTION]...",
		.summary = "Changes a token, at once and in every process.\n"
			   "The keys stay.",
		.options = options,
		.option_count = array_len(options),
		.positional = &args.name,
		.positional_min = 1,
		.positional_max = 1,
	};

	args_parse(&command, argc, argv);
	if (!args.path)
		args_refuse(&command, "--store DIR is missing");
	if (args.region)
		args_check_region(&command, args.region);
	if (args.level && !token_level_from_name(args.level, &level))
		args_refuse(&command, "%s is not a level", args.level);
	if (args.is_suspended && args.is_resumed)
		args_refuse(&command, "either --suspend or --resume");
	if (!args.level && !args.region && !args.is_suspended &&
		!args.is_resumed)
		args_refuse(&command, "there is nothing to change");
	return set(&args, level);
}

/* delete by name, revoke by access key. */
static int
remove_one(const struct args_command *command, const char *path,
	enum store_err (*remove)(struct store *store, struct slice organization,
		struct slice which),
	const char *organization, const char *which)
{
	if (!path)
		args_refuse(command, "--store DIR is missing");

	scoped(store_close) struct store *store =
			open_store(path, "token", false);
	if (!store)
		return COMMAND_FAILED;

	enum store_err err =
		remove(store, slice_str(organization), slice_str(which));

	return err ? open_fail(which, err) : COMMAND_OK;
}

static int
delete_run(int argc, char **argv)
{
	const char *path = NULL;
	const char *name = NULL;
	const char *organization = ORGANIZATION_DEFAULT;
	const struct args_option options[] = {
		{"store", "DIR", "the store", &path, NULL, NULL},
		TOKEN_ORG_OPTION(&organization),
	};
	const struct args_command command = {
		.usage = "tarn token delete NAME --store DIR [--org ORG]",
		.summary = "Deletes a token, at once and in every process.\n"
			   "Buckets and objects stay.",
		.options = options,
		.option_count = array_len(options),
		.positional = &name,
		.positional_min = 1,
		.positional_max = 1,
	};

	args_parse(&command, argc, argv);
	return remove_one(&command, path, token_delete, organization, name);
}

static int
revoke_run(int argc, char **argv)
{
	const char *path = NULL;
	const char *access_key = NULL;
	const char *organization = ORGANIZATION_DEFAULT;
	const struct args_option options[] = {
		{"store", "DIR", "the store", &path, NULL, NULL},
		TOKEN_ORG_OPTION(&organization),
	};
	const struct args_command command = {
		.usage = "tarn token revoke ACCESS-KEY --store DIR [--org ORG]",
		.summary = "Deletes a token by its access key: temporary ones\n"
			   "have no name of their own.",
		.options = options,
		.option_count = array_len(options),
		.positional = &access_key,
		.positional_min = 1,
		.positional_max = 1,
	};

	args_parse(&command, argc, argv);
	return remove_one(&command, path, token_revoke, organization,
		access_key);
}

struct config_args {
	const char *path;
	const char *name;
	const char *organization;
	const char *client;
	const char *endpoint;
};

static int
config(const struct args_command *command, const struct config_args *args)
{
	struct slice organization = slice_str(args->organization);
	struct slice name = slice_str(args->name);
	char secret[TOKEN_SECRET_MAX + 1];
	struct token token;

	scoped(store_close) struct store *store =
			open_store(args->path, "token", true);
	if (!store)
		return COMMAND_FAILED;

	enum store_err err = token_get(store, organization, name, &token);

	if (!err)
		err = token_secret(store, organization, name, secret);
	if (err)
		return open_fail(args->name, err);
	if (token.kind == TOKEN_CONTROL) {
		cipher_wipe(secret, sizeof(secret));
		fprintf(stderr, "tarn: %s is for the control API alone\n",
			args->name);
		return COMMAND_FAILED;
	}

	bool is_known = token_config_print(args->client, &token, secret,
		args->endpoint);

	cipher_wipe(secret, sizeof(secret));
	if (!is_known)
		args_refuse(command, "%s is none of %s", args->client,
			TOKEN_CONFIG_CLIENTS);
	return COMMAND_OK;
}

static int
config_run(int argc, char **argv)
{
	struct config_args args = {.organization = ORGANIZATION_DEFAULT};
	const struct args_option options[] = {
		{"store", "DIR", "the store", &args.path, NULL, NULL},
		TOKEN_ORG_OPTION(&args.organization),
		{"for", "CLIENT", TOKEN_CONFIG_CLIENTS, &args.client, NULL,
			NULL},
		{"endpoint", "URL", "as in http://127.0.0.1:9000",
			&args.endpoint, NULL, NULL},
	};
	const struct args_command command = {
		.usage = "tarn token config NAME --for " TOKEN_CONFIG_CLIENTS
			 "\n       --endpoint URL --store DIR [--org ORG]",
		.summary = "Prints a configuration, with the secret, that the\n"
			   "client takes as it is.",
		.options = options,
		.option_count = array_len(options),
		.positional = &args.name,
		.positional_min = 1,
		.positional_max = 1,
	};

	args_parse(&command, argc, argv);
	if (!args.path || !args.client || !args.endpoint)
		args_refuse(&command,
			"--store, --for and --endpoint are all needed");
	if (!token_config_endpoint_is_valid(args.endpoint))
		args_refuse(&command, "%s is not of the form http://HOST:PORT",
			args.endpoint);
	return config(&command, &args);
}

int
token_run(int argc, char **argv)
{
	static const struct args_verb verbs[] = {
		{"create", token_create_run},
		{"list", list_run},
		{"show", show_run},
		{"set", set_run},
		{"delete", delete_run},
		{"revoke", revoke_run},
		{"config", config_run},
	};
	const struct args_command command = {
		.usage = "tarn token create|list|show|set|delete|revoke|config "
			 "...",
		.summary = "Key pairs: each verb has its own --help.",
	};

	return args_run_verb(&command, verbs, array_len(verbs), argc, argv);
}
