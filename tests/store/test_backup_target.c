/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/store/backups.h"
#include "tests/store/objects.h"
#include "tests/support/temp_store.h"

Test(backup_target, refuses_to_write_over_anything)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	const struct backups_place place = backups_place_in(&temp, "backups");
	struct backup_options options = {.to = temp.path};
	struct restore_options back = {.from = place.to, .to = temp.path};
	struct backup_result made;
	struct restore_result result;

	/* A store is no place for backups. */
	cr_expect(eq(int, backup_make(temp.store, &options, &made),
		STORE_INVALID));
	options.to = temp.dir;
	cr_expect(eq(int, backup_make(temp.store, &options, &made),
		STORE_NOT_EMPTY));
	options.to = place.to;
	options.since = 99;
	cr_expect(eq(int, backup_make(temp.store, &options, &made),
		STORE_NOT_FOUND));
	cr_expect(eq(int, backup_restore(&back, &result), STORE_NOT_FOUND));
	backups_make(temp.store, place.to, 0);
	cr_expect(eq(int, backup_restore(&back, &result), STORE_EXISTS));
	back.to = temp.dir;
	cr_expect(eq(int, backup_restore(&back, &result), STORE_NOT_EMPTY));
	back.commit = 99;
	back.to = place.restored;
	cr_expect(eq(int, backup_restore(&back, &result), STORE_NOT_FOUND));
}

Test(backup_target, the_backups_of_two_stores_do_not_mix)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	scoped(temp_store_close) struct temp_store other = temp_store_open();
	const struct backups_place place = backups_place_in(&temp, "backups");
	const struct backup_options options = {.to = place.to};
	struct backup_result result;

	objects_bucket(temp.store, "bucket");
	backups_make(temp.store, place.to, 0);
	objects_bucket(other.store, "bucket");
	cr_expect(eq(int, backup_make(other.store, &options, &result),
		STORE_BAD_KEY));
	objects_bucket(temp.store, "another");
	backups_make(temp.store, place.to, 0);
}

/* What the file `backup` says of the year is made another one. */
static void
set_taken(const struct backups_place *place, uint64_t commit, char millennium)
{
	char text[512] = "";
	char path[200];

	snprintf(path, sizeof(path), "%s/%llu/backup", place->to,
		(unsigned long long)commit);
	int fd = open(path, O_RDWR | O_CLOEXEC);
	cr_assert(gt(i64, pread(fd, text, sizeof(text) - 1, 0), 0));
	char *at = strstr(text, "\ntaken 2");
	cr_assert(ne(ptr, at, NULL));
	cr_assert(zero(int,
		io_pwrite_all(fd, &millennium, 1, (uint64_t)(at - text) + 7)));
	close(fd);
}

Test(backup_target, the_newest_is_the_one_that_was_made_last)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	const struct backups_place place = backups_place_in(&temp, "backups");

	objects_bucket(temp.store, "first");
	uint64_t first = backups_make(temp.store, place.to, 0).commit;
	objects_bucket(temp.store, "second");
	uint64_t second = backups_make(temp.store, place.to, first).commit;
	/* The clock was set back between them. */
	set_taken(&place, second, '1');

	cr_expect(eq(u64, backups_restore(&place, 0).commit, second));
}
