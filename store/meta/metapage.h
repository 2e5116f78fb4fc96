/* SPDX-License-Identifier: Apache-2.0 */
/*
 * metapage.h - LMDB's meta page, as bytes in its data file: the root of all
 * tables at one commit.
 *
 * LMDB keeps two, in the first two pages of the file; commit N is in number
 * N % 2.  The layout is that of data version 1 (LMDB 0.9) in the machine's
 * own byte order and word size: docs/format.md.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "store/base/compiler.h"
#include "store/base/error.h"

/* As much of the page as has a meaning, and some. */
#define METAPAGE_LEN 512

struct metapage {
	uint64_t commit;
	uint64_t last_page;
	uint32_t page_size;
};

/* False where this is no meta page that this tarn can read. */
bool metapage_parse(const uint8_t bytes[METAPAGE_LEN], struct metapage *out);

/* The page size that the first page of the file tells.  CORRUPT. */
must_check enum store_err metapage_page_size(int fd, uint32_t *page_size);

/* Reads one of the two (0, 1).  CORRUPT: it is not whole. */
must_check enum store_err metapage_read(int fd, uint32_t page_size, int slot,
	uint8_t bytes[METAPAGE_LEN], struct metapage *out);

/* The newer of the two; CORRUPT where neither is whole. */
must_check enum store_err metapage_newest(int fd, uint32_t page_size,
	struct metapage *out);

/*
 * How long the file must be for its last page; false: so much longer than it is
 * that pages in use are missing.  LMDB does not write a page that it takes and
 * gives back in the same transaction, so the last ones may not be there.
 */
bool metapage_fits(const struct metapage *page, uint64_t file_size,
	uint64_t *wanted);

/* Writes it to both places and flushes the file. */
must_check enum store_err metapage_restore(int fd,
	const uint8_t bytes[METAPAGE_LEN]);
