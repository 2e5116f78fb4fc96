/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/op/range.h"

#include "store/base/text.h"

static enum s3_error
refuse(struct request *request, uint64_t size)
{
	enum s3_error error =
		error_set(&request->report, S3_INVALID_RANGE, NULL);

	error_add(&request->report, "RangeRequested",
		request_header(request, "range"));
	error_add(&request->report, "ActualObjectSize",
		arena_printf(request->arena, "%llu", (unsigned long long)size));
	return error;
}

/* "FIRST-LAST", "FIRST-", "-COUNT" after "bytes=". */
struct spec {
	bool has_first;
	bool has_last;
	unsigned long first;
	unsigned long last;
};

/* An offset beyond all objects is one, however many digits it has. */
static bool
parse_offset(struct slice text, unsigned long *out)
{
	if (!text_is_digits(text))
		return false;
	if (!slice_to_u64(text, INT64_MAX, out))
		*out = INT64_MAX;
	return true;
}

static bool
parse_spec(struct slice text, struct spec *out)
{
	ptrdiff_t dash = slice_find_char(text, '-');
	struct slice first, last;

	if (dash < 0)
		return false;
	first = slice_first(text, (size_t)dash);
	last = slice_from(text, (size_t)dash + 1);
	out->has_first = first.len > 0;
	out->has_last = last.len > 0;
	if (!out->has_first && !out->has_last)
		return false;
	if (out->has_first && !parse_offset(first, &out->first))
		return false;
	if (out->has_last && !parse_offset(last, &out->last))
		return false;
	return !out->has_first || !out->has_last || out->first <= out->last;
}

enum s3_error
range_parse(struct request *request, uint64_t size, struct range *out,
	bool *is_partial)
{
	struct slice text = request_header(request, "range");
	struct slice unit = SLICE("bytes=");
	struct spec spec = {0};

	*out = (struct range){0, size};
	*is_partial = false;
	if (!slice_has_prefix(text, unit) || slice_find_char(text, ',') >= 0 ||
		!parse_spec(slice_from(text, unit.len), &spec))
		return S3_OK;
	if (!spec.has_first) {
		if (spec.last == 0)
			return refuse(request, size);
		/* All of it, as of any that is shorter. */
		if (size == 0)
			return S3_OK;
		out->len = spec.last < size ? spec.last : size;
		out->start = size - out->len;
	} else {
		if (spec.first >= size)
			return refuse(request, size);
		out->start = spec.first;
		out->len = size - spec.first;
		if (spec.has_last && spec.last - spec.first + 1 < out->len)
			out->len = spec.last - spec.first + 1;
	}
	*is_partial = true;
	return S3_OK;
}

enum s3_error
range_parse_copy(struct request *request, uint64_t size, struct range *out)
{
	struct slice text = request_header(request, "x-amz-copy-source-range");
	struct slice unit = SLICE("bytes=");
	struct spec spec = {0};

	if (!slice_has_prefix(text, unit) ||
		!parse_spec(slice_from(text, unit.len), &spec) ||
		!spec.has_first || !spec.has_last)
		return error_set(&request->report, S3_INVALID_ARGUMENT,
			"The x-amz-copy-source-range value must be of the "
			"form bytes=first-last where first and last are the "
			"zero-based offsets of the first and last bytes to "
			"copy");
	if (spec.last >= size)
		return error_set(&request->report, S3_INVALID_ARGUMENT,
			"Range specified is not valid for source object");
	*out = (struct range){spec.first, spec.last - spec.first + 1};
	return S3_OK;
}
