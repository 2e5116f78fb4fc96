/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

#include "store/base/text.h"
#include "store/lifecycle.h"
#include "tools/tarn/args.h"
#include "tools/tarn/command.h"
#include "tools/tarn/open.h"
#include "tools/tarn/process.h"

struct lifecycle_args {
	const char *path;
	bool is_dry;
	bool json;
};

/* A key may hold what a terminal takes for a command. */
static void
print_finding(const struct lifecycle_finding *finding, void *context)
{
	const struct lifecycle_args *args = context;
	scoped(buffer_free) struct buffer encoded = {0};
	char id[VERSION_ID_LEN + 1];

	text_json_escape(&encoded, finding->key);
	printf("%s%s %s/%.*s", args->is_dry ? "would be " : "",
		finding->is_upload ? "aborted: upload of" : "deleted:",
		finding->bucket->name, (int)encoded.len, encoded.data);
	if (finding->version) {
		version_text(finding->version, id);
		printf(" version %s", id);
	}
	putchar('\n');
}

static void
print_json(const struct lifecycle_result *result)
{
	json_t *root = json_pack("{s:I, s:I, s:I, s:I, s:I, s:b}", "objects",
		(json_int_t)result->objects, "versions",
		(json_int_t)result->versions, "bytes",
		(json_int_t)result->bytes, "uploads",
		(json_int_t)result->uploads, "failedBuckets",
		(json_int_t)result->failed, "whole", result->is_whole);

	(void)json_dumpf(root, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(root);
}

static void
print_text(const struct lifecycle_result *result)
{
	printf("%" PRIu64 " objects, %" PRIu64 " versions, %" PRIu64
	       " bytes; %" PRIu64 " uploads%s\n",
		result->objects, result->versions, result->bytes,
		result->uploads, result->is_whole ? "" : "; interrupted");
	if (result->failed)
		printf("%" PRIu64 " buckets failed; the log says why\n",
			result->failed);
}

static bool
goes_on(void *context)
{
	(void)context;
	return !process_is_interrupted();
}

static int
run(struct lifecycle_args *args)
{
	scoped(store_close) struct store *store =
			open_store(args->path, "lifecycle", args->is_dry);
	if (!store)
		return COMMAND_FAILED;

	const struct lifecycle_options options = {
		.is_dry = args->is_dry,
		.goes_on = goes_on,
		.report = args->json ? NULL : print_finding,
		.context = args,
	};
	struct lifecycle_result result = {0};
	enum store_err err = lifecycle_run(store, &options, &result);

	if (err == STORE_BUSY) {
		fprintf(stderr, "tarn: %s: another process is at it\n",
			args->path);
		return COMMAND_FAILED;
	}
	if (err)
		return open_fail(args->path, err);
	if (args->json)
		print_json(&result);
	else
		print_text(&result);
	return result.is_whole && !result.failed ? COMMAND_OK : COMMAND_FAILED;
}

int
lifecycle_run_command(int argc, char **argv)
{
	struct lifecycle_args args = {0};
	const struct args_option options[] = {
		{"store", "DIR", "the store", &args.path, NULL, NULL},
		{"dry-run", NULL, "tell what is due, and change nothing", NULL,
			&args.is_dry, NULL},
		{"json", NULL, "print JSON, of the sums alone", NULL,
			&args.json, NULL},
	};
	const struct args_command command = {
		.usage = "tarn lifecycle --store DIR [--dry-run] [--json]",
		.summary = "Deletes what is due by the lifecycle rules of all\n"
			   "buckets, as tarn serve does once a day.",
		.options = options,
		.option_count = array_len(options),
	};

	args_parse(&command, argc, argv);
	if (!args.path)
		args_refuse(&command, "--store DIR is missing");
	process_note_interrupts();
	return run(&args);
}
