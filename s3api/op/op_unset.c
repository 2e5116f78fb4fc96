/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What tools read of a bucket unasked, and nobody can have set: S3's code for
 * that.  Deleting it is done, as there is nothing to do.
 */
#include "s3api/op/op.h"
#include "s3api/reply.h"

static const struct row {
	const char *operation;
	enum s3_error error;
} rows[] = {
	{"GetBucketReplication", S3_NO_SUCH_REPLICATION},
};

static const struct row *
find_row(const struct request *request)
{
	for (size_t i = 0; i < array_len(rows); i++)
		if (!strcmp(rows[i].operation, request->operation->name))
			return &rows[i];
	return NULL;
}

enum s3_error
op_unset_get(struct request *request)
{
	const struct row *row = find_row(request);

	return error_set(&request->report,
		row ? row->error : S3_NOT_IMPLEMENTED, NULL);
}

enum s3_error
op_unset_delete(struct request *request)
{
	reply_empty(request, 204);
	return S3_OK;
}
