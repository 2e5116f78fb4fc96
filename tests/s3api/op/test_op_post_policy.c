/* SPDX-License-Identifier: Apache-2.0 */
/* What the policy of a form asks of its fields. */
#include "tests/s3api/op/form.h"

Test(op_post_policy, conditions_that_do_not_hold_are_refused)
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
		{FORM_BUCKET_AND_KEY ",{\"acl\":\"private\"}", 403,
			"AccessDenied", "Policy Condition failed"},
		{FORM_BUCKET_AND_KEY ",[\"content-length-range\",0,4]", 400,
			"EntityTooLarge", ""},
		{FORM_BUCKET_AND_KEY ",[\"content-length-range\",6,9]", 400,
			"EntityTooSmall", ""},
		{FORM_BUCKET_AND_KEY ",[\"content-length-range\",\"6\",\"9\"]",
			400, "EntityTooSmall", ""},
		{FORM_BUCKET_AND_KEY ",[\"content-length-range\",0]", 400,
			"InvalidPolicyDocument", "Invalid Policy"},
		{FORM_BUCKET_AND_KEY ",[\"content-length-range\",-1,0]", 400,
			"InvalidPolicyDocument", "Invalid Policy"},
		{FORM_BUCKET_AND_KEY ",[\"content-length-range\",2,1]", 400,
			"InvalidPolicyDocument", "Invalid Policy"},
		{FORM_BUCKET_AND_KEY ",[\"like\",\"$key\",\"a\"]", 400,
			"InvalidPolicyDocument", "Invalid Policy"},
		{FORM_BUCKET_AND_KEY ",[\"eq\",\"key\",\"a\"]", 400,
			"InvalidPolicyDocument", "Invalid Policy"},
		{FORM_BUCKET_AND_KEY ",{}", 400, "InvalidPolicyDocument",
			"exactly one property"},
		{FORM_BUCKET_AND_KEY ",{\"a\":1}", 400, "InvalidPolicyDocument",
			"Invalid Policy"},
		{FORM_BUCKET_AND_KEY ",7", 400, "InvalidPolicyDocument",
			"Invalid Policy"},
	};

	served_bucket(&served, "photos");
	for (size_t i = 0; i < array_len(rows); i++) {
		scoped(form_end) struct form form = form_begin(&served);

		form_add(&form, "key", "a");
		form_sign_with(&form, rows[i].conditions);
		form_expect_message(form_post(&form), rows[i].status,
			rows[i].code, rows[i].message);
	}
	served_expect_refusal(served_ask(&served, "GET", "/photos/a"), 404,
		"NoSuchKey");
}

/* "Condition matching" of S3's page: a comma makes a list. */
Test(op_post_policy, each_content_type_of_a_list_begins_as_it_should)
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
		scoped(form_end) struct form form = form_begin(&served);

		form_add(&form, "key", "a");
		form_add(&form, "Content-Type", rows[i].type);
		form_sign_with(&form,
			served_text(&served,
				FORM_BUCKET_AND_KEY ",[\"starts-with\","
						    "\"$Content-Type\",\"%s\"]",
				rows[i].wanted));
		const struct s3_reply *reply = form_post(&form);
		cr_expect(eq(uint, reply->status, rows[i].status), "%s: %s",
			rows[i].type, reply->body.data);
	}
}

Test(op_post_policy, a_form_is_good_for_one_bucket)
{
	scoped(served_stop) struct served served = served_start();
	scoped(form_end) struct form form = form_begin(&served);

	served_bucket(&served, "photos");
	form_add(&form, "key", "a");
	form_sign_with(&form, "[\"eq\",\"$key\",\"a\"]");
	form_expect_message(form_post(&form), 403, "AccessDenied", "bucket");
	form_add(&form, "key", "a");
	form_sign_with(&form,
		"[\"eq\",\"$key\",\"a\"],{\"bucket\":\"others\"}");
	served_expect_refusal(form_post(&form), 403, "AccessDenied");
}

Test(op_post_policy, nothing_is_a_bound_too)
{
	scoped(served_stop) struct served served = served_start();
	scoped(form_end) struct form form = form_begin(&served);

	served_bucket(&served, "photos");
	form_add(&form, "key", "a");
	form_sign_with(&form, "[\"eq\",\"$key\",\"a\"],{\"bucket\":\"photos\"},"
			      "[\"content-length-range\",0,0]");
	served_expect_refusal(form_post(&form), 400, "EntityTooLarge");
	form.content = "";
	form_add(&form, "key", "a");
	form_sign_with(&form, "[\"eq\",\"$key\",\"a\"],{\"bucket\":\"photos\"},"
			      "[\"content-length-range\",0,0]");
	cr_expect(eq(uint, form_post(&form)->status, 204));
}

Test(op_post_policy, conditions_compare_names_without_case)
{
	scoped(served_stop) struct served served = served_start();
	scoped(form_end) struct form form = form_begin(&served);

	served_bucket(&served, "photos");
	form_add(&form, "KEY", "foo.txt");
	form_add(&form, "acL", "private");
	form_sign_with(&form,
		"{\"bUcKeT\":\"photos\"},[\"StArTs-WiTh\",\"$KeY\",\"foo\"],"
		"{\"AcL\":\"private\"}");

	cr_expect(eq(uint, form_post(&form)->status, 204));
}

Test(op_post_policy, policies_that_are_none_are_refused)
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
		{"{" FORM_FOREVER "}", 400, "InvalidPolicyDocument"},
		{"{" FORM_FOREVER ",\"CONDITIONS\":[]}", 400,
			"InvalidPolicyDocument"},
		{"{\"expiration\":\"soon\",\"conditions\":[]}", 400,
			"InvalidPolicyDocument"},
		{"{\"expiration\":\"2007-12-01T12:00:00.000Z\","
		 "\"conditions\":[]}",
			403, "AccessDenied"},
	};

	served_bucket(&served, "photos");
	for (size_t i = 0; i < array_len(rows); i++) {
		scoped(form_end) struct form form = form_begin(&served);

		form_add(&form, "key", "a");
		form_sign(&form, rows[i].policy);
		served_expect_refusal(form_post(&form), rows[i].status,
			rows[i].code);
	}
}
