/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>

#include "store/backup.h"
#include "tools/tarn/args.h"
#include "tools/tarn/command.h"
#include "tools/tarn/open.h"
#include "tools/tarn/process.h"

static bool
goes_on(void *context)
{
	(void)context;
	return !process_is_interrupted();
}

static void
print_damage(const char *text, void *context)
{
	(void)context;
	fprintf(stderr, "tarn: %s\n", text);
}

static int
fail(const struct restore_options *options, enum store_err err)
{
	if (err == STORE_NOT_FOUND || err == STORE_NOT_DIR)
		fprintf(stderr, "tarn: %s: no such backup there\n",
			options->from);
	else if (err == STORE_EXISTS)
		fprintf(stderr, "tarn: %s is a store already\n", options->to);
	else if (err == STORE_NOT_EMPTY)
		fprintf(stderr,
			"tarn: %s is not empty; a store needs a new or empty "
			"directory\n",
			options->to);
	else if (err == STORE_CANCELED)
		fprintf(stderr, "tarn: interrupted; remove %s\n", options->to);
	else
		return open_fail(options->to, err);
	return COMMAND_FAILED;
}

static int
restore(const struct restore_options *options)
{
	struct restore_result result;
	enum store_err err = backup_restore(options, &result);

	if (err)
		return fail(options, err);
	printf("restored commit %" PRIu64 ": %" PRIu64 " files, %" PRIu64
	       " bytes, all looked at",
		result.commit, result.blobs, result.bytes);
	if (result.settled)
		printf("; %" PRIu64 " were being written in place",
			result.settled);
	if (result.damaged || result.missing || result.findings)
		printf("; %" PRIu64 " damaged, %" PRIu64 " missing, %" PRIu64
		       " findings of fsck",
			result.damaged, result.missing, result.findings);
	printf("\n");
	return result.damaged || result.missing || result.findings
		       ? COMMAND_FOUND
		       : COMMAND_OK;
}

int
restore_run_command(int argc, char **argv)
{
	const char *commit = "0";
	struct restore_options options = {
		.goes_on = goes_on,
		.report = print_damage,
	};
	const struct args_option words[] = {
		{"from", "DIR", "where backups lie", &options.from, NULL, NULL},
		{"commit", "COMMIT", "which one (the newest)", &commit, NULL,
			NULL},
		{"store", "DIR", "where the store is to be; new or empty",
			&options.to, NULL, NULL},
	};
	const struct args_command command = {
		.usage = "tarn restore --from DIR [--commit COMMIT] "
			 "--store DIR",
		.summary = "Makes a store of a backup, and looks at every byte "
			   "of it.",
		.options = words,
		.option_count = array_len(words),
	};

	args_parse(&command, argc, argv);
	options.key_path = open_key_path();
	if (!options.from)
		args_refuse(&command, "--from DIR is missing");
	if (!options.to)
		args_refuse(&command, "--store DIR is missing");
	options.commit = args_number(&command, "commit", commit, 0, UINT64_MAX);

	process_note_interrupts();
	return restore(&options);
}
