/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/control/control_private.h"
#include "s3api/http/http_body.h"
#include "s3api/iam/orgpolicy.h"

enum control_code
control_policy_list(struct control *control)
{
	struct orgpolicy *policies;
	size_t count;
	enum store_err err = orgpolicy_list(control->request->store,
		slice_str(control->token.organization), control->request->arena,
		&policies, &count);

	if (err)
		return control_store_error(control, err);

	return control_reply(control, orgpolicy_to_json(policies, count));
}

enum control_code
control_policy_put(struct control *control)
{
	struct arena *arena = control->request->arena;
	struct policy_error wrong;
	struct slice text;
	enum store_err err = http_body_read_all(control->request->http,
		POLICY_JSON_MAX, false, &text);

	if (err == STORE_BUSY)
		return control_refuse(control, CONTROL_RESOURCE_EXHAUSTED,
			"too many requests at once; try again");
	if (err)
		return control_refuse(control, CONTROL_INVALID_ARGUMENT,
			err == STORE_TOO_BIG ? "the policy is larger than 20 KB"
					     : "the body did not come whole");

	scoped(policy_free) struct policy *policy =
			orgpolicy_parse(text, &wrong);

	if (!policy)
		return control_refuse(control, CONTROL_INVALID_ARGUMENT,
			arena_str(arena, slice_str(wrong.text)));
	control_note_resource(control, policy->name);
	err = orgpolicy_put(control->request->store,
		slice_str(control->token.organization), policy, text);
	if (err == STORE_TOO_BIG)
		return control_refuse(control, CONTROL_FAILED_PRECONDITION,
			"the organization has 100 access policies already");
	return err ? control_store_error(control, err)
		   : control_reply(control, json_object());
}

enum control_code
control_policy_delete(struct control *control)
{
	enum store_err err = orgpolicy_delete(control->request->store,
		slice_str(control->token.organization), control->rest);

	if (err == STORE_NOT_FOUND)
		return control_refuse(control, CONTROL_NOT_FOUND,
			"the organization has no such policy");
	control_note_resource(control, control->rest);
	return err ? control_store_error(control, err)
		   : control_reply(control, json_object());
}
