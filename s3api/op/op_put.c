/* SPDX-License-Identifier: Apache-2.0 */
/* S3 API: PutObject. */
#include "s3api/op/op_put.h"
#include "s3api/body.h"
#include "s3api/op/attrs.h"
#include "s3api/op/condition.h"
#include "s3api/op/expiration.h"
#include "s3api/op/op.h"
#include "s3api/op/pump.h"
#include "s3api/reply.h"
#include "s3api/sse_c.h"
#include "store/object.h"
#include "store/usage.h"

#define PUT_MAX (5ull << 30)
#define ROOM_CHECKED_FROM (1ull << 20)

static enum store_err
write_piece(void *put, struct slice piece)
{
	return object_put_write(put, piece);
}

struct put {
	struct request *request;
	const struct op_put_source *source;
	struct sse_c *sse_c;
	struct body body;
	struct object_attrs attrs;
	struct object_condition condition;
	struct inode_etag condition_etag; /* where the condition names one */
};

/* Everything that can be refused before the body is read. */
static enum s3_error
prepare(struct put *put)
{
	struct request *request = put->request;
	const struct op_put_source *source = put->source;
	struct body_options options = {
		.wants_length = !source->form,
		.default_kind = CHECKSUM_DEFAULT,
		.max = source->max < PUT_MAX ? source->max : PUT_MAX,
		.takes_nothing = source->max == 0,
		.form = source->form,
	};
	enum s3_error error = sse_c_parse_stored(request, put->sse_c);

	/* What is sealed has an ETag that tells nothing. */
	options.wants_md5 = !put->sse_c->is_given;
	if (!error)
		error = attrs_refuse_unsupported(request);
	if (!error)
		error = condition_of_write(request, &put->condition,
			&put->condition_etag);
	if (!error)
		error = attrs_parse(request, true, &put->attrs.attrs);
	if (!error)
		error = body_begin(&put->body, request->http, &request->caller,
			&options, &request->report);
	return error;
}

/* Better said before a large body than after it, when the commit says so;
 * what is replaced, and not kept, counts in favour. */
static enum store_err
check_room(struct request *request, uint64_t length)
{
	struct object there;
	enum store_err err;

	if (length < ROOM_CHECKED_FROM)
		return STORE_OK;
	err = usage_check_room(request->store, request->bucket.ino, length);
	if (err != STORE_QUOTA ||
		object_head(request->store, request->bucket.ino, request->key,
			request->arena, &there))
		return err;
	if (there.versioning == VERSIONING_ENABLED ||
		(there.versioning == VERSIONING_SUSPENDED &&
			!version_is_null(&there.version)))
		return err;
	if (length <= there.inode.size)
		return STORE_OK;
	return usage_check_room(request->store, request->bucket.ino,
		length - there.inode.size);
}

static enum s3_error
receive(struct put *put, struct object *object)
{
	scoped(object_put_abort) struct object_put *stored = NULL;
	struct request *request = put->request;
	struct body *body = &put->body;
	enum store_err err = check_room(request, body->length);

	if (!err)
		err = object_put_begin(request->store, body->length, &stored);
	if (err)
		return reply_store_error(request, err);
	if (put->sse_c->is_given)
		object_put_seal(stored, put->sse_c->key);

	enum s3_error error = pump_body(request, body, write_piece, stored);

	if (error)
		return error;
	if (body->got < put->source->min)
		return error_set(&request->report, S3_ENTITY_TOO_SMALL, NULL);
	memcpy(put->attrs.etag.value, body->md5, sizeof(body->md5));
	attrs_set_checksum(&put->attrs, &body->checksum);
	err = object_put_commit(&stored, request->bucket.ino, request->key,
		&put->attrs, &put->condition, object);
	return err ? reply_store_error(request, err) : S3_OK;
}

static void
put_end(struct put *put)
{
	body_free(&put->body);
}

enum s3_error
op_put_store(struct request *request, const struct op_put_source *source,
	struct sse_c *sse_c, struct object *object, struct checksum *checksum)
{
	scoped(put_end) struct put put = {
		.request = request,
		.source = source,
		.sse_c = sse_c,
	};
	enum s3_error error = prepare(&put);

	if (!error)
		error = receive(&put, object);
	*checksum = put.body.checksum;
	if (!error)
		request->object_size = object->inode.size;
	return error;
}

enum s3_error
op_put_object(struct request *request)
{
	const struct op_put_source source = {.max = UINT64_MAX};
	scoped(sse_c_wipe) struct sse_c sse_c = {0};
	struct checksum checksum;
	struct object object;
	enum s3_error error =
		op_put_store(request, &source, &sse_c, &object, &checksum);

	if (error)
		return error;
	reply_status(request, 200);
	reply_etag(request, &object.inode.etag);
	reply_version(request, &object);
	attrs_reply_checksum(request, &checksum);
	expiration_reply_new(request);
	sse_c_reply(request, &sse_c);
	reply_empty(request, 200);
	return S3_OK;
}
