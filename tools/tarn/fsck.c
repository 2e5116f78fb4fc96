/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

#include "store/check.h"
#include "tools/tarn/args.h"
#include "tools/tarn/command.h"
#include "tools/tarn/open.h"

/* Findings of a large, badly damaged store would fill the memory. */
#define JSON_FINDINGS_MAX 100000

static void
print_finding(const struct check_finding *finding, void *context)
{
	(void)context;
	printf("%s: %s%s", check_kind_name(finding->kind), finding->text,
		finding->is_repaired ? " (repaired)" : "");
	if (finding->count > 1)
		printf(" (%" PRIu64 " times)", finding->count);
	putchar('\n');
}

static void
collect_finding(const struct check_finding *finding, void *context)
{
	json_t *list = context;

	if (json_array_size(list) >= JSON_FINDINGS_MAX)
		return;
	(void)json_array_append_new(list,
		json_pack("{s:s, s:s, s:b, s:I}", "kind",
			check_kind_name(finding->kind), "text", finding->text,
			"repaired", finding->is_repaired, "count",
			(json_int_t)finding->count));
}

static void
print_json(const struct check_result *result, json_t *findings)
{
	json_t *root =
		json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:O}",
			"buckets", (json_int_t)result->buckets, "inodes",
			(json_int_t)result->inodes, "dentries",
			(json_int_t)result->dentries, "blobs",
			(json_int_t)result->blobs, "uploads",
			(json_int_t)result->uploads, "bytes",
			(json_int_t)result->bytes, "findings",
			(json_int_t)result->findings, "repaired",
			(json_int_t)result->repaired, "list", findings);

	(void)json_dumpf(root, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(root);
}

int
fsck_run(int argc, char **argv)
{
	const char *path = NULL;
	bool repair = false;
	bool json = false;
	const struct args_option options[] = {
		{"store", "DIR", "the store", &path, NULL, NULL},
		{"repair", NULL, "repair what can be repaired", NULL, &repair,
			NULL},
		{"json", NULL, "print JSON", NULL, &json, NULL},
	};
	const struct args_command command = {
		.usage = "tarn fsck --store DIR [--repair] [--json]",
		.summary =
			"Checks every invariant of a store.  A store in use\n"
			"can be checked; repairs need it to themselves.",
		.options = options,
		.option_count = array_len(options),
	};

	args_parse(&command, argc, argv);
	if (!path)
		args_refuse(&command, "--store DIR is missing");

	scoped(store_close) struct store *store =
			open_store(path, "fsck", !repair);
	if (!store)
		return COMMAND_FAILED;

	json_t *findings = json_array();
	struct check_result result = {0};
	enum store_err err = check_store(store,
		repair ? CHECK_REPAIR : CHECK_LOOK,
		json ? collect_finding : print_finding, findings, &result);

	if (err == STORE_BUSY) {
		fprintf(stderr,
			"tarn: %s is in use: stop serve and mount "
			"before a repair\n",
			path);
		json_decref(findings);
		return COMMAND_FAILED;
	}
	if (!err && json)
		print_json(&result, findings);
	json_decref(findings);
	if (err)
		return open_fail(path, err);
	if (!json)
		printf("%" PRIu64 " buckets, %" PRIu64 " inodes, %" PRIu64
		       " names, %" PRIu64 " blobs, %" PRIu64
		       " uploads, %" PRIu64 " bytes: %" PRIu64
		       " findings, %" PRIu64 " repaired\n",
			result.buckets, result.inodes, result.dentries,
			result.blobs, result.uploads, result.bytes,
			result.findings, result.repaired);
	return result.findings > result.repaired ? COMMAND_FOUND : COMMAND_OK;
}
