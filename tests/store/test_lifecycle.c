/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "store/base/clock.h"
#include "store/lifecycle.h"
#include "store/list.h"
#include "store/upload.h"
#include "tests/store/objects.h"
#include "tests/store/raw.h"
#include "tests/support/temp_store.h"

#define HOUR_NS (3600 * CLOCK_NS_PER_S)
#define DAY_NS (24 * HOUR_NS)

static int64_t
at(const char *text)
{
	int64_t time_ns = 0;

	cr_assert(clock_from_iso8601(slice_str(text), &time_ns));
	return time_ns;
}

/* What stands for a rule that expires what is a day old. */
static struct lifecycle_rule
rule(const char *id, const char *prefix)
{
	return (struct lifecycle_rule){
		.id = slice_str(id),
		.is_enabled = true,
		.form = LIFECYCLE_FILTER,
		.has_prefix = true,
		.prefix = slice_str(prefix),
		.expire_days = 1,
	};
}

static void
append_tag(struct buffer *to, struct slice name, struct slice value)
{
	const struct inode_attr tag = {INODE_ATTR_TAG, name, value};

	inode_attr_append(to, &tag);
}

static const char *
id_of(const struct lifecycle_rule *rule)
{
	return rule ? rule->id.data : "none";
}

/* --- which rule, and when ------------------------------------------------- */

Test(lifecycle, days_end_at_the_next_midnight)
{
	struct lifecycle_rule one = rule("one", "");
	const struct lifecycle_rules rules = {&one, 1, 0};
	struct inode inode = {0};
	int64_t when_ns;

	/* The example of S3's documentation. */
	one.expire_days = 3;
	inode.mtime_ns = at("2014-01-15T10:30:00Z");
	cr_assert(eq(ptr,
		(void *)lifecycle_expires(&rules, SLICE("k"), &inode, &when_ns),
		&one));
	cr_expect(eq(i64, when_ns, at("2014-01-19T00:00:00Z")));
	inode.mtime_ns = at("2014-01-15T00:00:00Z");
	cr_assert(lifecycle_expires(&rules, SLICE("k"), &inode, &when_ns) !=
		  NULL);
	cr_expect(eq(i64, when_ns, at("2014-01-18T00:00:00Z")));
	one.expire_days = UINT32_MAX;
	cr_assert(lifecycle_expires(&rules, SLICE("k"), &inode, &when_ns) !=
		  NULL);
	cr_expect(eq(i64, when_ns, INT64_MAX));
}

Test(lifecycle, what_was_copied_with_its_times_counts_from_when_it_was_made)
{
	struct lifecycle_rule one = rule("one", "");
	const struct lifecycle_rules rules = {&one, 1, 0};
	const struct inode inode = {
		.mtime_ns = at("1999-01-01T00:00:00Z"),
		.birth_ns = at("2026-01-01T12:00:00Z"),
	};
	const struct inode ancient = {.mtime_ns = INT64_MIN};
	int64_t when_ns;

	cr_assert(lifecycle_expires(&rules, SLICE("k"), &inode, &when_ns) !=
		  NULL);
	cr_expect(eq(i64, when_ns, at("2026-01-03T00:00:00Z")));
	cr_assert(lifecycle_expires(&rules, SLICE("k"), &ancient, &when_ns) !=
		  NULL);
	cr_expect(eq(i64, when_ns, at("1970-01-02T00:00:00Z")));
}

Test(lifecycle, the_rule_that_is_due_first_decides)
{
	struct lifecycle_rule list[] = {rule("long", ""), rule("off", ""),
		rule("dated", "logs/"), rule("short", "logs/a")};
	const struct lifecycle_rules rules = {list, array_len(list), 0};
	struct inode inode = {.mtime_ns = at("2026-01-01T12:00:00Z")};
	int64_t when_ns;

	list[0].expire_days = 30;
	list[1].is_enabled = false;
	list[2].expire_days = 0;
	list[2].expire_date_ns = at("2026-01-04T00:00:00Z");
	cr_expect(eq(str,
		(char *)id_of(lifecycle_expires(&rules, SLICE("x"), &inode,
			&when_ns)),
		"long"));
	cr_expect(eq(str,
		(char *)id_of(lifecycle_expires(&rules, SLICE("logs/x"), &inode,
			&when_ns)),
		"dated"));
	cr_expect(eq(i64, when_ns, list[2].expire_date_ns));
	cr_expect(eq(str,
		(char *)id_of(lifecycle_expires(&rules, SLICE("logs/abc"),
			&inode, &when_ns)),
		"short"));
}

