/* SPDX-License-Identifier: Apache-2.0 */
/* What is kept of rules: replication_rules_private.h. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "store/replication_private.h"
#include "store/replication_rules_private.h"
#include "tests/store/checks.h"
#include "tests/store/replicas.h"

static struct replication_rules *
take(struct replicas *it)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	struct replication_rules *rules = NULL;

	cr_assert(zero(int, db_begin_read(it->store->db, &txn)));
	cr_assert(zero(int, replication_rules_take(it->store, txn,
				    it->from.bucket, &rules)));
	return rules;
}

static void
put_prefix(struct replicas *it, const char *prefix)
{
	struct replication_rule rule = replicas_rule(&it->to, "replicas");

	rule.prefix = slice_str(prefix);
	replicas_put_rules(it, &rule, 1);
}

/* The bucket's document, as somebody else has written it. */
static struct slice
read_document(struct replicas *it, struct arena *arena)
{
	struct slice bytes;

	cr_assert(zero(int, bucket_get_document(it->store, it->from.bucket,
				    SLICE(REPLICATION_KIND), arena, &bytes)));
	return bytes;
}

static void
write_document(struct replicas *it, struct slice bytes)
{
	cr_assert(zero(int, bucket_set_document(it->store, it->from.bucket,
				    SLICE(REPLICATION_KIND), &bytes)));
}

Test(replication_rules, are_decoded_once)
{
	struct replicas it = replicas_begin();
	struct replication_rules *first = take(&it);
	struct replication_rules *second = take(&it);

	cr_expect(eq(ptr, first, second));
	replication_rules_drop(&first);
	replication_rules_drop(&second);
	replicas_end(&it);
}

Test(replication_rules, that_are_put_anew_count_at_once)
{
	struct replicas it = replicas_begin_unset();

	put_prefix(&it, "a");
	versions_put(&it.from, "a", "1");
	struct replication_rules *before = take(&it);
	put_prefix(&it, "b");
	struct replication_rules *after = take(&it);
	versions_put(&it.from, "a", "2");
	versions_put(&it.from, "b", "3");

	cr_expect(slice_equal(before->of.rules[0].prefix, SLICE("a")),
		"who has taken them goes on with them");
	cr_expect(slice_equal(after->of.rules[0].prefix, SLICE("b")));
	cr_expect(replicas_count(&it, 2, 0), "the second a is nobody's");
	replication_rules_drop(&before);
	replication_rules_drop(&after);
	replicas_end(&it);
}

/* By another process: nobody tells this one. */
Test(replication_rules, that_another_has_written_count_at_once)
{
	struct replicas it = replicas_begin_unset();
	scoped(arena_free) struct arena arena = {0};

	put_prefix(&it, "b");
	struct slice b = read_document(&it, &arena);
	put_prefix(&it, "a");
	versions_put(&it.from, "a", "1");
	write_document(&it, b);
	versions_put(&it.from, "a", "2");
	versions_put(&it.from, "b", "3");

	cr_expect(replicas_count(&it, 2, 0));
	replicas_end(&it);
}

Test(replication_rules, from_before_there_was_a_digest_are_read)
{
	struct replicas it = replicas_begin_unset();
	scoped(arena_free) struct arena arena = {0};
	scoped(buffer_free) struct buffer old = {0};

	put_prefix(&it, "a");
	buffer_append_char(&old, 1);
	buffer_append(&old, slice_from(read_document(&it, &arena),
				    1 + REPLICATION_DIGEST_LEN));
	write_document(&it, buffer_slice(&old));
	versions_put(&it.from, "a", "1");
	(void)replicas_run(&it);

	cr_expect(versions_lists(&it.to, "a=1*"));
	replicas_end(&it);
}

Test(replication_rules, that_are_not_what_their_digest_says_are_damaged)
{
	struct replicas it = replicas_begin();
	scoped(arena_free) struct arena arena = {0};
	struct slice bytes = read_document(&it, &arena);

	((char *)bytes.data)[bytes.len - 1] ^= 1;
	write_document(&it, bytes);
	versions_put(&it.from, "a", "1");

	cr_expect(replicas_count(&it, 0, 0));
	checks_expect_repair(it.store, CHECK_RECORD);
	replicas_end(&it);
}

/* More than there is room for: each goes by its own. */
Test(replication_rules, of_many_buckets_are_their_own)
{
	struct replicas it = replicas_begin_unset();
	struct versions from = it.from;
	char name[16];

	for (int i = 0; i < 70; i++) {
		snprintf(name, sizeof(name), "from-%02d", i);
		it.from.bucket = replicas_bucket(it.store, name);
		put_prefix(&it, name);
		versions_put(&it.from, name, "1");
		versions_put(&it.from, "other", "1");
	}
	cr_expect(replicas_count(&it, 70, 0));
	cr_expect(eq(u64, replicas_run(&it).done, 70));
	it.from = from;
	replicas_end(&it);
}
