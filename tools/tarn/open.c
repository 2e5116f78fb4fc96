/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/tarn/open.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/tarn/args.h"
#include "tools/tarn/command.h"

int
open_fail(const char *what, enum store_err err)
{
	fprintf(stderr, "tarn: %s: %s\n", what, error_sentence(err));
	return COMMAND_FAILED;
}

const char *
open_key_path(void)
{
	const char *path = getenv(ARGS_KEY_FILE);

	return path && *path ? path : NULL;
}

struct store *
open_store(const char *path, const char *role, bool is_read_only)
{
	const struct store_options options = {
		.path = path,
		.key_path = open_key_path(),
		.role = role,
		.is_read_only = is_read_only,
	};
	struct store *store = NULL;
	enum store_err err = store_open(&options, &store);

	if (err == STORE_CORRUPT && !strcmp(role, "fsck")) {
		fprintf(stderr,
			"tarn: %s: damaged beyond what fsck repairs; go back "
			"to a copy of it\n",
			path);
		return NULL;
	}
	if (err) {
		(void)open_fail(path, err);
		return NULL;
	}
	return store;
}
