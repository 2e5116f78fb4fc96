/* SPDX-License-Identifier: Apache-2.0 */
/* tarn get users, tarn delete user. */
#include "tools/tarn/users.h"

#include <jansson.h>
#include <string.h>

#include "tools/tarn/args.h"
#include "tools/tarn/command.h"
#include "tools/tarn/manifest.h"
#include "tools/tarn/open.h"
#include "tools/tarn/token_print.h"

void
users_of_manifest(const struct manifest_user *wanted, struct user *out)
{
	*out = (struct user){0};
	/* They were bounded when they were read. */
	(void)slice_to_str(wanted->namespace, out->namespace,
		sizeof(out->namespace));
	(void)slice_to_str(wanted->name, out->name, sizeof(out->name));
	(void)slice_to_str(wanted->owner, out->owner, sizeof(out->owner));
	(void)slice_to_str(wanted->secret_name, out->secret_name,
		sizeof(out->secret_name));
}

/* --- get ------------------------------------------------------------------ */

struct shown {
	struct user user;
	const char *access;
	const char *status; /* "DELETED": its token is gone */
};

static enum store_err
find_token(struct store *store, struct shown *shown)
{
	struct token token;
	enum store_err err = token_get(store, slice_str(shown->user.owner),
		slice_str(shown->user.name), &token);

	shown->access = "-";
	shown->status = "DELETED";
	if (err == STORE_NO_TOKEN)
		return STORE_OK;
	if (err || strcmp(token.access_key, shown->user.access_key) != 0)
		return err;
	shown->access = token_level_name(token.level);
	shown->status = token_status(&token, 0);
	return STORE_OK;
}

static void
print_yaml(const struct shown *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct user *user = &list[i].user;

		printf("---\napiVersion: " MANIFEST_API "\nkind: User\n"
		       "metadata:\n  name: %s\n  namespace: %s\nspec:\n"
		       "  owner: %s\n  access: %s\n  secretName: %s\n"
		       "status:\n  objectStorageAccess: %s\n"
		       "  objectStorageId: \"%s:%s\"\n",
			user->name, user->namespace, user->owner,
			list[i].access, user->secret_name, list[i].status,
			user->namespace, user->name);
	}
}

static void
print_json(const struct shown *list, size_t count)
{
	json_t *items = json_array();

	for (size_t i = 0; i < count; i++) {
		const struct user *user = &list[i].user;

		(void)json_array_append_new(items,
			json_pack("{s:s, s:s, s:{s:s, s:s}, "
				  "s:{s:s, s:s, s:s}, s:{s:s, s:o}}",
				"apiVersion", MANIFEST_API, "kind", "User",
				"metadata", "name", user->name, "namespace",
				user->namespace, "spec", "owner", user->owner,
				"access", list[i].access, "secretName",
				user->secret_name, "status",
				"objectStorageAccess", list[i].status,
				"objectStorageId",
				json_sprintf("%s:%s", user->namespace,
					user->name)));
	}
	token_print_json(json_pack("{s:s, s:s, s:o}", "apiVersion", "v1",
		"kind", "List", "items", items));
}

static void
print_table(const struct shown *list, size_t count)
{
	printf("%-24s %-20s %-10s %-22s %s\n", "NAME", "OWNER", "ACCESS",
		"OBJECT STORAGE ACCESS", "OBJECT STORAGE ID");
	for (size_t i = 0; i < count; i++)
		printf("%-24s %-20s %-10s %-22s %s:%s\n", list[i].user.name,
			list[i].user.owner, list[i].access, list[i].status,
			list[i].user.namespace, list[i].user.name);
}

static int
get(struct store *store, const char *namespace, const char *format)
{
	scoped(arena_free) struct arena arena = {0};
	struct user *users;
	struct shown *list;
	size_t count, kept = 0;
	enum store_err err = user_list(store, &arena, &users, &count);

	list = arena_new_array(&arena, err ? 1 : count + 1, struct shown);
	for (size_t i = 0; !err && i < count; i++) {
		if (namespace && strcmp(users[i].namespace, namespace) != 0)
			continue;
		list[kept].user = users[i];
		err = find_token(store, &list[kept++]);
	}
	if (err)
		return open_fail("cannot list users", err);
	if (!strcmp(format, "yaml"))
		print_yaml(list, kept);
	else if (!strcmp(format, "json"))
		print_json(list, kept);
	else
		print_table(list, kept);
	return COMMAND_OK;
}

