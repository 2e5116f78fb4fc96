/* SPDX-License-Identifier: Apache-2.0 */
/*
 * 1. While a job runs it alone uses the reader and the room it reads into.
 * 2. Pieces go to the rooms in turn: the next one is read while the last one
 *    given out is being sent.
 */
#include "s3api/op/sealed_body.h"

#include <stdlib.h>

#include "store/base/io.h"

#define PIECE_MAX ((size_t)4 * SEAL_FRAME)
/* Opened in less time than it takes to hand over. */
#define INLINE_MAX ((size_t)32 * 1024)

struct sealed_body {
	struct sealed *sealed;
	uint64_t at; /* the next byte to read */
	uint64_t end;
	char *rooms[2];
	size_t room_len;
	unsigned turn; /* the room that is read into */

	/* of the piece being read */
	size_t len;
	enum store_err err;
	bool is_running; /* until it is awaited */
	struct helper_job job;
};

static void
run_read(void *arg)
{
	struct sealed_body *body = arg;

	body->err = sealed_read(body->sealed, body->at, body->rooms[body->turn],
		body->len);
}

/* Pieces end where frames do, so that none is opened twice. */
static void
start(struct sealed_body *body)
{
	uint64_t left = body->end - body->at;
	size_t len = PIECE_MAX - (size_t)(body->at % SEAL_FRAME);

	body->len = left < len ? (size_t)left : len;
	if (!body->len)
		return;
	if (!body->rooms[body->turn])
		body->rooms[body->turn] = malloc(body->room_len);
	if (!body->rooms[body->turn])
		error_out_of_memory();
	body->job = (struct helper_job){.run = run_read, .arg = body};
	body->is_running = body->len > INLINE_MAX;
	if (body->is_running)
		io_start_job(&body->job);
	else
		run_read(body);
}

static void
await(struct sealed_body *body)
{
	if (body->is_running)
		event_wait(&body->job.done);
	body->is_running = false;
}

enum store_err
sealed_body_open(const struct inode *inode, const struct seal *seal, int fd,
	uint64_t offset, uint64_t start_at, uint64_t len,
	struct sealed_body **out)
{
	scoped(sealed_body_close) struct sealed_body *body =
			calloc(1, sizeof(*body));
	enum store_err err;

	if (!body)
		return STORE_NO_MEMORY;
	err = sealed_open(inode, seal, fd, offset, &body->sealed);
	if (err)
		return err;
	body->at = start_at;
	body->end = start_at + len;
	body->room_len = len < PIECE_MAX ? (size_t)len : PIECE_MAX;
	start(body);
	await(body);
	if (body->err)
		return body->err;
	*out = body;
	body = NULL;
	return STORE_OK;
}

enum store_err
sealed_body_next(struct sealed_body *body, struct slice *piece)
{
	*piece = SLICE_NULL;
	await(body);
	if (body->err || !body->len)
		return body->err;
	*piece = slice_of(body->rooms[body->turn], body->len);
	body->at += body->len;
	body->turn = !body->turn;
	start(body);
	return STORE_OK;
}

void
sealed_body_close(struct sealed_body **ptr)
{
	struct sealed_body *body = *ptr;

	*ptr = NULL;
	if (!body)
		return;
	await(body);
	for (size_t i = 0; i < array_len(body->rooms); i++) {
		if (body->rooms[i])
			cipher_wipe(body->rooms[i], body->room_len);
		free(body->rooms[i]);
	}
	sealed_close(&body->sealed);
	free(body);
}
