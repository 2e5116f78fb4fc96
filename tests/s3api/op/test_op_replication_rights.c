/* SPDX-License-Identifier: Apache-2.0 */
/* Who may have a bucket replicated, and by whose rights it is. */
#include "s3api/iam/exposure.h"
#include "s3api/replicator.h"
#include "store/organization.h"
#include "tests/s3api/op/replicated.h"

#define POLICY(effect, action, resource)                                       \
	"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"" effect     \
	"\",\"Principal\":\"*\",\"Action\":\"" action                          \
	"\",\"Resource\":\"arn:aws:s3:::" resource "\"}]}"

static void
put_policy(struct served *served, const char *target, const char *policy)
{
	const struct s3_reply *reply =
		served_send(served, "PUT", target, NULL, slice_str(policy));

	cr_assert(eq(uint, reply->status, 204), "%s", reply->body.data);
}

Test(op_replication_rights, who_puts_it_may_replicate_there)
{
	static const char *const denied[] = {
		POLICY("Deny", "s3:ReplicateObject", "copies/*"),
		POLICY("Deny", "s3:ReplicateDelete", "copies/*"),
	};
	scoped(served_stop) struct served served = replicated_start();

	for (size_t i = 0; i < array_len(denied); i++) {
		put_policy(&served, "/copies?policy", denied[i]);
		served_expect_refusal(replicated_put(&served,
					      CONFIGURATION(ALL)),
			403, "AccessDenied");
	}
	/* The last one speaks of markers alone. */
	cr_expect(eq(uint,
		replicated_put(&served, CONFIGURATION(RULE("a", "1", "",
						NO_MARKERS, TO("copies"))))
			->status,
		200));
	put_policy(&served, "/photos?policy",
		POLICY("Deny", "s3:GetObjectVersionForReplication",
			"photos/*"));
	served_expect_refusal(replicated_put(&served, CONFIGURATION(ALL)), 403,
		"AccessDenied");
}

Test(op_replication_rights, rules_are_nobody_s_who_has_no_name)
{
	scoped(served_stop) struct served served = replicated_start();

	put_policy(&served, "/photos?policy",
		POLICY("Allow", "s3:*", "photos*"));
	put_policy(&served, "/copies?policy",
		POLICY("Allow", "s3:*", "copies/*"));
	served.client.is_anonymous = true;
	served_expect_refusal(served_ask(&served, "GET", "/photos?replication"),
		404, "ReplicationConfigurationNotFoundError");
	served_expect_refusal(replicated_put(&served, CONFIGURATION(ALL)), 403,
		"AccessDenied");
}

static void
become_another(struct served *served)
{
	cr_assert(zero(int,
		organization_create(served->temp.store, SLICE("org"))));
	(void)served_become_drafted(served,
		&(struct token_draft){
			.name = SLICE("other"),
			.organization = SLICE("org"),
			.level = TOKEN_FULL,
		});
	served_bucket(served, "films");
	served_bucket(served, "reels");
	replicated_keep(served, "films");
	replicated_keep(served, "reels");
}

static struct bucket
find_copies(struct served *served)
{
	struct bucket copies;

	cr_assert(zero(int,
		bucket_get(served->temp.store, SLICE("copies"), &copies)));
	return copies;
}

static void
set_policy(struct served *served, const char *policy)
{
	struct slice text = slice_str(policy);
	struct bucket copies = find_copies(served);

	cr_assert(zero(int, bucket_set_document(served->temp.store, copies.ino,
				    SLICE("policy"), policy ? &text : NULL)));
}

static void
restrict_public(struct served *served)
{
	const unsigned int flags = EXPOSURE_RESTRICT_BUCKETS;
	struct bucket copies = find_copies(served);

	cr_assert(zero(int,
		exposure_write_block(served->temp.store, &copies, &flags)));
}

