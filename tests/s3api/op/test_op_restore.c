/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/s3api/op/served.h"

Test(op_restore, nothing_has_to_be_restored)
{
	scoped(served_stop) struct served served = served_start();
	const struct slice body =
		SLICE("<RestoreRequest><Days>1</Days></RestoreRequest>");

	served_bucket(&served, "photos");
	served_put(&served, "/photos/a", "bytes");

	served_expect_refusal(served_send(&served, "POST", "/photos/a?restore",
				      NULL, body),
		403, "InvalidObjectState");
	served_expect_refusal(served_send(&served, "POST", "/photos/b?restore",
				      NULL, body),
		404, "NoSuchKey");
	served_expect_refusal(served_send(&served, "POST", "/none/a?restore",
				      NULL, body),
		404, "NoSuchBucket");
	/* Other methods have no such thing. */
	served_expect_refusal(served_ask(&served, "GET", "/photos/a?restore"),
		501, "NotImplemented");
	served_become(&served, TOKEN_READ);
	served_expect_refusal(served_send(&served, "POST", "/photos/a?restore",
				      NULL, body),
		403, "AccessDenied");
	/* Who may only write is not told what is there. */
	served_become(&served, TOKEN_WRITE);
	served_expect_refusal(served_send(&served, "POST", "/photos/a?restore",
				      NULL, body),
		403, "AccessDenied");
	served_expect_refusal(served_send(&served, "POST", "/photos/b?restore",
				      NULL, body),
		403, "AccessDenied");
}
