/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/op/replication_document.h"
#include "s3api/xml/xml_writer.h"

static void
write_status(struct buffer *to, const char *name, bool is_enabled)
{
	xml_writer_open(to, name);
	xml_writer_str(to, "Status", is_enabled ? "Enabled" : "Disabled");
	xml_writer_close(to, name);
}

/* What was said not to be wanted. */
static void
write_unwanted(struct buffer *to, const struct replication_rule *rule,
	enum replication_said said, const char *name)
{
	if (rule->said & said)
		write_status(to, name, false);
}

static void
write_conditions(struct buffer *to, const struct replication_rule *rule)
{
	struct slice rest = rule->tags;
	struct inode_attr tag;

	if (rule->said & REPLICATION_HAS_PREFIX)
		xml_writer_text(to, "Prefix", rule->prefix);
	while (inode_attr_next(&rest, &tag)) {
		xml_writer_open(to, "Tag");
		xml_writer_text(to, "Key", tag.name);
		xml_writer_text(to, "Value", tag.value);
		xml_writer_close(to, "Tag");
	}
}

static void
write_filter(struct buffer *to, const struct replication_rule *rule)
{
	if (rule->form != REPLICATION_PREFIX)
		xml_writer_open(to, "Filter");
	if (rule->form == REPLICATION_AND)
		xml_writer_open(to, "And");
	write_conditions(to, rule);
	if (rule->form == REPLICATION_AND)
		xml_writer_close(to, "And");
	if (rule->form != REPLICATION_PREFIX)
		xml_writer_close(to, "Filter");
}

static void
write_selection(struct buffer *to, const struct replication_rule *rule)
{
	if (rule->said & (REPLICATION_NO_KMS | REPLICATION_NO_MODIFICATIONS)) {
		xml_writer_open(to, "SourceSelectionCriteria");
		write_unwanted(to, rule, REPLICATION_NO_KMS,
			"SseKmsEncryptedObjects");
		write_unwanted(to, rule, REPLICATION_NO_MODIFICATIONS,
			"ReplicaModifications");
		xml_writer_close(to, "SourceSelectionCriteria");
	}
	write_unwanted(to, rule, REPLICATION_NO_EXISTING,
		"ExistingObjectReplication");
}

static void
write_destination(struct buffer *to, const struct replication_rule *rule)
{
	char arn[sizeof("arn:aws:s3:::") + BUCKET_NAME_MAX];

	snprintf(arn, sizeof(arn), "arn:aws:s3:::%.*s",
		(int)rule->bucket_name.len, rule->bucket_name.data);
	xml_writer_open(to, "Destination");
	xml_writer_str(to, "Bucket", arn);
	if (rule->account.len > 0)
		xml_writer_text(to, "Account", rule->account);
	if (rule->said & REPLICATION_STANDARD)
		xml_writer_str(to, "StorageClass", "STANDARD");
	if (rule->said & REPLICATION_TRANSLATED) {
		xml_writer_open(to, "AccessControlTranslation");
		xml_writer_str(to, "Owner", "Destination");
		xml_writer_close(to, "AccessControlTranslation");
	}
	write_unwanted(to, rule, REPLICATION_NO_TIME, "ReplicationTime");
	write_unwanted(to, rule, REPLICATION_NO_METRICS, "Metrics");
	xml_writer_close(to, "Destination");
}

static void
write_rule(struct buffer *to, const struct replication_rule *rule)
{
	xml_writer_open(to, "Rule");
	xml_writer_text(to, "ID", rule->id);
	if (rule->said & REPLICATION_HAS_PRIORITY)
		xml_writer_u64(to, "Priority", rule->priority);
	write_filter(to, rule);
	xml_writer_str(to, "Status",
		rule->said & REPLICATION_ENABLED ? "Enabled" : "Disabled");
	write_selection(to, rule);
	write_destination(to, rule);
	if (rule->said & REPLICATION_HAS_MARKERS)
		write_status(to, "DeleteMarkerReplication",
			(rule->said & REPLICATION_MARKERS) != 0);
	xml_writer_close(to, "Rule");
}

void
replication_document_write(struct buffer *to,
	const struct replication *replication)
{
	xml_writer_begin(to, "ReplicationConfiguration");
	xml_writer_text(to, "Role", replication->role);
	for (size_t i = 0; i < replication->count; i++)
		write_rule(to, &replication->rules[i]);
	xml_writer_close(to, "ReplicationConfiguration");
}
