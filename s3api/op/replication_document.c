/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/op/replication_document.h"

#include <stdlib.h>

#include "s3api/op/rule_filter.h"
#include "s3api/op/rule_id.h"
#include "s3api/op/tag_set.h"
#include "s3api/xml/xml_shape.h"
#include "s3api/xml/xml_writer.h"

#define ROOT "ReplicationConfiguration"
#define ARN "arn:aws:s3:::"
#define ROLE_MAX 2048

static const struct xml_shape shapes[] = {
	{ROOT, "Role Rule", "Rule"},
	{"Rule",
		"ID Priority Prefix Filter Status SourceSelectionCriteria "
		"ExistingObjectReplication Destination DeleteMarkerReplication",
		""},
	{"Filter", "And Prefix Tag", ""},
	{"And", "Prefix Tag", "Tag"},
	{"Tag", "Key Value", ""},
	{"SourceSelectionCriteria",
		"SseKmsEncryptedObjects ReplicaModifications", ""},
	{"SseKmsEncryptedObjects", "Status", ""},
	{"ReplicaModifications", "Status", ""},
	{"ExistingObjectReplication", "Status", ""},
	{"DeleteMarkerReplication", "Status", ""},
	{"Destination",
		"Bucket Account StorageClass AccessControlTranslation "
		"EncryptionConfiguration ReplicationTime Metrics",
		""},
	{"AccessControlTranslation", "Owner", ""},
	{"EncryptionConfiguration", NULL, ""},
	{"ReplicationTime", "Status Time", ""},
	{"Metrics", "Status EventThreshold", ""},
	{"Time", "Minutes", ""},
	{"EventThreshold", "Minutes", ""},
};

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

static struct slice
text_of(struct request *request, const struct xml_node *node, const char *name)
{
	return slice_trim(xml_reader_child_text(node, name, request->arena));
}

/* --- what is switched ----------------------------------------------------- */

/* False: neither Enabled nor Disabled. */
static bool
read_status(struct request *request, const struct xml_node *node,
	bool *is_enabled)
{
	struct slice status = text_of(request, node, "Status");

	*is_enabled = slice_equal(status, SLICE("Enabled"));
	return *is_enabled || slice_equal(status, SLICE("Disabled"));
}

/* What is not there may be said not to be wanted. */
static enum s3_error
read_unwanted(struct request *request, const struct xml_node *parent,
	const char *name, enum replication_said said,
	struct replication_rule *rule)
{
	const struct xml_node *node =
		parent ? xml_reader_child(parent, name) : NULL;
	bool is_enabled;

	if (!node)
		return S3_OK;
	if (!read_status(request, node, &is_enabled))
		return malformed(request);
	if (is_enabled)
		return error_set(&request->report, S3_NOT_IMPLEMENTED,
			arena_str(request->arena,
				arena_printf(request->arena,
					"%s is not there to be enabled.",
					name)));
	rule->said |= said;
	return S3_OK;
}

/* S3 API: one of the second version of the schema says what it does with delete
 * markers; the first replicates those of users. */
static enum s3_error
read_markers(struct request *request, const struct xml_node *node,
	struct replication_rule *rule)
{
	const struct xml_node *markers =
		xml_reader_child(node, "DeleteMarkerReplication");
	bool is_enabled;

	if (!markers && rule->form == REPLICATION_PREFIX)
		return S3_OK;
	if (!markers)
		return invalid(request,
			"DeleteMarkerReplication must be specified for this "
			"version of Cross Region Replication configuration "
			"schema. Please refer to S3 Developer Guide for more "
			"information.");
	if (rule->form == REPLICATION_PREFIX)
		return invalid(request,
			"DeleteMarkerReplication cannot be used for this "
			"version of Cross Region Replication configuration "
			"schema. Please refer to S3 Developer Guide for more "
			"information.");
	if (!read_status(request, markers, &is_enabled))
		return malformed(request);
	if (is_enabled && rule->tags.len > 0)
		return invalid(request,
			"Delete marker replication is not supported if any Tag "
			"filter is specified. Please refer to S3 Developer "
			"Guide for more information.");
	rule->said |= REPLICATION_HAS_MARKERS |
		      (is_enabled ? REPLICATION_MARKERS : 0u);
	return S3_OK;
}

/* --- the filter ----------------------------------------------------------- */

static enum s3_error
read_prefix(struct request *request, const struct xml_node *node,
	struct replication_rule *rule)
{
	bool is_there;
	enum s3_error error =
		rule_filter_prefix(request, node, &rule->prefix, &is_there);

