/* SPDX-License-Identifier: Apache-2.0 */
/* What is replicated, and what becomes of it: replication_private.h. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "store/lifecycle.h"
#include "tests/store/events.h"
#include "tests/store/replicas.h"

static void delete (struct versions *in, const char *key)
{
	cr_assert(zero(int,
		object_delete(in->store, in->bucket, slice_str(key), NULL)));
}

/* --- versions ------------------------------------------------------------- */

Test(replication, a_version_waits_and_gets_its_replica)
{
	struct replicas it = replicas_begin();

	versions_put(&it.from, "a", "1");
	cr_expect(eq(int, replicas_status(&it.from, "a"), REPLICATION_PENDING));
	cr_expect(replicas_count(&it, 1, 0));
	cr_expect(versions_lists(&it.to, ""));

	cr_expect(eq(u64, replicas_run(&it).done, 1));

	cr_expect(eq(int, replicas_status(&it.from, "a"),
		REPLICATION_COMPLETED));
	cr_expect(eq(int, replicas_status(&it.to, "a"), REPLICATION_REPLICA));
	cr_expect(versions_lists(&it.to, "a=1*"));
	cr_expect(replicas_count(&it, 0, 0));
	replicas_end(&it);
}

Test(replication, a_replica_is_the_same_version_with_the_same_data)
{
	struct replicas it = replicas_begin();
	scoped(arena_free) struct arena arena = {0};
	struct slice large = objects_large();

	cr_assert(zero(int,
		objects_put_if(it.store, it.from.bucket, "a", large, NULL)));
	replicas_tag(&it.from, "a", "v");
	(void)replicas_run(&it);

	struct object source = replicas_head(&it.from, "a", &arena);
	struct object replica = replicas_head(&it.to, "a", &arena);
	cr_expect(eq(u64, source.version.number, replica.version.number));
	cr_expect(eq(u64, source.inode.blob, replica.inode.blob), "shared");
	cr_expect(eq(i64, source.inode.mtime_ns, replica.inode.mtime_ns));
	cr_expect(inode_etag_equal(&source.inode.etag, &replica.inode.etag));
	cr_expect(replicas_has_tag(&it.to, "a", "v"));
	replicas_end(&it);
}

Test(replication, all_versions_come_and_keep_their_order)
{
	struct replicas it = replicas_begin();

	versions_put(&it.from, "a", "1");
	versions_put(&it.from, "a", "2");
	versions_put(&it.from, "d/", "");
	versions_put(&it.from, "d/b", "3");
	versions_put(&it.from, "d/", "4");
	cr_expect(eq(u64, replicas_run(&it).done, 5));

	cr_expect(versions_lists(&it.to, "a=2* a=1 d/=4* d/= d/b=3*"));
	cr_expect(eq(u64, replicas_run(&it).done, 0));
	replicas_end(&it);
}

Test(replication, a_newer_version_that_is_there_stays_the_current_one)
{
	struct replicas it = replicas_begin();

	versions_put(&it.from, "a", "1");
	versions_put(&it.to, "a", "own");
	versions_put(&it.from, "b", "2");
	versions_put(&it.to, "b", "own");
	delete (&it.to, "b");
	(void)replicas_run(&it);

	cr_expect(versions_lists(&it.to, "a=own* a=1 b=-* b=own b=2"));
	versions_put(&it.from, "a", "3");
	(void)replicas_run(&it);
	cr_expect(versions_lists(&it.to, "a=3* a=own a=1 b=-* b=own b=2"));
	replicas_end(&it);
}

Test(replication, what_was_there_before_the_rules_stays_alone)
{
	struct replicas it = replicas_begin_unset();
	struct replication_rule rule = replicas_rule(&it.to, "replicas");

	versions_put(&it.from, "a", "1");
	replicas_put_rules(&it, &rule, 1);
	replicas_tag(&it.from, "a", "v");
	(void)replicas_run(&it);

	cr_expect(versions_lists(&it.to, ""));
	cr_expect(eq(int, replicas_status(&it.from, "a"), REPLICATION_NONE));
	replicas_end(&it);
}

Test(replication, a_version_that_was_deleted_meanwhile_has_no_replica)
{
	struct replicas it = replicas_begin();

	versions_put(&it.from, "a", "1");
	versions_drop_nth(&it.from, "a", 0);
	(void)replicas_run(&it);

	cr_expect(versions_lists(&it.to, ""));
	cr_expect(replicas_count(&it, 0, 0));
	replicas_end(&it);
}

Test(replication, deleting_a_version_is_not_replicated)
{
	struct replicas it = replicas_begin();

	versions_put(&it.from, "a", "1");
	(void)replicas_run(&it);
	versions_drop_nth(&it.from, "a", 0);
	(void)replicas_run(&it);

	cr_expect(versions_lists(&it.to, "a=1*"));
	replicas_end(&it);
}

