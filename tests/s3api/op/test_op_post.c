/* SPDX-License-Identifier: Apache-2.0 */
/* Uploads by HTML forms, as browsers send them. */
#include <stdio.h>
#include <stdlib.h>

#include "store/base/clock.h"
#include "store/organization.h"
#include "tests/s3api/op/form.h"
#include "tests/s3api/op/versioned.h"

Test(op_post, a_signed_form_uploads_its_file)
{
	scoped(served_stop) struct served served = served_start();
	scoped(form_end) struct form form = form_begin(&served);

	served_bucket(&served, "photos");
	form_add(&form, "key", "dir/${filename}");
	form_add(&form, "Content-Type", "image/png");
	form_add(&form, "x-amz-meta-Colour", "blue");
	form_add(&form, "tagging",
		"<Tagging><TagSet><Tag><Key>a b</Key><Value>1</Value></Tag>"
		"</TagSet></Tagging>");
	form_add(&form, "x-ignore-me", "whatever");
	form_sign_with(&form, FORM_BUCKET_AND_KEY
		",[\"eq\",\"$content-type\",\"image/png\"],"
		"{\"x-amz-meta-colour\":\"blue\"},"
		"[\"starts-with\",\"$tagging\",\"<Tagging>\"],"
		"[\"content-length-range\",5,5]");

	const struct s3_reply *reply = form_post(&form);

	cr_expect(eq(uint, reply->status, 204), "%s", reply->body.data);
	served_expect_header(reply, "etag",
		"\"4b3a6218bb3e3a7303e8a171a60fcf92\"");
	cr_expect(slice_has_suffix(s3_client_header(reply, "location"),
		SLICE("/photos/dir/a.txt")));
	reply = served_ask(&served, "GET", "/photos/dir/a.txt");
	served_expect_body(reply, 200, "bytes");
	served_expect_header(reply, "content-type", "image/png");
	served_expect_header(reply, "x-amz-meta-colour", "blue");
	served_expect_header(reply, "x-amz-tagging-count", "1");
	served_expect_elements(served_ask(&served, "GET",
				       "/photos/dir/a.txt?tagging"),
		"Key", "a b ");
}

/* "Character escaping" of S3's page on POST policies. */
Test(op_post, a_dollar_may_be_escaped)
{
	scoped(served_stop) struct served served = served_start();
	static const struct {
		const char *escaped;
		const char *colour;
		unsigned int status;
	} rows[] = {
		{"\\$5", "$5", 204},
		{"\\\\$5", "\\$5", 204},
		{"\\\\\\$5", "\\$5", 204},
		{"\\u00245", "$5", 204},
		{"\\$5", "\\$5", 403},
		{"a\\vb", "a b", 403},
		{"\\q", "q", 400},
		{"\\", "a", 400},
	};

	served_bucket(&served, "photos");
	for (size_t i = 0; i < array_len(rows); i++) {
		scoped(form_end) struct form form = form_begin(&served);

		form_add(&form, "key", "a");
		form_add(&form, "x-amz-meta-colour", rows[i].colour);
		form_sign_with(&form, served_text(&served,
					      FORM_BUCKET_AND_KEY
					      ",{\"x-amz-meta-colour\":\"%s\"}",
					      rows[i].escaped));
		const struct s3_reply *reply = form_post(&form);
		cr_expect(eq(uint, reply->status, rows[i].status), "%s: %s",
			rows[i].escaped, reply->body.data);
	}
}

Test(op_post, success_is_told_as_the_form_asks)
{
	scoped(served_stop) struct served served = served_start();
	static const struct {
		const char *name;
		const char *value;
		unsigned int status;
	} rows[] = {
		{"success_action_status", "200", 200},
		{"success_action_status", "201", 201},
		{"success_action_status", "204", 204},
		{"success_action_status", "404", 204},
		{"success_action_redirect", "http://a/b", 303},
		{"success_action_redirect", "https://a/b?c=d", 303},
		{"success_action_redirect", "ftp://a/b", 204},
		{"redirect", "http://a/b", 303},
	};

	served_bucket(&served, "photos");
	for (size_t i = 0; i < array_len(rows); i++) {
		scoped(form_end) struct form form = form_begin(&served);

		form_add(&form, "key", "a b");
		form_add(&form, rows[i].name, rows[i].value);
		form_sign_with(&form, served_text(&served,
					      FORM_BUCKET_AND_KEY
					      ",[\"starts-with\",\"$%s\",\"\"]",
					      rows[i].name));

		const struct s3_reply *reply = form_post(&form);

		cr_expect(eq(uint, reply->status, rows[i].status), "%s",
			rows[i].value);
		if (rows[i].status == 201) {
			served_expect_elements(reply, "Bucket", "photos ");
			served_expect_elements(reply, "Key", "a b ");
			cr_expect(slice_has_suffix(s3_client_element(reply,
							   "Location", 0),
				SLICE("/photos/a%20b")));
		}
		if (rows[i].status == 303)
			served_expect_header(reply, "location",
				served_text(&served,
					"%s%sbucket=photos&key=a%%20b&etag="
					"%%224b3a6218bb3e3a7303e8a171a60fcf92"
					"%%22",
					rows[i].value,
					strchr(rows[i].value, '?') ? "&"
								   : "?"));
	}
}

