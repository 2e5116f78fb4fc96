/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A directory moves by its one entry and by parent and name in its record;
 * what lies below it is not touched.
 */
#include "store/rename_private.h"

#include "store/base/clock.h"
#include "store/file_settle_private.h"
#include "store/history_private.h"
#include "store/lock_private.h"
#include "store/notification_private.h"
#include "store/rename_tell_private.h"
#include "store/usage_private.h"

/* One side of a rename: a name, as a file's and as a directory's component,
 * and what of the two there is. */
struct side {
	uint64_t parent;
	uint64_t bucket; /* that the parent is in */
	struct slice file;
	struct slice dir;
	struct record_dentry dentry; /* the one that is meant; ino 0: none */
	bool has_other;		     /* the other kind is there too */
	char bytes[TREE_NAME_MAX + 1];
};

static bool
is_dir(const struct side *side)
{
	return side->dentry.kind == RECORD_DENTRY_DIR;
}

static struct slice
component_of(const struct side *side, bool of_dir)
{
	return of_dir ? side->dir : side->file;
}

static enum store_err
find_or_none(struct db_txn *txn, uint64_t parent, struct slice component,
	struct record_dentry *out)
{
	*out = (struct record_dentry){.ino = 0};
	enum store_err err = dentry_find(txn, parent, component, out);
	return err == STORE_NOT_FOUND ? STORE_OK : err;
}

/* Looks up both kinds; the one wanted is meant, else the other. */
static enum store_err
look_up(struct db_txn *txn, uint64_t parent, struct slice name,
	enum tree_want want, struct side *side)
{
	struct record_dentry other;

	if (name.len == 0 || memchr(name.data, '/', name.len))
		return STORE_BAD_NAME;
	if (name.len > TREE_NAME_MAX)
		return STORE_NAME_TOO_LONG;
	memcpy(side->bytes, name.data, name.len);
	side->bytes[name.len] = '/';
	side->parent = parent;
	side->file = slice_of(side->bytes, name.len);
	side->dir = slice_of(side->bytes, name.len + 1);
	enum store_err err = find_or_none(txn, parent,
		component_of(side, want == TREE_DIR), &side->dentry);
	if (!err)
		err = find_or_none(txn, parent,
			component_of(side, want != TREE_DIR), &other);
	if (err)
		return err;
	side->has_other = side->dentry.ino && other.ino;
	if (!side->dentry.ino)
		side->dentry = other;
	return STORE_OK;
}

/* Both parents are directories. */
static enum store_err
check_parents(struct db_txn *txn, const struct rename_request *request,
	struct side *from, struct side *to)
{
	struct inode from_dir, to_dir;

	enum store_err err = dentry_inode(txn, request->parent, &from_dir);
	if (!err)
		err = dentry_inode(txn, request->new_parent, &to_dir);
	if (err)
		return err;
	from->bucket = from_dir.bucket;
	to->bucket = to_dir.bucket;
	return inode_is_dir(&from_dir) && inode_is_dir(&to_dir) ? STORE_OK
								: STORE_NOT_DIR;
}

/* What is below a directory moves by itself: versions of which some may be
 * locked, and keep their keys. */
static enum store_err
check_dir(struct db_txn *txn, const struct side *side)
{
	struct record_versions of;
	struct inode inode;
	bool is_empty;

	enum store_err err = history_of(txn, side->bucket, &of);
	if (err || !of.lock.is_enabled)
		return err;
	err = dentry_inode(txn, side->dentry.ino, &inode);
	if (!err)
		err = dentry_is_empty(txn, side->dentry.ino, &is_empty);
	if (err)
		return err;
	return is_empty && !inode_lock_holds(&inode.lock, clock_now_ns())
		       ? STORE_OK
		       : STORE_CROSS_BUCKET;
}

/*
 * Whether what `side` means may move to that bucket.  A record says which
 * bucket it is of: a directory does not move, since all below it would have
 * to be told, and a file with other names does not, since they stay.
 */
