/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists, CORS and lifecycle rules, websites, logging and events as the store
 * keeps them: what is accepted encodes to the same bytes, and answers.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "s3api/cors.h"
#include "s3api/iam/acl.h"
#include "s3api/website.h"
#include "store/lifecycle.h"
#include "store/logging.h"
#include "store/notification_private.h"
#include "store/object_event_private.h"

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

static void
try_lifecycle(struct slice bytes)
{
	const struct inode inode = {.size = 1, .mtime_ns = 1};
	scoped(arena_free) struct arena arena = {0};
	scoped(buffer_free) struct buffer again = {0};
	struct lifecycle_rules rules;
	int64_t when_ns;

	if (!lifecycle_decode(bytes, &arena, &rules))
		return;
	lifecycle_encode(&again, &rules);
	assert(slice_equal(buffer_slice(&again), bytes));
	(void)lifecycle_expires(&rules, SLICE("key"), &inode, &when_ns);
	(void)lifecycle_aborts(&rules, SLICE("key"), 1, &when_ns);
}

static void
try_website(struct slice bytes)
{
	const struct website_target target = {
		.host = SLICE("a.example"),
		.key = SLICE("key"),
		.query = SLICE("a=b"),
	};
	scoped(arena_free) struct arena arena = {0};
	scoped(buffer_free) struct buffer again = {0};
	scoped(buffer_free) struct buffer location = {0};
	const struct website_rule *rule;
	struct website website;

	if (!website_decode(bytes, &arena, &website))
		return;
	website_encode(&again, &website);
	assert(slice_equal(buffer_slice(&again), bytes));
	rule = website_find_rule(&website, target.key, 404);
	if (!rule)
		return;
	website_locate(&location, &rule->redirect, rule, &target);
	for (size_t i = 0; i < location.len; i++)
		assert(location.data[i] > ' ');
}

static void
try_logging(struct slice bytes)
{
	scoped(buffer_free) struct buffer again = {0};
	struct logging logging;

	if (!logging_decode(bytes, &logging))
		return;
	logging_encode(&again, &logging);
	assert(slice_equal(buffer_slice(&again), bytes));
}

static void
try_notification(struct slice bytes)
{
	struct notification_row row = {.rules = bytes};
	struct notification_rule rule;

	(void)notification_row_is_sound(bytes);
	for (unsigned int type = 0; type < EVENT_TEST; type++)
		if (notification_match(&row, (enum object_event_type)type,
			    SLICE("in/a.jpg"), &rule))
			assert(notification_rule_types(&rule) & (1u << type));
}

static void
try_event(struct slice bytes)
{
	scoped(buffer_free) struct buffer again = {0};
	struct object_event event;

	if (object_event_row_decode(bytes, &event))
		return;
	object_event_row_encode(&again, &event);
	assert(again.len == bytes.len);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	try_notification(slice_of(data, size));
	try_event(slice_of(data, size));
	try_logging(slice_of(data, size));
	try_website(slice_of(data, size));
	try_acl(slice_of(data, size));
	try_cors(slice_of(data, size));
	try_lifecycle(slice_of(data, size));
	return 0;
}
