/* SPDX-License-Identifier: Apache-2.0 */
/*
 * S3 API: ListObjects, ListObjectsV2, ListObjectVersions: no bucket has ever
 * had versions, so each object is its only one, "null".  A continuation token
 * is the last key or common prefix of the page before, percent-encoded behind a
 * letter: what a client sends back need not be trusted, since it only says
 * where to go on.
 */
#include "s3api/checksum.h"
#include "s3api/op/op.h"
#include "s3api/reply.h"
#include "s3api/version_id.h"
#include "s3api/xml/xml_writer.h"
#include "store/base/text.h"
#include "store/list.h"

#define KEYS_MAX 1000
#define TOKEN_PREFIX "1"

struct listing {
	bool is_of_versions;
	struct list_request request;
	bool url_encode;
	bool with_owner;
	struct list_page page;
};

static enum s3_error
parse_common(struct request *request, struct listing *listing)
{
	struct slice encoding = request_param(request, "encoding-type");
	unsigned long max = KEYS_MAX;
	enum s3_error error =
		request_param_number(request, "max-keys", INT32_MAX, &max);

	if (error)
		return error;
	if (encoding.len > 0 && !slice_equal_nocase(encoding, SLICE("url")))
		return error_set(&request->report, S3_INVALID_ARGUMENT,
			"Invalid Encoding Method specified in Request");
	listing->url_encode = encoding.len > 0;
	listing->request = (struct list_request){
		.bucket = request->bucket.ino,
		.prefix = request_param(request, "prefix"),
		.delimiter = request_param(request, "delimiter"),
		.max = max < KEYS_MAX ? max : KEYS_MAX,
	};
	return S3_OK;
}

static enum s3_error
read_page(struct request *request, struct listing *listing)
{
	enum store_err err = STORE_OK;

	/* A page of nothing is complete, wherever it starts. */
	if (listing->request.max > 0)
		err = list_read(request->store, &listing->request,
			request->arena, &listing->page);
	return err ? reply_store_error(request, err) : S3_OK;
}

static void
write_object(const struct request *request, struct buffer *to,
	const struct listing *listing, const struct list_entry *entry)
{
	const char *element = listing->is_of_versions ? "Version" : "Contents";

	xml_writer_open(to, element);
	xml_writer_key(to, "Key", entry->key, listing->url_encode);
	if (listing->is_of_versions) {
		xml_writer_str(to, "VersionId", VERSION_ID_OF_ALL);
		xml_writer_bool(to, "IsLatest", true);
	}
	xml_writer_time(to, "LastModified", entry->inode.mtime_ns);
	xml_writer_etag(to, &entry->inode.etag);
	if (entry->inode.checksum_kind) {
		xml_writer_str(to, "ChecksumAlgorithm",
			checksum_name(entry->inode.checksum_kind));
		xml_writer_str(to, "ChecksumType",
			checksum_type_name(entry->inode.is_checksum_composite));
	}
	xml_writer_u64(to, "Size", entry->inode.size);
	if (listing->with_owner)
		xml_writer_person(to, "Owner",
			slice_str(request->bucket.owner));
	xml_writer_str(to, "StorageClass", "STANDARD");
	xml_writer_close(to, element);
}

static void
write_entries(const struct request *request, struct buffer *to,
	const struct listing *listing)
{
	const struct list_page *page = &listing->page;

	for (size_t i = 0; i < page->count; i++) {
		const struct list_entry *entry = &page->entries[i];

		if (!entry->is_prefix) {
			write_object(request, to, listing, entry);
			continue;
		}
		xml_writer_open(to, "CommonPrefixes");
		xml_writer_key(to, "Prefix", entry->key, listing->url_encode);
		xml_writer_close(to, "CommonPrefixes");
	}
}

static const char *
root_of(const struct listing *listing)
{
	return listing->is_of_versions ? "ListVersionsResult"
				       : "ListBucketResult";
}

static void
write_head(const struct request *request, struct buffer *to,
	const struct listing *listing)
{
	bool url = listing->url_encode;
	unsigned long max = KEYS_MAX;
	struct slice asked = request_param(request, "max-keys");

	xml_writer_begin(to, root_of(listing));
	xml_writer_text(to, "Name", request->bucket_name);
	xml_writer_key(to, "Prefix", listing->request.prefix, url);
	if (listing->request.delimiter.len > 0)
		xml_writer_key(to, "Delimiter", listing->request.delimiter,
			url);
	if (slice_to_u64(asked, INT32_MAX, &max) && max > KEYS_MAX)
		max = KEYS_MAX;
	xml_writer_u64(to, "MaxKeys", max);
	if (url)
		xml_writer_str(to, "EncodingType", "url");
	xml_writer_bool(to, "IsTruncated", listing->page.is_truncated);
}

/* The entries, and the end. */
static void
reply_listing(struct request *request, struct buffer *body,
	const struct listing *listing)
{
	write_entries(request, body, listing);
	xml_writer_close(body, root_of(listing));
	reply_xml(request, body);
}

static const struct list_entry *
last_entry(const struct list_page *page)
{
	return &page->entries[page->count - 1];
}

