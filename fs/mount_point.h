/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mount_point.h - the directory to mount at, and who was there before.
 */
#pragma once

#include "store/base/compiler.h"
#include "store/base/error.h"

/* Detaches a mount whose process is dead, also one that hangs (connection.h).
 * Logs the reason of a failure.
 * NOT_FOUND, NOT_DIR, BUSY (a FUSE mount that is alive). */
must_check enum store_err mount_point_prepare(const char *path);

/* The connection of what is mounted there (connection.h); 0: not known. */
unsigned int mount_point_connection(const char *path);

/* Detaches what is mounted there, where it is of this connection or that is not
 * known (0).  System calls that wait for it end with an error: of root's mount,
 * and of others' and of what was detached before where the kernel's control
 * file system is mounted. */
void mount_point_abort(const char *path, unsigned int connection);