	if (is_there)
		rule->said |= REPLICATION_HAS_PREFIX;
	return error;
}

static enum s3_error
read_conditions(struct request *request, const struct xml_node *node,
	struct replication_rule *rule)
{
	enum s3_error error = read_prefix(request, node, rule);

	return error ? error
		     : tag_set_parse_elements(request,
			       xml_reader_child(node, "Tag"),
			       TAG_SET_OBJECT_MAX, &rule->tags);
}

static enum s3_error
read_filter(struct request *request, const struct xml_node *node,
	struct replication_rule *rule)
{
	struct rule_filter filter;
	enum s3_error error = rule_filter_find(request, node, &filter);

	if (error)
		return error;
	if (!filter.is_there) {
		rule->form = REPLICATION_PREFIX;
		return read_prefix(request, node, rule);
	}
	rule->form = filter.has_and ? REPLICATION_AND : REPLICATION_FILTER;
	return read_conditions(request, filter.conditions, rule);
}

static enum s3_error
read_priority(struct request *request, const struct xml_node *node,
	struct replication_rule *rule)
{
	unsigned long number = 0;
	bool is_there = xml_reader_child(node, "Priority") != NULL;

	if (is_there && rule->form == REPLICATION_PREFIX)
		return invalid(request,
			"Priority cannot be used for this version of Cross "
			"Region Replication configuration schema. Please refer "
			"to S3 Developer Guide for more information.");
	if (!is_there && rule->form != REPLICATION_PREFIX)
		return invalid(request,
			"Priority must be specified for this version of Cross "
			"Region Replication configuration schema. Please refer "
			"to S3 Developer Guide for more information.");
	if (!is_there)
		return S3_OK;
	if (!slice_to_u64(text_of(request, node, "Priority"), INT32_MAX,
		    &number))
		return malformed(request);
	rule->said |= REPLICATION_HAS_PRIORITY;
	rule->priority = (uint32_t)number;
	return S3_OK;
}

/* --- the destination ------------------------------------------------------ */

static enum s3_error
read_translation(struct request *request, const struct xml_node *node,
	struct replication_rule *rule)
{
	const struct xml_node *translation =
		xml_reader_child(node, "AccessControlTranslation");

	if (!translation)
		return S3_OK;
	if (!slice_equal(text_of(request, translation, "Owner"),
		    SLICE("Destination")))
		return malformed(request);
	if (rule->account.len == 0)
		return invalid(request,
			"Account is required when AccessControlTranslation is "
			"specified.");
	rule->said |= REPLICATION_TRANSLATED;
	return S3_OK;
}

static enum s3_error
read_class(struct request *request, const struct xml_node *node,
	struct replication_rule *rule)
{
	if (!xml_reader_child(node, "StorageClass"))
		return S3_OK;
	if (!slice_equal(text_of(request, node, "StorageClass"),
		    SLICE("STANDARD")))
		return error_set(&request->report, S3_INVALID_STORAGE_CLASS,
			NULL);
	rule->said |= REPLICATION_STANDARD;
	return S3_OK;
}

static enum s3_error
read_destination(struct request *request, const struct xml_node *rule_node,
	struct replication_rule *rule)
{
	const struct xml_node *node =
		xml_reader_child(rule_node, "Destination");
	struct slice arn;
	enum s3_error error;

	if (!node)
		return malformed(request);
	arn = text_of(request, node, "Bucket");
	if (slice_has_prefix(arn, SLICE(ARN)))
		rule->bucket_name = slice_from(arn, strlen(ARN));
	if (!bucket_name_is_valid(rule->bucket_name))
		return error_set(&request->report, S3_INVALID_ARGUMENT,
			"Invalid bucket ARN.");
	rule->account = text_of(request, node, "Account");
	if (xml_reader_child(node, "EncryptionConfiguration"))
		return error_set(&request->report, S3_NOT_IMPLEMENTED, NULL);
	error = read_class(request, node, rule);
	if (!error)
		error = read_translation(request, node, rule);
	if (!error)
		error = read_unwanted(request, node, "ReplicationTime",
			REPLICATION_NO_TIME, rule);
	if (!error)
		error = read_unwanted(request, node, "Metrics",
			REPLICATION_NO_METRICS, rule);
	return error;
}

/* --- a rule --------------------------------------------------------------- */

static enum s3_error
read_selection(struct request *request, const struct xml_node *node,
	struct replication_rule *rule)
{
	const struct xml_node *criteria =
		xml_reader_child(node, "SourceSelectionCriteria");
	enum s3_error error = read_unwanted(request, criteria,
		"SseKmsEncryptedObjects", REPLICATION_NO_KMS, rule);

