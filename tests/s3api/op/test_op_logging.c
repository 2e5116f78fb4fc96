/* SPDX-License-Identifier: Apache-2.0 */
/* Where lines about a bucket are to go. */
#include "store/organization.h"
#include "tests/s3api/op/served.h"

#define XML(name, inside) "<" name ">" inside "</" name ">"
#define STATUS(inside) XML("BucketLoggingStatus", XML("LoggingEnabled", inside))
#define LOGS XML("TargetBucket", "logs") XML("TargetPrefix", "p/")
#define GRANT(grantee, permission)                                             \
	XML("TargetGrants",                                                    \
		XML("Grant", "<Grantee>" grantee                               \
			     "</Grantee>" XML("Permission", permission)))
#define EVERYBODY XML("URI", "http://acs.amazonaws.com/groups/global/AllUsers")
#define FORMAT(inside) XML("TargetObjectKeyFormat", inside)
#define DAYS(of)                                                               \
	FORMAT(XML("PartitionedPrefix", XML("PartitionDateSource", of)))

static const struct s3_reply *
put(struct served *served, const char *xml)
{
	return served_send(served, "PUT", "/photos?logging", NULL,
		slice_str(xml));
}

static struct served
start(void)
{
	struct served served = served_start();

	served_bucket(&served, "photos");
	served_bucket(&served, "logs");
	return served;
}

static void
take_lists(struct served *served)
{
	served_put(served, "/logs?ownershipControls",
		XML("OwnershipControls",
			XML("Rule", XML("ObjectOwnership", "ObjectWriter"))));
}

Test(op_logging, is_told_as_it_was_set)
{
	static const char *const documents[] = {
		STATUS(LOGS),
		STATUS(XML("TargetBucket", "photos") XML("TargetPrefix", "")),
		STATUS(LOGS FORMAT(XML("SimplePrefix", ""))),
		STATUS(LOGS DAYS("EventTime")),
		STATUS(LOGS DAYS("DeliveryTime")),
	};
	scoped(served_stop) struct served served = start();

	for (size_t i = 0; i < array_len(documents); i++) {
		struct slice inside = slice_str(documents[i]);
		const struct s3_reply *reply;

		inside = slice_from(inside, strlen("<BucketLoggingStatus>"));
		cr_expect(eq(uint, put(&served, documents[i])->status, 200),
			"%s", documents[i]);
		reply = served_ask(&served, "GET", "/photos?logging");
		cr_expect(slice_has_suffix(reply->body, inside), "%s gave %s",
			documents[i], reply->body.data);
	}
	cr_expect(eq(uint, put(&served, "<BucketLoggingStatus/>")->status,
		200));
	cr_expect(slice_find(served_ask(&served, "GET", "/photos?logging")
				     ->body,
			  SLICE("LoggingEnabled")) < 0);
}

Test(op_logging, tells_to_whom_the_logs_are_given)
{
	scoped(served_stop) struct served served = start();
	const struct s3_reply *reply;

	take_lists(&served);
	cr_expect(eq(uint,
		put(&served, STATUS(LOGS GRANT(EVERYBODY, "READ")))->status,
		200));

	reply = served_ask(&served, "GET", "/photos?logging");
	served_expect_elements(reply, "URI",
		"http://acs.amazonaws.com/groups/global/AllUsers ");
	served_expect_elements(reply, "Permission", "READ ");
}

Test(op_logging, what_can_be_none_is_refused)
{
	static const struct {
		const char *code;
		const char *xml;
	} rows[] = {
		{"MalformedXML", ""},
		{"MalformedXML", "<Other/>"},
		{"MalformedXML", STATUS("")},
		{"MalformedXML", STATUS(XML("TargetBucket", "logs"))},
		{"MalformedXML", STATUS(XML("TargetPrefix", "p/"))},
		{"MalformedXML", STATUS(LOGS "<Other/>")},
		{"MalformedXML", STATUS(LOGS FORMAT(""))},
		{"MalformedXML", STATUS(LOGS FORMAT("<SimplePrefix/>"
						    "<PartitionedPrefix/>"))},
		{"MalformedXML", STATUS(LOGS DAYS("Sometimes"))},
		{"MalformedXML", STATUS(LOGS GRANT(EVERYBODY, "READ_ACP"))},
		{"MalformedXML", STATUS(LOGS GRANT("", "READ"))},
		{"InvalidArgument", STATUS(LOGS GRANT(XML("ID", "x"), "READ"))},
		{"InvalidTargetBucketForLogging",
			STATUS(XML("TargetBucket", "gone")
					XML("TargetPrefix", ""))},
		{"InvalidTargetBucketForLogging",
			STATUS(XML("TargetBucket", "No bucket")
					XML("TargetPrefix", ""))},
		{"AccessControlListNotSupported",
			STATUS(LOGS GRANT(EVERYBODY, "READ"))},
	};
	scoped(served_stop) struct served served = start();

	for (size_t i = 0; i < array_len(rows); i++) {
		const struct s3_reply *reply = put(&served, rows[i].xml);

		cr_expect(slice_find(reply->body, slice_str(rows[i].code)) > 0,
			"%s gave %s", rows[i].xml, reply->body.data);
		cr_expect(eq(uint, reply->status, 400));
	}
	served_expect_refusal(
		put(&served,
			served_text(&served,
				STATUS(XML("TargetBucket", "logs")
						XML("TargetPrefix", "%0701d")),
				1)),
		400, "InvalidArgument");
}

Test(op_logging, goes_to_buckets_of_the_same_owner_alone)
{
	scoped(served_stop) struct served served = start();

	cr_assert(zero(int,
		organization_create(served.temp.store, SLICE("org"))));
	(void)served_become_drafted(&served,
		&(struct token_draft){
			.name = SLICE("other"),
			.organization = SLICE("org"),
			.level = TOKEN_FULL,
		});
	served_bucket(&served, "films");
	served_expect_refusal(served_send(&served, "PUT", "/films?logging",
				      NULL, slice_str(STATUS(LOGS))),
		400, "InvalidTargetBucketForLogging");
}

/* The server puts them in nobody's name. */
Test(op_logging, goes_where_who_sets_it_may_put_alone)
{
	scoped(served_stop) struct served served = start();

	cr_assert(eq(uint,
		served_send(&served, "PUT", "/logs?policy", NULL,
			SLICE("{\"Version\":\"2012-10-17\",\"Statement\":[{"
			      "\"Effect\":\"Deny\",\"Principal\":\"*\","
			      "\"Action\":\"s3:PutObject\","
			      "\"Resource\":\"arn:aws:s3:::logs/p/*\"}]}"))
			->status,
		204));
	served_expect_refusal(put(&served, STATUS(LOGS)), 400,
		"InvalidTargetBucketForLogging");
	cr_expect(eq(uint,
		put(&served, STATUS(XML("TargetBucket", "logs")
					     XML("TargetPrefix", "q/")))
			->status,
		200));
}

Test(op_logging, gives_nothing_to_everybody_where_that_is_blocked)
{
	scoped(served_stop) struct served served = start();

	take_lists(&served);
	served_put(&served, "/logs?publicAccessBlock",
		XML("PublicAccessBlockConfiguration",
			XML("BlockPublicAcls", "true")));
	served_expect_refusal(put(&served,
				      STATUS(LOGS GRANT(EVERYBODY, "READ"))),
		403, "AccessDenied");
}
