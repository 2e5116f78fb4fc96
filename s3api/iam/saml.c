/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/iam/saml_private.h"

#include "store/base/clock.h"
#include "store/base/text.h"

#define SUCCESS "urn:oasis:names:tc:SAML:2.0:status:Success"
#define BEARER "urn:oasis:names:tc:SAML:2.0:cm:bearer"
#define SKEW_NS (CLAIMS_SKEW_S * CLOCK_NS_PER_S)
/* An assertion is good for so long at most, whatever it says. */
#define LIFETIME_NS_MAX (24 * 3600 * CLOCK_NS_PER_S)

const char *
saml_step_name(enum saml_step step)
{
	switch (step) {
	case SAML_XML:
		return "xml";
	case SAML_STRUCTURE:
		return "structure";
	case SAML_SIGNATURE:
		return "signature";
	case SAML_ISSUER:
		return "issuer";
	case SAML_STATUS:
		return "status";
	case SAML_DESTINATION:
		return "destination";
	case SAML_TIME:
		return "time";
	case SAML_AUDIENCE:
		return "audience";
	case SAML_SUBJECT:
		return "subject";
	case SAML_ATTRIBUTES:
		return "attributes";
	}
	return "";
}

/* --- values --------------------------------------------------------------- */

static const char *
quote(struct saml_check *check, struct slice text)
{
	return claims_quote(text, check->arena);
}

static bool
is_recipient(const struct saml_check *check, struct slice text)
{
	const struct saml_idp *idp = check->idp;

	return claims_list_has(idp->recipients.count > 0 ? &idp->recipients
							 : &idp->audiences,
		text);
}

enum moment { MOMENT_NONE, MOMENT_BAD, MOMENT_GOOD };

/* xs:dateTime in UTC, as SAML Core §1.3.3 wants it. */
static enum moment
read_time(struct saml_check *check, const xmlNode *node, const char *name,
	int64_t *time_ns)
{
	struct slice text = saml_xml_attribute(node, name, check->arena);
	struct slice zero = SLICE("+00:00");

	if (!text.data)
		return MOMENT_NONE;
	if (slice_has_suffix(text, zero))
		text = arena_concat(check->arena,
			slice_first(text, text.len - zero.len), SLICE("Z"));
	return clock_from_iso8601(text, time_ns) ? MOMENT_GOOD : MOMENT_BAD;
}

static bool
has_passed(const struct saml_check *check, int64_t time_ns)
{
	return time_ns <= check->now_ns - SKEW_NS;
}

static bool
lies_ahead(const struct saml_check *check, int64_t time_ns)
{
	return time_ns > check->now_ns + SKEW_NS;
}

/* One that is not there is fine; else it must be there and not have passed.
 * The earliest counts for *until. */
static bool
check_end(struct saml_check *check, enum saml_step step, const xmlNode *node,
	const char *name, int64_t *until_ns)
{
	int64_t time_ns = 0;

	switch (read_time(check, node, name, &time_ns)) {
	case MOMENT_NONE:
		return true;
	case MOMENT_BAD:
		return claims_bad(&check->findings, (int)step,
			"%s of %s is no time in UTC, as 2026-01-31T12:00:00Z: "
			"%s",
			name, node->name,
			quote(check,
				saml_xml_attribute(node, name, check->arena)));
	case MOMENT_GOOD:
		break;
	}
	if (has_passed(check, time_ns))
		return claims_bad(&check->findings, (int)step,
			"it has expired: %s of %s is %s", name, node->name,
			quote(check,
				saml_xml_attribute(node, name, check->arena)));
	if (*until_ns == 0 || time_ns < *until_ns)
		*until_ns = time_ns;
	return true;
}

