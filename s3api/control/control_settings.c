/* SPDX-License-Identifier: Apache-2.0 */
/* What an organization chooses for itself, and for a bucket of its own. */
#include <string.h>

#include "s3api/control/control_private.h"
#include "store/audit.h"
#include "store/base/log.h"
#include "store/bucket.h"
#include "store/tier.h"
#include "store/usage.h"

#define BODY_MAX (16 * 1024)
#define CAP_BYTES_MAX INT64_MAX

#define AUDIT "auditLoggingEnabled"
#define ARCHIVE "archiveEnabled"
#define ARCHIVE_DAYS "archiveAfterLastAccessDays"
#define CAP "configuredCapacityCapBytes"

/* An organization has the first alone. */
static const char *const names[] = {AUDIT, ARCHIVE, ARCHIVE_DAYS, CAP};
#define NAMES_OF_ORGANIZATION 1

/* What is asked for; NULL: stays. */
struct settings {
	const bool *is_audited;
	const bool *is_archived;
	uint64_t archive_days; /* 0: not said */
	const uint64_t *cap_bytes;
};

/* What cannot be read is logged, and told as what counts: no archive. */
static uint32_t
archive_days_of(struct store *store, const struct bucket *bucket)
{
	uint32_t days;
	enum store_err err = tier_archive_days(store, bucket->ino, &days);

	if (err)
		log_warn("bucket %s: its archive: %s", bucket->name,
			error_sentence(err));
	return err ? 0 : days;
}

json_t *
control_settings_json(struct store *store, const struct bucket *bucket,
	const struct usage *usage)
{
	uint32_t days = archive_days_of(store, bucket);

	return json_pack("{s:b, s:b, s:I, s:I}", AUDIT,
		audit_choice_of_bucket(store, bucket), ARCHIVE, days > 0,
		ARCHIVE_DAYS, (json_int_t)days, CAP,
		(json_int_t)usage->quota.bytes);
}

/* --- reading -------------------------------------------------------------- */

/* Those that would be passed over are refused. */
static enum control_code
check_names(struct control *control, json_t *settings, size_t known)
{
	const char *name;
	json_t *value;

	if (!json_is_object(settings))
		return control_refuse(control, CONTROL_INVALID_ARGUMENT,
			"settings: must be an object");
	json_object_foreach(settings, name, value)
	{
		size_t i = 0;

		while (i < known && strcmp(names[i], name) != 0)
			i++;
		if (i == known)
			return control_refuse(control, CONTROL_INVALID_ARGUMENT,
				"settings: there is no such setting");
	}
	return CONTROL_OK;
}

static enum control_code
read_bool(struct control *control, const json_t *settings, const char *name,
	const bool **out)
{
	const json_t *value = json_object_get(settings, name);
	bool *is_on;

	if (!value || json_is_null(value))
		return CONTROL_OK;
	if (!json_is_boolean(value))
		return control_refuse(control, CONTROL_INVALID_ARGUMENT,
			arena_printf(control->request->arena,
				"%s: must be true or false", name)
				.data);
	is_on = arena_new(control->request->arena, bool);
	*is_on = json_is_true(value);
	*out = is_on;
	return CONTROL_OK;
}

static enum control_code
read_cap(struct control *control, const json_t *settings, const uint64_t **out)
{
	unsigned long *cap = arena_new(control->request->arena, unsigned long);
	enum control_code code =
		control_body_number(control, settings, CAP, CAP_BYTES_MAX, cap);
	const json_t *value = json_object_get(settings, CAP);

	if (!code && value && !json_is_null(value))
		*out = cap;
	return code;
}

static enum control_code
read_archive_days(struct control *control, const json_t *settings,
	uint64_t *out)
{
	unsigned long days = 0;
	enum control_code code = control_body_number(control, settings,
		ARCHIVE_DAYS, TIER_ARCHIVE_DAYS_MAX, &days);

	*out = days;
	if (code || !days || days >= TIER_ARCHIVE_DAYS_MIN)
		return code;
	return control_refuse(control, CONTROL_INVALID_ARGUMENT,
		arena_printf(control->request->arena,
			ARCHIVE_DAYS ": must be %d or more",
			TIER_ARCHIVE_DAYS_MIN)
			.data);
}

static enum control_code
read_settings(struct control *control, json_t *root, size_t known,
	struct settings *out)
{
	json_t *settings = json_object_get(root, "settings");
	enum control_code code = check_names(control, settings, known);

