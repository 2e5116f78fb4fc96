/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/op/pump.h"

#include <stdlib.h>

#include "s3api/body_pieces.h"
#include "s3api/op/sealed_body.h"
#include "s3api/reply.h"
#include "store/base/io.h"

/* Large enough that a piece's cost is its bytes, not its system calls. */
#define PIECE_MAX (256 * 1024)

static char *
make_piece(size_t size)
{
	char *piece = malloc(size);

	if (!piece)
		error_out_of_memory();
	return piece;
}

enum s3_error
pump_body(struct request *request, struct body *body,
	enum store_err (*write)(void *context, struct slice piece),
	void *context)
{
	scoped(body_pieces_end) struct body_pieces pieces = {0};

	body_pieces_begin(&pieces, body);
	for (;;) {
		struct slice piece;
		enum s3_error error = body_pieces_next(&pieces, &piece);

		if (error)
			return error;
		if (!piece.len)
			return body_finish(body);

		enum store_err err = write(context, piece);

		if (err)
			return reply_store_error(request, err);
	}
}

struct copying {
	const struct pump_source *source;
	struct sealed_body *sealed; /* where it is */
	char *room;		    /* where it is not */
	uint64_t done;
	enum digest_kind kind; /* of the checksum; 0: none is wanted */
	struct digest digests[2];
	size_t digest_count;
	struct slice piece;
};

static void
end_copying(struct copying *copying)
{
	sealed_body_close(&copying->sealed);
	free(copying->room);
	for (size_t i = 0; i < copying->digest_count; i++)
		digest_free(&copying->digests[i]);
}

static enum store_err
next_piece(struct copying *copying)
{
	const struct pump_source *source = copying->source;
	uint64_t left = source->len - copying->done;
	size_t len = left < PIECE_MAX ? (size_t)left : PIECE_MAX;
	enum store_err err;

	copying->piece = SLICE_NULL;
	if (!left)
		return STORE_OK;
	if (copying->sealed)
		return sealed_body_next(copying->sealed, &copying->piece);
	err = io_pread_all(source->fd, copying->room, len,
		source->offset + source->start + copying->done);
	copying->piece = slice_of(copying->room, len);
	return err;
}

static void
run_digest(void *arg)
{
	struct copying *copying = arg;

	for (size_t i = 0; i < copying->digest_count; i++)
		digest_update(&copying->digests[i], copying->piece.data,
			copying->piece.len);
}

static void
settle(struct copying *copying, struct pump_digests *out)
{
	for (size_t i = 0; i < copying->digest_count; i++) {
		struct digest *digest = &copying->digests[i];
		enum digest_kind kind = digest->kind;
		uint8_t value[DIGEST_LEN_MAX];

		digest_final(digest, value);
		if (kind == DIGEST_MD5)
			memcpy(out->md5, value, sizeof(out->md5));
		if (kind != copying->kind)
			continue;
		out->checksum.kind = kind;
		out->checksum.len = (uint8_t)digest_len(kind);
		memcpy(out->checksum.value, value, out->checksum.len);
	}
}

enum store_err
pump_object(const struct pump_source *source, bool wants_md5,
	enum digest_kind kind,
	enum store_err (*write)(void *context, struct slice piece),
	void *context, struct pump_digests *out)
{
	scoped(end_copying) struct copying copying = {
		.source = source, .kind = kind};
	enum store_err err = STORE_OK;

	*out = (struct pump_digests){0};
	if (wants_md5)
		digest_init(&copying.digests[copying.digest_count++],
			DIGEST_MD5);
	if (kind && !(wants_md5 && kind == DIGEST_MD5))
		digest_init(&copying.digests[copying.digest_count++], kind);
	if (source->seal && source->len)
		err = sealed_body_open(&source->object->inode, source->seal,
			source->fd, source->offset, source->start, source->len,
			&copying.sealed);
	else
		copying.room = make_piece(PIECE_MAX);
	while (!err && copying.done < source->len) {
		err = next_piece(&copying);
		if (err)
			break;
		/* MD5 would hold up the loop. */
		io_run_blocking(run_digest, &copying);
		copying.done += copying.piece.len;
		if (write)
			err = write(context, copying.piece);
	}
	enum store_err cut = cut_check(&source->object->guard, source->fd,
		source->object->inode.size);
	if (cut)
		return cut;
	if (!err)
		settle(&copying, out);
	return err;
}
