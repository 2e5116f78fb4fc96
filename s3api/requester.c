/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/requester.h"

#include "store/base/text.h"

bool
requester_append(struct buffer *to, const struct policy_caller *caller)
{
	if (caller->is_anonymous || caller->organization.len == 0)
		return false;
	buffer_printf(to, "arn:aws:%s::", caller->role.len ? "sts" : "iam");
	text_percent_encode(to, caller->organization, false);
	buffer_append_str(to, caller->role.len ? ":assumed-role/" : ":user/");
	if (caller->role.len) {
		text_percent_encode(to, caller->role, false);
		buffer_append_char(to, '/');
	}
	text_percent_encode(to, caller->name, true);
	return true;
}
