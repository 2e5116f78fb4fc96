/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cors.h - which pages of other origins may read a bucket's replies (Fetch
 * standard, CORS protocol; S3 API: PutBucketCors).
 *
 * The rules are the bucket's document "cors".  Encoded: u8 version 1, u16
 * count; of each rule s16 id, u8 1 where an age is given, u32 age, and four
 * lists of u16 count and s16 texts: origins, methods, headers, exposed headers.
 *
 * Ownership: slices of decoded rules point into what they were decoded from,
 *            lists lie in the arena.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/base/arena.h"
#include "store/base/buffer.h"
#include "store/base/compiler.h"

struct request;

#define CORS_KIND "cors"
#define CORS_RULES_MAX 100

struct cors_list {
	struct slice *items;
	size_t count;
};

struct cors_rule {
	struct slice id;
	bool has_max_age;
	uint32_t max_age_s;
	struct cors_list origins; /* one * at most, as in headers */
	struct cors_list methods;
	struct cors_list headers; /* compare without case */
	struct cors_list exposed;
};

struct cors_rules {
	struct cors_rule *rules;
	size_t count;
};

void cors_encode(struct buffer *to, const struct cors_rules *rules);
/* False: the bytes are no such rules. */
must_check bool cors_decode(struct slice bytes, struct arena *arena,
	struct cors_rules *out);

/* What a page asks: its origin, a method, and headers with commas between. */
struct cors_question {
	struct slice origin;
	struct slice method;
	struct slice headers;
};

/* The first rule that fits; NULL: none.  *any_origin: it is for all. */
const struct cors_rule *cors_find(const struct cors_rules *rules,
	const struct cors_question *question, bool *any_origin);

/* The rules of the bucket that the request names; none where they cannot be
 * read. */
struct cors_rules cors_read(struct request *request);

/* The headers of a reply that a rule gives. */
void cors_reply_rule(struct request *request, const struct cors_rule *rule,
	struct slice origin, bool any_origin);

/* Adds to a reply that has begun what its bucket lets the page see. */
void cors_reply(struct request *request);
