/* SPDX-License-Identifier: Apache-2.0 */
/* What is told of objects: object_event_private.h. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "store/lifecycle.h"
#include "store/meta/key.h"
#include "tests/store/checks.h"
#include "tests/store/events.h"
#include "tests/store/raw.h"

static const struct tree_owner owner = {0755, 1, 2};

static void
set_kinds(struct events *it, const char *key, enum inode_attr_kind kind,
	struct slice name, struct slice value)
{
	scoped(buffer_free) struct buffer attrs = {0};
	const struct inode_attr attr = {kind, name, value};

	inode_attr_append(&attrs, &attr);
	cr_assert(zero(int,
		object_set_attrs(it->store, it->bucket.ino, slice_str(key),
			buffer_slice(&attrs), 1u << kind)));
}

static void
rename_to(struct events *it, const char *from, enum tree_want want,
	const char *to, unsigned flags)
{
	struct inode replaced;

	cr_assert(zero(int,
		tree_rename(it->store, it->bucket.ino, slice_str(from), want,
			it->bucket.ino, slice_str(to), flags, &replaced)));
}

static uint64_t
inode_of(struct events *it, const char *name, enum tree_want want)
{
	struct inode inode;

	cr_assert(zero(int, tree_lookup(it->store, it->bucket.ino,
				    slice_str(name), want, NULL, &inode)));
	return inode.ino;
}

/* --- S3 ------------------------------------------------------------------- */

Test(object_event, a_bucket_that_wants_none_has_none)
{
	struct events it = events_begin_unasked(VERSIONING_NEVER);

	versions_put(&it.in, "a", "1");
	cr_assert(zero(int,
		object_delete(it.store, it.bucket.ino, SLICE("a"), NULL)));

	cr_expect(eq(u64, objects_rows(it.store, DB_EVENT), 1),
		"the topic's counters");
	cr_expect(events_are(&it, ""));
	events_end(&it);
}

Test(object_event, what_comes_and_goes_is_told)
{
	struct events it = events_begin(VERSIONING_NEVER);
	const struct version_ref null = {.which = VERSION_NULL};
	struct object_deletion done;
	struct object made;

	versions_put(&it.in, "a", "12");
	versions_put(&it.in, "a", "123");
	versions_put(&it.in, "d/e/", "");
	cr_assert(zero(int,
		objects_copy(it.store, it.bucket.ino, "a", "d/b", &made)));
	cr_assert(zero(int,
		object_delete(it.store, it.bucket.ino, SLICE("d/b"), NULL)));
	cr_expect(eq(int,
		object_delete(it.store, it.bucket.ino, SLICE("d/b"), NULL),
		STORE_NOT_FOUND));
	cr_assert(zero(int, versions_drop(&it.in, "a", null, &done)));

	cr_expect(events_are(&it, "ObjectCreated:Put=a(2) "
				  "ObjectCreated:Put=a(3) "
				  "ObjectCreated:Put=d/e/(0) "
				  "ObjectCreated:Put=d/b(3) "
				  "ObjectRemoved:Delete=d/b "
				  "ObjectRemoved:Delete=a"));
	events_end(&it);
}

Test(object_event, a_change_that_fails_is_told_of_nobody)
{
	struct events it = events_begin(VERSIONING_NEVER);
	const struct object_condition must_be_new = {.must_not_exist = true};

	versions_put(&it.in, "a", "1");
	cr_expect(eq(int,
		objects_put_if(it.store, it.bucket.ino, "a", SLICE("2"),
			&must_be_new),
		STORE_PRECONDITION));

	cr_expect(events_are(&it, "ObjectCreated:Put=a(1)"));
	events_end(&it);
}

