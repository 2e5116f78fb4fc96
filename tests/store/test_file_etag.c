/* SPDX-License-Identifier: Apache-2.0 */
/* Other bytes have another ETag, whatever their size and time. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <signal.h>
#include <sys/wait.h>

#include "store/dentry_private.h"
#include "tests/store/files.h"
#include "tests/support/other_process.h"
#include "tests/support/temp_store.h"

/* As `cp -p` gives it. */
#define OLD_NS 1234567890123456789

static bool
has_etag_of(const struct inode *one, const struct inode *other)
{
	return inode_etag_equal(&one->etag, &other->etag);
}

static uint64_t
make_old(struct store *store, uint64_t bucket)
{
	uint64_t ino = files_make(store, bucket, "f", "text");

	files_set_mtime(store, ino, OLD_NS);
	return ino;
}

Test(file_etag, a_change_whose_time_is_set_back_by_its_writer_shows)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	uint64_t ino = make_old(temp.store, bucket);
	struct inode before = files_head(temp.store, bucket, "f");

	struct file *file = files_open(temp.store, ino, O_RDWR);
	files_put(file, "TEXT");
	files_set_mtime(temp.store, ino, OLD_NS);
	struct inode during = files_head(temp.store, bucket, "f");
	files_put(file, "tEXT");
	files_set_mtime(temp.store, ino, OLD_NS);
	struct inode again = files_head(temp.store, bucket, "f");
	files_close(&file, O_RDWR);
	struct inode after = files_head(temp.store, bucket, "f");

	cr_expect(eq(i64, before.mtime_ns, OLD_NS));
	cr_expect(not(has_etag_of(&before, &during)));
	cr_expect(eq(i64, during.mtime_ns, OLD_NS));
	cr_expect(not(has_etag_of(&before, &again)));
	cr_expect(not(has_etag_of(&during, &again)));
	cr_expect(has_etag_of(&again, &after));
	cr_expect(eq(i64, after.mtime_ns, OLD_NS));
}

/* Through a duplicate. */
Test(file_etag, a_change_after_a_flush_whose_time_is_set_back_shows)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");

	struct file *file = files_create(temp.store, bucket, "f");
	files_put(file, "text");
	files_set_mtime(temp.store, file_ino(file), OLD_NS);
	cr_assert(not(file_flush(file)));
	struct inode before = files_head(temp.store, bucket, "f");
	files_put(file, "TEXT");
	files_set_mtime(temp.store, file_ino(file), OLD_NS);
	struct inode during = files_head(temp.store, bucket, "f");
	files_close(&file, O_RDWR);
	struct inode after = files_head(temp.store, bucket, "f");

	cr_expect(not(has_etag_of(&before, &during)));
	cr_expect(has_etag_of(&during, &after));
	cr_expect(eq(i64, after.mtime_ns, OLD_NS));
}

Test(file_etag, a_time_set_without_a_change_leaves_it)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");

	cr_assert(not(objects_put(temp.store, bucket, "f", "text")));
	struct inode before = files_head(temp.store, bucket, "f");
	struct file *file = files_open(temp.store, before.ino, O_RDWR);
	files_set_mtime(temp.store, before.ino, OLD_NS);
	files_close(&file, O_RDWR);
	struct inode after = files_head(temp.store, bucket, "f");

	cr_expect(has_etag_of(&before, &after));
	cr_expect(eq(i64, after.mtime_ns, OLD_NS));
}

static void
change_and_wait(struct store *store, struct other_process *self)
{
	uint64_t bucket = objects_bucket(store, "bucket");
	uint64_t ino = files_make(store, bucket, "f", "text");

	other_process_tell(self, bucket);
	other_process_pause(self);
	files_put(files_open(store, ino, O_RDWR), "TEXT");
	other_process_tell(self, ino);
}

Test(file_etag, a_change_whose_time_another_process_sets_shows)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_create();
	struct other_process process =
		other_process_start(temp.path, change_and_wait);
	uint64_t bucket = other_process_hear(&process);

	temp_store_reopen(&temp);
	struct inode before = files_head(temp.store, bucket, "f");
	other_process_resume(&process);
	uint64_t ino = other_process_hear(&process);
	files_set_mtime(temp.store, ino, OLD_NS);
	struct inode during = files_head(temp.store, bucket, "f");
	other_process_kill(&process);
	temp_store_reopen(&temp);
	struct inode after = files_head(temp.store, bucket, "f");

	cr_expect(not(has_etag_of(&before, &during)));
	cr_expect(eq(i64, during.mtime_ns, OLD_NS));
	cr_expect(not(has_etag_of(&before, &after)));
	cr_expect(eq(i64, after.mtime_ns, OLD_NS));
}

/* Nobody can set it, as who sets a time in the midst of a change does. */
Test(file_etag, is_another_where_only_the_data_files_ctime_is)
{
	struct inode one = {.blob = 1}, other = {.blob = 1}, same = {.blob = 1};
	struct stat stat = {.st_size = 4, .st_mtim.tv_sec = 1};

	dentry_apply_stat(&one, &stat);
	dentry_apply_stat(&same, &stat);
	stat.st_ctim.tv_nsec = 1;
	dentry_apply_stat(&other, &stat);

	cr_expect(has_etag_of(&one, &same));
	cr_expect(not(has_etag_of(&one, &other)));
}

