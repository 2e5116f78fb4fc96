/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "store/meta/key.h"
#include "store/meta/record.h"
#include "store/reap_private.h"
#include "store/store_private.h"

/* is_alive is left for later: that takes system calls. */
static enum store_err
read_session(const struct db_cursor *cursor, struct store_session *out,
	uint8_t boot_id[16])
{
	struct record_session record;
	enum store_err err = record_session_decode(cursor->value, &record);

	if (!err)
		err = key_split_u64(cursor->key, &out->id);
	if (err)
		return err;
	struct slice role = slice_first(record.role, sizeof(out->role) - 1);
	out->pid = record.pid;
	out->started_ns = record.started_ns;
	memcpy(out->role, role.data, role.len);
	out->role[role.len] = '\0';
	memcpy(boot_id, record.boot_id, 16);
	return STORE_OK;
}

/* The first session whose id is above `after`. */
static enum store_err
find_session(struct store *store, uint64_t after, struct store_session *out,
	uint8_t boot_id[16])
{
	scoped(db_abort) struct db_txn *txn = NULL;
	scoped(db_cursor_close) struct db_cursor cursor = {0};
	struct key key = key_u64(after + 1);
	enum store_err err = db_begin_read(store->db, &txn);

	if (!err)
		err = db_cursor_open(txn, DB_SESSION, &cursor);
	if (!err)
		err = db_cursor_seek(&cursor, key_slice(&key));
	return err ? err : read_session(&cursor, out, boot_id);
}

enum store_err
store_sessions(struct store *store, struct store_session *out, size_t max,
	size_t *count)
{
	enum store_err err = STORE_OK;
	uint8_t boot_id[16];
	uint64_t after = 0;

	*count = 0;
	while (*count < max) {
		struct store_session *session = &out[*count];

		err = find_session(store, after, session, boot_id);
		if (!err)
			err = reap_is_alive(store, session->id, boot_id,
				&session->is_alive);
		if (err)
			return err == STORE_NOT_FOUND ? STORE_OK : err;
		after = session->id;
		++*count;
	}
	return STORE_OK;
}
