/* SPDX-License-Identifier: Apache-2.0 */
/*
 * workload.h - what the recorder does to a store: threads that put, copy,
 * delete, upload, and create, write, rename and unlink files, each in a
 * directory of its own, and note what they were promised (content.h).
 */
#pragma once

#include <stdbool.h>

#include "store/store.h"

/* Ends the process where something fails.  The same generation and process
 * give the same work.  Without closes_files some stay open. */
void workload_run(struct store *store, unsigned int generation,
	unsigned int process, bool closes_files);
