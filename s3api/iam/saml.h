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
 * Ownership: slices of claims and of the report live in the arena.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "s3api/iam/claims.h"
#include "store/base/arena.h"
#include "store/base/compiler.h"
#include "store/base/slice.h"

#define SAML_BYTES_MAX (256 * 1024)

#define SAML_ROLE_ATTRIBUTE "https://coreweave.com/SAML/Attributes/Role"
#define SAML_PRINCIPAL_ATTRIBUTE                                               \
	"https://coreweave.com/SAML/Attributes/PrincipalName"

/* Who is believed, and for what.  Borrowed. */
struct saml_idp {
	struct slice issuer;		 /* its entity id */
	struct claims_list certificates; /* PEM, one each */
	struct claims_list audiences;
	struct claims_list recipients; /* none: the audiences are */
	struct slice role_attribute;   /* empty: SAML_ROLE_ATTRIBUTE */
	struct slice principal_attribute;
	/* Whose roles may be claimed in AWS's form, beside those of an account
	 * of AWS: two organizations may trust one provider. */
	struct slice organization;
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

/*
 * True where everything can be believed; only then may *facts be used.  With
 * goes_on the report has all that is wrong, else it ends with the first.
 */
must_check bool saml_check(struct slice xml, const struct saml_idp *idp,
	int64_t now_ns, bool goes_on, struct arena *arena,
	struct claims *claims, struct claims_report *report);

/* Standard base64, with line feeds and spaces anywhere.  False: it is none, or
 * stands for more than SAML_BYTES_MAX. */
must_check bool saml_decode(struct slice base64, struct arena *arena,
	struct slice *xml);
