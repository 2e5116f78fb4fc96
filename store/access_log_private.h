/* SPDX-License-Identifier: Apache-2.0 */
/* access_log_private.h - the lines of a complete file. */
#pragma once

#include "store/access_log.h"

/* struct audit_options: take().  A line is BUCKET SECONDS TEXT, and any other
 * none of ours. */
must_check enum store_err access_log_deliver(struct store *store,
	struct slice name, int fd, bool *is_unreadable);
