/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/tarn/usage_report.h"

#include <stdlib.h>
#include <string.h>

#include "store/base/clock.h"
#include "store/organization.h"

#define PAGE 256

static int
compare_lines(const void *a, const void *b)
{
	const struct usage_line *first = a, *second = b;
	int order = strcmp(first->bucket.owner, second->bucket.owner);

	return order ? order : strcmp(first->bucket.name, second->bucket.name);
}

static enum store_err
add_bucket(struct store *store, const char *organization,
	const struct bucket *bucket, struct usage_report *report)
{
	struct usage usage;
	struct tier_bytes tiers;
	enum store_err err = usage_of_bucket(store, bucket->ino, &usage);

	if (!err)
		err = tier_of_bucket(store, bucket->ino,
			clock_day(clock_now_ns()), &tiers);
	/* Deleted a moment ago. */
	if (err == STORE_NO_BUCKET)
		return STORE_OK;
	if (err || (organization && strcmp(bucket->owner, organization) != 0))
		return err;
	report->lines = reallocarray(report->lines, report->count + 1,
		sizeof(*report->lines));
	if (!report->lines)
		error_out_of_memory();
	report->lines[report->count++] =
		(struct usage_line){*bucket, usage, tiers};
	return STORE_OK;
}

static enum store_err
add_buckets(struct store *store, const char *organization,
	struct usage_report *report)
{
	struct bucket page[PAGE];
	char after[BUCKET_NAME_MAX + 1] = "";
	size_t count = PAGE;
	enum store_err err = STORE_OK;

	while (!err && count == PAGE) {
		err = bucket_list(store, slice_str(after), page, PAGE, &count);
		for (size_t i = 0; !err && i < count; i++)
			err = add_bucket(store, organization, &page[i], report);
		if (!err && count > 0)
			memcpy(after, page[count - 1].name, sizeof(after));
	}
	if (report->count > 0)
		qsort(report->lines, report->count, sizeof(*report->lines),
			compare_lines);
	return err;
}

static enum store_err
add_organization(struct store *store, const char *name, size_t first,
	size_t end, struct usage_report *report)
{
	struct usage_organization one = {.first = first, .end = end};
	enum store_err err =
		usage_of_organization(store, slice_str(name), &one.usage);

	if (err)
		return err;
	for (size_t i = first; i < end; i++) {
		for (size_t tier = 0; tier < TIERS; tier++)
			one.tiers.of[tier] += report->lines[i].tiers.of[tier];
	}
	(void)slice_to_str(slice_str(name), one.name, sizeof(one.name));
	report->organizations = reallocarray(report->organizations,
		report->organization_count + 1, sizeof(one));
	if (!report->organizations)
		error_out_of_memory();
	report->organizations[report->organization_count++] = one;
	return STORE_OK;
}

enum store_err
usage_report_gather(struct store *store, const char *organization,
	struct usage_report *out)
{
	enum store_err err = STORE_OK;
	size_t end;

	*out = (struct usage_report){0};
	if (organization)
		err = organization_check(store, slice_str(organization));
	if (!err)
		err = add_buckets(store, organization, out);
	/* Its quota is of interest before it has a bucket. */
	if (!err && out->count == 0 && organization)
		return add_organization(store, organization, 0, 0, out);
	for (size_t first = 0; !err && first < out->count; first = end) {
		const char *owner = out->lines[first].bucket.owner;

		end = first;
		while (end < out->count &&
			!strcmp(out->lines[end].bucket.owner, owner))
			end++;
		err = add_organization(store, owner, first, end, out);
	}
	return err;
}

void
usage_report_free(struct usage_report *report)
{
	free(report->lines);
	free(report->organizations);
}
