/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control_site.h - a server with a provider that it trusts, a policy for roles
 * and a bearer of the control API; and who asks it.
 */
#pragma once

#include <jansson.h>

#include "store/token.h"
#include "tests/s3api/iam/assertion.h"
#include "tests/s3api/op/served.h"

#define CONTROL "/v1/cwobject/"
#define SAML CONTROL "temporary-credentials/saml"
#define FORM "content-type: application/x-www-form-urlencoded\n"

struct control_site {
	struct served served;
	struct assertion_idp idp;
	char bearer[320]; /* a header line */
};

/* A control token of that level, which the requests as ops carry from now on.
 */
void control_site_bearer(struct control_site *site, const char *name,
	enum token_level level);
/* One more access policy of the organization. */
void control_site_put_policy(struct store *store, const char *text);

void control_site_open_on(struct control_site *site, struct served served);
void control_site_open(struct control_site *site);
void control_site_close(struct control_site *site);
/* Unsigned; headers are lines, or NULL. */
const struct s3_reply *control_site_ask(struct control_site *site,
	const char *method, const char *target, const char *headers,
	const char *body);
const struct s3_reply *control_site_ask_as_ops(struct control_site *site,
	const char *method, const char *target, const char *body);
/* The body, the caller's. */
json_t *control_site_json(const struct s3_reply *reply);
void control_site_expect_error(const struct s3_reply *reply,
	unsigned int status, int code);
/* In the site's arena, as what follows. */
const char *control_site_base64(struct control_site *site, const char *text);
struct assertion control_site_assertion(const char *id, const char *role);
const char *control_site_response(struct control_site *site, const char *id,
	const char *role);
const struct s3_reply *control_site_sign_in(struct control_site *site,
	const char *base64, const char *more);
/* The client signs with what it was given. */
void control_site_become(struct control_site *site,
	const struct s3_reply *reply);
/* The same of a reply of STS; the header line with the session's token. */
const char *control_site_become_session(struct control_site *site,
	const struct s3_reply *reply);
/* A bucket of another organization, "acme". */
void control_site_make_theirs(struct control_site *site);
const struct s3_reply *control_site_assume(struct control_site *site,
	const char *base64, const char *more);
