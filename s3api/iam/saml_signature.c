/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The form of a signature is looked at before xmlsec sees it: what it may
 * name is a short list, and none of it is a matter of xmlsec's defaults.
 */
#include <libxml/xmlerror.h>
#include <pthread.h>
#include <stdlib.h>
#include <xmlsec/crypto.h>
#include <xmlsec/errors.h>
#include <xmlsec/xmldsig.h>
#include <xmlsec/xmlsec.h>

#include "s3api/iam/saml_private.h"

#define EXC_C14N "http://www.w3.org/2001/10/xml-exc-c14n#"
#define ENVELOPED "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
#define MORE "http://www.w3.org/2001/04/xmldsig-more#"
#define ENC "http://www.w3.org/2001/04/xmlenc#"

static const char *const signature_methods[] = {
	MORE "rsa-sha256",
	MORE "rsa-sha384",
	MORE "rsa-sha512",
	MORE "ecdsa-sha256",
	MORE "ecdsa-sha384",
	MORE "ecdsa-sha512",
	NULL,
};

static const char *const digest_methods[] = {
	ENC "sha256",
	MORE "sha384",
	ENC "sha512",
	NULL,
};

static const char *const canonicalizations[] = {EXC_C14N, NULL};

/* --- the library ---------------------------------------------------------- */

static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool is_ready; /* fixed after once */

static void
be_quiet_xmlsec(const char *file, int line, const char *func,
	const char *object, const char *subject, int reason, const char *msg)
{
	(void)file, (void)line, (void)func, (void)object, (void)subject,
		(void)reason, (void)msg;
}

static void
be_quiet_libxml(void *context, xmlErrorPtr error)
{
	(void)context, (void)error;
}

static void
begin_once(void)
{
	if (xmlSecInit() < 0 || xmlSecCheckVersion() != 1 ||
		xmlSecCryptoAppInit(NULL) < 0 || xmlSecCryptoInit() < 0)
		return;
	xmlSecErrorsSetCallback(be_quiet_xmlsec);
	is_ready = true;
}

bool
saml_signature_begin(void)
{
	if (pthread_once(&once, begin_once))
		return false;
	/* It is the thread's own. */
	xmlSetStructuredErrorFunc(NULL, be_quiet_libxml);
	return is_ready;
}

/* --- the form ------------------------------------------------------------- */

static xmlNode *
next_element(xmlNode *node)
{
	while (node && node->type != XML_ELEMENT_NODE)
		node = node->next;
	return node;
}

/* The element after `node` where that is of this name; moves it on. */
static xmlNode *
take(xmlNode **node, const char *name)
{
	xmlNode *found = next_element(*node);

	if (!found || !saml_xml_is(found, SAML_DSIG_NS, name))
		return NULL;
	*node = found->next;
	return found;
}

static bool
bad(struct saml_check *check, const char *what)
{
	return claims_bad(&check->findings, SAML_SIGNATURE, "%s", what);
}

static bool
is_one_of(struct saml_check *check, const xmlNode *node,
	const char *const *algorithms)
{
	struct slice name = saml_xml_attribute(node, "Algorithm", check->arena);

	for (; *algorithms; algorithms++) {
		if (slice_equal(name, slice_str(*algorithms)))
			return true;
	}
	return false;
}

static const char *
algorithm_of(struct saml_check *check, const xmlNode *node)
{
	return claims_quote(saml_xml_attribute(node, "Algorithm", check->arena),
		check->arena);
}

/* NULL: it may be so. */
static const char *
check_transforms(struct saml_check *check, xmlNode *transforms)
{
	static const char *const enveloped[] = {ENVELOPED, NULL};
	xmlNode *rest = transforms->children;
	xmlNode *first = take(&rest, "Transform");
	xmlNode *second = take(&rest, "Transform");

	if (!first || !second || next_element(rest) ||
		!is_one_of(check, first, enveloped) ||
		!is_one_of(check, second, canonicalizations))
		return "its transforms are not enveloped-signature and "
		       "exclusive canonicalization";
	return NULL;
}

static const char *
check_reference(struct saml_check *check, xmlNode *reference,
	const xmlNode *parent)
{
	xmlNode *rest = reference->children;
	xmlNode *transforms = take(&rest, "Transforms");
	xmlNode *digest = take(&rest, "DigestMethod");
	struct slice uri = saml_xml_attribute(reference, "URI", check->arena);
	struct slice id = saml_xml_attribute(parent, "ID", check->arena);

	if (id.len == 0 || uri.len != id.len + 1 || uri.data[0] != '#' ||
		!slice_equal(slice_from(uri, 1), id))
		return "it is over another element than the one it lies in";
	if (!transforms || !digest || !take(&rest, "DigestValue") ||
		next_element(rest))
		return "its Reference is malformed";
	if (!is_one_of(check, digest, digest_methods))
		return arena_printf(check->arena,
			"its digest %s is not SHA-256 or longer",
			algorithm_of(check, digest))
			.data;
	return check_transforms(check, transforms);
}

