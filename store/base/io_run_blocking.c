/* SPDX-License-Identifier: Apache-2.0 */
#include "store/base/helper.h"
#include "store/base/io.h"
#include "store/base/loop_private.h"

void
io_run_blocking(void (*run)(void *arg), void *arg)
{
	struct loop *loop = fiber_loop();
	struct helper_pool *helpers = loop ? loop_helpers(loop) : NULL;
	struct helper_job job = {.run = run, .arg = arg};

	/* Without a thread to be had, holding up the loop is the lesser evil.
	 */
	if (!helpers || !helper_pool_submit(helpers, &job)) {
		run(arg);
		return;
	}
	event_wait(&job.done);
}
