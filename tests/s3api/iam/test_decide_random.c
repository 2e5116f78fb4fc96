/* SPDX-License-Identifier: Apache-2.0 */
/*
 * decide() against slow.c on random policies and requests, made of few words
 * so that they often meet.  DECIDE_SEED repeats a run.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "s3api/iam/decide.h"
#include "s3api/iam/orgpolicy.h"
#include "store/base/buffer.h"
#include "store/base/random.h"
#include "tests/s3api/iam/slow.h"

/* Sanitizers make each ten times as dear. */
#ifdef __SANITIZE_ADDRESS__
#define ROUNDS 10000
#else
#define ROUNDS 100000
#endif
#define REQUESTS 10 /* of each round's policies */
#define KEYS 10

struct draw {
	uint64_t state;
};

static unsigned int
below(struct draw *draw, unsigned int bound)
{
	/* xorshift64* */
	draw->state ^= draw->state >> 12;
	draw->state ^= draw->state << 25;
	draw->state ^= draw->state >> 27;
	return (unsigned int)((draw->state * 0x2545f4914f6cdd1dull) >> 33) %
	       bound;
}

#define pick(draw, words) ((words)[below(draw, array_len(words))])

/* --- policies ------------------------------------------------------------- */

/* "word" or ["word", "word"] */
static void
write_list(struct draw *draw, struct buffer *to, const char *const *words,
	unsigned int count, bool is_always_list)
{
	unsigned int len = below(draw, 3);

	if (len == 0 && !is_always_list) {
		buffer_printf(to, "\"%s\"", words[below(draw, count)]);
		return;
	}
	buffer_append_str(to, "[");
	for (unsigned int i = 0; i <= len; i++)
		buffer_printf(to, "%s\"%s\"", i > 0 ? "," : "",
			words[below(draw, count)]);
	buffer_append_str(to, "]");
}

#define write_any(draw, to, words)                                             \
	write_list(draw, to, words, array_len(words), false)
#define write_short(draw, to, words)                                           \
	write_list(draw, to, words, array_len(words), true)

static const char *const actions[] = {"s3:GetObject", "s3:PutObject",
	"s3:ListBucket", "s3:DeleteObject", "s3:Get*", "s3:*", "*",
	"S3:GETOBJECT", "s3:?etObject", "s3:*Policy", "s3:List*"};

static void
write_principal(struct draw *draw, struct buffer *to, bool is_allow)
{
	static const char *const principals[] = {"*", "arn:aws:iam::org:root",
		"org", "arn:aws:iam::org:user/alice",
		"arn:aws:iam::org:user/bob", "arn:aws:iam::other:user/alice",
		"arn:aws:iam::org:role/reader", "other"};

	if (below(draw, 3) == 0) {
		buffer_append_str(to, "\"Principal\":\"*\",");
		return;
	}
	buffer_printf(to, "\"%sPrincipal\":{\"AWS\":",
		!is_allow && below(draw, 3) == 0 ? "Not" : "");
	write_any(draw, to, principals);
	buffer_append_str(to, "},");
}

