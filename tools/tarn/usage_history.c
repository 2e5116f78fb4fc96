/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An organization is read twice: first what it held in each hour, which tells
 * what a byte cost then, and then each of its buckets.
 */
#include "tools/tarn/usage_history.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "store/base/clock.h"
#include "store/meter.h"

#define PAGE 256
#define S_PER_HOUR 3600
#define DATE_LEN 10

/* --- the period ----------------------------------------------------------- */

static uint64_t
hour_at_or_after(int64_t time_ns)
{
	int64_t ns_per_hour = S_PER_HOUR * CLOCK_NS_PER_S;
	uint64_t hour = meter_hour(time_ns);

	return hour + (time_ns > 0 && time_ns % ns_per_hour > 0);
}

bool
usage_history_parse(const char *text, uint64_t *hour)
{
	char whole[64];
	int64_t time_ns;

	(void)snprintf(whole, sizeof(whole), "%s%s", text,
		strlen(text) == DATE_LEN ? "T00:00:00Z" : "");
	if (!clock_from_iso8601(slice_str(whole), &time_ns))
		return false;
	*hour = hour_at_or_after(time_ns);
	return true;
}

uint64_t
usage_history_next_hour(void)
{
	return hour_at_or_after(clock_now_ns());
}

uint64_t
usage_history_month(void)
{
	time_t now = (time_t)(clock_now_ns() / CLOCK_NS_PER_S);
	struct tm tm;

	if (!gmtime_r(&now, &tm))
		return 0;
	tm.tm_mday = 1;
	tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
	return (uint64_t)(timegm(&tm) / S_PER_HOUR);
}

struct hour_text {
	char text[25];
};

static struct hour_text
text_of(uint64_t hour)
{
	struct hour_text text;

	clock_to_iso8601((int64_t)hour * S_PER_HOUR * CLOCK_NS_PER_S,
		text.text);
	return text;
}

/* --- readings ------------------------------------------------------------- */

static struct meter_range
range_of(const struct usage_history *history)
{
	return (struct meter_range){
		.organization = history->organization,
		.from_hour = history->from_hour,
		.to_hour = history->to_hour,
	};
}

static enum store_err
each_reading(struct store *store, const struct meter_range *range,
	enum store_err (*visit)(const struct meter_reading *reading,
		void *context),
	void *context)
{
	struct meter_reading page[PAGE];
	struct meter_place place = {.is_end = false};
	enum store_err err = STORE_OK;

	while (!err && !place.is_end) {
		size_t count;

		err = meter_read(store, range, &place, page, PAGE, &count);
		for (size_t i = 0; !err && i < count; i++)
			err = visit(&page[i], context);
	}
	return err;
}

/* --- sums ----------------------------------------------------------------- */

struct sum {
	uint64_t hours; /* in which it held anything */
	double byte_hours[TIERS];
	double dollars;
};

static double
all_byte_hours(const struct sum *sum)
{
	double all = 0;

	for (size_t i = 0; i < TIERS; i++)
		all += sum->byte_hours[i];
	return all;
}

static double
gb_months(double byte_hours)
{
	return byte_hours / PRICE_GB / PRICE_HOURS;
}

/* What a byte of each tier has cost up to an hour. */
struct costs {
	double of[TIERS];
};

struct bill {
	struct store *store;
	const struct usage_history *history;
	FILE *to;
	size_t hours;
	json_t *list;	 /* of organizations; NULL: as text */
	json_t *buckets; /* of the organization */
	bool has_any;

	/* the organization of the first reading */
	char organization[ORGANIZATION_NAME_MAX + 1];
	/* Of each hour, what more it held than in the one before, modulo
	 * 2^64. */
	struct tier_bytes *more;
	/* Of each hour, and the end: by its beginning. */
	struct costs *cost;

	/* the bucket of the reading before, and what it held from then on */
	char bucket[BUCKET_NAME_MAX + 1];
	uint64_t hour;
	struct tier_bytes bytes;
	struct sum sum;
};

static json_t *
sum_json(const char *name, const struct sum *sum, double average)
{
	json_t *tiers = json_object();

	for (size_t i = 0; i < TIERS; i++)
		(void)json_object_set_new(tiers, tier_name((enum tier)i),
			json_real(gb_months(sum->byte_hours[i])));
	return json_pack("{s:s, s:I, s:I, s:f, s:o, s:f}", "name", name,
		"hours", (json_int_t)sum->hours, "averageBytes",
		(json_int_t)average, "gbMonths", gb_months(all_byte_hours(sum)),
		"tiers", tiers, "dollars", sum->dollars);
}

