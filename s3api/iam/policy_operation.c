/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/iam/policy_operation.h"

#include <stdlib.h>
#include <string.h>

#include "store/base/compiler.h"

/* clang-format off */
/* Those that are not called as their action, and the most frequent ones; in
 * order of names. */
static const struct row {
	const char *operation;
	enum policy_action action;
} rows[] = {
	{ "CompleteMultipartUpload", POLICY_ACTION_PUT_OBJECT },
	{ "CopyObject", POLICY_ACTION_PUT_OBJECT },
	{ "CreateMultipartUpload", POLICY_ACTION_PUT_OBJECT },
	{ "DeleteBucketCors", POLICY_ACTION_PUT_BUCKET_CORS },
	{ "DeleteBucketEncryption", POLICY_ACTION_PUT_ENCRYPTION_CONFIGURATION },
	{ "DeleteBucketLifecycle", POLICY_ACTION_PUT_LIFECYCLE_CONFIGURATION },
	{ "DeleteBucketOwnershipControls",
		POLICY_ACTION_PUT_BUCKET_OWNERSHIP_CONTROLS },
	{ "DeleteBucketReplication",
		POLICY_ACTION_DELETE_REPLICATION_CONFIGURATION },
	{ "DeleteBucketTagging", POLICY_ACTION_PUT_BUCKET_TAGGING },
	{ "DeleteObject", POLICY_ACTION_DELETE_OBJECT },
	{ "DeleteObjects", POLICY_ACTION_DELETE_OBJECT },
	{ "DeletePublicAccessBlock",
		POLICY_ACTION_PUT_BUCKET_PUBLIC_ACCESS_BLOCK },
	{ "GetBucketAccelerateConfiguration",
		POLICY_ACTION_GET_ACCELERATE_CONFIGURATION },
	{ "GetBucketEncryption", POLICY_ACTION_GET_ENCRYPTION_CONFIGURATION },
	{ "GetBucketLifecycle", POLICY_ACTION_GET_LIFECYCLE_CONFIGURATION },
	{ "GetBucketLifecycleConfiguration",
		POLICY_ACTION_GET_LIFECYCLE_CONFIGURATION },
	{ "GetBucketNotificationConfiguration",
		POLICY_ACTION_GET_BUCKET_NOTIFICATION },
	{ "GetBucketReplication", POLICY_ACTION_GET_REPLICATION_CONFIGURATION },
	{ "GetObject", POLICY_ACTION_GET_OBJECT },
	{ "GetObjectLockConfiguration",
		POLICY_ACTION_GET_BUCKET_OBJECT_LOCK_CONFIGURATION },
	{ "GetPublicAccessBlock",
		POLICY_ACTION_GET_BUCKET_PUBLIC_ACCESS_BLOCK },
	{ "HeadBucket", POLICY_ACTION_LIST_BUCKET },
	{ "HeadObject", POLICY_ACTION_GET_OBJECT },
	{ "ListBuckets", POLICY_ACTION_LIST_ALL_MY_BUCKETS },
	{ "ListMultipartUploads", POLICY_ACTION_LIST_BUCKET_MULTIPART_UPLOADS },
	{ "ListObjectVersions", POLICY_ACTION_LIST_BUCKET_VERSIONS },
	{ "ListObjects", POLICY_ACTION_LIST_BUCKET },
	{ "ListObjectsV2", POLICY_ACTION_LIST_BUCKET },
	{ "ListParts", POLICY_ACTION_LIST_MULTIPART_UPLOAD_PARTS },
	{ "PostObject", POLICY_ACTION_PUT_OBJECT },
	{ "PutBucketAccelerateConfiguration",
		POLICY_ACTION_PUT_ACCELERATE_CONFIGURATION },
	{ "PutBucketEncryption", POLICY_ACTION_PUT_ENCRYPTION_CONFIGURATION },
	{ "PutBucketLifecycle", POLICY_ACTION_PUT_LIFECYCLE_CONFIGURATION },
	{ "PutBucketLifecycleConfiguration",
		POLICY_ACTION_PUT_LIFECYCLE_CONFIGURATION },
	{ "PutBucketNotificationConfiguration",
		POLICY_ACTION_PUT_BUCKET_NOTIFICATION },
	{ "PutBucketReplication", POLICY_ACTION_PUT_REPLICATION_CONFIGURATION },
	{ "PutObject", POLICY_ACTION_PUT_OBJECT },
	{ "PutObjectLockConfiguration",
		POLICY_ACTION_PUT_BUCKET_OBJECT_LOCK_CONFIGURATION },
	{ "PutPublicAccessBlock",
		POLICY_ACTION_PUT_BUCKET_PUBLIC_ACCESS_BLOCK },
	{ "SelectObjectContent", POLICY_ACTION_GET_OBJECT },
	{ "UploadPart", POLICY_ACTION_PUT_OBJECT },
	{ "UploadPartCopy", POLICY_ACTION_PUT_OBJECT },
};
/* clang-format on */

