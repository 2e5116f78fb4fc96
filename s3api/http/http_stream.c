/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenSSL works on the socket itself, which does not block; where it wants to
 * wait, the fiber does.  Its queue of errors is the thread's: http_tls.c,
 * invariant 2.
 */
#include "s3api/http/http_stream.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "s3api/http/http_tls_private.h"
#include "store/base/clock.h"
#include "store/base/io.h"
#include "store/base/log.h"

/* What TLS carries in one piece: RFC 8446 §5.1. */
#define RECORD ((size_t)16 * 1024)
/* A file is read in pieces of this size where it cannot be sent as it is, and
 * as much as this of records leaves by one call. */
#define FILE_PIECE ((size_t)256 * 1024)
/* Instead of an errno: the client has said that it is done. */
#define AT_END 1

/* After a call that gave `result`: 0 once it can be made again. */
static int
await(struct http_stream *stream, int result, int64_t deadline_ms)
{
	switch (SSL_get_error(stream->ssl, result)) {
	case SSL_ERROR_WANT_READ:
		return io_wait_readable(stream->fd, deadline_ms);
	case SSL_ERROR_WANT_WRITE:
		return io_wait_writable(stream->fd, deadline_ms);
	case SSL_ERROR_ZERO_RETURN:
		return AT_END;
	default:
		stream->is_broken = true;
		return -ECONNRESET;
	}
}

static bool
is_plain_http(void)
{
	unsigned long error = ERR_peek_error();

	return ERR_GET_LIB(error) == ERR_LIB_SSL &&
	       ERR_GET_REASON(error) == SSL_R_HTTP_REQUEST;
}

static void
log_handshake(void)
{
	const char *reason = ERR_reason_error_string(ERR_peek_error());

	log_debug("a TLS handshake failed error=\"%s\"",
		reason ? reason : "the client closed");
}

enum store_err
http_stream_begin_tls(struct http_stream *stream, struct http_tls *tls,
	int64_t deadline_ms)
{
	int err = 0;
	int result = 0;
	bool is_plain = false;

	stream->ssl = http_tls_open(tls, stream->fd);
	if (!stream->ssl)
		return STORE_NO_MEMORY;
	while (!err && result != 1) {
		ERR_clear_error();
		result = SSL_do_handshake(stream->ssl);
		if (result == 1)
			break;
		is_plain = is_plain_http();
		err = await(stream, result, deadline_ms);
		if (stream->is_broken && !is_plain)
			log_handshake();
	}
	if (!is_plain)
		return err ? error_from_errno(err < 0 ? -err : EPIPE)
			   : STORE_OK;
	SSL_free(stream->ssl);
	*stream = (struct http_stream){.fd = stream->fd};
	return STORE_INVALID;
}

const char *
http_stream_tls_version(const struct http_stream *stream)
{
	return stream->ssl ? SSL_get_version(stream->ssl) : NULL;
}

const char *
http_stream_tls_cipher(const struct http_stream *stream)
{
	return stream->ssl ? SSL_get_cipher_name(stream->ssl) : NULL;
}

ssize_t
http_stream_recv(struct http_stream *stream, void *to, size_t len,
	int64_t deadline_ms)
{
	int err = 0;

	if (!stream->ssl)
		return io_recv(stream->fd, to, len, deadline_ms);
	while (!err) {
		size_t got = 0;

		ERR_clear_error();
		int result = SSL_read_ex(stream->ssl, to, len, &got);
		if (result == 1) {
			io_charge(got);
			return (ssize_t)got;
		}
		err = await(stream, result, deadline_ms);
	}
	return err == AT_END ? 0 : err;
}

ssize_t
http_stream_recv_full(struct http_stream *stream, void *to, size_t len,
	int64_t deadline_ms)
{
	if (stream->ssl)
		return http_stream_recv(stream, to, len, deadline_ms);
	return io_recv_full(stream->fd, to, len, deadline_ms);
}

int
http_stream_await_input(struct http_stream *stream, size_t len,
	struct io_input *input, int64_t deadline_ms)
{
	if (!stream->ssl)
		return io_await_input(stream->fd, len, input, deadline_ms);
	*input = (struct io_input){0};
	/* What OpenSSL has read ahead does not show on the socket. */
	if (SSL_has_pending(stream->ssl))
		return 0;
	return io_wait_readable(stream->fd, deadline_ms);
}

/* OpenSSL would send, and wake the client, for each record. */
static enum store_err
begin_gathering(struct http_stream *stream)
{
	BIO *gathered = BIO_new(BIO_f_buffer());
	BIO *wire = SSL_get_wbio(stream->ssl);

	if (!gathered || !BIO_set_write_buffer_size(gathered, FILE_PIECE)) {
		BIO_free(gathered);
		return STORE_NO_MEMORY;
	}
	BIO_up_ref(wire);
	SSL_set0_wbio(stream->ssl, BIO_push(gathered, wire));
	return STORE_OK;
}

static enum store_err
flush_gathered(struct http_stream *stream, int64_t deadline_ms)
{
	BIO *gathered = SSL_get_wbio(stream->ssl);

	while (BIO_flush(gathered) <= 0) {
		int err = BIO_should_retry(gathered)
				  ? io_wait_writable(stream->fd, deadline_ms)
				  : -EPIPE;
		if (err) {
			stream->is_broken = true;
			return error_from_errno(-err);
		}
	}
	return STORE_OK;
}

