/* SPDX-License-Identifier: Apache-2.0 */
/*
 * helper.h - a few threads that run what may block, for one loop.
 *
 * Threads start when there is work and none is idle, up to HELPER_THREADS_MAX;
 * beyond that work waits its turn.
 *
 * Threads:   any.
 * Ownership: jobs are borrowed until their event is set.
 */
#pragma once

#include "store/base/compiler.h"
#include "store/base/event.h"

#define HELPER_THREADS_MAX 16

struct helper_pool;

struct helper_job {
	void (*run)(void *arg);
	void *arg;
	struct event done;
	struct helper_job *next;
};

/* NULL: no memory. */
struct helper_pool *helper_pool_create(void);
/* Joins the threads; no job may be left. */
void helper_pool_free(struct helper_pool **pool);

/* False: no thread could be started, and the job was not taken. */
must_check bool helper_pool_submit(struct helper_pool *pool,
	struct helper_job *job);
