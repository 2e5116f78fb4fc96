/* SPDX-License-Identifier: Apache-2.0 */
/*
 * 1. A document with a DTD never reaches libxml2: it is read as UTF-8 whatever
 *    it says of itself, so the mark of one can be looked for in its bytes.
 * 2. There is one Response, the root; one Assertion, its child; and Signature
 *    elements in these two alone, one each: a wrapped copy has no place.
 * 3. Each ID stands once, whichever way it is spelt, and is plain, so that a
 *    reference to it means one element.
 */
#include <libxml/parser.h>
#include <stdlib.h>
#include <strings.h>

#include "s3api/iam/policy_json.h"
#include "s3api/iam/saml_private.h"
#include "s3api/xml/xml_bounds.h"

#define ID_MAX 256
#define TEXT_MAX 4096
#define IDS_MAX 1024

#define PARSE_OPTIONS                                                          \
	(XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING)

/* --- looking around ------------------------------------------------------- */

static bool
is_name(const xmlChar *name, const char *wanted)
{
	return name && !strcmp((const char *)name, wanted);
}

bool
saml_xml_is(const xmlNode *node, const char *ns, const char *name)
{
	return node->type == XML_ELEMENT_NODE && node->ns &&
	       is_name(node->ns->href, ns) && is_name(node->name, name);
}

static xmlNode *
first_of(xmlNode *node, const char *ns, const char *name)
{
	while (node && !saml_xml_is(node, ns, name))
		node = node->next;
	return node;
}

xmlNode *
saml_xml_child(const xmlNode *node, const char *ns, const char *name)
{
	return first_of(node->children, ns, name);
}

xmlNode *
saml_xml_next(const xmlNode *node, const char *ns, const char *name)
{
	return first_of(node->next, ns, name);
}

xmlNode *
saml_xml_only_child(const xmlNode *node, const char *ns, const char *name)
{
	xmlNode *child = saml_xml_child(node, ns, name);

	return child && !saml_xml_next(child, ns, name) ? child : NULL;
}

struct slice
saml_xml_text(const xmlNode *node, struct arena *arena)
{
	struct slice text = SLICE("");

	for (const xmlNode *child = node->children; child;
		child = child->next) {
		struct slice piece = slice_str((const char *)child->content);

		/* A comment that splits a name would go unsigned. */
		if (child->type != XML_TEXT_NODE &&
			child->type != XML_CDATA_SECTION_NODE)
			return SLICE_NULL;
		if (text.len + piece.len > TEXT_MAX)
			return SLICE_NULL;
		text = arena_concat(arena, text, piece);
	}
	/* Documents made for people have line feeds around values. */
	return slice_trim_lines(text);
}

struct slice
saml_xml_attribute(const xmlNode *node, const char *name, struct arena *arena)
{
	xmlChar *value = xmlGetNoNsProp((xmlNode *)node, (const xmlChar *)name);
	struct slice text = SLICE_NULL;

	if (value)
		text = arena_copy(arena, slice_str((const char *)value));
	xmlFree(value);
	return text;
}

/* --- reading -------------------------------------------------------------- */

static bool
has_mark_of_dtd(struct slice xml)
{
	return slice_find(xml, SLICE("<!DOCTYPE")) >= 0 ||
	       slice_find(xml, SLICE("<!ENTITY")) >= 0;
}

bool
saml_xml_load(struct saml_check *check, struct slice xml)
{
	if (xml.len == 0 || xml.len > SAML_BYTES_MAX)
		return claims_bad(&check->findings, SAML_XML,
			"it is empty or larger than %d bytes", SAML_BYTES_MAX);
	if (!slice_is_utf8(xml) || memchr(xml.data, '\0', xml.len))
		return claims_bad(&check->findings, SAML_XML,
			"it is not UTF-8");
	if (has_mark_of_dtd(xml))
		return claims_bad(&check->findings, SAML_XML,
			"a document type or an entity is declared");
	if (!xml_bounds_hold(xml))
		return claims_bad(&check->findings, SAML_XML,
			"a tag has more than %d attributes, or it is not "
			"well-formed XML",
			XML_ATTRIBUTES_MAX);
	check->doc = xmlReadMemory(xml.data, (int)xml.len, NULL, "UTF-8",
		PARSE_OPTIONS);
	if (!check->doc || !xmlDocGetRootElement(check->doc))
		return claims_bad(&check->findings, SAML_XML,
			"it is not well-formed XML");
	if (check->doc->intSubset || check->doc->extSubset)
		return claims_bad(&check->findings, SAML_XML,
			"a document type is declared");
	return claims_good(&check->findings, SAML_XML,
		"%zu bytes of well-formed XML", xml.len);
}

/* --- structure ------------------------------------------------------------ */

struct census {
	unsigned int responses;
	unsigned int assertions;
	unsigned int encrypted;
	unsigned int signatures;
	const char *ids[IDS_MAX];
	size_t id_count;
	bool is_bad_id;
	xmlNode *assertion; /* the first */
};

/* The next in document order. */
static xmlNode *
after(xmlNode *node)
{
	if (node->type == XML_ELEMENT_NODE && node->children)
		return node->children;
	while (node && !node->next)
		node = node->parent;
	return node ? node->next : NULL;
}

