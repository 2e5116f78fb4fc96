/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control_private.h - one request to the control API, and its reply.
 *
 * An operation replies by control_reply(), or returns the error that shall be
 * the reply, in the words of gRPC, as control_refuse() fills it in.
 */
#pragma once

#include <jansson.h>

#include "s3api/iam/signin.h"
#include "s3api/request.h"

/* Of gRPC, with the HTTP status that grpc-gateway gives them. */
enum control_code {
	CONTROL_OK = 0,
	CONTROL_INVALID_ARGUMENT = 3,	 /* 400 */
	CONTROL_NOT_FOUND = 5,		 /* 404 */
	CONTROL_PERMISSION_DENIED = 7,	 /* 403 */
	CONTROL_RESOURCE_EXHAUSTED = 8,	 /* 429 */
	CONTROL_FAILED_PRECONDITION = 9, /* 400 */
	CONTROL_UNIMPLEMENTED = 12,	 /* 501 */
	CONTROL_INTERNAL = 13,		 /* 500 */
	CONTROL_UNAVAILABLE = 14,	 /* 503 */
	CONTROL_UNAUTHENTICATED = 16,	 /* 401 */
};

struct control {
	struct request *request;
	struct slice rest;  /* of the path, behind the operation's name */
	struct token token; /* of who asks; not of sign-in */
	const char *message;
};

/* For the audit log: what it was about; only once that is known to be there. */
void control_note_resource(struct control *control, struct slice resource);
void control_note_issued(struct control *control, const char *access_key);
/* The same of a sign-in, here and at STS. */
void control_signin_note(struct request *request,
	const struct signin_result *result);

/* message: a literal, or in the arena. */
enum control_code control_refuse(struct control *control,
	enum control_code code, const char *message);
enum control_code control_store_error(struct control *control,
	enum store_err err);

/* 200 with the JSON, which is taken. */
enum control_code control_reply(struct control *control, json_t *root);

/* An object of at most max bytes; to be released by json_decref(). */
must_check enum control_code control_body(struct control *control, size_t max,
	json_t **out);

/* A member that is text; where it is not there *out stays.  INVALID_ARGUMENT:
 * it is of another type. */
must_check enum control_code control_body_text(struct control *control,
	const json_t *root, const char *name, struct slice *out);
/* A whole number up to max, also as text, as JSON of protobuf has it. */
must_check enum control_code control_body_number(struct control *control,
	const json_t *root, const char *name, unsigned long max,
	unsigned long *out);

/* Of the bearer's level, by the operations that ask for the action; 0: none of
 * a bearer's does. */
unsigned int control_level_needed(enum policy_action action);

/* --- control_key.c -------------------------------------------------------- */

/* Whose the keys are that the bearer makes: "coreweave/NAME". */
struct slice control_key_principal(struct control *control);

/* --- control_attribute.c -------------------------------------------------- */

/* The member "attributes", an object of texts; none where it is not there.
 * INVALID_ARGUMENT: token.h does not take them. */
must_check enum control_code control_attribute_read(struct control *control,
	const json_t *root, struct token_attribute **out, size_t *count);
/* The same as JSON. */
json_t *control_attribute_json(const struct token_attribute *attributes,
	size_t count);

/* --- control_credentials.c ------------------------------------------------ */

/* {accessKeyId, secretKey, principalName, expiry, attributes}; no end: null. */
json_t *control_credentials(struct control *control, const struct token *token,
	const char *secret, const struct token_attribute *attributes,
	size_t attribute_count);
/* {AccessKeyId, SecretAccessKey, Token, Expiration, attributes,
 * multiAttributes}: what SDKs ask AWS_CONTAINER_CREDENTIALS_FULL_URI for.  Of a
 * key that needs its session and has an end. */
json_t *control_credentials_container(struct control *control,
	const struct token *token, const char *secret,
	const struct token_attribute *attributes, size_t attribute_count);

/* --- control_settings.c --------------------------------------------------- */

struct bucket;
struct usage;

json_t *control_settings_json(struct store *store, const struct bucket *bucket,
	const struct usage *usage);

/* What signin.h needs of a request. */
struct signin control_signin(const struct control *control);

/* Operations. */
enum control_code control_signin_saml(struct control *control);
enum control_code control_signin_oidc(struct control *control);
enum control_code control_signin_container(struct control *control);
enum control_code control_key_create(struct control *control);
enum control_code control_key_container(struct control *control);
enum control_code control_key_list(struct control *control);
enum control_code control_key_info(struct control *control);
enum control_code control_key_revoke(struct control *control);
enum control_code control_key_status(struct control *control);
enum control_code control_policy_list(struct control *control);
enum control_code control_policy_put(struct control *control);
enum control_code control_policy_delete(struct control *control);
enum control_code control_can_i(struct control *control);
enum control_code control_bucket_info(struct control *control);
enum control_code control_settings_bucket(struct control *control);
enum control_code control_settings_organization(struct control *control);
