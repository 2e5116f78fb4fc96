/* SPDX-License-Identifier: Apache-2.0 */
#include "store/versioning.h"

#include "store/history_private.h"
#include "store/replication_private.h"

struct set_request {
	uint64_t bucket;
	enum versioning versioning;
};

static enum store_err
apply_set(struct store *store, struct db_txn *txn, void *arg)
{
	const struct set_request *request = arg;
	struct inode root;
	bool is_replicated = false;
	struct record_change change = {
		.kind = RECORD_CHANGE_DOCUMENT,
		.ino = request->bucket,
		.name = SLICE("versioning"),
	};

	enum store_err err = dentry_inode(txn, request->bucket, &root);
	if (!err && request->versioning != VERSIONING_ENABLED)
		err = replication_is_there(txn, request->bucket,
			&is_replicated);
	if (!err && is_replicated)
		err = STORE_REPLICATED;
	if (!err)
		err = history_set(txn, request->bucket, request->versioning);
	return err ? err : feed_append(store, txn, &change);
}

enum store_err
versioning_set(struct store *store, uint64_t bucket, enum versioning versioning)
{
	struct set_request request = {bucket, versioning};

	if (versioning == VERSIONING_NEVER)
		return STORE_INVALID;
	return commit_run_durably(store, apply_set, &request);
}

enum store_err
versioning_get(struct store *store, uint64_t bucket, enum versioning *out)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	struct record_versions of;

	enum store_err err = db_begin_read(store->db, &txn);
	if (!err)
		err = history_of(txn, bucket, &of);
	if (!err)
		*out = of.versioning;
	return err;
}
