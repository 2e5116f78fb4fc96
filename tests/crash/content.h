/* SPDX-License-Identifier: Apache-2.0 */
/*
 * content.h - what the recorded workload promises, and how bytes tell which
 * version of what they are.
 *
 * A thing is an object's key, or "key#n" for the n-th 512 bytes of a file that
 * is written in place.  A version is a number that is used once; 0 says that
 * the thing is not there.  Between CONTENT_BEGUN and CONTENT_DONE a thing may
 * be of this version or of any begun since the last that was done.
 */
#pragma once

#include <stdint.h>
#include <string.h>

#define CONTENT_SECTOR 512
#define CONTENT_KEY_MAX 47
#define CONTENT_BUCKET "bucket"
/* One that keeps versions.  "KEY~" is the newest one of KEY that is not the
 * current one, nor a marker. */
#define CONTENT_KEPT_BUCKET "kept"
#define CONTENT_OLDER "~"
/* One that begins to keep versions, and stops it, all the time: of it the
 * current ones are promised. */
#define CONTENT_FICKLE_BUCKET "fickle"
/* Of the two directories of a thread one is there, under either name. */
#define CONTENT_TWIN_A "/d0/x"
#define CONTENT_TWIN_B "/d1/x"

enum content_what {
	CONTENT_BEGUN = 1,
	CONTENT_DONE,
};

struct content_note {
	uint64_t version;
	uint32_t what;
	char key[CONTENT_KEY_MAX + 1];
};

static inline uint64_t
content_word(uint64_t version, uint64_t index)
{
	uint64_t x = version * 0x9e3779b97f4a7c15u + index;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	return index ? x ^ x >> 27 : version;
}

/* Of an object of that version: 0, or a multiple of 8. */
static inline uint64_t
content_size(uint64_t version)
{
	uint64_t h = content_word(version, UINT64_MAX);

	if (h % 16 == 0)
		return 0;
	return 8 + h / 16 % (h % 16 == 1 ? 100000 : 9000) / 8 * 8;
}

static inline void
content_fill(uint64_t version, void *to, uint64_t len)
{
	for (uint64_t at = 0; at < len; at += 8) {
		uint64_t word = content_word(version, at / 8);

		memcpy((char *)to + at, &word, 8);
	}
}

static inline int
content_is(uint64_t version, const void *bytes, uint64_t len)
{
	uint64_t found;

	for (uint64_t at = 0; at < len; at += 8) {
		memcpy(&found, (const char *)bytes + at, 8);
		if (found != content_word(version, at / 8))
			return 0;
	}
	return 1;
}
