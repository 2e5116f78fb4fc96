/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tag_set.h - tags of objects and buckets, from x-amz-tagging and from the XML
 * of PutObjectTagging and PutBucketTagging (S3 API: Object tagging).
 *
 * Encoded they are attributes of kind TAG (store/base/inode.h), in the order of
 * their keys; a bucket's are such a list as a document.
 */
#pragma once

#include "s3api/request.h"
#include "s3api/xml/xml_reader.h"
#include "store/base/buffer.h"

/* The document of a bucket. */
#define TAG_SET_KIND "tagging"

#define TAG_SET_OBJECT_MAX 10
#define TAG_SET_BUCKET_MAX 50

/*
 * A <Tagging> document, encoded, in the request's arena.  MALFORMED_XML;
 * INVALID_TAG: too many, a key twice, too long, or of other characters.
 */
must_check enum s3_error tag_set_parse_xml(struct request *request,
	struct slice text, size_t max, struct slice *out);

/* The same of an element that holds <Tag>s: <TagSet>, or CreateBucket's
 * <Tags>. */
must_check enum s3_error tag_set_parse_node(struct request *request,
	const struct xml_node *set, size_t max, struct slice *out);
/* The same of the <Tag>s among others, from `first` (NULL: none) on. */
must_check enum s3_error tag_set_parse_elements(struct request *request,
	const struct xml_node *first, size_t max, struct slice *out);

/*
 * The header x-amz-tagging, "a=1&b=2"; SLICE_NULL where there is none.
 * INVALID_ARGUMENT: it is not of that form, or has a key twice; INVALID_TAG.
 */
must_check enum s3_error tag_set_parse_header(struct request *request,
	struct slice *out);

/* How many of the attributes are tags. */
size_t tag_set_count(struct slice attrs);

/* <Tagging> with the tags among the attributes. */
void tag_set_write(struct buffer *to, struct slice attrs);
