/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <unistd.h>

#include "store/base/clock.h"
#include "store/file.h"
#include "store/lifecycle.h"
#include "store/list.h"
#include "store/tree.h"
#include "store/upload.h"
#include "tests/store/objects.h"
#include "tests/store/raw.h"
#include "tests/support/temp_store.h"

#define HOUR_NS (3600 * CLOCK_NS_PER_S)
#define DAY_NS CLOCK_NS_PER_DAY

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
	const struct lifecycle_rules rules = {.rules = &one, .count = 1};
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
	const struct lifecycle_rules rules = {.rules = &one, .count = 1};
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
	const struct lifecycle_rules rules = {
		.rules = list, .count = array_len(list)};
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
	const struct lifecycle_rules rules = {.rules = &one, .count = 1};
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
	one.tags = buffer_slice(&more);
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
	const struct lifecycle_rules rules = {
		.rules = list, .count = 2, .minimum = LIFECYCLE_VARIES};
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
	const struct lifecycle_rules rules = {.rules = list, .count = count};
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

/* What happens between the page of a listing and the deletion. */
struct meddler {
	struct temp_store *temp;
	uint64_t bucket;
	void (*meddle)(struct meddler *meddler);
	unsigned int calls;
};

/* Told of what the page before had. */
static void
meddle(const struct lifecycle_finding *finding, void *context)
{
	struct meddler *meddler = context;

	(void)finding;
	if (meddler->calls++ == 0)
		meddler->meddle(meddler);
}

static void
drop_rules(struct meddler *meddler)
{
	cr_assert(zero(int,
		bucket_set_document(meddler->temp->store, meddler->bucket,
			SLICE(LIFECYCLE_KIND), NULL)));
}

Test(lifecycle, a_run_under_way_ends_with_its_rules)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	struct lifecycle_rule list[] = {rule("all", "")};
	struct meddler meddler = {&temp, bucket, drop_rules, 0};
	const struct lifecycle_options options = {
		.now_ns = clock_now_ns() + 2 * DAY_NS,
		.report = meddle,
		.context = &meddler,
	};
	struct lifecycle_result result;

	for (int i = 0; i < 1500; i++) {
		char key[16];

		snprintf(key, sizeof(key), "%d", i);
		cr_assert(zero(int, objects_put(temp.store, bucket, key, "")));
	}
	set_rules(temp.store, bucket, list, 1);
	cr_assert(zero(int, lifecycle_run(temp.store, &options, &result)));

	cr_expect(eq(u64, result.objects, 1000)); /* a page */
	cr_expect(zero(u64, result.failed));
}

static struct file *
open_file(struct temp_store *temp, uint64_t bucket, const char *name, int flags)
{
	struct inode inode;
	struct file *file = NULL;

	cr_assert(zero(int, tree_lookup(temp->store, bucket, slice_str(name),
				    TREE_FILE, NULL, &inode)));
	cr_assert(zero(int, file_open(temp->store, inode.ino, flags, &file)));
	return file;
}

static uint64_t
expired_by(struct temp_store *temp)
{
	const struct lifecycle_options options = {
		.now_ns = clock_now_ns() + 2 * DAY_NS};
	struct lifecycle_result result;

	cr_assert(zero(int, lifecycle_run(temp->store, &options, &result)));
	return result.objects;
}

Test(lifecycle, what_somebody_has_open_to_write_to_it_stays)
{
	static const int ways[] = {O_WRONLY | O_APPEND, O_WRONLY | O_TRUNC};
	struct lifecycle_rule list[] = {rule("all", "")};

	for (size_t i = 0; i < array_len(ways); i++) {
		scoped(temp_store_close) struct temp_store temp =
				temp_store_open();
		uint64_t bucket = objects_bucket(temp.store, "bucket");

		cr_assert(zero(int,
			objects_put(temp.store, bucket, "f", "old")));
		set_rules(temp.store, bucket, list, 1);
		struct file *file = open_file(&temp, bucket, "f", ways[i]);

		cr_expect(zero(u64, expired_by(&temp)), "way %zu", i);
		cr_assert(eq(i64, pwrite(file_fd(file), "new", 3, 0), 3));
		cr_expect(zero(u64, expired_by(&temp)), "way %zu", i);
		cr_assert(zero(int, file_close(&file, ways[i])));
		cr_expect(has(temp.store, bucket, "f"), "way %zu", i);
		/* It has the age of what was written. */
		cr_expect(eq(u64, expired_by(&temp), 1), "way %zu", i);
		cr_expect(zero(sz, objects_findings(temp.store)));
	}
}

