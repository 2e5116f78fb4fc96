/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/s3api/iam/assertion.h"

#include <criterion/criterion.h>
#include <libxml/parser.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xmlsec/crypto.h>
#include <xmlsec/xmldsig.h>
#include <xmlsec/xmlsec.h>
#include <xmlsec/xmltree.h>

#include "s3api/iam/saml_private.h"
#include "store/base/clock.h"

#define MORE "http://www.w3.org/2001/04/xmldsig-more#"

static struct slice
take_memory(struct arena *arena, BIO *bio)
{
	char *data;
	long len = BIO_get_mem_data(bio, &data);
	struct slice copy = arena_copy(arena, slice_of(data, (size_t)len));

	BIO_free(bio);
	return copy;
}

static void
make_certificate(struct assertion_idp *idp)
{
	X509 *x509 = X509_new();
	BIO *bio = BIO_new(BIO_s_mem());
	X509_NAME *name = X509_get_subject_name(x509);

	X509_set_version(x509, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(x509), 1);
	X509_gmtime_adj(X509_getm_notBefore(x509), -3600);
	X509_gmtime_adj(X509_getm_notAfter(x509), 3600);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
		(const unsigned char *)"idp", -1, -1, 0);
	X509_set_issuer_name(x509, name);
	X509_set_pubkey(x509, idp->key);
	cr_assert(X509_sign(x509, idp->key, EVP_sha256()) > 0);
	cr_assert(PEM_write_bio_X509(bio, x509));
	idp->certificate = take_memory(&idp->arena, bio);
	X509_free(x509);
}

void
assertion_idp_open(struct assertion_idp *idp, const char *kind)
{
	BIO *bio = BIO_new(BIO_s_mem());

	cr_assert(saml_signature_begin());
	*idp = (struct assertion_idp){
		.key = !strcmp(kind, "RSA") ? EVP_RSA_gen(2048)
					    : EVP_EC_gen(kind),
	};
	cr_assert(idp->key);
	make_certificate(idp);
	cr_assert(PEM_write_bio_PrivateKey(bio, idp->key, NULL, NULL, 0, NULL,
		NULL));
	idp->private_key = take_memory(&idp->arena, bio);
}

void
assertion_idp_close(struct assertion_idp *idp)
{
	EVP_PKEY_free(idp->key);
	arena_free(&idp->arena);
}

void
assertion_time(char to[32], int64_t now_ns, int64_t seconds)
{
	char text[25];

	clock_to_iso8601(now_ns + seconds * CLOCK_NS_PER_S, text);
	(void)snprintf(to, 32, "%s", text);
}

struct assertion
assertion_usual(int64_t now_ns)
{
	struct assertion assertion = {
		.id = "_assertion-1",
		.issuer = ASSERTION_ISSUER,
		.status = "Success",
		.destination = ASSERTION_RECIPIENT,
		.recipient = ASSERTION_RECIPIENT,
		.audience = ASSERTION_AUDIENCE,
		.principal = "ann@example.org",
		.roles = {"reader"},
		.extra = "",
		.is_assertion_signed = true,
		.signature_method = MORE "ecdsa-sha256",
		.digest_method = "http://www.w3.org/2001/04/xmlenc#sha256",
		.canonicalization = "http://www.w3.org/2001/10/xml-exc-c14n#",
		.transform = "http://www.w3.org/2001/10/xml-exc-c14n#",
		.object = "",
	};

	assertion_time(assertion.issued, now_ns, -1);
	assertion_time(assertion.not_before, now_ns, -1);
	assertion_time(assertion.not_after, now_ns, 300);
	assertion_time(assertion.confirmed_until, now_ns, 300);
	return assertion;
}

/* --- the text ------------------------------------------------------------- */

