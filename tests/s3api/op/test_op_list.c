/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/s3api/op/served.h"

/* photos with empty objects of these keys, percent-encoded. */
static struct served
start_with(const char *const *keys, size_t count)
{
	struct served served = served_start();

	served_bucket(&served, "photos");
	for (size_t i = 0; i < count; i++)
		served_put(&served, served_text(&served, "/photos/%s", keys[i]),
			"");
	return served;
}

static struct served
start_with_tree(void)
{
	static const char *const keys[] = {
		"a", "b/1", "b/2", "b/c/3", "b0", "d/", "d/e", "f"};

	return start_with(keys, array_len(keys));
}

/* Keys, then common prefixes, of a listing with these parameters. */
static void
expect_list(struct served *served, const char *params, const char *keys,
	const char *prefixes)
{
	scoped(buffer_free) struct buffer all = {0};
	const struct s3_reply *reply = served_ask(served, "GET",
		served_text(served, "/photos?%s", params));

	for (unsigned int i = 0;
		s3_client_element(reply, "CommonPrefixes", i).data; i++) {
		struct slice text =
			s3_client_element(reply, "CommonPrefixes", i);

		/* <Prefix>TEXT</Prefix> */
		buffer_append(&all, slice_of(text.data + 8, text.len - 17));
		buffer_append_char(&all, ' ');
	}
	buffer_append_char(&all, '\0');
	cr_expect(eq(uint, reply->status, 200), "%s", params);
	served_expect_elements(reply, "Key", keys);
	cr_expect(eq(str, all.data, (char *)prefixes), "%s", params);
}

Test(op_list, gives_keys_in_the_order_of_their_bytes)
{
	static const char *const keys[] = {"a/b", "a-b", "a", "a0", "A",
		"%C3%A9", "z", "%F0%9F%98%80", "%EF%BF%BD"};
	scoped(served_stop) struct served served =
			start_with(keys, array_len(keys));

	expect_list(&served, "",
		"A a a-b a/b a0 z \xc3\xa9 \xef\xbf\xbd "
		"\xf0\x9f\x98\x80 ",
		"");
	expect_list(&served, "list-type=2",
		"A a a-b a/b a0 z \xc3\xa9 "
		"\xef\xbf\xbd \xf0\x9f\x98\x80 ",
		"");
}

Test(op_list, cuts_by_prefix_and_delimiter)
{
	scoped(served_stop) struct served served = start_with_tree();

	expect_list(&served, "prefix=b", "b/1 b/2 b/c/3 b0 ", "");
	expect_list(&served, "delimiter=%2F", "a b0 f ", "b/ d/ ");
	expect_list(&served, "prefix=b%2F&delimiter=%2F", "b/1 b/2 ", "b/c/ ");
	expect_list(&served, "prefix=d%2F&delimiter=%2F", "d/ d/e ", "");
	expect_list(&served, "prefix=d&delimiter=%2F", "", "d/ ");
	expect_list(&served, "prefix=none", "", "");
	expect_list(&served,
		"prefix=&delimiter=", "a b/1 b/2 b/c/3 b0 d/ d/e f ", "");
}

Test(op_list, takes_any_string_for_a_delimiter)
{
	static const char *const keys[] = {
		"asdf", "boo/bar", "boo/baz/xyzzy", "cquux/thud", "cquux/bla"};
	scoped(served_stop) struct served served =
			start_with(keys, array_len(keys));

	expect_list(&served, "delimiter=a", "cquux/thud ",
		"a boo/ba cquux/bla ");
	expect_list(&served, "delimiter=oo%2Fb", "asdf cquux/bla cquux/thud ",
		"boo/b ");
	expect_list(&served, "delimiter=%2Fbaz%2F",
		"asdf boo/bar cquux/bla cquux/thud ", "boo/baz/ ");
	expect_list(&served, "delimiter=%0A",
		"asdf boo/bar boo/baz/xyzzy cquux/bla cquux/thud ", "");
}

