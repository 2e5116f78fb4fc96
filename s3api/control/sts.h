/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sts.h - AWS STS in its query form (POST / with Action=...), as far as tarn
 * has it: AssumeRoleWithSAML and GetCallerIdentity.
 *
 * S3 has no POST to the service itself, so nothing collides.  An ARN has the
 * organization where AWS has the account.
 */
#pragma once

#include "s3api/request.h"

bool sts_is_for(const struct request *request);

/* Always replies. */
void sts_handle(struct request *request);
