/* SPDX-License-Identifier: Apache-2.0 */
/*
 * process.h - being a good daemon: signals, readiness, background, limits.
 */
#pragma once

#include <stdbool.h>

#include "tools/tarn/args.h"

/* Sets up the log as --log-level and --log-format say, or exits as
 * args_refuse(). */
void process_log_options(const struct args_command *command, const char *level,
	const char *format);

/*
 * With is_background, leaves a child that goes on in the background, and the
 * caller waits until that child says it is ready, or exits with its status.
 * Before the first thread.
 */
void process_begin(bool is_background);

/* Prints the line, tells systemd (sd_notify(3)) and whoever waits in
 * process_begin(). */
void process_ready(const char *line);

/* Tells systemd that we stop. */
void process_stopping(void);

/* Blocks SIGINT, SIGTERM and SIGHUP in this thread and all it starts, and
 * ignores SIGPIPE. */
void process_block_signals(void);

/* Waits for SIGINT or SIGTERM; calls on_hangup(context) at each SIGHUP (NULL:
 * passes over it). */
int process_wait_signal(void (*on_hangup)(void *context), void *context);

/* From here on SIGINT, SIGTERM and SIGHUP do no more than set what the next
 * one tells: for a command that ends in order when it is asked to. */
void process_note_interrupts(void);
bool process_is_interrupted(void);

/* As many open files as we may have; no core dumps, since memory holds
 * secrets. */
void process_set_limits(void);

/* Lets free() keep up to 64 MiB a thread that the next request can have, where
 * the C library gives back all but 128 KiB.  Before the first thread. */
void process_keep_memory(void);