Test(object_event, a_cause_says_how_and_for_whom)
{
	struct events it = events_begin(VERSIONING_NEVER);
	scoped(arena_free) struct arena arena = {0};
	struct object_event_cause cause = {
		.type = EVENT_CREATED_UPLOAD,
		.principal = SLICE("somebody"),
		.address = SLICE("192.0.2.1"),
		.request = SLICE("0123"),
	};
	struct topic topic = events_topic(it.store, "hook", &arena);
	struct outbox_batch batch;

	object_event_set_cause(&cause);
	versions_put(&it.in, "a", "1");
	cause.type = EVENT_TAGS_DELETED;
	versions_put(&it.in, "b", "1");
	set_kinds(&it, "b", INODE_ATTR_TAG, SLICE("k"), SLICE("v"));
	object_event_set_cause(NULL);
	versions_put(&it.in, "c", "1");

	cr_assert(zero(int,
		outbox_read(it.outbox, topic.id, 10, &arena, &batch)));
	cr_assert(eq(sz, batch.count, 4));
	cr_expect(slice_equal(batch.events[0].principal, SLICE("somebody")));
	cr_expect(slice_equal(batch.events[0].address, SLICE("192.0.2.1")));
	cr_expect(slice_equal(batch.events[0].request, SLICE("0123")));
	cr_expect(slice_equal(batch.events[0].rule, SLICE("all")));
	cr_expect(slice_equal(batch.events[0].bucket_name, SLICE("bucket")));
	cr_expect(slice_equal(batch.events[3].principal, SLICE("tarn")));
	cr_expect(events_are(&it, "ObjectCreated:CompleteMultipartUpload=a(1) "
				  "ObjectCreated:Put=b(1) "
				  "ObjectTagging:Delete=b(1) "
				  "ObjectCreated:Put=c(1)"));
	events_end(&it);
}

Test(object_event, tags_and_lists_are_told)
{
	struct events it = events_begin(VERSIONING_ENABLED);

	versions_put(&it.in, "a", "1");
	set_kinds(&it, "a", INODE_ATTR_TAG, SLICE("k"), SLICE("v"));
	set_kinds(&it, "a", INODE_ATTR_ACL, SLICE("s3"), SLICE("x"));
	set_kinds(&it, "a", INODE_ATTR_META, SLICE("k"), SLICE("v"));

	cr_expect(events_are(&it, "ObjectCreated:Put=a(1)v "
				  "ObjectTagging:Put=a(1)v "
				  "ObjectAcl:Put=a(1)v"));
	events_end(&it);
}

Test(object_event, versions_and_markers_are_told)
{
	struct events it = events_begin(VERSIONING_ENABLED);
	const struct version_ref current = {.which = VERSION_CURRENT};
	struct object_deletion done;

	versions_put(&it.in, "d/a", "1");
	versions_put(&it.in, "d/a", "12");
	cr_assert(zero(int, versions_drop(&it.in, "d/a", current, &done)));
	cr_assert(zero(int, versions_drop(&it.in, "d/a",
				    version_ref_of(&done.which), &done)));
	cr_assert(zero(int,
		versioning_set(it.store, it.bucket.ino, VERSIONING_SUSPENDED)));
	versions_put(&it.in, "d/a", "123");
	versions_put(&it.in, "d/a", "1234");

	cr_expect(events_are(&it,
		"ObjectCreated:Put=d/a(1)v ObjectCreated:Put=d/a(2)v "
		"ObjectRemoved:DeleteMarkerCreated=d/av "
		"ObjectRemoved:Delete=d/av "
		"ObjectCreated:Put=d/a(3)0 ObjectCreated:Put=d/a(4)0"));
	events_end(&it);
}

Test(object_event, a_rule_takes_what_its_filter_fits)
{
	struct events it = events_begin_unasked(VERSIONING_NEVER);

	it.notification.rules[0].prefix = SLICE("in/");
	it.notification.rules[0].suffix = SLICE(".jpg");
	it.notification.rules[0].names = 1u << 5; /* removals */
	events_ask(&it);
	versions_put(&it.in, "in/a.jpg", "1");
	versions_put(&it.in, "in/a.png", "1");
	versions_put(&it.in, "a.jpg", "1");
	cr_assert(zero(int, object_delete(it.store, it.bucket.ino,
				    SLICE("in/a.jpg"), NULL)));
	cr_assert(zero(int, object_delete(it.store, it.bucket.ino,
				    SLICE("in/a.png"), NULL)));
	cr_assert(zero(int,
		object_delete(it.store, it.bucket.ino, SLICE("a.jpg"), NULL)));

	cr_expect(events_are(&it, "ObjectRemoved:Delete=in/a.jpg"));
	events_end(&it);
}

