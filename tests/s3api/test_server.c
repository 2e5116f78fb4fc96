/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "s3api/capacity.h"
#include "s3api/http/http_body.h"
#include "s3api/http/http_private.h"
#include "s3api/request.h"
#include "s3api/server_private.h"
#include "tests/s3api/http/http_fixture.h"
#include "tests/support/temp_store.h"

static void
take_body(struct http_request *request, struct http_response *response,
	void *context)
{
	struct slice body = SLICE_NULL;
	enum store_err err = http_body_read_all(request, 100, false, &body);

	(void)context;
	http_reply_begin(response, err ? 400 : 200);
	err = http_reply_body(response, SLICE_NULL);
	(void)err;
}

Test(server, says_slow_down_in_xml_where_it_is_full)
{
	struct server s3 = {0}; /* all that a refusal needs of it */
	struct http_server_config config = {
		.address = "127.0.0.1",
		.loops = 1,
		.limits = http_fixture_limits,
		.handle = take_body,
		.refuse = request_refuse,
		.context = &s3,
	};
	struct http_server *server = NULL;
	size_t len = 0;
	char byte;
	config.limits.connections = 1;
	cr_assert(zero(int, http_server_create(&config, &server)));
	int busy = http_fixture_connect(http_server_port(server));
	http_fixture_say(busy,
		SLICE("PUT /b/k HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n"
		      "Expect: 100-continue\r\n\r\n"));
	cr_assert(eq(long, recv(busy, &byte, 1, 0), 1));

	int fd = http_fixture_connect(http_server_port(server));
	char *reply = http_fixture_hear(fd, &len);

	cr_expect(strstr(reply, "HTTP/1.1 503 ") == reply, "%s", reply);
	cr_expect(strstr(reply, "<Code>SlowDown</Code>") != NULL, "%s", reply);
	cr_expect(strstr(reply, "Content-Type: application/xml\r\n") != NULL);
	free(reply);
	close(fd);
	close(busy);
	http_server_free(&server);
}

Test(server, takes_no_more_connections_than_the_system_has_room_for)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	const struct capacity capacity = capacity_read();
	struct server *server = NULL;
	cr_assert(zero(int, server_start(temp.store,
				    &(struct server_options){
					    .address = "127.0.0.1",
					    .threads = 1,
					    .max_connections = UINT_MAX,
				    },
				    &server)));

	cr_expect(eq(sz, server->http->config.limits.connections,
		capacity_connections(&capacity, UINT_MAX, 1, true)));

	server_stop(&server, 0);
}
