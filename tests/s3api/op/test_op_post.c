/* SPDX-License-Identifier: Apache-2.0 */
/* Uploads by HTML forms, as browsers send them. */
#include <stdio.h>
#include <stdlib.h>

#include "store/base/clock.h"
#include "store/base/digest.h"
#include "store/base/text.h"
#include "store/organization.h"
#include "tests/s3api/op/versioned.h"

#define FORM_TYPE "content-type: multipart/form-data; boundary=XX\n"
#define FOREVER "\"expiration\":\"2096-01-01T00:00:00Z\""
#define BUCKET_AND_KEY "{\"bucket\":\"photos\"},[\"starts-with\",\"$key\",\"\"]"

/* What the next form is to be. */
struct form {
	struct served *served;
	struct buffer body;
	const char *content; /* of the file; NULL: none */
	const char *filename;
	char credential[200];
	char timestamp[17];
};

static struct form
begin(struct served *served)
{
	struct form form = {
		.served = served, .content = "bytes", .filename = "a.txt"};

	clock_to_basic(clock_now_ns(), form.timestamp);
	(void)snprintf(form.credential, sizeof(form.credential),
		"%s/%.8s/us-east-1/s3/aws4_request", served->client.access_key,
		form.timestamp);
	return form;
}

static void
end(struct form *form)
{
	buffer_free(&form->body);
}

static void
add(struct form *form, const char *name, const char *value)
{
	buffer_printf(&form->body,
		"--XX\r\nContent-Disposition: form-data; name=\"%s\"\r\n\r\n"
		"%s\r\n",
		name, value);
}

static void
sign_text(const struct form *form, const char *text, char signature[65])
{
	static const char *const steps[] = {"us-east-1", "s3", "aws4_request"};
	scoped(buffer_free) struct buffer secret = {0};
	uint8_t key[32];

	buffer_printf(&secret, "AWS4%s", form->served->client.secret);
	digest_hmac_sha256(buffer_slice(&secret), slice_of(form->timestamp, 8),
		key);
	for (size_t i = 0; i < array_len(steps); i++)
		digest_hmac_sha256(slice_of(key, 32), slice_str(steps[i]), key);
	digest_hmac_sha256(slice_of(key, 32), slice_str(text), key);
	text_to_hex(key, sizeof(key), signature);
}

/* The fields of a signature over the policy, which is JSON. */
static void
sign(struct form *form, const char *policy)
{
	size_t len = strlen(policy);
	char *encoded = malloc(TEXT_BASE64_LEN(len) + 1);
	char signature[65];

	cr_assert(encoded != NULL);
	text_to_base64(policy, len, encoded);
	sign_text(form, encoded, signature);
	add(form, "Policy", encoded);
	add(form, "X-Amz-Algorithm", "AWS4-HMAC-SHA256");
	add(form, "X-Amz-Credential", form->credential);
	add(form, "X-Amz-Date", form->timestamp);
	add(form, "X-Amz-Signature", signature);
	free(encoded);
}

/* A policy with conditions for the fields of the signature, and these. */
static void
sign_with(struct form *form, const char *conditions)
{
	sign(form, served_text(form->served,
			   "{" FOREVER ",\"conditions\":[%s,"
			   "[\"starts-with\",\"$x-amz-algorithm\",\"\"],"
			   "[\"starts-with\",\"$x-amz-credential\",\"\"],"
			   "[\"starts-with\",\"$x-amz-date\",\"\"]]}",
			   conditions));
}

static const struct s3_reply *
post(struct form *form)
{
	struct s3_client *client = &form->served->client;
	bool was_anonymous = client->is_anonymous;
	const struct s3_reply *reply;

	if (form->content)
		buffer_printf(&form->body,
			"--XX\r\nContent-Disposition: form-data; "
			"name=\"file\"; "
			"filename=\"%s\"\r\nContent-Type: text/plain\r\n\r\n"
			"%s\r\n",
			form->filename, form->content);
	buffer_append_str(&form->body, "--XX--\r\n");
	client->is_anonymous = true;
	reply = served_send(form->served, "POST", "/photos", FORM_TYPE,
		buffer_slice(&form->body));
	client->is_anonymous = was_anonymous;
	buffer_clear(&form->body);
	return reply;
}