Test(object_event, what_a_lifecycle_rule_deletes_has_expired)
{
	struct events it = events_begin(VERSIONING_ENABLED);
	scoped(buffer_free) struct buffer encoded = {0};
	struct lifecycle_rule rule = {
		.id = SLICE("r"),
		.is_enabled = true,
		.form = LIFECYCLE_FILTER,
		.expire_days = 1,
		.noncurrent_days = 1,
	};
	const struct lifecycle_rules rules = {.rules = &rule, .count = 1};
	const struct lifecycle_options later = {
		.now_ns = clock_now_ns() + 10 * CLOCK_NS_PER_DAY};
	struct lifecycle_result result;
	struct slice value;

	versions_put(&it.in, "a", "1");
	versions_put(&it.in, "a", "2");
	lifecycle_encode(&encoded, &rules);
	value = buffer_slice(&encoded);
	cr_assert(zero(int, bucket_set_document(it.store, it.bucket.ino,
				    SLICE(LIFECYCLE_KIND), &value)));
	cr_assert(zero(int, lifecycle_run(it.store, &later, &result)));

	versions_put(&it.in, "b", "1");
	cr_expect(events_are(&it,
		"ObjectCreated:Put=a(1)v ObjectCreated:Put=a(1)v "
		"LifecycleExpiration:DeleteMarkerCreated=av "
		"LifecycleExpiration:Delete=av LifecycleExpiration:Delete=av "
		"ObjectCreated:Put=b(1)v"));
	events_end(&it);
}

/* --- mounts --------------------------------------------------------------- */

Test(object_event, a_file_is_told_when_it_is_published)
{
	struct events it = events_begin(VERSIONING_NEVER);
	struct file *file = files_create(it.store, it.bucket.ino, "f");
	uint64_t ino = file_ino(file);
	struct inode gone;

	files_put(file, "123");
	cr_expect(events_are(&it, ""));
	files_close(&file, O_RDWR);
	cr_expect(events_are(&it, "ObjectCreated:Put=f(3)"));

	file = files_open(it.store, ino, O_RDWR);
	files_close(&file, O_RDWR);
	cr_expect(events_are(&it, ""), "as it was");
	file = files_open(it.store, ino, O_RDWR);
	files_put(file, "1234");
	files_close(&file, O_RDWR);
	file = files_open(it.store, ino, O_RDWR | O_TRUNC);
	files_put(file, "1");
	files_close(&file, O_RDWR);
	cr_expect(events_are(&it,
		"ObjectCreated:Put=f(4) ObjectCreated:Put=f(1)"));

	cr_assert(zero(int,
		tree_unlink(it.store, it.bucket.ino, SLICE("f"), &gone)));
	cr_expect(events_are(&it, "ObjectRemoved:Delete=f"));
	events_end(&it);
}

Test(object_event, a_file_that_never_was_published_is_told_of_nobody)
{
	struct events it = events_begin(VERSIONING_NEVER);
	struct file *file = files_create(it.store, it.bucket.ino, "f");
	struct inode gone;

	files_put(file, "123");
	rename_to(&it, "f", TREE_FILE, "g", 0);
	cr_assert(zero(int,
		tree_unlink(it.store, it.bucket.ino, SLICE("g"), &gone)));
	files_close(&file, O_RDWR);

	cr_expect(events_are(&it, ""));
	events_end(&it);
}

Test(object_event, a_file_is_told_under_the_name_that_it_has_then)
{
	struct events it = events_begin(VERSIONING_NEVER);
	struct file *file = files_create(it.store, it.bucket.ino, "f");

	files_put(file, "1");
	rename_to(&it, "f", TREE_FILE, "g", 0);
	files_close(&file, O_RDWR);

	cr_expect(events_are(&it, "ObjectCreated:Put=g(1)"));
	events_end(&it);
}

