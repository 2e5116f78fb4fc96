/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/control/control_private.h"
#include "store/base/clock.h"
#include "store/bucket.h"
#include "store/tier.h"
#include "store/usage.h"

#define PAGE 256

/* "1.5 GiB". */
static struct slice
human(struct arena *arena, uint64_t bytes)
{
	static const char *const units[] = {
		"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	double value = (double)bytes;
	size_t unit = 0;

	while (value >= 1024 && unit + 1 < array_len(units)) {
		value /= 1024;
		unit++;
	}
	return arena_printf(arena, unit ? "%.1f %s" : "%.0f %s", value,
		units[unit]);
}

static void
add_measurement(json_t *list, const char *type, uint64_t value,
	struct slice text)
{
	(void)json_array_append_new(list,
		json_pack("{s:s, s:I, s:s}", "measurementType", type, "value",
			(json_int_t)value, "valueHumanReadable", text.data));
}

/* Those of tiers have the parts of uploads with them. */
static json_t *
usage_of(struct arena *arena, const struct usage *usage,
	const struct tier_bytes *tiers)
{
	static const char *const types[TIERS] = {
		[TIER_HOT] = "BYTES_HOT",
		[TIER_WARM] = "BYTES_WARM",
		[TIER_COLD] = "BYTES_COLD",
		[TIER_ARCHIVE] = "BYTES_ARCHIVE",
	};
	json_t *list = json_array();

	add_measurement(list, "BYTES", usage->bytes,
		human(arena, usage->bytes));
	add_measurement(list, "OBJECTS", usage->objects,
		arena_printf(arena, "%llu",
			(unsigned long long)usage->objects));
	for (size_t i = 0; i < TIERS; i++)
		add_measurement(list, types[i], tiers->of[i],
			human(arena, tiers->of[i]));
	return list;
}

static json_t *
info_of(struct control *control, const struct bucket *bucket,
	enum store_err *err)
{
	struct store *store = control->request->store;
	struct usage usage = {0};
	struct tier_bytes tiers;
	char created[25];

	*err = usage_of_bucket(store, bucket->ino, &usage);
	if (!*err)
		*err = tier_of_bucket(store, bucket->ino,
			clock_day(clock_now_ns()), &tiers);
	if (*err)
		return NULL;
	clock_to_iso8601(bucket->created_ns, created);
	return json_pack("{s:s, s:s, s:s, s:o, s:o}", "name", bucket->name,
		"creationTime", created, "location", bucket->region, "settings",
		control_settings_json(store, bucket, &usage), "usage",
		usage_of(control->request->arena, &usage, &tiers));
}

static bool
is_own(const struct control *control, const struct bucket *bucket)
{
	return !strcmp(bucket->owner, control->token.organization);
}

static enum control_code
one(struct control *control)
{
	struct bucket bucket;
	enum store_err err =
		bucket_get(control->request->store, control->rest, &bucket);
	json_t *info;

	if (err == STORE_NO_BUCKET || (!err && !is_own(control, &bucket)))
		return control_refuse(control, CONTROL_NOT_FOUND,
			"the organization has no such bucket");
	if (!err)
		control_note_resource(control, control->rest);
	info = err ? NULL : info_of(control, &bucket, &err);
	return info ? control_reply(control, json_pack("{s:[o]}", "info", info))
		    : control_store_error(control, err);
}

static enum store_err
add_page(struct control *control, const struct bucket *page, size_t count,
	json_t *list)
{
	enum store_err err = STORE_OK;

	for (size_t i = 0; i < count && !err; i++) {
		json_t *info = is_own(control, &page[i])
				       ? info_of(control, &page[i], &err)
				       : NULL;

		if (info)
			(void)json_array_append_new(list, info);
		/* It went meanwhile. */
		if (err == STORE_NO_BUCKET)
			err = STORE_OK;
	}
	return err;
}

enum control_code
control_bucket_info(struct control *control)
{
	struct arena *arena = control->request->arena;
	struct bucket *page;
	struct slice after = SLICE_NULL;
	size_t count = PAGE;
	enum store_err err = STORE_OK;
	json_t *list;

	if (control->rest.len > 0)
		return one(control);
	page = arena_new_array(arena, PAGE, struct bucket);
	list = json_array();
	while (count == PAGE && !err) {
		err = bucket_list(control->request->store, after, page, PAGE,
			&count);
		if (!err)
			err = add_page(control, page, count, list);
		if (count > 0)
			after = arena_copy(arena,
				slice_str(page[count - 1].name));
	}
	if (!err)
		return control_reply(control, json_pack("{s:o}", "info", list));
	json_decref(list);
	return control_store_error(control, err);
}
