/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/iam/policy_operand.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <time.h>

#include "store/base/clock.h"
#include "store/base/text.h"

#define NUMBER_MAX 40

/* --- numbers -------------------------------------------------------------- */

static size_t
digits(struct slice text)
{
	size_t count = 0;

	while (count < text.len && text.data[count] >= '0' &&
		text.data[count] <= '9')
		count++;
	return count;
}

/* -12.5, and no other form that strtod() knows. */
static bool
parse_number(struct slice text, double *out)
{
	char copy[NUMBER_MAX + 1];
	struct slice rest = text;

	if (text.len == 0 || text.len > NUMBER_MAX)
		return false;
	if (rest.data[0] == '-' || rest.data[0] == '+')
		rest = slice_from(rest, 1);

	size_t whole = digits(rest);

	rest = slice_from(rest, whole);
	if (whole == 0)
		return false;
	if (rest.len > 0 && rest.data[0] == '.') {
		rest = slice_from(rest, 1);
		if (digits(rest) == 0)
			return false;
		rest = slice_from(rest, digits(rest));
	}
	memcpy(copy, text.data, text.len);
	copy[text.len] = '\0';
	*out = strtod(copy, NULL);
	return rest.len == 0;
}

static bool
compare(enum policy_comparison comparison, bool is_less, bool is_equal)
{
	switch (comparison) {
	case POLICY_EQUAL:
		return is_equal;
	case POLICY_LESS:
		return is_less;
	case POLICY_LESS_OR_EQUAL:
		return is_less || is_equal;
	case POLICY_GREATER:
		return !is_less && !is_equal;
	case POLICY_GREATER_OR_EQUAL:
		return !is_less;
	}
	return false;
}

/* --- dates ---------------------------------------------------------------- */

/* Exactly count digits at the front of *rest, from min to max. */
static bool
eat_number(struct slice *rest, size_t count, int min, int max, int *out)
{
	int number = 0;

	if (digits(slice_first(*rest, count)) != count)
		return false;
	for (size_t i = 0; i < count; i++)
		number = number * 10 + (rest->data[i] - '0');
	*rest = slice_from(*rest, count);
	*out = number;
	return number >= min && number <= max;
}

static bool
eat_char(struct slice *rest, char c)
{
	if (rest->len == 0 || rest->data[0] != c)
		return false;
	*rest = slice_from(*rest, 1);
	return true;
}

/* Z, +hh:mm or -hh:mm at the end. */
static bool
parse_zone(struct slice rest, int64_t *seconds)
{
	int hours;
	int minutes;

	if (slice_equal(rest, SLICE("Z"))) {
		*seconds = 0;
		return true;
	}

	bool is_west = eat_char(&rest, '-');

	if ((!is_west && !eat_char(&rest, '+')) ||
		!eat_number(&rest, 2, 0, 23, &hours) || !eat_char(&rest, ':') ||
		!eat_number(&rest, 2, 0, 59, &minutes) || rest.len > 0)
		return false;
	*seconds = (hours * 3600 + minutes * 60) * (is_west ? -1 : 1);
	return true;
}

static bool
eat_fraction(struct slice *rest, int64_t *fraction_ns)
{
	int64_t unit = CLOCK_NS_PER_S;
	size_t count;

	*fraction_ns = 0;
	if (!eat_char(rest, '.'))
		return true;
	count = digits(*rest);
	for (size_t i = 0; i < count; i++) {
		unit /= 10;
		*fraction_ns += unit * (rest->data[i] - '0');
	}
	*rest = slice_from(*rest, count);
	return count > 0;
}

/* What follows the day: Thh:mm[:ss[.s]]zone. */
static bool
parse_time(struct slice rest, struct tm *tm, int64_t *fraction_ns,
	int64_t *zone)
{
	if (!eat_char(&rest, 'T') ||
		!eat_number(&rest, 2, 0, 23, &tm->tm_hour) ||
		!eat_char(&rest, ':') ||
		!eat_number(&rest, 2, 0, 59, &tm->tm_min))
		return false;
	if (eat_char(&rest, ':') &&
		(!eat_number(&rest, 2, 0, 60, &tm->tm_sec) ||
			!eat_fraction(&rest, fraction_ns)))
		return false;
	return parse_zone(rest, zone);
}

/* What follows the year, if anything does. */
static bool
parse_month_and_on(struct slice rest, int *month, struct tm *tm,
	int64_t *fraction_ns, int64_t *zone)
{
	if (rest.len == 0)
		return true;
	if (!eat_char(&rest, '-') || !eat_number(&rest, 2, 1, 12, month))
		return false;
	if (rest.len == 0)
		return true;
	if (!eat_char(&rest, '-') || !eat_number(&rest, 2, 1, 31, &tm->tm_mday))
		return false;
	return rest.len == 0 || parse_time(rest, tm, fraction_ns, zone);
}

