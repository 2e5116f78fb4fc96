/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mount_point.h - the directory to mount at, and who was there before.
 */
#pragma once

#include "store/base/compiler.h"
#include "store/base/error.h"

/* Detaches a mount whose process is dead.  Logs the reason of a failure.
 * NOT_FOUND, NOT_DIR, BUSY (a FUSE mount that is alive). */
must_check enum store_err mount_point_prepare(const char *path);

/* Detaches what is mounted there; where that is permitted (to root), system
 * calls that wait for it end with an error. */
void mount_point_abort(const char *path);