Test(replication, a_replica_that_was_deleted_does_not_come_back)
{
	struct replicas it = replicas_begin();

	versions_put(&it.from, "a", "1");
	(void)replicas_run(&it);
	versions_drop_nth(&it.to, "a", 0);
	replicas_tag(&it.from, "a", "v");
	cr_expect(eq(u64, replicas_run(&it).done, 1));

	cr_expect(versions_lists(&it.to, ""));
	cr_expect(eq(int, replicas_status(&it.from, "a"),
		REPLICATION_COMPLETED));
	replicas_end(&it);
}

Test(replication, a_copy_is_replicated_and_knows_nothing_of_its_source)
{
	struct replicas it = replicas_begin();
	struct object made;

	versions_put(&it.from, "a", "1");
	(void)replicas_run(&it);
	cr_assert(zero(int,
		objects_copy(it.store, it.from.bucket, "a", "b", &made)));

	cr_expect(eq(int, replicas_status(&it.from, "b"), REPLICATION_PENDING));
	(void)replicas_run(&it);
	cr_expect(versions_lists(&it.to, "a=1* b=1*"));
	cr_assert(zero(int,
		objects_copy(it.store, it.to.bucket, "a", "c", &made)));
	cr_expect(eq(int, replicas_status(&it.to, "c"), REPLICATION_NONE));
	replicas_end(&it);
}

/* --- markers -------------------------------------------------------------- */

Test(replication, a_marker_follows_where_the_rule_says_so)
{
	struct replicas it = replicas_begin();

	versions_put(&it.from, "a", "1");
	delete (&it.from, "a");
	delete (&it.from, "b");
	(void)replicas_run(&it);

	cr_expect(versions_lists(&it.to, "a=-* a=1 b=-*"));
	cr_expect(eq(u64, versions_nth(&it.to, 0).number,
		versions_nth(&it.from, 0).number));
	replicas_end(&it);
}

Test(replication, a_marker_stays_where_the_rule_says_nothing)
{
	struct replicas it = replicas_begin_unset();
	struct replication_rule rule = replicas_rule(&it.to, "replicas");

	rule.said = REPLICATION_ENABLED | REPLICATION_HAS_MARKERS;
	replicas_put_rules(&it, &rule, 1);
	versions_put(&it.from, "a", "1");
	(void)replicas_run(&it);
	delete (&it.from, "a");
	cr_expect(replicas_count(&it, 0, 0));
	(void)replicas_run(&it);

	cr_expect(versions_lists(&it.to, "a=1*"));
	replicas_end(&it);
}

Test(replication, a_marker_older_than_what_is_there_hides_nothing)
{
	struct replicas it = replicas_begin();

	versions_put(&it.from, "a", "1");
	(void)replicas_run(&it);
	delete (&it.from, "a");
	versions_put(&it.to, "a", "own");
	(void)replicas_run(&it);

	cr_expect(versions_lists(&it.to, "a=own* a=- a=1"));
	replicas_end(&it);
}

Test(replication, what_a_lifecycle_rule_expires_stays_in_the_other_bucket)
{
	struct replicas it = replicas_begin();
	scoped(buffer_free) struct buffer encoded = {0};
	struct lifecycle_rule rule = {
		.id = SLICE("r"),
		.is_enabled = true,
		.expire_days = 1,
	};
	const struct lifecycle_rules rules = {.rules = &rule, .count = 1};
	const struct lifecycle_options options = {
		.now_ns = clock_now_ns() + 10 * CLOCK_NS_PER_DAY};
	struct lifecycle_result result;

	versions_put(&it.from, "a", "1");
	(void)replicas_run(&it);
	lifecycle_encode(&encoded, &rules);
	struct slice value = buffer_slice(&encoded);
	cr_assert(zero(int, bucket_set_document(it.store, it.from.bucket,
				    SLICE(LIFECYCLE_KIND), &value)));
	cr_assert(zero(int, lifecycle_run(it.store, &options, &result)));
	cr_assert(versions_lists(&it.from, "a=-* a=1"));
	(void)replicas_run(&it);

	cr_expect(versions_lists(&it.to, "a=1*"));
	replicas_end(&it);
}

/* --- attributes ----------------------------------------------------------- */

