/* SPDX-License-Identifier: Apache-2.0 */
/* Rules by which objects expire, and what replies tell of them. */
#include "store/base/clock.h"
#include "tests/s3api/op/served.h"

#define XML(name, inside) "<" name ">" inside "</" name ">"
#define RULES(inside) XML("LifecycleConfiguration", inside)
#define ON XML("Status", "Enabled")
#define DAYS(n) XML("Expiration", XML("Days", n))
#define TAG(key, value) XML("Tag", XML("Key", key) XML("Value", value))
#define RULE(inside) RULES(XML("Rule", ON inside))
#define ALL "<Filter/>"
#define MINIMUM "x-amz-transition-default-minimum-object-size"

static const struct s3_reply *
put_rules(struct served *served, const char *xml)
{
	return served_send(served, "PUT", "/photos?lifecycle", NULL,
		slice_str(xml));
}

static struct served
start(const char *xml)
{
	struct served served = served_start();

	served_bucket(&served, "photos");
	cr_assert(eq(uint, put_rules(&served, xml)->status, 200));
	return served;
}

Test(op_lifecycle, rules_are_told_as_they_were_given)
{
	static const char rules[] = RULES(XML("Rule",
		XML("ID", "first") XML("Prefix", "logs/") XML("Status",
			"Enabled") XML("Expiration",
			XML("Date", "2030-01-01T00:00:00.000Z"))) XML("Rule",
		XML("ID", "second") XML("Filter", "") XML("Status",
			"Disabled") XML("Expiration",
			XML("ExpiredObjectDeleteMarker",
				"true")) XML("NoncurrentVersionExpiration",
			XML("NoncurrentDays", "3")
				XML("NewerNoncurrentVersions", "2"))
			XML("AbortIncompleteMultipartUpload",
				XML("DaysAfterInitiation", "7"))) XML("Rule",
		XML("ID", "third") XML("Filter",
			XML("And",
				XML("Prefix", "a&amp;b") TAG("k", "v") TAG("l",
					"") XML("ObjectSizeGreaterThan", "10")
					XML("ObjectSizeLessThan", "20")))
			XML("Status", "Enabled") DAYS("365")) XML("Rule",
		XML("ID", "fourth") XML("Filter", TAG("k", "v"))
			XML("Status", "Enabled") DAYS("1")));
	scoped(served_stop) struct served served = start(rules);
	const struct s3_reply *reply =
		served_ask(&served, "GET", "/photos?lifecycle");

	served_expect_header(reply, MINIMUM, "all_storage_classes_128K");
	cr_assert(eq(uint, reply->status, 200));
	cr_expect(
		ge(long,
			slice_find(reply->body,
				slice_str(rules +
					  strlen("<LifecycleConfiguration>"))),
			0),
		"%.*s", (int)reply->body.len, reply->body.data);
	cr_expect(eq(uint,
		served_ask(&served, "DELETE", "/photos?lifecycle")->status,
		204));
	served_expect_refusal(served_ask(&served, "GET", "/photos?lifecycle"),
		404, "NoSuchLifecycleConfiguration");
}

Test(op_lifecycle, a_rule_without_an_id_gets_one_and_the_minimum_is_kept)
{
	scoped(served_stop) struct served served = start(RULE(ALL DAYS("1")));
	const struct s3_reply *reply;

	served_expect_header(put_rules(&served, RULE(ALL DAYS("1"))), MINIMUM,
		"all_storage_classes_128K");
	reply = served_ask(&served, "GET", "/photos?lifecycle");
	cr_expect(ge(long, slice_find(reply->body, SLICE("<Rule><ID>")), 0));
	cr_expect(lt(long, slice_find(reply->body, SLICE("<ID></ID>")), 0));
	reply = served_send(&served, "PUT", "/photos?lifecycle",
		MINIMUM ": varies_by_storage_class\n",
		SLICE(RULE(ALL DAYS("1"))));
	cr_assert(eq(uint, reply->status, 200));
	served_expect_header(reply, MINIMUM, "varies_by_storage_class");
	served_expect_header(served_ask(&served, "GET", "/photos?lifecycle"),
		MINIMUM, "varies_by_storage_class");
	served_expect_refusal(served_send(&served, "PUT", "/photos?lifecycle",
				      MINIMUM ": none\n",
				      SLICE(RULE(ALL DAYS("1")))),
		400, "InvalidRequest");
}

