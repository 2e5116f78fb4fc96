/* SPDX-License-Identifier: Apache-2.0 */
/* Samples are put behind the engine's back: of any hour and any size. */
#include "tools/tarn/usage_history.h"

#include <assert.h>
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <jansson.h>
#include <stdlib.h>
#include <unistd.h>

#include "store/commit_private.h"
#include "store/meter_private.h"
#include "tests/support/temp_store.h"

#define GB (1ull << 30)
#define FROM 1000
#define MONTH PRICE_HOURS

static const struct price_table steps = {
	.all = {.count = 2, .steps = {{0, 1}, {10, 0.5}}}};

static const struct price_table by_tier = {.is_by_tier = true,
	.of = {
		[TIER_HOT] = {.count = 2, .steps = {{0, 8}, {10, 4}}},
		[TIER_WARM] = {.count = 1, .steps = {{0, 2}}},
		[TIER_COLD] = {.count = 1, .steps = {{0, 1}}},
		[TIER_ARCHIVE] = {.count = 1, .steps = {{0, 0.5}}},
	}};

struct sample {
	const char *organization;
	const char *bucket;
	uint64_t hour;
	struct record_sample record;
};

static enum store_err
apply_sample(struct store *store, struct db_txn *txn, void *arg)
{
	scoped(buffer_free) struct buffer value = {0};
	const struct sample *sample = arg;
	struct store_document_kind kind;
	struct meter_name name;
	bool has_name = meter_name_make(slice_str(sample->organization),
		slice_str(sample->bucket), sample->hour, &name);

	(void)store;
	assert(has_name);
	kind = meter_name_kind(&name);
	record_sample_encode(&value, &sample->record);
	return store_document_put(txn, &kind, buffer_slice(&value));
}

static void
sampled_tiers(struct store *store, const char *organization, const char *bucket,
	uint64_t hour, const struct record_sample *record)
{
	struct sample sample = {organization, bucket, hour, *record};

	cr_assert(zero(int, commit_run(store, apply_sample, &sample, NULL)));
}

static void
sampled(struct store *store, const char *organization, const char *bucket,
	uint64_t hour, uint64_t bytes)
{
	struct sample sample = {organization, bucket, hour,
		{.objects = bytes > 0, .bytes = bytes}};

	cr_assert(zero(int, commit_run(store, apply_sample, &sample, NULL)));
}

static char *
print(struct store *store, const struct usage_history *history)
{
	char *text = NULL;
	size_t len;
	FILE *to = open_memstream(&text, &len);

	cr_assert(ne(ptr, to, NULL));
	cr_assert(zero(int, usage_history_print(store, history, to)));
	fclose(to);
	return text;
}

static json_t *
bill(struct store *store, const struct price_table *prices, uint64_t from,
	uint64_t to)
{
	const struct usage_history history = {
		NULL, from, to, prices, USAGE_HISTORY_JSON};
	char *text = print(store, &history);
	json_t *root = json_loads(text, 0, NULL);

	cr_assert(ne(ptr, root, NULL), "%s", text);
	free(text);
	return root;
}

static json_t *
organization(json_t *root, size_t i)
{
	return json_array_get(json_object_get(root, "organizations"), i);
}

static json_t *
bucket(json_t *root, size_t i)
{
	return json_array_get(json_object_get(organization(root, 0), "buckets"),
		i);
}

static double
number(json_t *line, const char *name)
{
	return json_number_value(json_object_get(line, name));
}

static void
expect_line(json_t *line, const char *name, double hours, double gb,
	double gb_months, double dollars)
{
	cr_expect(eq(str,
		(char *)json_string_value(json_object_get(line, "name")),
		(char *)name));
	cr_expect(epsilon_eq(dbl, number(line, "hours"), hours, 1e-9));
	cr_expect(epsilon_eq(dbl, number(line, "averageBytes"), gb * GB, 1));
	cr_expect(epsilon_eq(dbl, number(line, "gbMonths"), gb_months, 1e-9));
	cr_expect(epsilon_eq(dbl, number(line, "dollars"), dollars, 1e-9));
}

