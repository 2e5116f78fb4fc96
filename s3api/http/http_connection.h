/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_connection.h - the life of one connection: requests one after the
 * other, in order, until one side wants no more.
 *
 * Threads:   the fibers of the worker's loop.
 */
#pragma once

struct http_connection;

/* The fiber of a connection; closes its socket and frees it at the end. */
void http_connection_serve(void *connection);

/* Ends it where it waits for a request. */
void http_connection_close_idle(struct http_connection *connection);

/* Ends every wait of it with an error, now and from now on. */
void http_connection_cut_off(struct http_connection *connection);
