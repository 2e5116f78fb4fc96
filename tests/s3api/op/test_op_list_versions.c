/* SPDX-License-Identifier: Apache-2.0 */
/* Buckets that keep versions: what is told of all that they hold. */
#include "tests/s3api/op/versioned.h"

Test(op_list_versions, all_versions_are_listed_from_the_newest)
{
	scoped(served_stop) struct served served = versioned_start();
	const char *a1 = versioned_put(&served, "a", "1");
	const char *a2 = versioned_put(&served, "a", "22");
	const char *b1 = versioned_put(&served, "b", "333");
	const char *marker = versioned_id(&served,
		versioned_ask(&served, "DELETE", "b", NULL));
	const struct s3_reply *reply =
		served_ask(&served, "GET", "/photos?versions");

	served_expect_elements(reply, "Key", "a a b b ");
	served_expect_elements(reply, "VersionId",
		served_text(&served, "%s %s %s %s ", a2, a1, marker, b1));
	served_expect_elements(reply, "IsLatest", "true false true false ");
	served_expect_elements(reply, "Size", "2 1 3 ");
	cr_expect(eq(uint, s3_client_element_count(reply, "Version"), 3));
	cr_expect(eq(uint, s3_client_element_count(reply, "DeleteMarker"), 1));
	cr_expect(eq(uint, s3_client_element_count(reply, "Owner"), 4));
	cr_expect(eq(uint, s3_client_element_count(reply, "LastModified"), 4));
	served_expect_elements(served_ask(&served, "GET", "/photos"), "Key",
		"a ");
}

Test(op_list_versions, pages_of_versions_follow_each_other)
{
	scoped(served_stop) struct served served = versioned_start();
	scoped(buffer_free) struct buffer seen = {0};
	scoped(buffer_free) struct buffer made = {0};
	const char *target = "/photos?versions&max-keys=1";

	for (int i = 0; i < 3; i++)
		versioned_put(&served, "a%2Bb", "x");
	versioned_put(&served, "b/c", "x");
	versioned_ask(&served, "DELETE", "b/c", NULL);
	versioned_put(&served, "d", "x");
	const struct s3_reply *all =
		served_ask(&served, "GET", "/photos?versions");

	for (unsigned int i = 0; i < 6; i++) {
		buffer_append(&made, s3_client_element(all, "VersionId", i));
		buffer_append_char(&made, ' ');
	}
	for (int i = 0; i < 7; i++) {
		const struct s3_reply *page =
			served_ask(&served, "GET", target);
		struct slice key = s3_client_element(page, "NextKeyMarker", 0);
		struct slice id =
			s3_client_element(page, "NextVersionIdMarker", 0);

		buffer_append(&seen, s3_client_element(page, "VersionId", 0));
		buffer_append_char(&seen, ' ');
		if (!key.data)
			break;
		target = served_text(&served,
			"/photos?versions&max-keys=1&encoding-type=url"
			"&key-marker=%s&version-id-marker=%.*s",
			slice_has_prefix(key, SLICE("a"))   ? "a%2Bb"
			: slice_has_prefix(key, SLICE("b")) ? "b/c"
							    : "d",
			(int)id.len, id.data);
	}

	cr_expect(slice_equal(buffer_slice(&seen), buffer_slice(&made)), "%.*s",
		(int)seen.len, seen.data);
}

Test(op_list_versions, a_delimiter_makes_one_prefix_of_many_versions)
{
	scoped(served_stop) struct served served = versioned_start();

	versioned_put(&served, "a/1", "x");
	versioned_put(&served, "a/1", "y");
	versioned_ask(&served, "DELETE", "a/2", NULL);
	versioned_put(&served, "b", "x");
	const struct s3_reply *first = served_ask(&served, "GET",
		"/photos?versions&delimiter=%2F&max-keys=1");
	const struct s3_reply *next = served_ask(&served, "GET",
		"/photos?versions&delimiter=%2F&max-keys=1&key-marker=a%2F");
	const struct s3_reply *inside =
		served_ask(&served, "GET", "/photos?versions&prefix=a%2F");

	served_expect_elements(first, "Prefix", " a/ ");
	served_expect_elements(first, "Key", "");
	served_expect_elements(first, "NextKeyMarker", "a/ ");
	served_expect_elements(first, "NextVersionIdMarker", "");
	served_expect_elements(next, "Key", "b ");
	served_expect_elements(next, "IsTruncated", "false ");
	served_expect_elements(inside, "Key", "a/1 a/1 a/2 ");
}

Test(op_list_versions, a_bucket_goes_when_its_last_version_has)
{
	scoped(served_stop) struct served served = versioned_start();
	const char *id = versioned_put(&served, "a", "x");
	const char *marker = versioned_id(&served,
		versioned_ask(&served, "DELETE", "a", NULL));
	const struct s3_reply *refused =
		served_ask(&served, "DELETE", "/photos");

	served_expect_refusal(refused, 409, "BucketNotEmpty");
	cr_expect(slice_find(refused->body, SLICE("all versions")) > 0);
	versioned_expect_status(versioned_ask(&served, "DELETE", "a", id), 204);
	served_expect_refusal(served_ask(&served, "DELETE", "/photos"), 409,
		"BucketNotEmpty");
	versioned_expect_status(versioned_ask(&served, "DELETE", "a", marker),
		204);
	versioned_expect_status(served_ask(&served, "DELETE", "/photos"), 204);
}
