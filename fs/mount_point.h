/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mount_point.h - the directory to mount at, and who was there before.
 */
#pragma once

#include <sys/types.h>

#include "store/base/compiler.h"
#include "store/base/error.h"

/* Detaches a mount whose process is dead.  Logs the reason of a failure.
 * NOT_FOUND, NOT_DIR, BUSY (a FUSE mount that is alive). */
must_check enum store_err mount_point_prepare(const char *path);

/* Ends the FUSE connection of a mounted device whatever it is doing. */
void mount_point_abort(dev_t device);
