/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "store/meta/key.h"
#include "store/organization.h"
#include "tests/store/names.h"
#include "tests/store/objects.h"
#include "tests/support/temp_store.h"

Test(bucket, is_there_once_it_was_created)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	struct bucket made, found;
	struct inode root;

	cr_assert(eq(int, organization_create(temp.store, SLICE("acme")),
		STORE_OK));
	cr_assert(eq(int,
		bucket_create(temp.store, SLICE("photos"), SLICE("acme"),
			&made),
		STORE_OK));

	cr_assert(eq(int, bucket_get(temp.store, SLICE("photos"), &found),
		STORE_OK));
	cr_expect(eq(u64, found.ino, made.ino));
	cr_expect(eq(str, found.name, "photos"));
	cr_expect(eq(str, found.owner, "acme"));
	cr_expect(eq(str, found.region, "default"));
	cr_expect(eq(i64, found.created_ns, made.created_ns));
	cr_assert(eq(int, bucket_get_by_ino(temp.store, made.ino, &found),
		STORE_OK));
	cr_expect(eq(str, found.name, "photos"));
	cr_assert(eq(int, tree_inode(temp.store, made.ino, NULL, &root),
		STORE_OK));
	cr_expect(eq(u32, root.mode, S_IFDIR | 0755));
	cr_expect(eq(u64, root.parent, INODE_ROOT));
	cr_expect(eq(u64, names_objects(temp.store, made.ino), 0));
	cr_expect(names_are_sound(temp.store));
}

Test(bucket, outlives_the_store_that_made_it)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t ino = names_bucket(temp.store, "photos");
	struct bucket found;

	temp_store_reopen(&temp);

	cr_assert(eq(int, bucket_get(temp.store, SLICE("photos"), &found),
		STORE_OK));
	cr_expect(eq(u64, found.ino, ino));
}

Test(bucket, is_created_once)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t ino = names_bucket(temp.store, "photos");
	struct bucket found;

	cr_expect(eq(int,
		bucket_create(temp.store, SLICE("photos"), SLICE("other"),
			&found),
		STORE_BUCKET_EXISTS));
	cr_expect(eq(u64, found.ino, ino));
	cr_expect(eq(str, found.owner, "default"));
	cr_expect(eq(int,
		bucket_create(temp.store, SLICE("Photos"), SLICE("default"),
			&found),
		STORE_BAD_NAME));
	cr_expect(eq(int,
		bucket_create(temp.store, SLICE("other"),
			SLICE("an organization of so long a name that it does "
			      "not fit "
			      "into the room there is"),
			&found),
		STORE_INVALID));
}

Test(bucket, is_created_with_its_documents_or_not_at_all)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	scoped(arena_free) struct arena arena = {0};
	const struct bucket_document documents[] = {
		{SLICE("tagging"), SLICE("tags")},
		{SLICE("acl"), SLICE("list")}};
	const struct bucket_document others[] = {
		{SLICE("tagging"), SLICE("other")}, {SLICE(""), SLICE("x")}};
	struct bucket bucket;
	struct slice found;

	cr_expect(eq(int,
		bucket_create_with(temp.store, SLICE("photos"),
			SLICE("default"), others, 2, false, &bucket),
		STORE_INVALID));
	cr_expect(eq(int, bucket_get(temp.store, SLICE("photos"), &bucket),
		STORE_NO_BUCKET));
	cr_assert(zero(int,
		bucket_create_with(temp.store, SLICE("photos"),
			SLICE("default"), documents, 2, false, &bucket)));
	cr_expect(eq(int,
		bucket_create_with(temp.store, SLICE("photos"),
			SLICE("default"), others, 1, false, &bucket),
		STORE_BUCKET_EXISTS));

	for (size_t i = 0; i < array_len(documents); i++) {
		cr_assert(zero(int,
			bucket_get_document(temp.store, bucket.ino,
				documents[i].kind, &arena, &found)));
		cr_expect(slice_equal(found, documents[i].value));
	}
}

Test(bucket, that_is_not_there_is_not_found)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	struct bucket bucket;
	struct usage usage;
	char name[600];

	memset(name, 'n', sizeof(name));
	cr_expect(eq(int, bucket_get(temp.store, SLICE("none"), &bucket),
		STORE_NO_BUCKET));
	cr_expect(eq(int,
		bucket_get(temp.store, slice_of(name, sizeof(name)), &bucket),
		STORE_NO_BUCKET));
	cr_expect(eq(int, bucket_get(temp.store, SLICE_NULL, &bucket),
		STORE_NO_BUCKET));
	cr_expect(eq(int, bucket_get_by_ino(temp.store, 77, &bucket),
		STORE_NO_BUCKET));
	cr_expect(eq(int, bucket_delete(temp.store, SLICE("none")),
		STORE_NO_BUCKET));
	cr_expect(eq(int, usage_of_bucket(temp.store, 77, &usage),
		STORE_NO_BUCKET));
}