static struct slice
signature(struct arena *arena, const struct assertion *assertion,
	const char *id)
{
	struct slice uri = assertion->uri ? slice_str(assertion->uri)
					  : arena_printf(arena, "#%s", id);

	return arena_printf(arena,
		"<ds:Signature xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\">"
		"<ds:SignedInfo><ds:CanonicalizationMethod Algorithm=\"%s\"/>"
		"<ds:SignatureMethod Algorithm=\"%s\"/>"
		"<ds:Reference URI=\"%s\"><ds:Transforms>"
		"<ds:Transform Algorithm=\"http://www.w3.org/2000/09/"
		"xmldsig#enveloped-signature\"/>"
		"<ds:Transform Algorithm=\"%s\"/></ds:Transforms>"
		"<ds:DigestMethod Algorithm=\"%s\"/><ds:DigestValue/>"
		"</ds:Reference></ds:SignedInfo><ds:SignatureValue/>"
		"%s</ds:Signature>",
		assertion->canonicalization, assertion->signature_method,
		uri.data, assertion->transform, assertion->digest_method,
		assertion->object);
}

static struct slice
attributes(struct arena *arena, const struct assertion *assertion)
{
	struct slice roles = SLICE("");

	for (size_t i = 0; i < 3 && assertion->roles[i]; i++)
		roles = arena_printf(arena,
			"%s<saml:AttributeValue>%s</saml:AttributeValue>",
			roles.data, assertion->roles[i]);
	return arena_printf(arena,
		"<saml:AttributeStatement>"
		"<saml:Attribute Name=\"" SAML_ROLE_ATTRIBUTE
		"\">%s</saml:Attribute>"
		"<saml:Attribute Name=\"" SAML_PRINCIPAL_ATTRIBUTE
		"\"><saml:AttributeValue>%s</saml:AttributeValue>"
		"</saml:Attribute></saml:AttributeStatement>",
		roles.data, assertion->principal);
}

static struct slice
inner_text(struct arena *arena, const struct assertion *a)
{
	struct slice session = SLICE("");
	struct slice also = SLICE("");

	if (a->also_until[0])
		also = arena_printf(arena,
			"<saml:SubjectConfirmation Method=\"urn:oasis:names:tc:"
			"SAML:2.0:cm:bearer\"><saml:SubjectConfirmationData "
			"NotOnOrAfter=\"%s\" Recipient=\"%s\"/>"
			"</saml:SubjectConfirmation>",
			a->also_until, a->recipient);
	if (a->session_until[0])
		session = arena_printf(arena, " SessionNotOnOrAfter=\"%s\"",
			a->session_until);
	return arena_printf(arena,
		"<saml:Assertion xmlns:saml=\"" SAML_ASSERTION_NS
		"\" ID=\"%s\" Version=\"2.0\" IssueInstant=\"%s\">"
		"<saml:Issuer>%s</saml:Issuer>%s<saml:Subject>"
		"<saml:NameID>%s</saml:NameID><saml:SubjectConfirmation "
		"Method=\"urn:oasis:names:tc:SAML:2.0:cm:bearer\">"
		"<saml:SubjectConfirmationData NotOnOrAfter=\"%s\" "
		"Recipient=\"%s\"/></saml:SubjectConfirmation>%s</saml:Subject>"
		"<saml:Conditions NotBefore=\"%s\" NotOnOrAfter=\"%s\">"
		"<saml:AudienceRestriction><saml:Audience>%s</saml:Audience>"
		"</saml:AudienceRestriction></saml:Conditions>"
		"<saml:AuthnStatement AuthnInstant=\"%s\"%s/>%s%s"
		"</saml:Assertion>",
		a->id, a->issued, a->issuer,
		a->is_assertion_signed ? signature(arena, a, a->id).data : "",
		a->principal, a->confirmed_until, a->recipient, also.data,
		a->not_before, a->not_after, a->audience, a->issued,
		session.data, attributes(arena, a).data, a->extra);
}

