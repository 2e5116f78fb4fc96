/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>

#include "fs/name.h"

static const char *
shown(struct slice component, bool has_twin)
{
	static char to[NAME_MAX_SHOWN + 1];

	name_show(component, has_twin, to);
	return to;
}

Test(name, an_ordinary_name_is_shown_as_it_is)
{
	cr_expect(eq(str, (char *)shown(SLICE("a b%c.txt"), false),
		"a b%c.txt"));
	cr_expect(eq(str, (char *)shown(SLICE("dir/"), false), "dir"));
	cr_expect(eq(str, (char *)shown(SLICE(".tarn"), false), ".tarn"));
}

Test(name, what_posix_cannot_show_is_escaped)
{
	cr_expect(eq(str, (char *)shown(SLICE("/"), false), ".tarn~e~"));
	cr_expect(eq(str, (char *)shown(SLICE("."), false), ".tarn~e~."));
	cr_expect(eq(str, (char *)shown(SLICE("../"), false), ".tarn~e~.."));
	cr_expect(eq(str, (char *)shown(SLICE("a\0%"), false),
		".tarn~e~a%00%25"));
	cr_expect(eq(str, (char *)shown(SLICE(".tarn~x"), false),
		".tarn~e~.tarn~x"));
	cr_expect(eq(str, (char *)shown(SLICE("a"), true), ".tarn~f~a"));
}

Test(name, a_long_name_is_shown_by_its_beginning_and_its_hash)
{
	char bytes[300];
	struct name name;
	uint8_t hash[NAME_HASH_LEN];

	memset(bytes, 'x', sizeof(bytes));
	const char *text = shown(slice_of(bytes, sizeof(bytes)), false);

	cr_expect(eq(sz, strlen(text), NAME_MAX_SHOWN));
	cr_assert(not(name_parse(slice_str(text), &name)));
	cr_expect(eq(int, (int)name.form, NAME_LONG));
	name_hash(slice_of(bytes, sizeof(bytes)), hash);
	cr_expect(not(memcmp(name.hash, hash, sizeof(hash))));
	cr_expect(not(memcmp(name.text, bytes, name.len)));
}

Test(name, a_long_name_is_not_cut_within_a_character)
{
	char bytes[400];
	struct name name;

	for (size_t i = 0; i + 2 < sizeof(bytes); i += 3)
		memcpy(bytes + i, "\xe2\x82\xac", 3);
	struct slice component = slice_of(bytes, 399);

	cr_assert(not(name_parse(slice_str(shown(component, false)), &name)));
	cr_expect(slice_is_utf8(name_text(&name)));
}

Test(name, a_name_that_looks_like_an_escape_but_is_none_means_nothing)
{
	static const char *const bad[] = {".tarn~", ".tarn~x", ".tarn~e~a",
		".tarn~e~%41", ".tarn~e~%", ".tarn~f~", ".tarn~l~00~x",
		".tarn~e~%2e"};
	struct name name;

	for (size_t i = 0; i < array_len(bad); i++)
		cr_expect(eq(int, name_parse(slice_str(bad[i]), &name),
				  STORE_BAD_NAME),
			"%s", bad[i]);
}

Test(name, a_name_over_255_bytes_is_too_long)
{
	char bytes[256];
	struct name name;

	memset(bytes, 'x', sizeof(bytes));

	cr_expect(eq(int, name_parse(slice_of(bytes, 256), &name),
		STORE_NAME_TOO_LONG));
	cr_expect(eq(int, name_parse(slice_of(bytes, 255), &name), STORE_OK));
}

/* xorshift64: the same numbers in every run. */
static uint64_t
next_number(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* Of an alphabet in which every special case is near. */
static size_t
draw(uint64_t *state, char *to, size_t max)
{
	static const char *const pieces[] = {".", "..", "%", "%00", "%25", "~",
		".tarn~", "e~", "f~", "l~", "a", "\xc3\xa9",
		"\xf0\x9f\x98\x80"};
	size_t count = next_number(state) % 12;
	size_t len = 0;

	for (size_t i = 0; i < count; i++) {
		const char *piece =
			pieces[next_number(state) % array_len(pieces)];
		size_t piece_len = strlen(piece);

		if (next_number(state) % 10 == 0) {
			to[len++] = '\0';
			continue;
		}
		if (len + piece_len > max)
			break;
		memcpy(to + len, piece, piece_len);
		len += piece_len;
	}
	return len;
}

Test(name, every_component_comes_back_from_what_it_is_shown_as)
{
	char text[NAME_MAX_SHOWN];
	uint64_t state = 1;

	for (int i = 0; i < 200000; i++) {
		bool has_twin = next_number(&state) % 4 == 0;
		struct slice component = slice_of(text, draw(&state, text, 60));
		struct name name;

		if (has_twin && component.len == 0)
			continue;
		const char *as = shown(component, has_twin);
		size_t len = strlen(as);

		cr_assert(not(name_parse(slice_of(as, len), &name)));
		cr_assert(slice_equal(name_text(&name), component));
		cr_assert(eq(int, (int)name.form,
			(int)(has_twin ? NAME_FILE : NAME_PLAIN)));
		cr_assert(len > 0 && !strchr(as, '/'));
		cr_assert(strcmp(as, ".") != 0 && strcmp(as, "..") != 0);
	}
}

Test(name, every_name_that_means_something_is_what_it_is_shown_as)
{
	char text[NAME_MAX_SHOWN];
	uint64_t state = 2;

	for (int i = 0; i < 200000; i++) {
		size_t len = draw(&state, text, 60);
		struct name name;

		if (len == 0 || memchr(text, 0, len) ||
			slice_equal(slice_of(text, len), SLICE(".")) ||
			slice_equal(slice_of(text, len), SLICE("..")))
			continue;
		if (name_parse(slice_of(text, len), &name))
			continue;
		if (name.form == NAME_LONG)
			continue;
		const char *as =
			shown(name_text(&name), name.form == NAME_FILE);
		cr_assert(slice_equal(slice_str(as), slice_of(text, len)));
	}
}