static void
expect_message(const struct s3_reply *reply, unsigned int status,
	const char *code, const char *message)
{
	served_expect_refusal(reply, status, code);
	cr_expect(slice_find(s3_client_element(reply, "Message", 0),
			  slice_str(message)) >= 0,
		"%s", reply->body.data);
}

Test(op_post, a_signed_form_uploads_its_file)
{
	scoped(served_stop) struct served served = served_start();
	scoped(end) struct form form = begin(&served);

	served_bucket(&served, "photos");
	add(&form, "key", "dir/${filename}");
	add(&form, "Content-Type", "image/png");
	add(&form, "x-amz-meta-Colour", "blue");
	add(&form, "tagging",
		"<Tagging><TagSet><Tag><Key>a b</Key><Value>1</Value></Tag>"
		"</TagSet></Tagging>");
	add(&form, "x-ignore-me", "whatever");
	sign_with(&form,
		BUCKET_AND_KEY ",[\"eq\",\"$content-type\",\"image/png\"],"
			       "{\"x-amz-meta-colour\":\"blue\"},"
			       "[\"starts-with\",\"$tagging\",\"<Tagging>\"],"
			       "[\"content-length-range\",5,5]");

	const struct s3_reply *reply = post(&form);

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
		scoped(end) struct form form = begin(&served);

		add(&form, "key", "a");
		add(&form, "x-amz-meta-colour", rows[i].colour);
		sign_with(&form, served_text(&served,
					 BUCKET_AND_KEY
					 ",{\"x-amz-meta-colour\":\"%s\"}",
					 rows[i].escaped));
		const struct s3_reply *reply = post(&form);
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
		scoped(end) struct form form = begin(&served);

		add(&form, "key", "a b");
		add(&form, rows[i].name, rows[i].value);
		sign_with(&form, served_text(&served,
					 BUCKET_AND_KEY
					 ",[\"starts-with\",\"$%s\",\"\"]",
					 rows[i].name));

		const struct s3_reply *reply = post(&form);

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
	scoped(end) struct form form = begin(&served);

	add(&form, "key", "a");
	sign_with(&form, BUCKET_AND_KEY);
	const char *id = versioned_id(&served, post(&form));

	cr_expect(eq(sz, strlen(id), VERSION_ID_LEN));
	served_expect_header(versioned_ask(&served, "HEAD", "a", NULL),
		"x-amz-version-id", id);
}

Test(op_post, conditions_that_do_not_hold_are_refused)
{
	scoped(served_stop) struct served served = served_start();
	static const struct {
		const char *conditions;
		unsigned int status;
		const char *code;
		const char *message;
	} rows[] = {
		{"{\"bucket\":\"other\"},[\"eq\",\"$key\",\"a\"]", 403,
			"AccessDenied",
			"Invalid according to Policy: Policy Condition failed: "
			"{&quot;bucket&quot;:&quot;other&quot;}"},
		{"{\"bucket\":\"photos\"},[\"eq\",\"$key\",\"b\"]", 403,
			"AccessDenied", "Policy Condition failed"},
		{"{\"bucket\":\"photos\"},[\"starts-with\",\"$key\",\"b\"]",
			403, "AccessDenied", "Policy Condition failed"},
		{"{\"bucket\":\"photos\"}", 403, "AccessDenied",
			"Invalid according to Policy: Extra input fields: key"},
		{BUCKET_AND_KEY ",{\"acl\":\"private\"}", 403, "AccessDenied",
			"Policy Condition failed"},
		{BUCKET_AND_KEY ",[\"content-length-range\",0,4]", 400,
			"EntityTooLarge", ""},
		{BUCKET_AND_KEY ",[\"content-length-range\",6,9]", 400,
			"EntityTooSmall", ""},
		{BUCKET_AND_KEY ",[\"content-length-range\",\"6\",\"9\"]", 400,
			"EntityTooSmall", ""},
		{BUCKET_AND_KEY ",[\"content-length-range\",0]", 400,
			"InvalidPolicyDocument", "Invalid Policy"},
		{BUCKET_AND_KEY ",[\"content-length-range\",-1,0]", 400,
			"InvalidPolicyDocument", "Invalid Policy"},
		{BUCKET_AND_KEY ",[\"content-length-range\",2,1]", 400,
			"InvalidPolicyDocument", "Invalid Policy"},
		{BUCKET_AND_KEY ",[\"like\",\"$key\",\"a\"]", 400,
			"InvalidPolicyDocument", "Invalid Policy"},
		{BUCKET_AND_KEY ",[\"eq\",\"key\",\"a\"]", 400,
			"InvalidPolicyDocument", "Invalid Policy"},
		{BUCKET_AND_KEY ",{}", 400, "InvalidPolicyDocument",
			"exactly one property"},
		{BUCKET_AND_KEY ",{\"a\":1}", 400, "InvalidPolicyDocument",
			"Invalid Policy"},
		{BUCKET_AND_KEY ",7", 400, "InvalidPolicyDocument",
			"Invalid Policy"},
	};

	served_bucket(&served, "photos");
	for (size_t i = 0; i < array_len(rows); i++) {
		scoped(end) struct form form = begin(&served);

		add(&form, "key", "a");
		sign_with(&form, rows[i].conditions);
		expect_message(post(&form), rows[i].status, rows[i].code,
			rows[i].message);
	}
	served_expect_refusal(served_ask(&served, "GET", "/photos/a"), 404,
		"NoSuchKey");
}

