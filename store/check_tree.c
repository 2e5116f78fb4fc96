/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names against inodes: invariants 1 to 4 of dentry_private.h.
 *
 * The table of names is read twice, first for the nodes of long names alone.
 */
#include "store/check_private.h"
#include "store/chunk_private.h"

/* The names below one node; dir is what they belong to. */
struct node {
	uint64_t number;
	bool is_known;
	struct inode dir;	   /* its record; attrs are empty */
	struct check_inode *count; /* of dir */
};

static enum store_err
visit_chunk(struct check *check, struct slice key, struct slice value)
{
	struct record_dentry dentry;
	struct slice name;
	uint64_t parent;

	if (key_split_dentry(key, &parent, &name) ||
		record_dentry_decode(value, &dentry) ||
		dentry.kind != RECORD_DENTRY_CHUNK)
		return STORE_OK;
	struct check_chunk *chunk = check_add(&check->chunks, dentry.ino);
	chunk->parent = parent;
	check_counter_use(&check->last_number, dentry.ino);
	chunk->name = arena_copy(&check->arena, name);
	return STORE_OK;
}

/* The directory that a node belongs to; NULL: there is none. */
static struct check_inode *
find_dir(struct check *check, uint64_t number)
{
	for (int depth = 0; depth < CHUNK_DEPTH_MAX; depth++) {
		struct check_inode *inode = check_find(&check->inodes, number);
		struct check_chunk *chunk;

		if (inode)
			return inode->is_dir ? inode : NULL;
		chunk = check_find(&check->chunks, number);
		if (!chunk)
			return NULL;
		number = chunk->parent;
	}
	return NULL;
}

/* Puts what the chunks on the way say in front of the name. */
static struct slice
whole_name(struct check *check, uint64_t number, struct slice name)
{
	struct slice whole = arena_copy(&check->arena, name);

	for (int depth = 0; depth < CHUNK_DEPTH_MAX; depth++) {
		struct check_chunk *chunk = check_find(&check->chunks, number);

		if (!chunk)
			break;
		whole = arena_concat(&check->arena, chunk->name, whole);
		number = chunk->parent;
	}
	return whole;
}

static struct check_job *
note_name(struct check *check, enum check_kind kind, enum check_fix fix,
	struct slice key, struct slice name, const char *why, uint64_t number)
{
	struct check_job *job = check_note(check, kind, fix,
		"the name '%.*s' %s %llu", (int)name.len, name.data, why,
		(unsigned long long)number);

	job->table = DB_DENTRY;
	job->name = arena_copy(&check->arena, key);
	return job;
}

/* The bucket in which to keep what says it is of that one; 0: there is no
 * bucket at all. */
static uint64_t
home_of(struct check *check, uint64_t number)
{
	const struct check_bucket *buckets = check->buckets.items;

	if (check_is_bucket(check, number))
		return number;
	return check->buckets.count > 0 ? buckets[0].ino : 0;
}

/* Names below a number that is no directory's.  All of them have a home again
 * once there is one of that number. */
static void
note_node(struct check *check, const struct node *node, struct slice key,
	struct slice name, const struct record_dentry *dentry)
{
	struct inode inode;

	if (check_find(&check->inodes, node->number)) {
		note_name(check, CHECK_DENTRY, CHECK_FIX_ROW, key, name,
			"is below something that is not a directory, inode",
			node->number);
		return;
	}
	if (dentry->kind == RECORD_DENTRY_CHUNK ||
		dentry_inode(check->txn, dentry->ino, &inode)) {
		note_name(check, CHECK_DENTRY, CHECK_FIX_ROW, key, name,
			"leads nowhere and is below nothing, inode",
			node->number);
		return;
	}
	/* Not an orphan: it has this name once there is a directory again. */
	struct check_inode *count = check_find(&check->inodes, dentry->ino);
	if (count)
		count->names++;
	struct check_job *job =
		note_name(check, CHECK_DENTRY, CHECK_FIX_ADOPT, key, name,
			"is in a directory that is gone, inode", node->number);
	job->a = node->number;
	job->b = home_of(check, inode.bucket);
	/* Then it becomes one itself. */
	if (job->b == 0)
		job->b = node->number;
}

static enum store_err
enter_node(struct check *check, uint64_t number, struct node *node)
{
	if (node->number == number)
		return STORE_OK;
	*node = (struct node){.number = number};
	struct check_chunk *chunk = check_find(&check->chunks, number);
	if (chunk)
		chunk->has_entries = true;
	node->count = find_dir(check, number);
	if (!node->count)
		return STORE_OK;
	enum store_err err =
		dentry_inode(check->txn, node->count->ino, &node->dir);
	node->dir.attrs = SLICE_NULL;
	node->is_known = !err;
	return err == STORE_STALE ? STORE_CORRUPT : err;
}

static bool
is_well_formed(struct slice name, bool of_dir)
{
	ptrdiff_t slash = slice_find_char(name, '/');

	if (of_dir)
		return name.len > 0 && slash == (ptrdiff_t)name.len - 1;
	return name.len > 0 && slash < 0;
}