/* Its record tells no name. */
Test(object_event, a_file_from_before_somebody_asked_is_told)
{
	struct events it = events_begin_unasked(VERSIONING_NEVER);
	uint64_t ino = files_make(it.store, it.bucket.ino, "old", "1");
	struct file *file = files_create(it.store, it.bucket.ino, "new");

	files_put(file, "12");
	versions_put(&it.in, "put", "1");
	events_ask(&it);
	files_close(&file, O_RDWR);
	file = files_open(it.store, ino, O_RDWR);
	files_put(file, "123");
	files_close(&file, O_RDWR);
	file = files_open(it.store, inode_of(&it, "put", TREE_FILE), O_RDWR);
	files_put(file, "1234");
	files_close(&file, O_RDWR);

	cr_expect(events_are(&it,
		"ObjectCreated:Put=new(2) ObjectCreated:Put=old(3) "
		"ObjectCreated:Put=put(4)"));
	events_end(&it);
}

Test(object_event, a_rename_is_told_of_both_names)
{
	struct events it = events_begin(VERSIONING_NEVER);
	struct inode made;

	files_make(it.store, it.bucket.ino, "a", "1");
	versions_put(&it.in, "b", "12");
	cr_assert(zero(int, tree_symlink(it.store, it.bucket.ino, SLICE("link"),
				    SLICE("x"), &owner, &made)));
	cr_expect(events_are(&it,
		"ObjectCreated:Put=a(1) ObjectCreated:Put=b(2)"));

	rename_to(&it, "a", TREE_FILE, "b", 0);
	cr_expect(events_are(&it,
		"ObjectCreated:Put=b(1) ObjectRemoved:Delete=a"));
	versions_put(&it.in, "c", "123");
	rename_to(&it, "b", TREE_FILE, "c", TREE_EXCHANGE);
	cr_expect(events_are(&it, "ObjectCreated:Put=c(3) "
				  "ObjectCreated:Put=c(1) "
				  "ObjectCreated:Put=b(3)"));
	rename_to(&it, "b", TREE_FILE, "link", TREE_EXCHANGE);
	cr_expect(events_are(&it,
		"ObjectCreated:Put=link(3) ObjectRemoved:Delete=b"));
	rename_to(&it, "b", TREE_FILE, "c", 0);
	cr_expect(events_are(&it, "ObjectRemoved:Delete=c"),
		"a symbolic link is in its place");
	events_end(&it);
}

Test(object_event, a_rename_where_versions_are_kept_is_told)
{
	struct events it = events_begin(VERSIONING_ENABLED);

	versions_put(&it.in, "a", "1");
	versions_put(&it.in, "a", "12");
	versions_put(&it.in, "b", "123");
	cr_expect(events_are(&it,
		"ObjectCreated:Put=a(1)v ObjectCreated:Put=a(2)v "
		"ObjectCreated:Put=b(3)v"));

	rename_to(&it, "a", TREE_FILE, "x", 0);
	cr_expect(events_are(&it, "ObjectRemoved:DeleteMarkerCreated=av "
				  "ObjectCreated:Put=x(2)v"));
	rename_to(&it, "b", TREE_FILE, "x", 0);
	cr_expect(events_are(&it,
		"ObjectCreated:Put=x(3)v ObjectRemoved:Delete=b"));
	events_end(&it);
}

Test(object_event, directories_are_told_by_themselves)
{
	struct events it = events_begin(VERSIONING_NEVER);
	struct inode dir, gone;

	cr_assert(zero(int,
		tree_mkdir(it.store, it.bucket.ino, SLICE("d"), &owner, &dir)));
	files_make(it.store, dir.ino, "f", "1");
	cr_expect(events_are(&it,
		"ObjectCreated:Put=d/(0) ObjectCreated:Put=d/f(1)"));
	rename_to(&it, "d", TREE_DIR, "e", 0);
	cr_expect(events_are(&it,
			  "ObjectCreated:Put=e/(0) ObjectRemoved:Delete=d/"),
		"and not what is below");
	cr_expect(eq(int, tree_rmdir(it.store, it.bucket.ino, SLICE("e")),
		STORE_NOT_EMPTY));
	cr_assert(zero(int, tree_unlink(it.store, dir.ino, SLICE("f"), &gone)));
	cr_assert(zero(int, tree_rmdir(it.store, it.bucket.ino, SLICE("e"))));
	cr_expect(events_are(&it,
		"ObjectRemoved:Delete=e/f ObjectRemoved:Delete=e/"));
	events_end(&it);
}

