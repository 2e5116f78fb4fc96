/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "store/base/cipher.h"
#include "store/base/clock.h"
#include "store/base/codec.h"
#include "store/base/random.h"
#include "store/commit_private.h"
#include "store/meta/key.h"
#include "store/object_event_private.h"
#include "store/organization_private.h"
#include "store/outbox_private.h"
#include "store/store_document_private.h"
#include "store/topic_private.h"

#define VERSION 1
#define PREFIX TOPIC_KIND "/"
#define SEALED_MAX (CIPHER_NONCE_LEN + TOPIC_SECRET_MAX + CIPHER_TAG_LEN)

/* --- names ---------------------------------------------------------------- */

bool
topic_name_is_valid(struct slice name)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "abcdefghijklmnopqrstuvwxyz"
				      "0123456789_-";

	if (name.len == 0 || name.len > TOPIC_NAME_MAX)
		return false;
	for (size_t i = 0; i < name.len; i++)
		if (!memchr(letters, name.data[i], strlen(letters)))
			return false;
	return true;
}

bool
topic_url_is_valid(struct slice url)
{
	struct slice http = SLICE("http://");
	struct slice https = SLICE("https://");
	size_t scheme = slice_has_prefix(url, https)  ? https.len
			: slice_has_prefix(url, http) ? http.len
						      : 0;

	if (!scheme || url.len == scheme || url.len > TOPIC_URL_MAX ||
		strchr("/:?#@", url.data[scheme]))
		return false;
	for (size_t i = 0; i < url.len; i++)
		if (url.data[i] <= ' ' || url.data[i] > '~')
			return false;
	return true;
}

/* Both are valid. */
static struct store_document_kind
kind_of(struct slice organization, struct slice name)
{
	return store_document_kind(PREFIX "%.*s/%.*s", (int)organization.len,
		organization.data, (int)name.len, name.data);
}

static bool
split_kind(struct slice kind, struct slice *organization, struct slice *name)
{
	struct slice rest = slice_from(kind, strlen(PREFIX));
	ptrdiff_t slash = slice_find_char(rest, '/');

	if (!slice_has_prefix(kind, SLICE(PREFIX)) || slash < 0)
		return false;
	*organization = slice_first(rest, (size_t)slash);
	*name = slice_from(rest, (size_t)slash + 1);
	return organization_name_is_valid(*organization) &&
	       topic_name_is_valid(*name);
}

/* --- documents ------------------------------------------------------------ */

static void
encode(struct buffer *to, const struct topic_row *row)
{
	codec_encode_u8(to, VERSION);
	codec_encode_u64(to, row->id);
	codec_encode_i64(to, row->created_ns);
	codec_encode_u64(to, row->events_max);
	codec_encode_u32(to, row->days_max);
	codec_encode_sized16(to, row->url);
	codec_encode_sized16(to, row->sealed);
}

static enum store_err
decode(struct slice value, struct topic_row *out)
{
	struct decoder decoder = codec_decoder(value);
	uint8_t version = codec_decode_u8(&decoder);

	*out = (struct topic_row){.id = codec_decode_u64(&decoder)};
	out->created_ns = codec_decode_i64(&decoder);
	out->events_max = codec_decode_u64(&decoder);
	out->days_max = codec_decode_u32(&decoder);
	out->url = codec_decode_sized16(&decoder);
	out->sealed = codec_decode_sized16(&decoder);
	return version == VERSION && !decoder.is_bad && out->id &&
			       codec_decode_left(&decoder) == 0 &&
			       out->events_max <= TOPIC_EVENTS_MAX &&
			       out->days_max <= TOPIC_DAYS_MAX &&
			       topic_url_is_valid(out->url) &&
			       out->sealed.len <= SEALED_MAX
		       ? STORE_OK
		       : STORE_CORRUPT;
}

enum store_err
topic_row_get(struct db_txn *txn, struct slice organization, struct slice name,
	struct topic_row *out)
{
	struct slice value;

	if (!organization_name_is_valid(organization) ||
		!topic_name_is_valid(name))
		return STORE_NOT_FOUND;
	const struct store_document_kind kind = kind_of(organization, name);
	enum store_err err = store_document_get(txn, &kind, &value);

	return err ? err : decode(value, out);
}

bool
topic_document_is_sound(struct slice kind, struct slice value)
{
	struct slice organization, name;
	struct topic_row row;

	return !slice_has_prefix(kind, SLICE(PREFIX)) ||
	       (split_kind(kind, &organization, &name) && !decode(value, &row));
}

/* --- create, delete ------------------------------------------------------- */

struct create_request {
	const struct topic_draft *draft;
	struct topic_row row;
};

