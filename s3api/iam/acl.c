/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/iam/acl.h"

#include "store/base/codec.h"

#define VERSION 1

static const struct {
	const char *name;
	enum acl_permission permission;
} permissions[] = {
	{"READ", ACL_READ},
	{"WRITE", ACL_WRITE},
	{"READ_ACP", ACL_READ_ACP},
	{"WRITE_ACP", ACL_WRITE_ACP},
	{"FULL_CONTROL", ACL_FULL_CONTROL},
};

/* S3 API: Mapping of ACL permissions and access policy permissions. */
static const struct {
	enum policy_action action;
	bool is_on_object;
	enum acl_permission permission;
} needs[] = {
	{POLICY_ACTION_LIST_BUCKET, false, ACL_READ},
	{POLICY_ACTION_LIST_BUCKET_VERSIONS, false, ACL_READ},
	{POLICY_ACTION_LIST_BUCKET_MULTIPART_UPLOADS, false, ACL_READ},
	{POLICY_ACTION_PUT_OBJECT, false, ACL_WRITE},
	{POLICY_ACTION_DELETE_OBJECT, false, ACL_WRITE},
	{POLICY_ACTION_ABORT_MULTIPART_UPLOAD, false, ACL_WRITE},
	{POLICY_ACTION_GET_BUCKET_ACL, false, ACL_READ_ACP},
	{POLICY_ACTION_PUT_BUCKET_ACL, false, ACL_WRITE_ACP},
	{POLICY_ACTION_GET_OBJECT, true, ACL_READ},
	{POLICY_ACTION_GET_OBJECT_VERSION, true, ACL_READ},
	{POLICY_ACTION_GET_OBJECT_TORRENT, true, ACL_READ},
	{POLICY_ACTION_GET_OBJECT_ACL, true, ACL_READ_ACP},
	{POLICY_ACTION_GET_OBJECT_VERSION_ACL, true, ACL_READ_ACP},
	{POLICY_ACTION_PUT_OBJECT_ACL, true, ACL_WRITE_ACP},
	{POLICY_ACTION_PUT_OBJECT_VERSION_ACL, true, ACL_WRITE_ACP},
};

const char *
acl_permission_name(enum acl_permission permission)
{
	for (size_t i = 0; i < array_len(permissions); i++) {
		if (permissions[i].permission == permission)
			return permissions[i].name;
	}
	return "";
}

bool
acl_permission_find(struct slice name, enum acl_permission *out)
{
	for (size_t i = 0; i < array_len(permissions); i++) {
		if (slice_equal(name, slice_str(permissions[i].name))) {
			*out = permissions[i].permission;
			return true;
		}
	}
	return false;
}

/* --- encoding ------------------------------------------------------------- */

void
acl_encode(struct buffer *to, const struct acl *acl)
{
	codec_encode_u8(to, VERSION);
	codec_encode_sized16(to, acl->owner);
	codec_encode_u16(to, (uint16_t)acl->count);
	for (size_t i = 0; i < acl->count; i++) {
		codec_encode_u8(to, (uint8_t)acl->grants[i].grantee);
		codec_encode_u8(to, (uint8_t)acl->grants[i].permission);
		codec_encode_sized16(to, acl->grants[i].organization);
	}
}

static bool
decode_grant(struct decoder *decoder, struct acl_grant *grant)
{
	unsigned int grantee = codec_decode_u8(decoder);
	unsigned int permission = codec_decode_u8(decoder);

	*grant = (struct acl_grant){
		.grantee = (enum acl_grantee)grantee,
		.permission = (enum acl_permission)permission,
		.organization = codec_decode_sized16(decoder),
	};
	return grantee >= ACL_ORGANIZATION && grantee <= ACL_LOG_DELIVERY &&
	       acl_permission_name(grant->permission)[0] &&
	       (grant->organization.len > 0) == (grantee == ACL_ORGANIZATION) &&
	       grant->organization.len <= ACL_ORGANIZATION_MAX;
}

bool
acl_decode(struct slice bytes, struct acl *out)
{
	struct decoder decoder = codec_decoder(bytes);
	bool is_good = codec_decode_u8(&decoder) == VERSION;

	out->owner = codec_decode_sized16(&decoder);
	out->count = codec_decode_u16(&decoder);
	is_good &= out->owner.len > 0 &&
		   out->owner.len <= ACL_ORGANIZATION_MAX &&
		   out->count <= ACL_GRANTS_MAX;
	for (size_t i = 0; i < out->count && is_good; i++)
		is_good = decode_grant(&decoder, &out->grants[i]);
	return is_good && !decoder.is_bad && codec_decode_left(&decoder) == 0;
}

/* --- making --------------------------------------------------------------- */

void
acl_init(struct acl *acl, struct slice owner)
{
	acl->owner = owner;
	acl->count = 1;
	acl->grants[0] =
		(struct acl_grant){ACL_ORGANIZATION, ACL_FULL_CONTROL, owner};
}

bool
acl_add(struct acl *acl, enum acl_grantee grantee, struct slice organization,
	enum acl_permission permission)
{
	if (acl->count == ACL_GRANTS_MAX)
		return false;
	acl->grants[acl->count++] =
		(struct acl_grant){grantee, permission, organization};
	return true;
}

/* --- what it says --------------------------------------------------------- */

static bool
is_public(const struct acl_grant *grant)
{
	return grant->grantee == ACL_ALL_USERS ||
	       grant->grantee == ACL_AUTHENTICATED_USERS;
}

bool
acl_is_public(const struct acl *acl)
{
	for (size_t i = 0; i < acl->count; i++) {
		if (is_public(&acl->grants[i]))
			return true;
	}
	return false;
}

bool
acl_is_private(const struct acl *acl)
{
	for (size_t i = 0; i < acl->count; i++) {
		if (acl->grants[i].grantee != ACL_ORGANIZATION ||
			!slice_equal(acl->grants[i].organization, acl->owner))
			return false;
	}
	return true;
}

unsigned int
acl_needed(enum policy_action action, bool *is_on_object)
{
	for (size_t i = 0; i < array_len(needs); i++) {
		if (needs[i].action == action) {
			*is_on_object = needs[i].is_on_object;
			return needs[i].permission;
		}
	}
	return 0;
}

static bool
is_grantee(const struct acl_grant *grant, const struct policy_caller *caller,
	struct slice bucket_owner)
{
	switch (grant->grantee) {
	case ACL_ALL_USERS:
		return true;
	case ACL_AUTHENTICATED_USERS:
		return !caller->is_anonymous;
	case ACL_ORGANIZATION:
		return !caller->is_anonymous &&
		       slice_equal(grant->organization, caller->organization) &&
		       !slice_equal(caller->organization, bucket_owner);
	case ACL_LOG_DELIVERY:
		break;
	}
	return false;
}

bool
acl_gives(const struct acl *acl, const struct policy_caller *caller,
	struct slice bucket_owner, unsigned int permission, bool ignores_public)
{
	const struct acl_grant as_owner = {
		ACL_ORGANIZATION, ACL_FULL_CONTROL, acl->owner};

	if (is_grantee(&as_owner, caller, bucket_owner))
		return true;
	for (size_t i = 0; i < acl->count; i++) {
		const struct acl_grant *grant = &acl->grants[i];

		if ((grant->permission & permission) == permission &&
			!(ignores_public && is_public(grant)) &&
			is_grantee(grant, caller, bucket_owner))
			return true;
	}
	return false;
}
