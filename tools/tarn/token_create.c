/* SPDX-License-Identifier: Apache-2.0 */
/* tarn token create: a new key pair, or one that comes from elsewhere. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "store/base/cipher.h"
#include "store/base/clock.h"
#include "store/token.h"
#include "tools/tarn/args.h"
#include "tools/tarn/command.h"
#include "tools/tarn/open.h"
#include "tools/tarn/token_print.h"
#include "tools/tarn/token_private.h"

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
	const char *organization;
	const char *expires;
	enum token_level level;
	bool is_control;
	bool json;
};

/* "90d", "12h", "30m" or "45s" from now. */
static bool
parse_expiry(const char *text, int64_t *expires_ns)
{
	static const struct {
		char letter;
		int64_t seconds;
	} units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
	struct slice number = slice_str(text);
	unsigned long count;

	if (number.len < 2)
		return false;
	number.len--;
	for (size_t i = 0; i < array_len(units); i++) {
		if (text[number.len] != units[i].letter)
			continue;
		if (!slice_to_u64(number, 36500, &count) || count == 0)
			return false;
		*expires_ns = clock_now_ns() + (int64_t)count *
						       units[i].seconds *
						       CLOCK_NS_PER_S;
		return true;
	}
	return false;
}

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
	else if (err == STORE_NO_ORGANIZATION)
		fprintf(stderr,
			"tarn: there is no organization %s; make it with tarn "
			"org create\n",
			args->organization);
	else
		return open_fail(args->name, err);
	return COMMAND_FAILED;
}

static int
create(const struct create_args *args)
{
	char secret[TOKEN_SECRET_MAX + 1] = {0};
	size_t secret_len = 0;
	struct token token, found;
	struct token_draft draft = {
		.name = slice_str(args->name),
		.organization = slice_str(args->organization),
		.region = slice_str(args->region),
		.access_key = slice_str(args->access_key),
		.level = args->level,
		.kind = args->is_control ? TOKEN_CONTROL : TOKEN_PERMANENT,
	};

	if (args->expires)
		(void)parse_expiry(args->expires, &draft.expires_ns);
	if (args->secret_file &&
		!read_secret(args->secret_file, secret, &secret_len))
		return COMMAND_FAILED;

	scoped(store_close) struct store *store =
			open_store(args->path, "token", false);
	if (!store)
		return COMMAND_FAILED;

	draft.secret = slice_of(secret, secret_len);

	enum store_err err = token_create(store, &draft, &token);

	cipher_wipe(secret, sizeof(secret));
	if (!err)
		err = token_find(store, slice_str(token.access_key), &found,
			secret);
	if (err)
		return fail_to_create(args, err);
	token_print(&token, secret, 0, args->json);
	cipher_wipe(secret, sizeof(secret));
	return COMMAND_OK;
}

int
token_create_run(int argc, char **argv)
{
	struct create_args args = {.organization = ORGANIZATION_DEFAULT};
	const char *level = "full";
	int64_t expires_ns;
	const struct args_option options[] = {
		{"store", "DIR", "the store", &args.path, NULL, NULL},
		{"level", "LEVEL", "read, write, readwrite or full (full)",
			&level, NULL, NULL},
		TOKEN_ORG_OPTION(&args.organization),
		{"region", "R", "its default region (the store's)",
			&args.region, NULL, NULL},
		{"expires", "TIME", "ends after 90d, 12h, 30m or 45s (never)",
			&args.expires, NULL, NULL},
		{"control", NULL, "a bearer token for the control API", NULL,
			&args.is_control, NULL},
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
	if (args.expires && !parse_expiry(args.expires, &expires_ns))
		args_refuse(&command, "%s is no time, as 90d, 12h, 30m or 45s",
			args.expires);
	if (args.is_control && args.access_key)
		args_refuse(&command,
			"a token for the control API is always drawn");
	if (!args.access_key != !args.secret_file)
		args_refuse(&command,
			"--access-key and --secret-key-file go together");
	if (args.access_key && !*args.access_key)
		args_refuse(&command, "--access-key is empty");
	return create(&args);
}
