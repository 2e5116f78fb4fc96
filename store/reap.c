/* SPDX-License-Identifier: Apache-2.0 */
#include "store/reap_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/audit_private.h"
#include "store/base/codec.h"
#include "store/base/log.h"
#include "store/base/owner.h"
#include "store/blob_record_private.h"
#include "store/commit_private.h"
#include "store/feed_private.h"
#include "store/file_left_private.h"
#include "store/hold_private.h"
#include "store/meta/checkpoint.h"
#include "store/meta/key.h"
#include "store/meta/record.h"
#include "store/reclaim_private.h"
#include "store/segment_private.h"
#include "store/session_private.h"

#define SESSIONS_MAX 256 /* looked at in one round */

struct lock_name {
	char text[40];
};

static struct lock_name
lock_name(uint64_t session)
{
	struct lock_name name;

	snprintf(name.text, sizeof(name.text), "run/%llu",
		(unsigned long long)session);
	return name;
}

static struct store_path
lock_path(struct store *store, uint64_t session)
{
	return store_path(store, lock_name(session).text);
}

int
reap_open_lock(struct store *store, uint64_t session)
{
	struct store_path path = lock_path(store, session);

	return owner_open(path.text, O_RDWR);
}

struct record_args {
	enum db_table table;
	struct key key;
};

static enum store_err
apply_remove(struct store *store, struct db_txn *txn, void *arg)
{
	struct record_args *args = arg;

	(void)store;
	return db_delete_if_there(txn, args->table, key_slice(&args->key));
}

static enum store_err
remove_record(struct store *store, enum db_table table, struct key key)
{
	struct record_args args = {.table = table, .key = key};

	return commit_run(store, apply_remove, &args, NULL);
}

enum store_err
reap_lease(struct store *store, uint64_t session, uint64_t first)
{
	return remove_record(store, DB_LEASE, key_u64_u64(session, first));
}

/* The first record of the session in a table keyed by (session, second),
 * at or after *second; its value is a number.  NOT_FOUND. */
static enum store_err
find_record(struct store *store, enum db_table table, uint64_t session,
	uint64_t *second, uint64_t *number)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	scoped(db_cursor_close) struct db_cursor cursor = {0};
	struct key key = key_u64_u64(session, *second);
	uint64_t owner;
	enum store_err err = db_begin_read(store->db, &txn);

	if (!err)
		err = db_cursor_open(txn, table, &cursor);
	if (!err)
		err = db_cursor_seek(&cursor, key_slice(&key));
	if (!err)
		err = key_split_u64_u64(cursor.key, &owner, second);
	if (err)
		return err;
	if (owner != session)
		return STORE_NOT_FOUND;
	struct decoder decoder = codec_decoder(cursor.value);
	*number = table == DB_OPEN ? codec_decode_u32(&decoder)
				   : codec_decode_u64(&decoder);
	return decoder.is_bad ? STORE_CORRUPT : STORE_OK;
}

/* *lingers: some stay, since the kernel still writes for somebody. */
static enum store_err
settle_open(struct store *store, uint64_t session, bool after_power_cut,
	bool *lingers)
{
	enum store_err first_err = STORE_OK;
	uint64_t ino = 0;
	uint64_t flags;
	enum store_err err = find_record(store, DB_OPEN, session, &ino, &flags);

	*lingers = false;
	while (!err) {
		bool stays;

		err = file_left_settle(store, session, ino, after_power_cut,
			&stays);
		if (!err && !stays)
			err = remove_record(store, DB_OPEN,
				key_u64_u64(session, ino));
		*lingers |= stays;
		/* The others are not to wait for one that is damaged. */
		if (err && !first_err)
			first_err = err;
		ino++;
		err = find_record(store, DB_OPEN, session, &ino, &flags);
	}
	if (first_err)
		return first_err;
	return err == STORE_NOT_FOUND ? STORE_OK : err;
}

/* Those of the leased ids that nothing names. */
static enum store_err
find_unnamed(struct store *store, uint64_t first, uint64_t *unnamed,
	size_t *count)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	enum store_err err = db_begin_read(store->db, &txn);

	*count = 0;
	for (uint64_t i = 0; i < SESSION_LEASE_BLOCK && !err; i++) {
		bool has_name = false;

		err = blob_record_is_named(txn, first + i, &has_name);
		if (!err && !has_name)
			unnamed[(*count)++] = first + i;
	}
	return err;
}

static enum store_err
end_lease(struct store *store, uint64_t session, uint64_t first)
{
	uint64_t unnamed[SESSION_LEASE_BLOCK];
	size_t count;
	enum store_err err = find_unnamed(store, first, unnamed, &count);

	for (size_t i = 0; i < count && !err; i++)
		err = blob_remove(store->blobs, unnamed[i]);
	if (!err)
		err = blob_flush_removed(store->blobs, unnamed, count);
	return err ? err : reap_lease(store, session, first);
}

static enum store_err
end_leases(struct store *store, uint64_t session)
{
	uint64_t first = 0;
	uint64_t count;
	enum store_err err =
		find_record(store, DB_LEASE, session, &first, &count);

	while (!err) {
		if (count == SESSION_LEASE_BLOCK)
			err = end_lease(store, session, first);
		else
			err = count == 1 ? segment_seal(store, session, first)
					 : STORE_CORRUPT;
		if (!err)
			err = find_record(store, DB_LEASE, session, &first,
				&count);
	}
	return err == STORE_NOT_FOUND ? STORE_OK : err;
}

