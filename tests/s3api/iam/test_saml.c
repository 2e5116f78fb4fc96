/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/iam/saml.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <string.h>

#include "store/base/clock.h"
#include "tests/s3api/iam/assertion.h"
#include "tests/s3api/iam/attempt.h"

Test(saml, a_signed_assertion_is_believed)
{
	scoped(attempt_close) struct attempt attempt;
	struct assertion usual = assertion_usual(ATTEMPT_NOW_NS);

	attempt_open(&attempt);
	usual.roles[1] = "writer";
	assertion_time(usual.session_until, ATTEMPT_NOW_NS, 1800);
	attempt_expect_believed(&attempt, assertion_make(&attempt.idp, &usual));

	cr_expect(slice_equal(attempt.facts.id, SLICE("_assertion-1")));
	cr_expect(slice_equal(attempt.facts.issuer, SLICE(ASSERTION_ISSUER)));
	cr_expect(slice_equal(attempt.facts.principal,
		SLICE("ann@example.org")));
	cr_assert(eq(sz, attempt.facts.role_count, 2));
	cr_expect(slice_equal(attempt.facts.roles[0], SLICE("reader")));
	cr_expect(slice_equal(attempt.facts.roles[1], SLICE("writer")));
	cr_expect(eq(i64, attempt.facts.until_ns,
		ATTEMPT_NOW_NS + (300 + CLAIMS_SKEW_S) * CLOCK_NS_PER_S));
	cr_expect(eq(i64, attempt.facts.session_until_ns,
		ATTEMPT_NOW_NS + 1800 * CLOCK_NS_PER_S));
}

Test(saml, a_signed_response_is_believed_and_so_are_both)
{
	scoped(attempt_close) struct attempt attempt;
	struct assertion usual = assertion_usual(ATTEMPT_NOW_NS);

	attempt_open(&attempt);
	usual.is_response_signed = true;
	attempt_expect_believed(&attempt, assertion_make(&attempt.idp, &usual));
	usual.is_assertion_signed = false;
	attempt_expect_believed(&attempt, assertion_make(&attempt.idp, &usual));
}

Test(saml, rsa_and_longer_digests_are_believed)
{
	scoped(attempt_close) struct attempt attempt;
	struct assertion usual = assertion_usual(ATTEMPT_NOW_NS);

	assertion_idp_open(&attempt.idp, "RSA");
	attempt.trust = assertion_trust(&attempt.idp);
	usual.signature_method = MORE "rsa-sha256";
	attempt_expect_believed(&attempt, assertion_make(&attempt.idp, &usual));
	usual.signature_method = MORE "rsa-sha512";
	usual.digest_method = "http://www.w3.org/2001/04/xmlenc#sha512";
	attempt_expect_believed(&attempt, assertion_make(&attempt.idp, &usual));
}

Test(saml, any_of_the_registered_certificates_will_do)
{
	scoped(attempt_close) struct attempt attempt;
	scoped(assertion_idp_close) struct assertion_idp other;
	struct assertion usual = assertion_usual(ATTEMPT_NOW_NS);
	struct slice certificates[2];

	attempt_open(&attempt);
	assertion_idp_open(&other, "P-256");
	certificates[0] = other.certificate;
	certificates[1] = attempt.idp.certificate;
	attempt.trust.certificates = (struct claims_list){certificates, 2};
	attempt_expect_believed(&attempt, assertion_make(&attempt.idp, &usual));
}

/* --- signatures ----------------------------------------------------------- */

Test(saml, what_nobody_signed_is_refused)
{
	scoped(attempt_close) struct attempt attempt;
	struct assertion usual = assertion_usual(ATTEMPT_NOW_NS);

	attempt_open(&attempt);
	usual.is_assertion_signed = false;
	attempt_expect_refused(&attempt, assertion_make(&attempt.idp, &usual),
		SAML_SIGNATURE, "neither");
}

