/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file_left_private.h - what nobody has open any more, but a session's list
 * has: settled as by its last writer, or dropped.
 */
#pragma once

#include "store/file_table_private.h"

/*
 * Brings the record of an inode that a dead session had open in line with its
 * data file, and publishes or, after a power cut, drops what was never
 * published, unless another session has it open, too.  Takes the inode off
 * the dead session's list (DB_OPEN), but where the kernel still writes for
 * somebody (*lingers; never after a power cut): then it is dirty and stays
 * there; NULL: nobody is asked for.  An inode that is gone is STORE_OK.
 */
must_check enum store_err file_left_settle(struct store *store,
	uint64_t dead_session, uint64_t ino, bool after_power_cut,
	bool *lingers);

/* The same for an inode on this session's list that nobody here has open for
 * writing.  No commit where nothing changed: session_note_closed(). */
must_check enum store_err file_left_close(struct store *store, uint64_t ino,
	bool *lingers);
