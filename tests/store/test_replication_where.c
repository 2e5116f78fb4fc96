/* SPDX-License-Identifier: Apache-2.0 */
/* Where what waits has gone meanwhile: replication_private.h, invariant 5. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "store/replication_private.h"
#include "tests/store/checks.h"
#include "tests/store/files.h"
#include "tests/store/raw.h"
#include "tests/store/replicas.h"

static uint64_t
find_ino(struct replicas *it, uint64_t parent, const char *name,
	enum tree_want want)
{
	struct inode inode;

	cr_assert(zero(int, tree_lookup(it->store, parent, slice_str(name),
				    want, NULL, &inode)));
	return inode.ino;
}

static void
rename_dir(struct replicas *it, uint64_t parent, const char *from,
	const char *to)
{
	struct inode gone;

	cr_assert(zero(int,
		tree_rename(it->store, parent, slice_str(from), TREE_DIR,
			parent, slice_str(to), 0, &gone)));
}

static void
rename_top(struct replicas *it, const char *from, const char *to)
{
	rename_dir(it, it->from.bucket, from, to);
}

/* The same row as a tarn from before rows name directories has it. */
static void
make_old(struct replicas *it, const char *key)
{
	scoped(arena_free) struct arena arena = {0};
	scoped(buffer_free) struct buffer old = {0};
	scoped(db_abort) struct db_txn *txn = NULL;
	uint64_t number = replicas_head(&it->from, key, &arena).version.number;
	struct key row_key = key_u64_u64(it->from.bucket, number);
	struct slice value;

	cr_assert(zero(int, db_begin_read(it->store->db, &txn)));
	cr_assert(zero(int,
		db_get(txn, DB_REPLICATION, key_slice(&row_key), &value)));
	/* Version, tries, whether it failed, when: then the directory. */
	buffer_append_char(&old, 1);
	buffer_append(&old, slice_of(value.data + 1, 10));
	buffer_append(&old, slice_from(value, 19));
	db_abort(&txn);
	raw_put(it->store, DB_REPLICATION, row_key, buffer_slice(&old));
}

Test(replication_where, what_waits_in_a_renamed_directory_is_replicated)
{
	struct replicas it = replicas_begin();

	versions_put(&it.from, "d/c/a", "1");
	versions_put(&it.from, "d/", "2");
	rename_top(&it, "d", "e");
	cr_expect(eq(u64, replicas_run(&it).left, 0));

	cr_expect(versions_lists(&it.to, "e/=2* e/c/a=1*"));
	cr_expect(eq(int, replicas_status(&it.from, "e/c/a"),
		REPLICATION_COMPLETED));
	cr_expect(replicas_count(&it, 0, 0));
	replicas_end(&it);
}

Test(replication_where, a_directory_may_be_renamed_again_and_below)
{
	struct replicas it = replicas_begin();

	versions_put(&it.from, "d/c/a", "1");
	uint64_t d = find_ino(&it, it.from.bucket, "d", TREE_DIR);
	rename_dir(&it, d, "c", "longer");
	rename_top(&it, "d", "e");
	rename_top(&it, "e", "f");
	(void)replicas_run(&it);

	cr_expect(versions_lists(&it.to, "f/longer/a=1*"));
	replicas_end(&it);
}

/* Components that go through chunk nodes. */
Test(replication_where, a_long_name_is_found)
{
	struct replicas it = replicas_begin();
	char key[700] = "d/";

	memset(key + 2, 'x', sizeof(key) - 3);
	versions_put(&it.from, key, "1");
	rename_top(&it, "d", "e");
	(void)replicas_run(&it);

	key[0] = 'e';
	cr_expect(eq(int, replicas_status(&it.from, key),
		REPLICATION_COMPLETED));
	cr_expect(eq(int, replicas_status(&it.to, key), REPLICATION_REPLICA));
	replicas_end(&it);
}

Test(replication_where, what_is_an_older_version_by_then_is_found)
{
	struct replicas it = replicas_begin();

	versions_put(&it.from, "d/a", "1");
	rename_top(&it, "d", "e");
	versions_put(&it.from, "e/a", "2");
	rename_top(&it, "e", "f");
	(void)replicas_run(&it);

	/* Older versions keep the key that they were replaced under. */
	cr_expect(versions_lists(&it.to, "e/a=1* f/a=2*"));
	cr_expect(replicas_count(&it, 0, 0));
	replicas_end(&it);
}

Test(replication_where, what_a_mount_has_rewritten_is_found)
{
	struct replicas it = replicas_begin();
	scoped(arena_free) struct arena arena = {0};

	versions_put(&it.from, "d/a", "1");
	rename_top(&it, "d", "e");
	uint64_t ino = replicas_head(&it.from, "e/a", &arena).inode.ino;
	struct file *file = files_open(it.store, ino, O_RDWR | O_TRUNC);
	files_put(file, "2");
	files_close(&file, O_RDWR);
	rename_top(&it, "e", "f");
	(void)replicas_run(&it);

	cr_expect(versions_lists(&it.to, "e/a=1* f/a=2*"));
	replicas_end(&it);
}

