/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine as both front ends use it, against a model in memory.  Input:
 * operations, a byte each, followed by what they take.
 *
 * The names are model.h's; the bytes are nodes, as an inode has them: a name's
 * tag is its node, so that links and open files share it.  After each input
 * all is compared, fsck finds nothing, and everything can be taken away again.
 */
#include <assert.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include "store/file.h"
#include "store/upload.h"
#include "tests/store/names.h"
#include "tests/store/objects.h"
#include "tests/support/model.h"
#include "tests/support/temp_store.h"

#define PATH_ROOM 4096
#define NODES_MAX 512
#define SLOTS 3
#define STEPS_MAX 96
#define SIZE_MAX_HERE 100000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

struct node {
	char *bytes;
	size_t len;
};

struct slot {
	struct file *file; /* NULL: free */
	uint64_t node;
};

struct run {
	const uint8_t *data;
	size_t left;
	struct store *store;
	uint64_t bucket;
	struct model model;
	struct node nodes[NODES_MAX]; /* 0 is empty: of what has no bytes */
	uint64_t node_count;
	struct slot slots[SLOTS];
};

static struct temp_store temp;

/* What the disk keeps is not asked here: a flush is no more than a promise. */
int
fsync(int fd)
{
	(void)fd;
	return 0;
}

int
fdatasync(int fd)
{
	(void)fd;
	return 0;
}

int
syncfs(int fd)
{
	(void)fd;
	return 0;
}

static void
must_at(enum store_err err, enum store_err wanted, int line)
{
	if (err == wanted)
		return;
	fprintf(stderr, "line %d: %s, not %s\n", line, error_name(err),
		error_name(wanted));
	abort();
}
#define must(err) must_at(err, STORE_OK, __LINE__)
#define must_be(err, wanted) must_at(err, wanted, __LINE__)

/* --- the input -------------------------------------------------------------
 */

static uint8_t
take(struct run *run)
{
	if (run->left == 0)
		return 0;
	run->left--;
	return *run->data++;
}

static const char *
take_name(struct run *run)
{
	static const char long_name[] =
		"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
		"bb"
		"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
		"bb"
		"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
		"bb"
		"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
		"bb"
		"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
		"bb"
		"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
		"bb"
		"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
		"bb"
		"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
	static const char *const names[] = {
		"a", "b", "a-", "a0", "..", "c", "\xc3\xa9", long_name};

	return names[take(run) % array_len(names)];
}

/* "", "a/", "a/b/": it may be there or not. */
static void
take_dir(struct run *run, char path[PATH_ROOM])
{
	unsigned int depth = take(run) % 3;

	path[0] = '\0';
	while (depth-- > 0) {
		strncat(path, take_name(run), 600);
		strncat(path, "/", 2);
	}
}

/* One that is there: the bucket itself, where the one asked for is not. */
static void
take_real_dir(struct run *run, char path[PATH_ROOM])
{
	take_dir(run, path);
	if (!model_has_dir(&run->model, path))
		path[0] = '\0';
}

static void
take_key(struct run *run, char key[PATH_ROOM])
{
	take_dir(run, key);
	if (!key[0] || take(run) % 4)
		strncat(key, take_name(run), 600);
	if (strlen(key) > TREE_KEY_MAX)
		key[1] = '\0';
}

/* Bytes that tell themselves from others, of a size in which much is few. */
static struct node
take_bytes(struct run *run)
{
	static const size_t sizes[] = {
		0, 1, 5, 511, 4096, 4097, 65535, 65536, SIZE_MAX_HERE};
	size_t len = sizes[take(run) % array_len(sizes)];
	uint32_t seed = take(run) * 2654435761u + (uint32_t)run->left;
	struct node node = {malloc(len + 4), len};

	assert(node.bytes);
	for (size_t at = 0; at < len; at += 4) {
		uint32_t word = seed + (uint32_t)at * 40503u;

		memcpy(node.bytes + at, &word, 4);
	}
	return node;
}

static struct slice
slice_of_node(const struct node *node)
{
	return slice_of(node->bytes ? node->bytes : "", node->len);
}

