/* SPDX-License-Identifier: Apache-2.0 */
/* sse_c_keys.h - customers' keys from files: --sse-c-key PREFIX=FILE. */
#pragma once

#include <stdbool.h>

#include "store/keyring.h"
#include "tools/tarn/args.h"

/*
 * Reads what each word names: 32 bytes, or base64 of as many, in a file that
 * its owner alone may read.  The prefix ends at the last =.  False, and said on
 * standard error, where one is not as it should be.
 */
bool sse_c_keys_read(const struct args_list *words, struct keyring *ring);
