/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/s3api/control/control_site.h"

Test(control_policy, policies_are_put_listed_and_deleted)
{
	scoped(control_site_close) struct control_site site;
	const struct s3_reply *reply;

	control_site_open(&site);
	reply = control_site_ask_as_ops(&site, "POST", CONTROL "access-policy",
		"{\"policy\":{\"version\":\"v1alpha1\",\"name\":\"new\","
		"\"statements\":[{\"name\":\"s\",\"effect\":\"Deny\","
		"\"actions\":[\"s3:GetObject\"],\"resources\":[\"photos/*\"],"
		"\"principals\":[\"test\"]}]}}");
	cr_expect(eq(uint, reply->status, 200), "%s", reply->body.data);
	served_expect_refusal(served_ask(&site.served, "GET", "/photos/a"), 403,
		"AccessDenied");
	reply = control_site_ask_as_ops(&site, "GET", CONTROL "access-policy",
		"");
	cr_expect(strstr(reply->body.data, "\"name\":\"new\"") != NULL);
	cr_expect(eq(uint,
		control_site_ask_as_ops(&site, "DELETE",
			CONTROL "access-policy/new", "")
			->status,
		200));
	control_site_expect_error(control_site_ask_as_ops(&site, "DELETE",
					  CONTROL "access-policy/new", ""),
		404, 5);
	cr_expect(eq(uint, served_ask(&site.served, "GET", "/photos/a")->status,
		200));
	control_site_expect_error(control_site_ask_as_ops(&site, "POST",
					  CONTROL "access-policy",
					  "{\"version\":\"v2\"}"),
		400, 3);
}
