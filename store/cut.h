/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cut.h - data that a mount shortens while others read it: docs/durability.md,
 * "Shortened while it is read".
 *
 * What a mount overwrites in place a reader may find old or new.  What it cuts
 * off may be there again before the reader comes to it, as zeros or as other
 * bytes: they must not pass for those that were there.
 *
 * 1. Whoever cuts has the file's turn; the commit that marks the inode dirty is
 *    made before, and is in the blob's word before the first cut.
 * 2. The word's count of cuts grows before a cut, and again after it.  Nobody
 *    makes the file longer between the two.
 * 3. Readers look at the word after they have read the record and before they
 *    ask how long the file is.  Where the record is not dirty, and the word has
 *    no later mark, the word changes before the first cut.
 * 4. So bytes that were read are those of the record if afterwards the word has
 *    the same count and, where the file is being written, the same length or
 *    more.
 * 5. Many blobs share a word: a change may mean nothing, the lack of one does
 *    not.
 *
 * Readers write nothing that is shared.
 *
 * Threads:   any.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "store/base/io.h"

/* All zero: of data that nobody changes in place. */
struct cut_guard {
	struct io_watch watch; /* over: a mount may be writing from here on */
	bool is_written;       /* one was when this began */
};

/* A mount may have written to the data while it was read. */
bool cut_is_written(const struct cut_guard *guard);

/* After bytes before `end` were read from the data file.  BUSY: it has been
 * cut meanwhile, and they may be others. */
must_check enum store_err cut_check(const struct cut_guard *guard, int fd,
	uint64_t end);
