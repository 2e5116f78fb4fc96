/* SPDX-License-Identifier: Apache-2.0 */
/* S3 API: ListMultipartUploads. */
#include "s3api/checksum.h"
#include "s3api/op/op.h"
#include "s3api/reply.h"
#include "s3api/xml/xml_writer.h"
#include "store/upload.h"

#define PAGE 1000
/* Each looks at all uploads of the bucket: a request gives what it has found by
 * then, with a marker to go on from. */
#define PAGES_MAX 8

/* Uploads, and the common prefixes that stand for those below them. */
struct listing {
	struct slice prefix;
	struct slice delimiter;
	struct slice key_marker;
	struct slice id_marker;
	bool url_encode;
	bool own_only;
	unsigned long max;

	struct buffer uploads;
	struct buffer prefixes;
	unsigned long count;
	struct slice last_key; /* listed, or the common prefix */
	struct slice last_id;  /* empty after a common prefix */
	bool is_truncated;
};

static void
write_upload(const struct request *request, struct listing *listing,
	const struct upload_info *upload)
{
	struct buffer *to = &listing->uploads;

	xml_writer_open(to, "Upload");
	xml_writer_key(to, "Key", upload->key, listing->url_encode);
	xml_writer_str(to, "UploadId", upload->id);
	xml_writer_person(to, "Initiator", upload->initiator);
	xml_writer_person(to, "Owner", slice_str(request->bucket.owner));
	xml_writer_str(to, "StorageClass", "STANDARD");
	xml_writer_time(to, "Initiated", upload->created_ns);
	if (upload->checksum_kind) {
		xml_writer_str(to, "ChecksumAlgorithm",
			checksum_name(upload->checksum_kind));
		xml_writer_str(to, "ChecksumType",
			checksum_type_name(!upload->is_checksum_full));
	}
	xml_writer_close(to, "Upload");
}

/* The common prefix that the key belongs to, or SLICE_NULL. */
static struct slice
common_prefix(const struct listing *listing, struct slice key)
{
	struct slice rest = slice_from(key, listing->prefix.len);
	ptrdiff_t at;

	if (listing->delimiter.len == 0)
		return SLICE_NULL;
	at = slice_find(rest, listing->delimiter);
	if (at < 0)
		return SLICE_NULL;
	return slice_first(key,
		listing->prefix.len + (size_t)at + listing->delimiter.len);
}

/* False: the listing is full. */
static bool
add(const struct request *request, struct listing *listing,
	const struct upload_info *upload)
{
	struct slice prefix = common_prefix(listing, upload->key);

	if (prefix.data && (slice_equal(prefix, listing->last_key) ||
				   slice_equal(prefix, listing->key_marker)))
		return true;
	if (listing->count == listing->max) {
		listing->is_truncated = true;
		return false;
	}
	listing->count++;
	if (prefix.data) {
		xml_writer_open(&listing->prefixes, "CommonPrefixes");
		xml_writer_key(&listing->prefixes, "Prefix", prefix,
			listing->url_encode);
		xml_writer_close(&listing->prefixes, "CommonPrefixes");
		listing->last_key = prefix;
		listing->last_id = SLICE_NULL;
		return true;
	}
	write_upload(request, listing, upload);
	listing->last_key = upload->key;
	listing->last_id = slice_str(upload->id);
	return true;
}

/* Behind all keys that begin with it: no UTF-8 has that byte. */
static struct slice
behind_prefix(const struct request *request, struct slice prefix)
{
	return arena_concat(request->arena, prefix, SLICE("\xff"));
}

static void
begin_search(const struct request *request, const struct listing *listing,
	struct upload_search *search)
{
	struct slice marker = listing->key_marker;

	*search = (struct upload_search){
		.bucket = request->bucket.ino,
		.prefix = listing->prefix,
		.after_key = marker,
		.after_id = listing->id_marker,
		.max = PAGE,
	};
	if (listing->own_only)
		search->initiator = slice_str(request->caller.token.access_key);
	if (slice_has_prefix(marker, listing->prefix) &&
		common_prefix(listing, marker).len == marker.len &&
		marker.len > 0 && listing->id_marker.len == 0)
		search->after_key = behind_prefix(request, marker);
}

