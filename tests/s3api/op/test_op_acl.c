/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Access control lists, object ownership and the public access block.  The
 * client is of the organization "default", owner of most buckets here; "theirs"
 * is a bucket of the organization "other".
 */
#include "s3api/iam/exposure.h"
#include "tests/s3api/op/served.h"

#define GROUPS "http://acs.amazonaws.com/groups/global/"
#define OWNERSHIP(name)                                                        \
	"<OwnershipControls><Rule><ObjectOwnership>" name                      \
	"</ObjectOwnership></Rule></OwnershipControls>"
#define GRANT(grantee, permission)                                             \
	"<Grant><Grantee>" grantee "</Grantee><Permission>" permission         \
	"</Permission></Grant>"
#define LIST(owner, grants)                                                    \
	"<AccessControlPolicy><Owner><ID>" owner                               \
	"</ID></Owner><AccessControlList>" grants                              \
	"</AccessControlList></AccessControlPolicy>"

static unsigned int
status_of(const struct s3_reply *reply)
{
	return reply->status;
}

static unsigned int
ask_status(struct served *served, const char *method, const char *target)
{
	return status_of(served_ask(served, method, target));
}

static unsigned int
put_status(struct served *served, const char *target, const char *headers,
	const char *body)
{
	return status_of(served_send(served, "PUT", target, headers,
		slice_str(body)));
}

/* A bucket of our own, with lists. */
static struct served
start(const char *ownership)
{
	struct served served = served_start();

	cr_assert(eq(uint,
		put_status(&served, "/photos",
			served_text(&served, "x-amz-object-ownership: %s\n",
				ownership),
			""),
		200));
	served_put(&served, "/photos/a", "bytes");
	return served;
}

/* A bucket of another organization, which has lists. */
static struct bucket
make_theirs(struct served *served, enum exposure_ownership ownership,
	const struct acl_grant *grants, size_t count)
{
	struct bucket bucket;
	struct acl acl;

	cr_assert(eq(int,
		organization_create(served->temp.store, SLICE("other")),
		STORE_OK));
	cr_assert(eq(int,
		bucket_create(served->temp.store, SLICE("theirs"),
			SLICE("other"), &bucket),
		STORE_OK));
	cr_assert(eq(int,
		exposure_write_ownership(served->temp.store, &bucket,
			&ownership),
		STORE_OK));
	acl_init(&acl, SLICE("other"));
	for (size_t i = 0; i < count; i++)
		cr_assert(acl_add(&acl, grants[i].grantee,
			grants[i].organization, grants[i].permission));
	cr_assert(eq(int, exposure_write_acl(served->temp.store, &bucket, &acl),
		STORE_OK));
	return bucket;
}

Test(op_acl, a_bucket_has_no_lists_unless_it_is_asked_for)
{
	scoped(served_stop) struct served served = served_start();

	served_bucket(&served, "photos");
	served_put(&served, "/photos/a", "bytes");

	served_expect_elements(served_ask(&served, "GET",
				       "/photos?ownershipControls"),
		"ObjectOwnership", "BucketOwnerEnforced ");
	served_expect_elements(served_ask(&served, "GET", "/photos?acl"),
		"Permission", "FULL_CONTROL ");
	served_expect_refusal(served_send(&served, "PUT", "/photos?acl",
				      "x-amz-acl: public-read\n", SLICE_NULL),
		400, "AccessControlListNotSupported");
	served_expect_refusal(served_send(&served, "PUT", "/photos/a?acl",
				      "x-amz-acl: public-read\n", SLICE_NULL),
		400, "AccessControlListNotSupported");
	served_expect_refusal(served_send(&served, "PUT", "/photos/b",
				      "x-amz-acl: public-read\n", SLICE("b")),
		400, "AccessControlListNotSupported");
	served_expect_refusal(served_send(&served, "PUT", "/photos/b",
				      "x-amz-grant-read: uri=\"" GROUPS
				      "AllUsers\"\n",
				      SLICE("b")),
		400, "AccessControlListNotSupported");
	cr_expect(eq(uint,
		put_status(&served, "/photos/b",
			"x-amz-acl: bucket-owner-full-control\n", "b"),
		200));
	cr_expect(eq(uint,
		put_status(&served, "/photos?acl", "x-amz-acl: private\n", ""),
		200));
	served.client.is_anonymous = true;
	cr_expect(eq(uint, ask_status(&served, "GET", "/photos/a"), 403));
}

