/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/version_id.h"

#include <ctype.h>

/* As S3 writes them. */
#define LEN 32

enum version_id
version_id_parse(struct slice text)
{
	if (slice_equal(text, SLICE(VERSION_ID_OF_ALL)))
		return VERSION_ID_NULL;
	if (text.len != LEN)
		return VERSION_ID_MALFORMED;
	for (size_t i = 0; i < LEN; i++) {
		unsigned char c = (unsigned char)text.data[i];

		if (!isalnum(c) && c != '.' && c != '_' && c != '-')
			return VERSION_ID_MALFORMED;
	}
	return VERSION_ID_UNKNOWN;
}

struct slice
version_id_cut(struct slice *source)
{
	const struct slice mark = SLICE("?versionId=");
	ptrdiff_t at = slice_find(*source, mark);
	struct slice version = SLICE_NULL;

	if (at < 0)
		return version;
	version = slice_from(*source, (size_t)at + mark.len);
	*source = slice_first(*source, (size_t)at);
	return version;
}
