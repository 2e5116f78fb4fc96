/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SAML responses: nothing that was not signed by the one who is trusted is
 * ever believed, and every refusal has its reason.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "s3api/iam/idp.h"
#include "s3api/iam/saml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW_NS 1764100000000000000ll

/* Of a key that was thrown away. */
static const char certificate[] =
	"-----BEGIN CERTIFICATE-----\n"
	"MIIBcTCCARegAwIBAgIUa/6MtcfOAeBeKJ2oKIR/cOUI8FswCgYIKoZIzj0EAwIw\n"
	"DjEMMAoGA1UEAwwDaWRwMB4XDTI2MTEyNTE5MjUzOVoXDTM2MTEyMjE5MjUzOVow\n"
	"DjEMMAoGA1UEAwwDaWRwMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE2jt5tgPw\n"
	"oeNCepziX0VA2KrpfI5Y9deVvgHTgu6NRqS/YIE7T/koAC7hNWmNWcrndVf/vPwi\n"
	"TBAfjYttXllxnKNTMFEwHQYDVR0OBBYEFBhZwnFGHYoNNfX/jbIhuPBK2CCoMB8G\n"
	"A1UdIwQYMBaAFBhZwnFGHYoNNfX/jbIhuPBK2CCoMA8GA1UdEwEB/wQFMAMBAf8w\n"
	"CgYIKoZIzj0EAwIDSAAwRQIgFfwLQf9ctYZiifMeXnbUbX20biVQdxnNZpTwdP4O\n"
	"JEMCIQCBZOOngj0mWMq8ABSRm+8MEZYuGgrv+hoGr7UhHAbCsQ==\n"
	"-----END CERTIFICATE-----\n";

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	scoped(arena_free) struct arena arena = {0};
	const struct slice pem = slice_str(certificate);
	const struct slice audience = SLICE("https://tarn.example/sp");
	const struct saml_idp idp = {
		.issuer = SLICE("https://idp.example/entity"),
		.certificates = {&pem, 1},
		.audiences = {&audience, 1},
	};
	struct claims_report report;
	struct claims facts;
	struct slice text = slice_of(data, size);
	struct slice xml;
	struct idp found;
	const char *why = NULL;

	assert(!saml_check(text, &idp, NOW_NS, false, &arena, &facts, &report));
	assert(report.first_bad && report.first_bad->text.len > 0);
	assert(report.first_bad == &report.findings[report.count - 1]);
	assert(!saml_check(text, &idp, NOW_NS, true, &arena, &facts, &report));
	assert(report.first_bad && report.count <= CLAIMS_FINDINGS_MAX);
	(void)saml_decode(text, &arena, &xml);
	assert(idp_metadata_read(text, &arena, &found, &why) || why);
	return 0;
}