/* Behind what was listed last. */
static void
go_on(const struct request *request, const struct listing *listing,
	const struct upload_info *last, struct upload_search *search)
{
	struct slice prefix = common_prefix(listing, last->key);

	search->after_key =
		prefix.data ? behind_prefix(request, prefix) : last->key;
	search->after_id = prefix.data ? SLICE_NULL : slice_str(last->id);
}

static enum s3_error
collect(struct request *request, struct listing *listing)
{
	struct upload_search search;
	bool has_more = listing->max > 0;

	begin_search(request, listing, &search);
	for (unsigned int pages = 0; has_more && pages < PAGES_MAX; pages++) {
		struct upload_info *page;
		size_t count;
		enum store_err err = upload_list(request->store, &search,
			request->arena, &page, &count, &has_more);

		if (err)
			return reply_store_error(request, err);
		for (size_t i = 0; i < count; i++) {
			if (!add(request, listing, &page[i]))
				return S3_OK;
		}
		if (count > 0)
			go_on(request, listing, &page[count - 1], &search);
	}
	listing->is_truncated = has_more && listing->max > 0;
	return S3_OK;
}

static enum s3_error
parse(struct request *request, struct listing *listing)
{
	struct slice encoding = request_param(request, "encoding-type");
	enum s3_error error = request_param_number(request, "max-uploads",
		INT32_MAX, &listing->max);

	if (error)
		return error;
	if (encoding.len > 0 && !slice_equal_nocase(encoding, SLICE("url")))
		return error_set(&request->report, S3_INVALID_ARGUMENT,
			"Invalid Encoding Method specified in Request");
	if (listing->max > PAGE)
		listing->max = PAGE;
	listing->url_encode = encoding.len > 0;
	listing->prefix = request_param(request, "prefix");
	listing->delimiter = request_param(request, "delimiter");
	listing->key_marker = request_param(request, "key-marker");
	/* Without a key marker S3 passes over it. */
	if (listing->key_marker.len > 0)
		listing->id_marker = request_param(request, "upload-id-marker");
	listing->own_only =
		level_sees_own_uploads_only(request->caller.token.level);
	return S3_OK;
}

static void
write_listing(const struct request *request, struct buffer *to,
	const struct listing *listing)
{
	bool url = listing->url_encode;

	xml_writer_begin(to, "ListMultipartUploadsResult");
	xml_writer_text(to, "Bucket", request->bucket_name);
	xml_writer_key(to, "KeyMarker", listing->key_marker, url);
	xml_writer_text(to, "UploadIdMarker", listing->id_marker);
	xml_writer_key(to, "Prefix", listing->prefix, url);
	if (listing->delimiter.len > 0)
		xml_writer_key(to, "Delimiter", listing->delimiter, url);
	if (url)
		xml_writer_str(to, "EncodingType", "url");
	if (listing->is_truncated) {
		xml_writer_key(to, "NextKeyMarker", listing->last_key, url);
		xml_writer_text(to, "NextUploadIdMarker", listing->last_id);
	}
	xml_writer_u64(to, "MaxUploads", listing->max);
	xml_writer_bool(to, "IsTruncated", listing->is_truncated);
	buffer_append(to, buffer_slice(&listing->uploads));
	buffer_append(to, buffer_slice(&listing->prefixes));
	xml_writer_close(to, "ListMultipartUploadsResult");
}

enum s3_error
op_upload_list(struct request *request)
{
	scoped(buffer_free) struct buffer body = {0};
	struct listing listing = {.max = PAGE};
	enum s3_error error = parse(request, &listing);

	if (!error)
		error = collect(request, &listing);
	if (!error) {
		write_listing(request, &body, &listing);
		reply_xml(request, &body);
	}
	buffer_free(&listing.uploads);
	buffer_free(&listing.prefixes);
	return error;
}
