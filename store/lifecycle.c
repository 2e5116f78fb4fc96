/* SPDX-License-Identifier: Apache-2.0 */
#include "store/lifecycle.h"

#include "store/base/clock.h"
#include "store/base/codec.h"

#define VERSION 1

enum flag {
	ENABLED = 1 << 0,
	HAS_PREFIX = 1 << 1,
	HAS_ABOVE = 1 << 2,
	HAS_BELOW = 1 << 3,
	HAS_MARKER = 1 << 4,
	MARKER = 1 << 5,
	FLAGS = (1 << 6) - 1,
};

/* --- encoding ------------------------------------------------------------- */

static uint16_t
flags_of(const struct lifecycle_rule *rule)
{
	return (uint16_t)((rule->is_enabled ? ENABLED : 0) |
			  (rule->has_prefix ? HAS_PREFIX : 0) |
			  (rule->has_above ? HAS_ABOVE : 0) |
			  (rule->has_below ? HAS_BELOW : 0) |
			  (rule->has_marker ? HAS_MARKER : 0) |
			  (rule->marker ? MARKER : 0));
}

static void
encode_rule(struct buffer *to, const struct lifecycle_rule *rule)
{
	codec_encode_sized16(to, rule->id);
	codec_encode_u16(to, flags_of(rule));
	codec_encode_u8(to, (uint8_t)rule->form);
	codec_encode_sized16(to, rule->prefix);
	codec_encode_sized16(to, rule->tags);
	codec_encode_u64(to, rule->above);
	codec_encode_u64(to, rule->below);
	codec_encode_u32(to, rule->expire_days);
	codec_encode_i64(to, rule->expire_date_ns);
	codec_encode_u32(to, rule->noncurrent_days);
	codec_encode_u32(to, rule->noncurrent_newer);
	codec_encode_u32(to, rule->abort_days);
}

void
lifecycle_encode(struct buffer *to, const struct lifecycle_rules *rules)
{
	codec_encode_u8(to, VERSION);
	codec_encode_u8(to, (uint8_t)rules->minimum);
	codec_encode_u16(to, (uint16_t)rules->count);
	for (size_t i = 0; i < rules->count; i++)
		encode_rule(to, &rules->rules[i]);
}

static void
decode_rule(struct decoder *decoder, struct lifecycle_rule *rule)
{
	rule->id = codec_decode_sized16(decoder);
	unsigned int flags = codec_decode_u16(decoder);
	unsigned int form = codec_decode_u8(decoder);
	rule->prefix = codec_decode_sized16(decoder);
	rule->tags = codec_decode_sized16(decoder);
	rule->above = codec_decode_u64(decoder);
	rule->below = codec_decode_u64(decoder);
	rule->expire_days = codec_decode_u32(decoder);
	rule->expire_date_ns = codec_decode_i64(decoder);
	rule->noncurrent_days = codec_decode_u32(decoder);
	rule->noncurrent_newer = codec_decode_u32(decoder);
	rule->abort_days = codec_decode_u32(decoder);
	if (flags & ~(unsigned int)FLAGS || form >= LIFECYCLE_FORMS ||
		!inode_attrs_are_valid(rule->tags))
		decoder->is_bad = true;
	rule->form = (enum lifecycle_form)form;
	rule->is_enabled = flags & ENABLED;
	rule->has_prefix = flags & HAS_PREFIX;
	rule->has_above = flags & HAS_ABOVE;
	rule->has_below = flags & HAS_BELOW;
	rule->has_marker = flags & HAS_MARKER;
	rule->marker = flags & MARKER;
}

bool
lifecycle_decode(struct slice bytes, struct arena *arena,
	struct lifecycle_rules *out)
{
	struct decoder decoder = codec_decoder(bytes);
	bool is_good = codec_decode_u8(&decoder) == VERSION;
	unsigned int minimum = codec_decode_u8(&decoder);
	size_t count = codec_decode_u16(&decoder);

	*out = (struct lifecycle_rules){.encoded = bytes};
	if (!is_good || minimum >= LIFECYCLE_MINIMUMS ||
		count > LIFECYCLE_RULES_MAX)
		return false;
	out->minimum = (enum lifecycle_minimum)minimum;
	out->rules = arena_new_array(arena, count, struct lifecycle_rule);
	out->count = count;
	for (size_t i = 0; i < count && !decoder.is_bad; i++)
		decode_rule(&decoder, &out->rules[i]);
	return !decoder.is_bad && codec_decode_left(&decoder) == 0;
}

enum store_err
lifecycle_read(struct store *store, uint64_t bucket, struct arena *arena,
	struct lifecycle_rules *out)
{
	struct slice bytes;
	enum store_err err = bucket_get_document(store, bucket,
		SLICE(LIFECYCLE_KIND), arena, &bytes);

