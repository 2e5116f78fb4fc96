/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/iam/claims.h"

#include <stdarg.h>
#include <stdio.h>

#include "s3api/iam/policy_json.h"
#include "store/base/text.h"

#define NAME_MAX_LEN 64
#define QUOTE_LEN 80 /* policy_json_quote() */

bool
claims_list_has(const struct claims_list *list, struct slice text)
{
	for (size_t i = 0; i < list->count; i++) {
		if (slice_equal(list->items[i], text))
			return true;
	}
	return false;
}

static bool
is_of(struct slice name, size_t max, const char *others)
{
	return name.len > 0 && name.len <= max && text_is_plain(name, others);
}

bool
claims_name_is_plain(struct slice name)
{
	return is_of(name, NAME_MAX_LEN, "._-@+=,");
}

bool
claims_subject_is_valid(struct slice name)
{
	return is_of(name, CLAIMS_SUBJECT_MAX, "._-@+=,/:|");
}

static void
add(struct claims_check *check, int step, bool is_good, const char *format,
	va_list args)
{
	struct claims_report *report = check->report;
	char text[512];
	struct claims_finding *finding;

	(void)vsnprintf(text, sizeof(text), format, args);
	/* One place stays for what is wrong. */
	if (report->count == CLAIMS_FINDINGS_MAX && !report->first_bad &&
		!is_good)
		report->count--;
	if (report->count == CLAIMS_FINDINGS_MAX)
		return;
	finding = &report->findings[report->count++];
	*finding = (struct claims_finding){
		.step = step,
		.is_good = is_good,
		.text = arena_copy(check->arena, slice_str(text)),
	};
	if (!is_good && !report->first_bad)
		report->first_bad = finding;
}

bool
claims_good(struct claims_check *check, int step, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add(check, step, true, format, args);
	va_end(args);
	return true;
}

bool
claims_bad(struct claims_check *check, int step, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add(check, step, false, format, args);
	va_end(args);
	return check->goes_on;
}

const char *
claims_quote(struct slice text, struct arena *arena)
{
	return policy_json_quote(text, arena_alloc(arena, QUOTE_LEN));
}