static void
write_condition(struct draw *draw, struct buffer *to)
{
	static const struct {
		const char *key;
		const char *const operators[8];
		const char *const values[6];
	} forms[] = {
		{"aws:SourceIp", {"IpAddress", "NotIpAddress"},
			{"10.0.0.0/8", "192.0.2.7", "192.0.2.0/25",
				"0.0.0.0/0"}},
		{"aws:SecureTransport", {"Bool", "Null"}, {"true", "false"}},
		{"aws:UserAgent",
			{"StringLike", "StringNotLike", "StringEquals",
				"StringNotEqualsIgnoreCase",
				"StringEqualsIgnoreCase"},
			{"curl/*", "CURL/8", "*?li/2", "${aws:username}",
				"${*}"}},
		{"AWS:referer",
			{"StringLike", "StringNotEquals", "StringEquals"},
			{"http://a/*", "http://a/", "", "x${aws:username}"}},
		{"aws:CurrentTime",
			{"DateLessThan", "DateGreaterThanEquals", "DateEquals",
				"DateNotEquals", "DateGreaterThan",
				"DateLessThanEquals"},
			{"2020-01-01T00:00:00Z", "2026-01-01T00:00:00Z"}},
		{"s3:prefix",
			{"StringEquals", "StringLike", "StringNotLike", "Null"},
			{"true", "false"}},
		{"s3:prefix", {"StringEquals", "StringLike", "StringNotLike"},
			{"", "dir/*", "${aws:username}/*", "?"}},
		{"s3:max-keys",
			{"NumericLessThan", "NumericLessThanEquals",
				"NumericEquals", "NumericNotEquals",
				"NumericGreaterThan",
				"NumericGreaterThanEquals"},
			{"1", "10", "10.5"}},
		{"s3:ExistingObjectTag/x", {"StringEquals", "StringNotEquals"},
			{"1", "2"}},
		{"s3:RequestObjectTagKeys",
			{"StringEquals", "StringNotEquals", "StringLike"},
			{"a", "b", "?"}},
		{"aws:PrincipalArn", {"ArnLike", "ArnNotEquals"},
			{"arn:aws:iam::org:user/a*", "arn:aws:iam::*:user/bob",
				"arn:*:*:*:*:*"}},
	};
	static const char *const qualifiers[] = {
		"", "", "ForAllValues:", "ForAnyValue:"};
	unsigned int form = below(draw, array_len(forms));
	unsigned int operators = 0;
	unsigned int values = 0;

	while (operators < 8 && forms[form].operators[operators])
		operators++;
	while (values < 6 && forms[form].values[values])
		values++;

	const char *name = forms[form].operators[below(draw, operators)];
	bool is_null = !strcmp(name, "Null");

	buffer_printf(to,
		"\"%s%s%s\":{\"%s\":", is_null ? "" : pick(draw, qualifiers),
		name, !is_null && below(draw, 3) == 0 ? "IfExists" : "",
		forms[form].key);
	write_list(draw, to, forms[form].values, values, false);
	buffer_append_str(to, "}");
}

static void
write_statement(struct draw *draw, struct buffer *to)
{
	static const char *const resources[] = {"arn:aws:s3:::photos/*",
		"arn:aws:s3:::photos", "arn:aws:s3:::photos*",
		"arn:aws:s3:::photos/dir/*", "arn:aws:s3:::photos/a",
		"arn:aws:s3:::photos/?", "arn:aws:s3:::photos/*/x",
		"arn:aws:s3:::photos/${aws:username}/*"};
	bool is_allow = below(draw, 5) < 3;

	buffer_printf(to, "{\"Effect\":\"%s\",", is_allow ? "Allow" : "Deny");
	write_principal(draw, to, is_allow);
	buffer_printf(to, "\"%sAction\":", below(draw, 5) == 0 ? "Not" : "");
	write_any(draw, to, actions);
	buffer_printf(to, ",\"%sResource\":", below(draw, 5) == 0 ? "Not" : "");
	write_any(draw, to, resources);
	if (below(draw, 2)) {
		buffer_append_str(to, ",\"Condition\":{");
		write_condition(draw, to);
		buffer_append_str(to, "}");
	}
	buffer_append_str(to, "}");
}

static void
write_bucket_policy(struct draw *draw, struct buffer *to)
{
	unsigned int count = 1 + below(draw, 4);

	buffer_append_str(to, "{\"Version\":\"2012-10-17\",\"Statement\":[");
	for (unsigned int i = 0; i < count; i++) {
		buffer_append_str(to, i > 0 ? "," : "");
		write_statement(draw, to);
	}
	buffer_append_str(to, "]}");
}

