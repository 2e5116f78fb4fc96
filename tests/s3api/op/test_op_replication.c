/* SPDX-License-Identifier: Apache-2.0 */
/* What is to be replicated, and what it is told as. */
#include "s3api/replicator.h"
#include "store/replication.h"
#include "tests/s3api/op/replicated.h"

#define TAG(key) XML("Tag", XML("Key", key) XML("Value", "v"))
#define OLD_RULE(id, prefix, more)                                             \
	XML("Rule", XML("ID", id) XML("Prefix", prefix) XML("Status",          \
			    "Enabled") more XML("Destination", TO("copies")))

/* --- the document --------------------------------------------------------- */

Test(op_replication, is_told_as_it_was_put)
{
	static const char *const documents[] = {
		CONFIGURATION(RULE("a", "1", XML("Prefix", "p/"), "",
			TO("copies"))),
		CONFIGURATION(RULE("a", "0", "", "", TO("copies"))),
		CONFIGURATION(RULE("a", "7", TAG("k"), "", TO("copies"))),
		CONFIGURATION(RULE("a", "7",
			XML("And", XML("Prefix", "p") TAG("k") TAG("l")), "",
			TO("copies"))),
		CONFIGURATION(RULE("a", "1", "", "",
			TO("copies") XML("Account",
				"default") XML("StorageClass", "STANDARD")
				XML("AccessControlTranslation",
					XML("Owner", "Destination"))
					SAID("ReplicationTime", "Disabled")
						SAID("Metrics", "Disabled"))),
		CONFIGURATION(RULE("a", "1", "",
			XML("SourceSelectionCriteria",
				SAID("SseKmsEncryptedObjects", "Disabled")
					SAID("ReplicaModifications",
						"Disabled"))
				SAID("ExistingObjectReplication", "Disabled"),
			TO("copies"))),
	};
	scoped(served_stop) struct served served = replicated_start();

	for (size_t i = 0; i < array_len(documents); i++) {
		/* Its place in the rule. */
		const char *end = strstr(documents[i], "</Rule>");
		const char *document = served_text(&served, "%.*s%s%s",
			(int)(end - documents[i]), documents[i], NO_MARKERS,
			end);
		struct slice inside = slice_from(slice_str(document),
			strlen("<ReplicationConfiguration>"));
		const struct s3_reply *reply =
			replicated_put(&served, document);

		cr_expect(eq(uint, reply->status, 200), "%s gave %s", document,
			reply->body.data);
		reply = served_ask(&served, "GET", "/photos?replication");
		cr_expect(slice_has_suffix(reply->body, inside), "%s gave %s",
			document, reply->body.data);
	}
	cr_expect(eq(uint,
		replicated_put(&served, CONFIGURATION(OLD_RULE("a", "p", "")))
			->status,
		200));
	served_expect_elements(served_ask(&served, "GET",
				       "/photos?replication"),
		"Prefix", "p ");
}

Test(op_replication, is_gone_once_it_is_deleted)
{
	scoped(served_stop) struct served served = replicated_start();

	served_expect_refusal(served_ask(&served, "GET", "/photos?replication"),
		404, "ReplicationConfigurationNotFoundError");
	served_put(&served, "/photos?replication", CONFIGURATION(ALL));
	for (int i = 0; i < 2; i++)
		cr_expect(eq(uint,
			served_ask(&served, "DELETE", "/photos?replication")
				->status,
			204));
	served_expect_refusal(served_ask(&served, "GET", "/photos?replication"),
		404, "ReplicationConfigurationNotFoundError");
}

Test(op_replication, a_rule_without_an_id_gets_one)
{
	scoped(served_stop) struct served served = replicated_start();

	served_put(&served, "/photos?replication",
		CONFIGURATION(RULE("", "1", "", MARKERS, TO("copies"))));
	cr_expect(eq(sz,
		s3_client_element(served_ask(&served, "GET",
					  "/photos?replication"),
			"ID", 0)
			.len,
		48));
}