static const char *
check_form(struct saml_check *check, const xmlNode *signature,
	const xmlNode *parent)
{
	xmlNode *rest = signature->children;
	xmlNode *info = take(&rest, "SignedInfo");
	xmlNode *value = take(&rest, "SignatureValue");

	(void)take(&rest, "KeyInfo");
	if (!info || !value || next_element(rest))
		return "it is malformed, or has objects of its own";

	xmlNode *inner = info->children;
	xmlNode *c14n = take(&inner, "CanonicalizationMethod");
	xmlNode *method = take(&inner, "SignatureMethod");
	xmlNode *reference = take(&inner, "Reference");

	if (!c14n || !method || !reference)
		return "its SignedInfo is malformed";
	if (next_element(inner))
		return "it has more than one Reference";
	if (!is_one_of(check, c14n, canonicalizations))
		return "its canonicalization is not exclusive";
	if (!is_one_of(check, method, signature_methods))
		return arena_printf(check->arena,
			"its method %s is not RSA or ECDSA with SHA-256 or "
			"longer",
			algorithm_of(check, method))
			.data;
	return check_reference(check, reference, parent);
}

/* --- the cryptography ----------------------------------------------------- */

/* False: xmlsec was built without one of them. */
static bool
enable(xmlSecDSigCtx *context)
{
	const xmlSecTransformId of_signature[] = {xmlSecTransformExclC14NId,
		xmlSecTransformRsaSha256Id, xmlSecTransformRsaSha384Id,
		xmlSecTransformRsaSha512Id, xmlSecTransformEcdsaSha256Id,
		xmlSecTransformEcdsaSha384Id, xmlSecTransformEcdsaSha512Id};
	const xmlSecTransformId of_reference[] = {xmlSecTransformEnvelopedId,
		xmlSecTransformExclC14NId, xmlSecTransformSha256Id,
		xmlSecTransformSha384Id, xmlSecTransformSha512Id};

	for (size_t i = 0; i < array_len(of_signature); i++) {
		if (xmlSecDSigCtxEnableSignatureTransform(context,
			    of_signature[i]) < 0)
			return false;
	}
	for (size_t i = 0; i < array_len(of_reference); i++) {
		if (xmlSecDSigCtxEnableReferenceTransform(context,
			    of_reference[i]) < 0)
			return false;
	}
	return true;
}

static bool
verify_with(xmlNode *signature, struct slice certificate)
{
	xmlSecDSigCtx *context = xmlSecDSigCtxCreate(NULL);
	bool is_good = false;

	if (!context)
		return false;
	context->enabledReferenceUris = xmlSecTransformUriTypeSameDocument;
	/* With a key at hand KeyInfo is not looked at. */
	context->signKey =
		xmlSecCryptoAppKeyLoadMemory((const xmlSecByte *)
						     certificate.data,
			(xmlSecSize)certificate.len, xmlSecKeyDataFormatCertPem,
			NULL, NULL, NULL);
	if (context->signKey && enable(context) &&
		xmlSecDSigCtxVerify(context, signature) == 0)
		is_good =
			context->status == xmlSecDSigStatusSucceeded &&
			xmlSecPtrListGetSize(&context->signedInfoReferences) ==
				1;
	xmlSecDSigCtxDestroy(context);
	return is_good;
}

/* From 1; 0: none of them. */
static size_t
verify(const struct saml_check *check, xmlNode *signature)
{
	const struct claims_list *list = &check->idp->certificates;

	for (size_t i = 0; i < list->count; i++) {
		if (verify_with(signature, list->items[i]))
			return i + 1;
	}
	return 0;
}

static bool
check_signature(struct saml_check *check, xmlNode *signature, xmlNode *parent)
{
	const char *wrong = check_form(check, signature, parent);
	size_t certificate = wrong ? 0 : verify(check, signature);

	if (!wrong && !certificate)
		wrong = "it is not by a registered certificate, or what is "
			"signed was changed";
	if (wrong)
		return claims_bad(&check->findings, SAML_SIGNATURE,
			"the signature of the %s: %s", parent->name, wrong);
	return claims_good(&check->findings, SAML_SIGNATURE,
		"the %s is signed by certificate %zu", parent->name,
		certificate);
}

/* Only these two can be meant by a reference. */
static void
add_id(xmlDoc *doc, xmlNode *node)
{
	xmlAttr *id = xmlHasProp(node, (const xmlChar *)"ID");

	if (id && id->children && id->atype != XML_ATTRIBUTE_ID)
		(void)xmlAddID(NULL, doc, id->children->content, id);
}

bool
saml_signature_check(struct saml_check *check)
{
	xmlNode *parents[] = {check->response, check->assertion};
	bool is_signed = false;

	if (!saml_signature_begin())
		return bad(check, "the library for signatures does not work");
	for (size_t i = 0; i < array_len(parents); i++)
		add_id(check->doc, parents[i]);
	for (size_t i = 0; i < array_len(parents); i++) {
		xmlNode *signature =
			saml_xml_child(parents[i], SAML_DSIG_NS, "Signature");

		if (!signature)
			continue;
		is_signed = true;
		if (!check_signature(check, signature, parents[i]))
			return false;
	}
	return is_signed ? true
			 : bad(check, "neither the Response nor the Assertion "
				      "is signed");
}
