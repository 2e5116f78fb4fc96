/* SPDX-License-Identifier: Apache-2.0 */
/*
 * io.h - reads, writes, flushes and sockets: on a fiber through its loop's
 * io_uring while other fibers run, on a plain thread by the system call.
 *
 * Failure: functions that return ssize_t give a count or a negative errno;
 *          EINTR is retried.  -ECANCELED: io_cancel_fd() ended the wait.
 *          -ETIMEDOUT: the deadline passed (clock_monotonic_ms(); 0: none).
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "store/base/compiler.h"
#include "store/base/error.h"
#include "store/base/helper.h"

must_check ssize_t io_pread(int fd, void *to, size_t len, uint64_t offset);
must_check ssize_t io_pwrite(int fd, const void *from, size_t len,
	uint64_t offset);

/* False: reading there would wait for a disk. */
bool io_is_cached(int fd, uint64_t offset);

/* Where it is one: for scoped(). */
void io_close_fd(int *fd);

/* All of it, or an error; CORRUPT where the file ends before. */
must_check enum store_err io_pread_all(int fd, void *to, size_t len,
	uint64_t offset);
must_check enum store_err io_pwrite_all(int fd, const void *from, size_t len,
	uint64_t offset);

must_check enum store_err io_fdatasync(int fd);
must_check enum store_err io_fsync(int fd);
/* As close(2), of what was only read; a fiber goes on at once. */
void io_close(int fd);
/* Asks the kernel to begin writing that range to the disk, and goes on: a
 * later flush has less to do.  A fiber must not close fd before its next
 * wait.  Tells of no failure: the flush will. */
void io_start_flush(int fd, uint64_t offset, uint64_t len);

/*
 * Sockets.  Nothing here raises SIGPIPE.  Those that io_accept() gives do not
 * block (O_NONBLOCK).
 */
must_check int io_accept(int listener, struct sockaddr_storage *peer);
must_check ssize_t io_recv(int fd, void *to, size_t len, int64_t deadline_ms);

/* As that, but a fiber waits for all of len: less comes before the end, or of
 * who is too slow for the deadline, and then counts for no failure. */
must_check ssize_t io_recv_full(int fd, void *to, size_t len,
	int64_t deadline_ms);

/* Bytes in a buffer that many share: to be copied and given back before the
 * next wait.  None: there may still be some for io_recv(), or an end. */
struct io_input {
	char *buffer;
	size_t len;
};

/*
 * Waits, holding no memory, until something has come, and gives up to len bytes
 * of it where a buffer was to be had: one system call less than to wait and to
 * receive.  0 or a negative errno.
 */
must_check int io_await_input(int fd, size_t len, struct io_input *input,
	int64_t deadline_ms);
/* Allowed where nothing was given. */
void io_give_back(struct io_input *input);

/* Sends all of the vector; changes it as it goes.  flags as in sendmsg(2). */
must_check enum store_err io_send_all(int fd, struct iovec *vector, int count,
	int flags, int64_t deadline_ms);

/* Over once the word, which others set, has another value.  word NULL: never.
 */
struct io_watch {
	const _Atomic(uint64_t) *word;
	uint64_t value;
};

/* What a system call before this has read is older than the answer: the kernel
 * lets go of each page with a full barrier. */
static inline bool
io_watch_is_over(const struct io_watch *watch)
{
	return watch->word && atomic_load(watch->word) != watch->value;
}

/*
 * Moves file bytes to a socket, which must not block, without copying
 * them through user memory; those not in the page cache are read ahead of the
 * socket while other fibers run.  stall_ms bounds each wait for room, not the
 * whole (0: none).  Hands over nothing more once the watch is over; *sent tells
 * how much has gone.  CORRUPT: the file ends before.  CLOSED, TIMED_OUT,
 * CANCELED, IO.
 */
must_check enum store_err io_send_file(int socket, int file, uint64_t offset,
	uint64_t len, int64_t stall_ms, const struct io_watch *watch,
	uint64_t *sent);

/* 0 once there is something to read (or an end, or an error); room to send. */
must_check int io_wait_readable(int fd, int64_t deadline_ms);
must_check int io_wait_writable(int fd, int64_t deadline_ms);

/*
 * Notes bytes that were moved without a call of this header (by a TLS
 * library): after a fair share of them a fiber lets others run.
 */
void io_charge(size_t bytes);

/* Waits; a fiber lets others run. */
void io_sleep_ms(int64_t ms);

/* Ends every wait of this loop's fibers on fd with -ECANCELED. */
void io_cancel_fd(int fd);

/*
 * Runs a call that may block (open, rename, unlink, parsing) on a helper
 * thread while the fiber waits; on a plain thread simply calls it.
 */
void io_run_blocking(void (*run)(void *arg), void *arg);

/* As that, but goes on: event_wait(&job->done) tells when it has ended, and
 * must be called.  job->run and job->arg are the caller's. */
void io_start_job(struct helper_job *job);
