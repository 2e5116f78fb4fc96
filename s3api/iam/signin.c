/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/iam/signin.h"

#include <stdatomic.h>

#include "s3api/iam/decide.h"
#include "s3api/iam/idp.h"
#include "s3api/iam/orgpolicy_set.h"
#include "store/base/clock.h"
#include "store/base/digest.h"
#include "store/base/io.h"
#include "store/base/log.h"

static atomic_uint at_once;

bool
signin_place_take(void)
{
	if (atomic_fetch_add(&at_once, 1) < SIGNIN_PLACES)
		return true;
	signin_place_leave();
	return false;
}

void
signin_place_leave(void)
{
	atomic_fetch_sub(&at_once, 1);
}

static void
end(struct signin_result *result, enum signin_outcome outcome,
	const char *message)
{
	result->outcome = outcome;
	result->message = message;
}

/* --- whom to believe ------------------------------------------------------ */

/* Whether the organization's provider could be the one that is meant. */
static bool
is_meant(const struct idp *idp, enum idp_kind kind, struct slice issuer)
{
	return idp->kind == kind &&
	       (!issuer.data || slice_equal(idp_issuer(idp), issuer));
}

/* The only one of its kind, and of that issuer where there is one. */
static enum store_err
find_only(const struct signin *signin, enum idp_kind kind, struct slice issuer,
	struct idp *idp, size_t *found)
{
	struct idp *list;
	size_t count;
	enum store_err err = idp_list(signin->store, signin->organization,
		signin->arena, &list, &count);

	*found = 0;
	for (size_t i = 0; !err && i < count; i++) {
		if (!is_meant(&list[i], kind, issuer))
			continue;
		/* As STS names it. */
		if (kind == IDP_OIDC &&
			slice_equal(list[i].name, signin->role)) {
			*idp = list[i];
			return STORE_OK;
		}
		if (++*found == 1)
			*idp = list[i];
	}
	return err || *found == 1 ? err : STORE_NOT_FOUND;
}

static bool
find_idp(const struct signin *signin, enum idp_kind kind, struct slice issuer,
	struct idp *idp, struct signin_result *result)
{
	size_t count = 0;
	enum store_err err;

	if (signin->idp.len == 0) {
		err = find_only(signin, kind, issuer, idp, &count);
	} else {
		err = idp_get(signin->store, signin->organization, signin->idp,
			signin->arena, idp);
		if (!err && idp->kind != kind)
			err = STORE_NOT_FOUND;
	}
	if (!err)
		return true;
	if (count > 1)
		end(result, SIGNIN_INVALID,
			"the organization has several such identity providers: "
			"say which by configId");
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
	struct claims claims;
	struct claims_report report;
	bool is_base64;
	bool is_believed;
};

static void
check_saml(struct job *job)
{
	const struct signin *signin = job->signin;
	struct slice xml;

	job->is_base64 = saml_decode(signin->response, signin->arena, &xml);
	if (job->is_base64)
		job->is_believed =
			saml_check(xml, &job->idp->saml, signin->now_ns, false,
				signin->arena, &job->claims, &job->report);
}

static void
run(void *arg)
{
	struct job *job = arg;
	const struct signin *signin = job->signin;

	if (job->idp->kind == IDP_SAML) {
		check_saml(job);
		return;
	}
	job->is_base64 = true;
	job->is_believed =
		oidc_check(signin->response, &job->idp->oidc, signin->now_ns,
			false, signin->arena, &job->claims, &job->report);
}

static bool
is_malformed(const struct job *job)
{
	int step = job->report.first_bad->step;

	return step ==
	       (job->idp->kind == IDP_SAML ? (int)SAML_XML : (int)OIDC_TOKEN);
}

static bool
judge(const struct job *job, struct signin_result *result)
{
	const struct claims_finding *bad = job->report.first_bad;

	if (job->is_believed)
		return true;
	if (!job->is_base64)
		end(result, SIGNIN_INVALID,
			"samlResponse is not base64 of a SAML response");
	else if (!bad)
		end(result, SIGNIN_FAILED, "it cannot be judged");
	else if (is_malformed(job))
		end(result, SIGNIN_INVALID, bad->text.data);
	else if (job->idp->kind == IDP_SAML && bad->step == SAML_STATUS)
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
	io_run_blocking(run, job);
	return judge(job, result);
}

/* --- what for ------------------------------------------------------------- */

/* In an ARN a role that is made of issuer and subject goes by the name of its
 * provider. */
static bool
is_made_role(const struct signin *signin, const struct idp *idp)
{
	return idp->kind == IDP_OIDC && idp->oidc.role_claim.len == 0 &&
	       slice_equal(signin->role, idp->name);
}

static bool
choose_role(const struct signin *signin, const struct idp *idp,
	const struct claims *claims, struct slice *role,
	struct signin_result *result)
{
	*role = claims->roles[0];
	if ((signin->role.len == 0 && claims->role_count == 1) ||
		is_made_role(signin, idp))
		return true;
	if (signin->role.len == 0) {
		end(result, SIGNIN_INVALID,
			"several roles are claimed: say which by role");
		return false;
	}
	for (size_t i = 0; i < claims->role_count; i++) {
		*role = claims->roles[i];
		if (slice_equal(*role, signin->role))
			return true;
	}
	end(result, SIGNIN_REFUSED, "that role is not claimed");
	return false;
}

