/* SPDX-License-Identifier: Apache-2.0 */
#include "store/base/codec.h"
#include "store/commit_private.h"
#include "store/meta/key.h"
#include "store/notification_private.h"
#include "store/object_event_private.h"

#define VERSION 1

enum rule_flag { HAS_FILTER = 1, HAS_PREFIX = 2, HAS_SUFFIX = 4, FLAGS = 8 };

/* --- rules ---------------------------------------------------------------- */

uint32_t
notification_rule_types(const struct notification_rule *rule)
{
	uint32_t types = 0;

	for (unsigned int name = 0; name < EVENT_NAMES; name++)
		if (rule->names & (1u << name))
			types |= object_event_name_types(name);
	return types;
}

bool
notification_rules_overlap(const struct notification_rule *one,
	const struct notification_rule *other)
{
	return (notification_rule_types(one) &
		       notification_rule_types(other)) &&
	       (slice_has_prefix(one->prefix, other->prefix) ||
		       slice_has_prefix(other->prefix, one->prefix)) &&
	       (slice_has_suffix(one->suffix, other->suffix) ||
		       slice_has_suffix(other->suffix, one->suffix));
}

static void
encode_rule(struct buffer *to, const struct notification_rule *rule)
{
	codec_encode_u8(to, (uint8_t)((rule->has_filter ? HAS_FILTER : 0) |
				      (rule->has_prefix ? HAS_PREFIX : 0) |
				      (rule->has_suffix ? HAS_SUFFIX : 0)));
	codec_encode_u32(to, rule->names);
	codec_encode_sized16(to, rule->id);
	codec_encode_sized16(to, rule->topic);
	codec_encode_sized16(to, rule->prefix);
	codec_encode_sized16(to, rule->suffix);
}

static bool
decode_rule(struct decoder *decoder, struct notification_rule *out)
{
	uint8_t flags = codec_decode_u8(decoder);

	*out = (struct notification_rule){
		.has_filter = flags & HAS_FILTER,
		.has_prefix = flags & HAS_PREFIX,
		.has_suffix = flags & HAS_SUFFIX,
		.names = codec_decode_u32(decoder),
	};
	out->id = codec_decode_sized16(decoder);
	out->topic = codec_decode_sized16(decoder);
	out->prefix = codec_decode_sized16(decoder);
	out->suffix = codec_decode_sized16(decoder);
	return !decoder->is_bad && flags < FLAGS &&
	       out->names < (1u << EVENT_NAMES) &&
	       out->id.len <= NOTIFICATION_ID_MAX &&
	       out->prefix.len <= NOTIFICATION_FILTER_MAX &&
	       out->suffix.len <= NOTIFICATION_FILTER_MAX;
}

/* --- rows ----------------------------------------------------------------- */

static void
encode_row(struct buffer *to, const struct bucket *bucket,
	const struct notification *notification)
{
	codec_encode_u8(to, VERSION);
	codec_encode_sized16(to, slice_str(bucket->name));
	codec_encode_sized16(to, slice_str(bucket->owner));
	codec_encode_u16(to, (uint16_t)notification->count);
	for (size_t i = 0; i < notification->count; i++)
		encode_rule(to, &notification->rules[i]);
}

static enum store_err
decode_row(struct slice value, struct notification_row *out)
{
	struct decoder decoder = codec_decoder(value);
	uint8_t version = codec_decode_u8(&decoder);

	out->bucket_name = codec_decode_sized16(&decoder);
	out->organization = codec_decode_sized16(&decoder);
	out->rules = codec_decode_bytes(&decoder, codec_decode_left(&decoder));
	return version != VERSION || decoder.is_bad ||
			       out->bucket_name.len > BUCKET_NAME_MAX
		       ? STORE_CORRUPT
		       : STORE_OK;
}

static enum store_err
decode_rules(struct slice rules, struct notification *out)
{
	struct decoder decoder = codec_decoder(rules);
	uint16_t count = codec_decode_u16(&decoder);

	out->count = 0;
	if (count > NOTIFICATION_RULES_MAX)
		return STORE_CORRUPT;
	while (out->count < count)
		if (!decode_rule(&decoder, &out->rules[out->count++]))
			return STORE_CORRUPT;
	return decoder.is_bad || codec_decode_left(&decoder) ? STORE_CORRUPT
							     : STORE_OK;
}

