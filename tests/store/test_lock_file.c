/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever a mount does, a version that is locked stays what it is. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/file_linger_private.h"
#include "tests/store/checks.h"
#include "tests/store/files.h"
#include "tests/store/locks.h"

static uint64_t
ino_in(struct versions *it, uint64_t dir, const char *name)
{
	struct inode inode;

	cr_assert(zero(int, tree_lookup(it->store, dir, slice_str(name),
				    TREE_FILE, NULL, &inode)));
	return inode.ino;
}

static uint64_t
ino_of(struct versions *it, const char *name)
{
	return ino_in(it, it->bucket, name);
}

/* A commit, with which what was closed is known to be. */
static void
commit_anything(struct versions *it)
{
	versions_put(it, "other", "");
}

static struct inode_lock
lock_of(struct versions *it, const char *key)
{
	return locks_head(it, key, locks_current).inode.lock;
}

static enum store_err
move(struct versions *it, const char *from, const char *to, unsigned flags)
{
	struct inode replaced;

	return tree_rename(it->store, it->bucket, slice_str(from), TREE_FILE,
		it->bucket, slice_str(to), flags, &replaced);
}

static void
by_writing(struct versions *it)
{
	struct file *file = files_open(it->store, ino_of(it, "f"), O_RDWR);
	size_t done;

	cr_assert(zero(int, file_data_write(file, SLICE("X"), 0, &done)));
	cr_expect(zero(int, file_sync(file, false)));
	cr_assert(zero(int, file_data_write(file, SLICE("Y"), 1, &done)));
	files_close(&file, O_RDWR);
	cr_expect(objects_is(it->store, it->bucket, "f", "XY"));
}

static void
by_truncating_at_open(struct versions *it)
{
	struct file *file =
		files_open(it->store, ino_of(it, "f"), O_WRONLY | O_TRUNC);

	files_close(&file, O_WRONLY | O_TRUNC);
	cr_expect(objects_is(it->store, it->bucket, "f", ""));
}

static void
by_resizing(struct versions *it)
{
	struct file *file = files_open(it->store, ino_of(it, "f"), O_WRONLY);

	cr_expect(zero(int, file_data_truncate(file, 1)));
	files_close(&file, O_WRONLY);
	cr_expect(objects_is(it->store, it->bucket, "f", "1"));
}

/* As the kernel does: by the descriptor. */
static void
by_the_descriptor(struct versions *it)
{
	struct file *file = files_open(it->store, ino_of(it, "f"), O_RDWR);

	files_put(file, "ZZ");
	files_close(&file, O_RDWR);
	cr_expect(objects_is(it->store, it->bucket, "f", "ZZ"));
}

static void
by_unlinking(struct versions *it)
{
	struct inode gone;

	cr_expect(zero(int,
		tree_unlink(it->store, it->bucket, SLICE("f"), &gone)));
	cr_expect(objects_is(it->store, it->bucket, "f", NULL));
}

static void
by_renaming(struct versions *it)
{
	cr_expect(zero(int, move(it, "f", "g", 0)));
	cr_expect(objects_is(it->store, it->bucket, "f", NULL));
	cr_expect(objects_is(it->store, it->bucket, "g", "12"));
	cr_expect(zero(int,
		locks_head(it, "g", locks_current).inode.lock.mode));
}

static void
by_renaming_and_writing(struct versions *it)
{
	cr_expect(zero(int, move(it, "f", "g", 0)));
	struct file *file = files_open(it->store, ino_of(it, "g"), O_RDWR);

	files_put(file, "ZZ");
	files_close(&file, O_RDWR);
	cr_expect(objects_is(it->store, it->bucket, "g", "ZZ"));
}

static void
by_renaming_over(struct versions *it)
{
	versions_put(it, "g", "3");
	cr_expect(zero(int, move(it, "g", "f", 0)));
	cr_expect(objects_is(it->store, it->bucket, "f", "3"));
}

static void
by_exchanging(struct versions *it)
{
	versions_put(it, "g", "3");
	cr_expect(zero(int, move(it, "g", "f", TREE_EXCHANGE)));
	cr_expect(objects_is(it->store, it->bucket, "f", "3"));
	cr_expect(objects_is(it->store, it->bucket, "g", "12"));
}