Test(op_acl, canned_lists_open_what_they_say)
{
	scoped(served_stop) struct served served = start("ObjectWriter");
	static const struct {
		const char *name;
		unsigned int get; /* by nobody */
		const char *permissions;
	} rows[] = {
		{"private", 403, "FULL_CONTROL "},
		{"public-read", 200, "FULL_CONTROL READ "},
		{"public-read-write", 200, "FULL_CONTROL READ WRITE "},
		{"authenticated-read", 403, "FULL_CONTROL READ "},
		{"aws-exec-read", 403, "FULL_CONTROL "},
		{"bucket-owner-read", 403, "FULL_CONTROL "},
		{"bucket-owner-full-control", 403, "FULL_CONTROL "},
	};

	for (size_t i = 0; i < array_len(rows); i++) {
		const char *header =
			served_text(&served, "x-amz-acl: %s\n", rows[i].name);

		served.client.is_anonymous = false;
		cr_expect(eq(uint,
			put_status(&served, "/photos/a?acl", header, ""), 200));
		cr_expect(eq(uint,
			put_status(&served, "/photos/b", header, "b"), 200));
		served_expect_elements(served_ask(&served, "GET",
					       "/photos/a?acl"),
			"Permission", rows[i].permissions);
		served_expect_elements(served_ask(&served, "GET",
					       "/photos/b?acl"),
			"Permission", rows[i].permissions);
		served.client.is_anonymous = true;
		cr_expect(eq(uint, ask_status(&served, "GET", "/photos/a"),
				  rows[i].get),
			"%s", rows[i].name);
		cr_expect(eq(uint, ask_status(&served, "HEAD", "/photos/b"),
				  rows[i].get),
			"%s", rows[i].name);
	}
	served.client.is_anonymous = false;
	served_expect_refusal(served_send(&served, "PUT", "/photos/a?acl",
				      "x-amz-acl: log-delivery-write\n",
				      SLICE_NULL),
		400, "InvalidArgument");
	served_expect_refusal(served_send(&served, "PUT", "/photos/a?acl",
				      "x-amz-acl: public\n", SLICE_NULL),
		400, "InvalidArgument");
	cr_expect(eq(uint,
		put_status(&served, "/photos?acl",
			"x-amz-acl: log-delivery-write\n", ""),
		200));
	served_expect_elements(served_ask(&served, "GET", "/photos?acl"),
		"Permission", "FULL_CONTROL WRITE READ_ACP ");
}

Test(op_acl, the_list_of_a_bucket_is_for_listing_and_writing)
{
	scoped(served_stop) struct served served = start("ObjectWriter");

	cr_assert(eq(uint,
		put_status(&served, "/photos?acl", "x-amz-acl: public-read\n",
			""),
		200));
	served.client.is_anonymous = true;
	served_expect_elements(served_ask(&served, "GET", "/photos"), "Key",
		"a ");
	cr_expect(eq(uint, ask_status(&served, "GET", "/photos/a"), 403));
	cr_expect(eq(uint, put_status(&served, "/photos/b", NULL, "b"), 403));
	cr_expect(eq(uint, ask_status(&served, "GET", "/photos?acl"), 403));
	/* Who may list is told what is missing. */
	cr_expect(eq(uint, ask_status(&served, "GET", "/photos/none"), 404));

	served.client.is_anonymous = false;
	cr_assert(eq(uint,
		put_status(&served, "/photos?acl",
			"x-amz-acl: public-read-write\n", ""),
		200));
	served.client.is_anonymous = true;
	cr_expect(eq(uint, put_status(&served, "/photos/b", NULL, "b"), 200));
	cr_expect(eq(uint, ask_status(&served, "GET", "/photos/b"), 403));
	cr_expect(eq(uint, ask_status(&served, "DELETE", "/photos/b"), 204));
	served_expect_refusal(served_send(&served, "PUT", "/photos/c",
				      "x-amz-acl: public-read\n", SLICE("c")),
		403, "AccessDenied");
	cr_expect(eq(uint,
		put_status(&served, "/photos?acl", "x-amz-acl: private\n", ""),
		403));
	cr_expect(eq(uint, ask_status(&served, "DELETE", "/photos"), 403));
}

