/* SPDX-License-Identifier: Apache-2.0 */
/* requester.h - who asks, as S3's logs and events name him: the ARN that
 * policies have for him. */
#pragma once

#include <stdbool.h>

#include "s3api/iam/policy_principal.h"
#include "store/base/buffer.h"

/* False, and nothing is written: it is a stranger. */
bool requester_append(struct buffer *to, const struct policy_caller *caller);
