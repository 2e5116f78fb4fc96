/* SPDX-License-Identifier: Apache-2.0 */
/*
 * digest_line.h - a digest of a stream, computed by other threads while more
 * of it comes.
 *
 *	digest_line_begin(&line, &digest);
 *	digest_line_add(&line, piece);		hands it over and goes on
 *	digest_line_wait(&line, 0);		before the digest is read
 *
 * Lines of MD5 that wait at the same time are digested side by side
 * (md5_lanes.h).  The threads, at most one for each CPU, are shared by all
 * loops; they start when there is work and end when there is none for long.
 *
 * Threads:   a line is used by one fiber or thread at a time.
 * Ownership: pieces and the digest are borrowed until they have been waited
 *for.
 */
#pragma once

#include <stdbool.h>

#include "store/base/digest.h"
#include "store/base/event.h"

#define DIGEST_LINE_MAX 4 /* pieces that may wait to be digested */

struct digest_line {
	struct digest *digest; /* fixed after digest_line_begin() */

	/* under the crew's lock */
	struct slice pieces[DIGEST_LINE_MAX];
	uint64_t added; /* pieces, from the first on */
	uint64_t done;
	uint64_t wanted; /* of done, for the waiter */
	struct event *waiter;
	struct digest_line *next;
};

void digest_line_begin(struct digest_line *line, struct digest *digest);

/* Fewer than DIGEST_LINE_MAX may be waiting. */
void digest_line_add(struct digest_line *line, struct slice piece);

/* Until no more than that many pieces wait to be digested. */
void digest_line_wait(struct digest_line *line, size_t left);
