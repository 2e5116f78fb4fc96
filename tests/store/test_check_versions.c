/* SPDX-License-Identifier: Apache-2.0 */
/* fsck of a bucket that keeps versions. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "store/history_private.h"
#include "tests/store/checks.h"
#include "tests/store/locks.h"
#include "tests/store/raw.h"
#include "tests/store/versions.h"

static struct versions
fill(void)
{
	struct versions it = versions_begin(VERSIONING_ENABLED);

	versions_put(&it, "d/f", "1");
	versions_put(&it, "d/f", "2");
	cr_assert(zero(int,
		object_delete(it.store, it.bucket, SLICE("d/f"), NULL)));
	return it;
}

static struct record_versions
versions_of(struct versions *it)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	struct record_versions of;

	cr_assert(zero(int, db_begin_read(it->store->db, &txn)));
	cr_assert(zero(int, history_of(txn, it->bucket, &of)));
	return of;
}

/* The newest one's entry in the history; gives its directory there. */
static uint64_t
newest(struct versions *it, struct key *key, struct record_dentry *dentry)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	scoped(history_row_free) struct history_row row = {0};
	struct record_versions of = versions_of(it);

	cr_assert(zero(int, db_begin_read(it->store->db, &txn)));
	cr_assert(zero(int, history_newest(txn, &of, SLICE("d/f"), &row)));
	*key = key_dentry(row.parent, buffer_slice(&row.component));
	*dentry = row.dentry;
	return row.parent;
}

Test(check_versions, a_root_that_lost_its_record_gets_one)
{
	struct versions it = fill();
	struct record_versions of = versions_of(&it);

	raw_delete(it.store, DB_INODE, key_u64(of.history));
	checks_expect_repair(it.store, CHECK_BUCKET);
	cr_expect(versions_lists(&it, "d/f=-* d/f=2 d/f=1"));
	versions_end(&it);
}

Test(check_versions, a_root_that_its_bucket_has_forgotten_is_found)
{
	struct versions it = fill();

	raw_delete(it.store, DB_VERSION, key_u64(it.bucket));
	checks_expect_repair(it.store, CHECK_ORPHAN);
	cr_expect(versions_lists(&it, "d/f=-* d/f=2 d/f=1"));
	versions_end(&it);
}

Test(check_versions, a_row_that_does_not_decode_is_made_anew)
{
	struct versions it = fill();

	raw_put(it.store, DB_VERSION, key_u64(it.bucket), SLICE("\1x"));
	checks_expect_repair(it.store, CHECK_RECORD);
	cr_expect(versions_lists(&it, "d/f=-* d/f=2 d/f=1"));
	versions_end(&it);
}

Test(check_versions, a_row_of_no_bucket_goes)
{
	struct versions it = fill();
	scoped(buffer_free) struct buffer value = {0};
	const struct record_versions of = {
		.versioning = VERSIONING_ENABLED, .history = 4711};

	record_versions_encode(&value, &of);
	raw_put(it.store, DB_VERSION, key_u64(4712), buffer_slice(&value));
	checks_expect_repair(it.store, CHECK_BUCKET);
	cr_expect(versions_lists(&it, "d/f=-* d/f=2 d/f=1"));
	versions_end(&it);
}

Test(check_versions, a_version_without_a_name_becomes_a_file)
{
	struct versions it = fill();
	struct record_dentry marker, lost;
	char path[64];
	struct key key;

	newest(&it, &key, &marker);
	versions_drop_nth(&it, "d/f", 0);
	versions_put(&it, "d/f", "3");
	newest(&it, &key, &lost);
	raw_delete(it.store, DB_DENTRY, key);
	checks_expect_repair(it.store, CHECK_ORPHAN);
	snprintf(path, sizeof(path), "lost+found/%llu",
		(unsigned long long)lost.ino);
	cr_expect(objects_is(it.store, it.bucket, path, "2"));
	versions_end(&it);
}

Test(check_versions, a_marker_without_a_name_goes)
{
	struct versions it = fill();
	struct record_dentry marker;
	struct key key;

	newest(&it, &key, &marker);
	raw_delete(it.store, DB_DENTRY, key);
	checks_expect_repair(it.store, CHECK_ORPHAN);
	cr_expect(versions_lists(&it, "d/f=2 d/f=1"));
	versions_end(&it);
}

Test(check_versions, counters_that_forgot_older_ones_are_put_right)
{
	struct versions it = fill();
	uint64_t objects, bytes;

	raw_delete(it.store, DB_USAGE, key_u64(it.bucket));
	checks_expect_repair(it.store, CHECK_USAGE);
	objects_usage(it.store, it.bucket, &objects, &bytes);
	cr_expect(eq(u64, objects, 2));
	cr_expect(eq(u64, bytes, 2));
	versions_end(&it);
}

Test(check_versions, a_name_without_a_number_does_not_end_the_server)
{
	struct versions it = fill();
	scoped(arena_free) struct arena arena = {0};
	scoped(buffer_free) struct buffer value = {0};
	const struct list_versions_request request = {
		.bucket = it.bucket,
		.after = SLICE("d/f"),
		.after_version = {.which = VERSION_NULL},
		.max = 10,
	};
	struct list_versions_page page;
	struct record_dentry dentry;
	struct key key;

	uint64_t dir = newest(&it, &key, &dentry);
	dentry.version = (struct version){.number = 0};
	record_dentry_encode(&value, &dentry);
	key = key_dentry(dir, slice_of("f\0", 2));
	raw_put(it.store, DB_DENTRY, key, buffer_slice(&value));

	/* No row leads to it. */
	cr_expect(zero(int,
		list_versions_read(it.store, &request, &arena, &page)));
	/* As when an older tarn has been here: all are looked at. */
	raw_put(it.store, DB_META, key_text(SLICE("null-versions")),
		SLICE("x"));
	cr_expect(eq(int, list_versions_read(it.store, &request, &arena, &page),
		STORE_CORRUPT));
	temp_store_reopen(&it.temp);
	it.store = it.temp.store;
	cr_expect(eq(int, list_versions_read(it.store, &request, &arena, &page),
		STORE_CORRUPT));
	raw_delete(it.store, DB_DENTRY, key);
	versions_end(&it);
}

Test(check_versions, a_bucket_that_lost_its_object_lock_gets_it_again)
{
	struct versions it = locks_begin();
	struct inode_lock_rule rule;

	versions_put(&it, "f", "1");
	locks_hold(&it, "f");
	cr_assert(zero(int,
		object_delete(it.store, it.bucket, SLICE("f"), NULL)));
	struct record_versions of = versions_of(&it);
	scoped(buffer_free) struct buffer value = {0};

	of.lock.is_enabled = false;
	record_versions_encode(&value, &of);
	raw_put(it.store, DB_VERSION, key_u64(it.bucket), buffer_slice(&value));
	checks_expect_repair(it.store, CHECK_BUCKET);
	cr_assert(zero(int, lock_get_rule(it.store, it.bucket, &rule)));
	cr_expect(rule.is_enabled);
	cr_expect(locks_stays(&it, "f", versions_nth(&it, 1), "1"));
	versions_end(&it);
}
