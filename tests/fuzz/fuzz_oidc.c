/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ID tokens and sets of keys: nothing that was not signed by the one who is
 * trusted is ever believed, and every refusal has its reason.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "s3api/iam/oidc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW_NS 1764100000000000000ll

/* RFC 7515, A.3, whose tokens are of another issuer. */
static const char keys[] =
	"{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":"
	"\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\",\"y\":"
	"\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}]}";

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	scoped(arena_free) struct arena arena = {0};
	const struct slice audience = SLICE("https://tarn.example");
	const struct oidc_idp idp = {
		.issuer = SLICE("https://id.example"),
		.keys = slice_str(keys),
		.audiences = {&audience, 1},
		.role_claim = size % 2 ? SLICE("groups") : SLICE(""),
	};
	struct claims_report report;
	struct claims claims;
	struct slice text = slice_of(data, size);
	struct slice out;
	const char *why = NULL;

	assert(!oidc_check(text, &idp, NOW_NS, false, &arena, &claims,
		&report));
	assert(report.first_bad && report.first_bad->text.len > 0);
	assert(report.first_bad == &report.findings[report.count - 1]);
	assert(!oidc_check(text, &idp, NOW_NS, true, &arena, &claims, &report));
	assert(report.first_bad && report.count <= CLAIMS_FINDINGS_MAX);
	(void)oidc_issuer(text, &arena, &out);
	assert(oidc_keys_read(text, &arena, &out, &why) == !why);
	return 0;
}
