/* SPDX-License-Identifier: Apache-2.0 */
/* audit_options.h - the words about the audit log that serve and mount take. */
#pragma once

#include "store/audit.h"
#include "tools/tarn/args.h"
#include "tools/tarn/mount_options.h"

struct audit_words {
	const char *dir; /* NULL: no log */
	const char *file_bytes;
	const char *file_seconds;
	const char *when_full;
	const char *bucket;
};

/* clang-format off */
#define AUDIT_OPTIONS(words) \
	{"audit", "DIR", "log each request, or open on a mount, there", &(words).dir, \
		NULL, NULL}, \
	{"audit-file-bytes", "N", "begin another file from there on (64 MiB)", \
		&(words).file_bytes, NULL, NULL}, \
	{"audit-file-seconds", "N", "and after that time (3600)", \
		&(words).file_seconds, NULL, NULL}, \
	{"audit-when-full", "WHAT", "block or drop (block)", \
		&(words).when_full, NULL, NULL}, \
	{"audit-bucket", "NAME", "put complete files there, compressed", \
		&(words).bucket, NULL, NULL}
/* clang-format on */

/* Exits as args_refuse() where the words are wrong, or do not go with those
 * about the mount. */
void audit_options_check(const struct args_command *command,
	const struct audit_words *words, const struct mount_words *mount);

/* *out NULL where no log is wanted.  False: the reason has been told. */
must_check bool audit_options_open(struct store *store,
	const struct audit_words *words, const char *role, struct audit **out);