Test(lifecycle, sizes_and_tags_have_to_fit)
{
	scoped(buffer_free) struct buffer wanted = {0};
	scoped(buffer_free) struct buffer more = {0};
	struct lifecycle_rule one = rule("one", "");
	const struct lifecycle_rules rules = {&one, 1, 0};
	struct inode inode = {.size = 10};
	int64_t when_ns;

	append_tag(&wanted, SLICE("a"), SLICE("1"));
	append_tag(&more, SLICE("a"), SLICE("1"));
	append_tag(&more, SLICE("b"), SLICE("2"));

	one.has_above = true;
	one.above = 10;
	cr_expect(eq(ptr,
		(void *)lifecycle_expires(&rules, SLICE("k"), &inode, &when_ns),
		NULL));
	one.above = 9;
	cr_expect(lifecycle_expires(&rules, SLICE("k"), &inode, &when_ns) !=
		  NULL);
	one.has_below = true;
	one.below = 10;
	cr_expect(eq(ptr,
		(void *)lifecycle_expires(&rules, SLICE("k"), &inode, &when_ns),
		NULL));
	one.below = 11;
	cr_expect(lifecycle_expires(&rules, SLICE("k"), &inode, &when_ns) !=
		  NULL);
	cr_expect(not(lifecycle_asks_for_tags(&rules)));
	one.tags = buffer_slice(&more);
	cr_expect(lifecycle_asks_for_tags(&rules));
	inode.attrs = buffer_slice(&wanted);
	cr_expect(eq(ptr,
		(void *)lifecycle_expires(&rules, SLICE("k"), &inode, &when_ns),
		NULL));
	one.tags = buffer_slice(&wanted);
	inode.attrs = buffer_slice(&more);
	cr_expect(lifecycle_expires(&rules, SLICE("k"), &inode, &when_ns) !=
		  NULL);
}

/* --- encoding ------------------------------------------------------------- */

Test(lifecycle, rules_are_read_as_they_were_written)
{
	scoped(arena_free) struct arena arena = {0};
	scoped(buffer_free) struct buffer tags = {0};
	scoped(buffer_free) struct buffer bytes = {0};
	scoped(buffer_free) struct buffer again = {0};
	struct lifecycle_rule list[] = {rule("one", "a/"), rule("two", "")};
	const struct lifecycle_rules rules = {list, 2, LIFECYCLE_VARIES};
	struct lifecycle_rules got;

	append_tag(&tags, SLICE("a"), SLICE("1"));
	list[1] = (struct lifecycle_rule){
		.id = SLICE("two"),
		.form = LIFECYCLE_AND,
		.tags = buffer_slice(&tags),
		.has_above = true,
		.above = 1,
		.has_below = true,
		.below = UINT64_MAX,
		.expire_date_ns = 3 * DAY_NS,
		.has_marker = true,
		.marker = true,
		.noncurrent_days = 4,
		.noncurrent_newer = 5,
		.abort_days = 6,
	};
	lifecycle_encode(&bytes, &rules);
	cr_assert(lifecycle_decode(buffer_slice(&bytes), &arena, &got));
	lifecycle_encode(&again, &got);

	cr_expect(slice_equal(buffer_slice(&bytes), buffer_slice(&again)));
	cr_expect(eq(sz, got.count, 2));
	cr_expect(got.rules[0].is_enabled && !got.rules[1].is_enabled);
	cr_expect(eq(u32, got.rules[1].abort_days, 6));
	for (size_t len = 0; len < bytes.len; len++)
		cr_expect(not(lifecycle_decode(slice_first(buffer_slice(&bytes),
						       len),
				  &arena, &got)),
			"%zu", len);
	size_t decoded = 0;
	for (size_t i = 0; i < bytes.len; i++) {
		bytes.data[i] ^= (char)0xff;
		decoded += lifecycle_decode(buffer_slice(&bytes), &arena, &got);
		bytes.data[i] ^= (char)0xff;
	}
	cr_expect(lt(sz, decoded, bytes.len));
}

/* --- a run ---------------------------------------------------------------- */

static void
set_rules(struct store *store, uint64_t bucket, struct lifecycle_rule *list,
	size_t count)
{
	scoped(buffer_free) struct buffer bytes = {0};
	const struct lifecycle_rules rules = {list, count, 0};
	struct slice value;

	lifecycle_encode(&bytes, &rules);
	value = buffer_slice(&bytes);
	cr_assert(zero(int, bucket_set_document(store, bucket,
				    SLICE(LIFECYCLE_KIND), &value)));
}

static bool
has(struct store *store, uint64_t bucket, const char *key)
{
	scoped(arena_free) struct arena arena = {0};
	struct object object;

	return !object_head(store, bucket, slice_str(key), &arena, &object);
}

