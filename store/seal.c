/* SPDX-License-Identifier: Apache-2.0 */
#include "store/seal.h"

#include <assert.h>
#include <string.h>

#include "store/base/codec.h"
#include "store/base/digest.h"
#include "store/base/random.h"

#define VERSION 1
/* Frames of 2 to the power of it. */
#define FRAME_BITS 16

/* The attribute: version, frame's bits, salt, MAC of the key, wrapped key. */
#define SALT_AT 2
#define SALT_LEN 32
#define MAC_AT (SALT_AT + SALT_LEN)
#define MAC_LEN 32
#define WRAPPED_AT (MAC_AT + MAC_LEN)
#define WRAPPED_LEN (CIPHER_KEY_LEN + CIPHER_TAG_LEN)

static_assert(SEAL_ATTR_LEN == WRAPPED_AT + WRAPPED_LEN, "the fields fill it");
static_assert(SEAL_FRAME == 1 << FRAME_BITS, "shifts divide");

/* Each key is used for one thing: HKDF's info tells which. */
#define USE_WRAP SLICE("tarn sse-c 1 wrap")
#define USE_MAC SLICE("tarn sse-c 1 recognise")
#define USE_PAD SLICE("tarn sse-c 1 digest")
#define USE_STREAM "tarn sse-c 1 stream"

static const uint8_t magic[8] = {'t', 'a', 'r', 'n', 's', 'e', 'a', 'l'};

#define STREAM_SALT_LEN (SEAL_HEADER_LEN - sizeof(magic))

/* A key that wraps once needs no nonce: the salt made it unique. */
static const uint8_t wrap_nonce[CIPHER_NONCE_LEN];

static struct slice
salt_of(const uint8_t *attr)
{
	return slice_of(attr + SALT_AT, SALT_LEN);
}

static void
derive_wrap(const uint8_t *attr, const uint8_t key[SEAL_KEY_LEN],
	uint8_t wrap[CIPHER_KEY_LEN])
{
	cipher_derive(slice_of(key, SEAL_KEY_LEN), salt_of(attr), USE_WRAP,
		wrap, CIPHER_KEY_LEN);
}

static void
make_mac(const uint8_t *attr, const uint8_t key[SEAL_KEY_LEN],
	uint8_t mac[MAC_LEN])
{
	uint8_t mac_key[32];

	cipher_derive(slice_of(key, SEAL_KEY_LEN), salt_of(attr), USE_MAC,
		mac_key, sizeof(mac_key));
	digest_hmac_sha256(slice_of(mac_key, sizeof(mac_key)), salt_of(attr),
		mac);
	cipher_wipe(mac_key, sizeof(mac_key));
}

void
seal_create(struct seal *seal, const uint8_t key[SEAL_KEY_LEN])
{
	uint8_t wrap[CIPHER_KEY_LEN];
	uint8_t *attr = seal->attr;

	attr[0] = VERSION;
	attr[1] = FRAME_BITS;
	random_bytes(attr + SALT_AT, SALT_LEN);
	random_bytes(seal->data_key, sizeof(seal->data_key));
	make_mac(attr, key, attr + MAC_AT);
	derive_wrap(attr, key, wrap);
	cipher_seal(wrap, wrap_nonce, slice_of(attr, WRAPPED_AT),
		slice_of(seal->data_key, sizeof(seal->data_key)),
		attr + WRAPPED_AT);
	cipher_wipe(wrap, sizeof(wrap));
}

/* As far as can be told without a key. */
static bool
is_valid(struct slice attr)
{
	return attr.len == SEAL_ATTR_LEN && (uint8_t)attr.data[0] == VERSION &&
	       (uint8_t)attr.data[1] == FRAME_BITS;
}

enum store_err
seal_open(struct seal *seal, struct slice attr, const uint8_t key[SEAL_KEY_LEN])
{
	uint8_t wrap[CIPHER_KEY_LEN];
	uint8_t mac[MAC_LEN];
	enum store_err err;

	if (!is_valid(attr))
		return STORE_CORRUPT;
	memcpy(seal->attr, attr.data, SEAL_ATTR_LEN);
	make_mac(seal->attr, key, mac);
	if (!digest_equal(mac, seal->attr + MAC_AT, MAC_LEN))
		return STORE_WRONG_KEY;
	derive_wrap(seal->attr, key, wrap);
	err = cipher_open(wrap, wrap_nonce, slice_of(seal->attr, WRAPPED_AT),
		slice_of(seal->attr + WRAPPED_AT, WRAPPED_LEN), seal->data_key);
	cipher_wipe(wrap, sizeof(wrap));
	return err;
}

void
seal_wipe(struct seal *seal)
{
	cipher_wipe(seal, sizeof(*seal));
}

