/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/s3api/iam/slow.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "store/base/compiler.h"

#define TEXT_MAX 256

/* A text with its wildcards told apart from letters: tokens above 0 are bytes.
 */
#define ANY (-1)
#define ONE (-2)

struct tokens {
	int list[TEXT_MAX];
	int count;
	bool is_unresolved;
};

static const char *const *
values_of(const struct slow_request *request, const char *key)
{
	static const char *const none[1];

	for (unsigned int i = 0; i < request->value_count; i++) {
		if (!strcasecmp(request->values[i].key, key))
			return request->values[i].values;
	}
	return none;
}

static int
count_of(const char *const *values)
{
	int count = 0;

	while (values[count])
		count++;
	return count;
}

static void
add(struct tokens *to, int token)
{
	if (to->count < TEXT_MAX)
		to->list[to->count++] = token;
}

/* Fills in variables, then tells wildcards from letters. */
static struct tokens
tokens_of(const struct slow_request *request, const char *text, bool has_wilds)
{
	struct tokens to = {.count = 0};
	char key[TEXT_MAX];
	int len = 0;

	for (; *text; text++) {
		if (sscanf(text, "${%255[^}]}%n", key, &len) == 1 && len > 0) {
			const char *const *values = values_of(request, key);

			if (strlen(key) == 1)
				add(&to, key[0]);
			else if (count_of(values) != 1)
				to.is_unresolved = true;
			for (const char *p = strlen(key) > 1 ? values[0] : NULL;
				p && *p; p++)
				add(&to, (unsigned char)*p);
			text += len - 1;
			len = 0;
			continue;
		}
		if (has_wilds && *text == '*')
			add(&to, ANY);
		else if (has_wilds && *text == '?')
			add(&to, ONE);
		else
			add(&to, (unsigned char)*text);
	}
	return to;
}

static int
fold(int c, bool is_nocase)
{
	return is_nocase && c >= 'A' && c <= 'Z' ? c + 'a' - 'A' : c;
}

static bool
matches_from(const struct tokens *pattern, int at, const char *text,
	bool is_nocase)
{
	if (at == pattern->count)
		return *text == '\0';
	if (pattern->list[at] == ANY)
		return matches_from(pattern, at + 1, text, is_nocase) ||
		       (*text &&
			       matches_from(pattern, at, text + 1, is_nocase));
	if (!*text)
		return false;
	if (pattern->list[at] == ONE)
		return matches_from(pattern, at + 1, text + 1, is_nocase);
	return fold(pattern->list[at], is_nocase) ==
		       fold((unsigned char)*text, is_nocase) &&
	       matches_from(pattern, at + 1, text + 1, is_nocase);
}

/* Plain patterns, without variables. */
static bool
is_like(const char *pattern, const char *text, bool is_nocase)
{
	static const struct slow_request nothing;
	struct tokens tokens = tokens_of(&nothing, pattern, true);

	return matches_from(&tokens, 0, text, is_nocase);
}

/* The n-th string of a string or list; NULL beyond. */
static const char *
item(const json_t *value, size_t n)
{
	if (json_is_array(value))
		return json_string_value(json_array_get(value, n));
	return n == 0 ? json_string_value(value) : NULL;
}

/* --- conditions ----------------------------------------------------------- */

struct test {
	const struct slow_request *request;
	char family[64]; /* without qualifier, IfExists and Not */
	bool is_negated;
	bool is_allow;
};

static long
address_of(const char *text)
{
	unsigned int a;
	unsigned int b;
	unsigned int c;
	unsigned int d;

	if (sscanf(text, "%u.%u.%u.%u", &a, &b, &c, &d) != 4)
		return -1;
	return ((long)a << 24) + (b << 16) + (c << 8) + d;
}

static bool
is_in(const char *network, const char *address)
{
	const char *slash = strchr(network, '/');
	int bits = slash ? (int)strtol(slash + 1, NULL, 10) : 32;
	long size = 1l << (32 - bits);

	return address_of(network) / size == address_of(address) / size;
}

static bool
is_arn_like(const char *pattern, const char *value)
{
	for (int i = 0; i < 5; i++) {
		size_t p = strcspn(pattern, ":");
		size_t v = strcspn(value, ":");
		char part[TEXT_MAX];
		char wanted[TEXT_MAX];

		if (!value[v])
			return false;
		(void)snprintf(wanted, sizeof(wanted), "%.*s", (int)p, pattern);
		(void)snprintf(part, sizeof(part), "%.*s", (int)v, value);
		if (!is_like(wanted, part, false))
			return false;
		pattern += p + 1;
		value += v + 1;
	}
	return is_like(pattern, value, false);
}

/* Of the years that the test uses, no leap day in between matters: it compares
 * texts of one form. */