/* S3 made it for a key below it alone. */
Test(object_event, a_directory_that_a_mount_leaves_empty_comes_to_be)
{
	struct events it = events_begin(VERSIONING_NEVER);
	struct inode gone;

	versions_put(&it.in, "d/a", "1");
	cr_assert(zero(int, tree_unlink(it.store, inode_of(&it, "d", TREE_DIR),
				    SLICE("a"), &gone)));

	cr_expect(events_are(&it, "ObjectCreated:Put=d/a(1) "
				  "ObjectRemoved:Delete=d/a "
				  "ObjectCreated:Put=d/(0)"));
	events_end(&it);
}

Test(object_event, a_link_is_one_more_object)
{
	struct events it = events_begin(VERSIONING_NEVER);
	uint64_t ino = files_make(it.store, it.bucket.ino, "a", "1");
	struct inode linked;

	cr_assert(zero(int,
		tree_link(it.store, ino, it.bucket.ino, SLICE("b"), &linked)));
	cr_assert(zero(int,
		tree_unlink(it.store, it.bucket.ino, SLICE("a"), &linked)));

	cr_expect(events_are(&it, "ObjectCreated:Put=a(1) "
				  "ObjectCreated:Put=b(1) "
				  "ObjectRemoved:Delete=a"));
	events_end(&it);
}

/* --- damage --------------------------------------------------------------- */

Test(object_event, a_damaged_configuration_lets_objects_change)
{
	struct events it = events_begin(VERSIONING_NEVER);

	raw_put(it.store, DB_NOTIFICATION, key_u64(it.bucket.ino),
		SLICE("\1x"));
	versions_put(&it.in, "a", "1");
	cr_expect(events_are(&it, ""));
	cr_expect(gt(u64, objects_findings(it.store), 0));
	events_ask(&it);
	events_end(&it);
}

/* What is written to stderr meanwhile goes there. */
static int
catch_log(int *before)
{
	int fd = memfd_create("log", MFD_CLOEXEC);

	cr_assert(ge(int, fd, 0));
	*before = dup(STDERR_FILENO);
	cr_assert(ge(int, dup2(fd, STDERR_FILENO), 0));
	return fd;
}

/* How many lines of it say so. */
static int
count_in_log(int fd, int before, const char *what)
{
	char text[4096] = "";
	int count = 0;

	cr_assert(ge(int, dup2(before, STDERR_FILENO), 0));
	close(before);
	cr_assert(ge(long, pread(fd, text, sizeof(text) - 1, 0), 0));
	close(fd);
	for (char *at = text; (at = strstr(at, what)); at++)
		count++;
	return count;
}

Test(object_event, a_damaged_configuration_is_complained_of_once)
{
	struct events it = events_begin(VERSIONING_ENABLED);
	const struct slice damage = SLICE("\1x");
	uint64_t other = objects_bucket(it.store, "other");
	int before;
	int fd = catch_log(&before);

	raw_put(it.store, DB_NOTIFICATION, key_u64(it.bucket.ino), damage);
	raw_put(it.store, DB_NOTIFICATION, key_u64(other), damage);
	cr_assert(zero(int, bucket_set_document(it.store, it.bucket.ino,
				    SLICE("replication"), &damage)));
	for (int i = 0; i < 3; i++)
		versions_put(&it.in, "a", "1");
	cr_assert(zero(int, objects_put(it.store, other, "a", "1")));

	cr_expect(eq(int, count_in_log(fd, before, "see tarn fsck"), 3));
	checks_expect_repair(it.store, CHECK_RECORD);
	events_end(&it);
}
