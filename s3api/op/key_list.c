/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/op/key_list.h"

#include "s3api/version_id.h"
#include "s3api/xml/xml_reader.h"
#include "store/tree.h"

/* One that no object can have is one that none has. */
static void
parse_etag(const struct xml_node *node, struct arena *arena,
	struct key_list_entry *entry)
{
	struct slice etag =
		slice_trim(xml_reader_child_text(node, "ETag", arena));

	if (!xml_reader_child(node, "ETag"))
		return;
	if (slice_equal(etag, SLICE("*"))) {
		entry->condition.must_exist = true;
		return;
	}
	entry->condition.must_match = &entry->etag;
	if (!inode_etag_parse(etag, &entry->etag))
		entry->etag = INODE_ETAG_OF_NONE;
}

static enum s3_error
check_object(const struct xml_node *node, struct slice key)
{
	if (xml_reader_child(node, "LastModifiedTime") ||
		xml_reader_child(node, "Size"))
		return S3_NOT_IMPLEMENTED;
	if (key.len > TREE_KEY_MAX)
		return S3_KEY_TOO_LONG;
	if (key.len == 0 || !slice_is_utf8(key))
		return S3_INVALID_ARGUMENT;
	return S3_OK;
}

/* S3 API: one that is no id is told as one that is not there. */
static void
parse_version(const struct xml_node *node, struct arena *arena,
	struct key_list_entry *entry)
{
	if (!xml_reader_child(node, "VersionId"))
		return;
	entry->version = xml_reader_child_text(node, "VersionId", arena);
	if (!version_id_parse(entry->version, &entry->which) && !entry->refused)
		entry->refused = S3_NO_SUCH_VERSION;
}

static bool
parse_objects(const struct xml_node *root, struct arena *arena,
	struct key_list *list)
{
	const struct xml_node *node = xml_reader_child(root, "Object");

	for (; node; node = xml_reader_next(node, "Object")) {
		struct slice key = xml_reader_child_text(node, "Key", arena);

		if (!key.data || list->count == KEY_LIST_MAX)
			return false;

		struct key_list_entry *entry = &list->entries[list->count++];

		entry->key = key;
		entry->refused = check_object(node, key);
		parse_version(node, arena, entry);
		parse_etag(node, arena, entry);
	}
	return list->count > 0;
}

bool
key_list_parse(struct slice text, struct arena *arena, struct key_list *out)
{
	scoped(xml_reader_close) struct xml_reader *reader = NULL;

	*out = (struct key_list){0};
	if (!xml_reader_open(text, "Delete", &reader))
		return false;

	const struct xml_node *root = xml_reader_root(reader);
	struct slice quiet = xml_reader_child_text(root, "Quiet", arena);

	out->is_quiet = slice_equal_nocase(slice_trim(quiet), SLICE("true"));
	out->entries =
		arena_new_array(arena, KEY_LIST_MAX, struct key_list_entry);
	return parse_objects(root, arena, out);
}
