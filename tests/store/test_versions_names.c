/* SPDX-License-Identifier: Apache-2.0 */
/* Versions of what has several names, or another one by now. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <fcntl.h>

#include "store/file.h"
#include "tests/store/versions.h"

static uint64_t
ino_of(struct versions *it, const char *name, enum tree_want want)
{
	struct inode inode;

	cr_assert(zero(int, tree_lookup(it->store, it->bucket, slice_str(name),
				    want, NULL, &inode)));
	return inode.ino;
}

static void
set(struct versions *it, enum versioning versioning)
{
	cr_assert(zero(int, versioning_set(it->store, it->bucket, versioning)));
}

static void
link_name(struct versions *it, const char *name, const char *new_name)
{
	struct inode linked;

	cr_assert(zero(int, tree_link(it->store, ino_of(it, name, TREE_FILE),
				    it->bucket, slice_str(new_name), &linked)));
}

static void
unlink_below(struct versions *it, uint64_t dir, const char *name)
{
	struct inode gone;

	cr_assert(zero(int,
		tree_unlink(it->store, dir, slice_str(name), &gone)));
	file_attr_note(it->store, &gone);
}

static void
rename_dir(struct versions *it, const char *name, const char *new_name)
{
	struct inode replaced;

	cr_assert(zero(int,
		tree_rename(it->store, it->bucket, slice_str(name), TREE_DIR,
			it->bucket, slice_str(new_name), 0, &replaced)));
}

static void
delete_key(struct versions *it, const char *key)
{
	cr_assert(zero(int,
		object_delete(it->store, it->bucket, slice_str(key), NULL)));
}

static struct file *
open_file(struct versions *it, const char *name)
{
	struct file *file;

	cr_assert(zero(int, file_open(it->store, ino_of(it, name, TREE_FILE),
				    O_RDWR, &file)));
	return file;
}

static void
write_all(struct file *file, const char *text)
{
	size_t done;

	cr_assert(zero(int, file_data_write(file, slice_str(text), 0, &done)));
	cr_assert(eq(sz, done, strlen(text)));
}

Test(versions_names, null_ones_that_meet_by_a_rename_of_their_directory_stay)
{
	struct versions it = versions_begin(VERSIONING_NEVER);

	versions_put(&it, "d/x", "moved");
	versions_put(&it, "e/x", "old");
	set(&it, VERSIONING_ENABLED);
	delete_key(&it, "e/x");
	rename_dir(&it, "d", "e");
	versions_put(&it, "e/x", "new");

	cr_expect(versions_lists(&it, "e/x=new* e/x=moved e/x=- e/x=old0"));
	versions_end(&it);
}

Test(versions_names, of_dir_that_the_mount_makes_an_object_again_stay)
{
	struct versions it = versions_begin(VERSIONING_ENABLED);

	versions_put(&it, "d/", "1");
	versions_put(&it, "d/f", "2");
	delete_key(&it, "d/");
	unlink_below(&it, ino_of(&it, "d", TREE_DIR), "f");
	delete_key(&it, "d/");

	cr_expect(versions_lists(&it, "d/=-* d/= d/=- d/=1 d/f=-* d/f=2"));
	versions_end(&it);
}

Test(versions_names, one_that_goes_while_its_file_is_written_to_loses_nothing)
{
	struct versions it = versions_begin(VERSIONING_ENABLED);

	versions_put(&it, "a", "1");
	set(&it, VERSIONING_SUSPENDED);
	link_name(&it, "a", "b");
	struct file *writer = open_file(&it, "b");

	write_all(writer, "2");
	unlink_below(&it, it.bucket, "b");
	cr_assert(zero(int, file_close(&writer, O_RDWR)));

	cr_expect(versions_lists(&it, "a=2*0 a=1 b=-*0"));
	versions_end(&it);
}

Test(versions_names, one_that_goes_has_no_version_that_is_still_written_to)
{
	struct versions it = versions_begin(VERSIONING_ENABLED);

	versions_put(&it, "a", "1");
	link_name(&it, "a", "b");
	struct file *writer = open_file(&it, "a");

	write_all(writer, "2");
	cr_assert(zero(int, file_sync(writer, false)));
	unlink_below(&it, it.bucket, "b");
	write_all(writer, "3");
	cr_assert(zero(int, file_close(&writer, O_RDWR)));

	cr_expect(versions_lists(&it, "a=3* b=-* b=1"));
	versions_end(&it);
}

/* A file below so many directories that S3 can have no key of it. */
static uint64_t
make_deep(struct versions *it)
{
	const struct tree_owner owner = {.mode = 0755};
	uint64_t dir = it->bucket;
	char name[201];

	memset(name, 'd', 200);
	name[200] = 0;
	for (int i = 0; i < 8; i++) {
		struct inode made;

		cr_assert(zero(int, tree_mkdir(it->store, dir, slice_str(name),
					    &owner, &made)));
		dir = made.ino;
	}
	return dir;
}

static void
create_below(struct versions *it, uint64_t dir, const char *name)
{
	const struct tree_owner owner = {.mode = 0644};
	struct inode inode;
	struct file *file;

	cr_assert(zero(int, file_create(it->store, dir, slice_str(name), &owner,
				    &inode, &file)));
	write_all(file, "1");
	cr_assert(zero(int, file_close(&file, O_RDWR)));
}

Test(versions_names, that_are_no_keys_can_be_used)
{
	static const char *const names[] = {"f", "\xff"};

	for (size_t i = 0; i < 2 * array_len(names); i++) {
		bool is_older = i >= array_len(names);
		const char *name = names[i % array_len(names)];
		struct versions it =
			versions_begin(is_older ? VERSIONING_NEVER
						: VERSIONING_ENABLED);
		uint64_t dir = name == names[0] ? make_deep(&it) : it.bucket;
		struct inode inode;
		struct file *file;

		create_below(&it, dir, name);
		cr_assert(zero(int, versioning_set(it.store, it.bucket,
					    VERSIONING_ENABLED)));
		cr_assert(zero(int, tree_lookup(it.store, dir, slice_str(name),
					    TREE_FILE, NULL, &inode)));
		cr_assert(zero(int,
			file_open(it.store, inode.ino, O_RDWR, &file)));
		write_all(file, "2");
		cr_assert(zero(int, file_close(&file, O_RDWR)));
		create_below(&it, dir, "g");
		cr_assert(zero(int,
			tree_rename(it.store, dir, SLICE("g"), TREE_FILE, dir,
				slice_str(name), 0, &inode)));
		unlink_below(&it, dir, name);
		versions_end(&it);
	}
}
