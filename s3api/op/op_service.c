/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/op/op.h"
#include "s3api/reply.h"
#include "s3api/xml/xml_writer.h"
#include "store/bucket.h"

#define PAGE 1000
#define BUCKETS_MAX 10000

static void
write_bucket(struct buffer *to, const struct bucket *bucket)
{
	xml_writer_open(to, "Bucket");
	xml_writer_str(to, "Name", bucket->name);
	xml_writer_time(to, "CreationDate", bucket->created_ns);
	xml_writer_str(to, "BucketRegion", bucket->region);
	xml_writer_close(to, "Bucket");
}

struct listing {
	struct slice owner;
	struct slice prefix;
	struct slice region; /* empty: any */
	struct slice after;
	unsigned long max;
	unsigned long written;
	bool is_truncated;
};

static bool
is_wanted(const struct listing *listing, const struct bucket *bucket)
{
	return slice_equal(slice_str(bucket->owner), listing->owner) &&
	       slice_has_prefix(slice_str(bucket->name), listing->prefix) &&
	       (listing->region.len == 0 ||
		       slice_equal(listing->region, slice_str(bucket->region)));
}

/* Writes what of the page belongs there; false where the listing is full. */
static bool
write_page(struct buffer *to, struct listing *listing,
	const struct bucket *page, size_t count, struct arena *arena)
{
	for (size_t i = 0; i < count; i++) {
		struct slice name = slice_str(page[i].name);

		if (is_wanted(listing, &page[i])) {
			if (listing->written == listing->max) {
				listing->is_truncated = true;
				return false;
			}
			write_bucket(to, &page[i]);
			listing->written++;
		}
		listing->after = arena_copy(arena, name);
	}
	return count == PAGE;
}

static enum s3_error
write_buckets(struct request *request, struct buffer *to,
	struct listing *listing)
{
	struct bucket *page =
		arena_new_array(request->arena, PAGE, struct bucket);
	size_t count;

	do {
		enum store_err err = bucket_list(request->store, listing->after,
			page, PAGE, &count);

		if (err)
			return reply_store_error(request, err);
	} while (write_page(to, listing, page, count, request->arena));
	return S3_OK;
}

enum s3_error
op_service_list_buckets(struct request *request)
{
	scoped(buffer_free) struct buffer body = {0};
	struct listing listing = {
		.owner = slice_str(request->caller.token.organization),
		.prefix = request_param(request, "prefix"),
		.region = request_param(request, "bucket-region"),
		.after = request_param(request, "continuation-token"),
		.max = BUCKETS_MAX,
	};
	enum s3_error error = request_param_number(request, "max-buckets",
		BUCKETS_MAX, &listing.max);

	if (error)
		return error;
	if (listing.max == 0)
		return error_set(&request->report, S3_INVALID_ARGUMENT,
			"max-buckets must be between 1 and 10000");
	xml_writer_begin(&body, "ListAllMyBucketsResult");
	xml_writer_person(&body, "Owner",
		slice_str(request->caller.token.organization));
	xml_writer_open(&body, "Buckets");
	error = write_buckets(request, &body, &listing);
	if (error)
		return error;
	xml_writer_close(&body, "Buckets");
	if (listing.prefix.len > 0)
		xml_writer_text(&body, "Prefix", listing.prefix);
	if (listing.is_truncated)
		xml_writer_text(&body, "ContinuationToken", listing.after);
	xml_writer_close(&body, "ListAllMyBucketsResult");
	reply_xml(request, &body);
	return S3_OK;
}
