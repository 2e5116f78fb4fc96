/* SPDX-License-Identifier: Apache-2.0 */
/* What the log of a bucket tells of requests. */
#include <regex.h>

#include "tests/s3api/op/served.h"

#define TO(bucket)                                                             \
	"<BucketLoggingStatus><LoggingEnabled><TargetBucket>" bucket           \
	"</TargetBucket><TargetPrefix>p/</TargetPrefix></LoggingEnabled></"    \
	"BucketLoggingStatus>"

/* The pattern that S3's documentation gives for reading these logs. */
#define WORD "([^ ]*) "
#define QUOTED "(\"[^\"]*\"|-) "
#define LINE                                                                   \
	"^" WORD WORD "\\[([^]]*)\\] " WORD WORD WORD WORD WORD QUOTED         \
	"(-|[0-9]*) " WORD WORD WORD WORD WORD QUOTED QUOTED WORD WORD WORD    \
		WORD WORD WORD WORD WORD "([^ ]*)$"

enum field {
	OWNER = 1,
	BUCKET,
	TIME,
	ADDRESS,
	REQUESTER,
	ID,
	OPERATION,
	KEY,
	URI,
	STATUS,
	ERROR,
	SENT,
	SIZE,
	TOOK,
	TURN_AROUND,
	REFERER,
	USER_AGENT,
	VERSION,
	HOST_ID,
	SIGNATURE,
	CIPHER,
	AUTHENTICATION,
	HOST,
	TLS,
	ACCESS_POINT,
	NEEDED_LIST,
	FIELDS
};

static struct served
start(void)
{
	struct served served = served_start_logged();

	served_bucket(&served, "photos");
	served_bucket(&served, "logs");
	served_put(&served, "/photos?logging", TO("logs"));
	return served;
}

/* The line of that operation, of which there is one. */
static struct slice
find_line(const char *text, const char *operation)
{
	struct slice rest = slice_str(text);
	struct slice found = SLICE_NULL;
	struct slice line;

	while (slice_split(&rest, '\n', &line)) {
		if (slice_find(line, slice_str(operation)) < 0)
			continue;
		cr_expect(found.data == NULL, "two of %s", operation);
		found = line;
	}
	cr_assert(found.data != NULL, "no %s in %s", operation, text);
	return found;
}

static const char *
field_of(struct served *served, struct slice line, enum field field)
{
	const char *text =
		served_text(served, "%.*s", (int)line.len, line.data);
	regmatch_t matches[FIELDS];
	regex_t regex;

	cr_assert(zero(int, regcomp(&regex, LINE, REG_EXTENDED)));
	cr_assert(zero(int, regexec(&regex, text, FIELDS, matches, 0)), "%s",
		text);
	regfree(&regex);
	return served_text(served, "%.*s",
		(int)(matches[field].rm_eo - matches[field].rm_so),
		text + matches[field].rm_so);
}

static void
expect(struct served *served, struct slice line, enum field field,
	const char *text)
{
	const char *found = field_of(served, line, field);

	cr_expect(zero(int, strcmp(found, text)), "%d is %s, not %s",
		(int)field, found, text);
}

Test(request_log, a_line_has_all_that_is_known)
{
	scoped(served_stop) struct served served = start();
	const char *host =
		served_text(&served, "127.0.0.1:%u", served.client.port);
	struct slice id;
	struct slice line;
	const char *text;

	served_put(&served, "/photos/a%20b", "bytes");
	id = s3_client_header(
		served_send(&served, "GET", "/photos/a%20b?x=%22&partNumber=1",
			"referer: http://a/\"b c\nuser-agent: me/1 (\"x\")\n",
			SLICE_NULL),
		"x-amz-request-id");
	text = served_logged(&served, "logs");

	line = find_line(text, "REST.GET.OBJECT");
	expect(&served, line, OWNER, "default");
	expect(&served, line, BUCKET, "photos");
	expect(&served, line, ADDRESS, "127.0.0.1");
	expect(&served, line, REQUESTER, "arn:aws:iam::default:user/test");
	expect(&served, line, ID,
		served_text(&served, "%.*s", (int)id.len, id.data));
	expect(&served, line, KEY, "a%20b");
	expect(&served, line, URI,
		"\"GET /photos/a%20b?x=%22&partNumber=1 HTTP/1.1\"");
	expect(&served, line, STATUS, "206");
	expect(&served, line, ERROR, "-");
	expect(&served, line, SENT, "5");
	expect(&served, line, SIZE, "5");
	expect(&served, line, REFERER, "\"http://a/%22b c\"");
	expect(&served, line, USER_AGENT, "\"me/1 (%22x%22)\"");
	expect(&served, line, VERSION, "-");
	expect(&served, line, SIGNATURE, "SigV4");
	expect(&served, line, CIPHER, "-");
	expect(&served, line, AUTHENTICATION, "AuthHeader");
	expect(&served, line, HOST, host);
	expect(&served, line, TLS, "-");
	expect(&served, line, NEEDED_LIST, "-");
	expect(&served, find_line(text, "REST.PUT.OBJECT"), SIZE, "5");
}

