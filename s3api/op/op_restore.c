/* SPDX-License-Identifier: Apache-2.0 */
/* S3 API: RestoreObject.  What counts as archived (tier.h) is read at once,
 * too, so nothing can be restored. */
#include "s3api/op/decided.h"
#include "s3api/op/op.h"

enum s3_error
op_restore_object(struct request *request)
{
	struct object object;
	enum s3_error error = decided_head(request, &object);

	return error ? error
		     : error_set(&request->report, S3_INVALID_OBJECT_STATE,
			       "Restore is not allowed for the object's "
			       "current storage class");
}
