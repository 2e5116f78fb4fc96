/* SPDX-License-Identifier: Apache-2.0 */
#include "store/keyring.h"

#include <stdlib.h>

#include "store/base/arena.h"
#include "store/bucket.h"
#include "store/tree.h"

struct entry {
	struct entry *next;
	struct slice bucket; /* in text */
	struct slice prefix; /* of keys; in text */
	uint8_t key[SEAL_KEY_LEN];
	char text[];
};

/* In no order: there are few. */
struct keyring {
	struct entry *first;
};

struct keyring *
keyring_create(void)
{
	struct keyring *ring = calloc(1, sizeof(*ring));

	if (!ring)
		error_out_of_memory();
	return ring;
}

void
keyring_free(struct keyring **ptr)
{
	struct keyring *ring = *ptr;

	*ptr = NULL;
	if (!ring)
		return;
	while (ring->first) {
		struct entry *entry = ring->first;

		ring->first = entry->next;
		cipher_wipe(entry->key, sizeof(entry->key));
		free(entry);
	}
	free(ring);
}

enum store_err
keyring_add(struct keyring *ring, struct slice prefix,
	const uint8_t key[SEAL_KEY_LEN])
{
	struct slice rest = prefix;
	struct slice bucket;

	if (!slice_split(&rest, '/', &bucket) || !bucket_name_is_valid(bucket))
		return STORE_BAD_NAME;
	for (const struct entry *it = ring->first; it; it = it->next)
		if (slice_equal(it->bucket, bucket) &&
			slice_equal(it->prefix, rest))
			return STORE_EXISTS;

	struct entry *entry = malloc(sizeof(*entry) + prefix.len);

	if (!entry)
		error_out_of_memory();
	memcpy(entry->text, prefix.data, prefix.len);
	entry->bucket = slice_of(entry->text, bucket.len);
	entry->prefix =
		slice_of(entry->text + (prefix.len - rest.len), rest.len);
	memcpy(entry->key, key, SEAL_KEY_LEN);
	entry->next = ring->first;
	ring->first = entry;
	return STORE_OK;
}

static bool
is_in_bucket(const struct entry *entry, struct store *store, uint64_t ino)
{
	struct bucket bucket;

	return !bucket_get(store, entry->bucket, &bucket) && bucket.ino == ino;
}

enum store_err
keyring_for_new(const struct keyring *ring, struct store *store, uint64_t dir,
	struct slice name, const uint8_t **key)
{
	scoped(arena_free) struct arena arena = {0};
	const struct entry *best = NULL;
	struct inode inode;
	struct slice path;

	*key = NULL;
	if (!ring || !ring->first)
		return STORE_OK;
	enum store_err err = tree_inode(store, dir, NULL, &inode);
	if (!err)
		err = tree_path(store, dir, &arena, &path);
	if (err)
		return err;
	path = arena_concat(&arena, path, name);
	for (const struct entry *it = ring->first; it; it = it->next)
		if (slice_has_prefix(path, it->prefix) &&
			(!best || it->prefix.len > best->prefix.len) &&
			is_in_bucket(it, store, inode.bucket))
			best = it;
	if (best)
		*key = best->key;
	return STORE_OK;
}

enum store_err
keyring_open(const struct keyring *ring, struct slice attr, struct seal *seal,
	const uint8_t **key)
{
	for (const struct entry *it = ring ? ring->first : NULL; it;
		it = it->next) {
		enum store_err err = seal_open(seal, attr, it->key);

		*key = it->key;
		if (err != STORE_WRONG_KEY)
			return err;
	}
	return STORE_NO_KEY;
}