/* Without its first and last line. */
static const char *
cut_pem(struct assertion_idp *idp)
{
	const char *begin = strchr(idp->certificate.data, '\n') + 1;
	const char *end = strstr(begin, "-----");

	return arena_str(&idp->arena, slice_of(begin, (size_t)(end - begin)));
}

Test(saml, another_key_is_refused_whatever_certificate_it_brings)
{
	scoped(attempt_close) struct attempt attempt;
	scoped(assertion_idp_close) struct assertion_idp other;
	struct assertion usual = assertion_usual(ATTEMPT_NOW_NS);
	const char *xml;

	attempt_open(&attempt);
	assertion_idp_open(&other, "P-256");
	usual.object = arena_printf(&other.arena,
		"<ds:KeyInfo><ds:X509Data><ds:X509Certificate>%s"
		"</ds:X509Certificate></ds:X509Data></ds:KeyInfo>",
		cut_pem(&other))
			       .data;
	xml = assertion_make(&other, &usual);
	cr_assert(strstr(xml, "<ds:X509Certificate>MII") != NULL,
		"the signer's certificate is not in it");
	attempt_expect_refused(&attempt, xml, SAML_SIGNATURE,
		"not by a registered certificate");
}

Test(saml, what_was_changed_after_it_was_signed_is_refused)
{
	scoped(attempt_close) struct attempt attempt;
	struct assertion usual = assertion_usual(ATTEMPT_NOW_NS);
	const char *xml;

	attempt_open(&attempt);
	xml = assertion_make(&attempt.idp, &usual);
	attempt_expect_refused(&attempt,
		assertion_replace(&attempt.idp, xml, ">reader<", ">admin<"),
		SAML_SIGNATURE, "what is signed was changed");
	attempt_expect_refused(&attempt,
		assertion_replace(&attempt.idp, xml, "</saml:Assertion>",
			"<saml:Advice/></saml:Assertion>"),
		SAML_SIGNATURE, "what is signed was changed");
	usual.is_response_signed = true;
	xml = assertion_make(&attempt.idp, &usual);
	attempt_expect_refused(&attempt,
		assertion_replace(&attempt.idp, xml, "status:Success",
			"status:Sucess"),
		SAML_SIGNATURE, "what is signed was changed");
}

Test(saml, weak_or_unusual_algorithms_are_refused_though_they_verify)
{
	struct {
		const char *method, *digest, *c14n, *transform, *hmac, *text;
	} cases[] = {
		{MORE "ecdsa-sha1", NULL, NULL, NULL, NULL, "its method"},
		{NULL, SHA1_DIGEST, NULL, NULL, NULL, "its digest"},
		{MORE "hmac-sha256", NULL, NULL, NULL, "secret", "its method"},
		{"http://www.w3.org/2000/09/xmldsig#hmac-sha1", NULL, NULL,
			NULL, "secret", "its method"},
		{NULL, NULL, "http://www.w3.org/TR/2001/REC-xml-c14n-20010315",
			NULL, NULL, "its canonicalization"},
		{NULL, NULL, NULL,
			"http://www.w3.org/TR/2001/REC-xml-c14n-20010315", NULL,
			"its transforms"},
		{NULL, NULL, NULL,
			"http://www.w3.org/2001/10/xml-exc-c14n#WithComments",
			NULL, "its transforms"},
	};
	scoped(attempt_close) struct attempt attempt;

	attempt_open(&attempt);
	for (size_t i = 0; i < array_len(cases); i++) {
		struct assertion usual = assertion_usual(ATTEMPT_NOW_NS);

		if (cases[i].method)
			usual.signature_method = cases[i].method;
		if (cases[i].digest)
			usual.digest_method = cases[i].digest;
		if (cases[i].c14n)
			usual.canonicalization = cases[i].c14n;
		if (cases[i].transform)
			usual.transform = cases[i].transform;
		usual.hmac_key = cases[i].hmac;
		attempt_expect_refused(&attempt,
			assertion_make(&attempt.idp, &usual), SAML_SIGNATURE,
			cases[i].text);
	}
}