	if (err)
		return err;
	return lifecycle_decode(bytes, arena, out) ? STORE_OK : STORE_CORRUPT;
}

/* --- which rule, and when ------------------------------------------------- */

/* The first midnight that is not before so many days are over. */
static int64_t
midnight_after(int64_t from_ns, uint32_t days)
{
	int64_t ns;

	if (from_ns < 0)
		from_ns = 0;
	if (__builtin_mul_overflow((int64_t)days, CLOCK_NS_PER_DAY, &ns) ||
		__builtin_add_overflow(ns, from_ns, &ns) ||
		__builtin_add_overflow(ns, CLOCK_NS_PER_DAY - 1, &ns))
		return INT64_MAX;
	return ns - ns % CLOCK_NS_PER_DAY;
}

/* Both are in the order of their kinds and names. */
static bool
has_tags(struct slice attrs, struct slice tags)
{
	struct inode_attr tag;
	struct inode_attr attr;

	while (inode_attr_next(&tags, &tag)) {
		int order = -1;

		while (order < 0 && inode_attr_next(&attrs, &attr))
			order = attr.kind == INODE_ATTR_TAG
					? slice_compare(attr.name, tag.name)
					: (int)attr.kind - INODE_ATTR_TAG;
		if (order != 0 || !slice_equal(attr.value, tag.value))
			return false;
	}
	return true;
}

static bool
fits(const struct lifecycle_rule *rule, struct slice key,
	const struct inode *inode)
{
	return slice_has_prefix(key, rule->prefix) &&
	       (!rule->has_above || inode->size > rule->above) &&
	       (!rule->has_below || inode->size < rule->below) &&
	       has_tags(inode->attrs, rule->tags);
}

static int64_t
when_of(const struct lifecycle_rule *rule, const struct inode *inode)
{
	int64_t from_ns = inode->mtime_ns > inode->birth_ns ? inode->mtime_ns
							    : inode->birth_ns;

	return rule->expire_days ? midnight_after(from_ns, rule->expire_days)
				 : rule->expire_date_ns;
}

/* A directory that S3 has not made is somebody's place, whatever has been put
 * there since. */
static bool
can_expire(const struct inode *inode)
{
	return !inode_is_dir(inode) || (inode->flags & INODE_FROM_S3);
}

bool
lifecycle_rule_takes(const struct lifecycle_rule *rule, struct slice key,
	const struct inode *inode, int64_t now_ns)
{
	return lifecycle_rule_expires(rule) && can_expire(inode) &&
	       when_of(rule, inode) <= now_ns && fits(rule, key, inode);
}

static bool
fits_marker(const struct lifecycle_rule *rule, struct slice key)
{
	return rule->tags.len == 0 && !rule->has_above && !rule->has_below &&
	       slice_has_prefix(key, rule->prefix);
}

bool
lifecycle_rule_drops(const struct lifecycle_rule *rule, struct slice key,
	const struct inode *inode, int64_t since_ns, int64_t now_ns)
{
	if (!rule->is_enabled || !rule->noncurrent_days ||
		midnight_after(since_ns, rule->noncurrent_days) > now_ns)
		return false;
	return inode->flags & INODE_MARKER ? fits_marker(rule, key)
					   : fits(rule, key, inode);
}

bool
lifecycle_rule_unmarks(const struct lifecycle_rule *rule, struct slice key,
	const struct inode *inode, int64_t now_ns)
{
	bool is_due = rule->marker || (lifecycle_rule_expires(rule) &&
					      when_of(rule, inode) <= now_ns);

	return rule->is_enabled && is_due && fits_marker(rule, key);
}

const struct lifecycle_rule *
lifecycle_expires(const struct lifecycle_rules *rules, struct slice key,
	const struct inode *inode, int64_t *when_ns)
{
	const struct lifecycle_rule *first = NULL;

	for (size_t i = 0; i < rules->count && can_expire(inode); i++) {
		const struct lifecycle_rule *rule = &rules->rules[i];

		if (!lifecycle_rule_expires(rule))
			continue;
		int64_t then_ns = when_of(rule, inode);
		if ((first && then_ns >= *when_ns) || !fits(rule, key, inode))
			continue;
		first = rule;
		*when_ns = then_ns;
	}
	return first;
}

const struct lifecycle_rule *
lifecycle_aborts(const struct lifecycle_rules *rules, struct slice key,
	int64_t created_ns, int64_t *when_ns)
{
	const struct lifecycle_rule *first = NULL;

	for (size_t i = 0; i < rules->count; i++) {
		const struct lifecycle_rule *rule = &rules->rules[i];

		if (!rule->is_enabled || !rule->abort_days ||
			!slice_has_prefix(key, rule->prefix) ||
			(first && rule->abort_days >= first->abort_days))
			continue;
		first = rule;
		*when_ns = midnight_after(created_ns, rule->abort_days);
	}
	return first;
}