static bool
check_begin(struct saml_check *check, enum saml_step step, const xmlNode *node,
	const char *name)
{
	int64_t time_ns = 0;
	enum moment moment = read_time(check, node, name, &time_ns);

	if (moment == MOMENT_BAD)
		return claims_bad(&check->findings, (int)step,
			"%s of %s is no time in UTC, as 2026-01-31T12:00:00Z: "
			"%s",
			name, node->name,
			quote(check,
				saml_xml_attribute(node, name, check->arena)));
	if (moment == MOMENT_GOOD && lies_ahead(check, time_ns))
		return claims_bad(&check->findings, (int)step,
			"it is not valid yet: %s of %s is %s", name, node->name,
			quote(check,
				saml_xml_attribute(node, name, check->arena)));
	return true;
}

/* --- the steps ------------------------------------------------------------ */

static bool
check_issuer(struct saml_check *check)
{
	const xmlNode *inner = saml_xml_only_child(check->assertion,
		SAML_ASSERTION_NS, "Issuer");
	const xmlNode *outer =
		saml_xml_child(check->response, SAML_ASSERTION_NS, "Issuer");
	struct slice issuer =
		inner ? saml_xml_text(inner, check->arena) : SLICE_NULL;

	check->claims->issuer = issuer;
	if (issuer.len == 0)
		return claims_bad(&check->findings, SAML_ISSUER,
			"the Assertion has no Issuer, or several");
	if (!slice_equal(issuer, check->idp->issuer))
		return claims_bad(&check->findings, SAML_ISSUER,
			"the Issuer %s is not the registered %s",
			quote(check, issuer), quote(check, check->idp->issuer));
	if (outer && !slice_equal(saml_xml_text(outer, check->arena), issuer))
		return claims_bad(&check->findings, SAML_ISSUER,
			"the Issuer of the Response is another one");
	return claims_good(&check->findings, SAML_ISSUER, "issued by %s",
		quote(check, issuer));
}

static bool
check_status(struct saml_check *check)
{
	const xmlNode *status = saml_xml_only_child(check->response,
		SAML_PROTOCOL_NS, "Status");
	const xmlNode *code = status ? saml_xml_only_child(status,
					       SAML_PROTOCOL_NS, "StatusCode")
				     : NULL;
	struct slice value =
		code ? saml_xml_attribute(code, "Value", check->arena)
		     : SLICE_NULL;

	if (!slice_equal(value, SLICE(SUCCESS)))
		return claims_bad(&check->findings, SAML_STATUS,
			"the identity provider did not say Success: %s",
			value.len > 0 ? quote(check, value) : "no status");
	return claims_good(&check->findings, SAML_STATUS, "Success");
}

static bool
check_destination(struct saml_check *check)
{
	struct slice destination = saml_xml_attribute(check->response,
		"Destination", check->arena);

	if (destination.len == 0)
		return claims_good(&check->findings, SAML_DESTINATION,
			"none is said");
	if (!is_recipient(check, destination))
		return claims_bad(&check->findings, SAML_DESTINATION,
			"the Destination %s is no registered recipient",
			quote(check, destination));
	return claims_good(&check->findings, SAML_DESTINATION, "%s",
		quote(check, destination));
}

/* Conditions that are not known are not known to hold (SAML Core §2.5.1.1). */
static bool
has_unknown_condition(const xmlNode *conditions)
{
	static const char *const known[] = {
		"AudienceRestriction", "OneTimeUse", "ProxyRestriction"};

	for (const xmlNode *node = conditions->children; node;
		node = node->next) {
		bool is_known = node->type != XML_ELEMENT_NODE;

		for (size_t i = 0; i < array_len(known); i++)
			is_known |=
				saml_xml_is(node, SAML_ASSERTION_NS, known[i]);
		if (!is_known)
			return true;
	}
	return false;
}

/* No end of the session, or the earliest of several. */
static bool
check_sessions(struct saml_check *check)
{
	const xmlNode *statement = saml_xml_child(check->assertion,
		SAML_ASSERTION_NS, "AuthnStatement");

	for (; statement; statement = saml_xml_next(statement,
				  SAML_ASSERTION_NS, "AuthnStatement")) {
		if (!check_end(check, SAML_TIME, statement,
			    "SessionNotOnOrAfter",
			    &check->claims->session_until_ns))
			return false;
	}
	return true;
}