/* HMAC with the public certificate as its key: a classic. */
Test(saml, an_hmac_keyed_by_the_certificate_is_refused)
{
	scoped(attempt_close) struct attempt attempt;
	struct assertion usual = assertion_usual(ATTEMPT_NOW_NS);

	attempt_open(&attempt);
	usual.signature_method = MORE "hmac-sha256";
	usual.hmac_key = attempt.idp.certificate.data;
	attempt_expect_refused(&attempt, assertion_make(&attempt.idp, &usual),
		SAML_SIGNATURE, "its method");
}

Test(saml, a_signature_over_something_else_is_refused)
{
	scoped(attempt_close) struct attempt attempt;
	struct assertion usual = assertion_usual(ATTEMPT_NOW_NS);

	attempt_open(&attempt);
	/* Of the Response, but it lies in the Assertion. */
	usual.uri = "#_response-1";
	attempt_expect_refused(&attempt, assertion_make(&attempt.idp, &usual),
		SAML_SIGNATURE, "over another element");
	/* The whole document. */
	usual.uri = "";
	attempt_expect_refused(&attempt, assertion_make(&attempt.idp, &usual),
		SAML_SIGNATURE, "over another element");
	usual.uri = "#xpointer(id('_assertion-1'))";
	attempt_expect_refused(&attempt, assertion_make(&attempt.idp, &usual),
		SAML_SIGNATURE, "over another element");
}

Test(saml, a_signature_with_objects_of_its_own_is_refused)
{
	scoped(attempt_close) struct attempt attempt;
	struct assertion usual = assertion_usual(ATTEMPT_NOW_NS);

	attempt_open(&attempt);
	usual.object = "<ds:Object><x/></ds:Object>";
	attempt_expect_refused(&attempt, assertion_make(&attempt.idp, &usual),
		SAML_SIGNATURE, "objects of its own");
}

/* --- wrapping ------------------------------------------------------------- */

/* The pieces that wrapped documents are built from. */
struct pieces {
	const char *whole;    /* the document, signed */
	const char *original; /* its Assertion, signed */
	const char *unsigned_original;
	const char *signature;
	const char *evil; /* an Assertion that says admin, not signed */
	const char *evil_signed_by_copy; /* with the original's signature */
};

static const char *
cut(struct assertion_idp *idp, const char *text, const char *from,
	const char *to)
{
	const char *begin = strstr(text, from);
	const char *end = begin ? strstr(begin, to) : NULL;

	cr_assert(end != NULL, "no %s ... %s", from, to);
	return arena_str(&idp->arena,
		slice_of(begin, (size_t)(end - begin) + strlen(to)));
}

static struct pieces
take_apart(struct assertion_idp *idp)
{
	struct assertion usual = assertion_usual(ATTEMPT_NOW_NS);
	struct pieces pieces = {.whole = assertion_make(idp, &usual)};

	pieces.original =
		cut(idp, pieces.whole, "<saml:Assertion", "</saml:Assertion>");
	pieces.signature =
		cut(idp, pieces.whole, "<ds:Signature", "</ds:Signature>");
	pieces.unsigned_original =
		assertion_replace(idp, pieces.original, pieces.signature, "");
	pieces.evil = assertion_replace(idp, pieces.unsigned_original,
		">reader<", ">admin<");
	pieces.evil =
		assertion_replace(idp, pieces.evil, "_assertion-1", "_evil");
	pieces.evil_signed_by_copy = assertion_replace(idp, pieces.evil,
		"</saml:Issuer>",
		arena_printf(&idp->arena, "</saml:Issuer>%s", pieces.signature)
			.data);
	return pieces;
}

static const char *
concat(struct assertion_idp *idp, const char *a, const char *b)
{
	return arena_concat(&idp->arena, slice_str(a), slice_str(b)).data;
}

/* The eight of Somorovsky et al., "On Breaking SAML": where the evil copy and
 * the signed original stand to each other. */
