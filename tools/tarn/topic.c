/* SPDX-License-Identifier: Apache-2.0 */
/* tarn topic: whom events of buckets are told to. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

#include "s3api/notify/webhook.h"
#include "store/base/cipher.h"
#include "store/base/clock.h"
#include "store/topic.h"
#include "tools/tarn/args.h"
#include "tools/tarn/command.h"
#include "tools/tarn/input.h"
#include "tools/tarn/open.h"
#include "tools/tarn/token_print.h"

struct add_args {
	const char *path;
	const char *url;
	const char *secret_file;
	const char *events;
	const char *days;
	const char *names[2]; /* organization, topic */
};

static uint64_t
read_limit(const struct args_command *command, const char *option,
	const char *text, unsigned long max)
{
	unsigned long number = 0;

	if (text && (!slice_to_u64(slice_str(text), max, &number) || !number))
		args_refuse(command, "--%s takes a number from 1 to %lu",
			option, max);
	return number;
}

/* argv is no place for a secret.  One line; false: the reason is printed. */
static bool
read_secret(const char *path, struct arena *arena, struct slice *secret)
{
	if (!input_read(path, TOPIC_SECRET_MAX + 1, arena, secret))
		return false;
	if (slice_has_suffix(*secret, SLICE("\n")))
		*secret = slice_first(*secret, secret->len - 1);
	if (secret->len >= TOPIC_SECRET_MIN && secret->len <= TOPIC_SECRET_MAX)
		return true;
	fprintf(stderr, "tarn: %s: a secret of %d to %d bytes belongs there\n",
		path, TOPIC_SECRET_MIN, TOPIC_SECRET_MAX);
	return false;
}

static int
add(struct store *store, const struct add_args *args,
	const struct topic_draft *draft)
{
	struct slice region = store_region(store);
	enum store_err err = topic_create(store, draft);

	if (err == STORE_BAD_NAME) {
		fprintf(stderr,
			"tarn: a topic's name has 1 to %d of A-Z a-z 0-9 _ "
			"and -\n",
			TOPIC_NAME_MAX);
		return COMMAND_FAILED;
	}
	if (err)
		return open_fail(err == STORE_NO_ORGANIZATION ? args->names[0]
							      : args->names[1],
			err);
	printf("arn:aws:sns:%.*s:%s:%s\n", (int)region.len, region.data,
		args->names[0], args->names[1]);
	return COMMAND_OK;
}

static int
add_run(int argc, char **argv)
{
	struct add_args args = {0};
	const struct args_option options[] = {
		{"store", "DIR", "the store", &args.path, NULL, NULL},
		{"url", "URL", "http or https, where events are posted to",
			&args.url, NULL, NULL},
		{"secret-file", "FILE", "what signs them (-: stdin)",
			&args.secret_file, NULL, NULL},
		{"max-events", "N",
			"so many may wait, of 512 bytes on average (1000000)",
			&args.events, NULL, NULL},
		{"max-days", "N", "so long one may wait (7)", &args.days, NULL,
			NULL},
	};
	const struct args_command command = {
		.usage = "tarn topic add ORG NAME --url URL [--secret-file "
			 "FILE] [--max-events N] [--max-days N] --store DIR",
		.summary =
			"Makes a topic that buckets of ORG can name in their "
			"notification\nconfiguration; prints its ARN.",
		.options = options,
		.option_count = array_len(options),
		.positional = args.names,
		.positional_min = 2,
		.positional_max = 2,
	};
	scoped(arena_free) struct arena arena = {0};
	struct topic_draft draft = {0};

	args_parse(&command, argc, argv);
	if (!args.path)
		args_refuse(&command, "--store DIR is missing");
	if (!args.url || !webhook_url_is_valid(slice_str(args.url)))
		args_refuse(&command,
			"--url takes a URL of http or https without a "
			"password, as https://example.com/hook");
	draft.organization = slice_str(args.names[0]);
	draft.name = slice_str(args.names[1]);
	draft.url = slice_str(args.url);
	draft.events_max = read_limit(&command, "max-events", args.events,
		TOPIC_EVENTS_MAX);
	draft.days_max = (uint32_t)read_limit(&command, "max-days", args.days,
		TOPIC_DAYS_MAX);
	if (args.secret_file &&
		!read_secret(args.secret_file, &arena, &draft.secret))
		return COMMAND_FAILED;

	scoped(store_close) struct store *store =
			open_store(args.path, "topic", false);
	int status = store ? add(store, &args, &draft) : COMMAND_FAILED;

	if (draft.secret.len > 0)
		cipher_wipe((void *)draft.secret.data, draft.secret.len);
	return status;
}

