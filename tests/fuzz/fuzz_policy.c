/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Policies of buckets and of organizations: whatever comes is refused with a
 * sentence, or decides; a deny is never outweighed by what else is there.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "s3api/iam/decide.h"
#include "s3api/iam/orgpolicy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct policy_caller callers[] = {
	{.is_anonymous = true},
	{.organization = {"org", 3}, .name = {"alice", 5}},
	{.organization = {"org", 3},
		.name = {"rita", 4},
		.role = {"reader", 6}},
	{.organization = {"other", 5}, .name = {"alice", 5}},
};

/* Every key has the input's last bytes, or nothing. */
static void
find(void *context, const struct policy_key_name *name,
	struct policy_values *out)
{
	const struct slice *value = context;

	out->count = 0;
	if (value->len == 0 || name->key % 3 == 0)
		return;
	out->values[out->count++] = *value;
	if (name->key == POLICY_KEY_REQUEST_TAG_KEYS)
		out->values[out->count++] = SLICE("b");
}

static void
try_query(struct policy *own, struct policy *bucket,
	const struct policy_query *query)
{
	const struct decide_policies policies = {
		.own = &own,
		.own_count = own && !query->caller->is_anonymous,
		.bucket = bucket,
	};
	struct decision decision = decide(query, &policies);

	assert(decide_sentence(decision.reason)[0]);
	if (decision.reason == DECIDE_BUCKET_ALLOW)
		assert(!policy_find(bucket, false, query));
	if (decision.statement)
		assert(decision.statement->is_allow == decision.is_allowed);
}

static void
try_policies(struct policy *own, struct policy *bucket, struct slice value)
{
	static const struct {
		enum policy_action action;
		struct slice resource;
	} asks[] = {
		{POLICY_ACTION_GET_OBJECT, {"photos/dir/a", 12}},
		{POLICY_ACTION_PUT_OBJECT, {"photos/alice/\xff", 14}},
		{POLICY_ACTION_LIST_BUCKET, {"photos", 6}},
		{POLICY_ACTION_PUT_BUCKET_POLICY, {"photos", 6}},
	};
	const struct policy_context context = {find, &value, NULL};

	for (size_t c = 0; c < array_len(callers); c++) {
		for (size_t i = 0; i < array_len(asks); i++) {
			const struct policy_query query = {
				.action = asks[i].action,
				.resource = asks[i].resource,
				.owner = SLICE("org"),
				.caller = &callers[c],
				.context = &context,
			};

			try_query(own, bucket, &query);
		}
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = slice_of(data, size);
	struct slice value = slice_from(text, size > 20 ? size - 20 : 0);
	struct policy_error error = {""};
	scoped(policy_free) struct policy *bucket =
			policy_parse(text, SLICE("photos"), &error);

	assert(bucket || error.text[0]);
	error.text[0] = '\0';

	scoped(policy_free) struct policy *own = orgpolicy_parse(text, &error);

	assert(own || error.text[0]);
	assert(!own || !bucket);
	if (bucket)
		(void)policy_is_public(bucket);
	if (own || bucket)
		try_policies(own, bucket, value);
	return 0;
}
