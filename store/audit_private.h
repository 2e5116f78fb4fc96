/* SPDX-License-Identifier: Apache-2.0 */
/* audit_private.h - the files of an audit log, and their delivery. */
#pragma once

#include "store/audit.h"
#include "store/base/buffer.h"
#include "store/meta/db.h"

/* The file that lines go to now: locked (flock) while somebody writes it. */
struct audit_file {
	int dir_fd;
	const char *role;
	uint64_t sequence; /* of the next name */
	int fd;		   /* -1: none */
	uint64_t size;
	int64_t began_ms;
};

/* Appends whole lines, to a new file where there is none.  Nothing of them is
 * there after a failure. */
must_check enum store_err audit_file_append(struct audit_file *file,
	struct slice lines);
/* Makes it durable and lets others have it. */
void audit_file_complete(struct audit_file *file);

/* --- audit_deliver.c ------------------------------------------------------ */

/* What one deliverer knows; begins with the first four. */
struct audit_delivery {
	struct store *store;
	int dir_fd;
	uint64_t bucket;
	/* struct audit_options; NULL: the bucket is where they go. */
	enum store_err (*take)(struct store *store, struct slice name, int fd,
		bool *is_unreadable);

	struct buffer unread; /* names, a NUL behind each */
	uint64_t unread_count;
	uint64_t told;	  /* of them, to audit_state.c */
	int64_t again_ms; /* when they are tried again */
};

/* Delivers each file that nobody writes to and removes it.  One
 * that cannot be read is said, and left until some minutes later. */
must_check enum store_err audit_deliver(struct audit_delivery *delivery);

/* --- audit_state.c -------------------------------------------------------- */

/* Files that this session's deliverer could not read. */
must_check enum store_err audit_state_set(struct store *store, uint64_t count);
/* Of a session that has ended. */
must_check enum store_err audit_state_forget(struct store *store,
	uint64_t session);
/* Those of all sessions. */
must_check enum store_err audit_state_sum(struct db_txn *txn, uint64_t *count);