static int
order_of(const char *family, const char *value, const char *wanted)
{
	if (!strncmp(family, "Date", 4))
		return strcmp(value, wanted);

	double a = strtod(value, NULL);
	double b = strtod(wanted, NULL);

	return a < b ? -1 : a > b;
}

static bool
compares(const char *family, const char *value, const char *wanted)
{
	int order = order_of(family, value, wanted);

	if (strstr(family, "LessThanEquals"))
		return order <= 0;
	if (strstr(family, "LessThan"))
		return order < 0;
	if (strstr(family, "GreaterThanEquals"))
		return order >= 0;
	if (strstr(family, "GreaterThan"))
		return order > 0;
	return order == 0;
}

/* 1: it does; 0: it does not; -1: a variable has no value. */
static int
matches_one(const struct test *test, const char *value, const char *wanted)
{
	if (!strncmp(test->family, "String", 6)) {
		struct tokens tokens = tokens_of(test->request, wanted,
			strstr(test->family, "Like") != NULL);

		if (tokens.is_unresolved)
			return -1;
		return matches_from(&tokens, 0, value,
			strstr(test->family, "IgnoreCase") != NULL);
	}
	if (!strncmp(test->family, "Arn", 3))
		return is_arn_like(wanted, value);
	if (!strcmp(test->family, "IpAddress"))
		return is_in(wanted, value);
	if (!strcmp(test->family, "Bool"))
		return !strcasecmp(wanted, value);
	return compares(test->family, value, wanted);
}

static bool
value_passes(const struct test *test, const char *value, const json_t *wanted)
{
	bool is_unresolved = false;

	for (size_t i = 0; item(wanted, i); i++) {
		int match = matches_one(test, value, item(wanted, i));

		if (match == 1)
			return !test->is_negated;
		is_unresolved |= match < 0;
	}
	return test->is_negated && !(is_unresolved && test->is_allow);
}

static bool
null_passes(bool is_missing, const json_t *wanted)
{
	for (size_t i = 0; item(wanted, i); i++) {
		if (!strcmp(item(wanted, i), is_missing ? "true" : "false"))
			return true;
	}
	return false;
}

/* Takes Not out of the middle of an operator's name. */
static void
set_family(struct test *test, const char *name, bool has_if_exists)
{
	size_t len = strlen(name) - (has_if_exists ? strlen("IfExists") : 0);
	char plain[64];
	char *found;

	(void)snprintf(plain, sizeof(plain), "%.*s", (int)len, name);
	found = strstr(plain, "Not");
	test->is_negated = found != NULL;
	(void)snprintf(test->family, sizeof(test->family), "%.*s%s",
		found ? (int)(found - plain) : (int)sizeof(plain), plain,
		found ? found + 3 : "");
}

static bool
condition_holds(const struct slow_request *request, const char *operator_name,
	const char *key, const json_t *wanted, bool is_allow)
{
	bool for_all = !strncmp(operator_name, "ForAllValues:", 13);
	bool for_any = !strncmp(operator_name, "ForAnyValue:", 12);
	bool has_if_exists = strstr(operator_name, "IfExists") != NULL;
	const char *const *values = values_of(request, key);
	struct test test = {.request = request, .is_allow = is_allow};
	int passed = 0;

	set_family(&test,
		operator_name + (for_all	  ? 13
					: for_any ? 12
						  : 0),
		has_if_exists);
	if (!strcmp(test.family, "Null"))
		return null_passes(!values[0], wanted);
	if (!values[0] && has_if_exists)
		return true;
	if (!values[0])
		return for_all || (!for_any && test.is_negated);
	for (int i = 0; values[i]; i++)
		passed += value_passes(&test, values[i], wanted);
	if (for_all || (!for_any && test.is_negated))
		return passed == count_of(values);
	return passed > 0;
}

static bool
conditions_hold(const struct slow_request *request, json_t *conditions,
	bool is_allow)
{
	const char *operator_name;
	const char *key;
	json_t *keys;
	json_t *wanted;

	json_object_foreach(conditions, operator_name, keys)
	{
		json_object_foreach(keys, key, wanted)
		{
			if (!condition_holds(request, operator_name, key,
				    wanted, is_allow))
				return false;
		}
	}
	return true;
}

/* --- statements ----------------------------------------------------------- */

static bool
names_action(const struct slow_request *request, const json_t *actions)
{
	bool has_two =
		!strcmp(request->action, "cwobject:CreateAccessKeyFromJWT");

	for (size_t i = 0; item(actions, i); i++) {
		if (is_like(item(actions, i), request->action, true) ||
			(has_two && is_like(item(actions, i),
					    "cwobject:CreateAccessKey", true)))
			return true;
	}
	return false;
}