Test(op_post, where_versions_are_kept_the_reply_tells_which_it_is)
{
	scoped(served_stop) struct served served = versioned_start();
	scoped(form_end) struct form form = form_begin(&served);

	form_add(&form, "key", "a");
	form_sign_with(&form, FORM_BUCKET_AND_KEY);
	const char *id = versioned_id(&served, form_post(&form));

	cr_expect(eq(sz, strlen(id), VERSION_ID_LEN));
	served_expect_header(versioned_ask(&served, "HEAD", "a", NULL),
		"x-amz-version-id", id);
}

Test(op_post, a_form_is_signed_by_whom_it_says)
{
	scoped(served_stop) struct served served = served_start();
	scoped(form_end) struct form form = form_begin(&served);

	served_bucket(&served, "photos");
	/* Another secret. */
	served.client.secret[0] ^= 1;
	form_add(&form, "key", "a");
	form_sign_with(&form, FORM_BUCKET_AND_KEY);
	served_expect_refusal(form_post(&form), 403, "SignatureDoesNotMatch");
	served.client.secret[0] ^= 1;
	/* Nobody. */
	(void)snprintf(form.credential, sizeof(form.credential),
		"NOBODY/%.8s/us-east-1/s3/aws4_request", form.timestamp);
	form_add(&form, "key", "a");
	form_sign_with(&form, FORM_BUCKET_AND_KEY);
	served_expect_refusal(form_post(&form), 403, "InvalidAccessKeyId");
	/* Not at all. */
	form_add(&form, "key", "a");
	form_add(&form, "policy", "e30=");
	form_expect_message(form_post(&form), 400, "InvalidArgument",
		"X-Amz-Algorithm");
	form_add(&form, "key", "a");
	served_expect_refusal(form_post(&form), 403, "AccessDenied");
	form_add(&form, "key", "a");
	form_add(&form, "AWSAccessKeyId", "x");
	served_expect_refusal(form_post(&form), 400, "InvalidRequest");
	/* More than a week ago. */
	clock_to_basic(clock_now_ns() - 8 * 86400 * CLOCK_NS_PER_S,
		form.timestamp);
	(void)snprintf(form.credential, sizeof(form.credential),
		"%s/%.8s/us-east-1/s3/aws4_request", served.client.access_key,
		form.timestamp);
	form_add(&form, "key", "a");
	form_sign_with(&form, FORM_BUCKET_AND_KEY);
	served_expect_refusal(form_post(&form), 403, "AccessDenied");
	served_expect_refusal(served_ask(&served, "GET", "/photos/a"), 404,
		"NoSuchKey");
}

Test(op_post, a_form_does_what_its_signer_may)
{
	scoped(served_stop) struct served served = served_start();

	served_bucket(&served, "photos");
	served_become(&served, TOKEN_READ);

	scoped(form_end) struct form form = form_begin(&served);

	form_add(&form, "key", "a");
	form_sign_with(&form, FORM_BUCKET_AND_KEY);
	served_expect_refusal(form_post(&form), 403, "AccessDenied");
	served_become(&served, TOKEN_WRITE);

	scoped(form_end) struct form writer = form_begin(&served);

	form_add(&writer, "key", "a");
	form_sign_with(&writer, FORM_BUCKET_AND_KEY);
	cr_expect(eq(uint, form_post(&writer)->status, 204));
}

