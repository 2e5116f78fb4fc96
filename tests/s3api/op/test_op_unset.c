/* SPDX-License-Identifier: Apache-2.0 */
/* What nobody can have set of a bucket, and tools ask for. */
#include "tests/s3api/op/served.h"

Test(op_unset, what_nobody_has_set_is_told_as_s3_tells_it)
{
	scoped(served_stop) struct served served = served_start();
	static const struct {
		const char *param;
		unsigned int status;
		const char *text;
		unsigned int put;     /* without a body; */
		unsigned int deleted; /* and the status of a DELETE */
	} rows[] = {
		{"replication", 404, "ReplicationConfigurationNotFoundError",
			501, 204},
	};

	served_bucket(&served, "photos");
	for (size_t i = 0; i < array_len(rows); i++) {
		const char *target =
			served_text(&served, "/photos?%s", rows[i].param);
		const struct s3_reply *reply =
			served_ask(&served, "GET", target);

		cr_expect(eq(uint, reply->status, rows[i].status), "%s",
			target);
		cr_expect(slice_find(reply->body, slice_str(rows[i].text)) > 0,
			"%s: %s", target, reply->body.data);
		cr_expect(eq(uint, served_ask(&served, "PUT", target)->status,
				  rows[i].put),
			"%s", target);
		cr_expect(eq(uint,
				  served_ask(&served, "DELETE", target)->status,
				  rows[i].deleted),
			"%s", target);
	}
}
