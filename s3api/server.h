/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server.h - the S3 server over one store.
 *
 * Threads:   created, stopped and freed by one thread; it serves on its own.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "s3api/http/http_tls.h"
#include "store/access_log.h"
#include "store/audit.h"
#include "store/store.h"

struct server_options {
	const char *address;  /* "127.0.0.1"; NULL: not without TLS */
	unsigned int port;    /* 0: any free one */
	struct http_tls *tls; /* NULL: not with TLS; outlives the server */
	const char *tls_address;
	unsigned int tls_port;
	unsigned int threads;	    /* 0: one for each CPU */
	const char *const *domains; /* virtual-host style: BUCKET.DOMAIN */
	unsigned int domain_count;
	/* Buckets as websites: BUCKET.DOMAIN. */
	const char *const *website_domains;
	unsigned int website_domain_count;
	/* Objects alone, path style and BUCKET.DOMAIN: accelerate.h. */
	const char *const *accelerate_domains;
	unsigned int accelerate_domain_count;
	unsigned int max_connections; /* 0: the default */
	/* "192.0.2.0/24": whose X-Forwarded-For and -Proto are believed. */
	const char *const *trusted_proxies;
	unsigned int trusted_proxy_count;
	struct audit *audit; /* NULL: none; outlives the server */
	/* What PutBucketLogging asks for; NULL: none is kept; outlives the
	 * server. */
	struct access_log *access_log;
	bool allows_sse_c_without_tls; /* customers' keys in clear: tests */
	/* Bearers and new keys in clear beyond this machine. */
	bool allows_control_without_tls;
};

struct server;

/* Listens and serves.  BUSY: the address is taken; ACCESS; INVALID: not an
 * address of this machine, or none at all, or a trusted proxy that is no
 * network; IO: no io_uring. */
must_check enum store_err server_start(struct store *store,
	const struct server_options *options, struct server **out);

/* 0 where it does not listen so. */
unsigned int server_port(const struct server *server);
unsigned int server_tls_port(const struct server *server);

/* Requests in flight end, new ones are not accepted; after timeout_ms what
 * is left is cut off.  Frees the server. */
void server_stop(struct server **server, int64_t timeout_ms);