Test(saml, the_eight_wrappings_are_refused)
{
	scoped(attempt_close) struct attempt attempt;
	struct assertion whole = assertion_usual(ATTEMPT_NOW_NS);
	struct assertion_idp *idp = &attempt.idp;
	struct pieces p;
	const char *response, *signature, *evil_response, *inside;

	attempt_open(&attempt);
	p = take_apart(idp);
	whole.is_assertion_signed = false;
	whole.is_response_signed = true;
	response = cut(idp, assertion_make(idp, &whole), "<samlp:Response",
		"</samlp:Response>");
	signature = cut(idp, response, "<ds:Signature", "</ds:Signature>");
	evil_response = assertion_replace(idp, response, ">reader<", ">admin<");
	evil_response =
		assertion_replace(idp, evil_response, "_response-1", "_evil");
	evil_response = assertion_replace(idp, evil_response, signature, "");

	/* 1: the signed Response in the signature of the evil one. */
	inside = assertion_replace(idp, signature, "</ds:Signature>",
		concat(idp, assertion_replace(idp, response, signature, ""),
			"</ds:Signature>"));
	attempt_expect_refused(&attempt,
		assertion_replace(idp, evil_response, "<samlp:Status>",
			concat(idp, inside, "<samlp:Status>")),
		SAML_STRUCTURE, "Responses");
	/* 2: beside the signature. */
	attempt_expect_refused(&attempt,
		assertion_replace(idp, evil_response, "<samlp:Status>",
			concat(idp,
				assertion_replace(idp, response, signature, ""),
				concat(idp, signature, "<samlp:Status>"))),
		SAML_STRUCTURE, "Responses");
	/* 3: the evil Assertion before the signed one. */
	attempt_expect_refused(&attempt,
		assertion_replace(idp, p.whole, p.original,
			concat(idp, p.evil, p.original)),
		SAML_STRUCTURE, "Assertions");
	/* 4: around it. */
	attempt_expect_refused(&attempt,
		assertion_replace(idp, p.whole, p.original,
			assertion_replace(idp, p.evil, "</saml:Assertion>",
				concat(idp, p.original, "</saml:Assertion>"))),
		SAML_STRUCTURE, "Assertions");
	/* 5: with the signature, the original without at the end. */
	attempt_expect_refused(&attempt,
		assertion_replace(idp, p.whole, p.original,
			concat(idp, p.evil_signed_by_copy,
				p.unsigned_original)),
		SAML_STRUCTURE, "Assertions");
	/* 6: with the signature, in which the original lies. */
	inside =
		assertion_replace(idp, p.evil_signed_by_copy, "</ds:Signature>",
			concat(idp, p.unsigned_original, "</ds:Signature>"));
	attempt_expect_refused(&attempt,
		assertion_replace(idp, p.whole, p.original, inside),
		SAML_STRUCTURE, "Assertions");
	/* 7: in Extensions. */
	inside = concat(idp, "<samlp:Extensions>",
		concat(idp, p.evil, "</samlp:Extensions>"));
	attempt_expect_refused(&attempt,
		assertion_replace(idp, p.whole, "<samlp:Status>",
			concat(idp, inside, "<samlp:Status>")),
		SAML_STRUCTURE, "Assertions");
	/* 8: the original in an Object of the evil one's signature. */
	inside =
		assertion_replace(idp, p.evil_signed_by_copy, "</ds:Signature>",
			concat(idp, "<ds:Object>",
				concat(idp, p.unsigned_original,
					"</ds:Object></ds:Signature>")));
	attempt_expect_refused(&attempt,
		assertion_replace(idp, p.whole, p.original, inside),
		SAML_STRUCTURE, "Assertions");
}