/* "Condition matching" of S3's page: a comma makes a list. */
Test(op_post, each_content_type_of_a_list_begins_as_it_should)
{
	scoped(served_stop) struct served served = served_start();
	static const struct {
		const char *type;
		const char *wanted;
		unsigned int status;
	} rows[] = {
		{"text/plain,text/html", "text/", 204},
		{"text/plain, text/html", "text/", 204},
		{"text/plain, image/png", "text/", 403},
		{"image/png,text/plain", "text/", 403},
		{"text/plain", "image/", 403},
		{"text/plain", "", 204},
	};

	served_bucket(&served, "photos");
	for (size_t i = 0; i < array_len(rows); i++) {
		scoped(end) struct form form = begin(&served);

		add(&form, "key", "a");
		add(&form, "Content-Type", rows[i].type);
		sign_with(&form,
			served_text(&served,
				BUCKET_AND_KEY ",[\"starts-with\","
					       "\"$Content-Type\",\"%s\"]",
				rows[i].wanted));
		const struct s3_reply *reply = post(&form);
		cr_expect(eq(uint, reply->status, rows[i].status), "%s: %s",
			rows[i].type, reply->body.data);
	}
}

Test(op_post, a_form_is_good_for_one_bucket)
{
	scoped(served_stop) struct served served = served_start();
	scoped(end) struct form form = begin(&served);

	served_bucket(&served, "photos");
	add(&form, "key", "a");
	sign_with(&form, "[\"eq\",\"$key\",\"a\"]");
	expect_message(post(&form), 403, "AccessDenied", "bucket");
	add(&form, "key", "a");
	sign_with(&form, "[\"eq\",\"$key\",\"a\"],{\"bucket\":\"others\"}");
	served_expect_refusal(post(&form), 403, "AccessDenied");
}

Test(op_post, nothing_is_a_bound_too)
{
	scoped(served_stop) struct served served = served_start();
	scoped(end) struct form form = begin(&served);

	served_bucket(&served, "photos");
	add(&form, "key", "a");
	sign_with(&form, "[\"eq\",\"$key\",\"a\"],{\"bucket\":\"photos\"},"
			 "[\"content-length-range\",0,0]");
	served_expect_refusal(post(&form), 400, "EntityTooLarge");
	form.content = "";
	add(&form, "key", "a");
	sign_with(&form, "[\"eq\",\"$key\",\"a\"],{\"bucket\":\"photos\"},"
			 "[\"content-length-range\",0,0]");
	cr_expect(eq(uint, post(&form)->status, 204));
}