static bool
check_time(struct saml_check *check)
{
	const xmlNode *conditions = saml_xml_only_child(check->assertion,
		SAML_ASSERTION_NS, "Conditions");
	size_t before = check->findings.report->count;

	if (!check_begin(check, SAML_TIME, check->assertion, "IssueInstant") ||
		!check_sessions(check))
		return false;
	if (!conditions)
		return claims_bad(&check->findings, SAML_TIME,
			"the Assertion has no Conditions, or several");
	if (!check_begin(check, SAML_TIME, conditions, "NotBefore") ||
		!check_end(check, SAML_TIME, conditions, "NotOnOrAfter",
			&check->claims->until_ns))
		return false;
	if (has_unknown_condition(conditions))
		return claims_bad(&check->findings, SAML_TIME,
			"there is a condition that is not known");
	return check->findings.report->count > before
		       ? check->findings.goes_on
		       : claims_good(&check->findings, SAML_TIME,
				 "it is valid now");
}

static bool
is_for_us(struct saml_check *check, const xmlNode *restriction,
	struct slice *first)
{
	const xmlNode *audience =
		saml_xml_child(restriction, SAML_ASSERTION_NS, "Audience");

	for (; audience; audience = saml_xml_next(audience, SAML_ASSERTION_NS,
				 "Audience")) {
		struct slice text = saml_xml_text(audience, check->arena);

		if (!first->data)
			*first = text;
		if (text.len > 0 &&
			claims_list_has(&check->idp->audiences, text))
			return true;
	}
	return false;
}

/* Each restriction must hold. */
static bool
check_audience(struct saml_check *check)
{
	const xmlNode *conditions = saml_xml_only_child(check->assertion,
		SAML_ASSERTION_NS, "Conditions");
	const xmlNode *restriction =
		conditions ? saml_xml_child(conditions, SAML_ASSERTION_NS,
				     "AudienceRestriction")
			   : NULL;
	struct slice first = SLICE_NULL;

	if (!restriction)
		return claims_bad(&check->findings, SAML_AUDIENCE,
			"it is for no Audience in particular");
	for (; restriction; restriction = saml_xml_next(restriction,
				    SAML_ASSERTION_NS, "AudienceRestriction")) {
		first = SLICE_NULL;
		if (!is_for_us(check, restriction, &first))
			return claims_bad(&check->findings, SAML_AUDIENCE,
				"the Audience %s is not registered",
				first.len > 0 ? quote(check, first) : "");
	}
	return claims_good(&check->findings, SAML_AUDIENCE,
		"it is for a registered one");
}

/* What is wrong with a confirmation; NULL: it is one of ours. */
static const char *
check_confirmation(struct saml_check *check, const xmlNode *confirmation,
	int64_t *until_ns)
{
	struct slice method =
		saml_xml_attribute(confirmation, "Method", check->arena);
	const xmlNode *data = saml_xml_only_child(confirmation,
		SAML_ASSERTION_NS, "SubjectConfirmationData");
	int64_t time_ns = 0;
	enum moment begin;

	if (!slice_equal(method, SLICE(BEARER)) || !data)
		return "it has no SubjectConfirmation of a bearer";
	if (read_time(check, data, "NotOnOrAfter", until_ns) != MOMENT_GOOD)
		return "its SubjectConfirmationData has no NotOnOrAfter in UTC";
	if (has_passed(check, *until_ns))
		return "it has expired: NotOnOrAfter of its "
		       "SubjectConfirmationData has passed";
	begin = read_time(check, data, "NotBefore", &time_ns);
	if (begin == MOMENT_BAD ||
		(begin == MOMENT_GOOD && lies_ahead(check, time_ns)))
		return "NotBefore of its SubjectConfirmationData lies ahead";
	if (!is_recipient(check,
		    saml_xml_attribute(data, "Recipient", check->arena)))
		return arena_printf(check->arena,
			"the Recipient %s is not registered",
			quote(check, saml_xml_attribute(data, "Recipient",
					     check->arena)))
			.data;
	return NULL;
}

