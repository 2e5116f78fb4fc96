/* SPDX-License-Identifier: Apache-2.0 */
/* tarn idp: identity providers. */
#include "s3api/iam/idp.h"

#include <jansson.h>
#include <stdio.h>

#include "store/organization.h"
#include "tools/tarn/args.h"
#include "tools/tarn/command.h"
#include "tools/tarn/idp_private.h"
#include "tools/tarn/input.h"
#include "tools/tarn/open.h"
#include "tools/tarn/token_print.h"

int
idp_fail(const char *what, enum store_err err)
{
	if (err == STORE_NOT_FOUND)
		fprintf(stderr, "tarn: %s: no such identity provider\n", what);
	else if (err == STORE_BAD_NAME)
		fprintf(stderr,
			"tarn: %s: names have 1 to %d of A-Z a-z 0-9 . _ and "
			"-\n",
			what, IDP_NAME_MAX);
	else if (err == STORE_EXISTS)
		fprintf(stderr,
			"tarn: %s: its issuer and another provider's are the "
			"same up to a colon: their roles could not be told "
			"apart\n",
			what);
	else if (err == STORE_INVALID)
		fprintf(stderr, "tarn: %s: texts have 1 to %d bytes of UTF-8\n",
			what, IDP_TEXT_MAX);
	else
		return open_fail(what, err);
	return COMMAND_FAILED;
}

/* --- add ------------------------------------------------------------------ */

struct add {
	const char *path;
	const char *organization;
	const char *name;
	const char *issuer;
	struct args_list audiences;
	/* of SAML */
	const char *metadata;
	const char *role_attribute;
	const char *principal_attribute;
	struct args_list certificates;
	struct args_list recipients;
	/* of OpenID Connect */
	const char *keys;
	const char *role_claim;
	const char *principal_claim;
};

static struct claims_list
to_list(const struct args_list *list, struct arena *arena)
{
	struct slice *items =
		arena_new_array(arena, ARGS_REPEAT_MAX, struct slice);

	for (unsigned int i = 0; i < list->count; i++)
		items[i] = slice_str(list->values[i]);
	return (struct claims_list){items, list->count};
}

static bool
read_certificates(const struct add *add, struct arena *arena, struct idp *out)
{
	struct slice *items =
		arena_new_array(arena, ARGS_REPEAT_MAX, struct slice);

	for (unsigned int i = 0; i < add->certificates.count; i++) {
		const char *path = add->certificates.values[i];
		const char *why, *pem;
		struct slice text;

		if (!input_read(path, IDP_CERTIFICATE_MAX, arena, &text))
			return false;
		pem = idp_metadata_certificate(text, arena, &why);
		if (!pem) {
			fprintf(stderr, "tarn: %s: %s\n", path, why);
			return false;
		}
		items[i] = slice_str(pem);
	}
	if (add->certificates.count > 0)
		out->saml.certificates =
			(struct claims_list){items, add->certificates.count};
	return true;
}

static bool
read_metadata(const struct add *add, struct arena *arena, struct idp *out)
{
	const char *why;
	struct slice text;

	if (!add->metadata)
		return true;
	if (!input_read(add->metadata, IDP_METADATA_MAX, arena, &text))
		return false;
	if (idp_metadata_read(text, arena, out, &why))
		return true;
	fprintf(stderr, "tarn: %s: %s\n", add->metadata, why);
	return false;
}

static bool
read_saml(const struct add *add, struct arena *arena, struct idp *out)
{
	if (!read_metadata(add, arena, out) ||
		!read_certificates(add, arena, out))
		return false;
	if (add->issuer)
		out->saml.issuer = slice_str(add->issuer);
	out->saml.audiences = to_list(&add->audiences, arena);
	out->saml.recipients = to_list(&add->recipients, arena);
	out->saml.role_attribute = slice_str(add->role_attribute);
	out->saml.principal_attribute = slice_str(add->principal_attribute);
	return true;
}

