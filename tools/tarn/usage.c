/* SPDX-License-Identifier: Apache-2.0 */
/* tarn usage: what buckets and organizations hold, and what that costs. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/bucket.h"
#include "store/organization.h"
#include "store/usage.h"
#include "tools/tarn/args.h"
#include "tools/tarn/command.h"
#include "tools/tarn/open.h"
#include "tools/tarn/price.h"

#define PAGE 256

struct line {
	struct bucket bucket;
	struct usage usage;
};

/* Sorted by owner, then name: an organization's buckets are neighbours. */
struct report {
	struct store *store;
	const char *organization; /* NULL: all */
	struct price_table prices;
	struct line *lines;
	size_t count;
};

static int
compare_lines(const void *a, const void *b)
{
	const struct line *first = a, *second = b;
	int order = strcmp(first->bucket.owner, second->bucket.owner);

	return order ? order : strcmp(first->bucket.name, second->bucket.name);
}

static enum store_err
add_bucket(struct report *report, const struct bucket *bucket)
{
	struct usage usage;
	enum store_err err =
		usage_of_bucket(report->store, bucket->ino, &usage);

	/* Deleted a moment ago. */
	if (err == STORE_NO_BUCKET)
		return STORE_OK;
	if (err || (report->organization &&
			   strcmp(bucket->owner, report->organization) != 0))
		return err;
	report->lines = reallocarray(report->lines, report->count + 1,
		sizeof(*report->lines));
	if (!report->lines)
		error_out_of_memory();
	report->lines[report->count++] = (struct line){*bucket, usage};
	return STORE_OK;
}

static enum store_err
gather(struct report *report)
{
	struct bucket page[PAGE];
	char after[BUCKET_NAME_MAX + 1] = "";
	size_t count = PAGE;
	enum store_err err = STORE_OK;

	while (!err && count == PAGE) {
		err = bucket_list(report->store, slice_str(after), page, PAGE,
			&count);
		for (size_t i = 0; !err && i < count; i++)
			err = add_bucket(report, &page[i]);
		if (!err && count > 0)
			memcpy(after, page[count - 1].name, sizeof(after));
	}
	if (report->count > 0)
		qsort(report->lines, report->count, sizeof(*report->lines),
			compare_lines);
	return err;
}

static uint64_t
held(const struct usage *usage)
{
	return usage->bytes + usage->part_bytes;
}

static void
print_limit(const char *what, uint64_t limit)
{
	if (limit)
		printf("  %s %" PRIu64, what, limit);
}

static void
print_usage(const char *name, const struct usage *usage)
{
	printf("%-40s %12" PRIu64 " objects %18" PRIu64 " bytes", name,
		usage->objects, usage->bytes);
	if (usage->part_bytes)
		printf(" + %" PRIu64 " in parts", usage->part_bytes);
	print_limit("of at most", usage->quota.bytes);
	print_limit("objects at most", usage->quota.objects);
}

static json_t *
usage_json(const char *name, const struct usage *usage)
{
	return json_pack("{s:s, s:I, s:I, s:I, s:I, s:I}", "name", name,
		"objects", (json_int_t)usage->objects, "bytes",
		(json_int_t)usage->bytes, "partBytes",
		(json_int_t)usage->part_bytes, "quotaObjects",
		(json_int_t)usage->quota.objects, "quotaBytes",
		(json_int_t)usage->quota.bytes);
}

/* One organization: the lines from `first` to before `end`. */
static json_t *
organization_json(const struct report *report, const char *name,
	const struct usage *usage, size_t first, size_t end)
{
	json_t *root = usage_json(name, usage);
	json_t *buckets = json_array();

	for (size_t i = first; i < end; i++)
		(void)json_array_append_new(buckets,
			usage_json(report->lines[i].bucket.name,
				&report->lines[i].usage));
	(void)json_object_set_new(root, "buckets", buckets);
	(void)json_object_set_new(root, "dollarsPerMonth",
		json_real(price_of(&report->prices, held(usage))));
	return root;
}

static void
print_organization(const struct report *report, const char *name,
	const struct usage *usage, size_t first, size_t end)
{
	print_usage(name, usage);
	printf("  $%.2f a month\n", price_of(&report->prices, held(usage)));
	for (size_t i = first; i < end; i++) {
		char indented[BUCKET_NAME_MAX + 3];

		snprintf(indented, sizeof(indented), "  %s",
			report->lines[i].bucket.name);
		print_usage(indented, &report->lines[i].usage);
		putchar('\n');
	}
}

/* list NULL: as text. */
static enum store_err
report_organization(const struct report *report, const char *name, size_t first,
	size_t end, json_t *list)
{
	struct usage usage;
	enum store_err err =
		usage_of_organization(report->store, slice_str(name), &usage);

	if (!err && list)
		(void)json_array_append_new(list,
			organization_json(report, name, &usage, first, end));
	else if (!err)
		print_organization(report, name, &usage, first, end);
	return err;
}

static enum store_err
report_all(const struct report *report, json_t *list)
{
	enum store_err err = STORE_OK;
	size_t end;

	/* Its quota is of interest before it has a bucket. */
	if (report->count == 0 && report->organization)
		return report_organization(report, report->organization, 0, 0,
			list);
	for (size_t first = 0; !err && first < report->count; first = end) {
		const char *owner = report->lines[first].bucket.owner;

		end = first;
		while (end < report->count &&
			!strcmp(report->lines[end].bucket.owner, owner))
			end++;
		err = report_organization(report, owner, first, end, list);
	}
	return err;
}

static int
print_report(struct report *report, bool json)
{
	json_t *list = json ? json_array() : NULL;
	enum store_err err = STORE_OK;

	if (report->organization)
		err = organization_check(report->store,
			slice_str(report->organization));
	if (!err)
		err = gather(report);
	if (!err)
		err = report_all(report, list);
	if (!err && json) {
		(void)json_dumpf(list, stdout,
			JSON_INDENT(2) | JSON_REAL_PRECISION(10));
		putchar('\n');
	}
	json_decref(list);
	free(report->lines);
	return err ? open_fail("cannot read usage", err) : COMMAND_OK;
}

int
usage_run(int argc, char **argv)
{
	struct report report = {.prices = price_default()};
	const char *path = NULL;
	const char *prices = NULL;
	bool json = false;
	const struct args_option options[] = {
		{"store", "DIR", "the store", &path, NULL, NULL},
		{"org", "ORG", "of this organization alone",
			&report.organization, NULL, NULL},
		{"prices", "FILE",
			"lines \"FROM_GB PRICE\": dollars a GB and month "
			"(0.03)",
			&prices, NULL, NULL},
		{"json", NULL, "print JSON", NULL, &json, NULL},
	};
	const struct args_command command = {
		.usage = "tarn usage --store DIR [--org ORG] [--prices FILE] "
			 "[--json]",
		.summary =
			"Tells what organizations and their buckets hold, how\n"
			"much they may, and what a month of it costs.  Parts "
			"of\n"
			"uploads that are not completed count; a GB is 10^9\n"
			"bytes.",
		.options = options,
		.option_count = array_len(options),
	};

	args_parse(&command, argc, argv);
	if (!path)
		args_refuse(&command, "--store DIR is missing");
	if (prices && !price_read(prices, &report.prices))
		return COMMAND_FAILED;

	scoped(store_close) struct store *store =
			open_store(path, "usage", true);
	if (!store)
		return COMMAND_FAILED;
	report.store = store;
	return print_report(&report, json);
}
