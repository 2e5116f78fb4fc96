/* SPDX-License-Identifier: Apache-2.0 */
/* Whom events of a bucket are told to, and which become of requests. */
#include "store/outbox.h"
#include "store/topic.h"
#include "tests/s3api/op/served.h"

#define XML(name, inside) "<" name ">" inside "</" name ">"
#define DOCUMENT(inside) XML("NotificationConfiguration", inside)
#define ARN "arn:aws:sns:default:default:"
#define TOPIC(inside) XML("TopicConfiguration", inside)
#define HOOK XML("Topic", ARN "hook")
#define PUT XML("Event", "s3:ObjectCreated:Put")
#define ALL XML("Event", "s3:ObjectCreated:*")
#define RULE(name, value)                                                      \
	XML("FilterRule", XML("Name", name) XML("Value", value))
#define FILTER(rules) XML("Filter", XML("S3Key", rules))

static const struct s3_reply *
put(struct served *served, const char *headers, const char *xml)
{
	return served_send(served, "PUT", "/photos?notification", headers,
		slice_str(xml));
}

static struct served
start(void)
{
	struct served served = served_start();
	const struct topic_draft draft = {
		.organization = SLICE("default"),
		.name = SLICE("hook"),
		.url = SLICE("http://127.0.0.1:1/"),
	};

	cr_assert(zero(int, topic_create(served.temp.store, &draft)));
	served_bucket(&served, "photos");
	return served;
}

Test(op_notification, is_told_as_it_was_set)
{
	static const char *const documents[] = {
		DOCUMENT(TOPIC(XML("Id", "a") HOOK PUT)),
		DOCUMENT(TOPIC(XML("Id", "a")
				HOOK ALL XML("Event", "s3:ObjectTagging:*")
					XML("Event", "s3:ObjectAcl:Put"))),
		DOCUMENT(TOPIC(XML("Id", "a") HOOK PUT FILTER(RULE("Prefix",
			"in/") RULE("Suffix", ".a"))) TOPIC(XML("Id", "b")
				HOOK ALL FILTER(RULE("Prefix", "out/")))),
		DOCUMENT(TOPIC(XML("Id", "a") HOOK PUT FILTER(RULE("Suffix",
			".a"))) TOPIC(XML("Id", "b")
				HOOK ALL FILTER(RULE("Suffix", ".b")))
				TOPIC(XML("Id", "c") HOOK XML("Event",
					"s3:ObjectRemoved:*"))),
	};
	scoped(served_stop) struct served served = start();

	for (size_t i = 0; i < array_len(documents); i++) {
		struct slice inside = slice_from(slice_str(documents[i]),
			strlen("<NotificationConfiguration>"));
		const struct s3_reply *reply;

		cr_expect(eq(uint, put(&served, NULL, documents[i])->status,
				  200),
			"%s", documents[i]);
		reply = served_ask(&served, "GET", "/photos?notification");
		cr_expect(slice_has_suffix(reply->body, inside), "%s gave %s",
			documents[i], reply->body.data);
	}
	cr_expect(eq(uint, put(&served, NULL, DOCUMENT(""))->status, 200));
	cr_expect(slice_find(served_ask(&served, "GET", "/photos?notification")
				     ->body,
			  SLICE("Topic")) < 0);
}

Test(op_notification, gets_an_id_where_it_has_none)
{
	scoped(served_stop) struct served served = start();
	const struct s3_reply *reply;

	cr_assert(eq(uint,
		put(&served, NULL,
			DOCUMENT(TOPIC(HOOK PUT FILTER(RULE("PREFIX", "a/")))
					TOPIC(HOOK PUT FILTER(RULE("prefix",
						"b/")))))
			->status,
		200));

	reply = served_ask(&served, "GET", "/photos?notification");
	struct slice one = s3_client_element(reply, "Id", 0);
	struct slice other = s3_client_element(reply, "Id", 1);
	cr_expect(eq(sz, one.len, 48));
	cr_expect(not(slice_equal(one, other)));
	served_expect_elements(reply, "Name", "Prefix Prefix ");
}