static void
by_leaving_a_whiteout(struct versions *it)
{
	static const struct tree_owner owner = {.mode = S_IFCHR | 0600};
	struct inode replaced;

	cr_expect(zero(int, tree_rename_whiteout(it->store, it->bucket,
				    SLICE("f"), TREE_FILE, it->bucket,
				    SLICE("g"), 0, &owner, &replaced)));
	cr_expect(objects_is(it->store, it->bucket, "g", "12"));
}

static void
by_moving_to_another_bucket(struct versions *it)
{
	uint64_t other = objects_bucket(it->store, "other");
	struct inode replaced;

	cr_expect(zero(int,
		tree_rename(it->store, it->bucket, SLICE("f"), TREE_FILE, other,
			SLICE("f"), 0, &replaced)));
	cr_expect(objects_is(it->store, other, "f", "12"));
	struct file *file =
		files_open(it->store, ino_in(it, other, "f"), O_RDWR);

	files_put(file, "ZZ");
	files_close(&file, O_RDWR);
	cr_expect(objects_is(it->store, other, "f", "ZZ"));
}

static void
by_linking(struct versions *it)
{
	struct inode inode;

	cr_expect(eq(int,
		tree_link(it->store, ino_of(it, "f"), it->bucket, SLICE("g"),
			&inode),
		STORE_LOCKED));
}

static void
by_setting_its_time(struct versions *it)
{
	const struct tree_change change = {.has_mtime = true, .mtime_ns = 5};
	struct inode was, now;

	cr_assert(zero(int,
		tree_inode(it->store, ino_of(it, "f"), NULL, &was)));
	cr_expect(eq(int,
		file_attr_set(it->store, ino_of(it, "f"), &change, &now),
		STORE_LOCKED));
	cr_assert(zero(int,
		tree_inode(it->store, ino_of(it, "f"), NULL, &now)));
	cr_expect(eq(i64, now.mtime_ns, was.mtime_ns));
}

static void
by_setting_attributes(struct versions *it)
{
	const struct slice value = SLICE("x");

	cr_expect(eq(int,
		tree_set_attr(it->store, ino_of(it, "f"), INODE_ATTR_META,
			SLICE("color"), &value, 0),
		STORE_LOCKED));
	cr_expect(eq(int,
		tree_set_attr(it->store, ino_of(it, "f"), INODE_ATTR_XATTR,
			SLICE("user.color"), &value, 0),
		STORE_LOCKED));
}

/* Of the mount's own alone. */
static void
by_changing_its_mode(struct versions *it)
{
	const struct tree_change change = {.has_mode = true,
		.has_uid = true,
		.has_gid = true,
		.mode = 0600};
	struct inode now;

	cr_expect(zero(int,
		file_attr_set(it->store, ino_of(it, "f"), &change, &now)));
	cr_expect(eq(u32, now.mode & 07777, 0600));
}

static void
by_repairing(struct versions *it)
{
	(void)checks_run(it->store, CHECK_REPAIR);
}

static void
by_opening_the_store_anew(struct versions *it)
{
	temp_store_reopen(&it->temp);
	it->store = it->temp.store;
}

static const struct {
	const char *name;
	void (*act)(struct versions *it);
} ways[] = {
#define WAY(way)                                                               \
	{                                                                      \
#way, way                                                      \
	}
	WAY(by_writing),
	WAY(by_truncating_at_open),
	WAY(by_resizing),
	WAY(by_the_descriptor),
	WAY(by_unlinking),
	WAY(by_renaming),
	WAY(by_renaming_and_writing),
	WAY(by_renaming_over),
	WAY(by_exchanging),
	WAY(by_leaving_a_whiteout),
	WAY(by_moving_to_another_bucket),
	WAY(by_linking),
	WAY(by_setting_its_time),
	WAY(by_setting_attributes),
	WAY(by_changing_its_mode),
	WAY(by_repairing),
	WAY(by_opening_the_store_anew),
#undef WAY
};

/* Each way, of what S3 and of what a mount has put, locked by a date and by a
 * hold. */
