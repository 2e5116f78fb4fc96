/* SPDX-License-Identifier: Apache-2.0 */
/*
 * idp.h - the identity providers that an organization has registered.
 *
 * In the store each is a document of owner 0 (docs/format.md): JSON.
 *
 * Ownership: what is read lives in the arena.
 * Failure:   NOT_FOUND, NO_ORGANIZATION, BAD_NAME (1 to 64 of A-Z a-z 0-9
 *            . _ and -), CORRUPT.
 */
#pragma once

#include "s3api/iam/oidc.h"
#include "s3api/iam/saml.h"
#include "store/store.h"

#define IDP_NAME_MAX 64
#define IDP_LIST_MAX 16 /* certificates, audiences, recipients */
#define IDP_TEXT_MAX 1024
#define IDP_METADATA_MAX (1024 * 1024)
#define IDP_CERTIFICATE_MAX (16 * 1024)

enum idp_kind {
	IDP_SAML,
	IDP_OIDC,
};

struct idp {
	struct slice name;
	enum idp_kind kind;
	struct saml_idp saml; /* one of them */
	struct oidc_idp oidc;
};

struct slice idp_issuer(const struct idp *idp);
const struct claims_list *idp_audiences(const struct idp *idp);

/* Durable; in place of one of that name.  INVALID: a text that is empty or too
 * long, or no certificate, key or audience; of OpenID Connect also an issuer
 * that could be part of no role: 1 to 255 of A-Z a-z 0-9 . _ - @ + = , / : | ~
 * and %.  EXISTS: another provider's issuer is that one up to a colon, so their
 * roles could not be told apart. */
must_check enum store_err idp_put(struct store *store,
	struct slice organization, const struct idp *idp);
must_check enum store_err idp_get(struct store *store,
	struct slice organization, struct slice name, struct arena *arena,
	struct idp *out);
/* Durable.  The temporary keys of who signed in there end with it. */
must_check enum store_err idp_delete(struct store *store,
	struct slice organization, struct slice name);
/* The document of the store that it is, in the arena: token.h's granted_by. */
struct slice idp_document(struct arena *arena, struct slice organization,
	struct slice name);
/* Those that are damaged are told to the log, and left out. */
must_check enum store_err idp_list(struct store *store,
	struct slice organization, struct arena *arena, struct idp **out,
	size_t *count);

/*
 * One certificate in PEM, as it is to be stored; NULL: *why says what is
 * wrong (not a certificate, an RSA key below 2,048 bits, another kind of key).
 */
must_check const char *idp_metadata_certificate(struct slice pem,
	struct arena *arena, const char **why);

/*
 * Issuer and signing certificates from SAML metadata (an EntityDescriptor with
 * an IDPSSODescriptor).  False: *why.
 */
must_check bool idp_metadata_read(struct slice xml, struct arena *arena,
	struct idp *out, const char **why);