static void
write_access_policy(struct draw *draw, struct buffer *to)
{
	static const char *const more_actions[] = {"s3:GetObject",
		"s3:PutObject", "s3:Get*", "s3:List*", "s3:*", "*",
		"cwobject:*", "s3:CreateBucket", "cwobject:CreateAccessKey",
		"cwobject:createaccesskeyfrom*"};
	static const char *const resources[] = {
		"*", "photos/*", "photos", "photos/dir/*", "p*", "other/*"};
	static const char *const principals[] = {
		"*", "role/reader", "role/*", "alice", "b*"};
	unsigned int count = 1 + below(draw, 3);

	buffer_append_str(to,
		"{\"version\":\"v1alpha1\",\"name\":\"p\",\"statements\":[");
	for (unsigned int i = 0; i < count; i++) {
		buffer_printf(to, "%s{\"name\":\"%u\",\"effect\":\"%s\",",
			i > 0 ? "," : "", i, below(draw, 3) ? "Allow" : "Deny");
		buffer_append_str(to, "\"actions\":");
		write_short(draw, to, more_actions);
		buffer_append_str(to, ",\"resources\":");
		write_short(draw, to, resources);
		buffer_append_str(to, ",\"principals\":");
		write_short(draw, to, principals);
		buffer_append_str(to, "}");
	}
	buffer_append_str(to, "]}");
}

/* --- requests ------------------------------------------------------------- */

struct request {
	struct slow_request slow;
	struct slow_value values[KEYS];
	char arn[64];
};

static void
set_value(struct request *request, const char *key, const char *value)
{
	if (!value)
		return;
	request->values[request->slow.value_count++] =
		(struct slow_value){key, {value}};
}

static void
draw_tag_keys(struct draw *draw, struct request *request)
{
	static const char *const names[] = {"a", "b", "c"};
	unsigned int count = below(draw, SLOW_VALUES_MAX + 1);
	struct slow_value *value = &request->values[request->slow.value_count];

	if (count == 0)
		return;
	*value = (struct slow_value){.key = "s3:RequestObjectTagKeys"};
	for (unsigned int i = 0; i < count; i++)
		value->values[i] = pick(draw, names);
	request->slow.value_count++;
}

static void
draw_values(struct draw *draw, struct request *request)
{
	static const char *const addresses[] = {
		"10.1.2.3", "192.0.2.7", "192.0.2.200"};
	static const char *const truths[] = {"true", "false"};
	static const char *const agents[] = {
		NULL, "curl/8", "aws-cli/2", "*", "alice"};
	static const char *const referers[] = {
		NULL, "http://a/", "http://a/b", "xalice", ""};
	static const char *const times[] = {"2019-12-31T23:59:59Z",
		"2020-01-01T00:00:00Z", "2026-01-01T00:00:00Z"};
	static const char *const prefixes[] = {
		NULL, "", "dir/", "alice/x", "a"};
	static const char *const numbers[] = {NULL, "1", "10", "11"};
	static const char *const tags[] = {NULL, "1", "2"};

	set_value(request, "aws:SourceIp", pick(draw, addresses));
	set_value(request, "aws:SecureTransport", pick(draw, truths));
	set_value(request, "aws:UserAgent", pick(draw, agents));
	set_value(request, "aws:Referer", pick(draw, referers));
	set_value(request, "aws:CurrentTime", pick(draw, times));
	set_value(request, "s3:prefix", pick(draw, prefixes));
	set_value(request, "s3:max-keys", pick(draw, numbers));
	set_value(request, "s3:ExistingObjectTag/x", pick(draw, tags));
	draw_tag_keys(draw, request);
}

static void
draw_caller(struct draw *draw, struct request *request)
{
	static const char *const names[] = {"alice", "bob"};
	static const char *const organizations[] = {"org", "org", "other"};
	struct slow_request *slow = &request->slow;

	slow->is_anonymous = below(draw, 4) == 0;
	if (slow->is_anonymous)
		return;
	slow->organization = pick(draw, organizations);
	slow->name = pick(draw, names);
	slow->role = below(draw, 3) == 0 ? "reader" : NULL;
}

