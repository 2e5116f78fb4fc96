/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/address.h"

#include "store/tree.h"

static struct slice
without_port(struct slice host)
{
	ptrdiff_t colon;

	if (host.len > 0 && host.data[0] == '[')
		return host; /* an IPv6 address has no bucket before it */
	colon = slice_find_char(host, ':');
	return colon < 0 ? host : slice_first(host, (size_t)colon);
}

static bool
is_below(struct slice host, struct slice domain)
{
	return host.len > domain.len + 1 &&
	       host.data[host.len - domain.len - 1] == '.' &&
	       slice_equal_nocase(slice_from(host, host.len - domain.len),
		       domain);
}

/* The innermost of the domains that the host is, or is below; empty: none. */
static struct slice
domain_of_host(struct slice host, const struct server_domains *domains)
{
	struct slice innermost = SLICE_NULL;

	for (unsigned int i = 0; i < domains->count; i++) {
		struct slice domain = slice_str(domains->names[i]);

		if ((slice_equal_nocase(host, domain) ||
			    is_below(host, domain)) &&
			domain.len > innermost.len)
			innermost = domain;
	}
	return innermost;
}

/* The label(s) before ".DOMAIN", or SLICE_NULL where the host is of none.  Of
 * domains within others the innermost counts, and none is a bucket of
 * another. */
static struct slice
bucket_of_host(struct request *request)
{
	const struct server *server = request->server;
	struct slice host = without_port(request->http->host);
	struct slice domain = domain_of_host(host, &server->domains);
	struct slice of_website =
		domain_of_host(host, &server->website_domains);
	struct slice of_accelerated =
		domain_of_host(host, &server->accelerate_domains);

	request->is_website = of_website.len > domain.len;
	if (request->is_website)
		domain = of_website;
	request->is_accelerated = of_accelerated.len > domain.len;
	if (request->is_accelerated) {
		request->is_website = false;
		domain = of_accelerated;
	}
	return domain.len > 0 && host.len > domain.len
		       ? slice_first(host, host.len - domain.len - 1)
		       : SLICE_NULL;
}

static struct slice
to_lower(struct arena *arena, struct slice s)
{
	char *copy = arena_str(arena, s);

	for (size_t i = 0; i < s.len; i++) {
		if (copy[i] >= 'A' && copy[i] <= 'Z')
			copy[i] = (char)(copy[i] - 'A' + 'a');
	}
	return slice_of(copy, s.len);
}

/* path begins with its slash. */
static void
split_path(struct request *request, struct slice path)
{
	struct slice rest = slice_from(path, 1);
	ptrdiff_t slash = slice_find_char(rest, '/');

	request->bucket_name =
		slash < 0 ? rest : slice_first(rest, (size_t)slash);
	request->key = slash < 0 ? slice_of("", 0)
				 : slice_from(rest, (size_t)slash + 1);
}

static enum s3_error
check_key(struct request *request)
{
	if (request->key.len > TREE_KEY_MAX)
		return error_set(&request->report, S3_KEY_TOO_LONG, NULL);
	if (!slice_is_utf8(request->key) ||
		memchr(request->key.data, '\0', request->key.len))
		return error_set(&request->report, S3_INVALID_URI, NULL);
	return S3_OK;
}

enum s3_error
address_parse(struct request *request)
{
	struct slice path;
	struct slice in_host = bucket_of_host(request);

	if (http_request_decode_path(request->http, &path) ||
		http_request_decode_query(request->http, &request->params,
			&request->param_count) ||
		path.len == 0 || path.data[0] != '/')
		return error_set(&request->report, S3_INVALID_URI, NULL);
	if (in_host.len > 0 || request->is_website) {
		request->bucket_name = to_lower(request->arena, in_host);
		request->key = slice_from(path, 1);
	} else {
		split_path(request, path);
	}
	if (request->key.len > 0)
		request->target = OPERATION_OBJECT;
	else if (request->bucket_name.len > 0)
		request->target = OPERATION_BUCKET;
	else
		request->target = OPERATION_SERVICE;
	return request->key.len > 0 ? check_key(request) : S3_OK;
}
