/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dir.h - directories: names in them are on the disk, or there are none.
 *
 * Threads:   any; on a fiber the flushes let others run.
 * Failure:   what error_from_errno() makes of open(2) and fsync(2).
 */
#pragma once

#include "store/base/compiler.h"
#include "store/base/error.h"

/* *fd: for reading, close-on-exec; -1 on failure. */
must_check enum store_err dir_open(const char *path, int *fd);

/* The names that were put into it, or taken out, survive power loss. */
must_check enum store_err dir_flush(const char *path);
/* The same of the directory that path, of a file or a directory, lies in. */
must_check enum store_err dir_flush_above(const char *path);

/* NOT_EMPTY */
must_check enum store_err dir_expect_empty(const char *path);
