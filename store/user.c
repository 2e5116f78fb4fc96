/* SPDX-License-Identifier: Apache-2.0 */
#include "store/user.h"

#include "store/base/codec.h"
#include "store/base/text.h"
#include "store/commit_private.h"
#include "store/organization_private.h"
#include "store/store_document_private.h"

#define PREFIX "user/"
#define VERSION 1

bool
user_name_is_valid(struct slice name, size_t max)
{
	return name.len > 0 && name.len <= max &&
	       text_is_lower_plain(name, "-.") &&
	       text_is_lower_plain(slice_first(name, 1), "") &&
	       text_is_lower_plain(slice_from(name, name.len - 1), "");
}

static struct store_document_kind
kind_of(struct slice namespace, struct slice name)
{
	return store_document_kind(PREFIX "%.*s/%.*s", (int)namespace.len,
		namespace.data, (int)name.len, name.data);
}

static enum store_err
decode(const struct store_document_kind *kind, struct slice value,
	struct user *out)
{
	struct slice rest =
		slice_from(store_document_kind_slice(kind), strlen(PREFIX));
	struct slice namespace = SLICE_NULL;
	struct decoder decoder = codec_decoder(value);
	bool is_good = codec_decode_u8(&decoder) == VERSION &&
		       slice_split(&rest, '/', &namespace) && rest.data;

	*out = (struct user){0};
	is_good = is_good &&
		  slice_to_str(namespace, out->namespace,
			  sizeof(out->namespace)) &&
		  slice_to_str(rest, out->name, sizeof(out->name)) &&
		  slice_to_str(codec_decode_sized16(&decoder), out->owner,
			  sizeof(out->owner)) &&
		  slice_to_str(codec_decode_sized16(&decoder), out->secret_name,
			  sizeof(out->secret_name)) &&
		  slice_to_str(codec_decode_sized16(&decoder), out->access_key,
			  sizeof(out->access_key));
	return is_good && !decoder.is_bad && codec_decode_left(&decoder) == 0
		       ? STORE_OK
		       : STORE_CORRUPT;
}

/* The first one, or the one after *kind. */
static enum store_err
next(struct db_txn *txn, struct slice prefix, struct store_document_kind *kind,
	struct user *out)
{
	struct slice value;
	enum store_err err = store_document_find(txn, prefix,
		store_document_kind_slice(kind), kind, &value);

	if (err)
		return err;
	err = decode(kind, value, out);
	/* A NUL behind it: above it, and below all others. */
	kind->len++;
	return err;
}

static enum store_err
check_secret_name(struct db_txn *txn, const struct user *user)
{
	struct store_document_kind prefix =
		store_document_kind(PREFIX "%s/", user->namespace);
	struct store_document_kind at = prefix;
	struct user other;
	enum store_err err =
		next(txn, store_document_kind_slice(&prefix), &at, &other);

	while (!err) {
		if (strcmp(other.name, user->name) != 0 &&
			!strcmp(other.secret_name, user->secret_name))
			return STORE_EXISTS;
		err = next(txn, store_document_kind_slice(&prefix), &at,
			&other);
	}
	return err == STORE_NOT_FOUND ? STORE_OK : err;
}

static enum store_err
apply_put(struct store *store, struct db_txn *txn, void *arg)
{
	const struct user *user = arg;
	struct store_document_kind kind =
		kind_of(slice_str(user->namespace), slice_str(user->name));
	scoped(buffer_free) struct buffer value = {0};
	enum store_err err = organization_check_in(txn, slice_str(user->owner));

	(void)store;
	if (!err)
		err = check_secret_name(txn, user);
	if (err)
		return err;
	codec_encode_u8(&value, VERSION);
	codec_encode_sized16(&value, slice_str(user->owner));
	codec_encode_sized16(&value, slice_str(user->secret_name));
	codec_encode_sized16(&value, slice_str(user->access_key));
	return store_document_put(txn, &kind, buffer_slice(&value));
}

enum store_err
user_put(struct store *store, const struct user *user)
{
	struct user copy = *user;

	if (!user_name_is_valid(slice_str(user->namespace), USER_NAME_MAX) ||
		!user_name_is_valid(slice_str(user->name), USER_NAME_MAX) ||
		!user_name_is_valid(slice_str(user->secret_name),
			USER_SECRET_NAME_MAX))
		return STORE_BAD_NAME;
	return commit_run_durably(store, apply_put, &copy);
}

enum store_err
user_get(struct store *store, struct slice namespace, struct slice name,
	struct user *out)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	struct slice value;

	if (!user_name_is_valid(namespace, USER_NAME_MAX) ||
		!user_name_is_valid(name, USER_NAME_MAX))
		return STORE_NOT_FOUND;

	struct store_document_kind kind = kind_of(namespace, name);
	enum store_err err = db_begin_read(store->db, &txn);

	if (!err)
		err = store_document_get(txn, &kind, &value);
	return err ? err : decode(&kind, value, out);
}

static enum store_err
apply_delete(struct store *store, struct db_txn *txn, void *arg)
{
	const struct store_document_kind *kind = arg;
	struct slice value;
	enum store_err err = store_document_get(txn, kind, &value);

	(void)store;
	return err ? err : store_document_remove(txn, kind);
}

enum store_err
user_delete(struct store *store, struct slice namespace, struct slice name)
{
	if (!user_name_is_valid(namespace, USER_NAME_MAX) ||
		!user_name_is_valid(name, USER_NAME_MAX))
		return STORE_NOT_FOUND;

	struct store_document_kind kind = kind_of(namespace, name);

	return commit_run_durably(store, apply_delete, &kind);
}

/* to: NULL to count alone. */
static enum store_err
read_all(struct db_txn *txn, struct user *to, size_t *count)
{
	struct store_document_kind kind = store_document_kind(PREFIX);
	struct user one;
	enum store_err err = next(txn, SLICE(PREFIX), &kind, &one);

	for (*count = 0; !err; ++*count) {
		if (to)
			to[*count] = one;
		err = next(txn, SLICE(PREFIX), &kind, &one);
	}
	return err == STORE_NOT_FOUND ? STORE_OK : err;
}

enum store_err
user_list(struct store *store, struct arena *arena, struct user **out,
	size_t *count)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	enum store_err err = db_begin_read(store->db, &txn);

	*out = NULL;
	if (!err)
		err = read_all(txn, NULL, count);
	if (err)
		return err;
	*out = arena_new_array(arena, *count + 1, struct user);
	return read_all(txn, *out, count);
}