Test(replication, tags_follow_and_acls_do_not)
{
	struct replicas it = replicas_begin();
	scoped(buffer_free) struct buffer attrs = {0};
	const struct inode_attr acl = {
		INODE_ATTR_ACL, SLICE("s3"), SLICE("not looked at")};

	versions_put(&it.from, "a", "1");
	(void)replicas_run(&it);
	replicas_tag(&it.from, "a", "v");
	cr_expect(eq(int, replicas_status(&it.from, "a"), REPLICATION_PENDING));
	(void)replicas_run(&it);
	cr_expect(replicas_has_tag(&it.to, "a", "v"));
	cr_expect(eq(int, replicas_status(&it.to, "a"), REPLICATION_REPLICA));
	replicas_tag(&it.from, "a", NULL);
	(void)replicas_run(&it);
	cr_expect(replicas_has_tag(&it.to, "a", NULL));

	inode_attr_append(&attrs, &acl);
	cr_assert(zero(int,
		object_set_attrs(it.store, it.from.bucket, SLICE("a"),
			buffer_slice(&attrs), 1u << INODE_ATTR_ACL)));
	cr_expect(eq(int, replicas_status(&it.from, "a"),
		REPLICATION_COMPLETED));
	replicas_end(&it);
}

Test(replication, tags_of_an_older_version_follow)
{
	struct replicas it = replicas_begin();
	scoped(buffer_free) struct buffer attrs = {0};
	scoped(arena_free) struct arena arena = {0};
	const struct inode_attr tag = {INODE_ATTR_TAG, SLICE("k"), SLICE("v")};
	struct object replica;
	struct slice found;

	versions_put(&it.from, "a", "1");
	versions_put(&it.from, "a", "2");
	(void)replicas_run(&it);
	struct version_ref older = versions_nth(&it.from, 1);
	inode_attr_append(&attrs, &tag);
	cr_assert(zero(int,
		object_set_attrs_version(it.store, it.from.bucket, SLICE("a"),
			&older, buffer_slice(&attrs), 1u << INODE_ATTR_TAG)));
	(void)replicas_run(&it);

	cr_assert(zero(int, object_head_version(it.store, it.to.bucket,
				    SLICE("a"), &older, &arena, &replica)));
	cr_expect(inode_attr_find(replica.inode.attrs, INODE_ATTR_TAG,
		SLICE("k"), &found));
	cr_expect(replicas_has_tag(&it.to, "a", NULL));
	replicas_end(&it);
}

Test(replication, metadata_that_a_mount_sets_follows)
{
	struct replicas it = replicas_begin();
	scoped(arena_free) struct arena arena = {0};
	const struct slice value = SLICE("v");
	struct slice found;

	versions_put(&it.from, "a", "1");
	(void)replicas_run(&it);
	uint64_t ino = replicas_head(&it.from, "a", &arena).inode.ino;
	cr_assert(zero(int, tree_set_attr(it.store, ino, INODE_ATTR_META,
				    SLICE("m"), &value, 0)));
	(void)replicas_run(&it);

	cr_expect(inode_attr_find(replicas_head(&it.to, "a", &arena)
					  .inode.attrs,
		INODE_ATTR_META, SLICE("m"), &found));
	replicas_end(&it);
}

/* --- rules ---------------------------------------------------------------- */

Test(replication, a_rule_is_for_keys_and_tags)
{
	struct replicas it = replicas_begin_unset();
	scoped(buffer_free) struct buffer tags = {0};
	const struct inode_attr tag = {INODE_ATTR_TAG, SLICE("k"), SLICE("v")};
	struct replication_rule rules[] = {
		replicas_rule(&it.to, "replicas"),
		replicas_rule(&it.to, "replicas"),
	};

	inode_attr_append(&tags, &tag);
	rules[0].prefix = SLICE("p/");
	rules[1].prefix = SLICE("q/");
	rules[1].tags = buffer_slice(&tags);
	replicas_put_rules(&it, rules, 2);
	versions_put(&it.from, "a", "1");
	versions_put(&it.from, "p/a", "2");
	versions_put(&it.from, "q/a", "3");
	replicas_tag(&it.from, "q/a", "v");
	struct object_attrs attrs = objects_attrs(SLICE(""));
	struct object_put *put = NULL;
	struct object made;
	attrs.attrs = buffer_slice(&tags);
	cr_assert(zero(int, object_put_begin(it.store, 0, &put)));
	cr_assert(zero(int, object_put_commit(&put, it.from.bucket,
				    SLICE("q/b"), &attrs, NULL, &made)));
	(void)replicas_run(&it);

	cr_expect(versions_lists(&it.to, "p/a=2* q/b=*"));
	cr_expect(eq(int, replicas_status(&it.from, "a"), REPLICATION_NONE));
	cr_expect(eq(int, replicas_status(&it.from, "q/a"), REPLICATION_NONE));
	replicas_end(&it);
}

Test(replication, a_rule_that_is_disabled_does_nothing)
{
	struct replicas it = replicas_begin_unset();
	struct replication_rule rule = replicas_rule(&it.to, "replicas");

	rule.said &= ~(uint32_t)REPLICATION_ENABLED;
	replicas_put_rules(&it, &rule, 1);
	versions_put(&it.from, "a", "1");

	cr_expect(replicas_count(&it, 0, 0));
	replicas_end(&it);
}