static bool
read_oidc(const struct add *add, struct arena *arena, struct idp *out)
{
	const char *why;
	struct slice text;

	if (!input_read(add->keys, OIDC_KEYS_BYTES_MAX, arena, &text))
		return false;
	if (!oidc_keys_read(text, arena, &out->oidc.keys, &why)) {
		fprintf(stderr, "tarn: %s: %s\n", add->keys, why);
		return false;
	}
	out->kind = IDP_OIDC;
	out->oidc.issuer = slice_str(add->issuer);
	out->oidc.audiences = to_list(&add->audiences, arena);
	out->oidc.role_claim = slice_str(add->role_claim);
	out->oidc.principal_claim = slice_str(add->principal_claim);
	return true;
}

static int
add_idp(const struct add *add)
{
	scoped(arena_free) struct arena arena = {0};
	struct idp idp = {.name = slice_str(add->name)};

	if (!(add->keys ? read_oidc(add, &arena, &idp)
			: read_saml(add, &arena, &idp)))
		return COMMAND_FAILED;

	scoped(store_close) struct store *store =
			open_store(add->path, "idp", false);
	if (!store)
		return COMMAND_FAILED;

	enum store_err err = idp_put(store, slice_str(add->organization), &idp);

	if (err)
		return idp_fail(err == STORE_NO_ORGANIZATION ? add->organization
							     : add->name,
			err);
	printf("orgId      %s\nconfigId   %s\nissuer     %.*s\n",
		add->organization, add->name, (int)idp_issuer(&idp).len,
		idp_issuer(&idp).data);
	return COMMAND_OK;
}

static bool
has_saml(const struct add *add)
{
	return add->metadata || add->role_attribute ||
	       add->principal_attribute || add->certificates.count > 0 ||
	       add->recipients.count > 0;
}

static int
add_run(int argc, char **argv)
{
	struct add add = {0};
	const struct args_option options[] = {
		{"store", "DIR", "the store", &add.path, NULL, NULL},
		{"name", "NAME", "what it is called: configId of requests",
			&add.name, NULL, NULL},
		{"metadata", "FILE", "SAML metadata: issuer and certificates",
			&add.metadata, NULL, NULL},
		{"cert", "FILE", "a signing certificate (PEM); repeatable",
			NULL, NULL, &add.certificates},
		{"jwks", "FILE", "the keys of its ID tokens (a JWK set)",
			&add.keys, NULL, NULL},
		{"issuer", "URI", "its entity id; iss of its tokens",
			&add.issuer, NULL, NULL},
		{"audience", "URI", "who they are for; repeatable", NULL, NULL,
			&add.audiences},
		{"recipient", "URL", "where they are sent (the audiences)",
			NULL, NULL, &add.recipients},
		{"role-attribute", "NAME", "(" SAML_ROLE_ATTRIBUTE ")",
			&add.role_attribute, NULL, NULL},
		{"principal-attribute", "NAME",
			"(..."
			"/PrincipalName)",
			&add.principal_attribute, NULL, NULL},
		{"role-claim", "NAME", "of an ID token (ISSUER:SUB)",
			&add.role_claim, NULL, NULL},
		{"principal-claim", "NAME", "(sub)", &add.principal_claim, NULL,
			NULL},
	};
	const struct args_command command = {
		.usage = "tarn idp add ORG --name NAME (--metadata FILE | "
			 "--cert FILE --issuer URI |\n"
			 "       --jwks FILE --issuer URI) --audience URI "
			 "--store DIR [OPTION]...",
		.summary =
			"Registers who says who people of the organization\n"
			"are, by SAML or by OpenID Connect (--jwks), in place\n"
			"of one of that name.",
		.options = options,
		.option_count = array_len(options),
		.positional = &add.organization,
		.positional_min = 1,
		.positional_max = 1,
	};

	args_parse(&command, argc, argv);
	if (!add.path || !add.name || add.audiences.count == 0)
		args_refuse(&command,
			"--store, --name and --audience are all needed");
	if (add.keys ? !add.issuer
		     : !add.metadata &&
				(add.certificates.count == 0 || !add.issuer))
		args_refuse(&command, "either --metadata, or --cert and "
				      "--issuer, or --jwks and --issuer");
	if (add.keys ? has_saml(&add) : add.role_claim || add.principal_claim)
		args_refuse(&command,
			"options of SAML and of OpenID Connect do not go "
			"together");
	return add_idp(&add);
}

/* --- list and delete ------------------------------------------------------ */

