/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scrub.h - reads all data, and compares it with its checksum.
 *
 * A blob's checksum (CRC64NVME of the bytes as they lie on the disk) is kept
 * from the upload where that tells it, else computed by the first scrub that
 * comes by.  A file that is opened to be written in place loses it, until a
 * scrub finds it closed.  A blob whose bytes are other ones, or cannot be read,
 * is marked as damaged: nobody gets a byte of it any more (STORE_DAMAGED),
 * while it may still be replaced and deleted.  The mark goes when its bytes are
 * right again.
 *
 * Data is read from the disk, past the page cache where that is possible.
 *
 * Threads:   scrub_run() by any plain thread, for as long as it takes; one
 *            process at a time.
 * Units:     bytes_per_s counts what is read.
 */
#pragma once

#include "store/base/arena.h"
#include "store/store.h"

enum scrub_verdict {
	SCRUB_DAMAGED,	  /* its bytes are not those that were put there */
	SCRUB_UNREADABLE, /* they cannot be read; marked all the same */
	SCRUB_MISSING,	  /* there is no such file: not marked, fsck tells */
	SCRUB_WELL_AGAIN, /* was marked, and is no more */
};

struct scrub_finding {
	enum scrub_verdict verdict;
	uint64_t ino;
	uint64_t blob;
	const char *name; /* BUCKET/KEY; NULL where it was not looked for */
};

struct scrub_options {
	uint64_t bytes_per_s; /* 0: as fast as it goes */
	/* Asked before each blob and within large ones; false ends the run.
	 * NULL: it goes on. */
	bool (*goes_on)(void *context);
	/* May be NULL; what it is told is in the log, too. */
	void (*report)(const struct scrub_finding *finding, void *context);
	void *context;
};

struct scrub_result {
	uint64_t blobs;
	uint64_t bytes;
	uint64_t computed; /* checksums that were not known */
	uint64_t damaged;  /* found so, marked before or not */
	uint64_t missing;
	uint64_t well_again;
	uint64_t passed_over; /* being written, or without a checksum yet and
			       * changed while they were read */
	bool is_whole;	      /* not ended by goes_on() */
};

/* BUSY: another process is at it.  READ_ONLY. */
must_check enum store_err scrub_run(struct store *store,
	const struct scrub_options *options, struct scrub_result *out);

/* "damaged", ... */
const char *scrub_verdict_name(enum scrub_verdict verdict);

/* A thread that runs one after the other, every so many seconds; the first
 * after ten minutes, or after period_s where that is less.  It ends when the
 * store is closed.  At most once for each store handle.  NO_MEMORY. */
must_check enum store_err scrub_start(struct store *store, uint64_t bytes_per_s,
	uint32_t period_s);
