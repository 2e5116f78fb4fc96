/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "store/meta/key.h"

Test(key, numbers_sort_as_numbers)
{
	struct key small = key_u64(255);
	struct key large = key_u64(256);

	cr_expect(lt(int, slice_compare(key_slice(&small), key_slice(&large)),
		0));
	small = key_u64_u64(1, UINT64_MAX);
	large = key_u64_u64(2, 0);
	cr_expect(lt(int, slice_compare(key_slice(&small), key_slice(&large)),
		0));
}

Test(key, names_sort_as_bytes_below_their_parent)
{
	struct key file = key_dentry(7, SLICE("a-"));
	struct key dir = key_dentry(7, SLICE("a/"));
	struct key next = key_dentry(7, SLICE("a0"));
	struct key other = key_dentry(8, SLICE(""));

	cr_expect(lt(int, slice_compare(key_slice(&file), key_slice(&dir)), 0));
	cr_expect(lt(int, slice_compare(key_slice(&dir), key_slice(&next)), 0));
	cr_expect(lt(int, slice_compare(key_slice(&next), key_slice(&other)),
		0));
}

Test(key, the_longest_component_fits)
{
	char name[KEY_CHUNK];

	memset(name, 'n', sizeof(name));
	struct key key = key_dentry(1, slice_of(name, sizeof(name)));

	cr_expect(le(sz, key.len, DB_KEY_MAX));
}

Test(key, what_was_joined_is_split)
{
	struct key key = key_dentry(0x0123456789abcdef, SLICE("name"));
	struct slice name;
	uint64_t first;
	uint64_t second;

	cr_expect(eq(int, key_split_dentry(key_slice(&key), &first, &name),
		STORE_OK));
	cr_expect(eq(u64, first, 0x0123456789abcdef));
	cr_expect(slice_equal(name, SLICE("name")));
	key = key_u64(42);
	cr_expect(eq(int, key_split_u64(key_slice(&key), &first), STORE_OK));
	cr_expect(eq(u64, first, 42));
	key = key_u64_u64(1, 2);
	cr_expect(eq(int, key_split_u64_u64(key_slice(&key), &first, &second),
		STORE_OK));
	cr_expect(eq(u64, first, 1));
	cr_expect(eq(u64, second, 2));
	key = key_text(SLICE("text"));
	cr_expect(slice_equal(key_slice(&key), SLICE("text")));
}

Test(key, wrong_lengths_are_refused)
{
	struct slice name;
	uint64_t first;
	uint64_t second;

	cr_expect(eq(int, key_split_dentry(SLICE("1234567"), &first, &name),
		STORE_CORRUPT));
	cr_expect(eq(int, key_split_u64(SLICE("123456789"), &first),
		STORE_CORRUPT));
	cr_expect(eq(int, key_split_u64(SLICE_NULL, &first), STORE_CORRUPT));
	cr_expect(eq(int, key_split_u64_u64(SLICE("12345678"), &first, &second),
		STORE_CORRUPT));
}
