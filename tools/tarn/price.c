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
	return (struct price_table){.count = 1, .steps = {{0, 0.03}}};
}

/* NULL, or what is wrong with the line. */
static const char *
read_line(char *line, struct price_table *table)
{
	double from, per_gb;
	char rest;

	line[strcspn(line, "#\n")] = '\0';
	if (line[strspn(line, " \t\r")] == '\0')
		return NULL;
	if (sscanf(line, "%lf %lf %c", &from, &per_gb, &rest) != 2)
		return "is not \"FROM_GB PRICE\"";
	if (!isfinite(from) || !isfinite(per_gb) || per_gb < 0)
		return "has a number out of range";
	if (table->count == 0 ? from != 0
			      : from <= table->steps[table->count - 1].from_gb)
		return "is out of order: steps begin at 0 and rise";
	if (table->count == PRICE_STEPS_MAX)
		return "is one too many";
	table->steps[table->count].from_gb = from;
	table->steps[table->count].per_gb = per_gb;
	table->count++;
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
	char line[256];

	*out = (struct price_table){.count = 0};
	if (!file) {
		fprintf(stderr, "tarn: %s: %s\n", path, strerror(errno));
		return false;
	}
	for (unsigned number = 1; fgets(line, sizeof(line), file); number++) {
		const char *wrong = read_line(line, out);

		if (wrong) {
			fprintf(stderr, "tarn: %s: line %u %s\n", path, number,
				wrong);
			return false;
		}
	}
	if (out->count > 0)
		return true;
	fprintf(stderr, "tarn: %s: no price in it\n", path);
	return false;
}

double
price_of(const struct price_table *table, uint64_t bytes)
{
	double gb = (double)bytes / PRICE_GB;
	double sum = 0;

	for (size_t i = 0; i < table->count; i++) {
		double to = i + 1 < table->count ? table->steps[i + 1].from_gb
						 : INFINITY;
		double from = table->steps[i].from_gb;

		if (gb > from)
			sum += ((gb < to ? gb : to) - from) *
			       table->steps[i].per_gb;
	}
	return sum;
}
