/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sigpipe.h - keeps SIGPIPE from the calling thread, whose writes then give
 * EPIPE alone; the process's own setting stays as it is.
 */
#pragma once

#include <signal.h>
#include <stdbool.h>

struct sigpipe_state {
	sigset_t mask;
	bool was_pending;
};

void sigpipe_block(struct sigpipe_state *before);
/* Drops one that came meanwhile. */
void sigpipe_restore(const struct sigpipe_state *before);
