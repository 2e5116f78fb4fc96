/* SPDX-License-Identifier: Apache-2.0 */
/* on_loop.h - runs a function as a fiber of a loop of its own. */
#pragma once

#include <assert.h>

#include "store/base/loop.h"

static inline void
on_loop(void (*run)(void *arg), void *arg)
{
	struct loop *loop = NULL;
	enum store_err err = loop_create(&loop);
	assert(!err);

	err = loop_spawn(loop, run, arg);
	assert(!err);
	loop_stop(loop); /* once its fibers have ended */
	loop_run(loop);
	loop_destroy(&loop);
}