/* Its number; it goes with the run. */
static uint64_t
add_node(struct run *run, struct node node)
{
	assert(run->node_count < NODES_MAX);
	run->nodes[run->node_count] = node;
	return run->node_count++;
}

static struct node
clone_node(const struct node *node)
{
	struct node clone = {malloc(node->len + 4), node->len};

	assert(clone.bytes);
	if (node->len > 0)
		memcpy(clone.bytes, node->bytes, node->len);
	return clone;
}

/* --- as S3 -----------------------------------------------------------------
 */

static bool
is_object(struct run *run, const char *key)
{
	enum model_kind kind = model_find(&run->model, key);

	return kind == MODEL_FILE || kind == MODEL_EXPLICIT;
}

static void
do_put(struct run *run)
{
	const struct object_condition new_only = {.must_not_exist = true};
	char key[PATH_ROOM];

	take_key(run, key);
	bool is_new_only = take(run) % 4 == 0;
	struct node node = take_bytes(run);
	bool is_refused = is_new_only && is_object(run, key);
	enum store_err err = objects_put_if(run->store, run->bucket, key,
		slice_of_node(&node), is_new_only ? &new_only : NULL);

	must_be(err, is_refused ? STORE_PRECONDITION : STORE_OK);
	uint64_t tag = add_node(run, node);
	if (is_refused)
		return;
	model_put(&run->model, key);
	model_set_tag(&run->model, key, tag);
}

static void
do_delete(struct run *run)
{
	char keys[2][PATH_ROOM];
	struct object_deletion deletions[2];

	for (int i = 0; i < 2; i++) {
		take_key(run, keys[i]);
		deletions[i] =
			(struct object_deletion){.key = slice_str(keys[i])};
	}
	must(object_delete_many(run->store, run->bucket, deletions, 2));
	for (int i = 0; i < 2; i++)
		must_be(deletions[i].err, model_delete(&run->model, keys[i])
						  ? STORE_OK
						  : STORE_NOT_FOUND);
}

static void
do_copy(struct run *run)
{
	char from[PATH_ROOM], to[PATH_ROOM];
	struct object made;

	take_key(run, from);
	take_key(run, to);
	bool is_there = is_object(run, from);
	must_be(object_copy(run->store, run->bucket, slice_str(from), NULL,
			NULL, run->bucket, slice_str(to), NULL, NULL, &made),
		is_there ? STORE_OK : STORE_NOT_FOUND);
	if (!is_there)
		return;
	uint64_t source = model_tag(&run->model, from);
	uint64_t tag = add_node(run, clone_node(&run->nodes[source]));
	model_put(&run->model, to);
	model_set_tag(&run->model, to, tag);
}

static void
put_part(struct run *run, struct slice key, struct slice id,
	const struct node *node, struct upload_part_info *info)
{
	struct upload_part *part = NULL;
	struct slice bytes = slice_of_node(node);

	info->size = bytes.len;
	digest_of(DIGEST_MD5, bytes, info->md5);
	must(upload_part_begin(run->store, run->bucket, key, id, info->number,
		bytes.len, &part));
	must(upload_part_write(part, slice_first(bytes, bytes.len / 2)));
	must(upload_part_write(part, slice_from(bytes, bytes.len / 2)));
	must(upload_part_commit(&part, info));
}

static void
do_upload(struct run *run)
{
	struct upload_part_info info = {.number = 1 + take(run) % 3};
	const struct upload_info begun = {0};
	const struct object_attrs attrs = {0};
	struct object made;
	char key[PATH_ROOM];
	char id[UPLOAD_ID_LEN + 1];

	take_key(run, key);
	uint8_t how = take(run);
	must(upload_begin(run->store, run->bucket, slice_str(key), &begun, id));
	uint64_t tag = 0;
	/* Once or twice: the last one counts. */
	for (int i = 0; i <= how % 2; i++) {
		tag = add_node(run, take_bytes(run));
		put_part(run, slice_str(key), slice_str(id), &run->nodes[tag],
			&info);
	}
	if (how & 2) {
		must(upload_abort(run->store, run->bucket, slice_str(key),
			slice_str(id)));
		return;
	}
	must(upload_complete(run->store, run->bucket, slice_str(key),
		slice_str(id), &info, 1, &attrs, NULL, &made));
	model_put(&run->model, key);
	model_set_tag(&run->model, key, tag);
}

