/* SPDX-License-Identifier: Apache-2.0 */
/* Rules are those of store/meta/checkpoint.h. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/meta/checkpoint.h"
#include "store/meta/checkpoint_private.h"
#include "store/meta/metapage.h"
#include "store/meta/side.h"
#include "tests/meta/cut.h"
#include "tests/support/temp_dir.h"

#define SLOT_SPACING 4096

static const uint8_t next_boot[CHECKPOINT_BOOT_ID_LEN] = {1, 2, 3};

/* A store of tables alone, and where a cut leaves it. */
struct rig {
	struct temp_dir dir;
	struct temp_dir after;
	struct db *db;
	struct checkpoint *checkpoint;
	struct cut_random random;
	uint64_t number;
};

static struct rig
rig_open(uint64_t seed)
{
	struct rig rig = {
		.dir = temp_dir_make(),
		.after = temp_dir_make(),
		.random = {seed},
	};
	struct db_options options = {
		.path = rig.dir.path,
		.map_size = 1 << 28,
		.create = true,
	};

	cr_assert(eq(int, db_open(&options, &rig.db), STORE_OK));
	cr_assert(eq(int,
		checkpoint_open(rig.db, temp_dir_at(&rig.dir, "side"),
			&rig.checkpoint),
		STORE_OK));
	return rig;
}

static void
rig_shut(struct rig *rig)
{
	checkpoint_close(&rig->checkpoint);
	db_close(&rig->db);
}

static void
rig_close(struct rig *rig)
{
	rig_shut(rig);
	temp_dir_remove(&rig->dir);
	temp_dir_remove(&rig->after);
}

static enum store_err
flush_nothing(struct db_txn *snapshot, void *context)
{
	(void)snapshot;
	(void)context;
	return STORE_OK;
}

static enum store_err
flush_fails(struct db_txn *snapshot, void *context)
{
	(void)snapshot;
	(void)context;
	return STORE_IO;
}

static void
make(struct rig *rig)
{
	cr_assert(eq(int,
		checkpoint_make(rig->checkpoint, flush_nothing, NULL,
			&rig->number),
		STORE_OK));
}

static struct cut_image
read_in(const struct temp_dir *dir, const char *name)
{
	return cut_read(temp_dir_at(dir, name));
}

/* The power fails: rig->after gets what is left of rig->dir. */
static void
cut(struct rig *rig, const struct cut_image *flushed)
{
	scoped(cut_free) struct cut_image now = read_in(&rig->dir, "data.mdb");
	scoped(cut_free) struct cut_image side = read_in(&rig->dir, "side");

	cut_mix(&rig->random, temp_dir_at(&rig->after, "data.mdb"), flushed,
		&now);
	cut_write(temp_dir_at(&rig->after, "side"), side.data, side.len);
}

static enum store_err
recover_after(struct rig *rig, bool *after_power_cut)
{
	return checkpoint_recover_as(rig->after.path,
		temp_dir_at(&rig->after, "side"), next_boot, after_power_cut);
}