Test(usage_history, a_steady_month_costs_what_the_table_says)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	const struct price_table prices = price_default();

	sampled(temp.store, "default", "one", 5, 100 * GB);
	json_t *root = bill(temp.store, &prices, FROM, FROM + MONTH);

	cr_expect(eq(int, (int)number(root, "hours"), MONTH));
	expect_line(organization(root, 0), "default", MONTH, 100, 100, 3);
	expect_line(bucket(root, 0), "one", MONTH, 100, 100, 3);
	json_decref(root);
}

Test(usage_history, buckets_share_the_steps_of_their_organization)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();

	sampled(temp.store, "default", "one", FROM, 10 * GB);
	sampled(temp.store, "default", "two", FROM, 20 * GB);
	sampled(temp.store, "other", "three", FROM, 10 * GB);
	json_t *root = bill(temp.store, &steps, FROM, FROM + MONTH);

	expect_line(organization(root, 0), "default", MONTH, 30, 30, 20);
	expect_line(bucket(root, 0), "one", MONTH, 10, 10, 20 / 3.);
	expect_line(bucket(root, 1), "two", MONTH, 20, 20, 40 / 3.);
	expect_line(organization(root, 1), "other", MONTH, 10, 10, 10);
	json_decref(root);
}

Test(usage_history, steps_are_climbed_hour_by_hour)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();

	sampled(temp.store, "default", "one", FROM + MONTH / 2, 20 * GB);
	json_t *first = bill(temp.store, &steps, FROM, FROM + MONTH / 2 + 73);
	json_t *second =
		bill(temp.store, &steps, FROM + MONTH / 2 + 73, FROM + MONTH);
	json_t *whole = bill(temp.store, &steps, FROM, FROM + MONTH);

	/* 10 GB on the average would cost 10. */
	expect_line(bucket(whole, 0), "one", MONTH / 2, 20, 10, 7.5);
	expect_line(bucket(first, 0), "one", 73, 20, 2, 1.5);
	expect_line(bucket(second, 0), "one", MONTH / 2 - 73, 20, 8, 6);
	json_decref(first);
	json_decref(second);
	json_decref(whole);
}

Test(usage_history, a_bucket_is_counted_while_it_holds_something)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();

	sampled(temp.store, "default", "one", FROM + 10, 4 * GB);
	sampled(temp.store, "default", "one", FROM + 20, 8 * GB);
	sampled(temp.store, "default", "one", FROM + 30, 0);
	sampled(temp.store, "default", "one", FROM + 50, 6 * GB);
	sampled(temp.store, "default", "two", FROM + 29, 6 * GB);
	json_t *root = bill(temp.store, &steps, FROM, FROM + 60);

	/* Together for an hour, with 8 and 6 GB, and for ten, with 6 and 6. */
	expect_line(bucket(root, 0), "one", 30, 6, 180. / MONTH,
		(10 * 4 + 9 * 8 + 8 * 12 / 14. + 10 * 6 * 11 / 12.) / MONTH);
	expect_line(bucket(root, 1), "two", 31, 6, 186. / MONTH,
		(20 * 6 + 6 * 12 / 14. + 10 * 6 * 11 / 12.) / MONTH);
	cr_expect(epsilon_eq(dbl, number(organization(root, 0), "hours"), 50,
		1e-9));
	json_decref(root);
}

