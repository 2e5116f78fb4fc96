/* SPDX-License-Identifier: Apache-2.0 */
#include "store/base/version.h"

#include <stdio.h>

#define NULL_ID "null"

void
version_text(const struct version *version, char to[VERSION_ID_LEN + 1])
{
	if (version_is_null(version))
		(void)snprintf(to, VERSION_ID_LEN + 1, NULL_ID);
	else
		(void)snprintf(to, VERSION_ID_LEN + 1, "%016llx",
			(unsigned long long)version->number);
}

bool
version_parse(struct slice text, struct version_ref *out)
{
	uint64_t number = 0;

	if (slice_equal(text, SLICE(NULL_ID))) {
		*out = (struct version_ref){.which = VERSION_NULL};
		return true;
	}
	if (text.len != VERSION_ID_LEN)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.data[i];

		if (c >= '0' && c <= '9')
			number = number << 4 | (uint64_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			number = number << 4 | (uint64_t)(c - 'a' + 10);
		else
			return false;
	}
	*out = (struct version_ref){VERSION_NUMBER, number};
	return number != 0;
}

struct version_ref
version_ref_of(const struct version *version)
{
	if (version_is_null(version))
		return (struct version_ref){.which = VERSION_NULL};
	return (struct version_ref){VERSION_NUMBER, version->number};
}
