/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/tarn/audit_options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/bucket.h"
#include "tools/tarn/open.h"

#define OWNER "default"
#define FILE_BYTES_MIN (64ul << 10)
#define FILE_BYTES_MAX (1ul << 40)
#define FILE_SECONDS_MAX (365ul * 24 * 3600)

void
audit_options_check(const struct args_command *command,
	const struct audit_words *words, const struct mount_words *mount)
{
	if (!words->dir && (words->file_bytes || words->file_seconds ||
				   words->when_full || words->bucket))
		args_refuse(command, "--audit DIR is missing");
	if (words->dir && mount->is_small_files)
		args_refuse(command,
			"with --small-files the kernel opens files without "
			"asking, and --audit would not see it: choose one of "
			"them");
	if (words->file_bytes)
		(void)args_number(command, "audit-file-bytes",
			words->file_bytes, FILE_BYTES_MIN, FILE_BYTES_MAX);
	if (words->file_seconds)
		(void)args_number(command, "audit-file-seconds",
			words->file_seconds, 1, FILE_SECONDS_MAX);
	if (words->when_full && strcmp(words->when_full, "block") != 0 &&
		strcmp(words->when_full, "drop") != 0)
		args_refuse(command, "--audit-when-full takes block or drop");
	if (words->bucket && !bucket_name_is_valid(slice_str(words->bucket)))
		args_refuse(command,
			"--audit-bucket takes the name of a bucket");
}

static uint64_t
number_in(const char *text)
{
	return text ? strtoull(text, NULL, 10) : 0;
}

bool
audit_options_open(struct store *store, const struct audit_words *words,
	const char *role, struct audit **out)
{
	const struct audit_options options = {
		.dir = words->dir,
		.role = role,
		.file_bytes = number_in(words->file_bytes),
		.file_ms = 1000 * (int64_t)number_in(words->file_seconds),
		.drops = words->when_full &&
			 strcmp(words->when_full, "drop") == 0,
		.bucket = words->bucket,
		.organization = OWNER,
	};

	*out = NULL;
	if (!words->dir)
		return true;
	enum store_err err = audit_open(store, &options, out);

	if (err == STORE_BUCKET_EXISTS)
		fprintf(stderr,
			"tarn: --audit-bucket %s: belongs to another "
			"organization than " OWNER "\n",
			words->bucket);
	else if (err)
		(void)open_fail(words->dir, err);
	return !err;
}
