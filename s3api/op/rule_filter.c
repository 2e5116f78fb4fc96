/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/op/rule_filter.h"

#include "s3api/xml/xml_shape.h"

#define PREFIX_MAX 1024

static enum s3_error
malformed(struct request *request)
{
	return error_set(&request->report, S3_MALFORMED_XML, NULL);
}

enum s3_error
rule_filter_find(struct request *request, const struct xml_node *rule,
	struct rule_filter *out)
{
	const struct xml_node *filter = xml_reader_child(rule, "Filter");
	const struct xml_node *conditions;

	*out = (struct rule_filter){.conditions = rule};
	/* One of them, and not both. */
	if (!filter == !xml_reader_child(rule, "Prefix"))
		return malformed(request);
	if (!filter)
		return S3_OK;
	if (xml_shape_count(filter) > 1)
		return malformed(request);
	conditions = xml_reader_child(filter, "And");
	if (conditions && xml_shape_count(conditions) == 0)
		return malformed(request);
	out->is_there = true;
	out->has_and = conditions != NULL;
	out->conditions = conditions ? conditions : filter;
	return S3_OK;
}

enum s3_error
rule_filter_prefix(struct request *request, const struct xml_node *conditions,
	struct slice *prefix, bool *is_there)
{
	*prefix = xml_reader_child_text(conditions, "Prefix", request->arena);
	*is_there = xml_reader_child(conditions, "Prefix") != NULL;
	return prefix->len <= PREFIX_MAX
		       ? S3_OK
		       : error_set(&request->report, S3_INVALID_REQUEST,
				 "The maximum size of a prefix is 1024");
}
