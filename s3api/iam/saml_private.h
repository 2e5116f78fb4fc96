/* SPDX-License-Identifier: Apache-2.0 */
/* saml_private.h - the steps of saml_check(), and the document they look at. */
#pragma once

#include <libxml/tree.h>

#include "s3api/iam/saml.h"

#define SAML_ASSERTION_NS "urn:oasis:names:tc:SAML:2.0:assertion"
#define SAML_PROTOCOL_NS "urn:oasis:names:tc:SAML:2.0:protocol"
#define SAML_DSIG_NS "http://www.w3.org/2000/09/xmldsig#"

struct saml_check {
	struct claims_check findings;
	const struct saml_idp *idp;
	int64_t now_ns;
	struct arena *arena;
	struct claims *claims;

	xmlDoc *doc;
	xmlNode *response;
	xmlNode *assertion;
};

/* --- saml_xml.c ----------------------------------------------------------- */

/* Parses; finds the response and the assertion, which with goes_on may be
 * NULL. */
bool saml_xml_load(struct saml_check *check, struct slice xml);
bool saml_xml_check_structure(struct saml_check *check);

bool saml_xml_is(const xmlNode *node, const char *ns, const char *name);

/* The first child element of that name, and the next one; NULL: none. */
xmlNode *saml_xml_child(const xmlNode *node, const char *ns, const char *name);
xmlNode *saml_xml_next(const xmlNode *node, const char *ns, const char *name);
/* Where there is exactly one. */
xmlNode *saml_xml_only_child(const xmlNode *node, const char *ns,
	const char *name);

/* Text of an element that has nothing else in it: no element, no comment.
 * SLICE_NULL where that is not so, or it is longer than 4,096 bytes. */
struct slice saml_xml_text(const xmlNode *node, struct arena *arena);
/* SLICE_NULL: there is none of that name (without a namespace). */
struct slice saml_xml_attribute(const xmlNode *node, const char *name,
	struct arena *arena);

/* --- saml_signature.c ----------------------------------------------------- */

/* Once a process, and once a thread; any number of times.  False: the library
 * does not work. */
bool saml_signature_begin(void);

bool saml_signature_check(struct saml_check *check);

/* --- saml_attribute.c ----------------------------------------------------- */

/* Who it is about, and the roles they may have. */
bool saml_attribute_check(struct saml_check *check);
