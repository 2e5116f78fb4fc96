/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/tarn/price.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "store/base/compiler.h"

struct price_table
price_default(void)
{
	return (struct price_table){.all = {.count = 1, .steps = {{0, 0.03}}}};
}

/* --- reading -------------------------------------------------------------- */

/* NULL, or what is wrong with the step. */
static const char *
add_step(struct price_steps *to, double from, double per_gb)
{
	if (!isfinite(from) || !isfinite(per_gb) || per_gb < 0)
		return "has a number out of range";
	if (to->count == 0 ? from != 0
			   : from <= to->steps[to->count - 1].from_gb)
		return "is out of order: steps begin at 0 and rise";
	if (to->count == PRICE_STEPS_MAX)
		return "is one too many";
	to->steps[to->count].from_gb = from;
	to->steps[to->count].per_gb = per_gb;
	to->count++;
	return NULL;
}

/* NULL: no tier is called so. */
static struct price_steps *
find_tier(struct price_table *table, const char *name)
{
	for (size_t i = 0; i < TIERS; i++) {
		if (!strcmp(tier_name((enum tier)i), name))
			return &table->of[i];
	}
	return NULL;
}

/* NULL, or what is wrong with the line. */
static const char *
read_line(char *line, struct price_table *table)
{
	struct price_steps *to = &table->all;
	double from, per_gb;
	char name[16], rest;

	line[strcspn(line, "#\n")] = '\0';
	if (line[strspn(line, " \t\r")] == '\0')
		return NULL;
	if (sscanf(line, " %15[a-z] %lf %lf %c", name, &from, &per_gb, &rest) ==
		3)
		to = find_tier(table, name);
	else if (sscanf(line, "%lf %lf %c", &from, &per_gb, &rest) != 2)
		return "is not \"FROM_GB PRICE\" or \"TIER FROM_GB PRICE\"";
	if (!to)
		return "names no tier: hot, warm, cold, archive";
	if (to == &table->all ? table->is_by_tier : table->all.count > 0)
		return "is of a tier where others are not, or the reverse";
	table->is_by_tier = to != &table->all;
	return add_step(to, from, per_gb);
}

/* NULL, or what is wrong with the whole. */
static const char *
finish(struct price_table *table)
{
	if (!table->is_by_tier)
		return table->all.count > 0 ? NULL : "no price in it";
	for (size_t i = TIER_HOT; i <= TIER_COLD; i++) {
		if (table->of[i].count == 0)
			return "hot, warm and cold must have prices";
	}
	if (table->of[TIER_ARCHIVE].count == 0)
		table->of[TIER_ARCHIVE] = table->of[TIER_COLD];
	return NULL;
}

static void
close_file(FILE **file)
{
	if (*file)
		(void)fclose(*file);
}

bool
price_read(const char *path, struct price_table *out)
{
	scoped(close_file) FILE *file = fopen(path, "re");
	const char *wrong;
	char line[256];

	*out = (struct price_table){.is_by_tier = false};
	if (!file) {
		fprintf(stderr, "tarn: %s: %s\n", path, strerror(errno));
		return false;
	}
	for (unsigned number = 1; fgets(line, sizeof(line), file); number++) {
		wrong = read_line(line, out);
		if (wrong) {
			fprintf(stderr, "tarn: %s: line %u %s\n", path, number,
				wrong);
			return false;
		}
	}
	wrong = finish(out);
	if (wrong)
		fprintf(stderr, "tarn: %s: %s\n", path, wrong);
	return !wrong;
}

/* --- sums ----------------------------------------------------------------- */

static double
price_by_steps(const struct price_steps *steps, uint64_t bytes)
{
	double gb = (double)bytes / PRICE_GB;
	double sum = 0;

	for (size_t i = 0; i < steps->count; i++) {
		double to = i + 1 < steps->count ? steps->steps[i + 1].from_gb
						 : INFINITY;
		double from = steps->steps[i].from_gb;

		if (gb > from)
			sum += ((gb < to ? gb : to) - from) *
			       steps->steps[i].per_gb;
	}
	return sum;
}

double
price_of(const struct price_table *table, const struct tier_bytes *bytes)
{
	double sum = 0;

	if (!table->is_by_tier)
		return price_by_steps(&table->all, tier_sum(bytes));
	for (size_t i = 0; i < TIERS; i++)
		sum += price_by_steps(&table->of[i], bytes->of[i]);
	return sum;
}

void
price_of_byte(const struct price_table *table, const struct tier_bytes *bytes,
	double out[TIERS])
{
	for (size_t i = 0; i < TIERS; i++) {
		const struct price_steps *steps =
			table->is_by_tier ? &table->of[i] : &table->all;
		uint64_t count =
			table->is_by_tier ? bytes->of[i] : tier_sum(bytes);

		out[i] = bytes->of[i]
				 ? price_by_steps(steps, count) / (double)count
				 : 0;
	}
}
