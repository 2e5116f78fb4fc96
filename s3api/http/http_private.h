/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_private.h - what the parts of one connection share.  All of it belongs
 * to the thread of the worker's loop, but for what is fixed or atomic.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <sys/queue.h>

#include "s3api/http/http_connection.h"
#include "s3api/http/http_listener.h"
#include "s3api/http/http_parser.h"
#include "s3api/http/http_server.h"
#include "s3api/http/http_stream.h"
#include "store/base/arena.h"
#include "store/base/buffer.h"
#include "store/base/loop.h"

#define HTTP_INPUT_FIRST (16 * 1024) /* grows to limits.header_bytes */
#define HTTP_INPUT_BODY (4 * 1024)   /* beyond the header, at least */
#define HTTP_LISTENERS 2	     /* plain, TLS */

enum http_reply_state {
	HTTP_REPLY_NONE,   /* no status yet */
	HTTP_REPLY_BEGUN,  /* nothing sent yet */
	HTTP_REPLY_STREAM, /* the header may have been sent */
	HTTP_REPLY_DONE,
};

struct http_response {
	struct http_connection *connection;
	enum http_reply_state state;
	unsigned int status;
	struct buffer header;
	bool is_header_sent;
	bool has_body; /* neither HEAD nor a status without one */
	bool must_close;
	uint64_t left; /* of the stream */
	uint64_t sent; /* bytes of the body */
	enum store_err err;
};

/* What a connection has only while it serves a request. */
struct http_exchange {
	struct http_exchange *next; /* of the spare ones */
	struct http_request request;
	struct http_response response;
	struct arena arena;
	struct http_parser parser;

	/* capacity + HTTP_INPUT_BODY bytes; [start, end) is still unread */
	char *input;
	size_t capacity;
	size_t start;
	size_t end;

	/* body */
	size_t body_base; /* where the header ends in input */
	uint64_t body_left;
	bool is_body_chunked;
	bool is_body_at_end;
	bool is_continue_wanted;
	enum store_err body_err;
	uint64_t window_bytes; /* that came in this window of waiting */
	int64_t window_ms;     /* waited in it so far */

	struct http_header headers[]; /* limits.header_count */
};

struct http_connection {
	struct http_worker *worker;
	struct http_stream stream;
	struct http_tls *tls; /* to begin with; NULL: plain */
	bool is_idle;	      /* nothing is lost if it ends where it waits */
	bool is_waiting;      /* in worker->waiting: http_crowd.c */
	bool is_placeless;    /* none of server->placed */
	bool is_keep_alive;   /* as far as the client goes */
	struct sockaddr_storage peer;
	struct http_exchange *exchange; /* NULL while idle */
	struct http_connection *next;
	struct http_connection **link;
	TAILQ_ENTRY(http_connection) waiting;
};

/* A fiber that accepts. */
struct http_acceptor {
	struct http_worker *worker;
	struct http_listener *listener;
};

struct http_worker {
	struct http_server *server;
	struct loop *loop;
	pthread_t thread;
	struct http_acceptor acceptors[HTTP_LISTENERS];
	size_t acceptor_count;		/* their fibers */
	atomic_size_t connection_count; /* also those on their way here */
	struct http_connection *connections;
	/* without a whole header, who waits for longest first */
	TAILQ_HEAD(, http_connection) waiting;
	atomic_size_t waiting_count;
	struct http_exchange *spare;
	size_t spare_count;
	bool is_draining;
	int64_t drain_deadline_ms;
	int64_t date_s; /* of date */
	char date[30];
};

struct http_server {
	struct http_server_config config;
	struct http_listener listeners[HTTP_LISTENERS];
	size_t listener_count;
	bool is_drained;
	atomic_size_t accepting; /* workers, in a drain */
	atomic_size_t connections;
	atomic_size_t placed;  /* of these: may stay; see http_crowd.c */
	atomic_size_t coming;  /* of these: not begun yet, or asking for room */
	atomic_size_t refused; /* of these: being turned away */
	size_t worker_count;
	size_t thread_count;
	struct http_worker workers[];
};

static inline const struct http_limits *
http_limits_of(const struct http_connection *connection)
{
	return &connection->worker->server->config.limits;
}

/* From here on the connection may be cut off to make room for another, in the
 * order in which they came; until it leaves. */
void http_crowd_join(struct http_connection *connection);
void http_crowd_leave(struct http_connection *connection);

/*
 * For one that has just come.  False: there are too many, of which none makes
 * room; it has no place.  May wait for another worker, in which case a drain
 * may have begun.
 */
must_check bool http_crowd_has_room(struct http_connection *connection);

/* Gives the connection one, a spare or a new one; false: no memory. */
bool http_exchange_take(struct http_connection *connection);

/* What the first bytes of a request have room for in any exchange. */
size_t http_exchange_room(const struct http_limits *limits);

/* Puts the first bytes into one that has just been taken. */
void http_exchange_fill(struct http_exchange *exchange, struct slice bytes);

/* Takes it back, if there is one, with what it holds. */
void http_exchange_give(struct http_connection *connection);

/* Moves what was sent ahead to the front and begins a request with it. */
void http_exchange_begin(struct http_connection *connection);

/* Frees one that no connection has. */
void http_exchange_free(struct http_exchange *exchange);

/* Prepares for the body of the request that has just been parsed. */
void http_body_begin(struct http_exchange *exchange);
must_check enum store_err
http_body_send_continue(struct http_connection *connection);

/* Reads what is left, up to limits.unread_bytes; false: more is left, or a
 * drain has begun. */
bool http_body_drain(struct http_request *request);

/* True where the connection can go on after a reply sent now. */
bool http_body_can_be_drained(const struct http_request *request);

/* Prepares the response of a new exchange. */
void http_reply_reset(struct http_response *response,
	struct http_connection *connection);
