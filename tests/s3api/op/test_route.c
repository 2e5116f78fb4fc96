/* SPDX-License-Identifier: Apache-2.0 */
/* Which operation a request asks for, who may, and what there is not. */
#include "tests/s3api/op/served.h"

Test(route, sub_resources_that_are_not_implemented_say_so)
{
	scoped(served_stop) struct served served = served_start();
	static const char *const of_buckets[] = {"analytics",
		"metadataAnnotationTable", "intelligent-tiering", "inventory",
		"metrics"};
	static const char *const of_objects[] = {"annotation&annotationName=a",
		"torrent", "torrent&versionId=null"};
	static const char *const methods[] = {"GET", "PUT", "DELETE"};

	served_bucket(&served, "photos");
	served_put(&served, "/photos/a", "bytes");

	for (size_t m = 0; m < array_len(methods); m++) {
		for (size_t i = 0; i < array_len(of_buckets); i++)
			served_expect_refusal(served_ask(&served, methods[m],
						      served_text(&served,
							      "/photos?%s",
							      of_buckets[i])),
				501, "NotImplemented");
		for (size_t i = 0; i < array_len(of_objects); i++)
			served_expect_refusal(served_ask(&served, methods[m],
						      served_text(&served,
							      "/photos/a?%s",
							      of_objects[i])),
				501, "NotImplemented");
	}
	served_expect_body(served_ask(&served, "GET", "/photos/a"), 200,
		"bytes");
}

/* As one that S3 will have tomorrow. */
Test(route, nothing_is_changed_by_a_sub_resource_that_nobody_knows)
{
	scoped(served_stop) struct served served = served_start();

	served_bucket(&served, "photos");
	served_put(&served, "/photos/a", "bytes");

	served_expect_refusal(served_send(&served, "PUT", "/photos/a?tomorrow",
				      NULL, SLICE("other")),
		501, "NotImplemented");
	served_expect_refusal(served_ask(&served, "DELETE",
				      "/photos/a?tomorrow&x=1"),
		501, "NotImplemented");
	served_expect_refusal(served_ask(&served, "PUT", "/other?tomorrow="),
		501, "NotImplemented");
	cr_expect(eq(uint, served_ask(&served, "HEAD", "/other")->status, 404));
	/* What has a value is a parameter of what is asked for. */
	cr_expect(eq(uint,
		served_send(&served, "PUT", "/photos/a?x-id=PutObject", NULL,
			SLICE("bytes"))
			->status,
		200));
	served_expect_body(served_ask(&served, "GET", "/photos/a?tomorrow"),
		200, "bytes");
}

Test(route, a_purge_is_not_taken_for_the_deletion_of_one_object)
{
	scoped(served_stop) struct served served = served_start();

	served_bucket(&served, "photos");
	served_bucket(&served, "empty");
	served_put(&served, "/photos/dir/", "");
	served_put(&served, "/photos/dir/a", "bytes");

	served_expect_refusal(served_ask(&served, "DELETE",
				      "/photos/dir/?purge"),
		501, "NotImplemented");
	served_expect_refusal(served_ask(&served, "DELETE", "/empty?purge"),
		501, "NotImplemented");
	cr_expect(eq(uint, served_ask(&served, "HEAD", "/photos/dir/")->status,
		200));
	cr_expect(eq(uint, served_ask(&served, "HEAD", "/empty")->status, 200));
}

Test(route, posts_that_are_not_implemented_say_so)
{
	scoped(served_stop) struct served served = served_start();

	served_bucket(&served, "photos");

	served_expect_refusal(served_ask(&served, "POST",
				      "/photos/a?select&select-type=2"),
		501, "NotImplemented");
}

Test(route, methods_that_a_target_does_not_know_are_405_with_allow)
{
	scoped(served_stop) struct served served = served_start();

	served_bucket(&served, "photos");

	const struct s3_reply *service = served_ask(&served, "PUT", "/");
	const struct s3_reply *object =
		served_ask(&served, "POST", "/photos/a");
	const struct s3_reply *patch = served_ask(&served, "PATCH", "/photos");

	served_expect_refusal(service, 405, "MethodNotAllowed");
	served_expect_header(service, "allow", "GET");
	served_expect_refusal(object, 405, "MethodNotAllowed");
	served_expect_header(object, "allow", "GET, HEAD, PUT, POST, DELETE");
	served_expect_refusal(patch, 405, "MethodNotAllowed");
}

