/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/op/lifecycle_document.h"

#include <stdlib.h>

#include "s3api/op/rule_filter.h"
#include "s3api/op/rule_id.h"
#include "s3api/op/tag_set.h"
#include "s3api/xml/xml_shape.h"
#include "store/base/clock.h"

#define NEWER_MAX 100

static enum s3_error
malformed(struct request *request)
{
	return error_set(&request->report, S3_MALFORMED_XML, NULL);
}

static enum s3_error
invalid(struct request *request, const char *message)
{
	return error_set(&request->report, S3_INVALID_REQUEST, message);
}

/* --- its shape ------------------------------------------------------------ */

/* What is read wrong would delete what it should not.  Rules that move objects
 * are refused later, whatever they hold. */
static const struct xml_shape shapes[] = {
	{"LifecycleConfiguration", "Rule", "Rule"},
	{"Rule",
		"ID Status Prefix Filter Expiration "
		"NoncurrentVersionExpiration AbortIncompleteMultipartUpload "
		"Transition NoncurrentVersionTransition",
		"Transition NoncurrentVersionTransition"},
	{"Filter", "And Prefix Tag ObjectSizeGreaterThan ObjectSizeLessThan",
		""},
	{"And", "Prefix Tag ObjectSizeGreaterThan ObjectSizeLessThan", "Tag"},
	{"Tag", "Key Value", ""},
	{"Expiration", "Days Date ExpiredObjectDeleteMarker", ""},
	{"NoncurrentVersionExpiration",
		"NoncurrentDays NewerNoncurrentVersions", ""},
	{"AbortIncompleteMultipartUpload", "DaysAfterInitiation", ""},
	{"Transition", NULL, ""},
	{"NoncurrentVersionTransition", NULL, ""},
};

/* --- numbers and times ---------------------------------------------------- */

/* Days from 1 on; 0 where there is no such child. */
static enum s3_error
read_days(struct request *request, const struct xml_node *action,
	const char *element, uint32_t *days)
{
	struct slice text =
		xml_reader_child_text(action, element, request->arena);
	unsigned long number = 0;

	if (!xml_reader_child(action, element))
		return S3_OK;
	if (!slice_to_u64(slice_trim(text), INT32_MAX, &number) || number == 0)
		return error_set(&request->report, S3_INVALID_ARGUMENT,
			arena_str(request->arena,
				arena_printf(request->arena,
					"'%s' for %s action must be a positive "
					"integer",
					element, xml_reader_name(action))));
	*days = (uint32_t)number;
	return S3_OK;
}

static enum s3_error
read_date(struct request *request, struct slice text, int64_t *date_ns)
{
	/* A day alone, as ISO 8601 has it, is its midnight. */
	if (text.len == strlen("2026-11-27"))
		text = arena_concat(request->arena, text, SLICE("T00:00:00Z"));
	if (!clock_from_iso8601(text, date_ns) || *date_ns <= 0)
		return malformed(request);
	return *date_ns % CLOCK_NS_PER_DAY == 0
		       ? S3_OK
		       : error_set(&request->report, S3_INVALID_ARGUMENT,
				 *date_ns == INT64_MAX
					 ? "'Date' must be before 2262"
					 : "'Date' must be at midnight GMT");
}

/* *has: there is such a child. */
static enum s3_error
read_bytes(struct request *request, const struct xml_node *node,
	const char *element, bool *has, uint64_t *bytes)
{
	struct slice text =
		xml_reader_child_text(node, element, request->arena);
	unsigned long number = 0;

	*has = xml_reader_child(node, element) != NULL;
	if (*has && !slice_to_u64(slice_trim(text), INT64_MAX, &number))
		return malformed(request);
	*bytes = number;
	return S3_OK;
}

/* --- what is meant -------------------------------------------------------- */

/* The conditions below <Filter>, or below its <And>. */
static enum s3_error
read_conditions(struct request *request, const struct xml_node *node,
	struct lifecycle_rule *rule)
{
	enum s3_error error = rule_filter_prefix(request, node, &rule->prefix,
		&rule->has_prefix);

	if (!error)
		error = tag_set_parse_elements(request,
			xml_reader_child(node, "Tag"), TAG_SET_OBJECT_MAX,
			&rule->tags);
	if (!error)
		error = read_bytes(request, node, "ObjectSizeGreaterThan",
			&rule->has_above, &rule->above);
	if (!error)
		error = read_bytes(request, node, "ObjectSizeLessThan",
			&rule->has_below, &rule->below);
	if (!error && rule->has_below &&
		rule->below <= (rule->has_above ? rule->above : 0))
		error = invalid(request,
			"'ObjectSizeLessThan' has to be greater than "
			"'ObjectSizeGreaterThan'");
	return error;
}

static enum s3_error
read_filter(struct request *request, const struct xml_node *node,
	struct lifecycle_rule *rule)
{
	struct rule_filter filter;
	enum s3_error error = rule_filter_find(request, node, &filter);

	if (error)
		return error;
	if (!filter.is_there) {
		rule->form = LIFECYCLE_PREFIX;
		return rule_filter_prefix(request, node, &rule->prefix,
			&rule->has_prefix);
	}
	rule->form = filter.has_and ? LIFECYCLE_AND : LIFECYCLE_FILTER;
	return read_conditions(request, filter.conditions, rule);
}

/* --- what is done --------------------------------------------------------- */

static enum s3_error
read_marker(struct request *request, const struct xml_node *action,
	struct lifecycle_rule *rule)
{
	struct slice text = slice_trim(xml_reader_child_text(action,
		"ExpiredObjectDeleteMarker", request->arena));