static int
get_users_run(int argc, char **argv)
{
	const char *path = NULL;
	const char *namespace = NULL;
	const char *format = "table";
	const struct args_option options[] = {
		{"store", "DIR", "the store", &path, NULL, NULL},
		{"namespace", "NS", "of one namespace (all)", &namespace, NULL,
			NULL},
		{"o", "FORMAT", "yaml, json or table (table)", &format, NULL,
			NULL},
	};
	const struct args_command command = {
		.usage = "tarn get users --store DIR [-o FORMAT] "
			 "[--namespace NS]",
		.summary = "Lists the users that manifests have declared.",
		.options = options,
		.option_count = array_len(options),
	};

	args_parse(&command, argc, argv);
	if (!path)
		args_refuse(&command, "--store DIR is missing");
	if (strcmp(format, "yaml") != 0 && strcmp(format, "json") != 0 &&
		strcmp(format, "table") != 0)
		args_refuse(&command, "-o takes yaml, json or table");

	scoped(store_close) struct store *store = open_store(path, "get", true);

	return store ? get(store, namespace, format) : COMMAND_FAILED;
}

/* --- delete --------------------------------------------------------------- */

/* The user of that name; where several namespaces have one, one must be
 * named. */
static int
find_user(struct store *store, const char *namespace, const char *name,
	struct user *out)
{
	scoped(arena_free) struct arena arena = {0};
	struct user *users;
	size_t count, found = 0;
	enum store_err err = user_list(store, &arena, &users, &count);

	if (err)
		return open_fail(name, err);
	for (size_t i = 0; i < count; i++) {
		if (strcmp(users[i].name, name) != 0 ||
			(namespace &&
				strcmp(users[i].namespace, namespace) != 0))
			continue;
		*out = users[i];
		found++;
	}
	if (found == 1)
		return COMMAND_OK;
	fprintf(stderr,
		found ? "tarn: several namespaces have a user %s: say "
			"which by --namespace\n"
		      : "tarn: there is no user %s\n",
		name);
	return COMMAND_FAILED;
}

/* The token first: cut off between the two, it can be done again. */
static int
delete_user(struct store *store, const struct user *user)
{
	enum store_err err = token_revoke(store, slice_str(user->owner),
		slice_str(user->access_key));

	if (!err || err == STORE_NO_TOKEN)
		err = user_delete(store, slice_str(user->namespace),
			slice_str(user->name));
	if (err)
		return open_fail(user->name, err);
	printf("user.objectstorage.coreweave.com \"%s\" deleted\n", user->name);
	return COMMAND_OK;
}

static int
delete_user_run(int argc, char **argv)
{
	const char *path = NULL;
	const char *name = NULL;
	const char *namespace = NULL;
	const char *secret_dir = NULL;
	const struct args_option options[] = {
		{"store", "DIR", "the store", &path, NULL, NULL},
		{"namespace", "NS", "of that namespace", &namespace, NULL,
			NULL},
		{"secret-dir", "DIR", "remove its Secret from there, too",
			&secret_dir, NULL, NULL},
	};
	const struct args_command command = {
		.usage = "tarn delete user NAME --store DIR [OPTION]...",
		.summary = "Deletes a user and its keys, at once and in every\n"
			   "process.  Buckets and objects stay.",
		.options = options,
		.option_count = array_len(options),
		.positional = &name,
		.positional_min = 1,
		.positional_max = 1,
	};
	struct user user;

	args_parse(&command, argc, argv);
	if (!path)
		args_refuse(&command, "--store DIR is missing");

	scoped(store_close) struct store *store =
			open_store(path, "delete", false);
	if (!store)
		return COMMAND_FAILED;

	int status = find_user(store, namespace, name, &user);

	if (status == COMMAND_OK)
		status = delete_user(store, &user);
	if (status == COMMAND_OK && secret_dir &&
		!users_secret_remove(secret_dir, &user))
		status = COMMAND_FAILED;
	return status;
}

int
users_get_run(int argc, char **argv)
{
	static const struct args_verb verbs[] = {
		{"users", get_users_run},
		{"user", get_users_run},
	};
	const struct args_command command = {
		.usage = "tarn get users ...",
		.summary = "What manifests have declared.",
	};

	return args_run_verb(&command, verbs, array_len(verbs), argc, argv);
}

int
users_delete_run(int argc, char **argv)
{
	static const struct args_verb verbs[] = {
		{"user", delete_user_run},
		{"users", delete_user_run},
	};
	const struct args_command command = {
		.usage = "tarn delete user NAME ...",
		.summary = "Ends what a manifest has declared.",
	};

	return args_run_verb(&command, verbs, array_len(verbs), argc, argv);
}
