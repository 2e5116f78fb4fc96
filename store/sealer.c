/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A block is sealed when a byte comes that has no room in it, or at the end:
 * only then is it known whether its last frame is that of the stream.
 */
#include "store/sealer_private.h"

#include <stdlib.h>

#define FRAMES 4
#define BLOCK_MAX ((size_t)FRAMES * SEAL_FRAME)

struct sealer {
	struct seal_stream stream;
	uint8_t header[SEAL_HEADER_LEN];
	enum store_err (*sink)(void *context, struct slice stored);
	void *context;
	uint64_t frame; /* the block's first */
	char *plain;	/* the block */
	size_t len;
	size_t room;
	uint8_t *stored;
	bool has_header;
	enum store_err failure;
};

struct sealer *
sealer_create(const struct seal *seal, unsigned part,
	enum store_err (*sink)(void *context, struct slice stored),
	void *context)
{
	struct sealer *sealer = calloc(1, sizeof(*sealer));

	if (!sealer)
		error_out_of_memory();
	seal_stream_create(&sealer->stream, seal, part, sealer->header);
	sealer->sink = sink;
	sealer->context = context;
	return sealer;
}

static size_t
stored_len(size_t len)
{
	return len +
	       (size_t)seal_frames(len) * (SEAL_COUNT_LEN + CIPHER_TAG_LEN);
}

static void *
resize(void *memory, size_t size)
{
	void *larger = realloc(memory, size);

	if (!larger)
		error_out_of_memory();
	return larger;
}

/* Small streams get small blocks: thousands may come at once. */
static void
make_room(struct sealer *sealer, size_t wanted)
{
	if (wanted > BLOCK_MAX)
		wanted = BLOCK_MAX;
	if (sealer->room >= wanted)
		return;
	sealer->plain = resize(sealer->plain, wanted);
	sealer->room = wanted;
}

/* The header goes before the first frame: a write of its own would take as long
 * as that of a block.  What they take. */
static size_t
seal_block(struct sealer *sealer, bool is_last)
{
	struct slice rest = slice_of(sealer->plain, sealer->len);
	size_t header_len = sealer->has_header ? 0 : sizeof(sealer->header);
	size_t len = header_len + stored_len(sealer->len);
	uint8_t *to = resize(sealer->stored, len);

	sealer->stored = to;
	memcpy(to, sealer->header, header_len);
	sealer->has_header = true;
	to += header_len;
	while (rest.len > 0) {
		struct slice plain = slice_first(rest, SEAL_FRAME);

		rest = slice_from(rest, plain.len);
		seal_frame(&sealer->stream, sealer->frame++, 0,
			is_last && !rest.len, plain, to);
		to += SEAL_COUNT_LEN + plain.len + CIPHER_TAG_LEN;
	}
	return len;
}

static enum store_err
store_block(struct sealer *sealer, bool is_last)
{
	size_t len = seal_block(sealer, is_last);

	sealer->failure =
		sealer->sink(sealer->context, slice_of(sealer->stored, len));
	sealer->len = 0;
	return sealer->failure;
}

enum store_err
sealer_write(struct sealer *sealer, struct slice plain)
{
	while (plain.len > 0 && !sealer->failure) {
		make_room(sealer, sealer->len + plain.len);
		if (sealer->len == BLOCK_MAX) {
			(void)store_block(sealer, false);
			continue;
		}

		struct slice piece =
			slice_first(plain, sealer->room - sealer->len);

		memcpy(sealer->plain + sealer->len, piece.data, piece.len);
		sealer->len += piece.len;
		plain = slice_from(plain, piece.len);
	}
	return sealer->failure;
}

enum store_err
sealer_finish(struct sealer *sealer)
{
	if (sealer->failure || !sealer->len)
		return sealer->failure;
	return store_block(sealer, true);
}

void
sealer_free(struct sealer **ptr)
{
	struct sealer *sealer = *ptr;

	*ptr = NULL;
	if (!sealer)
		return;
	if (sealer->plain)
		cipher_wipe(sealer->plain, sealer->room);
	free(sealer->plain);
	free(sealer->stored);
	seal_stream_end(&sealer->stream);
	free(sealer);
}
