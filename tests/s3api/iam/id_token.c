/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/s3api/iam/id_token.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <jose/jose.h>
#include <stdlib.h>
#include <string.h>

#include "store/base/clock.h"

void
id_token_open(struct id_token_issuer *issuer, const char *algorithm)
{
	*issuer = (struct id_token_issuer){
		.key = json_pack("{s:s, s:s}", "alg", algorithm, "kid", "one"),
		.audience = SLICE(ID_TOKEN_AUDIENCE),
	};
	cr_assert(jose_jwk_gen(NULL, issuer->key));
}

void
id_token_close(struct id_token_issuer *issuer)
{
	json_decref(issuer->key);
	arena_free(&issuer->arena);
}

const char *
id_token_text(struct arena *arena, const json_t *root)
{
	char *text = json_dumps(root, 0);
	const char *kept = arena_str(arena, slice_str(text));

	free(text);
	return kept;
}

const char *
id_token_keys(struct id_token_issuer *issuer)
{
	json_t *public = json_deep_copy(issuer->key);
	json_t *set;
	const char *text;

	cr_assert(jose_jwk_pub(NULL, public));
	(void)json_object_del(public, "key_ops");
	set = json_pack("{s:[o]}", "keys", public);
	text = id_token_text(&issuer->arena, set);
	json_decref(set);
	return text;
}

struct oidc_idp
id_token_trust(struct id_token_issuer *issuer)
{
	struct oidc_idp idp = {
		.issuer = SLICE(ID_TOKEN_ISSUER),
		.audiences = {&issuer->audience, 1},
	};
	const char *why = NULL;

	cr_assert(oidc_keys_read(slice_str(id_token_keys(issuer)),
			  &issuer->arena, &idp.keys, &why),
		"%s", why);
	return idp;
}

json_t *
id_token_claims(int64_t now_ns)
{
	json_int_t now = now_ns / CLOCK_NS_PER_S;

	return json_pack("{s:s, s:s, s:s, s:I, s:I}", "iss", ID_TOKEN_ISSUER,
		"sub", "ann", "aud", ID_TOKEN_AUDIENCE, "iat", now, "exp",
		now + 300);
}

static struct slice
encode(struct id_token_issuer *issuer, const char *text)
{
	size_t len = jose_b64_enc_buf(NULL, strlen(text), NULL, 0);
	char *to = arena_alloc(&issuer->arena, len + 1);

	cr_assert(eq(sz, jose_b64_enc_buf(text, strlen(text), to, len), len));
	return slice_of(to, len);
}

const char *
id_token_join(struct id_token_issuer *issuer, const char *header,
	const char *payload, const char *signature)
{
	struct slice first = encode(issuer, header);
	struct slice second = encode(issuer, payload);

	return arena_printf(&issuer->arena, "%.*s.%.*s.%s", (int)first.len,
		first.data, (int)second.len, second.data, signature)
		.data;
}

const char *
id_token_sign(struct id_token_issuer *issuer, json_t *claims,
	const char *header)
{
	const char *algorithm =
		json_string_value(json_object_get(issuer->key, "alg"));
	char *payload = json_dumps(claims, 0);
	struct slice text = encode(issuer, payload);
	json_t *jws = json_pack("{s:s%}", "payload", text.data, text.len);
	json_t *protected =
		header ? json_loads(header, 0, NULL)
		       : json_pack("{s:s, s:s, s:s}", "alg", algorithm, "kid",
				 "one", "typ", "JWT");
	json_t *signature = json_pack("{s:o}", "protected", protected);
	const char *token;

	cr_assert(signature != NULL);
	cr_assert(jose_jws_sig(NULL, jws, signature, issuer->key));
	token = arena_printf(&issuer->arena, "%s.%s.%s",
		json_string_value(json_object_get(jws, "protected")),
		json_string_value(json_object_get(jws, "payload")),
		json_string_value(json_object_get(jws, "signature")))
			.data;
	json_decref(signature);
	json_decref(jws);
	json_decref(claims);
	free(payload);
	return token;
}
