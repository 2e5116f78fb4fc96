/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_unserved.h - actions that AWS documents (Service Authorization
 * Reference, prefix s3) and nothing here does.  Policies that name them are
 * taken as they are; the names stand for no action.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "store/base/slice.h"

/* Whether a pattern with * and ? names one, without regard to case. */
bool policy_unserved_has(struct slice pattern);

/* In the order of their names; NULL beyond. */
const char *policy_unserved_name(size_t i);
