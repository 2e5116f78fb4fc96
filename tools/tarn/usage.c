/* SPDX-License-Identifier: Apache-2.0 */
/* tarn usage: what buckets and organizations hold, and what that costs. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

#include "store/meter.h"
#include "tools/tarn/args.h"
#include "tools/tarn/command.h"
#include "tools/tarn/open.h"
#include "tools/tarn/price.h"
#include "tools/tarn/usage_history.h"
#include "tools/tarn/usage_prometheus.h"
#include "tools/tarn/usage_report.h"

struct words {
	const char *path;
	const char *organization; /* NULL: all */
	const char *prices;
	const char *from;
	const char *to;
	bool history;
	bool json;
	bool csv;
	bool prometheus;
};

/* --- now ------------------------------------------------------------------ */

static void
print_limit(const char *what, uint64_t limit)
{
	if (limit)
		printf("  %s %" PRIu64, what, limit);
}

/* " (12 hot, 34 cold)", without those of which there is nothing. */
static void
print_tiers(const struct tier_bytes *tiers)
{
	const char *before = " (";

	for (size_t i = 0; i < TIERS; i++) {
		if (tiers->of[i] == 0)
			continue;
		printf("%s%" PRIu64 " %s", before, tiers->of[i],
			tier_name((enum tier)i));
		before = ", ";
	}
	if (tier_sum(tiers) > 0)
		putchar(')');
}

static void
print_usage(const char *name, const struct usage *usage,
	const struct tier_bytes *tiers)
{
	printf("%-40s %12" PRIu64 " objects %18" PRIu64 " bytes", name,
		usage->objects, usage->bytes);
	if (usage->part_bytes)
		printf(" + %" PRIu64 " in parts", usage->part_bytes);
	print_tiers(tiers);
	print_limit("of at most", usage->quota.bytes);
	print_limit("objects at most", usage->quota.objects);
}

static json_t *
usage_json(const char *name, const struct usage *usage,
	const struct tier_bytes *tiers)
{
	json_t *bytes = json_object();

	for (size_t i = 0; i < TIERS; i++)
		(void)json_object_set_new(bytes, tier_name((enum tier)i),
			json_integer((json_int_t)tiers->of[i]));
	return json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:o}", "name", name,
		"objects", (json_int_t)usage->objects, "bytes",
		(json_int_t)usage->bytes, "partBytes",
		(json_int_t)usage->part_bytes, "quotaObjects",
		(json_int_t)usage->quota.objects, "quotaBytes",
		(json_int_t)usage->quota.bytes, "tiers", bytes);
}

static json_t *
organization_json(const struct usage_report *report,
	const struct usage_organization *one, const struct price_table *prices)
{
	json_t *root = usage_json(one->name, &one->usage, &one->tiers);
	json_t *buckets = json_array();

	for (size_t i = one->first; i < one->end; i++)
		(void)json_array_append_new(buckets,
			usage_json(report->lines[i].bucket.name,
				&report->lines[i].usage,
				&report->lines[i].tiers));
	(void)json_object_set_new(root, "buckets", buckets);
	(void)json_object_set_new(root, "dollarsPerMonth",
		json_real(price_of(prices, &one->tiers)));
	return root;
}

static void
print_organization(const struct usage_report *report,
	const struct usage_organization *one, const struct price_table *prices)
{
	print_usage(one->name, &one->usage, &one->tiers);
	printf("  $%.2f a month\n", price_of(prices, &one->tiers));
	for (size_t i = one->first; i < one->end; i++) {
		char indented[BUCKET_NAME_MAX + 3];

		snprintf(indented, sizeof(indented), "  %s",
			report->lines[i].bucket.name);
		print_usage(indented, &report->lines[i].usage,
			&report->lines[i].tiers);
		putchar('\n');
	}
}

static void
print_json(const struct usage_report *report, const struct price_table *prices)
{
	json_t *list = json_array();

	for (size_t i = 0; i < report->organization_count; i++)
		(void)json_array_append_new(list,
			organization_json(report, &report->organizations[i],
				prices));
	(void)json_dumpf(list, stdout,
		JSON_INDENT(2) | JSON_REAL_PRECISION(10));
	putchar('\n');
	json_decref(list);
}

static enum store_err
print_now(struct store *store, const struct words *words,
	const struct price_table *prices)
{
	scoped(usage_report_free) struct usage_report report = {0};
	enum store_err err =
		usage_report_gather(store, words->organization, &report);

	if (err)
		return err;
	if (words->prometheus) {
		usage_prometheus_print(&report, prices);
	} else if (words->json) {
		print_json(&report, prices);
	} else {
		for (size_t i = 0; i < report.organization_count; i++)
			print_organization(&report, &report.organizations[i],
				prices);
	}
	return STORE_OK;
}

