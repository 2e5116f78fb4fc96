/* SPDX-License-Identifier: Apache-2.0 */
/*
 * 1. Two blocks take turns: one is sealed while the other is filled.
 * 2. A block is sealed when a byte comes that has no room in it, or at the
 *    end: only then is it known whether its last frame is that of the stream.
 * 3. While a block's job runs nobody else touches it or the stream's cipher.
 */
#include "store/sealer_private.h"

#include <stdlib.h>

#include "store/base/io.h"

#define FRAMES 4
#define BLOCK_MAX ((size_t)FRAMES * SEAL_FRAME)
/* Sealed in less time than it takes to hand over. */
#define INLINE_MAX ((size_t)32 * 1024)

struct block {
	struct sealer *sealer;
	char *plain;
	size_t len;
	size_t room;
	uint8_t *stored;
	uint64_t first; /* frame */
	bool is_last;
	bool is_running; /* until it is awaited */
	struct helper_job job;
};

struct sealer {
	struct seal_stream stream;
	uint8_t header[SEAL_HEADER_LEN];
	enum store_err (*sink)(void *context, struct slice stored);
	void *context;
	struct block blocks[2];
	unsigned turn;	/* the block that is being filled */
	uint64_t frame; /* the next one to seal */
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
	sealer->blocks[0].sealer = sealer;
	sealer->blocks[1].sealer = sealer;
	return sealer;
}

static size_t
stored_len(const struct block *block)
{
	return block->len + (size_t)seal_frames(block->len) *
				    (SEAL_COUNT_LEN + CIPHER_TAG_LEN);
}

static void
run_seal(void *arg)
{
	struct block *block = arg;
	struct slice rest = slice_of(block->plain, block->len);
	uint8_t *to = block->stored;

	for (uint64_t i = 0; rest.len > 0; i++) {
		struct slice plain = slice_first(rest, SEAL_FRAME);

		rest = slice_from(rest, plain.len);
		seal_frame(&block->sealer->stream, block->first + i, 0,
			block->is_last && !rest.len, plain, to);
		to += SEAL_COUNT_LEN + plain.len + CIPHER_TAG_LEN;
	}
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
make_room(struct block *block, size_t wanted)
{
	if (wanted > BLOCK_MAX)
		wanted = BLOCK_MAX;
	if (block->room >= wanted)
		return;
	block->plain = resize(block->plain, wanted);
	block->room = wanted;
}

static void
start(struct sealer *sealer, struct block *block, bool is_last)
{
	block->stored = resize(block->stored, stored_len(block));
	block->first = sealer->frame;
	block->is_last = is_last;
	sealer->frame += seal_frames(block->len);
	block->job = (struct helper_job){.run = run_seal, .arg = block};
	block->is_running = block->len > INLINE_MAX;
	if (block->is_running)
		io_start_job(&block->job);
	else
		run_seal(block);
}

static void
await(struct block *block)
{
	if (block->is_running)
		event_wait(&block->job.done);
	block->is_running = false;
}

static enum store_err
store(struct sealer *sealer, struct block *block)
{
	if (!sealer->failure && !sealer->has_header)
		sealer->failure = sealer->sink(sealer->context,
			slice_of(sealer->header, sizeof(sealer->header)));
	sealer->has_header = true;
	if (!sealer->failure)
		sealer->failure = sealer->sink(sealer->context,
			slice_of(block->stored, stored_len(block)));
	block->len = 0;
	return sealer->failure;
}

/* The full block goes to be sealed; what was sealed before is stored. */
static enum store_err
turn_over(struct sealer *sealer)
{
	struct block *full = &sealer->blocks[sealer->turn];
	struct block *other = &sealer->blocks[!sealer->turn];

	await(other);
	start(sealer, full, false);
	sealer->turn = !sealer->turn;
	return other->len ? store(sealer, other) : STORE_OK;
}

enum store_err
sealer_write(struct sealer *sealer, struct slice plain)
{
	while (plain.len > 0 && !sealer->failure) {
		struct block *block = &sealer->blocks[sealer->turn];

		make_room(block, block->len + plain.len);
		if (block->len == BLOCK_MAX) {
			(void)turn_over(sealer);
			continue;
		}

		struct slice piece =
			slice_first(plain, block->room - block->len);

		memcpy(block->plain + block->len, piece.data, piece.len);
		block->len += piece.len;
		plain = slice_from(plain, piece.len);
	}
	return sealer->failure;
}

enum store_err
sealer_finish(struct sealer *sealer)
{
	struct block *block = &sealer->blocks[sealer->turn];
	struct block *other = &sealer->blocks[!sealer->turn];

	await(other);
	if (sealer->failure || !block->len)
		return sealer->failure;
	start(sealer, block, true);
	if (other->len)
		(void)store(sealer, other);
	await(block);
	return store(sealer, block);
}

void
sealer_free(struct sealer **ptr)
{
	struct sealer *sealer = *ptr;

	*ptr = NULL;
	if (!sealer)
		return;
	for (size_t i = 0; i < array_len(sealer->blocks); i++) {
		struct block *block = &sealer->blocks[i];

		await(block);
		if (block->plain)
			cipher_wipe(block->plain, block->room);
		free(block->plain);
		free(block->stored);
	}
	seal_stream_end(&sealer->stream);
	free(sealer);
}
