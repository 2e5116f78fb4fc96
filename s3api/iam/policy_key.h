/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_key.h - the condition keys: what a policy may ask of a request, and
 * how it is asked for when it is needed.
 *
 * Names compare without case; what follows the slash of a tag's key does not.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/base/slice.h"

/* clang-format off */
/* name, as policies write it; one that ends in / is followed by a tag's key */
#define POLICY_KEYS(X) \
	X(CURRENT_TIME, "aws:CurrentTime") \
	X(EPOCH_TIME, "aws:EpochTime") \
	X(PRINCIPAL_ACCOUNT, "aws:PrincipalAccount") \
	X(PRINCIPAL_ARN, "aws:PrincipalArn") \
	X(PRINCIPAL_ORG_ID, "aws:PrincipalOrgID") \
	X(PRINCIPAL_TYPE, "aws:PrincipalType") \
	X(REFERER, "aws:Referer") \
	X(SECURE_TRANSPORT, "aws:SecureTransport") \
	X(SOURCE_ACCOUNT, "aws:SourceAccount") \
	X(SOURCE_ARN, "aws:SourceArn") \
	X(SOURCE_IP, "aws:SourceIp") \
	X(USER_AGENT, "aws:UserAgent") \
	X(USER_ID, "aws:userid") \
	X(USER_NAME, "aws:username") \
	X(CW_PRINCIPAL_ORG_ID, "cw:PrincipalOrgID") \
	X(GROUPS, "iam:groups") \
	X(AUTH_TYPE, "s3:authType") \
	X(CONTENT_SHA256, "s3:x-amz-content-sha256") \
	X(DELIMITER, "s3:delimiter") \
	X(EXISTING_TAG, "s3:ExistingObjectTag/") \
	X(IF_MATCH, "s3:if-match") \
	X(IF_NONE_MATCH, "s3:if-none-match") \
	X(MAX_KEYS, "s3:max-keys") \
	X(OBJECT_LOCK_LEGAL_HOLD, "s3:object-lock-legal-hold") \
	X(OBJECT_LOCK_MODE, "s3:object-lock-mode") \
	X(OBJECT_LOCK_DAYS, "s3:object-lock-remaining-retention-days") \
	X(OBJECT_LOCK_UNTIL, "s3:object-lock-retain-until-date") \
	X(PREFIX, "s3:prefix") \
	X(REQUEST_TAG, "s3:RequestObjectTag/") \
	X(REQUEST_TAG_KEYS, "s3:RequestObjectTagKeys") \
	X(RESOURCE_ACCOUNT, "s3:ResourceAccount") \
	X(SIGNATURE_AGE, "s3:signatureAge") \
	X(SIGNATURE_VERSION, "s3:signatureversion") \
	X(TLS_VERSION, "s3:TlsVersion") \
	X(VERSION_ID, "s3:VersionId") \
	X(ACL, "s3:x-amz-acl") \
	X(COPY_SOURCE, "s3:x-amz-copy-source") \
	X(GRANT_FULL_CONTROL, "s3:x-amz-grant-full-control") \
	X(GRANT_READ, "s3:x-amz-grant-read") \
	X(GRANT_READ_ACP, "s3:x-amz-grant-read-acp") \
	X(GRANT_WRITE, "s3:x-amz-grant-write") \
	X(GRANT_WRITE_ACP, "s3:x-amz-grant-write-acp") \
	X(METADATA_DIRECTIVE, "s3:x-amz-metadata-directive") \
	X(OBJECT_OWNERSHIP, "s3:x-amz-object-ownership") \
	X(SSE, "s3:x-amz-server-side-encryption") \
	X(SSE_KMS_KEY, "s3:x-amz-server-side-encryption-aws-kms-key-id") \
	X(SSE_CUSTOMER_ALGORITHM, \
		"s3:x-amz-server-side-encryption-customer-algorithm") \
	X(STORAGE_CLASS, "s3:x-amz-storage-class") \
	X(WEBSITE_REDIRECT, "s3:x-amz-website-redirect-location")
/* clang-format on */

enum policy_key {
	POLICY_KEY_NONE = 0,
#define X(name, text) POLICY_KEY_##name,
	POLICY_KEYS(X)
#undef X
		POLICY_KEY_COUNT
};

/* A key with what follows its slash; the organization, for iam:ORG:groups. */
struct policy_key_name {
	enum policy_key key;
	struct slice suffix; /* empty for most */
};

/* False: there is no such key.  The suffix is borrowed from the text. */
bool policy_key_parse(struct slice text, struct policy_key_name *out);

/* "aws:SourceIp"; never NULL. */
const char *policy_key_text(enum policy_key key);

#define POLICY_VALUES_MAX 16

/* What a request has for a key. */
struct policy_values {
	struct slice values[POLICY_VALUES_MAX];
	size_t count; /* 0: the request does not have that key */
};

/*
 * Where the values come from.  find() is called only for keys that a
 * statement needs, perhaps more than once; what it gives lives as long as the
 * request.  It must give the same each time.
 */
struct policy_context {
	void (*find)(void *context, const struct policy_key_name *name,
		struct policy_values *out);
	void *context;
	/* How far matching may still go; NULL: any.  At 0 nothing matches any
	 * more, and decide() refuses. */
	uint64_t *steps;
};

/* For all that one request asks; a decision over 20 statements takes some
 * hundred.  A pattern such as *aaa...ab takes its length times its text's. */
#define POLICY_STEPS_MAX 20000000
