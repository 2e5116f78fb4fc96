/* SPDX-License-Identifier: Apache-2.0 */
/* Gives names their inodes again, and inodes their names. */
#include <assert.h>
#include <stdio.h>

#include "store/base/clock.h"
#include "store/check_private.h"
#include "store/chunk_private.h"

static enum store_err
expect_no_inode(struct db_txn *txn, uint64_t ino)
{
	struct inode inode;

	enum store_err err = dentry_inode(txn, ino, &inode);
	if (err == STORE_STALE)
		return STORE_OK;
	return err ? err : STORE_NOT_FOUND;
}

static void
describe_dir(struct inode *inode, uint64_t ino, uint64_t bucket)
{
	*inode = (struct inode){
		.ino = ino,
		.bucket = bucket,
		.parent = INODE_ROOT,
		.mode = S_IFDIR | 0755,
		.nlink = 2,
		.flags = INODE_FROM_S3,
		.birth_ns = clock_now_ns(),
	};
	inode->atime_ns = inode->birth_ns;
	inode->mtime_ns = inode->birth_ns;
	inode->ctime_ns = inode->birth_ns;
}

/* What hangs below the number stays, whatever its record says. */
static enum store_err
fix_root(struct store *store, struct db_txn *txn, const struct check_job *job)
{
	struct inode root;

	(void)store;
	enum store_err err = dentry_inode(txn, job->a, &root);
	if (err && err != STORE_STALE)
		return err;
	if (err || !inode_is_dir(&root))
		describe_dir(&root, job->a, job->a);
	root.bucket = job->a;
	root.parent = INODE_ROOT;
	root.attrs = SLICE_NULL;
	return dentry_save_inode(txn, &root);
}

static enum store_err
fix_history(struct store *store, struct db_txn *txn,
	const struct check_job *job)
{
	struct inode root;

	(void)store;
	enum store_err err = expect_no_inode(txn, job->a);
	if (err)
		return err;
	describe_dir(&root, job->a, job->b);
	root.parent = 0;
	root.flags |= INODE_NONCURRENT;
	return dentry_save_inode(txn, &root);
}

/* Saves a directory with its place. */
static enum store_err
save_dir(struct db_txn *txn, struct inode *dir, uint64_t parent,
	struct slice name)
{
	scoped(buffer_free) struct buffer attrs = {0};

	dir->parent = parent;
	inode_attr_set(&attrs, dir->attrs, INODE_ATTR_NAME, SLICE_NULL, &name);
	dir->attrs = buffer_slice(&attrs);
	return dentry_save_inode(txn, dir);
}

static enum store_err
fix_dir(struct store *store, struct db_txn *txn, const struct check_job *job)
{
	struct inode parent, dir;

	(void)store;
	enum store_err err = expect_no_inode(txn, job->a);
	if (!err)
		err = dentry_inode(txn, job->b, &parent);
	if (err)
		return err;
	describe_dir(&dir, job->a, parent.bucket);
	return save_dir(txn, &dir, job->b, job->name);
}

/* There is no bucket: nothing can name it any more. */
static enum store_err
drop_inode(struct db_txn *txn, uint64_t ino)
{
	struct key key = key_u64(ino);

	/* The blobs: a later round finds that nothing names them. */
	return db_delete(txn, DB_INODE, key_slice(&key));
}