static int
delete_run(int argc, char **argv)
{
	const char *names[2] = {0};
	const char *path = NULL;
	const struct args_option options[] = {
		{"store", "DIR", "the store", &path, NULL, NULL},
	};
	const struct args_command command = {
		.usage = "tarn topic delete ORG NAME --store DIR",
		.summary = "Deletes a topic, and what waits for it.",
		.options = options,
		.option_count = array_len(options),
		.positional = names,
		.positional_min = 2,
		.positional_max = 2,
	};

	args_parse(&command, argc, argv);
	if (!path)
		args_refuse(&command, "--store DIR is missing");

	scoped(store_close) struct store *store =
			open_store(path, "topic", false);
	if (!store)
		return COMMAND_FAILED;

	enum store_err err =
		topic_delete(store, slice_str(names[0]), slice_str(names[1]));

	return err ? open_fail(names[1], err) : COMMAND_OK;
}

static void
print_json(const struct topic *topics, size_t count)
{
	json_t *root = json_array();

	for (size_t i = 0; i < count; i++) {
		const struct topic *topic = &topics[i];
		char created[25];

		clock_to_iso8601(topic->created_ns, created);
		(void)json_array_append_new(root,
			json_pack("{s:s%, s:s%, s:s%, s:b, s:s, s:I, s:I, s:I, "
				  "s:I}",
				"organization", topic->organization.data,
				topic->organization.len, "name",
				topic->name.data, topic->name.len, "url",
				topic->url.data, topic->url.len, "signed",
				topic->has_secret, "created", created,
				"maxEvents", (json_int_t)topic->events_max,
				"maxDays", (json_int_t)topic->days_max,
				"waiting", (json_int_t)topic->waiting,
				"dropped", (json_int_t)topic->dropped));
	}
	token_print_json(root);
}

static void
print_text(const struct topic *topics, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct topic *topic = &topics[i];

		printf("%.*s %.*s %.*s%s waiting=%" PRIu64 " dropped=%" PRIu64
		       "\n",
			(int)topic->organization.len, topic->organization.data,
			(int)topic->name.len, topic->name.data,
			(int)topic->url.len, topic->url.data,
			topic->has_secret ? " signed" : "", topic->waiting,
			topic->dropped);
	}
}

static int
list_run(int argc, char **argv)
{
	const char *path = NULL;
	const char *organization = NULL;
	bool json = false;
	const struct args_option options[] = {
		{"store", "DIR", "the store", &path, NULL, NULL},
		{"json", NULL, "print JSON", NULL, &json, NULL},
	};
	const struct args_command command = {
		.usage = "tarn topic list [ORG] --store DIR [--json]",
		.summary = "Lists topics, how many events wait for them, and "
			   "how many were\ndropped: too many, or too old.",
		.options = options,
		.option_count = array_len(options),
		.positional = &organization,
		.positional_max = 1,
	};
	scoped(arena_free) struct arena arena = {0};
	struct topic *topics;
	size_t count;

	args_parse(&command, argc, argv);
	if (!path)
		args_refuse(&command, "--store DIR is missing");

	scoped(store_close) struct store *store =
			open_store(path, "topic", true);
	if (!store)
		return COMMAND_FAILED;

	struct slice wanted =
		organization ? slice_str(organization) : SLICE_NULL;
	enum store_err err =
		organization ? organization_check(store, wanted) : STORE_OK;

	if (!err)
		err = topic_list(store, wanted, &arena, &topics, &count);
	if (err)
		return open_fail(organization ? organization
					      : "cannot list topics",
			err);
	if (json)
		print_json(topics, count);
	else
		print_text(topics, count);
	return COMMAND_OK;
}

int
topic_run(int argc, char **argv)
{
	static const struct args_verb verbs[] = {
		{"add", add_run},
		{"list", list_run},
		{"delete", delete_run},
	};
	const struct args_command command = {
		.usage = "tarn topic add|list|delete ...",
		.summary = "Whom events of buckets are told to: each verb has "
			   "its own --help.",
	};

	return args_run_verb(&command, verbs, array_len(verbs), argc, argv);
}
