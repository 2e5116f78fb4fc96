/* SPDX-License-Identifier: Apache-2.0 */
/* input.h - whole files that a command line names. */
#pragma once

#include <stdbool.h>

#include "store/base/arena.h"

/* "-": standard input.  False after it has said why: it cannot be read, or has
 * more than max bytes. */
must_check bool input_read(const char *path, size_t max, struct arena *arena,
	struct slice *out);
