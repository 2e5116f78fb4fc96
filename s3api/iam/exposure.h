/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exposure.h - what of a bucket its ACLs may open: object ownership, the public
 * access block, and the lists themselves, as the store keeps them.
 *
 * Documents of the bucket: "ownershipControls", the name of the setting, or
 * "none" once that was taken away; "publicAccessBlock", the names of the flags
 * that are set, a space after each; "acl", encoded (acl.h).  An object's list
 * is its attribute of kind ACL, "s3".
 *
 * Failure:   CORRUPT: a document that cannot be read; else what the store says.
 */
#pragma once

#include "s3api/iam/acl.h"
#include "s3api/iam/decide.h"
#include "store/bucket.h"
#include "store/object.h"

enum exposure_ownership {
	EXPOSURE_OWNER_ENFORCED = 0, /* no ACL counts; so where none is set */
	EXPOSURE_OWNER_PREFERRED,
	EXPOSURE_OBJECT_WRITER,
};

enum exposure_block {
	EXPOSURE_BLOCK_ACLS = 1 << 0,
	EXPOSURE_IGNORE_ACLS = 1 << 1,
	EXPOSURE_BLOCK_POLICY = 1 << 2,
	EXPOSURE_RESTRICT_BUCKETS = 1 << 3,
};

#define EXPOSURE_BLOCK_FLAGS 4

/* "BucketOwnerEnforced", and back. */
const char *exposure_ownership_name(enum exposure_ownership ownership);
bool exposure_ownership_find(struct slice name, enum exposure_ownership *out);
/* "BlockPublicAcls": of the flag 1 << i. */
const char *exposure_block_name(unsigned int i);

/* What counts. */
must_check enum store_err exposure_read_ownership(struct store *store,
	const struct bucket *bucket, enum exposure_ownership *out);
/* What S3 tells: the same, but NOT_FOUND where it was taken away. */
must_check enum store_err exposure_find_controls(struct store *store,
	const struct bucket *bucket, enum exposure_ownership *out);
/* As a document, for bucket_create_with(). */
struct bucket_document
exposure_ownership_document(enum exposure_ownership ownership);
/* NULL takes it away. */
must_check enum store_err exposure_write_ownership(struct store *store,
	const struct bucket *bucket, const enum exposure_ownership *ownership);

/* flags: a mask of enum exposure_block.  NOT_FOUND: none was set. */
must_check enum store_err exposure_read_block(struct store *store,
	const struct bucket *bucket, unsigned int *flags);
/* NULL removes. */
must_check enum store_err exposure_write_block(struct store *store,
	const struct bucket *bucket, const unsigned int *flags);

/* The bucket's list, in the arena; its owner's alone where it has none. */
must_check enum store_err exposure_read_acl(struct store *store,
	const struct bucket *bucket, struct arena *arena, struct acl *out);
struct bucket_document exposure_acl_document(const struct acl *acl,
	struct arena *arena);
must_check enum store_err exposure_write_acl(struct store *store,
	const struct bucket *bucket, const struct acl *acl);

/* The list among an object's attributes; the bucket's owner's alone where it
 * has none. */
must_check enum store_err exposure_find_acl(const struct bucket *bucket,
	struct slice attrs, struct acl *out);
/* As an attribute that follows the object's others. */
void exposure_append_acl(struct buffer *attrs, const struct acl *acl);

/* What is decided about: a bucket, or an object in it. */
struct exposure_object {
	struct store *store;
	const struct bucket *bucket; /* may be NULL */
	struct slice key;	     /* empty: the bucket itself */
	struct version_ref version;  /* of the object */
	struct arena *arena;	     /* for what is found */
	bool is_looked_up;	     /* from then on: */
	enum store_err err;
	struct object found;
};

/* The object as it is, read once.  NOT_FOUND also where there is none to be
 * asked about. */
must_check enum store_err exposure_look_up(struct exposure_object *object);

/*
 * What decide() asks of it for an action.  *is_missing: the object that was to
 * be read is not there.  On failure *out opens nothing.
 */
must_check enum store_err exposure_read(struct exposure_object *object,
	enum policy_action action, struct decide_exposure *out,
	bool *is_missing);
