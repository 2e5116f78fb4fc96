/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/tarn/token_print.h"

#include <stdio.h>

#include "store/base/clock.h"
#include "tools/tarn/command.h"
#include "tools/tarn/open.h"

static const char *
kind_name(enum token_kind kind)
{
	switch (kind) {
	case TOKEN_PERMANENT:
		return "permanent";
	case TOKEN_TEMPORARY:
		return "temporary";
	case TOKEN_CONTROL:
		return "control";
	}
	return "unknown";
}

static void
print_text(const struct token *token, const char *secret, int64_t used_ns)
{
	char time[25];

	printf("name       %s\nkind       %s\naccess key %s\n", token->name,
		kind_name(token->kind), token->access_key);
	if (secret && token->kind == TOKEN_CONTROL)
		printf("bearer     %s.%s\n", token->access_key, secret);
	else if (secret)
		printf("secret key %s\n", secret);
	printf("level      %s\norg        %s\nregion     %s\n",
		token_level_name(token->level), token->organization,
		token->region);
	printf("status     %s\n", token_status(token, clock_now_ns()));
	if (token->expires_ns) {
		clock_to_iso8601(token->expires_ns, time);
		printf("expires    %s\n", time);
	}
	if (used_ns) {
		clock_to_iso8601(used_ns, time);
		printf("last used  %s\n", time);
	}
}

static void
add_text(json_t *root, const char *name, const char *text)
{
	if (text[0])
		(void)json_object_set_new(root, name, json_string(text));
}

static void
add_time(json_t *root, const char *name, int64_t time_ns)
{
	char text[25];

	if (!time_ns)
		return;
	clock_to_iso8601(time_ns, text);
	add_text(root, name, text);
}

static json_t *
to_json(const struct token *token, const char *secret, int64_t used_ns)
{
	json_t *root = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "name",
		token->name, "kind", kind_name(token->kind), "accessKey",
		token->access_key, "level", token_level_name(token->level),
		"organization", token->organization, "region", token->region,
		"status", token_status(token, clock_now_ns()));

	add_time(root, "created", token->created_ns);
	add_time(root, "expires", token->expires_ns);
	add_time(root, "lastUsed", used_ns);
	add_text(root, "role", token->role);
	if (secret && token->kind == TOKEN_CONTROL)
		(void)json_object_set_new(root, "bearerToken",
			json_sprintf("%s.%s", token->access_key, secret));
	else if (secret)
		add_text(root, "secretKey", secret);
	return root;
}

void
token_print_json(json_t *root)
{
	(void)json_dumpf(root, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(root);
}

void
token_print(const struct token *token, const char *secret, int64_t used_ns,
	bool json)
{
	if (json)
		token_print_json(to_json(token, secret, used_ns));
	else
		print_text(token, secret, used_ns);
}

static void
print_row(const struct token *token, int64_t used_ns)
{
	char expires[25] = "never";
	char used[25] = "-";

	if (token->expires_ns)
		clock_to_iso8601(token->expires_ns, expires);
	if (used_ns)
		clock_to_iso8601(used_ns, used);
	/* Seconds are enough here. */
	printf("%-20s %-16s %-20s %-10s %-9s %-9s %-12s %-19.19s %.19s\n",
		token->name, token->organization, token->access_key,
		token_level_name(token->level), kind_name(token->kind),
		token_status(token, clock_now_ns()), token->region, expires,
		used);
}

int
token_print_all(struct store *store, const struct token *tokens, size_t count,
	bool json)
{
	json_t *list = json ? json_array() : NULL;

	if (!json)
		printf("%-20s %-16s %-20s %-10s %-9s %-9s %-12s %-19s %s\n",
			"NAME", "ORG", "ACCESS KEY", "LEVEL", "KIND", "STATUS",
			"REGION", "EXPIRES", "LAST USED");
	for (size_t i = 0; i < count; i++) {
		int64_t used_ns;
		enum store_err err = token_use_last(store,
			slice_str(tokens[i].access_key), &used_ns);

		if (err) {
			json_decref(list);
			return open_fail(tokens[i].name, err);
		}
		if (json)
			(void)json_array_append_new(list,
				to_json(&tokens[i], NULL, used_ns));
		else
			print_row(&tokens[i], used_ns);
	}
	if (json)
		token_print_json(list);
	return COMMAND_OK;
}
