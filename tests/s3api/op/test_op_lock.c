/* SPDX-License-Identifier: Apache-2.0 */
/* Object Lock, as S3's clients see it. */
#include "store/base/clock.h"
#include "store/token.h"
#include "tests/s3api/iam/access_site.h"
#include "tests/s3api/op/versioned.h"

#define XML(name, inside) "<" name ">" inside "</" name ">"
#define CONFIGURATION(inside) XML("ObjectLockConfiguration", inside)
#define ENABLED XML("ObjectLockEnabled", "Enabled")
#define DEFAULT(inside) XML("Rule", XML("DefaultRetention", inside))
#define RETENTION(mode, date)                                                  \
	XML("Retention", XML("Mode", mode) XML("RetainUntilDate", date))
#define HOLD(status) XML("LegalHold", XML("Status", status))
#define LATER "2096-01-02T03:04:05.000Z"
#define SOONER "2090-01-01T00:00:00Z"
#define MODE "x-amz-object-lock-mode"
#define DATE "x-amz-object-lock-retain-until-date"
#define LEGAL "x-amz-object-lock-legal-hold"
#define RETAINED(mode) MODE ": " mode "\n" DATE ": " LATER "\n"
#define BYPASS "x-amz-bypass-governance-retention: true\n"

static struct served
start(void)
{
	struct served served = served_start();

	cr_assert(eq(uint,
		served_send(&served, "PUT", "/photos",
			"x-amz-bucket-object-lock-enabled: true\n", SLICE_NULL)
			->status,
		200));
	return served;
}

static const struct s3_reply *
put(struct served *served, const char *target, const char *headers,
	const char *body)
{
	return served_send(served, "PUT", target, headers, slice_str(body));
}

/* An object that is put with these headers; its version. */
static const char *
put_locked(struct served *served, const char *key, const char *headers)
{
	const struct s3_reply *reply = put(served,
		served_text(served, "/photos/%s", key), headers, "bytes");

	cr_assert(eq(uint, reply->status, 200), "%s", reply->body.data);
	return versioned_id(served, reply);
}

static const struct s3_reply *
drop(struct served *served, const char *id, const char *headers)
{
	return served_send(served, "DELETE",
		served_text(served, "/photos/a?versionId=%s", id), headers,
		SLICE_NULL);
}

/* --- of a bucket ---------------------------------------------------------- */

Test(op_lock, a_bucket_that_is_created_with_it_keeps_versions_for_good)
{
	scoped(served_stop) struct served served = start();

	served_expect_elements(served_ask(&served, "GET", "/photos?versioning"),
		"Status", "Enabled ");
	served_expect_elements(served_ask(&served, "GET",
				       "/photos?object-lock"),
		"ObjectLockEnabled", "Enabled ");
	served_expect_refusal(versioned_set(&served,
				      VERSIONED_STATUS("Suspended")),
		409, "InvalidBucketState");
	versioned_become(&served, VERSIONED_STATUS("Enabled"));
}

Test(op_lock, a_bucket_that_keeps_versions_may_get_it)
{
	scoped(served_stop) struct served served = served_start();

	served_bucket(&served, "photos");
	served_expect_refusal(served_ask(&served, "GET", "/photos?object-lock"),
		404, "ObjectLockConfigurationNotFoundError");
	served_expect_refusal(put(&served, "/photos?object-lock", NULL,
				      CONFIGURATION(ENABLED)),
		409, "InvalidBucketState");
	versioned_become(&served, VERSIONED_STATUS("Enabled"));
	served_expect_body(put(&served, "/photos?object-lock", NULL,
				   CONFIGURATION(ENABLED)),
		200, "");
	served_expect_elements(served_ask(&served, "GET",
				       "/photos?object-lock"),
		"ObjectLockEnabled", "Enabled ");
}