Test(op_post, nobody_uploads_where_a_policy_says_so)
{
	scoped(served_stop) struct served served = served_start();
	scoped(form_end) struct form form = form_begin(&served);

	served_bucket(&served, "photos");
	cr_assert(eq(uint,
		served_send(&served, "PUT", "/photos?policy", NULL,
			SLICE("{\"Version\":\"2012-10-17\",\"Statement\":[{"
			      "\"Effect\":\"Allow\",\"Principal\":\"*\","
			      "\"Action\":\"s3:PutObject\",\"Resource\":"
			      "\"arn:aws:s3:::photos/inbox/*\",\"Condition\":"
			      "{\"Null\":{\"s3:x-amz-acl\":\"true\"}}}]}"))
			->status,
		204));
	form_add(&form, "key", "inbox/${filename}");
	cr_expect(eq(uint, form_post(&form)->status, 204));
	form_add(&form, "key", "other");
	served_expect_refusal(form_post(&form), 403, "AccessDenied");
	form_add(&form, "key", "inbox/b");
	form_add(&form, "acl", "private");
	served_expect_refusal(form_post(&form), 403, "AccessDenied");
	served_expect_body(served_ask(&served, "GET", "/photos/inbox/a.txt"),
		200, "bytes");
}

Test(op_post, forms_that_are_none_are_refused)
{
	scoped(served_stop) struct served served = served_start();
	scoped(form_end) struct form form = form_begin(&served);
	char large[30000];

	served_bucket(&served, "photos");
	/* No key, no file, a field twice, too much of them. */
	form_expect_message(form_post(&form), 400, "InvalidArgument",
		"must contain a field named 'key'");
	form_add(&form, "key", "a");
	form.content = NULL;
	form_expect_message(form_post(&form), 400, "InvalidArgument",
		"POST requires exactly one file upload per request.");
	form.content = "bytes";
	form_add(&form, "key", "a");
	form_add(&form, "Key", "b");
	served_expect_refusal(form_post(&form), 400, "InvalidArgument");
	memset(large, 'x', sizeof(large) - 1);
	large[sizeof(large) - 1] = '\0';
	form_add(&form, "key", "a");
	form_add(&form, "x-ignore-a", large);
	served_expect_refusal(form_post(&form), 400,
		"MaxPostPreDataLengthExceededError");
	form_add(&form, "key", "a");
	form_add(&form, "x-amz-meta-a", "b\r\nset-cookie: c");
	served_expect_refusal(form_post(&form), 400, "InvalidArgument");
	form_add(&form, "key", "a");
	form_add(&form, "x-amz-meta-a\nset-cookie", "b");
	served_expect_refusal(form_post(&form), 400, "InvalidArgument");
	form_add(&form, "key", "a");
	form_add(&form, "x-amz-meta-a b", "b");
	served_expect_refusal(form_post(&form), 400, "InvalidArgument");
	large[1100] = '\0';
	form_add(&form, "key", large);
	served_expect_refusal(form_post(&form), 400, "KeyTooLongError");

	served.client.is_anonymous = true;

	const struct s3_reply *reply =
		served_send(&served, "POST", "/photos", NULL, SLICE("key=a"));

	served_expect_refusal(reply, 412, "PreconditionFailed");
	served_expect_elements(reply, "Condition",
		"Bucket POST must be of the enclosure-type "
		"multipart/form-data ");
	served_expect_refusal(served_send(&served, "POST", "/photos",
				      "content-type: multipart/form-data\n",
				      SLICE("key=a")),
		400, "MalformedPOSTRequest");
	served_expect_refusal(served_send(&served, "POST", "/photos", FORM_TYPE,
				      SLICE("--XX--")),
		400, "InvalidArgument");
	served_expect_refusal(served_send(&served, "POST", "/photos", FORM_TYPE,
				      SLICE("oops")),
		400, "MalformedPOSTRequest");
	served_expect_refusal(served_send(&served, "POST", "/none", FORM_TYPE,
				      SLICE("--XX--")),
		404, "NoSuchBucket");
	served.client.is_anonymous = false;
	served_expect_refusal(served_send(&served, "POST", "/photos", FORM_TYPE,
				      SLICE("--XX--")),
		400, "InvalidRequest");
}

#define SSE_C "x-amz-server-side-encryption-customer-"
#define SSE_C_KEY "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s="
#define SSE_C_MD5 "mT2HRsMGJ5IX5C+0rreZ8Q=="

static void
add_key(struct form *form)
{
	form_add(form, "key", "a");
	form_add(form, SSE_C "algorithm", "AES256");
	form_add(form, SSE_C "key", SSE_C_KEY);
	form_add(form, SSE_C "key-MD5", SSE_C_MD5);
	form_sign_with(form, FORM_BUCKET_AND_KEY
		",[\"starts-with\",\"$" SSE_C "algorithm\",\"\"],"
		"[\"starts-with\",\"$" SSE_C "key\",\"\"],"
		"[\"starts-with\",\"$" SSE_C "key-md5\",\"\"]");
}

