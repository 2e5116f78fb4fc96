/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "tests/s3api/control/control_site.h"

Test(control, everything_else_needs_a_bearer)
{
	static const struct {
		const char *method, *target;
	} all[] = {
		{"POST", CONTROL "access-key"},
		{"POST", CONTROL "access-key/revoke"},
		{"DELETE", CONTROL "access-key/X"},
		{"GET", CONTROL "access-key"},
		{"GET", CONTROL "access-key/X"},
		{"PUT", CONTROL "access-key-status"},
		{"GET", CONTROL "access-policy"},
		{"POST", CONTROL "access-policy"},
		{"DELETE", CONTROL "access-policy/p"},
		{"POST", CONTROL "auth/can-i"},
		{"GET", CONTROL "bucket-info"},
		{"GET", CONTROL "bucket-info/photos"},
	};
	scoped(control_site_close) struct control_site site;
	char wrong[320];

	control_site_open(&site);
	(void)snprintf(wrong, sizeof(wrong), "%s", site.bearer);
	wrong[strlen(wrong) - 2] ^= 1;
	for (size_t i = 0; i < array_len(all); i++) {
		const char *const headers[] = {NULL, wrong,
			"authorization: Bearer x\n",
			"authorization: Bearer .\n",
			"authorization: Basic eDp5\n",
			served_text(&site.served,
				"authorization: Bearer %s.%s\n",
				site.served.client.access_key,
				site.served.client.secret)};

		for (size_t h = 0; h < array_len(headers); h++)
			control_site_expect_error(control_site_ask(&site,
							  all[i].method,
							  all[i].target,
							  headers[h], "{}"),
				401, 16);
	}
	control_site_expect_error(control_site_ask_as_ops(&site, "GET",
					  CONTROL "nothing", ""),
		501, 12);
	control_site_expect_error(control_site_ask_as_ops(&site, "PATCH",
					  CONTROL "access-key", ""),
		501, 12);
}

Test(control, levels_and_policies_bound_a_bearer)
{
	scoped(control_site_close) struct control_site site;

	control_site_open(&site);
	control_site_bearer(&site, "nobody", TOKEN_FULL);
	control_site_expect_error(control_site_ask_as_ops(&site, "GET",
					  CONTROL "access-key", ""),
		403, 7);
	control_site_bearer(&site, "nothing", TOKEN_READ);
	control_site_expect_error(control_site_ask_as_ops(&site, "DELETE",
					  CONTROL "access-policy/p", ""),
		403, 7);
	cr_expect(eq(int,
		token_delete(site.served.temp.store,
			SLICE(ORGANIZATION_DEFAULT), SLICE("nothing")),
		STORE_OK));
	control_site_expect_error(control_site_ask_as_ops(&site, "GET",
					  CONTROL "access-key", ""),
		401, 16);
}