Test(op_post, conditions_compare_names_without_case)
{
	scoped(served_stop) struct served served = served_start();
	scoped(end) struct form form = begin(&served);

	served_bucket(&served, "photos");
	add(&form, "KEY", "foo.txt");
	add(&form, "acL", "private");
	sign_with(&form,
		"{\"bUcKeT\":\"photos\"},[\"StArTs-WiTh\",\"$KeY\",\"foo\"],"
		"{\"AcL\":\"private\"}");

	cr_expect(eq(uint, post(&form)->status, 204));
}

Test(op_post, policies_that_are_none_are_refused)
{
	scoped(served_stop) struct served served = served_start();
	static const struct {
		const char *policy;
		unsigned int status;
		const char *code;
	} rows[] = {
		{"", 400, "InvalidPolicyDocument"},
		{"oops", 400, "InvalidPolicyDocument"},
		{"[]", 400, "InvalidPolicyDocument"},
		{"{\"conditions\":[]}", 400, "InvalidPolicyDocument"},
		{"{" FOREVER "}", 400, "InvalidPolicyDocument"},
		{"{" FOREVER ",\"CONDITIONS\":[]}", 400,
			"InvalidPolicyDocument"},
		{"{\"expiration\":\"soon\",\"conditions\":[]}", 400,
			"InvalidPolicyDocument"},
		{"{\"expiration\":\"2007-12-01T12:00:00.000Z\","
		 "\"conditions\":[]}",
			403, "AccessDenied"},
	};

	served_bucket(&served, "photos");
	for (size_t i = 0; i < array_len(rows); i++) {
		scoped(end) struct form form = begin(&served);

		add(&form, "key", "a");
		sign(&form, rows[i].policy);
		served_expect_refusal(post(&form), rows[i].status,
			rows[i].code);
	}
}

Test(op_post, a_form_is_signed_by_whom_it_says)
{
	scoped(served_stop) struct served served = served_start();
	scoped(end) struct form form = begin(&served);

	served_bucket(&served, "photos");
	/* Another secret. */
	served.client.secret[0] ^= 1;
	add(&form, "key", "a");
	sign_with(&form, BUCKET_AND_KEY);
	served_expect_refusal(post(&form), 403, "SignatureDoesNotMatch");
	served.client.secret[0] ^= 1;
	/* Nobody. */
	(void)snprintf(form.credential, sizeof(form.credential),
		"NOBODY/%.8s/us-east-1/s3/aws4_request", form.timestamp);
	add(&form, "key", "a");
	sign_with(&form, BUCKET_AND_KEY);
	served_expect_refusal(post(&form), 403, "InvalidAccessKeyId");
	/* Not at all. */
	add(&form, "key", "a");
	add(&form, "policy", "e30=");
	expect_message(post(&form), 400, "InvalidArgument", "X-Amz-Algorithm");
	add(&form, "key", "a");
	served_expect_refusal(post(&form), 403, "AccessDenied");
	add(&form, "key", "a");
	add(&form, "AWSAccessKeyId", "x");
	served_expect_refusal(post(&form), 400, "InvalidRequest");
	/* More than a week ago. */
	clock_to_basic(clock_now_ns() - 8 * 86400 * CLOCK_NS_PER_S,
		form.timestamp);
	(void)snprintf(form.credential, sizeof(form.credential),
		"%s/%.8s/us-east-1/s3/aws4_request", served.client.access_key,
		form.timestamp);
	add(&form, "key", "a");
	sign_with(&form, BUCKET_AND_KEY);
	served_expect_refusal(post(&form), 403, "AccessDenied");
	served_expect_refusal(served_ask(&served, "GET", "/photos/a"), 404,
		"NoSuchKey");
}

Test(op_post, a_form_does_what_its_signer_may)
{
	scoped(served_stop) struct served served = served_start();

	served_bucket(&served, "photos");
	served_become(&served, TOKEN_READ);

	scoped(end) struct form form = begin(&served);

	add(&form, "key", "a");
	sign_with(&form, BUCKET_AND_KEY);
	served_expect_refusal(post(&form), 403, "AccessDenied");
	served_become(&served, TOKEN_WRITE);

	scoped(end) struct form writer = begin(&served);

	add(&writer, "key", "a");
	sign_with(&writer, BUCKET_AND_KEY);
	cr_expect(eq(uint, post(&writer)->status, 204));
}