Test(op_lifecycle, rules_that_cannot_be_are_refused)
{
	static const struct {
		const char *code;
		const char *xml;
	} rows[] = {
		{"MalformedXML", ""},
		{"MalformedXML", RULES("")},
		{"MalformedXML", RULES("<Other/>")},
		{"MalformedXML", RULE(DAYS("1"))},
		{"MalformedXML", RULE(ALL "<Prefix/>" DAYS("1"))},
		{"MalformedXML", RULES(XML("Rule", ALL DAYS("1")))},
		{"MalformedXML", RULES(XML("Rule", ALL XML("Status", "enabled")
							   DAYS("1")))},
		{"MalformedXML", RULE(ALL DAYS("1") "<Other/>")},
		{"MalformedXML", RULE(ALL "<Expiration/>")},
		{"MalformedXML",
			RULE(ALL XML("Expiration",
				"<Days>1</Days><Date>2030-01-01T00:00:00Z</"
				"Date>"))},
		{"MalformedXML",
			RULE(ALL XML("Expiration", XML("Date", "20200101")))},
		{"MalformedXML",
			RULE(ALL XML("Expiration",
				XML("ExpiredObjectDeleteMarker", "yes")))},
		{"MalformedXML", RULE(XML("Filter", "<And/>") DAYS("1"))},
		{"MalformedXML", RULE(XML("Filter", XML("Prefix", "a") TAG("k",
							    "v")) DAYS("1"))},
		{"MalformedXML", RULE(XML("Filter", "<Other/>") DAYS("1"))},
		{"MalformedXML", RULE(XML("Filter", XML("ObjectSizeGreaterThan",
							    "-1")) DAYS("1"))},
		{"MalformedXML", RULE(ALL "<NoncurrentVersionExpiration/>")},
		{"MalformedXML", RULE(ALL "<AbortIncompleteMultipartUpload/>")},
		{"MalformedXML", RULE(XML("Filter", "logs/") DAYS("1"))},
		{"MalformedXML",
			RULE(XML("Filter", "<Prefix/>logs/") DAYS("1"))},
		{"MalformedXML",
			RULE(XML("Filter",
				XML("And", XML("Prefix", "a/") XML("Prefix",
						   "a/b/"))) DAYS("1"))},
		{"MalformedXML", RULE(ALL ALL DAYS("1"))},
		{"MalformedXML", RULE(ALL ON DAYS("1"))},
		{"MalformedXML", RULE(ALL DAYS("1") DAYS("2"))},
		{"MalformedXML", RULE(XML("Prefix", "a<b>c</b>") DAYS("1"))},
		{"MalformedXML",
			RULE(XML("Filter", TAG("k", "v<Value/>")) DAYS("1"))},
		{"MalformedXML",
			RULE(XML("Filter",
				XML("Tag", XML("Key", "k") XML("Value", "v")
						   XML("Value", "w")))
					DAYS("1"))},
		{"MalformedXML",
			RULE(ALL XML("AbortIncompleteMultipartUpload",
				XML("DaysAfterInitiation", "1") "<Other/>"))},
		{"MalformedXML", RULE(ALL DAYS("1") "<OtherTransition/>")},
		{"before 2262",
			RULE(ALL XML("Expiration", XML("Date", "9999-12-31")))},
		{"InvalidArgument", RULE(ALL DAYS("0"))},
		{"InvalidArgument", RULE(ALL DAYS("-1"))},
		{"InvalidArgument", RULE(ALL DAYS("2147483648"))},
		{"InvalidArgument",
			RULE(ALL XML("Expiration",
				XML("Date", "2030-01-01T12:00:00Z")))},
		{"InvalidArgument",
			RULE(ALL XML("NoncurrentVersionExpiration",
				XML("NoncurrentDays", "1")
					XML("NewerNoncurrentVersions",
						"101")))},
		{"InvalidArgument",
			RULES(XML("Rule",
				XML("ID", "a") ON ALL DAYS("1")) XML("Rule",
				XML("ID", "b") ON ALL DAYS("1")) XML("Rule",
				XML("ID", "a") ON ALL DAYS("1")))},
		{"InvalidRequest", RULE(ALL)},
		{"InvalidRequest",
			RULE(XML("Filter",
				XML("And", XML("ObjectSizeGreaterThan", "9")
						   XML("ObjectSizeLessThan",
							   "9"))) DAYS("1"))},
		{"InvalidRequest",
			RULE(XML("Filter", TAG("k", "v"))
					XML("AbortIncompleteMultipartUpload",
						XML("DaysAfterInitiation",
							"1")))},
		{"InvalidRequest",
			RULE(XML("Filter", TAG("k", "v")) XML("Expiration",
				XML("ExpiredObjectDeleteMarker", "true")))},
		{"InvalidTag", RULE(XML("Filter",
				       XML("And", TAG("k", "v") TAG("k", "w")))
					       DAYS("1"))},
		{"NotImplemented", RULE(ALL XML("Transition",
					   XML("Days", "1") XML("StorageClass",
						   "GLACIER")))},
	};
	scoped(served_stop) struct served served =
			start(RULE(XML("Prefix", "kept") DAYS("1")));

	for (size_t i = 0; i < array_len(rows); i++) {
		const struct s3_reply *reply = put_rules(&served, rows[i].xml);

		cr_expect(ge(long,
				  slice_find(reply->body,
					  slice_str(rows[i].code)),
				  0),
			"%s: %.*s", rows[i].xml, (int)reply->body.len,
			reply->body.data);
		cr_expect(ge(uint, reply->status, 400));
	}
	served_expect_elements(served_ask(&served, "GET", "/photos?lifecycle"),
		"Prefix", "kept ");
}