Test(op_list, shows_markers_of_directories_and_empty_names)
{
	static const char *const keys[] = {
		"a//b", "a/", "b/.", "b/..", "/x", "/"};
	scoped(served_stop) struct served served =
			start_with(keys, array_len(keys));

	expect_list(&served, "", "/ /x a/ a//b b/. b/.. ", "");
	expect_list(&served, "delimiter=%2F", "", "/ a/ b/ ");
	expect_list(&served, "prefix=a%2F&delimiter=%2F", "a/ ", "a// ");
	expect_list(&served, "prefix=a%2F%2F&delimiter=%2F", "a//b ", "");
}

Test(op_list, v1_goes_on_after_the_marker)
{
	scoped(served_stop) struct served served = start_with_tree();

	const struct s3_reply *first =
		served_ask(&served, "GET", "/photos?max-keys=2&delimiter=%2F");

	served_expect_elements(first, "IsTruncated", "true ");
	served_expect_elements(first, "NextMarker", "b/ ");
	served_expect_elements(first, "MaxKeys", "2 ");
	served_expect_elements(first, "Marker", " ");
	expect_list(&served, "max-keys=2&delimiter=%2F&marker=b%2F", "b0 ",
		"d/ ");
	expect_list(&served, "delimiter=%2F&marker=d%2F", "f ", "");
	expect_list(&served, "marker=b%2F1", "b/2 b/c/3 b0 d/ d/e f ", "");
	expect_list(&served, "marker=bb", "d/ d/e f ", "");
	expect_list(&served, "marker=zzz", "", "");
	expect_list(&served, "marker=a&prefix=b%2F", "b/1 b/2 b/c/3 ", "");
}

/* Walks all pages of a V2 listing; gives how many there were. */
static unsigned int
walk_pages(struct served *served, const char *params, struct buffer *keys)
{
	const char *next = "";
	unsigned int pages = 0;

	for (;;) {
		const struct s3_reply *reply = served_ask(served, "GET",
			served_text(served, "/photos?list-type=2&%s%s", params,
				next));
		struct slice token =
			s3_client_element(reply, "NextContinuationToken", 0);
		scoped(buffer_free) struct buffer encoded = {0};

		cr_assert(eq(uint, reply->status, 200));
		for (unsigned int i = 0;
			s3_client_element(reply, "Key", i).data; i++) {
			buffer_append(keys, s3_client_element(reply, "Key", i));
			buffer_append_char(keys, ' ');
		}
		pages++;
		if (!token.data)
			break;
		for (size_t i = 0; i < token.len; i++)
			buffer_printf(&encoded, "%%%02X",
				(unsigned char)token.data[i]);
		next = served_text(served, "&continuation-token=%.*s",
			(int)encoded.len, encoded.data);
	}
	buffer_append_char(keys, '\0');
	return pages;
}

Test(op_list, v2_goes_on_by_its_token)
{
	static const char *const keys[] = {
		"a", "a%25b", "a%01", "b/%C3%A4", "b/c", "d%26"};
	scoped(served_stop) struct served served =
			start_with(keys, array_len(keys));
	scoped(buffer_free) struct buffer all = {0};

	cr_expect(eq(uint, walk_pages(&served, "max-keys=1", &all), 6));
	cr_expect(eq(str, all.data, "a a&#x1; a%b b/c b/\xc3\xa4 d&amp; "));
	served_expect_elements(served_ask(&served, "GET",
				       "/photos?list-type=2&max-keys=2"),
		"KeyCount", "2 ");
}

Test(op_list, v2_starts_after_a_key_until_there_is_a_token)
{
	scoped(served_stop) struct served served = start_with_tree();

	const struct s3_reply *reply = served_ask(&served, "GET",
		"/photos?list-type=2&start-after=b%2F2&max-keys=1");

	served_expect_elements(reply, "Key", "b/c/3 ");
	served_expect_elements(reply, "StartAfter", "b/2 ");
	served_expect_elements(reply, "NextContinuationToken", "1b/c/3 ");
	expect_list(&served, "list-type=2&start-after=a&continuation-token=1b0",
		"d/ d/e f ", "");
}

