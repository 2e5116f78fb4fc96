/* SPDX-License-Identifier: Apache-2.0 */
/*
 * request_audit.h - a request's line of the audit log: who, what, whether it
 * was allowed and by which statement, and what came of it.  docs/access.md has
 * the fields.
 *
 * Of headers only Host and User-Agent are told, and of the target neither the
 * query, which may carry a signature, nor what did not parse.
 *
 * Threads:   the fiber of the connection; waits where the log is full and
 *            is not to drop.
 */
#pragma once

#include "s3api/request.h"
#include "store/audit.h"

/* After the reply. */
void request_audit(const struct request *request, struct audit *audit,
	int64_t started_ns);
