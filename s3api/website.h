/* SPDX-License-Identifier: Apache-2.0 */
/*
 * website.h - how a bucket is shown as a website (S3 API: PutBucketWebsite).
 *
 * The bucket's document "website".  Encoded: u8 version 1, u8 form (1: all
 * requests go elsewhere, and a redirect follows; 0: s16 index document, s16
 * error document, u16 count and so many rules).  A rule: u8 flags (1: it has a
 * condition, 2: the condition has a prefix), s16 prefix, u16 status (0: none),
 * and a redirect: u8 scheme, s16 host, u16 status (0: none), u8 what of the key
 * is replaced, s16 by what.
 *
 * Ownership: slices of what was decoded point into what it was decoded from,
 *            rules lie in the arena.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/base/arena.h"
#include "store/base/buffer.h"
#include "store/base/compiler.h"

#define WEBSITE_KIND "website"
#define WEBSITE_RULES_MAX 50

enum website_scheme {
	WEBSITE_AS_ASKED = 0, /* as the request came */
	WEBSITE_HTTP,
	WEBSITE_HTTPS,
};

enum website_replaced {
	WEBSITE_KEEPS_KEY = 0,
	WEBSITE_REPLACES_PREFIX, /* that of the condition */
	WEBSITE_REPLACES_KEY,
};

struct website_redirect {
	enum website_scheme scheme;
	struct slice host; /* empty: the request's */
	uint16_t status;   /* 0: none was given, so 301 */
	enum website_replaced replaced;
	struct slice replacement;
};

struct website_rule {
	bool has_condition;
	bool has_prefix;
	struct slice prefix;
	uint16_t error; /* a status; 0: before anything is looked for */
	struct website_redirect redirect;
};

struct website {
	bool goes_elsewhere;
	struct website_redirect elsewhere; /* then nothing else counts */
	struct slice index;
	struct slice error; /* a key; empty: none */
	struct website_rule *rules;
	size_t count;
};

void website_encode(struct buffer *to, const struct website *website);
/* False: the bytes are none. */
must_check bool website_decode(struct slice bytes, struct arena *arena,
	struct website *out);

/* The first rule for a key, where looking for it has ended with that status;
 * 0: it was not looked for yet.  NULL: none. */
const struct website_rule *website_find_rule(const struct website *website,
	struct slice key, unsigned int error);

/* What a request asked for. */
struct website_target {
	bool is_secure;
	struct slice host;
	struct slice key;
	struct slice query; /* as it came */
};

/* Where the redirect leads; rule: whose prefix is replaced, or NULL.  The rest
 * of the key is encoded; the document's own text is as it was given. */
void website_locate(struct buffer *to, const struct website_redirect *redirect,
	const struct website_rule *rule, const struct website_target *target);
unsigned int website_status(const struct website_redirect *redirect);
