/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "store/access_log_private.h"
#include "store/base/clock.h"
#include "store/list.h"
#include "store/logging.h"
#include "store/organization.h"
#include "store/versioning.h"
#include "tests/store/objects.h"
#include "tests/support/temp_store.h"

#define FILE_NAME "audit-20261125T180102.123Z-access-1-0.jsonl"
/* 2026-11-25 and the day after it */
#define FIRST_DAY "1795629600"
#define SECOND_DAY "1795716000"

struct fixture {
	struct temp_store temp;
	struct bucket photos;
	struct bucket logs;
};

static struct bucket
make_bucket(struct store *store, const char *name, const char *owner)
{
	struct bucket bucket;

	cr_assert(zero(int, bucket_create(store, slice_str(name),
				    slice_str(owner), &bucket)));
	return bucket;
}

static void
set_logging(struct fixture *it, const struct bucket *bucket,
	const struct logging *logging)
{
	scoped(buffer_free) struct buffer encoded = {0};
	struct slice value;

	logging_encode(&encoded, logging);
	value = buffer_slice(&encoded);
	cr_assert(zero(int, bucket_set_document(it->temp.store, bucket->ino,
				    SLICE(LOGGING_KIND), &value)));
}

static void
log_to(struct fixture *it, enum logging_format format, const char *target)
{
	set_logging(it, &it->photos,
		&(struct logging){
			.format = format,
			.target = slice_str(target),
			.prefix = SLICE("p/"),
		});
}

static struct fixture
fixture_open(void)
{
	struct fixture it = {.temp = temp_store_open()};

	it.photos = make_bucket(it.temp.store, "photos", "default");
	it.logs = make_bucket(it.temp.store, "logs", "default");
	log_to(&it, LOGGING_PLAIN, "logs");
	return it;
}

static void
fixture_close(struct fixture *it)
{
	temp_store_close(&it->temp);
}

static struct access_log *
begin(struct fixture *it)
{
	struct access_log *log = NULL;

	cr_assert(zero(int, access_log_open(it->temp.store,
				    &(struct access_log_options){0}, &log)));
	return log;
}

/* A file as a server that was killed has left it. */
static void
leave_file(struct fixture *it, const char *lines)
{
	char path[512];

	(void)snprintf(path, sizeof(path), "%s/access-log", it->temp.path);
	cr_assert(mkdir(path, 0700) == 0 || errno == EEXIST);
	(void)snprintf(path, sizeof(path), "%s/access-log/" FILE_NAME,
		it->temp.path);
	FILE *file = fopen(path, "w");
	cr_assert(file != NULL);
	cr_assert(fputs(lines, file) >= 0);
	cr_assert(zero(int, fclose(file)));
}

static unsigned int
count_files(const struct fixture *it)
{
	char path[512];
	unsigned int count = 0;
	struct dirent *entry;

	(void)snprintf(path, sizeof(path), "%s/access-log", it->temp.path);
	DIR *dir = opendir(path);
	cr_assert(dir != NULL);
	while ((entry = readdir(dir)))
		count += entry->d_name[0] != '.';
	(void)closedir(dir);
	return count;
}

static struct list_page
delivered(struct fixture *it, struct arena *arena)
{
	const struct list_request request = {
		.bucket = it->logs.ino,
		.max = 100,
		.attr_kinds = 1u << INODE_ATTR_HEADER | 1u << INODE_ATTR_ACL,
	};
	struct list_page page;

	cr_assert(zero(int, list_read(it->temp.store, &request, arena, &page)));
	return page;
}

static uint64_t
usage_objects(const struct fixture *it)
{
	uint64_t objects, bytes;

	objects_usage(it->temp.store, it->logs.ino, &objects, &bytes);
	return objects;
}

static void
deliver(struct fixture *it)
{
	struct access_log *log = begin(it);

	access_log_close(&log);
}

static const char *
of_photos(const struct fixture *it, struct arena *arena, const char *second,
	const char *text)
{
	return arena_str(arena,
		arena_printf(arena, "%llu %s %s\n",
			(unsigned long long)it->photos.ino, second, text));
}

