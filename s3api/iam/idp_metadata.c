/* SPDX-License-Identifier: Apache-2.0 */
/* What an administrator brings along: certificates and metadata. */
#include <libxml/parser.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "s3api/iam/idp.h"
#include "s3api/iam/saml_private.h"
#include "s3api/xml/xml_bounds.h"
#include "store/base/buffer.h"

#define METADATA_NS "urn:oasis:names:tc:SAML:2.0:metadata"
#define RSA_BITS_MIN 2048
#define EC_BITS_MIN 256

/* NULL: it will do. */
static const char *
check_key(const X509 *x509)
{
	const EVP_PKEY *key = X509_get0_pubkey(x509);

	if (!key)
		return "its key cannot be read";
	if (EVP_PKEY_is_a(key, "RSA"))
		return EVP_PKEY_get_bits(key) >= RSA_BITS_MIN
			       ? NULL
			       : "its RSA key is shorter than 2048 bits";
	if (EVP_PKEY_is_a(key, "EC"))
		return EVP_PKEY_get_bits(key) >= EC_BITS_MIN
			       ? NULL
			       : "its key is shorter than 256 bits";
	return "its key is neither RSA nor of an elliptic curve";
}

static const char *
write_pem(X509 *x509, struct arena *arena)
{
	BIO *bio = BIO_new(BIO_s_mem());
	const char *pem = NULL;
	char *data;

	if (bio && PEM_write_bio_X509(bio, x509)) {
		long len = BIO_get_mem_data(bio, &data);

		pem = arena_str(arena, slice_of(data, (size_t)len));
	}
	BIO_free(bio);
	return pem;
}

const char *
idp_metadata_certificate(struct slice pem, struct arena *arena,
	const char **why)
{
	BIO *bio = BIO_new_mem_buf(pem.data, (int)pem.len);
	X509 *x509 = bio && pem.len <= IDP_CERTIFICATE_MAX
			     ? PEM_read_bio_X509(bio, NULL, NULL, NULL)
			     : NULL;
	const char *text = NULL;

	*why = x509 ? check_key(x509) : "it is no certificate in PEM";
	if (!*why) {
		text = write_pem(x509, arena);
		*why = text ? NULL : "it cannot be written";
	}
	X509_free(x509);
	BIO_free(bio);
	return text;
}

/* --- metadata ------------------------------------------------------------- */

static bool
refuse(const char **why, const char *text)
{
	*why = text;
	return false;
}

/* Base64 as it stands in metadata, in whichever lines, as PEM wants it. */
static struct slice
to_pem(struct slice base64, struct arena *arena)
{
	scoped(buffer_free) struct buffer pem = {0};
	size_t column = 0;

	buffer_append_str(&pem, "-----BEGIN CERTIFICATE-----\n");
	for (size_t i = 0; i < base64.len; i++) {
		if (strchr(" \t\r\n", base64.data[i]))
			continue;
		buffer_append_char(&pem, base64.data[i]);
		column++;
		if (column % 64 == 0)
			buffer_append_char(&pem, '\n');
	}
	if (column % 64 != 0)
		buffer_append_char(&pem, '\n');
	buffer_append_str(&pem, "-----END CERTIFICATE-----\n");
	return arena_copy(arena, buffer_slice(&pem));
}

static bool
add_certificate(const xmlNode *node, struct arena *arena, struct slice *items,
	size_t *count, const char **why)
{
	struct slice base64 = saml_xml_text(node, arena);
	struct slice pem = to_pem(base64, arena);
	const char *text;

	if (*count == IDP_LIST_MAX)
		return refuse(why, "it has too many certificates");
	text = idp_metadata_certificate(pem, arena, why);
	if (!text)
		return false;
	items[(*count)++] = slice_str(text);
	return true;
}

/* Those of one KeyDescriptor, where it is for signing. */
static bool
add_descriptor(const xmlNode *descriptor, struct arena *arena,
	struct slice *items, size_t *count, const char **why)
{
	struct slice use = saml_xml_attribute(descriptor, "use", arena);
	const xmlNode *info =
		saml_xml_child(descriptor, SAML_DSIG_NS, "KeyInfo");
	const xmlNode *data =
		info ? saml_xml_child(info, SAML_DSIG_NS, "X509Data") : NULL;
	const xmlNode *certificate =
		data ? saml_xml_child(data, SAML_DSIG_NS, "X509Certificate")
		     : NULL;

	if (use.data && !slice_equal(use, SLICE("signing")))
		return true;
	for (; certificate; certificate = saml_xml_next(certificate,
				    SAML_DSIG_NS, "X509Certificate")) {
		if (!add_certificate(certificate, arena, items, count, why))
			return false;
	}
	return true;
}

static bool
read_entity(const xmlNode *entity, struct arena *arena, struct idp *out,
	const char **why)
{
	struct slice *items =
		arena_new_array(arena, IDP_LIST_MAX, struct slice);
	const xmlNode *role, *key;
	size_t count = 0;

	if (!saml_xml_is(entity, METADATA_NS, "EntityDescriptor"))
		return refuse(why, "its root is no EntityDescriptor");
	role = saml_xml_only_child(entity, METADATA_NS, "IDPSSODescriptor");
	if (!role)
		return refuse(why, "it is not of one identity provider");
	out->saml.issuer = saml_xml_attribute(entity, "entityID", arena);
	key = saml_xml_child(role, METADATA_NS, "KeyDescriptor");
	for (; key; key = saml_xml_next(key, METADATA_NS, "KeyDescriptor")) {
		if (!add_descriptor(key, arena, items, &count, why))
			return false;
	}
	if (out->saml.issuer.len == 0 || count == 0)
		return refuse(why,
			"it has no entityID or no certificate for signing");
	out->saml.certificates = (struct claims_list){items, count};
	return true;
}

bool
idp_metadata_read(struct slice xml, struct arena *arena, struct idp *out,
	const char **why)
{
	xmlDoc *doc;
	bool is_good;

	if (xml.len == 0 || xml.len > IDP_METADATA_MAX || !xml_bounds_hold(xml))
		return refuse(why,
			"it is empty, too large, not UTF-8, not XML or "
			"has a document type");
	doc = xmlReadMemory(xml.data, (int)xml.len, NULL, "UTF-8",
		XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
	if (!doc || !xmlDocGetRootElement(doc) || doc->intSubset) {
		xmlFreeDoc(doc);
		return refuse(why, "it is not well-formed XML");
	}
	is_good = read_entity(xmlDocGetRootElement(doc), arena, out, why);
	xmlFreeDoc(doc);
	return is_good;
}