/* Looks in a child, as LMDB ends the process that meets certain damage. */
static bool
is_whole_after(struct rig *rig, uint64_t contents)
{
	int status = 0;
	pid_t child = fork();

	cr_assert(child >= 0);
	if (child == 0) {
		bool is_cut;
		int null = open("/dev/null", O_WRONLY);

		dup2(null, 2);
		_exit(recover_after(rig, &is_cut) || !is_cut ||
			!cut_is_whole(rig->after.path, contents));
	}
	cr_assert(eq(int, waitpid(child, &status, 0), child));
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

Test(checkpoint, no_power_cut_after_it_does_harm)
{
	scoped(rig_close) struct rig rig = rig_open(88172645463325252);
	int harmed = 0;

	for (int i = 0; i < 200; i++) {
		cut_workload(&rig.random, rig.db,
			cut_random_below(&rig.random, 12));
		make(&rig);
		scoped(cut_free) struct cut_image flushed =
				read_in(&rig.dir, "data.mdb");
		uint64_t contents = cut_contents(rig.db);
		cut_workload(&rig.random, rig.db,
			cut_random_below(&rig.random, 25));

		cut(&rig, &flushed);
		harmed += !is_whole_after(&rig, contents);
	}

	cr_expect(eq(int, harmed, 0));
}

/* What no_power_cut_after_it_does_harm would not see, it would not test. */
Test(checkpoint, without_the_pin_a_power_cut_does_harm)
{
	scoped(rig_close) struct rig rig = rig_open(88172645463325252);
	int harmed = 0;

	for (int i = 0; i < 30; i++) {
		cut_workload(&rig.random, rig.db,
			cut_random_below(&rig.random, 12));
		make(&rig);
		checkpoint_drop_pin(rig.checkpoint);
		scoped(cut_free) struct cut_image flushed =
				read_in(&rig.dir, "data.mdb");
		uint64_t contents = cut_contents(rig.db);
		cut_workload(&rig.random, rig.db, 10);

		cut(&rig, &flushed);
		harmed += !is_whole_after(&rig, contents);
	}

	cr_expect(gt(int, harmed, 10));
}

/* The power fails in the midst of a checkpoint. */
struct during {
	struct rig *rig;
	const struct cut_image *flushed;
	uint64_t contents;
	bool is_whole;
};

static enum store_err
cut_during(struct db_txn *snapshot, void *context)
{
	struct during *during = context;
	struct rig *rig = during->rig;

	(void)snapshot;
	cut_workload(&rig->random, rig->db, 5);
	cut(rig, during->flushed);
	/* The slot being written, torn: the one that is not the newest. */
	scoped(cut_free) struct cut_image side = read_in(&rig->after, "side");
	uint64_t sequences[2];
	memcpy(&sequences[0], side.data + 16, 8);
	memcpy(&sequences[1], side.data + SLOT_SPACING + 16, 8);
	char *torn =
		side.data + (sequences[0] > sequences[1] ? SLOT_SPACING : 0);
	for (int i = 0; i < 1024; i++)
		torn[i] ^= (char)cut_random_next(&rig->random);
	cut_write(temp_dir_at(&rig->after, "side"), side.data, side.len);
	during->is_whole = is_whole_after(rig, during->contents);
	return STORE_OK;
}

Test(checkpoint, a_power_cut_during_it_leaves_the_one_before)
{
	scoped(rig_close) struct rig rig = rig_open(1234567);
	int harmed = 0;

	for (int i = 0; i < 100; i++) {
		struct during during = {.rig = &rig};

		make(&rig);
		scoped(cut_free) struct cut_image flushed =
				read_in(&rig.dir, "data.mdb");
		during.flushed = &flushed;
		during.contents = cut_contents(rig.db);
		cut_workload(&rig.random, rig.db, 10);
		cr_assert(eq(int,
			checkpoint_make(rig.checkpoint, cut_during, &during,
				&rig.number),
			STORE_OK));
		harmed += !during.is_whole;
	}

	cr_expect(eq(int, harmed, 0));
}

Test(checkpoint, recovery_may_be_cut_off_at_any_step_and_done_again)
{
	scoped(rig_close) struct rig rig = rig_open(7);
	bool is_cut = false;

	cut_workload(&rig.random, rig.db, 10);
	make(&rig);
	scoped(cut_free) struct cut_image flushed =
			read_in(&rig.dir, "data.mdb");
	uint64_t contents = cut_contents(rig.db);
	cut_workload(&rig.random, rig.db, 20);
	cut(&rig, &flushed);
	scoped(cut_free) struct cut_image side = read_in(&rig.after, "side");

	/* Up to but not including the side file, then all. */
	cr_expect(eq(int, recover_after(&rig, &is_cut), STORE_OK));
	cut_write(temp_dir_at(&rig.after, "side"), side.data, side.len);
	cr_expect(eq(int, recover_after(&rig, &is_cut), STORE_OK));
	cr_expect(is_cut);

	/* Reported until there is a checkpoint, but not done again. */
	scoped(cut_free) struct cut_image done = read_in(&rig.after, "side");
	cr_expect(eq(int, recover_after(&rig, &is_cut), STORE_OK));
	cr_expect(is_cut);
	scoped(cut_free) struct cut_image again = read_in(&rig.after, "side");
	cr_expect(memcmp(done.data, again.data, done.len) == 0);
	cr_expect(cut_is_whole(rig.after.path, contents));
}

Test(checkpoint, in_the_same_boot_nothing_is_taken_back)
{
	scoped(rig_close) struct rig rig = rig_open(8);
	bool is_cut = true;

	make(&rig);
	cut_workload(&rig.random, rig.db, 10);
	uint64_t contents = cut_contents(rig.db);
	rig_shut(&rig);

	cr_expect(eq(int,
		checkpoint_recover(rig.dir.path, temp_dir_at(&rig.dir, "side"),
			&is_cut),
		STORE_OK));
	cr_expect(not(is_cut));
	cr_expect(cut_is_whole(rig.dir.path, contents));
}

Test(checkpoint, tables_that_lost_their_checkpoint_get_it_back)
{
	scoped(rig_close) struct rig rig = rig_open(9);
	bool is_cut = false;
	char zeros[8192] = {0};

	cut_workload(&rig.random, rig.db, 10);
	make(&rig);
	uint64_t contents = cut_contents(rig.db);
	rig_shut(&rig);
	int fd = open(temp_dir_at(&rig.dir, "data.mdb"), O_WRONLY);
	cr_assert(eq(sz, pwrite(fd, zeros, sizeof(zeros), 0), sizeof(zeros)));
	close(fd);

	cr_expect(eq(int,
		checkpoint_recover(rig.dir.path, temp_dir_at(&rig.dir, "side"),
			&is_cut),
		STORE_OK));
	cr_expect(is_cut);
	cr_expect(cut_is_whole(rig.dir.path, contents));
}

Test(checkpoint, the_first_one_after_a_recovery_ends_it)
{
	scoped(rig_close) struct rig rig = rig_open(10);
	const char *side = temp_dir_at(&rig.dir, "side");
	uint8_t boot_id[CHECKPOINT_BOOT_ID_LEN];
	struct db_options options = {.path = rig.dir.path};
	bool is_cut = false;

	cr_assert(eq(int, checkpoint_boot_id(boot_id), STORE_OK));
	make(&rig);
	rig_shut(&rig);
	cr_assert(eq(int,
		checkpoint_recover_as(rig.dir.path, side, next_boot, &is_cut),
		STORE_OK));
	cr_assert(is_cut);
	cr_assert(eq(int,
		checkpoint_recover_as(rig.dir.path, side, boot_id, &is_cut),
		STORE_OK));
	cr_assert(eq(int, db_open(&options, &rig.db), STORE_OK));
	cr_assert(eq(int, checkpoint_open(rig.db, side, &rig.checkpoint),
		STORE_OK));

	make(&rig);

	cr_expect(eq(int,
		checkpoint_recover_as(rig.dir.path, side, boot_id, &is_cut),
		STORE_OK));
	cr_expect(not(is_cut));
}

Test(checkpoint, nothing_is_taken_back_under_an_open_store)
{
	scoped(rig_close) struct rig rig = rig_open(11);
	int status = 0;

	make(&rig);
	cut_workload(&rig.random, rig.db, 3);
	pid_t child = fork(); /* LMDB's locks are a process's */
	cr_assert(child >= 0);
	if (child == 0) {
		bool is_cut;

		_exit(checkpoint_recover_as(rig.dir.path,
			      temp_dir_at(&rig.dir, "side"), next_boot,
			      &is_cut) != STORE_BUSY);
	}
	cr_assert(eq(int, waitpid(child, &status, 0), child));

	cr_expect(eq(int, status, 0));
}

Test(checkpoint, a_failed_flush_is_for_good_and_for_all)
{
	scoped(rig_close) struct rig rig = rig_open(12);
	const char *side = temp_dir_at(&rig.dir, "side");
	scoped(checkpoint_close) struct checkpoint *other = NULL;
	bool is_cut = false;

	make(&rig);
	uint64_t contents = cut_contents(rig.db);
	cut_workload(&rig.random, rig.db, 3);
	cr_expect(eq(int,
		checkpoint_make(rig.checkpoint, flush_fails, NULL, &rig.number),
		STORE_IO));

	cr_expect(eq(int,
		checkpoint_make(rig.checkpoint, flush_nothing, NULL,
			&rig.number),
		STORE_IO));
	cr_assert(eq(int, checkpoint_open(rig.db, side, &other), STORE_OK));
	cr_expect(eq(int,
		checkpoint_make(other, flush_nothing, NULL, &rig.number),
		STORE_IO));

	checkpoint_close(&other);
	rig_shut(&rig);
	cr_expect(eq(int, checkpoint_recover(rig.dir.path, side, &is_cut),
		STORE_OK));
	cr_expect(is_cut);
	cr_expect(cut_is_whole(rig.dir.path, contents));
}

static enum store_err
count_calls(struct db_txn *snapshot, void *context)
{
	(void)snapshot;
	(*(int *)context)++;
	return STORE_OK;
}

Test(checkpoint, one_that_is_there_already_is_not_made_again)
{
	scoped(rig_close) struct rig rig = rig_open(13);
	int calls = 0;
	uint64_t first;
	uint64_t second;

	cut_workload(&rig.random, rig.db, 3);
	cr_expect(eq(int,
		checkpoint_make(rig.checkpoint, count_calls, &calls, &first),
		STORE_OK));
	cr_expect(eq(int,
		checkpoint_make(rig.checkpoint, count_calls, &calls, &second),
		STORE_OK));

	cr_expect(eq(int, calls, 1));
	cr_expect(eq(u64, first, second));
	cr_expect(eq(u64, first, db_last_commit(rig.db)));
}

Test(checkpoint, its_number_is_0_before_the_first)
{
	scoped(rig_close) struct rig rig = rig_open(14);
	uint64_t number = 99;

	cr_expect(eq(int, checkpoint_number(rig.checkpoint, &number),
		STORE_OK));
	cr_expect(eq(u64, number, 0));
	make(&rig);
	cr_expect(eq(int, checkpoint_number(rig.checkpoint, &number),
		STORE_OK));
	cr_expect(eq(u64, number, rig.number));
}

Test(checkpoint, a_store_without_a_side_file_is_new)
{
	scoped(temp_dir_remove) struct temp_dir dir = temp_dir_make();
	bool is_cut = true;

	cr_expect(eq(int,
		checkpoint_recover(dir.path, temp_dir_at(&dir, "side"),
			&is_cut),
		STORE_OK));
	cr_expect(not(is_cut));
}

Test(checkpoint, a_side_file_without_a_whole_slot_is_refused)
{
	scoped(rig_close) struct rig rig = rig_open(15);
	const char *path = temp_dir_at(&rig.dir, "side");
	bool is_cut;

	make(&rig);
	rig_shut(&rig);
	scoped(cut_free) struct cut_image side = read_in(&rig.dir, "side");
	side.data[700] ^= 1;
	side.data[SLOT_SPACING + 700] ^= 1;
	cut_write(path, side.data, side.len);

	cr_expect(eq(int, checkpoint_recover(rig.dir.path, path, &is_cut),
		STORE_CORRUPT));
}

Test(checkpoint, tables_that_are_cut_short_are_refused)
{
	scoped(rig_close) struct rig rig = rig_open(16);
	const char *path = temp_dir_at(&rig.dir, "side");
	struct stat st;
	bool is_cut;

	cut_workload(&rig.random, rig.db, 10);
	make(&rig);
	rig_shut(&rig);
	const char *data = temp_dir_at(&rig.dir, "data.mdb");
	cr_assert(eq(int, stat(data, &st), 0));
	cr_assert(eq(int, truncate(data, st.st_size - 4096), 0));

	cr_expect(eq(int, checkpoint_recover(rig.dir.path, path, &is_cut),
		STORE_CORRUPT));
	cr_expect(eq(int,
		checkpoint_recover_as(rig.dir.path, path, next_boot, &is_cut),
		STORE_CORRUPT));
}

/* Alters the checkpoint's last page, in the side file as in the tables. */
static void
set_last_page(struct rig *rig, uint64_t page)
{
	const size_t last_page_at = 136;
	const char *path = temp_dir_at(&rig->dir, "side");
	struct side side;
	int slots = -1;

	cr_assert(eq(int, side_read(path, &side), STORE_OK));
	memcpy(side.metapage + last_page_at, &page, sizeof(page));
	side.sequence++;
	cr_assert(eq(int, side_write(path, &slots, &side), STORE_OK));
	close(slots);
	int fd = open(temp_dir_at(&rig->dir, "data.mdb"), O_RDWR);
	cr_assert(eq(int, metapage_restore(fd, side.metapage), STORE_OK));
	close(fd);
}

/* LMDB would read there. */
Test(checkpoint, tables_with_pages_far_beyond_their_end_are_refused)
{
	static const uint64_t pages[] = {1u << 20, 1ull << 52, UINT64_MAX};
	scoped(rig_close) struct rig rig = rig_open(18);
	const char *path = temp_dir_at(&rig.dir, "side");
	bool is_cut;

	cut_workload(&rig.random, rig.db, 10);
	make(&rig);
	rig_shut(&rig);
	for (size_t i = 0; i < array_len(pages); i++) {
		set_last_page(&rig, pages[i]);
		cr_expect(eq(int,
			checkpoint_recover(rig.dir.path, path, &is_cut),
			STORE_CORRUPT));
		cr_expect(eq(int,
			checkpoint_recover_as(rig.dir.path, path, next_boot,
				&is_cut),
			STORE_CORRUPT));
	}
}

/* They were taken and given back by one transaction, and never written. */
Test(checkpoint, the_last_pages_of_the_tables_need_not_be_there)
{
	scoped(rig_close) struct rig rig = rig_open(19);
	const char *path = temp_dir_at(&rig.dir, "side");
	struct stat st;
	bool is_cut;

	cut_workload(&rig.random, rig.db, 10);
	make(&rig);
	uint64_t contents = cut_contents(rig.db);
	rig_shut(&rig);
	const char *data = temp_dir_at(&rig.dir, "data.mdb");
	cr_assert(eq(int, stat(data, &st), 0));
	uint64_t last = (uint64_t)st.st_size / 4096 + 9;
	set_last_page(&rig, last);

	cr_expect(eq(int,
		checkpoint_recover_as(rig.dir.path, path, next_boot, &is_cut),
		STORE_OK));
	cr_assert(eq(int, stat(data, &st), 0));
	cr_expect(eq(u64, (uint64_t)st.st_size, (last + 1) * 4096));
	cr_expect(cut_is_whole(rig.dir.path, contents));
}

Test(checkpoint, tables_that_are_gone_are_refused)
{
	scoped(rig_close) struct rig rig = rig_open(17);
	const char *path = temp_dir_at(&rig.dir, "side");
	bool is_cut;

	make(&rig);
	rig_shut(&rig);
	unlink(temp_dir_at(&rig.dir, "data.mdb"));

	cr_expect(eq(int, checkpoint_recover(rig.dir.path, path, &is_cut),
		STORE_CORRUPT));
}
