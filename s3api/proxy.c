/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/proxy.h"

#include "s3api/iam/policy_operand.h"

bool
proxy_parse(const char *text, struct policy_network *out)
{
	return policy_operand_network(slice_str(text), out);
}

static bool
is_trusted(const struct proxy_networks *trusted, struct slice address)
{
	for (unsigned int i = 0; i < trusted->count; i++) {
		if (policy_operand_is_in(&trusted->networks[i], address))
			return true;
	}
	return false;
}

/* What follows the last comma; *rest keeps what is before it. */
static struct slice
take_last(struct slice *rest)
{
	size_t at = rest->len;
	struct slice last;

	while (at > 0 && rest->data[at - 1] != ',')
		at--;
	last = slice_trim(slice_from(*rest, at));
	*rest = at > 0 ? slice_first(*rest, at - 1) : SLICE_NULL;
	return last;
}

/* "192.0.2.1:4711" and "[2001:db8::1]:4711" without the port. */
static struct slice
without_port(struct slice text)
{
	ptrdiff_t colon = slice_find_char(text, ':');

	if (text.len > 0 && text.data[0] == '[') {
		ptrdiff_t end = slice_find_char(text, ']');

		return end < 0 ? text
			       : slice_of(text.data + 1, (size_t)end - 1);
	}
	if (colon > 0 &&
		slice_find_char(slice_from(text, (size_t)colon + 1), ':') < 0)
		return slice_first(text, (size_t)colon);
	return text;
}

/*
 * Each proxy appends whom it saw: so what stands last was written by the peer,
 * and is to be believed as far as the peer is.  What is no address ends the
 * walk: the last one before it is all that is known.
 */
struct slice
proxy_client_address(const struct proxy_networks *trusted,
	const struct http_request *request)
{
	struct slice client = http_request_peer_address(request);

	for (size_t i = trusted->count ? request->header_count : 0; i > 0;
		i--) {
		const struct http_header *header = &request->headers[i - 1];
		struct slice rest = header->value;

		if (!slice_equal(header->name, SLICE("x-forwarded-for")))
			continue;
		while (rest.data && is_trusted(trusted, client)) {
			struct slice next = without_port(take_last(&rest));
			struct policy_network address;

			if (slice_find_char(next, '/') >= 0 ||
				!policy_operand_network(next, &address))
				return client;
			client = next;
		}
	}
	return client;
}

bool
proxy_is_secure(const struct proxy_networks *trusted,
	const struct http_request *request)
{
	struct slice said =
		http_request_last_header(request, "x-forwarded-proto");

	if (trusted->count == 0 || !said.data ||
		!is_trusted(trusted, http_request_peer_address(request)))
		return request->is_tls;
	return slice_equal_nocase(take_last(&said), SLICE("https"));
}

struct slice
proxy_tls_version(const struct proxy_networks *trusted,
	const struct http_request *request)
{
	if (!request->tls_version ||
		(trusted->count && is_trusted(trusted,
					   http_request_peer_address(request))))
		return SLICE_NULL;
	return slice_from(slice_str(request->tls_version), strlen("TLSv"));
}
