/* SPDX-License-Identifier: Apache-2.0 */
/*
 * 1. The key of an object follows from the file's name, the bucket and the day
 *    alone: what was cut off is delivered once more, and what is in its place
 *    by then stays.
 * 2. A target that takes no objects costs its own lines, and is in the way of
 *    no other; a disk that does not work costs none, they are tried again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "store/access_log_private.h"
#include "store/base/arena.h"
#include "store/base/buffer.h"
#include "store/base/digest.h"
#include "store/base/io.h"
#include "store/base/log.h"
#include "store/base/text.h"
#include "store/logging.h"
#include "store/object.h"

/* Twice what the largest one may have grown to. */
#define FILE_MAX_BYTES (32ull << 20)
#define SECONDS_PER_DAY 86400
#define UNIQUE_BYTES 8
#define NAME_TIME "audit-"
#define NAME_TIME_LEN 15 /* 20261125T180000 */

struct line {
	uint64_t bucket;
	int64_t day; /* since 1970 */
	struct slice text;
};

struct lines {
	struct line *lines;
	size_t count;
};

/* --- the file ------------------------------------------------------------- */

static enum store_err
read_file(int fd, struct buffer *to, bool *is_unreadable)
{
	struct stat stat;
	enum store_err err;

	if (fstat(fd, &stat))
		return error_from_errno(errno);
	/* Nobody but the store's owner can have made it so large. */
	*is_unreadable = (uint64_t)stat.st_size > FILE_MAX_BYTES;
	if (*is_unreadable)
		return STORE_TOO_BIG;
	buffer_reserve(to, (size_t)stat.st_size);
	err = io_pread_all(fd, to->data, (size_t)stat.st_size, 0);
	*is_unreadable = err != STORE_OK;
	if (!err)
		to->len = (size_t)stat.st_size;
	return err;
}

/* False: it is none of ours, as one that tells of dropped ones. */
static bool
parse_line(struct slice text, struct line *line)
{
	struct slice bucket, seconds;
	unsigned long ino, at;

	if (!slice_split(&text, ' ', &bucket) ||
		!slice_split(&text, ' ', &seconds) || text.len == 0 ||
		!slice_to_u64(bucket, UINT64_MAX, &ino) ||
		!slice_to_u64(seconds, INT64_MAX, &at))
		return false;
	*line = (struct line){ino, (int64_t)at / SECONDS_PER_DAY, text};
	return true;
}

static struct lines
parse(struct slice bytes, struct arena *arena)
{
	struct lines found = {0};
	struct slice rest = bytes;
	struct slice text;
	size_t most = 0;

	while (slice_split(&rest, '\n', &text))
		most++;
	found.lines = arena_new_array(arena, most, struct line);
	while (slice_split(&bytes, '\n', &text))
		found.count += parse_line(text, &found.lines[found.count]);
	return found;
}

/* By bucket and day, else as they came. */
static int
compare_lines(const void *a, const void *b)
{
	const struct line *first = a;
	const struct line *second = b;

	if (first->bucket != second->bucket)
		return first->bucket < second->bucket ? -1 : 1;
	if (first->day != second->day)
		return first->day < second->day ? -1 : 1;
	return first->text.data < second->text.data ? -1 : 1;
}

/* --- the key -------------------------------------------------------------- */

static void
append_unique(struct buffer *to, struct slice name, uint64_t bucket,
	int64_t day)
{
	scoped(buffer_free) struct buffer what = {0};
	uint8_t digest[32];
	char hex[TEXT_HEX_LEN(UNIQUE_BYTES) + 1];

	buffer_append(&what, name);
	buffer_printf(&what, " %llu %lld", (unsigned long long)bucket,
		(long long)day);
	digest_of(DIGEST_SHA256, buffer_slice(&what), digest);
	text_to_hex(digest, UNIQUE_BYTES, hex);
	for (char *c = hex; *c; c++)
		buffer_append_char(to, *c >= 'a' ? (char)(*c - 'a' + 'A') : *c);
}

/* 2026/11/25/ */
static void
append_days(struct buffer *to, const struct tm *tm)
{
	buffer_printf(to, "%04d/%02d/%02d/", tm->tm_year + 1900, tm->tm_mon + 1,
		tm->tm_mday);
}

/* When the file was begun. */
static bool
parse_name(struct slice name, struct tm *tm)
{
	char text[NAME_TIME_LEN + 1];

	if (!slice_has_prefix(name, SLICE(NAME_TIME)))
		return false;
	name = slice_first(slice_from(name, strlen(NAME_TIME)), NAME_TIME_LEN);
	*tm = (struct tm){0};
	return slice_to_str(name, text, sizeof(text)) &&
	       strptime(text, "%Y%m%dT%H%M%S", tm) != NULL;
}

