/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit_line.h - a line of the audit log that no request of HTTP makes: what a
 * mount opens, what expires.  docs/access.md has the fields.
 *
 *	audit_line_begin(&line, "mount");
 *	audit_line_text(&line, "key", key);
 *	audit_line_end(&line, audit);
 *
 * Threads:   as audit_append().
 */
#pragma once

#include <stdint.h>

#include "store/audit.h"
#include "store/base/buffer.h"

/* The time, an id of its own, and whose line it is. */
void audit_line_begin(struct buffer *line, const char *source);
/* Nothing where the text is empty. */
void audit_line_text(struct buffer *line, const char *name, struct slice text);
void audit_line_number(struct buffer *line, const char *name, uint64_t number);
/* Appends it to the log. */
void audit_line_end(struct buffer *line, struct audit *audit);
