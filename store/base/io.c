/* SPDX-License-Identifier: Apache-2.0 */
#include "store/base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>

#include "store/base/clock.h"
#include "store/base/loop_private.h"

/* One operation; what the kernel transfers at most, and fits an int. */
#define IO_LEN_MAX ((size_t)1 << 30)

static unsigned int
clamp(size_t len)
{
	return (unsigned int)(len < IO_LEN_MAX ? len : IO_LEN_MAX);
}

static int
wait_entry(struct loop *loop, struct io_uring_sqe *entry, int fd)
{
	return loop_wait_end(loop, entry, fd, 0);
}

/* The page cache's answer, without waiting for a disk. */
static ssize_t
pread_cached(int fd, void *to, size_t len, uint64_t offset)
{
	struct iovec vector = {.iov_base = to, .iov_len = len};
	ssize_t got = preadv2(fd, &vector, 1, (off_t)offset, RWF_NOWAIT);

	return got < 0 ? -errno : got;
}

bool
io_is_cached(int fd, uint64_t offset)
{
	char byte;

	return pread_cached(fd, &byte, sizeof(byte), offset) != -EAGAIN;
}

static ssize_t
pread_on_fiber(struct loop *loop, int fd, void *to, size_t len, uint64_t offset)
{
	/* A page cache that has it answers the ring at once, too. */
	ssize_t got = loop_is_shared(loop) ? -EAGAIN
					   : pread_cached(fd, to, len, offset);

	while (got == -EAGAIN || got == -EINTR || got == -EOPNOTSUPP) {
		struct io_uring_sqe *entry = loop_wait_begin(loop);

		io_uring_prep_read(entry, fd, to, clamp(len), offset);
		got = wait_entry(loop, entry, fd);
	}
	return got;
}

ssize_t
io_pread(int fd, void *to, size_t len, uint64_t offset)
{
	struct loop *loop = fiber_loop();
	ssize_t got;

	if (loop)
		return pread_on_fiber(loop, fd, to, len, offset);
	do {
		got = pread(fd, to, len, (off_t)offset);
	} while (got < 0 && errno == EINTR);
	return got < 0 ? -errno : got;
}

ssize_t
io_pwrite(int fd, const void *from, size_t len, uint64_t offset)
{
	struct loop *loop = fiber_loop();
	ssize_t put;

	do {
		if (loop) {
			struct io_uring_sqe *entry = loop_wait_begin(loop);

			io_uring_prep_write(entry, fd, from, clamp(len),
				offset);
			put = wait_entry(loop, entry, fd);
		} else {
			put = pwrite(fd, from, len, (off_t)offset);
			put = put < 0 ? -errno : put;
		}
	} while (put == -EINTR || put == -EAGAIN);
	return put;
}

void
io_close_fd(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}

enum store_err
io_pread_all(int fd, void *to, size_t len, uint64_t offset)
{
	char *next = to;

	while (len) {
		ssize_t got = io_pread(fd, next, len, offset);

		if (got < 0)
			return error_from_errno((int)-got);
		if (got == 0)
			return STORE_CORRUPT;
		next += got;
		offset += (uint64_t)got;
		len -= (size_t)got;
	}
	return STORE_OK;
}

enum store_err
io_pwrite_all(int fd, const void *from, size_t len, uint64_t offset)
{
	const char *next = from;

	while (len) {
		ssize_t put = io_pwrite(fd, next, len, offset);

		if (put < 0)
			return error_from_errno((int)-put);
		if (put == 0)
			return STORE_IO;
		next += put;
		offset += (uint64_t)put;
		len -= (size_t)put;
	}
	return STORE_OK;
}

static enum store_err
flush(int fd, bool data_only)
{
	struct loop *loop = fiber_loop();
	int result;

	do {
		if (loop) {
			struct io_uring_sqe *entry = loop_wait_begin(loop);

			io_uring_prep_fsync(entry, fd,
				data_only ? IORING_FSYNC_DATASYNC : 0);
			result = wait_entry(loop, entry, fd);
		} else {
			result = data_only ? fdatasync(fd) : fsync(fd);
			result = result ? -errno : 0;
		}
	} while (result == -EINTR);
	return result ? error_from_errno(-result) : STORE_OK;
}

enum store_err
io_fdatasync(int fd)
{
	return flush(fd, true);
}

enum store_err
io_fsync(int fd)
{
	return flush(fd, false);
}

