/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/invalidate.h"

#include <linux/fuse.h>
#include <stdlib.h>
#include <unistd.h>

#include "fs/handle.h"
#include "fs/name.h"
#include "fs/notices.h"
#include "store/base/clock.h"
#include "store/base/log.h"
#include "store/base/thread.h"
#include "store/bucket.h"
#include "store/feed.h"

/* FUSE protocol 7.44; not in the headers of older systems. */
#define NOTIFY_INC_EPOCH 8
#define BUCKETS_AT_ONCE 64

struct invalidate {
	struct mount *mount;
	struct feed_listener *listener;
	bool is_running;
	pthread_t thread;
};

/* A name as it is shown, with a NUL behind it. */
static void
drop_now(struct mount *mount, uint64_t parent, struct slice shown)
{
	/* ENOENT: the kernel does not have it. */
	fuse_lowlevel_notify_inval_entry(mount->session,
		mount_node(mount, parent), shown.data, shown.len);
}

static void
drop_soon(struct mount *mount, uint64_t parent, struct slice shown)
{
	notices_drop_name(mount->notices, mount_node(mount, parent), shown);
}

/* The name as a file's and as a directory's, in all that it may be shown as. */
static void
drop_shown(struct mount *mount, uint64_t parent, struct slice component,
	void (*drop)(struct mount *mount, uint64_t parent, struct slice shown))
{
	char shown[NAME_MAX_SHOWN + 1];
	struct slice text = component;
	size_t len = name_show(component, false, shown);

	if (text.len > 0 && text.data[text.len - 1] == '/')
		text.len--;
	drop(mount, parent, slice_of(shown, len));
	if (text.len == 0)
		return;
	len = name_show(text, true, shown);
	drop(mount, parent, slice_of(shown, len));
}

static void
drop_component(struct mount *mount, uint64_t parent, struct slice component)
{
	drop_shown(mount, parent, component, drop_now);
}

void
invalidate_twins(struct mount *mount, uint64_t parent, struct slice text)
{
	struct inode inode;

	if (tree_lookup(mount->store, parent, text, TREE_FILE, NULL, &inode))
		return;
	/* Before: what was looked up until now is not kept, or is dropped. */
	atomic_fetch_add(&mount->changes, 1);
	drop_shown(mount, parent, text, drop_soon);
}

static void
drop_inode(struct mount *mount, uint64_t ino, bool with_data)
{
	/* First: what the kernel then asks for anew it must not get as it was.
	 */
	file_note_news(mount->store, ino);
	fuse_lowlevel_notify_inval_inode(mount->session, mount_node(mount, ino),
		with_data ? 0 : -1, 0);
}

/* Every name under a bucket's goes with it, and attributes are asked anew
 * with the names. */
static void
drop_buckets(struct mount *mount)
{
	struct bucket buckets[BUCKETS_AT_ONCE];
	char last[BUCKET_NAME_MAX + 1] = "";
	size_t count = BUCKETS_AT_ONCE;

	while (count == BUCKETS_AT_ONCE) {
		if (bucket_list(mount->store, slice_str(last), buckets,
			    BUCKETS_AT_ONCE, &count))
			return;
		for (size_t i = 0; i < count; i++) {
			drop_component(mount, INODE_ROOT,
				slice_str(buckets[i].name));
			drop_inode(mount, buckets[i].ino, false);
		}
		if (count > 0)
			memcpy(last, buckets[count - 1].name, sizeof(last));
	}
}

struct names {
	struct arena arena;
	struct slice *list;
	size_t count;
	size_t capacity;
};

static bool
keep_name(struct slice component, const struct inode *inode, void *context)
{
	struct names *names = context;

	(void)inode;
	if (names->count == names->capacity) {
		names->capacity = names->capacity ? 2 * names->capacity : 64;
		names->list = realloc(names->list,
			names->capacity * sizeof(*names->list));
		if (!names->list)
			error_out_of_memory();
	}
	names->list[names->count++] = arena_copy(&names->arena, component);
	return true;
}

/* The same where a directory is the top. */
static void
drop_below_top(struct mount *mount)
{
	struct names names = {.count = 0};

	if (!tree_read_dir(mount->store, mount->top, SLICE_NULL, keep_name,
		    &names))
		for (size_t i = 0; i < names.count; i++)
			drop_component(mount, mount->top, names.list[i]);
	free(names.list);
	arena_free(&names.arena);
}

/* One message makes the kernel doubt every name it has; before 6.16 it does
 * not know it, and names are dropped from the top. */
static void
drop_all(struct mount *mount)
{
	const struct fuse_out_header message = {
		.len = sizeof(message),
		.error = NOTIFY_INC_EPOCH,
	};

	log_warn("mount: the feed was lost, all cached names are dropped");
	drop_inode(mount, mount->top, false);
	if (write(fuse_session_fd(mount->session), &message, sizeof(message)) ==
		sizeof(message))
		return;
	if (mount->top == INODE_ROOT)
		drop_buckets(mount);
	else
		drop_below_top(mount);
}

static void
drop_entry(struct mount *mount, const struct feed_entry *entry)
{
	atomic_fetch_add(&mount->changes, 1);
	switch (entry->kind) {
	case FEED_DENTRY:
		handle_dir_note_gone(mount, entry->parent, entry->name);
		drop_component(mount, entry->parent, entry->name);
		if (entry->ino)
			drop_inode(mount, entry->ino, false);
		break;
	case FEED_INODE:
	case FEED_DATA:
		drop_inode(mount, entry->ino, entry->kind == FEED_DATA);
		break;
	case FEED_BUCKET:
		if (mount->top != INODE_ROOT)
			break;
		atomic_store(&mount->root_mtime_ns, clock_now_ns());
		handle_dir_note_gone(mount, INODE_ROOT, entry->name);
		drop_component(mount, INODE_ROOT, entry->name);
		drop_inode(mount, INODE_ROOT, false);
		break;
	case FEED_LOST:
		drop_all(mount);
		break;
	case FEED_DOCUMENT:
		break;
	}
}

static void
run(void *arg)
{
	struct invalidate *invalidate = arg;
	struct mount *mount = invalidate->mount;
	struct feed_entry entry;
	enum store_err err;

	for (;;) {
		err = feed_next(invalidate->listener, &entry);
		if (err == STORE_CANCELED)
			return;
		if (err)
			break;
		drop_entry(mount, &entry);
	}
	/* What others change would stay hidden for ever. */
	log_error("mount: the feed cannot be read, unmounting: %s",
		error_sentence(err));
	mount_stop(mount);
}

enum store_err
invalidate_create(struct mount *mount, struct invalidate **out)
{
	struct invalidate *invalidate = calloc(1, sizeof(*invalidate));

	if (!invalidate)
		return STORE_NO_MEMORY;
	invalidate->mount = mount;
	enum store_err err =
		feed_listen(mount->store, mount->origin, &invalidate->listener);
	if (err) {
		free(invalidate);
		return err;
	}
	*out = invalidate;
	return STORE_OK;
}

enum store_err
invalidate_start(struct invalidate *invalidate)
{
	enum store_err err = thread_start(&invalidate->thread,
		"tarn-invalidate", run, invalidate);

	invalidate->is_running = !err;
	return err;
}

void
invalidate_free(struct invalidate **invalidate)
{
	if (!*invalidate)
		return;
	if ((*invalidate)->is_running) {
		feed_wake((*invalidate)->listener);
		pthread_join((*invalidate)->thread, NULL);
	}
	feed_ignore(&(*invalidate)->listener);
	free(*invalidate);
	*invalidate = NULL;
}