Test(lock_file, no_way_changes_or_removes_a_locked_version)
{
	for (size_t i = 0; i < 4 * array_len(ways); i++) {
		struct versions it = locks_begin();

		if (i % 2)
			files_make(it.store, it.bucket, "f", "12");
		else
			versions_put(&it, "f", "12");
		commit_anything(&it);
		struct version_ref one =
			i / 2 % 2
				? locks_hold(&it, "f")
				: locks_retain(&it, "f", INODE_LOCK_COMPLIANCE);

		ways[i / 4].act(&it);
		cr_expect(locks_stays(&it, "f", one, "12"), "%s, %zu",
			ways[i / 4].name, i % 4);
		locks_end(&it);
	}
}

/* Of a file that had two names when S3 locked it by one. */
Test(lock_file, no_way_changes_what_had_another_name)
{
	for (size_t i = 0; i < array_len(ways); i++) {
		struct versions it = locks_begin();
		struct inode inode;

		versions_put(&it, "f", "12");
		cr_assert(zero(int, tree_link(it.store, ino_of(&it, "f"),
					    it.bucket, SLICE("h"), &inode)));
		struct version_ref one =
			locks_retain(&it, "f", INODE_LOCK_COMPLIANCE);

		cr_expect(zero(int, lock_of(&it, "h").mode));
		cr_expect(ne(u64, ino_of(&it, "f"), ino_of(&it, "h")));
		ways[i].act(&it);
		cr_expect(locks_stays(&it, "f", one, "12"), "%s", ways[i].name);
		cr_expect(objects_is(it.store, it.bucket, "h", "12"));
		locks_end(&it);
	}
}

Test(lock_file, the_default_is_for_all_names_and_these_are_read_only)
{
	struct versions it = locks_begin();
	struct file *file = files_create(it.store, it.bucket, "f");
	struct file *other;
	struct inode inode;

	locks_set_default(&it, INODE_LOCK_GOVERNANCE, 1);
	files_put(file, "12");
	cr_assert(zero(int, file_flush(file)));
	cr_assert(zero(int, tree_link(it.store, file_ino(file), it.bucket,
				    SLICE("g"), &inode)));
	files_close(&file, O_RDWR);
	commit_anything(&it);
	struct object f = locks_head(&it, "f", locks_current);
	struct object g = locks_head(&it, "g", locks_current);
	struct version_ref of_g = version_ref_of(&g.version);

	cr_expect(eq(int, f.inode.lock.mode, INODE_LOCK_GOVERNANCE));
	cr_expect(eq(int, file_open(it.store, g.inode.ino, O_RDWR, &other),
		STORE_LOCKED));
	cr_expect(eq(int,
		file_open(it.store, g.inode.ino, O_WRONLY | O_TRUNC, &other),
		STORE_LOCKED));
	cr_expect(zero(int,
		locks_drop(&it, "f", version_ref_of(&f.version), true)));
	cr_expect(locks_stays(&it, "g", of_g, "12"));
	cr_expect(zero(int,
		tree_unlink(it.store, it.bucket, SLICE("g"), &inode)));
	cr_expect(locks_stays(&it, "g", of_g, "12"));
	locks_end(&it);
}

Test(lock_file, what_is_being_written_is_not_locked_yet)
{
	struct versions it = locks_begin();
	struct file *file = files_create(it.store, it.bucket, "f");

	files_put(file, "1");
	cr_assert(zero(int, file_sync(file, false)));
	cr_expect(eq(int,
		lock_set_hold(it.store, it.bucket, SLICE("f"), &locks_current,
			true),
		STORE_BUSY));
	cr_expect(eq(int,
		lock_set_retention(it.store, it.bucket, SLICE("f"),
			&locks_current, INODE_LOCK_GOVERNANCE, locks_in_days(1),
			false),
		STORE_BUSY));
	files_close(&file, O_RDWR);
	commit_anything(&it);
	cr_expect(locks_stays(&it, "f", locks_hold(&it, "f"), "1"));
	locks_end(&it);
}

Test(lock_file, the_default_begins_when_nobody_writes_any_more)
{
	struct versions it = locks_begin();

	locks_set_default(&it, INODE_LOCK_GOVERNANCE, 1);
	struct file *file = files_create(it.store, it.bucket, "f");

	files_put(file, "1");
	cr_assert(zero(int, file_sync(file, false)));
	commit_anything(&it);
	cr_expect(zero(int, lock_of(&it, "f").mode));
	files_put(file, "2");
	files_close(&file, O_RDWR);
	commit_anything(&it);
	cr_expect(eq(int, lock_of(&it, "f").mode, INODE_LOCK_GOVERNANCE));
	cr_expect(locks_stays(&it, "f", versions_nth(&it, 0), "2"));
	locks_end(&it);
}