static void
check_parent(struct check *check, const struct node *node,
	const struct inode *inode, struct slice key, struct slice name)
{
	struct slice own;

	if (inode->parent == node->dir.ino &&
		inode_attr_find(inode->attrs, INODE_ATTR_NAME, SLICE_NULL,
			&own) &&
		slice_equal(own, name))
		return;
	struct check_job *job =
		note_name(check, CHECK_PARENT, CHECK_FIX_PARENT, key, name,
			"is not what its directory takes for its place, inode",
			inode->ino);
	job->a = inode->ino;
	job->b = node->dir.ino;
	job->name = arena_copy(&check->arena, name);
}

static void
count_usage(struct check *check, const struct inode *inode)
{
	struct check_bucket *bucket =
		check_find(&check->buckets, inode->bucket);
	bool is_counted =
		inode_is_dir(inode)
			? (inode->flags & INODE_EXPLICIT) != 0
			: S_ISREG(inode->mode) &&
				  !(inode->flags &
					  (INODE_UNPUBLISHED | INODE_MARKER));

	if (!bucket || !is_counted)
		return;
	bucket->usage.objects++;
	bucket->usage.bytes += inode->size;
	check_day_add(check, inode);
}

/* Without it versioning could be suspended, and what is null be replaced. */
static void
check_lock(struct check *check, const struct inode *inode)
{
	struct check_bucket *bucket =
		check_find(&check->buckets, inode->bucket);

	if (!bucket || bucket->has_lock || inode_lock_is_empty(&inode->lock))
		return;
	bucket->has_lock = true;
	struct check_job *job = check_note(check, CHECK_BUCKET, CHECK_FIX_LOCK,
		"bucket %llu has no Object Lock, but a locked version: inode "
		"%llu",
		(unsigned long long)inode->bucket,
		(unsigned long long)inode->ino);
	job->a = inode->bucket;
}

/* The name leads to nothing. */
static void
note_missing(struct check *check, const struct node *node, struct slice key,
	struct slice name, const struct record_dentry *dentry)
{
	bool is_dir = dentry->kind == RECORD_DENTRY_DIR;
	struct check_job *job = note_name(check, CHECK_DENTRY,
		is_dir ? CHECK_FIX_DIR : CHECK_FIX_ROW, key, name,
		"has no inode, it should be", dentry->ino);

	if (!is_dir)
		return;
	/* What is below it must not be lost. */
	job->a = dentry->ino;
	job->b = node->dir.ino;
	job->name = arena_copy(&check->arena, name);
}

static enum store_err
check_name(struct check *check, const struct node *node, struct slice key,
	struct slice name, const struct record_dentry *dentry)
{
	bool is_dir = dentry->kind == RECORD_DENTRY_DIR;
	struct inode inode;

	check->result.dentries++;
	check_counter_use(&check->last_number, dentry->version.number);
	if (!is_well_formed(name, is_dir) || dentry->ino <= INODE_ROOT) {
		note_name(check, CHECK_RECORD, CHECK_FIX_ROW, key, name,
			"is not one for what it is, inode", dentry->ino);
		return STORE_OK;
	}
	struct check_inode *count = check_find(&check->inodes, dentry->ino);
	if (!count) {
		note_missing(check, node, key, name, dentry);
		return STORE_OK;
	}
	enum store_err err = dentry_inode(check->txn, dentry->ino, &inode);
	if (err)
		return err;
	const char *why = NULL;
	if (inode_is_dir(&inode) != is_dir)
		why = "is of another kind than its inode";
	else if (inode.bucket != node->dir.bucket &&
		 check_is_bucket(check, inode.bucket) &&
		 check_is_bucket(check, node->dir.bucket))
		why = "is in another bucket than its inode";
	else if (is_dir && count->names > 0)
		why = "is a further one of directory";
	else if (inode.ino == inode.bucket)
		why = "is one of a bucket's root, inode";
	if (why) {
		note_name(check, CHECK_DENTRY, CHECK_FIX_ROW, key, name, why,
			dentry->ino);
		return STORE_OK;
	}
	count->names++;
	if (!check_is_bucket(check, inode.bucket)) {
		struct check_job *job = note_name(check, CHECK_PARENT,
			CHECK_FIX_HOME, key, name,
			"has an inode of a bucket that is none, inode",
			dentry->ino);
		job->a = dentry->ino;
		job->b = home_of(check, node->dir.bucket);
	}
	count_usage(check, &inode);
	check_lock(check, &inode);
	if (is_dir) {
		node->count->subdirs++;
		check_parent(check, node, &inode, key, name);
	}
	return check_null_name(check, node->dir.ino, name, dentry, &inode);
}

static enum store_err
check_row(struct check *check, struct node *node, struct slice key,
	struct slice value)
{
	struct record_dentry dentry;
	struct slice name;
	uint64_t number;