enum store_err
notification_row_get(struct db_txn *txn, uint64_t bucket,
	struct notification_row *out)
{
	struct key key = key_u64(bucket);
	struct slice value;
	enum store_err err =
		db_get(txn, DB_NOTIFICATION, key_slice(&key), &value);

	return err ? err : decode_row(value, out);
}

enum store_err
notification_is_there(struct db_txn *txn, uint64_t bucket, bool *is_there)
{
	struct key key = key_u64(bucket);
	struct slice value;
	enum store_err err =
		db_get(txn, DB_NOTIFICATION, key_slice(&key), &value);

	*is_there = !err;
	return err == STORE_NOT_FOUND ? STORE_OK : err;
}

bool
notification_match(const struct notification_row *row,
	enum object_event_type type, struct slice key,
	struct notification_rule *out)
{
	struct decoder decoder = codec_decoder(row->rules);
	uint16_t count = codec_decode_u16(&decoder);

	for (uint16_t i = 0; i < count && decode_rule(&decoder, out); i++)
		if ((notification_rule_types(out) & (1u << type)) &&
			slice_has_prefix(key, out->prefix) &&
			slice_has_suffix(key, out->suffix))
			return true;
	return false;
}

enum store_err
notification_end_bucket(struct db_txn *txn, uint64_t bucket)
{
	struct key key = key_u64(bucket);

	return db_delete_if_there(txn, DB_NOTIFICATION, key_slice(&key));
}

bool
notification_row_is_sound(struct slice value)
{
	struct notification_row row;
	struct notification rules;

	return !decode_row(value, &row) && !decode_rules(row.rules, &rules);
}

/* --- put, read ------------------------------------------------------------ */

struct put_request {
	const struct bucket *bucket;
	const struct notification *notification;
	bool with_test;
};

static enum store_err
expect_bucket(struct db_txn *txn, const struct bucket *bucket)
{
	struct key key = key_text(slice_str(bucket->name));
	struct record_bucket record;
	struct slice value;
	enum store_err err = db_get(txn, DB_BUCKET, key_slice(&key), &value);

	if (!err)
		err = record_bucket_decode(value, &record);
	if (err)
		return err == STORE_NOT_FOUND ? STORE_NO_BUCKET : err;
	return record.root_ino == bucket->ino ? STORE_OK : STORE_NO_BUCKET;
}

/* Whether a rule before this one has the same topic. */
static bool
is_repeated(const struct notification *notification, size_t i)
{
	for (size_t j = 0; j < i; j++)
		if (slice_equal(notification->rules[j].topic,
			    notification->rules[i].topic))
			return true;
	return false;
}

static enum store_err
add_tests(struct db_txn *txn, const struct put_request *request)
{
	const struct notification *notification = request->notification;
	enum store_err err = STORE_OK;

	for (size_t i = 0; i < notification->count && !err; i++)
		if (!is_repeated(notification, i))
			err = object_event_add_test(txn, request->bucket,
				notification->rules[i].topic);
	return err;
}

static enum store_err
apply_put(struct store *store, struct db_txn *txn, void *arg)
{
	const struct put_request *request = arg;
	scoped(buffer_free) struct buffer value = {0};
	struct key key = key_u64(request->bucket->ino);
	enum store_err err = expect_bucket(txn, request->bucket);

	(void)store;
	if (err || request->notification->count == 0)
		return err ? err
			   : notification_end_bucket(txn, request->bucket->ino);
	encode_row(&value, request->bucket, request->notification);
	err = db_put(txn, DB_NOTIFICATION, key_slice(&key),
		buffer_slice(&value));
	return err || !request->with_test ? err : add_tests(txn, request);
}

enum store_err
notification_put(struct store *store, const struct bucket *bucket,
	const struct notification *notification, bool with_test)
{
	struct put_request request = {bucket, notification, with_test};

	return commit_run_durably(store, apply_put, &request);
}

enum store_err
notification_read(struct store *store, uint64_t bucket, struct arena *arena,
	struct notification *out)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	struct notification_row row;
	enum store_err err = db_begin_read(store->db, &txn);

	out->count = 0;
	if (!err)
		err = notification_row_get(txn, bucket, &row);
	if (err)
		return err == STORE_NOT_FOUND ? STORE_OK : err;
	return decode_rules(arena_copy(arena, row.rules), out);
}