Test(usage_history, tiers_have_their_own_prices_and_steps)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();

	/* Hot, warm, cold, archived: 15, 0, 0, 0; 5, 4, 2, 1. */
	sampled(temp.store, "default", "one", FROM, 15 * GB);
	sampled_tiers(temp.store, "default", "two", FROM,
		&(struct record_sample){1, 11 * GB, GB, 4 * GB, 2 * GB, GB});
	json_t *root = bill(temp.store, &by_tier, FROM, FROM + MONTH);

	/* 20 GB of the organization are hot: 10 for 8 dollars, 10 for 4. */
	expect_line(organization(root, 0), "default", MONTH, 27, 27, 130.5);
	expect_line(bucket(root, 0), "one", MONTH, 15, 15, 90);
	expect_line(bucket(root, 1), "two", MONTH, 12, 12, 40.5);
	json_t *tiers = json_object_get(bucket(root, 1), "tiers");
	cr_expect(epsilon_eq(dbl, number(tiers, "hot"), 5, 1e-9));
	cr_expect(epsilon_eq(dbl, number(tiers, "warm"), 4, 1e-9));
	cr_expect(epsilon_eq(dbl, number(tiers, "cold"), 2, 1e-9));
	cr_expect(epsilon_eq(dbl, number(tiers, "archive"), 1, 1e-9));
	json_decref(root);
}

Test(usage_history, what_cools_down_gets_cheaper_from_that_hour_on)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();

	sampled(temp.store, "default", "one", FROM, 10 * GB);
	sampled_tiers(temp.store, "default", "one", FROM + 73,
		&(struct record_sample){1, 10 * GB, 0, 10 * GB, 0, 0});
	json_t *root = bill(temp.store, &by_tier, FROM, FROM + MONTH);

	expect_line(bucket(root, 0), "one", MONTH, 10, 10, 8 + 18);
	json_decref(root);
}

Test(usage_history, as_text_it_is_a_table)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	const struct price_table prices = price_default();
	const struct usage_history history = {
		NULL, 24, 24 + MONTH, &prices, USAGE_HISTORY_TEXT};

	sampled(temp.store, "default", "one", 7, 100 * GB);
	char *text = print(temp.store, &history);

	cr_expect(eq(str, text,
		"1970-01-02T00:00:00.000Z to 1970-02-01T10:00:00.000Z: 730 "
		"hours\n"
		"default                                     730 hours         "
		"107374182400 bytes     100.000000 GB-months  $3.00  "
		"(100.000000 hot)\n"
		"  one                                       730 hours         "
		"107374182400 bytes     100.000000 GB-months  $3.00  "
		"(100.000000 hot)\n"));
	free(text);
}

Test(usage_history, as_csv_it_is_the_samples)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	const struct usage_history history = {
		NULL, 24, 48, NULL, USAGE_HISTORY_CSV};

	sampled(temp.store, "default", "one", 7, 12);
	sampled_tiers(temp.store, "default", "one", 25,
		&(struct record_sample){1, 13, 0, 3, 4, 2});
	sampled(temp.store, "a,\"b\"", "two", 47, 14);
	sampled(temp.store, "default", "one", 48, 15);
	char *text = print(temp.store, &history);

	cr_expect(eq(str, text,
		"time,organization,bucket,objects,bytes,partBytes,"
		"hotBytes,warmBytes,coldBytes,archiveBytes\r\n"
		"1970-01-02T23:00:00.000Z,\"a,\"\"b\"\"\",two,1,14,0,"
		"14,0,0,0\r\n"
		"1970-01-02T00:00:00.000Z,default,one,1,12,0,12,0,0,0\r\n"
		"1970-01-02T01:00:00.000Z,default,one,1,13,0,4,3,4,2\r\n"));
	free(text);
}

Test(usage_history, an_organization_that_is_gone_has_its_history)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	const struct price_table prices = price_default();
	struct usage_history history = {
		"gone", 0, 48, &prices, USAGE_HISTORY_TEXT};

	sampled(temp.store, "gone", "one", 7, 12);
	sampled(temp.store, "other", "two", 7, 12);
	char *text = print(temp.store, &history);
	history.organization = "nobody";

	cr_expect(ne(ptr, strstr(text, "gone"), NULL));
	cr_expect(eq(ptr, strstr(text, "other"), NULL));
	cr_expect(eq(int, usage_history_print(temp.store, &history, stdout),
		STORE_NO_ORGANIZATION));
	free(text);
}