Test(op_acl, grants_are_told_as_they_were_given)
{
	scoped(served_stop) struct served served = start("ObjectWriter");

	cr_expect(eq(uint,
		put_status(&served, "/photos/a?acl", NULL,
			LIST("default",
				GRANT("<ID>default</ID>", "FULL_CONTROL")
					GRANT("<URI>" GROUPS "AllUsers</URI>",
						"READ_ACP"))),
		200));

	const struct s3_reply *reply =
		served_ask(&served, "GET", "/photos/a?acl");

	served_expect_elements(reply, "ID", "default default ");
	served_expect_elements(reply, "URI", GROUPS "AllUsers ");
	served_expect_elements(reply, "Permission", "FULL_CONTROL READ_ACP ");
	cr_expect(slice_find(reply->body, SLICE("xsi:type=\"Group\"")) > 0);
	cr_expect(slice_find(reply->body, SLICE("xsi:type=\"CanonicalUser\"")) >
		  0);
	served.client.is_anonymous = true;
	cr_expect(eq(uint, ask_status(&served, "GET", "/photos/a?acl"), 200));
	cr_expect(eq(uint, ask_status(&served, "GET", "/photos/a"), 403));
	served.client.is_anonymous = false;
	cr_expect(eq(uint,
		put_status(&served, "/photos/a?acl",
			"x-amz-grant-read: uri=\"" GROUPS
			"AllUsers\", id=\"default\"\n"
			"x-amz-grant-write-acp: id=default\n",
			""),
		200));
	served_expect_elements(served_ask(&served, "GET", "/photos/a?acl"),
		"Permission", "READ READ WRITE_ACP ");
	served.client.is_anonymous = true;
	served_expect_body(served_ask(&served, "GET", "/photos/a"), 200,
		"bytes");
}

Test(op_acl, lists_that_cannot_be_are_refused)
{
	scoped(served_stop) struct served served = start("ObjectWriter");
	scoped(buffer_free) struct buffer many = {0};
	static const struct {
		const char *headers;
		const char *body;
		unsigned int status;
		const char *code;
	} rows[] = {
		{NULL, "oops", 400, "MalformedACLError"},
		{NULL, "<AccessControlPolicy/>", 400, "MalformedACLError"},
		{NULL, LIST("default", "<Other/>"), 400, "MalformedACLError"},
		{NULL, LIST("default", GRANT("<ID>default</ID>", "EAT")), 400,
			"MalformedACLError"},
		{NULL,
			LIST("default",
				GRANT("<ID>default</ID><URI>x</URI>", "READ")),
			400, "MalformedACLError"},
		{NULL, LIST("default", GRANT("", "READ")), 400,
			"MalformedACLError"},
		{NULL, LIST("other", ""), 403, "AccessDenied"},
		{NULL, LIST("default", GRANT("<ID>nobody</ID>", "READ")), 400,
			"InvalidArgument"},
		{NULL, LIST("default", GRANT("<URI>x</URI>", "READ")), 400,
			"InvalidArgument"},
		{NULL,
			LIST("default",
				GRANT("<EmailAddress>a@b</EmailAddress>",
					"READ")),
			400, "UnresolvableGrantByEmailAddress"},
		{"x-amz-grant-read: emailAddress=\"a@b\"\n", "", 400,
			"UnresolvableGrantByEmailAddress"},
		{"x-amz-grant-read: who=\"a\"\n", "", 400, "InvalidArgument"},
		{"x-amz-grant-read: id\n", "", 400, "InvalidArgument"},
		{"x-amz-grant-read: id=nobody\n", "", 400, "InvalidArgument"},
		{"x-amz-acl: private\nx-amz-grant-read: id=default\n", "", 400,
			"InvalidRequest"},
		{"x-amz-acl: private\n", LIST("default", ""), 400,
			"UnexpectedContent"},
		{NULL, "", 400, "MissingSecurityHeader"},
	};

	for (size_t i = 0; i < array_len(rows); i++) {
		served_expect_refusal(served_send(&served, "PUT",
					      "/photos/a?acl", rows[i].headers,
					      slice_str(rows[i].body)),
			rows[i].status, rows[i].code);
		served_expect_refusal(served_send(&served, "PUT", "/photos?acl",
					      rows[i].headers,
					      slice_str(rows[i].body)),
			rows[i].status, rows[i].code);
	}
	for (int i = 0; i < 101; i++)
		buffer_append_str(&many, GRANT("<ID>default</ID>", "READ"));
	served_expect_refusal(served_send(&served, "PUT", "/photos?acl", NULL,
				      slice_str(served_text(&served,
					      LIST("default", "%.*s"),
					      (int)many.len, many.data))),
		400, "MalformedACLError");
	served_expect_refusal(served_ask(&served, "GET", "/photos/none?acl"),
		404, "NoSuchKey");
	served_expect_elements(served_ask(&served, "GET", "/photos?acl"),
		"Permission", "FULL_CONTROL ");
}

