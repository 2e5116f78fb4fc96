/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/tarn/endpoint.h"

#include "store/base/slice.h"

bool
endpoint_parse(const char *text, struct endpoint *out)
{
	const char *colon = strrchr(text, ':');
	unsigned long port;

	if (!colon || !slice_to_u64(slice_str(colon + 1), 65535, &port))
		return false;

	struct slice address = slice_of(text, (size_t)(colon - text));
	bool is_bracketed = address.len >= 2 && address.data[0] == '[' &&
			    address.data[address.len - 1] == ']';

	if (is_bracketed)
		address = slice_of(address.data + 1, address.len - 2);
	else if (slice_find_char(address, ':') >= 0)
		return false; /* is the last piece the port, or not? */
	if (address.len == 0 ||
		!slice_to_str(address, out->address, sizeof(out->address)))
		return false;
	out->port = (unsigned int)port;
	return true;
}

bool
endpoint_is_loopback(const char *address)
{
	struct slice text = slice_str(address);

	return slice_has_prefix(text, SLICE("127.")) ||
	       slice_has_prefix(text, SLICE("::ffff:127.")) ||
	       slice_equal(text, SLICE("::1")) ||
	       slice_equal_nocase(text, SLICE("localhost"));
}