Test(access_log, lines_become_an_object_of_the_target_at_the_end)
{
	scoped(fixture_close) struct fixture it = fixture_open();
	scoped(arena_free) struct arena arena = {0};
	struct access_log *log = begin(&it);
	struct list_page page;
	struct slice type;

	cr_expect(access_log_is_wanted(log, &it.photos));
	cr_expect(not(access_log_is_wanted(log, &it.logs)));
	access_log_append(log, &it.photos, clock_now_ns(), SLICE("one"));
	access_log_append(log, &it.photos, clock_now_ns(), SLICE("two"));
	access_log_close(&log);

	page = delivered(&it, &arena);
	cr_assert(eq(sz, page.count, 1));
	cr_expect(slice_has_prefix(page.entries[0].key, SLICE("p/20")));
	cr_expect(objects_is(it.temp.store, it.logs.ino,
		arena_str(&arena, page.entries[0].key), "one\ntwo\n"));
	cr_expect(inode_attr_find(page.entries[0].inode.attrs,
		INODE_ATTR_HEADER, SLICE("content-type"), &type));
	cr_expect(slice_equal(type, SLICE("text/plain")));
	cr_expect(zero(u32, count_files(&it)));
}

/* What was found of a bucket is remembered, and no longer than it is true. */
Test(access_log, lines_are_wanted_from_the_commit_that_asks_for_them)
{
	scoped(fixture_close) struct fixture it = fixture_open();
	struct access_log *log = begin(&it);

	cr_assert(zero(int, bucket_set_document(it.temp.store, it.photos.ino,
				    SLICE(LOGGING_KIND), NULL)));
	for (int i = 0; i < 3; i++) {
		cr_expect(not(access_log_is_wanted(log, &it.photos)));
		cr_expect(not(access_log_is_wanted(log, &it.photos)));
		log_to(&it, LOGGING_PLAIN, "logs");
		cr_expect(access_log_is_wanted(log, &it.photos));
		cr_expect(not(access_log_is_wanted(log, &it.logs)));
		cr_expect(access_log_is_wanted(log, &it.photos));
		cr_assert(zero(int,
			bucket_set_document(it.temp.store, it.photos.ino,
				SLICE(LOGGING_KIND), NULL)));
	}
	access_log_close(&log);
}

Test(access_log, what_was_left_behind_is_delivered_once_under_one_key)
{
	scoped(fixture_close) struct fixture it = fixture_open();
	scoped(arena_free) struct arena arena = {0};
	const char *lines = of_photos(&it, &arena, FIRST_DAY, "one");
	struct list_page page;

	cr_assert(zero(int, versioning_set(it.temp.store, it.logs.ino,
				    VERSIONING_ENABLED)));
	leave_file(&it, lines);
	deliver(&it);
	/* As if it had been cut off before the file went. */
	leave_file(&it, lines);
	deliver(&it);

	page = delivered(&it, &arena);
	cr_assert(eq(sz, page.count, 1));
	/* An older version would be counted. */
	cr_expect(eq(u64, usage_objects(&it), 1));
	cr_expect(slice_has_prefix(page.entries[0].key,
		SLICE("p/2026-11-25-18-01-02-")));
	cr_expect(eq(sz, page.entries[0].key.len,
		strlen("p/2026-11-25-18-01-02-0123456789ABCDEF")));
	cr_expect(zero(u32, count_files(&it)));
}

Test(access_log, keys_lie_below_days_where_that_is_asked_for)
{
	scoped(fixture_close) struct fixture it = fixture_open();
	scoped(arena_free) struct arena arena = {0};
	const char *lines = arena_str(&arena,
		arena_printf(&arena, "%s%s",
			of_photos(&it, &arena, SECOND_DAY, "two"),
			of_photos(&it, &arena, FIRST_DAY, "one")));
	const char *below = arena_str(&arena,
		arena_printf(&arena, "p/default/%s/photos/2026/11/",
			it.photos.region));
	struct list_page page;

	log_to(&it, LOGGING_BY_EVENT, "logs");
	leave_file(&it, lines);
	deliver(&it);

	page = delivered(&it, &arena);
	cr_assert(eq(sz, page.count, 2));
	for (size_t i = 0; i < 2; i++) {
		const char *key = arena_str(&arena, page.entries[i].key);

		cr_expect(slice_has_prefix(slice_str(key),
				  arena_printf(&arena,
					  "%s%d/2026-11-%d-00-00-00-", below,
					  25 + (int)i, 25 + (int)i)),
			"%s", key);
		cr_expect(objects_is(it.temp.store, it.logs.ino, key,
			i ? "two\n" : "one\n"));
	}
	log_to(&it, LOGGING_BY_DELIVERY, "logs");
	leave_file(&it, lines);
	deliver(&it);
	page = delivered(&it, &arena);
	cr_assert(eq(sz, page.count, 3));
	cr_expect(slice_has_prefix(page.entries[1].key,
		arena_printf(&arena, "%s25/2026-11-25-18-01-02-", below)));
}