Test(op_acl, lists_do_not_raise_a_level_and_only_full_changes_them)
{
	scoped(served_stop) struct served served = start("ObjectWriter");

	cr_assert(eq(uint,
		put_status(&served, "/photos?acl",
			"x-amz-acl: public-read-write\n", ""),
		200));
	served_become(&served, TOKEN_READ);
	cr_expect(eq(uint, put_status(&served, "/photos/b", NULL, "b"), 403));
	served_become(&served, TOKEN_READWRITE);
	cr_expect(eq(uint, put_status(&served, "/photos/b", NULL, "b"), 200));
	served_expect_refusal(served_send(&served, "PUT", "/photos/b",
				      "x-amz-acl: public-read\n", SLICE("b")),
		403, "AccessDenied");
	served_expect_refusal(served_send(&served, "PUT", "/photos/b?acl",
				      "x-amz-acl: public-read\n", SLICE_NULL),
		403, "AccessDenied");
	served_expect_refusal(served_send(&served, "PUT",
				      "/photos?ownershipControls", NULL,
				      SLICE(OWNERSHIP("ObjectWriter"))),
		403, "AccessDenied");
}

Test(op_acl, a_deny_of_a_policy_outweighs_a_list)
{
	scoped(served_stop) struct served served = start("ObjectWriter");

	cr_assert(eq(uint,
		put_status(&served, "/photos/a?acl", "x-amz-acl: public-read\n",
			""),
		200));
	cr_assert(eq(uint,
		put_status(&served, "/photos?policy", NULL,
			"{\"Version\":\"2012-10-17\",\"Statement\":[{"
			"\"Effect\":\"Deny\",\"Principal\":\"*\",\"Action\":"
			"\"s3:GetObject\",\"Resource\":"
			"\"arn:aws:s3:::photos/*\",\"Condition\":{\"Null\":"
			"{\"aws:Referer\":\"true\"}}}]}"),
		204));
	served.client.is_anonymous = true;

	cr_expect(eq(uint, ask_status(&served, "GET", "/photos/a"), 403));
	cr_expect(eq(uint,
		status_of(served_send(&served, "GET", "/photos/a",
			"referer: http://here/\n", SLICE_NULL)),
		200));
}

Test(op_acl, policies_see_the_list_that_is_asked_for)
{
	scoped(served_stop) struct served served = start("ObjectWriter");

	cr_assert(eq(uint,
		put_status(&served, "/photos?policy", NULL,
			"{\"Version\":\"2012-10-17\",\"Statement\":[{"
			"\"Effect\":\"Deny\",\"Principal\":\"*\",\"Action\":"
			"[\"s3:PutObject\",\"s3:PutObjectAcl\"],\"Resource\":"
			"\"arn:aws:s3:::photos/*\",\"Condition\":"
			"{\"StringLike\":{\"s3:x-amz-acl\":\"public-*\"}}},{"
			"\"Effect\":\"Deny\",\"Principal\":\"*\",\"Action\":"
			"\"s3:PutObject\",\"Resource\":"
			"\"arn:aws:s3:::photos/*\",\"Condition\":"
			"{\"StringLike\":{\"s3:x-amz-grant-read\":"
			"\"*AllUsers*\"}}}]}"),
		204));

	cr_expect(eq(uint,
		put_status(&served, "/photos/b", "x-amz-acl: public-read\n",
			"b"),
		403));
	cr_expect(eq(uint,
		put_status(&served, "/photos/a?acl", "x-amz-acl: public-read\n",
			""),
		403));
	cr_expect(eq(uint,
		put_status(&served, "/photos/b",
			"x-amz-grant-read: uri=\"" GROUPS "AllUsers\"\n", "b"),
		403));
	cr_expect(eq(uint,
		put_status(&served, "/photos/b",
			"x-amz-acl: authenticated-read\n", "b"),
		200));
}

