/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/control/control_private.h"
#include "store/base/clock.h"
#include "store/bucket.h"
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

static json_t *
info_of(struct control *control, const struct bucket *bucket,
	enum store_err *err)
{
	struct arena *arena = control->request->arena;
	struct usage usage = {0};
	char created[25];

	*err = usage_of_bucket(control->request->store, bucket->ino, &usage);
	if (*err)
		return NULL;
	clock_to_iso8601(bucket->created_ns, created);
	return json_pack("{s:s, s:s, s:s, s:o, s:[{s:s, s:I, s:s}, "
			 "{s:s, s:I, s:s}]}",
		"name", bucket->name, "creationTime", created, "location",
		bucket->region, "settings",
		control_settings_json(control->request->store, bucket, &usage),
		"usage", "measurementType", "BYTES", "value",
		(json_int_t)usage.bytes, "valueHumanReadable",
		human(arena, usage.bytes).data, "measurementType", "OBJECTS",
		"value", (json_int_t)usage.objects, "valueHumanReadable",
		arena_printf(arena, "%llu", (unsigned long long)usage.objects)
			.data);
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
