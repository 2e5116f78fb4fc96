/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record_private.h - what the codecs of the records share: record_NAME.c has
 * that of struct record_NAME, both directions of each layout side by side.
 */
#pragma once

#include "store/base/codec.h"
#include "store/meta/record.h"

/* Of a record that has had one layout; the newest of those that have had more,
 * as record_is_newer() knows them. */
#define RECORD_VERSION 1
#define RECORD_VERSION_BLOB 2	/* 1: files alone, and none of the flags */
#define RECORD_VERSION_DAY 3	/* in the same table as usage, after its own */
#define RECORD_VERSION_DENTRY 2 /* 1: without a version of the object */
#define RECORD_VERSION_INODE 5	/* 1 to 4: with less, record_inode.c */
#define RECORD_VERSION_PART 2	/* 1: no recent kind of checksum */
#define RECORD_VERSION_SAMPLE 2 /* 1: without tiers */
#define RECORD_VERSION_TOKEN 3	/* 1, 2: not granted by a document */
#define RECORD_VERSION_UPLOAD 2 /* 1: as of a part, and fewer attributes */
#define RECORD_VERSION_USAGE 2	/* 1: without parts and organization */
#define RECORD_VERSION_VERSIONS 2 /* 1: of a bucket without Object Lock */

/* A decoder past the version; it is bad if that is not RECORD_VERSION. */
struct decoder record_begin(struct slice bytes);

/* The same of a record that has had several layouts, up to `newest`. */
struct decoder record_begin_since(struct slice bytes, uint8_t newest,
	uint8_t *version);

/* CORRUPT unless all is decoded, nothing is left and `is_sound`. */
must_check enum store_err record_finish(const struct decoder *decoder,
	bool is_sound);

/* Bad where it is neither 0 nor 1. */
bool record_decode_bool(struct decoder *decoder);

/* `to` stays as it is where there are fewer than `len` bytes. */
void record_decode_array(struct decoder *decoder, uint8_t *to, size_t len);

/* Whether it is 0 (none) or an enum digest_kind; whether its digests have that
 * length. */
bool record_is_checksum_kind(uint8_t kind);
bool record_is_checksum_sound(uint8_t kind, size_t len);