static void
compare_object(struct run *run, const char *key)
{
	scoped(arena_free) struct arena arena = {0};
	const struct node *node = &run->nodes[model_tag(&run->model, key)];
	struct object object;

	/* A path may be longer than S3's keys. */
	if (strlen(key) > TREE_KEY_MAX) {
		must_be(object_head(run->store, run->bucket, slice_str(key),
				&arena, &object),
			STORE_KEY_TOO_LONG);
		return;
	}
	struct slice got = objects_get(run->store, run->bucket, key, &arena);

	if (is_object(run, key) == (got.data != NULL) &&
		(!got.data || slice_equal(got, slice_of_node(node))))
		return;
	fprintf(stderr, "'%s' has %zd bytes, not %zu\n", key,
		got.data ? (ssize_t)got.len : -1, node->len);
	abort();
}

static void
do_get(struct run *run)
{
	char key[PATH_ROOM];

	take_key(run, key);
	compare_object(run, key);
}

static void
do_list(struct run *run)
{
	static const char *const delimiters[] = {"", "/", "b", "-"};
	const char *delimiter = delimiters[take(run) % 4];
	char prefix[PATH_ROOM];

	take_dir(run, prefix);
	if (take(run) % 2)
		strncat(prefix, take_name(run), 600);
	char *wanted = model_list(&run->model, prefix, delimiter);
	char *got = names_list(run->store, run->bucket, prefix, delimiter,
		1 + take(run) % 20);
	if (strcmp(wanted, got) != 0) {
		fprintf(stderr, "prefix '%s' delimiter '%s': got\n%swanted\n%s",
			prefix, delimiter, got, wanted);
		abort();
	}
	free(wanted);
	free(got);
}

/* --- as a mount ------------------------------------------------------------
 */

static uint64_t
take_dir_ino(struct run *run, char path[PATH_ROOM])
{
	take_real_dir(run, path);
	uint64_t dir = names_dir(run->store, run->bucket, path);
	assert(dir);
	return dir;
}

static void
do_mkdir(struct run *run)
{
	char parent[PATH_ROOM];
	uint64_t dir = take_dir_ino(run, parent);
	const char *name = take_name(run);
	struct inode inode;
	enum store_err err = tree_mkdir(run->store, dir, slice_str(name),
		&names_owner, &inode);

	must_be(err, model_make(&run->model, parent, name, MODEL_EXPLICIT)
			     ? STORE_OK
			     : STORE_EXISTS);
}

static void
do_remove(struct run *run)
{
	char path[PATH_ROOM];
	uint64_t dir = take_dir_ino(run, path);
	const char *name = take_name(run);
	struct inode inode;

	strncat(path, name, 600);
	bool is_dir = take(run) % 2;
	enum store_err err =
		is_dir ? tree_rmdir(run->store, dir, slice_str(name))
		       : tree_unlink(run->store, dir, slice_str(name), &inode);
	if (is_dir)
		strncat(path, "/", 2);
	bool is_done = is_dir ? model_rmdir(&run->model, path)
			      : model_unlink(&run->model, path);
	assert(!err == is_done);
	if (!err && !is_dir)
		file_attr_note(run->store, &inode);
}

static void
do_rename(struct run *run)
{
	static const unsigned all_flags[] = {
		0, 0, TREE_NO_REPLACE, TREE_EXCHANGE};
	char from[PATH_ROOM], to[PATH_ROOM];
	struct inode replaced;
	uint64_t from_dir = take_dir_ino(run, from);
	uint64_t to_dir = take_dir_ino(run, to);
	const char *name = take_name(run);
	const char *new_name = take_name(run);
	uint8_t how = take(run);
	unsigned flags = all_flags[how % 4];
	bool is_dir = how & 4;

	if (strlen(from) + strlen(to) > TREE_KEY_MAX / 2)
		return;
	strncat(from, name, 600);
	if (is_dir)
		strncat(from, "/", 2);
	bool is_done = model_rename(&run->model, from, to, new_name,
		flags == TREE_NO_REPLACE, flags == TREE_EXCHANGE);
	enum store_err err = tree_rename(run->store, from_dir, slice_str(name),
		is_dir ? TREE_DIR : TREE_FILE, to_dir, slice_str(new_name),
		flags, &replaced);
	assert(!err == is_done);
	if (!err && replaced.ino)
		file_attr_note(run->store, &replaced);
}