Test(op_notification, what_can_be_none_is_refused)
{
	static const struct {
		const char *xml;
		unsigned int status;
		const char *code;
	} rows[] = {
		{"", 400, "MalformedXML"},
		{"<Other/>", 400, "MalformedXML"},
		{DOCUMENT("<Other/>"), 400, "MalformedXML"},
		{DOCUMENT(TOPIC(HOOK)), 400, "MalformedXML"},
		{DOCUMENT(TOPIC(PUT)), 400, "MalformedXML"},
		{DOCUMENT(TOPIC(HOOK HOOK PUT)), 400, "MalformedXML"},
		{DOCUMENT(TOPIC(HOOK PUT XML("Filter", XML("Prefix", "a")))),
			400, "MalformedXML"},
		{DOCUMENT("<EventBridgeConfiguration/>"), 501,
			"NotImplemented"},
		{DOCUMENT(TOPIC(HOOK XML("Event", "s3:Replication:*"))), 501,
			"NotImplemented"},
		{DOCUMENT(TOPIC(HOOK XML("Event", "s3:ObjectCreated:Move"))),
			400, "InvalidArgument"},
		{DOCUMENT(TOPIC(HOOK XML("Event", "s3:TestEvent"))), 400,
			"InvalidArgument"},
		{DOCUMENT(TOPIC(XML("Topic", ARN "other") PUT)), 400,
			"InvalidArgument"},
		{DOCUMENT(TOPIC(XML("Topic", "arn:aws:sns:default:other:hook")
				 PUT)),
			400, "InvalidArgument"},
		{DOCUMENT(TOPIC(XML("Topic",
			 "arn:aws:sns:elsewhere:default:hook") PUT)),
			400, "InvalidArgument"},
		{DOCUMENT(XML("QueueConfiguration",
			 XML("Queue", "arn:aws:sqs:default:default:hook") PUT)),
			400, "InvalidArgument"},
		{DOCUMENT(XML("CloudFunctionConfiguration",
			 XML("CloudFunction",
				 "arn:aws:lambda:default:default:f") PUT)),
			400, "InvalidArgument"},
		{DOCUMENT(TOPIC(HOOK PUT FILTER(RULE("infix", "a")))), 400,
			"InvalidArgument"},
		{DOCUMENT(TOPIC(HOOK PUT FILTER(RULE("prefix", "a")
				 RULE("Prefix", "b")))),
			400, "InvalidArgument"},
		{DOCUMENT(TOPIC(XML("Id", "a") HOOK PUT) TOPIC(XML("Id", "a")
				 HOOK XML("Event", "s3:ObjectAcl:Put"))),
			400, "InvalidArgument"},
		{DOCUMENT(TOPIC(HOOK PUT) TOPIC(HOOK ALL)), 400,
			"InvalidArgument"},
		{DOCUMENT(TOPIC(HOOK PUT FILTER(RULE("prefix", "a/")))
				 TOPIC(HOOK ALL FILTER(RULE("prefix",
					 "a/b/")))),
			400, "InvalidArgument"},
	};
	scoped(served_stop) struct served served = start();

	for (size_t i = 0; i < array_len(rows); i++) {
		const struct s3_reply *reply = put(&served, NULL, rows[i].xml);
		struct slice code = s3_client_element(reply, "Code", 0);

		cr_expect(eq(uint, reply->status, rows[i].status), "%s",
			rows[i].xml);
		cr_expect(slice_equal(code, slice_str(rows[i].code)),
			"%s: %.*s", rows[i].xml, (int)code.len, code.data);
	}
	cr_expect(slice_find(served_ask(&served, "GET", "/photos?notification")
				     ->body,
			  SLICE("Topic")) < 0);
}

#define LONG_ID DOCUMENT(TOPIC("<Id>%0*d</Id>" HOOK PUT))

Test(op_notification, has_ids_of_255_characters_at_most)
{
	scoped(served_stop) struct served served = start();
	cr_expect(eq(uint,
		put(&served, NULL, served_text(&served, LONG_ID, 255, 1))
			->status,
		200));
	served_expect_refusal(put(&served, NULL,
				      served_text(&served, LONG_ID, 256, 1)),
		400, "InvalidArgument");
}

Test(op_notification, is_taken_unseen_where_that_is_asked_for)
{
	scoped(served_stop) struct served served = start();
	const char *xml = DOCUMENT(TOPIC(XML("Topic", ARN "later") PUT));

	served_expect_refusal(put(&served, NULL, xml), 400, "InvalidArgument");
	cr_expect(eq(uint,
		put(&served, "x-amz-skip-destination-validation: true\n", xml)
			->status,
		200));
	served_expect_refusal(
		put(&served, "x-amz-skip-destination-validation: true\n",
			DOCUMENT(TOPIC(XML("Topic",
				"arn:aws:sns:default:other:hook") PUT))),
		400, "InvalidArgument");
}

