/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_operation.h - which action an operation of S3 is, by their names
 * (S3 API: Actions, resources, and condition keys).
 */
#pragma once

#include <stdbool.h>

#include "s3api/iam/policy_action.h"

/*
 * What is done to the bucket or object that the request names.  NONE: the
 * operation has no action, and is refused.  Operations on several objects
 * (CopyObject, DeleteObjects) ask for more as they learn of them.
 */
enum policy_action policy_operation_action(const char *operation);

/* What it is where the request names a version: GetObjectVersion of GetObject;
 * itself where it has no such twin. */
enum policy_action policy_operation_of_version(enum policy_action action);

/*
 * What it is done to, or how, is in its body: the operation asks
 * access_check_action() or its like itself, before it does anything.
 */
bool policy_operation_decides_itself(const char *operation);