/* "  (1.5 hot, 2.5 cold)": GB-months, without those of which there is none. */
static void
print_tiers(FILE *to, const struct sum *sum)
{
	const char *before = "  (";

	for (size_t i = 0; i < TIERS; i++) {
		if (sum->byte_hours[i] <= 0)
			continue;
		fprintf(to, "%s%.6f %s", before, gb_months(sum->byte_hours[i]),
			tier_name((enum tier)i));
		before = ", ";
	}
	fputs(sum->hours ? ")\n" : "\n", to);
}

/* Takes buckets; NULL: it is one itself. */
static void
tell(struct bill *bill, const char *name, const struct sum *sum,
	json_t *buckets)
{
	double all = all_byte_hours(sum);
	double average = sum->hours ? all / (double)sum->hours : 0;

	if (!bill->list) {
		fprintf(bill->to,
			"%s%-*s %6" PRIu64 " hours %20.0f bytes %14.6f "
			"GB-months  $%.2f",
			buckets ? "" : "  ", buckets ? 40 : 38, name,
			sum->hours, average, gb_months(all), sum->dollars);
		print_tiers(bill->to, sum);
		return;
	}
	json_t *line = sum_json(name, sum, average);
	if (buckets)
		(void)json_object_set(line, "buckets", buckets);
	(void)json_array_append_new(buckets ? bill->list : bill->buckets, line);
}

/* --- a bucket ------------------------------------------------------------- */

/* It held so much up to that hour. */
static void
add_until(struct bill *bill, uint64_t hour)
{
	uint64_t from = bill->history->from_hour;
	const struct costs *was = &bill->cost[bill->hour - from];
	const struct costs *now = &bill->cost[hour - from];
	uint64_t hours = hour - bill->hour;

	if (tier_sum(&bill->bytes) == 0)
		return;
	bill->sum.hours += hours;
	for (size_t i = 0; i < TIERS; i++) {
		double bytes = (double)bill->bytes.of[i];

		bill->sum.byte_hours[i] += bytes * (double)hours;
		bill->sum.dollars += bytes * (now->of[i] - was->of[i]);
	}
}

static void
end_bucket(struct bill *bill)
{
	if (!bill->bucket[0])
		return;
	add_until(bill, bill->history->to_hour);
	tell(bill, bill->bucket, &bill->sum, NULL);
	bill->bucket[0] = '\0';
}

static enum store_err
add_to_bucket(const struct meter_reading *reading, void *context)
{
	struct bill *bill = context;

	if (strcmp(reading->bucket, bill->bucket) != 0) {
		end_bucket(bill);
		memcpy(bill->bucket, reading->bucket, sizeof(bill->bucket));
		bill->sum = (struct sum){0};
	} else {
		add_until(bill, reading->hour);
	}
	bill->hour = reading->hour;
	bill->bytes = reading->tiers;
	return STORE_OK;
}

/* --- an organization ------------------------------------------------------ */

static void
add_hour(struct bill *bill, size_t hour, const struct tier_bytes *bytes,
	struct sum *sum)
{
	const struct costs *was = &bill->cost[hour];
	struct costs *now = &bill->cost[hour + 1];

	price_of_byte(bill->history->prices, bytes, now->of);
	sum->hours += tier_sum(bytes) > 0;
	for (size_t i = 0; i < TIERS; i++) {
		now->of[i] /= PRICE_HOURS;
		sum->byte_hours[i] += (double)bytes->of[i];
		sum->dollars += (double)bytes->of[i] * now->of[i];
		now->of[i] += was->of[i];
	}
}

static struct sum
sum_hours(struct bill *bill)
{
	struct sum sum = {0};
	struct tier_bytes bytes = {0};

	bill->cost[0] = (struct costs){0};
	for (size_t hour = 0; hour < bill->hours; hour++) {
		for (size_t i = 0; i < TIERS; i++)
			bytes.of[i] += bill->more[hour].of[i];
		bill->more[hour] = (struct tier_bytes){0};
		add_hour(bill, hour, &bytes, &sum);
	}
	return sum;
}

static enum store_err
end_organization(struct bill *bill)
{
	struct meter_range range = range_of(bill->history);

	if (!bill->has_any)
		return STORE_OK;
	bill->bucket[0] = '\0';

	range.organization = bill->organization;
	struct sum sum = sum_hours(bill);
	json_t *buckets = bill->buckets = json_array();

	/* As text its line is above those of its buckets. */
	if (!bill->list)
		tell(bill, bill->organization, &sum, buckets);
	enum store_err err =
		each_reading(bill->store, &range, add_to_bucket, bill);
	if (!err)
		end_bucket(bill);
	if (!err && bill->list)
		tell(bill, bill->organization, &sum, buckets);
	json_decref(buckets);
	bill->bucket[0] = '\0';
	return err;
}