/* As the kernel closes; nothing else happens then. */
Test(lock_file, the_default_waits_for_nobody_else_s_change)
{
	struct versions it = locks_begin();

	locks_set_default(&it, INODE_LOCK_GOVERNANCE, 1);
	struct file *file = files_create(it.store, it.bucket, "f");

	files_put(file, "1");
	cr_assert(zero(int, file_flush(file)));
	cr_expect(zero(int, lock_of(&it, "f").mode));
	files_close(&file, O_RDWR);
	cr_expect(eq(int, lock_of(&it, "f").mode, INODE_LOCK_GOVERNANCE));
	cr_expect(locks_stays(&it, "f", versions_nth(&it, 0), "1"));
	locks_end(&it);
}

Test(lock_file, the_default_waits_for_who_may_have_a_map)
{
	struct versions it = locks_begin();

	locks_set_default(&it, INODE_LOCK_GOVERNANCE, 1);
	struct file *file = files_create(it.store, it.bucket, "f");

	file_let_linger(file);
	files_put(file, "1");
	cr_assert(zero(int, file_flush(file)));
	files_close(&file, O_RDWR);
	commit_anything(&it);
	cr_expect(zero(int, lock_of(&it, "f").mode));
	/* Two seconds. */
	for (int i = 0; i < 3; i++)
		file_linger_run(it.store);
	cr_expect(eq(int, lock_of(&it, "f").mode, INODE_LOCK_GOVERNANCE));
	locks_end(&it);
}

static void
wait_for_lingers(struct versions *it)
{
	for (int i = 0; i < 3; i++)
		file_linger_run(it->store);
}

/* "f" was published and closed, and then replaced from another mount. */
static void
replace_at_open(struct versions *it)
{
	struct file *file =
		files_open(it->store, ino_of(it, "f"), O_WRONLY | O_TRUNC);

	files_put(file, "22");
	files_close(&file, O_WRONLY | O_TRUNC);
}

static void
replace_over_rewriting(struct versions *it)
{
	struct file *file =
		files_open(it->store, ino_of(it, "f"), O_WRONLY | O_TRUNC);

	versions_put(it, "f", "22");
	files_close(&file, O_WRONLY | O_TRUNC);
}

static const struct {
	const char *name;
	void (*run)(struct versions *it);
} replacements[] = {
	{"opening", replace_at_open},
	{"putting", replace_over_rewriting},
};

/* The descriptor is what the other mount's kernel has of a map, or of a
 * duplicate. */
Test(lock_file, the_default_waits_for_who_writes_to_what_was_replaced)
{
	for (size_t i = 0; i < array_len(replacements); i++) {
		struct versions it = locks_begin();

		locks_set_default(&it, INODE_LOCK_COMPLIANCE, 1);
		struct file *file = files_create(it.store, it.bucket, "f");
		files_put(file, "1");
		cr_assert(zero(int, file_flush(file)));
		int fd = dup(file_fd(file));
		file_let_linger(file);
		files_close(&file, O_RDWR);

		replacements[i].run(&it);
		struct version_ref old = versions_nth(&it, 1);
		wait_for_lingers(&it);
		cr_expect(zero(int, locks_head(&it, "f", old).inode.lock.mode),
			"%s", replacements[i].name);
		cr_assert(eq(sz, pwrite(fd, "333", 3, 0), 3));
		close(fd);
		wait_for_lingers(&it);

		cr_expect(locks_stays(&it, "f", old, "333"), "%s",
			replacements[i].name);
		cr_expect(locks_stays(&it, "f", versions_nth(&it, 0), "22"),
			"%s", replacements[i].name);
		locks_end(&it);
	}
}

Test(lock_file, the_default_is_that_of_each_version)
{
	struct versions it = locks_begin();

	files_make(it.store, it.bucket, "f", "0");
	commit_anything(&it);
	locks_set_default(&it, INODE_LOCK_COMPLIANCE, 1);
	by_the_descriptor(&it);
	commit_anything(&it);
	cr_expect(versions_lists_below(&it, "f", "", "f=ZZ* f=0"));
	cr_expect(locks_stays(&it, "f", versions_nth(&it, 0), "ZZ"));
	cr_expect(zero(int, locks_drop(&it, "f", versions_nth(&it, 1), false)));
	locks_end(&it);
}

