/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backup.h - a copy of a store as it was at one moment, made while it is in
 * use, and a store made of such a copy.
 *
 *	TO/<commit>/		one backup, named by the commit that it is of
 *	TO/partial/		one that is being made, or was not finished
 *	TO/lock			held by who makes one
 *
 * A backup holds what a store does, and a file `backup` that tells of it, but
 * no line `format`: nobody opens it by mistake.  One that follows another, by
 * `since`, shares with it, by hard links, the files that have not changed: each
 * is whole by itself, and any may be removed.
 *
 * What it holds: docs/backup.md.
 *
 * Threads:   one for each call; the store may be used by others.
 */
#pragma once

#include "store/store.h"

struct backup_options {
	const char *to;			/* new, empty or with backups */
	uint64_t since;			/* 0: copies all */
	bool (*goes_on)(void *context); /* asked often; NULL: to the end */
	void (*report)(const char *text, void *context); /* damage; or NULL */
	void *context;
};

struct backup_result {
	uint64_t commit;
	uint64_t copied;
	uint64_t copied_bytes;
	uint64_t shared;  /* with the one before */
	uint64_t damaged; /* not as they were put there, in the store itself */
	uint64_t missing;
};

/* The store is open for writing.  INVALID: `to` lies in it; NOT_EMPTY: there is
 * something else in `to`; BAD_KEY: backups of another store; BUSY: another one
 * is being made there; EXISTS: nothing was committed since the last one;
 * NOT_FOUND: none of `since`; CANCELED: by goes_on(). */
must_check enum store_err backup_make(struct store *store,
	const struct backup_options *options, struct backup_result *out);

struct restore_options {
	const char *from;
	uint64_t commit;      /* 0: the newest there is */
	const char *to;	      /* new or empty */
	const char *key_path; /* NULL: the key is in the backup */
	bool (*goes_on)(void *context);
	void (*report)(const char *text, void *context);
	void *context;
};

struct restore_result {
	uint64_t commit;
	uint64_t blobs;
	uint64_t bytes;
	uint64_t settled; /* written in place meanwhile: backup.md */
	uint64_t damaged;
	uint64_t missing;
	uint64_t findings; /* what fsck finds and does not repair */
};

/* Makes a store, as after a power cut at the moment of the backup, and looks
 * at every byte of it.  NOT_FOUND (no such backup), NOT_EMPTY, EXISTS (a
 * store), UNEXAMINED (what a restore that was interrupted has left), CANCELED.
 * Until it ends nobody can open the store. */
must_check enum store_err backup_restore(const struct restore_options *options,
	struct restore_result *out);
