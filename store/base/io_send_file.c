/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sendfile(2) copies nothing to user memory but sleeps on the disk, so on a
 * fiber it is given only windows that are in the page cache.  One that is not
 * is read by a helper thread, and the next one while this one is on its way:
 * docs/decisions/0003-send-file.md.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "store/base/clock.h"
#include "store/base/helper.h"
#include "store/base/io.h"
#include "store/base/loop_private.h"
#include "store/base/sigpipe.h"

#define WINDOW (2 * 1024 * 1024)
/* What one WILLNEED reads at least, whatever the device's settings. */
#define READAHEAD (128 * 1024)
/* One page in this many bytes is asked whether it has been read yet. */
#define STRIDE (64 * 1024)

#ifndef SYS_cachestat
#define SYS_cachestat 451 /* 6.5; the same on every architecture */
#endif

struct window {
	int file;
	uint64_t offset;
	uint64_t len;
};

/* A window on its way into the page cache. */
struct warming {
	struct window window;
	uint64_t ahead; /* bytes after it that will be wanted, too */
	bool is_running;
	int error;
	struct helper_job job;
};

struct transfer {
	struct loop *loop; /* NULL: on a plain thread */
	int socket;
	int file;
	uint64_t offset;
	uint64_t end;
	int64_t stall_ms;
	const struct io_watch *watch;
};

/* Pages that are there, read or being read; -1: this kernel cannot say. */
static int64_t
count_cached(const struct window *window)
{
	struct {
		uint64_t offset;
		uint64_t len;
	} range = {window->offset, window->len};
	struct {
		uint64_t cached, dirty, writeback, evicted, evicted_recently;
	} counts;

	if (syscall(SYS_cachestat, window->file, &range, &counts, 0))
		return -1;
	return (int64_t)counts.cached;
}

static int64_t
count_pages(const struct window *window)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t last = window->offset + window->len - 1;

	return (int64_t)(last / page - window->offset / page + 1);
}

/* Reads the last byte of each stride; 0, or the first errno. */
static int
touch(const struct window *window, uint64_t stride, int flags)
{
	uint64_t end = window->offset + window->len;
	uint64_t next = window->offset;

	while (next < end) {
		char byte;
		struct iovec vector = {.iov_base = &byte, .iov_len = 1};

		next = end - next > stride ? next + stride : end;
		ssize_t got = preadv2(window->file, &vector, 1,
			(off_t)(next - 1), flags);
		if (got < 0 && errno != EINTR)
			return errno;
	}
	return 0;
}

static bool
is_cached(const struct window *window)
{
	/* What one read ahead brings is there as a whole or not at all. */
	bool is_short = window->len <= READAHEAD;
	int64_t cached = is_short ? -1 : count_cached(window);

	if (cached >= 0 && cached < count_pages(window))
		return false;
	/* EOPNOTSUPP: the file system has no disk to wait for (tmpfs). */
	int error = touch(window, is_short ? READAHEAD : STRIDE, RWF_NOWAIT);
	return !error || error == EOPNOTSUPP;
}

/*
 * On a helper thread.  The disk is asked for what comes next before this is
 * waited for, or it would rest from one window to the next.
 */
static void
warm(void *arg)
{
	struct warming *warming = arg;
	struct window *window = &warming->window;
	uint64_t len = window->len + warming->ahead;

	for (uint64_t done = 0; done < len; done += READAHEAD)
		(void)posix_fadvise(window->file,
			(off_t)(window->offset + done), READAHEAD,
			POSIX_FADV_WILLNEED);
	warming->error = touch(window, STRIDE, 0);
}

static void
warming_start(struct transfer *transfer, struct warming *warming,
	const struct window *window)
{
	struct helper_pool *helpers = loop_helpers(transfer->loop);

	uint64_t left = transfer->end - window->offset - window->len;

	*warming = (struct warming){
		.window = *window,
		.ahead = left < WINDOW ? left : WINDOW,
		.job = {.run = warm, .arg = warming},
	};
	if (helpers && helper_pool_submit(helpers, &warming->job))
		warming->is_running = true;
	else
		warm(warming);
}

