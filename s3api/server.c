/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/server.h"

#include <ctype.h>
#include <stdlib.h>
#include <unistd.h>

#include "s3api/capacity.h"
#include "s3api/request.h"
#include "s3api/server_private.h"
#include "store/base/random.h"

static void
free_domains(struct server_domains *domains)
{
	for (unsigned int i = 0; i < domains->count; i++)
		free(domains->names[i]);
	free(domains->names);
}

static void
free_server(struct server *server)
{
	free_domains(&server->domains);
	free_domains(&server->website_domains);
	free_domains(&server->accelerate_domains);
	free(server->proxies.networks);
	sigv4_free(&server->sigv4);
	policy_cache_free(&server->policies);
	clerk_stop(&server->clerk);
	free(server);
}

static enum store_err
copy_domains(struct server_domains *domains, const char *const *names,
	unsigned int count)
{
	if (count == 0)
		return STORE_OK;
	domains->names = calloc(count, sizeof(char *));
	if (!domains->names)
		return STORE_NO_MEMORY;
	for (unsigned int i = 0; i < count; i++) {
		char *name = strdup(names[i]);

		if (!name)
			return STORE_NO_MEMORY;
		for (char *c = name; *c; c++)
			*c = (char)tolower((unsigned char)*c);
		domains->names[i] = name;
		domains->count = i + 1;
	}
	return STORE_OK;
}

static enum store_err
parse_proxies(struct server *server, const struct server_options *options)
{
	unsigned int count = options->trusted_proxy_count;

	if (count == 0)
		return STORE_OK;
	server->proxies.networks =
		calloc(count, sizeof(server->proxies.networks[0]));
	if (!server->proxies.networks)
		return STORE_NO_MEMORY;
	server->proxies.count = count;
	for (unsigned int i = 0; i < count; i++) {
		if (!proxy_parse(options->trusted_proxies[i],
			    &server->proxies.networks[i]))
			return STORE_INVALID;
	}
	return STORE_OK;
}

static void
limit_connections(struct http_limits *limits,
	const struct server_options *options)
{
	const struct capacity capacity = capacity_read();
	bool are_asked_for = options->max_connections > 0;
	unsigned int loops =
		options->threads ? options->threads
				 : (unsigned int)sysconf(_SC_NPROCESSORS_ONLN);

	if (are_asked_for)
		limits->connections = options->max_connections;
	limits->connections = capacity_connections(&capacity,
		limits->connections, loops, are_asked_for);
}

static enum store_err
start_http(struct server *server, const struct server_options *options)
{
	struct http_server_config config = {
		.address = options->address,
		.port = options->port,
		.tls = options->tls,
		.tls_address = options->tls_address,
		.tls_port = options->tls_port,
		.loops = options->threads,
		.limits = http_server_limits_default,
		.handle = request_handle,
		.refuse = request_refuse,
		.context = server,
	};

	limit_connections(&config.limits, options);
	return http_server_create(&config, &server->http);
}

enum store_err
server_start(struct store *store, const struct server_options *options,
	struct server **out)
{
	struct server *server = calloc(1, sizeof(*server));

	if (!server)
		return STORE_NO_MEMORY;
	server->store = store;
	server->audit = options->audit;
	server->access_log = options->access_log;
	server->sigv4 = sigv4_create_for_store(store);
	server->policies = policy_cache_create();
	server->allows_sse_c_without_tls = options->allows_sse_c_without_tls;
	server->allows_control_without_tls =
		options->allows_control_without_tls;
	atomic_init(&server->requests, random_u64());

	enum store_err err = copy_domains(&server->domains, options->domains,
		options->domain_count);
	if (!err)
		err = copy_domains(&server->website_domains,
			options->website_domains,
			options->website_domain_count);
	if (!err)
		err = copy_domains(&server->accelerate_domains,
			options->accelerate_domains,
			options->accelerate_domain_count);
	if (!err)
		err = parse_proxies(server, options);
	if (!err)
		err = clerk_start(store, &server->clerk);
	if (!err)
		err = start_http(server, options);
	if (err) {
		free_server(server);
		return err;
	}
	*out = server;
	return STORE_OK;
}

unsigned int
server_port(const struct server *server)
{
	return http_server_port(server->http);
}

unsigned int
server_tls_port(const struct server *server)
{
	return http_server_tls_port(server->http);
}

void
server_stop(struct server **server, int64_t timeout_ms)
{
	if (!*server)
		return;
	http_server_drain((*server)->http, timeout_ms);
	http_server_free(&(*server)->http);
	free_server(*server);
	*server = NULL;
}
