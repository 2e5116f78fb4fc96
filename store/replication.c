/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "store/base/codec.h"
#include "store/base/digest.h"
#include "store/feed_private.h"
#include "store/history_private.h"
#include "store/meta/key.h"
#include "store/replication_private.h"

/* Not 2: who knows 1 alone would not take it for a later one, since samples,
 * documents as well, have that. */
#define VERSION 3
#define VERSION_UNDIGESTED 1
/* Behind the version; the rest follows. */
#define DIGEST_AT 1u

/* --- rules ---------------------------------------------------------------- */

static void
encode_rule(struct buffer *to, const struct replication_rule *rule)
{
	codec_encode_sized16(to, rule->id);
	codec_encode_u32(to, rule->priority);
	codec_encode_u32(to, rule->said);
	codec_encode_u8(to, (uint8_t)rule->form);
	codec_encode_sized16(to, rule->prefix);
	codec_encode_sized16(to, rule->tags);
	codec_encode_u64(to, rule->bucket);
	codec_encode_sized16(to, rule->bucket_name);
	codec_encode_sized16(to, rule->account);
}

static bool
decode_rule(struct decoder *decoder, struct replication_rule *out)
{
	uint8_t form;

	out->id = codec_decode_sized16(decoder);
	out->priority = codec_decode_u32(decoder);
	out->said = codec_decode_u32(decoder);
	form = codec_decode_u8(decoder);
	out->form = (enum replication_form)form;
	out->prefix = codec_decode_sized16(decoder);
	out->tags = codec_decode_sized16(decoder);
	out->bucket = codec_decode_u64(decoder);
	out->bucket_name = codec_decode_sized16(decoder);
	out->account = codec_decode_sized16(decoder);
	return !decoder->is_bad && form < REPLICATION_FORMS &&
	       out->said < 2 * REPLICATION_SAID_LAST &&
	       out->bucket_name.len <= BUCKET_NAME_MAX &&
	       inode_attrs_are_valid(out->tags);
}

void
replication_encode(struct buffer *to, const struct replication *replication)
{
	uint8_t digest[REPLICATION_DIGEST_LEN] = {0};
	size_t begin = to->len;

	codec_encode_u8(to, VERSION);
	codec_encode_bytes(to, slice_of(digest, sizeof(digest)));
	codec_encode_sized16(to, replication->role);
	codec_encode_sized16(to, replication->organization);
	codec_encode_sized16(to, replication->name);
	codec_encode_sized16(to, replication->name_role);
	codec_encode_u16(to, (uint16_t)replication->count);
	for (size_t i = 0; i < replication->count; i++)
		encode_rule(to, &replication->rules[i]);
	begin += DIGEST_AT;
	digest_of(DIGEST_SHA256,
		slice_from(buffer_slice(to), begin + sizeof(digest)), digest);
	memcpy((char *)to->data + begin, digest, sizeof(digest));
}

const uint8_t *
replication_digest(struct slice bytes)
{
	if (bytes.len < DIGEST_AT + REPLICATION_DIGEST_LEN ||
		bytes.data[0] != VERSION)
		return NULL;
	return (const uint8_t *)bytes.data + DIGEST_AT;
}

/* Whether it is a version that is known, with the digest that it says. */
static bool
decode_head(struct slice bytes, struct decoder *decoder)
{
	uint8_t version = codec_decode_u8(decoder);
	uint8_t digest[REPLICATION_DIGEST_LEN];
	struct slice said;

	if (version == VERSION_UNDIGESTED)
		return true;
	said = codec_decode_bytes(decoder, sizeof(digest));
	if (version != VERSION || decoder->is_bad)
		return false;
	digest_of(DIGEST_SHA256, slice_from(bytes, DIGEST_AT + sizeof(digest)),
		digest);
	return !memcmp(said.data, digest, sizeof(digest));
}

bool
replication_decode(struct slice bytes, struct arena *arena,
	struct replication *out)
{
	struct decoder decoder = codec_decoder(bytes);
	uint16_t count;

	if (!decode_head(bytes, &decoder))
		return false;
	*out = (struct replication){.role = codec_decode_sized16(&decoder)};
	out->organization = codec_decode_sized16(&decoder);
	out->name = codec_decode_sized16(&decoder);
	out->name_role = codec_decode_sized16(&decoder);
	count = codec_decode_u16(&decoder);
	if (decoder.is_bad || count > REPLICATION_RULES_MAX)
		return false;
	out->rules = arena_new_array(arena, (size_t)count + 1,
		struct replication_rule);
	for (; out->count < count; out->count++)
		if (!decode_rule(&decoder, &out->rules[out->count]))
			return false;
	return codec_decode_left(&decoder) == 0;
}

static bool
has_tag(struct slice attrs, const struct inode_attr *tag)
{
	struct slice value;

	return inode_attr_find(attrs, INODE_ATTR_TAG, tag->name, &value) &&
	       slice_equal(value, tag->value);
}

bool
replication_rule_fits(const struct replication_rule *rule, struct slice key,
	struct slice attrs)
{
	struct slice rest = rule->tags;
	struct inode_attr tag;

	if (!slice_has_prefix(key, rule->prefix))
		return false;
	while (inode_attr_next(&rest, &tag))
		if (!has_tag(attrs, &tag))
			return false;
	return true;
}

/* --- a bucket's ----------------------------------------------------------- */