static enum store_err
apply_create(struct store *store, struct db_txn *txn, void *arg)
{
	struct create_request *request = arg;
	const struct topic_draft *draft = request->draft;
	struct store_document_kind kind =
		kind_of(draft->organization, draft->name);
	scoped(buffer_free) struct buffer value = {0};
	struct slice there;

	(void)store;
	enum store_err err = organization_check_in(txn, draft->organization);
	if (!err)
		err = store_document_get(txn, &kind, &there);
	if (err != STORE_NOT_FOUND)
		return err ? err : STORE_TOPIC_EXISTS;
	err = commit_new_number(txn, &request->row.id);
	if (err)
		return err;
	encode(&value, &request->row);
	err = store_document_put(txn, &kind, buffer_slice(&value));
	return err ? err
		   : object_event_counts_put(txn, request->row.id,
			     &(struct object_event_counts){.waiting = 0});
}

static struct slice
seal(const struct store *store, const struct topic_draft *draft,
	uint8_t to[SEALED_MAX])
{
	struct store_document_kind kind =
		kind_of(draft->organization, draft->name);
	size_t len = CIPHER_NONCE_LEN + draft->secret.len + CIPHER_TAG_LEN;

	if (draft->secret.len == 0)
		return SLICE_NULL;
	random_bytes(to, CIPHER_NONCE_LEN);
	cipher_seal(store->key, to, store_document_kind_slice(&kind),
		draft->secret, to + CIPHER_NONCE_LEN);
	return slice_of(to, len);
}

static bool
is_sensible(const struct topic_draft *draft)
{
	return topic_url_is_valid(draft->url) &&
	       (draft->secret.len == 0 ||
		       (draft->secret.len >= TOPIC_SECRET_MIN &&
			       draft->secret.len <= TOPIC_SECRET_MAX)) &&
	       draft->events_max <= TOPIC_EVENTS_MAX &&
	       draft->days_max <= TOPIC_DAYS_MAX;
}

enum store_err
topic_create(struct store *store, const struct topic_draft *draft)
{
	uint8_t sealed[SEALED_MAX];
	struct create_request request = {.draft = draft};

	if (!organization_name_is_valid(draft->organization))
		return STORE_NO_ORGANIZATION;
	if (!topic_name_is_valid(draft->name))
		return STORE_BAD_NAME;
	if (!is_sensible(draft))
		return STORE_INVALID;
	request.row = (struct topic_row){
		.created_ns = clock_now_ns(),
		.events_max = draft->events_max ? draft->events_max
						: TOPIC_EVENTS_DEFAULT,
		.days_max =
			draft->days_max ? draft->days_max : TOPIC_DAYS_DEFAULT,
		.url = draft->url,
		.sealed = seal(store, draft, sealed),
	};
	return commit_run_durably(store, apply_create, &request);
}

struct delete_request {
	struct slice organization;
	struct slice name;
	uint64_t id;
};

static enum store_err
remove_counts(struct db_txn *txn, uint64_t id)
{
	struct key key = key_u64_u64(id, 0);

	return db_delete_if_there(txn, DB_EVENT, key_slice(&key));
}

static enum store_err
apply_delete(struct store *store, struct db_txn *txn, void *arg)
{
	struct delete_request *request = arg;
	struct topic_row row;

	(void)store;
	enum store_err err =
		topic_row_get(txn, request->organization, request->name, &row);
	if (err == STORE_NOT_FOUND)
		return STORE_NO_TOPIC;
	/* One that is damaged goes, too; its rows are swept. */
	if (err && err != STORE_CORRUPT)
		return err;
	request->id = err ? 0 : row.id;
	struct store_document_kind kind =
		kind_of(request->organization, request->name);
	err = store_document_remove(txn, &kind);
	return err || !request->id ? err : remove_counts(txn, request->id);
}

enum store_err
topic_delete(struct store *store, struct slice organization, struct slice name)
{
	struct delete_request request = {organization, name, 0};
	enum store_err err = commit_run_durably(store, apply_delete, &request);

	return err || !request.id ? err
				  : outbox_remove_topic(store, request.id);
}

/* --- all of them ---------------------------------------------------------- */

/* row is NULL for one that does not decode: fsck's. */
static enum store_err
visit_documents(struct db_txn *txn, struct slice prefix,
	enum store_err (*visit)(const struct store_document_kind *kind,
		const struct topic_row *row, void *context),
	void *context)
{
	struct store_document_kind kind = {.len = prefix.len};
	struct topic_row row;
	struct slice value;
	enum store_err err = STORE_OK;

	memcpy(kind.text, prefix.data, prefix.len);
	while (!err) {
		err = store_document_find(txn, prefix,
			store_document_kind_slice(&kind), &kind, &value);
		if (!err)
			err = visit(&kind, decode(value, &row) ? NULL : &row,
				context);
		/* The next one that may be: with a NUL behind. */
		kind.len++;
	}
	return err == STORE_NOT_FOUND ? STORE_OK : err;
}

