/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_operand.h - the values of conditions: numbers, dates, networks, ARNs,
 * from a policy and from a request.
 */
#pragma once

#include "s3api/iam/policy_condition.h"

/* NULL, or what is wrong with the text. */
must_check const char *policy_operand_parse(struct arena *arena,
	const struct policy_condition *condition, unsigned int flags,
	struct slice text, struct policy_operand *out);

/* Without regard to is_negated. */
enum policy_match policy_operand_match(const struct policy_condition *condition,
	const struct policy_operand *operand, struct slice value,
	const struct policy_context *context);

/* Seconds since 1970, or W3C's form of ISO 8601 from the year to fractions. */
bool policy_operand_date(struct slice text, int64_t *time_ns);
/* "192.0.2.0/24", "2001:db8::1" */
bool policy_operand_network(struct slice text, struct policy_network *out);
/* An address as text; no range of IPv6 holds one of IPv4. */
bool policy_operand_is_in(const struct policy_network *network,
	struct slice address);
