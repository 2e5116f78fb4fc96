/* SPDX-License-Identifier: Apache-2.0 */
/* last_access_private.h - for store_open() and store_close(). */
#pragma once

#include "store/last_access.h"

/* NO_MEMORY. */
must_check enum store_err last_access_open(struct store *store);
/* Also of one that was not opened. */
void last_access_close(struct store *store);

/* Inodes that share a piece of memory, and how many such pieces there may
 * be until they are written down: notes beyond are dropped. */
#define LAST_ACCESS_SPAN 32768
#define LAST_ACCESS_SPANS_MAX 16384