static void
draw_request(struct draw *draw, struct request *request)
{
	static const struct {
		const char *action;
		bool has_key;
		bool has_bucket;
	} asks[] = {{"s3:GetObject", true, true}, {"s3:PutObject", true, true},
		{"s3:DeleteObject", true, true}, {"s3:ListBucket", false, true},
		{"s3:GetObjectAcl", true, true},
		{"s3:PutBucketAcl", false, true},
		{"s3:GetBucketPolicy", false, true},
		{"s3:PutBucketPolicy", false, true},
		{"s3:DeleteBucketPolicy", false, true},
		{"s3:CreateBucket", false, false},
		{"s3:ListAllMyBuckets", false, false},
		{"cwobject:CreateAccessKeyFromJWT", false, false}};
	static const char *const keys[] = {
		"a", "b", "dir/a", "dir/x", "alice/x", "bob/", "*", "dir"};
	unsigned int ask = below(draw, array_len(asks) + 8);

	ask = ask < array_len(asks) ? ask : ask % 4;
	*request = (struct request){
		.slow = {.action = asks[ask].action,
			.key = asks[ask].has_key ? pick(draw, keys) : NULL},
	};
	request->slow.values = request->values;
	if (asks[ask].has_bucket ||
		!strcmp(asks[ask].action, "s3:CreateBucket"))
		request->slow.bucket = "photos";
	if (asks[ask].has_bucket)
		request->slow.owner = "org";
	draw_caller(draw, request);
	draw_values(draw, request);
	if (!request->slow.is_anonymous && below(draw, 8) > 0)
		set_value(request, "aws:username", request->slow.name);
}

static void
find(void *context, const struct policy_key_name *name,
	struct policy_values *out)
{
	const struct slow_request *request = context;
	char key[128];

	(void)snprintf(key, sizeof(key), "%s%.*s", policy_key_text(name->key),
		(int)name->suffix.len,
		name->suffix.len ? name->suffix.data : "");
	out->count = 0;
	for (unsigned int i = 0; i < request->value_count; i++) {
		const struct slow_value *value = &request->values[i];

		for (int v = 0;
			!strcasecmp(value->key, key) && value->values[v]; v++)
			out->values[out->count++] = slice_str(value->values[v]);
	}
}

/* --- both ----------------------------------------------------------------- */

struct round {
	struct buffer texts[3]; /* of the bucket, own, the owner's */
	struct policy *policies[3];
	json_t *json[3];
	bool has_lists;
	struct slow_list lists[2]; /* of the bucket, of the object */
	bool ignores_public;
	bool restricts_public;
};

static void
draw_list(struct draw *draw, struct slow_list *list)
{
	static const char *const owners[] = {"org", "org", "other"};
	static const char *const grantees[] = {
		"*", "signed", "log", "org", "other", "third"};
	static const char *const permissions[] = {
		"READ", "WRITE", "READ_ACP", "WRITE_ACP", "FULL_CONTROL"};

	*list = (struct slow_list){
		.owner = pick(draw, owners),
		.count = below(draw, SLOW_GRANTS_MAX + 1),
	};
	for (unsigned int i = 0; i < list->count; i++) {
		list->grants[i].grantee = pick(draw, grantees);
		list->grants[i].permission = pick(draw, permissions);
	}
}