/* Finds the file that a path names; false where there is none. */
static bool
take_file(struct run *run, char path[PATH_ROOM], struct inode *inode)
{
	uint64_t dir = take_dir_ino(run, path);
	const char *name = take_name(run);

	strncat(path, name, 600);
	bool is_there = model_find(&run->model, path) == MODEL_FILE;
	must_be(tree_lookup(run->store, dir, slice_str(name), TREE_FILE, NULL,
			inode),
		is_there ? STORE_OK : STORE_NOT_FOUND);
	return is_there;
}

static void
do_link(struct run *run)
{
	char from[PATH_ROOM], to[PATH_ROOM];
	struct inode inode;
	uint64_t to_dir = take_dir_ino(run, to);
	const char *name = take_name(run);

	if (!take_file(run, from, &inode))
		return;
	uint64_t tag = model_tag(&run->model, from);
	bool is_done = model_make(&run->model, to, name, MODEL_FILE);
	enum store_err err = tree_link(run->store, inode.ino, to_dir,
		slice_str(name), &inode);
	must_be(err, is_done ? STORE_OK : STORE_EXISTS);
	strncat(to, name, 600);
	if (is_done)
		model_set_tag(&run->model, to, tag);
}

static void
write_node(struct run *run, struct file *file, uint64_t tag, size_t at,
	const struct node *bytes)
{
	struct node *node = &run->nodes[tag];
	size_t end = at + bytes->len;

	if (bytes->len == 0)
		return;
	must(io_pwrite_all(file_fd(file), bytes->bytes, bytes->len, at));
	if (end > node->len) {
		node->bytes = realloc(node->bytes, end + 4);
		assert(node->bytes);
		memset(node->bytes + node->len, 0, end - node->len);
		node->len = end;
	}
	memcpy(node->bytes + at, bytes->bytes, bytes->len);
}

/* Created, written and closed, as cp does. */
static void
do_create(struct run *run)
{
	const struct tree_owner owner = {.mode = S_IFREG | 0644};
	char path[PATH_ROOM];
	uint64_t dir = take_dir_ino(run, path);
	const char *name = take_name(run);
	struct node bytes = take_bytes(run);
	struct file *file = NULL;
	struct inode inode;
	bool is_done = model_make(&run->model, path, name, MODEL_FILE);

	must_be(file_create(run->store, dir, slice_str(name), &owner, &inode,
			&file),
		is_done ? STORE_OK : STORE_EXISTS);
	if (is_done) {
		uint64_t tag = add_node(run, (struct node){NULL, 0});

		write_node(run, file, tag, 0, &bytes);
		must(file_flush(file));
		must(file_close(&file, O_RDWR));
		strncat(path, name, 600);
		model_set_tag(&run->model, path, tag);
	}
	free(bytes.bytes);
}

/* Opened with O_TRUNC, written and closed. */
static void
do_rewrite(struct run *run)
{
	char path[PATH_ROOM];
	struct inode inode;
	struct file *file = NULL;

	if (!take_file(run, path, &inode))
		return;
	struct node bytes = take_bytes(run);
	uint64_t tag = model_tag(&run->model, path);
	must(file_open(run->store, inode.ino, O_WRONLY | O_TRUNC, &file));
	run->nodes[tag].len = 0;
	write_node(run, file, tag, 0, &bytes);
	must(file_flush(file));
	must(file_close(&file, O_WRONLY | O_TRUNC));
	free(bytes.bytes);
}

static struct slot *
take_slot(struct run *run)
{
	return &run->slots[take(run) % SLOTS];
}

static void
do_open(struct run *run)
{
	struct slot *slot = take_slot(run);
	char path[PATH_ROOM];
	struct inode inode;

	if (slot->file || !take_file(run, path, &inode))
		return;
	must(file_open(run->store, inode.ino, O_RDWR, &slot->file));
	slot->node = model_tag(&run->model, path);
}