/* Whoever asks. */
static void
expect_no_copy(struct served *served, const char *key)
{
	scoped(arena_free) struct arena arena = {0};
	struct bucket copies = find_copies(served);
	struct object found;

	cr_expect(eq(int,
		(int)object_head(served->temp.store, copies.ino, slice_str(key),
			&arena, &found),
		(int)STORE_NOT_FOUND));
}

#define BOTH CONFIGURATION(ALL RULE("own", "2", "", NO_MARKERS, TO("reels")))

/* And the owner ends it by his policy. */
Test(op_replication_rights, a_bucket_of_others_takes_what_its_policy_lets_in)
{
	scoped(served_stop) struct served served = replicated_start();
	struct replicator *replicator = NULL;

	become_another(&served);
	served_expect_refusal(served_send(&served, "PUT", "/films?replication",
				      NULL, SLICE(BOTH)),
		403, "AccessDenied");
	set_policy(&served, POLICY("Allow", "s3:*", "copies/*"));
	served_put(&served, "/films?replication", BOTH);
	served_put(&served, "/films/a", "1");
	cr_assert(zero(int,
		replicator_start(served.temp.store, NULL, &replicator)));
	replicated_wait(&served, "/films/a", "COMPLETED");
	replicated_wait(&served, "/copies/a", "REPLICA");

	set_policy(&served, POLICY("Allow", "s3:GetObject", "copies/*"));
	served_put(&served, "/films/b", "1");
	/* Which comes behind the other. */
	replicated_wait(&served, "/reels/b", "REPLICA");
	replicator_stop(&replicator);
	replicated_wait(&served, "/films/b", "PENDING");
	cr_expect(ne(uint, served_ask(&served, "GET", "/copies/b")->status,
		200));
}

Test(op_replication_rights, a_public_access_block_keeps_strangers_replicas_out)
{
	scoped(served_stop) struct served served = replicated_start();
	struct replicator *replicator = NULL;

	become_another(&served);
	set_policy(&served, POLICY("Allow", "s3:*", "copies/*"));
	served_put(&served, "/films?replication", BOTH);
	restrict_public(&served);
	served_put(&served, "/films/a", "1");
	cr_assert(zero(int,
		replicator_start(served.temp.store, NULL, &replicator)));
	/* Which comes behind the other. */
	replicated_wait(&served, "/reels/a", "REPLICA");
	replicator_stop(&replicator);
	expect_no_copy(&served, "a");
}

#define SECRET_STAYS                                                           \
	"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Deny\","     \
	"\"Principal\":\"*\",\"Action\":\"s3:GetObjectVersionForReplication\"" \
	",\"Resource\":\"arn:aws:s3:::photos/secret/*\"},{\"Effect\":"         \
	"\"Deny\",\"Principal\":\"*\",\"Action\":"                             \
	"\"s3:GetObjectVersionForReplication\",\"Resource\":"                  \
	"\"arn:aws:s3:::photos/*\",\"Condition\":{\"StringEquals\":"           \
	"{\"s3:ExistingObjectTag/secret\":\"yes\"}}}]}"

Test(op_replication_rights, what_the_source_keeps_from_who_put_it_stays_there)
{
	scoped(served_stop) struct served served = replicated_start();
	struct replicator *replicator = NULL;

	put_policy(&served, "/photos?policy", SECRET_STAYS);
	served_put(&served, "/photos?replication", CONFIGURATION(ALL));
	served_put(&served, "/photos/secret/a", "1");
	cr_assert(eq(uint,
		served_send(&served, "PUT", "/photos/b",
			"x-amz-tagging: secret=yes\n", SLICE("1"))
			->status,
		200));
	served_put(&served, "/photos/c", "1");
	cr_assert(zero(int,
		replicator_start(served.temp.store, NULL, &replicator)));
	/* Which comes behind the others. */
	replicated_wait(&served, "/copies/c", "REPLICA");
	replicator_stop(&replicator);
	expect_no_copy(&served, "secret/a");
	expect_no_copy(&served, "b");
}