enum store_err
replication_find_document(struct db_txn *txn, uint64_t bucket,
	struct slice *value)
{
	struct key key = key_dentry(bucket, SLICE(REPLICATION_KIND));

	return db_get(txn, DB_DOCUMENT, key_slice(&key), value);
}

enum store_err
replication_is_there(struct db_txn *txn, uint64_t bucket, bool *is_there)
{
	struct slice value;
	enum store_err err = replication_find_document(txn, bucket, &value);

	*is_there = !err;
	return err == STORE_NOT_FOUND ? STORE_OK : err;
}

enum store_err
replication_end_bucket(struct db_txn *txn, uint64_t bucket)
{
	struct key key = key_u64_u64(bucket, 0);
	enum store_err err = db_delete(txn, DB_REPLICATION, key_slice(&key));

	/* Rows of versions that are gone go one by one. */
	return err == STORE_NOT_FOUND ? STORE_OK : err;
}

struct put_request {
	uint64_t bucket;
	struct slice encoded;
	bool is_removal;
};

static enum store_err
remove_document(struct db_txn *txn, uint64_t bucket)
{
	struct key key = key_dentry(bucket, SLICE(REPLICATION_KIND));
	enum store_err err = db_delete(txn, DB_DOCUMENT, key_slice(&key));

	return err == STORE_NOT_FOUND ? STORE_OK : err;
}

static enum store_err
put_document(struct db_txn *txn, const struct put_request *request)
{
	struct key key = key_dentry(request->bucket, SLICE(REPLICATION_KIND));
	struct replication_counts counts;
	struct record_versions of;

	enum store_err err = history_of(txn, request->bucket, &of);
	if (!err && of.versioning != VERSIONING_ENABLED)
		err = STORE_INVALID;
	if (!err)
		err = replication_counts_get(txn, request->bucket, &counts);
	if (err && err != STORE_CORRUPT)
		return err;
	err = replication_counts_put(txn, request->bucket, &counts);
	return err ? err
		   : db_put(txn, DB_DOCUMENT, key_slice(&key),
			     request->encoded);
}

static enum store_err
apply_put(struct store *store, struct db_txn *txn, void *arg)
{
	const struct put_request *request = arg;
	struct record_change change = {
		.kind = RECORD_CHANGE_DOCUMENT,
		.ino = request->bucket,
		.name = SLICE(REPLICATION_KIND),
	};
	struct inode root;

	enum store_err err = dentry_inode(txn, request->bucket, &root);
	if (!err)
		err = request->is_removal
			      ? remove_document(txn, request->bucket)
			      : put_document(txn, request);
	return err ? err : feed_append(store, txn, &change);
}

enum store_err
replication_put(struct store *store, uint64_t bucket,
	const struct replication *replication)
{
	scoped(buffer_free) struct buffer encoded = {0};
	struct put_request request = {
		.bucket = bucket, .is_removal = !replication};

	if (replication)
		replication_encode(&encoded, replication);
	request.encoded = buffer_slice(&encoded);
	return commit_run_durably(store, apply_put, &request);
}

enum store_err
replication_read(struct store *store, uint64_t bucket, struct arena *arena,
	struct replication *out)
{
	struct slice bytes;
	enum store_err err = bucket_get_document(store, bucket,
		SLICE(REPLICATION_KIND), arena, &bytes);

	if (err)
		return err;
	return replication_decode(bytes, arena, out) ? STORE_OK : STORE_CORRUPT;
}

enum store_err
replication_count(struct store *store, struct replication_counts *out)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	enum store_err err = db_begin_read(store->db, &txn);

	return err ? err : replication_counts_sum(txn, out);
}

uint64_t
replication_mark(struct store *store)
{
	return db_last_commit(store->db);
}

/* --- status --------------------------------------------------------------- */

static const char *const names[REPLICATION_STATUSES] = {
	[REPLICATION_PENDING] = "PENDING",
	[REPLICATION_COMPLETED] = "COMPLETED",
	[REPLICATION_FAILED] = "FAILED",
	[REPLICATION_REPLICA] = "REPLICA",
};

enum replication_status
replication_status_of(struct slice attrs)
{
	struct slice value;

	if (!inode_attr_find(attrs, INODE_ATTR_REPLICATION, SLICE_NULL,
		    &value) ||
		value.len != 1 || (uint8_t)value.data[0] >= array_len(names))
		return REPLICATION_NONE;
	return (enum replication_status)value.data[0];
}

const char *
replication_status_name(enum replication_status status)
{
	return names[status];
}

struct slice
replication_set_status(struct buffer *to, struct slice attrs,
	enum replication_status status)
{
	const char byte = (char)status;
	const struct slice value = slice_of(&byte, 1);

	inode_attr_set(to, attrs, INODE_ATTR_REPLICATION, SLICE_NULL, &value);
	return to->len <= INODE_ATTRS_MAX ? buffer_slice(to) : attrs;
}

enum store_err
replication_save_status(struct db_txn *txn, uint64_t ino,
	enum replication_status status)
{
	scoped(buffer_free) struct buffer attrs = {0};
	struct inode inode;

	enum store_err err = dentry_inode(txn, ino, &inode);
	if (err || replication_status_of(inode.attrs) == status)
		return err;
	inode.attrs = replication_set_status(&attrs, inode.attrs, status);
	return dentry_save_inode(txn, &inode);
}
