/* SPDX-License-Identifier: Apache-2.0 */
/* A mount process that is killed, and the one that comes after it. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fs/mount_point.h"
#include "store/bucket.h"
#include "store/session_private.h"
#include "tests/fs/needs_mount.h"
#include "tests/support/other_process.h"

static char mount_point[] = "/tmp/tarn-mount-XXXXXX";

static void
tell_ready(struct mount *mount, void *context)
{
	(void)mount;
	other_process_tell(context, 1);
}

static void
serve(struct store *store, struct other_process *self)
{
	const struct mount_options options = {
		.store = store,
		.mount_point = mount_point,
		.allow_other = true,
		.ready = tell_ready,
		.context = self,
	};
	struct mount *mount = NULL;

	if (!mount_create(&options, &mount) && !mount_run(mount))
		mount_destroy(&mount);
}

static const char *
at(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/bucket/%s", mount_point, name);
	return path;
}

static int
make(const char *name, const char *text)
{
	int fd = open(at(name), O_RDWR | O_CREAT, 0644);

	cr_assert(ge(int, fd, 0), "%s: %s", name, strerror(errno));
	cr_assert(eq(i64, write(fd, text, strlen(text)),
		(ssize_t)strlen(text)));
	return fd;
}

static void
expect_text(const char *name, const char *text)
{
	char got[64] = "";
	int fd = open(at(name), O_RDONLY);

	cr_assert(ge(int, fd, 0), "%s: %s", name, strerror(errno));
	cr_expect(ge(i64, read(fd, got, sizeof(got) - 1), 0));
	cr_expect(eq(str, got, (char *)text));
	cr_assert(not(close(fd)));
}

Test(survive, a_mount_killed_is_mounted_again_with_what_was_written)
{
	NEEDS_MOUNT();
	scoped(temp_store_close) struct temp_store temp = temp_store_create();
	struct bucket bucket;

	cr_assert(ne(ptr, mkdtemp(mount_point), NULL));
	temp_store_reopen(&temp);
	cr_assert(not(bucket_create(temp.store, SLICE("bucket"),
		SLICE("default"), &bucket)));
	store_close(&temp.store);
	struct other_process first = other_process_start(temp.path, serve);
	cr_assert(eq(u64, other_process_hear(&first), 1));

	cr_assert(not(close(make("closed", "was closed"))));
	int synced = make("synced", "was synced");
	cr_assert(not(fsync(synced)));
	int open_still = make("open", "was open");
	other_process_kill(&first);
	for (int i = 0; i < 2; i++) {
		int number = access(at("none"), F_OK) ? errno : 0;

		/* The others over io_uring, as far as its end has come. */
		cr_expect(number == ENOTCONN || number == ECONNABORTED ||
				  number == ECANCELED,
			"%d", number);
	}

	/* On the very mount point, with files of the old one still open. */
	struct other_process second = other_process_start(temp.path, serve);
	cr_assert(eq(u64, other_process_hear(&second), 1));
	expect_text("closed", "was closed");
	expect_text("synced", "was synced");
	expect_text("open", "was open");
	(void)close(synced);
	(void)close(open_still);
	other_process_kill(&second);
	cr_expect(not(umount2(mount_point, MNT_DETACH)));
	cr_expect(not(rmdir(mount_point)));
}

static struct inode
head(struct temp_store *temp, uint64_t bucket, const char *key)
{
	scoped(arena_free) struct arena arena = {0};
	struct object object = {0};

	cr_assert(not(object_head(temp->store, bucket, slice_str(key), &arena,
		&object)));
	return object.inode;
}

static bool
is_etag(const struct inode *one, const struct inode *other)
{
	return inode_etag_equal(&one->etag, &other->etag);
}

static void
open_and_close(const char *name)
{
	int fd = open(at(name), O_RDWR);

	cr_assert(ge(int, fd, 0));
	cr_assert(not(close(fd)));
}

/* The kernel serves it by itself; another mount opens it meanwhile. */
Test(survive, what_a_descriptor_writes_after_its_mount_was_killed_is_seen)
{
	NEEDS_MOUNT();
	scoped(temp_store_close) struct temp_store temp = temp_store_create();
	struct bucket bucket;

	cr_assert(ne(ptr, mkdtemp(mount_point), NULL));
	temp_store_reopen(&temp);
	cr_assert(not(bucket_create(temp.store, SLICE("bucket"),
		SLICE("default"), &bucket)));
	store_close(&temp.store);
	struct other_process first = other_process_start(temp.path, serve);
	cr_assert(eq(u64, other_process_hear(&first), 1));
	int fd = make("f", "text");
	other_process_kill(&first);
	struct other_process second = other_process_start(temp.path, serve);
	cr_assert(eq(u64, other_process_hear(&second), 1));
	temp_store_reopen(&temp);

	struct inode before = head(&temp, bucket.ino, "f");
	if (pwrite(fd, "TEXT", 4, 0) != 4)
		cr_skip_test("without passthrough it ends with its mount");
	struct inode during = head(&temp, bucket.ino, "f");
	cr_expect(eq(u64, before.size, 4));
	cr_expect(not(is_etag(&before, &during)));
	open_and_close("f");
	cr_assert(eq(i64, pwrite(fd, "tEXT", 4, 0), 4));
	struct inode later = head(&temp, bucket.ino, "f");
	cr_expect(not(is_etag(&during, &later)));
	expect_text("f", "tEXT");
	(void)close(fd); /* it finds no mount */
	/* It has inherited the descriptor. */
	other_process_kill(&second);
	/* What it did not close before it was killed stays open, in the kernel,
	 * as long as it is mounted. */
	cr_expect(not(umount2(mount_point, MNT_DETACH)));
	while (head(&temp, bucket.ino, "f").flags & INODE_DIRTY)
		cr_assert(not(session_reap(temp.store)));
	struct inode after = head(&temp, bucket.ino, "f");

	cr_expect(is_etag(&later, &after));
	cr_expect(not(rmdir(mount_point)));
}