Test(op_acl, objects_of_others_are_theirs_as_the_bucket_says)
{
	static const struct acl_grant all[] = {
		{ACL_AUTHENTICATED_USERS, ACL_WRITE, {NULL, 0}}};
	static const struct {
		enum exposure_ownership ownership;
		const char *headers;
		unsigned int get;
		unsigned int acl;
	} rows[] = {
		{EXPOSURE_OBJECT_WRITER, NULL, 200, 200},
		{EXPOSURE_OBJECT_WRITER,
			"x-amz-acl: bucket-owner-full-control\n", 200, 200},
		{EXPOSURE_OWNER_PREFERRED, NULL, 200, 200},
		{EXPOSURE_OWNER_PREFERRED,
			"x-amz-acl: bucket-owner-full-control\n", 403, 403},
		{EXPOSURE_OWNER_PREFERRED, "x-amz-acl: public-read\n", 200,
			200},
	};

	for (size_t i = 0; i < array_len(rows); i++) {
		scoped(served_stop) struct served served = served_start();

		make_theirs(&served, rows[i].ownership, all, 1);
		cr_expect(eq(uint,
			put_status(&served, "/theirs/a", rows[i].headers, "a"),
			200));
		cr_expect(eq(uint, ask_status(&served, "GET", "/theirs/a"),
				  rows[i].get),
			"row %zu", i);
		cr_expect(eq(uint, ask_status(&served, "GET", "/theirs/a?acl"),
				  rows[i].acl),
			"row %zu", i);
		cr_expect(eq(uint, ask_status(&served, "GET", "/theirs"), 403));
	}
}

Test(op_acl, grants_to_an_organization_are_for_its_tokens)
{
	scoped(served_stop) struct served served = served_start();
	static const struct acl_grant grants[] = {
		{ACL_ORGANIZATION, ACL_READ, {"default", 7}},
		{ACL_ORGANIZATION, ACL_READ_ACP, {"third", 5}},
	};

	make_theirs(&served, EXPOSURE_OBJECT_WRITER, grants, 2);
	cr_expect(eq(uint, ask_status(&served, "GET", "/theirs"), 200));
	cr_expect(eq(uint, ask_status(&served, "GET", "/theirs?acl"), 403));
	cr_expect(eq(uint, put_status(&served, "/theirs/a", NULL, "a"), 403));
	served.client.is_anonymous = true;
	cr_expect(eq(uint, ask_status(&served, "GET", "/theirs"), 403));
}

Test(op_acl, ownership_controls_come_and_go)
{
	scoped(served_stop) struct served served = start("ObjectWriter");
	static const char *const malformed[] = {"", "<OwnershipControls/>",
		OWNERSHIP("Everybody"),
		"<OwnershipControls><Rule/><Rule/></OwnershipControls>"};

	for (size_t i = 0; i < array_len(malformed); i++)
		served_expect_refusal(served_send(&served, "PUT",
					      "/photos?ownershipControls", NULL,
					      slice_str(malformed[i])),
			400, "MalformedXML");
	cr_expect(eq(uint,
		put_status(&served, "/photos/a?acl", "x-amz-acl: public-read\n",
			""),
		200));
	cr_expect(eq(uint,
		put_status(&served, "/photos?acl", "x-amz-acl: public-read\n",
			""),
		200));
	served_expect_refusal(served_send(&served, "PUT",
				      "/photos?ownershipControls", NULL,
				      SLICE(OWNERSHIP("BucketOwnerEnforced"))),
		400, "InvalidBucketAclWithObjectOwnership");
	cr_expect(eq(uint,
		put_status(&served, "/photos?acl", "x-amz-acl: private\n", ""),
		200));
	cr_expect(eq(uint,
		put_status(&served, "/photos?ownershipControls", NULL,
			OWNERSHIP("BucketOwnerEnforced")),
		200));
	served.client.is_anonymous = true;
	cr_expect(eq(uint, ask_status(&served, "GET", "/photos/a"), 403));
	served.client.is_anonymous = false;
	cr_expect(eq(uint,
		put_status(&served, "/photos?ownershipControls", NULL,
			OWNERSHIP("BucketOwnerPreferred")),
		200));
	served_expect_elements(served_ask(&served, "GET",
				       "/photos?ownershipControls"),
		"ObjectOwnership", "BucketOwnerPreferred ");
	served.client.is_anonymous = true;
	cr_expect(eq(uint, ask_status(&served, "GET", "/photos/a"), 200));
	served.client.is_anonymous = false;
	cr_expect(eq(uint,
		ask_status(&served, "DELETE", "/photos?ownershipControls"),
		204));
	served.client.is_anonymous = true;
	cr_expect(eq(uint, ask_status(&served, "GET", "/photos/a"), 403));
}

