/* SPDX-License-Identifier: Apache-2.0 */
/*
 * other_process.h - a process that works on a store until it is killed.
 *
 * It is forked, so the one that forks it must not have the store open then.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "store/base/compiler.h"
#include "store/store.h"

struct other_process {
	pid_t pid;
	int from; /* numbers that it tells */
	int to;	  /* tells it to go on */
};

/* Runs work(store, process) in a new process that has the store open, then
 * waits there to be killed. */
struct other_process other_process_start(const char *path,
	void (*work)(struct store *store, struct other_process *self));

/* In the other process. */
void other_process_tell(struct other_process *self, uint64_t number);
void other_process_pause(struct other_process *self);

/* In the first one. */
uint64_t other_process_hear(struct other_process *process);
void other_process_resume(struct other_process *process);

/* SIGKILL, and waits for its end. */
void other_process_kill(struct other_process *process);