/* --- over a period -------------------------------------------------------- */

static uint64_t
read_time(const struct args_command *command, const char *name,
	const char *text, uint64_t otherwise)
{
	uint64_t hour;

	if (!text)
		return otherwise;
	if (!usage_history_parse(text, &hour))
		args_refuse(command,
			"--%s takes a time in UTC, as 2026-11-21 or "
			"2026-11-21T20:00:00Z",
			name);
	return hour;
}

static void
read_period(const struct args_command *command, const struct words *words,
	struct usage_history *history)
{
	uint64_t end = usage_history_next_hour();

	history->from_hour =
		read_time(command, "from", words->from, usage_history_month());
	history->to_hour = read_time(command, "to", words->to, end);
	/* What is to come is not known. */
	if (history->to_hour > end)
		history->to_hour = end;
	if (history->from_hour >= history->to_hour)
		args_refuse(command,
			"no hour begins from --from on and before --to and "
			"now");
}

static int
print_history(struct store *store, const struct usage_history *history)
{
	uint64_t kept_from;
	enum store_err err = meter_kept_from(store, &kept_from);

	if (!err && history->from_hour < kept_from) {
		fprintf(stderr,
			"tarn: samples are kept for %d days: --from is before "
			"them\n",
			METER_KEPT_HOURS / 24);
		return COMMAND_FAILED;
	}
	if (!err)
		err = usage_history_print(store, history, stdout);
	return err ? open_fail("cannot read the samples", err) : COMMAND_OK;
}

/* --- words ---------------------------------------------------------------- */

static void
check_words(const struct args_command *command, const struct words *words)
{
	if (!words->path)
		args_refuse(command, "--store DIR is missing");
	if (words->json + words->csv + words->prometheus > 1)
		args_refuse(command,
			"--json, --csv and --prometheus exclude each other");
	if (words->history && words->prometheus)
		args_refuse(command,
			"--prometheus tells what there is now, without "
			"--history");
	if (!words->history && (words->from || words->to || words->csv))
		args_refuse(command,
			"--from, --to and --csv are for --history");
	if (words->csv && words->prices)
		args_refuse(command, "--csv has no prices");
}

int
usage_run(int argc, char **argv)
{
	struct words words = {.path = NULL};
	struct price_table prices = price_default();
	struct usage_history history = {.prices = &prices};
	const struct args_option options[] = {
		{"store", "DIR", "the store", &words.path, NULL, NULL},
		{"org", "ORG", "of this organization alone",
			&words.organization, NULL, NULL},
		{"prices", "FILE",
			"lines \"[TIER] FROM_GB PRICE\": dollars a GB and "
			"month (0.03)",
			&words.prices, NULL, NULL},
		{"history", NULL, "over a period, by hourly samples", NULL,
			&words.history, NULL},
		{"from", "TIME",
			"when it begins: 2026-11-21 or 2026-11-21T20:00:00Z "
			"(this month)",
			&words.from, NULL, NULL},
		{"to", "TIME", "when it ends (now)", &words.to, NULL, NULL},
		{"csv", NULL, "with --history: the samples, as CSV", NULL,
			&words.csv, NULL},
		{"json", NULL, "print JSON", NULL, &words.json, NULL},
		{"prometheus", NULL, "print Prometheus' text format", NULL,
			&words.prometheus, NULL},
	};
	const struct args_command command = {
		.usage = "tarn usage --store DIR [OPTION]...",
		.summary =
			"Tells what organizations and their buckets hold, how\n"
			"much they may, and what a month of it costs; or what\n"
			"they held over a period, and what that cost.  Parts "
			"of\n"
			"uploads that are not completed count; a GB is 2^30\n"
			"bytes, a month 730 hours.  Bytes are hot, warm, cold\n"
			"or of the archive by when they were accessed last.",
		.options = options,
		.option_count = array_len(options),
	};

	args_parse(&command, argc, argv);
	check_words(&command, &words);
	if (words.history)
		read_period(&command, &words, &history);
	if (words.prices && !price_read(words.prices, &prices))
		return COMMAND_FAILED;

	scoped(store_close) struct store *store =
			open_store(words.path, "usage", true);
	if (!store)
		return COMMAND_FAILED;
	if (words.history) {
		history.organization = words.organization;
		history.format = words.csv    ? USAGE_HISTORY_CSV
				 : words.json ? USAGE_HISTORY_JSON
					      : USAGE_HISTORY_TEXT;
		return print_history(store, &history);
	}
	enum store_err err = print_now(store, &words, &prices);
	return err ? open_fail("cannot read usage", err) : COMMAND_OK;
}
