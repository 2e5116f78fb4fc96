/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/op/notification_document.h"

#include "s3api/op/rule_id.h"
#include "s3api/xml/xml_shape.h"
#include "s3api/xml/xml_writer.h"
#include "store/object_event.h"
#include "store/topic.h"

#define ROOT "NotificationConfiguration"

static const struct xml_shape shapes[] = {
	{ROOT,
		"TopicConfiguration QueueConfiguration "
		"CloudFunctionConfiguration EventBridgeConfiguration",
		"TopicConfiguration QueueConfiguration "
		"CloudFunctionConfiguration"},
	{"TopicConfiguration", "Id Topic Event Filter", "Event"},
	{"QueueConfiguration", "Id Queue Event Filter", "Event"},
	{"CloudFunctionConfiguration", "Id CloudFunction Event Filter",
		"Event"},
	{"EventBridgeConfiguration", "", ""},
	{"Filter", "S3Key", ""},
	{"S3Key", "FilterRule", "FilterRule"},
	{"FilterRule", "Name Value", ""},
};

static enum s3_error
malformed(struct request *request)
{
	return error_set(&request->report, S3_MALFORMED_XML, NULL);
}

static enum s3_error
invalid(struct request *request, const char *message)
{
	return error_set(&request->report, S3_INVALID_ARGUMENT, message);
}

/* --- destinations --------------------------------------------------------- */

struct slice
notification_document_arn(struct request *request, struct slice topic)
{
	struct slice region = store_region(request->store);

	return arena_printf(request->arena, "arn:aws:sns:%.*s:%s:%.*s",
		(int)region.len, region.data, request->bucket.owner,
		(int)topic.len, topic.data);
}

enum s3_error
notification_document_refuse(struct request *request, struct slice arn)
{
	return request_refuse_argument(request,
		"Unable to validate the following destination configurations",
		"Destination", arn);
}

static enum s3_error
read_topic(struct request *request, const struct xml_node *node,
	struct notification_rule *rule)
{
	struct slice arn = slice_trim(xml_reader_child_text(node, "Topic",
		request->arena));
	struct slice prefix = notification_document_arn(request, SLICE_NULL);

	if (!xml_reader_child(node, "Topic"))
		return malformed(request);
	rule->topic = slice_has_prefix(arn, prefix)
			      ? slice_from(arn, prefix.len)
			      : SLICE_NULL;
	return topic_name_is_valid(rule->topic)
		       ? S3_OK
		       : notification_document_refuse(request, arn);
}

/* Of a kind that tarn has none of. */
static enum s3_error
refuse_others(struct request *request, const struct xml_node *root)
{
	static const char *const kinds[][2] = {{"QueueConfiguration", "Queue"},
		{"CloudFunctionConfiguration", "CloudFunction"}};

	if (xml_reader_child(root, "EventBridgeConfiguration"))
		return error_set(&request->report, S3_NOT_IMPLEMENTED, NULL);
	for (size_t i = 0; i < array_len(kinds); i++) {
		const struct xml_node *node =
			xml_reader_child(root, kinds[i][0]);

		if (node)
			return notification_document_refuse(request,
				xml_reader_child_text(node, kinds[i][1],
					request->arena));
	}
	return S3_OK;
}

/* --- events --------------------------------------------------------------- */

/* S3 has these, and here they never come about. */
static bool
is_known_elsewhere(struct slice text)
{
	static const char *const prefixes[] = {"s3:ObjectRestore:",
		"s3:Replication:", "s3:ReducedRedundancyLostObject",
		"s3:LifecycleTransition", "s3:IntelligentTiering",
		"s3:ObjectAnnotation:"};

	for (size_t i = 0; i < array_len(prefixes); i++)
		if (slice_has_prefix(text, slice_str(prefixes[i])))
			return true;
	return false;
}

static enum s3_error
read_events(struct request *request, const struct xml_node *node,
	struct notification_rule *rule)
{
	const struct xml_node *event = xml_reader_child(node, "Event");
	unsigned int name;

	if (!event)
		return malformed(request);
	for (; event; event = xml_reader_next(event, "Event")) {
		struct slice text =
			slice_trim(xml_reader_text(event, request->arena));

		if (object_event_name_find(text, &name))
			rule->names |= 1u << name;
		else if (is_known_elsewhere(text))
			return error_set(&request->report, S3_NOT_IMPLEMENTED,
				NULL);
		else
			return request_refuse_argument(request,
				"A specified event is not supported for "
				"notifications.",
				"Event", text);
	}
	return S3_OK;
}

/* --- filters -------------------------------------------------------------- */

static enum s3_error
set_filter(struct request *request, bool *has, struct slice *to,
	struct slice value, const char *twice)
{
	if (*has)
		return invalid(request, twice);
	if (value.len > NOTIFICATION_FILTER_MAX)
		return invalid(request,
			"Size of filter rule value cannot exceed 1024 bytes in "
			"UTF-8 representation");
	*has = true;
	*to = value;
	return S3_OK;
}

static enum s3_error
read_filter_rule(struct request *request, const struct xml_node *node,
	struct notification_rule *rule)
{
	struct slice name =
		slice_trim(xml_reader_child_text(node, "Name", request->arena));
	struct slice value =
		xml_reader_child_text(node, "Value", request->arena);

