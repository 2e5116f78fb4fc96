/* SPDX-License-Identifier: Apache-2.0 */
/* Buckets that block customers' keys. */
#include "tests/s3api/op/served.h"

#define OWN "x-amz-server-side-encryption-customer-"
#define KEY                                                                    \
	OWN "algorithm: AES256\n" OWN                                          \
	    "key: Y3VzdG9tZXIga2V5IEE6IDMyIGJ5dGVzIG9mIGl0Li4=\n" OWN          \
	    "key-md5: 8zK74eIAI+fhx34xNVgOAA==\n"
#define RULE(rule)                                                             \
	"<ServerSideEncryptionConfiguration><Rule>" rule                       \
	"</Rule></ServerSideEncryptionConfiguration>"
#define BLOCK(type)                                                            \
	"<BlockedEncryptionTypes><EncryptionType>" type                        \
	"</EncryptionType></BlockedEncryptionTypes>"

static const struct s3_reply *
set(struct served *served, const char *xml)
{
	return served_send(served, "PUT", "/photos?encryption", NULL,
		slice_str(xml));
}

static const struct s3_reply *
send_key(struct served *served, const char *method, const char *target,
	const char *more)
{
	return served_send(served, method, target,
		served_text(served, KEY "%s", more),
		*method == 'P' && !*more ? SLICE("hello") : SLICE_NULL);
}

/* One that holds sealed "a", and blocks more of them. */
static struct served
start(void)
{
	struct served served = served_start_sse_c();

	served_bucket(&served, "photos");
	cr_assert(eq(uint, send_key(&served, "PUT", "/photos/a", "")->status,
		200));
	served_put(&served, "/photos/plain", "bytes");
	cr_assert(eq(uint, set(&served, RULE(BLOCK("SSE-C")))->status, 200));
	return served;
}

Test(op_encryption, blocks_what_would_store_with_a_customers_key)
{
	scoped(served_stop) struct served served = start();

	served_expect_refusal(send_key(&served, "PUT", "/photos/b", ""), 403,
		"AccessDenied");
	served_expect_refusal(send_key(&served, "PUT", "/photos/b",
				      "x-amz-copy-source: /photos/plain\n"),
		403, "AccessDenied");
	served_expect_refusal(send_key(&served, "POST", "/photos/b?uploads",
				      ""),
		403, "AccessDenied");
	served_expect_refusal(served_ask(&served, "GET", "/photos/b"), 404,
		"NoSuchKey");
	served_put(&served, "/photos/b", "in plain");
	served_expect_body(send_key(&served, "GET", "/photos/a", ""), 200,
		"hello");
}

Test(op_encryption, uploads_that_have_begun_go_on)
{
	scoped(served_stop) struct served served = start();

	cr_assert(eq(uint, set(&served, RULE(BLOCK("NONE")))->status, 200));
	const char *id = served_begin_upload(&served, "/photos/b", KEY);

	cr_assert(eq(uint, set(&served, RULE(BLOCK("SSE-C")))->status, 200));
	cr_expect(eq(uint,
		send_key(&served, "PUT",
			served_text(&served,
				"/photos/b?partNumber=1&uploadId=%s", id),
			"")
			->status,
		200));
}

Test(op_encryption, is_told_and_ends)
{
	scoped(served_stop) struct served served = start();

	served_expect_elements(served_ask(&served, "GET", "/photos?encryption"),
		"EncryptionType", "SSE-C ");
	cr_expect(eq(uint, set(&served, RULE(BLOCK("NONE")))->status, 200));
	served_expect_elements(served_ask(&served, "GET", "/photos?encryption"),
		"EncryptionType", "NONE ");
	cr_expect(eq(uint, send_key(&served, "PUT", "/photos/b", "")->status,
		200));

	cr_expect(eq(uint, set(&served, RULE(BLOCK("SSE-C")))->status, 200));
	cr_expect(eq(uint,
		served_ask(&served, "DELETE", "/photos?encryption")->status,
		204));
	served_expect_refusal(served_ask(&served, "GET", "/photos?encryption"),
		404, "ServerSideEncryptionConfigurationNotFoundError");
	cr_expect(eq(uint, send_key(&served, "PUT", "/photos/c", "")->status,
		200));
}

Test(op_encryption, promises_no_encryption_that_there_is_not)
{
	static const struct {
		const char *xml;
		unsigned int status;
		const char *code;
	} rows[] = {
		{RULE("<ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256"
		      "</SSEAlgorithm></ApplyServerSideEncryptionByDefault>"),
			501, "NotImplemented"},
		{RULE("<ApplyServerSideEncryptionByDefault><SSEAlgorithm>aws:"
		      "kms</SSEAlgorithm></"
		      "ApplyServerSideEncryptionByDefault>" BLOCK("SSE-C")),
			501, "NotImplemented"},
		{RULE("<BucketKeyEnabled>true</BucketKeyEnabled>" BLOCK(
			 "SSE-C")),
			501, "NotImplemented"},
		{RULE(""), 400, "MalformedXML"},
		{RULE("<BlockedEncryptionTypes/>"), 400, "MalformedXML"},
		{RULE(BLOCK("")), 400, "MalformedXML"},
		{RULE(BLOCK("SSE-S3")), 400, "MalformedXML"},
		{RULE(BLOCK("SSE-C") "<Other/>"), 400, "MalformedXML"},
		{"<ServerSideEncryptionConfiguration/>", 400, "MalformedXML"},
		{"", 400, "MalformedXML"},
	};
	scoped(served_stop) struct served served = served_start();

	served_bucket(&served, "photos");
	for (size_t i = 0; i < array_len(rows); i++)
		served_expect_refusal(set(&served, rows[i].xml), rows[i].status,
			rows[i].code);
	cr_expect(eq(uint,
		set(&served,
			RULE("<BucketKeyEnabled>false</BucketKeyEnabled>" BLOCK(
				"SSE-C")))
			->status,
		200));
}
