/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists and CORS rules as the store keeps them: what is accepted encodes to the
 * same bytes, and answers.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "s3api/cors.h"
#include "s3api/iam/acl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
try_acl(struct slice bytes)
{
	static const struct policy_caller nobody = {.is_anonymous = true};
	static const struct policy_caller alice = {
		.organization = {"org", 3}, .name = {"alice", 5}};
	scoped(buffer_free) struct buffer again = {0};
	struct acl acl;

	if (!acl_decode(bytes, &acl))
		return;
	acl_encode(&again, &acl);
	assert(slice_equal(buffer_slice(&again), bytes));
	if (acl_gives(&acl, &nobody, SLICE("owner"), ACL_READ, false))
		assert(acl_is_public(&acl));
	assert(!acl_gives(&acl, &nobody, SLICE("owner"), ACL_READ, true));
	if (acl_is_private(&acl) && !slice_equal(acl.owner, SLICE("org")))
		assert(!acl_gives(&acl, &alice, SLICE("owner"), ACL_READ,
			false));
}

static void
try_cors(struct slice bytes)
{
	const struct cors_question question = {
		.origin = SLICE("http://a.example"),
		.method = SLICE("GET"),
		.headers = SLICE("x-a, x-b"),
	};
	scoped(arena_free) struct arena arena = {0};
	scoped(buffer_free) struct buffer again = {0};
	struct cors_rules rules;
	bool any_origin;

	if (!cors_decode(bytes, &arena, &rules))
		return;
	cors_encode(&again, &rules);
	assert(slice_equal(buffer_slice(&again), bytes));
	(void)cors_find(&rules, &question, &any_origin);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	try_acl(slice_of(data, size));
	try_cors(slice_of(data, size));
	return 0;
}
