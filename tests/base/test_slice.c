/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <limits.h>
#include <signal.h>

#include "store/base/slice.h"

Test(slice, equal_slices_have_the_same_bytes)
{
	cr_expect(slice_equal(SLICE("lake"), slice_str("lake")));
	cr_expect(slice_equal(SLICE_NULL, SLICE("")));
	cr_expect(not(slice_equal(SLICE("lake"), SLICE("lakes"))));
	cr_expect(not(slice_equal(SLICE("lake"), SLICE("Lake"))));
}

Test(slice, a_literal_may_hold_a_nul)
{
	cr_expect(eq(sz, SLICE("a\0b").len, 3));
	cr_expect(not(slice_equal(SLICE("a\0b"), SLICE("a\0c"))));
}

Test(slice, order_is_that_of_unsigned_bytes)
{
	cr_expect(lt(int, slice_compare(SLICE("a"), SLICE("b")), 0));
	cr_expect(gt(int, slice_compare(SLICE("\xff"), SLICE("a")), 0));
	cr_expect(eq(int, slice_compare(SLICE("ab"), SLICE("ab")), 0));
}

Test(slice, a_proper_prefix_comes_first)
{
	cr_expect(lt(int, slice_compare(SLICE("a"), SLICE("a\0")), 0));
	cr_expect(gt(int, slice_compare(SLICE("ab"), SLICE("a")), 0));
	cr_expect(lt(int, slice_compare(SLICE_NULL, SLICE("a")), 0));
	cr_expect(eq(int, slice_compare(SLICE_NULL, SLICE("")), 0));
}

Test(slice, nocase_folds_ascii_letters_only)
{
	cr_expect(slice_equal_nocase(SLICE("ETag"), SLICE("etAG")));
	cr_expect(not(slice_equal_nocase(SLICE("ETag"), SLICE("ETags"))));
	cr_expect(not(slice_equal_nocase(SLICE("@"), SLICE("`"))));
	cr_expect(not(slice_equal_nocase(SLICE("["), SLICE("{"))));
	cr_expect(not(slice_equal_nocase(SLICE("\xc4"), SLICE("\xe4"))));
}

Test(slice, prefix_and_suffix_are_whole_and_at_their_end)
{
	cr_expect(slice_has_prefix(SLICE("bucket/key"), SLICE("bucket/")));
	cr_expect(slice_has_suffix(SLICE("bucket/key"), SLICE("/key")));
	cr_expect(slice_has_prefix(SLICE("x"), SLICE_NULL));
	cr_expect(slice_has_suffix(SLICE_NULL, SLICE_NULL));
	cr_expect(not(slice_has_prefix(SLICE("bucket"), SLICE("ucket"))));
	cr_expect(not(slice_has_suffix(SLICE("bucket"), SLICE("bucke"))));
	cr_expect(not(slice_has_prefix(SLICE("ab"), SLICE("abc"))));
	cr_expect(not(slice_has_suffix(SLICE("bc"), SLICE("abc"))));
}

Test(slice, from_may_start_at_the_end)
{
	cr_expect(slice_equal(slice_from(SLICE("abc"), 1), SLICE("bc")));
	cr_expect(eq(sz, slice_from(SLICE("abc"), 3).len, 0));
	cr_expect(eq(sz, slice_from(SLICE_NULL, 0).len, 0));
}

Test(slice, from_beyond_the_end_is_a_bug, .signal = SIGABRT)
{
	slice_from(SLICE("abc"), 4);
}

Test(slice, first_takes_no_more_than_there_is)
{
	cr_expect(slice_equal(slice_first(SLICE("abc"), 2), SLICE("ab")));
	cr_expect(slice_equal(slice_first(SLICE("abc"), 9), SLICE("abc")));
}

Test(slice, trim_removes_spaces_and_tabs_and_nothing_else)
{
	cr_expect(slice_equal(slice_trim(SLICE(" \t a b\t")), SLICE("a b")));
	cr_expect(slice_equal(slice_trim(SLICE("\na\r")), SLICE("\na\r")));
	cr_expect(eq(sz, slice_trim(SLICE(" \t ")).len, 0));
	cr_expect(eq(sz, slice_trim(SLICE_NULL).len, 0));
	cr_expect(slice_equal(slice_trim_lines(SLICE("\r\n\t a\nb \n")),
		SLICE("a\nb")));
	cr_expect(slice_equal(slice_trim_lines(SLICE("\0a\0")),
		SLICE("\0a\0")));
}

Test(slice, find_gives_the_first_occurrence)
{
	cr_expect(eq(long, slice_find(SLICE("abcbc"), SLICE("bc")), 1));
	cr_expect(eq(long, slice_find(SLICE("abc"), SLICE("")), 0));
	cr_expect(eq(long, slice_find(SLICE("abc"), SLICE("abcd")), -1));
	cr_expect(eq(long, slice_find(SLICE("abc"), SLICE("x")), -1));
	cr_expect(eq(long, slice_find(SLICE_NULL, SLICE("x")), -1));
	cr_expect(eq(long, slice_find_char(SLICE("abcb"), 'b'), 1));
	cr_expect(eq(long, slice_find_char(SLICE("abc"), 'x'), -1));
	cr_expect(eq(long, slice_find_char(SLICE_NULL, 'x'), -1));
}