/* Gives an inode without a name the one of its number in lost+found/. */
static enum store_err
attach(struct store *store, struct db_txn *txn, uint64_t ino, uint64_t bucket)
{
	struct record_dentry dentry = {.kind = RECORD_DENTRY_FILE, .ino = ino};
	struct slice component;
	struct inode inode;
	uint64_t parent;
	char key[64];

	enum store_err err = dentry_inode(txn, ino, &inode);
	if (err)
		return err;
	/* Says of a key that it was deleted, and nobody knows which. */
	if (inode.flags & INODE_MARKER)
		return drop_inode(txn, ino);
	bool is_dir = inode_is_dir(&inode);
	snprintf(key, sizeof(key), "lost+found/%llu%s", (unsigned long long)ino,
		is_dir ? "/" : "");
	if (is_dir)
		dentry.kind = RECORD_DENTRY_DIR;
	err = dentry_locate_or_make(store, txn, bucket, bucket, slice_str(key),
		&parent, &component);
	if (err == STORE_STALE)
		return drop_inode(txn, ino);
	if (!err)
		err = dentry_put(txn, parent, component, &dentry);
	/* What came before may have moved the record. */
	if (!err)
		err = dentry_inode(txn, ino, &inode);
	if (err)
		return err;
	inode.flags &= ~(uint32_t)INODE_NONCURRENT;
	inode.bucket = bucket;
	if (is_dir)
		return save_dir(txn, &inode, parent, component);
	inode.nlink = 1;
	return dentry_save_inode(txn, &inode);
}

static enum store_err
fix_attach(struct store *store, struct db_txn *txn, const struct check_job *job)
{
	return attach(store, txn, job->a, job->b);
}

static enum store_err
fix_adopt(struct store *store, struct db_txn *txn, const struct check_job *job)
{
	struct inode dir;

	enum store_err err = expect_no_inode(txn, job->a);
	if (err)
		return err;
	describe_dir(&dir, job->a, job->b);
	err = dentry_save_inode(txn, &dir);
	/* A bucket's root needs no name of this kind. */
	if (err || job->a == job->b)
		return err;
	return attach(store, txn, job->a, job->b);
}

static enum store_err
fix_cut(struct store *store, struct db_txn *txn, const struct check_job *job)
{
	char bytes[CHUNK_NAME_MAX];
	struct inode dir;
	struct slice name;

	enum store_err err = dentry_inode(txn, job->a, &dir);
	if (err)
		return err;
	if (inode_attr_find(dir.attrs, INODE_ATTR_NAME, SLICE_NULL, &name) &&
		name.len <= sizeof(bytes)) {
		memcpy(bytes, name.data, name.len);
		err = dentry_remove(txn, dir.parent, slice_of(bytes, name.len));
	}
	if (err && err != STORE_NOT_FOUND)
		return err;
	return attach(store, txn, job->a, job->b);
}

static enum store_err
fix_home(struct store *store, struct db_txn *txn, const struct check_job *job)
{
	struct inode inode;

	(void)store;
	enum store_err err = dentry_inode(txn, job->a, &inode);
	if (err)
		return err;
	inode.bucket = job->b;
	return dentry_save_inode(txn, &inode);
}

static enum store_err
fix_parent(struct store *store, struct db_txn *txn, const struct check_job *job)
{
	struct inode dir;

	(void)store;
	enum store_err err = dentry_inode(txn, job->a, &dir);
	return err ? err : save_dir(txn, &dir, job->b, job->name);
}

static enum store_err
fix_nlink(struct store *store, struct db_txn *txn, const struct check_job *job)
{
	struct inode inode;

	(void)store;
	enum store_err err = dentry_inode(txn, job->a, &inode);
	if (err)
		return err;
	inode.nlink = (uint32_t)job->b;
	return dentry_save_inode(txn, &inode);
}

enum store_err
check_tree_repair(struct store *store, struct db_txn *txn,
	const struct check_job *job)
{
	static enum store_err (*const fixes[])(struct store * store,
		struct db_txn * txn, const struct check_job *job) = {
		[CHECK_FIX_ROOT] = fix_root,
		[CHECK_FIX_HISTORY] = fix_history,
		[CHECK_FIX_DIR] = fix_dir,
		[CHECK_FIX_ADOPT] = fix_adopt,
		[CHECK_FIX_CUT] = fix_cut,
		[CHECK_FIX_ATTACH] = fix_attach,
		[CHECK_FIX_HOME] = fix_home,
		[CHECK_FIX_PARENT] = fix_parent,
		[CHECK_FIX_NLINK] = fix_nlink,
	};

	assert(job->fix < array_len(fixes) && fixes[job->fix]);
	return fixes[job->fix](store, txn, job);
}
