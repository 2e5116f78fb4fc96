/* SPDX-License-Identifier: Apache-2.0 */
/*
 * script.h - all that the engine does, once, with a note of what it promised.
 *
 * Nothing of it need succeed: a fault may strike anywhere.  What begins after
 * the store has failed must not (invariant 2 of crash_faults.c).
 */
#pragma once

#include "store/store.h"
#include "tests/crash/faults.h"
#include "tests/crash/promises.h"

struct script {
	struct store *store;
	struct faults *faults;
	struct promises *promises;
	uint64_t bucket;
	uint64_t dir;
	uint64_t version;
	/* Of the file that is written in place: the last that was flushed, and
	 * the last begun. */
	uint64_t disk_done;
	uint64_t disk_begun;
	unsigned int wrong;
};

/* Counts it, and says what had been struck. */
void script_wrong(struct script *script, const char *what);
bool script_has_failed(struct script *script);

must_check enum store_err script_put(struct script *script, const char *key);
void script_run(struct script *script);
