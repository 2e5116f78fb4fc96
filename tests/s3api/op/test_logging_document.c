/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/op/logging_document.h"

#include "tests/s3api/op/asked.h"

#define XML(name, inside) "<" name ">" inside "</" name ">"
#define ENABLED(inside)                                                        \
	XML("BucketLoggingStatus", XML("LoggingEnabled", inside))
#define LOGS XML("TargetBucket", "logs") XML("TargetPrefix", "p/")
#define GROUP(group)                                                           \
	"<Grantee xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" "    \
	"xsi:type=\"Group\">" XML("URI", "http://acs.amazonaws.com/groups/"    \
					 "global/" group) "</Grantee>"
#define GRANT(group, permission)                                               \
	XML("Grant", GROUP(group) XML("Permission", permission))
#define GRANTS(inside) XML("TargetGrants", inside)
#define FORMAT(inside) XML("TargetObjectKeyFormat", inside)
#define DAYS(of)                                                               \
	FORMAT(XML("PartitionedPrefix", XML("PartitionDateSource", of)))

static enum s3_error
read(struct asked *asked, const char *text, struct logging_document *document)
{
	asked_init(asked);
	return logging_document_read(&asked->request, slice_str(text),
		document);
}

static void
expect_written(const struct logging_document *document, const char *text)
{
	scoped(buffer_free) struct buffer buffer = {0};
	struct slice inside =
		slice_from(slice_str(text), strlen("<BucketLoggingStatus>"));

	logging_document_write(&buffer, document);
	cr_expect(slice_has_suffix(buffer_slice(&buffer), inside),
		"%s became %.*s", text, (int)buffer.len, (char *)buffer.data);
}

Test(logging_document, reads_and_writes_each_format)
{
	static const struct {
		const char *text;
		enum logging_format format;
	} rows[] = {
		{ENABLED(LOGS), LOGGING_PLAIN},
		{ENABLED(LOGS FORMAT(XML("SimplePrefix", ""))), LOGGING_SIMPLE},
		{ENABLED(LOGS DAYS("EventTime")), LOGGING_BY_EVENT},
		{ENABLED(LOGS DAYS("DeliveryTime")), LOGGING_BY_DELIVERY},
	};

	for (size_t i = 0; i < array_len(rows); i++) {
		scoped(asked_free) struct asked asked;
		struct logging_document document;

		cr_assert(eq(int, read(&asked, rows[i].text, &document),
			S3_OK));
		cr_expect(document.is_enabled);
		cr_expect(eq(int, document.format, rows[i].format));
		cr_expect(slice_equal(document.target, SLICE("logs")));
		cr_expect(slice_equal(document.prefix, SLICE("p/")));
		cr_expect(not(document.has_grants));
		expect_written(&document, rows[i].text);
	}
}

Test(logging_document, blanks_are_of_the_prefix_alone)
{
	scoped(asked_free) struct asked asked;
	struct logging_document document;

	cr_assert(eq(int,
		read(&asked,
			ENABLED(XML("TargetBucket", " logs\t")
					XML("TargetPrefix", " p ")
						DAYS(" EventTime ")),
			&document),
		S3_OK));

	cr_expect(slice_equal(document.target, SLICE("logs")));
	cr_expect(slice_equal(document.prefix, SLICE(" p ")));
	cr_expect(eq(int, document.format, LOGGING_BY_EVENT));
}

Test(logging_document, without_logging_says_nothing_else)
{
	scoped(asked_free) struct asked asked;
	scoped(buffer_free) struct buffer buffer = {0};
	struct logging_document document = {
		.is_enabled = true,
		.format = LOGGING_BY_EVENT,
	};

	cr_assert(eq(int, read(&asked, "<BucketLoggingStatus/>", &document),
		S3_OK));

	cr_expect(not(document.is_enabled));
	cr_expect(eq(int, document.format, LOGGING_PLAIN));
	logging_document_write(&buffer, &document);
	cr_expect(slice_find(buffer_slice(&buffer), SLICE("Enabled")) < 0);
}

