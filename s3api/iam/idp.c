/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/iam/idp.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "store/base/log.h"
#include "store/base/text.h"
#include "store/bucket.h"
#include "store/organization.h"
#include "store/token.h"

#define OWNER 0
#define KIND "idp/"
#define KIND_OIDC "oidc" /* of one; SAML's have none */

static bool
is_name(struct slice name)
{
	return name.len > 0 && name.len <= IDP_NAME_MAX &&
	       text_is_plain(name, "._-");
}

struct slice
idp_document(struct arena *arena, struct slice organization, struct slice name)
{
	return arena_printf(arena, KIND "%.*s/%.*s", (int)organization.len,
		organization.data, (int)name.len,
		name.len > 0 ? name.data : "");
}

/* --- writing -------------------------------------------------------------- */

static bool
is_text(struct slice text, size_t max)
{
	return text.len > 0 && text.len <= max && slice_is_utf8(text) &&
	       !memchr(text.data, '\0', text.len);
}

static bool
is_list(const struct claims_list *list, size_t max)
{
	if (list->count > IDP_LIST_MAX)
		return false;
	for (size_t i = 0; i < list->count; i++) {
		if (!is_text(list->items[i], max))
			return false;
	}
	return true;
}

/* Empty: it is as tarn has it. */
static bool
is_choice(struct slice text)
{
	return text.len == 0 || is_text(text, IDP_TEXT_MAX);
}

static bool
is_valid_saml(const struct saml_idp *saml)
{
	return is_text(saml->issuer, IDP_TEXT_MAX) &&
	       saml->certificates.count > 0 && saml->audiences.count > 0 &&
	       is_list(&saml->certificates, IDP_CERTIFICATE_MAX) &&
	       is_list(&saml->audiences, IDP_TEXT_MAX) &&
	       is_list(&saml->recipients, IDP_TEXT_MAX) &&
	       is_choice(saml->role_attribute) &&
	       is_choice(saml->principal_attribute);
}

/* It begins the roles of who signs in there. */
static bool
is_oidc_issuer(struct slice issuer)
{
	return is_text(issuer, OIDC_ISSUER_MAX) &&
	       text_is_plain(issuer, "._-@+=,/:|~%");
}

static bool
is_valid_oidc(const struct oidc_idp *oidc)
{
	return is_oidc_issuer(oidc->issuer) &&
	       is_text(oidc->keys, OIDC_KEYS_BYTES_MAX) &&
	       oidc->audiences.count > 0 &&
	       is_list(&oidc->audiences, IDP_TEXT_MAX) &&
	       is_choice(oidc->role_claim) && is_choice(oidc->principal_claim);
}

static bool
is_valid(const struct idp *idp)
{
	return idp->kind == IDP_OIDC ? is_valid_oidc(&idp->oidc)
				     : is_valid_saml(&idp->saml);
}

struct slice
idp_issuer(const struct idp *idp)
{
	return idp->kind == IDP_OIDC ? idp->oidc.issuer : idp->saml.issuer;
}

const struct claims_list *
idp_audiences(const struct idp *idp)
{
	return idp->kind == IDP_OIDC ? &idp->oidc.audiences
				     : &idp->saml.audiences;
}

static json_t *
from_text(struct slice text)
{
	return json_stringn(text.len > 0 ? text.data : "", text.len);
}

static json_t *
from_list(const struct claims_list *list)
{
	json_t *array = json_array();

	for (size_t i = 0; i < list->count; i++)
		(void)json_array_append_new(array, from_text(list->items[i]));
	return array;
}

/* One goes on after the other with a colon, as ISSUER:SUB does. */
static bool
are_alike(struct slice one, struct slice other)
{
	struct slice rest;

	if (one.len > other.len)
		return are_alike(other, one);
	if (one.len == other.len || !slice_has_prefix(other, one))
		return false;
	rest = slice_from(other, one.len);
	return rest.data[0] == ':';
}

static enum store_err
check_issuer(struct store *store, struct slice organization,
	const struct idp *idp)
{
	scoped(arena_free) struct arena arena = {0};
	struct idp *list;
	size_t count;
	enum store_err err =
		idp_list(store, organization, &arena, &list, &count);

	for (size_t i = 0; i < count && !err; i++) {
		if (list[i].kind == IDP_OIDC &&
			!slice_equal(list[i].name, idp->name) &&
			are_alike(list[i].oidc.issuer, idp->oidc.issuer))
			err = STORE_EXISTS;
	}
	return err;
}

static json_t *
from_saml(const struct saml_idp *saml)
{
	return json_pack("{s:i, s:o, s:o, s:o, s:o, s:o, s:o}", "version", 1,
		"issuer", from_text(saml->issuer), "certificates",
		from_list(&saml->certificates), "audiences",
		from_list(&saml->audiences), "recipients",
		from_list(&saml->recipients), "roleAttribute",
		from_text(saml->role_attribute), "principalAttribute",
		from_text(saml->principal_attribute));
}

static json_t *
from_oidc(const struct oidc_idp *oidc)
{
	return json_pack("{s:i, s:s, s:o, s:o, s:o, s:o, s:o}", "version", 1,
		"kind", KIND_OIDC, "issuer", from_text(oidc->issuer), "keys",
		from_text(oidc->keys), "audiences", from_list(&oidc->audiences),
		"roleClaim", from_text(oidc->role_claim), "principalClaim",
		from_text(oidc->principal_claim));
}