bool
reap_session(struct store *store, uint64_t session, bool after_power_cut,
	bool is_known)
{
	struct store_path path = lock_path(store, session);
	bool lingers;
	enum store_err err =
		settle_open(store, session, after_power_cut, &lingers);

	if (!err && lingers && is_known)
		return true;
	feed_forget_session(store, session);
	enum store_err hold_err = hold_forget(store, session);
	if (!hold_err)
		hold_err = audit_state_forget(store, session);
	if (!err)
		err = end_leases(store, session);
	if (!err)
		err = hold_err;
	if (!err && !lingers)
		err = remove_record(store, DB_SESSION, key_u64(session));
	if (err)
		log_error("cannot clear up after session=%llu: %s",
			(unsigned long long)session, error_sentence(err));
	else if (!lingers)
		(void)unlink(path.text);
	return !err && lingers;
}

/* A record that does not decode counts as one of another boot. */
static void
decode_boot_id(struct slice value, uint8_t boot_id[16])
{
	struct record_session record;

	memset(boot_id, 0, 16);
	if (!record_session_decode(value, &record))
		memcpy(boot_id, record.boot_id, 16);
}

struct found {
	uint64_t id;
	uint8_t boot_id[16];
};

/* Those behind `after`. */
static enum store_err
find_sessions(struct store *store, uint64_t after, struct found *found,
	size_t *count)
{
	struct key start = key_u64(after + 1);
	scoped(db_abort) struct db_txn *txn = NULL;
	scoped(db_cursor_close) struct db_cursor cursor = {0};
	enum store_err err = db_begin_read(store->db, &txn);

	*count = 0;
	if (!err)
		err = db_cursor_open(txn, DB_SESSION, &cursor);
	if (!err)
		err = db_cursor_seek(&cursor, key_slice(&start));
	while (!err && *count < SESSIONS_MAX) {
		err = key_split_u64(cursor.key, &found[*count].id);
		if (err)
			return err;
		decode_boot_id(cursor.value, found[*count].boot_id);
		*count += found[*count].id != session_id(store);
		err = db_cursor_next(&cursor);
	}
	return err == STORE_NOT_FOUND ? STORE_OK : err;
}

/* Whether it is known that files are still written to by way of it: the lock
 * file says so to all processes, so that one tells it once. */
static bool
is_lingering(int fd)
{
	struct stat stat;

	return !fstat(fd, &stat) && stat.st_size > 0;
}

static void
note_lingering(int fd, uint64_t session)
{
	if (pwrite(fd, "lingers\n", 8, 0) < 0)
		return;
	log_info("session=%llu is gone, but files that it had open are still "
		 "written to",
		(unsigned long long)session);
}

/* Another one may have reaped it between our look and our lock: then there
 * is nothing left to do, and the file is in no directory. */
static enum store_err
reap_if_dead(struct store *store, const struct found *found,
	const uint8_t boot_id[16])
{
	bool is_cut = store->after_power_cut ||
		      memcmp(found->boot_id, boot_id, 16) != 0;
	int fd = -1;
	enum store_err err = store_lock(store, lock_name(found->id).text, &fd);

	if (err) /* BUSY: it is alive. */
		return err == STORE_BUSY ? STORE_OK : err;
	bool is_known = is_lingering(fd);
	if (!is_known)
		log_info("clearing up after session=%llu",
			(unsigned long long)found->id);
	if (reap_session(store, found->id, is_cut, is_known) && !is_known)
		note_lingering(fd, found->id);
	if (!is_known)
		reclaim_note_death(store);
	close(fd);
	return STORE_OK;
}

enum store_err
reap_dead(struct store *store)
{
	struct found found[SESSIONS_MAX];
	size_t count = SESSIONS_MAX;
	uint64_t last = 0;
	uint8_t boot_id[16];
	enum store_err err = checkpoint_boot_id(boot_id);

	while (!err && count == SESSIONS_MAX) {
		err = find_sessions(store, last, found, &count);
		for (size_t i = 0; i < count && !err; i++)
			err = reap_if_dead(store, &found[i], boot_id);
		last = count ? found[count - 1].id : last;
	}
	return err;
}

/* Without making or changing anything: the disk may be read-only. */
static enum store_err
look_at_lock(struct store *store, uint64_t session, bool *is_taken)
{
	struct store_path path = lock_path(store, session);
	int fd = open(path.text, O_RDONLY | O_CLOEXEC);

	*is_taken = false;
	if (fd < 0)
		return errno == ENOENT ? STORE_OK : error_from_errno(errno);
	enum store_err err = STORE_OK;
	if (flock(fd, LOCK_SH | LOCK_NB)) {
		*is_taken = errno == EWOULDBLOCK;
		err = *is_taken ? STORE_OK : error_from_errno(errno);
	}
	close(fd);
	return err;
}

enum store_err
reap_is_alive(struct store *store, uint64_t id, const uint8_t boot_id[16],
	bool *is_alive)
{
	uint8_t own[16];
	enum store_err err = checkpoint_boot_id(own);

	*is_alive = id == session_id(store) && id != 0;
	if (err || *is_alive || memcmp(own, boot_id, 16) != 0)
		return err;
	return look_at_lock(store, id, is_alive);
}
