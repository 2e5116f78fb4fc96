/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log.h - one line an event, to standard error.
 *
 * Text: "2026-11-21T20:18:00.000Z info  message key=value"; JSON: one object
 * a line.  Control characters are escaped.  Secrets are never passed here.
 *
 * Where standard error is a pipe or a socket that takes no more, lines are
 * dropped rather than waited for; the next one that it takes ends with their
 * number: "lines_dropped=3".
 *
 * Threads: any; a line is one write.
 */
#pragma once

#include <stdbool.h>

#include "store/base/compiler.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };
enum log_format { LOG_TEXT, LOG_JSON };

/* Before the first thread starts.  The default: LOG_INFO, LOG_TEXT. */
void log_setup(enum log_level level, enum log_format format);
bool log_wants(enum log_level level);

/* False on an unknown name. */
bool log_level_from_name(const char *name, enum log_level *level);

void log_error(const char *format, ...) printf_like(1, 2);
void log_warn(const char *format, ...) printf_like(1, 2);
void log_info(const char *format, ...) printf_like(1, 2);
void log_debug(const char *format, ...) printf_like(1, 2);
