/* SPDX-License-Identifier: Apache-2.0 */
/*
 * served.h - a server of a test's own over a store of its own, and a client
 * with a key of level full.
 *
 *	scoped(served_stop) struct served served = served_start();
 *
 *	served_bucket(&served, "photos");
 *	reply = served_ask(&served, "GET", "/photos/a");
 *
 * Replies live until served_stop().
 */
#pragma once

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "s3api/server.h"
#include "store/audit.h"
#include "store/token.h"
#include "tests/support/s3_client.h"
#include "tests/support/temp_store.h"

struct served {
	struct temp_store temp;
	struct audit *audit;	       /* of served_start_audited() */
	struct access_log *access_log; /* of served_start_logged() */
	struct server *server;
	struct s3_client client;
};

struct served served_start(void);
/* On a loopback, with one thread, and what else is asked for. */
struct served served_start_with(struct server_options options);
/* One that takes customers' keys (SSE-C) without TLS. */
struct served served_start_sse_c(void);
/* Virtual-host style for buckets of this domain. */
struct served served_start_domain(const char *domain);
/* One with an audit log. */
struct served served_start_audited(void);
/* The same with what else is asked for. */
struct served served_start_audited_with(struct server_options options);
/* One that keeps server access logs. */
struct served served_start_logged(void);
void served_stop(struct served *served);
/* Ends the server: all that the log has put into that bucket. */
const char *served_logged(struct served *served, const char *bucket);
/* Ends the server: the audit log's lines so far, each with its end. */
const char *served_lines(struct served *served);

/* From now on the client is another, new token of that level. */
void served_become(struct served *served, enum token_level level);
/* The same with all that can be said of it. */
struct token served_become_drafted(struct served *served,
	const struct token_draft *draft);

/* A request without headers of its own, or a body. */
const struct s3_reply *served_ask(struct served *served, const char *method,
	const char *target);
const struct s3_reply *served_send(struct served *served, const char *method,
	const char *target, const char *headers, struct slice body);

/* Must succeed. */
void served_bucket(struct served *served, const char *name);
void served_put(struct served *served, const char *target, const char *body);
/* The upload's id; live until served_stop(). */
const char *served_begin_upload(struct served *served, const char *target,
	const char *headers);

/* printf into the client's arena: targets, bodies. */
const char *served_text(struct served *served, const char *format, ...)
	printf_like(2, 3);

/* An error of that status and code, as S3 writes them. */
void served_expect_refusal(const struct s3_reply *reply, unsigned int status,
	const char *code);
/* Status and body. */
void served_expect_body(const struct s3_reply *reply, unsigned int status,
	const char *body);
/* The texts of all elements of that name, each followed by a space. */
void served_expect_elements(const struct s3_reply *reply, const char *name,
	const char *texts);
void served_expect_header(const struct s3_reply *reply, const char *name,
	const char *value);