Test(op_lock, the_default_is_told_as_it_was_set)
{
	scoped(served_stop) struct served served = start();
	const struct s3_reply *reply;

	cr_assert(eq(uint,
		put(&served, "/photos?object-lock", NULL,
			CONFIGURATION(ENABLED DEFAULT(XML("Mode", "COMPLIANCE")
					XML("Days", "7"))))
			->status,
		200));
	reply = served_ask(&served, "GET", "/photos?object-lock");
	served_expect_elements(reply, "Mode", "COMPLIANCE ");
	served_expect_elements(reply, "Days", "7 ");
	served_expect_elements(reply, "Years", "");
	cr_assert(eq(uint,
		put(&served, "/photos?object-lock", NULL,
			CONFIGURATION(ENABLED DEFAULT(XML("Mode", "GOVERNANCE")
					XML("Years", "1"))))
			->status,
		200));
	reply = served_ask(&served, "GET", "/photos?object-lock");
	served_expect_elements(reply, "Mode", "GOVERNANCE ");
	served_expect_elements(reply, "Years", "1 ");
	const char *id = put_locked(&served, "a", NULL);

	served_expect_header(versioned_ask(&served, "HEAD", "a", NULL), MODE,
		"GOVERNANCE");
	served_expect_refusal(drop(&served, id, NULL), 403, "AccessDenied");
	put(&served, "/photos?object-lock", NULL, CONFIGURATION(ENABLED));
	put_locked(&served, "a", NULL);
	versioned_expect_no_header(versioned_ask(&served, "HEAD", "a", NULL),
		MODE);
}

Test(op_lock, configurations_that_are_none_are_refused)
{
	static const struct {
		const char *body;
		const char *code;
	} rows[] = {
		{"", "MalformedXML"},
		{"<oops/>", "MalformedXML"},
		{CONFIGURATION(""), "MalformedXML"},
		{CONFIGURATION(XML("ObjectLockEnabled", "Disabled")),
			"MalformedXML"},
		{CONFIGURATION(ENABLED ENABLED), "MalformedXML"},
		{CONFIGURATION(ENABLED "<Other/>"), "MalformedXML"},
		{CONFIGURATION(ENABLED "<Rule/>"), "MalformedXML"},
		{CONFIGURATION(ENABLED DEFAULT("")), "MalformedXML"},
		{CONFIGURATION(ENABLED DEFAULT(XML("Mode", "GOVERNANCE"))),
			"MalformedXML"},
		{CONFIGURATION(ENABLED DEFAULT(XML("Days", "1"))),
			"MalformedXML"},
		{CONFIGURATION(ENABLED DEFAULT(XML("Mode", "governance")
				 XML("Days", "1"))),
			"MalformedXML"},
		{CONFIGURATION(ENABLED DEFAULT(XML("Mode", "GOVERNANCE")
				 XML("Days", "1") XML("Years", "1"))),
			"MalformedXML"},
		{CONFIGURATION(ENABLED DEFAULT(XML("Mode", "GOVERNANCE")
				 XML("Days", "one"))),
			"MalformedXML"},
		{CONFIGURATION(ENABLED DEFAULT(XML("Mode", "GOVERNANCE")
				 XML("Days", "0"))),
			"InvalidRetentionPeriod"},
		{CONFIGURATION(ENABLED DEFAULT(XML("Mode", "GOVERNANCE")
				 XML("Years", "-1"))),
			"InvalidRetentionPeriod"},
		{CONFIGURATION(ENABLED DEFAULT(XML("Mode", "GOVERNANCE")
				 XML("Days", "36501"))),
			"InvalidRetentionPeriod"},
		{CONFIGURATION(ENABLED DEFAULT(XML("Mode", "GOVERNANCE")
				 XML("Years", "18446744073709551617"))),
			"InvalidRetentionPeriod"},
	};
	scoped(served_stop) struct served served = start();

	for (size_t i = 0; i < array_len(rows); i++)
		served_expect_refusal(put(&served, "/photos?object-lock", NULL,
					      rows[i].body),
			400, rows[i].code);
	served_expect_elements(served_ask(&served, "GET",
				       "/photos?object-lock"),
		"Mode", "");
}

