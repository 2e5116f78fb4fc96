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

/* What the codes mean here. */
static int
fail(const struct backup_options *options, enum store_err err)
{
	const char *why = error_sentence(err);

	if (err == STORE_NOT_EMPTY)
		why = "there is something else than backups in it";
	else if (err == STORE_BAD_KEY)
		why = "the backups in it are of another store";
	else if (err == STORE_INVALID)
		why = "it lies in the store itself";
	else if (err == STORE_BUSY)
		why = "another backup is being made there";
	else if (err == STORE_EXISTS)
		why = "nothing has changed since the last backup there";
	else if (err == STORE_NOT_FOUND && options->since)
		why = "it has no backup of the commit that --since names";
	else if (err == STORE_CANCELED)
		why = "interrupted; nothing is left of it";
	fprintf(stderr, "tarn: %s: %s\n", options->to, why);
	return COMMAND_FAILED;
}

static int
backup(const char *path, const struct backup_options *options)
{
	struct backup_result result;
	scoped(store_close) struct store *store =
			open_store(path, "backup", false);

	if (!store)
		return COMMAND_FAILED;

	enum store_err err = backup_make(store, options, &result);

	if (err)
		return fail(options, err);
	printf("backup %" PRIu64 ": %" PRIu64 " files copied, %" PRIu64
	       " bytes; %" PRIu64 " shared with the one before",
		result.commit, result.copied, result.copied_bytes,
		result.shared);
	if (result.damaged || result.missing)
		printf("; %" PRIu64 " damaged, %" PRIu64 " missing",
			result.damaged, result.missing);
	printf("\n");
	return result.damaged || result.missing ? COMMAND_FOUND : COMMAND_OK;
}

int
backup_run_command(int argc, char **argv)
{
	const char *path = NULL;
	const char *since = "0";
	struct backup_options options = {
		.goes_on = goes_on,
		.report = print_damage,
	};
	const struct args_option words[] = {
		{"store", "DIR", "the store; it may be in use", &path, NULL,
			NULL},
		{"to", "DIR", "where backups lie; new, empty or with some",
			&options.to, NULL, NULL},
		{"since", "COMMIT",
			"share what has not changed since that backup there",
			&since, NULL, NULL},
	};
	const struct args_command command = {
		.usage = "tarn backup --store DIR --to DIR [--since COMMIT]",
		.summary =
			"Makes a copy of a store as it is at one moment, in\n"
			"DIR/COMMIT, and prints the commit.",
		.options = words,
		.option_count = array_len(words),
	};

	args_parse(&command, argc, argv);
	if (!path)
		args_refuse(&command, "--store DIR is missing");
	if (!options.to)
		args_refuse(&command, "--to DIR is missing");
	options.since = args_number(&command, "since", since, 0, UINT64_MAX);

	process_note_interrupts();
	return backup(path, &options);
}
