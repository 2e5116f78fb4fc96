/* SPDX-License-Identifier: Apache-2.0 */
#include "store/usage.h"
#include "tests/s3api/op/versioned.h"

static void
limit(const struct served *served, uint64_t objects, uint64_t bytes)
{
	const struct usage_quota quota = {objects, bytes};

	cr_assert(zero(int, usage_set_organization_quota(served->temp.store,
				    SLICE("default"), &quota)));
}

Test(op_quota, what_does_not_fit_is_refused_and_the_rest_goes_on)
{
	scoped(served_stop) struct served served = served_start();

	served_bucket(&served, "photos");
	limit(&served, 2, 10);
	served_put(&served, "/photos/a", "123456");

	served_expect_refusal(served_send(&served, "PUT", "/photos/b", "",
				      SLICE("12345")),
		403, "QuotaExceeded");
	served_expect_refusal(served_send(&served, "PUT", "/photos/b",
				      "x-amz-copy-source: /photos/a\n",
				      SLICE_NULL),
		403, "QuotaExceeded");
	served_put(&served, "/photos/a", "1234567890");
	served_put(&served, "/photos/b", "");
	served_expect_refusal(served_send(&served, "PUT", "/photos/c", "",
				      SLICE_NULL),
		403, "QuotaExceeded");
	served_expect_body(served_ask(&served, "GET", "/photos/a"), 200,
		"1234567890");
	cr_expect(eq(uint, served_ask(&served, "DELETE", "/photos/a")->status,
		204));
	served_put(&served, "/photos/c", "12345");
}

Test(op_quota, parts_that_do_not_fit_are_refused)
{
	scoped(served_stop) struct served served = served_start();

	served_bucket(&served, "photos");
	limit(&served, 0, 10);

	const char *id = served_begin_upload(&served, "/photos/a", "");
	const char *target =
		served_text(&served, "/photos/a?partNumber=1&uploadId=%s", id);

	served_expect_refusal(served_send(&served, "PUT", target, "",
				      SLICE("12345678901")),
		403, "QuotaExceeded");
	cr_expect(eq(uint,
		served_send(&served, "PUT", target, "", SLICE("1234567890"))
			->status,
		200));
	served_expect_refusal(served_send(&served, "PUT", "/photos/b", "",
				      SLICE("1")),
		403, "QuotaExceeded");
	cr_expect(eq(uint,
		served_ask(&served, "DELETE",
			served_text(&served, "/photos/a?uploadId=%s", id))
			->status,
		204));
	served_put(&served, "/photos/b", "1");
}

Test(op_quota, a_large_body_is_refused_before_it_is_sent)
{
	scoped(served_stop) struct served served = served_start();
	static char body[2 << 20];
	struct slice large = slice_of(body, sizeof(body));

	served_bucket(&served, "photos");
	cr_assert(eq(uint,
		served_send(&served, "PUT", "/photos/a", "", large)->status,
		200));
	limit(&served, 0, sizeof(body));

	served_expect_refusal(served_send(&served, "PUT", "/photos/b",
				      "expect: 100-continue\n", large),
		403, "QuotaExceeded");
	cr_expect(eq(uint,
			  served_send(&served, "PUT", "/photos/a", "", large)
				  ->status,
			  200),
		"what is replaced makes room");
}

Test(op_quota, what_is_kept_makes_no_room)
{
	scoped(served_stop) struct served served = served_start();
	static char body[2 << 20];
	struct slice large = slice_of(body, sizeof(body));

	served_bucket(&served, "photos");
	cr_assert(eq(uint,
		served_send(&served, "PUT", "/photos/a", "", large)->status,
		200));
	versioned_become(&served, VERSIONED_STATUS("Enabled"));
	limit(&served, 0, sizeof(body));

	const struct s3_reply *refused = served_send(&served, "PUT",
		"/photos/a", "expect: 100-continue\n", large);

	served_expect_refusal(refused, 403, "QuotaExceeded");
	cr_expect(not(refused->was_continued));
	/* The null version is what a PUT replaces now. */
	versioned_become(&served, VERSIONED_STATUS("Suspended"));
	cr_expect(eq(uint,
		served_send(&served, "PUT", "/photos/a", "", large)->status,
		200));
}
