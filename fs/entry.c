/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/entry.h"

#include "fs/name.h"
#include "store/bucket.h"

static enum store_err
find_bucket(struct mount *mount, const char *shown, struct entry *entry,
	struct reply_fact *fact)
{
	struct slice name = slice_str(shown);
	struct bucket bucket;

	if (!bucket_name_is_valid(name))
		return STORE_NOT_FOUND;
	enum store_err err = bucket_get(mount->store, name, &bucket);
	if (!err)
		err = tree_inode(mount->store, bucket.ino, NULL, &fact->inode);
	if (err)
		return err == STORE_NO_BUCKET || err == STORE_STALE
			       ? STORE_NOT_FOUND
			       : err;
	entry->want = TREE_DIR;
	entry->len = name.len;
	memcpy(entry->text, name.data, name.len);
	return STORE_OK;
}

bool
entry_has_dir(struct mount *mount, uint64_t parent, struct slice text)
{
	struct inode inode;

	return !tree_lookup(mount->store, parent, text, TREE_DIR, NULL, &inode);
}

struct long_search {
	const struct name *name;
	struct entry *entry;
	struct inode *inode;
	bool is_found;
};

static bool
visit_long(struct slice component, const struct inode *inode, void *context)
{
	struct long_search *search = context;
	uint8_t hash[NAME_HASH_LEN];

	if (!slice_has_prefix(component, name_text(search->name)))
		return false;
	name_hash(component, hash);
	if (memcmp(hash, search->name->hash, sizeof(hash)) != 0)
		return true;
	bool is_dir = inode_is_dir(inode);
	search->is_found = true;
	search->entry->want = is_dir ? TREE_DIR : TREE_FILE;
	search->entry->len = component.len - is_dir;
	memcpy(search->entry->text, component.data, search->entry->len);
	*search->inode = *inode;
	search->inode->attrs = SLICE_NULL;
	return false;
}

static enum store_err
find_long(struct mount *mount, uint64_t parent, const struct name *name,
	struct entry *entry, struct inode *inode)
{
	struct long_search search = {name, entry, inode, false};

	enum store_err err = tree_read_dir(mount->store, parent,
		name_text(name), visit_long, &search);
	if (err)
		return err;
	return search.is_found ? STORE_OK : STORE_NOT_FOUND;
}

static enum store_err
find_in_dir(struct mount *mount, uint64_t parent, const char *shown,
	struct entry *entry, struct inode *inode)
{
	struct name name;

	enum store_err err = name_parse(slice_str(shown), &name);
	if (err)
		return err == STORE_BAD_NAME ? STORE_NOT_FOUND : err;
	if (name.form == NAME_LONG)
		return find_long(mount, parent, &name, entry, inode);
	entry->len = name.len;
	memcpy(entry->text, name.text, name.len);
	/* The escape of a file is its name only beside a directory. */
	return tree_lookup_shown(mount->store, parent, entry_text(entry),
		name.form == NAME_FILE, &entry->want, inode);
}

enum store_err
entry_find(struct mount *mount, uint64_t parent, const char *shown,
	struct entry *entry, struct reply_fact *fact)
{
	fact->changes = atomic_load(&mount->changes);
	fact->is_live = false;
	fact->is_mapped = false;
	enum store_err err = parent == INODE_ROOT
				     ? find_bucket(mount, shown, entry, fact)
				     : find_in_dir(mount, parent, shown, entry,
					       &fact->inode);
	if (!err)
		inode_refresh(mount, fact);
	return err;
}

enum store_err
entry_new(const char *shown, struct entry *entry)
{
	struct name name;

	enum store_err err = name_parse(slice_str(shown), &name);
	if (err)
		return err;
	if (name.form == NAME_LONG)
		return STORE_NAME_TOO_LONG;
	if (name.form == NAME_FILE || !slice_is_utf8(name_text(&name)))
		return STORE_BAD_NAME;
	entry->len = name.len;
	memcpy(entry->text, name.text, name.len);
	return STORE_OK;
}
