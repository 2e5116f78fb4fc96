/* SPDX-License-Identifier: Apache-2.0 */
/* Versions of what has several names, or another one by now. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <fcntl.h>

#include "store/file.h"
#include "tests/store/versions.h"

static void
set(struct versions *it, enum versioning versioning)
{
	cr_assert(zero(int, versioning_set(it->store, it->bucket, versioning)));
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