void
io_start_flush(int fd, uint64_t offset, uint64_t len)
{
	struct loop *loop = fiber_loop();

	if (loop) {
		struct io_uring_sqe *entry = loop_wait_begin(loop);

		io_uring_prep_sync_file_range(entry, fd, clamp(len), offset,
			SYNC_FILE_RANGE_WRITE);
		/* Nobody waits for its end. */
		io_uring_sqe_set_data(entry, NULL);
	} else {
		(void)sync_file_range(fd, (off_t)offset, (off_t)len,
			SYNC_FILE_RANGE_WRITE);
	}
}

void
io_close(int fd)
{
	struct loop *loop = fiber_loop();

	if (loop) {
		struct io_uring_sqe *entry = loop_wait_begin(loop);

		io_uring_prep_close(entry, fd);
		/* Nobody waits for its end. */
		io_uring_sqe_set_data(entry, NULL);
	} else {
		(void)close(fd);
	}
}

static int
poll_on_thread(int fd, short events, int64_t deadline_ms)
{
	struct pollfd descriptor = {.fd = fd, .events = events};
	int timeout = -1;

	if (deadline_ms) {
		int64_t left = deadline_ms - clock_monotonic_ms();

		left = left < 0 ? 0 : left;
		timeout = (int)(left < INT_MAX ? left : INT_MAX);
	}
	int result = poll(&descriptor, 1, timeout);
	if (result == 0)
		return -ETIMEDOUT;
	return result < 0 ? -errno : 0;
}

static int
wait_ready(int fd, short events, int64_t deadline_ms)
{
	struct loop *loop = fiber_loop();
	int result;

	do {
		if (loop) {
			struct io_uring_sqe *entry = loop_wait_begin(loop);

			io_uring_prep_poll_add(entry, fd, (unsigned int)events);
			result = loop_wait_end(loop, entry, fd, deadline_ms);
		} else {
			result = poll_on_thread(fd, events, deadline_ms);
		}
	} while (result == -EINTR);
	return result < 0 ? result : 0;
}

int
io_wait_readable(int fd, int64_t deadline_ms)
{
	return wait_ready(fd, POLLIN, deadline_ms);
}

int
io_wait_writable(int fd, int64_t deadline_ms)
{
	return wait_ready(fd, POLLOUT, deadline_ms);
}

static int
accept_once(int listener, struct sockaddr_storage *peer)
{
	struct loop *loop = fiber_loop();
	struct sockaddr *address = (struct sockaddr *)peer;
	socklen_t len = sizeof(*peer);
	int flags = SOCK_NONBLOCK | SOCK_CLOEXEC;

	if (loop) {
		struct io_uring_sqe *entry = loop_wait_begin(loop);

		io_uring_prep_accept(entry, listener, address, &len, flags);
		return wait_entry(loop, entry, listener);
	}
	int fd = accept4(listener, address, &len, flags);
	return fd < 0 ? -errno : fd;
}

int
io_accept(int listener, struct sockaddr_storage *peer)
{
	for (;;) {
		int fd = accept_once(listener, peer);

		/* EAGAIN: the listener does not block. */
		if (fd == -EAGAIN) {
			int err = io_wait_readable(listener, 0);
			if (err)
				return err;
		} else if (fd != -EINTR) {
			return fd;
		}
	}
}

ssize_t
io_recv(int fd, void *to, size_t len, int64_t deadline_ms)
{
	struct loop *loop = fiber_loop();

	for (;;) {
		ssize_t got = recv(fd, to, len, MSG_DONTWAIT);
		int err = 0;

		if (got >= 0) {
			if (loop)
				loop_charge(loop, (size_t)got);
			return got;
		}
		if (errno == EAGAIN)
			err = io_wait_readable(fd, deadline_ms);
		else if (errno != EINTR)
			err = -errno;
		if (err)
			return err;
	}
}

ssize_t
io_recv_full(int fd, void *to, size_t len, int64_t deadline_ms)
{
	struct loop *loop = fiber_loop();
	ssize_t got = -EAGAIN;

	if (loop) {
		struct io_uring_sqe *entry = loop_wait_begin(loop);

		io_uring_prep_recv(entry, fd, to, clamp(len), MSG_WAITALL);
		got = loop_wait_end(loop, entry, fd, deadline_ms);
	}
	return got == -EAGAIN || got == -EINTR
		       ? io_recv(fd, to, len, deadline_ms)
		       : got;
}

