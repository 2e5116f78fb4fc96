/* SPDX-License-Identifier: Apache-2.0 */
/* request_cause.h - what events tell of the request that they come of. */
#pragma once

#include "s3api/request.h"

/* What the fiber changes from now on is the request's; again once its caller
 * is known better.  Fills in request->cause. */
void request_cause_begin(struct request *request);
void request_cause_end(void);
