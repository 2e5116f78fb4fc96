/* SPDX-License-Identifier: Apache-2.0 */
/* Two backups of a store at a time. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

#include "store/backup.h"
#include "tests/store/backups.h"
#include "tests/store/objects.h"
#include "tests/support/other_process.h"
#include "tests/support/temp_store.h"

/* For the other process, which is forked. */
static char other_place[160];

static uint64_t
bucket_of(struct store *store)
{
	struct bucket bucket;

	cr_assert(zero(int, bucket_get(store, SLICE("bucket"), &bucket)));
	return bucket.ino;
}

static void
expect_restored(const struct backups_place *place, const char *key,
	const char *text)
{
	struct restore_result result = backups_restore(place, 0);

	cr_expect(zero(u64, result.missing));
	struct store *store = temp_store_open_at(place->restored, false);
	cr_expect(objects_is(store, bucket_of(store), key, text));
	store_close(&store);
}

/* What happens once while a backup goes on, before it copies any data. */
struct meanwhile {
	struct store *store;
	const struct backups_place *place;
	struct other_process *process;
	bool is_over;
};

static bool
tries_another(void *context)
{
	struct meanwhile *meanwhile = context;
	const struct backup_options options = {.to = meanwhile->place->to};
	struct backup_result result;

	meanwhile->is_over = true;
	cr_expect(eq(int, backup_make(meanwhile->store, &options, &result),
		STORE_BUSY));
	return true;
}

Test(backup_pair, of_two_to_one_directory_the_second_is_refused)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	const struct backups_place place = backups_place_in(&temp, "backups");
	struct meanwhile meanwhile = {.store = temp.store, .place = &place};
	const struct backup_options options = {
		.to = place.to,
		.goes_on = tries_another,
		.context = &meanwhile,
	};
	struct backup_result result;
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	cr_assert(zero(int, objects_put(temp.store, bucket, "k", "text")));

	cr_expect(zero(int, backup_make(temp.store, &options, &result)));

	cr_expect(meanwhile.is_over);
	cr_expect(zero(u64, result.missing));
	expect_restored(&place, "k", "text");
}

static void
backs_up(struct store *store, struct other_process *self)
{
	const struct backup_options options = {.to = other_place};
	struct backup_result result;

	objects_bucket(store, "bucket");
	other_process_tell(self, 0);
	other_process_pause(self);
	other_process_tell(self,
		(uint64_t)backup_make(store, &options, &result));
}

/* The other one ends, what only ours still names is deleted, and whatever may
 * be reclaimed is. */
static bool
other_ends(void *context)
{
	struct meanwhile *meanwhile = context;
	struct store *store = meanwhile->store;

	if (meanwhile->is_over)
		return true;
	meanwhile->is_over = true;
	other_process_resume(meanwhile->process);
	cr_expect(zero(u64, other_process_hear(meanwhile->process)));
	cr_assert(zero(int,
		object_delete(store, bucket_of(store), SLICE("k"), NULL)));
	cr_expect(eq(u64, objects_files_left(store), 1));
	return true;
}

Test(backup_pair, the_end_of_one_takes_nothing_from_the_other)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_create();
	const struct backups_place ours = backups_place_in(&temp, "ours");
	const struct backups_place other = backups_place_in(&temp, "other");
	(void)snprintf(other_place, sizeof(other_place), "%s", other.to);
	struct other_process process = other_process_start(temp.path, backs_up);
	other_process_hear(&process);
	temp_store_reopen(&temp);
	struct meanwhile meanwhile = {.store = temp.store, .process = &process};
	const struct backup_options options = {
		.to = ours.to,
		.goes_on = other_ends,
		.context = &meanwhile,
	};
	struct backup_result result;
	static char text[300000];

	memset(text, 'k', sizeof(text) - 1);
	cr_assert(zero(int,
		objects_put(temp.store, bucket_of(temp.store), "k", text)));

	cr_expect(zero(int, backup_make(temp.store, &options, &result)));

	cr_expect(meanwhile.is_over);
	cr_expect(zero(u64, result.missing));
	other_process_kill(&process);
	cr_expect(eq(u64, objects_files_left(temp.store), 0));
	expect_restored(&ours, "k", text);
	expect_restored(&other, "k", text);
}
