/* SPDX-License-Identifier: Apache-2.0 */
/* audit_private.h - the files of an audit log, and their delivery. */
#pragma once

#include "store/audit.h"

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

/* Puts each file that nobody writes to into the bucket and removes it. */
must_check enum store_err audit_deliver(struct store *store, int dir_fd,
	uint64_t bucket);