Test(op_post, nobody_uploads_where_a_policy_says_so)
{
	scoped(served_stop) struct served served = served_start();
	scoped(end) struct form form = begin(&served);

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
	add(&form, "key", "inbox/${filename}");
	cr_expect(eq(uint, post(&form)->status, 204));
	add(&form, "key", "other");
	served_expect_refusal(post(&form), 403, "AccessDenied");
	add(&form, "key", "inbox/b");
	add(&form, "acl", "private");
	served_expect_refusal(post(&form), 403, "AccessDenied");
	served_expect_body(served_ask(&served, "GET", "/photos/inbox/a.txt"),
		200, "bytes");
}

Test(op_post, forms_that_are_none_are_refused)
{
	scoped(served_stop) struct served served = served_start();
	scoped(end) struct form form = begin(&served);
	char large[30000];

	served_bucket(&served, "photos");
	/* No key, no file, a field twice, too much of them. */
	expect_message(post(&form), 400, "InvalidArgument",
		"must contain a field named 'key'");
	add(&form, "key", "a");
	form.content = NULL;
	expect_message(post(&form), 400, "InvalidArgument",
		"POST requires exactly one file upload per request.");
	form.content = "bytes";
	add(&form, "key", "a");
	add(&form, "Key", "b");
	served_expect_refusal(post(&form), 400, "InvalidArgument");
	memset(large, 'x', sizeof(large) - 1);
	large[sizeof(large) - 1] = '\0';
	add(&form, "key", "a");
	add(&form, "x-ignore-a", large);
	served_expect_refusal(post(&form), 400,
		"MaxPostPreDataLengthExceededError");
	add(&form, "key", "a");
	add(&form, "x-amz-meta-a", "b\r\nset-cookie: c");
	served_expect_refusal(post(&form), 400, "InvalidArgument");
	add(&form, "key", "a");
	add(&form, "x-amz-meta-a\nset-cookie", "b");
	served_expect_refusal(post(&form), 400, "InvalidArgument");
	add(&form, "key", "a");
	add(&form, "x-amz-meta-a b", "b");
	served_expect_refusal(post(&form), 400, "InvalidArgument");
	large[1100] = '\0';
	add(&form, "key", large);
	served_expect_refusal(post(&form), 400, "KeyTooLongError");

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
	add(form, "key", "a");
	add(form, SSE_C "algorithm", "AES256");
	add(form, SSE_C "key", SSE_C_KEY);
	add(form, SSE_C "key-MD5", SSE_C_MD5);
	sign_with(form, BUCKET_AND_KEY
		",[\"starts-with\",\"$" SSE_C "algorithm\",\"\"],"
		"[\"starts-with\",\"$" SSE_C "key\",\"\"],"
		"[\"starts-with\",\"$" SSE_C "key-md5\",\"\"]");
}

Test(op_post, a_form_seals_its_file_with_the_customers_key)
{
	scoped(served_stop) struct served served = served_start_sse_c();
	scoped(end) struct form form = begin(&served);

	served_bucket(&served, "photos");
	add_key(&form);

	cr_expect(eq(uint, post(&form)->status, 204));
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
	scoped(end) struct form form = begin(&served);

	served_bucket(&served, "photos");
	add_key(&form);

	served_expect_refusal(post(&form), 400, "InvalidRequest");
}

Test(op_post, a_file_of_many_pieces_is_stored_as_it_is)
{
	scoped(served_stop) struct served served = served_start();
	scoped(end) struct form form = begin(&served);
	size_t len = 3 * 1024 * 1024 + 17;
	char *large = malloc(len + 1);

	cr_assert(large != NULL);
	for (size_t i = 0; i < len; i++)
		large[i] = "\r\n--X0123456789"[(i * 7 + i / 4093) % 15];
	large[len] = '\0';
	served_bucket(&served, "photos");
	add(&form, "key", "a");
	sign_with(&form, BUCKET_AND_KEY);
	form.content = large;

	cr_expect(eq(uint, post(&form)->status, 204));

	const struct s3_reply *reply = served_ask(&served, "GET", "/photos/a");

	cr_expect(eq(sz, reply->body.len, len));
	cr_expect(slice_equal(reply->body, slice_of(large, len)));
	free(large);
}