enum store_err
idp_put(struct store *store, struct slice organization, const struct idp *idp)
{
	scoped(arena_free) struct arena arena = {0};
	enum store_err err = organization_check(store, organization);

	if (err)
		return err;
	if (!is_name(idp->name))
		return STORE_BAD_NAME;
	if (!is_valid(idp))
		return STORE_INVALID;
	if (idp->kind == IDP_OIDC)
		err = check_issuer(store, organization, idp);
	if (err)
		return err;

	json_t *root = idp->kind == IDP_OIDC ? from_oidc(&idp->oidc)
					     : from_saml(&idp->saml);
	char *text = root ? json_dumps(root, JSON_COMPACT) : NULL;
	struct slice value = slice_str(text);

	err = text ? bucket_set_document(store, OWNER,
			     idp_document(&arena, organization, idp->name),
			     &value)
		   : STORE_INVALID;
	free(text);
	json_decref(root);
	return err;
}

/* --- reading -------------------------------------------------------------- */

static bool
to_text(const json_t *root, const char *name, struct arena *arena,
	struct slice *out)
{
	const json_t *value = json_object_get(root, name);

	if (!json_is_string(value))
		return false;
	*out = arena_copy(arena,
		slice_of(json_string_value(value), json_string_length(value)));
	return true;
}

static bool
to_list(const json_t *root, const char *name, struct arena *arena,
	struct claims_list *out)
{
	const json_t *array = json_object_get(root, name);
	size_t count = json_array_size(array);
	struct slice *items = arena_new_array(arena, count + 1, struct slice);

	if (!json_is_array(array))
		return false;
	for (size_t i = 0; i < count; i++) {
		const json_t *item = json_array_get(array, i);

		if (!json_is_string(item))
			return false;
		items[i] = arena_copy(arena, slice_of(json_string_value(item),
						     json_string_length(item)));
	}
	*out = (struct claims_list){items, count};
	return true;
}

static bool
to_saml(const json_t *root, struct arena *arena, struct saml_idp *saml)
{
	return to_text(root, "issuer", arena, &saml->issuer) &&
	       to_list(root, "certificates", arena, &saml->certificates) &&
	       to_list(root, "audiences", arena, &saml->audiences) &&
	       to_list(root, "recipients", arena, &saml->recipients) &&
	       to_text(root, "roleAttribute", arena, &saml->role_attribute) &&
	       to_text(root, "principalAttribute", arena,
		       &saml->principal_attribute);
}

static bool
to_oidc(const json_t *root, struct arena *arena, struct oidc_idp *oidc)
{
	return to_text(root, "issuer", arena, &oidc->issuer) &&
	       to_text(root, "keys", arena, &oidc->keys) &&
	       to_list(root, "audiences", arena, &oidc->audiences) &&
	       to_text(root, "roleClaim", arena, &oidc->role_claim) &&
	       to_text(root, "principalClaim", arena, &oidc->principal_claim);
}

static enum store_err
decode(struct slice name, struct slice text, struct arena *arena,
	struct idp *out)
{
	json_t *root = json_loadb(text.data, text.len, 0, NULL);
	const char *kind = json_string_value(json_object_get(root, "kind"));
	bool is_good;

	*out = (struct idp){.name = arena_copy(arena, name)};
	if (kind && strcmp(kind, KIND_OIDC) == 0)
		out->kind = IDP_OIDC;
	is_good = json_integer_value(json_object_get(root, "version")) == 1 &&
		  (out->kind == IDP_OIDC ? to_oidc(root, arena, &out->oidc)
					 : to_saml(root, arena, &out->saml)) &&
		  is_valid(out);
	json_decref(root);
	return is_good ? STORE_OK : STORE_CORRUPT;
}

enum store_err
idp_get(struct store *store, struct slice organization, struct slice name,
	struct arena *arena, struct idp *out)
{
	struct slice text;
	enum store_err err;

	if (!organization_name_is_valid(organization) || !is_name(name))
		return STORE_NOT_FOUND;
	err = bucket_get_document(store, OWNER,
		idp_document(arena, organization, name), arena, &text);
	return err ? err : decode(name, text, arena, out);
}

enum store_err
idp_delete(struct store *store, struct slice organization, struct slice name)
{
	scoped(arena_free) struct arena arena = {0};
	struct idp idp;
	enum store_err err = idp_get(store, organization, name, &arena, &idp);

	/* One that is damaged may go, too. */
	if (err && err != STORE_CORRUPT)
		return err;
	return token_end_grant(store, idp_document(&arena, organization, name));
}

/* One that is damaged keeps nobody from the others. */
static enum store_err
decode_all(const struct bucket_document *documents, size_t prefix_len,
	struct arena *arena, struct idp *out, size_t *count)
{
	size_t good = 0;

	for (size_t i = 0; i < *count; i++) {
		struct slice name = slice_from(documents[i].kind, prefix_len);

		if (decode(name, documents[i].value, arena, &out[good]))
			log_warn("the identity provider %.*s is damaged",
				(int)name.len, name.data);
		else
			good++;
	}
	*count = good;
	return STORE_OK;
}

enum store_err
idp_list(struct store *store, struct slice organization, struct arena *arena,
	struct idp **out, size_t *count)
{
	struct bucket_document *documents;
	struct slice prefix = idp_document(arena, organization, SLICE_NULL);
	enum store_err err = organization_check(store, organization);

	*out = NULL;
	*count = 0;
	if (!err)
		err = bucket_list_documents(store, OWNER, prefix, arena,
			&documents, count);
	if (err)
		return err;
	*out = arena_new_array(arena, *count + 1, struct idp);
	return decode_all(documents, prefix.len, arena, *out, count);
}