/* So many rules, each of a prefix of so many bytes. */
static unsigned int
put_many(struct served *served, size_t count, size_t len)
{
	scoped(buffer_free) struct buffer xml = {0};

	buffer_append_str(&xml, "<LifecycleConfiguration>");
	for (size_t i = 0; i < count; i++)
		buffer_printf(&xml,
			"<Rule>" ON
			"<Prefix>%0*zu</Prefix>" DAYS("1") "</Rule>",
			(int)len, i);
	buffer_append_str(&xml, "</LifecycleConfiguration>");
	return served_send(served, "PUT", "/photos?lifecycle", NULL,
		buffer_slice(&xml))
		->status;
}

Test(op_lifecycle, rules_are_bounded)
{
	scoped(served_stop) struct served served = start(RULE(ALL DAYS("1")));

	cr_expect(eq(uint, put_many(&served, 1001, 1), 400));
	cr_expect(eq(uint, put_many(&served, 1000, 900), 400));
	cr_expect(eq(uint, put_many(&served, 1, 1025), 400));
	cr_expect(eq(uint, put_many(&served, 1000, 300), 200));
	served_put(&served, "/photos/k", "text");
	served_expect_body(served_ask(&served, "GET", "/photos/k"), 200,
		"text");
}

/* As S3 counts: the midnight after so many days. */
static const char *
expiry(struct served *served, unsigned int days, const char *id)
{
	const int64_t day_ns = 86400 * CLOCK_NS_PER_S;
	char date[30];

	clock_to_http((clock_now_ns() / day_ns + 1 + days) * day_ns, date);
	return served_text(served, "expiry-date=\"%s\", rule-id=\"%s\"", date,
		id);
}

Test(op_lifecycle, replies_tell_when_an_object_goes)
{
	scoped(served_stop) struct served served = start(RULES(XML("Rule",
		XML("ID", "a rule") ON XML("Filter", XML("Prefix", "a/"))
			DAYS("3")) XML("Rule",
		XML("ID", "tagged") ON XML("Filter", TAG("k", "v"))
			DAYS("1"))));
	const char *by_prefix = expiry(&served, 3, "a%20rule");
	const char *by_tag = expiry(&served, 1, "tagged");
	const struct s3_reply *reply;

	served_expect_header(served_send(&served, "PUT", "/photos/a/k", NULL,
				     SLICE("text")),
		"x-amz-expiration", by_prefix);
	served_expect_header(served_ask(&served, "GET", "/photos/a/k"),
		"x-amz-expiration", by_prefix);
	served_expect_header(served_ask(&served, "HEAD", "/photos/a/k"),
		"x-amz-expiration", by_prefix);
	reply = served_send(&served, "PUT", "/photos/b", NULL, SLICE("text"));
	served_expect_header(reply, "x-amz-expiration", "");
	served_expect_header(served_ask(&served, "HEAD", "/photos/b"),
		"x-amz-expiration", "");
	served_expect_header(served_send(&served, "PUT", "/photos/c",
				     "x-amz-tagging: k=v\n", SLICE("text")),
		"x-amz-expiration", by_tag);
	served_expect_header(served_ask(&served, "HEAD", "/photos/c"),
		"x-amz-expiration", by_tag);
	served_expect_header(served_send(&served, "PUT", "/photos/a/c",
				     "x-amz-copy-source: /photos/c\n",
				     SLICE_NULL),
		"x-amz-expiration", by_tag);
}

Test(op_lifecycle, replies_tell_when_an_upload_is_aborted)
{
	scoped(served_stop) struct served served = start(RULES(XML("Rule",
		XML("ID", "left") ON XML("Prefix", "a/")
			XML("AbortIncompleteMultipartUpload",
				XML("DaysAfterInitiation", "2")))));
	const int64_t day_ns = 86400 * CLOCK_NS_PER_S;
	const char *id = served_begin_upload(&served, "/photos/a/k", NULL);
	const struct s3_reply *reply = served_ask(&served, "GET",
		served_text(&served, "/photos/a/k?uploadId=%s", id));
	char date[30];

	clock_to_http((clock_now_ns() / day_ns + 3) * day_ns, date);
	served_expect_header(reply, "x-amz-abort-date", date);
	served_expect_header(reply, "x-amz-abort-rule-id", "left");
	reply = served_send(&served, "POST", "/photos/a/k?uploads", NULL,
		SLICE_NULL);
	served_expect_header(reply, "x-amz-abort-date", date);
	served_expect_header(served_send(&served, "POST", "/photos/b?uploads",
				     NULL, SLICE_NULL),
		"x-amz-abort-date", "");
}