Test(saml, further_wrappings_are_refused)
{
	scoped(attempt_close) struct attempt attempt;
	struct assertion_idp *idp = &attempt.idp;
	struct pieces p;
	const char *hidden;

	attempt_open(&attempt);
	p = take_apart(idp);
	/* The same ID twice: which one is meant? */
	attempt_expect_refused(&attempt,
		assertion_replace(idp, p.whole, "<samlp:Status>",
			"<samlp:Extensions><x Id=\"_assertion-1\"/>"
			"</samlp:Extensions><samlp:Status>"),
		SAML_STRUCTURE, "an ID stands twice");
	attempt_expect_refused(&attempt,
		assertion_replace(idp, p.whole, "<samlp:Status>",
			"<samlp:Extensions><x xml:id=\"_assertion-1\"/>"
			"</samlp:Extensions><samlp:Status>"),
		SAML_STRUCTURE, "an ID stands twice");
	/* The signed one in another namespace, which nobody reads. */
	hidden = assertion_replace(idp, p.evil_signed_by_copy, "_evil",
		"_assertion-1");
	attempt_expect_refused(&attempt,
		assertion_replace(idp, p.whole, p.original, hidden),
		SAML_SIGNATURE, "what is signed was changed");
	/* The signature moved out of what it signs. */
	hidden = assertion_replace(idp, p.whole, p.original,
		p.unsigned_original);
	attempt_expect_refused(&attempt,
		assertion_replace(idp, hidden, "<samlp:Status>",
			concat(idp, p.signature, "<samlp:Status>")),
		SAML_SIGNATURE, "over another element");
	attempt_expect_refused(&attempt,
		assertion_replace(idp, hidden, "</samlp:Status>",
			concat(idp, p.signature, "</samlp:Status>")),
		SAML_STRUCTURE, "not where it belongs");
	/* A second one beside the good one. */
	attempt_expect_refused(&attempt,
		assertion_replace(idp, p.whole, "<saml:Subject>",
			concat(idp, p.signature, "<saml:Subject>")),
		SAML_STRUCTURE, "not where it belongs");
	attempt_expect_refused(&attempt, p.original, SAML_STRUCTURE, "root");
	attempt_expect_refused(&attempt,
		assertion_replace(idp, p.whole, p.original,
			"<saml:EncryptedAssertion xmlns:saml=\"urn:oasis:names:"
			"tc:SAML:2.0:assertion\"/>"),
		SAML_STRUCTURE, "encrypted");
	attempt_expect_refused(&attempt,
		assertion_replace(idp, p.whole, p.original, ""), SAML_STRUCTURE,
		"0 Assertions");
}

/* --- what a parser might do with it --------------------------------------- */

Test(saml, document_types_and_entities_are_refused)
{
	scoped(attempt_close) struct attempt attempt;
	struct assertion usual = assertion_usual(ATTEMPT_NOW_NS);
	const char *xml, *body;

	attempt_open(&attempt);
	xml = assertion_make(&attempt.idp, &usual);
	body = strstr(xml, "<samlp:Response");
	cr_assert(body != NULL);
	attempt_expect_refused(&attempt,
		concat(&attempt.idp,
			"<!DOCTYPE r [<!ENTITY e SYSTEM \"file:///etc/passwd\">"
			"]>",
			body),
		SAML_XML, "document type");
	attempt_expect_refused(&attempt,
		concat(&attempt.idp,
			"<!DOCTYPE r SYSTEM \"http://127.0.0.1/\">", body),
		SAML_XML, "document type");
	/* As UTF-7 it would have one, and no parser is to find that. */
	attempt_expect_refused(&attempt,
		concat(&attempt.idp,
			"<?xml version=\"1.0\" encoding=\"UTF-7\"?>"
			"+ADwAIQ-DOCTYPE r+AD4-",
			body),
		SAML_XML, "not well-formed");
	attempt_expect_refused(&attempt, "", SAML_XML, "empty");
	attempt_expect_refused(&attempt, "<a", SAML_XML, "not well-formed");
	attempt_expect_refused(&attempt, "\xff\xfe<", SAML_XML, "not UTF-8");
}

Test(saml, what_is_too_large_is_refused)
{
	scoped(attempt_close) struct attempt attempt;
	char *large = malloc(SAML_BYTES_MAX + 2);

	attempt_open(&attempt);
	memset(large, ' ', SAML_BYTES_MAX + 1);
	large[SAML_BYTES_MAX + 1] = '\0';
	attempt_expect_refused(&attempt, large, SAML_XML, "larger than");
	free(large);
}