Test(bucket, all_are_listed_in_order_page_by_page)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	static const char *const names[] = {"aaa", "bbb", "bbb-c", "zzz"};
	struct bucket buckets[4];
	size_t count;

	for (size_t i = 4; i-- > 0;)
		names_bucket(temp.store, names[i]);

	cr_assert(eq(int,
		bucket_list(temp.store, SLICE_NULL, buckets, 4, &count),
		STORE_OK));
	cr_assert(eq(sz, count, 4));
	for (size_t i = 0; i < 4; i++)
		cr_expect(eq(str, buckets[i].name, (char *)names[i]));
	cr_assert(eq(int,
		bucket_list(temp.store, SLICE("bbb"), buckets, 1, &count),
		STORE_OK));
	cr_assert(eq(sz, count, 1));
	cr_expect(eq(str, buckets[0].name, "bbb-c"));
	cr_assert(eq(int,
		bucket_list(temp.store, SLICE("b"), buckets, 0, &count),
		STORE_OK));
	cr_expect(eq(sz, count, 0));
	cr_assert(eq(int,
		bucket_list(temp.store, SLICE("zzz"), buckets, 4, &count),
		STORE_OK));
	cr_expect(eq(sz, count, 0));
}

Test(bucket, documents_are_kept_as_given)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	scoped(arena_free) struct arena arena = {0};
	uint64_t ino = names_bucket(temp.store, "photos");
	struct slice first = SLICE("{\"a\":1}"), second = SLICE("<b/>"), got;
	char kind[161];

	memset(kind, 'k', sizeof(kind));
	cr_expect(eq(int,
		bucket_get_document(temp.store, ino, SLICE("cors"), &arena,
			&got),
		STORE_NOT_FOUND));
	cr_assert(eq(int,
		bucket_set_document(temp.store, ino, SLICE("cors"), &first),
		STORE_OK));
	cr_assert(eq(int,
		bucket_set_document(temp.store, ino, SLICE("cors"), &second),
		STORE_OK));
	cr_assert(eq(int,
		bucket_get_document(temp.store, ino, SLICE("cors"), &arena,
			&got),
		STORE_OK));
	cr_expect(slice_equal(got, second));
	cr_expect(eq(int,
		bucket_set_document(temp.store, ino, SLICE("cors"), NULL),
		STORE_OK));
	cr_expect(eq(int,
		bucket_get_document(temp.store, ino, SLICE("cors"), &arena,
			&got),
		STORE_NOT_FOUND));
	cr_expect(eq(int,
			  bucket_set_document(temp.store, ino, SLICE("cors"),
				  NULL),
			  STORE_OK),
		"removing what is not there is no error");
	cr_expect(eq(int,
		bucket_set_document(temp.store, ino,
			slice_of(kind, sizeof(kind)), &first),
		STORE_INVALID));
}

Test(bucket, documents_are_listed_by_the_beginning_of_their_kind)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	scoped(arena_free) struct arena arena = {0};
	static const char *const kinds[] = {"a/2", "a/1", "b/1", "a"};
	struct bucket_document *documents;
	size_t count;

	for (size_t i = 0; i < array_len(kinds); i++) {
		struct slice value = slice_str(kinds[i]);

		cr_assert(eq(int,
			bucket_set_document(temp.store, 7, value, &value),
			STORE_OK));
		cr_assert(eq(int,
			bucket_set_document(temp.store, 8, value, &value),
			STORE_OK));
	}

	cr_assert(eq(int,
		bucket_list_documents(temp.store, 7, SLICE("a/"), &arena,
			&documents, &count),
		STORE_OK));

	cr_assert(eq(sz, count, 2));
	cr_expect(slice_equal(documents[0].kind, SLICE("a/1")));
	cr_expect(slice_equal(documents[0].value, SLICE("a/1")));
	cr_expect(slice_equal(documents[1].kind, SLICE("a/2")));
	cr_assert(eq(int,
		bucket_list_documents(temp.store, 7, SLICE("c"), &arena,
			&documents, &count),
		STORE_OK));
	cr_expect(eq(sz, count, 0));
	cr_expect(eq(int,
		bucket_list_documents(temp.store, 7, SLICE(""), &arena,
			&documents, &count),
		STORE_INVALID));
}
