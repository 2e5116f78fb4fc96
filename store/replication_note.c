/* SPDX-License-Identifier: Apache-2.0 */
#include "store/base/log.h"
#include "store/complaint_private.h"
#include "store/meta/key.h"
#include "store/object_key_private.h"
#include "store/replication_private.h"
#include "store/replication_rules_private.h"

/* What a change of a version asks for. */
struct note {
	struct slice key;
	struct slice attrs; /* of the object; in the map */
	enum replication_task task;
	bool is_marker;
	bool ignores_tags; /* which rule it was replicated by is not known */
};

/* A place, and the priority of the rule that speaks for it. */
struct choice {
	struct replication_place place;
	uint32_t priority;
	bool is_wanted;
};

static bool
fits(const struct note *note, const struct replication_rule *rule)
{
	return (rule->said & REPLICATION_ENABLED) &&
	       replication_rule_fits(rule, note->key,
		       note->ignores_tags ? rule->tags : note->attrs);
}

/* Of several rules for one bucket the one with the highest priority counts. */
static void
choose(const struct note *note, const struct replication_rule *rule,
	struct choice *choices, uint16_t *count)
{
	uint16_t i = 0;

	while (i < *count && choices[i].place.bucket != rule->bucket)
		i++;
	if (i < *count && choices[i].priority >= rule->priority)
		return;
	if (i == *count)
		++*count;
	choices[i] = (struct choice){
		.place = {rule->bucket, note->task},
		.priority = rule->priority,
		.is_wanted = !note->is_marker || replication_rule_marks(rule),
	};
}

static enum store_err
find_places(struct store *store, struct db_txn *txn, uint64_t bucket,
	const struct note *note, struct choice *choices, uint16_t *count)
{
	scoped(replication_rules_drop) struct replication_rules *rules = NULL;
	enum store_err err = replication_rules_take(store, txn, bucket, &rules);

	*count = 0;
	for (size_t i = 0; !err && i < rules->of.count; i++)
		if (fits(note, &rules->of.rules[i]))
			choose(note, &rules->of.rules[i], choices, count);
	if (err != STORE_CORRUPT)
		return err == STORE_NOT_FOUND ? STORE_OK : err;
	if (complaint_is_new(store, COMPLAINT_REPLICATION, bucket))
		log_error("bucket %llu: its replication rules do not decode: "
			  "see tarn fsck",
			(unsigned long long)bucket);
	return STORE_OK;
}

/* --- a row ---------------------------------------------------------------- */

/* What waits already stays, and is not less for what comes besides. */
static void
keep_places(const struct replication_row *row, struct choice *choices,
	uint16_t *count)
{
	for (uint16_t i = 0; i < row->count; i++) {
		struct replication_place place = replication_row_place(row, i);
		uint16_t at = 0;

		while (at < *count && choices[at].place.bucket != place.bucket)
			at++;
		if (at == *count && *count == REPLICATION_PLACES_MAX)
			return;
		if (at == *count)
			++*count;
		if (!choices[at].is_wanted ||
			choices[at].place.task != REPLICATION_MAKE)
			choices[at].place = place;
		choices[at].is_wanted = true;
	}
}

static enum store_err
save_row(struct db_txn *txn, uint64_t bucket, uint64_t number,
	const struct note *note, struct choice *choices, uint16_t count)
{
	scoped(buffer_free) struct buffer places = {0}, value = {0};
	struct replication_row row = {.key = note->key}, old;
	struct key key = key_u64_u64(bucket, number);

	enum store_err err = replication_row_get(txn, bucket, number, &old);
	bool is_new = err != STORE_OK;
	if (err && err != STORE_NOT_FOUND && err != STORE_CORRUPT)
		return err;
	if (!err) {
		keep_places(&old, choices, &count);
		row.has_failed = old.has_failed;
	}
	for (uint16_t i = 0; i < count; i++) {
		if (!choices[i].is_wanted)
			continue;
		row.count++;
		replication_row_add_place(&places, &choices[i].place);
	}
	if (row.count == 0)
		return STORE_OK;
	err = replication_where(txn, bucket, note->key, number, &row.dir);
	if (err)
		return err;
	row.places = buffer_slice(&places);
	replication_row_encode(&value, &row);
	err = db_put(txn, DB_REPLICATION, key_slice(&key),
		buffer_slice(&value));
	return err || !is_new ? err : replication_counts_add(txn, bucket, 1, 0);
}

static bool
is_any(const struct choice *choices, uint16_t count)
{
	for (uint16_t i = 0; i < count; i++)
		if (choices[i].is_wanted)
			return true;
	return false;
}

