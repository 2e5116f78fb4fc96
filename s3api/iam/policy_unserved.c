/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/iam/policy_unserved.h"

#include "s3api/iam/policy_pattern.h"

/* clang-format off */
static const char *const names[] = {
	"s3:AllowVendedLogDeliveryForResource",
	"s3:AssociateAccessGrantsIdentityCenter", "s3:CreateAccessGrant",
	"s3:CreateAccessGrantsInstance", "s3:CreateAccessGrantsLocation",
	"s3:CreateAccessPoint", "s3:CreateAccessPointForObjectLambda",
	"s3:CreateBucketMetadataTableConfiguration", "s3:CreateJob",
	"s3:CreateMultiRegionAccessPoint", "s3:CreateStorageLensGroup",
	"s3:DeleteAccessGrant", "s3:DeleteAccessGrantsInstance",
	"s3:DeleteAccessGrantsInstanceResourcePolicy",
	"s3:DeleteAccessGrantsLocation", "s3:DeleteAccessPoint",
	"s3:DeleteAccessPointForObjectLambda", "s3:DeleteAccessPointPolicy",
	"s3:DeleteAccessPointPolicyForObjectLambda",
	"s3:DeleteBucketMetadataTableConfiguration", "s3:DeleteJobTagging",
	"s3:DeleteMultiRegionAccessPoint", "s3:DeleteObjectAnnotation",
	"s3:DeleteObjectVersionAnnotation",
	"s3:DeleteStorageLensConfiguration",
	"s3:DeleteStorageLensConfigurationTagging",
	"s3:DeleteStorageLensGroup", "s3:DescribeJob",
	"s3:DescribeMultiRegionAccessPointOperation",
	"s3:DissociateAccessGrantsIdentityCenter", "s3:GetAccessGrant",
	"s3:GetAccessGrantsInstance", "s3:GetAccessGrantsInstanceForPrefix",
	"s3:GetAccessGrantsInstanceResourcePolicy",
	"s3:GetAccessGrantsLocation", "s3:GetAccessPoint",
	"s3:GetAccessPointConfigurationForObjectLambda",
	"s3:GetAccessPointForObjectLambda", "s3:GetAccessPointPolicy",
	"s3:GetAccessPointPolicyForObjectLambda",
	"s3:GetAccessPointPolicyStatus",
	"s3:GetAccessPointPolicyStatusForObjectLambda", "s3:GetBucketAbac",
	"s3:GetBucketMetadataTableConfiguration", "s3:GetDataAccess",
	"s3:GetJobTagging", "s3:GetMultiRegionAccessPoint",
	"s3:GetMultiRegionAccessPointPolicy",
	"s3:GetMultiRegionAccessPointPolicyStatus",
	"s3:GetMultiRegionAccessPointRoutes", "s3:GetObjectAnnotation",
	"s3:GetObjectVersionAnnotation",
	"s3:GetObjectVersionAnnotationForReplication",
	"s3:GetStorageLensConfiguration",
	"s3:GetStorageLensConfigurationTagging", "s3:GetStorageLensDashboard",
	"s3:GetStorageLensGroup", "s3:ListAccessGrants",
	"s3:ListAccessGrantsInstances", "s3:ListAccessGrantsLocations",
	"s3:ListAccessPoints", "s3:ListAccessPointsForObjectLambda",
	"s3:ListCallerAccessGrants", "s3:ListJobs",
	"s3:ListMultiRegionAccessPoints", "s3:ListObjectAnnotations",
	"s3:ListObjectVersionAnnotations", "s3:ListStorageLensConfigurations",
	"s3:ListStorageLensGroups", "s3:ListTagsForResource",
	"s3:PauseReplication", "s3:PutAccessGrantsInstanceResourcePolicy",
	"s3:PutAccessPointConfigurationForObjectLambda",
	"s3:PutAccessPointPolicy", "s3:PutAccessPointPolicyForObjectLambda",
	"s3:PutAccessPointPublicAccessBlock", "s3:PutBucketAbac",
	"s3:PutJobTagging", "s3:PutMultiRegionAccessPointPolicy",
	"s3:PutObjectAnnotation", "s3:PutObjectVersionAnnotation",
	"s3:PutStorageLensConfiguration",
	"s3:PutStorageLensConfigurationTagging",
	"s3:ReplicateObjectAnnotation",
	"s3:SubmitMultiRegionAccessPointRoutes", "s3:TagResource",
	"s3:UntagResource", "s3:UpdateAccessGrantsLocation",
	"s3:UpdateBucketMetadataAnnotationTableConfiguration",
	"s3:UpdateBucketMetadataInventoryTableConfiguration",
	"s3:UpdateBucketMetadataJournalTableConfiguration",
	"s3:UpdateJobPriority", "s3:UpdateJobStatus",
	"s3:UpdateObjectEncryption", "s3:UpdateStorageLensGroup",
};
/* clang-format on */

bool
policy_unserved_has(struct slice pattern)
{
	for (size_t i = 0; i < array_len(names); i++) {
		if (policy_pattern_glob_nocase(pattern, slice_str(names[i])))
			return true;
	}
	return false;
}

const char *
policy_unserved_name(size_t i)
{
	return i < array_len(names) ? names[i] : NULL;
}