static bool
is_plain_id(const char *id)
{
	size_t len = strspn(id, "abcdefghijklmnopqrstuvwxyz"
				"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");

	return len > 0 && len <= ID_MAX && !id[len] &&
	       !strchr("0123456789.-", id[0]);
}

static void
count_ids(const xmlNode *node, struct census *census)
{
	for (const xmlAttr *attr = node->properties; attr; attr = attr->next) {
		const char *value =
			attr->children ? (const char *)attr->children->content
				       : NULL;

		if (strcasecmp((const char *)attr->name, "id") != 0)
			continue;
		if (!value || attr->children->next || !is_plain_id(value) ||
			census->id_count == IDS_MAX) {
			census->is_bad_id = true;
			return;
		}
		census->ids[census->id_count++] = value;
	}
}

static void
count_node(xmlNode *node, struct census *census)
{
	if (node->type != XML_ELEMENT_NODE)
		return;
	census->responses += saml_xml_is(node, SAML_PROTOCOL_NS, "Response");
	census->encrypted +=
		saml_xml_is(node, SAML_ASSERTION_NS, "EncryptedAssertion");
	census->signatures += saml_xml_is(node, SAML_DSIG_NS, "Signature");
	if (saml_xml_is(node, SAML_ASSERTION_NS, "Assertion")) {
		if (census->assertions++ == 0)
			census->assertion = node;
	}
	count_ids(node, census);
}

static int
compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool
has_repeated_id(struct census *census)
{
	if (census->id_count < 2)
		return false;
	qsort(census->ids, census->id_count, sizeof(census->ids[0]), compare);
	for (size_t i = 1; i < census->id_count; i++) {
		if (!strcmp(census->ids[i - 1], census->ids[i]))
			return true;
	}
	return false;
}

/* Invariant 2, of signatures. */
static bool
are_signatures_in_place(const struct saml_check *check,
	const struct census *census)
{
	unsigned int in_place = 0;
	const xmlNode *parents[] = {check->response, check->assertion};

	for (size_t i = 0; i < array_len(parents); i++) {
		const xmlNode *signature =
			saml_xml_child(parents[i], SAML_DSIG_NS, "Signature");

		if (!signature)
			continue;
		if (saml_xml_next(signature, SAML_DSIG_NS, "Signature"))
			return false;
		in_place++;
	}
	return in_place == census->signatures;
}

static bool
check_version_and_id(struct saml_check *check, const xmlNode *node,
	const char *what)
{
	if (!slice_equal(saml_xml_attribute(node, "Version", check->arena),
		    SLICE("2.0")))
		return claims_bad(&check->findings, SAML_STRUCTURE,
			"the %s is not of version 2.0", what);
	if (!xmlHasProp((xmlNode *)node, (const xmlChar *)"ID"))
		return claims_bad(&check->findings, SAML_STRUCTURE,
			"the %s has no ID", what);
	return true;
}

static bool
check_places(struct saml_check *check, struct census *census)
{
	if (census->encrypted > 0)
		return claims_bad(&check->findings, SAML_STRUCTURE,
			"the assertion is encrypted, which is not supported: "
			"have it signed and not encrypted");
	if (census->responses != 1)
		return claims_bad(&check->findings, SAML_STRUCTURE,
			"there are %u Responses, not one", census->responses);
	if (census->assertions != 1)
		return claims_bad(&check->findings, SAML_STRUCTURE,
			"there are %u Assertions, not one", census->assertions);
	if (check->assertion->parent != check->response)
		return claims_bad(&check->findings, SAML_STRUCTURE,
			"the Assertion is not in the Response itself");
	if (census->is_bad_id || has_repeated_id(census))
		return claims_bad(&check->findings, SAML_STRUCTURE,
			"an ID stands twice or is not plain");
	if (!are_signatures_in_place(check, census))
		return claims_bad(&check->findings, SAML_STRUCTURE,
			"a Signature is not where it belongs");
	return true;
}

bool
saml_xml_check_structure(struct saml_check *check)
{
	xmlNode *root = xmlDocGetRootElement(check->doc);
	struct census *census = arena_new(check->arena, struct census);
	size_t bad_before = 0;

	if (!saml_xml_is(root, SAML_PROTOCOL_NS, "Response"))
		return claims_bad(&check->findings, SAML_STRUCTURE,
			"the root is not a SAML 2.0 Response");
	for (xmlNode *node = root; node; node = after(node))
		count_node(node, census);
	check->response = root;
	check->assertion = census->assertion;
	bad_before = check->findings.report->count;
	if (!check_places(check, census) || !check->assertion)
		return false;
	if (!check_version_and_id(check, check->response, "Response") &&
		!check->findings.goes_on)
		return false;
	if (!check_version_and_id(check, check->assertion, "Assertion") &&
		!check->findings.goes_on)
		return false;
	check->claims->id =
		saml_xml_attribute(check->assertion, "ID", check->arena);
	return check->findings.report->count > bad_before
		       ? check->findings.goes_on
		       : claims_good(&check->findings, SAML_STRUCTURE,
				 "one Response with one Assertion");
}