static bool
parse_iso(struct slice rest, int64_t *time_ns)
{
	struct tm tm = {.tm_mday = 1};
	int64_t fraction_ns = 0;
	int64_t zone = 0;
	int month = 1;

	if (!eat_number(&rest, 4, 1700, 2250, &tm.tm_year) ||
		!parse_month_and_on(rest, &month, &tm, &fraction_ns, &zone))
		return false;
	tm.tm_year -= 1900;
	tm.tm_mon = month - 1;
	/* timegm() carries the 31st of a short month over: that is no date. */
	int day = tm.tm_mday;
	int64_t seconds = timegm(&tm) - zone;

	*time_ns = seconds * CLOCK_NS_PER_S + fraction_ns;
	return tm.tm_mday == day;
}

bool
policy_operand_date(struct slice text, int64_t *time_ns)
{
	double seconds;

	if (parse_iso(text, time_ns))
		return true;
	/* int64_t holds 292 years of nanoseconds. */
	if (!parse_number(text, &seconds) || seconds > 9e9 || seconds < -8e9)
		return false;
	*time_ns = (int64_t)(seconds * (double)CLOCK_NS_PER_S);
	return true;
}

/* --- addresses ------------------------------------------------------------ */

static bool
parse_address(struct slice text, struct policy_network *out)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	char copy[INET6_ADDRSTRLEN];

	if (text.len == 0 || text.len >= sizeof(copy) ||
		memchr(text.data, '\0', text.len))
		return false;
	memcpy(copy, text.data, text.len);
	copy[text.len] = '\0';
	*out = (struct policy_network){.family = AF_INET, .bits = 32};
	if (inet_pton(AF_INET, copy, out->bytes) == 1)
		return true;
	*out = (struct policy_network){.family = AF_INET6, .bits = 128};
	if (inet_pton(AF_INET6, copy, out->bytes) != 1)
		return false;
	if (!memcmp(out->bytes, mapped, sizeof(mapped))) {
		out->family = AF_INET;
		out->bits = 32;
		memmove(out->bytes, out->bytes + 12, 4);
	}
	return true;
}

bool
policy_operand_network(struct slice text, struct policy_network *out)
{
	struct slice rest = text;
	struct slice address;
	unsigned long bits;

	if (!slice_split(&rest, '/', &address) || !parse_address(address, out))
		return false;
	if (!rest.data)
		return true;

	/* ::ffff:192.0.2.0/120 counts the bits of IPv6. */
	bool is_mapped =
		out->family == AF_INET && slice_find_char(address, ':') >= 0;
	unsigned long skipped = is_mapped ? 96 : 0;

	if (!slice_to_u64(rest, out->bits + skipped, &bits) || bits < skipped)
		return false;
	out->bits = (unsigned int)(bits - skipped);
	return true;
}

bool
policy_operand_is_in(const struct policy_network *network, struct slice text)
{
	struct policy_network address;
	unsigned int whole = network->bits / 8;
	unsigned int odd = network->bits % 8;

	if (!parse_address(text, &address) ||
		address.family != network->family ||
		memcmp(address.bytes, network->bytes, whole) != 0)
		return false;
	return odd == 0 ||
	       !((address.bytes[whole] ^ network->bytes[whole]) >> (8 - odd));
}

/* --- ARNs ----------------------------------------------------------------- */

/* Where a part of an ARN ends: at a colon that is not in a ${...}. */
static size_t
part_len(struct slice text)
{
	size_t i = 0;

	while (i < text.len && text.data[i] != ':') {
		struct slice rest = slice_from(text, i);
		ptrdiff_t end = slice_has_prefix(rest, SLICE("${"))
					? slice_find_char(rest, '}')
					: -1;

		i += end > 0 ? (size_t)end + 1 : 1;
	}
	return i;
}

static size_t
split_arn(struct slice text, struct slice parts[POLICY_ARN_PARTS])
{
	size_t count = 0;

	while (count < POLICY_ARN_PARTS - 1) {
		size_t len = part_len(text);

		parts[count++] = slice_first(text, len);
		if (len == text.len)
			return count;
		text = slice_from(text, len + 1);
	}
	parts[count++] = text;
	return count;
}

static const char *
parse_arn(struct arena *arena, unsigned int flags, struct slice text,
	struct policy_operand *out)
{
	struct slice parts[POLICY_ARN_PARTS];
	size_t count = split_arn(text, parts);
	bool is_any = slice_equal(text, SLICE("*"));

	if (!is_any && (count != POLICY_ARN_PARTS ||
			       !slice_equal(parts[0], SLICE("arn"))))
		return "is not an ARN of six parts";
	out->patterns = arena_new_array(arena, count, struct policy_pattern);
	out->pattern_count = count;
	for (size_t i = 0; i < count; i++) {
		if (!policy_pattern_compile(arena, parts[i], flags,
			    &out->patterns[i]))
			return "has a variable that there is not";
	}
	return NULL;
}

