/* SPDX-License-Identifier: Apache-2.0 */
/* file_private.h - settling what a dead process left open: session.c. */
#pragma once

#include "store/file.h"
#include "store/store_private.h"

/*
 * Brings the record of an inode that a dead session had open in line with its
 * data file, and publishes or, after a power cut, drops what was never
 * published.  An inode that is gone is STORE_OK.
 */
must_check enum store_err file_settle(struct store *store, uint64_t ino,
	uint32_t open_flags, bool after_power_cut);
