/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/replicator.h"

#include <stdio.h>

#include "store/tree.h"
#include "tests/s3api/op/replicated.h"

/* As replicated_start(), and it keeps an audit log. */
static struct served
start_audited(void)
{
	struct served served = served_start_audited();

	served_bucket(&served, "photos");
	versioned_become(&served, VERSIONED_STATUS("Enabled"));
	served_bucket(&served, "copies");
	replicated_keep(&served, "copies");
	served_put(&served, "/photos?replication", CONFIGURATION(ALL));
	return served;
}

static void
start(struct served *served, struct replicator **replicator)
{
	cr_assert(zero(int, replicator_start(served->temp.store, served->audit,
				    replicator)));
}

static bool
has_line(const char *lines, const char *line)
{
	if (strstr(lines, line))
		return true;
	fprintf(stderr, "%s\nnot in\n%s\n", line, lines);
	return false;
}

Test(replicator, each_replica_stands_in_the_audit_log)
{
	scoped(served_stop) struct served served = start_audited();
	struct replicator *replicator = NULL;

	const char *id = versioned_put(&served, "a", "text");
	const char *marker = versioned_id(&served,
		versioned_ask(&served, "DELETE", "b", NULL));
	start(&served, &replicator);
	replicated_wait(&served, "/copies/a", "REPLICA");
	replicated_wait(&served, "/photos/a", "COMPLETED");
	while (s3_client_element_count(served_ask(&served, "GET",
					       "/copies?versions"),
		       "DeleteMarker") == 0)
		io_sleep_ms(1);
	replicator_stop(&replicator);

	const char *format =
		"\"operation\":\"S3.REPLICATE.%s\",\"action\":\"s3:%s\","
		"\"decision\":\"allow\",\"organization\":\"default\","
		"\"principal\":\"%s\",\"statement\":\"all\","
		"\"bucketName\":\"copies\",\"key\":\"%s\","
		"\"versionId\":\"%s\",\"sourceBucketName\":\"photos\","
		"\"status\":200}";
	const char *who = "test"; /* served_start() */
	const char *object = served_text(&served, format, "OBJECT",
		"ReplicateObject", who, "a", id);
	const char *deletion = served_text(&served, format, "DELETE",
		"ReplicateDelete", who, "b", marker);
	const char *lines = served_lines(&served);

	cr_expect(has_line(lines, "\"source\":\"replication\""));
	cr_expect(has_line(lines, object));
	cr_expect(has_line(lines, deletion));
}

#define NO_REPLICAS                                                            \
	"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Deny\","     \
	"\"Principal\":\"*\",\"Action\":\"s3:ReplicateObject\",\"Resource\":"  \
	"\"arn:aws:s3:::copies/secret\"}]}"

Test(replicator, a_replica_that_is_denied_stands_in_the_audit_log)
{
	scoped(served_stop) struct served served = start_audited();
	struct replicator *replicator = NULL;

	cr_assert(eq(uint,
		served_send(&served, "PUT", "/copies?policy", NULL,
			SLICE(NO_REPLICAS))
			->status,
		204));
	(void)versioned_put(&served, "secret", "text");
	(void)versioned_put(&served, "z", "text");
	start(&served, &replicator);
	/* Which comes behind the other. */
	replicated_wait(&served, "/copies/z", "REPLICA");
	replicator_stop(&replicator);

	const char *lines = served_lines(&served);

	cr_expect(has_line(lines, "\"decision\":\"deny\""));
	cr_expect(has_line(lines, "\"status\":403,\"error\":"
				  "\"AccessDenied\"}"));
}

Test(replicator, what_waits_in_a_renamed_directory_is_told_by_its_new_key)
{
	scoped(served_stop) struct served served = replicated_start();
	struct replicator *replicator = NULL;
	struct bucket photos;
	struct inode gone;

	served_put(&served, "/photos?replication", CONFIGURATION(ALL));
	const char *id = versioned_put(&served, "d/a", "text");
	cr_assert(zero(int,
		bucket_get(served.temp.store, SLICE("photos"), &photos)));
	cr_assert(zero(int,
		tree_rename(served.temp.store, photos.ino, SLICE("d"), TREE_DIR,
			photos.ino, SLICE("e"), 0, &gone)));
	start(&served, &replicator);
	replicated_wait(&served, "/photos/e/a", "COMPLETED");
	replicator_stop(&replicator);

	cr_expect(slice_equal(s3_client_header(served_ask(&served, "HEAD",
						       "/copies/e/a"),
				      "x-amz-version-id"),
		slice_str(id)));
	cr_expect(eq(uint, served_ask(&served, "HEAD", "/copies/d/a")->status,
		404));
}
