/* SPDX-License-Identifier: Apache-2.0 */
/* S3 API: DeleteObject, DeleteObjects. */
#include "s3api/body.h"
#include "s3api/op/condition.h"
#include "s3api/op/op.h"
#include "s3api/reply.h"
#include "s3api/xml/xml_reader.h"
#include "s3api/xml/xml_writer.h"
#include "store/object.h"
#include "store/tree.h"

#define KEYS_MAX 1000
#define BODY_MAX (2 << 20)

enum s3_error
op_delete_object(struct request *request)
{
	struct object_condition condition;
	struct inode_etag etag;
	enum s3_error error = condition_of_write(request, &condition, &etag);

	if (error)
		return error;

	enum store_err err = object_delete(request->store, request->bucket.ino,
		request->key, &condition);

	/* What is to be gone is gone, unless it had to be there. */
	if (err == STORE_NOT_FOUND && !condition.must_match)
		err = STORE_OK;
	if (err)
		return reply_store_error(request, err);
	reply_empty(request, 204);
	return S3_OK;
}

struct deletion {
	struct slice *keys; /* those that the engine is asked to delete */
	enum store_err *errs;
	size_t count;
	bool is_quiet;
	struct buffer refused; /* <Error> elements of the others */
};

static void
write_error(struct buffer *to, struct slice key, enum s3_error error)
{
	xml_writer_open(to, "Error");
	xml_writer_text(to, "Key", key);
	xml_writer_str(to, "Code", error_code(error));
	xml_writer_str(to, "Message", error_message(error));
	xml_writer_close(to, "Error");
}

/* Keys that could not be an object's. */
static enum s3_error
check_key(struct slice key)
{
	if (key.len > TREE_KEY_MAX)
		return S3_KEY_TOO_LONG;
	if (key.len == 0 || !slice_is_utf8(key))
		return S3_INVALID_ARGUMENT;
	return S3_OK;
}

static enum s3_error
parse_object(struct request *request, const struct xml_node *node,
	struct deletion *deletion)
{
	struct slice key = xml_reader_child_text(node, "Key", request->arena);
	enum s3_error error = check_key(key);

	if (!key.data)
		return S3_MALFORMED_XML;
	if (xml_reader_child(node, "VersionId") ||
		xml_reader_child(node, "ETag"))
		error = S3_NOT_IMPLEMENTED;
	if (error)
		write_error(&deletion->refused, key, error);
	else
		deletion->keys[deletion->count++] = key;
	return S3_OK;
}

static enum s3_error
parse(struct request *request, const struct xml_reader *reader,
	struct deletion *deletion)
{
	const struct xml_node *root = xml_reader_root(reader);
	const struct xml_node *node = xml_reader_child(root, "Object");
	struct slice quiet =
		xml_reader_child_text(root, "Quiet", request->arena);
	size_t seen = 0;

	deletion->is_quiet =
		slice_equal_nocase(slice_trim(quiet), SLICE("true"));
	deletion->keys =
		arena_new_array(request->arena, KEYS_MAX, struct slice);
	deletion->errs =
		arena_new_array(request->arena, KEYS_MAX, enum store_err);
	if (!node)
		return S3_MALFORMED_XML;
	for (; node; node = xml_reader_next(node, "Object")) {
		enum s3_error error = S3_MALFORMED_XML;

		if (seen++ < KEYS_MAX)
			error = parse_object(request, node, deletion);
		if (error)
			return error;
	}
	return S3_OK;
}

static enum s3_error
read_deletion(struct request *request, struct deletion *deletion)
{
	const struct body_options options = {.max = BODY_MAX};
	scoped(body_free) struct body body = {0};
	scoped(xml_reader_close) struct xml_reader *reader = NULL;
	struct slice text;
	enum s3_error error = body_begin(&body, request->http, &request->caller,
		&options, &request->report);

	if (!error)
		error = body_read_all(&body, BODY_MAX, &text);
	if (error)
		return error;
	if (!xml_reader_open(text, "Delete", &reader))
		return error_set(&request->report, S3_MALFORMED_XML, NULL);
	error = parse(request, reader, deletion);
	return error ? error_set(&request->report, error, NULL) : S3_OK;
}

static void
write_result(struct buffer *to, const struct deletion *deletion)
{
	xml_writer_begin(to, "DeleteResult");
	for (size_t i = 0; i < deletion->count; i++) {
		enum store_err err = deletion->errs[i];

		if (err && err != STORE_NOT_FOUND) {
			write_error(to, deletion->keys[i],
				reply_error_of_store(err));
			continue;
		}
		if (deletion->is_quiet)
			continue;
		xml_writer_open(to, "Deleted");
		xml_writer_text(to, "Key", deletion->keys[i]);
		xml_writer_close(to, "Deleted");
	}
	buffer_append(to, buffer_slice(&deletion->refused));
	xml_writer_close(to, "DeleteResult");
}

static enum s3_error
delete_all(struct request *request, struct deletion *deletion)
{
	scoped(buffer_free) struct buffer body = {0};
	enum store_err err = STORE_OK;

	if (deletion->count > 0)
		err = object_delete_many(request->store, request->bucket.ino,
			deletion->keys, deletion->count, deletion->errs);
	if (err)
		return reply_store_error(request, err);
	write_result(&body, deletion);
	reply_xml(request, &body);
	return S3_OK;
}

enum s3_error
op_delete_objects(struct request *request)
{
	struct deletion deletion = {0};
	enum s3_error error = read_deletion(request, &deletion);

	if (!error)
		error = delete_all(request, &deletion);
	buffer_free(&deletion.refused);
	return error;
}
