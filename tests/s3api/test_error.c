/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/error.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

Test(s3_error, has_the_status_that_clients_know_each_code_by)
{
	static const struct {
		enum s3_error error;
		const char *code;
		unsigned int status;
	} known[] = {
		{S3_NO_SUCH_KEY, "NoSuchKey", 404},
		{S3_NO_SUCH_BUCKET, "NoSuchBucket", 404},
		{S3_NO_SUCH_UPLOAD, "NoSuchUpload", 404},
		{S3_ACCESS_DENIED, "AccessDenied", 403},
		{S3_SIGNATURE_DOES_NOT_MATCH, "SignatureDoesNotMatch", 403},
		{S3_INVALID_ACCESS_KEY_ID, "InvalidAccessKeyId", 403},
		{S3_REQUEST_TIME_TOO_SKEWED, "RequestTimeTooSkewed", 403},
		{S3_BUCKET_NOT_EMPTY, "BucketNotEmpty", 409},
		{S3_BUCKET_ALREADY_OWNED, "BucketAlreadyOwnedByYou", 409},
		{S3_PRECONDITION_FAILED, "PreconditionFailed", 412},
		{S3_INVALID_RANGE, "InvalidRange", 416},
		{S3_MISSING_CONTENT_LENGTH, "MissingContentLength", 411},
		{S3_NOT_IMPLEMENTED, "NotImplemented", 501},
		{S3_SLOW_DOWN, "SlowDown", 503},
		{S3_OK, "OK", 200},
	};

	for (size_t i = 0; i < array_len(known); i++) {
		cr_expect(eq(str, (char *)error_code(known[i].error),
			(char *)known[i].code));
		cr_expect(eq(u32, error_status(known[i].error),
			known[i].status));
	}
}

Test(s3_error, of_every_kind_has_a_code_of_its_own_and_a_sentence)
{
	for (int i = S3_OK + 1; i <= S3_CONTENT_SHA256_MISMATCH; i++) {
		cr_expect(gt(sz, strlen(error_code((enum s3_error)i)), 3));
		cr_expect(gt(sz, strlen(error_message((enum s3_error)i)), 3));
		cr_expect(ge(u32, error_status((enum s3_error)i), 301));
		for (int j = S3_OK; j < i; j++)
			cr_expect(ne(str, (char *)error_code((enum s3_error)i),
				(char *)error_code((enum s3_error)j)));
	}
}

Test(s3_error, report_drops_fields_beyond_its_room)
{
	struct error_report report = {0};

	(void)error_set(&report, S3_INVALID_ARGUMENT, "why");
	for (int i = 0; i < ERROR_FIELDS_MAX + 3; i++)
		error_add(&report, "Name", SLICE("value"));

	cr_expect(eq(sz, report.field_count, ERROR_FIELDS_MAX));
	cr_expect(slice_equal(report.message, SLICE("why")));
	cr_expect(eq(int, error_set(&report, S3_BAD_DIGEST, NULL),
		S3_BAD_DIGEST));
	cr_expect(zero(sz, report.field_count));
	cr_expect(zero(sz, report.message.len));
}