Test(route, misplaced_parameters_never_fall_through_to_another_operation)
{
	scoped(served_stop) struct served served = served_start();

	served_bucket(&served, "photos");
	served_bucket(&served, "empty");
	served_put(&served, "/photos/a", "bytes");

	served_expect_refusal(served_ask(&served, "DELETE",
				      "/photos/a?uploads"),
		405, "MethodNotAllowed");
	served_expect_refusal(served_ask(&served, "DELETE",
				      "/photos/a?partNumber=1"),
		405, "MethodNotAllowed");
	served_expect_refusal(served_ask(&served, "DELETE", "/empty?delete"),
		405, "MethodNotAllowed");
	served_expect_refusal(served_ask(&served, "PUT", "/photos/a?uploads"),
		405, "MethodNotAllowed");
	served_expect_refusal(served_ask(&served, "PUT",
				      "/photos/a?partNumber=1"),
		405, "MethodNotAllowed");
	served_expect_refusal(served_ask(&served, "PUT",
				      "/photos/a?uploadId=x"),
		400, "InvalidArgument");
	served_expect_refusal(served_ask(&served, "GET", "/photos/a?uploads"),
		405, "MethodNotAllowed");
	served_expect_body(served_ask(&served, "GET", "/photos/a"), 200,
		"bytes");
	cr_expect(eq(uint, served_ask(&served, "HEAD", "/empty")->status, 200));
}

Test(route, parameters_that_nobody_knows_are_passed_over)
{
	scoped(served_stop) struct served served = served_start();

	served_bucket(&served, "photos");
	served_put(&served, "/photos/a?x-id=PutObject", "bytes");

	served_expect_body(served_ask(&served, "GET",
				   "/photos/a?x-id=GetObject&foo"),
		200, "bytes");
}

Test(route, who_signs_nothing_is_denied)
{
	scoped(served_stop) struct served served = served_start();

	served_bucket(&served, "photos");
	served.client.is_anonymous = true;

	served_expect_refusal(served_ask(&served, "GET", "/"), 403,
		"AccessDenied");
	served_expect_refusal(served_ask(&served, "GET", "/photos/a"), 403,
		"AccessDenied");
	served_expect_refusal(served_send(&served, "GET", "/photos/a",
				      "authorization: \n", SLICE_NULL),
		403, "AccessDenied");
	served_expect_refusal(served_ask(&served, "GET", "/none?inventory"),
		403, "AccessDenied");
}

/* One of each class; the statuses are those of who may. */
static void
expect_statuses(struct served *served, unsigned int create, unsigned int put,
	unsigned int get, unsigned int list, unsigned int copy,
	unsigned int uploads)
{
	const char *create_at = served_text(served, "/new-%u%u", create, put);

	cr_expect(eq(uint, served_ask(served, "PUT", create_at)->status,
		create));
	cr_expect(eq(uint,
		served_send(served, "PUT", "/photos/b", NULL, SLICE("b"))
			->status,
		put));
	cr_expect(eq(uint, served_ask(served, "GET", "/photos/a")->status,
		get));
	cr_expect(eq(uint, served_ask(served, "HEAD", "/photos/a")->status,
		get));
	cr_expect(eq(uint, served_ask(served, "GET", "/photos")->status, list));
	cr_expect(eq(uint,
		served_send(served, "PUT", "/photos/c",
			"x-amz-copy-source: photos/a\n", SLICE_NULL)
			->status,
		copy));
	cr_expect(eq(uint, served_ask(served, "GET", "/photos?uploads")->status,
		uploads));
}