/* What an action is called where the request names a version. */
static const struct {
	enum policy_action plain;
	enum policy_action of_version;
} versions[] = {
	{POLICY_ACTION_DELETE_OBJECT, POLICY_ACTION_DELETE_OBJECT_VERSION},
	{POLICY_ACTION_DELETE_OBJECT_TAGGING,
		POLICY_ACTION_DELETE_OBJECT_VERSION_TAGGING},
	{POLICY_ACTION_GET_OBJECT, POLICY_ACTION_GET_OBJECT_VERSION},
	{POLICY_ACTION_GET_OBJECT_ACL, POLICY_ACTION_GET_OBJECT_VERSION_ACL},
	{POLICY_ACTION_GET_OBJECT_ATTRIBUTES,
		POLICY_ACTION_GET_OBJECT_VERSION_ATTRIBUTES},
	{POLICY_ACTION_GET_OBJECT_TAGGING,
		POLICY_ACTION_GET_OBJECT_VERSION_TAGGING},
	{POLICY_ACTION_GET_OBJECT_TORRENT,
		POLICY_ACTION_GET_OBJECT_VERSION_TORRENT},
	{POLICY_ACTION_PUT_OBJECT_ACL, POLICY_ACTION_PUT_OBJECT_VERSION_ACL},
	{POLICY_ACTION_PUT_OBJECT_TAGGING,
		POLICY_ACTION_PUT_OBJECT_VERSION_TAGGING},
};

static int
compare(const void *name, const void *row)
{
	return strcmp(name, ((const struct row *)row)->operation);
}

enum policy_action
policy_operation_action(const char *operation)
{
	static const char prefix[] = "s3:";
	const struct row *row = bsearch(operation, rows, array_len(rows),
		sizeof(rows[0]), compare);

	if (row)
		return row->action;
	for (unsigned int i = 1; i < POLICY_ACTION_COUNT; i++) {
		enum policy_action action = (enum policy_action)i;
		const char *name = policy_action_name(action);

		if (!strncmp(name, prefix, strlen(prefix)) &&
			!strcasecmp(name + strlen(prefix), operation))
			return action;
	}
	return POLICY_ACTION_NONE;
}

enum policy_action
policy_operation_of_version(enum policy_action action)
{
	for (size_t i = 0; i < array_len(versions); i++) {
		if (versions[i].plain == action)
			return versions[i].of_version;
	}
	return action;
}

bool
policy_operation_decides_itself(const char *operation)
{
	return !strcmp(operation, "DeleteObjects") ||
	       !strcmp(operation, "PostObject") ||
	       !strcmp(operation, "PutObjectLegalHold") ||
	       !strcmp(operation, "PutObjectRetention") ||
	       !strcmp(operation, "PutObjectTagging");
}