static enum store_err
check_bucket(struct db_txn *txn, const struct side *side, uint64_t bucket)
{
	struct inode inode;

	if (side->bucket == bucket)
		return is_dir(side) ? check_dir(txn, side) : STORE_OK;
	if (is_dir(side))
		return STORE_CROSS_BUCKET;
	enum store_err err = dentry_inode(txn, side->dentry.ino, &inode);
	if (err)
		return err;
	return inode.nlink == 1 ? STORE_OK : STORE_CROSS_BUCKET;
}

/* LOOP where dir is ino, or lies below it. */
static enum store_err
check_not_below(struct db_txn *txn, uint64_t ino, uint64_t dir)
{
	struct dentry_climb climb = {0};
	struct inode inode;

	do {
		if (dir == ino)
			return STORE_LOOP;
		if (dentry_climb_is_round(&climb, dir))
			return STORE_CORRUPT;
		enum store_err err = dentry_inode(txn, dir, &inode);
		if (err)
			return err;
		dir = inode.parent;
	} while (inode.ino != inode.bucket);
	return STORE_OK;
}

/* Hangs what `from` means below the parent of `to`, under its name. */
static enum store_err
hang(struct store *store, struct db_txn *txn, const struct record_dentry *what,
	const struct side *to)
{
	scoped(buffer_free) struct buffer attrs = {0}, named = {0};
	bool of_dir = what->kind == RECORD_DENTRY_DIR;
	struct slice component = component_of(to, of_dir);
	struct record_dentry dentry = *what;
	struct inode inode;
	bool is_told;

	/* First of all: it may change what the record points to. */
	enum store_err err = history_begin(store, txn, to->bucket, to->parent,
		component, &dentry.version);
	if (!err)
		err = notification_is_there(txn, to->bucket, &is_told);
	if (!err)
		err = dentry_inode(txn, what->ino, &inode);
	if (err)
		return err;
	bool is_named = of_dir || dentry.version.number || is_told;
	inode.ctime_ns = clock_now_ns();
	inode_attr_set(&named, inode.attrs, INODE_ATTR_NAME, SLICE_NULL,
		is_named ? &component : NULL);
	/* It is another version, of another key. */
	inode_attr_set(&attrs, buffer_slice(&named), INODE_ATTR_REPLICATION,
		SLICE_NULL, NULL);
	inode.attrs = buffer_slice(&attrs);
	if (is_named || (inode.flags & INODE_UNPUBLISHED))
		inode.parent = to->parent;
	else
		inode.parent = 0;
	err = dentry_change_bucket(txn, &inode, to->bucket);
	/* It is another version now; other names go on as they were. */
	if (!err && !of_dir && inode.nlink == 1 && dentry_is_visible(&inode))
		err = lock_renew(txn, &inode);
	if (!err)
		err = dentry_save_inode(txn, &inode);
	if (!err)
		err = dentry_put(txn, to->parent, component, &dentry);
	if (!err)
		err = feed_append_inode(store, txn, what->ino, false);
	return err;
}

/* What moves away leaves what is locked under its old name. */
static enum store_err
keep_locked(struct store *store, struct db_txn *txn, const struct side *side)
{
	return is_dir(side) ? STORE_OK
			    : history_keep_moved(store, txn, side->parent,
				      side->file, &side->dentry);
}

/* The name, as that of a directory or of a file. */
static struct rename_tell_name
told_name(const struct side *side, bool of_dir)
{
	return (struct rename_tell_name){
		side->bucket, side->parent, component_of(side, of_dir)};
}

static enum store_err
tell_came(struct store *store, struct db_txn *txn, const struct side *side,
	const struct record_dentry *what, bool *is_told)
{
	const struct rename_tell_name name =
		told_name(side, what->kind == RECORD_DENTRY_DIR);

	return rename_tell_came(store, txn, &name, what, is_told);
}

static enum store_err
tell_left(struct store *store, struct db_txn *txn, const struct side *side)
{
	const struct rename_tell_name name = told_name(side, is_dir(side));

	return rename_tell_left(store, txn, &name);
}