Test(op_notification, has_at_most_100_rules)
{
	scoped(served_stop) struct served served = start();
	scoped(buffer_free) struct buffer xml = {0};
	scoped(buffer_free) struct buffer more = {0};

	buffer_append_str(&xml, "<NotificationConfiguration>");
	for (int i = 0; i < 100; i++)
		buffer_printf(&xml,
			TOPIC(HOOK PUT FILTER(RULE("prefix", "%d/"))), i);
	buffer_append(&more, buffer_slice(&xml));
	buffer_append_str(&more, TOPIC(HOOK PUT FILTER(RULE("prefix", "x/"))));
	buffer_append_str(&xml, "</NotificationConfiguration>");
	buffer_append_str(&more, "</NotificationConfiguration>");

	cr_expect(eq(uint,
		served_send(&served, "PUT", "/photos?notification", NULL,
			buffer_slice(&more))
			->status,
		400));
	cr_expect(eq(uint,
		served_send(&served, "PUT", "/photos?notification", NULL,
			buffer_slice(&xml))
			->status,
		200));
}

/* --- what becomes of requests --------------------------------------------- */

static void
expect_events(struct served *served, const char *expected)
{
	struct store *store = served->temp.store;
	scoped(outbox_close) struct outbox *outbox = NULL;
	scoped(arena_free) struct arena arena = {0};
	scoped(buffer_free) struct buffer all = {0};
	struct topic *topics;
	struct outbox_batch batch;
	size_t count;

	cr_assert(zero(int, outbox_open(store, &outbox)));
	cr_assert(zero(int,
		topic_list(store, SLICE_NULL, &arena, &topics, &count)));
	do {
		cr_assert(zero(int, outbox_read(outbox, topics[0].id, 100,
					    &arena, &batch)));
		for (size_t i = 0; i < batch.count; i++) {
			const struct object_event *event = &batch.events[i];

			buffer_printf(&all, "%s %.*s\n",
				object_event_name_of(event->type),
				(int)event->key.len, event->key.data);
			cr_expect(slice_has_prefix(event->principal,
				SLICE("arn:aws:iam::default:user/")));
			cr_expect(slice_equal(event->address,
				SLICE("127.0.0.1")));
			cr_expect(eq(sz, event->request.len, 16));
		}
		cr_assert(zero(int,
			outbox_remove(outbox, topics[0].id, batch.last)));
	} while (batch.last);
	cr_expect(slice_equal(buffer_slice(&all), slice_str(expected)), "%.*s",
		(int)all.len, (char *)all.data);
}

Test(op_notification, tells_what_requests_do)
{
	scoped(served_stop) struct served served = start();
	const char *id;

	put(&served, NULL,
		DOCUMENT(TOPIC(HOOK ALL XML("Event", "s3:ObjectRemoved:*")
				XML("Event", "s3:ObjectTagging:*"))));
	expect_events(&served, "TestEvent \n");
	served_put(&served, "/photos/a%20b", "1");
	served_send(&served, "PUT", "/photos/c",
		"x-amz-copy-source: /photos/a%20b\n", SLICE(""));
	id = served_begin_upload(&served, "/photos/u", NULL);
	const struct s3_reply *reply = served_send(&served, "PUT",
		served_text(&served, "/photos/u?partNumber=1&uploadId=%s", id),
		NULL, SLICE("part"));
	struct slice etag = s3_client_header(reply, "etag");
	const char *parts = served_text(&served,
		"<CompleteMultipartUpload><Part><PartNumber>1</PartNumber>"
		"<ETag>%.*s</ETag></Part></CompleteMultipartUpload>",
		(int)etag.len, etag.data);
	served_send(&served, "POST",
		served_text(&served, "/photos/u?uploadId=%s", id), NULL,
		slice_str(parts));
	served_send(&served, "PUT", "/photos/c?tagging", NULL,
		SLICE("<Tagging><TagSet><Tag><Key>k</Key><Value>v</Value>"
		      "</Tag></TagSet></Tagging>"));
	served_ask(&served, "DELETE", "/photos/c?tagging");
	served_send(&served, "POST", "/photos?delete", NULL,
		SLICE("<Delete><Object><Key>c</Key></Object><Object><Key>no"
		      "</Key></Object></Delete>"));
	served_ask(&served, "DELETE", "/photos/u");

	expect_events(&served, "ObjectCreated:Put a b\n"
			       "ObjectCreated:Copy c\n"
			       "ObjectCreated:CompleteMultipartUpload u\n"
			       "ObjectTagging:Put c\n"
			       "ObjectTagging:Delete c\n"
			       "ObjectRemoved:Delete c\n"
			       "ObjectRemoved:Delete u\n");
}
