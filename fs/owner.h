/* SPDX-License-Identifier: Apache-2.0 */
/* owner.h - whose a new file is: the caller's, or its directory's group's. */
#pragma once

#include "fs/inode.h"

/* STALE */
must_check enum store_err owner_of_new(fuse_req_t req, uint64_t parent,
	mode_t mode, struct tree_owner *out);