static enum store_err
take_off(struct store *store, struct db_txn *txn, const struct side *side)
{
	struct slice component = component_of(side, is_dir(side));

	enum store_err err = dentry_remove(txn, side->parent, component);
	return err ? err
		   : feed_append_dentry(store, txn, side->parent, component,
			     side->dentry.ino);
}

/* `what` gets the name of `was`: a key that S3 sees goes on being one. */
static enum store_err
succeed(struct store *store, struct db_txn *txn,
	const struct record_dentry *what, const struct inode *was)
{
	return what->kind == RECORD_DENTRY_FILE && dentry_is_visible(was)
		       ? file_settle_publish(store, txn, what->ino)
		       : STORE_OK;
}

/* The names have been moved; what becomes of the two directories. */
static enum store_err
settle_parents(struct store *store, struct db_txn *txn, const struct side *from,
	const struct side *to, int left, int came, bool is_s3)
{
	if (from->parent == to->parent)
		return dentry_touch_dir(store, txn, to->parent, left + came);
	/* First the one that gains: the other may look empty to us only. */
	enum store_err err = dentry_touch_dir(store, txn, to->parent, came);
	return err ? err
		   : dentry_settle_dir(store, txn, from->parent, left, is_s3);
}

/* Each has the other's name from now on. */
static enum store_err
succeed_each_other(struct store *store, struct db_txn *txn,
	const struct side *from, const struct side *to)
{
	struct inode from_inode, to_inode;

	enum store_err err = dentry_inode(txn, from->dentry.ino, &from_inode);
	if (!err)
		err = dentry_inode(txn, to->dentry.ino, &to_inode);
	if (!err)
		err = succeed(store, txn, &from->dentry, &to_inode);
	return err ? err : succeed(store, txn, &to->dentry, &from_inode);
}

/* The name is a directory's from now on, or a file's: what it has not been
 * before, and what it was is gone. */
static enum store_err
change_kind(struct store *store, struct db_txn *txn, const struct side *side,
	bool of_dir, bool *is_marked)
{
	enum store_err err = feed_append_dentry(store, txn, side->parent,
		component_of(side, of_dir), 0);

	return err ? err
		   : history_name_leave(store, txn, side->bucket, side->parent,
			     component_of(side, !of_dir), is_marked);
}

/* Of one name of an exchange, which means `what` from now on. */
static enum store_err
tell_exchanged(struct store *store, struct db_txn *txn, const struct side *side,
	const struct record_dentry *what, bool was_seen, bool is_marked)
{
	bool is_now;
	enum store_err err = tell_came(store, txn, side, what, &is_now);

	if (is_now && side->dentry.kind == what->kind)
		was_seen = false;
	return err || !was_seen || is_marked ? err
					     : tell_left(store, txn, side);
}

static enum store_err
exchange(struct store *store, struct db_txn *txn, const struct side *from,
	const struct side *to)
{
	bool is_from_marked = false, is_to_marked = false;
	bool was_from_seen = false, was_to_seen = false;
	enum store_err err = STORE_OK;

	if (from->parent == to->parent && slice_equal(from->file, to->file))
		return STORE_OK;
	/* A file that takes a directory's place must not find another file
	 * there, and the reverse. */
	if (is_dir(from) != is_dir(to) && (from->has_other || to->has_other))
		return STORE_EXISTS;
	err = check_bucket(txn, to, from->bucket);
	if (!err && is_dir(from))
		err = check_not_below(txn, from->dentry.ino, to->parent);
	if (!err && is_dir(to))
		err = check_not_below(txn, to->dentry.ino, from->parent);
	if (!err)
		err = rename_tell_is_seen(txn, &from->dentry, &was_from_seen);
	if (!err)
		err = rename_tell_is_seen(txn, &to->dentry, &was_to_seen);
	if (!err)
		err = keep_locked(store, txn, from);
	if (!err)
		err = keep_locked(store, txn, to);
	if (!err)
		err = take_off(store, txn, from);
	if (!err)
		err = take_off(store, txn, to);
	if (!err)
		err = succeed_each_other(store, txn, from, to);
	if (!err)
		err = hang(store, txn, &from->dentry, to);
	if (!err)
		err = hang(store, txn, &to->dentry, from);
	if (!err && is_dir(from) != is_dir(to))
		err = change_kind(store, txn, to, is_dir(from), &is_to_marked);
	if (!err && is_dir(from) != is_dir(to))
		err = change_kind(store, txn, from, is_dir(to),
			&is_from_marked);
	if (!err)
		err = tell_exchanged(store, txn, to, &from->dentry, was_to_seen,
			is_to_marked);
	if (!err)
		err = tell_exchanged(store, txn, from, &to->dentry,
			was_from_seen, is_from_marked);
	int came = is_dir(from) - is_dir(to);
	return err ? err
		   : settle_parents(store, txn, from, to, -came, came, false);
}

