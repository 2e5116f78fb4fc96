/* SPDX-License-Identifier: Apache-2.0 */
/* Key pairs as replies tell them. */
#include "s3api/control/control_private.h"
#include "store/base/cipher.h"
#include "store/base/clock.h"

json_t *
control_credentials(struct control *control, const struct token *token,
	const char *secret, const struct token_attribute *attributes,
	size_t attribute_count)
{
	char expiry[25] = "";

	(void)control;
	if (token->expires_ns)
		clock_to_iso8601(token->expires_ns, expiry);
	return json_pack("{s:s, s:s, s:s, s:s?, s:o}", "accessKeyId",
		token->access_key, "secretKey", secret, "principalName",
		token->name, "expiry", expiry[0] ? expiry : NULL, "attributes",
		control_attribute_json(attributes, attribute_count));
}

json_t *
control_credentials_container(struct control *control,
	const struct token *token, const char *secret,
	const struct token_attribute *attributes, size_t attribute_count)
{
	char session[TOKEN_SESSION_LEN + 1];
	char expiry[25];
	json_t *root;

	token_secret_session(control->request->store, token, session);
	clock_to_iso8601(token->expires_ns, expiry);
	root = json_pack("{s:s, s:s, s:s, s:s, s:o, s:{}}", "AccessKeyId",
		token->access_key, "SecretAccessKey", secret, "Token", session,
		"Expiration", expiry, "attributes",
		control_attribute_json(attributes, attribute_count),
		"multiAttributes");
	cipher_wipe(session, sizeof(session));
	return root;
}