Test(op_post, a_form_seals_its_file_with_the_customers_key)
{
	scoped(served_stop) struct served served = served_start_sse_c();
	scoped(form_end) struct form form = form_begin(&served);

	served_bucket(&served, "photos");
	add_key(&form);

	cr_expect(eq(uint, form_post(&form)->status, 204));
	served_expect_refusal(served_ask(&served, "GET", "/photos/a"), 400,
		"InvalidRequest");
	served_expect_body(served_send(&served, "GET", "/photos/a",
				   SSE_C "algorithm: AES256\n" SSE_C
					 "key: " SSE_C_KEY "\n" SSE_C
					 "key-md5: " SSE_C_MD5 "\n",
				   SLICE_NULL),
		200, "bytes");
}

Test(op_post, a_customers_key_does_not_come_in_plain)
{
	scoped(served_stop) struct served served = served_start();
	scoped(form_end) struct form form = form_begin(&served);

	served_bucket(&served, "photos");
	add_key(&form);

	served_expect_refusal(form_post(&form), 400, "InvalidRequest");
}

Test(op_post, a_file_of_many_pieces_is_stored_as_it_is)
{
	scoped(served_stop) struct served served = served_start();
	scoped(form_end) struct form form = form_begin(&served);
	size_t len = 3 * 1024 * 1024 + 17;
	char *large = malloc(len + 1);

	cr_assert(large != NULL);
	for (size_t i = 0; i < len; i++)
		large[i] = "\r\n--X0123456789"[(i * 7 + i / 4093) % 15];
	large[len] = '\0';
	served_bucket(&served, "photos");
	form_add(&form, "key", "a");
	form_sign_with(&form, FORM_BUCKET_AND_KEY);
	form.content = large;

	cr_expect(eq(uint, form_post(&form)->status, 204));

	const struct s3_reply *reply = served_ask(&served, "GET", "/photos/a");

	cr_expect(eq(sz, reply->body.len, len));
	cr_expect(slice_equal(reply->body, slice_of(large, len)));
	free(large);
}

Test(op_post, fields_that_stand_for_no_header_mean_nothing)
{
	scoped(served_stop) struct served served = served_start();
	scoped(form_end) struct form form = form_begin(&served);

	served_bucket(&served, "photos");
	served_put(&served, "/photos/secret", "secret");
	served_put(&served, "/photos/a", "old");
	form_add(&form, "key", "a");
	form_add(&form, "x-amz-copy-source", "photos/secret");
	form_add(&form, "if-none-match", "*");
	form_add(&form, "x-amz-decoded-content-length", "1");
	form_add(&form, "x-amz-tagging", "a=b");
	form_sign_with(&form, FORM_BUCKET_AND_KEY
		",[\"starts-with\",\"$x-amz-copy-source\",\"\"],"
		"[\"starts-with\",\"$if-none-match\",\"\"],"
		"[\"starts-with\",\"$x-amz-decoded-content-length\",\"\"],"
		"[\"starts-with\",\"$x-amz-tagging\",\"\"]");

	cr_expect(eq(uint, form_post(&form)->status, 204));
	served_expect_body(served_ask(&served, "GET", "/photos/a"), 200,
		"bytes");
	served_expect_header(served_ask(&served, "HEAD", "/photos/a"),
		"x-amz-tagging-count", "");
}

#define PAYS "x-amz-request-payer"

Test(op_post, a_form_says_that_who_signs_it_pays)
{
	scoped(served_stop) struct served served = served_start();

	served_bucket(&served, "photos");
	cr_assert(eq(uint,
		served_send(&served, "PUT", "/photos?policy", NULL,
			SLICE("{\"Version\":\"2012-10-17\",\"Statement\":[{"
			      "\"Effect\":\"Allow\",\"Principal\":\"*\","
			      "\"Action\":\"s3:PutObject\",\"Resource\":"
			      "\"arn:aws:s3:::photos/*\"}]}"))
			->status,
		204));
	served_put(&served, "/photos?requestPayment",
		"<RequestPaymentConfiguration><Payer>Requester</Payer></"
		"RequestPaymentConfiguration>");
	cr_assert(zero(int,
		organization_create(served.temp.store, SLICE("org"))));
	(void)served_become_drafted(&served,
		&(struct token_draft){
			.name = SLICE("other"),
			.organization = SLICE("org"),
			.level = TOKEN_WRITE,
		});
	for (int pays = 0; pays < 2; pays++) {
		scoped(form_end) struct form form = form_begin(&served);

		form_add(&form, "key", "a");
		if (pays)
			form_add(&form, PAYS, "requester");
		form_sign_with(&form, FORM_BUCKET_AND_KEY
			",[\"starts-with\",\"$" PAYS "\",\"\"]");
		cr_expect(eq(uint, form_post(&form)->status, pays ? 204 : 403));
	}
}

