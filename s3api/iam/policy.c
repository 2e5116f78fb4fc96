/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/iam/policy.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "store/base/error.h"

struct policy *
policy_create(void)
{
	struct policy *policy = calloc(1, sizeof(*policy));

	if (!policy)
		error_out_of_memory();
	arena_init(&policy->arena);
	atomic_init(&policy->references, 1);
	return policy;
}

struct policy *
policy_keep(struct policy *policy)
{
	if (policy)
		atomic_fetch_add(&policy->references, 1);
	return policy;
}

void
policy_free(struct policy **policy)
{
	struct policy *gone = *policy;

	*policy = NULL;
	if (!gone || atomic_fetch_sub(&gone->references, 1) > 1)
		return;
	arena_free(&gone->arena);
	free(gone);
}

void
policy_free_all(struct policy *const *policies, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct policy *policy = policies[i];

		policy_free(&policy);
	}
}

/* --- does a statement apply ----------------------------------------------- */

static bool
is_principal(const struct policy_statement *statement,
	const struct policy_query *query)
{
	for (size_t i = 0; i < statement->principal_count; i++) {
		if (policy_principal_is(&statement->principals[i],
			    query->caller, query->owner))
			return !statement->is_not_principal;
	}
	return statement->is_not_principal;
}

/* A variable without a value never gives a right, and never takes a
 * prohibition away. */
static bool
is_resource(const struct policy_statement *statement,
	const struct policy_query *query)
{
	bool is_unresolved = false;

	for (size_t i = 0; i < statement->resource_count; i++) {
		enum policy_match match =
			policy_pattern_match(&statement->resources[i],
				query->resource, query->context);

		if (match == POLICY_MATCH_YES)
			return !statement->is_not_resource;
		is_unresolved |= match == POLICY_MATCH_UNRESOLVED;
	}
	return statement->is_not_resource &&
	       !(is_unresolved && statement->is_allow);
}

enum policy_mismatch
policy_statement_check(const struct policy_statement *statement,
	const struct policy_query *query)
{
	if (!policy_action_is_in(&statement->actions, query->action))
		return POLICY_OTHER_ACTION;
	if (!is_principal(statement, query))
		return POLICY_OTHER_PRINCIPAL;
	if (!is_resource(statement, query))
		return POLICY_OTHER_RESOURCE;
	for (size_t i = 0; i < statement->condition_count; i++) {
		if (!policy_condition_holds(&statement->conditions[i],
			    query->context, statement->is_allow))
			return POLICY_OTHER_CONDITION;
	}
	return POLICY_APPLIES;
}

const struct policy_statement *
policy_find(const struct policy *policy, bool is_allow,
	const struct policy_query *query)
{
	for (size_t i = 0; i < policy->statement_count; i++) {
		const struct policy_statement *statement =
			&policy->statements[i];

		if (statement->is_allow == is_allow &&
			!policy_statement_check(statement, query))
			return statement;
	}
	return NULL;
}

/* --- is it public --------------------------------------------------------- */

/* Keys by which S3 takes a statement to be for known callers. */
static bool
names_a_caller(enum policy_key key)
{
	return key == POLICY_KEY_PRINCIPAL_ACCOUNT ||
	       key == POLICY_KEY_PRINCIPAL_ARN ||
	       key == POLICY_KEY_PRINCIPAL_ORG_ID ||
	       key == POLICY_KEY_CW_PRINCIPAL_ORG_ID ||
	       key == POLICY_KEY_SOURCE_ACCOUNT ||
	       key == POLICY_KEY_SOURCE_ARN || key == POLICY_KEY_USER_ID ||
	       key == POLICY_KEY_USER_NAME;
}

static bool
is_fixed_text(const struct policy_operand *operand)
{
	for (size_t i = 0; i < operand->pattern_count; i++) {
		const struct policy_pattern *pattern = &operand->patterns[i];

		if (pattern->piece_count > 0 ||
			(pattern->has_wildcards && pattern->text.len > 0 &&
				(memchr(pattern->text.data, 0xff,
					 pattern->text.len) ||
					memchr(pattern->text.data, 0xfe,
						pattern->text.len))))
			return false;
	}
	return operand->pattern_count > 0;
}

/* S3 API: The meaning of "public": not wider than /8, or /32 for IPv6. */
static bool
is_narrow(const struct policy_network *network)
{
	return network->bits >= (network->family == AF_INET ? 8 : 32);
}

static bool
restricts_callers(const struct policy_condition *condition)
{
	bool is_address = condition->kind == POLICY_OPERATOR_IP &&
			  condition->name.key == POLICY_KEY_SOURCE_IP;

	if (condition->is_negated || condition->is_if_exists ||
		condition->qualifier == POLICY_QUALIFIER_ALL ||
		(!is_address && !names_a_caller(condition->name.key)))
		return false;
	for (size_t i = 0; i < condition->operand_count; i++) {
		const struct policy_operand *operand = &condition->operands[i];

		if (is_address ? !is_narrow(&operand->network)
			       : !is_fixed_text(operand))
			return false;
	}
	return true;
}

static bool
is_for_everyone(const struct policy_statement *statement)
{
	bool is_wide = false;

	for (size_t i = 0; i < statement->principal_count; i++)
		is_wide |= statement->principals[i].kind ==
			   POLICY_PRINCIPAL_ANYONE;
	for (size_t i = 0; i < statement->condition_count && is_wide; i++)
		is_wide = !restricts_callers(&statement->conditions[i]);
	return is_wide && statement->is_allow;
}

bool
policy_is_public(const struct policy *policy)
{
	for (size_t i = 0; i < policy->statement_count; i++) {
		if (is_for_everyone(&policy->statements[i]))
			return true;
	}
	return false;
}