Test(access_log, each_bucket_has_an_object_of_its_own_lines)
{
	scoped(fixture_close) struct fixture it = fixture_open();
	scoped(arena_free) struct arena arena = {0};
	struct bucket films = make_bucket(it.temp.store, "films", "default");
	struct access_log *log = begin(&it);

	set_logging(&it, &films,
		&(struct logging){.target = SLICE("logs"),
			.prefix = SLICE("f/"),
			.list = SLICE("a list")});
	access_log_append(log, &it.photos, clock_now_ns(), SLICE("photo"));
	access_log_append(log, &films, clock_now_ns(), SLICE("film"));
	access_log_append(log, &it.photos, clock_now_ns(), SLICE("photo"));
	/* It has none. */
	access_log_append(log, &it.logs, clock_now_ns(), SLICE("log"));
	access_log_close(&log);

	struct list_page page = delivered(&it, &arena);
	struct slice list;
	cr_assert(eq(sz, page.count, 2));
	cr_expect(objects_is(it.temp.store, it.logs.ino,
		arena_str(&arena, page.entries[0].key), "film\n"));
	cr_expect(objects_is(it.temp.store, it.logs.ino,
		arena_str(&arena, page.entries[1].key), "photo\nphoto\n"));
	cr_expect(inode_attr_find(page.entries[0].inode.attrs, INODE_ATTR_ACL,
		SLICE("s3"), &list));
	cr_expect(slice_equal(list, SLICE("a list")));
}

Test(access_log, a_target_that_takes_nothing_is_in_the_way_of_no_other)
{
	scoped(fixture_close) struct fixture it = fixture_open();
	scoped(arena_free) struct arena arena = {0};
	static const char *const targets[] = {"gone", "others", "full", "logs"};
	const struct usage_quota quota = {.objects = 1, .bytes = 1};
	struct bucket sources[array_len(targets)];
	struct access_log *log;
	struct bucket full;

	cr_assert(zero(int, organization_create(it.temp.store, SLICE("org"))));
	(void)make_bucket(it.temp.store, "others", "org");
	full = make_bucket(it.temp.store, "full", "default");
	cr_assert(zero(int,
		usage_set_bucket_quota(it.temp.store, full.ino, &quota)));
	log = begin(&it);
	for (size_t i = 0; i < array_len(targets); i++) {
		sources[i] = make_bucket(it.temp.store,
			arena_str(&arena,
				arena_printf(&arena, "source-%zu", i)),
			"default");
		set_logging(&it, &sources[i],
			&(struct logging){.target = slice_str(targets[i])});
		access_log_append(log, &sources[i], clock_now_ns(),
			SLICE("a line"));
	}
	access_log_close(&log);

	cr_expect(eq(sz, delivered(&it, &arena).count, 1));
	cr_expect(zero(u32, count_files(&it)));
}

Test(access_log, lines_that_are_none_are_passed_over)
{
	scoped(fixture_close) struct fixture it = fixture_open();
	scoped(arena_free) struct arena arena = {0};
	struct list_page page;

	leave_file(&it,
		arena_str(&arena,
			arena_printf(&arena,
				"\n{\"action\":\"audit:Dropped\"}\n1\n1 \n"
				"1 2\n-1 2 x\n99999 1 x\n%s%s",
				of_photos(&it, &arena, FIRST_DAY, "one"),
				"18446744073709551616 1 x")));
	deliver(&it);

	page = delivered(&it, &arena);
	cr_assert(eq(sz, page.count, 1));
	cr_expect(objects_is(it.temp.store, it.logs.ino,
		arena_str(&arena, page.entries[0].key), "one\n"));
	cr_expect(zero(u32, count_files(&it)));
}

Test(access_log, a_document_that_is_none_is_not_read)
{
	static const char *const documents[] = {"", "\1", "\2\0\0\0\0\0",
		"\1\4\1\0a\0\0\0\0\0\0", "\1\0\1\0a\0\0\0\0\0\0x"};
	static const size_t lens[] = {0, 1, 6, 11, 12};
	struct logging logging;

	for (size_t i = 0; i < array_len(documents); i++)
		cr_expect(not(logging_decode(slice_of(documents[i], lens[i]),
				  &logging)),
			"%zu", i);
	cr_expect(logging_decode(slice_of("\1\3\1\0a\0\0\0\0\0\0", 11),
		&logging));
}