static bool
is_user(const struct slow_request *request, const char *organization,
	const char *name)
{
	return !request->is_anonymous && !request->role &&
	       !strcmp(request->organization, organization) &&
	       !strcmp(request->name, name);
}

/* The forms of principals that the test makes. */
static bool
names_caller(const struct slow_request *request, const char *principal)
{
	char organization[64];
	char name[64];
	int len = 0;

	if (!strcmp(principal, "*"))
		return true;
	if (request->is_anonymous)
		return false;
	if (sscanf(principal, "arn:aws:iam::%63[^:]:user/%63s", organization,
		    name) == 2)
		return is_user(request, organization, name);
	if (sscanf(principal, "arn:aws:iam::%63[^:]:role/%63s", organization,
		    name) == 2)
		return request->role && !strcmp(request->role, name) &&
		       !strcmp(request->organization, organization);
	if (sscanf(principal, "arn:aws:iam::%63[^:]:root%n", organization,
		    &len) == 1 &&
		len > 0)
		return !strcmp(request->organization, organization);
	return !strcmp(request->organization, principal);
}

static bool
principal_fits(const struct slow_request *request, json_t *statement)
{
	json_t *plain = json_object_get(statement, "Principal");
	json_t *element =
		plain ? plain : json_object_get(statement, "NotPrincipal");
	json_t *list = json_is_object(element) ? json_object_get(element, "AWS")
					       : element;

	for (size_t i = 0; item(list, i); i++) {
		if (names_caller(request, item(list, i)))
			return plain != NULL;
	}
	return plain == NULL;
}

static void
resource_of(const struct slow_request *request, char *to, size_t size)
{
	(void)snprintf(to, size, "%s%s%s",
		request->bucket ? request->bucket : "", request->key ? "/" : "",
		request->key ? request->key : "");
}

static bool
resource_fits(const struct slow_request *request, json_t *statement)
{
	json_t *plain = json_object_get(statement, "Resource");
	json_t *list =
		plain ? plain : json_object_get(statement, "NotResource");
	bool is_allow =
		!strcmp(json_string_value(json_object_get(statement, "Effect")),
			"Allow");
	bool is_unresolved = false;
	char text[TEXT_MAX];

	resource_of(request, text, sizeof(text));
	for (size_t i = 0; item(list, i); i++) {
		struct tokens tokens = tokens_of(request,
			item(list, i) + strlen("arn:aws:s3:::"), true);

		if (!tokens.is_unresolved &&
			matches_from(&tokens, 0, text, false))
			return plain != NULL;
		is_unresolved |= tokens.is_unresolved;
	}
	return !plain && !(is_unresolved && is_allow);
}

static bool
bucket_statement_applies(const struct slow_request *request, json_t *statement,
	bool is_allow)
{
	const json_t *actions = json_object_get(statement, "Action");
	const json_t *not_actions = json_object_get(statement, "NotAction");

	return (actions ? names_action(request, actions)
			: !names_action(request, not_actions)) &&
	       principal_fits(request, statement) &&
	       resource_fits(request, statement) &&
	       conditions_hold(request, json_object_get(statement, "Condition"),
		       is_allow);
}

/* Names are those of the policy's own organization. */
static bool
short_name_fits(const struct slow_request *request, const char *principal,
	const char *organization)
{
	if (!strcmp(principal, "*"))
		return true;
	if (request->is_anonymous ||
		strcmp(request->organization, organization) != 0)
		return false;
	if (!strncmp(principal, "role/", 5))
		return request->role &&
		       is_like(principal + 5, request->role, false);
	return is_like(principal, request->name, false);
}

/* "bucket/" and a star is the bucket, too. */
static bool
short_resource_fits(const struct slow_request *request, const char *resource)
{
	char text[TEXT_MAX];
	const char *slash = strchr(resource, '/');
	char bucket[TEXT_MAX];

	resource_of(request, text, sizeof(text));
	(void)snprintf(bucket, sizeof(bucket), "%.*s",
		slash ? (int)(slash - resource) : 0, resource);
	return is_like(resource, text, false) ||
	       (slash && !strcmp(slash, "/*") && is_like(bucket, text, false));
}

static bool
organization_statement_applies(const struct slow_request *request,
	json_t *statement, const char *organization)
{
	json_t *principals = json_object_get(statement, "principals");
	json_t *resources = json_object_get(statement, "resources");
	bool is_caller = false;
	bool is_resource = false;

	for (size_t i = 0; item(principals, i); i++)
		is_caller |= short_name_fits(request, item(principals, i),
			organization);
	for (size_t i = 0; item(resources, i); i++)
		is_resource |= short_resource_fits(request, item(resources, i));
	return is_caller && is_resource &&
	       names_action(request, json_object_get(statement, "actions"));
}

/* --- the order ------------------------------------------------------------ */