static int64_t
choose_end(const struct signin *signin, const struct claims *claims)
{
	unsigned long seconds = signin->duration_s > 0
					? signin->duration_s
					: SIGNIN_DURATION_S_DEFAULT;
	int64_t end_ns = signin->now_ns + (int64_t)seconds * CLOCK_NS_PER_S;

	/* The provider knows best when its session ends. */
	if (claims->session_until_ns && claims->session_until_ns < end_ns)
		end_ns = claims->session_until_ns;
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
may_have_key(const struct signin *signin, const struct idp *idp,
	const struct claims *claims, struct slice role,
	struct signin_result *result)
{
	enum policy_action action =
		idp->kind == IDP_SAML ? POLICY_ACTION_CREATE_ACCESS_KEY_SAML
				      : POLICY_ACTION_CREATE_ACCESS_KEY_OIDC;
	enum store_err err = signin_is_allowed(signin, action, role,
		claims->principal, &result->decision);

	result->principal = claims->principal;
	result->role = role;
	if (err)
		end(result, SIGNIN_FAILED, "the access policies are damaged");
	else if (!result->decision.is_allowed)
		end(result, SIGNIN_FORBIDDEN,
			arena_printf(signin->arena,
				"no access policy of the organization allows "
				"%s to the role",
				policy_action_name(action))
				.data);
	return !err && result->decision.is_allowed;
}

/* By what an assertion is known: it is taken once, by whichever process. */
static void
digest_of_assertion(const struct signin *signin, const struct claims *claims,
	uint8_t once[TOKEN_ONCE_LEN])
{
	struct digest digest;

	digest_init(&digest, DIGEST_SHA256);
	digest_update(&digest, signin->organization.data,
		signin->organization.len);
	digest_update(&digest, "", 1);
	digest_update(&digest, claims->issuer.data, claims->issuer.len);
	digest_update(&digest, "", 1);
	digest_update(&digest, claims->id.data, claims->id.len);
	digest_final(&digest, once);
}

static void
issue(const struct signin *signin, const struct idp *idp,
	const struct claims *claims, struct slice role,
	struct signin_result *result)
{
	uint8_t once[TOKEN_ONCE_LEN];
	const struct token_draft draft = {
		.name = claims->principal,
		.role = role,
		.granted_by = idp_document(signin->arena, signin->organization,
			idp->name),
		.organization = signin->organization,
		.level = TOKEN_FULL, /* its policies say what it may */
		.kind = TOKEN_TEMPORARY,
		.needs_session = signin->needs_session,
		.expires_ns = choose_end(signin, claims),
		.attributes = signin->attributes,
		.attribute_count = signin->attribute_count,
		/* An ID token may be shown again until it ends (RFC 7523). */
		.once = idp->kind == IDP_SAML ? once : NULL,
		.once_until_ns = claims->until_ns,
	};
	struct token token;
	enum store_err err;

	digest_of_assertion(signin, claims, once);
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

struct peek {
	const struct signin *signin;
	struct slice issuer;
	bool is_token;
};

static void
peek(void *arg)
{
	struct peek *peek = arg;

	peek->is_token = oidc_issuer(peek->signin->response,
		peek->signin->arena, &peek->issuer);
}

/* Of an ID token, which tells whom to look for. */
static bool
find_issuer(const struct signin *signin, struct slice *issuer,
	struct signin_result *result)
{
	struct peek who = {.signin = signin};

	io_run_blocking(peek, &who);
	*issuer = who.issuer;
	if (!who.is_token)
		end(result, SIGNIN_INVALID, "it is no ID token");
	else if (!who.issuer.data)
		end(result, SIGNIN_REFUSED, "it has no issuer (iss)");
	return who.is_token && who.issuer.data;
}

static bool
look(struct job *job, enum idp_kind kind, struct idp *idp,
	struct signin_result *result)
{
	const struct signin *signin = job->signin;
	struct slice issuer = SLICE_NULL;

	if (kind == IDP_OIDC && !find_issuer(signin, &issuer, result))
		return false;
	if (!find_idp(signin, kind, issuer, idp, result))
		return false;
	result->organization = signin->organization;
	idp->saml.organization = signin->organization;
	result->audience = idp_audiences(idp)->items[0];
	return believe(job, result);
}

/* All that is done for somebody who has shown nothing yet. */
static bool
look_in_turn(struct job *job, enum idp_kind kind, struct idp *idp,
	struct signin_result *result)
{
	bool is_believed;

	if (!signin_place_take()) {
		end(result, SIGNIN_BUSY, "too many sign in at once; try again");
		return false;
	}
	is_believed = look(job, kind, idp, result);
	signin_place_leave();
	return is_believed;
}

static void
sign_in(const struct signin *signin, enum idp_kind kind,
	struct signin_result *result)
{
	struct idp idp;
	struct job job = {.signin = signin, .idp = &idp};
	struct slice role;

	*result = (struct signin_result){.outcome = SIGNIN_FAILED};
	if (signin->duration_s > SIGNIN_DURATION_S_MAX)
		end(result, SIGNIN_INVALID,
			"the duration is longer than 43200 seconds");
	else if (look_in_turn(&job, kind, &idp, result) &&
		 choose_role(signin, &idp, &job.claims, &role, result) &&
		 may_have_key(signin, &idp, &job.claims, role, result))
		issue(signin, &idp, &job.claims, role, result);
	result->issuer = job.claims.issuer;
	if (result->outcome == SIGNIN_FAILED)
		log_error("sign-in: %s",
			result->message ? result->message : "");
}

void
signin_saml(const struct signin *signin, struct signin_result *result)
{
	sign_in(signin, IDP_SAML, result);
}

void
signin_oidc(const struct signin *signin, struct signin_result *result)
{
	sign_in(signin, IDP_OIDC, result);
}