Test(op_replication, what_is_no_such_document_is_refused)
{
	static const struct {
		const char *code;
		const char *xml;
	} rows[] = {
		{"MalformedXML", ""},
		{"MalformedXML", "<Other/>"},
		{"MalformedXML", CONFIGURATION("")},
		{"MalformedXML", XML("ReplicationConfiguration", ALL)},
		{"MalformedXML", CONFIGURATION(ALL "<Other/>")},
		{"MalformedXML", CONFIGURATION(XML("Rule", ""))},
		{"MalformedXML",
			CONFIGURATION(RULE("a", "1", "",
				SAID("DeleteMarkerReplication", "Perhaps"),
				TO("copies")))},
		{"MalformedXML", CONFIGURATION(RULE("a", "1",
					 XML("Prefix", "a") TAG("k"), MARKERS,
					 TO("copies")))},
		{"MalformedXML", CONFIGURATION(RULE("a", "1", XML("And", ""),
					 MARKERS, TO("copies")))},
		{"MalformedXML", CONFIGURATION(RULE("a", "-1", "", MARKERS,
					 TO("copies")))},
		{"MalformedXML",
			CONFIGURATION(OLD_RULE("a", "p", "<Filter/>"))},
		{"InvalidArgument", CONFIGURATION(RULE("a", "1", "", MARKERS,
					    XML("Bucket", "copies")))},
		{"InvalidArgument", CONFIGURATION(RULE("a", "1", "", MARKERS,
					    TO("No bucket")))},
		{"InvalidArgument", CONFIGURATION(ALL RULE("all", "2", "",
					    MARKERS, TO("copies")))},
		{"InvalidRequest", CONFIGURATION(ALL RULE("b", "1", "", MARKERS,
					   TO("copies")))},
		{"InvalidRequest",
			CONFIGURATION(RULE("a", "1", "", "", TO("copies")))},
		{"InvalidRequest", CONFIGURATION(RULE("a", "1", TAG("k"),
					   MARKERS, TO("copies")))},
		{"InvalidRequest", CONFIGURATION(ALL OLD_RULE("b", "p", ""))},
		{"InvalidRequest", CONFIGURATION(OLD_RULE("b", "p", MARKERS))},
		{"InvalidRequest", CONFIGURATION(OLD_RULE("b", "p",
					   XML("Priority", "1")))},
		{"InvalidRequest", CONFIGURATION(OLD_RULE("a", "p", "")
						   OLD_RULE("b", "pq", ""))},
		{"InvalidRequest",
			CONFIGURATION(RULE("a", "1", "", MARKERS,
				TO("copies") XML("Account", "another")))},
		{"InvalidRequest",
			CONFIGURATION(RULE("a", "1", "", MARKERS,
				TO("copies") XML("AccessControlTranslation",
					XML("Owner", "Destination"))))},
		{"InvalidRequest",
			CONFIGURATION(RULE("a", "1", "", MARKERS, TO("gone")))},
		{"InvalidRequest", CONFIGURATION(RULE("a", "1", "", MARKERS,
					   TO("photos")))},
		{"InvalidRequest", CONFIGURATION(RULE("a", "1", "", MARKERS,
					   TO("plain")))},
		{"InvalidStorageClass",
			CONFIGURATION(RULE("a", "1", "", MARKERS,
				TO("copies") XML("StorageClass", "GLACIER")))},
	};
	scoped(served_stop) struct served served = replicated_start();

	served_bucket(&served, "plain");
	for (size_t i = 0; i < array_len(rows); i++) {
		const struct s3_reply *reply =
			replicated_put(&served, rows[i].xml);

		cr_expect(slice_find(reply->body, slice_str(rows[i].code)) > 0,
			"%s gave %s", rows[i].xml, reply->body.data);
		cr_expect(eq(uint, reply->status, 400));
	}
}

Test(op_replication, what_is_not_there_is_not_implemented)
{
	static const char *const documents[] = {
		CONFIGURATION(RULE("a", "1", "",
			MARKERS SAID("ExistingObjectReplication", "Enabled"),
			TO("copies"))),
		CONFIGURATION(RULE("a", "1", "",
			MARKERS XML("SourceSelectionCriteria",
				SAID("SseKmsEncryptedObjects", "Enabled")),
			TO("copies"))),
		CONFIGURATION(RULE("a", "1", "",
			MARKERS XML("SourceSelectionCriteria",
				SAID("ReplicaModifications", "Enabled")),
			TO("copies"))),
		CONFIGURATION(RULE("a", "1", "", MARKERS,
			TO("copies") XML("ReplicationTime",
				XML("Status", "Enabled")
					XML("Time", XML("Minutes", "15"))))),
		CONFIGURATION(RULE("a", "1", "", MARKERS,
			TO("copies") XML("Metrics", XML("Status", "Enabled")))),
		CONFIGURATION(RULE("a", "1", "", MARKERS,
			TO("copies") XML("EncryptionConfiguration",
				XML("ReplicaKmsKeyID", "k")))),
	};
	scoped(served_stop) struct served served = replicated_start();

	for (size_t i = 0; i < array_len(documents); i++)
		served_expect_refusal(replicated_put(&served, documents[i]),
			501, "NotImplemented");
}