/* What decide() gets to see, through the encoding. */
static void
make_list(const struct slow_list *slow, struct arena *arena, struct acl *out)
{
	scoped(buffer_free) struct buffer encoded = {0};
	struct acl acl = {.owner = slice_str(slow->owner)};

	for (unsigned int i = 0; i < slow->count; i++) {
		struct slice name = slice_str(slow->grants[i].grantee);
		enum acl_grantee grantee =
			slice_equal(name, SLICE("*")) ? ACL_ALL_USERS
			: slice_equal(name, SLICE("signed"))
				? ACL_AUTHENTICATED_USERS
			: slice_equal(name, SLICE("log")) ? ACL_LOG_DELIVERY
							  : ACL_ORGANIZATION;
		enum acl_permission permission;

		cr_assert(acl_permission_find(slice_str(slow->grants[i]
								.permission),
			&permission));
		cr_assert(acl_add(&acl, grantee,
			grantee == ACL_ORGANIZATION ? name : SLICE_NULL,
			permission));
	}
	acl_encode(&encoded, &acl);
	cr_assert(acl_decode(arena_copy(arena, buffer_slice(&encoded)), out));
}

struct exposing {
	const struct round *round;
	enum policy_action action;
	struct arena arena;
	struct acl acl;
};

static void
expose(void *context, struct decide_exposure *out)
{
	struct exposing *exposing = context;
	const struct round *round = exposing->round;
	bool is_on_object = false;

	*out = (struct decide_exposure){
		.ignores_public_acls = round->ignores_public,
		.restricts_public_bucket = round->restricts_public,
	};
	if (!round->has_lists || !acl_needed(exposing->action, &is_on_object))
		return;
	make_list(&round->lists[is_on_object], &exposing->arena,
		&exposing->acl);
	out->acl = &exposing->acl;
}

static bool
begin_policy(struct round *round, int i)
{
	struct slice text = buffer_slice(&round->texts[i]);
	struct policy_error error;

	if (text.len == 0)
		return true;
	round->json[i] = json_loadb(text.data, text.len, 0, NULL);
	round->policies[i] =
		i == 0 ? policy_parse(text, SLICE("photos"), &error)
		       : orgpolicy_parse(text, &error);
	return round->policies[i] != NULL;
}

static bool
begin(struct draw *draw, struct round *round)
{
	*round = (struct round){0};
	if (below(draw, 8) > 0)
		write_bucket_policy(draw, &round->texts[0]);
	if (below(draw, 2) == 0)
		write_access_policy(draw, &round->texts[1]);
	if (below(draw, 2) == 0)
		write_access_policy(draw, &round->texts[2]);
	round->has_lists = below(draw, 2);
	draw_list(draw, &round->lists[0]);
	draw_list(draw, &round->lists[1]);
	round->ignores_public = below(draw, 4) == 0;
	round->restricts_public = below(draw, 4) == 0;
	return begin_policy(round, 0) && begin_policy(round, 1) &&
	       begin_policy(round, 2);
}

static void
end(struct round *round)
{
	for (int i = 0; i < 3; i++) {
		buffer_free(&round->texts[i]);
		policy_free(&round->policies[i]);
		json_decref(round->json[i]);
	}
}

static bool
fast_allows(const struct round *round, const struct slow_request *slow)
{
	bool has_own = !slow->is_anonymous && round->policies[1];
	struct exposing exposing = {
		.round = round,
		.action = policy_action_find(slice_str(slow->action)),
	};
	const struct decide_policies policies = {
		.own = &round->policies[1],
		.own_count = has_own,
		.owners = &round->policies[2],
		.owners_count = round->policies[2] != NULL,
		.bucket = slow->owner ? round->policies[0] : NULL,
		.expose = slow->owner ? expose : NULL,
		.expose_context = &exposing,
	};
	const struct policy_caller caller = {
		.is_anonymous = slow->is_anonymous,
		.organization = slice_str(slow->organization),
		.name = slice_str(slow->name),
		.role = slice_str(slow->role),
	};
	const struct policy_context context = {find, (void *)slow, NULL};
	char resource[128];

	(void)snprintf(resource, sizeof(resource), "%s%s%s",
		slow->bucket ? slow->bucket : "", slow->key ? "/" : "",
		slow->key ? slow->key : "");

	const struct policy_query query = {
		.action = exposing.action,
		.resource = slice_str(resource),
		.owner = slice_str(slow->owner),
		.caller = &caller,
		.context = &context,
	};
	struct decision decision = decide(&query, &policies);

	arena_free(&exposing.arena);
	cr_assert(strlen(decide_sentence(decision.reason)) > 0);
	return decision.is_allowed;
}

