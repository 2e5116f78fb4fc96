/* SPDX-License-Identifier: Apache-2.0 */
/* server_private.h - what requests need of their server. */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include "s3api/auth/sigv4.h"
#include "s3api/http/http_server.h"
#include "s3api/iam/clerk.h"
#include "s3api/iam/policy_cache.h"
#include "s3api/proxy.h"
#include "s3api/server.h"

struct server_domains {
	char **names; /* lower-case */
	unsigned int count;
};

struct server {
	/* fixed after server_start() */
	struct store *store;
	struct sigv4 *sigv4;
	struct server_domains domains;
	struct server_domains website_domains;
	struct server_domains accelerate_domains;
	struct policy_cache *policies;
	struct proxy_networks proxies;
	bool allows_sse_c_without_tls;
	bool allows_control_without_tls;
	struct clerk *clerk;
	struct http_server *http;
	struct audit *audit;	       /* NULL: none is kept; */
	struct access_log *access_log; /* so here */

	_Atomic(uint64_t) requests; /* begins at random */
};