/* As editors and rsync do. */
Test(lock_file, what_is_renamed_as_soon_as_it_is_closed_leaves_nothing)
{
	struct versions it = locks_begin();

	locks_set_default(&it, INODE_LOCK_COMPLIANCE, 1);
	struct file *file = files_create(it.store, it.bucket, "new");

	files_put(file, "2");
	cr_assert(zero(int, file_flush(file)));
	cr_assert(zero(int, move(&it, "new", "f", 0)));
	files_close(&file, O_RDWR);
	commit_anything(&it);
	cr_expect(versions_lists_below(&it, "new", "", ""));
	cr_expect(locks_stays(&it, "f", versions_nth(&it, 0), "2"));
	locks_end(&it);
}

Test(lock_file, what_is_renamed_later_stays_and_is_locked_twice)
{
	struct versions it = locks_begin();

	locks_set_default(&it, INODE_LOCK_COMPLIANCE, 1);
	files_make(it.store, it.bucket, "new", "2");
	commit_anything(&it);
	cr_assert(zero(int, move(&it, "new", "f", 0)));
	cr_expect(versions_lists_below(&it, "new", "", "new=-* new=2"));
	cr_expect(locks_stays(&it, "f", versions_nth(&it, 0), "2"));
	cr_expect(locks_stays(&it, "new", versions_nth(&it, 2), "2"));
	locks_end(&it);
}

Test(lock_file, a_rename_that_would_keep_more_than_the_quota_is_not_made)
{
	struct versions it = locks_begin();
	const struct usage_quota quota = {.bytes = 3, .objects = 100};

	locks_set_default(&it, INODE_LOCK_COMPLIANCE, 1);
	versions_put(&it, "f", "12");
	cr_assert(zero(int,
		usage_set_bucket_quota(it.store, it.bucket, &quota)));

	cr_expect(eq(int, move(&it, "f", "g", 0), STORE_QUOTA));

	cr_expect(versions_lists(&it, "f=12*"));
	locks_end(&it);
}

Test(lock_file, what_a_dead_process_wrote_gets_the_default)
{
	struct versions it = locks_begin();

	locks_set_default(&it, INODE_LOCK_COMPLIANCE, 1);
	struct file *file = files_create(it.store, it.bucket, "f");

	files_put(file, "1");
	cr_assert(zero(int, file_sync(file, false)));
	cr_expect(zero(int, lock_of(&it, "f").mode));
	files_close(&file, O_RDWR);
	/* Its row is in the table yet. */
	by_opening_the_store_anew(&it);
	cr_expect(eq(int, lock_of(&it, "f").mode, INODE_LOCK_COMPLIANCE));
	locks_end(&it);
}

Test(lock_file, times_set_while_it_is_rewritten_are_the_new_version_s)
{
	struct versions it = locks_begin();
	const struct tree_change change = {
		.has_mtime = true, .mtime_ns = 5 * CLOCK_NS_PER_S};
	struct inode now;

	versions_put(&it, "f", "12");
	struct version_ref one = locks_retain(&it, "f", INODE_LOCK_COMPLIANCE);
	int64_t was_ns = locks_head(&it, "f", one).inode.mtime_ns;
	struct file *file = files_open(it.store, ino_of(&it, "f"), O_RDWR);

	files_put(file, "3");
	cr_expect(zero(int,
		file_attr_set(it.store, file_ino(file), &change, &now)));
	cr_expect(eq(i64, now.mtime_ns, change.mtime_ns));
	files_close(&file, O_RDWR);
	cr_expect(eq(i64, locks_head(&it, "f", one).inode.mtime_ns, was_ns));
	cr_expect(eq(i64, locks_head(&it, "f", locks_current).inode.mtime_ns,
		change.mtime_ns));
	cr_expect(locks_stays(&it, "f", one, "12"));
	locks_end(&it);
}

static enum store_err
move_dir(struct versions *it, const char *from, const char *to, unsigned flags)
{
	struct inode replaced;

	return tree_rename(it->store, it->bucket, slice_str(from), TREE_DIR,
		it->bucket, slice_str(to), flags, &replaced);
}

