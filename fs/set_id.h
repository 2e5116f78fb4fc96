/* SPDX-License-Identifier: Apache-2.0 */
/*
 * set_id.h - the bits of a mode that lend their owner's rights, and go when
 * somebody else changes the file.
 *
 * The kernel leaves their removal to us (FUSE_CAP_HANDLE_KILLPRIV_V2), because
 * only then does it remember that a file has no capabilities, and otherwise
 * asks for them before every write.  It tells of
 *
 *	chown		by itself: they always go
 *	truncate, open with O_TRUNC	they go unless root does it
 *	write		before the first one, by a SETATTR that sets nothing:
 *			it has looked at the caller's rights itself
 */
#pragma once

#include "fs/inode.h"

/* Whether a SETATTR takes the bits away; to_set as fuse_lowlevel.h has it. */
bool set_id_goes(fuse_req_t req, int to_set);

/* The mode without the bits.  Set-group-ID without the right of the group to
 * execute stays for root and who is in the group, as Linux has it from 6.2
 * on. */
uint32_t set_id_without(fuse_req_t req, const struct inode *inode);

/* Takes the bits away.  *is_changed: there were some.  STALE. */
must_check enum store_err set_id_drop(fuse_req_t req, uint64_t ino,
	bool *is_changed);