static void
do_write(struct run *run)
{
	struct slot *slot = take_slot(run);
	size_t at = (size_t)take(run) * 257;
	struct node bytes = take_bytes(run);

	if (slot->file)
		write_node(run, slot->file, slot->node, at, &bytes);
	free(bytes.bytes);
}

static void
do_truncate(struct run *run)
{
	struct slot *slot = take_slot(run);
	size_t len = (size_t)take(run) * 513;
	struct node *node = &run->nodes[slot->node];

	if (!slot->file)
		return;
	must(file_data_truncate(slot->file, len));
	node->bytes = realloc(node->bytes, len + 4);
	assert(node->bytes);
	if (len > node->len)
		memset(node->bytes + node->len, 0, len - node->len);
	node->len = len;
}

static void
do_sync(struct run *run)
{
	struct slot *slot = take_slot(run);

	if (slot->file)
		must(file_sync(slot->file, take(run) % 2));
}

static void
close_slot(struct slot *slot)
{
	if (!slot->file)
		return;
	must(file_flush(slot->file));
	must(file_close(&slot->file, O_RDWR));
}

static void
do_close(struct run *run)
{
	close_slot(take_slot(run));
}

static void
do_reopen(struct run *run)
{
	/* It is slow, and needs no more than one byte to be asked for. */
	if (take(run) % 16)
		return;
	for (int i = 0; i < SLOTS; i++)
		close_slot(&run->slots[i]);
	temp_store_reopen(&temp);
	run->store = temp.store;
}

/* --- one input -------------------------------------------------------------
 */

static void (*const operations[])(struct run *run) = {do_put, do_put, do_put,
	do_delete, do_delete, do_copy, do_upload, do_get, do_list, do_mkdir,
	do_remove, do_rename, do_link, do_create, do_rewrite, do_open, do_write,
	do_write, do_truncate, do_sync, do_close, do_reopen};

static void
compare_all(struct run *run)
{
	uint64_t objects = 0;
	uint64_t bytes = 0;

	for (size_t i = 0; i < run->model.count; i++)
		compare_object(run, run->model.entries[i].path);
	char *wanted = model_list(&run->model, "", "");
	char *got = names_list(run->store, run->bucket, "", "", 1000);
	assert(strcmp(wanted, got) == 0);
	free(wanted);
	free(got);
	objects_usage(run->store, run->bucket, &objects, &bytes);
	assert(objects == model_objects(&run->model));
	assert(objects_findings(run->store) == 0);
}

/* From the last one on, so that directories are empty when their turn comes. */
static void
remove_all(struct run *run)
{
	char path[PATH_ROOM];
	struct inode inode;

	for (size_t i = run->model.count; i-- > 0;) {
		snprintf(path, sizeof(path), "%s", run->model.entries[i].path);
		size_t len = strlen(path);
		bool is_dir = path[len - 1] == '/';

		if (is_dir)
			path[len - 1] = '\0';
		char *slash = strrchr(path, '/');
		struct slice name = slice_str(slash ? slash + 1 : path);
		name = slice_of(strdup(name.data), name.len);
		path[slash ? slash + 1 - path : 0] = '\0';
		uint64_t dir = names_dir(run->store, run->bucket, path);
		must(is_dir ? tree_rmdir(run->store, dir, name)
			    : tree_unlink(run->store, dir, name, &inode));
		free((void *)name.data);
	}
	must(bucket_delete(run->store, SLICE("bucket")));
}

static void
end(struct run *run)
{
	for (int i = 0; i < SLOTS; i++)
		close_slot(&run->slots[i]);
	compare_all(run);
	remove_all(run);
	for (uint64_t i = 0; i < run->node_count; i++)
		free(run->nodes[i].bytes);
	model_free(&run->model);
	free(run);
}

static void
remove_store(void)
{
	temp_store_close(&temp);
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	temp = temp_store_open();
	atexit(remove_store);
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct run *run = calloc(1, sizeof(*run));

	assert(run);
	run->data = data;
	run->left = size;
	run->store = temp.store;
	run->bucket = names_bucket(run->store, "bucket");
	run->node_count = 1;
	for (int i = 0; i < STEPS_MAX && run->left > 0; i++)
		operations[take(run) % array_len(operations)](run);
	end(run);
	return 0;
}
