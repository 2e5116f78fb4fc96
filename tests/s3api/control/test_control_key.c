/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "tests/s3api/control/control_site.h"

Test(control_key, keys_are_made_told_suspended_and_revoked)
{
	scoped(control_site_close) struct control_site site;
	const struct s3_reply *reply;
	char key[160];

	control_site_open(&site);
	control_site_put_policy(site.served.temp.store,
		"{\"version\":\"v1alpha1\",\"name\":\"q\",\"statements\":["
		"{\"name\":\"s\",\"effect\":\"Allow\",\"actions\":[\"s3:*\"],"
		"\"resources\":[\"*\"],\"principals\":[\"coreweave/ops\"]}]}");
	control_site_become(&site,
		control_site_ask_as_ops(&site, "POST", CONTROL "access-key",
			"{\"durationSeconds\":600}"));
	(void)snprintf(key, sizeof(key), "%s", site.served.client.access_key);
	served_expect_body(served_ask(&site.served, "GET", "/photos/a"), 200,
		"hello");

	reply = control_site_ask_as_ops(&site, "GET",
		CONTROL "access-key?limit=1000", "");
	cr_expect(eq(uint, reply->status, 200));
	cr_expect(strstr(reply->body.data, key) != NULL);
	cr_expect(strstr(reply->body.data, site.served.client.secret) == NULL);
	cr_expect(strstr(reply->body.data, "\"principalName\":\"ops\"") ==
		  NULL);
	reply = control_site_ask_as_ops(&site, "GET",
		CONTROL "access-key?limit=1&offset=9", "");
	cr_expect(eq(str, (char *)reply->body.data, "{\"info\":[]}"));
	control_site_expect_error(control_site_ask_as_ops(&site, "GET",
					  CONTROL "access-key?limit=x", ""),
		400, 3);
	reply = control_site_ask_as_ops(&site, "GET",
		served_text(&site.served, CONTROL "access-key/%s", key), "");
	cr_expect(strstr(reply->body.data, "\"status\":\"ACTIVE\"") != NULL);
	control_site_expect_error(control_site_ask_as_ops(&site, "GET",
					  CONTROL "access-key/none", ""),
		404, 5);

	cr_expect(eq(uint,
		control_site_ask_as_ops(&site, "PUT",
			CONTROL "access-key-status",
			"{\"principalName\":\"coreweave/ops\",\"status\":"
			"\"SUSPENDED\"}")
			->status,
		200));
	served_expect_refusal(served_ask(&site.served, "GET", "/photos/a"), 403,
		"AccessDenied");
	cr_expect(eq(uint,
		control_site_ask_as_ops(&site, "PUT",
			CONTROL "access-key-status",
			"{\"principalName\":\"coreweave/ops\",\"status\":"
			"\"ACTIVE\"}")
			->status,
		200));
	control_site_expect_error(
		control_site_ask_as_ops(&site, "PUT",
			CONTROL "access-key-status",
			"{\"principalName\":\"x\",\"status\":\"GONE\"}"),
		400, 3);
	cr_expect(eq(uint, served_ask(&site.served, "GET", "/photos/a")->status,
		200));
	cr_expect(eq(uint,
		control_site_ask_as_ops(&site, "POST",
			CONTROL "access-key/revoke",
			served_text(&site.served, "{\"accessKey\":\"%s\"}",
				key))
			->status,
		200));
	served_expect_refusal(served_ask(&site.served, "GET", "/photos/a"), 403,
		"InvalidAccessKeyId");
	control_site_expect_error(control_site_ask_as_ops(&site, "DELETE",
					  served_text(&site.served,
						  CONTROL "access-key/%s", key),
					  ""),
		404, 5);
}
