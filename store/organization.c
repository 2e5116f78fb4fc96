/* SPDX-License-Identifier: Apache-2.0 */
#include "store/organization_private.h"

#include "store/base/clock.h"
#include "store/base/codec.h"
#include "store/base/text.h"
#include "store/commit_private.h"
#include "store/meta/record.h"
#include "store/store_document_private.h"
#include "store/token_private.h"
#include "store/topic_private.h"
#include "store/usage_private.h"

#define PREFIX "organization/"
#define VERSION 1

/* Documents named KIND/ORGANIZATION/...: they go with it. */
static const char *const kinds_of_its_own[] = {
	"orgpolicy", "idp", "setting", "user"};

static struct store_document_kind
kind_of(struct slice name)
{
	return store_document_kind(PREFIX "%.*s", (int)name.len, name.data);
}

bool
organization_name_is_valid(struct slice name)
{
	return name.len > 0 && name.len <= ORGANIZATION_NAME_MAX &&
	       text_is_plain(slice_first(name, 1), "") &&
	       text_is_plain(name, "._-");
}

static bool
is_default(struct slice name)
{
	return slice_equal(name, SLICE(ORGANIZATION_DEFAULT));
}

enum store_err
organization_check_in(struct db_txn *txn, struct slice name)
{
	struct slice value;

	if (is_default(name))
		return STORE_OK;
	if (!organization_name_is_valid(name))
		return STORE_NO_ORGANIZATION;

	struct store_document_kind kind = kind_of(name);
	enum store_err err = store_document_get(txn, &kind, &value);

	return err == STORE_NOT_FOUND ? STORE_NO_ORGANIZATION : err;
}

enum store_err
organization_check(struct store *store, struct slice name)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	enum store_err err = db_begin_read(store->db, &txn);

	return err ? err : organization_check_in(txn, name);
}

static enum store_err
apply_create(struct store *store, struct db_txn *txn, void *arg)
{
	const struct slice *name = arg;
	struct store_document_kind kind = kind_of(*name);
	scoped(buffer_free) struct buffer value = {0};
	enum store_err err = organization_check_in(txn, *name);

	(void)store;
	if (err != STORE_NO_ORGANIZATION)
		return err ? err : STORE_ORGANIZATION_EXISTS;
	codec_encode_u8(&value, VERSION);
	codec_encode_i64(&value, clock_now_ns());
	return store_document_put(txn, &kind, buffer_slice(&value));
}

enum store_err
organization_create(struct store *store, struct slice name)
{
	if (!organization_name_is_valid(name))
		return STORE_BAD_NAME;
	return commit_run_durably(store, apply_create, &name);
}

static enum store_err
check_owns_no_bucket(struct db_txn *txn, struct slice name)
{
	scoped(db_cursor_close) struct db_cursor cursor = {0};
	enum store_err err = db_cursor_open(txn, DB_BUCKET, &cursor);

	if (!err)
		err = db_cursor_seek(&cursor, SLICE_NULL);
	for (; !err; err = db_cursor_next(&cursor)) {
		struct record_bucket record;

		err = record_bucket_decode(cursor.value, &record);
		if (err)
			return err;
		if (slice_equal(record.owner, name))
			return STORE_ORGANIZATION_NOT_EMPTY;
	}
	return err == STORE_NOT_FOUND ? STORE_OK : err;
}

static enum store_err
apply_delete(struct store *store, struct db_txn *txn, void *arg)
{
	const struct slice *name = arg;
	struct store_document_kind own = kind_of(*name);
	enum store_err err = organization_check_in(txn, *name);

	if (!err)
		err = check_owns_no_bucket(txn, *name);
	if (!err)
		err = token_remove_temporary(store, txn, *name);
	for (size_t i = 0; i < array_len(kinds_of_its_own) && !err; i++) {
		struct store_document_kind prefix =
			store_document_kind("%s/%.*s/", kinds_of_its_own[i],
				(int)name->len, name->data);

		err = store_document_remove_all(txn,
			store_document_kind_slice(&prefix));
	}
	if (!err)
		err = topic_end_organization(txn, *name);
	if (!err)
		err = usage_end_organization(txn, *name);
	return err ? err : store_document_remove(txn, &own);
}

enum store_err
organization_delete(struct store *store, struct slice name)
{
	if (is_default(name))
		return STORE_NOT_PERMITTED;
	if (!organization_name_is_valid(name))
		return STORE_NO_ORGANIZATION;
	return commit_run_durably(store, apply_delete, &name);
}

static enum store_err
decode(const struct store_document_kind *kind, struct slice value,
	struct organization *out)
{
	struct slice name =
		slice_from(store_document_kind_slice(kind), strlen(PREFIX));
	struct decoder decoder = codec_decoder(value);
	bool is_known = codec_decode_u8(&decoder) == VERSION;

	out->created_ns = codec_decode_i64(&decoder);
	if (!is_known || decoder.is_bad || codec_decode_left(&decoder) > 0 ||
		!organization_name_is_valid(name) ||
		!slice_to_str(name, out->name, sizeof(out->name)))
		return STORE_CORRUPT;
	return STORE_OK;
}

/* to: NULL to count alone. */
static enum store_err
read_all(struct db_txn *txn, struct organization *to, size_t *count)
{
	struct store_document_kind kind = {
		.text = PREFIX, .len = strlen(PREFIX)};
	struct organization one;
	struct slice value;
	enum store_err err = STORE_OK;

	for (*count = 0; !err; ++*count) {
		err = store_document_find(txn, SLICE(PREFIX),
			store_document_kind_slice(&kind), &kind, &value);
		if (!err)
			err = decode(&kind, value, &one);
		if (err)
			break;
		if (to)
			to[*count] = one;
		/* The next one that may be: with a NUL behind. */
		kind.len++;
	}
	return err == STORE_NOT_FOUND ? STORE_OK : err;
}

enum store_err
organization_list(struct store *store, struct arena *arena,
	struct organization **out, size_t *count)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	struct organization *list;
	enum store_err err = db_begin_read(store->db, &txn);

	if (!err)
		err = read_all(txn, NULL, count);
	if (err)
		return err;
	list = arena_new_array(arena, *count + 1, struct organization);
	memcpy(list[0].name, ORGANIZATION_DEFAULT,
		sizeof(ORGANIZATION_DEFAULT));
	err = read_all(txn, list + 1, count);
	*out = list;
	++*count;
	return err;
}