/* --- what happened -------------------------------------------------------- */

static bool
is_of_tags(enum object_event_type type)
{
	return type == EVENT_TAGS_PUT || type == EVENT_TAGS_DELETED;
}

static bool
can_ask(enum object_event_type type)
{
	return object_event_is_creation(type) || is_of_tags(type) ||
	       type == EVENT_REMOVED_MARKER;
}

/* What failed, and what has no row any more since a tarn from before rows name
 * directories could not find it: that is made by the rules that fit now. */
static bool
was_given_up(struct db_txn *txn, uint64_t bucket, const struct object *object)
{
	enum replication_status status =
		replication_status_of(object->inode.attrs);
	struct replication_row row;

	return status == REPLICATION_FAILED ||
	       (status == REPLICATION_PENDING &&
		       replication_row_get(txn, bucket, object->version.number,
			       &row) == STORE_NOT_FOUND);
}

/* False: it asks for nothing. */
static bool
describe(enum object_event_type type, const struct object *object,
	bool is_given_up, struct note *note)
{
	const struct object_event_cause *cause = object_event_cause();
	enum replication_status status =
		replication_status_of(object->inode.attrs);

	if (cause && cause->is_replication)
		return false;
	note->task = REPLICATION_MAKE;
	note->is_marker = type == EVENT_REMOVED_MARKER;
	note->attrs = object->inode.attrs;
	if (note->is_marker)
		return object->is_marker && !(cause && cause->is_lifecycle);
	if (object->is_marker)
		return false;
	if (object_event_is_creation(type))
		return true;
	/* Of what was to be replicated. */
	note->ignores_tags = !is_given_up;
	if (note->ignores_tags)
		note->task = REPLICATION_UPDATE;
	return status != REPLICATION_NONE && status != REPLICATION_REPLICA;
}

enum store_err
replication_note_is_wanted(struct db_txn *txn, uint64_t bucket,
	const struct version *version, bool *out)
{
	*out = false;
	return !version || version_is_null(version)
		       ? STORE_OK
		       : replication_is_there(txn, bucket, out);
}

/* NOT_FOUND: there is no such version. */
static enum store_err
find_object(struct db_txn *txn, uint64_t bucket, struct slice key,
	const struct version *version, struct object *out)
{
	struct version_ref ref = version_ref_of(version);
	enum store_err err =
		object_key_find_version(txn, bucket, key, &ref, out);

	return err == STORE_NOT_FOUND && out->is_marker ? STORE_OK : err;
}

enum store_err
replication_note(struct store *store, struct db_txn *txn, uint64_t bucket,
	struct slice key, enum object_event_type type,
	const struct version *version)
{
	struct note note = {.key = key};
	struct choice choices[REPLICATION_PLACES_MAX];
	struct object object;
	uint16_t count;
	bool is_there;

	enum store_err err =
		replication_note_is_wanted(txn, bucket, version, &is_there);
	if (err || !is_there || !can_ask(type) || object_key_validate(key))
		return err;
	err = find_object(txn, bucket, key, version, &object);
	if (err)
		return err == STORE_NOT_FOUND ? STORE_OK : err;
	if (!describe(type, &object, was_given_up(txn, bucket, &object), &note))
		return STORE_OK;
	err = find_places(store, txn, bucket, &note, choices, &count);
	if (err || !is_any(choices, count))
		return err;
	/* What points into the map ends here. */
	note.attrs = SLICE_NULL;
	err = save_row(txn, bucket, version->number, &note, choices, count);
	return err || note.is_marker
		       ? err
		       : replication_save_status(txn, object.inode.ino,
				 REPLICATION_PENDING);
}

enum store_err
replication_note_attrs(struct store *store, struct db_txn *txn,
	const struct inode *inode)
{
	scoped(buffer_free) struct buffer key = {0};
	struct record_dentry dentry;
	struct slice name;
	bool is_there;

	if (!dentry_is_visible(inode) ||
		replication_status_of(inode->attrs) == REPLICATION_NONE)
		return STORE_OK;
	enum store_err err = dentry_find_told(txn, inode, &dentry);
	if (!err)
		err = replication_note_is_wanted(txn, inode->bucket,
			&dentry.version, &is_there);
	if (err || !is_there ||
		!inode_attr_find(inode->attrs, INODE_ATTR_NAME, SLICE_NULL,
			&name))
		return err == STORE_NOT_FOUND ? STORE_OK : err;
	err = dentry_spell(txn, inode->parent, name, &key);
	return err ? err
		   : replication_note(store, txn, inode->bucket,
			     buffer_slice(&key), EVENT_TAGS_PUT,
			     &dentry.version);
}
