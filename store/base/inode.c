/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An attribute is its kind (1 byte), its name behind a 16-bit length and its
 * value behind a 32-bit one.
 */
#include "store/base/inode.h"

#include <stdio.h>

#include "store/base/codec.h"
#include "store/base/text.h"

#define ATTR_KIND_LAST INODE_ATTR_REPLICATION

size_t
inode_etag_text(const struct inode_etag *etag, char to[INODE_ETAG_TEXT_LEN + 1])
{
	int len;

	text_to_hex(etag->value, sizeof(etag->value), to);
	if (etag->parts == 0)
		return 32;
	len = snprintf(to + 32, INODE_ETAG_TEXT_LEN + 1 - 32, "-%u",
		etag->parts);
	return 32 + (size_t)len;
}

bool
inode_etag_equal(const struct inode_etag *one, const struct inode_etag *other)
{
	return one->parts == other->parts &&
	       memcmp(one->value, other->value, sizeof(one->value)) == 0;
}

bool
inode_etag_parse(struct slice text, struct inode_etag *etag)
{
	struct inode_etag parsed = {.parts = 0};
	unsigned long parts;

	if (text.len >= 2 && text.data[0] == '"' &&
		text.data[text.len - 1] == '"')
		text = slice_of(text.data + 1, text.len - 2);
	if (!text_from_hex(slice_first(text, 32), parsed.value,
		    sizeof(parsed.value)))
		return false;
	if (text.len > 32) {
		if (text.len < 34 || text.data[32] != '-' ||
			text.data[33] == '0')
			return false;
		if (!slice_to_u64(slice_from(text, 33), UINT32_MAX, &parts))
			return false;
		parsed.parts = (uint32_t)parts;
	}
	*etag = parsed;
	return true;
}

bool
inode_attr_next(struct slice *rest, struct inode_attr *attr)
{
	struct decoder decoder = codec_decoder(*rest);
	uint8_t kind = codec_decode_u8(&decoder);
	struct slice name = codec_decode_sized16(&decoder);
	struct slice value = codec_decode_sized32(&decoder);

	if (decoder.is_bad || kind == 0 || kind > ATTR_KIND_LAST)
		return false;
	*rest = slice_from(*rest, rest->len - codec_decode_left(&decoder));
	*attr = (struct inode_attr){kind, name, value};
	return true;
}

/* Where (kind, name) sorts against an attribute. */
static int
attr_compare(enum inode_attr_kind kind, struct slice name,
	const struct inode_attr *attr)
{
	if (kind != attr->kind)
		return kind < attr->kind ? -1 : 1;
	return slice_compare(name, attr->name);
}

int
inode_attr_compare_names(const void *a, const void *b)
{
	const struct inode_attr *first = a;
	const struct inode_attr *second = b;

	return slice_compare(first->name, second->name);
}

bool
inode_attr_find(struct slice attrs, enum inode_attr_kind kind,
	struct slice name, struct slice *value)
{
	struct inode_attr attr;

	while (inode_attr_next(&attrs, &attr)) {
		if (attr.kind == kind && slice_equal(attr.name, name)) {
			*value = attr.value;
			return true;
		}
	}
	return false;
}

bool
inode_attrs_are_valid(struct slice attrs)
{
	struct inode_attr attr;
	struct inode_attr last = {.name = SLICE_NULL};

	if (attrs.len > INODE_ATTRS_MAX)
		return false;
	while (attrs.len > 0) {
		if (!inode_attr_next(&attrs, &attr))
			return false;
		if (attr_compare(last.kind, last.name, &attr) >= 0)
			return false;
		last = attr;
	}
	return true;
}

void
inode_attr_append(struct buffer *to, const struct inode_attr *attr)
{
	codec_encode_u8(to, (uint8_t)attr->kind);
	codec_encode_sized16(to, attr->name);
	codec_encode_sized32(to, attr->value);
}

void
inode_attr_set(struct buffer *to, struct slice attrs, enum inode_attr_kind kind,
	struct slice name, const struct slice *value)
{
	struct inode_attr attr;
	struct inode_attr wanted = {.kind = kind, .name = name};
	bool is_done = !value;

	if (value)
		wanted.value = *value;
	while (inode_attr_next(&attrs, &attr)) {
		int order = attr_compare(kind, name, &attr);

		if (order <= 0 && !is_done) {
			inode_attr_append(to, &wanted);
			is_done = true;
		}
		if (order != 0)
			inode_attr_append(to, &attr);
	}
	if (!is_done)
		inode_attr_append(to, &wanted);
}

/* The next whose kind is (or is not) in the mask. */
static bool
next_of(struct slice *rest, uint32_t kinds, bool is_in, struct inode_attr *attr)
{
	while (inode_attr_next(rest, attr)) {
		if (((kinds >> attr->kind & 1) != 0) == is_in)
			return true;
	}
	return false;
}

void
inode_attrs_merge(struct buffer *to, struct slice a, struct slice b,
	uint32_t kinds)
{
	struct inode_attr from_a;
	struct inode_attr from_b;
	bool has_a = next_of(&a, kinds, false, &from_a);
	bool has_b = next_of(&b, kinds, true, &from_b);

	/* No kind comes from both, so the order of kinds is enough. */
	while (has_a || has_b) {
		if (has_a && (!has_b || from_a.kind < from_b.kind)) {
			inode_attr_append(to, &from_a);
			has_a = next_of(&a, kinds, false, &from_a);
		} else {
			inode_attr_append(to, &from_b);
			has_b = next_of(&b, kinds, true, &from_b);
		}
	}
}