static struct slice
whole_text(struct arena *arena, const struct assertion *a)
{
	return arena_printf(arena,
		"<samlp:Response xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:"
		"protocol\" ID=\"_response-1\" Version=\"2.0\" "
		"IssueInstant=\"%s\" Destination=\"%s\">%s<samlp:Status>"
		"<samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:"
		"%s\"/></samlp:Status>%s</samlp:Response>",
		a->issued, a->destination,
		a->is_response_signed ? signature(arena, a, "_response-1").data
				      : "",
		a->status, inner_text(arena, a).data);
}

/* --- signing -------------------------------------------------------------- */

static xmlSecKey *
key_of(const struct assertion_idp *idp, const struct assertion *assertion)
{
	if (assertion->hmac_key) {
		xmlSecKey *key = xmlSecKeyReadMemory(xmlSecKeyDataHmacId,
			(const xmlSecByte *)assertion->hmac_key,
			(xmlSecSize)strlen(assertion->hmac_key));

		cr_assert(key);
		return key;
	}
	return xmlSecCryptoAppKeyLoadMemory((const xmlSecByte *)
						    idp->private_key.data,
		(xmlSecSize)idp->private_key.len, xmlSecKeyDataFormatPem, NULL,
		NULL, NULL);
}

static void
add_ids(xmlNode *node)
{
	for (; node; node = node->next) {
		xmlAttr *id = node->type == XML_ELEMENT_NODE
				      ? xmlHasProp(node, (const xmlChar *)"ID")
				      : NULL;

		if (id)
			xmlAddID(NULL, node->doc, id->children->content, id);
		add_ids(node->children);
	}
}

static void
sign(const struct assertion_idp *idp, const struct assertion *assertion,
	xmlNode *parent)
{
	xmlNode *template =
		xmlSecFindChild(parent, xmlSecNodeSignature, xmlSecDSigNs);
	xmlSecDSigCtx *context = xmlSecDSigCtxCreate(NULL);

	context->signKey = key_of(idp, assertion);
	cr_assert(context->signKey && template);
	cr_assert(xmlSecDSigCtxSign(context, template) == 0, "cannot sign");
	xmlSecDSigCtxDestroy(context);
}

const char *
assertion_make(struct assertion_idp *idp, const struct assertion *assertion)
{
	struct slice text = whole_text(&idp->arena, assertion);
	xmlDoc *doc = xmlReadMemory(text.data, (int)text.len, NULL, NULL, 0);
	xmlNode *root = doc ? xmlDocGetRootElement(doc) : NULL;
	xmlChar *written = NULL;
	int len = 0;

	cr_assert(root, "not XML: %s", text.data);
	add_ids(root);
	/* The inner one first: the outer one covers it. */
	if (assertion->is_assertion_signed)
		sign(idp, assertion,
			xmlSecFindChild(root, (const xmlChar *)"Assertion",
				(const xmlChar *)SAML_ASSERTION_NS));
	if (assertion->is_response_signed)
		sign(idp, assertion, root);
	xmlDocDumpMemory(doc, &written, &len);
	text = arena_copy(&idp->arena, slice_of(written, (size_t)len));
	xmlFree(written);
	xmlFreeDoc(doc);
	return text.data;
}

const char *
assertion_replace(struct assertion_idp *idp, const char *text, const char *from,
	const char *to)
{
	const char *at = strstr(text, from);

	cr_assert(at, "no %s in %s", from, text);
	return arena_printf(&idp->arena, "%.*s%s%s", (int)(at - text), text, to,
		at + strlen(from))
		.data;
}

struct saml_idp
assertion_trust(const struct assertion_idp *idp)
{
	static const struct slice audiences[] = {
		{"https://other.example", 21},
		{ASSERTION_AUDIENCE, sizeof(ASSERTION_AUDIENCE) - 1},
	};
	static const struct slice recipients[] = {
		{ASSERTION_RECIPIENT, sizeof(ASSERTION_RECIPIENT) - 1},
	};

	return (struct saml_idp){
		.issuer = SLICE(ASSERTION_ISSUER),
		.certificates = {&idp->certificate, 1},
		.audiences = {audiences, array_len(audiences)},
		.recipients = {recipients, array_len(recipients)},
	};
}
