/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "tests/s3api/control/control_site.h"

Test(control_attribute, they_stand_on_keys)
{
	scoped(control_site_close) struct control_site site;
	const char *const bad[] = {
		"[]",
		"{\"k\":1}",
		"{\"cw-k\":\"v\"}",
		"{\"k\":\"\\u0000\"}",
		"{\"a\":\"\",\"b\":\"\",\"c\":\"\",\"d\":\"\",\"e\":\"\","
		"\"f\":\"\",\"g\":\"\",\"h\":\"\",\"i\":\"\",\"j\":\"\","
		"\"k\":\"\",\"l\":\"\",\"m\":\"\",\"n\":\"\",\"o\":\"\","
		"\"p\":\"\"}",
	};
	const char *const told = "\"attributes\":{\"team\":\"vision\"}";
	const struct s3_reply *reply;
	char key[160];

	control_site_open(&site);
	for (size_t i = 0; i < array_len(bad); i++)
		control_site_expect_error(control_site_ask_as_ops(&site, "POST",
						  CONTROL "access-key",
						  served_text(&site.served,
							  "{\"attributes\":%s}",
							  bad[i])),
			400, 3);
	reply = control_site_ask_as_ops(&site, "POST", CONTROL "access-key",
		"{\"attributes\":{\"team\":\"vision\"}}");
	cr_assert(eq(uint, reply->status, 200));
	cr_expect(strstr(reply->body.data, told) != NULL);
	control_site_become(&site, reply);
	(void)snprintf(key, sizeof(key), "%s", site.served.client.access_key);
	reply = control_site_ask_as_ops(&site, "GET",
		served_text(&site.served, CONTROL "access-key/%s", key), "");
	cr_expect(strstr(reply->body.data, told) != NULL);
	reply = control_site_ask_as_ops(&site, "GET", CONTROL "access-key", "");
	cr_expect(strstr(reply->body.data, told) != NULL);
}
