/* SPDX-License-Identifier: Apache-2.0 */
/* idp_private.h - what the verbs of tarn idp share. */
#pragma once

#include "store/base/error.h"

/* Says what is wrong with `what`, a provider or an organization.  Gives
 * COMMAND_FAILED. */
int idp_fail(const char *what, enum store_err err);

/* As command.h has them. */
int idp_explain_run(int argc, char **argv);
