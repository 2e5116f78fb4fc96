/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <dirent.h>
#include <pthread.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <zlib.h>

#include "store/audit_private.h"
#include "store/base/clock.h"
#include "store/list.h"
#include "store/organization.h"
#include "tests/crash/faults.h"
#include "tests/store/objects.h"
#include "tests/support/temp_store.h"

struct fixture {
	struct temp_store temp;
	char dir[160];
	struct audit_options options;
};

static struct fixture
fixture_open(void)
{
	struct fixture it = {.temp = temp_store_open()};

	snprintf(it.dir, sizeof(it.dir), "%s/run/audit", it.temp.path);
	it.options = (struct audit_options){
		.role = "test", .organization = "default"};
	return it;
}

static void
fixture_close(struct fixture *it)
{
	temp_store_close(&it->temp);
}

static struct audit *
begin(struct fixture *it)
{
	struct audit *audit = NULL;

	it->options.dir = it->dir;
	cr_assert(zero(int, audit_open(it->temp.store, &it->options, &audit)));
	return audit;
}

/* All bytes of all files, in the order of their names; how many files. */
static unsigned
read_files(struct fixture *it, struct buffer *to)
{
	struct dirent **names;
	int count = scandir(it->dir, &names, NULL, alphasort);
	unsigned files = 0;

	for (int i = 0; i < count; i++) {
		char path[512];
		char piece[4096];
		size_t got;

		snprintf(path, sizeof(path), "%s/%s", it->dir,
			names[i]->d_name);
		FILE *file =
			names[i]->d_name[0] == '.' ? NULL : fopen(path, "r");
		free(names[i]);
		if (!file)
			continue;
		files++;
		while ((got = fread(piece, 1, sizeof(piece), file)) > 0)
			buffer_append(to, slice_of(piece, got));
		fclose(file);
	}
	free(names);
	return files;
}

Test(audit, lines_are_in_a_file_once_the_log_is_closed)
{
	scoped(fixture_close) struct fixture it = fixture_open();
	scoped(buffer_free) struct buffer all = {0};
	struct stat stat_of_dir;
	struct audit *audit = begin(&it);

	audit_append(audit, SLICE("{\"a\":1}"));
	audit_append(audit, SLICE("{\"b\":2}"));
	audit_close(&audit);

	cr_expect(eq(u32, read_files(&it, &all), 1));
	cr_expect(slice_equal(buffer_slice(&all),
		SLICE("{\"a\":1}\n{\"b\":2}\n")));
	cr_assert(zero(int, stat(it.dir, &stat_of_dir)));
	cr_expect(eq(u32, stat_of_dir.st_mode & 0777, 0700));
}

Test(audit, begins_another_file_from_a_size_on)
{
	scoped(fixture_close) struct fixture it = fixture_open();
	scoped(buffer_free) struct buffer all = {0};
	struct audit *audit;

	it.options.file_bytes = 10;
	audit = begin(&it);
	for (int i = 0; i < 3; i++) {
		audit_append(audit, SLICE("a line of more than ten bytes"));
		audit_close(&audit);
		audit = begin(&it);
	}
	audit_close(&audit);

	cr_expect(eq(u32, read_files(&it, &all), 3));
	cr_expect(eq(sz, all.len, 3 * 30));
}

Test(audit, no_file_without_a_line)
{
	scoped(fixture_close) struct fixture it = fixture_open();
	scoped(buffer_free) struct buffer all = {0};
	struct audit *audit = begin(&it);

	audit_close(&audit);

	cr_expect(zero(u32, read_files(&it, &all)));
}

struct teller {
	struct audit *audit;
	pthread_t thread;
};

#define TOLD 2000

static void *
tell(void *arg)
{
	char line[4000];
	struct teller *teller = arg;

	memset(line, 'x', sizeof(line));
	for (int i = 0; i < TOLD; i++)
		audit_append(teller->audit, slice_of(line, sizeof(line)));
	return NULL;
}

/* More than fits into memory at a time. */
static void
tell_much(struct audit *audit)
{
	struct teller tellers[4];

	for (size_t i = 0; i < array_len(tellers); i++) {
		tellers[i].audit = audit;
		cr_assert(zero(int, pthread_create(&tellers[i].thread, NULL,
					    tell, &tellers[i])));
	}
	for (size_t i = 0; i < array_len(tellers); i++)
		pthread_join(tellers[i].thread, NULL);
}

