/* SPDX-License-Identifier: Apache-2.0 */
#include "store/base/io.h"
#include "store/base/loop_private.h"

void
io_start_job(struct helper_job *job)
{
	struct loop *loop = fiber_loop();
	struct helper_pool *helpers = loop ? loop_helpers(loop) : NULL;

	event_init(&job->done);
	if (helpers && helper_pool_submit(helpers, job))
		return;
	job->run(job->arg);
	event_set(&job->done);
}
