/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>

#include "s3api/http/http_private.h"
#include "tests/s3api/http/http_fixture.h"

#define LARGE ((size_t)1 << 20)

Test(http_exchange, a_spare_keeps_nothing_large_of_its_request)
{
	/* All that an exchange needs of a server. */
	struct http_server *server =
		calloc(1, sizeof(*server) + sizeof(struct http_worker));
	cr_assert(server != NULL);
	struct http_worker *worker = &server->workers[0];
	struct http_connection connection = {.worker = worker};
	server->config.limits = http_fixture_limits;
	worker->server = server;
	cr_assert(http_exchange_take(&connection));
	http_exchange_begin(&connection);
	struct http_exchange *exchange = connection.exchange;

	arena_alloc(exchange->request.arena, LARGE);
	buffer_reserve(&exchange->response.header, LARGE);
	http_exchange_give(&connection);

	cr_expect(eq(ptr, worker->spare, exchange));
	cr_expect(zero(sz, exchange->arena.used));
	cr_expect(eq(ptr, exchange->arena.blocks, NULL));
	cr_expect(lt(sz, exchange->response.header.capacity, LARGE));
	http_exchange_free(exchange);
	free(server);
}