Test(op_list, v2_gives_owners_when_asked)
{
	scoped(served_stop) struct served served = start_with_tree();

	served_expect_elements(served_ask(&served, "GET",
				       "/photos?list-type=2&max-keys=1"),
		"ID", "");
	served_expect_elements(
		served_ask(&served, "GET",
			"/photos?list-type=2&max-keys=1&fetch-owner=true"),
		"ID", "default ");
	served_expect_elements(served_ask(&served, "GET", "/photos?max-keys=1"),
		"ID", "default ");
}

Test(op_list, bounds_its_pages)
{
	scoped(served_stop) struct served served = start_with_tree();

	const struct s3_reply *none =
		served_ask(&served, "GET", "/photos?max-keys=0");
	const struct s3_reply *many =
		served_ask(&served, "GET", "/photos?max-keys=2000");

	served_expect_elements(none, "Key", "");
	served_expect_elements(none, "IsTruncated", "false ");
	served_expect_elements(none, "MaxKeys", "0 ");
	served_expect_elements(many, "MaxKeys", "1000 ");
	served_expect_elements(many, "IsTruncated", "false ");
}

Test(op_list, codes_keys_when_asked)
{
	static const char *const keys[] = {"a%20b/%01", "c%2Bd%26%C3%A4"};
	scoped(served_stop) struct served served =
			start_with(keys, array_len(keys));

	expect_list(&served, "encoding-type=url", "a%20b/%01 c%2Bd%26%C3%A4 ",
		"");
	expect_list(&served, "encoding-type=url&delimiter=%2F",
		"c%2Bd%26%C3%A4 ", "a%20b/ ");
	expect_list(&served, "", "a b/&#x1; c+d&amp;\xc3\xa4 ", "");
	served_expect_elements(
		served_ask(&served, "GET",
			"/photos?encoding-type=url&prefix=a%20b&delimiter=%20"
			"&max-keys=1"),
		"EncodingType", "url ");
	served_expect_elements(served_ask(&served, "GET",
				       "/photos?encoding-type=url&max-keys=1"),
		"NextMarker", "a%20b/%01 ");
}

Test(op_list, refuses_what_is_no_parameter)
{
	scoped(served_stop) struct served served = start_with_tree();
	static const char *const params[] = {"max-keys=-1", "max-keys=x",
		"max-keys=2147483648", "encoding-type=base64", "list-type=1",
		"list-type=2&continuation-token=",
		"list-type=2&continuation-token=oops",
		"list-type=2&continuation-token=1%25zz"};

	for (size_t i = 0; i < array_len(params); i++)
		served_expect_refusal(served_ask(&served, "GET",
					      served_text(&served, "/photos?%s",
						      params[i])),
			400, "InvalidArgument");
	served_expect_refusal(served_ask(&served, "GET", "/none"), 404,
		"NoSuchBucket");
	served_expect_refusal(served_ask(&served, "GET", "/photos?prefix=%zz"),
		400, "InvalidURI");
}

Test(op_list, bears_parameters_that_are_no_text)
{
	scoped(served_stop) struct served served = start_with_tree();

	expect_list(&served, "prefix=%FF", "", "");
	expect_list(&served, "marker=%FF", "", "");
	expect_list(&served, "delimiter=%FF%00", "a b/1 b/2 b/c/3 b0 d/ d/e f ",
		"");
	served_expect_elements(served_ask(&served, "GET",
				       "/photos?marker=%FF%3C"),
		"Marker", "\xef\xbf\xbd&lt; ");
}