/* What had the name becomes an older version, or has one name less. */
static enum store_err
lose_name(struct store *store, struct db_txn *txn, const struct side *side,
	struct inode *gone)
{
	struct slice component = component_of(side, is_dir(side));
	bool is_moved;

	enum store_err err = history_keep(store, txn, side->parent, component,
		&side->dentry, &is_moved);
	if (!err && !is_moved)
		err = take_off(store, txn, side);
	if (!err && !is_moved)
		err = dentry_release(store, txn, side->dentry.ino, gone);
	if (err || !is_moved)
		return err;
	err = feed_append_dentry(store, txn, side->parent, component,
		side->dentry.ino);
	if (!err)
		err = dentry_inode(txn, side->dentry.ino, gone);
	gone->nlink = 0;
	gone->attrs = SLICE_NULL;
	return err;
}

/* Whether rename(2) may put `from` in the place of `to`. */
static enum store_err
check_replace(struct db_txn *txn, const struct side *from,
	const struct side *to)
{
	bool is_empty;

	if (is_dir(from) && !is_dir(to))
		return STORE_NOT_DIR;
	if (!is_dir(from) && is_dir(to))
		return STORE_IS_DIR;
	if (!is_dir(to))
		return STORE_OK;
	enum store_err err = dentry_is_empty(txn, to->dentry.ino, &is_empty);
	return err || is_empty ? err : STORE_NOT_EMPTY;
}

static enum store_err
replace(struct store *store, struct db_txn *txn, const struct side *from,
	const struct side *to, bool is_s3, struct inode *replaced)
{
	bool was_from_seen, was_to_seen, is_seen_now = false, is_marked;
	struct inode gone = {.ino = 0};
	int dirs = is_dir(from);

	enum store_err err =
		rename_tell_is_seen(txn, &from->dentry, &was_from_seen);
	if (!err)
		err = rename_tell_is_seen(txn, &to->dentry, &was_to_seen);
	if (!err)
		err = keep_locked(store, txn, from);
	if (!err)
		err = take_off(store, txn, from);
	if (!err && to->dentry.ino)
		err = lose_name(store, txn, to, &gone);
	if (!err && to->dentry.ino)
		err = succeed(store, txn, &from->dentry, &gone);
	if (!err)
		err = hang(store, txn, &from->dentry, to);
	if (!err)
		err = feed_append_dentry(store, txn, to->parent,
			component_of(to, is_dir(from)), to->dentry.ino);
	int came = dirs - (to->dentry.ino && is_dir(to));
	if (!err)
		err = history_name_leave(store, txn, from->bucket, from->parent,
			component_of(from, is_dir(from)), &is_marked);
	if (!err)
		err = tell_came(store, txn, to, &from->dentry, &is_seen_now);
	if (!err && was_to_seen && !is_seen_now)
		err = tell_left(store, txn, to);
	if (!err && was_from_seen && !is_marked)
		err = tell_left(store, txn, from);
	if (!err)
		err = settle_parents(store, txn, from, to, -dirs, came, is_s3);
	*replaced = gone;
	return err;
}

