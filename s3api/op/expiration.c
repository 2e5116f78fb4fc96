/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/op/expiration.h"

#include "store/base/clock.h"
#include "store/base/log.h"
#include "store/base/text.h"
#include "store/lifecycle.h"
#include "store/object.h"

/* False: it has none.  A request for an object does not fail for them.  The
 * arena is not the request's, which lives until its body is sent: they are as
 * large as somebody has made them. */
static bool
read_rules(struct request *request, struct arena *arena,
	struct lifecycle_rules *rules)
{
	enum store_err err = lifecycle_read(request->store, request->bucket.ino,
		arena, rules);

	if (err && err != STORE_NOT_FOUND)
		log_error("request %s: the lifecycle rules cannot be read: %s",
			request->id, error_sentence(err));
	return !err;
}

static void
reply_expiry(struct request *request, const struct lifecycle_rules *rules,
	const struct inode *inode)
{
	scoped(buffer_free) struct buffer value = {0};
	int64_t when_ns = INT64_MAX;
	const struct lifecycle_rule *rule =
		lifecycle_expires(rules, request->key, inode, &when_ns);
	char date[30];

	if (!rule)
		return;
	clock_to_http(when_ns, date);
	buffer_printf(&value, "expiry-date=\"%s\", rule-id=\"", date);
	text_percent_encode(&value, rule->id, false);
	buffer_append_char(&value, '"');
	http_reply_header(request->response, "x-amz-expiration",
		buffer_slice(&value));
}

void
expiration_reply(struct request *request, const struct inode *inode)
{
	scoped(arena_free) struct arena arena = {0};
	struct lifecycle_rules rules;

	if (read_rules(request, &arena, &rules))
		reply_expiry(request, &rules, inode);
}

void
expiration_reply_new(struct request *request)
{
	scoped(arena_free) struct arena arena = {0};
	struct lifecycle_rules rules;
	struct object object;

	if (read_rules(request, &arena, &rules) &&
		!object_head(request->store, request->bucket.ino, request->key,
			&arena, &object))
		reply_expiry(request, &rules, &object.inode);
}

void
expiration_reply_upload(struct request *request, int64_t created_ns)
{
	scoped(buffer_free) struct buffer id = {0};
	const struct lifecycle_rule *rule;
	scoped(arena_free) struct arena arena = {0};
	struct lifecycle_rules rules;
	int64_t when_ns = INT64_MAX;
	char date[30];

	if (!read_rules(request, &arena, &rules))
		return;
	rule = lifecycle_aborts(&rules, request->key, created_ns, &when_ns);
	if (!rule)
		return;
	clock_to_http(when_ns, date);
	text_percent_encode(&id, rule->id, false);
	http_reply_header_str(request->response, "x-amz-abort-date", date);
	http_reply_header(request->response, "x-amz-abort-rule-id",
		buffer_slice(&id));
}