static enum store_err
warming_finish(struct warming *warming)
{
	if (warming->is_running)
		event_wait(&warming->job.done);
	warming->is_running = false;
	return warming->error ? error_from_errno(warming->error) : STORE_OK;
}

static enum store_err
await_room(const struct transfer *transfer)
{
	int64_t deadline_ms =
		transfer->stall_ms ? clock_monotonic_ms() + transfer->stall_ms
				   : 0;
	int err = io_wait_writable(transfer->socket, deadline_ms);

	return err ? error_from_errno(-err) : STORE_OK;
}

/* Sends up to `end`, which lies in the page cache where that matters, or until
 * the watch is over. */
static enum store_err
send_until(struct transfer *transfer, uint64_t end)
{
	while (transfer->offset < end && !io_watch_is_over(transfer->watch)) {
		off_t offset = (off_t)transfer->offset;
		enum store_err err = STORE_OK;
		ssize_t sent = sendfile(transfer->socket, transfer->file,
			&offset, end - transfer->offset);

		if (sent > 0) {
			transfer->offset += (uint64_t)sent;
			if (transfer->loop)
				loop_charge(transfer->loop, (size_t)sent);
		} else if (sent == 0) {
			err = STORE_CORRUPT;
		} else if (errno == EAGAIN) {
			err = await_room(transfer);
		} else if (errno != EINTR) {
			err = error_from_errno(errno);
		}
		if (err)
			return err;
	}
	return STORE_OK;
}

/* The window at an offset; its ends lie on multiples of WINDOW. */
static struct window
window_at(const struct transfer *transfer, uint64_t offset)
{
	uint64_t end = (offset / WINDOW + 1) * WINDOW;

	end = end < transfer->end ? end : transfer->end;
	return (struct window){transfer->file, offset, end - offset};
}

static enum store_err
send_windows(struct transfer *transfer, struct warming *warming)
{
	bool is_ready = false; /* the next window was there a moment ago */

	while (transfer->offset < transfer->end &&
		!io_watch_is_over(transfer->watch)) {
		struct window window = window_at(transfer, transfer->offset);
		uint64_t end = window.offset + window.len;

		if (!is_ready && !warming->is_running && !is_cached(&window))
			warming_start(transfer, warming, &window);
		enum store_err err = warming_finish(warming);
		if (err)
			return err;

		is_ready = false;
		if (end < transfer->end) {
			window = window_at(transfer, end);
			is_ready = is_cached(&window);
			if (!is_ready)
				warming_start(transfer, warming, &window);
		}
		err = send_until(transfer, end);
		if (err)
			return err;
	}
	return STORE_OK;
}

static enum store_err
send_on_fiber(struct transfer *transfer)
{
	struct warming warming = {0};
	enum store_err err = send_windows(transfer, &warming);

	/* The helper thread writes to it until it has ended. */
	enum store_err unused = warming_finish(&warming);
	(void)unused;
	return err;
}

static enum store_err
send_on_thread(struct transfer *transfer)
{
	struct sigpipe_state before;

	sigpipe_block(&before);
	enum store_err err = send_until(transfer, transfer->end);
	sigpipe_restore(&before);
	return err;
}

enum store_err
io_send_file(int socket, int file, uint64_t offset, uint64_t len,
	int64_t stall_ms, const struct io_watch *watch, uint64_t *sent)
{
	struct transfer transfer = {
		.loop = fiber_loop(),
		.socket = socket,
		.file = file,
		.offset = offset,
		.end = offset + len,
		.stall_ms = stall_ms,
		.watch = watch,
	};
	enum store_err err = transfer.loop ? send_on_fiber(&transfer)
					   : send_on_thread(&transfer);

	*sent = transfer.offset - offset;
	return err;
}
