/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_action.h - the actions that policies speak of, by IAM's names, and
 * sets of them.
 *
 * A pattern such as "s3:Get*" becomes a set when its policy is parsed, so that
 * a request costs one bit.  Names compare without case.  Some actions have a
 * second name: who says either means both.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/base/slice.h"

/* What an action is done to. */
enum policy_scope {
	POLICY_SCOPE_OBJECT,
	POLICY_SCOPE_BUCKET,
	POLICY_SCOPE_SERVICE, /* no bucket: ListAllMyBuckets */
	POLICY_SCOPE_CONTROL, /* of the organization: cwobject:... */
};

/* clang-format off */
/* name, IAM's name, scope */
#define POLICY_ACTIONS(X) \
	X(ABORT_MULTIPART_UPLOAD, "s3:AbortMultipartUpload", OBJECT) \
	X(BYPASS_GOVERNANCE_RETENTION, "s3:BypassGovernanceRetention", OBJECT) \
	X(DELETE_OBJECT, "s3:DeleteObject", OBJECT) \
	X(DELETE_OBJECT_TAGGING, "s3:DeleteObjectTagging", OBJECT) \
	X(DELETE_OBJECT_VERSION, "s3:DeleteObjectVersion", OBJECT) \
	X(DELETE_OBJECT_VERSION_TAGGING, "s3:DeleteObjectVersionTagging", OBJECT) \
	X(GET_OBJECT, "s3:GetObject", OBJECT) \
	X(GET_OBJECT_ACL, "s3:GetObjectAcl", OBJECT) \
	X(GET_OBJECT_ATTRIBUTES, "s3:GetObjectAttributes", OBJECT) \
	X(GET_OBJECT_LEGAL_HOLD, "s3:GetObjectLegalHold", OBJECT) \
	X(GET_OBJECT_RETENTION, "s3:GetObjectRetention", OBJECT) \
	X(GET_OBJECT_TAGGING, "s3:GetObjectTagging", OBJECT) \
	X(GET_OBJECT_TORRENT, "s3:GetObjectTorrent", OBJECT) \
	X(GET_OBJECT_VERSION, "s3:GetObjectVersion", OBJECT) \
	X(GET_OBJECT_VERSION_ACL, "s3:GetObjectVersionAcl", OBJECT) \
	X(GET_OBJECT_VERSION_ATTRIBUTES, "s3:GetObjectVersionAttributes", OBJECT) \
	X(GET_OBJECT_VERSION_FOR_REPLICATION, "s3:GetObjectVersionForReplication", OBJECT) \
	X(GET_OBJECT_VERSION_TAGGING, "s3:GetObjectVersionTagging", OBJECT) \
	X(GET_OBJECT_VERSION_TORRENT, "s3:GetObjectVersionTorrent", OBJECT) \
	X(INITIATE_REPLICATION, "s3:InitiateReplication", OBJECT) \
	X(LIST_MULTIPART_UPLOAD_PARTS, "s3:ListMultipartUploadParts", OBJECT) \
	X(OBJECT_OWNER_OVERRIDE_TO_BUCKET_OWNER, "s3:ObjectOwnerOverrideToBucketOwner", OBJECT) \
	X(PUT_OBJECT, "s3:PutObject", OBJECT) \
	X(PUT_OBJECT_ACL, "s3:PutObjectAcl", OBJECT) \
	X(PUT_OBJECT_LEGAL_HOLD, "s3:PutObjectLegalHold", OBJECT) \
	X(PUT_OBJECT_RETENTION, "s3:PutObjectRetention", OBJECT) \
	X(PUT_OBJECT_TAGGING, "s3:PutObjectTagging", OBJECT) \
	X(PUT_OBJECT_VERSION_ACL, "s3:PutObjectVersionAcl", OBJECT) \
	X(PUT_OBJECT_VERSION_TAGGING, "s3:PutObjectVersionTagging", OBJECT) \
	X(RENAME_OBJECT, "s3:RenameObject", OBJECT) \
	X(REPLICATE_DELETE, "s3:ReplicateDelete", OBJECT) \
	X(REPLICATE_OBJECT, "s3:ReplicateObject", OBJECT) \
	X(REPLICATE_TAGS, "s3:ReplicateTags", OBJECT) \
	X(RESTORE_OBJECT, "s3:RestoreObject", OBJECT) \
	X(CREATE_BUCKET, "s3:CreateBucket", BUCKET) \
	X(DELETE_BUCKET, "s3:DeleteBucket", BUCKET) \
	X(DELETE_BUCKET_OWNERSHIP_CONTROLS, "s3:DeleteBucketOwnershipControls", BUCKET) \
	X(DELETE_BUCKET_POLICY, "s3:DeleteBucketPolicy", BUCKET) \
	X(DELETE_BUCKET_WEBSITE, "s3:DeleteBucketWebsite", BUCKET) \
	X(DELETE_REPLICATION_CONFIGURATION, "s3:DeleteReplicationConfiguration", BUCKET) \
	X(GET_ACCELERATE_CONFIGURATION, "s3:GetAccelerateConfiguration", BUCKET) \
	X(GET_ANALYTICS_CONFIGURATION, "s3:GetAnalyticsConfiguration", BUCKET) \
	X(GET_BUCKET_ACL, "s3:GetBucketAcl", BUCKET) \
	X(GET_BUCKET_CORS, "s3:GetBucketCORS", BUCKET) \
	X(GET_BUCKET_LOCATION, "s3:GetBucketLocation", BUCKET) \
	X(GET_BUCKET_LOGGING, "s3:GetBucketLogging", BUCKET) \
	X(GET_BUCKET_NOTIFICATION, "s3:GetBucketNotification", BUCKET) \
	X(GET_BUCKET_OBJECT_LOCK_CONFIGURATION, "s3:GetBucketObjectLockConfiguration", BUCKET) \
	X(GET_BUCKET_OWNERSHIP_CONTROLS, "s3:GetBucketOwnershipControls", BUCKET) \
	X(GET_BUCKET_POLICY, "s3:GetBucketPolicy", BUCKET) \
	X(GET_BUCKET_POLICY_STATUS, "s3:GetBucketPolicyStatus", BUCKET) \
	X(GET_BUCKET_PUBLIC_ACCESS_BLOCK, "s3:GetBucketPublicAccessBlock", BUCKET) \
	X(GET_BUCKET_REQUEST_PAYMENT, "s3:GetBucketRequestPayment", BUCKET) \
	X(GET_BUCKET_TAGGING, "s3:GetBucketTagging", BUCKET) \
	X(GET_BUCKET_VERSIONING, "s3:GetBucketVersioning", BUCKET) \
	X(GET_BUCKET_WEBSITE, "s3:GetBucketWebsite", BUCKET) \
	X(GET_ENCRYPTION_CONFIGURATION, "s3:GetEncryptionConfiguration", BUCKET) \
	X(GET_INTELLIGENT_TIERING_CONFIGURATION, "s3:GetIntelligentTieringConfiguration", BUCKET) \
	X(GET_INVENTORY_CONFIGURATION, "s3:GetInventoryConfiguration", BUCKET) \
	X(GET_LIFECYCLE_CONFIGURATION, "s3:GetLifecycleConfiguration", BUCKET) \
	X(GET_METRICS_CONFIGURATION, "s3:GetMetricsConfiguration", BUCKET) \
	X(GET_REPLICATION_CONFIGURATION, "s3:GetReplicationConfiguration", BUCKET) \
	X(LIST_BUCKET, "s3:ListBucket", BUCKET) \
	X(LIST_BUCKET_MULTIPART_UPLOADS, "s3:ListBucketMultipartUploads", BUCKET) \
	X(LIST_BUCKET_VERSIONS, "s3:ListBucketVersions", BUCKET) \
	X(PUT_ACCELERATE_CONFIGURATION, "s3:PutAccelerateConfiguration", BUCKET) \
	X(PUT_ANALYTICS_CONFIGURATION, "s3:PutAnalyticsConfiguration", BUCKET) \
	X(PUT_BUCKET_ACL, "s3:PutBucketAcl", BUCKET) \
	X(PUT_BUCKET_CORS, "s3:PutBucketCORS", BUCKET) \
	X(PUT_BUCKET_LOGGING, "s3:PutBucketLogging", BUCKET) \
	X(PUT_BUCKET_NOTIFICATION, "s3:PutBucketNotification", BUCKET) \
	X(PUT_BUCKET_OBJECT_LOCK_CONFIGURATION, "s3:PutBucketObjectLockConfiguration", BUCKET) \
	X(PUT_BUCKET_OWNERSHIP_CONTROLS, "s3:PutBucketOwnershipControls", BUCKET) \
	X(PUT_BUCKET_POLICY, "s3:PutBucketPolicy", BUCKET) \
	X(PUT_BUCKET_PUBLIC_ACCESS_BLOCK, "s3:PutBucketPublicAccessBlock", BUCKET) \
	X(PUT_BUCKET_REQUEST_PAYMENT, "s3:PutBucketRequestPayment", BUCKET) \
	X(PUT_BUCKET_TAGGING, "s3:PutBucketTagging", BUCKET) \
	X(PUT_BUCKET_VERSIONING, "s3:PutBucketVersioning", BUCKET) \
	X(PUT_BUCKET_WEBSITE, "s3:PutBucketWebsite", BUCKET) \
	X(PUT_ENCRYPTION_CONFIGURATION, "s3:PutEncryptionConfiguration", BUCKET) \
	X(PUT_INTELLIGENT_TIERING_CONFIGURATION, "s3:PutIntelligentTieringConfiguration", BUCKET) \
	X(PUT_INVENTORY_CONFIGURATION, "s3:PutInventoryConfiguration", BUCKET) \
	X(PUT_LIFECYCLE_CONFIGURATION, "s3:PutLifecycleConfiguration", BUCKET) \
	X(PUT_METRICS_CONFIGURATION, "s3:PutMetricsConfiguration", BUCKET) \
	X(PUT_REPLICATION_CONFIGURATION, "s3:PutReplicationConfiguration", BUCKET) \
	X(GET_ACCOUNT_PUBLIC_ACCESS_BLOCK, "s3:GetAccountPublicAccessBlock", SERVICE) \
	X(LIST_ALL_MY_BUCKETS, "s3:ListAllMyBuckets", SERVICE) \
	X(PUT_ACCOUNT_PUBLIC_ACCESS_BLOCK, "s3:PutAccountPublicAccessBlock", SERVICE) \
	X(AUTH_CAN_I, "cwobject:AuthCanI", CONTROL) \
	X(CREATE_ACCESS_KEY_FROM_JWT, "cwobject:CreateAccessKeyFromJWT", CONTROL) \
	X(CREATE_ACCESS_KEY_OIDC, "cwobject:CreateAccessKeyOIDC", CONTROL) \
	X(CREATE_ACCESS_KEY_SAML, "cwobject:CreateAccessKeySAML", CONTROL) \
	X(DELETE_ACCESS_POLICY, "cwobject:DeleteAccessPolicy", CONTROL) \
	X(ENSURE_ACCESS_POLICY, "cwobject:EnsureAccessPolicy", CONTROL) \
	X(GET_ACCESS_KEY_INFO, "cwobject:GetAccessKeyInfo", CONTROL) \
	X(GET_BUCKET_INFO, "cwobject:GetBucketInfo", CONTROL) \
	X(LIST_ACCESS_KEY_INFO, "cwobject:ListAccessKeyInfo", CONTROL) \
	X(LIST_ACCESS_POLICY, "cwobject:ListAccessPolicy", CONTROL) \
	X(LIST_BUCKET_INFO, "cwobject:ListBucketInfo", CONTROL) \
	X(REVOKE_ACCESS_KEY, "cwobject:RevokeAccessKey", CONTROL) \
	X(SET_ACCESS_KEY_STATUS, "cwobject:SetAccessKeyStatus", CONTROL) \
	X(SET_BUCKET_SETTINGS, "cwobject:SetBucketSettings", CONTROL) \
	X(SET_ORGANIZATION_SETTINGS, "cwobject:SetOrganizationSettings", CONTROL)
/* clang-format on */

enum policy_action {
	POLICY_ACTION_NONE = 0,
#define X(name, text, scope) POLICY_ACTION_##name,
	POLICY_ACTIONS(X)
#undef X
		POLICY_ACTION_COUNT
};

#define POLICY_ACTION_WORDS (POLICY_ACTION_COUNT / 64 + 1)

struct policy_action_set {
	uint64_t words[POLICY_ACTION_WORDS];
};

/* "s3:GetObject", the first one; never NULL. */
const char *policy_action_name(enum policy_action action);

enum policy_scope policy_action_scope(enum policy_action action);

/* NONE: there is none of that name. */
enum policy_action policy_action_find(struct slice name);

/*
 * Adds what a pattern with * and ? names; how many that are.  Of the control
 * plane only where with_control.
 */
size_t policy_action_add(struct policy_action_set *set, struct slice pattern,
	bool with_control);

/* All but those in the set. */
void policy_action_invert(struct policy_action_set *set, bool with_control);

static inline bool
policy_action_is_in(const struct policy_action_set *set,
	enum policy_action action)
{
	return set->words[action / 64] >> (action % 64) & 1;
}