	if (key_split_dentry(key, &number, &name) ||
		record_dentry_decode(value, &dentry)) {
		check_note_row(check, DB_DENTRY, key, value,
			"a name in directory", key.len < 8 ? 0 : number);
		return STORE_OK;
	}
	enum store_err err = enter_node(check, number, node);
	if (err)
		return err;
	bool is_chunk = dentry.kind == RECORD_DENTRY_CHUNK;
	if (!node->is_known)
		note_node(check, node, key, name, &dentry);
	else if (is_chunk != (name.len == KEY_CHUNK))
		note_name(check, CHECK_RECORD, CHECK_FIX_ROW, key, name,
			"has the wrong length for its kind, inode", dentry.ino);
	else if (!is_chunk)
		return check_name(check, node, key,
			number == node->dir.ino
				? name
				: whole_name(check, number, name),
			&dentry);
	return STORE_OK;
}

static enum store_err
check_all_rows(struct check *check)
{
	scoped(db_cursor_close) struct db_cursor cursor = {0};
	struct key start = key_u64(0);
	struct node node = {.number = 0};

	enum store_err err = db_cursor_open(check->txn, DB_DENTRY, &cursor);
	if (!err)
		err = db_cursor_seek(&cursor, key_slice(&start));
	while (!err) {
		err = check_row(check, &node, cursor.key, cursor.value);
		if (!err)
			err = db_cursor_next(&cursor);
	}
	return err == STORE_NOT_FOUND ? STORE_OK : err;
}

static void
check_chunks(struct check *check)
{
	struct check_chunk *chunks = check->chunks.items;

	for (size_t i = 0; i < check->chunks.count; i++) {
		struct key key = key_dentry(chunks[i].parent,
			slice_first(chunks[i].name, KEY_CHUNK));

		if (!chunks[i].has_entries)
			note_name(check, CHECK_DENTRY, CHECK_FIX_ROW,
				key_slice(&key), chunks[i].name,
				"begins no name, node", chunks[i].node);
	}
}

static void
note_orphan(struct check *check, const struct inode *inode, enum check_fix fix,
	const char *why)
{
	struct check_job *job = check_note(check, CHECK_ORPHAN, fix,
		"inode %llu %s", (unsigned long long)inode->ino, why);

	job->a = inode->ino;
	job->b = home_of(check, inode->bucket);
}

/*
 * Follows the parents of a directory to one that is known to be reached, or
 * to the root, or to where something has been reported already.  Comes back
 * to where it was: the directories of a ring hang on nothing.
 */
static enum store_err
climb(struct check *check, struct check_inode *from)
{
	struct check_inode *at = from;
	struct inode inode;
	enum store_err err = STORE_OK;

	while (at && at->is_dir && !at->is_reached && !at->is_climbing) {
		at->is_climbing = 1;
		err = dentry_inode(check->txn, at->ino, &inode);
		if (err)
			return err;
		at = inode.ino == inode.bucket
			     ? NULL
			     : check_find(&check->inodes, inode.parent);
	}
	if (at && at->is_climbing) {
		err = dentry_inode(check->txn, at->ino, &inode);
		if (err)
			return err;
		note_orphan(check, &inode, CHECK_FIX_CUT,
			"is a directory below itself");
	}
	for (at = from; at && at->is_climbing;) {
		at->is_climbing = 0;
		at->is_reached = 1;
		err = dentry_inode(check->txn, at->ino, &inode);
		if (err)
			return err;
		at = check_find(&check->inodes, inode.parent);
	}
	return STORE_OK;
}

static enum store_err
check_links(struct check *check, struct check_inode *count)
{
	struct inode inode;

	enum store_err err = dentry_inode(check->txn, count->ino, &inode);
	if (err)
		return err;
	/* Made without a name, and open. */
	if (inode.nlink == 0 && check_find(&check->opens, inode.ino))
		return STORE_OK;
	bool is_root = inode.ino == inode.bucket ||
		       check_find(&check->histories, inode.ino);
	if (count->names == 0 && !is_root && count->is_dir &&
		(inode.flags & INODE_NONCURRENT)) {
		note_orphan(check, &inode, CHECK_FIX_VERSIONS,
			"is the root of a history without a bucket");
		return STORE_OK;
	}
	if (count->names == 0 && !is_root) {
		note_orphan(check, &inode, CHECK_FIX_ATTACH, "has no name");
		return STORE_OK;
	}
	uint32_t links = count->names;

	if (count->is_dir)
		links = 2u + count->subdirs;
	if (inode.nlink != links) {
		struct check_job *job = check_note(check, CHECK_NLINK,
			CHECK_FIX_NLINK,
			"inode %llu counts %u links and has "
			"%u",
			(unsigned long long)inode.ino, inode.nlink, links);
		job->a = inode.ino;
		job->b = links;
	}
	return STORE_OK;
}

enum store_err
check_tree_names(struct check *check)
{
	struct check_inode *inodes = check->inodes.items;

	enum store_err err = check_rows(check, DB_DENTRY, visit_chunk);
	check_sort(&check->chunks);
	if (!err)
		err = check_all_rows(check);
	check_chunks(check);
	for (size_t i = 0; !err && i < check->inodes.count; i++)
		err = check_links(check, &inodes[i]);
	for (size_t i = 0; !err && i < check->inodes.count; i++) {
		if (inodes[i].is_dir && !inodes[i].is_reached)
			err = climb(check, &inodes[i]);
	}
	return err;
}