/* Terraform waits for the refusal; what was never set is told as in S3. */
Test(op_acl, ownership_controls_that_were_deleted_are_not_there)
{
	scoped(served_stop) struct served served = served_start();
	const char *target = "/photos?ownershipControls";

	served_bucket(&served, "photos");

	served_expect_elements(served_ask(&served, "GET", target),
		"ObjectOwnership", "BucketOwnerEnforced ");
	for (int i = 0; i < 2; i++) {
		cr_expect(eq(uint, ask_status(&served, "DELETE", target), 204));
		served_expect_refusal(served_ask(&served, "GET", target), 404,
			"OwnershipControlsNotFoundError");
	}
	served_expect_refusal(served_send(&served, "PUT", "/photos/a",
				      "x-amz-acl: public-read\n", SLICE("a")),
		400, "AccessControlListNotSupported");
	cr_expect(eq(uint,
		put_status(&served, target, NULL,
			OWNERSHIP("BucketOwnerPreferred")),
		200));
	served_expect_elements(served_ask(&served, "GET", target),
		"ObjectOwnership", "BucketOwnerPreferred ");
}

Test(op_acl, a_new_bucket_takes_its_ownership_and_list)
{
	scoped(served_stop) struct served served = served_start();

	served_expect_refusal(served_send(&served, "PUT", "/photos",
				      "x-amz-acl: public-read\n", SLICE_NULL),
		400, "InvalidBucketAclWithObjectOwnership");
	served_expect_refusal(served_send(&served, "PUT", "/photos",
				      "x-amz-object-ownership: Everybody\n",
				      SLICE_NULL),
		400, "InvalidArgument");
	cr_expect(eq(uint, ask_status(&served, "HEAD", "/photos"), 404));
	cr_expect(eq(uint,
		put_status(&served, "/photos",
			"x-amz-acl: public-read\n"
			"x-amz-object-ownership: BucketOwnerPreferred\n",
			""),
		200));
	served.client.is_anonymous = true;
	cr_expect(eq(uint, ask_status(&served, "GET", "/photos"), 200));
}

Test(op_acl, copies_and_uploads_have_lists_of_their_own)
{
	scoped(served_stop) struct served served = start("ObjectWriter");

	cr_assert(eq(uint,
		put_status(&served, "/photos/a?acl", "x-amz-acl: public-read\n",
			""),
		200));
	cr_assert(eq(uint,
		put_status(&served, "/photos/b",
			"x-amz-copy-source: photos/a\n", ""),
		200));
	cr_assert(eq(uint,
		put_status(&served, "/photos/c",
			"x-amz-copy-source: photos/a\nx-amz-acl: public-read\n",
			""),
		200));
	served_put(&served, "/photos/a", "new bytes");
	served.client.is_anonymous = true;

	cr_expect(eq(uint, ask_status(&served, "GET", "/photos/b"), 403));
	cr_expect(eq(uint, ask_status(&served, "GET", "/photos/c"), 200));
	/* What replaces an object has no list yet. */
	cr_expect(eq(uint, ask_status(&served, "GET", "/photos/a"), 403));
}

/* --- the public access block ---------------------------------------------- */

static void
put_block(struct served *served, const char *flag)
{
	served->client.is_anonymous = false;
	cr_assert(eq(uint,
		put_status(served, "/photos?publicAccessBlock", NULL,
			served_text(served,
				"<PublicAccessBlockConfiguration><%s>true</%s>"
				"</PublicAccessBlockConfiguration>",
				flag, flag)),
		200));
}

static unsigned int
open_by_policy(struct served *served)
{
	return put_status(served, "/photos?policy", NULL,
		"{\"Version\":\"2012-10-17\",\"Statement\":[{"
		"\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":"
		"\"s3:GetObject\",\"Resource\":\"arn:aws:s3:::photos/*\"}]}");
}