bool
seal_find(struct slice attrs, struct slice *attr)
{
	return inode_attr_find(attrs, INODE_ATTR_SSE_C, SLICE_NULL, attr);
}

void
seal_pad(const struct seal *seal, const uint8_t etag[16], uint8_t *digest,
	size_t len)
{
	uint8_t pad[SEAL_PAD_MAX];

	assert(len <= sizeof(pad));
	cipher_derive(slice_of(seal->data_key, sizeof(seal->data_key)),
		slice_of(etag, 16), USE_PAD, pad, sizeof(pad));
	for (size_t i = 0; i < len; i++)
		digest[i] ^= pad[i];
	cipher_wipe(pad, sizeof(pad));
}

uint64_t
seal_frames(uint64_t len)
{
	return len / SEAL_FRAME + (len % SEAL_FRAME != 0);
}

uint64_t
seal_frame_at(uint64_t frame)
{
	return SEAL_HEADER_LEN + frame * SEAL_STORED_FRAME;
}

uint64_t
seal_stored_len(uint64_t len)
{
	if (!len)
		return 0;
	return SEAL_HEADER_LEN + len +
	       seal_frames(len) * (SEAL_COUNT_LEN + CIPHER_TAG_LEN);
}

static void
derive_stream(const struct seal *seal, unsigned part,
	const uint8_t header[SEAL_HEADER_LEN], uint8_t key[CIPHER_KEY_LEN])
{
	uint8_t info[sizeof(USE_STREAM) - 1 + 8];

	memcpy(info, USE_STREAM, sizeof(USE_STREAM) - 1);
	codec_store_u64_big(info + sizeof(USE_STREAM) - 1, part);
	cipher_derive(slice_of(seal->data_key, sizeof(seal->data_key)),
		slice_of(header + sizeof(magic), STREAM_SALT_LEN),
		slice_of(info, sizeof(info)), key, CIPHER_KEY_LEN);
}

void
seal_stream_create(struct seal_stream *stream, const struct seal *seal,
	unsigned part, uint8_t header[SEAL_HEADER_LEN])
{
	uint8_t key[CIPHER_KEY_LEN];

	memcpy(header, magic, sizeof(magic));
	random_bytes(header + sizeof(magic), STREAM_SALT_LEN);
	derive_stream(seal, part, header, key);
	*stream = (struct seal_stream){0};
	cipher_begin(&stream->sealing, key, true);
	cipher_wipe(key, sizeof(key));
}

enum store_err
seal_stream_open(struct seal_stream *stream, const struct seal *seal,
	unsigned part, const uint8_t header[SEAL_HEADER_LEN])
{
	uint8_t key[CIPHER_KEY_LEN];

	*stream = (struct seal_stream){0};
	if (memcmp(header, magic, sizeof(magic)) != 0)
		return STORE_CORRUPT;
	derive_stream(seal, part, header, key);
	cipher_begin(&stream->opening, key, false);
	cipher_wipe(key, sizeof(key));
	return STORE_OK;
}

void
seal_stream_end(struct seal_stream *stream)
{
	cipher_end(&stream->sealing);
	cipher_end(&stream->opening);
}

/* Frame and count make the nonce; frame and end are what is vouched for. */
struct frame_name {
	uint8_t nonce[CIPHER_NONCE_LEN];
	uint8_t associated[9];
};

static struct frame_name
name_frame(uint64_t frame, const uint8_t count[SEAL_COUNT_LEN], bool is_last)
{
	struct frame_name name;

	codec_store_u64_big(name.nonce, frame);
	memcpy(name.nonce + 8, count, SEAL_COUNT_LEN);
	codec_store_u64_big(name.associated, frame);
	name.associated[8] = is_last;
	return name;
}

void
seal_frame(struct seal_stream *stream, uint64_t frame, uint32_t count,
	bool is_last, struct slice plain, uint8_t *stored)
{
	for (int i = 0; i < SEAL_COUNT_LEN; i++)
		stored[i] = (uint8_t)(count >> (8 * i));

	struct frame_name name = name_frame(frame, stored, is_last);

	cipher_seal_with(&stream->sealing, name.nonce,
		slice_of(name.associated, sizeof(name.associated)), plain,
		stored + SEAL_COUNT_LEN);
}

enum store_err
seal_open_frame(struct seal_stream *stream, uint64_t frame, bool is_last,
	struct slice stored, uint8_t *plain)
{
	if (stored.len < SEAL_COUNT_LEN)
		return STORE_CORRUPT;

	struct frame_name name =
		name_frame(frame, (const uint8_t *)stored.data, is_last);

	return cipher_open_with(&stream->opening, name.nonce,
		slice_of(name.associated, sizeof(name.associated)),
		slice_from(stored, SEAL_COUNT_LEN), plain);
}