Test(op_lock, creating_with_it_has_to_be_asked_for)
{
	scoped(served_stop) struct served served = served_start();

	served_expect_refusal(
		served_send(&served, "PUT", "/photos",
			"x-amz-bucket-object-lock-enabled: maybe\n",
			SLICE_NULL),
		400, "InvalidArgument");
	served_expect_refusal(served_send(&served, "PUT", "/photos",
				      LEGAL ": ON\n", SLICE_NULL),
		501, "NotImplemented");
	cr_expect(eq(uint,
		served_send(&served, "PUT", "/photos",
			"x-amz-bucket-object-lock-enabled: false\n", SLICE_NULL)
			->status,
		200));
	served_expect_refusal(served_ask(&served, "GET", "/photos?object-lock"),
		404, "ObjectLockConfigurationNotFoundError");
}

/* --- of a version --------------------------------------------------------- */

Test(op_lock, a_retention_is_told_as_it_was_set)
{
	scoped(served_stop) struct served served = start();
	const char *first = put_locked(&served, "a", NULL);

	put_locked(&served, "a", NULL);
	served_expect_refusal(served_ask(&served, "GET", "/photos/a?retention"),
		404, "NoSuchObjectLockConfiguration");
	const struct s3_reply *reply = put(&served,
		served_text(&served, "/photos/a?retention&versionId=%s", first),
		NULL, RETENTION("GOVERNANCE", LATER));

	served_expect_body(reply, 200, "");
	served_expect_header(reply, "x-amz-version-id", first);
	reply = served_ask(&served, "GET",
		served_text(&served, "/photos/a?retention&versionId=%s",
			first));
	served_expect_elements(reply, "Mode", "GOVERNANCE ");
	served_expect_elements(reply, "RetainUntilDate", LATER " ");
	reply = versioned_ask(&served, "HEAD", "a", first);
	served_expect_header(reply, MODE, "GOVERNANCE");
	served_expect_header(reply, DATE, LATER);
	versioned_expect_no_header(reply, LEGAL);
	versioned_expect_no_header(versioned_ask(&served, "GET", "a", NULL),
		MODE);
	served_expect_refusal(served_ask(&served, "GET", "/photos/a?retention"),
		404, "NoSuchObjectLockConfiguration");
}

Test(op_lock, a_hold_is_told_as_it_was_set)
{
	scoped(served_stop) struct served served = start();
	const char *id = put_locked(&served, "a", NULL);

	served_expect_refusal(served_ask(&served, "GET",
				      "/photos/a?legal-hold"),
		404, "NoSuchObjectLockConfiguration");
	served_expect_body(put(&served, "/photos/a?legal-hold", NULL,
				   HOLD("ON")),
		200, "");
	served_expect_elements(served_ask(&served, "GET",
				       "/photos/a?legal-hold"),
		"Status", "ON ");
	served_expect_header(versioned_ask(&served, "GET", "a", NULL), LEGAL,
		"ON");
	served_expect_refusal(drop(&served, id, BYPASS), 403, "AccessDenied");
	put(&served, "/photos/a?legal-hold", NULL, HOLD("OFF"));
	served_expect_elements(served_ask(&served, "GET",
				       "/photos/a?legal-hold"),
		"Status", "OFF ");
	served_expect_header(versioned_ask(&served, "GET", "a", NULL), LEGAL,
		"OFF");
	cr_expect(eq(uint, drop(&served, id, NULL)->status, 204));
}

Test(op_lock, locks_that_are_none_are_refused)
{
	static const struct {
		const char *target;
		const char *body;
		const char *code;
	} rows[] = {
		{"retention", "", "MalformedXML"},
		{"retention", "<oops/>", "MalformedXML"},
		{"retention", RETENTION("governance", LATER), "MalformedXML"},
		{"retention", RETENTION("GOVERNANCE", "soon"), "MalformedXML"},
		{"retention", XML("Retention", XML("Mode", "GOVERNANCE")),
			"MalformedXML"},
		{"retention", XML("Retention", XML("RetainUntilDate", LATER)),
			"MalformedXML"},
		{"retention", XML("Retention", "<Other/>"), "MalformedXML"},
		{"retention", RETENTION("GOVERNANCE", "2001-01-01T00:00:00Z"),
			"InvalidArgument"},
		{"retention", RETENTION("GOVERNANCE", "9999-12-31T00:00:00Z"),
			"InvalidArgument"},
		{"legal-hold", "", "MalformedXML"},
		{"legal-hold", HOLD("on"), "MalformedXML"},
		{"legal-hold", XML("LegalHold", ""), "MalformedXML"},
		{"legal-hold", XML("LegalHold", XML("Status", "ON") "<Other/>"),
			"MalformedXML"},
	};
	scoped(served_stop) struct served served = start();

	put_locked(&served, "a", NULL);
	for (size_t i = 0; i < array_len(rows); i++)
		served_expect_refusal(put(&served,
					      served_text(&served,
						      "/photos/a?%s",
						      rows[i].target),
					      NULL, rows[i].body),
			400, rows[i].code);
}

