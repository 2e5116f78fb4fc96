/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_stream.h - the bytes of one connection, plain or through TLS.
 *
 * Threads:   the fiber that serves the connection; waits yield it.
 * Failure:   as io.h has it; what breaks TLS counts as the client's having
 *            closed.  After a failed send nothing more is sent.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "store/base/compiler.h"
#include "store/base/error.h"
#include "store/base/io.h"

struct http_tls;

struct http_stream {
	int fd;
	struct ssl_st *ssl; /* NULL: plain */
	bool is_broken;	    /* TLS has nothing more to say */
};

/*
 * Makes a plain stream one through TLS.  INVALID: the client speaks plain
 * HTTP, and the stream stays plain so that it can be told.  CLOSED,
 * TIMED_OUT, CANCELED, NO_MEMORY.
 */
must_check enum store_err http_stream_begin_tls(struct http_stream *stream,
	struct http_tls *tls, int64_t deadline_ms);

/* As OpenSSL names them; NULL: plain. */
const char *http_stream_tls_version(const struct http_stream *stream);
const char *http_stream_tls_cipher(const struct http_stream *stream);

/* A count, 0 at the end, or a negative errno. */
must_check ssize_t http_stream_recv(struct http_stream *stream, void *to,
	size_t len, int64_t deadline_ms);

/* As io_recv_full(). */
must_check ssize_t http_stream_recv_full(struct http_stream *stream, void *to,
	size_t len, int64_t deadline_ms);

/* As io_await_input(): 0 once there is something in `input`, or
 * http_stream_recv() may have something to give. */
must_check int http_stream_await_input(struct http_stream *stream, size_t len,
	struct io_input *input, int64_t deadline_ms);

/* As io_send_all(). */
must_check enum store_err http_stream_send_all(struct http_stream *stream,
	struct iovec *vector, int count, int flags, int64_t deadline_ms);

/* As io_send_file(): without a copy where plain, or where the kernel does
 * TLS. */
must_check enum store_err http_stream_send_file(struct http_stream *stream,
	int file, uint64_t offset, uint64_t len, int64_t stall_ms,
	const struct io_watch *watch, uint64_t *sent);

/* Tells the client that nothing more comes.  Reading goes on on the socket
 * alone. */
void http_stream_end(struct http_stream *stream);

void http_stream_close(struct http_stream *stream);
