/* SPDX-License-Identifier: Apache-2.0 */
#include "store/base/sigpipe.h"

#include <pthread.h>
#include <stddef.h>
#include <time.h>

static bool
is_pending(void)
{
	sigset_t pending;

	sigemptyset(&pending);
	sigpending(&pending);
	return sigismember(&pending, SIGPIPE) == 1;
}

void
sigpipe_block(struct sigpipe_state *before)
{
	sigset_t pipe;

	sigemptyset(&pipe);
	sigaddset(&pipe, SIGPIPE);
	before->was_pending = is_pending();
	pthread_sigmask(SIG_BLOCK, &pipe, &before->mask);
}

void
sigpipe_restore(const struct sigpipe_state *before)
{
	static const struct timespec at_once = {0};
	sigset_t pipe;

	sigemptyset(&pipe);
	sigaddset(&pipe, SIGPIPE);
	if (!before->was_pending && is_pending())
		(void)sigtimedwait(&pipe, NULL, &at_once);
	pthread_sigmask(SIG_SETMASK, &before->mask, NULL);
}
