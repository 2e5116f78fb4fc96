/* SPDX-License-Identifier: Apache-2.0 */
#include "store/base/codec.h"
#include "store/base/text.h"
#include "store/store_document_private.h"
#include "store/token_private.h"

#define VERSION 1

static struct store_document_kind
kind_of(struct slice access_key)
{
	return store_document_kind("attributes/%.*s", (int)access_key.len,
		access_key.data);
}

/* --- what is valid -------------------------------------------------------- */

static bool
is_key(struct slice key)
{
	static const struct slice reserved[] = {
		SLICE("cw-"), SLICE("role-"), SLICE("groups-")};

	if (key.len == 0 || key.len > TOKEN_ATTRIBUTE_MAX ||
		!text_is_lower_plain(key, "-"))
		return false;
	for (size_t i = 0; i < array_len(reserved); i++)
		if (slice_has_prefix(key, reserved[i]))
			return false;
	return true;
}

bool
token_attribute_are_valid(const struct token_attribute *attributes,
	size_t count)
{
	if (count > TOKEN_ATTRIBUTES_MAX)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (!is_key(attributes[i].key) ||
			attributes[i].value.len > TOKEN_ATTRIBUTE_MAX ||
			!slice_is_utf8(attributes[i].value))
			return false;
		for (size_t j = 0; j < i; j++)
			if (slice_equal(attributes[i].key, attributes[j].key))
				return false;
	}
	return true;
}

/* --- in a transaction ----------------------------------------------------- */

enum store_err
token_attribute_put(struct db_txn *txn, struct slice access_key,
	const struct token_attribute *attributes, size_t count)
{
	struct store_document_kind kind = kind_of(access_key);
	scoped(buffer_free) struct buffer value = {0};

	if (count == 0)
		return STORE_OK;
	codec_encode_u8(&value, VERSION);
	for (size_t i = 0; i < count; i++) {
		codec_encode_sized16(&value, attributes[i].key);
		codec_encode_sized16(&value, attributes[i].value);
	}
	return store_document_put(txn, &kind, buffer_slice(&value));
}

enum store_err
token_attribute_forget(struct db_txn *txn, struct slice access_key)
{
	struct store_document_kind kind = kind_of(access_key);

	return store_document_remove(txn, &kind);
}

/* --- reading -------------------------------------------------------------- */

static enum store_err
decode(struct slice value, struct token_attribute *out, size_t *count)
{
	struct decoder decoder = codec_decoder(value);
	bool is_known = codec_decode_u8(&decoder) == VERSION;
	size_t read = 0;

	while (!decoder.is_bad && codec_decode_left(&decoder) > 0 &&
		read < TOKEN_ATTRIBUTES_MAX) {
		out[read].key = codec_decode_sized16(&decoder);
		out[read++].value = codec_decode_sized16(&decoder);
	}
	if (!is_known || decoder.is_bad || codec_decode_left(&decoder) > 0 ||
		!token_attribute_are_valid(out, read))
		return STORE_CORRUPT;
	*count = read;
	return STORE_OK;
}

enum store_err
token_attribute_list(struct store *store, struct slice access_key,
	struct arena *arena, struct token_attribute **out, size_t *count)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	struct slice value;

	*out = arena_new_array(arena, TOKEN_ATTRIBUTES_MAX,
		struct token_attribute);
	*count = 0;
	if (access_key.len > TOKEN_ACCESS_KEY_MAX)
		return STORE_NO_TOKEN;

	struct store_document_kind kind = kind_of(access_key);
	enum store_err err = db_begin_read(store->db, &txn);

	if (!err)
		err = store_document_get(txn, &kind, &value);
	if (err)
		return err == STORE_NOT_FOUND ? STORE_OK : err;
	/* Out of the map: the transaction ends here. */
	return decode(arena_copy(arena, value), *out, count);
}
