/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shared_private.h - the memory that all processes with the store open for
 * writing share: STORE/run/shared, mapped.
 *
 * It holds nothing that cannot be made anew: whoever finds that nobody has it
 * (each holds a shared lock on the file while it has) begins it afresh, so a
 * file that a crash left half-made does no harm.
 *
 * A word here may be changed by any process at any time; one that is killed
 * leaves what it wrote.  So every word is atomic and means something by
 * itself.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "store/base/compiler.h"
#include "store/base/error.h"
#include "store/data/blob_spare.h"

#define SHARED_LISTENERS 64
#define SHARED_CUTS 16384 /* a power of two */

/* A listener of the feed.  The session: whose, or 0 where the slot is free. */
struct shared_listener {
	_Atomic(uint64_t) session;
	_Atomic(uint64_t) seen; /* it has dealt with all up to this commit */
	_Atomic(uint32_t) is_lagging; /* not waited for until it caught up */
	uint32_t unused;
};

/* What readers of data ask before they use it: cut.h. */
struct shared_cuts {
	_Atomic(uint64_t) words[SHARED_CUTS];
};

struct shared {
	/* fixed once made */
	uint64_t magic; /* with the layout's version */

	_Atomic(uint64_t) checkpoint; /* a completed one covers this commit */
	_Atomic(uint64_t) trimmed;    /* lines up to this sequence are gone */
	_Atomic(uint64_t) listeners;  /* bit i: listener[i] is in use */
	_Atomic(uint32_t) published;  /* futex: grows with each commit heard */
	_Atomic(uint32_t) seen;	      /* futex: grows as listeners come on */
	_Atomic(uint32_t) has_failed; /* a flush failed: checkpoint.h rule 5 */
	uint32_t unused;
	uint64_t pid_namespace; /* fixed, too; 0: not told */
	uint64_t unused_too;
	struct shared_listener listener[SHARED_LISTENERS];
	struct blob_spares spares;
	struct shared_cuts cuts;
};

/* Under the lock of store_open().  *fd holds the lock; shared_detach() closes
 * it.  BAD_VERSION: another version of tarn is running; BUSY: one that is in
 * another PID namespace, where LMDB's locks, which know threads by their
 * numbers, do not hold. */
must_check enum store_err shared_attach(const char *path, struct shared **out,
	int *fd);
/* For who only reads: what the file has.  It means nothing where no session is
 * alive. */
bool shared_says_failed(const char *path);
void shared_detach(struct shared **shared, int *fd);

/* The futex words: waits while *word is value, at most timeout_ms. */
void shared_wait(_Atomic(uint32_t) *word, uint32_t value, int64_t timeout_ms);
/* Grows the word and wakes all who wait. */
void shared_wake(_Atomic(uint32_t) *word);