Test(op_exposure, the_block_is_set_told_and_taken_away)
{
	scoped(served_stop) struct served served = start("ObjectWriter");
	static const char *const malformed[] = {"",
		"<PublicAccessBlockConfiguration><Other>true</Other>"
		"</PublicAccessBlockConfiguration>",
		"<PublicAccessBlockConfiguration><BlockPublicAcls>yes"
		"</BlockPublicAcls></PublicAccessBlockConfiguration>"};

	served_expect_refusal(served_ask(&served, "GET",
				      "/photos?publicAccessBlock"),
		404, "NoSuchPublicAccessBlockConfiguration");
	for (size_t i = 0; i < array_len(malformed); i++)
		served_expect_refusal(served_send(&served, "PUT",
					      "/photos?publicAccessBlock", NULL,
					      slice_str(malformed[i])),
			400, "MalformedXML");
	put_block(&served, "IgnorePublicAcls");

	const struct s3_reply *reply =
		served_ask(&served, "GET", "/photos?publicAccessBlock");

	served_expect_elements(reply, "BlockPublicAcls", "false ");
	served_expect_elements(reply, "IgnorePublicAcls", "true ");
	served_expect_elements(reply, "BlockPublicPolicy", "false ");
	served_expect_elements(reply, "RestrictPublicBuckets", "false ");
	cr_expect(eq(uint,
		put_status(&served, "/photos?publicAccessBlock", NULL,
			"<PublicAccessBlockConfiguration/>"),
		200));
	served_expect_elements(served_ask(&served, "GET",
				       "/photos?publicAccessBlock"),
		"IgnorePublicAcls", "false ");
	cr_expect(eq(uint,
		ask_status(&served, "DELETE", "/photos?publicAccessBlock"),
		204));
	served_expect_refusal(served_ask(&served, "GET",
				      "/photos?publicAccessBlock"),
		404, "NoSuchPublicAccessBlockConfiguration");
}

Test(op_exposure, public_lists_are_refused_or_passed_over)
{
	scoped(served_stop) struct served served = start("ObjectWriter");

	cr_assert(eq(uint,
		put_status(&served, "/photos/a?acl", "x-amz-acl: public-read\n",
			""),
		200));
	put_block(&served, "BlockPublicAcls");
	cr_expect(eq(uint,
		put_status(&served, "/photos?acl", "x-amz-acl: public-read\n",
			""),
		403));
	cr_expect(eq(uint,
		put_status(&served, "/photos/a?acl",
			"x-amz-acl: authenticated-read\n", ""),
		403));
	cr_expect(eq(uint,
		put_status(&served, "/photos/b", "x-amz-acl: public-read\n",
			"b"),
		403));
	cr_expect(eq(uint,
		put_status(&served, "/photos/b", "x-amz-acl: private\n", "b"),
		200));
	/* What was there stays, until it is passed over. */
	served.client.is_anonymous = true;
	cr_expect(eq(uint, ask_status(&served, "GET", "/photos/a"), 200));
	put_block(&served, "IgnorePublicAcls");
	served.client.is_anonymous = true;
	cr_expect(eq(uint, ask_status(&served, "GET", "/photos/a"), 403));
}

Test(op_exposure, public_policies_are_refused_or_bound_to_the_owner)
{
	scoped(served_stop) struct served served = start("ObjectWriter");

	put_block(&served, "BlockPublicPolicy");
	cr_expect(eq(uint, open_by_policy(&served), 403));
	put_block(&served, "RestrictPublicBuckets");
	cr_expect(eq(uint, open_by_policy(&served), 204));
	cr_expect(eq(uint, ask_status(&served, "GET", "/photos/a"), 200));
	served.client.is_anonymous = true;
	cr_expect(eq(uint, ask_status(&served, "GET", "/photos/a"), 403));
	served.client.is_anonymous = false;
	cr_assert(eq(uint,
		ask_status(&served, "DELETE", "/photos?publicAccessBlock"),
		204));
	served.client.is_anonymous = true;
	cr_expect(eq(uint, ask_status(&served, "GET", "/photos/a"), 200));
}

Test(op_exposure, a_damaged_document_opens_nothing)
{
	scoped(served_stop) struct served served = start("ObjectWriter");
	struct slice damaged = SLICE("oops");
	struct bucket bucket;

	cr_assert(eq(int,
		bucket_get(served.temp.store, SLICE("photos"), &bucket),
		STORE_OK));
	cr_assert(eq(uint, open_by_policy(&served), 204));
	cr_assert(eq(int,
		bucket_set_document(served.temp.store, bucket.ino,
			SLICE("publicAccessBlock"), &damaged),
		STORE_OK));
	served.client.is_anonymous = true;

	served_expect_refusal(served_ask(&served, "GET", "/photos/a"), 500,
		"InternalError");
}
