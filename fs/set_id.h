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

/* The mode of a file without the bits. */
uint32_t set_id_without(uint32_t mode);

/* Takes the bits away.  *is_changed: there were some.  STALE. */
must_check enum store_err set_id_drop(struct mount *mount, uint64_t ino,
	bool *is_changed);
