/* SPDX-License-Identifier: Apache-2.0 */
/* mount_options.h - the words about a mount that serve and mount share. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "fs/mount.h"
#include "tools/tarn/args.h"

struct mount_words {
	const char *mount_point;
	const char *uid;
	const char *gid;
	const char *umask;
	struct args_list sse_c_keys;
	bool is_read_only;
	bool is_small_files;
	bool is_private;
};

/* Rows of a struct args_option table. */
#define MOUNT_OPTIONS(words)                                                   \
	{"uid", "UID", "owner that S3's objects show (ours)", &(words).uid,    \
		NULL, NULL},                                                   \
		{"gid", "GID", "group that S3's objects show (ours)",          \
			&(words).gid, NULL, NULL},                             \
		{"umask", "OCTAL", "bits that S3's objects lack (022)",        \
			&(words).umask, NULL, NULL},                           \
		{"sse-c-key", "PREFIX=FILE",                                   \
			"key of sealed files below BUCKET/PREFIX; may be "     \
			"repeated",                                            \
			NULL, NULL, &(words).sse_c_keys},                      \
		{"read-only", NULL, "mount read-only", NULL,                   \
			&(words).is_read_only, NULL},                          \
		{"small-files", NULL,                                          \
			"read-only; opens and reads small files fastest",      \
			NULL, &(words).is_small_files, NULL},                  \
	{                                                                      \
		"private", NULL, "for the mounting user alone", NULL,          \
			&(words).is_private, NULL                              \
	}

#define MOUNT_OPTIONS_SERVE(words)                                             \
	{"mount", "DIR", "mount the buckets there too", &(words).mount_point,  \
		NULL, NULL},                                                   \
		MOUNT_OPTIONS(words)

/* Exits as args_refuse() where a word is wrong. */
void mount_options_check(const struct args_command *command,
	const struct mount_words *words);

/* False, and said on standard error, where a mount would hide the store or
 * lie in it. */
bool mount_options_fit(const struct mount_words *words, const char *store);

/* After mount_options_check(). */
void mount_options_fill(const struct mount_words *words,
	struct mount_options *options);
