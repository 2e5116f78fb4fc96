/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/iam/exposure.h"

#include "store/base/inode.h"

#define OWNERSHIP_KIND "ownershipControls"
#define OWNERSHIP_NONE "none" /* taken away */
#define BLOCK_KIND "publicAccessBlock"
#define ACL_KIND "acl"
#define ACL_ATTR "s3"

static const char *const ownerships[] = {
	[EXPOSURE_OWNER_ENFORCED] = "BucketOwnerEnforced",
	[EXPOSURE_OWNER_PREFERRED] = "BucketOwnerPreferred",
	[EXPOSURE_OBJECT_WRITER] = "ObjectWriter",
};

static const char *const blocks[EXPOSURE_BLOCK_FLAGS] = {"BlockPublicAcls",
	"IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"};

/* --- ownership ------------------------------------------------------------ */

const char *
exposure_ownership_name(enum exposure_ownership ownership)
{
	return ownerships[ownership];
}

bool
exposure_ownership_find(struct slice name, enum exposure_ownership *out)
{
	for (size_t i = 0; i < array_len(ownerships); i++) {
		if (slice_equal(name, slice_str(ownerships[i]))) {
			*out = (enum exposure_ownership)i;
			return true;
		}
	}
	return false;
}

enum store_err
exposure_find_controls(struct store *store, const struct bucket *bucket,
	enum exposure_ownership *out)
{
	scoped(arena_free) struct arena arena = {0};
	struct slice text;
	enum store_err err = bucket_get_document(store, bucket->ino,
		SLICE(OWNERSHIP_KIND), &arena, &text);

	*out = EXPOSURE_OWNER_ENFORCED;
	if (err)
		return err == STORE_NOT_FOUND ? STORE_OK : err;
	if (slice_equal(text, SLICE(OWNERSHIP_NONE)))
		return STORE_NOT_FOUND;
	return exposure_ownership_find(text, out) ? STORE_OK : STORE_CORRUPT;
}

enum store_err
exposure_read_ownership(struct store *store, const struct bucket *bucket,
	enum exposure_ownership *out)
{
	enum store_err err = exposure_find_controls(store, bucket, out);

	return err == STORE_NOT_FOUND ? STORE_OK : err;
}

struct bucket_document
exposure_ownership_document(enum exposure_ownership ownership)
{
	return (struct bucket_document){SLICE(OWNERSHIP_KIND),
		slice_str(exposure_ownership_name(ownership))};
}

enum store_err
exposure_write_ownership(struct store *store, const struct bucket *bucket,
	const enum exposure_ownership *ownership)
{
	struct slice text =
		slice_str(ownership ? ownerships[*ownership] : OWNERSHIP_NONE);

	return bucket_set_document(store, bucket->ino, SLICE(OWNERSHIP_KIND),
		&text);
}

/* --- the public access block ---------------------------------------------- */

const char *
exposure_block_name(unsigned int i)
{
	return blocks[i];
}

static bool
parse_flags(struct slice text, unsigned int *flags)
{
	struct slice word;

	*flags = 0;
	while (text.len > 0 && slice_split(&text, ' ', &word)) {
		unsigned int i = 0;

		while (i < EXPOSURE_BLOCK_FLAGS &&
			!slice_equal(word, slice_str(blocks[i])))
			i++;
		if (i == EXPOSURE_BLOCK_FLAGS)
			return false;
		*flags |= 1u << i;
	}
	return true;
}

enum store_err
exposure_read_block(struct store *store, const struct bucket *bucket,
	unsigned int *flags)
{
	scoped(arena_free) struct arena arena = {0};
	struct slice text;
	enum store_err err = bucket_get_document(store, bucket->ino,
		SLICE(BLOCK_KIND), &arena, &text);

	*flags = 0;
	if (err)
		return err;
	return parse_flags(slice_trim(text), flags) ? STORE_OK : STORE_CORRUPT;
}

enum store_err
exposure_write_block(struct store *store, const struct bucket *bucket,
	const unsigned int *flags)
{
	scoped(buffer_free) struct buffer text = {0};

	for (unsigned int i = 0; flags && i < EXPOSURE_BLOCK_FLAGS; i++) {
		if (*flags & (1u << i))
			buffer_printf(&text, "%s ", blocks[i]);
	}
	/* A document has at least a byte. */
	if (text.len == 0)
		buffer_append_char(&text, ' ');

	struct slice value = buffer_slice(&text);

	return bucket_set_document(store, bucket->ino, SLICE(BLOCK_KIND),
		flags ? &value : NULL);
}