/* Canonicalization drops comments, so they can be put in without a trace: a
 * reader that stops at one would read "admin". */
Test(saml, comments_in_what_is_read_are_refused)
{
	scoped(attempt_close) struct attempt attempt;
	struct assertion usual = assertion_usual(ATTEMPT_NOW_NS);
	const char *xml;

	attempt_open(&attempt);
	usual.roles[0] = "admin.not";
	usual.principal = "root@example.org.evil";
	xml = assertion_make(&attempt.idp, &usual);
	attempt_expect_believed(&attempt, xml);
	attempt_expect_refused(&attempt,
		assertion_replace(&attempt.idp, xml, "admin.not",
			"admin<!-- -->.not"),
		SAML_ATTRIBUTES, "is not 1 to 64");
	attempt_expect_refused(&attempt,
		assertion_replace(&attempt.idp, xml,
			"<saml:AttributeValue>root@example.org.evil",
			"<saml:AttributeValue>root@example.org<!---->.evil"),
		SAML_ATTRIBUTES, "is not 1 to 64");
	attempt_expect_refused(&attempt,
		assertion_replace(&attempt.idp, xml, ASSERTION_ISSUER "<",
			"https://idp.example/ent<!-- -->ity<"),
		SAML_ISSUER, "no Issuer");
	attempt_expect_refused(&attempt,
		assertion_replace(&attempt.idp, xml, ASSERTION_AUDIENCE "<",
			ASSERTION_AUDIENCE "<!-- --><"),
		SAML_AUDIENCE, "not registered");
}

/* --- what it says --------------------------------------------------------- */

Test(saml, each_claim_that_is_wrong_is_refused)
{
	scoped(attempt_close) struct attempt attempt;
	struct assertion_idp *idp = &attempt.idp;
	struct assertion a = assertion_usual(ATTEMPT_NOW_NS);

	attempt_open(&attempt);
	a.issuer = "https://evil.example";
	attempt_expect_refused(&attempt, assertion_make(idp, &a), SAML_ISSUER,
		"not the registered");
	a = assertion_usual(ATTEMPT_NOW_NS);
	a.status = "Responder";
	attempt_expect_refused(&attempt, assertion_make(idp, &a), SAML_STATUS,
		"did not say Success");
	a = assertion_usual(ATTEMPT_NOW_NS);
	a.destination = "https://evil.example";
	attempt_expect_refused(&attempt, assertion_make(idp, &a),
		SAML_DESTINATION, "no registered recipient");
	a = assertion_usual(ATTEMPT_NOW_NS);
	a.recipient = "https://evil.example";
	attempt_expect_refused(&attempt, assertion_make(idp, &a), SAML_SUBJECT,
		"the Recipient https://evil.example");
	a = assertion_usual(ATTEMPT_NOW_NS);
	a.audience = "https://signin.aws.amazon.com/saml";
	attempt_expect_refused(&attempt, assertion_make(idp, &a), SAML_AUDIENCE,
		"the Audience https://signin.aws.amazon.com/saml");
	a = assertion_usual(ATTEMPT_NOW_NS);
	a.roles[0] = NULL;
	attempt_expect_refused(&attempt, assertion_make(idp, &a),
		SAML_ATTRIBUTES, "no value");
	a = assertion_usual(ATTEMPT_NOW_NS);
	a.roles[0] = "role/admin";
	attempt_expect_refused(&attempt, assertion_make(idp, &a),
		SAML_ATTRIBUTES, "is not 1 to 64");
	a = assertion_usual(ATTEMPT_NOW_NS);
	a.principal = "";
	attempt_expect_refused(&attempt, assertion_make(idp, &a),
		SAML_ATTRIBUTES, "is not 1 to 64");
	a = assertion_usual(ATTEMPT_NOW_NS);
	a.extra = "<saml:Conditions/>";
	attempt_expect_refused(&attempt, assertion_make(idp, &a), SAML_TIME,
		"no Conditions, or several");
	a = assertion_usual(ATTEMPT_NOW_NS);
	a.extra = "<saml:Subject/>";
	attempt_expect_refused(&attempt, assertion_make(idp, &a), SAML_SUBJECT,
		"no SubjectConfirmation");
}

