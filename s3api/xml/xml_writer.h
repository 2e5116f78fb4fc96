/* SPDX-License-Identifier: Apache-2.0 */
/*
 * xml_writer.h - XML bodies of replies.
 *
 * Text is escaped; what XML 1.0 cannot carry (control characters in a key) is
 * sent as a character reference, as S3 does: clients that list such keys ask
 * for encoding-type=url.  Bytes that are no UTF-8 become U+FFFD.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "store/base/buffer.h"
#include "store/base/inode.h"
#include "store/base/slice.h"

#define XML_WRITER_NAMESPACE "http://s3.amazonaws.com/doc/2006-03-01/"

/* The declaration and the root element with S3's namespace. */
void xml_writer_begin(struct buffer *to, const char *root);
/* The same without a namespace: <Error>. */
void xml_writer_begin_plain(struct buffer *to, const char *root);

void xml_writer_open(struct buffer *to, const char *name);
/* With xsi:type="TYPE". */
void xml_writer_open_type(struct buffer *to, const char *name,
	const char *type);
void xml_writer_close(struct buffer *to, const char *name);

/* True where XML 1.0 can carry it: UTF-8 without control characters. */
bool xml_writer_is_text(struct slice text);

void xml_writer_text(struct buffer *to, const char *name, struct slice text);
void xml_writer_str(struct buffer *to, const char *name, const char *text);
void xml_writer_u64(struct buffer *to, const char *name, uint64_t number);
void xml_writer_bool(struct buffer *to, const char *name, bool value);
/* "2026-11-21T20:18:00.000Z" */
void xml_writer_time(struct buffer *to, const char *name, int64_t time_ns);
/* A key, percent-encoded where the client asked for it. */
void xml_writer_key(struct buffer *to, const char *name, struct slice key,
	bool url_encode);

/* <Owner> and <Initiator>: ID and DisplayName are one. */
void xml_writer_person(struct buffer *to, const char *name, struct slice id);

/* <ETag>, with its quotation marks. */
void xml_writer_etag(struct buffer *to, const struct inode_etag *etag);
