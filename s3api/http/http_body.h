/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_body.h - the body of a request, as it streams in: of known length or
 * chunked (RFC 9112 §7.1; trailer fields are read and dropped).
 *
 * The first read sends "100 Continue" to a client that waits for it, so a
 * handler that refuses a request before it reads saves the client the upload.
 *
 * Threads:   the fiber that serves the connection; reads yield it.
 * Failure:   after an error the body gives the same error for ever, and the
 *            connection closes after the reply.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "s3api/http/http_request.h"
#include "store/base/compiler.h"
#include "store/base/error.h"

/*
 * Reads up to len bytes, as many as have come; *got is 0 only at the end (or
 * where len is 0).  Large reads go from the socket straight to `to`.
 * CLOSED: the client went away before the end.  TIMED_OUT: no byte came for
 * limits.body_timeout_ms.  INVALID: malformed chunks.  CANCELED: the server
 * stops at once.
 */
must_check enum store_err http_body_read(struct http_request *request, void *to,
	size_t len, size_t *got);

/*
 * The whole of a small body, in the request's arena; is_stranger: of somebody
 * who has signed nothing (http_whole.h).  TOO_BIG: longer than max; BUSY: too
 * many are being read; what else http_body_read() gives.
 */
must_check enum store_err http_body_read_all(struct http_request *request,
	size_t max, bool is_stranger, struct slice *out);

/* True once the whole body has been read; at once where there is none. */
bool http_body_is_at_end(const struct http_request *request);