static void
end_gathering(struct http_stream *stream)
{
	SSL_set0_wbio(stream->ssl, BIO_pop(SSL_get_wbio(stream->ssl)));
}

static enum store_err
write_records(struct http_stream *stream, const char *bytes, size_t len,
	int64_t deadline_ms)
{
	while (len > 0) {
		size_t put = 0;

		ERR_clear_error();
		int result = SSL_write_ex(stream->ssl, bytes, len, &put);
		if (result == 1) {
			bytes += put;
			len -= put;
			io_charge(put);
			continue;
		}
		int err = await(stream, result, deadline_ms);
		if (err) {
			/* Half a record may have gone. */
			stream->is_broken = true;
			return error_from_errno(err < 0 ? -err : EPIPE);
		}
	}
	return STORE_OK;
}

static enum store_err
write_all(struct http_stream *stream, const char *bytes, size_t len,
	int64_t deadline_ms)
{
	if (len <= RECORD)
		return write_records(stream, bytes, len, deadline_ms);
	enum store_err err = begin_gathering(stream);
	if (err)
		return err;
	err = write_records(stream, bytes, len, deadline_ms);
	if (!err)
		err = flush_gathered(stream, deadline_ms);
	end_gathering(stream);
	return err;
}

/* Moves up to RECORD bytes from the front of the vector. */
static size_t
gather(char *to, struct iovec *vector, int count)
{
	size_t total = 0;

	for (int i = 0; i < count && total < RECORD; i++) {
		size_t len = vector[i].iov_len;

		len = len < RECORD - total ? len : RECORD - total;
		if (len > 0)
			memcpy(to + total, vector[i].iov_base, len);
		vector[i].iov_base = (char *)vector[i].iov_base + len;
		vector[i].iov_len -= len;
		total += len;
	}
	return total;
}

/* What is small leaves in one record. */
static enum store_err
send_vector(struct http_stream *stream, struct iovec *vector, int count,
	int64_t deadline_ms)
{
	enum store_err err = STORE_OK;
	char *record = NULL;

	while (count > 0 && !err) {
		if (vector->iov_len == 0 || vector->iov_len >= RECORD ||
			count == 1) {
			err = write_all(stream, vector->iov_base,
				vector->iov_len, deadline_ms);
			vector++;
			count--;
			continue;
		}
		/* Not shared: another fiber may send while this one waits. */
		if (!record)
			record = malloc(RECORD);
		err = record ? write_all(stream, record,
				       gather(record, vector, count),
				       deadline_ms)
			     : STORE_NO_MEMORY;
	}
	free(record);
	return err;
}

enum store_err
http_stream_send_all(struct http_stream *stream, struct iovec *vector,
	int count, int flags, int64_t deadline_ms)
{
	if (!stream->ssl)
		return io_send_all(stream->fd, vector, count, flags,
			deadline_ms);
	if (stream->is_broken)
		return STORE_CLOSED;
	return send_vector(stream, vector, count, deadline_ms);
}

/* *got stays 0 where the watch is over. */
static enum store_err
send_piece(struct http_stream *stream, int file, uint64_t offset,
	struct iovec piece, int64_t stall_ms, const struct io_watch *watch,
	uint64_t *got)
{
	ssize_t count = io_pread(file, piece.iov_base, piece.iov_len, offset);

	*got = 0;
	if (count < 0)
		return error_from_errno((int)-count);
	if (io_watch_is_over(watch))
		return STORE_OK;
	if (count == 0)
		return STORE_CORRUPT;
	*got = (uint64_t)count;
	return write_all(stream, piece.iov_base, *got,
		stall_ms ? clock_monotonic_ms() + stall_ms : 0);
}

enum store_err
http_stream_send_file(struct http_stream *stream, int file, uint64_t offset,
	uint64_t len, int64_t stall_ms, const struct io_watch *watch,
	uint64_t *sent)
{
	enum store_err err = STORE_OK;
	uint64_t got = len;

	/* A socket that the kernel encrypts takes a file like any other. */
	if (!stream->ssl || BIO_get_ktls_send(SSL_get_wbio(stream->ssl)))
		return io_send_file(stream->fd, file, offset, len, stall_ms,
			watch, sent);
	*sent = 0;
	char *piece = malloc(FILE_PIECE);
	if (!piece)
		return STORE_NO_MEMORY;
	while (*sent < len && got > 0 && !err) {
		uint64_t left = len - *sent;

		err = send_piece(stream, file, offset + *sent,
			(struct iovec){
				piece, left < FILE_PIECE ? left : FILE_PIECE},
			stall_ms, watch, &got);
		*sent += got;
	}
	free(piece);
	return err;
}

void
http_stream_end(struct http_stream *stream)
{
	if (stream->ssl && !stream->is_broken &&
		SSL_is_init_finished(stream->ssl)) {
		ERR_clear_error();
		/* It sends close_notify where there is room, and is not asked
		 * for more. */
		(void)SSL_shutdown(stream->ssl);
		stream->is_broken = true;
	}
	(void)shutdown(stream->fd, SHUT_WR);
}

void
http_stream_close(struct http_stream *stream)
{
	SSL_free(stream->ssl);
	ERR_clear_error();
	close(stream->fd);
	*stream = (struct http_stream){.fd = -1};
}