int
io_await_input(int fd, size_t len, struct io_input *input, int64_t deadline_ms)
{
	struct loop *loop = fiber_loop();
	int got = -ENOBUFS;

	*input = (struct io_input){0};
	if (loop && loop->ring.lent) {
		struct io_uring_sqe *entry = loop_wait_begin(loop);

		len = len < RING_BUFFER_LEN ? len : RING_BUFFER_LEN;
		io_uring_prep_recv(entry, fd, NULL, len, 0);
		io_uring_sqe_set_flags(entry, IOSQE_BUFFER_SELECT);
		entry->buf_group = RING_BUFFER_GROUP;
		/* As a rule nothing is there yet. */
		entry->ioprio |= IORING_RECVSEND_POLL_FIRST;
		got = loop_wait_end_buffer(loop, entry, fd, deadline_ms,
			&input->buffer);
	}
	/* No buffer is free, or the kernel gives none. */
	if (got == -ENOBUFS || got == -EAGAIN || got == -EINTR)
		return io_wait_readable(fd, deadline_ms);
	if (got > 0)
		input->len = (size_t)got;
	else
		io_give_back(input);
	return got < 0 ? got : 0;
}

void
io_give_back(struct io_input *input)
{
	if (input->buffer)
		ring_give_back(&fiber_loop()->ring, input->buffer);
	*input = (struct io_input){0};
}

/* Takes what was sent off the front of the vector. */
static void
advance(struct msghdr *message, size_t sent)
{
	while (message->msg_iovlen && sent >= message->msg_iov->iov_len) {
		sent -= message->msg_iov->iov_len;
		message->msg_iov++;
		message->msg_iovlen--;
	}
	if (message->msg_iovlen) {
		message->msg_iov->iov_base =
			(char *)message->msg_iov->iov_base + sent;
		message->msg_iov->iov_len -= sent;
	}
}

static ssize_t
send_some(int fd, const struct msghdr *message, int flags)
{
	ssize_t sent = sendmsg(fd, message, flags | MSG_DONTWAIT);

	return sent < 0 ? -errno : sent;
}

static ssize_t
send_on_fiber(struct loop *loop, int fd, const struct msghdr *message,
	int flags, int64_t deadline_ms)
{
	if (loop_is_shared(loop)) {
		struct io_uring_sqe *entry = loop_wait_begin(loop);

		io_uring_prep_sendmsg(entry, fd, message, (unsigned int)flags);
		return loop_wait_end(loop, entry, fd, deadline_ms);
	}
	ssize_t sent = send_some(fd, message, flags);
	if (sent > 0)
		loop_charge(loop, (size_t)sent);
	return sent;
}

enum store_err
io_send_all(int fd, struct iovec *vector, int count, int flags,
	int64_t deadline_ms)
{
	struct loop *loop = fiber_loop();
	struct msghdr message = {
		.msg_iov = vector,
		.msg_iovlen = (size_t)count,
	};

	advance(&message, 0);
	flags |= MSG_NOSIGNAL;
	while (message.msg_iovlen) {
		ssize_t sent = loop ? send_on_fiber(loop, fd, &message, flags,
					      deadline_ms)
				    : send_some(fd, &message, flags);
		int err = 0;

		if (sent >= 0)
			advance(&message, (size_t)sent);
		else if (sent == -EAGAIN)
			err = io_wait_writable(fd, deadline_ms);
		else if (sent != -EINTR)
			err = (int)sent;
		if (err)
			return error_from_errno(-err);
	}
	return STORE_OK;
}

void
io_charge(size_t bytes)
{
	struct loop *loop = fiber_loop();

	if (loop)
		loop_charge(loop, bytes);
}

void
io_sleep_ms(int64_t ms)
{
	struct loop *loop = fiber_loop();
	struct timespec left = {
		.tv_sec = ms / 1000,
		.tv_nsec = ms % 1000 * 1000000,
	};

	if (ms <= 0)
		return;
	if (loop) {
		loop_wait_until(loop, clock_monotonic_ms() + ms);
		return;
	}
	while (nanosleep(&left, &left) && errno == EINTR)
		;
}

void
io_cancel_fd(int fd)
{
	struct loop *loop = fiber_loop();

	if (loop)
		loop_cancel_fd(loop, fd);
}