/* Part by part: a wildcard does not reach over a colon, but in the last. */
static enum policy_match
match_arn(const struct policy_operand *operand, struct slice value,
	const struct policy_context *context)
{
	struct slice parts[POLICY_ARN_PARTS];
	size_t count = operand->pattern_count == 1 ? 1 : POLICY_ARN_PARTS;
	enum policy_match result = POLICY_MATCH_YES;

	if (count == 1)
		parts[0] = value;
	else if (split_arn(value, parts) != count)
		return POLICY_MATCH_NO;
	for (size_t i = 0; i < count; i++) {
		enum policy_match match =
			policy_pattern_match(&operand->patterns[i], parts[i],
				context);

		if (match == POLICY_MATCH_NO)
			return POLICY_MATCH_NO;
		if (match == POLICY_MATCH_UNRESOLVED)
			result = match;
	}
	return result;
}

/* --- all ------------------------------------------------------------------ */

static const char *
parse_binary(struct arena *arena, struct slice text, struct policy_operand *out)
{
	size_t len = text.len;
	char *bytes = arena_alloc(arena, len + 1);

	if (!text_from_base64(text, bytes, &len))
		return "is not base64";
	out->bytes = slice_of(bytes, len);
	return NULL;
}

static const char *
parse_truth(struct slice text, struct policy_operand *out)
{
	out->truth = slice_equal_nocase(text, SLICE("true"));
	return out->truth || slice_equal_nocase(text, SLICE("false"))
		       ? NULL
		       : "is neither true nor false";
}

static const char *
parse_string(struct arena *arena, unsigned int flags, struct slice text,
	struct policy_operand *out)
{
	out->patterns = arena_new(arena, struct policy_pattern);
	out->pattern_count = 1;
	return policy_pattern_compile(arena, text, flags, out->patterns)
		       ? NULL
		       : "has a variable that there is not";
}

const char *
policy_operand_parse(struct arena *arena,
	const struct policy_condition *condition, unsigned int flags,
	struct slice text, struct policy_operand *out)
{
	switch (condition->kind) {
	case POLICY_OPERATOR_STRING:
		return parse_string(arena, flags, text, out);
	case POLICY_OPERATOR_ARN:
		return parse_arn(arena, flags, text, out);
	case POLICY_OPERATOR_NUMERIC:
		return parse_number(text, &out->number) ? NULL
							: "is not a number";
	case POLICY_OPERATOR_DATE:
		return policy_operand_date(text, &out->time_ns)
			       ? NULL
			       : "is not a date";
	case POLICY_OPERATOR_BOOL:
	case POLICY_OPERATOR_NULL:
		return parse_truth(text, out);
	case POLICY_OPERATOR_IP:
		return policy_operand_network(text, &out->network)
			       ? NULL
			       : "is not an IP address or CIDR range";
	case POLICY_OPERATOR_BINARY:
		return parse_binary(arena, text, out);
	}
	return "is not supported";
}

static bool
match_binary(const struct policy_operand *operand, struct slice value)
{
	char bytes[256];
	size_t len = sizeof(bytes);

	return text_from_base64(value, bytes, &len) &&
	       slice_equal(operand->bytes, slice_of(bytes, len));
}

static bool
match_date(const struct policy_condition *condition,
	const struct policy_operand *operand, struct slice value)
{
	int64_t time_ns;

	return policy_operand_date(value, &time_ns) &&
	       compare(condition->comparison, time_ns < operand->time_ns,
		       time_ns == operand->time_ns);
}

static bool
match_number(const struct policy_condition *condition,
	const struct policy_operand *operand, struct slice value)
{
	double number;

	return parse_number(value, &number) &&
	       compare(condition->comparison, number < operand->number,
		       number <= operand->number && number >= operand->number);
}

static bool
match_truth(const struct policy_operand *operand, struct slice value)
{
	return slice_equal_nocase(value,
		operand->truth ? SLICE("true") : SLICE("false"));
}

static bool
match_fixed(const struct policy_condition *condition,
	const struct policy_operand *operand, struct slice value)
{
	switch (condition->kind) {
	case POLICY_OPERATOR_NUMERIC:
		return match_number(condition, operand, value);
	case POLICY_OPERATOR_DATE:
		return match_date(condition, operand, value);
	case POLICY_OPERATOR_BOOL:
		return match_truth(operand, value);
	case POLICY_OPERATOR_IP:
		return policy_operand_is_in(&operand->network, value);
	case POLICY_OPERATOR_BINARY:
		return match_binary(operand, value);
	case POLICY_OPERATOR_STRING:
	case POLICY_OPERATOR_ARN:
	case POLICY_OPERATOR_NULL:
		break;
	}
	return false;
}

enum policy_match
policy_operand_match(const struct policy_condition *condition,
	const struct policy_operand *operand, struct slice value,
	const struct policy_context *context)
{
	if (condition->kind == POLICY_OPERATOR_STRING)
		return policy_pattern_match(operand->patterns, value, context);
	if (condition->kind == POLICY_OPERATOR_ARN)
		return match_arn(operand, value, context);
	return match_fixed(condition, operand, value) ? POLICY_MATCH_YES
						      : POLICY_MATCH_NO;
}
