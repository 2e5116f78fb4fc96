/* SPDX-License-Identifier: Apache-2.0 */
#include "store/lock.h"

#include "store/base/clock.h"
#include "store/base/codec.h"
#include "store/blob_record_private.h"
#include "store/file_linger_private.h"
#include "store/lock_private.h"
#include "store/meta/key.h"
#include "store/object_key_private.h"
#include "store/session_private.h"

#define DAYS_OF_YEAR 365

static const char *const modes[] = {
	[INODE_LOCK_GOVERNANCE] = "GOVERNANCE",
	[INODE_LOCK_COMPLIANCE] = "COMPLIANCE",
};

const char *
lock_mode_name(unsigned int mode)
{
	return mode < array_len(modes) ? modes[mode] : NULL;
}

bool
lock_mode_find(struct slice name, enum inode_lock_mode *out)
{
	for (size_t i = INODE_LOCK_GOVERNANCE; i < array_len(modes); i++) {
		if (slice_equal(name, slice_str(modes[i]))) {
			*out = (enum inode_lock_mode)i;
			return true;
		}
	}
	return false;
}

/* --- on the way ----------------------------------------------------------- */

void
lock_append_attr(struct buffer *attrs, const struct inode_lock *lock)
{
	scoped(buffer_free) struct buffer value = {0};
	struct inode_attr attr = {.kind = INODE_ATTR_LOCK};

	codec_encode_u8(&value, lock->mode);
	codec_encode_u8(&value, lock->hold);
	codec_encode_i64(&value, lock->until_ns);
	attr.value = buffer_slice(&value);
	inode_attr_append(attrs, &attr);
}

static bool
decode(struct slice value, struct inode_lock *lock)
{
	struct decoder decoder = codec_decoder(value);

	lock->mode = codec_decode_u8(&decoder);
	lock->hold = codec_decode_u8(&decoder);
	lock->until_ns = codec_decode_i64(&decoder);
	return !decoder.is_bad && codec_decode_left(&decoder) == 0 &&
	       lock->mode <= INODE_LOCK_COMPLIANCE &&
	       lock->hold <= INODE_HOLD_ON &&
	       (lock->mode != INODE_LOCK_NONE) == (lock->until_ns != 0);
}

enum store_err
lock_cut_attr(struct slice *attrs, struct inode_lock *lock)
{
	struct slice rest = *attrs;
	struct inode_attr attr;
	size_t before = rest.len;

	*lock = (struct inode_lock){0};
	while (inode_attr_next(&rest, &attr)) {
		if (attr.kind == INODE_ATTR_LOCK) {
			*attrs = slice_first(*attrs, attrs->len - before);
			return decode(attr.value, lock) ? STORE_OK
							: STORE_INVALID;
		}
		before = rest.len;
	}
	return STORE_OK;
}

/* --- of a bucket ---------------------------------------------------------- */

enum store_err
lock_get_rule(struct store *store, uint64_t bucket, struct inode_lock_rule *out)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	struct record_versions of;

	enum store_err err = db_begin_read(store->db, &txn);
	if (!err)
		err = history_of(txn, bucket, &of);
	if (!err)
		*out = of.lock;
	return err;
}

struct rule_request {
	uint64_t bucket;
	const struct inode_lock_rule *rule;
};

static enum store_err
apply_rule(struct store *store, struct db_txn *txn, void *arg)
{
	const struct rule_request *request = arg;
	struct inode root;
	const struct record_change change = {
		.kind = RECORD_CHANGE_DOCUMENT,
		.ino = request->bucket,
		.name = SLICE("object-lock"),
	};

	enum store_err err = dentry_inode(txn, request->bucket, &root);
	if (!err)
		err = history_set_lock(txn, request->bucket, request->rule);
	return err ? err : feed_append(store, txn, &change);
}

static bool
is_rule_valid(const struct inode_lock_rule *rule)
{
	if (!rule->mode)
		return !rule->days && !rule->years;
	return rule->mode <= INODE_LOCK_COMPLIANCE &&
	       (rule->days != 0) != (rule->years != 0) &&
	       rule->days <= INODE_LOCK_DAYS_MAX &&
	       rule->years <= INODE_LOCK_YEARS_MAX;
}

enum store_err
lock_set_rule(struct store *store, uint64_t bucket,
	const struct inode_lock_rule *rule)
{
	struct rule_request request = {bucket, rule};

	return is_rule_valid(rule)
		       ? commit_run_durably(store, apply_rule, &request)
		       : STORE_INVALID;
}

