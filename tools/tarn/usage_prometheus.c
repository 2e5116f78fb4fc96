/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/tarn/usage_prometheus.h"

#include <inttypes.h>
#include <stdio.h>

enum quantity {
	OBJECTS,
	BYTES,
	PART_BYTES,
	QUOTA_OBJECTS,
	QUOTA_BYTES,
};

static const struct {
	const char *name;
	enum quantity quantity;
	const char *help;
} metrics[] = {
	{"objects", OBJECTS, "Objects that S3 sees."},
	{"bytes", BYTES, "Bytes of these objects."},
	{"part_bytes", PART_BYTES,
		"Bytes of parts of uploads that are not completed."},
	{"quota_objects", QUOTA_OBJECTS, "Objects there may be."},
	{"quota_bytes", QUOTA_BYTES, "Bytes there may be, with parts."},
};

/* False: there is no such quota. */
static bool
value_of(const struct usage *usage, enum quantity quantity, uint64_t *value)
{
	*value = 0;
	switch (quantity) {
	case OBJECTS:
		*value = usage->objects;
		return true;
	case BYTES:
		*value = usage->bytes;
		return true;
	case PART_BYTES:
		*value = usage->part_bytes;
		return true;
	case QUOTA_OBJECTS:
		*value = usage->quota.objects;
		return *value > 0;
	case QUOTA_BYTES:
		*value = usage->quota.bytes;
		return *value > 0;
	}
	return false;
}

static void
print_label(const char *name, const char *value)
{
	printf("%s=\"", name);
	for (; *value; value++) {
		if (*value == '\n')
			fputs("\\n", stdout);
		else if (*value == '"' || *value == '\\')
			printf("\\%c", *value);
		else
			putchar(*value);
	}
	putchar('"');
}

static void
print_head(const char *what, const char *name, const char *help)
{
	printf("# HELP tarn_%s_%s %s\n# TYPE tarn_%s_%s gauge\n", what, name,
		help, what, name);
}

/* bucket NULL: of the organization. */
static void
print_names(const char *organization, const char *bucket)
{
	print_label("organization", organization);
	if (bucket) {
		putchar(',');
		print_label("bucket", bucket);
	}
}

static void
print_labels(const char *what, const char *name, const char *organization,
	const char *bucket)
{
	printf("tarn_%s_%s{", what, name);
	print_names(organization, bucket);
	fputs("} ", stdout);
}

static void
print_value(size_t metric, const char *what, const char *organization,
	const char *bucket, const struct usage *usage)
{
	uint64_t value;

	if (!value_of(usage, metrics[metric].quantity, &value))
		return;
	print_labels(what, metrics[metric].name, organization, bucket);
	printf("%" PRIu64 "\n", value);
}

static void
print_tiers(const char *what, const char *organization, const char *bucket,
	const struct tier_bytes *tiers)
{
	for (size_t i = 0; i < TIERS; i++) {
		printf("tarn_%s_tier_bytes{", what);
		print_names(organization, bucket);
		putchar(',');
		print_label("tier", tier_name((enum tier)i));
		printf("} %" PRIu64 "\n", tiers->of[i]);
	}
}

static void
print_all_tiers(const struct usage_report *report)
{
	static const char help[] =
		"Bytes, with parts, by when they were accessed last.";

	print_head("bucket", "tier_bytes", help);
	for (size_t i = 0; i < report->count; i++)
		print_tiers("bucket", report->lines[i].bucket.owner,
			report->lines[i].bucket.name, &report->lines[i].tiers);
	print_head("organization", "tier_bytes", help);
	for (size_t i = 0; i < report->organization_count; i++)
		print_tiers("organization", report->organizations[i].name, NULL,
			&report->organizations[i].tiers);
}

static void
print_costs(const struct usage_report *report, const struct price_table *prices)
{
	print_head("organization", "dollars_per_month",
		"What a month of it costs.");
	for (size_t i = 0; i < report->organization_count; i++) {
		const struct usage_organization *at = &report->organizations[i];

		print_labels("organization", "dollars_per_month", at->name,
			NULL);
		printf("%.10g\n", price_of(prices, &at->tiers));
	}
}

void
usage_prometheus_print(const struct usage_report *report,
	const struct price_table *prices)
{
	for (size_t m = 0; m < array_len(metrics); m++) {
		print_head("bucket", metrics[m].name, metrics[m].help);
		for (size_t i = 0; i < report->count; i++)
			print_value(m, "bucket", report->lines[i].bucket.owner,
				report->lines[i].bucket.name,
				&report->lines[i].usage);
	}
	for (size_t m = 0; m < array_len(metrics); m++) {
		print_head("organization", metrics[m].name, metrics[m].help);
		for (size_t i = 0; i < report->organization_count; i++)
			print_value(m, "organization",
				report->organizations[i].name, NULL,
				&report->organizations[i].usage);
	}
	print_all_tiers(report);
	print_costs(report, prices);
}