Test(replication_where, what_is_the_current_version_again_is_found)
{
	struct replicas it = replicas_begin();

	versions_put(&it.from, "d/a", "1");
	cr_assert(zero(int,
		object_delete(it.store, it.from.bucket, SLICE("d/a"), NULL)));
	versions_put(&it.from, "d/b", "2");
	versions_drop_nth(&it.from, "d/a", 0);
	rename_top(&it, "d", "e");
	(void)replicas_run(&it);

	cr_expect(versions_lists(&it.to, "e/a=1* e/b=2*"));
	cr_expect(replicas_count(&it, 0, 0));
	replicas_end(&it);
}

Test(replication_where, each_name_of_a_file_is_found_by_itself)
{
	struct replicas it = replicas_begin();
	struct inode inode;

	versions_put(&it.from, "d/a", "1");
	versions_put(&it.from, "f/x", "2");
	uint64_t d = find_ino(&it, it.from.bucket, "d", TREE_DIR);
	uint64_t f = find_ino(&it, it.from.bucket, "f", TREE_DIR);
	cr_assert(zero(int,
		tree_link(it.store, find_ino(&it, d, "a", TREE_FILE), f,
			SLICE("b"), &inode)));
	rename_top(&it, "d", "e");
	rename_top(&it, "f", "g");
	(void)replicas_run(&it);

	cr_expect(versions_lists(&it.to, "e/a=1* g/b=1* g/x=2*"));
	cr_expect(eq(int, replicas_status(&it.from, "e/a"),
		REPLICATION_COMPLETED));
	cr_expect(eq(int, replicas_status(&it.from, "g/b"),
		REPLICATION_COMPLETED));
	replicas_end(&it);
}

/* What has the name now is another version. */
Test(replication_where, a_file_that_is_renamed_with_its_directory_is_another)
{
	struct replicas it = replicas_begin();
	struct inode gone;

	versions_put(&it.from, "d/a", "1");
	uint64_t d = find_ino(&it, it.from.bucket, "d", TREE_DIR);
	cr_assert(zero(int, tree_rename(it.store, d, SLICE("a"), TREE_FILE, d,
				    SLICE("b"), 0, &gone)));
	rename_top(&it, "d", "e");
	(void)replicas_run(&it);

	cr_expect(versions_lists(&it.to, "e/b=1*"));
	cr_expect(replicas_count(&it, 0, 0));
	replicas_end(&it);
}

Test(replication_where, a_rule_is_for_the_key_of_now)
{
	struct replicas it = replicas_begin_unset();
	struct replication_rule rule = replicas_rule(&it.to, "replicas");

	rule.prefix = SLICE("d/");
	replicas_put_rules(&it, &rule, 1);
	versions_put(&it.from, "d/a", "1");
	rename_top(&it, "d", "e");
	cr_expect(eq(u64, replicas_run(&it).failed, 1));

	cr_expect(versions_lists(&it.to, ""));
	cr_expect(eq(int, replicas_status(&it.from, "e/a"),
		REPLICATION_FAILED));
	cr_expect(replicas_count(&it, 0, 1));
	replicas_end(&it);
}

Test(replication_where, what_s3_has_no_key_of_any_more_is_dropped)
{
	struct replicas it = replicas_begin();
	char name[256] = "";
	char key[1024] = "d/";

	memset(key + 2, 'x', 900);
	memset(name, 'n', 200);
	versions_put(&it.from, key, "1");
	rename_top(&it, "d", name);
	cr_expect(eq(u64, replicas_run(&it).left, 0));

	cr_expect(versions_lists(&it.to, ""));
	cr_expect(replicas_count(&it, 0, 0));
	replicas_end(&it);
}

Test(replication_where, a_row_from_before_goes_by_its_key)
{
	struct replicas it = replicas_begin();

	versions_put(&it.from, "a", "1");
	versions_put(&it.from, "d/a", "2");
	make_old(&it, "a");
	make_old(&it, "d/a");
	cr_expect(zero(u64, objects_findings(it.store)));
	rename_top(&it, "d", "e");
	(void)replicas_run(&it);
	cr_expect(versions_lists(&it.to, "a=1*"));
	cr_expect(eq(int, replicas_status(&it.from, "e/a"),
		REPLICATION_PENDING));
	cr_expect(replicas_count(&it, 0, 0));

	/* Nobody knows where that was to go: by the rules of then. */
	replicas_tag(&it.from, "e/a", "v");
	(void)replicas_run(&it);
	cr_expect(replicas_has_tag(&it.to, "e/a", "v"));
	replicas_end(&it);
}