static enum store_err
add_to_organization(const struct meter_reading *reading, void *context)
{
	struct bill *bill = context;
	size_t hour = reading->hour - bill->history->from_hour;
	enum store_err err = STORE_OK;

	if (!bill->has_any ||
		strcmp(reading->organization, bill->organization) != 0) {
		err = end_organization(bill);
		memcpy(bill->organization, reading->organization,
			sizeof(bill->organization));
		bill->has_any = true;
	}
	if (strcmp(reading->bucket, bill->bucket) != 0) {
		memcpy(bill->bucket, reading->bucket, sizeof(bill->bucket));
		bill->bytes = (struct tier_bytes){0};
	}
	for (size_t i = 0; i < TIERS; i++)
		bill->more[hour].of[i] +=
			reading->tiers.of[i] - bill->bytes.of[i];
	bill->bytes = reading->tiers;
	return err;
}

static enum store_err
run(struct bill *bill)
{
	const struct meter_range range = range_of(bill->history);
	enum store_err err =
		each_reading(bill->store, &range, add_to_organization, bill);

	return err ? err : end_organization(bill);
}

static void
print_json(const struct bill *bill)
{
	json_t *root = json_pack("{s:s, s:s, s:I, s:O}", "from",
		text_of(bill->history->from_hour).text, "to",
		text_of(bill->history->to_hour).text, "hours",
		(json_int_t)bill->hours, "organizations", bill->list);

	(void)json_dumpf(root, bill->to,
		JSON_INDENT(2) | JSON_REAL_PRECISION(15));
	fputc('\n', bill->to);
	json_decref(root);
}

static enum store_err
print_bill(struct store *store, const struct usage_history *history, FILE *to)
{
	struct bill bill = {
		.store = store,
		.history = history,
		.to = to,
		.hours = history->to_hour - history->from_hour,
		.list = history->format == USAGE_HISTORY_JSON ? json_array()
							      : NULL,
	};

	bill.more = calloc(bill.hours, sizeof(*bill.more));
	bill.cost = calloc(bill.hours + 1, sizeof(*bill.cost));
	if (!bill.more || !bill.cost)
		error_out_of_memory();
	if (!bill.list)
		fprintf(to, "%s to %s: %zu hours\n",
			text_of(history->from_hour).text,
			text_of(history->to_hour).text, bill.hours);
	enum store_err err = run(&bill);
	if (!err && bill.list)
		print_json(&bill);
	json_decref(bill.list);
	free(bill.more);
	free(bill.cost);
	return err;
}

/* --- CSV ------------------------------------------------------------------ */

static void
print_field(FILE *to, const char *text)
{
	if (!text[strcspn(text, "\",\r\n")]) {
		fprintf(to, "%s,", text);
		return;
	}
	fputc('"', to);
	for (; *text; text++) {
		if (*text == '"')
			fputc('"', to);
		fputc(*text, to);
	}
	fputs("\",", to);
}

static enum store_err
print_line(const struct meter_reading *reading, void *context)
{
	FILE *to = context;

	print_field(to, text_of(reading->hour).text);
	print_field(to, reading->organization);
	print_field(to, reading->bucket);
	fprintf(to, "%" PRIu64 ",%" PRIu64 ",%" PRIu64, reading->objects,
		reading->bytes, reading->part_bytes);
	for (size_t i = 0; i < TIERS; i++)
		fprintf(to, ",%" PRIu64, reading->tiers.of[i]);
	fputs("\r\n", to);
	return STORE_OK;
}

static enum store_err
print_csv(struct store *store, const struct usage_history *history, FILE *to)
{
	const struct meter_range range = range_of(history);

	fputs("time,organization,bucket,objects,bytes,partBytes", to);
	for (size_t i = 0; i < TIERS; i++)
		fprintf(to, ",%sBytes", tier_name((enum tier)i));
	fputs("\r\n", to);
	return each_reading(store, &range, print_line, to);
}

/* One that is gone may have its history. */
static enum store_err
check_organization(struct store *store, const struct usage_history *history)
{
	const struct meter_range range = range_of(history);
	struct meter_place place = {.is_end = false};
	struct meter_reading reading;
	size_t count = 0;
	enum store_err err =
		organization_name_is_valid(slice_str(history->organization))
			? STORE_OK
			: STORE_NO_ORGANIZATION;

	while (!err && count == 0 && !place.is_end)
		err = meter_read(store, &range, &place, &reading, 1, &count);
	if (err || count > 0)
		return err;
	return organization_check(store, slice_str(history->organization));
}

enum store_err
usage_history_print(struct store *store, const struct usage_history *history,
	FILE *to)
{
	enum store_err err = history->organization
				     ? check_organization(store, history)
				     : STORE_OK;

	if (err)
		return err;
	return history->format == USAGE_HISTORY_CSV
		       ? print_csv(store, history, to)
		       : print_bill(store, history, to);
}