Test(survive, unmounting_ends_the_server)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();

	temp_mount_write(&temp, "f", "x");
	cr_assert(not(umount2(temp.dir, 0)));
	temp_mount_stop(&temp);

	cr_expect(eq(str, (char *)temp_mount_get(&temp, "f"), "x"));
}

Test(survive, stopping_with_files_open_brings_them_up_to_date)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();

	int fd = open(temp_mount_at(&temp, "f"), O_WRONLY | O_CREAT, 0644);
	cr_assert(eq(i64, write(fd, "half", 4), 4));
	temp_mount_stop(&temp);
	(void)close(fd);

	cr_expect(eq(str, (char *)temp_mount_get(&temp, "f"), "half"));
}

#define TIMES 5

/* Two that the mount is between: one holds a directory in each system call, and
 * what the other puts there the kernel is to drop, when it gets that lock. */
struct crowd {
	struct temp_mount *temp;
	int dir;
	atomic_int made;
	atomic_int put;
	atomic_bool is_over;
};

static void *
make_until_end(void *arg)
{
	struct crowd *crowd = arg;

	while (!mkdirat(crowd->dir, "x", 0755) &&
		!unlinkat(crowd->dir, "x", AT_REMOVEDIR))
		atomic_fetch_add(&crowd->made, 1);
	return NULL;
}

static void *
put_until_end(void *arg)
{
	struct crowd *crowd = arg;
	char key[32];

	while (!atomic_load(&crowd->is_over)) {
		int number = atomic_fetch_add(&crowd->put, 1);

		(void)snprintf(key, sizeof(key), "d/%d", number % TIMES);
		temp_mount_put(crowd->temp, key, "text");
	}
	return NULL;
}

/* Detached it cannot be unmounted again, and goes on for who is in it. */
static void
stop_detached(struct temp_mount *temp)
{
	struct crowd crowd = {.temp = temp};
	pthread_t maker, putter;

	temp_mount_limit(temp);
	cr_assert(not(mkdir(temp_mount_at(temp, "d"), 0755)));
	crowd.dir = open(temp_mount_at(temp, "d"), O_RDONLY | O_DIRECTORY);
	int fd = open(temp_mount_at(temp, "f"), O_RDWR | O_CREAT, 0644);
	cr_assert(crowd.dir >= 0 && fd >= 0);
	cr_assert(not(umount2(temp->dir, MNT_DETACH)));
	cr_assert(not(pthread_create(&maker, NULL, make_until_end, &crowd)));
	cr_assert(not(pthread_create(&putter, NULL, put_until_end, &crowd)));
	while (atomic_load(&crowd.made) < TIMES ||
		atomic_load(&crowd.put) < TIMES)
		sched_yield();

	temp_mount_stop(temp);

	atomic_store(&crowd.is_over, true);
	cr_assert(not(pthread_join(maker, NULL)));
	cr_assert(not(pthread_join(putter, NULL)));
	(void)close(crowd.dir);
	(void)close(fd);
}

Test(survive, what_somebody_detached_and_is_still_in_ends)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();

	stop_detached(&temp);
}

Test(survive, what_somebody_detached_and_is_still_in_ends_over_io_uring)
{
	NEEDS_RING();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();

	temp_mount_stop(&temp);
	temp_mount_start_with_ring(&temp);
	stop_detached(&temp);
}

/* As of a second mount, where somebody has detached the first. */
Test(survive, what_is_mounted_in_the_place_of_another_stays)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();
	unsigned int connection = mount_point_connection(temp.dir);

	mount_point_abort(temp.dir, UINT_MAX);
	cr_expect(eq(u32, mount_point_connection(temp.dir), connection));
	temp_mount_write(&temp, "f", "text");
	mount_point_abort(temp.dir, connection);

	cr_expect(eq(u32, mount_point_connection(temp.dir), 0));
}

/* Also where the end of the first is a mount's own: libfuse would unmount what
 * is there. */
Test(survive, the_end_of_what_was_detached_spares_what_is_there_now)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();
	struct statfs there;

	temp_mount_write(&temp, "f", "text");
	int fd = open(temp_mount_at(&temp, "f"), O_RDONLY);
	cr_assert(ge(int, fd, 0));
	cr_assert(not(umount2(temp.dir, MNT_DETACH)));
	cr_assert(not(mount("tmpfs", temp.dir, "tmpfs", 0, NULL)));

	temp_mount_stop(&temp);

	cr_expect(not(statfs(temp.dir, &there)));
	cr_expect(eq(long, (long)there.f_type, TMPFS_MAGIC));
	(void)close(fd);
	cr_expect(not(umount2(temp.dir, MNT_DETACH)));
}

Test(survive, mounting_where_nothing_is_or_a_mount_lives_is_refused)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();
	struct mount_options options = {
		.store = temp.store.store,
		.mount_point = "/nowhere/at/all",
	};
	struct mount *mount = NULL;

	cr_expect(eq(int, mount_create(&options, &mount), STORE_NOT_FOUND));
	options.mount_point = "/dev/null";
	cr_expect(eq(int, mount_create(&options, &mount), STORE_NOT_DIR));
	options.mount_point = temp.dir;
	cr_expect(eq(int, mount_create(&options, &mount), STORE_BUSY));
}
