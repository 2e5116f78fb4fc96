/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/iam/policy_pattern.h"

#include "store/base/buffer.h"

#define ANY ((char)0xff)
#define ONE ((char)0xfe)

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c;
}

/* How far ? reaches: a character, or a byte that belongs to none. */
static size_t
character_len(struct slice text)
{
	size_t len = slice_utf8_len(text);

	return len > 0 ? len : 1;
}

static bool
may_go_on(uint64_t *steps)
{
	if (!steps)
		return true;
	if (*steps > 0)
		--*steps;
	return *steps > 0;
}

/*
 * Where a * has been passed, only the last one needs to be tried with more:
 * what lies before it has matched as early as it could.
 */
static bool
glob(struct slice pattern, struct slice text, bool is_nocase, uint64_t *steps)
{
	size_t p = 0;
	size_t t = 0;
	size_t retry_p = 0; /* 0: no * was passed yet */
	size_t retry_t = 0;

	while (may_go_on(steps)) {
		char c = p < pattern.len ? pattern.data[p] : '\0';

		if (p < pattern.len && c == ANY) {
			retry_p = ++p;
			retry_t = t;
		} else if (p == pattern.len && t == text.len) {
			return true;
		} else if (p < pattern.len && c == ONE && t < text.len) {
			t += character_len(slice_from(text, t));
			p++;
		} else if (p < pattern.len && t < text.len && c != ONE &&
			   (is_nocase ? lower(c) == lower(text.data[t])
				      : c == text.data[t])) {
			p++;
			t++;
		} else if (retry_p > 0 && retry_t < text.len) {
			retry_t += character_len(slice_from(text, retry_t));
			p = retry_p;
			t = retry_t;
		} else {
			return false;
		}
	}
	return false;
}

static bool
match_text(struct slice pattern, struct slice text, bool has_wildcards,
	bool is_nocase, const struct policy_context *context)
{
	if (!has_wildcards)
		return is_nocase ? slice_equal_nocase(pattern, text)
				 : slice_equal(pattern, text);
	return glob(pattern, text, is_nocase, context->steps);
}

/* --- compiling ------------------------------------------------------------ */

static char
compiled_char(char c, unsigned int flags)
{
	if (!(flags & POLICY_PATTERN_WILDCARDS))
		return c;
	return c == '*' ? ANY : c == '?' ? ONE : c;
}

/* ${key} or ${key, 'default'}, without its braces. */
static bool
compile_variable(struct slice inside, struct policy_piece *piece)
{
	ptrdiff_t comma = slice_find_char(inside, ',');
	struct slice name =
		comma < 0 ? inside : slice_first(inside, (size_t)comma);

	if (comma >= 0) {
		struct slice text =
			slice_trim(slice_from(inside, (size_t)comma + 1));

		if (text.len < 2 || text.data[0] != '\'' ||
			text.data[text.len - 1] != '\'')
			return false;
		piece->text = slice_of(text.data + 1, text.len - 2);
		piece->has_default = true;
	}
	return policy_key_parse(slice_trim(name), &piece->name);
}

static void
add_text(struct policy_piece *pieces, size_t *count, struct buffer *pending,
	struct arena *arena)
{
	if (pending->len == 0)
		return;
	pieces[(*count)++].text = arena_copy(arena, buffer_slice(pending));
	buffer_clear(pending);
}

/* Eats a ${...} at the front of *rest: text to come, or a piece. */
static bool
eat_variable(struct slice *rest, struct policy_piece *pieces, size_t *count,
	struct buffer *pending, struct arena *arena)
{
	ptrdiff_t end = slice_find_char(*rest, '}');

	if (end < 0)
		return false;

	struct slice inside = slice_of(rest->data + 2, (size_t)end - 2);

	*rest = slice_from(*rest, (size_t)end + 1);
	if (inside.len == 1 && strchr("*?$", inside.data[0])) {
		buffer_append_char(pending, inside.data[0]);
		return true;
	}
	add_text(pieces, count, pending, arena);
	return compile_variable(arena_copy(arena, inside), &pieces[(*count)++]);
}

/* Text and variable by turns. */
static size_t
pieces_max(struct slice text)
{
	size_t max = 1;

	for (size_t i = 0; i < text.len; i++)
		max += text.data[i] == '$' ? 2 : 0;
	return max;
}

static void
set_text(struct policy_pattern *pattern, struct slice text)
{
	size_t len = 0;

	while (len < text.len && text.data[len] != ANY && text.data[len] != ONE)
		len++;
	pattern->text = text;
	pattern->prefix_len = len;
	pattern->has_wildcards &= len < text.len;
}

