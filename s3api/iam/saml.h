/* SPDX-License-Identifier: Apache-2.0 */
/*
 * saml.h - what a SAML 2.0 response says, where it can be believed (SAML Core
 * and Profiles §4.1.4.2-3; XML Signature).  A pure function of bytes, of the
 * identity provider as it was registered, and of the time.
 *
 * Believed is a document of at most SAML_BYTES_MAX that has no DTD, exactly
 * one Response with exactly one Assertion, IDs that are each used once, and a
 * signature by a registered certificate over one of the two, or over both:
 * SHA-256 or longer, exclusive canonicalization, nothing signed but the very
 * element that the signature lies in.  What is read comes from there, and has
 * no comments in it.  KeyInfo in the document is ignored.
 *
 * Threads:   any; of a fiber it is for io_run_blocking(), since it parses,
 *            recurses and does public-key cryptography.
 * Ownership: slices of facts and of the report live in the arena.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "store/base/arena.h"
#include "store/base/compiler.h"
#include "store/base/slice.h"

#define SAML_BYTES_MAX (256 * 1024)
#define SAML_SKEW_S 120
#define SAML_ROLES_MAX 32

#define SAML_ROLE_ATTRIBUTE "https://coreweave.com/SAML/Attributes/Role"
#define SAML_PRINCIPAL_ATTRIBUTE                                               \
	"https://coreweave.com/SAML/Attributes/PrincipalName"

struct saml_list {
	const struct slice *items;
	size_t count;
};

/* Who is believed, and for what.  Borrowed. */
struct saml_idp {
	struct slice issuer;	       /* its entity id */
	struct saml_list certificates; /* PEM, one each */
	struct saml_list audiences;
	struct saml_list recipients; /* none: the audiences are */
	struct slice role_attribute; /* empty: SAML_ROLE_ATTRIBUTE */
	struct slice principal_attribute;
};

/* In the order in which they are looked at. */
enum saml_step {
	SAML_XML = 1,
	SAML_STRUCTURE,
	SAML_SIGNATURE,
	SAML_ISSUER,
	SAML_STATUS,
	SAML_DESTINATION,
	SAML_TIME, /* of Conditions and of the session */
	SAML_AUDIENCE,
	SAML_SUBJECT,
	SAML_ATTRIBUTES,
};

/* "signature"; never NULL. */
const char *saml_step_name(enum saml_step step);

struct saml_finding {
	enum saml_step step;
	bool is_good;
	struct slice text; /* "signed by certificate 1", without a full stop */
};

#define SAML_FINDINGS_MAX 32

struct saml_report {
	struct saml_finding findings[SAML_FINDINGS_MAX];
	size_t count;
	const struct saml_finding *first_bad; /* NULL: there is none */
};

struct saml_facts {
	struct slice id;     /* of the assertion */
	struct slice issuer; /* for messages, also where nothing is believed */
	struct slice principal;
	struct slice roles[SAML_ROLES_MAX];
	size_t role_count;
	/* From then on it is refused as too old. */
	int64_t until_ns;
	int64_t session_until_ns; /* 0: it does not say */
};

/*
 * True where everything can be believed; only then may *facts be used.  With
 * goes_on the report has all that is wrong, else it ends with the first.
 */
must_check bool saml_check(struct slice xml, const struct saml_idp *idp,
	int64_t now_ns, bool goes_on, struct arena *arena,
	struct saml_facts *facts, struct saml_report *report);

/* Standard base64, with line feeds and spaces anywhere.  False: it is none, or
 * stands for more than SAML_BYTES_MAX. */
must_check bool saml_decode(struct slice base64, struct arena *arena,
	struct slice *xml);