Test(op_lock, a_bucket_without_it_locks_nothing)
{
	static const char *const headers[] = {
		RETAINED("GOVERNANCE"), LEGAL ": ON\n"};
	scoped(served_stop) struct served served = versioned_start();

	versioned_put(&served, "a", "1");
	served_expect_refusal(put(&served, "/photos/a?retention", NULL,
				      RETENTION("GOVERNANCE", LATER)),
		400, "InvalidRequest");
	served_expect_refusal(put(&served, "/photos/a?legal-hold", NULL,
				      HOLD("ON")),
		400, "InvalidRequest");
	served_expect_refusal(served_ask(&served, "GET", "/photos/a?retention"),
		400, "InvalidRequest");
	served_expect_refusal(served_ask(&served, "GET",
				      "/photos/a?legal-hold"),
		400, "InvalidRequest");
	for (size_t i = 0; i < array_len(headers); i++) {
		served_expect_refusal(put(&served, "/photos/b", headers[i],
					      "bytes"),
			400, "InvalidRequest");
		served_expect_refusal(served_ask(&served, "GET", "/photos/b"),
			404, "NoSuchKey");
	}
}

Test(op_lock, of_what_is_not_there_is_not_found)
{
	scoped(served_stop) struct served served = start();
	const struct s3_reply *reply;

	served_expect_refusal(put(&served, "/photos/a?retention", NULL,
				      RETENTION("GOVERNANCE", LATER)),
		404, "NoSuchKey");
	reply = versioned_ask(&served, "DELETE", "a", NULL);
	const char *marker = versioned_id(&served, reply);

	served_expect_refusal(
		put(&served,
			served_text(&served,
				"/photos/a?legal-hold&versionId=%s", marker),
			NULL, HOLD("ON")),
		405, "MethodNotAllowed");
}

/* --- what is put ---------------------------------------------------------- */

Test(op_lock, headers_lock_what_is_put)
{
	scoped(served_stop) struct served served = start();
	const struct s3_reply *reply;
	const char *id =
		put_locked(&served, "a", RETAINED("COMPLIANCE") LEGAL ": ON\n");

	reply = versioned_ask(&served, "GET", "a", NULL);
	served_expect_header(reply, MODE, "COMPLIANCE");
	served_expect_header(reply, DATE, LATER);
	served_expect_header(reply, LEGAL, "ON");
	served_expect_refusal(drop(&served, id, BYPASS), 403, "AccessDenied");
	served_expect_body(versioned_ask(&served, "GET", "a", id), 200,
		"bytes");
}

Test(op_lock, headers_lock_a_copy_and_never_its_source_s)
{
	scoped(served_stop) struct served served = start();

	put_locked(&served, "a", LEGAL ": ON\n");
	cr_assert(eq(uint,
		put(&served, "/photos/b",
			"x-amz-copy-source: photos/a\n" RETAINED("GOVERNANCE"),
			"")
			->status,
		200));
	const struct s3_reply *reply =
		versioned_ask(&served, "HEAD", "b", NULL);

	served_expect_header(reply, MODE, "GOVERNANCE");
	versioned_expect_no_header(reply, LEGAL);
	cr_assert(eq(uint,
		put(&served, "/photos/c", "x-amz-copy-source: photos/b\n", "")
			->status,
		200));
	versioned_expect_no_header(versioned_ask(&served, "HEAD", "c", NULL),
		MODE);
}