	rule->has_marker = true;
	rule->marker = slice_equal(text, SLICE("true"));
	if (!rule->marker && !slice_equal(text, SLICE("false")))
		return malformed(request);
	return rule->tags.len > 0
		       ? invalid(request, "ExpiredObjectDeleteMarker cannot "
					  "be specified with Tags.")
		       : S3_OK;
}

static enum s3_error
read_expiration(struct request *request, const struct xml_node *action,
	struct lifecycle_rule *rule)
{
	if (xml_shape_count(action) != 1)
		return malformed(request);
	if (xml_reader_child(action, "Days"))
		return read_days(request, action, "Days", &rule->expire_days);
	if (xml_reader_child(action, "Date"))
		return read_date(request,
			slice_trim(xml_reader_child_text(action, "Date",
				request->arena)),
			&rule->expire_date_ns);
	if (xml_reader_child(action, "ExpiredObjectDeleteMarker"))
		return read_marker(request, action, rule);
	return malformed(request);
}

static enum s3_error
read_noncurrent(struct request *request, const struct xml_node *action,
	struct lifecycle_rule *rule)
{
	enum s3_error error;

	if (!xml_reader_child(action, "NoncurrentDays"))
		return malformed(request);
	error = read_days(request, action, "NoncurrentDays",
		&rule->noncurrent_days);
	if (!error)
		error = read_days(request, action, "NewerNoncurrentVersions",
			&rule->noncurrent_newer);
	if (!error && rule->noncurrent_newer > NEWER_MAX)
		error = error_set(&request->report, S3_INVALID_ARGUMENT,
			"'NewerNoncurrentVersions' must be at most 100");
	return error;
}

static enum s3_error
read_abort(struct request *request, const struct xml_node *action,
	struct lifecycle_rule *rule)
{
	if (rule->tags.len > 0 || rule->has_above || rule->has_below)
		return invalid(request,
			"AbortIncompleteMultipartUpload cannot be specified "
			"with Tags or object sizes.");
	if (!xml_reader_child(action, "DaysAfterInitiation"))
		return malformed(request);
	return read_days(request, action, "DaysAfterInitiation",
		&rule->abort_days);
}

static enum s3_error
read_actions(struct request *request, const struct xml_node *node,
	struct lifecycle_rule *rule)
{
	static const struct {
		const char *element;
		enum s3_error (*read)(struct request *request,
			const struct xml_node *action,
			struct lifecycle_rule *rule);
	} actions[] = {
		{"Expiration", read_expiration},
		{"NoncurrentVersionExpiration", read_noncurrent},
		{"AbortIncompleteMultipartUpload", read_abort},
	};
	bool is_any = false;

	if (xml_reader_child(node, "Transition") ||
		xml_reader_child(node, "NoncurrentVersionTransition"))
		return error_set(&request->report, S3_NOT_IMPLEMENTED,
			"There are no other storage classes to move objects "
			"to.");
	for (size_t i = 0; i < array_len(actions); i++) {
		const struct xml_node *action =
			xml_reader_child(node, actions[i].element);
		enum s3_error error;

		if (!action)
			continue;
		is_any = true;
		error = actions[i].read(request, action, rule);
		if (error)
			return error;
	}
	return is_any ? S3_OK
		      : invalid(request, "At least one action needs to be "
					 "specified in a rule");
}

/* --- the document --------------------------------------------------------- */

static enum s3_error
read_rule(struct request *request, const struct xml_node *node,
	struct lifecycle_rule *rule)
{
	struct slice status =
		xml_reader_child_text(node, "Status", request->arena);
	enum s3_error error;

	rule->is_enabled = slice_equal(status, SLICE("Enabled"));
	if (!rule->is_enabled && !slice_equal(status, SLICE("Disabled")))
		return malformed(request);
	error = rule_id_read(request, node, "ID", &rule->id);
	if (!error)
		error = read_filter(request, node, rule);
	if (!error)
		error = read_actions(request, node, rule);
	return error;
}

static int
compare_ids(const void *a, const void *b)
{
	const struct slice *first = a;
	const struct slice *second = b;

	return slice_compare(*first, *second);
}

static enum s3_error
check_ids(struct request *request, const struct lifecycle_rules *rules)
{
	struct slice *ids =
		arena_new_array(request->arena, rules->count, struct slice);

	for (size_t i = 0; i < rules->count; i++)
		ids[i] = rules->rules[i].id;
	qsort(ids, rules->count, sizeof(*ids), compare_ids);
	for (size_t i = 1; i < rules->count; i++)
		if (slice_equal(ids[i - 1], ids[i]))
			return error_set(&request->report, S3_INVALID_ARGUMENT,
				"Rule ID must be unique. Found same ID for "
				"more than one rule");
	return S3_OK;
}

enum s3_error
lifecycle_document_read(struct request *request, struct slice text,
	struct lifecycle_rules *rules)
{
	scoped(xml_reader_close) struct xml_reader *reader = NULL;
	const struct xml_node *node;
	size_t count;

	if (!xml_reader_open(text, "LifecycleConfiguration", &reader) ||
		!xml_shape_holds(xml_reader_root(reader), shapes,
			array_len(shapes)))
		return malformed(request);
	count = xml_shape_count(xml_reader_root(reader));
	if (count > LIFECYCLE_RULES_MAX)
		return malformed(request);
	rules->count = 0;
	rules->rules =
		arena_new_array(request->arena, count, struct lifecycle_rule);
	node = xml_reader_child(xml_reader_root(reader), NULL);
	for (; node; node = xml_reader_next(node, NULL)) {
		enum s3_error error =
			read_rule(request, node, &rules->rules[rules->count++]);
		if (error)
			return error;
	}
	return rules->count > 0 ? check_ids(request, rules)
				: malformed(request);
}
