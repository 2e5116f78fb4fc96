/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

#include "store/scrub.h"
#include "tools/tarn/args.h"
#include "tools/tarn/command.h"
#include "tools/tarn/open.h"
#include "tools/tarn/process.h"

/* Findings of a disk that is lost would fill the memory. */
#define JSON_FINDINGS_MAX 100000

static void
print_finding(const struct scrub_finding *finding, void *context)
{
	(void)context;
	printf("%s: %s (inode %" PRIu64 ", blob %" PRIu64 ")\n",
		scrub_verdict_name(finding->verdict),
		finding->name ? finding->name : "-", finding->ino,
		finding->blob);
}

static void
collect_finding(const struct scrub_finding *finding, void *context)
{
	json_t *list = context;

	if (json_array_size(list) >= JSON_FINDINGS_MAX)
		return;
	json_t *name = finding->name ? json_string(finding->name) : NULL;
	(void)json_array_append_new(list,
		json_pack("{s:s, s:I, s:I, s:o}", "verdict",
			scrub_verdict_name(finding->verdict), "inode",
			(json_int_t)finding->ino, "blob",
			(json_int_t)finding->blob, "name",
			name ? name : json_null()));
}

static void
print_json(const struct scrub_result *result, json_t *findings)
{
	json_t *root =
		json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:b, s:O}",
			"blobs", (json_int_t)result->blobs, "bytes",
			(json_int_t)result->bytes, "computed",
			(json_int_t)result->computed, "damaged",
			(json_int_t)result->damaged, "missing",
			(json_int_t)result->missing, "wellAgain",
			(json_int_t)result->well_again, "passedOver",
			(json_int_t)result->passed_over, "whole",
			result->is_whole, "list", findings);

	(void)json_dumpf(root, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(root);
}

static void
print_text(const struct scrub_result *result)
{
	printf("%" PRIu64 " blobs, %" PRIu64 " bytes read; %" PRIu64
	       " checksums computed; %" PRIu64 " damaged, %" PRIu64
	       " missing, %" PRIu64 " well again, %" PRIu64 " passed over%s\n",
		result->blobs, result->bytes, result->computed, result->damaged,
		result->missing, result->well_again, result->passed_over,
		result->is_whole ? "" : "; interrupted");
}

static bool
goes_on(void *context)
{
	(void)context;
	return !process_is_interrupted();
}

static int
scrub(const char *path, uint64_t rate, bool json)
{
	scoped(store_close) struct store *store =
			open_store(path, "scrub", false);
	if (!store)
		return COMMAND_FAILED;

	json_t *findings = json_array();
	const struct scrub_options options = {
		.bytes_per_s = rate,
		.goes_on = goes_on,
		.report = json ? collect_finding : print_finding,
		.context = findings,
	};
	struct scrub_result result = {0};
	enum store_err err = scrub_run(store, &options, &result);

	if (!err && json)
		print_json(&result, findings);
	else if (!err)
		print_text(&result);
	json_decref(findings);
	if (err == STORE_BUSY) {
		fprintf(stderr,
			"tarn: %s: another process is scrubbing it (tarn serve "
			"does by itself)\n",
			path);
		return COMMAND_FAILED;
	}
	if (err)
		return open_fail(path, err);
	if (result.damaged || result.missing)
		return COMMAND_FOUND;
	return result.is_whole ? COMMAND_OK : COMMAND_FAILED;
}

int
scrub_run_command(int argc, char **argv)
{
	const char *path = NULL;
	const char *rate = "0";
	bool json = false;
	const struct args_option options[] = {
		{"store", "DIR", "the store", &path, NULL, NULL},
		{"rate", "BYTES",
			"read at most so many a second; 0: no limit (0)", &rate,
			NULL, NULL},
		{"json", NULL, "print JSON", NULL, &json, NULL},
	};
	const struct args_command command = {
		.usage = "tarn scrub --store DIR [--rate BYTES] [--json]",
		.summary =
			"Reads all data, compares it with its checksums, and\n"
			"marks what is damaged, so that nobody gets it.",
		.options = options,
		.option_count = array_len(options),
	};

	args_parse(&command, argc, argv);
	if (!path)
		args_refuse(&command, "--store DIR is missing");
	uint64_t bytes_per_s =
		args_number(&command, "rate", rate, 0, UINT64_MAX / 2000);

	process_note_interrupts();
	return scrub(path, bytes_per_s, json);
}