/* --- of a version --------------------------------------------------------- */

void
lock_begin(const struct inode_lock_rule *rule, struct inode_lock *lock)
{
	int64_t days =
		rule->days ? rule->days : (int64_t)rule->years * DAYS_OF_YEAR;

	lock->is_due = false;
	if (lock->mode || !rule->mode)
		return;
	lock->mode = rule->mode;
	lock->until_ns = clock_now_ns() + days * CLOCK_NS_PER_DAY;
}

enum store_err
lock_begin_kept(struct store *store, struct db_txn *txn,
	const struct inode_lock_rule *rule, struct inode *kept)
{
	const struct session_open row = {.flags = 0};

	if (!kept->blob || !blob_has_writer(store->blobs, kept->blob)) {
		lock_begin(rule, &kept->lock);
		return STORE_OK;
	}
	/* Theirs are the rows of the file that it was. */
	file_linger_note_kept(store, kept->ino);
	return session_put_open(txn, session_id(store), kept->ino, &row);
}

/* Rule 4 of session_private.h. */
static enum store_err
find_writer(struct db_txn *txn, const struct inode *inode, bool *out)
{
	*out = (inode->flags & INODE_DIRTY) != 0;
	return *out ? STORE_OK
		    : session_has_open(txn, 0, inode->ino, true, out);
}

enum store_err
lock_renew(struct db_txn *txn, struct inode *inode)
{
	scoped(buffer_free) struct buffer key = {0};
	struct record_versions of;
	struct slice name;
	bool is_open = false;

	inode->lock = (struct inode_lock){0};
	if (!inode_attr_find(inode->attrs, INODE_ATTR_NAME, SLICE_NULL, &name))
		return STORE_OK;
	enum store_err err = history_of_name(txn, inode->bucket, inode->parent,
		name, &of, &key);
	if (err || of.versioning == VERSIONING_NEVER || !of.lock.mode)
		return err;
	err = find_writer(txn, inode, &is_open);
	if (is_open)
		inode->lock.is_due = true;
	else
		lock_begin(&of.lock, &inode->lock);
	return err;
}

enum store_err
lock_settle(struct store *store, struct db_txn *txn, uint64_t ino)
{
	struct record_versions of;
	struct inode inode;
	bool is_open;

	enum store_err err = dentry_inode(txn, ino, &inode);
	if (err || !inode.lock.is_due)
		return err == STORE_STALE ? STORE_OK : err;
	err = find_writer(txn, &inode, &is_open);
	if (err || is_open)
		return err;
	err = history_of(txn, inode.bucket, &of);
	if (err)
		return err;
	lock_begin(&of.lock, &inode.lock);
	err = dentry_save_inode(txn, &inode);
	return err ? err : feed_append_inode(store, txn, ino, false);
}

enum store_err
lock_lift(struct db_txn *txn, uint64_t ino)
{
	struct inode inode;

	enum store_err err = dentry_inode(txn, ino, &inode);
	if (err || inode_lock_is_empty(&inode.lock))
		return err;
	inode.lock = (struct inode_lock){0};
	return dentry_save_inode(txn, &inode);
}

static bool
is_bypassed(const struct inode_lock *lock, bool bypasses)
{
	return bypasses && lock->mode != INODE_LOCK_COMPLIANCE &&
	       lock->hold != INODE_HOLD_ON;
}

static bool
has_other_names(const struct inode *inode)
{
	return !inode_is_dir(inode) && inode->nlink > 1;
}

enum store_err
lock_lift_unseen(struct db_txn *txn, const struct inode *inode)
{
	return inode_is_dir(inode) || inode->nlink > 1
		       ? STORE_OK
		       : lock_lift(txn, inode->ino);
}

enum store_err
lock_yield(struct db_txn *txn, const struct inode *inode, bool bypasses)
{
	if (!inode_lock_holds(&inode->lock, clock_now_ns()))
		return STORE_OK;
	if (!is_bypassed(&inode->lock, bypasses))
		return STORE_LOCKED;
	/* Its other names stay locked. */
	return has_other_names(inode) ? STORE_OK : lock_lift(txn, inode->ino);
}