enum s3_error
op_list_v1(struct request *request)
{
	scoped(buffer_free) struct buffer body = {0};
	struct listing listing = {.with_owner = true};
	struct slice marker = request_param(request, "marker");
	enum s3_error error = parse_common(request, &listing);

	listing.request.after = marker;
	if (!error)
		error = read_page(request, &listing);
	if (error)
		return error;
	write_head(request, &body, &listing);
	xml_writer_key(&body, "Marker", marker, listing.url_encode);
	/* S3 gives NextMarker with a delimiter alone; all clients bear it
	 * always, and some need it. */
	if (listing.page.is_truncated)
		xml_writer_key(&body, "NextMarker",
			last_entry(&listing.page)->key, listing.url_encode);
	reply_listing(request, &body, &listing);
	return S3_OK;
}

static void
write_token(struct buffer *to, struct slice key)
{
	xml_writer_open(to, "NextContinuationToken");
	buffer_append_str(to, TOKEN_PREFIX);
	text_percent_encode(to, key, true);
	xml_writer_close(to, "NextContinuationToken");
}

static enum s3_error
parse_token(struct request *request, struct slice token, struct slice *key)
{
	scoped(buffer_free) struct buffer decoded = {0};
	struct slice prefix = SLICE(TOKEN_PREFIX);

	if (!slice_has_prefix(token, prefix) ||
		!text_percent_decode(&decoded, slice_from(token, prefix.len),
			false))
		return error_set(&request->report, S3_INVALID_ARGUMENT,
			"The continuation token provided is incorrect");
	*key = arena_copy(request->arena, buffer_slice(&decoded));
	return S3_OK;
}

static enum s3_error
parse_v2(struct request *request, struct listing *listing)
{
	struct slice token = request_param(request, "continuation-token");
	enum s3_error error = parse_common(request, listing);

	if (error)
		return error;
	if (!slice_equal(request_param(request, "list-type"), SLICE("2")))
		return error_set(&request->report, S3_INVALID_ARGUMENT,
			"Invalid List Type specified in Request");
	listing->with_owner =
		slice_equal_nocase(request_param(request, "fetch-owner"),
			SLICE("true"));
	listing->request.after = request_param(request, "start-after");
	if (!token.data)
		return S3_OK;
	if (token.len == 0)
		return error_set(&request->report, S3_INVALID_ARGUMENT,
			"The continuation token provided is incorrect");
	return parse_token(request, token, &listing->request.after);
}

enum s3_error
op_list_v2(struct request *request)
{
	scoped(buffer_free) struct buffer body = {0};
	struct listing listing = {0};
	struct slice token = request_param(request, "continuation-token");
	struct slice start = request_param(request, "start-after");
	enum s3_error error = parse_v2(request, &listing);

	if (!error)
		error = read_page(request, &listing);
	if (error)
		return error;
	write_head(request, &body, &listing);
	xml_writer_u64(&body, "KeyCount", listing.page.count);
	if (token.data)
		xml_writer_text(&body, "ContinuationToken", token);
	if (start.len > 0)
		xml_writer_key(&body, "StartAfter", start, listing.url_encode);
	if (listing.page.is_truncated)
		write_token(&body, last_entry(&listing.page)->key);
	reply_listing(request, &body, &listing);
	return S3_OK;
}

/* After the one version of a key comes the next key, as without an id. */
static enum s3_error
check_version_marker(struct request *request)
{
	const char *name = "version-id-marker";
	struct slice version = request_param(request, name);

	if (!version.data)
		return S3_OK;
	if (!request_has_param(request, "key-marker"))
		return request_refuse_argument(request,
			"A version-id marker cannot be specified without a key "
			"marker.",
			name, version);
	if (version.len == 0)
		return request_refuse_argument(request,
			"A version-id marker cannot be empty.", name, version);
	if (version_id_parse(version) != VERSION_ID_NULL)
		return request_refuse_argument(request,
			"Invalid version id specified", name, version);
	return S3_OK;
}

static void
write_next_version(struct buffer *to, const struct listing *listing)
{
	const struct list_entry *last = last_entry(&listing->page);

	xml_writer_key(to, "NextKeyMarker", last->key, listing->url_encode);
	if (!last->is_prefix)
		xml_writer_str(to, "NextVersionIdMarker", VERSION_ID_OF_ALL);
}

enum s3_error
op_list_versions(struct request *request)
{
	scoped(buffer_free) struct buffer body = {0};
	struct listing listing = {.is_of_versions = true, .with_owner = true};
	struct slice marker = request_param(request, "key-marker");
	enum s3_error error = parse_common(request, &listing);

	if (!error)
		error = check_version_marker(request);
	listing.request.after = marker;
	if (!error)
		error = read_page(request, &listing);
	if (error)
		return error;
	write_head(request, &body, &listing);
	xml_writer_key(&body, "KeyMarker", marker, listing.url_encode);
	xml_writer_text(&body, "VersionIdMarker",
		request_param(request, "version-id-marker"));
	if (listing.page.is_truncated)
		write_next_version(&body, &listing);
	reply_listing(request, &body, &listing);
	return S3_OK;
}