static void
open_and_wait(struct store *store, struct other_process *self)
{
	uint64_t bucket = objects_bucket(store, "bucket");
	uint64_t ino = files_make(store, bucket, "f", "text");

	other_process_tell(self, bucket);
	other_process_pause(self);
	struct file *file = files_open(store, ino, O_RDWR);
	other_process_tell(self, ino);
	other_process_pause(self);
	files_close(&file, O_RDWR);
	other_process_tell(self, ino);
}

/* Holds up whoever opens the data for writing; he has read the record then. */
static int
take_lease(struct temp_store *temp, const struct inode *inode)
{
	char path[160];

	snprintf(path, sizeof(path), "%s/data/%llx/%llx", temp->path,
		(unsigned long long)(inode->blob / 4096),
		(unsigned long long)inode->blob);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	cr_assert(ge(int, fd, 0));
	/* Ignored. */
	cr_assert(not(fcntl(fd, F_SETSIG, SIGURG)));
	cr_assert(not(fcntl(fd, F_SETLEASE, F_RDLCK)));
	return fd;
}

/* Stops the process where it waits for the end of the lease. */
static void
stop_at_lease(struct other_process *process, int fd)
{
	int status = 0;

	while (fcntl(fd, F_GETLEASE) == F_RDLCK)
		continue;
	cr_assert(not(kill(process->pid, SIGSTOP)));
	cr_assert(eq(int, waitpid(process->pid, &status, WUNTRACED),
		process->pid));
	cr_assert(eq(int, WIFSTOPPED(status), 1));
	cr_assert(not(close(fd)));
}

Test(file_etag, two_who_open_at_once_do_not_hide_each_others_changes)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_create();
	struct other_process process =
		other_process_start(temp.path, open_and_wait);
	uint64_t bucket = other_process_hear(&process);

	temp_store_reopen(&temp);
	struct inode before = files_head(temp.store, bucket, "f");
	int lease = take_lease(&temp, &before);
	other_process_resume(&process);
	stop_at_lease(&process, lease);
	struct file *file = files_open(temp.store, before.ino, O_RDWR);
	files_put(file, "TEXT");
	cr_assert(not(kill(process.pid, SIGCONT)));
	cr_assert(eq(u64, other_process_hear(&process), before.ino));
	struct inode during = files_head(temp.store, bucket, "f");
	files_close(&file, O_RDWR);
	other_process_resume(&process);
	cr_assert(eq(u64, other_process_hear(&process), before.ino));
	struct inode after = files_head(temp.store, bucket, "f");

	cr_expect(not(has_etag_of(&before, &during)));
	cr_expect(has_etag_of(&during, &after));
	cr_expect(zero(u32, after.flags));
	other_process_kill(&process);
}

/* What is flushed is on the list of the process still, as published. */
static void
flush_and_wait(struct store *store, struct other_process *self)
{
	uint64_t bucket = objects_bucket(store, "bucket");
	struct file *file = files_create(store, bucket, "f");

	files_put(file, "text");
	cr_assert(not(file_flush(file)));
	other_process_tell(self, bucket);
	other_process_pause(self);
	files_put(file, "TEXT");
	other_process_tell(self, bucket);
}

Test(file_etag, a_time_set_after_a_flush_outlasts_the_process_that_is_killed)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_create();
	struct other_process process =
		other_process_start(temp.path, flush_and_wait);
	uint64_t bucket = other_process_hear(&process);

	temp_store_reopen(&temp);
	struct inode before = files_head(temp.store, bucket, "f");
	files_set_mtime(temp.store, before.ino, OLD_NS);
	other_process_kill(&process);
	temp_store_reopen(&temp);
	struct inode after = files_head(temp.store, bucket, "f");

	cr_expect(has_etag_of(&before, &after));
	cr_expect(eq(i64, after.mtime_ns, OLD_NS));
}

Test(file_etag, who_opens_for_writing_does_not_hide_what_followed_a_flush)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_create();
	struct other_process process =
		other_process_start(temp.path, flush_and_wait);
	uint64_t bucket = other_process_hear(&process);

	temp_store_reopen(&temp);
	struct inode before = files_head(temp.store, bucket, "f");
	other_process_resume(&process);
	cr_assert(eq(u64, other_process_hear(&process), bucket));
	struct file *file = files_open(temp.store, before.ino, O_RDWR);
	struct inode during = files_head(temp.store, bucket, "f");
	files_close(&file, O_RDWR);
	other_process_kill(&process);
	temp_store_reopen(&temp);
	struct inode after = files_head(temp.store, bucket, "f");

	cr_expect(not(has_etag_of(&before, &during)));
	cr_expect(has_etag_of(&during, &after));
}

Test(file_etag, who_opens_for_writing_leaves_it_after_a_flush_and_a_time)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_create();
	struct other_process process =
		other_process_start(temp.path, flush_and_wait);
	uint64_t bucket = other_process_hear(&process);

	temp_store_reopen(&temp);
	struct inode before = files_head(temp.store, bucket, "f");
	files_set_mtime(temp.store, before.ino, OLD_NS);
	struct file *file = files_open(temp.store, before.ino, O_RDWR);
	struct inode during = files_head(temp.store, bucket, "f");
	files_close(&file, O_RDWR);
	other_process_kill(&process);
	temp_store_reopen(&temp);
	struct inode after = files_head(temp.store, bucket, "f");

	cr_expect(has_etag_of(&before, &during));
	cr_expect(has_etag_of(&before, &after));
	cr_expect(eq(i64, after.mtime_ns, OLD_NS));
}
