/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>

#include "tests/s3api/iam/id_token.h"

static void
expect_no_keys(const char *json, const char *text)
{
	scoped(arena_free) struct arena arena = {0};
	struct slice keys;
	const char *why = NULL;

	cr_expect(not(oidc_keys_read(slice_str(json), &arena, &keys, &why)),
		"%s", json);
	cr_assert(why != NULL);
	cr_expect(strstr(why, text) != NULL, "%s: %s", json, why);
}

/* 1,024 bits. */
static const char weak[] =
	"{\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\""
	"2-3uWaZBErH4fXFUQPjsImo7opO2ejl2GL0gjBvzRzW7ifKsfyB72EEPAZ11"
	"sYCsqdCxorf_1g9s-JvNrhjUzLO9KkP-VlUuucFPRHNtsxLrOYHSzGhys8g-"
	"pyZww3yw8NaTqc78ZD06rS3IruJ3gblv9W8xByo1sMr2ZMwzYYM"
	"\"}";

Test(oidc_keys, only_public_keys_are_registered)
{
	scoped(id_token_close) struct id_token_issuer good, shared;
	scoped(arena_free) struct arena arena = {0};
	json_t *set;
	struct slice keys;
	const char *why = NULL;

	id_token_open(&good, "ES256");
	id_token_open(&shared, "HS256");
	expect_no_keys("", "no JSON object");
	expect_no_keys("[]", "no JSON object");
	expect_no_keys("{}", "it has no key of");
	expect_no_keys("{\"keys\":[]}", "it has no key of");
	expect_no_keys("{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\"}]}",
		"it has no key of");
	expect_no_keys("{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AAAA\","
		       "\"y\":\"AAAA\"}",
		"not a key");
	expect_no_keys(id_token_text(&arena, shared.key), "shared secret");
	expect_no_keys(id_token_text(&arena, good.key), "private");
	expect_no_keys(weak, "less than 2048 bits");

	set = json_loads(id_token_keys(&good), 0, NULL);
	(void)json_object_set_new(json_array_get(json_object_get(set, "keys"),
					  0),
		"key_ops", json_pack("[s]", "encrypt"));
	expect_no_keys(id_token_text(&arena, set), "it has no key of");
	json_decref(set);

	/* Those for something else are passed over. */
	set = json_loads(id_token_keys(&good), 0, NULL);
	(void)json_array_append_new(json_object_get(set, "keys"),
		json_pack("{s:s, s:s}", "kty", "RSA", "use", "enc"));
	cr_expect(oidc_keys_read(slice_str(id_token_text(&arena, set)), &arena,
			  &keys, &why),
		"%s", why);
	cr_expect(slice_find(keys, SLICE("enc")) < 0);
	json_decref(set);
}