Test(lifecycle, tags_decide_in_a_run)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	scoped(buffer_free) struct buffer tags = {0};
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	struct lifecycle_rule list[] = {rule("tagged", "")};

	append_tag(&tags, SLICE("k"), SLICE("v"));
	cr_assert(zero(int, objects_put(temp.store, bucket, "tagged", "1")));
	cr_assert(zero(int, objects_put(temp.store, bucket, "plain", "1")));
	cr_assert(zero(int,
		object_set_attrs(temp.store, bucket, SLICE("tagged"),
			buffer_slice(&tags), 1u << INODE_ATTR_TAG)));
	list[0].tags = buffer_slice(&tags);
	set_rules(temp.store, bucket, list, 1);

	cr_expect(eq(u64, expired_by(&temp), 1));
	cr_expect(not(has(temp.store, bucket, "tagged")));
	cr_expect(has(temp.store, bucket, "plain"));
}

Test(lifecycle, a_directory_that_was_made_as_one_stays)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	const struct tree_owner owner = {.mode = S_IFDIR | 0755};
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	struct lifecycle_rule list[] = {rule("all", "")};
	struct inode inode;

	cr_assert(zero(int,
		tree_mkdir(temp.store, bucket, SLICE("made"), &owner, &inode)));
	cr_assert(zero(int, objects_put(temp.store, bucket, "put/", "")));
	set_rules(temp.store, bucket, list, 1);

	cr_expect(eq(u64, expired_by(&temp), 1));
	cr_expect(has(temp.store, bucket, "made/"));
	cr_expect(not(has(temp.store, bucket, "put/")));
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

/* Whether a run came by: it takes what is there. */
static bool
has_run(struct temp_store *temp, uint64_t bucket, int64_t day,
	bool (*goes_on)(void *context))
{
	const struct lifecycle_options options = {
		.now_ns = day * DAY_NS, .goes_on = goes_on};
	struct lifecycle_result result;

	cr_assert(zero(int, objects_put(temp->store, bucket, "k", "text")));
	cr_assert(zero(int,
		lifecycle_run_daily(temp->store, &options, &result)));
	return !has(temp->store, bucket, "k");
}

Test(lifecycle, a_day_has_one_run_that_came_to_its_end)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	struct lifecycle_rule list[] = {rule("all", "")};
	int64_t day = clock_now_ns() / DAY_NS + 2;

	list[0].expire_days = 0;
	list[0].expire_date_ns = DAY_NS;
	set_rules(temp.store, bucket, list, 1);
	cr_expect(not(has_run(&temp, bucket, day, stop)));
	cr_expect(has_run(&temp, bucket, day, NULL));
	temp_store_reopen(&temp);
	cr_expect(not(has_run(&temp, bucket, day, NULL)));
	cr_expect(has_run(&temp, bucket, day + 1, NULL));
	/* The clock was wrong then. */
	cr_expect(has_run(&temp, bucket, day, NULL));
	cr_expect(zero(sz, objects_findings(temp.store)));
}

Test(lifecycle, a_day_on_which_a_bucket_failed_has_another_run)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t failing = objects_bucket(temp.store, "failing");
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	struct lifecycle_rule list[] = {rule("all", "")};
	int64_t day = clock_now_ns() / DAY_NS + 2;
	const struct slice damaged = SLICE("\1\0");

	list[0].expire_days = 0;
	list[0].expire_date_ns = DAY_NS;
	set_rules(temp.store, bucket, list, 1);
	cr_assert(zero(int, bucket_set_document(temp.store, failing,
				    SLICE(LIFECYCLE_KIND), &damaged)));
	cr_expect(has_run(&temp, bucket, day, NULL));
	cr_expect(has_run(&temp, bucket, day, NULL));
	set_rules(temp.store, failing, list, 1);
	cr_expect(has_run(&temp, bucket, day, NULL));
	cr_expect(not(has_run(&temp, bucket, day, NULL)));
}

Test(lifecycle, one_process_at_a_time)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	const struct lifecycle_options options = {0};
	struct lifecycle_result result;
	int fd;

	cr_assert(zero(int, store_lock(temp.store, "run/lifecycle.lock", &fd)));
	cr_expect(eq(int, lifecycle_run(temp.store, &options, &result),
		STORE_BUSY));
	cr_expect(eq(int, lifecycle_run_daily(temp.store, &options, &result),
		STORE_BUSY));
	close(fd);
	cr_expect(zero(int, lifecycle_run(temp.store, &options, &result)));
}
