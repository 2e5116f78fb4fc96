/* SPDX-License-Identifier: Apache-2.0 */
#include "store/flush_ahead_private.h"

#include <stdatomic.h>

#include "store/base/io.h"
#include "store/durable_private.h"

#define WRITE_STEP (4ull << 20)
#define FLUSH_STEP (8ull << 20)

static atomic_flag is_somebody_flushing = ATOMIC_FLAG_INIT;

static void
run_flush(void *arg)
{
	struct flush_ahead *ahead = arg;

	ahead->err = io_fdatasync(ahead->fd);
	atomic_flag_clear(&is_somebody_flushing);
}

static void
wait(struct flush_ahead *ahead)
{
	if (ahead->is_running)
		event_wait(&ahead->job.done);
	ahead->is_running = false;
}

static void
start_flush(struct flush_ahead *ahead, int fd, uint64_t at)
{
	if (ahead->is_running && !event_is_set(&ahead->job.done))
		return;
	wait(ahead);
	if (ahead->err || atomic_flag_test_and_set(&is_somebody_flushing))
		return;
	ahead->begun = at;
	ahead->fd = fd;
	ahead->is_running = true;
	ahead->job = (struct helper_job){.run = run_flush, .arg = ahead};
	io_start_job(&ahead->job);
}

void
flush_ahead_write(int fd, uint64_t from, uint64_t to)
{
	uint64_t first = from / WRITE_STEP * WRITE_STEP;
	uint64_t last = to / WRITE_STEP * WRITE_STEP;

	if (last > first)
		io_start_flush(fd, first, last - first);
}

void
flush_ahead_note(struct flush_ahead *ahead, int fd, uint64_t from, uint64_t to)
{
	if (!ahead->has_begun)
		ahead->begun = from;
	ahead->has_begun = true;
	if (from - ahead->begun >= FLUSH_STEP)
		start_flush(ahead, fd, from);
	flush_ahead_write(fd, from, to);
}

enum store_err
flush_ahead_end(struct flush_ahead *ahead, struct store *store)
{
	enum store_err err;

	wait(ahead);
	err = ahead->err;
	*ahead = (struct flush_ahead){.has_begun = false};
	return err ? durable_fail(store, err) : STORE_OK;
}
