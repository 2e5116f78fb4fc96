/* SPDX-License-Identifier: Apache-2.0 */
/*
 * S3 API: ListObjects, ListObjectsV2.  A continuation token is the last key or
 * common prefix of the page before, percent-encoded behind a letter: what a
 * client sends back need not be trusted, since it only says where to go on.
 */
#include "s3api/op/listing.h"
#include "s3api/op/op.h"
#include "s3api/reply.h"
#include "s3api/xml/xml_writer.h"
#include "store/base/text.h"
#include "store/list.h"

#define ROOT "ListBucketResult"
#define TOKEN_PREFIX "1"

/* A page of objects. */
struct objects {
	struct listing listing;
	struct slice after;
	bool with_owner;
	struct list_page page;
};

static enum s3_error
read_page(struct request *request, struct objects *objects)
{
	const struct list_request wanted = {
		.bucket = request->bucket.ino,
		.prefix = objects->listing.prefix,
		.delimiter = objects->listing.delimiter,
		.after = objects->after,
		.max = objects->listing.max,
	};
	enum store_err err = STORE_OK;

	/* A page of nothing is complete, wherever it starts. */
	if (wanted.max > 0)
		err = list_read(request->store, &wanted, request->arena,
			&objects->page);
	return err ? reply_store_error(request, err) : S3_OK;
}

static void
write_entries(const struct request *request, struct buffer *to,
	const struct objects *objects)
{
	const struct list_page *page = &objects->page;

	for (size_t i = 0; i < page->count; i++) {
		const struct list_entry *entry = &page->entries[i];

		if (entry->is_prefix) {
			listing_write_prefix(to, &objects->listing, entry->key);
			continue;
		}
		xml_writer_open(to, "Contents");
		xml_writer_key(to, "Key", entry->key,
			objects->listing.url_encode);
		listing_write_object(request, to, &entry->inode,
			objects->with_owner);
		xml_writer_close(to, "Contents");
	}
}

static void
write_head(const struct request *request, struct buffer *to,
	const struct objects *objects)
{
	listing_write_head(request, to, &objects->listing, ROOT,
		objects->page.is_truncated);
}

/* The entries, and the end. */
static void
reply_listing(struct request *request, struct buffer *body,
	const struct objects *objects)
{
	write_entries(request, body, objects);
	xml_writer_close(body, ROOT);
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
	struct objects objects = {.with_owner = true};
	struct slice marker = request_param(request, "marker");
	enum s3_error error = listing_parse(request, &objects.listing);

	objects.after = marker;
	if (!error)
		error = read_page(request, &objects);
	if (error)
		return error;
	write_head(request, &body, &objects);
	xml_writer_key(&body, "Marker", marker, objects.listing.url_encode);
	/* S3 gives NextMarker with a delimiter alone; all clients bear it
	 * always, and some need it. */
	if (objects.page.is_truncated)
		xml_writer_key(&body, "NextMarker",
			last_entry(&objects.page)->key,
			objects.listing.url_encode);
	reply_listing(request, &body, &objects);
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
parse_v2(struct request *request, struct objects *objects)
{
	struct slice token = request_param(request, "continuation-token");
	enum s3_error error = listing_parse(request, &objects->listing);

	if (error)
		return error;
	if (!slice_equal(request_param(request, "list-type"), SLICE("2")))
		return error_set(&request->report, S3_INVALID_ARGUMENT,
			"Invalid List Type specified in Request");
	objects->with_owner =
		slice_equal_nocase(request_param(request, "fetch-owner"),
			SLICE("true"));
	objects->after = request_param(request, "start-after");
	if (!token.data)
		return S3_OK;
	if (token.len == 0)
		return error_set(&request->report, S3_INVALID_ARGUMENT,
			"The continuation token provided is incorrect");
	return parse_token(request, token, &objects->after);
}

enum s3_error
op_list_v2(struct request *request)
{
	scoped(buffer_free) struct buffer body = {0};
	struct objects objects = {0};
	struct slice token = request_param(request, "continuation-token");
	struct slice start = request_param(request, "start-after");
	enum s3_error error = parse_v2(request, &objects);

	if (!error)
		error = read_page(request, &objects);
	if (error)
		return error;
	write_head(request, &body, &objects);
	xml_writer_u64(&body, "KeyCount", objects.page.count);
	if (token.data)
		xml_writer_text(&body, "ContinuationToken", token);
	if (start.len > 0)
		xml_writer_key(&body, "StartAfter", start,
			objects.listing.url_encode);
	if (objects.page.is_truncated)
		write_token(&body, last_entry(&objects.page)->key);
	reply_listing(request, &body, &objects);
	return S3_OK;
}
