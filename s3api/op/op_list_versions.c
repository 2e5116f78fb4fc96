/* SPDX-License-Identifier: Apache-2.0 */
/* S3 API: ListObjectVersions. */
#include "s3api/op/listing.h"
#include "s3api/op/op.h"
#include "s3api/reply.h"
#include "s3api/version_id.h"
#include "s3api/xml/xml_writer.h"
#include "store/list_versions.h"

#define ROOT "ListVersionsResult"
#define KEY_MARKER "key-marker"
#define VERSION_MARKER "version-id-marker"

static enum s3_error
parse_version_marker(struct request *request, struct version_ref *out)
{
	struct slice version = request_param(request, VERSION_MARKER);

	*out = (struct version_ref){.which = VERSION_CURRENT};
	if (!version.data)
		return S3_OK;
	if (!request_has_param(request, KEY_MARKER))
		return request_refuse_argument(request,
			"A version-id marker cannot be specified without a key "
			"marker.",
			VERSION_MARKER, version);
	if (version.len == 0)
		return request_refuse_argument(request,
			"A version-id marker cannot be empty.", VERSION_MARKER,
			version);
	if (!version_id_parse(version, out))
		return request_refuse_argument(request,
			"Invalid version id specified", VERSION_MARKER,
			version);
	return S3_OK;
}

static enum s3_error
read_page(struct request *request, const struct listing *listing,
	struct list_versions_page *page)
{
	struct list_versions_request wanted = {
		.bucket = request->bucket.ino,
		.prefix = listing->prefix,
		.delimiter = listing->delimiter,
		.after = request_param(request, KEY_MARKER),
		.max = listing->max,
	};
	enum s3_error error =
		parse_version_marker(request, &wanted.after_version);

	/* A page of nothing is complete, wherever it starts. */
	if (error || wanted.max == 0)
		return error;

	enum store_err err = list_versions_read(request->store, &wanted,
		request->arena, page);

	return err ? reply_store_error(request, err) : S3_OK;
}

static void
write_version(const struct request *request, struct buffer *to,
	const struct listing *listing, const struct list_versions_entry *entry)
{
	const char *element = entry->is_marker ? "DeleteMarker" : "Version";
	char id[VERSION_ID_LEN + 1];

	version_text(&entry->version, id);
	xml_writer_open(to, element);
	xml_writer_key(to, "Key", entry->key, listing->url_encode);
	xml_writer_str(to, "VersionId", id);
	xml_writer_bool(to, "IsLatest", entry->is_current);
	if (entry->is_marker) {
		xml_writer_time(to, "LastModified", entry->inode.mtime_ns);
		xml_writer_person(to, "Owner",
			slice_str(request->bucket.owner));
	} else {
		listing_write_object(request, to, &entry->inode, true);
	}
	xml_writer_close(to, element);
}

static void
write_next(struct buffer *to, const struct listing *listing,
	const struct list_versions_entry *last)
{
	char id[VERSION_ID_LEN + 1];

	xml_writer_key(to, "NextKeyMarker", last->key, listing->url_encode);
	if (last->is_prefix)
		return;
	version_text(&last->version, id);
	xml_writer_str(to, "NextVersionIdMarker", id);
}

enum s3_error
op_list_versions(struct request *request)
{
	scoped(buffer_free) struct buffer body = {0};
	struct list_versions_page page = {0};
	struct listing listing;
	enum s3_error error = listing_parse(request, &listing);

	if (!error)
		error = read_page(request, &listing, &page);
	if (error)
		return error;
	listing_write_head(request, &body, &listing, ROOT, page.is_truncated);
	xml_writer_key(&body, "KeyMarker", request_param(request, KEY_MARKER),
		listing.url_encode);
	xml_writer_text(&body, "VersionIdMarker",
		request_param(request, VERSION_MARKER));
	if (page.is_truncated)
		write_next(&body, &listing, &page.entries[page.count - 1]);
	for (size_t i = 0; i < page.count; i++) {
		if (page.entries[i].is_prefix)
			listing_write_prefix(&body, &listing,
				page.entries[i].key);
		else
			write_version(request, &body, &listing,
				&page.entries[i]);
	}
	xml_writer_close(&body, ROOT);
	reply_xml(request, &body);
	return S3_OK;
}
