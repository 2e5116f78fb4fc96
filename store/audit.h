/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit.h - the audit log: lines of JSON in, files out, and where wanted from
 * there into a bucket.
 *
 * A file is begun anew when it has grown or aged beyond a limit; its name
 * tells when it was begun, and by whom:
 *
 *	DIR/audit-20261125T180000.123Z-serve-4711-0.jsonl
 *
 * Several processes may log into one directory.  With a bucket, a file that
 * nobody writes to any more becomes the object
 * data-plane/2026/11/25/<name>.gz, durably, and is then removed; what a
 * process that was killed left behind is delivered by the next one.  A file
 * that cannot be read stays, is counted by store_status(), and tried again each
 * ten minutes.
 *
 * A line reaches the kernel within a tenth of a second, the disk when its file
 * is complete or the log is closed.
 *
 * Threads:   any, also fibers.
 * Failure:   a disk that does not take lines is tried again until it does;
 *            meanwhile audit_append() waits or drops, as it was told.
 */
#pragma once

#include "store/bucket.h"
#include "store/store.h"

struct audit_options {
	const char *dir;     /* made where it is missing; 0700 */
	const char *role;    /* letters alone */
	uint64_t file_bytes; /* 0: 64 MiB */
	int64_t file_ms;     /* 0: an hour */
	bool drops;	     /* rather than wait, where the disk lags behind */
	/* NULL: files stay.  Made where it is missing, for organization, which
	 * must own one that is there. */
	const char *bucket;
	const char *organization;
	/* In place of the bucket, where it is not NULL: what is done with the
	 * lines of a complete file before it goes.  On failure the file stays
	 * and is tried again; *is_unreadable: the file itself is why. */
	enum store_err (*take)(struct store *store, struct slice name, int fd,
		bool *is_unreadable);
};

struct audit;

/* store: for the bucket.  ACCESS, NOT_DIR, and what bucket_create() gives;
 * BUCKET_EXISTS: the bucket is another organization's. */
must_check enum store_err audit_open(struct store *store,
	const struct audit_options *options, struct audit **out);

/* From deadline_ms on nobody waits for the disk: what there is no room for is
 * dropped.  For who is to end, and would not for who waits.  NULL is allowed.
 */
void audit_wait_until(struct audit *audit, int64_t deadline_ms);

/* Completes and delivers the last file.  NULL is allowed. */
void audit_close(struct audit **audit);

/* One line, without its end. */
void audit_append(struct audit *audit, struct slice line);

/* How many lines have been dropped. */
uint64_t audit_dropped(struct audit *audit);

/* --- audit_choice.c ------------------------------------------------------- */

/* Whether what is asked of the bucket, and opened in it, shall stand in the
 * log: as was chosen for it, else for its owner; else it shall.  Who writes
 * lines asks. */
bool audit_choice_of_bucket(struct store *store, const struct bucket *bucket);
bool audit_choice_of_organization(struct store *store,
	struct slice organization);

/* Durable; NULL: nothing is chosen any more.  NO_ORGANIZATION. */
must_check enum store_err audit_choice_set_bucket(struct store *store,
	uint64_t bucket, const bool *is_wanted);
must_check enum store_err audit_choice_set_organization(struct store *store,
	struct slice organization, const bool *is_wanted);