	if (!error)
		error = read_unwanted(request, criteria, "ReplicaModifications",
			REPLICATION_NO_MODIFICATIONS, rule);
	return error ? error
		     : read_unwanted(request, node, "ExistingObjectReplication",
			       REPLICATION_NO_EXISTING, rule);
}

static enum s3_error
read_rule(struct request *request, const struct xml_node *node,
	struct replication_rule *rule)
{
	bool is_enabled;
	enum s3_error error;

	*rule = (struct replication_rule){.priority = 0};
	if (!read_status(request, node, &is_enabled))
		return malformed(request);
	if (is_enabled)
		rule->said |= REPLICATION_ENABLED;
	error = rule_id_read(request, node, "ID", &rule->id);
	if (!error)
		error = read_filter(request, node, rule);
	if (!error)
		error = read_priority(request, node, rule);
	if (!error)
		error = read_markers(request, node, rule);
	if (!error)
		error = read_selection(request, node, rule);
	return error ? error : read_destination(request, node, rule);
}

/* --- of several rules ----------------------------------------------------- */

static int
compare_ids(const void *a, const void *b)
{
	const struct replication_rule *const *first = a;
	const struct replication_rule *const *second = b;

	return slice_compare((*first)->id, (*second)->id);
}

static int
compare_priorities(const void *a, const void *b)
{
	const struct replication_rule *const *first = a;
	const struct replication_rule *const *second = b;

	return ((*first)->priority > (*second)->priority) -
	       ((*first)->priority < (*second)->priority);
}

/* A prefix sorts right before what it is one of. */
static int
compare_prefixes(const void *a, const void *b)
{
	const struct replication_rule *const *first = a;
	const struct replication_rule *const *second = b;

	return slice_compare((*first)->prefix, (*second)->prefix);
}

static bool
is_first_version(const struct replication_rule *rule)
{
	return rule->form == REPLICATION_PREFIX;
}

static enum s3_error
check_rules(struct request *request, const struct replication *replication)
{
	size_t count = replication->count;
	const struct replication_rule **sorted = arena_new_array(request->arena,
		count, const struct replication_rule *);
	bool is_first = is_first_version(&replication->rules[0]);

	for (size_t i = 0; i < count; i++) {
		sorted[i] = &replication->rules[i];
		if (is_first_version(sorted[i]) != is_first)
			return invalid(request,
				"Rules of both versions of the replication "
				"configuration schema cannot be mixed.");
	}
	qsort(sorted, count, sizeof(const void *), compare_ids);
	for (size_t i = 1; i < count; i++)
		if (slice_equal(sorted[i - 1]->id, sorted[i]->id))
			return error_set(&request->report, S3_INVALID_ARGUMENT,
				"Rule Id must be unique");
	qsort(sorted, count, sizeof(const void *),
		is_first ? compare_prefixes : compare_priorities);
	for (size_t i = 1; i < count; i++) {
		if (is_first && slice_has_prefix(sorted[i]->prefix,
					sorted[i - 1]->prefix))
			return invalid(request,
				"Found overlapping prefixes in the rules.");
		if (!is_first && sorted[i - 1]->priority == sorted[i]->priority)
			return invalid(request,
				"Found duplicate priority in the rules. "
				"Priority must be unique.");
	}
	return S3_OK;
}

enum s3_error
replication_document_read(struct request *request, struct slice text,
	struct replication *out)
{
	scoped(xml_reader_close) struct xml_reader *reader = NULL;
	const struct xml_node *root, *node;

	*out = (struct replication){.count = 0};
	if (!xml_reader_open(text, ROOT, &reader) ||
		!xml_shape_holds(xml_reader_root(reader), shapes,
			array_len(shapes)))
		return malformed(request);
	root = xml_reader_root(reader);
	out->role = text_of(request, root, "Role");
	if (out->role.len == 0 || out->role.len > ROLE_MAX ||
		!xml_reader_child(root, "Rule"))
		return malformed(request);
	out->rules = arena_new_array(request->arena, xml_shape_count(root),
		struct replication_rule);
	for (node = xml_reader_child(root, "Rule"); node;
		node = xml_reader_next(node, "Rule")) {
		enum s3_error error;

		if (out->count == REPLICATION_RULES_MAX)
			return invalid(request,
				"The number of replication rules must not "
				"exceed the allowed limit of 1000 rules.");
		error = read_rule(request, node, &out->rules[out->count++]);
		if (error)
			return error;
	}
	return check_rules(request, out);
}