Test(op_lock, headers_of_an_upload_lock_its_object)
{
	scoped(served_stop) struct served served = start();
	const char *id = served_begin_upload(&served, "/photos/a",
		RETAINED("GOVERNANCE") LEGAL ": OFF\n");
	const struct s3_reply *part = put(&served,
		served_text(&served, "/photos/a?partNumber=1&uploadId=%s", id),
		NULL, "bytes");
	struct slice etag = s3_client_header(part, "etag");

	served_expect_refusal(
		put(&served,
			served_text(&served,
				"/photos/a?partNumber=1&uploadId=%s", id),
			LEGAL ": ON\n", "bytes"),
		501, "NotImplemented");
	cr_assert(eq(uint,
		served_send(&served, "POST",
			served_text(&served, "/photos/a?uploadId=%s", id), NULL,
			slice_str(served_text(&served,
				"<CompleteMultipartUpload><Part><PartNumber>1"
				"</PartNumber><ETag>%.*s</ETag></Part>"
				"</CompleteMultipartUpload>",
				(int)etag.len, etag.data)))
			->status,
		200));
	const struct s3_reply *reply =
		versioned_ask(&served, "HEAD", "a", NULL);

	served_expect_header(reply, MODE, "GOVERNANCE");
	served_expect_header(reply, LEGAL, "OFF");
	served_expect_refusal(drop(&served, versioned_id(&served, reply), NULL),
		403, "AccessDenied");
}

Test(op_lock, headers_that_are_none_are_refused)
{
	static const char *const headers[] = {
		MODE ": GOVERNANCE\n",
		DATE ": " LATER "\n",
		MODE ": governance\n" DATE ": " LATER "\n",
		MODE ": GOVERNANCE\n" DATE ": tomorrow\n",
		MODE ": GOVERNANCE\n" DATE ": 2001-01-01T00:00:00Z\n",
		LEGAL ": yes\n",
		MODE ":\n" DATE ":\n",
	};
	scoped(served_stop) struct served served = start();

	for (size_t i = 0; i < array_len(headers); i++)
		served_expect_refusal(put(&served, "/photos/a", headers[i],
					      "bytes"),
			400, "InvalidArgument");
	served_expect_refusal(served_ask(&served, "GET", "/photos/a"), 404,
		"NoSuchKey");
}

/* --- who may -------------------------------------------------------------- */

/* Each mode, and a hold; each operation; with and without bypassing. */
Test(op_lock, who_deletes_or_changes_what_is_locked)
{
	enum { DELETE_IT, DELETE_LIST, SHORTEN, LENGTHEN, END, CHANGE, ACTS };
	static const struct {
		const char *mode;
		unsigned int plain[ACTS], bypassing[ACTS];
	} rows[] = {
		{"GOVERNANCE", {403, 403, 403, 200, 403, 403},
			{204, 204, 200, 200, 200, 200}},
		{"COMPLIANCE", {403, 403, 403, 200, 403, 403},
			{403, 403, 403, 200, 403, 403}},
	};

	for (size_t i = 0; i < 2 * ACTS * array_len(rows); i++) {
		scoped(served_stop) struct served served = start();
		const size_t act = i / 2 % ACTS;
		const bool is_governance = i / 2 / ACTS == 0;
		const char *mode = rows[i / 2 / ACTS].mode;
		const char *other = is_governance ? "COMPLIANCE" : "GOVERNANCE";
		const char *headers = i % 2 ? BYPASS : NULL;
		const char *id = put_locked(&served, "a",
			is_governance ? RETAINED("GOVERNANCE")
				      : RETAINED("COMPLIANCE"));
		const char *body = "<Retention/>";
		unsigned int status;

		if (act == SHORTEN || act == LENGTHEN || act == CHANGE)
			body = served_text(&served,
				XML("Retention",
					XML("Mode", "%s")
						XML("RetainUntilDate", "%s")),
				act == CHANGE ? other : mode,
				act == SHORTEN ? SOONER
					       : "2099-01-01T00:00:00Z");
		if (act == DELETE_IT) {
			status = drop(&served, id, headers)->status;
		} else if (act == DELETE_LIST) {
			const struct s3_reply *reply = served_send(&served,
				"POST", "/photos?delete", headers,
				slice_str(served_text(&served,
					"<Delete><Object><Key>a</Key>"
					"<VersionId>%s</VersionId></Object>"
					"</Delete>",
					id)));
			status =
				slice_find(reply->body,
					SLICE("<Code>AccessDenied</Code>")) >= 0
					? 403
					: 204;
		} else {
			status = put(&served, "/photos/a?retention", headers,
				body)
					 ->status;
		}
		cr_expect(eq(uint, status,
				  i % 2 ? rows[i / 2 / ACTS].bypassing[act]
					: rows[i / 2 / ACTS].plain[act]),
			"%s, act %zu, bypassing %zu", mode, act, i % 2);
		versioned_expect_status(versioned_ask(&served, "GET", "a", id),
			status == 204 ? 404 : 200);
	}
}

