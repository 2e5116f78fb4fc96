/* SPDX-License-Identifier: Apache-2.0 */
/*
 * acl.h - access control lists: who besides the owner may do what with a
 * bucket or an object (S3 API: Access control list overview).
 *
 * Canonical users are organizations, by their names.  A list only ever gives:
 * whoever owns the bucket needs none, and a deny of a policy stands.
 *
 * Encoded: u8 version 1, s16 owner, u16 count, and of each grant u8 grantee,
 * u8 permission, s16 organization (empty for groups).
 *
 * Ownership: slices of a decoded list point into what it was decoded from.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "s3api/iam/policy_action.h"
#include "s3api/iam/policy_principal.h"
#include "store/base/buffer.h"
#include "store/base/compiler.h"

#define ACL_GRANTS_MAX 100
#define ACL_ORGANIZATION_MAX 63

enum acl_permission {
	ACL_READ = 1 << 0,
	ACL_WRITE = 1 << 1,
	ACL_READ_ACP = 1 << 2,
	ACL_WRITE_ACP = 1 << 3,
	ACL_FULL_CONTROL = 15,
};

enum acl_grantee {
	ACL_ORGANIZATION = 1,
	ACL_ALL_USERS,
	ACL_AUTHENTICATED_USERS,
	ACL_LOG_DELIVERY, /* nobody yet */
};

struct acl_grant {
	enum acl_grantee grantee;
	enum acl_permission permission;
	struct slice organization; /* of ACL_ORGANIZATION */
};

struct acl {
	struct slice owner;
	size_t count;
	struct acl_grant grants[ACL_GRANTS_MAX];
};

void acl_encode(struct buffer *to, const struct acl *acl);
/* False: the bytes are no such list. */
must_check bool acl_decode(struct slice bytes, struct acl *out);

/* A list that gives its owner everything. */
void acl_init(struct acl *acl, struct slice owner);
/* False: there are ACL_GRANTS_MAX. */
must_check bool acl_add(struct acl *acl, enum acl_grantee grantee,
	struct slice organization, enum acl_permission permission);

/* "FULL_CONTROL", and back. */
const char *acl_permission_name(enum acl_permission permission);
bool acl_permission_find(struct slice name, enum acl_permission *out);

/* It names a group that anybody can be of. */
bool acl_is_public(const struct acl *acl);
/* It gives nothing to others than its owner. */
bool acl_is_private(const struct acl *acl);

/* Which permission on which of the two lists an action needs; 0: none of
 * either gives it. */
unsigned int acl_needed(enum policy_action action, bool *is_on_object);

/*
 * Whether the list of a bucket, or of an object in it, gives the caller that
 * permission.  What is given to the bucket's owner is passed over: what its own
 * people may is not for lists to say.
 */
bool acl_gives(const struct acl *acl, const struct policy_caller *caller,
	struct slice bucket_owner, unsigned int permission,
	bool ignores_public);
