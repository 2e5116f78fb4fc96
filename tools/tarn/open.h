/* SPDX-License-Identifier: Apache-2.0 */
/* open.h - opening the store of a command line, with a sentence on failure. */
#pragma once

#include "store/store.h"

/* What --key-file or the environment say; NULL: the key is in the store. */
const char *open_key_path(void);

/* NULL after it has said why, and what to do. */
struct store *open_store(const char *path, const char *role, bool is_read_only);

/* "tarn: WHAT: sentence" to standard error; always COMMAND_FAILED. */
int open_fail(const char *what, enum store_err err);