/* --- lists ---------------------------------------------------------------- */

enum store_err
exposure_read_acl(struct store *store, const struct bucket *bucket,
	struct arena *arena, struct acl *out)
{
	struct slice bytes;
	enum store_err err = bucket_get_document(store, bucket->ino,
		SLICE(ACL_KIND), arena, &bytes);

	acl_init(out, slice_str(bucket->owner));
	if (err)
		return err == STORE_NOT_FOUND ? STORE_OK : err;
	return acl_decode(bytes, out) ? STORE_OK : STORE_CORRUPT;
}

struct bucket_document
exposure_acl_document(const struct acl *acl, struct arena *arena)
{
	scoped(buffer_free) struct buffer bytes = {0};

	acl_encode(&bytes, acl);
	return (struct bucket_document){
		SLICE(ACL_KIND), arena_copy(arena, buffer_slice(&bytes))};
}

enum store_err
exposure_write_acl(struct store *store, const struct bucket *bucket,
	const struct acl *acl)
{
	scoped(arena_free) struct arena arena = {0};
	struct bucket_document document = exposure_acl_document(acl, &arena);

	return bucket_set_document(store, bucket->ino, document.kind,
		&document.value);
}

enum store_err
exposure_find_acl(const struct bucket *bucket, struct slice attrs,
	struct acl *out)
{
	struct slice bytes;

	acl_init(out, slice_str(bucket->owner));
	if (!inode_attr_find(attrs, INODE_ATTR_ACL, SLICE(ACL_ATTR), &bytes))
		return STORE_OK;
	return acl_decode(bytes, out) ? STORE_OK : STORE_CORRUPT;
}

void
exposure_append_acl(struct buffer *attrs, const struct acl *acl)
{
	scoped(buffer_free) struct buffer bytes = {0};

	acl_encode(&bytes, acl);

	const struct inode_attr attr = {
		INODE_ATTR_ACL, SLICE(ACL_ATTR), buffer_slice(&bytes)};

	inode_attr_append(attrs, &attr);
}

/* --- for decide() --------------------------------------------------------- */

enum store_err
exposure_look_up(struct exposure_object *object)
{
	if (!object->bucket || object->key.len == 0)
		return STORE_NOT_FOUND;
	if (!object->is_looked_up)
		object->err = object_head_version(object->store,
			object->bucket->ino, object->key, &object->version,
			object->arena, &object->found);
	object->is_looked_up = true;
	return object->err;
}

/* The list that the action needs; none where none gives it, or the object is
 * not there. */
static enum store_err
read_list(struct exposure_object *object, enum policy_action action,
	const struct acl **out, bool *is_missing)
{
	bool is_on_object = false;
	unsigned int needed = acl_needed(action, &is_on_object);
	struct acl *acl = arena_new(object->arena, struct acl);
	enum store_err err;

	if (!needed)
		return STORE_OK;
	if (!is_on_object) {
		err = exposure_read_acl(object->store, object->bucket,
			object->arena, acl);
	} else {
		err = exposure_look_up(object);
		*is_missing = err == STORE_NOT_FOUND && needed == ACL_READ;
		if (err == STORE_NOT_FOUND)
			return STORE_OK;
		if (!err)
			err = exposure_find_acl(object->bucket,
				object->found.inode.attrs, acl);
	}
	*out = err ? NULL : acl;
	return err;
}

static enum store_err
read_all(struct exposure_object *object, enum policy_action action,
	struct decide_exposure *out, bool *is_missing)
{
	struct store *store = object->store;
	enum exposure_ownership ownership;
	unsigned int flags;
	enum store_err err = exposure_read_block(store, object->bucket, &flags);

	if (err && err != STORE_NOT_FOUND)
		return err;
	out->ignores_public_acls = flags & EXPOSURE_IGNORE_ACLS;
	out->restricts_public_bucket = flags & EXPOSURE_RESTRICT_BUCKETS;
	err = exposure_read_ownership(store, object->bucket, &ownership);
	if (err || ownership == EXPOSURE_OWNER_ENFORCED)
		return err;
	return read_list(object, action, &out->acl, is_missing);
}

enum store_err
exposure_read(struct exposure_object *object, enum policy_action action,
	struct decide_exposure *out, bool *is_missing)
{
	enum store_err err;

	*out = (struct decide_exposure){0};
	*is_missing = false;
	err = read_all(object, action, out, is_missing);
	if (err)
		*out = (struct decide_exposure){
			.restricts_public_bucket = true};
	return err;
}
