/* SPDX-License-Identifier: Apache-2.0 */
/* S3 API: DeleteObject, DeleteObjects. */
#include "s3api/body.h"
#include "s3api/iam/access.h"
#include "s3api/op/condition.h"
#include "s3api/op/key_list.h"
#include "s3api/op/lock_header.h"
#include "s3api/op/op.h"
#include "s3api/reply.h"
#include "s3api/version_id.h"
#include "s3api/xml/xml_writer.h"
#include "store/object.h"

#define BODY_MAX (2 << 20)

/* Of S3's, those for directory buckets. */
static enum s3_error
refuse_unsupported(struct request *request)
{
	static const char *const refused[] = {
		"x-amz-if-match-last-modified-time",
		"x-amz-if-match-size",
	};

	return request_refuse_headers(request, refused, array_len(refused));
}

/* What is to be gone is gone, unless it had to be there. */
static enum store_err
judge(const struct object_deletion *deletion)
{
	const struct object_condition *condition = &deletion->condition;

	if (deletion->err != STORE_NOT_FOUND || condition->must_match)
		return deletion->err;
	return condition->must_exist ? STORE_PRECONDITION : STORE_OK;
}

/* The marker that was made, or the version that is gone. */
static void
reply_deleted(struct request *request, const struct object_deletion *deletion)
{
	reply_status(request, 204);
	if (deletion->is_marker) {
		reply_marker(request, &deletion->which);
	} else if (request->version.which != VERSION_CURRENT &&
		   version_id_is_told(request->store, request->bucket.ino)) {
		request->told_version = request_param(request, "versionId");
		http_reply_header(request->response, "x-amz-version-id",
			request->told_version);
	}
	reply_empty(request, 204);
}

enum s3_error
op_delete_object(struct request *request)
{
	struct object_deletion deletion = {
		.key = request->key,
		.version = request->version,
	};
	struct inode_etag etag;
	enum s3_error error = refuse_unsupported(request);

	if (!error)
		error = condition_of_write(request, &deletion.condition, &etag);
	if (error)
		return error;
	deletion.bypasses = lock_header_bypasses(request, request->key,
		request_param(request, "versionId"));

	enum store_err err = object_delete_many(request->store,
		request->bucket.ino, &deletion, 1);

	if (!err)
		err = judge(&deletion);
	if (err)
		return reply_store_error(request, err);
	reply_deleted(request, &deletion);
	return S3_OK;
}

static void
write_entry(struct buffer *to, const struct key_list_entry *entry)
{
	const char *element = entry->refused ? "Error" : "Deleted";
	char id[VERSION_ID_LEN + 1];

	xml_writer_open(to, element);
	xml_writer_text(to, "Key", entry->key);
	if (entry->version.data)
		xml_writer_text(to, "VersionId", entry->version);
	if (entry->refused) {
		xml_writer_str(to, "Code", error_code(entry->refused));
		xml_writer_str(to, "Message", error_message(entry->refused));
	} else if (entry->is_marker) {
		version_text(&entry->marker, id);
		xml_writer_bool(to, "DeleteMarker", true);
		xml_writer_str(to, "DeleteMarkerVersionId", id);
	}
	xml_writer_close(to, element);
}

static enum s3_error
read_list(struct request *request, struct key_list *list)
{
	const struct body_options options = {.max = BODY_MAX};
	scoped(body_free) struct body body = {0};
	struct slice text;
	enum s3_error error = body_begin(&body, request->http, &request->caller,
		&options, &request->report);

	if (!error)
		error = body_read_all(&body, BODY_MAX, &text);
	if (!error && !key_list_parse(text, request->arena, list))
		error = error_set(&request->report, S3_MALFORMED_XML, NULL);
	return error;
}

static void
refuse_forbidden(struct request *request, struct key_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		struct key_list_entry *entry = &list->entries[i];

		if (!entry->refused)
			entry->refused = access_hide_missing_key(request,
				access_check_delete(request, entry->key,
					entry->version,
					entry->condition.must_match != NULL));
	}
}

/* Deletes what may be, and enters what came of it into the list. */
static enum store_err
delete_all(struct request *request, struct key_list *list)
{
	struct object_deletion *deletions = arena_new_array(request->arena,
		list->count, struct object_deletion);
	size_t count = 0;
	enum store_err err = STORE_OK;

	for (size_t i = 0; i < list->count; i++) {
		if (list->entries[i].refused)
			continue;
		deletions[count++] = (struct object_deletion){
			.key = list->entries[i].key,
			.version = list->entries[i].which,
			.condition = list->entries[i].condition,
			.bypasses = list->entries[i].version.data &&
				    lock_header_bypasses(request,
					    list->entries[i].key,
					    list->entries[i].version),
		};
	}
	if (count > 0)
		err = object_delete_many(request->store, request->bucket.ino,
			deletions, count);
	for (size_t i = list->count; i > 0 && !err; i--) {
		struct key_list_entry *entry = &list->entries[i - 1];

		if (entry->refused)
			continue;

		const struct object_deletion *deletion = &deletions[--count];

		entry->refused = access_hide_missing_key(request,
			reply_error_of_store(judge(deletion)));
		entry->is_marker = deletion->is_marker;
		entry->marker = deletion->which;
	}
	return err;
}

static void
write_result(struct buffer *to, const struct key_list *list)
{
	xml_writer_begin(to, "DeleteResult");
	for (size_t i = 0; i < list->count; i++) {
		const struct key_list_entry *entry = &list->entries[i];

		if (entry->refused || !list->is_quiet)
			write_entry(to, entry);
	}
	xml_writer_close(to, "DeleteResult");
}

enum s3_error
op_delete_objects(struct request *request)
{
	scoped(buffer_free) struct buffer body = {0};
	struct key_list *list = arena_new(request->arena, struct key_list);
	enum s3_error error = read_list(request, list);

	if (error)
		return error;

	request->keys = list;
	refuse_forbidden(request, list);

	enum store_err err = delete_all(request, list);

	if (err)
		return reply_store_error(request, err);
	write_result(&body, list);
	reply_xml(request, &body);
	return S3_OK;
}
