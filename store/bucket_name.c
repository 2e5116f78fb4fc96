/* SPDX-License-Identifier: Apache-2.0 */
#include "store/base/text.h"
#include "store/bucket_private.h"

/* Four numbers with dots between: a client takes it for a host. */
static bool
looks_like_address(struct slice name)
{
	struct slice piece;
	size_t numbers = 0;

	while (slice_split(&name, '.', &piece)) {
		unsigned long number;

		if (!slice_to_u64(piece, 999, &number))
			return false;
		numbers++;
	}
	return numbers == 4;
}

bool
bucket_name_is_valid(struct slice name)
{
	if (name.len < 3 || name.len > BUCKET_NAME_MAX)
		return false;
	if (!text_is_lower_plain(name, "-.") ||
		!text_is_lower_plain(slice_first(name, 1), "") ||
		!text_is_lower_plain(slice_from(name, name.len - 1), ""))
		return false;
	return slice_find(name, SLICE("..")) < 0 &&
	       !slice_has_prefix(name, SLICE("xn--")) &&
	       !slice_has_suffix(name, SLICE("-s3alias")) &&
	       !looks_like_address(name);
}

bool
bucket_name_is_reserved(struct slice name)
{
	return slice_has_prefix(name, SLICE("cw-")) ||
	       slice_has_prefix(name, SLICE("vip-"));
}
