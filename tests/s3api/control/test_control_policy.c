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

static int
is_allowed(const json_t *decisions, size_t i)
{
	return json_boolean_value(json_object_get(json_array_get(decisions, i),
		"allowed"));
}

Test(control_policy, can_i_says_what_the_policies_say)
{
	scoped(control_site_close) struct control_site site;
	const struct s3_reply *reply;
	json_t *root, *decisions;

	control_site_open(&site);
	control_site_put_policy(site.served.temp.store,
		"{\"version\":\"v1alpha1\",\"name\":\"q\",\"statements\":["
		"{\"name\":\"s\",\"effect\":\"Deny\",\"actions\":"
		"[\"s3:PutObject\"],\"resources\":[\"photos/*\"],"
		"\"principals\":[\"ops\"]}]}");
	reply = control_site_ask_as_ops(&site, "POST", CONTROL "auth/can-i",
		"{\"actions\":[\"s3:GetObject\",\"s3:PutObject\"],"
		"\"resources\":[\"photos/a\",\"none/b\"]}");
	root = control_site_json(reply);
	decisions = json_object_get(root, "decisions");
	cr_assert(eq(sz, json_array_size(decisions), 4), "%s",
		reply->body.data);
	cr_expect(eq(int, is_allowed(decisions, 0), 1));
	cr_expect(eq(int, is_allowed(decisions, 1), 0));
	cr_expect(eq(int, is_allowed(decisions, 3), 1));
	json_decref(root);
	control_site_expect_error(
		control_site_ask_as_ops(&site, "POST", CONTROL "auth/can-i",
			"{\"actions\":[\"s3:Dance\"],\"resources\":[\"*\"]"
			"}"),
		400, 3);
	control_site_expect_error(control_site_ask_as_ops(&site, "POST",
					  CONTROL "auth/can-i",
					  "{\"actions\":\"s3:GetObject\"}"),
		400, 3);
	control_site_expect_error(
		control_site_ask_as_ops(&site, "POST", CONTROL "auth/can-i",
			served_text(&site.served,
				"{\"actions\":[\"s3:GetObject\"],"
				"\"resources\":[\"photos/%05000d\"]}",
				0)),
		400, 3);
}
