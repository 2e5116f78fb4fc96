/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "store/base/clock.h"
#include "store/data/blob.h"
#include "store/data/blob_cache_private.h"
#include "tests/base/on_loop.h"
#include "tests/support/temp_dir.h"

static struct blob_cache *
make_cache(void)
{
	struct rlimit limit;

	cr_assert(eq(int, getrlimit(RLIMIT_NOFILE, &limit), 0));
	limit.rlim_cur = limit.rlim_max;
	cr_assert(eq(int, setrlimit(RLIMIT_NOFILE, &limit), 0));

	struct blob_cache *cache = blob_cache_create();
	if (!cache)
		cr_skip("needs more descriptors than it may have");
	return cache;
}

static int
open_null(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	cr_assert(ge(int, fd, 0));
	return fd;
}

static size_t
count_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	size_t count = 0;

	cr_assert(dir != NULL);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

Test(blob_cache, what_is_kept_is_found_under_its_id_alone)
{
	scoped(blob_cache_free) struct blob_cache *cache = make_cache();
	uint64_t size = 0;
	int fd = open_null();

	blob_cache_keep(cache, 7, fd, 70);
	int found = blob_cache_take(cache, 7, &size);

	cr_expect(ge(int, found, 0));
	cr_expect(eq(u64, size, 70));
	cr_expect(ne(int, found, fd));
	cr_expect(fcntl(found, F_GETFD) & FD_CLOEXEC);
	cr_expect(eq(int, blob_cache_take(cache, 8, &size), -1));
	close(found);
	close(fd);
}

Test(blob_cache, what_is_dropped_is_closed)
{
	scoped(blob_cache_free) struct blob_cache *cache = make_cache();
	uint64_t size = 0;
	int fd = open_null();
	size_t before = count_descriptors();

	blob_cache_keep(cache, 7, fd, 70);
	blob_cache_drop(cache, 7);

	cr_expect(eq(int, blob_cache_take(cache, 7, &size), -1));
	cr_expect(eq(sz, count_descriptors(), before));
	close(fd);
}

Test(blob_cache, nothing_is_kept_for_more_than_a_second)
{
	scoped(blob_cache_free) struct blob_cache *cache = make_cache();
	uint64_t size = 0;
	int fd = open_null();
	size_t before = count_descriptors();

	blob_cache_keep(cache, 7, fd, 70);
	blob_cache_expire(cache, clock_monotonic_ms() + 1000);

	cr_expect(eq(int, blob_cache_take(cache, 7, &size), -1));
	cr_expect(eq(sz, count_descriptors(), before));
	close(fd);
}

Test(blob_cache, however_many_are_read_few_stay_open)
{
	scoped(blob_cache_free) struct blob_cache *cache = make_cache();
	uint64_t size = 0;
	int fd = open_null();
	size_t before = count_descriptors();

	for (uint64_t id = 1; id <= 5000; id++)
		blob_cache_keep(cache, id, fd, 70);

	cr_expect(le(sz, count_descriptors(), before + 1024));
	int found = blob_cache_take(cache, 5000, &size);
	cr_expect(ge(int, found, 0));
	close(found);
	close(fd);
}

struct rig {
	struct temp_dir dir;
	struct blobs *blobs;
};

static void
read_and_remove(void *arg)
{
	struct rig *rig = arg;
	uint64_t size = 0;
	int fd = -1;
	char found[4];

	cr_assert(eq(int, blob_create(rig->blobs, 5, &fd), STORE_OK));
	cr_assert(eq(sz, write(fd, "five", 4), 4));
	close(fd);
	for (int i = 0; i < 2; i++) {
		cr_assert(eq(int, blob_open_shared(rig->blobs, 5, &fd, &size),
			STORE_OK));
		cr_expect(eq(u64, size, 4));
		cr_assert(eq(sz, pread(fd, found, 4, 0), 4));
		cr_expect(eq(int, memcmp(found, "five", 4), 0));
		close(fd);
	}

	cr_assert(eq(int, blob_remove(rig->blobs, 5), STORE_OK));

	cr_expect(eq(int, blob_open_shared(rig->blobs, 5, &fd, &size),
		STORE_NOT_FOUND));
}

Test(blob_cache, a_removed_blob_is_not_there_any_more)
{
	struct rig rig = {.dir = temp_dir_make()};
	struct blob_cache *unused = make_cache();

	blob_cache_free(&unused);
	cr_assert(eq(int, blob_open_all(rig.dir.path, false, &rig.blobs),
		STORE_OK));
	on_loop(read_and_remove, &rig);
	blob_close_all(&rig.blobs);
	temp_dir_remove(&rig.dir);
}