Test(op_post, fields_that_stand_for_no_header_mean_nothing)
{
	scoped(served_stop) struct served served = served_start();
	scoped(end) struct form form = begin(&served);

	served_bucket(&served, "photos");
	served_put(&served, "/photos/secret", "secret");
	served_put(&served, "/photos/a", "old");
	add(&form, "key", "a");
	add(&form, "x-amz-copy-source", "photos/secret");
	add(&form, "if-none-match", "*");
	add(&form, "x-amz-decoded-content-length", "1");
	add(&form, "x-amz-tagging", "a=b");
	sign_with(&form, BUCKET_AND_KEY
		",[\"starts-with\",\"$x-amz-copy-source\",\"\"],"
		"[\"starts-with\",\"$if-none-match\",\"\"],"
		"[\"starts-with\",\"$x-amz-decoded-content-length\",\"\"],"
		"[\"starts-with\",\"$x-amz-tagging\",\"\"]");

	cr_expect(eq(uint, post(&form)->status, 204));
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
		scoped(end) struct form form = begin(&served);

		add(&form, "key", "a");
		if (pays)
			add(&form, PAYS, "requester");
		sign_with(&form,
			BUCKET_AND_KEY ",[\"starts-with\",\"$" PAYS "\",\"\"]");
		cr_expect(eq(uint, post(&form)->status, pays ? 204 : 403));
	}
}

Test(op_post, a_file_may_redirect_a_website)
{
	scoped(served_stop) struct served served = served_start();
	scoped(end) struct form form = begin(&served);

	served_bucket(&served, "photos");
	add(&form, "key", "a");
	add(&form, "x-amz-website-redirect-location", "/b");
	sign_with(&form, BUCKET_AND_KEY
		",[\"eq\",\"$x-amz-website-redirect-location\",\"/b\"]");

	cr_expect(eq(uint, post(&form)->status, 204));
	served_expect_header(served_ask(&served, "HEAD", "/photos/a"),
		"x-amz-website-redirect-location", "/b");
}

Test(op_post, fields_that_ask_for_what_there_is_not_are_refused)
{
	scoped(served_stop) struct served served = served_start();
	static const char *const fields[][2] = {
		{"x-amz-object-lock-mode", "GOVERNANCE"},
		{"x-amz-server-side-encryption", "AES256"},
	};

	served_bucket(&served, "photos");
	for (size_t i = 0; i < array_len(fields); i++) {
		scoped(end) struct form form = begin(&served);

		add(&form, "key", "a");
		add(&form, fields[i][0], fields[i][1]);
		sign_with(&form, served_text(&served,
					 BUCKET_AND_KEY
					 ",[\"starts-with\",\"$%s\",\"\"]",
					 fields[i][0]));
		served_expect_refusal(post(&form), 501, "NotImplemented");
	}
	served_expect_refusal(served_ask(&served, "GET", "/photos/a"), 404,
		"NoSuchKey");
}

Test(op_post, a_file_that_is_cut_short_is_not_stored)
{
	scoped(served_stop) struct served served = served_start();
	scoped(end) struct form form = begin(&served);

	served_bucket(&served, "photos");
	add(&form, "key", "a");
	sign_with(&form, BUCKET_AND_KEY);
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
	scoped(end) struct form form = begin(&served);
	static const char conditions[] =
		BUCKET_AND_KEY ",[\"starts-with\",\"$content-md5\",\"\"]";

	served_bucket(&served, "photos");
	add(&form, "key", "a");
	add(&form, "content-md5", "XUFAKrxLKna5cZ2REBfFkg==");
	sign_with(&form, conditions);
	served_expect_refusal(post(&form), 400, "BadDigest");
	add(&form, "key", "a");
	add(&form, "content-md5", "Szpi GLs+OnMD6KFxpg/Pkg==");
	sign_with(&form, conditions);
	served_expect_refusal(post(&form), 400, "InvalidDigest");
	add(&form, "key", "a");
	add(&form, "content-md5", "SzpiGLs+OnMD6KFxpg/Pkg==");
	sign_with(&form, conditions);
	cr_expect(eq(uint, post(&form)->status, 204));
}