Test(op_replication, a_bucket_that_keeps_no_versions_has_none)
{
	scoped(served_stop) struct served served = served_start();

	served_bucket(&served, "photos");
	served_bucket(&served, "copies");
	replicated_keep(&served, "copies");
	served_expect_refusal(replicated_put(&served, CONFIGURATION(ALL)), 400,
		"InvalidRequest");
}

Test(op_replication, a_bucket_that_has_some_keeps_versions)
{
	scoped(served_stop) struct served served = replicated_start();

	served_put(&served, "/photos?replication", CONFIGURATION(ALL));
	served_expect_refusal(versioned_set(&served,
				      VERSIONED_STATUS("Suspended")),
		409, "InvalidBucketState");
	versioned_become(&served, VERSIONED_STATUS("Enabled"));
}

Test(op_replication, an_id_has_255_characters_at_most)
{
	scoped(served_stop) struct served served = replicated_start();

#define LONG CONFIGURATION(RULE("%0*d", "1", "", MARKERS, TO("copies")))
	cr_expect(eq(uint,
		replicated_put(&served, served_text(&served, LONG, 255, 1))
			->status,
		200));
	served_expect_refusal(replicated_put(&served,
				      served_text(&served, LONG, 256, 1)),
		400, "InvalidArgument");
}

Test(op_replication, there_are_a_thousand_rules_at_most)
{
	scoped(served_stop) struct served served = replicated_start();
	scoped(buffer_free) struct buffer body = {0};

	buffer_append(&body, SLICE("<ReplicationConfiguration><Role>r</Role>"));
	for (int i = 0; i < REPLICATION_RULES_MAX; i++)
		buffer_printf(&body,
			RULE("r%d", "%d", XML("Prefix", "p%d"), MARKERS,
				TO("copies")),
			i, i, i);
	size_t len = body.len;
	buffer_append(&body, SLICE("</ReplicationConfiguration>"));
	cr_expect(eq(uint,
		served_send(&served, "PUT", "/photos?replication", NULL,
			buffer_slice(&body))
			->status,
		200));
	body.len = len;
	buffer_append(&body, SLICE(RULE("more", "5000", "", MARKERS,
				     TO("copies")) "</"
						   "ReplicationConfiguration"
						   ">"));
	served_expect_refusal(served_send(&served, "PUT", "/photos?replication",
				      NULL, buffer_slice(&body)),
		400, "InvalidRequest");
}

/* --- what is told --------------------------------------------------------- */

Test(op_replication, both_sides_tell_how_far_it_is)
{
	scoped(served_stop) struct served served = replicated_start();
	struct replicator *replicator = NULL;

	served_put(&served, "/photos?replication", CONFIGURATION(ALL));
	const char *id = versioned_put(&served, "a", "text");
	cr_expect(slice_equal(s3_client_header(served_ask(&served, "GET",
						       "/photos/a"),
				      "x-amz-replication-status"),
		SLICE("PENDING")));
	cr_assert(zero(int,
		replicator_start(served.temp.store, NULL, &replicator)));
	replicated_wait(&served, "/photos/a", "COMPLETED");
	replicated_wait(&served, "/copies/a", "REPLICA");
	cr_expect(slice_equal(s3_client_header(served_ask(&served, "HEAD",
						       "/copies/a"),
				      "x-amz-version-id"),
		slice_str(id)));
	cr_assert(eq(uint, versioned_ask(&served, "DELETE", "a", NULL)->status,
		204));
	while (served_ask(&served, "HEAD", "/copies/a")->status != 404)
		io_sleep_ms(1);
	replicator_stop(&replicator);
	versioned_expect_no_header(served_ask(&served, "HEAD",
					   served_text(&served, "/photos/b")),
		"x-amz-replication-status");
}