/* Both sides are found. */
static enum store_err
move(struct store *store, struct db_txn *txn,
	const struct rename_request *request, const struct side *from,
	const struct side *to, struct inode *replaced)
{
	enum store_err err = STORE_OK;

	if (request->flags & TREE_EXCHANGE)
		return to->dentry.ino ? exchange(store, txn, from, to)
				      : STORE_NOT_FOUND;
	if (to->dentry.ino && (request->flags & TREE_NO_REPLACE))
		return STORE_EXISTS;
	/* Two names of one file: rename(2) does nothing. */
	if (to->dentry.ino == from->dentry.ino)
		return STORE_OK;
	if (is_dir(from))
		err = check_not_below(txn, from->dentry.ino, to->parent);
	if (!err && to->dentry.ino)
		err = check_replace(txn, from, to);
	return err ? err
		   : replace(store, txn, from, to, request->is_s3, replaced);
}

/* The name that `from` had becomes a whiteout's. */
static enum store_err
leave_whiteout(struct store *store, struct db_txn *txn, const struct side *from,
	const struct tree_owner *owner)
{
	int64_t now_ns = clock_now_ns();
	struct version version;
	struct inode inode = {
		.bucket = from->bucket,
		.mode = S_IFCHR | (owner->mode & 07777),
		.uid = owner->uid,
		.gid = owner->gid,
		.nlink = 1,
		.birth_ns = now_ns,
		.atime_ns = now_ns,
		.mtime_ns = now_ns,
		.ctime_ns = now_ns,
	};

	enum store_err err = commit_new_number(txn, &inode.ino);
	return err ? err
		   : history_name_publish(store, txn, from->parent, from->file,
			     &inode, &version);
}

static enum store_err
move_and_leave(struct store *store, struct db_txn *txn,
	const struct rename_request *request, const struct side *from,
	const struct side *to, struct inode *replaced)
{
	/* Nothing moves: see move(). */
	bool moves = to->dentry.ino != from->dentry.ino;

	if (request->whiteout && moves && from->has_other)
		return STORE_EXISTS;
	enum store_err err = move(store, txn, request, from, to, replaced);
	if (err || !request->whiteout || !moves)
		return err;
	return leave_whiteout(store, txn, from, request->whiteout);
}

/* Neither may grow beyond its quota. */
static enum store_err
move_between_buckets(struct store *store, struct db_txn *txn,
	const struct rename_request *request, const struct side *from,
	const struct side *to, struct inode *replaced)
{
	struct usage_mark from_mark, to_mark;

	enum store_err err = usage_mark(txn, from->bucket, &from_mark);
	if (!err)
		err = usage_mark(txn, to->bucket, &to_mark);
	if (!err)
		err = move_and_leave(store, txn, request, from, to, replaced);
	if (!err)
		err = usage_check(txn, &from_mark);
	return err ? err : usage_check(txn, &to_mark);
}

enum store_err
rename_apply(struct store *store, struct db_txn *txn,
	const struct rename_request *request, struct inode *replaced)
{
	struct side from, to;

	*replaced = (struct inode){.ino = 0};
	enum store_err err = check_parents(txn, request, &from, &to);
	if (!err)
		err = look_up(txn, request->parent, request->name,
			request->want, &from);
	if (!err && (!from.dentry.ino ||
			    is_dir(&from) != (request->want == TREE_DIR)))
		err = STORE_NOT_FOUND;
	if (!err)
		err = look_up(txn, request->new_parent, request->new_name,
			request->want, &to);
	if (!err && request->is_s3 && is_dir(&to))
		to.dentry = (struct record_dentry){.ino = 0};
	if (!err)
		err = check_bucket(txn, &from, to.bucket);
	if (err)
		return err;
	return from.bucket == to.bucket
		       ? move_and_leave(store, txn, request, &from, &to,
				 replaced)
		       : move_between_buckets(store, txn, request, &from, &to,
				 replaced);
}