Test(replication, of_two_rules_for_a_bucket_the_higher_priority_counts)
{
	struct replicas it = replicas_begin_unset();
	struct replication_rule rules[] = {
		replicas_rule(&it.to, "replicas"),
		replicas_rule(&it.to, "replicas"),
	};

	rules[0].priority = 1;
	rules[1].priority = 2;
	rules[1].said &= ~(uint32_t)REPLICATION_MARKERS;
	rules[1].prefix = SLICE("p");
	replicas_put_rules(&it, rules, 2);
	delete (&it.from, "a");
	delete (&it.from, "p");
	(void)replicas_run(&it);

	cr_expect(versions_lists(&it.to, "a=-*"));
	replicas_end(&it);
}

Test(replication, a_version_can_have_replicas_in_several_buckets)
{
	struct replicas it = replicas_begin_unset();
	struct versions third = it.from;

	third.bucket = replicas_bucket(it.store, "third");
	struct replication_rule rules[] = {
		replicas_rule(&it.to, "replicas"),
		replicas_rule(&third, "third"),
	};
	replicas_put_rules(&it, rules, 2);
	versions_put(&it.from, "a", "1");
	cr_assert(zero(int,
		versioning_set(it.store, third.bucket, VERSIONING_SUSPENDED)));
	(void)replicas_run(&it);
	cr_expect(versions_lists(&it.to, "a=1*"));
	cr_expect(eq(int, replicas_status(&it.from, "a"), REPLICATION_PENDING),
		"one is left");

	replicas_run_out(&it);
	cr_expect(versions_lists(&third, ""));
	cr_expect(eq(int, replicas_status(&it.from, "a"), REPLICATION_FAILED));
	cr_expect(replicas_count(&it, 0, 1));
	replicas_end(&it);
}

Test(replication, two_buckets_that_replicate_each_other_come_to_rest)
{
	struct replicas it = replicas_begin();
	struct replicas back = it;
	struct replication_rule rule = replicas_rule(&it.from, "bucket");

	back.from = it.to;
	replicas_put_rules(&back, &rule, 1);
	versions_put(&it.from, "a", "1");
	versions_put(&it.to, "b", "2");
	cr_expect(eq(u64, replicas_run(&it).done, 2));

	cr_expect(replicas_count(&it, 0, 0));
	cr_expect(versions_lists(&it.to, "a=1* b=2*"));
	cr_expect(versions_lists(&it.from, "a=1* b=2*"));
	cr_expect(eq(int, replicas_status(&it.to, "a"), REPLICATION_REPLICA));
	replicas_end(&it);
}

Test(replication, rules_come_back_as_they_were)
{
	struct replicas it = replicas_begin_unset();
	scoped(arena_free) struct arena arena = {0};
	struct replication_rule rule = replicas_rule(&it.to, "replicas");
	struct replication read;

	cr_expect(eq(int,
		replication_read(it.store, it.from.bucket, &arena, &read),
		STORE_NOT_FOUND));
	rule.priority = 7;
	rule.account = SLICE("default");
	rule.prefix = SLICE("p");
	replicas_put_rules(&it, &rule, 1);
	cr_assert(zero(int,
		replication_read(it.store, it.from.bucket, &arena, &read)));
	cr_assert(eq(sz, read.count, 1));
	cr_expect(slice_equal(read.name, SLICE("setter")));
	cr_expect(eq(u32, read.rules[0].priority, 7));
	cr_expect(eq(u32, read.rules[0].said, rule.said));
	cr_expect(eq(u64, read.rules[0].bucket, it.to.bucket));
	cr_expect(slice_equal(read.rules[0].account, SLICE("default")));
	cr_assert(zero(int, replication_put(it.store, it.from.bucket, NULL)));
	cr_expect(eq(int,
		replication_read(it.store, it.from.bucket, &arena, &read),
		STORE_NOT_FOUND));
	replicas_end(&it);
}

Test(replication, a_bucket_with_rules_goes_on_keeping_versions)
{
	struct replicas it = replicas_begin();
	const struct replication none = {.count = 0};

	cr_expect(eq(int,
		versioning_set(it.store, it.from.bucket, VERSIONING_SUSPENDED),
		STORE_REPLICATED));
	cr_assert(zero(int, replication_put(it.store, it.from.bucket, NULL)));
	cr_assert(zero(int, versioning_set(it.store, it.from.bucket,
				    VERSIONING_SUSPENDED)));
	cr_expect(eq(int, replication_put(it.store, it.from.bucket, &none),
		STORE_INVALID));
	replicas_end(&it);
}
