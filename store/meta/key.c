/* SPDX-License-Identifier: Apache-2.0 */
#include "store/meta/key.h"

#include <assert.h>
#include <string.h>

#include "store/base/codec.h"

struct key
key_u64(uint64_t number)
{
	struct key key;

	codec_store_u64_big(key.bytes, number);
	key.len = 8;
	return key;
}

struct key
key_u64_u64(uint64_t first, uint64_t second)
{
	struct key key;

	codec_store_u64_big(key.bytes, first);
	codec_store_u64_big(key.bytes + 8, second);
	key.len = 16;
	return key;
}

struct key
key_dentry(uint64_t parent, struct slice name)
{
	struct key key;

	assert(name.len <= KEY_CHUNK);
	codec_store_u64_big(key.bytes, parent);
	if (name.len > 0)
		memcpy(key.bytes + 8, name.data, name.len);
	key.len = 8 + name.len;
	return key;
}

struct key
key_text(struct slice text)
{
	struct key key;

	assert(text.len <= DB_KEY_MAX);
	if (text.len > 0)
		memcpy(key.bytes, text.data, text.len);
	key.len = text.len;
	return key;
}

enum store_err
key_split_dentry(struct slice key, uint64_t *parent, struct slice *name)
{
	if (key.len < 8)
		return STORE_CORRUPT;
	*parent = codec_load_u64_big((const uint8_t *)key.data);
	*name = slice_of(key.data + 8, key.len - 8);
	return STORE_OK;
}

enum store_err
key_split_u64(struct slice key, uint64_t *number)
{
	if (key.len != 8)
		return STORE_CORRUPT;
	*number = codec_load_u64_big((const uint8_t *)key.data);
	return STORE_OK;
}

enum store_err
key_split_u64_u64(struct slice key, uint64_t *first, uint64_t *second)
{
	if (key.len != 16)
		return STORE_CORRUPT;
	*first = codec_load_u64_big((const uint8_t *)key.data);
	*second = codec_load_u64_big((const uint8_t *)key.data + 8);
	return STORE_OK;
}