	if (!code)
		code = read_bool(control, settings, AUDIT, &out->is_audited);
	if (!code)
		code = read_bool(control, settings, ARCHIVE, &out->is_archived);
	if (!code)
		code = read_archive_days(control, settings, &out->archive_days);
	return code ? code : read_cap(control, settings, &out->cap_bytes);
}

/* --- of a bucket ---------------------------------------------------------- */

static enum control_code
find_bucket(struct control *control, const json_t *root, struct bucket *out)
{
	struct store *store = control->request->store;
	struct slice name = SLICE_NULL;
	enum control_code code =
		control_body_text(control, root, "bucketName", &name);
	enum store_err err = code ? STORE_OK : bucket_get(store, name, out);

	if (code)
		return code;
	if (err == STORE_NO_BUCKET ||
		(!err && strcmp(out->owner, control->token.organization) != 0))
		return control_refuse(control, CONTROL_NOT_FOUND,
			"the organization has no such bucket");
	if (err)
		return control_store_error(control, err);
	control_note_resource(control, name);
	return CONTROL_OK;
}

/* What the archive is to be: *days 0: none. */
static enum control_code
decide_archive(struct control *control, const struct bucket *bucket,
	const struct settings *wanted, uint32_t *days)
{
	uint32_t before = archive_days_of(control->request->store, bucket);
	bool is_on = wanted->is_archived ? *wanted->is_archived : before > 0;

	*days = 0;
	if (!is_on && wanted->archive_days)
		return control_refuse(control, CONTROL_INVALID_ARGUMENT,
			ARCHIVE_DAYS ": needs " ARCHIVE);
	if (!is_on)
		return CONTROL_OK;
	if (wanted->archive_days)
		*days = (uint32_t)wanted->archive_days;
	else
		*days = before ? before : TIER_ARCHIVE_DAYS_MIN;
	return CONTROL_OK;
}

/* Out: what holds then. */
static enum store_err
apply(struct store *store, const struct bucket *bucket,
	const struct settings *wanted, uint32_t archive_days,
	struct usage *usage)
{
	enum store_err err = usage_of_bucket(store, bucket->ino, usage);

	if (!err && wanted->is_audited)
		err = audit_choice_set_bucket(store, bucket->ino,
			wanted->is_audited);
	if (!err && (wanted->is_archived || wanted->archive_days))
		err = tier_set_archive_days(store, bucket->ino, archive_days);
	if (!err && wanted->cap_bytes) {
		usage->quota.bytes = *wanted->cap_bytes;
		err = usage_set_bucket_quota(store, bucket->ino, &usage->quota);
	}
	return err;
}

enum control_code
control_settings_bucket(struct control *control)
{
	struct store *store = control->request->store;
	struct settings wanted = {0};
	struct bucket bucket;
	struct usage usage;
	uint32_t archive_days = 0;
	enum store_err err;
	json_t *root;
	enum control_code code = control_body(control, BODY_MAX, &root);

	if (!code)
		code = read_settings(control, root, array_len(names), &wanted);
	if (!code)
		code = find_bucket(control, root, &bucket);
	json_decref(root);
	if (!code)
		code = decide_archive(control, &bucket, &wanted, &archive_days);
	if (code)
		return code;
	err = apply(store, &bucket, &wanted, archive_days, &usage);
	if (err)
		return control_store_error(control, err);
	return control_reply(control,
		json_pack("{s:s, s:o}", "bucketName", bucket.name, "settings",
			control_settings_json(store, &bucket, &usage)));
}

/* --- of the organization -------------------------------------------------- */

enum control_code
control_settings_organization(struct control *control)
{
	struct store *store = control->request->store;
	struct slice organization = slice_str(control->token.organization);
	struct settings wanted = {0};
	enum store_err err = STORE_OK;
	json_t *root;
	enum control_code code = control_body(control, BODY_MAX, &root);

	if (!code)
		code = read_settings(control, root, NAMES_OF_ORGANIZATION,
			&wanted);
	json_decref(root);
	if (code)
		return code;
	if (wanted.is_audited)
		err = audit_choice_set_organization(store, organization,
			wanted.is_audited);
	if (err)
		return control_store_error(control, err);
	return control_reply(control,
		json_pack("{s:{s:b}}", "settings", AUDIT,
			audit_choice_of_organization(store, organization)));
}
