/* SPDX-License-Identifier: Apache-2.0 */
/* tarn apply: users as a manifest declares them. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "store/base/cipher.h"
#include "store/base/random.h"
#include "store/base/text.h"
#include "tools/tarn/apply_check.h"
#include "tools/tarn/args.h"
#include "tools/tarn/command.h"
#include "tools/tarn/input.h"
#include "tools/tarn/manifest.h"
#include "tools/tarn/open.h"
#include "tools/tarn/users.h"

struct apply {
	const char *path;
	const char *file;
	const char *secret_dir;
	bool is_admin;
	struct store *store;
};

/* The name of an access key to be: the record has it before the token. */
static void
draw_access_key(char to[TOKEN_ACCESS_KEY_MAX + 1])
{
	uint8_t bytes[10];
	char hex[TEXT_HEX_LEN(sizeof(bytes)) + 1];

	random_bytes(bytes, sizeof(bytes));
	text_to_hex(bytes, sizeof(bytes), hex);
	for (char *c = hex; *c; c++)
		*c = *c >= 'a' ? (char)(*c - 'a' + 'A') : *c;
	(void)snprintf(to, TOKEN_ACCESS_KEY_MAX + 1, "TARN%s", hex);
}

/* Makes the token, or gives the one there is the access that is wanted. */
static enum store_err
settle_token(struct apply *apply, const struct manifest_user *wanted,
	const struct user *user, const char **what)
{
	struct slice owner = slice_str(user->owner);
	struct slice name = slice_str(user->name);
	const struct token_change change = {.level = wanted->access};
	const struct token_draft draft = {
		.name = name,
		.organization = owner,
		.access_key = slice_str(user->access_key),
		.secret = SLICE_NULL,
		.level = wanted->access,
	};
	struct token token;
	enum store_err err = token_get(apply->store, owner, name, &token);

	if (err == STORE_NO_TOKEN) {
		*what = "created";
		return token_create(apply->store, &draft, &token);
	}
	if (err)
		return err;
	if (strcmp(token.access_key, user->access_key) != 0)
		return STORE_TOKEN_EXISTS;
	if (token.level == wanted->access)
		return STORE_OK;
	*what = "configured";
	return token_set(apply->store, owner, name, &change, &token);
}

/* *what: "created", "configured" or "unchanged". */
static enum store_err
settle(struct apply *apply, const struct manifest_user *wanted,
	struct user *user, const char **what)
{
	struct user found;
	enum store_err err =
		user_get(apply->store, wanted->namespace, wanted->name, &found);
	bool is_new = err == STORE_NOT_FOUND;

	if (err && !is_new)
		return err;
	users_of_manifest(wanted, user);
	*what = "unchanged";
	if (is_new)
		draw_access_key(user->access_key);
	else
		(void)slice_to_str(slice_str(found.access_key),
			user->access_key, sizeof(user->access_key));
	if (!is_new && strcmp(found.owner, user->owner) != 0)
		return STORE_NOT_PERMITTED;
	if (is_new || strcmp(found.secret_name, user->secret_name) != 0) {
		*what = is_new ? "created" : "configured";
		err = user_put(apply->store, user);
		if (err)
			return err;
	}
	err = settle_token(apply, wanted, user, what);
	/* A token of that name was there before: the user is none. */
	if (err == STORE_TOKEN_EXISTS && is_new &&
		user_delete(apply->store, wanted->namespace, wanted->name))
		return STORE_IO;
	return err;
}

static bool
apply_one(struct apply *apply, const struct manifest_user *wanted)
{
	char secret[TOKEN_SECRET_MAX + 1];
	const char *what;
	struct token token;
	struct user user;
	bool is_good = true;
	enum store_err err = settle(apply, wanted, &user, &what);

	if (!err)
		err = token_find(apply->store, slice_str(user.access_key),
			&token, secret);
	if (err)
		return apply_check_fail(wanted, err);
	fprintf(apply->secret_dir ? stdout : stderr, USERS_RESOURCE "%s %s\n",
		user.name, what);
	if (apply->secret_dir) {
		is_good = users_secret_save(apply->secret_dir, &user, secret);
	} else {
		printf("---\n");
		users_secret_write(stdout, &user, secret);
	}
	cipher_wipe(secret, sizeof(secret));
	return is_good;
}

static int
apply_all(struct apply *apply)
{
	scoped(arena_free) struct arena arena = {0};
	struct manifest_user *users;
	struct manifest_error error;
	struct slice text;
	size_t count;
	bool is_good = true;

	if (!input_read(apply->file, MANIFEST_BYTES_MAX, &arena, &text))
		return COMMAND_FAILED;
	if (!manifest_parse(text, &arena, &users, &count, &error)) {
		fprintf(stderr, "tarn: %s: %s\n", apply->file, error.text);
		return COMMAND_FAILED;
	}

	scoped(store_close) struct store *store =
			open_store(apply->path, "apply", false);
	if (!store)
		return COMMAND_FAILED;
	apply->store = store;

	const struct apply_check check = {
		.store = store,
		.secret_dir = apply->secret_dir,
		.is_admin = apply->is_admin,
	};

	/* All of it is looked at before any of it counts. */
	if (!apply_check_all(&check, users, count))
		return COMMAND_FAILED;
	for (size_t i = 0; i < count; i++)
		is_good = apply_one(apply, &users[i]) && is_good;
	if (fflush(stdout)) {
		fprintf(stderr, "tarn: standard output: %s\n", strerror(errno));
		is_good = false;
	}
	return is_good ? COMMAND_OK : COMMAND_FAILED;
}

int
apply_run(int argc, char **argv)
{
	struct apply apply = {0};
	const struct args_option options[] = {
		{"store", "DIR", "the store", &apply.path, NULL, NULL},
		{"f", "FILE", "the manifest (-: stdin)", &apply.file, NULL,
			NULL},
		{"secret-dir", "DIR", "write each Secret to DIR/NAME (0600)",
			&apply.secret_dir, NULL, NULL},
		{"admin", NULL, "spec.owner may be another than the namespace",
			NULL, &apply.is_admin, NULL},
	};
	const struct args_command command = {
		.usage = "tarn apply -f FILE --store DIR [OPTION]...",
		.summary =
			"Makes users, of kind User in " MANIFEST_API ",\n"
			"and gives those there are the access that is "
			"declared.\n"
			"Each is a token of the organization spec.owner.  "
			"Their\n"
			"Secrets go to standard output, unless --secret-dir.",
		.options = options,
		.option_count = array_len(options),
	};

	args_parse(&command, argc, argv);
	if (!apply.path || !apply.file)
		args_refuse(&command, "--store DIR and -f FILE are needed");
	return apply_all(&apply);
}