struct lock_request {
	uint64_t bucket;
	struct slice key;
	const struct version_ref *version;
	bool is_hold;
	struct inode_lock lock; /* of it the half that is meant */
	bool bypasses;
};

/* Whether a retention may be that from now on. */
static bool
may_retain(const struct inode_lock *was, const struct lock_request *request)
{
	const struct inode_lock *wanted = &request->lock;

	if (!was->mode || was->until_ns <= clock_now_ns() ||
		(was->mode == INODE_LOCK_GOVERNANCE && request->bypasses))
		return true;
	return wanted->mode == was->mode && wanted->until_ns >= was->until_ns;
}

static enum store_err
change(const struct lock_request *request, struct inode_lock *lock)
{
	if (request->is_hold) {
		lock->hold = request->lock.hold;
		return STORE_OK;
	}
	if (!may_retain(lock, request))
		return STORE_LOCKED;
	lock->mode = request->lock.mode;
	lock->until_ns = request->lock.until_ns;
	lock->is_due = false;
	return STORE_OK;
}

/* A file of its own for a key that it shares with others: what is said of this
 * one is not said of those. */
static enum store_err
part_from_others(struct store *store, struct db_txn *txn, struct slice key,
	struct object *object)
{
	scoped(buffer_free) struct buffer attrs = {0};
	const struct inode *shared = &object->inode;
	struct record_dentry dentry = {
		.kind = RECORD_DENTRY_FILE, .version = object->version};
	struct inode none = {.flags = INODE_UNPUBLISHED};
	struct slice component;
	struct inode own = *shared;
	struct inode left;

	enum store_err err =
		dentry_locate(txn, own.bucket, key, &own.parent, &component);
	if (!err)
		err = commit_new_number(txn, &own.ino);
	if (err)
		return err;
	own.nlink = 1;
	own.ctime_ns = clock_now_ns();
	own.attrs = dentry_named_attrs(&attrs, shared->attrs, &component);
	dentry.ino = own.ino;
	none.ino = own.ino;
	none.bucket = own.bucket;
	none.mode = own.mode;
	err = dentry_update_inode(txn, &none, &own);
	if (!err && own.blob)
		err = blob_record_share(txn, own.blob);
	if (!err)
		err = dentry_put(txn, own.parent, component, &dentry);
	if (!err)
		err = feed_append_dentry(store, txn, own.parent, component,
			shared->ino);
	if (!err)
		err = dentry_release(store, txn, shared->ino, &left);
	return err ? err : dentry_inode(txn, own.ino, &object->inode);
}

static enum store_err
apply_lock(struct store *store, struct db_txn *txn, void *arg)
{
	const struct lock_request *request = arg;
	struct record_versions of;
	struct object object;
	bool is_written;

	enum store_err err = history_of(txn, request->bucket, &of);
	if (!err && !of.lock.is_enabled)
		err = STORE_INVALID;
	if (!err)
		err = object_key_find_version(txn, request->bucket,
			request->key, request->version, &object);
	if (!err)
		err = object_key_is_written(store, txn, &object.inode,
			&is_written);
	if (!err && is_written)
		err = STORE_BUSY;
	if (!err && has_other_names(&object.inode))
		err = part_from_others(store, txn, request->key, &object);
	if (!err)
		err = change(request, &object.inode.lock);
	if (!err)
		err = dentry_save_inode(txn, &object.inode);
	return err ? err
		   : feed_append_inode(store, txn, object.inode.ino, false);
}

enum store_err
lock_set_retention(struct store *store, uint64_t bucket, struct slice key,
	const struct version_ref *version, enum inode_lock_mode mode,
	int64_t until_ns, bool bypasses)
{
	struct lock_request request = {
		.bucket = bucket,
		.key = key,
		.version = version,
		.lock = {.mode = (uint8_t)mode, .until_ns = until_ns},
		.bypasses = bypasses,
	};

	if ((mode == INODE_LOCK_NONE) != (until_ns == 0))
		return STORE_INVALID;
	return commit_run_durably(store, apply_lock, &request);
}

enum store_err
lock_set_hold(struct store *store, uint64_t bucket, struct slice key,
	const struct version_ref *version, bool is_on)
{
	struct lock_request request = {
		.bucket = bucket,
		.key = key,
		.version = version,
		.is_hold = true,
		.lock = {.hold = is_on ? INODE_HOLD_ON : INODE_HOLD_OFF},
	};

	return commit_run_durably(store, apply_lock, &request);
}
