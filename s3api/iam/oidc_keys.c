/* SPDX-License-Identifier: Apache-2.0 */
#include <jose/openssl.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "s3api/iam/oidc_private.h"
#include "store/base/error.h"

#define RSA_BITS_MIN 2048
#define KID_MAX 256

static const struct oidc_algorithm algorithms[] = {
	{"RS256", "RSA", NULL},
	{"RS384", "RSA", NULL},
	{"RS512", "RSA", NULL},
	{"PS256", "RSA", NULL},
	{"PS384", "RSA", NULL},
	{"PS512", "RSA", NULL},
	{"ES256", "EC", "P-256"},
	{"ES384", "EC", "P-384"},
	{"ES512", "EC", "P-521"},
};

static void
say_nothing(void *misc, const char *file, int line, uint64_t err,
	const char *format, va_list args)
{
	(void)misc, (void)file, (void)line, (void)err, (void)format, (void)args;
}

jose_cfg_t *
oidc_keys_jose(void)
{
	jose_cfg_t *jose = jose_cfg();

	if (!jose)
		error_out_of_memory();
	jose_cfg_set_err_func(jose, say_nothing, NULL);
	return jose;
}

/* --- kinds ---------------------------------------------------------------- */

static bool
is_text(const json_t *object, const char *member, const char *wanted)
{
	const char *text = json_string_value(json_object_get(object, member));

	return text && strcmp(text, wanted) == 0;
}

const struct oidc_algorithm *
oidc_keys_find_algorithm(const char *name)
{
	for (size_t i = 0; name && i < array_len(algorithms); i++) {
		if (strcmp(algorithms[i].name, name) == 0)
			return &algorithms[i];
	}
	return NULL;
}

bool
oidc_keys_fit(const struct oidc_algorithm *algorithm, const json_t *key)
{
	return is_text(key, "kty", algorithm->kind) &&
	       (!algorithm->curve || is_text(key, "crv", algorithm->curve)) &&
	       (!json_object_get(key, "alg") ||
		       is_text(key, "alg", algorithm->name));
}

/* --- reading -------------------------------------------------------------- */

static bool
may_verify(const json_t *key)
{
	const json_t *operations = json_object_get(key, "key_ops");
	const json_t *operation;
	size_t i;

	json_array_foreach(operations, i, operation)
	{
		const char *name = json_string_value(operation);

		if (name && strcmp(name, "verify") == 0)
			return true;
	}
	return false;
}

/* Of a kind that any algorithm is for, and not for something else. */
static bool
is_for_signatures(const json_t *key)
{
	if (json_object_get(key, "use") && !is_text(key, "use", "sig"))
		return false;
	if (json_object_get(key, "key_ops") && !may_verify(key))
		return false;
	for (size_t i = 0; i < array_len(algorithms); i++) {
		if (oidc_keys_fit(&algorithms[i], key))
			return true;
	}
	return false;
}

/* NULL: it is as it should be. */
static const char *
fault_of(const json_t *key)
{
	const json_t *kid = json_object_get(key, "kid");
	jose_cfg_t *jose = oidc_keys_jose();
	EVP_PKEY *public = jose_openssl_jwk_to_EVP_PKEY(jose, key);
	const char *why = NULL;

	if (!public)
		why = "a key in it is not a key";
	else if (is_text(key, "kty", "RSA") &&
		 EVP_PKEY_get_bits(public) < RSA_BITS_MIN)
		why = "a key of RSA in it has less than 2048 bits";
	else if (kid &&
		 (!json_is_string(kid) || json_string_length(kid) > KID_MAX))
		why = "a kid in it is no text of up to 256 bytes";
	EVP_PKEY_free(public);
	jose_cfg_decref(jose);
	return why;
}

/* What verifying needs, and nothing that could tell of more. */
static json_t *
public_part(const json_t *key)
{
	static const char *const members[] = {
		"kty", "crv", "x", "y", "n", "e", "kid", "alg"};
	json_t *part = json_object();

	for (size_t i = 0; i < array_len(members); i++) {
		json_t *value = json_object_get(key, members[i]);

		if (value)
			(void)json_object_set(part, members[i], value);
	}
	return part;
}

static const char *
read_keys(const json_t *keys, json_t *out)
{
	const json_t *key;
	size_t i;

	json_array_foreach(keys, i, key)
	{
		const char *why;

		if (is_text(key, "kty", "oct"))
			return "a key in it is a shared secret";
		if (json_object_get(key, "d"))
			return "a key in it is a private one";
		if (!is_for_signatures(key))
			continue;
		why = fault_of(key);
		if (why)
			return why;
		(void)json_array_append_new(out, public_part(key));
	}
	if (json_array_size(out) == 0)
		return "it has no key of RSA, P-256, P-384 or P-521 for "
		       "signatures";
	return json_array_size(out) > OIDC_KEYS_MAX ? "it has too many keys"
						    : NULL;
}

bool
oidc_keys_read(struct slice json, struct arena *arena, struct slice *out,
	const char **why)
{
	json_t *root =
		json_loadb(json.data, json.len, JSON_REJECT_DUPLICATES, NULL);
	json_t *keys = json_object_get(root, "keys");
	json_t *kept = json_array();

	if (!json_is_object(root)) {
		*why = "it is no JSON object";
	} else if (json_is_array(keys)) {
		*why = read_keys(keys, kept);
	} else {
		json_t *only = json_pack("[O]", root);

		*why = read_keys(only, kept);
		json_decref(only);
	}

	json_t *set = json_pack("{s:o}", "keys", kept);
	char *text = json_dumps(set, JSON_COMPACT);

	*out = arena_copy(arena, slice_str(text));
	free(text);
	json_decref(set);
	json_decref(root);
	return !*why;
}
