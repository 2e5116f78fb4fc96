/* SPDX-License-Identifier: Apache-2.0 */
/* file_private.h - settling what a dead process left open: session.c. */
#pragma once

#include "store/file.h"
#include "store/store_private.h"

/*
 * Brings the record of an inode that a dead session had open in line with its
 * data file, and publishes or, after a power cut, drops what was never
 * published, unless another session has it open, too.  Takes the inode off
 * the dead session's list (DB_OPEN).  An inode that is gone is STORE_OK.
 */
must_check enum store_err file_settle(struct store *store,
	uint64_t dead_session, uint64_t ino, bool after_power_cut);