Test(request_log, operations_have_the_names_of_the_log)
{
	static const struct {
		const char *method;
		const char *target;
		const char *operation;
	} rows[] = {
		{"GET", "/photos", "REST.GET.BUCKET"},
		{"HEAD", "/photos", "REST.HEAD.BUCKET"},
		{"GET", "/photos?versions", "REST.GET.BUCKETVERSIONS"},
		{"GET", "/photos?policy", "REST.GET.BUCKETPOLICY"},
		{"GET", "/photos?logging", "REST.GET.LOGGING_STATUS"},
		{"GET", "/photos?website", "REST.GET.WEBSITE"},
		{"GET", "/photos?uploads", "REST.GET.UPLOADS"},
		{"POST", "/photos/a?uploads", "REST.POST.UPLOADS"},
		{"DELETE", "/photos/a?uploadId=none", "REST.DELETE.UPLOAD"},
		{"PUT", "/photos/a?partNumber=1&uploadId=none",
			"REST.PUT.PART"},
		{"HEAD", "/photos/none", "REST.HEAD.OBJECT"},
		{"DELETE", "/photos/none", "REST.DELETE.OBJECT"},
		{"GET", "/photos/a?acl", "REST.GET.ACL"},
		{"GET", "/photos/a?tagging", "REST.GET.OBJECT_TAGGING"},
		{"OPTIONS", "/photos/a", "REST.OPTIONS.PREFLIGHT"},
		{"PUT", "/photos?torrent", "REST.PUT.BUCKET"},
	};
	scoped(served_stop) struct served served = start();
	const char *text;

	for (size_t i = 0; i < array_len(rows); i++)
		(void)served_ask(&served, rows[i].method, rows[i].target);
	text = served_logged(&served, "logs");

	for (size_t i = 0; i < array_len(rows); i++) {
		struct slice line = find_line(text,
			served_text(&served, " %s ", rows[i].operation));

		cr_expect(line.data != NULL);
	}
}

Test(request_log, who_is_refused_has_asked_too)
{
	scoped(served_stop) struct served served = start();
	struct slice line;
	const char *text;

	served.client.is_anonymous = true;
	(void)served_ask(&served, "GET", "/photos/a");
	served.client.is_anonymous = false;
	served.client.secret[0] ^= 1;
	(void)served_ask(&served, "PUT", "/photos/a");
	text = served_logged(&served, "logs");

	line = find_line(text, "REST.GET.OBJECT");
	expect(&served, line, REQUESTER, "-");
	expect(&served, line, STATUS, "403");
	expect(&served, line, ERROR, "AccessDenied");
	expect(&served, line, AUTHENTICATION, "-");
	line = find_line(text, "REST.PUT.OBJECT");
	expect(&served, line, ERROR, "SignatureDoesNotMatch");
	expect(&served, line, REQUESTER, "-");
}

Test(request_log, what_signs_a_url_is_not_told)
{
	scoped(served_stop) struct served served = start();
	const char *text;

	served.client.is_anonymous = true;
	(void)served_ask(&served, "GET",
		"/photos/a?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz%2DSignature="
		"abc&x-amz-security-token=def&X-Amz-Server-Side-Encryption-"
		"Customer-Key=ghi");
	text = served_logged(&served, "logs");

	expect(&served, find_line(text, "REST.GET.OBJECT"), URI,
		"\"GET /photos/a?X-Amz-Algorithm=AWS4-HMAC-SHA256&"
		"X-Amz%2DSignature=-&x-amz-security-token=-&"
		"X-Amz-Server-Side-Encryption-Customer-Key=- HTTP/1.1\"");
}

Test(request_log, what_signs_a_url_is_not_told_by_its_page_either)
{
	scoped(served_stop) struct served served = start();
	const char *text;

	(void)served_send(&served, "GET", "/photos/a",
		"referer: http://h/photos/p.html?X-Amz-Date=1&X-Amz-Signature="
		"abc&x-amz-security-token=def\n",
		SLICE_NULL);
	text = served_logged(&served, "logs");

	expect(&served, find_line(text, "REST.GET.OBJECT"), REFERER,
		"\"http://h/photos/p.html?X-Amz-Date=1&X-Amz-Signature=-&"
		"x-amz-security-token=-\"");
}