Test(logging_document, tells_grants_but_for_the_owners_own)
{
	static const char *const texts[] = {
		ENABLED(XML("TargetBucket", "logs") GRANTS("")
				XML("TargetPrefix", "")),
		ENABLED(XML("TargetBucket", "logs") GRANTS(GRANT("AllUsers",
			"READ") GRANT("AuthenticatedUsers", "WRITE")
				GRANT("AllUsers", "FULL_CONTROL"))
				XML("TargetPrefix", "")),
	};
	static const size_t counts[] = {0, 3};

	for (size_t i = 0; i < array_len(texts); i++) {
		scoped(asked_free) struct asked asked;
		struct logging_document document;

		cr_assert(eq(int, read(&asked, texts[i], &document), S3_OK));
		cr_expect(document.has_grants);
		cr_expect(eq(sz, document.list.count, 1 + counts[i]));
		cr_expect(slice_equal(document.list.owner, SLICE("owner")));
		expect_written(&document, texts[i]);
	}
}

Test(logging_document, what_can_be_none_is_refused)
{
	static const char *const texts[] = {
		"",
		"<Other/>",
		"<BucketLoggingStatus><Other/></BucketLoggingStatus>",
		"<BucketLoggingStatus><LoggingEnabled/>"
		"<LoggingEnabled/></BucketLoggingStatus>",
		ENABLED(""),
		ENABLED(XML("TargetBucket", "logs")),
		ENABLED(XML("TargetPrefix", "p/")),
		ENABLED(XML("TargetBucket", " ") XML("TargetPrefix", "p/")),
		ENABLED(LOGS "<TargetPrefix/>"),
		ENABLED(LOGS "text"),
		ENABLED(LOGS FORMAT("")),
		ENABLED(LOGS FORMAT("<SimplePrefix/><PartitionedPrefix/>")),
		ENABLED(LOGS FORMAT(XML("SimplePrefix", "<Other/>"))),
		ENABLED(LOGS FORMAT("<PartitionedPrefix/>")),
		ENABLED(LOGS DAYS("eventtime")),
		ENABLED(LOGS GRANTS("<Other/>")),
		ENABLED(LOGS GRANTS(XML("Grant", GROUP("AllUsers")))),
		ENABLED(LOGS GRANTS(GRANT("Nobody", "READ") "<Other/>")),
		ENABLED(LOGS GRANTS(GRANT("AllUsers", "READ_ACP"))),
		ENABLED(LOGS GRANTS(GRANT("AllUsers", "WRITE_ACP"))),
		ENABLED(LOGS GRANTS(GRANT("AllUsers", "ALL"))),
	};

	for (size_t i = 0; i < array_len(texts); i++) {
		scoped(asked_free) struct asked asked;
		struct logging_document document;

		cr_expect(eq(int, read(&asked, texts[i], &document),
				  S3_MALFORMED_XML),
			"%s", texts[i]);
		cr_expect(eq(int, asked.request.report.error,
			S3_MALFORMED_XML));
	}
}

Test(logging_document, names_groups_that_there_are)
{
	scoped(asked_free) struct asked asked;
	struct logging_document document;

	cr_expect(eq(int,
		read(&asked, ENABLED(LOGS GRANTS(GRANT("Nobody", "READ"))),
			&document),
		S3_INVALID_ARGUMENT));
}

Test(logging_document, a_prefix_leaves_room_for_the_rest_of_a_key)
{
	static const struct {
		int len;
		enum s3_error error;
	} rows[] = {{700, S3_OK}, {701, S3_INVALID_ARGUMENT}};

	for (size_t i = 0; i < array_len(rows); i++) {
		scoped(asked_free) struct asked asked;
		struct logging_document document;
		char text[1024];

		(void)snprintf(text, sizeof(text),
			ENABLED(XML("TargetBucket", "logs")
					XML("TargetPrefix", "%0*d")),
			rows[i].len, 1);
		cr_expect(eq(int, read(&asked, text, &document),
			rows[i].error));
	}
}