Test(audit, who_has_too_much_to_say_waits_and_nothing_is_lost)
{
	scoped(fixture_close) struct fixture it = fixture_open();
	scoped(buffer_free) struct buffer all = {0};
	struct audit *audit = begin(&it);

	tell_much(audit);
	cr_expect(zero(u64, audit_dropped(audit)));
	audit_close(&audit);

	(void)read_files(&it, &all);
	cr_expect(eq(sz, all.len, 4 * TOLD * 4001));
}

/* A directory that is gone takes no file. */
Test(audit, drops_and_counts_where_it_is_told_to)
{
	scoped(fixture_close) struct fixture it = fixture_open();
	struct audit *audit;

	it.options.drops = true;
	audit = begin(&it);
	cr_assert(zero(int, rmdir(it.dir)));
	tell_much(audit);

	/* Two buffers of 4 MiB are kept, at the most. */
	cr_expect(gt(u64, audit_dropped(audit),
		4 * TOLD - 2 * ((4u << 20) / 4001) - 1));
	audit_close(&audit);
}

Test(audit, waits_until_it_is_told_not_to_any_more)
{
	scoped(fixture_close) struct fixture it = fixture_open();
	struct audit *audit = begin(&it);

	cr_assert(zero(int, rmdir(it.dir)));
	audit_wait_until(audit, clock_monotonic_ms() + 500);
	tell_much(audit);

	cr_expect(gt(u64, audit_dropped(audit), 0));
	audit_close(&audit);
}

/* The objects of the bucket that logs are delivered to. */
static struct list_page
delivered(struct fixture *it, uint64_t *bucket_ino, struct arena *arena)
{
	struct list_page page;
	struct bucket bucket;

	cr_assert(zero(int,
		bucket_get(it->temp.store, SLICE("logs"), &bucket)));
	const struct list_request request = {.bucket = bucket.ino, .max = 100};
	cr_assert(zero(int, list_read(it->temp.store, &request, arena, &page)));
	*bucket_ino = bucket.ino;
	return page;
}

static struct slice
unpack(struct slice packed, struct arena *arena)
{
	size_t room = 1 << 20;
	z_stream stream = {
		.next_in = (Bytef *)packed.data,
		.avail_in = (uInt)packed.len,
	};
	char *out = arena_alloc(arena, room);

	stream.next_out = (Bytef *)out;
	stream.avail_out = (uInt)room;
	cr_assert(eq(int, inflateInit2(&stream, 15 + 16), Z_OK));
	cr_assert(eq(int, inflate(&stream, Z_FINISH), Z_STREAM_END));
	inflateEnd(&stream);
	return slice_of(out, room - stream.avail_out);
}

Test(audit, a_complete_file_becomes_an_object)
{
	scoped(fixture_close) struct fixture it = fixture_open();
	scoped(arena_free) struct arena arena = {0};
	scoped(buffer_free) struct buffer all = {0};
	struct audit *audit;
	uint64_t bucket;

	it.options.bucket = "logs";
	audit = begin(&it);
	audit_append(audit, SLICE("{\"a\":1}"));
	audit_close(&audit);

	struct list_page page = delivered(&it, &bucket, &arena);
	cr_assert(eq(sz, page.count, 1));
	struct slice key = page.entries[0].key;
	cr_expect(slice_has_prefix(key, SLICE("data-plane/20")));
	cr_expect(slice_has_suffix(key, SLICE(".jsonl.gz")));
	struct slice packed = objects_get(it.temp.store, bucket,
		arena_str(&arena, key), &arena);
	cr_expect(slice_equal(unpack(packed, &arena), SLICE("{\"a\":1}\n")));
	cr_expect(zero(u32, read_files(&it, &all)));
}

Test(audit, a_bucket_of_another_organization_gets_nothing)
{
	scoped(fixture_close) struct fixture it = fixture_open();
	struct audit *audit = NULL;
	struct bucket bucket;

	cr_assert(zero(int,
		organization_create(it.temp.store, SLICE("other"))));
	cr_assert(zero(int, bucket_create(it.temp.store, SLICE("logs"),
				    SLICE("other"), &bucket)));
	it.options.dir = it.dir;
	it.options.bucket = "logs";

	cr_expect(eq(int, audit_open(it.temp.store, &it.options, &audit),
		STORE_BUCKET_EXISTS));
	cr_expect(zero(ptr, audit));

	/* Its own, which is there already, is as good as a new one. */
	cr_assert(zero(int, bucket_create(it.temp.store, SLICE("own"),
				    SLICE("default"), &bucket)));
	it.options.bucket = "own";
	audit = begin(&it);
	audit_close(&audit);
}

static int
leave_file(struct fixture *it, const char *name)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", it->dir, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	cr_assert(ge(int, fd, 0));
	cr_assert(eq(int, (int)write(fd, "left\n", 5), 5));
	return fd;
}

