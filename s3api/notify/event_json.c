/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/notify/event_json.h"

#include <jansson.h>
#include <stdlib.h>

#include "store/base/clock.h"
#include "store/base/text.h"
#include "store/base/version.h"

/* What is not UTF-8, which nothing here should be, is left out. */
static void
set(json_t *object, const char *name, struct slice text)
{
	(void)json_object_set_new(object, name,
		json_stringn(text.len ? text.data : "", text.len));
}

static json_t *
with(const char *name, struct slice text)
{
	json_t *object = json_object();

	set(object, name, text);
	return object;
}

static void
set_key(json_t *object, struct slice key)
{
	scoped(buffer_free) struct buffer encoded = {0};

	for (size_t i = 0; i < key.len; i++) {
		if (key.data[i] == ' ')
			buffer_append_char(&encoded, '+');
		else
			text_percent_encode(&encoded, slice_of(key.data + i, 1),
				true);
	}
	set(object, "key", buffer_slice(&encoded));
}

static json_t *
bucket_of(const struct object_event *event)
{
	scoped(buffer_free) struct buffer arn = {0};
	json_t *bucket = with("name", event->bucket_name);

	buffer_append_str(&arn, "arn:aws:s3:::");
	buffer_append(&arn, event->bucket_name);
	(void)json_object_set_new(bucket, "ownerIdentity",
		with("principalId", event->organization));
	set(bucket, "arn", buffer_slice(&arn));
	return bucket;
}

static json_t *
object_of(const struct object_event *event)
{
	char etag[INODE_ETAG_TEXT_LEN + 1];
	char version[VERSION_ID_LEN + 1];
	char sequencer[17];
	json_t *object = json_object();

	set_key(object, event->key);
	if (object_event_has_object(event->type)) {
		(void)json_object_set_new(object, "size",
			json_integer((json_int_t)event->size));
		inode_etag_text(&event->etag, etag);
		set(object, "eTag", slice_str(etag));
	}
	if (event->version.number) {
		version_text(&event->version, version);
		set(object, "versionId", slice_str(version));
	}
	(void)snprintf(sequencer, sizeof(sequencer), "%016llX",
		(unsigned long long)event->number);
	set(object, "sequencer", slice_str(sequencer));
	return object;
}

static json_t *
s3_of(const struct object_event *event)
{
	json_t *s3 = with("s3SchemaVersion", SLICE("1.0"));

	set(s3, "configurationId", event->rule);
	(void)json_object_set_new(s3, "bucket", bucket_of(event));
	(void)json_object_set_new(s3, "object", object_of(event));
	return s3;
}

static json_t *
record_of(const struct object_event *event, struct slice region)
{
	json_t *record = with("eventVersion", SLICE("2.2"));
	char time[25];

	clock_to_iso8601(event->time_ns, time);
	set(record, "eventSource", SLICE("aws:s3"));
	set(record, "awsRegion", region);
	set(record, "eventTime", slice_str(time));
	set(record, "eventName", slice_str(object_event_name_of(event->type)));
	(void)json_object_set_new(record, "userIdentity",
		with("principalId", event->principal));
	(void)json_object_set_new(record, "requestParameters",
		with("sourceIPAddress", event->address));
	json_t *elements = json_object();

	if (event->request.len > 0)
		set(elements, "x-amz-request-id", event->request);
	(void)json_object_set_new(record, "responseElements", elements);
	(void)json_object_set_new(record, "s3", s3_of(event));
	return record;
}

static json_t *
test_of(const struct object_event *event)
{
	json_t *test = with("Service", SLICE("Amazon S3"));
	char time[25];

	clock_to_iso8601(event->time_ns, time);
	set(test, "Event", SLICE("s3:TestEvent"));
	set(test, "Time", slice_str(time));
	set(test, "Bucket", event->bucket_name);
	set(test, "RequestId", event->request);
	return test;
}

static json_t *
records_of(const struct object_event *events, size_t count, struct slice region)
{
	json_t *root = json_object();
	json_t *records = json_array();

	for (size_t i = 0; i < count; i++)
		(void)json_array_append_new(records,
			record_of(&events[i], region));
	(void)json_object_set_new(root, "Records", records);
	return root;
}

void
event_json_append(struct buffer *to, struct slice region,
	const struct object_event *events, size_t count)
{
	json_t *root = count == 1 && events[0].type == EVENT_TEST
			       ? test_of(&events[0])
			       : records_of(events, count, region);
	char *text = json_dumps(root, JSON_COMPACT);

	if (text)
		buffer_append_str(to, text);
	free(text);
	json_decref(root);
}
