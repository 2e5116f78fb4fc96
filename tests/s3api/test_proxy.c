/* SPDX-License-Identifier: Apache-2.0 */
/* Who a request comes from, when somebody stands between. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "s3api/proxy.h"

#define HEADERS_MAX 3

struct row {
	const char *peer;
	const char *forwarded[HEADERS_MAX]; /* lines of X-Forwarded-For */
	const char *proto;
	bool is_tls;
	const char *client;
	bool is_secure;
};

static struct policy_network networks[2];

static struct proxy_networks
trust(void)
{
	cr_assert(proxy_parse("10.0.0.0/8", &networks[0]));
	cr_assert(proxy_parse("2001:db8::/32", &networks[1]));
	return (struct proxy_networks){networks, 2};
}

static void
set_peer(struct http_request *request, const char *address)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)&request->peer;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&request->peer;

	if (inet_pton(AF_INET, address, &v4->sin_addr) == 1)
		v4->sin_family = AF_INET;
	else if (inet_pton(AF_INET6, address, &v6->sin6_addr) == 1)
		v6->sin6_family = AF_INET6;
	else
		cr_fatal("%s is no address", address);
}

Test(proxy, headers_count_as_far_as_their_writers_are_trusted)
{
	static const struct row rows[] = {
		{"192.0.2.1", {"198.51.100.7"}, "https", false, "192.0.2.1",
			false},
		{"10.0.0.1", {NULL}, NULL, false, "10.0.0.1", false},
		{"10.0.0.1", {"198.51.100.7"}, "https", false, "198.51.100.7",
			true},
		{"10.0.0.1", {"198.51.100.7"}, "http", true, "198.51.100.7",
			false},
		{"10.0.0.1", {"198.51.100.7"}, NULL, true, "198.51.100.7",
			true},
		/* What the client itself has sent stands further left. */
		{"10.0.0.1", {"127.0.0.1, 198.51.100.7"}, "https, http", false,
			"198.51.100.7", false},
		{"10.0.0.1", {"127.0.0.1", "198.51.100.7 ,10.0.0.2"}, NULL,
			false, "198.51.100.7", false},
		{"10.0.0.1", {"10.0.0.3,10.0.0.2"}, NULL, false, "10.0.0.3",
			false},
		{"10.0.0.1", {"198.51.100.7:4711"}, NULL, false, "198.51.100.7",
			false},
		{"10.0.0.1", {"[2001:db9::1]:4711"}, NULL, false, "2001:db9::1",
			false},
		{"2001:db8::1", {"2001:db9::1"}, NULL, false, "2001:db9::1",
			false},
		{"::ffff:10.0.0.1", {"198.51.100.7"}, NULL, false,
			"198.51.100.7", false},
		/* What is no address ends it. */
		{"10.0.0.1", {"198.51.100.7, unknown"}, NULL, false, "10.0.0.1",
			false},
		{"10.0.0.1", {"198.51.100.7, unknown, 10.0.0.2"}, NULL, false,
			"10.0.0.2", false},
		{"10.0.0.1", {"0.0.0.0/0"}, NULL, false, "10.0.0.1", false},
		{"10.0.0.1", {""}, NULL, false, "10.0.0.1", false},
	};
	const struct proxy_networks trusted = trust();

	for (size_t i = 0; i < array_len(rows); i++) {
		const struct row *row = &rows[i];
		scoped(arena_free) struct arena arena = {0};
		struct http_header headers[HEADERS_MAX + 1];
		struct http_request request = {
			.headers = headers,
			.is_tls = row->is_tls,
			.arena = &arena,
		};

		for (size_t h = 0; h < HEADERS_MAX && row->forwarded[h]; h++)
			headers[request.header_count++] =
				(struct http_header){SLICE("x-forwarded-for"),
					slice_str(row->forwarded[h])};
		if (row->proto)
			headers[request.header_count++] =
				(struct http_header){SLICE("x-forwarded-proto"),
					slice_str(row->proto)};
		set_peer(&request, row->peer);

		struct slice client = proxy_client_address(&trusted, &request);

		cr_expect(slice_equal(client, slice_str(row->client)),
			"row %zu: %.*s", i, (int)client.len, client.data);
		cr_expect(eq(int, proxy_is_secure(&trusted, &request),
				  row->is_secure),
			"row %zu", i);
	}
}

Test(proxy, without_trust_headers_count_for_nothing)
{
	static const struct proxy_networks nobody;
	scoped(arena_free) struct arena arena = {0};
	struct http_header headers[] = {
		{SLICE("x-forwarded-for"), SLICE("198.51.100.7")},
		{SLICE("x-forwarded-proto"), SLICE("https")},
	};
	struct http_request request = {
		.headers = headers,
		.header_count = 2,
		.arena = &arena,
	};

	set_peer(&request, "127.0.0.1");

	cr_expect(slice_equal(proxy_client_address(&nobody, &request),
		SLICE("127.0.0.1")));
	cr_expect(not(proxy_is_secure(&nobody, &request)));
}

Test(proxy, whoever_passes_it_on_last_says_whether_it_was_secure)
{
	const struct proxy_networks trusted = trust();
	scoped(arena_free) struct arena arena = {0};
	struct http_header headers[] = {
		{SLICE("x-forwarded-proto"), SLICE("https")},
		{SLICE("x-forwarded-proto"), SLICE("http")},
	};
	struct http_request request = {
		.headers = headers,
		.header_count = 2,
		.arena = &arena,
	};

	set_peer(&request, "10.0.0.1");

	cr_expect(not(proxy_is_secure(&trusted, &request)));
}

Test(proxy, the_version_of_tls_is_that_of_who_speaks_to_us)
{
	static const struct proxy_networks nobody;
	const struct proxy_networks trusted = trust();
	scoped(arena_free) struct arena arena = {0};
	struct http_request request = {.arena = &arena};

	set_peer(&request, "10.0.0.1");
	cr_expect(zero(sz, proxy_tls_version(&nobody, &request).len));
	request.is_tls = true;
	request.tls_version = "TLSv1.3";
	cr_expect(slice_equal(proxy_tls_version(&nobody, &request),
		SLICE("1.3")));
	cr_expect(zero(sz, proxy_tls_version(&trusted, &request).len));
	set_peer(&request, "198.51.100.7");
	cr_expect(slice_equal(proxy_tls_version(&trusted, &request),
		SLICE("1.3")));
}

Test(proxy, networks_are_addresses_with_or_without_a_length)
{
	struct policy_network network;

	cr_expect(proxy_parse("192.0.2.1", &network));
	cr_expect(proxy_parse("2001:db8::/32", &network));
	cr_expect(not(proxy_parse("", &network)));
	cr_expect(not(proxy_parse("proxy.example", &network)));
	cr_expect(not(proxy_parse("192.0.2.0/33", &network)));
}
