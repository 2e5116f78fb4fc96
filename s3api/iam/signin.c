/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/iam/signin.h"

#include <stdatomic.h>

#include "s3api/iam/decide.h"
#include "s3api/iam/idp.h"
#include "s3api/iam/orgpolicy_set.h"
#include "store/base/cipher.h"
#include "store/base/clock.h"
#include "store/base/digest.h"
#include "store/base/io.h"
#include "store/base/log.h"

/* Checks under way in this process.  Each keeps a helper thread busy: most of
 * a loop's stay free for others (HELPER_THREADS_MAX). */
#define AT_ONCE_MAX 4

static atomic_uint at_once;

static void
end(struct signin_result *result, enum signin_outcome outcome,
	const char *message)
{
	result->outcome = outcome;
	result->message = message;
}

/* --- whom to believe ------------------------------------------------------ */

static bool
find_idp(const struct signin *signin, struct idp *idp,
	struct signin_result *result)
{
	struct idp *list;
	size_t count = 0;
	enum store_err err;

	if (signin->idp.len > 0) {
		err = idp_get(signin->store, signin->organization, signin->idp,
			signin->arena, idp);
	} else {
		err = idp_list(signin->store, signin->organization,
			signin->arena, &list, &count);
		if (!err && count == 1)
			*idp = list[0];
		else if (!err)
			err = STORE_NOT_FOUND;
	}
	if (!err)
		return true;
	if (count > 1)
		end(result, SIGNIN_INVALID,
			"the organization has several identity providers: say "
			"which by configId");
	else if (err == STORE_NOT_FOUND || err == STORE_NO_ORGANIZATION)
		end(result, SIGNIN_UNKNOWN,
			"there is no such organization or identity provider");
	else
		end(result, SIGNIN_FAILED, "the identity provider is damaged");
	return false;
}

/* --- whether to believe --------------------------------------------------- */

struct job {
	const struct signin *signin;
	const struct idp *idp;
	struct slice xml;
	struct saml_facts facts;
	struct saml_report report;
	bool is_base64;
	bool is_believed;
};

static void
run(void *arg)
{
	struct job *job = arg;
	const struct signin *signin = job->signin;

	job->is_base64 =
		saml_decode(signin->response, signin->arena, &job->xml);
	if (job->is_base64)
		job->is_believed = saml_check(job->xml, &job->idp->saml,
			signin->now_ns, false, signin->arena, &job->facts,
			&job->report);
}

static bool
judge(const struct job *job, struct signin_result *result)
{
	const struct saml_finding *bad = job->report.first_bad;

	if (job->is_believed)
		return true;
	if (!job->is_base64)
		end(result, SIGNIN_INVALID,
			"samlResponse is not base64 of a SAML response");
	else if (!bad)
		end(result, SIGNIN_FAILED, "it cannot be judged");
	else if (bad->step == SAML_XML)
		end(result, SIGNIN_INVALID, bad->text.data);
	else if (bad->step == SAML_STATUS)
		end(result, SIGNIN_REJECTED, bad->text.data);
	else if (slice_find(bad->text, SLICE("expired")) >= 0)
		end(result, SIGNIN_EXPIRED, bad->text.data);
	else
		end(result, SIGNIN_REFUSED, bad->text.data);
	return false;
}

static bool
believe(struct job *job, struct signin_result *result)
{
	bool has_place = atomic_fetch_add(&at_once, 1) < AT_ONCE_MAX;

	if (has_place)
		io_run_blocking(run, job);
	atomic_fetch_sub(&at_once, 1);
	if (has_place)
		return judge(job, result);
	end(result, SIGNIN_BUSY, "too many sign in at once; try again");
	return false;
}

/* --- what for ------------------------------------------------------------- */

static bool
choose_role(const struct signin *signin, const struct saml_facts *facts,
	struct slice *role, struct signin_result *result)
{
	*role = facts->roles[0];
	if (signin->role.len == 0 && facts->role_count == 1)
		return true;
	if (signin->role.len == 0) {
		end(result, SIGNIN_INVALID,
			"the assertion has several roles: say which by role");
		return false;
	}
	for (size_t i = 0; i < facts->role_count; i++) {
		*role = facts->roles[i];
		if (slice_equal(*role, signin->role))
			return true;
	}
	end(result, SIGNIN_REFUSED, "the assertion does not have that role");
	return false;
}

static int64_t
choose_end(const struct signin *signin, const struct saml_facts *facts)
{
	unsigned long seconds = signin->duration_s > 0
					? signin->duration_s
					: SIGNIN_DURATION_S_DEFAULT;
	int64_t end_ns = signin->now_ns + (int64_t)seconds * CLOCK_NS_PER_S;

	/* The provider knows best when its session ends. */
	if (facts->session_until_ns && facts->session_until_ns < end_ns)
		end_ns = facts->session_until_ns;
	return end_ns;
}

static void
find_nothing(void *context, const struct policy_key_name *name,
	struct policy_values *out)
{
	(void)context, (void)name;
	out->count = 0;
}

