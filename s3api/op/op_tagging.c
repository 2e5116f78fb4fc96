/* SPDX-License-Identifier: Apache-2.0 */
/*
 * S3 API: GetObjectTagging.  Nothing sets tags yet, so that what it tells is
 * that there are none: aws asks before it copies a large object.
 */
#include "s3api/op/op.h"
#include "s3api/reply.h"
#include "s3api/xml/xml_writer.h"
#include "store/object.h"

enum s3_error
op_tagging_get(struct request *request)
{
	scoped(buffer_free) struct buffer body = {0};
	struct object object;
	struct inode_attr attr;
	enum store_err err = object_head(request->store, request->bucket.ino,
		request->key, request->arena, &object);

	if (err)
		return reply_store_error(request, err);

	struct slice rest = object.inode.attrs;

	xml_writer_begin(&body, "Tagging");
	xml_writer_open(&body, "TagSet");
	while (inode_attr_next(&rest, &attr)) {
		if (attr.kind != INODE_ATTR_TAG)
			continue;
		xml_writer_open(&body, "Tag");
		xml_writer_text(&body, "Key", attr.name);
		xml_writer_text(&body, "Value", attr.value);
		xml_writer_close(&body, "Tag");
	}
	xml_writer_close(&body, "TagSet");
	xml_writer_close(&body, "Tagging");
	reply_xml(request, &body);
	return S3_OK;
}