static bool
check_subject(struct saml_check *check)
{
	const xmlNode *subject = saml_xml_only_child(check->assertion,
		SAML_ASSERTION_NS, "Subject");
	const xmlNode *confirmation =
		subject ? saml_xml_child(subject, SAML_ASSERTION_NS,
				  "SubjectConfirmation")
			: NULL;
	const char *wrong = "it has no SubjectConfirmation of a bearer";
	int64_t *until_ns = &check->claims->until_ns;
	int64_t time_ns = 0;

	/* It may be used by any of them, so once until the last one's end. */
	for (; confirmation;
		confirmation = saml_xml_next(confirmation, SAML_ASSERTION_NS,
			"SubjectConfirmation")) {
		int64_t end_ns = 0;
		const char *wrong_here =
			check_confirmation(check, confirmation, &end_ns);

		if (wrong)
			wrong = wrong_here;
		if (end_ns > time_ns)
			time_ns = end_ns;
	}
	if (wrong)
		return claims_bad(&check->findings, SAML_SUBJECT, "%s", wrong);
	if (*until_ns == 0 || time_ns < *until_ns)
		*until_ns = time_ns;
	if (lies_ahead(check, *until_ns - LIFETIME_NS_MAX))
		return claims_bad(&check->findings, SAML_SUBJECT,
			"it claims to be good for more than a day");
	/* So long the clock's skew is forgiven. */
	*until_ns += SKEW_NS;
	return claims_good(&check->findings, SAML_SUBJECT,
		"a bearer, to a registered one");
}

/* --- all together --------------------------------------------------------- */

bool
saml_check(struct slice xml, const struct saml_idp *idp, int64_t now_ns,
	bool goes_on, struct arena *arena, struct claims *claims,
	struct claims_report *report)
{
	static bool (*const steps[])(struct saml_check * check) = {
		saml_xml_check_structure, saml_signature_check, check_issuer,
		check_status, check_destination, check_time, check_audience,
		check_subject, saml_attribute_check};
	struct saml_check check = {
		.idp = idp,
		.now_ns = now_ns,
		.arena = arena,
		.claims = claims,
		.findings = {goes_on, arena, report},
	};
	bool is_whole;

	*claims = (struct claims){0};
	*report = (struct claims_report){0};
	is_whole = saml_xml_load(&check, xml) && check.doc &&
		   xmlDocGetRootElement(check.doc) && !check.doc->intSubset;
	for (size_t i = 0; i < array_len(steps) && is_whole; i++)
		is_whole = steps[i](&check) && check.assertion;
	xmlFreeDoc(check.doc);
	return is_whole && !report->first_bad;
}

bool
saml_decode(struct slice base64, struct arena *arena, struct slice *xml)
{
	size_t most = TEXT_BASE64_LEN(SAML_BYTES_MAX);
	char *packed;
	char *bytes;
	size_t len = 0;

	/* Line feeds make it a little longer. */
	if (base64.len == 0 || base64.len > 2 * most)
		return false;
	packed = arena_alloc(arena, base64.len);
	for (size_t i = 0; i < base64.len; i++) {
		if (!strchr(" \t\r\n", base64.data[i]) || !base64.data[i])
			packed[len++] = base64.data[i];
	}
	if (len == 0 || len > most)
		return false;

	size_t room = len / 4 * 3 + 3;

	bytes = arena_alloc(arena, room);
	if (!text_from_base64(slice_of(packed, len), bytes, &room))
		return false;
	*xml = slice_of(bytes, room);
	return room > 0 && room <= SAML_BYTES_MAX;
}