enum store_err
signin_is_allowed(const struct signin *signin, enum policy_action action,
	struct slice role, struct slice name, struct signin_decision *out)
{
	uint64_t steps = POLICY_STEPS_MAX;
	const struct policy_context context = {find_nothing, NULL, &steps};
	const struct policy_caller caller = {
		.organization = signin->organization,
		.name = name,
		.role = role,
	};
	const struct policy_query query = {
		.action = action,
		.resource = SLICE(""),
		.caller = &caller,
		.context = &context,
	};
	scoped(orgpolicy_set_free) struct orgpolicy_set set = {0};
	enum store_err err = orgpolicy_set_read(signin->store, signin->policies,
		signin->organization, signin->arena, &set);
	const struct decide_policies policies = {
		.own = set.policies,
		.own_count = set.count,
	};

	*out = (struct signin_decision){.is_allowed = false};
	if (err)
		return err;
	const struct decision decision = decide(&query, &policies);

	out->is_allowed = decision.is_allowed;
	out->reason = decide_sentence(decision.reason);
	out->statement = decide_statement(&decision, signin->arena);
	return STORE_OK;
}

static bool
may_have_key(const struct signin *signin, const struct saml_facts *facts,
	struct slice role, struct signin_result *result)
{
	enum store_err err =
		signin_is_allowed(signin, POLICY_ACTION_CREATE_ACCESS_KEY_SAML,
			role, facts->principal, &result->decision);

	result->principal = facts->principal;
	result->role = role;
	if (err)
		end(result, SIGNIN_FAILED, "the access policies are damaged");
	else if (!result->decision.is_allowed)
		end(result, SIGNIN_FORBIDDEN,
			"no access policy of the organization allows "
			"cwobject:CreateAccessKeySAML to the role");
	return !err && result->decision.is_allowed;
}

/* By what an assertion is known: it is taken once, by whichever process. */
static void
digest_of_assertion(const struct signin *signin, const struct saml_facts *facts,
	uint8_t once[TOKEN_ONCE_LEN])
{
	struct digest digest;

	digest_init(&digest, DIGEST_SHA256);
	digest_update(&digest, signin->organization.data,
		signin->organization.len);
	digest_update(&digest, "", 1);
	digest_update(&digest, facts->issuer.data, facts->issuer.len);
	digest_update(&digest, "", 1);
	digest_update(&digest, facts->id.data, facts->id.len);
	digest_final(&digest, once);
}

static void
issue(const struct signin *signin, const struct idp *idp,
	const struct saml_facts *facts, struct slice role,
	struct signin_result *result)
{
	uint8_t once[TOKEN_ONCE_LEN];
	const struct token_draft draft = {
		.name = facts->principal,
		.role = role,
		.granted_by = idp_document(signin->arena, signin->organization,
			idp->name),
		.organization = signin->organization,
		.level = TOKEN_FULL, /* its policies say what it may */
		.kind = TOKEN_TEMPORARY,
		.needs_session = signin->needs_session,
		.expires_ns = choose_end(signin, facts),
		.attributes = signin->attributes,
		.attribute_count = signin->attribute_count,
		.once = once,
		.once_until_ns = facts->until_ns,
	};
	struct token token;
	enum store_err err;

	digest_of_assertion(signin, facts, once);
	err = token_create(signin->store, &draft, &token);
	if (!err)
		err = token_find(signin->store, slice_str(token.access_key),
			&result->token, result->secret);
	if (err == STORE_EXISTS)
		end(result, SIGNIN_REFUSED,
			"the assertion has been used before");
	else if (err == STORE_NOT_FOUND)
		end(result, SIGNIN_UNKNOWN,
			"the identity provider has just been deleted");
	else if (err == STORE_INVALID)
		end(result, SIGNIN_EXPIRED, "the session has expired");
	else if (err)
		end(result, SIGNIN_FAILED, error_sentence(err));
	else
		end(result, SIGNIN_ISSUED, "");
}

void
signin_saml(const struct signin *signin, struct signin_result *result)
{
	struct idp idp;
	struct job job = {.signin = signin, .idp = &idp};
	struct slice role;

	*result = (struct signin_result){.outcome = SIGNIN_FAILED};
	if (signin->duration_s > SIGNIN_DURATION_S_MAX) {
		end(result, SIGNIN_INVALID,
			"the duration is longer than 43200 seconds");
		return;
	}
	if (!find_idp(signin, &idp, result))
		return;
	result->organization = signin->organization;
	if (believe(&job, result) &&
		choose_role(signin, &job.facts, &role, result) &&
		may_have_key(signin, &job.facts, role, result))
		issue(signin, &idp, &job.facts, role, result);
	result->issuer = job.facts.issuer;
	result->audience = idp.saml.audiences.items[0];
	if (result->outcome == SIGNIN_FAILED)
		log_error("sign-in: %s",
			result->message ? result->message : "");
}