Test(route, levels_let_through_what_they_say)
{
	scoped(served_stop) struct served served = served_start();

	served_bucket(&served, "photos");
	served_put(&served, "/photos/a", "bytes");

	served_become(&served, TOKEN_READ);
	expect_statuses(&served, 403, 403, 200, 200, 403, 200);
	served_expect_refusal(served_ask(&served, "DELETE", "/photos/a"), 403,
		"AccessDenied");
	served_become(&served, TOKEN_WRITE);
	expect_statuses(&served, 403, 200, 403, 403, 403, 200);
	served_expect_refusal(served_ask(&served, "GET", "/photos/none"), 403,
		"AccessDenied");
	served_become(&served, TOKEN_READWRITE);
	expect_statuses(&served, 403, 200, 200, 200, 200, 200);
	served_expect_refusal(served_ask(&served, "DELETE", "/photos"), 403,
		"AccessDenied");
	served_become(&served, TOKEN_FULL);
	expect_statuses(&served, 200, 200, 200, 200, 200, 200);
}

Test(route, buckets_are_found_in_the_host_too)
{
	scoped(served_stop) struct served served =
			served_start_domain("S3.Example.com");

	served_bucket(&served, "photos");
	served.client.host = "photos.s3.example.com:9000";
	served_put(&served, "/a/b", "bytes");
	served_put(&served, "//slash", "more");

	served_expect_body(served_ask(&served, "GET", "/a/b"), 200, "bytes");
	served_expect_elements(served_ask(&served, "GET", "/?list-type=2"),
		"Key", "/slash a/b ");
	served.client.host = "s3.example.com";
	served_expect_body(served_ask(&served, "GET", "/photos/a/b"), 200,
		"bytes");
	served_expect_elements(served_ask(&served, "GET", "/"), "Name",
		"photos ");
	served.client.host = "none.s3.example.com";
	served_expect_refusal(served_ask(&served, "GET", "/a/b"), 404,
		"NoSuchBucket");
	served.client.host = "x.photos.s3.example.com";
	served_expect_refusal(served_ask(&served, "GET", "/a/b"), 404,
		"NoSuchBucket");
	served.client.host = "_.s3.example.com";
	served_expect_refusal(served_ask(&served, "GET", "/"), 400,
		"InvalidBucketName");
}

Test(route, keys_that_cannot_be_are_refused_legibly)
{
	scoped(served_stop) struct served served = served_start();
	char key[1026] = {0};

	served_bucket(&served, "photos");
	memset(key, 'k', sizeof(key) - 1);

	served_expect_refusal(served_send(&served, "PUT",
				      served_text(&served, "/photos/%s", key),
				      NULL, SLICE("x")),
		400, "KeyTooLongError");
	served_expect_refusal(served_ask(&served, "PUT", "/photos/a%00b"), 400,
		"InvalidURI");
	served_expect_refusal(served_ask(&served, "PUT", "/photos/a%FFb"), 400,
		"InvalidURI");
	served_expect_refusal(served_ask(&served, "PUT", "/photos/a%zz"), 400,
		"InvalidURI");
	cr_expect(slice_find(served_ask(&served, "GET", "/photos/a%00b")->body,
			  SLICE("<Key>")) < 0);
}

Test(route, errors_name_what_was_asked_for)
{
	scoped(served_stop) struct served served = served_start();

	served_bucket(&served, "photos");

	const struct s3_reply *reply =
		served_ask(&served, "GET", "/photos/a%26%3C%20b");

	served_expect_refusal(reply, 404, "NoSuchKey");
	served_expect_elements(reply, "BucketName", "photos ");
	served_expect_elements(reply, "Key", "a&amp;&lt; b ");
	served_expect_elements(reply, "Resource", "/photos/a%26%3C%20b ");
	served_expect_header(reply, "content-type", "application/xml");
}

Test(route, what_is_too_long_to_be_a_request_is_told_as_s3_tells_it)
{
	scoped(served_stop) struct served served = served_start();
	char text[40001] = {0};

	memset(text, 'x', sizeof(text) - 1);

	served_expect_refusal(served_ask(&served, "GET",
				      served_text(&served,
					      "/photos?prefix=%.17000s", text)),
		414, "URITooLong");
	served_expect_refusal(served_send(&served, "GET", "/photos",
				      served_text(&served, "x-amz-meta-a: %s\n",
					      text),
				      SLICE_NULL),
		431, "RequestHeaderSectionTooLarge");
	served_expect_refusal(served_send(&served, "GET", "/photos",
				      "expect: a miracle\n", SLICE_NULL),
		417, "BadRequest");
}