static bool
any_applies(const struct slow_request *request, json_t *policy,
	const char *organization, const char *effect)
{
	json_t *list = json_object_get(policy, "Statement");
	json_t *short_list = json_object_get(policy, "statements");

	for (size_t i = 0; i < json_array_size(list); i++) {
		json_t *statement = json_array_get(list, i);

		if (!strcmp(json_string_value(json_object_get(statement,
				    "Effect")),
			    effect) &&
			bucket_statement_applies(request, statement,
				!strcmp(effect, "Allow")))
			return true;
	}
	for (size_t i = 0; i < json_array_size(short_list); i++) {
		json_t *statement = json_array_get(short_list, i);

		if (!strcmp(json_string_value(json_object_get(statement,
				    "effect")),
			    effect) &&
			organization_statement_applies(request, statement,
				organization))
			return true;
	}
	return false;
}

static bool
any_of_them_applies(const struct slow_request *request, json_t *const *policies,
	unsigned int count, const char *organization, const char *effect)
{
	for (unsigned int i = 0; i < count; i++) {
		if (any_applies(request, policies[i], organization, effect))
			return true;
	}
	return false;
}

/* --- lists ---------------------------------------------------------------- */

static bool
list_gives(const struct slow_request *request, const struct slow_list *list,
	const char *permission, bool ignores_public)
{
	bool is_stranger = !request->is_anonymous &&
			   strcmp(request->organization, request->owner) != 0;

	if (is_stranger && !strcmp(list->owner, request->organization))
		return true;
	for (unsigned int i = 0; i < list->count; i++) {
		const char *grantee = list->grants[i].grantee;
		const char *given = list->grants[i].permission;
		bool is_all = !strcmp(grantee, "*");
		bool is_signed = !strcmp(grantee, "signed");

		if (strcmp(given, permission) != 0 &&
			strcmp(given, "FULL_CONTROL") != 0)
			continue;
		if ((is_all || (is_signed && !request->is_anonymous)) &&
			!ignores_public)
			return true;
		if (is_stranger && !strcmp(grantee, request->organization))
			return true;
	}
	return false;
}

static bool
lists_allow(const struct slow_request *request,
	const struct slow_policies *policies)
{
	const char *action = request->action;
	const struct slow_list *list = policies->bucket_list;
	const char *permission = NULL;

	if (!request->owner)
		return false;
	if (!strcmp(action, "s3:GetObject")) {
		list = policies->object_list;
		permission = "READ";
	} else if (!strcmp(action, "s3:GetObjectAcl")) {
		list = policies->object_list;
		permission = "READ_ACP";
	} else if (!strcmp(action, "s3:ListBucket")) {
		permission = "READ";
	} else if (!strcmp(action, "s3:PutObject") ||
		   !strcmp(action, "s3:DeleteObject")) {
		permission = "WRITE";
	} else if (!strcmp(action, "s3:PutBucketAcl")) {
		permission = "WRITE_ACP";
	}
	return permission && list &&
	       list_gives(request, list, permission, policies->ignores_public);
}

bool
slow_allows(const struct slow_request *request,
	const struct slow_policies *policies)
{
	static const char *const beyond[] = {"s3:ListAllMyBuckets",
		"s3:CreateBucket", "s3:PutBucketPolicy",
		"cwobject:CreateAccessKeyFromJWT"};
	bool is_of_policy = !strcmp(request->action, "s3:DeleteBucketPolicy") ||
			    !strcmp(request->action, "s3:GetBucketPolicy");
	bool is_owner = !request->is_anonymous &&
			(!request->owner ||
				!strcmp(request->owner, request->organization));
	bool is_beyond = false;

	for (size_t i = 0; i < array_len(beyond); i++)
		is_beyond |= !strcmp(beyond[i], request->action);

	if (any_of_them_applies(request, policies->own, policies->own_count,
		    request->organization, "Deny"))
		return false;
	if (!is_owner &&
		any_of_them_applies(request, policies->owners,
			policies->owners_count, request->owner, "Deny"))
		return false;
	if (policies->own_count > 0 &&
		!any_of_them_applies(request, policies->own,
			policies->own_count, request->organization, "Allow"))
		return false;
	bool owning_is_enough =
		is_owner && (policies->own_count > 0 || !request->role);

	if (is_beyond || (is_of_policy && is_owner && !request->role))
		return owning_is_enough;
	if (is_of_policy && !is_owner)
		return false;
	if (!policies->bucket)
		return owning_is_enough || lists_allow(request, policies);
	if (any_applies(request, policies->bucket, NULL, "Deny"))
		return false;
	if (any_applies(request, policies->bucket, NULL, "Allow"))
		return is_owner || !policies->is_bucket_public ||
		       !policies->restricts_public;
	return (is_owner && policies->own_count == 0 && !request->role) ||
	       lists_allow(request, policies);
}