Test(saml, times_count_with_two_minutes_of_skew)
{
	static const struct {
		size_t field;
		int64_t bad_s, good_s;
		enum saml_step step;
		const char *text;
	} cases[] = {
		{offsetof(struct assertion, not_after), -120, -119, SAML_TIME,
			"expired"},
		{offsetof(struct assertion, not_before), 121, 120, SAML_TIME,
			"not valid yet"},
		{offsetof(struct assertion, issued), 121, 120, SAML_TIME,
			"not valid yet"},
		{offsetof(struct assertion, confirmed_until), -120, -119,
			SAML_SUBJECT, "expired"},
		{offsetof(struct assertion, session_until), -120, -119,
			SAML_TIME, "expired"},
	};
	scoped(attempt_close) struct attempt attempt;

	attempt_open(&attempt);
	for (size_t i = 0; i < array_len(cases); i++) {
		struct assertion a = assertion_usual(ATTEMPT_NOW_NS);
		char *field = (char *)&a + cases[i].field;

		assertion_time(field, ATTEMPT_NOW_NS, cases[i].bad_s);
		attempt_expect_refused(&attempt,
			assertion_make(&attempt.idp, &a), cases[i].step,
			cases[i].text);
		assertion_time(field, ATTEMPT_NOW_NS, cases[i].good_s);
		attempt_expect_believed(&attempt,
			assertion_make(&attempt.idp, &a));
	}
}

/* Until then it is remembered that it was used. */
Test(saml, one_with_two_confirmations_is_good_until_the_last_ends)
{
	scoped(attempt_close) struct attempt attempt;
	struct assertion a = assertion_usual(ATTEMPT_NOW_NS);

	attempt_open(&attempt);
	assertion_time(a.confirmed_until, ATTEMPT_NOW_NS, -90);
	assertion_time(a.also_until, ATTEMPT_NOW_NS, 250);
	attempt_expect_believed(&attempt, assertion_make(&attempt.idp, &a));

	cr_expect(ge(i64, attempt.facts.until_ns,
		ATTEMPT_NOW_NS + 250 * CLOCK_NS_PER_S));
}

Test(saml, times_that_are_none_are_refused)
{
	static const char *const texts[] = {"2024-09-18", "2024-08-19T21:56:05",
		"2024-08-19T21:56:05+02:00", "tomorrow", ""};
	scoped(attempt_close) struct attempt attempt;

	attempt_open(&attempt);
	for (size_t i = 0; i < array_len(texts); i++) {
		struct assertion a = assertion_usual(ATTEMPT_NOW_NS);

		(void)snprintf(a.not_before, sizeof(a.not_before), "%s",
			texts[i]);
		attempt_expect_refused(&attempt,
			assertion_make(&attempt.idp, &a), SAML_TIME,
			"is no time in UTC");
		a = assertion_usual(ATTEMPT_NOW_NS);
		(void)snprintf(a.confirmed_until, sizeof(a.confirmed_until),
			"%s", texts[i]);
		attempt_expect_refused(&attempt,
			assertion_make(&attempt.idp, &a), SAML_SUBJECT,
			"no NotOnOrAfter in UTC");
	}
}

Test(saml, without_recipients_the_audiences_are)
{
	scoped(attempt_close) struct attempt attempt;
	struct assertion a = assertion_usual(ATTEMPT_NOW_NS);

	attempt_open(&attempt);
	attempt.trust.recipients = (struct claims_list){NULL, 0};
	attempt_expect_refused(&attempt, assertion_make(&attempt.idp, &a),
		SAML_DESTINATION, "no registered recipient");
	a.recipient = a.destination = ASSERTION_AUDIENCE;
	attempt_expect_believed(&attempt, assertion_make(&attempt.idp, &a));
}

/* --- the public example --------------------------------------------------- */

