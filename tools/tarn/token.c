/* SPDX-License-Identifier: Apache-2.0 */
#include "store/token.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/base/cipher.h"
#include "store/base/clock.h"
#include "tools/tarn/args.h"
#include "tools/tarn/command.h"
#include "tools/tarn/open.h"
#include "tools/tarn/token_config.h"

static void
print_pair(const struct token *token, const char *secret)
{
	printf("name       %s\naccess key %s\n", token->name,
		token->access_key);
	if (secret)
		printf("secret key %s\n", secret);
	printf("level      %s\nregion     %s\n", token_level_name(token->level),
		token->region);
}

static json_t *
token_json(const struct token *token, const char *secret)
{
	char created[25];

	clock_to_iso8601(token->created_ns, created);
	json_t *root = json_pack("{s:s, s:s, s:s, s:s, s:s}", "name",
		token->name, "accessKey", token->access_key, "level",
		token_level_name(token->level), "region", token->region,
		"created", created);

	if (secret)
		(void)json_object_set_new(root, "secretKey",
			json_string(secret));
	return root;
}

static void
print_json(json_t *root)
{
	(void)json_dumpf(root, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(root);
}

static void
print_token(const struct token *token, const char *secret, bool json)
{
	if (json)
		print_json(token_json(token, secret));
	else
		print_pair(token, secret);
}

/* The first line of the file: argv is no place for a secret. */
static bool
read_secret(const char *path, char secret[TOKEN_SECRET_MAX + 1], size_t *len)
{
	char buffer[TOKEN_SECRET_MAX + 2];
	int fd = strcmp(path, "-") ? open(path, O_RDONLY | O_CLOEXEC)
				   : dup(STDIN_FILENO);
	size_t have = 0;
	ssize_t got = fd < 0 ? -1 : 1;

	while (got > 0 && have < sizeof(buffer)) {
		got = read(fd, buffer + have, sizeof(buffer) - have);
		have += got > 0 ? (size_t)got : 0;
	}
	if (got < 0)
		fprintf(stderr, "tarn: %s: %s\n", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	if (got < 0)
		return false;

	const char *end = memchr(buffer, '\n', have);

	*len = end ? (size_t)(end - buffer) : have;
	bool fits = *len >= TOKEN_SECRET_MIN && *len <= TOKEN_SECRET_MAX;

	if (fits)
		memcpy(secret, buffer, *len);
	else
		fprintf(stderr,
			"tarn: %s: a secret of %d to %d bytes belongs "
			"on its first line\n",
			path, TOKEN_SECRET_MIN, TOKEN_SECRET_MAX);
	cipher_wipe(buffer, sizeof(buffer));
	return fits;
}

struct create_args {
	const char *path;
	const char *name;
	const char *access_key;
	const char *secret_file;
	const char *region;
	enum token_level level;
	bool json;
};

static int
fail_to_create(const struct create_args *args, enum store_err err)
{
	if (err == STORE_BAD_NAME)
		fprintf(stderr,
			"tarn: names have 1 to %d of A-Z a-z 0-9 . _ - and @, "
			"access keys 3 to %d of A-Z a-z 0-9 . _ and -\n",
			TOKEN_NAME_MAX, TOKEN_ACCESS_KEY_MAX);
	else if (err == STORE_INVALID)
		fprintf(stderr,
			"tarn: %s: a secret may hold printable characters "
			"of ASCII only\n",
			args->secret_file ? args->secret_file : args->name);
	else
		return open_fail(args->name, err);
	return COMMAND_FAILED;
}

static int
create(const struct create_args *args)
{
	char secret[TOKEN_SECRET_MAX + 1] = {0};
	size_t secret_len = 0;
	struct token token;

	if (args->secret_file &&
		!read_secret(args->secret_file, secret, &secret_len))
		return COMMAND_FAILED;

	scoped(store_close) struct store *store =
			open_store(args->path, "token", false);
	if (!store)
		return COMMAND_FAILED;

	enum store_err err = token_create(store, slice_str(args->name),
		args->level,
		args->region ? slice_str(args->region) : store_region(store),
		slice_str(args->access_key), slice_of(secret, secret_len),
		&token);

	cipher_wipe(secret, sizeof(secret));
	if (!err)
		err = token_secret(store, slice_str(token.name), secret);
	if (err)
		return fail_to_create(args, err);
	print_token(&token, secret, args->json);
	cipher_wipe(secret, sizeof(secret));
	return COMMAND_OK;
}

static int
create_run(int argc, char **argv)
{
	struct create_args args = {0};
	const char *level = "full";
	const struct args_option options[] = {
		{"store", "DIR", "the store", &args.path, NULL, NULL},
		{"level", "LEVEL", "read, write, readwrite or full (full)",
			&level, NULL, NULL},
		{"region", "R", "its default region (the store's)",
			&args.region, NULL, NULL},
		{"access-key", "K", "take over this access key",
			&args.access_key, NULL, NULL},
		{"secret-key-file", "FILE", "and the secret in it (-: stdin)",
			&args.secret_file, NULL, NULL},
		{"json", NULL, "print JSON", NULL, &args.json, NULL},
	};
	const struct args_command command = {
		.usage = "tarn token create NAME --store DIR [OPTION]...",
		.summary = "Creates a key pair and prints it.",
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
	if (!token_level_from_name(level, &args.level))
		args_refuse(&command, "%s is not a level", level);
	if (!args.access_key != !args.secret_file)
		args_refuse(&command,
			"--access-key and --secret-key-file go together");
	if (args.access_key && !*args.access_key)
		args_refuse(&command, "--access-key is empty");
	return create(&args);
}

static int
list(struct store *store, bool json)
{
	scoped(arena_free) struct arena arena = {0};
	struct token *tokens;
	size_t count;
	enum store_err err = token_list(store, &arena, &tokens, &count);

	if (err)
		return open_fail("cannot list tokens", err);
	if (json) {
		json_t *root = json_array();

		for (size_t i = 0; i < count; i++)
			(void)json_array_append_new(root,
				token_json(&tokens[i], NULL));
		print_json(root);
		return COMMAND_OK;
	}
	printf("%-24s %-24s %-10s %s\n", "NAME", "ACCESS KEY", "LEVEL",
		"REGION");
	for (size_t i = 0; i < count; i++)
		printf("%-24s %-24s %-10s %s\n", tokens[i].name,
			tokens[i].access_key, token_level_name(tokens[i].level),
			tokens[i].region);
	return COMMAND_OK;
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
		.usage = "tarn token list --store DIR [--json]",
		.summary = "Lists the tokens, without their secrets.",
		.options = options,
		.option_count = array_len(options),
	};

	args_parse(&command, argc, argv);
	if (!path)
		args_refuse(&command, "--store DIR is missing");

	scoped(store_close) struct store *store =
			open_store(path, "token", true);

	return store ? list(store, json) : COMMAND_FAILED;
}

static int
show_run(int argc, char **argv)
{
	const char *path = NULL;
	const char *name = NULL;
	bool json = false;
	bool with_secret = false;
	const struct args_option options[] = {
		{"store", "DIR", "the store", &path, NULL, NULL},
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
	if (!store)
		return COMMAND_FAILED;

	char secret[TOKEN_SECRET_MAX + 1] = {0};
	struct token token;
	enum store_err err = token_get(store, slice_str(name), &token);

	if (!err && with_secret)
		err = token_secret(store, slice_str(name), secret);
	if (err)
		return open_fail(name, err);
	print_token(&token, with_secret ? secret : NULL, json);
	cipher_wipe(secret, sizeof(secret));
	return COMMAND_OK;
}

static int
delete_run(int argc, char **argv)
{
	const char *path = NULL;
	const char *name = NULL;
	const struct args_option options[] = {
		{"store", "DIR", "the store", &path, NULL, NULL},
	};
	const struct args_command command = {
		.usage = "tarn token delete NAME --store DIR",
		.summary = "Deletes a token, at once and in every process.\n"
			   "Buckets and objects stay.",
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
			open_store(path, "token", false);
	if (!store)
		return COMMAND_FAILED;

	enum store_err err = token_delete(store, slice_str(name));

	return err ? open_fail(name, err) : COMMAND_OK;
}

static int
config_run(int argc, char **argv)
{
	const char *path = NULL;
	const char *name = NULL;
	const char *client = NULL;
	const char *endpoint = NULL;
	const struct args_option options[] = {
		{"store", "DIR", "the store", &path, NULL, NULL},
		{"for", "CLIENT", TOKEN_CONFIG_CLIENTS, &client, NULL, NULL},
		{"endpoint", "URL", "as in http://127.0.0.1:9000", &endpoint,
			NULL, NULL},
	};
	const struct args_command command = {
		.usage = "tarn token config NAME --for " TOKEN_CONFIG_CLIENTS
			 " --endpoint URL --store DIR",
		.summary = "Prints a configuration, with the secret, that the\n"
			   "client takes as it is.",
		.options = options,
		.option_count = array_len(options),
		.positional = &name,
		.positional_min = 1,
		.positional_max = 1,
	};

	args_parse(&command, argc, argv);
	if (!path || !client || !endpoint)
		args_refuse(&command,
			"--store, --for and --endpoint are all needed");
	if (!token_config_endpoint_is_valid(endpoint))
		args_refuse(&command, "%s is not of the form http://HOST:PORT",
			endpoint);

	scoped(store_close) struct store *store =
			open_store(path, "token", true);
	if (!store)
		return COMMAND_FAILED;

	char secret[TOKEN_SECRET_MAX + 1];
	struct token token;
	enum store_err err = token_get(store, slice_str(name), &token);

	if (!err)
		err = token_secret(store, slice_str(name), secret);
	if (err)
		return open_fail(name, err);

	bool is_known = token_config_print(client, &token, secret, endpoint);

	cipher_wipe(secret, sizeof(secret));
	if (!is_known)
		args_refuse(&command, "%s is none of %s", client,
			TOKEN_CONFIG_CLIENTS);
	return COMMAND_OK;
}

int
token_run(int argc, char **argv)
{
	static const struct args_verb verbs[] = {
		{"create", create_run},
		{"list", list_run},
		{"show", show_run},
		{"delete", delete_run},
		{"config", config_run},
	};
	const struct args_command command = {
		.usage = "tarn token create|list|show|delete|config ...",
		.summary = "Key pairs: each verb has its own --help.",
	};

	return args_run_verb(&command, verbs, array_len(verbs), argc, argv);
}