struct seen {
	char text[256];
};

static void
note(const struct lifecycle_finding *finding, void *context)
{
	struct seen *seen = context;
	size_t len = strlen(seen->text);

	snprintf(seen->text + len, sizeof(seen->text) - len, "%s%s/%.*s:%.*s ",
		finding->is_upload ? "upload " : "", finding->bucket->name,
		(int)finding->key.len, finding->key.data,
		(int)finding->rule.len, finding->rule.data);
}

Test(lifecycle, a_run_deletes_what_is_due_and_nothing_else)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	uint64_t other = objects_bucket(temp.store, "other");
	struct lifecycle_rule list[] = {rule("logs", "logs/")};
	struct seen seen = {0};
	struct lifecycle_options options = {
		.now_ns = clock_now_ns(), .report = note, .context = &seen};
	struct lifecycle_result result;

	cr_assert(zero(int, objects_put(temp.store, bucket, "logs/a", "text")));
	cr_assert(zero(int, objects_put(temp.store, bucket, "logs/b/c", "12")));
	cr_assert(zero(int, objects_put(temp.store, bucket, "logs", "1")));
	cr_assert(zero(int, objects_put(temp.store, other, "logs/a", "text")));
	set_rules(temp.store, bucket, list, 1);

	cr_assert(zero(int, lifecycle_run(temp.store, &options, &result)));
	cr_expect(zero(u64, result.objects));
	options.now_ns += 2 * DAY_NS;
	options.is_dry = true;
	cr_assert(zero(int, lifecycle_run(temp.store, &options, &result)));
	cr_expect(eq(u64, result.objects, 2));
	cr_expect(has(temp.store, bucket, "logs/a"));
	options.is_dry = false;
	memset(&seen, 0, sizeof(seen));
	cr_assert(zero(int, lifecycle_run(temp.store, &options, &result)));

	cr_expect(eq(u64, result.objects, 2));
	cr_expect(eq(u64, result.bytes, 6));
	cr_expect(result.is_whole);
	cr_expect(eq(str, seen.text,
		"bucket/logs/a:logs bucket/logs/b/c:logs "));
	cr_expect(not(has(temp.store, bucket, "logs/a")));
	cr_expect(not(has(temp.store, bucket, "logs/b/c")));
	cr_expect(has(temp.store, bucket, "logs"));
	cr_expect(has(temp.store, other, "logs/a"));
	cr_expect(zero(sz, objects_findings(temp.store)));
}

Test(lifecycle, more_than_a_page_expires)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	struct lifecycle_rule list[] = {rule("x", "x"), rule("y", "y/")};
	const struct lifecycle_options options = {
		.now_ns = clock_now_ns() + 2 * DAY_NS};
	struct lifecycle_result result;

	for (int i = 0; i < 2100; i++) {
		char key[16];

		snprintf(key, sizeof(key), "%c/%d", i % 3 ? 'x' : 'z', i);
		cr_assert(zero(int, objects_put(temp.store, bucket, key, "")));
	}
	set_rules(temp.store, bucket, list, 2);
	cr_assert(zero(int, lifecycle_run(temp.store, &options, &result)));

	cr_expect(eq(u64, result.objects, 1400));
	cr_assert(zero(int, lifecycle_run(temp.store, &options, &result)));
	cr_expect(zero(u64, result.objects));
}

Test(lifecycle, what_was_overwritten_since_it_was_listed_stays)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	scoped(arena_free) struct arena arena = {0};
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	struct list_request request = {.bucket = bucket, .max = 1};
	struct list_page page;
	enum store_err err;

	cr_assert(zero(int, objects_put(temp.store, bucket, "k", "text")));
	cr_assert(zero(int, list_read(temp.store, &request, &arena, &page)));
	/* The same bytes, and so the same ETag. */
	cr_assert(zero(int, objects_put(temp.store, bucket, "k", "text")));

	const struct object_condition condition = {
		.must_be = &page.entries[0].inode};
	cr_assert(zero(int,
		object_delete_many(temp.store, bucket, &page.entries[0].key,
			&condition, 1, &err)));
	cr_expect(eq(int, err, STORE_PRECONDITION));
	cr_expect(has(temp.store, bucket, "k"));
	cr_assert(zero(int,
		object_delete(temp.store, bucket, SLICE("k"), NULL)));
	cr_expect(eq(int,
		object_delete(temp.store, bucket, SLICE("k"), &condition),
		STORE_NOT_FOUND));
}