/* As the documentation prints it, indentation and address aside. */
static const char example[] =
	"<samlp:Response xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" "
	"Destination=\"https://signin.aws.amazon.com/saml\" InResponseTo=\"\" "
	"IssueInstant=\"2024-08-19T21:56:05\" Version=\"2.0\">"
	"<saml:Issuer xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">"
	"my-org.com</saml:Issuer><samlp:Status><samlp:StatusCode "
	"Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\">"
	"</samlp:StatusCode></samlp:Status>"
	"<saml:Assertion xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" "
	"IssueInstant=\"2024-08-19T21:56:05\" Version=\"2.0\">"
	"<saml:Issuer>my-org.com</saml:Issuer><saml:Subject><saml:NameID "
	"Format=\"urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress\">"
	"ann@my-org.com</saml:NameID><saml:SubjectConfirmation "
	"Method=\"urn:oasis:names:tc:SAML:2.0:cm:bearer\">"
	"<saml:SubjectConfirmationData InResponseTo=\"\" "
	"NotOnOrAfter=\"2024-08-19T22:01:05\" "
	"Recipient=\"https://signin.aws.amazon.com/saml\">"
	"</saml:SubjectConfirmationData></saml:SubjectConfirmation>"
	"</saml:Subject><saml:Conditions NotBefore=\"2024-09-18\" "
	"NotOnOrAfter=\"2024-10-19T22:01:05\"><saml:AudienceRestriction>"
	"<saml:Audience>https://signin.aws.amazon.com/saml</saml:Audience>"
	"</saml:AudienceRestriction></saml:Conditions>"
	"<saml:AuthnStatement AuthnInstant=\"2024-08-19T21:56:05\"/>"
	"<saml:AttributeStatement><saml:Attribute "
	"Name=\"https://aws.amazon.com/SAML/Attributes/RoleSessionName\">"
	"<saml:AttributeValue>ann@my-org.com</saml:AttributeValue>"
	"</saml:Attribute></saml:AttributeStatement></saml:Assertion>"
	"</samlp:Response>";

Test(saml, the_documentation_s_example_is_refused_for_each_of_its_reasons)
{
	static const struct {
		enum saml_step step;
		const char *text;
	} reasons[] = {
		{SAML_STRUCTURE, "the Response has no ID"},
		{SAML_STRUCTURE, "the Assertion has no ID"},
		{SAML_SIGNATURE, "neither the Response nor the Assertion"},
		{SAML_TIME, "IssueInstant of Assertion is no time in UTC"},
		{SAML_TIME, "NotBefore of Conditions is no time in UTC"},
		{SAML_SUBJECT, "no NotOnOrAfter in UTC"},
		{SAML_ATTRIBUTES, SAML_ROLE_ATTRIBUTE " has no value"},
		{SAML_ATTRIBUTES, SAML_PRINCIPAL_ATTRIBUTE " has no value"},
	};
	scoped(attempt_close) struct attempt attempt;
	struct slice audience = SLICE("https://signin.aws.amazon.com/saml");

	attempt_open(&attempt);
	attempt.trust.issuer = SLICE("my-org.com");
	attempt.trust.audiences = (struct claims_list){&audience, 1};
	attempt.trust.recipients = (struct claims_list){NULL, 0};
	cr_expect(not(saml_check(slice_str(example), &attempt.trust,
		ATTEMPT_NOW_NS, true, &attempt.idp.arena, &attempt.facts,
		&attempt.report)));

	for (size_t i = 0; i < array_len(reasons); i++) {
		bool is_said = false;

		for (size_t f = 0; f < attempt.report.count; f++) {
			const struct claims_finding *finding =
				&attempt.report.findings[f];

			is_said |= !finding->is_good &&
				   finding->step == (int)reasons[i].step &&
				   strstr(finding->text.data, reasons[i].text);
		}
		cr_expect(is_said, "%s is not said", reasons[i].text);
	}
	attempt_expect_refused(&attempt, example, SAML_STRUCTURE, "has no ID");
}
