/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One large one for each loop is read ahead, by a helper thread: with few
 * connections a CPU is idle.  The rest are opened where they are sent: with
 * many none is, and to hand over costs more than to open.
 *
 * While a job runs it alone uses the reader and the room it reads into.
 */
#include "s3api/op/sealed_body.h"

#include <stdlib.h>

#include "store/base/io.h"

#define AHEAD_MIN ((uint64_t)4 << 20)
/* The loop's other connections wait for one: 25 µs with AVX-512. */
#define PIECE_MAX ((size_t)4 * SEAL_FRAME)
#define AHEAD_PIECE_MAX ((size_t)16 * SEAL_FRAME)

/* Fibers stay on their loop's thread. */
static _Thread_local bool has_one_ahead;

struct sealed_body {
	struct sealed *sealed;
	uint64_t at; /* the next byte to read */
	uint64_t end;
	bool is_ahead;
	char *rooms[2];
	size_t room_len;
	unsigned turn; /* the room that is read into */

	/* of the piece that is read */
	bool is_read; /* or being read */
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

/* Up to max bytes, so that they end where a frame does and none is opened
 * twice. */
static void
choose_piece(struct sealed_body *body, size_t max)
{
	uint64_t left = body->end - body->at;
	size_t len = max - (size_t)(body->at % SEAL_FRAME);

	body->len = left < len ? (size_t)left : len;
	body->is_read = true;
	if (!body->rooms[body->turn])
		body->rooms[body->turn] = malloc(body->room_len);
	if (!body->rooms[body->turn])
		error_out_of_memory();
}

static void
read_here(struct sealed_body *body)
{
	choose_piece(body, PIECE_MAX);
	run_read(body);
}

static void
read_ahead(struct sealed_body *body)
{
	choose_piece(body, AHEAD_PIECE_MAX);
	body->job = (struct helper_job){.run = run_read, .arg = body};
	body->is_running = body->len > 0;
	if (body->is_running)
		io_start_job(&body->job);
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
	uint64_t offset, uint64_t start, uint64_t len, struct sealed_body **out)
{
	scoped(sealed_body_close) struct sealed_body *body =
			calloc(1, sizeof(*body));

	if (!body)
		return STORE_NO_MEMORY;
	enum store_err err =
		sealed_open(inode, seal, fd, offset, &body->sealed);
	if (err)
		return err;
	body->at = start;
	body->end = start + len;
	body->is_ahead = len >= AHEAD_MIN && !has_one_ahead;
	if (body->is_ahead)
		has_one_ahead = true;
	body->room_len = body->is_ahead	   ? AHEAD_PIECE_MAX
			 : len < PIECE_MAX ? (size_t)len
					   : PIECE_MAX;
	read_here(body);
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
	if (!body->is_read)
		read_here(body);
	await(body);
	if (body->err || !body->len)
		return body->err;
	*piece = slice_of(body->rooms[body->turn], body->len);
	body->at += body->len;
	body->is_read = false;
	if (body->is_ahead) {
		body->turn = !body->turn;
		read_ahead(body);
	}
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
	if (body->is_ahead)
		has_one_ahead = false;
	for (size_t i = 0; i < array_len(body->rooms); i++) {
		if (body->rooms[i])
			cipher_wipe(body->rooms[i], body->room_len);
		free(body->rooms[i]);
	}
	sealed_close(&body->sealed);
	free(body);
}