Test(usage_history, an_hour_counts_where_it_begins)
{
	static const struct {
		const char *text;
		uint64_t hour;
	} times[] = {
		{"1970-01-02", 24},
		{"1970-01-02T00:00:00Z", 24},
		{"1970-01-02T00:00:01Z", 25},
		{"1970-01-02T00:00:00.001Z", 25},
		{"1969-12-31T23:30:00Z", 0},
	};
	static const char *const wrong[] = {"", "now", "1970-01", "1970-01-32",
		"1970-01-02T00:00", "1970-01-02T00:00:00+01:00", "1970/01/02",
		"1970-01-02 "};
	uint64_t hour;

	for (size_t i = 0; i < array_len(times); i++) {
		cr_expect(usage_history_parse(times[i].text, &hour));
		cr_expect(eq(u64, hour, times[i].hour), "%s", times[i].text);
	}
	for (size_t i = 0; i < array_len(wrong); i++)
		cr_expect(not(usage_history_parse(wrong[i], &hour)), "%s",
			wrong[i]);
}

Test(price, a_gb_is_2_to_the_30)
{
	const struct price_table prices = price_default();

	cr_expect(epsilon_eq(dbl,
		price_of(&prices, &(struct tier_bytes){{GB, 0, 0, 0}}), 0.03,
		1e-12));
	cr_expect(epsilon_eq(dbl,
		price_of(&steps, &(struct tier_bytes){{0, 10 * GB, 0, 0}}), 10,
		1e-12));
	cr_expect(epsilon_eq(dbl,
		price_of(&steps,
			&(struct tier_bytes){{5 * GB, 5 * GB, 4 * GB}}),
		12, 1e-12));
}

static bool
reads(const char *text, struct price_table *out)
{
	char path[] = "/tmp/tarn-prices-XXXXXX";
	int fd = mkstemp(path);

	cr_assert(fd >= 0);
	cr_assert(eq(i64, write(fd, text, strlen(text)),
		(int64_t)strlen(text)));
	(void)close(fd);
	bool is_read = price_read(path, out);
	(void)unlink(path);
	return is_read;
}

Test(price, a_table_by_tier_names_hot_warm_and_cold)
{
	const struct tier_bytes bytes = {{GB, 2 * GB, 4 * GB, 8 * GB}};
	struct price_table table;

	cr_assert(reads("hot 0 0.06 # dear\n warm\t0 0.03\ncold 0 0.015\n",
		&table));
	cr_expect(epsilon_eq(dbl, price_of(&table, &bytes), 0.3, 1e-12));
	cr_assert(reads("archive 0 0\nhot 0 1\nhot 0.5 0\nwarm 0 0\n"
			"cold 0 0.015\n",
		&table));
	cr_expect(epsilon_eq(dbl, price_of(&table, &bytes), 0.56, 1e-12));
}

Test(price, a_table_that_is_not_whole_is_refused)
{
	static const char *const wrong[] = {"hot 0 1\nwarm 0 1\n",
		"hot 0 1\nwarm 0 1\ncold 0 1\ntepid 0 1\n",
		"hot 0 1\nwarm 0 1\ncold 0 1\n0 1\n",
		"0 1\nhot 0 1\nwarm 0 1\ncold 0 1\n",
		"hot 1 1\nwarm 0 1\ncold 0 1\n",
		"hot 0 1 1\nwarm 0 1\ncold 0 1\n",
		"Hot 0 1\nwarm 0 1\ncold 0 1\n"};
	struct price_table table;

	for (size_t i = 0; i < array_len(wrong); i++)
		cr_expect(not(reads(wrong[i], &table)), "case %zu", i);
}