static bool
slow_decides(const struct round *round, const struct slow_request *slow)
{
	const struct slow_policies policies = {
		.own = &round->json[1],
		.own_count = !slow->is_anonymous && round->json[1],
		.owners = &round->json[2],
		.owners_count = round->json[2] != NULL,
		.bucket = slow->owner ? round->json[0] : NULL,
		.is_bucket_public = round->policies[0] &&
				    policy_is_public(round->policies[0]),
		.bucket_list = round->has_lists ? &round->lists[0] : NULL,
		.object_list = round->has_lists ? &round->lists[1] : NULL,
		.ignores_public = round->ignores_public,
		.restricts_public = round->restricts_public,
	};

	return slow_allows(slow, &policies);
}

static void
explain(const struct round *round, const struct slow_request *slow)
{
	for (int i = 0; i < 3; i++)
		fprintf(stderr, "policy %d: %.*s\n", i,
			(int)round->texts[i].len, round->texts[i].data);
	fprintf(stderr, "%s %s/%s by %s %s role %s\n", slow->action,
		slow->bucket ? slow->bucket : "-", slow->key ? slow->key : "-",
		slow->is_anonymous ? "nobody" : slow->organization,
		slow->is_anonymous ? "" : slow->name,
		slow->role ? slow->role : "-");
	for (int i = 0; i < 2 && round->has_lists; i++) {
		fprintf(stderr, "list %d of %s:", i, round->lists[i].owner);
		for (unsigned int g = 0; g < round->lists[i].count; g++)
			fprintf(stderr, " %s %s",
				round->lists[i].grants[g].grantee,
				round->lists[i].grants[g].permission);
		fprintf(stderr, "\n");
	}
	fprintf(stderr, "ignores %d, restricts %d\n", round->ignores_public,
		round->restricts_public);
	for (unsigned int i = 0; i < slow->value_count; i++)
		fprintf(stderr, "  %s = %s %s %s\n", slow->values[i].key,
			slow->values[i].values[0],
			slow->values[i].values[1] ? slow->values[i].values[1]
						  : "",
			slow->values[i].values[1] && slow->values[i].values[2]
				? slow->values[i].values[2]
				: "");
}

Test(decide_random, agrees_with_what_is_slow_and_plain)
{
	const char *given = getenv("DECIDE_SEED");
	uint64_t seed = given ? strtoull(given, NULL, 0) : random_u64() | 1;
	struct draw draw = {seed};
	unsigned int parsed = 0;
	unsigned int allowed = 0;
	unsigned int wrong = 0;

	for (unsigned int i = 0; i < ROUNDS && wrong == 0; i++) {
		struct round round;

		if (begin(&draw, &round))
			parsed++;
		for (int r = 0; r < REQUESTS && wrong == 0 &&
				(round.policies[0] || round.texts[0].len == 0);
			r++) {
			struct request request;

			draw_request(&draw, &request);
			bool is_allowed = fast_allows(&round, &request.slow);

			allowed += is_allowed;
			if (is_allowed != slow_decides(&round, &request.slow)) {
				wrong++;
				explain(&round, &request.slow);
				fprintf(stderr, "decide() says %s\n",
					is_allowed ? "yes" : "no");
			}
		}
		end(&round);
	}

	cr_expect(eq(uint, wrong, 0), "DECIDE_SEED=%#" PRIx64, seed);
	/* It would prove little if it were all one answer. */
	cr_expect(parsed > ROUNDS / 3, "%u parsed", parsed);
	cr_expect(allowed > ROUNDS / 5, "%u allowed", allowed);
	cr_expect(allowed < ROUNDS * REQUESTS / 2, "%u allowed", allowed);
}