Test(op_post, a_file_may_redirect_a_website)
{
	scoped(served_stop) struct served served = served_start();
	scoped(form_end) struct form form = form_begin(&served);

	served_bucket(&served, "photos");
	form_add(&form, "key", "a");
	form_add(&form, "x-amz-website-redirect-location", "/b");
	form_sign_with(&form, FORM_BUCKET_AND_KEY
		",[\"eq\",\"$x-amz-website-redirect-location\",\"/b\"]");

	cr_expect(eq(uint, form_post(&form)->status, 204));
	served_expect_header(served_ask(&served, "HEAD", "/photos/a"),
		"x-amz-website-redirect-location", "/b");
}

Test(op_post, fields_lock_the_object)
{
	scoped(served_stop) struct served served = versioned_start();
	scoped(form_end) struct form form = form_begin(&served);

	cr_assert(eq(uint,
		served_send(&served, "PUT", "/photos?object-lock", NULL,
			SLICE("<ObjectLockConfiguration><ObjectLockEnabled>"
			      "Enabled</ObjectLockEnabled>"
			      "</ObjectLockConfiguration>"))
			->status,
		200));
	form_add(&form, "key", "a");
	form_add(&form, "x-amz-object-lock-mode", "GOVERNANCE");
	form_add(&form, "x-amz-object-lock-retain-until-date",
		"2096-01-01T00:00:00Z");
	form_sign_with(&form, FORM_BUCKET_AND_KEY
		",[\"starts-with\",\"$x-amz-object-lock-mode\",\"\"]"
		",[\"starts-with\",\"$x-amz-object-lock-retain-until-date\","
		"\"\"]");

	cr_expect(eq(uint, form_post(&form)->status, 204));
	served_expect_header(served_ask(&served, "HEAD", "/photos/a"),
		"x-amz-object-lock-mode", "GOVERNANCE");
}

Test(op_post, fields_that_ask_for_what_there_is_not_are_refused)
{
	scoped(served_stop) struct served served = served_start();
	static const char *const fields[][2] = {
		{"x-amz-server-side-encryption", "AES256"},
	};

	served_bucket(&served, "photos");
	for (size_t i = 0; i < array_len(fields); i++) {
		scoped(form_end) struct form form = form_begin(&served);

		form_add(&form, "key", "a");
		form_add(&form, fields[i][0], fields[i][1]);
		form_sign_with(&form, served_text(&served,
					      FORM_BUCKET_AND_KEY
					      ",[\"starts-with\",\"$%s\",\"\"]",
					      fields[i][0]));
		served_expect_refusal(form_post(&form), 501, "NotImplemented");
	}
	served_expect_refusal(served_ask(&served, "GET", "/photos/a"), 404,
		"NoSuchKey");
}

Test(op_post, a_file_that_is_cut_short_is_not_stored)
{
	scoped(served_stop) struct served served = served_start();
	scoped(form_end) struct form form = form_begin(&served);

	served_bucket(&served, "photos");
	form_add(&form, "key", "a");
	form_sign_with(&form, FORM_BUCKET_AND_KEY);
	buffer_append_str(&form.body,
		"--XX\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\n"
		"bytes");
	served.client.is_anonymous = true;
	served_expect_refusal(served_send(&served, "POST", "/photos", FORM_TYPE,
				      buffer_slice(&form.body)),
		400, "MalformedPOSTRequest");
	served.client.is_anonymous = false;
	served_expect_refusal(served_ask(&served, "GET", "/photos/a"), 404,
		"NoSuchKey");
}

Test(op_post, checksums_of_fields_are_held_against_the_file)
{
	scoped(served_stop) struct served served = served_start();
	scoped(form_end) struct form form = form_begin(&served);
	static const char conditions[] =
		FORM_BUCKET_AND_KEY ",[\"starts-with\",\"$content-md5\",\"\"]";

	served_bucket(&served, "photos");
	form_add(&form, "key", "a");
	form_add(&form, "content-md5", "XUFAKrxLKna5cZ2REBfFkg==");
	form_sign_with(&form, conditions);
	served_expect_refusal(form_post(&form), 400, "BadDigest");
	form_add(&form, "key", "a");
	form_add(&form, "content-md5", "Szpi GLs+OnMD6KFxpg/Pkg==");
	form_sign_with(&form, conditions);
	served_expect_refusal(form_post(&form), 400, "InvalidDigest");
	form_add(&form, "key", "a");
	form_add(&form, "content-md5", "SzpiGLs+OnMD6KFxpg/Pkg==");
	form_sign_with(&form, conditions);
	cr_expect(eq(uint, form_post(&form)->status, 204));
}