Test(op_list, pages_of_1000)
{
	scoped(served_stop) struct served served = served_start();
	scoped(buffer_free) struct buffer all = {0};

	served_bucket(&served, "photos");
	for (unsigned int i = 0; i < 1003; i++)
		served_put(&served,
			served_text(&served, "/photos/d%u/%04u", i % 2, i), "");

	cr_expect(eq(uint, walk_pages(&served, "fetch-owner=false", &all), 2));
	expect_list(&served, "delimiter=%2F&max-keys=1", "", "d0/ ");
	expect_list(&served, "delimiter=%2F&max-keys=1&marker=d0%2F", "",
		"d1/ ");
	served_expect_elements(served_ask(&served, "GET", "/photos"),
		"IsTruncated", "true ");
}

Test(op_list, objects_of_a_bucket_without_versions_are_their_own_only_one)
{
	scoped(served_stop) struct served served = start_with_tree();

	const struct s3_reply *reply = served_ask(&served, "GET",
		"/photos?versions&prefix=b&delimiter=%2F");

	served_expect_elements(reply, "Key", "b0 ");
	served_expect_elements(reply, "VersionId", "null ");
	served_expect_elements(reply, "IsLatest", "true ");
	served_expect_elements(reply, "Size", "0 ");
	served_expect_elements(reply, "ETag",
		"&quot;d41d8cd98f00b204e9800998ecf8427e&quot; ");
	served_expect_elements(reply, "ID", "default ");
	served_expect_elements(reply, "StorageClass", "STANDARD ");
	served_expect_elements(reply, "KeyMarker", " ");
	served_expect_elements(reply, "VersionIdMarker", " ");
	served_expect_elements(reply, "NextKeyMarker", "");
	served_expect_elements(reply, "IsTruncated", "false ");
	cr_expect(eq(uint, s3_client_element_count(reply, "Version"), 1));
	cr_expect(slice_find(reply->body, SLICE("<ListVersionsResult ")) > 0);
	expect_list(&served, "versions", "a b/1 b/2 b/c/3 b0 d/ d/e f ", "");
	expect_list(&served, "versions&delimiter=%2F", "a b0 f ", "b/ d/ ");
}

Test(op_list, versions_come_in_pages)
{
	scoped(served_stop) struct served served = start_with_tree();

	const struct s3_reply *first =
		served_ask(&served, "GET", "/photos?versions&max-keys=2");
	const struct s3_reply *next = served_ask(&served, "GET",
		"/photos?versions&max-keys=2&delimiter=%2F&encoding-type=url"
		"&key-marker=b%2Fc%2F3&version-id-marker=null");

	served_expect_elements(first, "Key", "a b/1 ");
	served_expect_elements(first, "IsTruncated", "true ");
	served_expect_elements(first, "MaxKeys", "2 ");
	served_expect_elements(first, "NextKeyMarker", "b/1 ");
	served_expect_elements(first, "NextVersionIdMarker", "null ");
	served_expect_elements(next, "Key", "b0 ");
	served_expect_elements(next, "KeyMarker", "b/c/3 ");
	served_expect_elements(next, "VersionIdMarker", "null ");
	served_expect_elements(next, "NextKeyMarker", "d/ ");
	served_expect_elements(next, "NextVersionIdMarker", "");
	expect_list(&served, "versions&key-marker=b",
		"b/1 b/2 b/c/3 b0 d/ d/e f ", "");
	expect_list(&served, "versions&key-marker=f&version-id-marker=null", "",
		"");
}

Test(op_list, refuses_versions_after_none)
{
	scoped(served_stop) struct served served = start_with_tree();
	static const char *const params[] = {"version-id-marker=null",
		"key-marker=a&version-id-marker=",
		"key-marker=a&version-id-marker=1", "max-keys=x",
		"encoding-type=base64"};

	for (size_t i = 0; i < array_len(params); i++)
		served_expect_refusal(served_ask(&served, "GET",
					      served_text(&served,
						      "/photos?versions&%s",
						      params[i])),
			400, "InvalidArgument");
	served_expect_refusal(served_ask(&served, "GET", "/none?versions"), 404,
		"NoSuchBucket");
	served_expect_refusal(served_ask(&served, "DELETE", "/photos?versions"),
		501, "NotImplemented");
}
