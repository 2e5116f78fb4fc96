/* SPDX-License-Identifier: Apache-2.0 */
#include "store/durable_private.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include "store/base/buffer.h"
#include "store/base/clock.h"
#include "store/base/io.h"
#include "store/feed_private.h"
#include "store/file.h"
#include "store/meta/side.h"
#include "store/tree.h"
#include "tests/store/objects.h"
#include "tests/support/temp_store.h"

#define LIMIT_MS 60000

static void *
fail(void *store)
{
	(void)!durable_fail(store, STORE_IO);
	return NULL;
}

/* Whoever makes a checkpoint in another process may take its time. */
Test(durable, a_failed_flush_is_known_while_another_makes_a_checkpoint)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	scoped(buffer_free) struct buffer path = {0};
	pthread_t thread;
	int fd = -1;
	int64_t end_ms = clock_monotonic_ms() + LIMIT_MS;

	buffer_printf(&path, "%s/meta/checkpoint", temp.path);
	buffer_append_char(&path, 0);
	cr_assert(zero(int, side_lock(path.data, &fd)));
	cr_assert(zero(int, pthread_create(&thread, NULL, fail, temp.store)));
	while (!feed_has_failed(temp.store) && clock_monotonic_ms() < end_ms)
		io_sleep_ms(1);

	cr_expect(feed_has_failed(temp.store));
	side_unlock(fd);
	(void)close(fd);
	(void)pthread_join(thread, NULL);
}

/* The kernel tells of it once: the second flush of the same descriptor
 * succeeds, without the bytes. */
Test(durable, a_file_is_not_synced_after_a_failed_flush)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	struct inode inode;
	struct file *file = NULL;

	cr_assert(eq(int, objects_put(temp.store, bucket, "k", "text"),
		STORE_OK));
	cr_assert(zero(int, tree_lookup(temp.store, bucket, SLICE("k"),
				    TREE_FILE, NULL, &inode)));
	cr_assert(zero(int, file_open(temp.store, inode.ino, O_RDWR, &file)));
	cr_expect(zero(int, file_sync(file, true)));

	cr_expect(eq(int, durable_fail(temp.store, STORE_IO), STORE_IO));
	cr_expect(eq(int, file_sync(file, true), STORE_IO));
	cr_expect(eq(int, file_sync(file, true), STORE_IO));
	(void)!file_close(&file, O_RDWR);
}