Test(lock_file, directories_with_something_in_them_stay_where_they_are)
{
	struct versions it = locks_begin();
	struct tree_owner owner = {.mode = S_IFDIR | 0755};
	struct inode inode;

	versions_put(&it, "d/f", "1");
	cr_assert(zero(int,
		tree_mkdir(it.store, it.bucket, SLICE("e"), &owner, &inode)));
	cr_expect(eq(int, move_dir(&it, "d", "x", 0), STORE_CROSS_BUCKET));
	cr_expect(eq(int, move_dir(&it, "e", "d", TREE_EXCHANGE),
		STORE_CROSS_BUCKET));
	cr_expect(zero(int, move_dir(&it, "e", "x", 0)));
	locks_retain(&it, "x/", INODE_LOCK_GOVERNANCE);
	cr_expect(eq(int, move_dir(&it, "x", "y", 0), STORE_CROSS_BUCKET));
	cr_expect(versions_lists(&it, "d/f=1* x/=*"));
	locks_end(&it);
}

Test(lock_file, a_locked_directory_that_is_removed_stays_a_version)
{
	struct versions it = locks_begin();

	versions_put(&it, "d/", "");
	locks_retain(&it, "d/", INODE_LOCK_GOVERNANCE);
	cr_expect(zero(int, tree_rmdir(it.store, it.bucket, SLICE("d"))));
	cr_expect(versions_lists(&it, "d/=-* d/="));
	cr_expect(eq(int, locks_drop(&it, "d/", versions_nth(&it, 1), false),
		STORE_LOCKED));
	cr_expect(zero(int, locks_drop(&it, "d/", versions_nth(&it, 1), true)));
	locks_end(&it);
}

/* The directory at the end of a path that is too long for a key. */
static uint64_t
make_deep(struct versions *it)
{
	const struct tree_owner owner = {S_IFDIR | 0755, 1, 2};
	uint64_t dir = it->bucket;
	char name[200];

	memset(name, 'd', sizeof(name));
	for (int i = 0; i < 6; i++) {
		struct inode made;

		cr_assert(zero(int,
			tree_mkdir(it->store, dir, slice_of(name, sizeof(name)),
				&owner, &made)));
		dir = made.ino;
	}
	return dir;
}

static void
unlink_deep(struct versions *it, uint64_t dir)
{
	struct inode gone;

	cr_expect(zero(int, tree_unlink(it->store, dir, SLICE("n"), &gone)));
}

static void
move_deep(struct versions *it, uint64_t dir)
{
	struct inode gone;

	cr_expect(zero(int, tree_rename(it->store, dir, SLICE("n"), TREE_FILE,
				    it->bucket, SLICE("back"), 0, &gone)));
	commit_anything(it);
	cr_expect(locks_stays(it, "back", locks_hold(it, "back"), "1"));
}

static void
move_over_deep(struct versions *it, uint64_t dir)
{
	struct inode gone;

	files_make(it->store, dir, "m", "2");
	cr_expect(zero(int, tree_rename(it->store, dir, SLICE("m"), TREE_FILE,
				    dir, SLICE("n"), 0, &gone)));
}

static void (*const deep_changes[])(struct versions *it, uint64_t dir) = {
	unlink_deep, move_deep, move_over_deep};

Test(lock_file, what_is_left_where_s3_has_no_key_is_nobody_s_version)
{
	for (size_t i = 0; i < array_len(deep_changes); i++) {
		struct versions it = locks_begin();
		uint64_t dir = make_deep(&it);
		struct inode inode, gone;

		locks_set_default(&it, INODE_LOCK_COMPLIANCE, 1);
		struct file *file = files_create(it.store, dir, "n");
		files_put(file, "1");
		cr_assert(zero(int, tree_link(it.store, file_ino(file),
					    it.bucket, SLICE("f"), &inode)));
		files_close(&file, O_RDWR);
		commit_anything(&it);
		cr_expect(eq(int, lock_of(&it, "f").mode,
			INODE_LOCK_COMPLIANCE));
		cr_assert(zero(int,
			tree_unlink(it.store, it.bucket, SLICE("f"), &gone)));

		deep_changes[i](&it, dir);

		cr_expect(versions_lists_below(&it, "f", "", "f=-* f=1"));
		locks_end(&it);
	}
}