Test(audit, what_a_dead_process_left_is_delivered_and_nothing_else)
{
	scoped(fixture_close) struct fixture it = fixture_open();
	scoped(arena_free) struct arena arena = {0};
	scoped(buffer_free) struct buffer all = {0};
	struct audit *audit;
	uint64_t bucket;

	cr_assert(zero(int, mkdir(it.dir, 0700)));
	close(leave_file(&it, "audit-20260102T030405.678Z-serve-1-0.jsonl"));
	close(leave_file(&it, "audit-x.jsonl"));
	close(leave_file(&it, "notes"));
	int living =
		leave_file(&it, "audit-20260102T030405.678Z-serve-2-0.jsonl");
	cr_assert(zero(int, flock(living, LOCK_EX)));
	it.options.bucket = "logs";
	audit = begin(&it);
	audit_close(&audit);

	struct list_page page = delivered(&it, &bucket, &arena);
	cr_assert(eq(sz, page.count, 1));
	cr_expect(slice_equal(page.entries[0].key,
		SLICE("data-plane/2026/01/02/"
		      "audit-20260102T030405.678Z-serve-1-0.jsonl.gz")));
	cr_expect(eq(u32, read_files(&it, &all), 3));
	close(living);
}

static uint64_t
unread_files(struct fixture *it)
{
	struct store_status status;

	cr_assert(zero(int, store_status(it->temp.store, &status)));
	return status.unread_audit_files;
}

Test(audit, a_file_that_cannot_be_read_is_told_and_in_the_way_of_no_other)
{
	scoped(fixture_close) struct fixture it = fixture_open();
	scoped(arena_free) struct arena arena = {0};
	struct audit_delivery delivery = {.store = it.temp.store};
	char name[80], bad[512];
	uint64_t bucket;

	cr_assert(zero(int, mkdir(it.dir, 0700)));
	for (int i = 0; i < 9; i++) {
		snprintf(name, sizeof(name),
			"audit-20260102T030405.678Z-serve-%d-0.jsonl", i);
		close(leave_file(&it, name));
	}
	/* Whichever the directory has first: all others come after it. */
	DIR *dir = opendir(it.dir);
	const struct dirent *entry = readdir(dir);
	while (entry->d_name[0] == '.')
		entry = readdir(dir);
	snprintf(bad, sizeof(bad), "%s/%s", it.dir, entry->d_name);
	closedir(dir);
	delivery.bucket = objects_bucket(it.temp.store, "logs");
	delivery.dir_fd = open(it.dir, O_RDONLY | O_DIRECTORY);
	struct faults *faults = faults_begin(bad);
	faults_arm(faults, FAULTS_READ, 1, EIO, true);

	cr_expect(zero(int, audit_deliver(&delivery)));
	cr_expect(eq(sz, delivered(&it, &bucket, &arena).count, 8));
	cr_expect(eq(u64, unread_files(&it), 1));

	/* Not at once, since it may take long. */
	faults_disarm(faults);
	cr_expect(zero(int, audit_deliver(&delivery)));
	cr_expect(eq(sz, delivered(&it, &bucket, &arena).count, 8));
	delivery.again_ms = 0;
	cr_expect(zero(int, audit_deliver(&delivery)));
	cr_expect(eq(sz, delivered(&it, &bucket, &arena).count, 9));
	cr_expect(zero(u64, unread_files(&it)));
	buffer_free(&delivery.unread);
	close(delivery.dir_fd);
}

Test(audit, who_has_ended_counts_no_files)
{
	scoped(fixture_close) struct fixture it = fixture_open();

	cr_assert(zero(int, audit_state_set(it.temp.store, 7)));
	cr_expect(eq(u64, unread_files(&it), 7));
	temp_store_reopen(&it.temp);

	cr_expect(zero(u64, unread_files(&it)));
}

/* Names tell the moment to a millisecond, and each log counts for itself. */
Test(audit, logs_of_one_process_may_begin_files_in_one_moment)
{
	scoped(fixture_close) struct fixture it = fixture_open();
	scoped(buffer_free) struct buffer lines = {0};

	cr_assert(zero(int, mkdir(it.dir, 0700)));
	for (int i = 0; i < 50; i++) {
		struct audit_file file = {
			.dir_fd = open(it.dir, O_RDONLY | O_DIRECTORY),
			.role = "test",
			.fd = -1,
		};

		cr_assert(ge(int, file.dir_fd, 0));
		cr_expect(zero(int, audit_file_append(&file, SLICE("{}\n"))));
		close(file.fd);
		close(file.dir_fd);
	}
	cr_expect(eq(uint, read_files(&it, &lines), 50));
}
