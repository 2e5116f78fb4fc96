/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "store/token_private.h"

static int
compare(const void *a, const void *b)
{
	const struct token *one = a;
	const struct token *other = b;
	int order = strcmp(one->organization, other->organization);

	if (!order)
		order = strcmp(one->name, other->name);
	return order ? order : strcmp(one->access_key, other->access_key);
}

/* tokens NULL: counts them. */
static enum store_err
read_all(struct db_txn *txn, struct slice organization, struct token *tokens,
	size_t *count)
{
	scoped(db_cursor_close) struct db_cursor cursor = {0};
	enum store_err err = db_cursor_open(txn, DB_TOKEN, &cursor);

	*count = 0;
	if (!err)
		err = db_cursor_seek(&cursor, SLICE_NULL);
	for (; !err; err = db_cursor_next(&cursor)) {
		struct record_token record;
		struct token token;

		err = token_decode(cursor.key, cursor.value, &record, &token);
		if (err)
			return err;
		if (organization.len > 0 &&
			!slice_equal(record.organization, organization))
			continue;
		if (tokens)
			tokens[*count] = token;
		++*count;
	}
	return err == STORE_NOT_FOUND ? STORE_OK : err;
}

enum store_err
token_list(struct store *store, struct slice organization, struct arena *arena,
	struct token **out, size_t *count)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	enum store_err err;

	*out = NULL;
	*count = 0;
	err = db_begin_read(store->db, &txn);
	if (!err)
		err = read_all(txn, organization, NULL, count);
	if (err)
		return err;
	*out = arena_new_array(arena, *count + 1, struct token);
	err = read_all(txn, organization, *out, count);
	if (!err && *count > 1)
		qsort(*out, *count, sizeof(**out), compare);
	return err;
}
