/* SPDX-License-Identifier: Apache-2.0 */
#include "store/base/codec.h"
#include "store/base/text.h"
#include "store/meter_private.h"

#define HOUR_LEN 16

_Static_assert(sizeof(METER_SAMPLES) - 1 + ORGANIZATION_NAME_MAX + 1 +
			       BUCKET_NAME_MAX + 1 + HOUR_LEN <=
		       STORE_DOCUMENT_KIND_MAX,
	"the longest names are no kind");

static bool
can_be_told_apart(struct slice name)
{
	return slice_find_char(name, '/') < 0 && slice_find_char(name, 0) < 0;
}

bool
meter_name_make(struct slice organization, struct slice bucket, uint64_t hour,
	struct meter_name *out)
{
	out->hour = hour;
	return bucket.len > 0 && can_be_told_apart(organization) &&
	       can_be_told_apart(bucket) &&
	       slice_to_str(organization, out->organization,
		       sizeof(out->organization)) &&
	       slice_to_str(bucket, out->bucket, sizeof(out->bucket));
}

/* One number has one text: no capitals. */
static bool
parse_hour(struct slice text, uint64_t *hour)
{
	uint8_t bytes[HOUR_LEN / 2];
	char again[HOUR_LEN + 1];

	if (!text_from_hex(text, bytes, sizeof(bytes)))
		return false;
	text_to_hex(bytes, sizeof(bytes), again);
	*hour = codec_load_u64_big(bytes);
	return slice_equal(text, slice_of(again, HOUR_LEN));
}

bool
meter_name_parse(struct slice kind, struct meter_name *out)
{
	struct slice organization, bucket, rest;
	uint64_t hour;

	if (!slice_has_prefix(kind, SLICE(METER_SAMPLES)))
		return false;
	rest = slice_from(kind, strlen(METER_SAMPLES));
	return slice_split(&rest, '/', &organization) &&
	       slice_split(&rest, '/', &bucket) && parse_hour(rest, &hour) &&
	       meter_name_make(organization, bucket, hour, out);
}

struct store_document_kind
meter_name_kind(const struct meter_name *name)
{
	return store_document_kind(METER_SAMPLES "%s/%s/%016llx",
		name->organization, name->bucket,
		(unsigned long long)name->hour);
}

struct store_document_kind
meter_name_group(const struct meter_name *name)
{
	return store_document_kind(METER_SAMPLES "%s/%s/", name->organization,
		name->bucket);
}

struct store_document_kind
meter_name_group_end(const struct meter_name *name)
{
	_Static_assert('0' == '/' + 1, "nothing lies between");
	return store_document_kind(METER_SAMPLES "%s/%s0", name->organization,
		name->bucket);
}

struct store_document_kind
meter_name_after(const struct store_document_kind *kind)
{
	struct store_document_kind after = *kind;

	/* With a NUL behind, for which there is room. */
	after.text[after.len++] = '\0';
	return after;
}