Test(op_lock, bypassing_has_to_be_asked_for_and_allowed)
{
	scoped(served_stop) struct served served = start();
	const char *id = put_locked(&served, "a", RETAINED("GOVERNANCE"));

	served_expect_refusal(
		drop(&served, id, "x-amz-bypass-governance-retention: false\n"),
		403, "AccessDenied");
	served_become(&served, TOKEN_READWRITE);
	served_expect_refusal(drop(&served, id, BYPASS), 403, "AccessDenied");
	served_become(&served, TOKEN_FULL);
	cr_assert(eq(uint,
		access_site_put_policy(&served,
			STATEMENT("\"Effect\":\"Deny\",\"Principal\":\"*\","
				  "\"Action\":"
				  "\"s3:BypassGovernanceRetention\","
				  "\"Resource\":\"arn:aws:s3:::photos/*\""))
			->status,
		204));
	served_expect_refusal(drop(&served, id, BYPASS), 403, "AccessDenied");
	served_ask(&served, "DELETE", "/photos?policy");
	cr_expect(eq(uint, drop(&served, id, BYPASS)->status, 204));
}

Test(op_lock, strangers_hold_nothing_and_let_nothing_go)
{
	scoped(served_stop) struct served served = start();

	put_locked(&served, "a", LEGAL ": ON\n");
	cr_assert(eq(uint,
		access_site_put_policy(&served,
			STATEMENT("\"Effect\":\"Allow\",\"Principal\":\"*\","
				  "\"Action\":\"s3:*\",\"Resource\":"
				  "\"arn:aws:s3:::photos/*\""))
			->status,
		204));
	served.client.is_anonymous = true;
	served_expect_body(served_ask(&served, "GET", "/photos/a"), 200,
		"bytes");
	served_expect_refusal(put(&served, "/photos/a?legal-hold", NULL,
				      HOLD("OFF")),
		403, "AccessDenied");
}

static void
deny(struct served *served, const char *action, const char *condition)
{
	cr_assert(eq(uint,
		access_site_put_policy(served,
			served_text(served,
				STATEMENT("\"Effect\":\"Deny\","
					  "\"Principal\":\"*\",\"Action\":"
					  "\"%s\",\"Resource\":"
					  "\"arn:aws:s3:::photos/*\","
					  "\"Condition\":{%s}"),
				action, condition))
			->status,
		204));
}

Test(op_lock, headers_need_the_right_to_what_they_do)
{
	scoped(served_stop) struct served served = start();

	deny(&served, "s3:PutObjectRetention", "");
	served_expect_refusal(put(&served, "/photos/a", RETAINED("GOVERNANCE"),
				      "bytes"),
		403, "AccessDenied");
	put_locked(&served, "a", LEGAL ": ON\n");
	deny(&served, "s3:PutObjectLegalHold", "");
	served_expect_refusal(put(&served, "/photos/a", LEGAL ": OFF\n",
				      "bytes"),
		403, "AccessDenied");
	put_locked(&served, "a", RETAINED("GOVERNANCE"));
}

Test(op_lock, is_told_to_those_who_may_know)
{
	scoped(served_stop) struct served served = start();
	const struct s3_reply *reply;

	put_locked(&served, "a", RETAINED("GOVERNANCE") LEGAL ": ON\n");
	deny(&served, "s3:GetObjectRetention", "");
	reply = versioned_ask(&served, "HEAD", "a", NULL);
	versioned_expect_no_header(reply, MODE);
	versioned_expect_no_header(reply, DATE);
	served_expect_header(reply, LEGAL, "ON");
	deny(&served, "s3:GetObjectLegalHold", "");
	reply = versioned_ask(&served, "HEAD", "a", NULL);
	served_expect_header(reply, MODE, "GOVERNANCE");
	versioned_expect_no_header(reply, LEGAL);
}