Test(lifecycle, uploads_that_were_left_are_aborted)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	scoped(arena_free) struct arena arena = {0};
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	struct lifecycle_rule list[] = {rule("parts", "a/")};
	struct upload_info info = {.created_ns = clock_now_ns() - 3 * DAY_NS};
	char ids[3][UPLOAD_ID_LEN + 1];
	struct seen seen = {0};
	const struct lifecycle_options options = {
		.report = note, .context = &seen};
	struct upload_search search = {.bucket = bucket, .max = 4};
	struct lifecycle_result result;
	struct upload_info *left;
	size_t count;
	bool is_truncated;

	cr_assert(zero(int, upload_begin(temp.store, bucket, SLICE("a/old"),
				    &info, ids[0])));
	cr_assert(zero(int, upload_begin(temp.store, bucket, SLICE("b/old"),
				    &info, ids[1])));
	info.created_ns = 0;
	cr_assert(zero(int, upload_begin(temp.store, bucket, SLICE("a/new"),
				    &info, ids[2])));
	list[0].expire_days = 0;
	list[0].abort_days = 1;
	set_rules(temp.store, bucket, list, 1);
	cr_assert(zero(int, lifecycle_run(temp.store, &options, &result)));

	cr_expect(eq(u64, result.uploads, 1));
	cr_expect(eq(str, seen.text, "upload bucket/a/old:parts "));
	cr_assert(zero(int, upload_list(temp.store, &search, &arena, &left,
				    &count, &is_truncated)));
	cr_assert(eq(sz, count, 2));
	cr_expect(slice_equal(left[0].key, SLICE("a/new")));
	cr_expect(slice_equal(left[1].key, SLICE("b/old")));
}

Test(lifecycle, rules_that_are_damaged_hold_up_no_other_bucket)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t first = objects_bucket(temp.store, "first");
	uint64_t second = objects_bucket(temp.store, "second");
	struct lifecycle_rule list[] = {rule("all", "")};
	const struct lifecycle_options options = {
		.now_ns = clock_now_ns() + 2 * DAY_NS};
	const struct slice damaged = SLICE("\1\0");
	struct lifecycle_result result;

	cr_assert(zero(int, objects_put(temp.store, first, "k", "text")));
	cr_assert(zero(int, objects_put(temp.store, second, "k", "text")));
	cr_assert(zero(int, bucket_set_document(temp.store, first,
				    SLICE(LIFECYCLE_KIND), &damaged)));
	set_rules(temp.store, second, list, 1);
	cr_assert(zero(int, lifecycle_run(temp.store, &options, &result)));

	cr_expect(eq(u64, result.failed, 1));
	cr_expect(has(temp.store, first, "k"));
	cr_expect(not(has(temp.store, second, "k")));
}

static bool
stop(void *context)
{
	(void)context;
	return false;
}

Test(lifecycle, a_day_has_one_run_that_came_to_its_end)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	struct lifecycle_rule list[] = {rule("all", "")};
	struct lifecycle_options options = {
		.now_ns = clock_now_ns() / DAY_NS * DAY_NS + 2 * DAY_NS};
	struct lifecycle_result result;
	bool is_due;

	set_rules(temp.store, bucket, list, 1);
	options.goes_on = stop;
	cr_assert(zero(int,
		lifecycle_run_daily(temp.store, &options, &result, &is_due)));
	cr_expect(is_due && !result.is_whole);
	options.goes_on = NULL;
	cr_assert(zero(int,
		lifecycle_run_daily(temp.store, &options, &result, &is_due)));
	cr_expect(is_due && result.is_whole);
	temp_store_reopen(&temp);
	options.now_ns += 23 * HOUR_NS;
	cr_assert(zero(int,
		lifecycle_run_daily(temp.store, &options, &result, &is_due)));
	cr_expect(not(is_due));
	options.now_ns += HOUR_NS;
	cr_assert(zero(int,
		lifecycle_run_daily(temp.store, &options, &result, &is_due)));
	cr_expect(is_due);
	cr_expect(zero(sz, objects_findings(temp.store)));
}

Test(lifecycle, one_process_at_a_time)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	const struct lifecycle_options options = {0};
	struct lifecycle_result result;
	bool is_due;
	int fd;

	cr_assert(zero(int, store_lock(temp.store, "lifecycle", &fd)));
	cr_expect(eq(int, lifecycle_run(temp.store, &options, &result),
		STORE_BUSY));
	cr_expect(eq(int,
		lifecycle_run_daily(temp.store, &options, &result, &is_due),
		STORE_BUSY));
	close(fd);
	cr_expect(zero(int, lifecycle_run(temp.store, &options, &result)));
}
