/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/op/pump.h"

#include <stdlib.h>

#include "s3api/body_pieces.h"
#include "s3api/reply.h"
#include "store/base/io.h"

/* Large enough that a piece's cost is its bytes, not its system calls. */
#define PIECE_MAX (256 * 1024)

static void
free_piece(char **piece)
{
	free(*piece);
}

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

enum store_err
pump_file(int fd, uint64_t offset, uint64_t len, enum digest_kind kind,
	struct pump_digests *out)
{
	scoped(free_piece) char *piece = make_piece(PIECE_MAX);
	struct digest md5;
	struct digest sum = {0};
	enum store_err err = STORE_OK;

	digest_init(&md5, DIGEST_MD5);
	if (kind)
		digest_init(&sum, kind);
	while (len > 0 && !err) {
		size_t count = len < PIECE_MAX ? (size_t)len : PIECE_MAX;

		err = io_pread_all(fd, piece, count, offset);
		if (err)
			break;
		digest_update(&md5, piece, count);
		if (kind)
			digest_update(&sum, piece, count);
		offset += count;
		len -= count;
	}
	*out = (struct pump_digests){0};
	digest_final(&md5, out->md5);
	if (kind) {
		out->checksum.kind = kind;
		out->checksum.len = (uint8_t)digest_len(kind);
		digest_final(&sum, out->checksum.value);
	}
	return err;
}
