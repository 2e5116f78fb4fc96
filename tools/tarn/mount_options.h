/* SPDX-License-Identifier: Apache-2.0 */
/* mount_options.h - the words about a mount that serve and mount share. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "fs/mount.h"
#include "store/base/slice.h"
#include "tools/tarn/args.h"

struct mount_words {
	const char *mount_point;
	const char *uid;
	const char *gid;
	const char *umask;
	struct args_list sse_c_keys;
	const char *bucket; /* NAME or NAME/PREFIX */
	const char *flags;
	bool is_read_only;
	bool is_small_files;
	bool without_io_uring;
	bool is_private;
	bool is_for_others;
};

/* Rows of a struct args_option table. */
#define MOUNT_OPTIONS(words)                                                   \
	{"bucket", "NAME[/PREFIX]", "mount that directory, not all buckets",   \
		&(words).bucket, NULL, NULL},                                  \
		{"uid", "UID", "owner that S3's objects show (ours)",          \
			&(words).uid, NULL, NULL},                             \
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
		{"no-io-uring", NULL,                                          \
			"answer the kernel by its device, at all events",      \
			NULL, &(words).without_io_uring, NULL},                \
		{"private", NULL, "for the mounting user alone", NULL,         \
			&(words).is_private, NULL},                            \
		{"allow-other", NULL,                                          \
			"for all users; root's mounts are anyway", NULL,       \
			&(words).is_for_others, NULL},                         \
	{                                                                      \
		"flags", "LIST", "more for mount(8): noexec,noatime,...",      \
			&(words).flags, NULL, NULL                             \
	}

#define MOUNT_OPTIONS_SERVE(words)                                             \
	{"mount", "DIR", "mount the buckets there too", &(words).mount_point,  \
		NULL, NULL},                                                   \
		MOUNT_OPTIONS(words)

/* Exits as args_refuse() where a word is wrong. */
void mount_options_check(const struct args_command *command,
	const struct mount_words *words);

/* False, and said on standard error, where a mount would hide the store or
 * the audit log (NULL: none), or lie in it. */
bool mount_options_fit(const struct mount_words *words, const char *store,
	const char *audit);

/* Finds the directory of --bucket.  False, and said on standard error, where
 * there is none. */
bool mount_options_find_top(const struct mount_words *words,
	struct store *store, uint64_t *top);

/* Whether it is a flag of mount(8) that the kernel heeds for any file system:
 * what --flags may list. */
bool mount_options_is_flag(struct slice word);

/* After mount_options_check(). */
void mount_options_fill(const struct mount_words *words,
	struct mount_options *options);