Test(op_lock, conditions_see_what_is_asked_for)
{
	static const struct {
		const char *action;
		const char *condition;
		bool is_hold; /* by what it is met */
	} rows[] = {
		{"s3:PutObjectRetention",
			"\"StringEquals\":{\"s3:object-lock-mode\":"
			"\"COMPLIANCE\"}",
			false},
		{"s3:PutObjectRetention",
			"\"NumericGreaterThan\":"
			"{\"s3:object-lock-remaining-retention-days\":10}",
			false},
		{"s3:PutObjectRetention",
			"\"DateGreaterThan\":"
			"{\"s3:object-lock-retain-until-date\":"
			"\"2095-01-01T00:00:00Z\"}",
			false},
		{"s3:PutObjectLegalHold",
			"\"StringEquals\":{\"s3:object-lock-legal-hold\":"
			"\"ON\"}",
			true},
	};
	scoped(served_stop) struct served served = start();

	put_locked(&served, "a", NULL);
	for (size_t i = 0; i < array_len(rows); i++) {
		const bool is_hold = rows[i].is_hold;
		const char *target = is_hold ? "/photos/a?legal-hold"
					     : "/photos/a?retention";

		deny(&served, rows[i].action, rows[i].condition);
		served_expect_refusal(put(&served, target, NULL,
					      is_hold ? HOLD("ON")
						      : RETENTION("COMPLIANCE",
								LATER)),
			403, "AccessDenied");
		served_expect_refusal(put(&served, "/photos/b",
					      is_hold ? LEGAL ": ON\n"
						      : RETAINED("COMPLIANCE"),
					      "bytes"),
			403, "AccessDenied");
		if (is_hold)
			versioned_expect_status(put(&served, target, NULL,
							HOLD("OFF")),
				200);
	}
}

Test(op_lock, conditions_count_the_days_that_are_left)
{
	scoped(served_stop) struct served served = start();
	char date[25];

	put_locked(&served, "a", NULL);
	deny(&served, "s3:PutObjectRetention",
		"\"NumericGreaterThan\":"
		"{\"s3:object-lock-remaining-retention-days\":10}");
	clock_to_iso8601(clock_now_ns() + 10 * CLOCK_NS_PER_DAY, date);
	versioned_expect_status(
		put(&served, "/photos/a?retention", NULL,
			served_text(&served,
				XML("Retention",
					XML("Mode", "GOVERNANCE")
						XML("RetainUntilDate", "%s")),
				date)),
		200);
	clock_to_iso8601(clock_now_ns() + 11 * CLOCK_NS_PER_DAY, date);
	versioned_expect_status(
		put(&served, "/photos/a?retention", NULL,
			served_text(&served,
				XML("Retention",
					XML("Mode", "GOVERNANCE")
						XML("RetainUntilDate", "%s")),
				date)),
		403);
}

/* --- what is done anyway -------------------------------------------------- */

Test(op_lock, a_marker_may_be_put_in_front_of_what_is_locked)
{
	scoped(served_stop) struct served served = start();
	const char *id = put_locked(&served, "a", RETAINED("COMPLIANCE"));
	const struct s3_reply *reply =
		versioned_ask(&served, "DELETE", "a", NULL);

	versioned_expect_status(reply, 204);
	served_expect_header(reply, "x-amz-delete-marker", "true");
	served_expect_refusal(versioned_ask(&served, "GET", "a", NULL), 404,
		"NoSuchKey");
	served_expect_body(versioned_ask(&served, "GET", "a", id), 200,
		"bytes");
	served_expect_refusal(served_ask(&served, "DELETE", "/photos"), 409,
		"BucketNotEmpty");
}

Test(op_lock, tags_and_lists_of_what_is_locked_may_change)
{
	scoped(served_stop) struct served served = start();

	put_locked(&served, "a", RETAINED("COMPLIANCE"));
	versioned_expect_status(put(&served, "/photos/a?tagging", NULL,
					"<Tagging><TagSet/></Tagging>"),
		200);
}