/* day: what the lines are about; -1: of several. */
static bool
make_key(struct buffer *key, struct slice name, const struct bucket *bucket,
	const struct logging *logging, int64_t day)
{
	time_t midnight = (time_t)(day * SECONDS_PER_DAY);
	struct tm tm;

	if (!parse_name(name, &tm))
		return false;
	if (day >= 0 && !gmtime_r(&midnight, &tm))
		return false;
	buffer_append(key, logging->prefix);
	if (logging->format >= LOGGING_BY_EVENT) {
		buffer_printf(key, "%s/%s/%s/", bucket->owner, bucket->region,
			bucket->name);
		append_days(key, &tm);
	}
	buffer_printf(key, "%04d-%02d-%02d-%02d-%02d-%02d-", tm.tm_year + 1900,
		tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
	append_unique(key, name, bucket->ino, day);
	return true;
}

/* --- the object ----------------------------------------------------------- */

static void
describe(const struct logging *logging, struct buffer *to)
{
	const struct inode_attr type = {
		.kind = INODE_ATTR_HEADER,
		.name = SLICE("content-type"),
		.value = SLICE("text/plain"),
	};
	const struct inode_attr list = {
		.kind = INODE_ATTR_ACL,
		.name = SLICE("s3"),
		.value = logging->list,
	};

	inode_attr_append(to, &type);
	if (list.value.len > 0)
		inode_attr_append(to, &list);
}

static enum store_err
put(struct store *store, uint64_t target, struct slice key,
	const struct logging *logging, struct slice body)
{
	scoped(object_put_abort) struct object_put *put = NULL;
	/* Else a target that keeps versions has one more of it each time. */
	const struct object_condition is_new = {.must_not_exist = true};
	scoped(buffer_free) struct buffer encoded = {0};
	struct object_attrs attrs = {0};
	struct object made;
	enum store_err err = object_put_begin(store, body.len, &put);

	if (!err)
		err = object_put_write(put, body);
	if (err)
		return err;
	describe(logging, &encoded);
	attrs.attrs = buffer_slice(&encoded);
	digest_of(DIGEST_MD5, body, attrs.etag.value);
	err = object_put_commit(&put, target, key, &attrs, &is_new, &made);
	return err == STORE_PRECONDITION ? STORE_OK : err;
}

/* The target as it was when it was chosen. */
static enum store_err
find_target(struct store *store, const struct bucket *bucket,
	const struct logging *logging, struct bucket *target)
{
	enum store_err err = bucket_get(store, logging->target, target);

	if (!err && (strcmp(target->owner, bucket->owner) != 0 ||
			    strcmp(target->region, bucket->region) != 0))
		err = STORE_NOT_PERMITTED;
	return err;
}

static void
join(struct buffer *body, const struct line *lines, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		buffer_append(body, lines[i].text);
		buffer_append_char(body, '\n');
	}
}

static enum store_err
deliver_to(struct store *store, struct slice name, const struct bucket *bucket,
	const struct logging *logging, const struct line *lines, size_t count)
{
	scoped(buffer_free) struct buffer key = {0};
	scoped(buffer_free) struct buffer body = {0};
	struct bucket target;
	enum store_err err = find_target(store, bucket, logging, &target);
	int64_t day = logging->format == LOGGING_BY_EVENT ? lines->day : -1;

	if (err)
		return err;
	if (!make_key(&key, name, bucket, logging, day))
		return STORE_INVALID;
	join(&body, lines, count);
	return put(store, target.ino, buffer_slice(&key), logging,
		buffer_slice(&body));
}

/* --- all of them ---------------------------------------------------------- */

/* It may be otherwise in a while. */
static bool
will_pass(enum store_err err)
{
	return err == STORE_IO || err == STORE_NO_SPACE ||
	       err == STORE_NO_MEMORY || err == STORE_BUSY ||
	       err == STORE_READ_ONLY || err == STORE_CANCELED ||
	       err == STORE_TIMED_OUT;
}

static void
tell_dropped(const struct bucket *bucket, const struct logging *logging,
	size_t count, enum store_err err)
{
	log_warn("access log: %zu lines about %s are dropped, since %.*s does "
		 "not take them: %s",
		count, bucket->name, (int)logging->target.len,
		logging->target.data, error_sentence(err));
}

/* How many of the first lines go into one object. */
static size_t
count_together(const struct logging *logging, const struct line *lines,
	size_t count)
{
	size_t together = 1;

	while (together < count && (logging->format != LOGGING_BY_EVENT ||
					   lines[together].day == lines->day))
		together++;
	return together;
}

/* All of one bucket, which may be gone, or want none any more. */
static enum store_err
deliver_bucket(struct store *store, struct slice name, const struct line *lines,
	size_t count)
{
	scoped(arena_free) struct arena arena = {0};
	struct logging logging;
	struct bucket bucket;
	enum store_err err = bucket_get_by_ino(store, lines->bucket, &bucket);
	enum store_err failed = STORE_OK;

	if (!err)
		err = logging_read(store, bucket.ino, &arena, &logging);
	if (err)
		return will_pass(err) ? err : STORE_OK;
	for (size_t i = 0; i < count;) {
		size_t together =
			count_together(&logging, lines + i, count - i);

		err = deliver_to(store, name, &bucket, &logging, lines + i,
			together);
		if (err && will_pass(err))
			failed = err;
		else if (err)
			tell_dropped(&bucket, &logging, together, err);
		i += together;
	}
	return failed;
}

enum store_err
access_log_deliver(struct store *store, struct slice name, int fd,
	bool *is_unreadable)
{
	scoped(buffer_free) struct buffer bytes = {0};
	scoped(arena_free) struct arena arena = {0};
	struct lines found;
	enum store_err err = read_file(fd, &bytes, is_unreadable);
	enum store_err failed = STORE_OK;

	if (err)
		return err;
	found = parse(buffer_slice(&bytes), &arena);
	qsort(found.lines, found.count, sizeof(*found.lines), compare_lines);
	for (size_t i = 0; i < found.count;) {
		size_t count = 1;

		while (i + count < found.count &&
			found.lines[i + count].bucket == found.lines[i].bucket)
			count++;
		err = deliver_bucket(store, name, found.lines + i, count);
		if (err)
			failed = err;
		i += count;
	}
	return failed;
}