Test(request_log, what_others_say_ends_neither_a_line_nor_a_field)
{
	scoped(served_stop) struct served served = start();
	struct slice line;
	const char *text;

	served.client.is_anonymous = true;
	(void)served_send(&served, "GET",
		"/photos/a%0Ab%22%20c?versionId=%0A%22%20-",
		"user-agent: a\" \"b\xff\x80\tc\nreferer: \" - -\n",
		SLICE_NULL);
	text = served_logged(&served, "logs");

	line = find_line(text, "REST.GET.OBJECT");
	expect(&served, line, KEY, "a%0Ab%22%20c");
	expect(&served, line, URI,
		"\"GET /photos/a%0Ab%22%20c?versionId=%0A%22%20- "
		"HTTP/1.1\"");
	expect(&served, line, USER_AGENT, "\"a%22 %22b%FF%80%09c\"");
	expect(&served, line, REFERER, "\"%22 - -\"");
	expect(&served, line, VERSION, "%0A%22%20-");
}

/* Each of a thousand lines has them: a stranger could have them made. */
Test(request_log, of_long_headers_the_beginning_is_told)
{
	scoped(served_stop) struct served served = start();
	const char *headers = served_text(&served,
		"user-agent: %05000d\nreferer: ?%02500d\n", 0, 0);
	struct slice line;
	const char *text;

	(void)served_send(&served, "GET", "/photos/a", headers, SLICE_NULL);
	text = served_logged(&served, "logs");

	line = find_line(text, "REST.GET.OBJECT");
	cr_expect(eq(sz, strlen(field_of(&served, line, USER_AGENT)), 2050));
	cr_expect(eq(sz, strlen(field_of(&served, line, REFERER)), 2050));
	expect(&served, line, AUTHENTICATION, "AuthHeader");
}

Test(request_log, a_list_that_let_somebody_in_is_told)
{
	scoped(served_stop) struct served served = start();

	served_put(&served, "/photos?ownershipControls",
		"<OwnershipControls><Rule><ObjectOwnership>ObjectWriter</"
		"ObjectOwnership></Rule></OwnershipControls>");
	cr_assert(eq(uint,
		served_send(&served, "PUT", "/photos/a",
			"x-amz-acl: public-read\n", SLICE("x"))
			->status,
		200));
	served.client.is_anonymous = true;
	cr_assert(eq(uint, served_ask(&served, "GET", "/photos/a")->status,
		200));

	expect(&served,
		find_line(served_logged(&served, "logs"), "REST.GET.OBJECT"),
		NEEDED_LIST, "Yes");
}

Test(request_log, a_copy_is_told_to_both_and_each_of_many_that_are_deleted)
{
	scoped(served_stop) struct served served = start();
	const char *text;

	served_put(&served, "/photos/a", "bytes");
	served_bucket(&served, "copies");
	cr_assert(eq(uint,
		served_send(&served, "PUT", "/copies/b",
			"x-amz-copy-source: photos/a\n", SLICE_NULL)
			->status,
		200));
	cr_assert(eq(uint,
		served_send(&served, "PUT", "/photos/c",
			"x-amz-copy-source: copies/b\n", SLICE_NULL)
			->status,
		200));
	cr_assert(eq(uint,
		served_send(&served, "POST", "/photos?delete", NULL,
			SLICE("<Delete><Object><Key>a</Key></Object></Delete>"))
			->status,
		200));
	text = served_logged(&served, "logs");

	expect(&served, find_line(text, "REST.COPY.OBJECT_GET"), KEY, "a");
	expect(&served, find_line(text, "REST.COPY.OBJECT "), KEY, "c");
	expect(&served, find_line(text, "REST.POST.MULTI_OBJECT_DELETE"),
		STATUS, "200");
	expect(&served, find_line(text, "BATCH.DELETE.OBJECT"), KEY, "a");
	expect(&served, find_line(text, "BATCH.DELETE.OBJECT"), STATUS, "204");
}

/* The log's own objects are no requests. */
Test(request_log, a_bucket_may_log_into_itself)
{
	scoped(served_stop) struct served served = served_start_logged();
	const char *text;

	served_bucket(&served, "photos");
	served_put(&served, "/photos?logging", TO("photos"));
	(void)served_ask(&served, "GET", "/photos/none");
	text = served_logged(&served, "photos");

	expect(&served, find_line(text, "REST.GET.OBJECT"), STATUS, "404");
	cr_expect(slice_find(slice_str(text), SLICE("REST.PUT.OBJECT")) < 0);
}