struct id_visit {
	enum store_err (*visit)(uint64_t id, void *context);
	void *context;
};

static enum store_err
visit_id(const struct store_document_kind *kind, const struct topic_row *row,
	void *context)
{
	struct id_visit *to = context;

	(void)kind;
	return to->visit(row ? row->id : 0, to->context);
}

enum store_err
topic_visit(struct db_txn *txn,
	enum store_err (*visit)(uint64_t id, void *context), void *context)
{
	struct id_visit to = {visit, context};

	return visit_documents(txn, SLICE(PREFIX), visit_id, &to);
}

struct listing {
	struct db_txn *txn;
	struct arena *arena;
	struct topic *to; /* NULL: counts alone */
	size_t count;
};

static enum store_err
add_topic(const struct store_document_kind *kind, const struct topic_row *row,
	void *context)
{
	struct listing *listing = context;
	struct object_event_counts counts;
	struct slice organization, name;

	if (!row || !split_kind(store_document_kind_slice(kind), &organization,
			    &name))
		return STORE_OK;
	if (!listing->to) {
		listing->count++;
		return STORE_OK;
	}
	enum store_err err =
		object_event_counts_get(listing->txn, row->id, &counts);
	if (err && err != STORE_NOT_FOUND && err != STORE_CORRUPT)
		return err;
	listing->to[listing->count++] = (struct topic){
		.id = row->id,
		.organization = arena_copy(listing->arena, organization),
		.name = arena_copy(listing->arena, name),
		.url = arena_copy(listing->arena, row->url),
		.has_secret = row->sealed.len > 0,
		.created_ns = row->created_ns,
		.events_max = row->events_max,
		.days_max = row->days_max,
		.waiting = counts.waiting,
		.dropped = counts.dropped,
	};
	return STORE_OK;
}

static struct store_document_kind
prefix_of(struct slice organization)
{
	return store_document_kind(PREFIX "%.*s/", (int)organization.len,
		organization.data);
}

enum store_err
topic_list(struct store *store, struct slice organization, struct arena *arena,
	struct topic **out, size_t *count)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	struct store_document_kind kind;
	struct slice prefix = SLICE(PREFIX);
	enum store_err err = db_begin_read(store->db, &txn);
	struct listing listing = {txn, arena, NULL, 0};

	*count = 0;
	if (organization.len > 0) {
		if (!organization_name_is_valid(organization))
			return STORE_NO_ORGANIZATION;
		kind = prefix_of(organization);
		prefix = store_document_kind_slice(&kind);
	}
	if (!err)
		err = visit_documents(txn, prefix, add_topic, &listing);
	if (err)
		return err;
	listing.to = arena_new_array(arena, listing.count + 1, struct topic);
	listing.count = 0;
	err = visit_documents(txn, prefix, add_topic, &listing);
	*out = listing.to;
	*count = listing.count;
	return err;
}

enum store_err
topic_check(struct store *store, struct slice organization, struct slice name)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	struct topic_row row;
	enum store_err err = db_begin_read(store->db, &txn);

	if (!err)
		err = topic_row_get(txn, organization, name, &row);
	return err == STORE_NOT_FOUND ? STORE_NO_TOPIC : err;
}

enum store_err
topic_secret(struct store *store, const struct topic *topic,
	uint8_t to[TOPIC_SECRET_MAX], size_t *len)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	struct topic_row row;
	enum store_err err = db_begin_read(store->db, &txn);

	*len = 0;
	if (!err)
		err = topic_row_get(txn, topic->organization, topic->name,
			&row);
	if (err == STORE_NOT_FOUND || (!err && row.id != topic->id))
		return STORE_NO_TOPIC;
	if (err || row.sealed.len == 0)
		return err;
	if (row.sealed.len < CIPHER_NONCE_LEN + CIPHER_TAG_LEN)
		return STORE_CORRUPT;
	struct slice body = slice_from(row.sealed, CIPHER_NONCE_LEN);
	const struct store_document_kind kind =
		kind_of(topic->organization, topic->name);
	err = cipher_open(store->key, (const uint8_t *)row.sealed.data,
		store_document_kind_slice(&kind), body, to);
	if (!err)
		*len = body.len - CIPHER_TAG_LEN;
	return err;
}

static enum store_err
end_topic(const struct store_document_kind *kind, const struct topic_row *row,
	void *context)
{
	(void)kind;
	return row ? remove_counts(context, row->id) : STORE_OK;
}

enum store_err
topic_end_organization(struct db_txn *txn, struct slice organization)
{
	struct store_document_kind prefix = prefix_of(organization);
	enum store_err err = visit_documents(txn,
		store_document_kind_slice(&prefix), end_topic, txn);

	return err ? err
		   : store_document_remove_all(txn,
			     store_document_kind_slice(&prefix));
}