Test(slice, find_does_not_look_beyond_the_end)
{
	struct slice s = slice_first(SLICE("abc"), 2);

	cr_expect(eq(long, slice_find(s, SLICE("c")), -1));
	cr_expect(eq(long, slice_find_char(s, 'c'), -1));
}

Test(slice, split_gives_every_piece_also_the_empty_ones)
{
	static const char *const expected[] = {"a", "", "bc", ""};
	struct slice rest = SLICE("a,,bc,");
	struct slice piece;

	for (size_t i = 0; i < 4; i++) {
		cr_assert(slice_split(&rest, ',', &piece));
		cr_expect(slice_equal(piece, slice_str(expected[i])));
	}

	cr_expect(not(slice_split(&rest, ',', &piece)));
}

Test(slice, split_of_null_gives_nothing_and_of_empty_one_empty_piece)
{
	struct slice none = SLICE_NULL;
	struct slice empty = SLICE("");
	struct slice piece = SLICE("x");

	cr_expect(not(slice_split(&none, ',', &piece)));
	cr_expect(slice_split(&empty, ',', &piece));
	cr_expect(eq(sz, piece.len, 0));
	cr_expect(not(slice_split(&empty, ',', &piece)));
}

Test(slice, a_number_is_all_digits_and_no_more_than_max)
{
	unsigned long n = 7;

	cr_expect(slice_to_u64(SLICE("0"), 10, &n));
	cr_expect(eq(ulong, n, 0));
	cr_expect(slice_to_u64(SLICE("0010"), 10, &n));
	cr_expect(eq(ulong, n, 10));
	cr_expect(slice_to_u64(SLICE("18446744073709551615"), ULONG_MAX, &n));
	cr_expect(eq(ulong, n, ULONG_MAX));
}

Test(slice, what_is_no_number_leaves_the_result_alone)
{
	static const char *const bad[] = {"", "-1", "+1", " 1", "1 ", "1a",
		"0x1", "11", "18446744073709551616", "18446744073709551626",
		"99999999999999999999999", "/", ":"};
	unsigned long n = 7;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_expect(not(slice_to_u64(slice_str(bad[i]), 10, &n)),
			"\"%s\"", bad[i]);
	cr_expect(not(slice_to_u64(SLICE("18446744073709551616"), ULONG_MAX,
		&n)));
	cr_expect(eq(ulong, n, 7));
}

Test(slice, well_formed_utf8_of_every_length_is_accepted)
{
	cr_expect(slice_is_utf8(SLICE_NULL));
	cr_expect(slice_is_utf8(SLICE("plain\0ascii\x7f")));
	cr_expect(slice_is_utf8(SLICE("\xc2\x80 \xdf\xbf")));
	cr_expect(slice_is_utf8(SLICE("\xe0\xa0\x80 \xef\xbf\xbf")));
	cr_expect(slice_is_utf8(SLICE("\xed\x9f\xbf \xee\x80\x80")));
	cr_expect(slice_is_utf8(SLICE("\xf0\x90\x80\x80 \xf4\x8f\xbf\xbf")));
}

Test(slice, malformed_utf8_is_refused)
{
	static const char *const bad[] = {"\x80", "\xbf", "\xc0\x80",
		"\xc1\xbf", "\xc2", "\xc2 ", "\xc2\xc0", "\xe0\x9f\xbf",
		"\xe1\x80", "\xe1\x80 ", "\xed\xa0\x80", "\xed\xbf\xbf",
		"\xf0\x8f\xbf\xbf", "\xf0\x90\x80", "\xf0\x90\x80\xc0",
		"\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "ok\xfe"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_expect(not(slice_is_utf8(slice_str(bad[i]))), "case %zu", i);
}

Test(slice, a_character_that_goes_on_beyond_the_end_is_refused)
{
	cr_expect(not(slice_is_utf8(slice_first(SLICE("\xc2\x80"), 1))));
	cr_expect(not(slice_is_utf8(slice_first(SLICE("\xe1\x80\x80"), 2))));
	cr_expect(not(slice_is_utf8(slice_first(SLICE("\xf1\x80\x80\x80"),
		3))));
}

Test(slice, becomes_a_string_where_there_is_room_for_its_end)
{
	char to[4] = "old";

	cr_expect(not(slice_to_str(SLICE("abcd"), to, sizeof(to))));
	cr_expect(eq(str, to, "old"));
	cr_expect(slice_to_str(SLICE("abc"), to, sizeof(to)));
	cr_expect(eq(str, to, "abc"));
	cr_expect(slice_to_str(SLICE_NULL, to, sizeof(to)));
	cr_expect(eq(str, to, ""));
}

/* An encoder of our own, against the decoder's table. */
Test(slice, every_scalar_value_is_utf8_and_no_surrogate_is)
{
	for (unsigned c = 0x80; c < 0x110000; c++) {
		unsigned char b[4];
		size_t len = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
		bool is_surrogate = c >= 0xd800 && c < 0xe000;

		for (size_t i = len; i-- > 1;)
			b[i] = 0x80 | (c >> 6 * (len - 1 - i) & 0x3f);
		b[0] = (unsigned char)(0xf00 >> len | c >> 6 * (len - 1));
		if ((slice_utf8_len(slice_of(b, len)) == len) == is_surrogate)
			cr_fatal("U+%04X", c);
	}
}
