/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Documents, by the second from which they may go:
 *
 *	expiry/TIME/key/ACCESS-KEY    a temporary key
 *	expiry/TIME/once/DIGEST       what was taken once
 *	once/DIGEST                   the same, to be found by what it is
 *
 * TIME is 16 hexadecimal digits.
 */
#include "store/base/clock.h"
#include "store/base/codec.h"
#include "store/base/text.h"
#include "store/store_document_private.h"
#include "store/token_private.h"

#define PREFIX "expiry/"
#define TIME_LEN 16
#define KEEP_EXPIRED_S 3600
#define SWEEP_MAX 64
#define VERSION 1

static unsigned long long
seconds_of(int64_t time_ns)
{
	return time_ns > 0 ? (unsigned long long)(time_ns / CLOCK_NS_PER_S) : 0;
}

static struct store_document_kind
kind_of_key(const struct token *token)
{
	return store_document_kind(PREFIX "%016llx/key/%s",
		seconds_of(token->expires_ns) + KEEP_EXPIRED_S,
		token->access_key);
}

/* Documents are not empty. */
static enum store_err
put_version(struct db_txn *txn, const struct store_document_kind *kind)
{
	const uint8_t version = VERSION;

	return store_document_put(txn, kind, slice_of(&version, 1));
}

enum store_err
token_expiry_note(struct db_txn *txn, const struct token *token)
{
	struct store_document_kind kind = kind_of_key(token);

	return token->expires_ns ? put_version(txn, &kind) : STORE_OK;
}

enum store_err
token_expiry_forget(struct db_txn *txn, const struct token *token)
{
	struct store_document_kind kind = kind_of_key(token);

	return store_document_remove(txn, &kind);
}

enum store_err
token_expiry_take_once(struct db_txn *txn, const uint8_t once[TOKEN_ONCE_LEN],
	int64_t until_ns)
{
	char hex[TEXT_HEX_LEN(TOKEN_ONCE_LEN) + 1];
	struct slice value;

	/* That it was taken is not known any more. */
	if (until_ns <= clock_now_ns())
		return STORE_EXISTS;
	text_to_hex(once, TOKEN_ONCE_LEN, hex);

	struct store_document_kind taken = store_document_kind("once/%s", hex);
	struct store_document_kind expiry =
		store_document_kind(PREFIX "%016llx/once/%s",
			seconds_of(until_ns) + 1, hex);
	enum store_err err = store_document_get(txn, &taken, &value);

	if (err != STORE_NOT_FOUND)
		return err ? err : STORE_EXISTS;
	err = put_version(txn, &taken);
	return err ? err : put_version(txn, &expiry);
}

static enum store_err
remove_key(struct store *store, struct db_txn *txn, struct slice access_key)
{
	struct record_token record;
	struct token token;
	enum store_err err = token_find_in(txn, access_key, &record, &token);

	if (err)
		return err == STORE_NO_TOKEN ? STORE_OK : err;
	return token.kind == TOKEN_TEMPORARY
		       ? token_remove_in(store, txn, &token)
		       : STORE_OK;
}

/* What a row of expiry stands for, then the row. */
static enum store_err
remove_expired(struct store *store, struct db_txn *txn,
	const struct store_document_kind *row)
{
	struct slice what = slice_from(store_document_kind_slice(row),
		strlen(PREFIX) + TIME_LEN + 1);
	enum store_err err = STORE_OK;

	if (slice_has_prefix(what, SLICE("key/"))) {
		err = remove_key(store, txn, slice_from(what, 4));
	} else if (slice_has_prefix(what, SLICE("once/"))) {
		struct store_document_kind taken =
			store_document_kind("%.*s", (int)what.len, what.data);

		err = store_document_remove(txn, &taken);
	}
	return err ? err : store_document_remove(txn, row);
}

/* The first row that has had its time.  NOT_FOUND. */
static enum store_err
find_expired(struct db_txn *txn, int64_t now_ns,
	struct store_document_kind *row)
{
	struct store_document_kind now =
		store_document_kind(PREFIX "%016llx", seconds_of(now_ns));
	struct slice value;
	enum store_err err = store_document_find(txn, SLICE(PREFIX),
		SLICE(PREFIX), row, &value);

	if (err)
		return err;
	if (row->len < strlen(PREFIX) + TIME_LEN + 1)
		return STORE_CORRUPT;
	return slice_compare(slice_first(store_document_kind_slice(row),
				     now.len),
		       store_document_kind_slice(&now)) < 0
		       ? STORE_OK
		       : STORE_NOT_FOUND;
}

struct sweep {
	int64_t now_ns;
	bool more;
};

static enum store_err
apply_sweep(struct store *store, struct db_txn *txn, void *arg)
{
	struct sweep *sweep = arg;
	struct store_document_kind row;
	enum store_err err = find_expired(txn, sweep->now_ns, &row);

	for (size_t i = 0; i < SWEEP_MAX && !err; i++) {
		err = remove_expired(store, txn, &row);
		if (!err)
			err = find_expired(txn, sweep->now_ns, &row);
	}
	sweep->more = !err;
	return err == STORE_NOT_FOUND ? STORE_OK : err;
}

static bool
has_expired(struct store *store, int64_t now_ns, enum store_err *err)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	struct store_document_kind row;

	*err = db_begin_read(store->db, &txn);
	if (!*err)
		*err = find_expired(txn, now_ns, &row);
	return !*err;
}

enum store_err
token_expiry_sweep(struct store *store, int64_t now_ns, bool *more)
{
	struct sweep sweep = {.now_ns = now_ns};
	enum store_err err;

	*more = false;
	/* Mostly there is nothing, and looking takes no writer's lock. */
	if (!has_expired(store, now_ns, &err))
		return err == STORE_NOT_FOUND ? STORE_OK : err;
	err = commit_run(store, apply_sweep, &sweep, NULL);
	*more = !err && sweep.more;
	return err;
}
