/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/op/listing.h"

#include "s3api/checksum.h"
#include "s3api/xml/xml_writer.h"

enum s3_error
listing_parse(struct request *request, struct listing *out)
{
	struct slice encoding = request_param(request, "encoding-type");
	unsigned long max = LISTING_MAX;
	enum s3_error error =
		request_param_number(request, "max-keys", INT32_MAX, &max);

	if (error)
		return error;
	if (encoding.len > 0 && !slice_equal_nocase(encoding, SLICE("url")))
		return error_set(&request->report, S3_INVALID_ARGUMENT,
			"Invalid Encoding Method specified in Request");
	*out = (struct listing){
		.prefix = request_param(request, "prefix"),
		.delimiter = request_param(request, "delimiter"),
		.max = max < LISTING_MAX ? max : LISTING_MAX,
		.url_encode = encoding.len > 0,
	};
	return S3_OK;
}

void
listing_write_head(const struct request *request, struct buffer *to,
	const struct listing *listing, const char *root, bool is_truncated)
{
	bool url = listing->url_encode;

	xml_writer_begin(to, root);
	xml_writer_text(to, "Name", request->bucket_name);
	xml_writer_key(to, "Prefix", listing->prefix, url);
	if (listing->delimiter.len > 0)
		xml_writer_key(to, "Delimiter", listing->delimiter, url);
	xml_writer_u64(to, "MaxKeys", listing->max);
	if (url)
		xml_writer_str(to, "EncodingType", "url");
	xml_writer_bool(to, "IsTruncated", is_truncated);
}

void
listing_write_object(const struct request *request, struct buffer *to,
	const struct inode *inode, bool with_owner)
{
	xml_writer_time(to, "LastModified", inode->mtime_ns);
	xml_writer_etag(to, &inode->etag);
	if (inode->checksum_kind) {
		xml_writer_str(to, "ChecksumAlgorithm",
			checksum_name(inode->checksum_kind));
		xml_writer_str(to, "ChecksumType",
			checksum_type_name(inode->is_checksum_composite));
	}
	xml_writer_u64(to, "Size", inode->size);
	if (with_owner)
		xml_writer_person(to, "Owner",
			slice_str(request->bucket.owner));
	xml_writer_str(to, "StorageClass", "STANDARD");
}

void
listing_write_prefix(struct buffer *to, const struct listing *listing,
	struct slice prefix)
{
	xml_writer_open(to, "CommonPrefixes");
	xml_writer_key(to, "Prefix", prefix, listing->url_encode);
	xml_writer_close(to, "CommonPrefixes");
}
