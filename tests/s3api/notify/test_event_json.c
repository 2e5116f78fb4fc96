/* SPDX-License-Identifier: Apache-2.0 */
/* Events as S3 writes them. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "s3api/notify/event_json.h"
#include "store/base/clock.h"

static struct object_event
event_of(enum object_event_type type)
{
	return (struct object_event){
		.number = 0x1a,
		.type = type,
		.time_ns = 1764252000 * CLOCK_NS_PER_S,
		.bucket_name = SLICE("photos"),
		.organization = SLICE("acme"),
		.rule = SLICE("r1"),
		.principal = SLICE("arn:aws:iam::acme:user/x"),
		.address = SLICE("192.0.2.1"),
		.request = SLICE("0123456789ABCDEF"),
		.key = SLICE("a b/\303\274+?"),
		.version = {.number = 255},
		.size = 7,
	};
}

Test(event_json, is_written_as_s3_writes_it)
{
	scoped(buffer_free) struct buffer text = {0};
	const struct object_event event = event_of(EVENT_CREATED_COPY);

	event_json_append(&text, SLICE("default"), &event, 1);
	buffer_append_char(&text, '\0');

	cr_expect(eq(str, (char *)text.data,
		"{\"Records\":[{\"eventVersion\":\"2.2\","
		"\"eventSource\":\"aws:s3\",\"awsRegion\":\"default\","
		"\"eventTime\":\"2025-11-27T14:00:00.000Z\","
		"\"eventName\":\"ObjectCreated:Copy\",\"userIdentity\":"
		"{\"principalId\":\"arn:aws:iam::acme:user/x\"},"
		"\"requestParameters\":{\"sourceIPAddress\":\"192.0.2.1\"},"
		"\"responseElements\":{\"x-amz-request-id\":"
		"\"0123456789ABCDEF\"},\"s3\":{\"s3SchemaVersion\":\"1.0\","
		"\"configurationId\":\"r1\",\"bucket\":{\"name\":\"photos\","
		"\"ownerIdentity\":{\"principalId\":\"acme\"},"
		"\"arn\":\"arn:aws:s3:::photos\"},\"object\":"
		"{\"key\":\"a+b/%C3%BC%2B%3F\",\"size\":7,\"eTag\":"
		"\"00000000000000000000000000000000\",\"versionId\":"
		"\"00000000000000ff\",\"sequencer\":\"000000000000001A\"}}}]"
		"}"));
}

Test(event_json, a_removal_has_no_size)
{
	scoped(buffer_free) struct buffer text = {0};
	const struct object_event event = event_of(EVENT_REMOVED);

	event_json_append(&text, SLICE("default"), &event, 1);

	cr_expect(slice_find(buffer_slice(&text), SLICE("\"size\"")) < 0);
	cr_expect(slice_find(buffer_slice(&text), SLICE("\"eTag\"")) < 0);
}

Test(event_json, several_are_one_document)
{
	scoped(buffer_free) struct buffer text = {0};
	const struct object_event events[] = {
		event_of(EVENT_ACL_PUT), event_of(EVENT_EXPIRED)};

	event_json_append(&text, SLICE("default"), events, 2);

	cr_expect(slice_find(buffer_slice(&text), SLICE("ObjectAcl:Put")) > 0);
	cr_expect(slice_find(buffer_slice(&text),
			  SLICE("LifecycleExpiration:Delete")) > 0);
}

Test(event_json, a_test_is_no_record)
{
	scoped(buffer_free) struct buffer text = {0};
	const struct object_event event = event_of(EVENT_TEST);

	event_json_append(&text, SLICE("default"), &event, 1);
	buffer_append_char(&text, '\0');

	cr_expect(eq(str, (char *)text.data,
		"{\"Service\":\"Amazon S3\",\"Event\":\"s3:TestEvent\","
		"\"Time\":\"2025-11-27T14:00:00.000Z\",\"Bucket\":\"photos\","
		"\"RequestId\":\"0123456789ABCDEF\"}"));
}