static void
add_texts(json_t *root, const char *name, const struct claims_list *list)
{
	json_t *array = json_array();

	for (size_t i = 0; i < list->count; i++)
		(void)json_array_append_new(array,
			json_stringn(list->items[i].data, list->items[i].len));
	(void)json_object_set_new(root, name, array);
}

static const char *
kind_name(const struct idp *idp)
{
	return idp->kind == IDP_OIDC ? "oidc" : "saml";
}

static json_t *
to_json(const struct idp *idp)
{
	struct slice issuer = idp_issuer(idp);
	json_t *root = json_pack("{s:s%, s:s, s:s%}", "name", idp->name.data,
		idp->name.len, "kind", kind_name(idp), "issuer", issuer.data,
		issuer.len);

	add_texts(root, "audiences", idp_audiences(idp));
	if (idp->kind == IDP_OIDC) {
		(void)json_object_set_new(root, "jwks",
			json_loadb(idp->oidc.keys.data, idp->oidc.keys.len, 0,
				NULL));
		return root;
	}
	add_texts(root, "recipients", &idp->saml.recipients);
	add_texts(root, "certificates", &idp->saml.certificates);
	return root;
}

static int
list(struct store *store, const char *organization, bool json)
{
	scoped(arena_free) struct arena arena = {0};
	json_t *root = json_array();
	struct idp *idps;
	size_t count;
	enum store_err err =
		idp_list(store, slice_str(organization), &arena, &idps, &count);

	for (size_t i = 0; i < count && !err; i++) {
		if (json)
			(void)json_array_append_new(root, to_json(&idps[i]));
		else
			printf("%-20s %s  %.*s\n", idps[i].name.data,
				kind_name(&idps[i]),
				(int)idp_issuer(&idps[i]).len,
				idp_issuer(&idps[i]).data);
	}
	if (json && !err)
		token_print_json(json_incref(root));
	json_decref(root);
	return err ? open_fail(organization, err) : COMMAND_OK;
}

static int
list_run(int argc, char **argv)
{
	const char *path = NULL;
	const char *organization = ORGANIZATION_DEFAULT;
	bool json = false;
	const struct args_option options[] = {
		{"store", "DIR", "the store", &path, NULL, NULL},
		{"json", NULL, "print JSON", NULL, &json, NULL},
	};
	const struct args_command command = {
		.usage = "tarn idp list [ORG] --store DIR [--json]",
		.summary = "Lists the identity providers of an organization.",
		.options = options,
		.option_count = array_len(options),
		.positional = &organization,
		.positional_max = 1,
	};

	args_parse(&command, argc, argv);
	if (!path)
		args_refuse(&command, "--store DIR is missing");

	scoped(store_close) struct store *store = open_store(path, "idp", true);

	return store ? list(store, organization, json) : COMMAND_FAILED;
}

static int
delete_run(int argc, char **argv)
{
	const char *path = NULL;
	const char *words[2];
	const struct args_option options[] = {
		{"store", "DIR", "the store", &path, NULL, NULL},
	};
	const struct args_command command = {
		.usage = "tarn idp delete ORG NAME --store DIR",
		.summary = "Deletes an identity provider.  The temporary keys\n"
			   "of all who signed in there end at once.",
		.options = options,
		.option_count = array_len(options),
		.positional = words,
		.positional_min = 2,
		.positional_max = 2,
	};

	args_parse(&command, argc, argv);
	if (!path)
		args_refuse(&command, "--store DIR is missing");

	scoped(store_close) struct store *store =
			open_store(path, "idp", false);
	if (!store)
		return COMMAND_FAILED;

	enum store_err err =
		idp_delete(store, slice_str(words[0]), slice_str(words[1]));

	return err ? idp_fail(words[1], err) : COMMAND_OK;
}

int
idp_run(int argc, char **argv)
{
	static const struct args_verb verbs[] = {
		{"add", add_run},
		{"list", list_run},
		{"delete", delete_run},
		{"explain", idp_explain_run},
	};
	const struct args_command command = {
		.usage = "tarn idp add|list|delete|explain ...",
		.summary = "Who says who people are: each verb has its own "
			   "--help.",
	};

	return args_run_verb(&command, verbs, array_len(verbs), argc, argv);
}