static bool
compile_pieces(struct arena *arena, struct slice rest, unsigned int flags,
	struct policy_pattern *out)
{
	scoped(buffer_free) struct buffer pending = {0};
	struct policy_piece *pieces =
		arena_new_array(arena, pieces_max(rest), struct policy_piece);
	size_t count = 0;

	while (rest.len > 0) {
		if (slice_has_prefix(rest, SLICE("${"))) {
			if (!eat_variable(&rest, pieces, &count, &pending,
				    arena))
				return false;
			continue;
		}
		buffer_append_char(&pending,
			compiled_char(rest.data[0], flags));
		rest = slice_from(rest, 1);
	}
	add_text(pieces, &count, &pending, arena);
	if (count == 1 && pieces[0].name.key == POLICY_KEY_NONE) {
		set_text(out, pieces[0].text);
	} else {
		out->pieces = pieces;
		out->piece_count = count;
	}
	return true;
}

bool
policy_pattern_compile(struct arena *arena, struct slice text,
	unsigned int flags, struct policy_pattern *out)
{
	*out = (struct policy_pattern){
		.has_wildcards = flags & POLICY_PATTERN_WILDCARDS,
		.is_nocase = flags & POLICY_PATTERN_NOCASE,
	};
	if ((flags & POLICY_PATTERN_VARIABLES) &&
		slice_find(text, SLICE("${")) >= 0)
		return compile_pieces(arena, text, flags, out);

	char *bytes = arena_str(arena, text);

	for (size_t i = 0; i < text.len; i++)
		bytes[i] = compiled_char(bytes[i], flags);
	set_text(out, slice_of(bytes, text.len));
	return true;
}

/* --- matching ------------------------------------------------------------- */

struct expansion {
	char bytes[POLICY_PATTERN_MAX];
	size_t len;
};

static bool
expand(struct expansion *to, struct slice text)
{
	if (text.len > sizeof(to->bytes) - to->len)
		return false;
	memcpy(to->bytes + to->len, text.data, text.len);
	to->len += text.len;
	return true;
}

/* Invariant 1: no value may bring a wildcard with it. */
static bool
is_plain(struct slice value)
{
	return value.len == 0 || (!memchr(value.data, ANY, value.len) &&
					 !memchr(value.data, ONE, value.len));
}

static bool
expand_piece(struct expansion *to, const struct policy_piece *piece,
	const struct policy_context *context)
{
	struct policy_values values = {.count = 0};

	if (piece->name.key == POLICY_KEY_NONE)
		return piece->text.len == 0 || expand(to, piece->text);
	context->find(context->context, &piece->name, &values);
	if (values.count == 0 && piece->has_default)
		values = (struct policy_values){{piece->text}, 1};
	if (values.count != 1 || !is_plain(values.values[0]))
		return false;
	return values.values[0].len == 0 || expand(to, values.values[0]);
}

static enum policy_match
match_pieces(const struct policy_pattern *pattern, struct slice text,
	const struct policy_context *context)
{
	struct expansion expanded;

	expanded.len = 0;
	for (size_t i = 0; i < pattern->piece_count; i++) {
		if (!expand_piece(&expanded, &pattern->pieces[i], context))
			return POLICY_MATCH_UNRESOLVED;
	}
	return match_text(slice_of(expanded.bytes, expanded.len), text,
		       pattern->has_wildcards, pattern->is_nocase, context)
		       ? POLICY_MATCH_YES
		       : POLICY_MATCH_NO;
}

/* Most that do not match differ before the first wildcard. */
static bool
has_prefix(const struct policy_pattern *pattern, struct slice text)
{
	return text.len >= pattern->prefix_len &&
	       (pattern->is_nocase || !memcmp(text.data, pattern->text.data,
					      pattern->prefix_len));
}

enum policy_match
policy_pattern_match(const struct policy_pattern *pattern, struct slice text,
	const struct policy_context *context)
{
	if (pattern->piece_count > 0)
		return match_pieces(pattern, text, context);
	if (pattern->prefix_len > 0 && !has_prefix(pattern, text))
		return POLICY_MATCH_NO;
	return match_text(pattern->text, text, pattern->has_wildcards,
		       pattern->is_nocase, context)
		       ? POLICY_MATCH_YES
		       : POLICY_MATCH_NO;
}

bool
policy_pattern_glob_nocase(struct slice pattern, struct slice text)
{
	char compiled[256];

	if (pattern.len > sizeof(compiled))
		return false;
	for (size_t i = 0; i < pattern.len; i++)
		compiled[i] = compiled_char(pattern.data[i],
			POLICY_PATTERN_WILDCARDS);
	return glob(slice_of(compiled, pattern.len), text, true, NULL);
}
