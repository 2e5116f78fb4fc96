/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cut_private.h - what cut.h needs of those who open data and of those who cut
 * it.  The numbers are its rules'.
 */
#pragma once

#include "store/base/inode.h"
#include "store/cut.h"
#include "store/store_private.h"

/* Rule 3: after the record was read, as of that commit, and before anybody asks
 * for the length. */
struct cut_guard cut_begin(struct store *store, const struct inode *inode,
	uint64_t blob, uint64_t commit);

/* Rule 1: the commit has marked the inode whose data the blob is. */
void cut_note_mark(struct store *store, uint64_t blob, uint64_t commit);
/* Rule 2: before a cut, and after it. */
void cut_note(struct store *store, uint64_t blob);
