/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proxy.h - who a request really comes from, and how, where it came through a
 * proxy that is trusted: X-Forwarded-For and X-Forwarded-Proto.  Of anybody
 * else these headers count for nothing.
 *
 * Threads:   any; the networks do not change.
 */
#pragma once

#include "s3api/http/http_request.h"
#include "s3api/iam/policy_condition.h"

struct proxy_networks {
	struct policy_network *networks;
	unsigned int count;
};

/* "192.0.2.1" or "2001:db8::/32".  False: it is neither. */
must_check bool proxy_parse(const char *text, struct policy_network *out);

/* The address of the client: the last one in X-Forwarded-For that is no
 * trusted proxy's, where the peer is one; else the peer's. */
struct slice proxy_client_address(const struct proxy_networks *trusted,
	const struct http_request *request);

/* Whether the client speaks TLS: to us, or as a trusted proxy says. */
bool proxy_is_secure(const struct proxy_networks *trusted,
	const struct http_request *request);

/* "1.3" of the client's TLS.  Empty: there is none, or the peer is a trusted
 * proxy, which has no header to tell it. */
struct slice proxy_tls_version(const struct proxy_networks *trusted,
	const struct http_request *request);
