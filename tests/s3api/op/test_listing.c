/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/op/listing.h"

#include "store/base/digest.h"
#include "tests/s3api/op/asked.h"

#define DECLARED "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
#define NAMESPACE " xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\""

static void
expect_text(const struct buffer *buffer, const char *text)
{
	cr_expect(slice_equal(buffer_slice(buffer), slice_str(text)),
		"%.*s is not %s", (int)buffer->len, (char *)buffer->data, text);
}

Test(listing, takes_what_the_query_says)
{
	scoped(asked_free) struct asked asked;
	struct listing listing;

	asked_init(&asked);
	asked_add_param(&asked, "prefix", "a/");
	asked_add_param(&asked, "delimiter", "//");
	asked_add_param(&asked, "max-keys", "7");
	asked_add_param(&asked, "encoding-type", "URL");

	cr_assert(eq(int, listing_parse(&asked.request, &listing), S3_OK));
	cr_expect(slice_equal(listing.prefix, SLICE("a/")));
	cr_expect(slice_equal(listing.delimiter, SLICE("//")));
	cr_expect(eq(ulong, listing.max, 7));
	cr_expect(listing.url_encode);
}

Test(listing, has_pages_of_a_bounded_length)
{
	static const struct {
		const char *text; /* NULL: not said */
		unsigned long max;
		enum s3_error error;
	} rows[] = {
		{NULL, 1000, S3_OK},
		{"0", 0, S3_OK},
		{"999", 999, S3_OK},
		{"1000", 1000, S3_OK},
		{"1001", 1000, S3_OK},
		{"2147483647", 1000, S3_OK},
		{"2147483648", 0, S3_INVALID_ARGUMENT},
		{"-1", 0, S3_INVALID_ARGUMENT},
		{"x", 0, S3_INVALID_ARGUMENT},
	};

	for (size_t i = 0; i < array_len(rows); i++) {
		scoped(asked_free) struct asked asked;
		struct listing listing = {.max = 0};

		asked_init(&asked);
		if (rows[i].text)
			asked_add_param(&asked, "max-keys", rows[i].text);
		cr_expect(eq(int, listing_parse(&asked.request, &listing),
				  rows[i].error),
			"%s", rows[i].text);
		cr_expect(eq(ulong, listing.max, rows[i].max), "%s",
			rows[i].text);
		cr_expect(not(listing.url_encode));
	}
}

Test(listing, knows_one_encoding)
{
	static const struct {
		const char *text;
		enum s3_error error;
		bool url_encode;
	} rows[] = {
		{"url", S3_OK, true},
		{"Url", S3_OK, true},
		{"", S3_OK, false},
		{"base64", S3_INVALID_ARGUMENT, false},
	};

	for (size_t i = 0; i < array_len(rows); i++) {
		scoped(asked_free) struct asked asked;
		struct listing listing = {.max = 0};

		asked_init(&asked);
		asked_add_param(&asked, "encoding-type", rows[i].text);
		cr_expect(eq(int, listing_parse(&asked.request, &listing),
			rows[i].error));
		cr_expect(eq(int, asked.request.report.error, rows[i].error));
		cr_expect(eq(int, listing.url_encode, rows[i].url_encode));
	}
}

Test(listing, begins_with_what_was_asked_for)
{
	static const struct {
		struct listing listing;
		bool is_truncated;
		const char *text;
	} rows[] = {
		{{.max = 5}, false,
			DECLARED "<List" NAMESPACE "><Name>bucket</Name>"
				 "<Prefix></Prefix><MaxKeys>5</MaxKeys>"
				 "<IsTruncated>false</IsTruncated>"},
		{{SLICE("a b"), SLICE("&"), 1000, false}, true,
			DECLARED "<List" NAMESPACE "><Name>bucket</Name>"
				 "<Prefix>a b</Prefix>"
				 "<Delimiter>&amp;</Delimiter>"
				 "<MaxKeys>1000</MaxKeys>"
				 "<IsTruncated>true</IsTruncated>"},
		{{SLICE("a b"), SLICE("&"), 1, true}, true,
			DECLARED "<List" NAMESPACE "><Name>bucket</Name>"
				 "<Prefix>a%20b</Prefix>"
				 "<Delimiter>%26</Delimiter>"
				 "<MaxKeys>1</MaxKeys>"
				 "<EncodingType>url</EncodingType>"
				 "<IsTruncated>true</IsTruncated>"},
	};

	for (size_t i = 0; i < array_len(rows); i++) {
		scoped(asked_free) struct asked asked;
		scoped(buffer_free) struct buffer buffer = {0};

		asked_init(&asked);
		listing_write_head(&asked.request, &buffer, &rows[i].listing,
			"List", rows[i].is_truncated);
		expect_text(&buffer, rows[i].text);
	}
}

Test(listing, tells_of_an_object_what_is_known_of_it)
{
#define HEAD                                                                   \
	"<LastModified>1970-01-01T00:00:01.500Z</LastModified>"                \
	"<ETag>&quot;00000000000000000000000000000000&quot;</ETag>"
#define TAIL "<StorageClass>STANDARD</StorageClass>"
	static const struct {
		uint8_t kind;
		bool is_composite;
		bool with_owner;
		const char *text;
	} rows[] = {
		{0, false, false, HEAD "<Size>9</Size>" TAIL},
		{0, false, true,
			HEAD "<Size>9</Size><Owner><ID>owner</ID>"
			     "<DisplayName>owner</DisplayName></Owner>" TAIL},
		{DIGEST_CRC32C, true, false,
			HEAD "<ChecksumAlgorithm>CRC32C</ChecksumAlgorithm>"
			     "<ChecksumType>COMPOSITE</ChecksumType>"
			     "<Size>9</Size>" TAIL},
		{DIGEST_SHA256, false, false,
			HEAD "<ChecksumAlgorithm>SHA256</ChecksumAlgorithm>"
			     "<ChecksumType>FULL_OBJECT</ChecksumType>"
			     "<Size>9</Size>" TAIL},
	};

	for (size_t i = 0; i < array_len(rows); i++) {
		scoped(asked_free) struct asked asked;
		scoped(buffer_free) struct buffer buffer = {0};
		const struct inode inode = {
			.mtime_ns = 1500000000,
			.size = 9,
			.checksum_kind = rows[i].kind,
			.is_checksum_composite = rows[i].is_composite,
		};

		asked_init(&asked);
		listing_write_object(&asked.request, &buffer, &inode,
			rows[i].with_owner);
		expect_text(&buffer, rows[i].text);
	}
}

Test(listing, codes_prefixes_when_asked)
{
	static const char *const texts[] = {
		"<CommonPrefixes><Prefix>a b&lt;/</Prefix></CommonPrefixes>",
		"<CommonPrefixes><Prefix>a%20b%3C/</Prefix></CommonPrefixes>",
	};

	for (size_t i = 0; i < array_len(texts); i++) {
		scoped(buffer_free) struct buffer buffer = {0};
		const struct listing listing = {.url_encode = i == 1};

		listing_write_prefix(&buffer, &listing, SLICE("a b</"));
		expect_text(&buffer, texts[i]);
	}
}
