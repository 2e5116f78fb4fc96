/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "tools/tarn/args.h"
#include "tools/tarn/command.h"
#include "tools/tarn/open.h"

int
init_run(int argc, char **argv)
{
	const char *path = NULL;
	const char *region = "default";
	const struct args_option options[] = {
		{"store", "DIR", "where; new or empty", &path, NULL, NULL},
		{"region", "R", "the region clients are told (default)",
			&region, NULL, NULL},
	};
	const struct args_command command = {
		.usage = "tarn init --store DIR [--region R]",
		.summary = "Makes a new store in a new or empty directory.",
		.options = options,
		.option_count = array_len(options),
	};

	args_parse(&command, argc, argv);
	if (!path)
		args_refuse(&command, "--store DIR is missing");
	args_check_region(&command, region);

	enum store_err err =
		store_create(path, slice_str(region), open_key_path());

	if (err == STORE_EXISTS) {
		fprintf(stderr, "tarn: %s is a store already\n", path);
		return COMMAND_FAILED;
	}
	if (err == STORE_NOT_FOUND && open_key_path()) {
		fprintf(stderr,
			"tarn: %s or the key file %s: the directory above it "
			"does not exist; make that first\n",
			path, open_key_path());
		return COMMAND_FAILED;
	}
	if (err == STORE_NOT_FOUND) {
		fprintf(stderr,
			"tarn: %s: the directory above it does not exist; "
			"make that first\n",
			path);
		return COMMAND_FAILED;
	}
	if (err == STORE_NOT_EMPTY) {
		fprintf(stderr,
			"tarn: %s is not empty; a store needs a new or empty "
			"directory\n",
			path);
		return COMMAND_FAILED;
	}
	if (err)
		return open_fail(path, err);
	printf("made a store in %s; next: tarn token create NAME --store %s\n",
		path, path);
	return COMMAND_OK;
}
