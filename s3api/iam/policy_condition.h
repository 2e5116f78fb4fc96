/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_condition.h - one line of a Condition block: operator, key, values
 * (IAM: JSON policy elements, Condition operators).
 *
 * A key that the request does not have makes a condition false; true with
 * ...IfExists, with ForAllValues, and with a negated operator that has no
 * ForAnyValue.
 *
 * Ownership: conditions live in the arena they were parsed into.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "s3api/iam/policy_key.h"
#include "s3api/iam/policy_pattern.h"

enum policy_operator {
	POLICY_OPERATOR_STRING, /* and Arn: patterns tell them apart */
	POLICY_OPERATOR_NUMERIC,
	POLICY_OPERATOR_DATE,
	POLICY_OPERATOR_BOOL,
	POLICY_OPERATOR_IP,
	POLICY_OPERATOR_ARN,
	POLICY_OPERATOR_NULL,
	POLICY_OPERATOR_BINARY,
};

enum policy_comparison {
	POLICY_EQUAL,
	POLICY_LESS,
	POLICY_LESS_OR_EQUAL,
	POLICY_GREATER,
	POLICY_GREATER_OR_EQUAL,
};

enum policy_qualifier {
	POLICY_QUALIFIER_NONE,
	POLICY_QUALIFIER_ANY, /* ForAnyValue: */
	POLICY_QUALIFIER_ALL, /* ForAllValues: */
};

/* A range of addresses; IPv4 stays apart from IPv6. */
struct policy_network {
	int family; /* AF_INET, AF_INET6 */
	uint8_t bytes[16];
	unsigned int bits;
};

/* arn:partition:service:region:account:resource */
#define POLICY_ARN_PARTS 6

/* One value of a condition; which field counts is the operator's affair. */
struct policy_operand {
	struct policy_pattern *patterns; /* STRING: one; ARN: its parts */
	size_t pattern_count;
	double number;
	int64_t time_ns;
	bool truth; /* BOOL, NULL */
	struct policy_network network;
	struct slice bytes; /* BINARY */
};

struct policy_condition {
	struct slice operator_name; /* "ForAnyValue:StringLikeIfExists" */
	enum policy_operator kind;
	enum policy_comparison comparison;
	enum policy_qualifier qualifier;
	bool is_negated;
	bool is_if_exists;
	struct policy_key_name name;
	const struct policy_operand *operands;
	size_t operand_count;
};

/*
 * Parses {"operator": {"key": values}}, one pair of it.  NULL: it is in *out;
 * else what is wrong, as in "is not a number".
 */
must_check const char *policy_condition_parse(struct arena *arena,
	struct slice operator_name, struct slice key, const json_t *values,
	bool with_variables, struct policy_condition *out);

/*
 * is_allow: of a statement that allows; there a negated comparison with a
 * variable that has no value does not hold, elsewhere it does.
 */
bool policy_condition_holds(const struct policy_condition *condition,
	const struct policy_context *context, bool is_allow);
