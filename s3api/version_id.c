/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/version_id.h"

#include <ctype.h>

#include "store/versioning.h"

#define LEN_OF_S3 32

static bool
is_of_s3(struct slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.data[i];

		if (!isalnum(c) && c != '.' && c != '_' && c != '-')
			return false;
	}
	return text.len == LEN_OF_S3;
}

bool
version_id_parse(struct slice text, struct version_ref *out)
{
	if (version_parse(text, out))
		return true;
	/* No version that has an id has that number. */
	*out = (struct version_ref){VERSION_NUMBER, 0};
	return is_of_s3(text) || slice_equal(text, SLICE("0000000000000000"));
}

bool
version_id_is_told(struct store *store, uint64_t bucket)
{
	enum versioning versioning;

	return !versioning_get(store, bucket, &versioning) &&
	       versioning != VERSIONING_NEVER;
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