	if (!xml_reader_child(node, "Name") || !xml_reader_child(node, "Value"))
		return malformed(request);
	if (slice_equal_nocase(name, SLICE("prefix")))
		return set_filter(request, &rule->has_prefix, &rule->prefix,
			value,
			"Cannot specify more than one prefix rule in a "
			"filter.");
	if (slice_equal_nocase(name, SLICE("suffix")))
		return set_filter(request, &rule->has_suffix, &rule->suffix,
			value,
			"Cannot specify more than one suffix rule in a "
			"filter.");
	return request_refuse_argument(request,
		"filter rule name must be either prefix or suffix",
		"FilterRule.Name", name);
}

static enum s3_error
read_filter(struct request *request, const struct xml_node *node,
	struct notification_rule *rule)
{
	const struct xml_node *filter = xml_reader_child(node, "Filter");
	const struct xml_node *key =
		filter ? xml_reader_child(filter, "S3Key") : NULL;
	const struct xml_node *one =
		key ? xml_reader_child(key, "FilterRule") : NULL;
	enum s3_error error = S3_OK;

	rule->has_filter = key != NULL;
	for (; one && !error; one = xml_reader_next(one, "FilterRule"))
		error = read_filter_rule(request, one, rule);
	return error;
}

/* --- rules ---------------------------------------------------------------- */

/* Against those before it. */
static enum s3_error
check_last(struct request *request, const struct notification *notification)
{
	size_t last = notification->count - 1;
	const struct notification_rule *rule = &notification->rules[last];

	for (size_t i = 0; i < last; i++) {
		const struct notification_rule *other = &notification->rules[i];

		if (slice_equal(rule->id, other->id))
			return invalid(request,
				"Same ID used for multiple configurations. IDs "
				"must be unique");
		if (notification_rules_overlap(rule, other))
			return invalid(request,
				"Configuration is ambiguously defined. Cannot "
				"have overlapping suffixes in two rules if the "
				"prefixes are overlapping for the same event "
				"type.");
	}
	return S3_OK;
}

static enum s3_error
read_rule(struct request *request, const struct xml_node *node,
	struct notification *out)
{
	struct notification_rule *rule = &out->rules[out->count];
	enum s3_error error;

	if (out->count == NOTIFICATION_RULES_MAX)
		return invalid(request,
			"A bucket can have at most 100 notification "
			"configurations.");
	out->count++;
	*rule = (struct notification_rule){.names = 0};
	error = rule_id_read(request, node, "Id", &rule->id);
	if (!error)
		error = read_topic(request, node, rule);
	if (!error)
		error = read_events(request, node, rule);
	if (!error)
		error = read_filter(request, node, rule);
	return error ? error : check_last(request, out);
}

enum s3_error
notification_document_read(struct request *request, struct slice text,
	struct notification *out)
{
	scoped(xml_reader_close) struct xml_reader *reader = NULL;
	const struct xml_node *root, *node;
	enum s3_error error;

	out->count = 0;
	if (!xml_reader_open(text, ROOT, &reader) ||
		!xml_shape_holds(xml_reader_root(reader), shapes,
			array_len(shapes)))
		return malformed(request);
	root = xml_reader_root(reader);
	error = refuse_others(request, root);
	for (node = xml_reader_child(root, "TopicConfiguration");
		node && !error;
		node = xml_reader_next(node, "TopicConfiguration"))
		error = read_rule(request, node, out);
	return error;
}

/* --- and back ------------------------------------------------------------- */

static void
write_filter_rule(struct buffer *to, const char *name, struct slice value)
{
	xml_writer_open(to, "FilterRule");
	xml_writer_str(to, "Name", name);
	xml_writer_text(to, "Value", value);
	xml_writer_close(to, "FilterRule");
}

static void
write_filter(struct buffer *to, const struct notification_rule *rule)
{
	if (!rule->has_filter)
		return;
	xml_writer_open(to, "Filter");
	xml_writer_open(to, "S3Key");
	/* With capitals, as S3 gives them back. */
	if (rule->has_prefix)
		write_filter_rule(to, "Prefix", rule->prefix);
	if (rule->has_suffix)
		write_filter_rule(to, "Suffix", rule->suffix);
	xml_writer_close(to, "S3Key");
	xml_writer_close(to, "Filter");
}

static void
write_rule(struct request *request, struct buffer *to,
	const struct notification_rule *rule)
{
	xml_writer_open(to, "TopicConfiguration");
	xml_writer_text(to, "Id", rule->id);
	xml_writer_text(to, "Topic",
		notification_document_arn(request, rule->topic));
	for (unsigned int name = 0; name < EVENT_NAMES; name++)
		if (rule->names & (1u << name))
			xml_writer_str(to, "Event", object_event_name(name));
	write_filter(to, rule);
	xml_writer_close(to, "TopicConfiguration");
}

void
notification_document_write(struct request *request, struct buffer *to,
	const struct notification *notification)
{
	xml_writer_begin(to, ROOT);
	for (size_t i = 0; i < notification->count; i++)
		write_rule(request, to, &notification->rules[i]);
	xml_writer_close(to, ROOT);
}
